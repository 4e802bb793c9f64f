"""Three ways to write a map of p values are one map."""

import numpy as np
import pytest
from calls import resolve_cutoff

from statmap.distributions import PValues
from statmap.inference.p_maps import minus_log10_p, smallest_p
from statmap.inference.thresholds import suprathreshold_mask
from statmap.io.files import UserError

P = np.array([0.5, 0.04, 0.001, 1.0]).reshape(2, 2, 1)
INSIDE = np.ones(P.shape, dtype=bool)
KEYS = {"sided": "positive", "percentile_domain": "all", "domain": "mask", "stat": "log10p"}


@pytest.mark.parametrize(("form", "data"), [("p", P), ("1-p", 1 - P), ("log10p", -np.log10(P))])
def test_three_forms_of_one_map(form, data):
    values = minus_log10_p(data, INSIDE, form)
    np.testing.assert_allclose(values, -np.log10(P), rtol=1e-12, atol=1e-30)
    assert (values > 0).all()  # p = 1 was tested: it is no background
    np.testing.assert_allclose(PValues().p(values, "positive"), P, rtol=1e-12)
    for threshold, n_voxels in (({"p": 0.05}, 2), ({"bonferroni": 0.05}, 1), ({"fdr": 0.01}, 1)):
        cutoff = resolve_cutoff(values, INSIDE, KEYS | {"threshold": threshold})
        assert suprathreshold_mask(values, cutoff, "positive").sum() == n_voxels


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", ["p", "1-p", "log10p"])
def test_a_p_that_is_the_level_is_significant_whatever_the_file_makes_of_it(form, dtype):
    """Of 5,000 permutations p is a multiple of 0.0002, so that many voxels have 0.05 exactly."""
    p = np.arange(1, 5001).reshape(1, 1, -1) / 5000
    stored = {"p": p, "1-p": 1 - p, "log10p": -np.log10(p)}[form].astype(dtype)
    inside = np.ones(p.shape, dtype=bool)
    values = minus_log10_p(stored, inside, form)
    for count in range(1, 2500):
        for rule, n_voxels in ((">=", count), (">", count - 1)):
            cutoff = resolve_cutoff(values, inside, KEYS | {"threshold": {"p": count / 5000}, "cutoff_rule": rule})
            assert suprathreshold_mask(values, cutoff, "positive").sum() == n_voxels, (count, rule)


def test_background_stays_background():
    inside = INSIDE.copy()
    inside[0, 0, 0] = False
    assert minus_log10_p(P, inside, "p")[0, 0, 0] == 0
    assert (minus_log10_p(P, inside, "p") == 0).sum() == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", [20, 1000, 5000, 10_000])
def test_a_p_of_0_is_a_step_of_the_permutations(number, dtype):
    """Even where no voxel has the smallest p of all."""
    p = np.random.default_rng(0).integers(0, number + 1, 3000)
    p[p == 1] = 2
    values = (np.append(p, [0, 2, 3]) / number).astype(dtype)
    assert smallest_p(values) == 1 / number
    found = minus_log10_p(values.reshape(-1, 1, 1), np.ones((len(values), 1, 1), bool), "p")
    np.testing.assert_allclose(found.max(), np.log10(number), rtol=1e-6)
    assert (found > 0).all() and (found.ravel()[values == 0] == found.max()).all()


@pytest.mark.parametrize("lowest", [1e-3, 1e-12, 1e-30, 1e-44])
def test_a_p_of_0_is_the_smallest_of_other_p(lowest):
    """Of p values that are no multiples of anything, how far down the file goes is what is known."""
    dtype = np.float32 if lowest > 1e-38 else np.float64
    values = np.append(np.random.default_rng(0).uniform(lowest, 1, 5000), [0, lowest]).astype(dtype)
    assert smallest_p(values) == dtype(lowest)


def test_a_p_of_0_among_few_values():
    assert smallest_p(np.array([0, 0.5, 1])) == 0.5 and smallest_p(np.array([0.0, 0.0])) == 1
    assert smallest_p(np.array([0, 0.03, 0.5])) == 0.03


def test_one_minus_p_of_float32_reaches_no_infinity():
    values = minus_log10_p(np.ones((1, 1, 1), np.float32), np.ones((1, 1, 1), bool), "1-p")
    assert values.dtype == np.float32 and 7 < values[0, 0, 0] < 8


@pytest.mark.parametrize(("form", "value"), [("p", 1.5), ("1-p", -0.5), ("log10p", -3.0)])
def test_other_values_are_refused(form, value):
    with pytest.raises(UserError, match=f"map 'm': stat {form}.*accepted"):
        minus_log10_p(np.full((1, 1, 1), value), np.ones((1, 1, 1), bool), form, "map 'm'")


@pytest.mark.parametrize(("stat", "df"), [("F", (2, 30)), ("log10p", None)])
def test_one_tail_only(stat, df):
    keys = KEYS | {"threshold": {"p": 0.05}, "stat": stat, "df": df}
    with pytest.raises(UserError, match="one tail"):
        resolve_cutoff(P, INSIDE, keys | {"sided": "two"})
    with pytest.raises(UserError, match="numerator first"):
        resolve_cutoff(P, INSIDE, keys | {"stat": "F", "df": 3.0})
