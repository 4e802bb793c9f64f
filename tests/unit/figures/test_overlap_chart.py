import numpy as np
import pytest
from drawn import collisions, words

from statmap.figures.agreement_chart import dice_figure
from statmap.figures.overlap_chart import overlap_figure


@pytest.mark.parametrize("n", [1, 2, 9, 300])
def test_a_matrix_of_maps_is_legible(n):
    maps = [f"sub-{rank:03d}_contrast-faces" for rank in range(n)]
    pairs = [
        {"map_a": a, "map_b": b, "voxels_a": 5, "voxels_b": 7, "dice": 0.25}
        for rank, a in enumerate(maps)
        for b in maps[rank + 1 :]
    ]
    page = dice_figure(pairs, maps, "value-3.0", "agreement", of="map")
    assert collisions(page) == []
    assert words(page).count("0.25") == (n * (n - 1) if n < 20 else 0)


def test_how_many_maps_hold_a_voxel_is_read_off_the_bar():
    counts = np.zeros((20, 20, 20), int)
    counts[5:10, 5:10, 5:10] = np.arange(5)
    page = overlap_figure(counts, np.diag([3.0, 3, 3, 1]), 5, None, "value-3.0")
    assert {"maps", "5", "2.5", "0"} <= set(words(page))
    assert collisions(page) == []
    assert any("No map keeps" in word for word in words(overlap_figure(counts * 0, np.eye(4), 5, None, "v")))
