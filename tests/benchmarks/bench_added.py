"""What one more variant costs: ten variants of three maps from nothing, then an eleventh, in CPU seconds a map.

    python tests/benchmarks/bench_added.py [COMMIT]

Beside this checkout an older commit, by default that of version 1.0.0, where every variant had jobs of its own.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from bench_maps import ROOT, cpu_of, make_maps

MAPS, VARIANTS = 3, 10
FIRST_VERSION = "07f8755"


def study(number, old):
    """A study of so many variants; version 1.0.0 has to be told to leave out those of the example."""
    variants = [f"  v{n}: {{threshold: {2.5 + n / 5:.1f}, extract_type: connected_components}}" for n in range(number)]
    example = ["  percentile-97: null", "  value-3.0: null"] if old else []
    return "\n".join(["maps: maps.tsv", "variants:", *example, *variants]) + "\n"


def measure(checkout, old):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_maps(folder, MAPS)
        command = [sys.executable, "-m", "snakemake", "--snakefile", checkout / "Snakefile", "--directory", folder]
        command += ["--configfile", folder / "study.yaml", "--cores", "2"]
        costs = []
        for number in (VARIANTS, VARIANTS + 1):
            (folder / "study.yaml").write_text(study(number, old), encoding="utf-8")
            costs.append(cpu_of(command, folder) / MAPS)
        return costs


def main(commit=FIRST_VERSION):
    print("| | ten variants from nothing, CPU s a map | an eleventh added |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(name, filter="data")
        for label, checkout, old in (("here", ROOT, False), (commit, Path(name), True)):
            print(f"| {label} | {' | '.join(f'{cost:.1f}' for cost in measure(checkout, old))} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
