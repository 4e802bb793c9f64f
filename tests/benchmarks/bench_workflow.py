"""What the workflow takes on the published example, against a plain nilearn script, and where the time goes.

Run with ``python tests/benchmarks/bench_workflow.py`` in the environment of the workflow; prints Markdown tables: wall
times on two cores, outputs deleted before every run, in turns after one turn that does not count. Equal work means the
thresholded maps, the regions (with the 4D images) and the four figures of the example, asked for by keys of the config;
ours adds its tables.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
PAIRS = 5
GOALS = {"equal": 0.7, "all": 0.95}  # of nilearn's time
EQUAL = ["figures=[threshold,regions]", "html=[]", "compare=false", "atlases=[]"]
# Compiled modules are kept, as everywhere but where this is set: imports take twice as long without.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main():
    with tempfile.TemporaryDirectory() as folder:
        workflow, script = Path(folder, "workflow"), Path(folder, "nilearn")
        runs = {
            "nilearn script": lambda: run("nilearn_example.py", script),
            "workflow, equal work": lambda: snakemake(workflow, "--config", *EQUAL),
            "workflow, `all` (report aside)": lambda: snakemake(workflow),
        }
        times = {name: [] for name in runs}
        for _ in range(PAIRS + 1):
            for name, call in runs.items():
                shutil.rmtree(workflow, ignore_errors=True)
                times[name].append(seconds(call))
        idle = [seconds(lambda: snakemake(workflow)) for _ in range(PAIRS)]
        rules = [(rule.name, float(row["s"])) for rule, row in benchmarks(workflow)]

    reference = times["nilearn script"][1:]
    print(f"### The published example, {PAIRS} runs in turns, `--cores 2`\n")
    print("| | median, s | median ratio to nilearn | goal |\n|---|---|---|---|")
    for name, taken in times.items():
        ratio = median(ours / theirs for ours, theirs in zip(taken[1:], reference, strict=True))
        goal = next((f"{goal:g}" for word, goal in GOALS.items() if word in name), "")
        print(f"| {name} | {median(taken[1:]):.2f} | {ratio:.2f} | {goal} |")
    print("\n### Where the time goes\n\n| | s |\n|---|---|")
    print(f"| `snakemake` when there is nothing to do | {median(idle):.2f} |")
    for name in dict.fromkeys(name for name, _ in rules):
        jobs = [taken for rule, taken in rules if rule == name]
        print(f"| rule {name}, {len(jobs)} x | {median(jobs):.2f} |")
    for module in ("numpy", "nibabel", "scipy.sparse.linalg", "pandas", "matplotlib.figure", "nilearn.plotting"):
        taken = [seconds(lambda name=module: python("-c", f"import {name}")) for _ in range(PAIRS)]
        print(f"| `python -c 'import {module}'` | {median(taken):.2f} |")
    print()


def run(script, *arguments):
    python(Path(__file__).with_name(script), *arguments)


def snakemake(folder, *options):
    """Run the workflow in a folder of its own, with the profile of the repository."""
    python("-m", "snakemake", "--directory", folder, "--cores", 2, *options)


def python(*arguments):
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def benchmarks(folder):
    """What Snakemake measured: folder of the rule, row of the table."""
    for path in sorted(Path(folder, "results/benchmarks").rglob("*.tsv")):
        rule = path.relative_to(folder).parts[2]
        with open(path, newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                yield Path(rule), row


if __name__ == "__main__":
    main()
