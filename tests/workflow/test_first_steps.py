"""From an empty folder to a table: a map without a sheet, the template of a study, what a dry run finds."""

import html
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from running import OFFLINE, REPOSITORY, copy_checkout, rows_of, run_snakemake, succeed


@pytest.fixture
def faces(tmp_path):
    """A small t-map of two blobs with its degrees of freedom in the header, in an empty folder."""
    data = np.random.default_rng(0).normal(size=(20, 24, 20)).astype(np.float32)
    data[4:8, 4:8, 4:8] += 8
    data[12:15, 14:18, 10:14] -= 8
    image = nib.Nifti1Image(data, np.array([[-3.0, 0, 0, 30], [0, 3, 0, -60], [0, 0, 3, -10], [0, 0, 0, 1]]))
    image.header.set_intent("t test", (23,))
    image.to_filename(tmp_path / "faces.nii.gz")
    return tmp_path


def test_a_map_without_a_sheet_and_its_report(faces):
    """In a folder that is not there; what somebody typed is text in it and on the page, and runs nowhere."""
    citation = "A & B </script><script>alert(1)</script> <!-- &amp; 'C'"
    output = succeed(
        *(faces, "--report", "results/new/report.html", "--report-after-run"),
        *("--config", "map=faces.nii.gz", "space=MNI152", "atlases=[aal]", "figures=[threshold]"),
        config={"citation": citation},
    )
    report = (faces / "results/new/report.html").read_text(encoding="utf-8")
    assert "Traceback" not in output and len(report) > 10**5
    assert html.escape(citation) in report and "<script>alert(1)" not in report and "<!-- &" not in report
    page = (faces / "results/faces/map.html").read_text(encoding="utf-8")
    assert citation in html.unescape(page) and "<script>alert(1)" not in page
    (first, second) = rows_of(faces / "results/faces/p-001/regions.csv")
    assert {first["sign"], second["sign"]} == {"positive", "negative"} and first["aal_peak"] and first["p_peak"]
    assert [row["variant"] for row in rows_of(faces / "results/summary.csv")] == ["fdr-05", "p-001"]


def test_variants_on_the_command_line(faces):
    variants = "variants={v4: {threshold: 4.0, min_region_size: 10 voxels}, none: null}"
    succeed(faces, "results/faces/v4/regions.csv", "--config", "map=faces.nii.gz", variants)
    assert {row["cutoff"] for row in rows_of(faces / "results/faces/v4/regions.csv")} == {"4.00000"}


def test_the_template_of_a_study(faces):
    shutil.copytree(REPOSITORY / "config/template", faces, dirs_exist_ok=True)
    done = run_snakemake(faces, "--configfile", faces / "study.yaml")
    assert done.returncode and "maps.tsv has no map; one row per map is needed" in done.stdout
    with open(faces / "maps.tsv", "a", encoding="utf-8") as sheet:
        sheet.write("faces\tfaces.nii.gz\n")
    succeed(faces, "results/faces/fdr-05/regions.csv", "--configfile", faces / "study.yaml")
    assert len(rows_of(faces / "results/faces/fdr-05/regions.csv")) == 2


def test_a_dry_run_says_what_would_fail_and_a_run_does_the_rest(faces):
    sheet = "map\tsource\tstat\tspace\nfaces\tfaces.nii.gz\t\tMNI152\ngone\tgone.nii.gz\tz\t\nraw\traw.nii\t\tT1w\n"
    (faces / "maps.tsv").write_text(sheet, encoding="utf-8")
    nib.Nifti1Image(np.ones((4, 4, 4), np.float32), np.eye(4)).to_filename(faces / "raw.nii")
    config = {"maps": "maps.tsv", "variants": {"p": {"threshold": {"p": 0.001}}}, "figures": [], "html": []}
    done = run_snakemake(faces, "--dry-run", config=config)
    assert done.returncode and "Traceback" not in done.stdout
    assert "maps.tsv, map 'gone', column source: there is no file 'gone.nii.gz'" in done.stdout
    assert "map 'raw': variant 'p': threshold {p: 0.001} needs p values, but column stat of maps.tsv is" in done.stdout
    done = run_snakemake(faces, config=config)
    assert done.returncode and rows_of(faces / "results/faces/p/regions.csv")
    assert {line[:17] for line in done.stdout.splitlines() if line.startswith("Failed: ")} == {
        "Failed: map 'gone",
        "Failed: map 'raw'",
    }
    (faces / "maps.tsv").write_text(sheet.replace("gone\t", "#gone\t").replace("raw\t", "#raw\t"), encoding="utf-8")
    succeed(faces, "--dry-run", config=config)


def test_a_key_that_is_there_twice(faces):
    (faces / "study.yaml").write_text("map: faces.nii.gz\nvariants:\n  a: {threshold: 3}\n  a: {threshold: 4}\n")
    done = run_snakemake(faces, "--configfile", faces / "study.yaml")
    assert done.returncode and "study.yaml: key 'a' is there twice in a block, lines 3 and 4" in done.stdout
    assert "Traceback" not in done.stdout and not (faces / "results").exists()


def test_a_checkout_in_a_path_that_a_shell_takes_apart(tmp_path):
    """Snakemake does not quote the path of Python."""
    checkout = copy_checkout(tmp_path / "it's my $HOME; (study) & more")
    (checkout / ".venv").symlink_to(sys.prefix)
    command = [checkout / ".venv/bin/python", "-m", "snakemake", "--cores", "1", "results/maps/motor.json"]
    done = subprocess.run(command, cwd=checkout, env=os.environ | OFFLINE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (checkout / "results/maps/motor.nii.gz").is_file()


def test_a_clock_that_was_set_back(faces):
    """A source may be of any time. What is made of a result has to be younger, so one line says what to do."""
    settings, target = ("--config", "map=faces.nii.gz", "template="), "results/faces/p-001/thresholded.json"
    succeed(faces, "results/maps/faces.json", *settings)
    for path in (faces / "results/maps").iterdir():
        os.utime(path, (time.time() + 10**6,) * 2)
    done = run_snakemake(faces, target, *settings)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "set back" in line]
    assert "older modification time" in line and (faces / "results/maps/faces.nii.gz").is_file()
    advice = line.partition("set back, run: ")[2]
    subprocess.run(advice, shell=True, cwd=faces, check=True)
    succeed(faces, target, *settings)


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_make_run_says_that_the_cache_cannot_be_written_to(variable):
    """Snakemake itself ends with a traceback, before it reads the Snakefile."""
    command = ["make", "-C", REPOSITORY, "-o", ".venv/.run", f"BIN={Path(sys.executable).parent}", "run"]
    settings = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"} | {
        variable: "/proc/none"
    }
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if not re.match(r"make(\[\d+\])?: ", line)]  # under make, too
    assert done.returncode and len(lines) == 1 and lines[0].startswith("/proc/none"), done.stderr
    assert lines[0].endswith("cannot be written to; accepted: make run XDG_CACHE_HOME=FOLDER")
