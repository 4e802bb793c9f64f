"""What SPM12 printed for one t map (an NIDM-Results pack in the test data of NeuroVault, MIT), number by number.

84 degrees of freedom, 69,306 voxels of 3 mm. Its uncorrected p and equivalent z differ from the t tail
(ours, scipy's) by up to 2e-6 and 2e-8. SPM computes 1 - P(T <= t) in steps of 2^-53, which limits its
q (5e-6 of the q of the peak at 9.7, whose tail is nine steps) and makes p 0 or a few steps at the highest peaks.

What stands below its table is also held against a second map (df 73, 65,593 voxels of 3 mm): the example of SPM in the
specification of NIDM-Results (incf-nidash/nidm, nidm-results/spm), of which the numbers below are cited.
"""

import numpy as np
import pytest

from statmap.distributions import T
from statmap.inference.random_field import RandomField, benjamini_hochberg
from statmap.inference.region_statistics import critical_extent
from statmap.inference.search_volume import SearchVolume, dlh_of
from statmap.inference.spm_footer import SpmFooter, spm_footer
from statmap.rules import RegionRule

T84, VOXELS, CUTOFF = T(84.0), 69306, 4.85241745689539
FWHM = np.array([5.41278985910694, 5.43638957240286, 4.51666658877481])
RESELS = np.array([7, 42.96312274763, 269.40914815306, 467.07642343881])
FIELD = RandomField(T84, "positive", SearchVolume(VOXELS, 3, FWHM, RESELS, dlh_of(FWHM, 1.0)))
SIZES = [839, 695, 37, 29, 12]
P_UNCORRECTED = [
    3.55896824480477e-19,
    5.34280282632073e-17,
    0.00497953247554004,
    0.0110257032104773,
    0.0818393184514307,
]
P_FWE = [0.000255384009130943, 0.000565384750377596, 0.00418900977248904]
Q = [1.77948412240239e-18, 1.33570070658018e-16, 0.00829922079256674, 0.0137821290130967, 0.0818393184514307]
PEAKS = {  # T: equivalent z, p FWE, q
    17.5207633972168: (None, None, 1.19156591713838e-11),
    13.5425577163696: (None, None, 1.19156591713838e-11),
    13.0321407318115: (None, None, 1.19156591713838e-11),
    12.4728717803955: (None, None, 1.19156591713838e-11),
    10.2856016159058: (None, None, 6.84121260274992e-10),
    9.72103404998779: (None, None, 6.52169693024352e-09),
    6.55745935440063: (5.87574033699266, 9.17574302586877e-05, 0.00257605396646668),
    6.19558477401733: (5.60645028016544, 0.000382453907303626, 0.00949154522981781),
    5.27320194244385: (4.88682085490477, 0.0119099090973821, 0.251554254717758),
}


def test_the_volume():
    assert FWHM.prod() == pytest.approx(132.907586178202, rel=1e-14)


def test_height_threshold():
    value, method = FIELD.cutoff_fwe(0.05)
    assert value == pytest.approx(CUTOFF, rel=1e-13) and method == "random field theory"
    assert np.exp(T84.log_sf(CUTOFF)) == pytest.approx(2.7772578e-06, rel=2e-6)
    assert FIELD.expected_ec(CUTOFF) == pytest.approx(0.0512932943875478, rel=1e-11)


def test_expected_voxels_per_cluster():
    density = T84.ec_densities(CUTOFF)
    assert density[0] / density[3] * FWHM.prod() == pytest.approx(4.02834655908613, rel=1e-10)


def test_clusters():
    uncorrected, corrected = (np.exp(log_p) for log_p in FIELD.spm_cluster_log_p(SIZES, CUTOFF))
    np.testing.assert_allclose(uncorrected, P_UNCORRECTED, rtol=1e-9)
    np.testing.assert_allclose(corrected[2:], P_FWE, rtol=1e-9)
    assert (corrected[:2] < 2**-53).all()  # printed as 0
    q = benjamini_hochberg(uncorrected)
    np.testing.assert_allclose(q, Q, rtol=1e-9)


@pytest.mark.parametrize(("asked", "critical", "printed"), [("cluster_p", 1, 12), ("cluster_q", 29, 29)])
def test_critical_extents(asked, critical, printed):
    """FWEc and FDRc are sizes of clusters that were found; above so high a cutoff any cluster is significant."""
    rule = RegionRule(**{asked: 0.05}, cluster_theory="spm", sided="positive")
    extent = critical_extent(np.array(SIZES), CUTOFF, FIELD.search, rule, T84, "auditory")
    assert extent == critical and min(size for size in SIZES if size >= extent) == printed


def test_peaks():
    heights = np.array(list(PEAKS))
    for height, p in zip(heights, FIELD.p_fwe(heights), strict=True):
        z, printed, _ = PEAKS[height]
        if printed:
            assert p == pytest.approx(printed, rel=1e-6)
            assert T84.to_z(height) == pytest.approx(z, rel=2e-8)
        else:
            assert p < VOXELS * 10 * 2.0**-53


def test_topological_fdr():
    """14 maxima, of which nine are printed (three per cluster, 8 mm apart); the q of eight of them needs no other."""
    hidden = [6.58, 6.57, 6.4, 5.3, 4.9]  # invented: only their ranks count
    heights = np.array([*PEAKS, *hidden])
    q = FIELD.q(heights, heights, CUTOFF)
    printed = np.array([row[2] for row in PEAKS.values()])
    known = np.arange(len(printed)) != 6  # the seventh takes its q from a maximum that is not printed
    np.testing.assert_allclose(q[:9][known], printed[known], rtol=5e-6)


def footer(field, cutoff, maxima, sizes, n_clusters):
    found = np.array(maxima), np.array(sizes), n_clusters
    return spm_footer(field, cutoff, 0, found, np.diag([3.0, 3, 3, 1]), "t")


def test_what_stands_below_the_table():
    """FWEc and FDRc are sizes that were found; FDRp is the lowest maximum of q 0.05 or less: here 6.196, not 5.273."""
    below = footer(FIELD, CUTOFF, list(PEAKS), SIZES, 5)
    assert (below.extent_fwe, below.extent_fdr, below.extent, below.set_c) == (12, 29, 0, 5)
    assert below.height_fwe == pytest.approx(CUTOFF, rel=1e-13) and below.p_fwe == pytest.approx(0.05, rel=1e-12)
    assert below.height_fdr == 6.19558477401733
    assert below.voxels_per_cluster == pytest.approx(4.02834655908613, rel=1e-10)
    assert below.expected_clusters == pytest.approx(0.0512932943875478, rel=1e-11)
    assert below.lines() == [
        "Height threshold: t = 4.85, p = 2.78e-06 (0.05)",
        "Extent threshold: k = 0 voxels",
        "Expected voxels per cluster, <k> = 4.028",
        "Expected number of clusters, <c> = 0.05",
        "FWEp: 4.852, FDRp: 6.196, FWEc: 12, FDRc: 29",
        "Degrees of freedom = [1.0, 84.0]",
        "FWHM = 16.2 16.3 13.5 mm; 5.4 5.4 4.5 voxels",
        "Volume: 1871262 mm³ = 69306 voxels = 467.1 resels",
        "Voxel size: 3.0 3.0 3.0 mm (resel = 132.91 voxels)",
    ]
    assert SpmFooter.from_entries(below.entries()).lines() == below.lines()


def test_the_set_level_and_the_footer_of_another_map():
    """Its height is Bonferroni's, the lower one; 8 clusters."""
    t73, fwhm = T(72.9999999990787), np.array([2.95881189165801, 2.96628446669584, 2.61180425626264])
    resels = np.array([3, 72.3216126440484, 850.716735116472, 2552.68032521656])
    field = RandomField(t73, "positive", SearchVolume(65593, 3, fwhm, resels, dlh_of(fwhm, 1.0)))
    below = footer(field, 5.23529984739211, [13.9346199035645], [530, 445, 38, 1], 8)
    assert below.set_p == pytest.approx(8.95949980872501e-14, rel=1e-3)  # SPM's is 1 - P: steps of 1e-16
    assert below.height_fwe == pytest.approx(5.23529984739211, rel=1e-8)
    assert below.p == pytest.approx(7.62276079258051e-07, rel=1e-5)
    assert below.voxels_per_cluster == pytest.approx(0.553331387916112, rel=1e-8)
    assert below.expected_clusters == pytest.approx(0.0889172687960151, rel=1e-9)
    assert below.extent_fwe == 1 and below.n_voxels == 65593 and below.volume_mm3 == pytest.approx(1771011)
    assert below.voxels_per_resel == pytest.approx(22.9229643140043, rel=1e-12)
    assert below.fwhm_mm == pytest.approx([8.87643567497404, 8.89885340008753, 7.83541276878791], rel=1e-12)


def test_an_extent_threshold_lowers_what_is_expected():
    """<c> is E(u) P(extent >= k), the set level its Poisson tail."""
    found = np.array([6.0]), np.array([37, 29, 12]), 3
    below = spm_footer(FIELD, CUTOFF, 12, found, np.diag([3.0, 3, 3, 1]), "t")
    assert below.extent_p == pytest.approx(0.0818393184514307, rel=1e-9)
    assert below.extent_p_fwe == pytest.approx(0.00418900977248904, rel=1e-9)
    mean = below.expected_clusters
    assert mean == pytest.approx(0.0512932943875478 * 0.0818393184514307, rel=1e-9)
    assert below.set_p == pytest.approx(1 - np.exp(-mean) * (1 + mean + mean**2 / 2), rel=1e-4)
