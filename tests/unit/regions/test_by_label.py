"""What of the regions lies in each label: counted by a loop over labels, on grids of the map's and of other voxels."""

import numpy as np
import pytest

from statmap.regions.atlases import Atlas, sample
from statmap.regions.by_label import label_sizes, tabulate_labels
from statmap.regions.extract import Regions
from statmap.rules import RegionRule
from statmap.tables.columns import LABELS

AFFINE = np.array([[-3.0, 0, 0, 15], [0, 3, 0, -12], [0, 0, 3, -9], [0, 0, 0, 1]])
SHAPE = (10, 8, 6)
NAMES = {1: "left", 2: "right", 5: "left", 7: "never"}  # two indices share a name; 3 has none


@pytest.fixture(params=[1.0, 2.0, 3.0], ids=lambda side: f"{side:g}mm")
def atlas(request):
    """Labels 0, 1, 2, 3, 5 in boxes of about 6 mm, in voxels of another side."""
    side = request.param
    shape = tuple(int(30 / side) for _ in range(3))
    boxes = np.random.default_rng(3).choice([0, 1, 2, 3, 5], size=(6, 6, 6))
    labels = boxes[tuple((axis * side // 6).astype(int) for axis in np.indices(shape))]
    affine = np.diag([side, side, side, 1.0])
    affine[:3, 3] = -15
    return Atlas("aal", labels, affine, NAMES)


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    values = rng.normal(size=SHAPE)
    labels = np.zeros(SHAPE, np.int32)
    labels[1:7, 1:6, 1:5], labels[8, 3:6, 2] = 1, 2
    return values, Regions(labels, {}, RegionRule())


def name_of(index):
    return "no_label" if index == 0 else NAMES.get(index, f"index {index}")


def test_rows_equal_a_loop_over_labels(atlas, found):
    values, regions = found
    everywhere = np.argwhere(np.ones(SHAPE))
    names = np.array([name_of(i) for i in sample(atlas.labels, atlas.affine, AFFINE, everywhere)]).reshape(SHAPE)
    sizes = label_sizes(atlas, SHAPE, AFFINE)
    table = tabulate_labels(atlas, sizes, values, regions, AFFINE)
    assert list(table) == list(LABELS)[2:]
    assert set(table["label"]) == set(names[regions.labels > 0]) and len(table["label"]) > 3
    order = list(zip(-table["n_voxels"], table["label"], strict=True))
    assert order == sorted(order)
    n_regions = (regions.labels > 0).sum()
    for row in (dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)):
        inside = (names == row["label"]) & (regions.labels > 0)
        assert row["n_voxels"] == inside.sum() and row["volume_mm3"] == pytest.approx(27 * inside.sum())
        assert row["share_of_variant"] == pytest.approx(inside.sum() / n_regions)
        if row["label"] == "no_label":
            assert row["share_of_label"] is None
        else:
            assert row["share_of_label"] == inside.sum() / (names == row["label"]).sum() <= 1
        assert row["mean_value"] == pytest.approx(values[inside].mean())
        peak = np.argwhere(inside)[np.abs(values[inside]).argmax()]
        assert row["peak_value"] == values[tuple(peak)]
        assert [row[f"peak_{axis}"] for axis in "xyz"] == (AFFINE @ [*peak, 1])[:3].tolist()
        own = {n: np.count_nonzero(inside & (regions.labels == n)) for n in (1, 2)}
        shares = sorted(((-count, n) for n, count in own.items() if count))
        assert row["regions"] == "; ".join(f"{n} ({-100 * count / inside.sum():.1f}%)" for count, n in shares)
    assert table["share_of_variant"].sum() == pytest.approx(1)


def test_a_variant_without_regions_has_no_row(atlas, found):
    values, regions = found
    none = Regions(0 * regions.labels, {}, regions.rule)
    table = tabulate_labels(atlas, label_sizes(atlas, SHAPE, AFFINE), values, none, AFFINE)
    assert list(table) == list(LABELS)[2:] and all(len(column) == 0 for column in table.values())


def test_an_atlas_elsewhere_has_one_row_without_a_label(atlas, found):
    values, regions = found
    empty = atlas._replace(labels=np.zeros_like(atlas.labels))
    table = tabulate_labels(empty, label_sizes(empty, SHAPE, AFFINE), values, regions, AFFINE)
    assert table["label"] == ["no_label"] and table["share_of_label"] == [None]
    assert table["regions"] == ["1 (97.6%); 2 (2.4%)"]
