"""Thresholds, regions and region tables against nilearn 0.14.1: time and peak memory, side by side.

Run with ``python tests/benchmarks/bench_regions.py``; prints Markdown tables. Every figure comes from processes of its
own, one per side, in turns: a process reads the map, notes its peak resident memory (imports and the map are in it),
repeats the call for a second, and notes the peak again. Times are medians; memory is the second peak minus the first.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
MEGABYTE = 1e6 if sys.platform == "darwin" else 1e3  # ru_maxrss is in bytes there, else in kB
MIN_REGION_SIZE = 1500  # mm^3, of local regions
CUTOFFS = {"motor, 3 mm": 3.0, "motor, 2 mm": 3.0, "motor, 1 mm": 3.0, "67 clusters": 2.2, "603 clusters": 2.2}
TASKS = {
    "threshold 3.0": "`threshold_img(3.0)`",
    "threshold 97%": "`threshold_img('97%')`",
    "components": "`connected_components` + table of regions and peaks",
    "local": "`local_regions`, converged",
    "as nilearn": "`local_regions` with `random_walker: nilearn`",
}
# task, map, rounds (processes of each side), how many times faster we want to be
PLAN = [
    ("threshold 3.0", "motor, 3 mm", 3, 20),
    ("threshold 97%", "motor, 3 mm", 3, 20),
    ("threshold 3.0", "motor, 1 mm", 3, None),
    ("components", "motor, 3 mm", 3, 30),
    ("components", "motor, 2 mm", 3, None),
    ("components", "motor, 1 mm", 1, None),
    ("components", "603 clusters", 1, 300),
    ("local", "motor, 3 mm", 3, None),
    ("local", "motor, 2 mm", 3, None),
    ("local", "motor, 1 mm", 3, 10),
    ("as nilearn", "motor, 3 mm", 3, None),
    ("as nilearn", "motor, 2 mm", 3, None),
    ("as nilearn", "motor, 1 mm", 3, None),
]
MEMORY_GOAL = 10


def main():
    with tempfile.TemporaryDirectory() as folder:
        maps = run("make", folder)
        print("### Against nilearn, one call on an image in memory\n")
        print(
            "| call | map | regions | nilearn, ms | ours, ms | ratio | goal | nilearn, MB | ours, MB | ratio | goal |"
        )
        print("|---" * 11 + "|")
        for task, name, rounds, goal in PLAN:
            what = (task, maps[name], CUTOFFS[name])
            pairs = [(run("nilearn", *what), run("ours", *what)) for _ in range(rounds)]
            theirs, ours = zip(*pairs, strict=True)
            if task == "components":
                assert theirs[0]["regions"] == ours[0]["regions"], "nilearn finds other regions"
            seconds = [median([seconds for child in side for seconds in child["times"]]) for side in (theirs, ours)]
            memory = [median(child["megabytes"] for child in side) for side in (theirs, ours)]
            memory_goal = f"{MEMORY_GOAL}x" if name == "603 clusters" else ""
            faster, leaner = (times(*pair) for pair in (seconds, memory))
            print(
                f"| {TASKS[task]} | {name} | {ours[0]['regions'] or ''} "
                f"| {1000 * seconds[0]:,.2f} | {1000 * seconds[1]:,.2f} | **{faster}** | {f'{goal}x' if goal else ''} "
                f"| {memory[0]:,.1f} | {memory[1]:,.1f} | {leaner} | {memory_goal} |",
                flush=True,
            )
        print("\nOurs writes the 4D image of the connected components too: in its memory, not in its time.\n")
        print("### The 4D image, written volume by volume\n")
        print("| map | regions | seconds | ours, MB |\n|---|---|---|---|")
        for name in ("67 clusters", "603 clusters"):
            child = run("ours", "4D", maps[name], CUTOFFS[name])
            print(f"| {name} | {child['regions']} | {child['times'][0]:.2f} | {child['megabytes']:.1f} |", flush=True)
        print()


def times(theirs, ours):
    """How many times as much theirs is, as text."""
    ratio = theirs / max(ours, 1e-9)
    return f"{ratio:.1f}x" if ratio < 10 else f"{ratio:.0f}x"


def run(*arguments):
    """Run this file as a child process and read the JSON it prints."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def make(folder):
    """Write the maps, print their names and paths."""
    import numpy as np
    from bench_sweep import MAP, resample
    from scipy.ndimage import gaussian_filter

    from statmap.io.images import read_image
    from statmap.io.nifti import write_image

    def noise(smoothness):
        data = gaussian_filter(np.random.default_rng(0).standard_normal((91, 109, 91), dtype=np.float32), smoothness)
        return data / data.std(), np.diag([2.0, 2, 2, 1])

    motor = read_image(MAP)
    maps = [motor, resample(*motor, 2), resample(*motor, 1), noise(5.5), noise(2.25)]
    paths = {name: str(Path(folder, f"{name}.nii.gz")) for name in CUTOFFS}
    for name, image in zip(CUTOFFS, maps, strict=True):
        write_image(paths[name], *image)
    print(json.dumps(paths))


def measure(call, load, after=None):
    """Time a call for a second, print times, what it returned, and by how much the peak of memory grew."""
    argument = load()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    while sum(times) < 1:
        start = time.perf_counter()
        found = call(argument)
        times.append(time.perf_counter() - start)
    times = times[1:] or times  # the first call warms up
    if after:
        after(argument)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / MEGABYTE
    print(json.dumps({"times": times, "regions": found, "megabytes": grown}))


def nilearn_side(task, path, cutoff):
    """One call of nilearn's on the map at `path`."""
    import nibabel as nib
    import numpy as np
    from nilearn.image import threshold_img
    from nilearn.regions import connected_regions
    from nilearn.reporting import get_clusters_table

    warnings.simplefilter("ignore")
    cutoff = float(cutoff)

    def load():
        image = nib.load(path)
        image = nib.Nifti1Image(np.asarray(image.dataobj), image.affine)
        return image if task.startswith("threshold") else threshold_img(image, cutoff)

    def components(image):
        regions, _ = connected_regions(image, min_region_size=0, extract_type="connected_components")
        get_clusters_table(image, cutoff, two_sided=True, min_distance=8)
        return regions.shape[3]

    def local(image):
        return connected_regions(image, min_region_size=MIN_REGION_SIZE)[0].shape[3]

    def threshold(image):
        threshold_img(image, "97%" if "%" in task else cutoff)

    measure({"components": components, "local": local, "as nilearn": local}.get(task, threshold), load)


def our_side(task, path, cutoff):
    """The same of ours."""
    import numpy as np

    from statmap.distributions import Unknown
    from statmap.inference.thresholds import resolve_cutoff, suprathreshold_mask
    from statmap.io.images import read_image
    from statmap.io.nifti import write_sparse
    from statmap.io.stat_map import StatMap
    from statmap.regions import (  # else they would be imported, and counted, by the first call
        nilearn_walker,  # noqa: F401
        random_walker,  # noqa: F401
        seeds,  # noqa: F401
    )
    from statmap.regions.extract import extract_regions, region_voxels
    from statmap.regions.measures import list_peaks, measure_regions
    from statmap.rules import PeakRule, RegionRule, ThresholdRule

    asked = ThresholdRule(threshold="97%" if "%" in task else float(cutoff))
    rule = RegionRule(signs="merged", min_region_size=0)
    if task in ("local", "as nilearn"):
        walker = "converged" if task == "local" else "nilearn"
        local = {"extract_type": "local_regions", "min_region_size": MIN_REGION_SIZE, "random_walker": walker}
        rule = RegionRule(signs="merged", **local)

    def threshold(image):
        data, affine = image
        cutoff = resolve_cutoff(StatMap("map", data, affine, np.ones(data.shape, bool), Unknown()), asked)
        return np.where(suprathreshold_mask(data, cutoff, "two"), data, 0), affine

    def load():
        image = read_image(path)
        return image if task.startswith("threshold") else threshold(image)

    def components(image):
        found = extract_regions(*image, rule)
        measure_regions(image[0], found.labels, image[1], 6)
        list_peaks(image[0], found.labels, image[1], 6, PeakRule())
        return found.n_regions

    def local_regions(image):
        return extract_regions(*image, rule).n_regions

    def write(image):
        data, affine = image
        found = extract_regions(data, affine, rule)
        with tempfile.TemporaryDirectory() as folder:
            shape = (*data.shape, found.n_regions)
            write_sparse(Path(folder, "4d.nii.gz"), region_voxels(found.labels, data), shape, affine, data.dtype)
        return found.n_regions

    calls = {"components": components, "local": local_regions, "as nilearn": local_regions, "4D": write}
    measure(calls.get(task, lambda image: threshold(image) and None), load, write if task == "components" else None)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        sys.path.insert(0, str(HERE.parents[1] / "scripts"))
        {"make": make, "nilearn": nilearn_side, "ours": our_side}[sys.argv[1]](*sys.argv[2:])
