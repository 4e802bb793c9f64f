"""Whatever breaks a run: one line says so, no half file passes for whole, and one command brings the same bytes."""

import gzip
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import yaml
from running import OFFLINE, REPOSITORY, errors_of, once, outputs, plan, run_snakemake, succeed

from statmap.io.nifti import write_image

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

CONFIG = {
    "maps": "maps.tsv",
    "template": None,
    "figures": ["threshold"],
    "html": ["map"],
    "atlases": {"halves": {"image": "halves.nii.gz", "labels": "halves.tsv"}},
    "variants": {"high": {"threshold": 3.0, "min_region_size": 0}, "low": {"threshold": 2.0, "min_region_size": 0}},
}
MAPS = ("one", "two")
ROOT = os.geteuid() == 0


def make_study(folder):
    """Two small maps of noise, their sheet and their config."""
    noise = np.random.default_rng(0)
    for name in MAPS:
        data = noise.normal(size=(16, 16, 16)).astype(np.float32)
        write_image(folder / f"{name}.nii.gz", data, np.diag([3.0, 3, 3, 1]))
    halves = np.repeat(np.array([1, 2], np.int16), 8)[:, None, None] * np.ones((1, 16, 16), np.int16)
    write_image(folder / "halves.nii.gz", halves, np.diag([3.0, 3, 3, 1]))
    (folder / "halves.tsv").write_text("index\tname\n1\tone\n2\tother\n", encoding="utf-8")
    rows = [f"{name}\t{name}.nii.gz\tz" for name in MAPS]
    (folder / "maps.tsv").write_text("\n".join(["map\tsource\tstat", *rows]) + "\n", encoding="utf-8")
    (folder / "overlay.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The study, and its results by a run that nothing disturbed. Read only."""

    def build(folder):
        make_study(folder)
        succeed(folder, "--configfile", folder / "overlay.yaml")

    return once(tmp_path_factory, "undisturbed", build)


@pytest.fixture
def expected(undisturbed):
    return outputs(undisturbed)


@pytest.fixture
def fresh(tmp_path):
    """The study, not yet run."""
    make_study(tmp_path)
    return tmp_path


@pytest.fixture
def done(undisturbed, tmp_path):
    """A copy of the study with its results, and with what snakemake remembers of them."""
    return Path(shutil.copytree(undisturbed, tmp_path / "study"))


def again(folder, *arguments):
    return run_snakemake(folder, "--configfile", folder / "overlay.yaml", *arguments)


def recover(folder):
    """What the README says to do after a run was killed: ``snakemake --unlock && snakemake``."""
    assert again(folder, "--unlock").returncode == 0
    done = again(folder)
    assert done.returncode == 0, done.stdout
    return done.stdout


@contextmanager
def started(folder, **options):
    """A run in a process group of its own, all of which is gone at the end."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--directory", folder]
    command += ["--configfile", folder / "overlay.yaml", "--cores", "2"]
    settings = os.environ | OFFLINE
    with subprocess.Popen(
        command,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **options,
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def jobs_of(process):
    """Process ids of the scripts that a run has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.getpgid(int(path.parent.name)) == process.pid and b"/scripts/tmp" in path.read_bytes():
                found.append(int(path.parent.name))
        except (OSError, ProcessLookupError):
            continue
    return found


def wait_for(condition, process, seconds=60):
    """Wait until a condition holds, or the run is over; gives what the condition gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if found := condition():
            return found
        time.sleep(0.005)
    return None


def whole(folder, expected):
    """Every file that is there, under the name of a result, is that result. Names with a dot before are temporary."""
    return {
        name: content == expected.get(name)
        for name, content in outputs(folder).items()
        if not name.rpartition("/")[2].startswith(".")
    }


def check_recovered(folder, expected):
    """Every result has its bytes, and nothing else is left, temporary files neither."""
    assert outputs(folder) == expected


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("what", ["snakemake", "all of it"])
def test_snakemake_is_killed_at_a_random_moment(fresh, expected, what, seed):
    """The jobs live on when only Snakemake dies: the recovery runs beside them."""
    moment = random.Random(f"{what} {seed}").uniform(1.5, 6)
    with started(fresh) as process:
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            (os.kill if what == "snakemake" else os.killpg)(process.pid, signal.SIGKILL)
        if what == "snakemake":
            recover(fresh)
    assert all(whole(fresh, expected).values())
    recover(fresh)
    check_recovered(fresh, expected)


@pytest.mark.parametrize("seed", range(3))
def test_a_job_is_killed_at_a_random_moment(fresh, expected, seed):
    """The run ends with an error; the same command goes on."""
    moments = random.Random(seed)
    with started(fresh) as process:
        for _ in range(moments.randint(1, 4)):  # not always the first
            wait_for(lambda: jobs_of(process), process)
            time.sleep(moments.uniform(0, 0.6))
        for job in (wait_for(lambda: jobs_of(process), process) or [])[:1]:
            with suppress(ProcessLookupError):
                os.kill(job, signal.SIGKILL)
        output, _ = process.communicate(timeout=120)
    assert "Traceback" not in output
    assert (process.returncode != 0) == ("SIGKILL" in output), output  # it may have ended by itself just before
    assert all(whole(fresh, expected).values())
    assert again(fresh).returncode == 0
    check_recovered(fresh, expected)


def test_control_c(fresh, expected):
    """As a terminal sends it, to all processes at once. That a job's work leaves no traceback: test_log.py."""
    # What began in the background of a script ignores it, and hands that on.
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    with started(fresh, **heeding) as process:
        wait_for(lambda: jobs_of(process), process)
        time.sleep(0.4)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode != 0, output
    assert all(whole(fresh, expected).values())
    assert again(fresh).returncode == 0
    check_recovered(fresh, expected)


@pytest.mark.skipif(not ROOT, reason="only root may mount")
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_the_disk_is_full(undisturbed, expected, tmp_path, share):
    needed = sum(path.stat().st_size for path in undisturbed.rglob("*") if path.is_file())
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={int(needed * share)}", "tmpfs", disk], check=True)
    try:
        make_study(disk)
        done = again(disk)
        assert done.returncode != 0
        assert "No space left on device" in done.stdout, done.stdout
        # No traceback of ours; Snakemake writes one where a file of its own is cut.
        assert not re.search(r'File ".*(?:/statmap/|/scripts/tmp)', done.stdout), done.stdout
        assert all(whole(disk, expected).values())
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        recover(disk)
        check_recovered(disk, expected)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_file_grows_over_a_quota(fresh, expected):
    """The largest files of a run are its pages; Snakemake's own files stay below."""
    limit = 100_000
    with started(fresh, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode != 0 and "Traceback" not in output, output
    assert any("File too large" in line for line in errors_of(output)), output
    assert all(whole(fresh, expected).values())
    assert again(fresh).returncode == 0
    check_recovered(fresh, expected)


@contextmanager
def read_only(folder):
    """A folder that nobody may write to; for root, only a mount is."""
    if ROOT:
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    else:
        folder.chmod(0o500)
    try:
        yield
    finally:
        if ROOT:
            subprocess.run(["umount", folder], check=True)
        else:
            folder.chmod(0o700)


def test_results_are_read_only(fresh, expected):
    (fresh / "results").mkdir()
    with read_only(fresh / "results"):
        done = again(fresh)
    assert done.returncode != 0 and "Traceback" not in done.stdout, done.stdout
    assert re.search(r"Read-only file system|Permission denied", done.stdout)
    assert outputs(fresh) == {}
    assert again(fresh).returncode == 0
    check_recovered(fresh, expected)


def test_two_runs_at_once(fresh, expected):
    with started(fresh) as first:
        wait_for(lambda: jobs_of(first), first)
        second = again(fresh)
        output, _ = first.communicate(timeout=120)
    assert first.returncode == 0, output
    assert second.returncode != 0 and "cannot be locked" in second.stdout and "Traceback" not in second.stdout
    check_recovered(fresh, expected)


@pytest.mark.parametrize("time_of_it", ["new", "kept", "older"])
def test_a_map_is_replaced_under_its_name(done, expected, time_of_it):
    path = done / "one.nii.gz"
    original, before = path.read_bytes(), path.stat()
    replace(path, (done / "two.nii.gz").read_bytes(), before, time_of_it)
    assert again(done).returncode == 0
    found = outputs(done)
    assert found["one/high/regions.nii.gz"] == expected["two/high/regions.nii.gz"]
    replace(path, original, before, time_of_it)
    assert again(done).returncode == 0
    check_recovered(done, expected)


@pytest.mark.parametrize(("name", "first"), [("halves.nii.gz", "fetch_atlas"), ("halves.tsv", "tabulate_regions")])
def test_an_atlas_or_its_labels_are_replaced_under_their_name(done, name, first):
    path = done / name
    replace(path, path.read_bytes() + b"3\tthird\n", path.stat(), "older")
    found = plan(done, "--configfile", done / "overlay.yaml")
    assert first in found and "threshold_map" not in found


def replace(path, content, before, time_of_it):
    path.write_bytes(content)
    if time_of_it != "new":
        earlier = 0 if time_of_it == "kept" else 10**12
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns - earlier))


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("summary.csv", "summarise"),
        ("maps/one.json", "fetch_map"),
        ("atlases/halves.json", "fetch_atlas"),
        ("one/high/thresholded.nii.gz", "threshold_map"),
        ("one/high/regions.json", "extract_regions"),
        ("one/tables.json", "tabulate_regions"),
        ("one/matches.csv", "tabulate_regions"),
        ("one/high/threshold.png", "plot_variants"),
        ("one/map.html", "show_map"),
        ("overlap/high.nii.gz", "compare_maps"),
    ],
)
def test_what_was_deleted_is_made_again(done, name, rule):
    """Also where what is made of it is still there."""
    (done / "results" / name).unlink()
    assert plan(done, "--configfile", done / "overlay.yaml").get(rule) == 1


READ_BY = {  # an intermediate, and what is asked for that is made of it
    "maps/one.nii.gz": "results/one/high/thresholded.json",
    "maps/one_mask.nii.gz": "results/one/high/thresholded.json",
    "maps/one.json": "results/one/high/thresholded.json",
    "one/high/thresholded.nii.gz": "results/one/high/regions.json",
    "one/high/thresholded.json": "results/one/high/regions.json",
    "one/high/regions.nii.gz": "results/one/high/regions.csv",
    "one/high/regions.json": "results/one/high/regions.csv",
    "one/high/accounting.nii.gz": "results/one/high/threshold.png",
    "one/high/regions.csv": "results/one/map.html",
    "one/high/peaks.csv": "results/one/map.html",
    "one/stability.csv": "results/summary.csv",
    "atlases/halves.nii.gz": "results/one/high/regions.csv",
}


@pytest.mark.parametrize(
    ("name", "how", "time_of_it"),
    [
        (name, how, time_of_it)
        for name in READ_BY
        for how in (["cut", "altered"] if name.endswith(".nii.gz") else ["cut"])
        for time_of_it in ("new", "kept")
    ],
)
def test_an_intermediate_is_changed_by_hand(done, expected, name, how, time_of_it):
    """It is not used: the error names the file to delete, and without it the same command makes all of it again.

    The tables have no sidecar: what is altered in them and leaves them whole is not told.
    """
    path = done / "results" / name
    before, content = path.stat(), path.read_bytes()
    if how == "cut":
        replace(path, content[: len(content) // 2], before, time_of_it)
    else:
        other = gzip.decompress(content)[:-4] + np.float32(1).tobytes()  # of the last voxel, or the last four
        replace(path, gzip.compress(other, mtime=0), before, time_of_it)
    if time_of_it == "kept":  # what is made of it is needed again
        (done / READ_BY[name]).unlink()
    failed = again(done)
    assert failed.returncode != 0 and "Traceback" not in failed.stdout, failed.stdout
    (line,) = {line.partition(" (results/logs")[0] for line in errors_of(failed.stdout) if f"results/{name}" in line}
    assert "delete it and run again" in line
    path.unlink()
    assert again(done).returncode == 0
    check_recovered(done, expected)
