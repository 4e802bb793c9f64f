"""Statistical cutoffs and true discovery proportions against nilearn 0.14.1, on the real map and where it differs.

The map is a t map; nilearn takes every map for z, so the comparisons are by `Z`.
"""

import nibabel as nib
import numpy as np
import pytest
from nilearn.glm import cluster_level_inference, fdr_threshold, threshold_stats_img
from nilearn.glm.thresholding import _compute_hommel_value, _true_positive_fraction
from scipy import ndimage, stats

from statmap.distributions import T, Z, tail_values
from statmap.inference import statistics


@pytest.fixture(scope="module")
def brain(motor):
    """The map, the same mask for both sides (the nonzero voxels), and the family of tests."""
    data, affine = motor
    mask = data != 0
    return nib.Nifti1Image(data, affine), nib.Nifti1Image(mask.astype(np.uint8), affine), data[mask]


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.2])
@pytest.mark.parametrize("control", ["fpr", "bonferroni", "fdr"])
def test_cutoffs_keep_nilearns_voxels(brain, motor, control, alpha, two_sided):
    image, mask, family = brain
    sided = "two" if two_sided else "positive"
    thresholded, threshold = threshold_stats_img(image, mask, alpha, height_control=control, two_sided=two_sided)
    cutoff = {
        "fpr": lambda: Z().cutoff(alpha, sided),
        "bonferroni": lambda: statistics.cutoff_bonferroni(alpha, family.size, Z(), sided),
        "fdr": lambda: statistics.cutoff_fdr(family, alpha, Z(), sided),
    }[control]()
    assert cutoff == pytest.approx(threshold, rel=1e-7 if control == "fdr" else 1e-14)
    suprathreshold = tail_values(motor[0], sided) >= cutoff
    np.testing.assert_array_equal(suprathreshold, thresholded.get_fdata() != 0)
    assert suprathreshold.sum() > 500


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_the_negative_side_is_nilearns_positive_side_of_the_mirrored_map(brain, alpha):
    image, mask, family = brain
    mirrored = nib.Nifti1Image(-np.asarray(image.dataobj), image.affine)
    thresholded, _ = threshold_stats_img(mirrored, mask, alpha, height_control="fdr", two_sided=False)
    cutoff = statistics.cutoff_fdr(family, alpha, Z(), "negative")
    assert np.count_nonzero(-family >= cutoff) == np.count_nonzero(thresholded.get_fdata())


@pytest.mark.parametrize("sided", ["two", "positive", "negative"])
@pytest.mark.parametrize(("distribution", "reference"), [(Z(), stats.norm), (T(20), stats.t(20))], ids=["z", "t"])
def test_fdr_on_the_real_map_rejects_what_scipy_rejects(brain, distribution, reference, sided):
    values = brain[2].astype(np.float64)
    one_tail = {"two": np.abs(values), "positive": values, "negative": -values}[sided]
    p = reference.sf(one_tail)
    rejected = stats.false_discovery_control(2 * p if sided == "two" else p) <= 0.05
    cutoff = statistics.cutoff_fdr(brain[2], 0.05, distribution, sided)
    np.testing.assert_array_equal(one_tail >= cutoff, rejected)
    assert rejected.sum() > 500


# ---- where nilearn's thresholds differ ------------------------------------------------------------------------------


def test_difference_fdr_cutoff_is_the_last_voxel_not_a_little_less(brain):
    """nilearn subtracts 1e-12, which float32 rounds away: applied strictly, its cutoff loses the last voxel."""
    family = brain[2]
    theirs = fdr_threshold(np.abs(family), 0.05 / 2)
    ours = statistics.cutoff_fdr(family, 0.05, Z())
    assert np.count_nonzero(np.abs(family) > theirs) == np.count_nonzero(np.abs(family) >= ours) - 1
    exact = np.abs(family).astype(np.float64)
    assert ours in exact
    assert fdr_threshold(exact, 0.05 / 2) == ours - 1e-12


def test_difference_p_equal_to_its_limit_is_significant():
    """Benjamini and Hochberg reject p <= alpha k / m; nilearn asks for p < and finds nothing here."""
    values = np.array([3.0])
    alpha = stats.norm.sf(3.0)
    assert fdr_threshold(values, alpha) == np.inf
    assert statistics.cutoff_fdr(values, alpha, Z(), "positive") == 3.0


def test_difference_t_maps_have_heavier_tails(brain):
    """nilearn reads a t map as z and keeps voxels that its degrees of freedom do not support."""
    _, _, family = brain
    _, as_z = threshold_stats_img(*brain[:2], 0.05, height_control="fdr")
    assert statistics.cutoff_fdr(family, 0.05, T(10)) > as_z + 0.3
    assert T(10).cutoff(0.001) > Z().cutoff(0.001) + 1


# ---- true discovery proportion --------------------------------------------------------------------------------------


def tdp_volume(data, family, threshold, alpha):
    p = Z().p(family, "positive")
    labels, n = ndimage.label(data > threshold)
    inside = labels > 0
    tdp = statistics.region_tdp(
        Z().p(data[inside], "positive"),
        labels[inside],
        n,
        statistics.hommel_value(p, alpha),
        alpha,
    )
    return np.concatenate([[0], tdp])[labels]


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("threshold", [1.5, 2.3, 3.1, 4.5, 7.0])
def test_tdp_is_nilearns_on_the_same_clusters(brain, motor, threshold, alpha):
    image, mask, family = brain
    expected = cluster_level_inference(image, mask, threshold, alpha).get_fdata()
    tdp = tdp_volume(motor[0], family, threshold, alpha)
    np.testing.assert_allclose(tdp, expected, atol=1e-7)  # nilearn stores the proportion as float32
    assert tdp.max() > 0


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_hommel_is_nilearns_on_the_real_map(brain, alpha):
    family = brain[2]
    for tail in (family, -family, np.abs(family)):
        ours = statistics.hommel_value(Z().p(tail, "positive"), alpha)
        assert ours == _compute_hommel_value(tail, alpha)
        assert 0 < ours < family.size


# ---- where nilearn's all-resolutions inference differs --------------------------------------------------------------


def test_difference_tdp_never_exceeds_1():
    """Where all voxels are discovered (h = 0), and where p underflows, nilearn counts u = 0 and finds one too many."""
    everything = np.array([5.0, 6.0, 7.0])
    p = Z().p(everything, "positive")
    assert _compute_hommel_value(everything, 0.05) == statistics.hommel_value(p, 0.05) == 0
    assert _true_positive_fraction(everything, 0, 0.05) == pytest.approx(4 / 3)
    assert statistics.region_tdp(p, [1, 1, 1], 1, 0, 0.05)[0] == 1

    underflowed = np.array([50.0, 60.0])
    assert _true_positive_fraction(underflowed, 2, 0.05) == 1.5
    p = Z().p(underflowed, "positive")
    assert statistics.region_tdp(p, [1, 1], 1, 2, 0.05)[0] == 1


def test_difference_hommel_where_a_p_value_equals_its_limit():
    """Equality means rejection (Simes: p_k <= k alpha / i); nilearn keeps one hypothesis more, so bounds too low."""
    z = np.array([4.0, 1.0, 0.0])
    p = Z().p(z, "positive")
    alpha = p[-1]  # the largest p value is alpha itself: Simes rejects every set of voxels
    assert statistics.hommel_value(p, alpha) == 0
    assert _compute_hommel_value(z, alpha) == 1


def test_difference_a_family_of_one_voxel_has_a_number_not_a_truth_value():
    assert _compute_hommel_value(np.array([0.1]), 0.05) is np.True_
    hommel = statistics.hommel_value(Z().p(np.array([0.1]), "positive"), 0.05)
    assert type(hommel) is int
    assert hommel == 1
