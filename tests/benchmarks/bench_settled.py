"""How far nilearn's regions are from the settled solution, on the embedded map: `make bench`, or run it alone."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from statmap.io.images import read_image
from statmap.regions.extract import extract_regions

KEYS = {
    "extract_type": "local_regions",
    "signs": "merged",
    "connectivity": 6,
    "min_region_size": 1500,
    "size_rule": ">",
}


def main():
    data, affine = read_image(
        Path(find_spec("nilearn").submodule_search_locations[0], "datasets/data/image_10426.nii.gz")
    )
    print("| cutoff on |z| | voxels in regions | not settled | regions > 1500 mm³: nilearn | settled |")
    print("|---|---|---|---|---|")
    for cutoff in (1.6, 1.8, 2.0, 2.3, 2.6, 3.0, 3.5, 4.0, 5.0):
        thresholded = np.where(np.abs(data) >= cutoff, data, 0)
        found = extract_regions(thresholded, affine, **KEYS, random_walker="nilearn")
        share = 100 * found.unsettled / max(found.divided, 1)
        sizes = f"{found.n_regions} | {found.settled_regions}"
        print(f"| {cutoff} | {found.divided:,} | {found.unsettled:,} ({share:.1f}%) | {sizes} |")


if __name__ == "__main__":
    main()
