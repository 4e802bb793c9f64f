"""What the tables of a variant put together: whose p values, over which family."""

import numpy as np
import pytest
from calls import rule_of, stat_map_of
from scipy.stats import norm

from statmap.distributions import Z
from statmap.inference.statistics import hommel_value, region_tdp
from statmap.inference.thresholds import Cutoff, Thresholded
from statmap.regions.extract import Regions
from statmap.rules import PeakRule, RegionRule, ThresholdRule
from statmap.tables.of_variant import tables_of_variant

KEYS = {
    "threshold": 3.0,
    "signs": "split",
    "extract_type": "connected_components",
    "connectivity": 6,
    "min_region_size": 0,
    "size_rule": ">",
    "cluster_theory": "spm",
    "min_peak_distance": 0,
    "peak_distance_rule": ">=",
    "peak_neighbours": 26,
    "max_peaks": 3,
    "tdp_alpha": 0.05,
}


@pytest.fixture
def tables():
    """Two regions, of twenty voxels and of one, in noise; the mask leaves more than half of the volume out."""
    data = np.random.default_rng(0).normal(size=(24, 8, 8)) * 0.5
    data[1:21, 1, 1] = np.linspace(3, 5, 20)
    data[6, 6, 6] = 3.4
    inside = np.zeros(data.shape, bool)
    inside[:22, :7, :4], inside[6, 6, 6] = True, True
    labels = np.zeros(data.shape, np.int32)
    labels[1:21, 1, 1], labels[6, 6, 6] = 1, 2

    def make(**keys):
        threshold, regions, peaks = (rule_of(rule, KEYS | keys) for rule in (ThresholdRule, RegionRule, PeakRule))
        thresholded = Thresholded(threshold, Cutoff(3.0, ">=", "value"))
        made = tables_of_variant(
            stat_map_of(data, mask=inside, stat="z"), thresholded, Regions(labels, {}, regions), peaks
        )
        return data, inside, labels, made.regions, made.peaks

    return make


@pytest.mark.parametrize(("sided", "tails"), [("positive", 1), ("two", 2)])
def test_p_values_are_of_the_tails_that_are_asked_for(tables, sided, tails):
    *_, regions, peaks = tables(sided=sided, domain="mask")
    assert peaks["value"].tolist() == [5, 3.4] and regions["peak_value"].tolist() == [5, 3.4]
    for found in (peaks["p"], regions["p_peak"]):
        np.testing.assert_allclose(found, tails * norm.sf([5, 3.4]))


@pytest.mark.parametrize("sided", ["positive", "two"])
@pytest.mark.parametrize("domain", ["mask", "all"])
def test_true_discoveries_are_of_the_family_that_is_asked_for(tables, sided, domain):
    data, inside, labels, regions, _ = tables(sided=sided, domain=domain, tdp_alpha=0.01)
    family = inside if domain == "mask" else np.ones_like(inside)
    p = Z().p(data[family], sided)
    expected = region_tdp(p, labels[family], 2, hommel_value(p, 0.01), 0.01)
    np.testing.assert_array_equal(regions["tdp"], expected)
    other = np.ones_like(inside) if domain == "mask" else inside
    p = Z().p(data[other], sided)
    assert 0 < expected[0] != region_tdp(p, labels[other], 2, hommel_value(p, 0.01), 0.01)[0]
