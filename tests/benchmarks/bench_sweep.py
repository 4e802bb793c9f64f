"""What a sweep costs: against the loop a user would write with nilearn, and as the grid and the map grow.

Run with ``python tests/benchmarks/bench_sweep.py``; prints Markdown tables. All figures are wall times in one process.
"""

import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, median

import numpy as np
from nilearn.image import threshold_img
from nilearn.regions import connected_regions
from scipy.ndimage import affine_transform

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from statmap.distributions import Z
from statmap.inference.thresholds import Cutoff, suprathreshold_mask
from statmap.io.images import read_image
from statmap.io.stat_map import StatMap
from statmap.regions.extract import extract_regions
from statmap.rules import RegionRule, SweepRule
from statmap.stability.persistence import persistence
from statmap.stability.robustness import robustness
from statmap.stability.sweep import sweep_grid, trees_of_settings
from statmap.stability.tree import component_tree, signed_maps

MAP = Path(find_spec("nilearn").submodule_search_locations[0]) / "datasets/data/image_10426.nii.gz"
SIZES = [200, 500, 1000, 1500, 3000]
LOWEST, HIGHEST = 2.0, 7.5
RULE = SweepRule(thresholds=[], min_region_sizes=SIZES, connectivities=[6], signs=["merged"])


def cutoffs_of(n):
    return {f"{value:.6g}": Cutoff(float(value), ">=", "value") for value in np.linspace(LOWEST, HIGHEST, n)}


def sweep(data, affine, cutoffs):
    floor = min(cutoff.at_least for cutoff in cutoffs.values())
    trees = trees_of_settings(data, RULE, floor)
    return sweep_grid(trees, data.shape, affine, cutoffs, RULE.min_region_sizes, RULE.size_rule)


def seconds(function, *arguments, repeats=7, **keywords):
    """Median wall time of a call, after one that does not count."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        function(*arguments, **keywords)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def resample(data, affine, mm):
    """The map on a grid of `mm` over the same field of view, by linear interpolation."""
    ratio = mm / abs(affine[0, 0])
    shape = [round(n / ratio) for n in data.shape]
    offset = (ratio - 1) / 2
    finer = affine.copy()
    finer[:3, :3] = affine[:3, :3] * ratio
    finer[:3, 3] += affine[:3, :3] @ np.full(3, offset)
    return affine_transform(data, np.full(3, ratio), offset, shape, order=1, mode="nearest"), finer


def against_nilearn(data, affine):
    """100 thresholds x 5 sizes, all of them in both, in turns: ours once for every 5 thresholds of nilearn's loop."""
    cutoffs = cutoffs_of(100)
    table, _ = sweep(data, affine, cutoffs)
    ours, theirs, found = [], 0.0, []
    for n, cutoff in enumerate(cutoffs.values()):
        if n % 5 == 0:
            ours.append(seconds(sweep, data, affine, cutoffs, repeats=1))
        for size in SIZES:
            start = time.perf_counter()
            suprathreshold = threshold_img(str(MAP), threshold=cutoff.value)
            regions, _ = connected_regions(suprathreshold, min_region_size=size, extract_type="connected_components")
            theirs += time.perf_counter() - start
            found.append((regions.shape[3], np.count_nonzero(regions.get_fdata())))
    assert found == list(zip(table["n_regions"], table["kept"], strict=True)), "nilearn finds other regions"
    print("### 100 thresholds x 5 sizes on the embedded map, 3 mm, against nilearn\n")
    print("| | seconds |\n|---|---|")
    print(f"| nilearn, `threshold_img` + `connected_regions` at all 500 points | {theirs:.2f} |")
    print(f"| `sweep_grid`, with selection frequency (mean of {len(ours)}) | {mean(ours):.4f} |")
    print(f"| **ratio** | **{theirs / mean(ours):.0f}** |\n")
    print("Number of regions and kept voxels are equal at all 500 points.\n")


def growth(maps):
    """Time of the grid by number of thresholds and by voxel size."""
    print("### Growth: thresholds x 5 sizes, connectivity 6, signs merged, ms\n")
    print("| thresholds | " + " | ".join(f"{mm} mm" for mm in maps) + " |\n|---" + "|---" * len(maps) + "|")
    for n in (10, 100, 1000):
        times = [seconds(sweep, *image, cutoffs_of(n), repeats=3) for image in maps.values()]
        print(f"| {n} | " + " | ".join(f"{1000 * t:.1f}" for t in times) + " |")
    print()


def exact(maps):
    """Time of the tree over all positive voxels, of the persistence table and of robustness intervals."""
    print("### The exact picture, connectivity 18, ms\n")
    print("| | " + " | ".join(f"{mm} mm" for mm in maps) + " |\n|---" + "|---" * len(maps) + "|")
    rows = {
        "positive voxels": [],
        "`component_tree` of +x, all of them": [],
        "`persistence`, both signs from 2.0, 100 cutoffs": [],
    }
    rows["`robustness` of the regions at 3.0, both signs"] = []
    rule, cutoff = RegionRule(connectivity=18, min_region_size=500), Cutoff(3.0, ">=", "value")
    for data, affine in maps.values():
        trees = {sign: component_tree(x, 18, LOWEST) for sign, x in signed_maps(data, "split", "two").items()}
        thresholded = np.where(suprathreshold_mask(data, cutoff, "two"), data, 0)
        found = extract_regions(thresholded, affine, rule)
        stat_map, regions = StatMap("map", data, affine, data != 0, Z()), main_peaks_of(found, data)
        times = (
            seconds(component_tree, data, 18, repeats=3),
            seconds(persistence, trees, affine, cutoffs_of(100), repeats=3),
            seconds(robustness, stat_map, *regions, cutoff, found.rule, repeats=3),
        )
        for row, cell in zip(
            rows.values(), [f"{(data > 0).sum():,}", *(f"{1000 * t:.1f}" for t in times)], strict=True
        ):
            row.append(cell)
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")


def main_peaks_of(regions, data):
    """Sign and place of the largest magnitude of each region."""
    signs, places = [], []
    for number in range(1, regions.n_regions + 1):
        place = np.argmax(np.where(regions.labels == number, np.abs(data), 0))
        signs.append("positive" if data.ravel()[place] > 0 else "negative")
        places.append(np.unravel_index(place, data.shape))
    return np.array(signs), np.array(places)


def main():
    warnings.simplefilter("ignore")
    data, affine = read_image(MAP)
    against_nilearn(data, affine)
    maps = {3: (data, affine), 2: resample(data, affine, 2), 1: resample(data, affine, 1)}
    growth(maps)
    exact(maps)


if __name__ == "__main__":
    main()
