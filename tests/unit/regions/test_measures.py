"""What is measured of a region, by hand and by a loop over regions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statmap.regions.measures import list_peaks, measure_regions
from statmap.rules import PeakRule
from statmap.tables.columns import PEAKS

OBLIQUE = np.array([[2.0, 0.5, 0, -10], [-0.4, 0, 3.0, 20], [0.1, 1.5, 0.2, 5], [0, 0, 0, 1]])


def test_a_region_of_mixed_signs_by_hand():
    """Its centre is weighted by magnitude, its mean by sign; the peak keeps its sign."""
    data = np.array([1, -4, 3, 0, -2, -2], np.float32).reshape(6, 1, 1)
    labels = np.array([1, 1, 1, 0, 2, 2], np.int32).reshape(6, 1, 1)
    table = measure_regions(data, labels, np.diag([2.0, 3, 5, 1]), 6)
    assert table["region"].tolist() == [1, 2] and table["sign"].tolist() == ["mixed", "negative"]
    assert table["n_voxels"].tolist() == [3, 2] and table["volume_mm3"].tolist() == pytest.approx([90, 60])
    assert table["peak_value"].tolist() == [-4, -2] and table["peak_ties"].tolist() == [1, 2]
    assert table["peak_x"].tolist() == [2, 8] and table["peak_i"].tolist() == [1, 4]
    assert table["com_x"].tolist() == pytest.approx([2 * (0 * 1 + 1 * 4 + 2 * 3) / 8, 9])
    assert table["mean_value"].tolist() == [0, -2]
    assert table["sd_value"].tolist() == pytest.approx([np.sqrt(26 / 3), 0])


@pytest.mark.parametrize(("values", "sign"), [((1, 2), "positive"), ((-1, -2), "negative"), ((1, -2), "mixed")])
def test_sign_of_a_region(values, sign):
    data = np.array(values, np.float32).reshape(2, 1, 1)
    assert measure_regions(data, np.ones((2, 1, 1), np.int32), np.eye(4), 6)["sign"].tolist() == [sign]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from((np.float32, np.float64)))
def test_columns_equal_a_loop_over_regions(seed, dtype):
    random = np.random.default_rng(seed)
    data = (np.round(random.normal(size=(5, 4, 3)) * 3) + 0.5).astype(dtype)
    labels = random.permutation(np.repeat(np.arange(5, dtype=np.int32), 12)).reshape(data.shape)
    table = measure_regions(data, labels, OBLIQUE, 6)
    for n in range(4):
        inside = labels == n + 1
        values = data[inside].astype(np.float64)
        mm = np.argwhere(inside) @ OBLIQUE[:3, :3].T + OBLIQUE[:3, 3]
        row = {name: column[n] for name, column in table.items()}
        assert row["n_voxels"] == 12 and row["volume_mm3"] == pytest.approx(12 * abs(np.linalg.det(OBLIQUE)))
        positive = int((values > 0).sum())
        assert row["sign"] == {0: "negative", 12: "positive"}.get(positive, "mixed")
        centre = (mm * np.abs(values)[:, None]).sum(axis=0) / np.abs(values).sum()
        assert [row["com_x"], row["com_y"], row["com_z"]] == pytest.approx(centre.tolist())
        assert (row["mean_value"], row["sd_value"]) == pytest.approx((values.mean(), values.std()))
        peak = tuple(int(row[f"peak_{axis}"]) for axis in "ijk")
        assert row["peak_value"] == data[peak] and labels[peak] == n + 1
        assert [row["peak_x"], row["peak_y"], row["peak_z"]] == pytest.approx(
            (OBLIQUE[:3, :3] @ peak + OBLIQUE[:3, 3]).tolist()
        )
        assert abs(row["peak_value"]) == np.abs(values).max()
        assert row["peak_ties"] == (np.abs(values) == np.abs(values).max()).sum()


def test_small_differences_of_large_values_are_kept():
    """Sums of float32 would not see a standard deviation of one in a hundred thousand."""
    data = np.float32(100_000) + np.arange(4, dtype=np.float32).reshape(4, 1, 1)
    table = measure_regions(data, np.ones((4, 1, 1), np.int32), np.eye(4), 6)
    assert table["sd_value"].tolist() == pytest.approx([np.sqrt(1.25)]) and table["mean_value"].tolist() == [100_001.5]
    assert table["peak_value"].dtype == table["mean_value"].dtype == np.float64


def test_without_a_region_every_column_is_there_and_empty():
    data, labels = np.ones((3, 3, 3), np.float32), np.zeros((3, 3, 3), np.int32)
    full = measure_regions(data, labels + 1, np.eye(4), 6)
    empty = measure_regions(data, labels, np.eye(4), 6)
    assert list(empty) == list(full) and {column.shape for column in empty.values()} == {(0,)}
    peaks = list_peaks(data, labels, np.eye(4), 6, PeakRule())
    assert list(peaks) == list(list_peaks(data, labels + 1, np.eye(4), 6, PeakRule()))
    assert {column.shape for column in peaks.values()} == {(0,)} and set(peaks) <= set(PEAKS)


def test_peaks_by_hand():
    """Voxels of 2 mm: further maxima of 5 and 4, 8 and 14 mm from the main peak of 6, and 6 mm from each other."""
    data = np.array([6, 1, 1, 1, 5, 1, 1, 4, 0, -3], np.float32).reshape(10, 1, 1)
    labels = np.array([1] * 8 + [0, 2], np.int32).reshape(10, 1, 1)
    affine = np.diag([2.0, 2, 2, 1])
    affine[0, 3] = 100

    def peaks(distance, most, **keys):
        rule = PeakRule(min_peak_distance=distance, max_peaks=most, **keys)
        return {name: column.tolist() for name, column in list_peaks(data, labels, affine, 6, rule).items()}

    everything = peaks(0, 6)
    assert everything["region"] == [1, 1, 1, 2] and everything["peak"] == [1, 2, 3, 1]
    assert everything["value"] == [6, 5, 4, -3] and everything["i"] == [0, 4, 7, 9]
    assert everything["x"] == [100, 108, 114, 118] and everything["distance_mm"] == [0, 8, 14, 0]
    assert everything["y"] == everything["j"] == everything["z"] == everything["k"] == [0] * 4
    assert peaks(8, 6)["i"] == [0, 4, 9] and peaks(8, 6, peak_distance_rule=">")["i"] == [0, 7, 9]
    assert peaks(0, 2)["i"] == [0, 4, 9] and peaks(0, 1)["i"] == [0, 9]


@pytest.mark.parametrize(("neighbours", "values"), [(26, [5]), (18, [5, 4])])
def test_peaks_are_higher_than_the_neighbours_that_are_asked_for(neighbours, values):
    """Beside the highest voxel, at its corner, stands one that is higher than all with which it shares an edge."""
    data = np.ones((4, 4, 4), np.float32)
    data[1, 1, 1], data[2, 2, 2] = 5, 4
    labels = np.ones(data.shape, np.int32)
    rule = PeakRule(min_peak_distance=0, max_peaks=9, peak_distance_rule=">=", peak_neighbours=neighbours)
    assert list_peaks(data, labels, np.eye(4), 6, rule)["value"].tolist() == values
