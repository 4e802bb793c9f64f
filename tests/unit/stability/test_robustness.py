"""Robustness intervals against their definition."""

import numpy as np
import pandas as pd
import pytest
from calls import extract_regions, rule_of, stat_map_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from small_maps import AFFINE, STRUCTURE, connectivities, maps

from statmap.inference.thresholds import Cutoff, suprathreshold_mask
from statmap.rules import RegionRule
from statmap.stability.robustness import robustness
from statmap.stability.tree import signed_maps


def rows_of(data, affine, regions, cutoff, **keys):
    """The three arrays side by side, a row per region."""
    ijk = regions[["peak_i", "peak_j", "peak_k"]].to_numpy(dtype=int)
    rule = rule_of(RegionRule, keys)
    found = robustness(stat_map_of(data, affine), regions["sign"].to_numpy(), ijk, cutoff, rule)
    return pd.DataFrame(dict(zip(("robust_low", "robust_high", "margin"), found, strict=True)))


def region_rows(data, labels):
    """The columns of a region table that robustness needs, the peak at the first of tied voxels."""
    rows = []
    for number in range(1, labels.max() + 1):
        inside = labels == number
        peak = np.argwhere(inside & (np.abs(data) == np.abs(data[inside]).max()))[0]
        positive, negative = (data[inside] > 0).any(), (data[inside] < 0).any()
        rows.append(("mixed" if positive and negative else "positive" if positive else "negative", *peak))
    return pd.DataFrame(rows, columns=["sign", "peak_i", "peak_j", "peak_k"])


def holds(signed, peak, threshold, rule, connectivity, minimum, size_rule):
    """The definition of a region that is still the same finding, at one threshold."""
    alive = (signed >= threshold if rule == ">=" else signed > threshold) & (signed > 0)
    if not alive[peak]:
        return False
    labels = ndimage.label(alive, STRUCTURE[connectivity])[0]
    component = labels == labels[peak]
    volume = 27.0 * component.sum()
    first = np.argwhere(component & (signed == signed[component].max()))[0]
    return tuple(first) == peak and (volume > minimum if size_rule == ">" else volume >= minimum)


def test_of_two_equal_peaks_one_joins_the_other():
    """Below the saddle the one of the lower index stands for both, and only it is robust from 0."""
    data = np.zeros((7, 3, 3))
    data[1:6, 1, 1] = [4, 2, 1, 3, 4]
    labels = ndimage.label(data >= 3)[0].astype(np.int32)
    keys = {"connectivity": 6, "signs": "split", "sided": "two", "min_region_size": 0, "size_rule": ">"}
    rows = rows_of(data, AFFINE, region_rows(data, labels), Cutoff(3.0, ">=", "value"), **keys)
    assert rows[["robust_low", "robust_high"]].values.tolist() == [[0, 4], [1, 4]]


@settings(deadline=None, max_examples=80)
@given(
    data=maps,
    connectivity=connectivities,
    signs=st.sampled_from(("split", "merged")),
    sided=st.sampled_from(("two", "positive", "negative")),
    value=st.sampled_from((0.0, 0.5, 1.0, 2.0)),
    rule=st.sampled_from((">=", ">")),
    minimum=st.sampled_from((0.0, 27.0, 40.0, 81.0)),
    size_rule=st.sampled_from((">", ">=")),
)
def test_robustness_is_the_interval_of_its_definition(
    data, connectivity, signs, sided, value, rule, minimum, size_rule
):
    cutoff = Cutoff(value, rule, "value")
    spec = {
        "extract_type": "connected_components",
        "connectivity": connectivity,
        "signs": signs,
        "min_region_size": minimum,
        "size_rule": size_rule,
    }
    suprathreshold = suprathreshold_mask(data, cutoff, sided)
    regions = region_rows(data, extract_regions(np.where(suprathreshold, data, 0), AFFINE, spec).labels)
    result = rows_of(data, AFFINE, regions, cutoff, **spec, sided=sided)
    assert len(result) == len(regions)
    maps_by_sign = signed_maps(data, signs, sided)
    for region, interval in zip(regions.itertuples(), result.itertuples(), strict=True):
        signed = maps_by_sign.get(region.sign, next(iter(maps_by_sign.values()))).astype(np.float64)
        peak = region.peak_i, region.peak_j, region.peak_k
        low, high = interval.robust_low, interval.robust_high
        assert interval.margin == min(value - low, high - value) >= 0
        values = np.unique(np.concatenate([[0.0], signed[signed > 0]]))
        assert low in values and high in values
        for threshold in np.unique(np.concatenate([values, (values[1:] + values[:-1]) / 2, [value]])):
            inside = low < threshold <= high if rule == ">=" else low <= threshold < high
            if threshold > 0 or rule == ">":
                arguments = signed, peak, threshold, rule, connectivity, minimum, size_rule
                assert inside == holds(*arguments), (threshold, low, high)


@pytest.mark.parametrize("sided", ["two", "positive"])
def test_robustness_of_real_regions_by_extracting_again(motor, sided):
    data, affine = motor
    spec = {
        "extract_type": "connected_components",
        "connectivity": 18,
        "signs": "split",
        "min_region_size": 500,
        "size_rule": ">",
    }

    def extract(value):
        suprathreshold = suprathreshold_mask(data, Cutoff(value, ">=", "value"), sided)
        return extract_regions(np.where(suprathreshold, data, 0), affine, spec).labels

    labels = extract(3.0)
    regions = region_rows(data, labels)
    assert len(regions) >= 2
    result = rows_of(data, affine, regions, Cutoff(3.0, ">=", "value"), **spec, sided=sided)
    for region, interval in zip(regions.itertuples(), result.itertuples(), strict=True):
        peak = region.peak_i, region.peak_j, region.peak_k

        def main_peak(value, peak=peak):
            """The peak of the region that holds the peak, None where it is in none."""
            labels = extract(value)
            inside = labels == labels[peak]
            highest = inside & (np.abs(data) == np.abs(data[inside]).max())
            return tuple(np.argwhere(highest)[0]) if labels[peak] else None

        assert main_peak(np.nextafter(interval.robust_low, 9)) == peak
        assert main_peak(interval.robust_high) == peak
        assert main_peak(np.nextafter(interval.robust_high, 9)) is None
        if interval.robust_low > 0:
            assert main_peak(interval.robust_low) not in (peak, None)


def test_local_regions_take_the_interval_of_their_component():
    data = np.zeros((9, 3, 3))
    data[1:8, 1, 1] = [5, 3, 2, 3, 4, 0, 1]
    regions = pd.DataFrame({"sign": "positive", "peak_i": [1, 5], "peak_j": 1, "peak_k": 1})
    keys = {"connectivity": 6, "signs": "split", "sided": "two", "min_region_size": 0, "size_rule": ">"}
    together = rows_of(data, AFFINE, regions, Cutoff(2.0, ">=", "value"), **keys)
    assert together.values.tolist() == [[0.0, 5.0, 2.0], [0.0, 5.0, 2.0]]
    apart = rows_of(data, AFFINE, regions, Cutoff(2.5, ">=", "value"), **keys)
    assert apart.values.tolist() == [[0.0, 5.0, 2.5], [2.0, 4.0, 0.5]]


def test_robustness_without_regions_is_empty(motor):
    data, affine = motor
    regions = pd.DataFrame(columns=["sign", "peak_i", "peak_j", "peak_k"])
    keys = {"connectivity": 6, "signs": "split", "sided": "two", "min_region_size": 0, "size_rule": ">"}
    result = rows_of(data, affine, regions, Cutoff(float("inf"), ">=", "fdr"), **keys)
    assert result.empty


@pytest.mark.parametrize(("values", "high"), [([5, 4, 2, 5], 4.0), ([5, 2, 4, 5], 2.0)])
def test_of_equal_peaks_that_of_the_lowest_index_stands_for_the_component(values, high):
    data = np.zeros((6, 3, 3))
    data[1:5, 1, 1] = values
    regions = pd.DataFrame({"sign": "positive", "peak_i": [4, 1], "peak_j": 1, "peak_k": 1})
    keys = {"connectivity": 6, "signs": "split", "sided": "two", "min_region_size": 27, "size_rule": ">"}
    found = rows_of(data, AFFINE, regions, Cutoff(1.5, ">=", "value"), **keys)
    assert found["robust_high"].tolist() == [high, high]
