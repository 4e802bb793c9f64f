"""What a run tells the person in front of it."""

import re

import pytest
from running import planned, run_snakemake, succeed

pytestmark = pytest.mark.xdist_group("workflow")

TOTAL = "4 regions in 2 variants of 1 map, 2 warnings. Look first at results/summary.html."


def test_every_job_has_a_line_of_its_own_with_map_and_variant(changed):
    output = succeed(changed, "--dry-run", "--forceall")
    lines = re.findall(r"^Job \d+: (.*)$", output, re.MULTILINE)
    assert len(lines) == len(set(lines)) == len(re.findall(r"^(?:Job \d+:|\w*rule \w+:)", output, re.MULTILINE)) == 10
    assert sum("motor" in line for line in lines) == 7


def test_the_total_says_where_to_look_first(changed):
    """With the warnings before it, whatever Snakemake says of its log and its report."""
    for options in ([], ["--report", "results/report.html", "--report-after-run"]):
        (changed / "results/summary.html").unlink()
        lines = succeed(changed, *options).splitlines()
        assert lines.count(TOTAL) == 1
        warning = lines[lines.index(TOTAL) - 1]
        assert warning.startswith("Warning: ") and warning.endswith(" (motor)")


def test_a_dry_run_does_not_say_that_results_are_there(changed):
    (changed / "results/summary.html").unlink()
    output = succeed(changed, "--dry-run")
    assert "Job 0: Everything that the config asks for" in output and "are there" not in output
    assert TOTAL not in output


def test_a_part_of_the_results_has_no_total(changed):
    assert "Look first" not in succeed(changed, "--force", "results/motor/view.html")


@pytest.mark.parametrize("quiet", [["--quiet"], ["--quiet", "all"]])
def test_quiet_keeps_the_total_and_quiet_all_nothing_else(changed, quiet):
    output = succeed(changed, "--force", "results/summary.html", *quiet)
    assert "Job " not in output and output.splitlines().count(TOTAL) == 1
    if "all" in quiet:
        # This line is Snakemake's own, written before it reads the option.
        output = re.sub(r"Using workflow specific profile .*\n", "", output)
        assert all(line == TOTAL or line.startswith("Warning: ") for line in output.splitlines()), output


def test_a_broken_map_does_not_spoil_the_rest(tmp_path, motor_path):
    """The others are finished, the last lines name it; set aside in the sheet, only what gathers the maps is made."""
    (tmp_path / "broken.nii").write_bytes(b"no image")
    sheet = f"map\tsource\tstat\ngood\t{motor_path}\tz\nbroken\tbroken.nii\tz\n"
    (tmp_path / "maps.tsv").write_text(sheet, encoding="utf-8")
    config = {"maps": "maps.tsv", "figures": [], "html": [], "variants": {"v3": {"threshold": 3}}}
    done = run_snakemake(tmp_path, config=config)
    assert done.returncode != 0 and (tmp_path / "results/good/v3/peaks.csv").is_file()
    last = [line for line in done.stdout.splitlines() if line.startswith("Failed: ")]
    assert last == [
        "Failed: map 'broken': broken.nii is no image; accepted: NIfTI or Analyze (.nii, .nii.gz, .nii.bz2, .img with "
        ".hdr), AFNI (.HEAD with .BRIK) or FreeSurfer (.mgh, .mgz) (results/logs/fetch_map/broken.log)"
    ]
    (tmp_path / "maps.tsv").write_text(sheet.replace("\nbroken", "\n#broken"), encoding="utf-8")
    assert planned(succeed(tmp_path, config=config)) == {"summarise": 1}


def test_a_failure_says_what_to_read(tmp_path):
    (tmp_path / "broken.nii").write_bytes(b"no image")
    (tmp_path / "maps.tsv").write_text("map\tsource\nbroken\tbroken.nii\n", encoding="utf-8")
    for quiet in ([], ["--quiet", "all"]):
        done = run_snakemake(tmp_path, *quiet, config={"maps": "maps.tsv"})
        assert done.returncode != 0
        hint = "Failed: map 'broken': broken.nii is no image"
        assert (hint in done.stdout) == ("results/logs/fetch_map/broken.log" in done.stdout) == (not quiet)
        assert "broken" in (tmp_path / "results/logs/fetch_map/broken.log").read_text(encoding="utf-8")
