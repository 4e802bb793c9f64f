"""Family-wise error rates on simulated noise: how many maps without any signal have a voxel, or a cluster, that passes.

    python tests/benchmarks/bench_error_rates.py [maps]

White noise smoothed with a Gaussian, scaled by the filter's own gain, on a volume cut from a larger one.
"""

import sys
from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, "scripts")

from statmap.distributions import Z
from statmap.inference.region_statistics import critical_extent, excursion_sizes
from statmap.inference.search_volume import search_of
from statmap.inference.thresholds import resolve_cutoff
from statmap.io.stat_map import StatMap
from statmap.rules import RegionRule, ThresholdRule

SHAPE, FWHM, MARGIN = (64, 64, 56), 8.0, 16  # voxels
ALPHA = 0.05


def noise(maps: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Gaussian fields of variance 1, (i, j, k) float64."""
    random = np.random.default_rng(seed)
    sigma = FWHM / np.sqrt(8 * np.log(2))
    impulse = np.zeros((2 * MARGIN + 1,) * 3)
    impulse[MARGIN, MARGIN, MARGIN] = 1
    gain = np.sqrt((gaussian_filter(impulse, sigma, mode="constant") ** 2).sum())
    inner = tuple(slice(MARGIN, MARGIN + n) for n in SHAPE)
    for _ in range(maps):
        white = random.normal(size=[n + 2 * MARGIN for n in SHAPE])
        yield gaussian_filter(white, sigma, mode="constant")[inner] / gain


def error_rates(maps: int) -> dict[str, float]:
    """Share of noise maps with anything significant, by the way to threshold."""
    affine, inside = np.eye(4), np.ones(SHAPE, dtype=bool)
    search = search_of(inside, affine, FWHM, None)
    stat_map = StatMap("noise", np.ones(SHAPE), affine, inside, Z())
    height = resolve_cutoff(stat_map, ThresholdRule(threshold={"fwe": ALPHA}, sided="positive"), search).value
    found = {"fwe, height": 0, "cluster_p, fsl, z > 3.1": 0, "cluster_p, spm, z > 3.1": 0}
    extents = {}
    for theory in ("fsl", "spm"):
        rule = RegionRule(sided="positive", cluster_p=ALPHA, cluster_theory=theory)
        extents[theory] = critical_extent(np.array([1]), 3.1, search, rule, Z(), "noise")
    for data in noise(maps):
        found["fwe, height"] += bool((data >= height).any())
        largest = excursion_sizes(data, data > 3.1, 26).max(initial=0)
        for theory, extent in extents.items():
            found[f"cluster_p, {theory}, z > 3.1"] += bool(largest >= extent)
    return {name: count / maps for name, count in found.items()}


if __name__ == "__main__":
    n_maps = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    error = np.sqrt(ALPHA * (1 - ALPHA) / n_maps)
    print(f"{n_maps} maps of noise, {' x '.join(map(str, SHAPE))} voxels, FWHM {FWHM:g} voxels; asked: {ALPHA:.1%}")
    for name, share in error_rates(n_maps).items():
        print(f"{name:28} {share:.1%} +- {error:.1%}")
