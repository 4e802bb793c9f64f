"""A study of many maps, as this workflow and as a nilearn script that loops in one process: CPU seconds a map.

    python tests/benchmarks/bench_maps.py [MAPS ...]

The maps are the embedded one, shifted and rescaled. nilearn draws four figures a map and variant pair (the thresholded
map and the regions of every variant) and writes no table; its import counts once. Of tables only there is nothing to
hold against: CPU seconds a map by themselves, and their goal.
"""

import os
import resource
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np

MANY, TABLES_ONLY = 200, 1.2  # maps, and the CPU seconds that one of them may take
ROOT = Path(__file__).parents[2]
TWO = {"percentile-97": "97%", "value-3.0": 3.0}
THREE = TWO | {"value-4.0": 4.0}
TEN = {f"value-{tenths / 10}": tenths / 10 for tenths in range(25, 45, 2)}

NILEARN = """
import sys, warnings
from pathlib import Path
import matplotlib
matplotlib.use("Agg")
from nilearn import image, plotting, regions
warnings.simplefilter("ignore")
folder, thresholds = Path(sys.argv[1]), eval(sys.argv[2])
for path in sorted(folder.glob("m*.nii.gz")):
    for name, threshold in thresholds.items():
        kept = image.threshold_img(str(path), threshold, two_sided=True, copy_header=True)
        found, _ = regions.connected_regions(kept, min_region_size=1500)
        where = folder / f"{path.name.partition('.')[0]}-{name}"
        plotting.plot_stat_map(kept, display_mode="z", cut_coords=5, output_file=f"{where}-map.png")
        if found is not None and found.shape[3] > 1:
            plotting.plot_prob_atlas(found, view_type="contours", display_mode="z", cut_coords=5,
                                     output_file=f"{where}-regions.png")
            found.to_filename(f"{where}.nii.gz")
        matplotlib.pyplot.close("all")
"""


def make_maps(folder, number):
    data_file = Path(find_spec("nilearn").submodule_search_locations[0], "datasets/data/image_10426.nii.gz")
    image = nib.load(data_file)
    data, rows = np.asanyarray(image.dataobj), ["map\tsource\tstat\tspace"]
    for n in range(number):
        shifted = np.roll(data, (n % 5 - 2, n % 7 - 3, n % 3 - 1), (0, 1, 2)) * np.float32(0.9 + 0.2 * n / number)
        nib.Nifti1Image(shifted.astype(np.float32), image.affine).to_filename(folder / f"m{n:03}.nii.gz")
        rows.append(f"m{n:03}\tm{n:03}.nii.gz\tz\tMNI152")
    (folder / "maps.tsv").write_text("\n".join(rows) + "\n")


def cpu_of(command, folder):
    """CPU seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(number, thresholds, keys, beside=True):
    """CPU seconds a map, ours and, where it is to run `beside`, nilearn's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_maps(folder, number)
        variants = [f"  {variant}: {{threshold: '{t}', convention: nilearn}}" for variant, t in thresholds.items()]
        text = "\n".join(["maps: maps.tsv", *keys, "variants:", *variants]) + "\n"
        (folder / "study.yaml").write_text(text.replace("'", "").replace("97%", "'97%'"))
        snakemake = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
        snakemake += ["--configfile", folder / "study.yaml", "--cores", "2"]
        ours = cpu_of(snakemake, folder)
        theirs = cpu_of([sys.executable, "-c", NILEARN, folder, repr(thresholds)], folder) if beside else 0
    return ours / number, theirs / number


def main(numbers):
    print("| study | this workflow, CPU s a map | nilearn script | ratio | goal |")
    print("|---|---|---|---|---|")
    cases = (
        ("2 variants, everything", TWO, [], 2.3),
        ("10 variants, everything", TEN, [], 2.5),
        ("10 variants, threshold.png and regions.png", TEN, ["figures: [threshold, regions]", "html: []"], 0.7),
    )
    for number in numbers:
        for what, thresholds, keys, goal in cases:
            ours, theirs = measure(number, thresholds, keys)
            print(f"| {number} maps, {what} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} | {goal} |", flush=True)
    number = MANY
    ours, _ = measure(number, THREE, ["figures: []", "html: []", "write_4d: false"], beside=False)
    print(f"| {number} maps, 3 variants, tables only | {ours:.2f} | | | {TABLES_ONLY} s |", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or (12, 50))
