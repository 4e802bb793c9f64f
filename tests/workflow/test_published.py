"""Published tables against their map, from the config to the answer."""

import csv
import json

import pytest
import yaml
from running import REPOSITORY, once, plan, rows_of, run_snakemake, succeed, write_sheet

FOLDER = "results/motor/published"
# AtlasReader's clusters of the embedded map: |z| >= 3, signs apart, 6 neighbours, more than 5 voxels (BSD-3).
ATLASREADER = """cluster_id,peak_x,peak_y,peak_z,cluster_mean,volume_mm
1,42,-25,55,5.71861,60399
2,-36,-25,55,-5.92288,19386
3,-15,-52,-26,5.28665,10260
4,18,-55,-23,-4.93921,8964
5,-36,-19,19,-4.30705,1215
6,-6,-19,49,-3.76954,1215
7,-30,-10,-2,-3.67586,378
8,-15,-55,16,-3.21501,351
9,-66,-25,31,3.10147,351
10,-21,41,46,-3.18072,162
"""


@pytest.fixture(scope="session")
def checked(tmp_path_factory):
    """The example of the README and AtlasReader's table, one of its rows altered in another copy."""
    return once(tmp_path_factory, "published", run_checks)


def config(folder, **tables):
    entries = {name: {"map": "motor", "table": str(folder / f"{name}.csv")} for name in tables}
    return yaml.safe_load((REPOSITORY / "config/example.yaml").read_text(encoding="utf-8")) | {"published": entries}


def run_checks(folder):
    for name, text in (("atlasreader", ATLASREADER), ("altered", ATLASREADER.replace("8964", "8991"))):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    asked = config(folder, atlasreader=1, altered=1)
    asked["published"]["clusters"] = {"map": "motor", "table": "config/published_table.csv"}
    pages = [f"{FOLDER}/{name}/check.html" for name in asked["published"]]
    assert "Traceback" not in succeed(folder, *pages, config=asked)


def settings_of(folder, name):
    return rows_of(folder / f"{FOLDER}/{name}/settings.csv")


def test_a_table_of_nilearn_follows_from_its_cutoff(checked):
    best = settings_of(checked, "clusters")[0]
    assert (best["connectivity"], best["threshold"], best["changed"]) == ("6", "3.1", "")
    assert float(best["cutoff_low"]) < 3.1 <= float(best["cutoff_high"]) and best["rows"] == best["rows_exact"] == "11"
    assert int(best["extent_low"]) < 20 <= int(best["extent_high"])
    assert {row["verdict"] for row in rows_of(checked / f"{FOLDER}/clusters/rows.csv")} == {"exact"}
    page = (checked / f"{FOLDER}/clusters/check.html").read_text(encoding="utf-8")
    assert "Reproduced exactly by 6 neighbours" in page and "not necessarily wrong" in page


def test_a_table_of_atlasreader_too(checked):
    best = settings_of(checked, "atlasreader")[0]
    assert (best["connectivity"], best["sign"], best["rows_exact"], best["unlisted"]) == ("6", "apart", "10", "0")
    assert float(best["cutoff_low"]) < 3 <= float(best["cutoff_high"])
    assert int(best["extent_low"]) < 6 <= int(best["extent_high"])


def test_a_row_that_does_not_follow_is_named(checked):
    verdicts = [row["verdict"] for row in rows_of(checked / f"{FOLDER}/altered/rows.csv")]
    assert verdicts == ["exact"] * 3 + ["other size"] + ["exact"] * 6
    page = (checked / f"{FOLDER}/altered/check.html").read_text(encoding="utf-8")
    assert "9 of 10 rows fit" in page and "row 4 does not" in page


def test_the_ready_variant_gives_the_table(checked, tmp_path):
    variants = yaml.safe_load((checked / f"{FOLDER}/atlasreader/variant.yaml").read_text(encoding="utf-8"))
    [name] = variants["variants"]
    succeed(tmp_path, f"results/motor/{name}/regions.csv", config=variants)
    found = sorted(float(row["volume_mm3"]) for row in rows_of(tmp_path / f"results/motor/{name}/regions.csv"))
    assert found == sorted(float(row["volume_mm"]) for row in csv.DictReader(ATLASREADER.splitlines()))


def test_the_table_of_the_example_is_what_nilearn_prints(motor_path):
    from nilearn.reporting import get_clusters_table

    printed = get_clusters_table(str(motor_path), 3.1, cluster_threshold=20, two_sided=True).to_csv(index=False)
    assert (REPOSITORY / "config/published_table.csv").read_text(encoding="utf-8") == printed


def test_the_overlay_of_the_readme_asks_for_the_check(tmp_path):
    command = ["--configfile", REPOSITORY / "config/published.yaml"]
    assert plan(tmp_path, *command)["check_published"] == 1


@pytest.mark.slow
def test_only_the_check_runs_again_when_its_table_changes(checked):
    asked = config(checked, atlasreader=1)
    target = f"{FOLDER}/atlasreader/check.html"
    assert plan(checked, target, config=asked) == {}
    path = checked / "atlasreader.csv"
    before = {name: (checked / f"{FOLDER}/atlasreader/{name}").read_bytes() for name in ("settings.csv", "check.png")}
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")  # the same rows
    assert plan(checked, target, config=asked) == {"check_published": 1}
    succeed(checked, target, config=asked)
    assert all((checked / f"{FOLDER}/atlasreader/{name}").read_bytes() == content for name, content in before.items())


@pytest.mark.parametrize(
    ("text", "keys", "said"),
    [
        ("", {}, "is empty"),
        ("a,b\n1,2\n", {}, "has the columns a, b; accepted: columns x, y, z"),
        ("x\ty\tz\n1\t2\tleft\n", {}, "row 1, z: 'left' is not a number"),
        ("x\ty\tz\n", {}, "has a header, but no row"),
        ("x\ty\tz\n1\t2\t3\n", {"map": "faces"}, "there is no map 'faces'"),
        (None, {}, "there is no file"),
        ("x\ty\tz\n1\t2\t3\n", {"within_mm": 0}, "within_mm"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, keys, said):
    if text is not None:
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    entry = {"map": "motor", "table": "t.csv"} | keys
    done = run_snakemake(
        tmp_path, f"{FOLDER}/t/check.html", config={"variants": {"a": {"threshold": 3}}, "published": {"t": entry}}
    )
    assert done.returncode and "Traceback" not in done.stdout
    assert len([line for line in done.stdout.splitlines() if said in line]) >= 1


def test_corrected_p_values_use_the_smoothness_of_the_sheet(tmp_path, motor_path):
    write_sheet(tmp_path / "maps.tsv", ["map", "source", "stat", "fwhm_mm"], ["motor", motor_path, "z", "9"])
    (tmp_path / "t.csv").write_text(ATLASREADER, encoding="utf-8")
    asked = {
        "maps": "maps.tsv",
        "variants": {"a": {"threshold": {"fwe": 0.05}}},
        "published": {"t": {"map": "motor", "table": "t.csv"}},
    }
    succeed(tmp_path, f"{FOLDER}/t/check.html", "results/motor/a/thresholded.json", config=asked)
    best = settings_of(tmp_path, "t")[0]
    assert 0 < float(best["fwe_low"]) <= float(best["fwe_high"]) <= 1
    assert json.loads((tmp_path / "results/motor/a/thresholded.json").read_text())["FWHMVoxels"] == [3, 3, 3]
