"""How far nilearn's regions are from the converged solution, on the embedded map and on smooth noise.

Run with ``python tests/benchmarks/bench_converged.py``, or by `make bench`; prints Markdown tables.
"""

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from statmap.io.images import read_image
from statmap.regions.clusters import bounding_box
from statmap.regions.extract import extract_regions
from statmap.regions.local_regions import label_local_regions
from statmap.rules import RegionRule

RULE = RegionRule(extract_type="local_regions", signs="merged", connectivity=6, min_region_size=1500)
MAP = Path(find_spec("nilearn").submodule_search_locations[0], "datasets/data/image_10426.nii.gz")


def main():
    data, affine = read_image(MAP)
    cutoffs = (1.6, 1.8, 2.0, 2.3, 2.6, 3.0, 3.5, 4.0, 5.0)
    print_table("cutoff on \\|z\\|", {f"{cutoff}": (data, affine, cutoff) for cutoff in cutoffs})
    print()
    noises = {
        f"noise smoothed by {voxels} voxels, {cutoff}": (*noise(voxels), cutoff)
        for voxels in (1, 1.5, 2, 3)
        for cutoff in (2.0, 3.0)
    }
    print_table("map and cutoff", noises)


def noise(voxels):
    """Normal noise on 24^3 voxels of 3 mm, smoothed by a Gaussian of that standard deviation; its own is 2.5."""
    data = gaussian_filter(np.random.default_rng(0).standard_normal((24, 24, 24)), voxels)
    return (data * 2.5 / data.std()).astype(np.float32), np.diag([3.0, 3, 3, 1])


def print_table(heading, maps):
    """A row for each map: name to data, affine and cutoff."""
    print(f"| {heading} | voxels in regions | not converged | regions > 1500 mm³: nilearn | converged |")
    print("|---|---|---|---|---|")
    for name, (data, affine, cutoff) in maps.items():
        thresholded = np.where(np.abs(data) >= cutoff, data, 0)
        by_seed, regions = {}, {}
        for walker in ("nilearn", "converged"):
            rule, box = replace(RULE, random_walker=walker), bounding_box(thresholded != 0)
            by_seed[walker] = label_local_regions(thresholded, box, affine, rule).labels
            regions[walker] = extract_regions(thresholded, affine, rule).n_regions
        divided = np.count_nonzero(by_seed["nilearn"])
        apart = np.count_nonzero(by_seed["nilearn"] != by_seed["converged"])
        sizes = f"{regions['nilearn']} | {regions['converged']}"
        print(f"| {name} | {divided:,} | {apart:,} ({100 * apart / max(divided, 1):.1f}%) | {sizes} |")


if __name__ == "__main__":
    main()
