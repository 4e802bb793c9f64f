"""The workflow as a module of another one, in another folder, with a config and a prefix of its own."""

import csv

from running import REPOSITORY, plan, succeed

SNAKEFILE = f"""
configfile: "study.yaml"


module statmap:
    snakefile:
        "{REPOSITORY}/Snakefile"
    config:
        config
    prefix:
        "thresholds"


use rule * from statmap as statmap_*


rule count:
    default_target: True
    input:
        "thresholds/results/summary.csv",
        "thresholds/results/motor/v3/regions.png",
        "thresholds/results/motor/map.html",
    output:
        "rows.txt",
    shell:
        "wc -l < {{input[0]}} > {{output}}"
"""


def test_a_dry_run_and_a_real_run_from_another_workflow(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE, encoding="utf-8")
    (tmp_path / "study.yaml").write_text("variants: {v3: {threshold: 3.0}}\n", encoding="utf-8")
    planned = plan(tmp_path, repository=tmp_path)
    assert planned.pop("count") == 1 and set(planned.values()) == {1}
    assert {name.removeprefix("statmap_") for name in planned} >= {"fetch_map", "threshold_map", "extract_regions"}
    succeed(tmp_path, repository=tmp_path)
    assert (tmp_path / "rows.txt").read_text(encoding="utf-8").strip() == "2"
    with open(tmp_path / "thresholds/results/motor/v3/regions.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 4 and {row["sign"] for row in rows} == {"positive", "negative"}, "defaults, not the example's"
    assert not (tmp_path / "results").exists() and plan(tmp_path, repository=tmp_path) == {}
