"""Maps that were thresholded before are told by the gap around zero, and no whole map is taken for one."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from statmap.inference.thresholded import FEWEST, gap_around_zero, thresholded_before

RNG = np.random.default_rng(1)
DF = {"t": 20.0, "F": [3, 30]}


def field(shape, fwhm, signal, rng):
    """z values: noise of a smoothness, with a signal in a fifth of the voxels."""
    z = rng.normal(size=shape)
    if fwhm:
        z = gaussian_filter(z, fwhm / 2.355)
        z /= z.std()
    z[: max(shape[0] // 5, 1)] += signal
    return z


def as_stat(z, stat):
    """The same evidence as another statistic."""
    upper = stats.norm.sf(z)
    return {
        "z": lambda: z,
        "t": lambda: stats.t.isf(upper, DF["t"]),
        "F": lambda: stats.f.isf(2 * stats.norm.sf(np.abs(z)), *DF["F"]),
        "p": lambda: 2 * stats.norm.sf(np.abs(z)),
        "1-p": lambda: 1 - upper,
        "log10p": lambda: -np.log10(upper),
    }[stat]().ravel()


STATS = ["z", "t", "F", "p", "1-p", "log10p"]


@pytest.mark.parametrize("stat", STATS)
@pytest.mark.parametrize("fwhm", [0, 2, 4])
@pytest.mark.parametrize("signal", [0, 3, 8])
@pytest.mark.parametrize("shape", [(30, 30, 30), (12, 12, 12), (5, 6, 7), (8, 8, 1)])
def test_no_whole_map_is_taken_for_a_thresholded_one(stat, fwhm, signal, shape):
    for seed in range(10):
        values = as_stat(field(shape, fwhm, signal, np.random.default_rng(seed)), stat)
        assert gap_around_zero(values, stat, DF.get(stat)) is None


def test_the_embedded_map_is_whole(motor):
    data = motor[0]
    assert gap_around_zero(data[data != 0], "z") is None and gap_around_zero(data[data != 0], "t", 15) is None


@pytest.mark.parametrize("stat", STATS)
@pytest.mark.parametrize("level", [0.05, 0.01, 0.001])
@pytest.mark.parametrize("fwhm", [0, 3])
def test_a_thresholded_map_is_seen(stat, level, fwhm):
    z = field((30, 30, 30), fwhm, 3, np.random.default_rng(0))
    z = z[stats.norm.sf(z) < level]
    values = as_stat(z, stat)
    gap = gap_around_zero(values, stat, DF.get(stat))
    assert gap == (values.max() if stat == "p" else np.abs(values).min())


@pytest.mark.parametrize("cutoff", [1.6, 2.3, 3.1])
def test_one_side_both_sides_and_few_voxels(motor, cutoff):
    data = motor[0]
    for kept in (data >= cutoff, np.abs(data) >= cutoff, data <= -cutoff):
        assert gap_around_zero(data[kept], "z") >= cutoff
        assert gap_around_zero(data[kept][:FEWEST], "z") >= cutoff
        assert gap_around_zero(data[kept][: FEWEST - 1], "z") is None
    assert gap_around_zero(np.append(data[data >= cutoff], 0.2), "z") is None


def test_what_cannot_be_told():
    large = np.linspace(5, 9, 50)
    assert gap_around_zero(large, "other") is None and gap_around_zero(np.empty(0), "z") is None
    assert gap_around_zero(large, "F") is None and gap_around_zero(large, "F", 3.0) is None
    assert gap_around_zero(large, "t") == 5


@pytest.mark.parametrize(
    ("gap", "stat", "says", "origin", "tested", "words"),
    [
        (2.3, "z", None, None, 99, "no value lies between 0 and 2.3"),
        (2.3, "z", True, "NeuroVault", 99, "no value lies between 0 and 2.3"),
        (0.04, "p", None, None, 99, "no value lies nearer to p = 1 than 0.04"),
        (None, "t", True, "descrip", 99, "its header says so"),
        (None, "other", True, "NeuroVault", 99, "NeuroVault says so"),
        (None, "z", True, "NeuroVault", 6, "NeuroVault says so"),
        (None, "z", True, "NeuroVault", 99, None),  # the values say otherwise
        (None, "z", None, None, 99, None),
    ],
)
def test_who_is_believed(gap, stat, says, origin, tested, words):
    found = thresholded_before(gap, tested, {"stat": stat, "thresholded": says}, origin)
    assert bool(found) is (words is not None)
    assert all(text.startswith(f"the map was thresholded before ({words}): what needs") for text in found)
