"""The workflow as a module of another one: from a folder, from a git host at a tag, and as snakedeploy writes it."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from running import (
    OFFLINE,
    REPOSITORY,
    git,
    git_host,
    outputs,
    plan,
    planned,
    run_snakemake,
    succeed,
)

from statmap.io.sidecar import VERSION

EXAMPLE = REPOSITORY / "config/example.yaml"
OTHERS = """

rule count:
    default_target: True
    input:
        "thresholds/results/summary.csv",
        "thresholds/results/motor/v3/regions.png",
        "thresholds/results/motor/map.html",
    output:
        "rows.txt",
    shell:
        "wc -l < {input[0]} > {output}"
"""


def write_module(folder, snakefile, *lines, config="config", name="statmap", rules="use rule * from statmap"):
    """A Snakefile in `folder` that reads ``study.yaml`` there and takes the workflow from `snakefile`."""
    keys = "".join(f"    {key}:\n        {value}\n" for key, value in [("snakefile", snakefile), ("config", config)])
    text = f'configfile: "study.yaml"\n\n\nmodule {name}:\n{keys}{"".join(lines)}\n\n{rules}\n'
    (folder / "Snakefile").write_text(text, encoding="utf-8")


def on_host(tag="v2.0.0"):
    return f'github("lab/statmap", path="Snakefile", tag="{tag}")'


def test_from_a_folder_with_a_prefix(tmp_path):
    rules = f"use rule * from statmap as statmap_*\n{OTHERS}"
    write_module(tmp_path, f'"{REPOSITORY}/Snakefile"', '    prefix:\n        "thresholds"\n', rules=rules)
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


@pytest.mark.slow
def test_from_a_git_host_in_an_empty_folder(tmp_path, host, example):
    """The published example, whose sheet comes along: planned, run to the bytes of the checkout, and done."""
    write_module(tmp_path, on_host())
    shutil.copyfile(EXAMPLE, tmp_path / "study.yaml")
    settings = {"repository": tmp_path} | host
    steps = {"fetch_map", "fetch_atlas", "threshold_map", "extract_regions", "tabulate_regions"}
    assert plan(tmp_path, **settings) == dict.fromkeys(
        [*steps, "plot_variants", "show_map", "view_map", "summarise"], 1
    )
    succeed(tmp_path, **settings)
    assert outputs(tmp_path) == outputs(example)
    assert plan(tmp_path, **settings) == {}
    (brought,) = (tmp_path / ".snakemake/statmap").iterdir()
    for name in (REPOSITORY / "scripts/files.txt").read_text(encoding="utf-8").split():
        assert (brought / name).read_bytes() == (REPOSITORY / name).read_bytes(), name


@pytest.mark.slow
def test_from_a_git_host_with_a_prefix_a_part_of_the_config_and_a_report(tmp_path, host):
    """Beside rules and keys of another workflow; captions come along into its report."""
    study = {"variants": {"v3": {"threshold": 3.0}}, "sweep": {"thresholds": [3, 4]}, "figure_formats": ["png", "svg"]}
    module, checkout = tmp_path / "module", tmp_path / "checkout"
    module.mkdir(), checkout.mkdir()
    rules = f"use rule * from statmap as statmap_*\n{OTHERS}"
    prefix = '    prefix:\n        "thresholds"\n'
    write_module(module, on_host(), prefix, config='config["statmap"]', rules=rules)
    (module / "study.yaml").write_text(yaml.safe_dump({"statmap": study, "other": 1}), encoding="utf-8")
    settings = {"repository": module} | host
    targets = ("count", "statmap_all")
    report = ("--report", "report.html", "--report-after-run")
    assert plan(module, *targets, **settings)["statmap_sweep_map"] == 1
    assert "Traceback" not in succeed(module, *targets, *report, **settings)
    succeed(checkout, config=study)
    # A sidecar names what a file was made of, by its path.
    written = outputs(module / "thresholds")
    written |= {name: text.replace(b"thresholds/", b"") for name, text in written.items() if name.endswith(".json")}
    assert written == outputs(checkout) and not (module / "results").exists()
    assert "Each hemisphere from its side" in (module / "report.html").read_text(encoding="utf-8")
    assert plan(module, *targets, **settings) == {}


@pytest.mark.slow
def test_snakedeploy_writes_a_workflow_that_runs(tmp_path, host, example):
    pytest.importorskip("snakedeploy", reason="snakedeploy does not support this Python")
    command = [Path(sys.executable).with_name("snakedeploy"), "deploy-workflow", "https://github.com/lab/statmap"]
    subprocess.run([*command, tmp_path, "--tag", "v2.0.0"], env=os.environ | OFFLINE | host, check=True)
    settings = {"repository": tmp_path / "workflow"} | host
    done = run_snakemake(tmp_path, "--dry-run", **settings)
    assert done.returncode and "config: 'variants' is missing (The ways to go from a map to regions" in done.stdout
    arguments = ("--configfile", tmp_path / "config/example.yaml")
    assert plan(tmp_path, *arguments, **settings)["summarise"] == 1
    succeed(tmp_path, *arguments, **settings)
    assert outputs(tmp_path) == outputs(example)
    assert plan(tmp_path, *arguments, **settings) == {}


@pytest.mark.slow
def test_another_tag_runs_what_it_changes(tmp_path, lab, tmp_path_factory):
    """Also where the commit is older than the results: the file of a script from git has the time of its commit."""
    repository = shutil.copytree(lab, tmp_path / "host/lab/statmap")
    script = repository / "scripts/show_map.py"
    for tag, path in [("v2.0.1", repository / "README.md"), ("v2.1.0", script)]:
        path.write_text(path.read_text(encoding="utf-8") + "\n# an edit\n", encoding="utf-8")
        git(repository, "commit", "--quiet", "--all", "--message", tag, GIT_COMMITTER_DATE="2020-01-01T00:00:00Z")
        git(repository, "tag", tag)
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copyfile(EXAMPLE, folder / "study.yaml")
    settings = {"repository": folder} | git_host(tmp_path / "host", tmp_path_factory.mktemp("cache"))
    write_module(folder, on_host())
    succeed(folder, **settings)
    write_module(folder, on_host("v2.0.1"))
    assert plan(folder, **settings) == {}
    write_module(folder, on_host("v2.1.0"))
    assert plan(folder, **settings) == {"show_map": 1}


def test_a_workflow_has_one_version(tmp_path, host):
    """Jobs of both modules would run the code of the second."""
    write_module(tmp_path, on_host())
    with open(tmp_path / "Snakefile", "a", encoding="utf-8") as snakefile:
        snakefile.write(f'\n\nmodule other:\n    snakefile: "{REPOSITORY}/Snakefile"\n    config: config\n')
        snakefile.write('    prefix: "other"\n\n\nuse rule * from other as other_*\n')
    shutil.copyfile(EXAMPLE, tmp_path / "study.yaml")
    done = run_snakemake(tmp_path, "--dry-run", repository=tmp_path, **host)
    place = f"/scripts/statmap/__init__.py, imported before, in place of {REPOSITORY}/scripts/statmap; one is accepted"
    assert done.returncode and place in done.stdout and "Traceback" not in done.stdout


def test_jobs_import_the_package_of_the_snakefile(tmp_path):
    """Not one that stands before it on the path of Python, as an older one that was installed would."""
    other = shutil.copytree(REPOSITORY / "scripts/statmap", tmp_path / "other/statmap")
    sidecar = other / "io/sidecar.py"
    sidecar.write_text(sidecar.read_text(encoding="utf-8").replace(VERSION, "0.0.1"), encoding="utf-8")
    path = os.pathsep.join([str(other.parent), OFFLINE["PYTHONPATH"]])
    target = "results/maps/motor.json"
    assert planned(succeed(tmp_path, target, PYTHONPATH=path)) == {"fetch_map": 1}
    written = yaml.safe_load((tmp_path / target).read_text(encoding="utf-8"))
    assert written["GeneratedBy"][0]["Version"] == VERSION
    code = "import statmap.io.sidecar; print(statmap.io.sidecar.VERSION)"
    alone = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, stdout=subprocess.PIPE, check=True)
    assert alone.stdout == b"0.0.1\n", "what any other Python imports"


def test_files_that_are_brought_end_in_one_line_break():
    """Snakemake takes a file's last line break away, and the Snakefile puts one there."""
    for name in (REPOSITORY / "scripts/files.txt").read_text(encoding="utf-8").split():
        text = (REPOSITORY / name).read_bytes().decode("utf-8")
        assert text.endswith("\n") and not text.endswith("\n\n") and "\r" not in text, name
