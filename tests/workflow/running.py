"""How the tests of this folder run the workflow: as people do, from the command line, in a folder of their own."""

import csv
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
NOT_COPIED = (".git", ".venv", ".snakemake", ".ci", "results", "tests", "__pycache__", ".*_cache", ".hypothesis")
# A port where nobody answers, and sockets that connect to this machine only: whatever wants to leave it fails at once.
OFFLINE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
OFFLINE |= {"PYTHONPATH": str(Path(__file__).parent / "offline")}


def run_snakemake(folder, *arguments, config=None, repository=REPOSITORY, timeout=300, cwd=None, **environment):
    """Run snakemake with `folder` as its working directory.

    Parameters
    ----------
    folder : where results are written and relative paths of the config begin.
    arguments : of snakemake, targets among them.
    config : dict, an overlay; written to ``overlay.yaml`` in the folder.
    repository : the checkout to run.
    timeout : seconds, after which snakemake and its jobs are ended and the test fails.
    cwd : folder in which the command is typed.
    environment : variables to set.

    Returns
    -------
    subprocess.CompletedProcess : ``stdout`` holds both streams.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", repository / "Snakefile", "--directory", folder]
    if config is not None:
        overlay = Path(folder, "overlay.yaml")
        overlay.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        command += ["--configfile", overlay]
    command += ["--cores", "2", *arguments]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
    settings |= OFFLINE | environment
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def succeed(folder, *arguments, **settings):
    """`run_snakemake`, which must not fail; its output."""
    done = run_snakemake(folder, *arguments, **settings)
    assert done.returncode == 0, done.stdout
    return done.stdout


def plan(folder, *arguments, **settings):
    """How often each rule would run, `all` aside: {} where nothing is to be done."""
    return planned(succeed(folder, "--dry-run", *arguments, **settings))


def planned(output):
    """The same, from the output of a dry run or of a run."""
    if "Nothing to be done" in output:
        return {}
    table = re.search(r"^job +count\n-+ +-+\n((?:\w+ +\d+\n)+)total ", output, re.MULTILINE)
    assert table, output
    counts = Counter({rule: int(count) for rule, count in re.findall(r"(\w+) +(\d+)\n", table[1])})
    return {rule: count for rule, count in counts.items() if rule != "all"}


def errors_of(output):
    """The errors that jobs write for the user.

    Snakemake writes a message and its line break one after the other, and a job's line can come between the two.
    """
    lines = re.sub("(?<!Workflow)(?=Error: )", "\n", output).splitlines()
    return [line for line in lines if line.startswith("Error: ")]


def provenance_triggered(output):
    """Rules that would run for another reason than that an input of theirs is made anew."""
    found = re.search(r"^Rules with provenance triggered jobs: (.*)$", output, re.MULTILINE)
    return set(re.findall(r"\w+", found[1])) if found else set()


def once(tmp_path_factory, name, build):
    """Folder that `build(folder)` fills, by the first process of pytest-xdist that asks; the others wait for it."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    folder, done = place / name, place / f"{name}.done"
    with open(place / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


def copy_checkout(destination):
    """Copy what a user has: the working tree, without results and tests."""
    return Path(shutil.copytree(REPOSITORY, destination, ignore=shutil.ignore_patterns(*NOT_COPIED)))


def outputs(folder):
    """Relative path to content of every file that has to be the same on every machine."""
    results = Path(folder, "results")
    found = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        if path.is_file() and not name.startswith(("logs/", "benchmarks/", "report.html")):
            found[name] = path.read_bytes()
    return {name: content for name, content in found.items() if not name.endswith(".snakemake_timestamp")}


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_sheet(path, *rows):
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")


def git(repository, *arguments, **environment):
    identity = ["-c", "user.name=lab", "-c", "user.email=lab@example.org"]
    settings = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull} | environment
    subprocess.run(["git", *identity, *arguments], cwd=repository, env=settings, capture_output=True, check=True)


def git_host(folder, cache):
    """Variables under which git takes the repositories of `folder` for those of GitHub."""
    return {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{folder}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
        "XDG_CACHE_HOME": str(cache),
        "GITHUB_TOKEN": "",
    }
