"""A study of one map of fine voxels: CPU seconds, and the most memory that one of its jobs takes.

    python tests/benchmarks/bench_large.py [MM ...]

Smooth noise with 300 blobs in a brain of 1 mm voxels (197 x 233 x 189, or finer); variants by value, true discovery
proportion, false discovery rate and local regions, a sweep, an atlas of 1,200 labels, figures and pages.
"""

import resource
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
from bench_maps import ROOT, cpu_of
from scipy.ndimage import gaussian_filter

GOALS = {1.0: "18 s", 0.5: "2,000 MB"}
STUDY = """
maps: maps.tsv
atlases: {cells: {image: cells.nii.gz, labels: cells.tsv, space: MNI152}}
variants:
  value: {threshold: 3.0}
  tdp: {threshold: {tdp: 0.7}, min_region_size: 0}
  fdr: {threshold: {fdr: 0.05}}
  local: {threshold: 3.5, extract_type: local_regions}
sweep: {thresholds: [3, 3.5, 4, 4.5]}
"""


def make_study(folder, mm):
    shape = tuple(round(length / mm) for length in (197, 233, 189))
    affine = np.diag([mm, mm, mm, 1.0])
    affine[:3, 3] = -98, -134, -72
    random = np.random.default_rng(0)
    values = gaussian_filter(random.standard_normal(shape, dtype=np.float32), 3 / mm)
    values /= values.std()
    places = random.integers(20, np.array(shape) - 20, (300, 3))
    blobs = np.zeros(shape, np.float32)
    blobs[tuple(places.T)] = 1
    blobs = gaussian_filter(blobs, 4 / mm)
    values += 5 * blobs / np.median(blobs[tuple(places.T)])
    brain = [((np.arange(n) - n / 2) / (n / 2.2)) ** 2 for n in shape]
    inside = brain[0][:, None, None] + brain[1][:, None] + brain[2] < 1
    nib.Nifti1Image(np.where(inside, values, 0), affine).to_filename(folder / "fine.nii.gz")
    cell = [np.arange(n) * parts // n for n, parts in zip(shape, (10, 12, 10), strict=True)]
    cells = 1 + cell[0][:, None, None] + 10 * cell[1][:, None] + 120 * cell[2]
    nib.Nifti1Image(cells.astype(np.int16), affine).to_filename(folder / "cells.nii.gz")
    names = "".join(f"{label}\tcell {label}\n" for label in range(1, 1201))
    (folder / "cells.tsv").write_text(f"index\tname\n{names}")
    (folder / "maps.tsv").write_text("map\tsource\tstat\tspace\nfine\tfine.nii.gz\tz\tMNI152\n")
    (folder / "study.yaml").write_text(STUDY + f"max_voxels: {inside.size}\n")


def main(sizes):
    print("| voxels | CPU s | most memory of a process, MB | goal |")
    print("|---|---|---|---|")
    for mm in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_study(folder, mm)
            command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
            seconds = cpu_of([*command, "--configfile", folder / "study.yaml", "--cores", "2"], folder)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"| {mm:g} mm | {seconds:.1f} | {most:.0f} | {GOALS.get(mm, '')} |", flush=True)


if __name__ == "__main__":
    main([float(word) for word in sys.argv[1:]] or (1.0,))
