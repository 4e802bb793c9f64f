"""What it takes to plan a study of many maps under two variants: a dry run, in seconds and MB.

    python tests/benchmarks/bench_plan.py [MAPS ...]

Every map is the embedded one under another name: a plan does not look into them.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from bench_maps import ROOT


def plan(number, batch=()):
    """Wall seconds and peak MB of a dry run."""
    with tempfile.TemporaryDirectory() as name:
        rows = ["map\tsource", *(f"m{n:05}\tsample:motor" for n in range(number))]
        Path(name, "maps.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        study = "maps: maps.tsv\nvariants:\n  a: {threshold: 3.0}\n  b: {threshold: 4.0}\n"
        Path(name, "study.yaml").write_text(study, encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", name]
        command += ["--configfile", Path(name, "study.yaml"), "--dry-run", "--quiet", "rules", *batch]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        output = os.open(Path(name, "output"), os.O_WRONLY | os.O_CREAT)
        actions = [(os.POSIX_SPAWN_DUP2, output, stream) for stream in (1, 2)]
        start = time.perf_counter()
        process = os.posix_spawn(sys.executable, list(map(str, command)), environment, file_actions=actions)
        _, status, usage = os.wait4(process, 0)
        taken = time.perf_counter() - start
        if status:
            sys.exit(Path(name, "output").read_text(encoding="utf-8"))
        return taken, usage.ru_maxrss / 1024


def main(numbers):
    print("| maps | planned | s | MB |")
    print("|---|---|---|---|")
    for number in numbers:
        for what, batch in (("all", ()), ("`--batch all=1/10`", ("--batch", "all=1/10"))):
            seconds, megabytes = plan(number, batch)
            print(f"| {number:,} | {what} | {seconds:.0f} | {megabytes:.0f} |", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or (1000, 10_000))
