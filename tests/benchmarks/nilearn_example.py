"""The published example as a plain nilearn script, on nilearn's embedded map: what the workflow is timed against.

Run with ``python tests/benchmarks/nilearn_example.py FOLDER``; writes four figures into the folder.
"""

import sys
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from nilearn.datasets import load_sample_motor_activation_image
from nilearn.image import threshold_img
from nilearn.plotting import plot_prob_atlas, plot_stat_map
from nilearn.regions import connected_regions

warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
motor = load_sample_motor_activation_image()

thresholded = {"97%": threshold_img(motor, threshold="97%"), "3.0": threshold_img(motor, threshold=3.0)}
for name, image in thresholded.items():
    plot_stat_map(image, display_mode="z", cut_coords=5, title=name, output_file=folder / f"threshold-{name}.png")

for name, image in thresholded.items():
    regions, _ = connected_regions(image, min_region_size=1500)
    plot_prob_atlas(
        regions,
        bg_img=motor,
        view_type="contours",
        display_mode="z",
        cut_coords=5,
        title=f"{regions.shape[3]} regions at {name}",
        output_file=folder / f"regions-{name}.png",
    )
