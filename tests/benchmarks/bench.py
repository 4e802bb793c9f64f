"""All benchmarks, one Markdown report: what ``make bench`` prints, in an hour on two idle cores.

Every benchmark is a script of its own and can be run alone. None of them is a test: they measure, they assert only that
both sides found the same.
"""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

BENCHMARKS = {
    "The whole workflow": "bench_workflow.py",
    "Many maps": "bench_maps.py",
    "Fine voxels": "bench_large.py",
    "A variant added": "bench_added.py",
    "Planning": "bench_plan.py",
    "Thresholds, regions and tables": "bench_regions.py",
    "nilearn's random walker against the converged one": "bench_converged.py",
    "Sweeps": "bench_sweep.py",
    "Figures": "bench_figures.py",
    "Published tables": "bench_published.py",
    "Error rates on simulated noise": "bench_error_rates.py",
}
PACKAGES = ("nilearn", "numpy", "scipy", "snakemake", "matplotlib", "connected-components-3d")


def main():
    print("# Benchmarks\n")
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, {versions}.\n")
    for title, script in BENCHMARKS.items():
        print(f"## {title}\n", flush=True)
        subprocess.run([sys.executable, Path(__file__).with_name(script)], check=True)


if __name__ == "__main__":
    main()
