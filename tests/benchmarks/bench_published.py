"""How long it takes to find the settings of a published table, on a map of 2 mm.

python tests/benchmarks/bench_published.py
"""

import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit/published"))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit/stability"))

from printed_tables import clusters, print_table

from statmap.published.readers import read_published
from statmap.published.report import verdict
from statmap.published.settings import find_settings

SHAPE = (91, 109, 91)
AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])


def brain():
    """Noise with wide blobs in an ellipsoid of the size of a brain, float32."""
    draw = np.random.default_rng(1)
    noise, signal = (gaussian_filter(draw.standard_normal(SHAPE), width) for width in (1.3, 5))
    centre = np.array(SHAPE).reshape(3, 1, 1, 1) / 2
    inside = (((np.indices(SHAPE) - centre) / np.array([35, 43, 36]).reshape(3, 1, 1, 1)) ** 2).sum(0) < 1
    return np.where(inside, noise / noise.std() + 1.5 * signal / signal.std(), 0).astype(np.float32)


def main():
    data = brain()
    print(f"{np.count_nonzero(data):,} voxels of 2 mm, in seconds: as printed, and with one size altered.\n")
    print("| printed with | clusters | found | altered |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for sign, connectivity, cutoff, extent in (("positive", 26, 3.1, 20), ("apart", 18, 3.29, 50)):
            found = clusters(data, cutoff, connectivity, sign, extent)
            path = print_table(Path(folder, "table.tsv"), data, AFFINE, found, random.Random(0))
            seconds = []
            for altered in (False, True):
                if altered:
                    lines = path.read_text(encoding="utf-8").splitlines()
                    *rest, size = lines[2].split("\t")
                    lines[2] = "\t".join([*rest, str(int(size) + 3)])
                    path.write_text("\n".join(lines), encoding="utf-8")
                table, begun = read_published(path, "table"), time.perf_counter()
                search = find_settings(table, data, AFFINE)
                seconds.append(time.perf_counter() - begun)
                assert verdict(table, search).startswith("Reproduced" if not altered else f"{len(found) - 1} of")
            setting = f"{connectivity} neighbours, {sign}, {cutoff:g}, {extent} voxels"
            print(f"| {setting} | {len(found)} | {seconds[0]:.1f} | {seconds[1]:.1f} |")


if __name__ == "__main__":
    main()
