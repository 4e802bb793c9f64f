"""Thresholds on arrays with known answers."""

import json
from dataclasses import replace

import numpy as np
import pytest
from calls import resolve_cutoff, stat_map_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, scoreatpercentile

from statmap.distributions import Z, distribution_of
from statmap.inference import thresholds
from statmap.inference.families import family_of
from statmap.inference.kinds import KINDS, Cutoff, parse_threshold
from statmap.inference.search_volume import search_of
from statmap.inference.thresholds import (
    Thresholded,
    ThresholdSidecar,
    describe,
    suprathreshold_mask,
    write_threshold,
)
from statmap.io.files import UserError, read_json
from statmap.io.sidecar import generated_by
from statmap.rules import ThresholdRule

SPEC = {
    "threshold": 3.0,
    "sided": "two",
    "cutoff_rule": None,
    "percentile_domain": "all",
    "domain": "mask",
    "stat": "z",
    "df": None,
}


def suprathreshold(values, **keys):
    data = np.array(values, dtype=np.float32).reshape(1, 1, -1)
    spec = SPEC | keys
    return suprathreshold_mask(data, resolve_cutoff(data, data != 0, spec), spec["sided"]).ravel().tolist()


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (3, ("value", 3.0)),
        (0, ("value", 0.0)),
        ("97%", ("percentile", 97.0)),
        ("99.5%", ("percentile", 99.5)),
        ({"p": 0.001}, ("p", 0.001)),
        ({"fdr": 0.05}, ("fdr", 0.05)),
        ({"bonferroni": 0.05}, ("bonferroni", 0.05)),
    ],
)
def test_thresholds_are_read(threshold, expected):
    kind, number = parse_threshold(threshold)
    assert (kind.name, number) == expected and kind is KINDS[kind.name]


@pytest.mark.parametrize("threshold", [-1, "97", "101%", "x%", {"p": 0}, {"p": 1.0}, {"q": 0.1}, {}, True, None, [3]])
def test_other_thresholds_are_refused_in_one_line(threshold):
    with pytest.raises(UserError) as error:
        parse_threshold(threshold)
    assert repr(threshold) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("sided", "expected"),
    [
        ("two", [True, True, False, False, True, True]),
        ("positive", [False, False, False, False, True, True]),
        ("negative", [True, True, False, False, False, False]),
    ],
)
def test_a_value_keeps_what_is_at_or_above_it(sided, expected):
    assert suprathreshold([-4, -3, -2.9, 0, 3, 4], sided=sided) == expected


def test_strict_rule_drops_what_is_at_the_cutoff():
    assert suprathreshold([-3, 3, 3.5], cutoff_rule=">") == [False, False, True]


@pytest.mark.parametrize(("rule", "n_voxels"), [(None, 1), (">", 2), (">=", 3)])
def test_a_percentile_keeps_what_clears_its_score(rule, n_voxels):
    """The 50th percentile of five values is the third; nilearn's clearance of 1e-5 also drops the fourth here."""
    passes = suprathreshold([1, 2, 3, 3.000002, 5], threshold="50%", cutoff_rule=rule)
    assert sum(passes) == n_voxels and passes[-1]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=40), st.integers(0, 100))
def test_percentiles_are_of_the_values_on_the_side_that_is_asked_for(values, percentile):
    data = np.array(values, dtype=np.float32).reshape(1, 1, -1)
    for sided, domain in (("two", np.abs(data)), ("positive", data[data >= 0]), ("negative", -data[data <= 0])):
        spec = SPEC | {"threshold": f"{percentile}%", "sided": sided}
        cutoff = resolve_cutoff(data, data != 0, spec)
        if domain.size:
            assert cutoff.value == pytest.approx(scoreatpercentile(domain.astype(float), percentile))
        else:
            assert np.isinf(cutoff.value)
        assert (cutoff.kind, cutoff.domain, cutoff.n_domain) == ("percentile", "all", data.size)


def test_percentile_domains():
    data = np.array([0, 0, 0, 0, 1, 2, 3, 4], dtype=np.float32).reshape(2, 2, 2)
    mask = data > 2
    cutoffs = {
        domain: resolve_cutoff(data, mask, SPEC | {"threshold": "50%", "percentile_domain": domain})
        for domain in ("all", "nonzero", "mask")
    }
    assert {domain: (cutoff.value, cutoff.n_domain) for domain, cutoff in cutoffs.items()} == {
        "all": (0.5, 8),
        "nonzero": (2.5, 4),
        "mask": (3.5, 2),
    }


def test_zero_is_background_whatever_the_threshold():
    assert suprathreshold([0, 0, 1, -1], threshold=0) == [False, False, True, True]


@pytest.mark.parametrize(("sided", "tail"), [("two", 0.0005), ("positive", 0.001), ("negative", 0.001)])
def test_p_is_split_between_the_tails_that_are_asked_for(sided, tail):
    data = np.ones((2, 2, 2))
    cutoff = resolve_cutoff(data, data != 0, SPEC | {"threshold": {"p": 0.001}, "sided": sided})
    assert cutoff.value == pytest.approx(norm.isf(tail))


@pytest.mark.parametrize("threshold", [3.0, "97%", {"p": 0.001}, {"bonferroni": 0.05}, {"fwe": 0.05}], ids=str)
def test_a_cutoff_is_compared_as_it_is_asked_for(threshold):
    data = np.random.default_rng(0).normal(size=(6, 6, 6))
    search, spec = search_of(data != 0, np.eye(4), 3.0, None), SPEC | {"threshold": threshold}
    above, at_or_above, unsaid = (
        resolve_cutoff(data, data != 0, spec | {"cutoff_rule": rule}, search=search) for rule in (">", ">=", None)
    )
    assert (above.rule, at_or_above.rule, unsaid.rule) == (">", ">=", ">" if threshold == "97%" else ">=")
    assert above.value == at_or_above.value == unsaid.value > 0


def test_bonferroni_counts_the_voxels_of_its_family(motor):
    data, _ = motor
    for domain, tests in (("mask", 45448), ("nonzero", 45448), ("all", data.size)):
        cutoff = resolve_cutoff(data, data != 0, SPEC | {"threshold": {"bonferroni": 0.05}, "domain": domain})
        assert cutoff.n_domain == tests and cutoff.value == pytest.approx(norm.isf(0.025 / tests))


def test_the_last_significant_voxel_passes_fdr(motor):
    data, _ = motor
    spec = SPEC | {"threshold": {"fdr": 0.05}}
    cutoff = resolve_cutoff(data, data != 0, spec)
    assert resolve_cutoff(data, data != 0, spec | {"cutoff_rule": ">"}) == cutoff
    passes = suprathreshold_mask(data, cutoff, "two")
    assert np.abs(data[passes]).min() == cutoff.value and passes.sum() > 1000


def test_nothing_significant_is_an_empty_result():
    data = np.full((3, 3, 3), 0.1)
    cutoff = resolve_cutoff(data, data != 0, SPEC | {"threshold": {"fdr": 0.05}})
    assert np.isinf(cutoff.value) and not suprathreshold_mask(data, cutoff, "two").any()
    assert "no cutoff" in describe(Thresholded(ThresholdRule(threshold={"fdr": 0.05}), cutoff), Z())


def test_statistical_thresholds_say_which_column_to_fill_in():
    rule = ThresholdRule(threshold={"fdr": 0.05})
    for stat, column in (("other", "stat"), ("t", "df")):
        stat_map = stat_map_of(np.ones((2, 2, 2)), stat=stat, name="m")
        with pytest.raises(
            UserError, match=rf"^map 'm', variant 'v': threshold {{fdr: 0\.05}} needs .*column {column}"
        ):
            thresholds.resolve_cutoff(stat_map, rule, name="map 'm', variant 'v'")
        with pytest.raises(UserError, match=r"^map 'm': threshold"):
            thresholds.resolve_cutoff(stat_map, rule)


# ---- the way into a sidecar and back --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cutoff",
    [
        Cutoff(3.0, ">=", "value"),
        Cutoff(2.5, ">", "percentile", "all", 10, 1e-5),
        Cutoff(np.inf, ">=", "fdr", "mask", 3),
        Cutoff(4.1, ">=", "fwe", "mask", 3, method="Bonferroni"),
        Cutoff(2.0, ">=", "tdp", "mask", 3, highest=5.0),
    ],
)
def test_a_cutoff_comes_back_from_its_sidecar(cutoff):
    entries = cutoff.entries()
    assert Cutoff.from_entries(json.loads(json.dumps(entries, allow_nan=False))) == cutoff
    assert cutoff.per_region == (cutoff.kind == "tdp")
    assert ("Method" in entries, "HighestCutoff" in entries) == (cutoff.kind == "fwe", cutoff.kind == "tdp")


@settings(deadline=None)
@given(
    st.builds(
        Cutoff,
        st.one_of(st.floats(0, 1e300), st.just(np.inf)),
        st.sampled_from([">", ">="]),
        st.sampled_from(list(KINDS)),
        st.sampled_from(["all", "nonzero", "mask", None]),
        st.one_of(st.none(), st.integers(0, 10**7)),
        st.sampled_from([0.0, 1e-5]),
        st.sampled_from([None, "Bonferroni", "random field theory"]),
        st.one_of(st.none(), st.floats(0, 1e300)),
    )
)
def test_any_cutoff_comes_back_among_other_entries(cutoff):
    entries = json.loads(json.dumps({"Kept": 1} | cutoff.entries() | {"Rule": "x"}, allow_nan=False))
    assert Cutoff.from_entries(entries) == cutoff and Cutoff.from_entries(entries).at_least == cutoff.at_least


@pytest.mark.parametrize("smooth", [True, False])
def test_a_thresholded_map_comes_back_from_its_sidecar(tmp_path, smooth):
    rule = ThresholdRule(threshold={"fwe": 0.05}, sided="positive", tdp_alpha=0.1, convention="spm")
    search = search_of(np.ones((5, 5, 5), bool), np.eye(4), 3.0, None) if smooth else None
    record = ThresholdSidecar(
        description="A map",
        generated_by=generated_by("threshold_map"),
        sources=["map.nii.gz"],
        source_sha256="0" * 64,
        parameters=vars(rule) | {"stat": "z", "df": None},
        rule="words",
        cutoff=Cutoff(4.1, ">=", "fwe", "mask", 125, method="Bonferroni"),
        suprathreshold_voxels=7,
        search=search,
    )
    record.write(tmp_path / "thresholded.json")
    back = ThresholdSidecar.read(tmp_path / "thresholded.json")
    assert replace(back, search=None) == replace(record, search=None)
    assert (back.thresholded.rule, back.thresholded.cutoff) == (rule, record.cutoff)
    assert back.thresholded.search is back.search
    assert (back.search and back.search.entries()) == (search and search.entries())
    assert ("FWHMVoxels" in read_json(tmp_path / "thresholded.json")) == smooth


# ---- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cutoff", "threshold", "sided", "stat", "words"),
    [
        (Cutoff(3.0, ">=", "value"), 3.0, "two", "t", "|t| ≥ 3"),
        (Cutoff(1.5, ">", "percentile", "all", 9), "97%", "two", "F", "97% of |F| over all voxels: |F| > 1.5"),
        (Cutoff(4.42, ">", "percentile", "mask", 9), "97%", "negative", "other", "97% of −x over the mask: −x > 4.42"),
        (
            Cutoff(2.0, ">=", "percentile", "nonzero", 9),
            "90%",
            "positive",
            "log10p",
            "90% of −log₁₀ p over nonzero voxels: −log₁₀ p ≥ 2",
        ),
        (
            Cutoff(2.0, ">=", "tdp", "mask", 9, highest=5.0),
            {"tdp": 0.7},
            "two",
            "z",
            "at least 70% active, over the mask: each region at its own cutoff, |z| ≥ 2 to 5",
        ),
        (
            Cutoff(5.06, ">=", "tdp", "mask", 9, highest=5.06),
            {"tdp": 0.7},
            "positive",
            "z",
            "at least 70% active, over the mask: each region at its own cutoff, z ≥ 5.06",
        ),
        (Cutoff(3.09, ">=", "p"), {"p": 0.001}, "positive", "z", "p < 0.001 uncorrected: z ≥ 3.09"),
    ],
)
def test_words(cutoff, threshold, sided, stat, words):
    rule = ThresholdRule(threshold=threshold, sided=sided)
    assert describe(Thresholded(rule, cutoff), distribution_of(stat, None)) == words


def test_a_threshold_as_text():
    assert [write_threshold(threshold) for threshold in (3.0, "97%", {"fdr": 0.05})] == ["3.0", "97%", "fdr=0.05"]


# ---- what was never tested, and what has the other sign -------------------------------------------------------------


@pytest.fixture
def half_empty():
    """A map whose mask has as many voxels without a value as with one."""
    data = np.random.default_rng(3).normal(size=(10, 10, 10))
    data[:2, :2, :2] = 6.0
    data[5:] = 0
    return data, np.ones(data.shape, dtype=bool)


def test_empty_voxels_of_the_mask_were_never_tested(half_empty):
    data, mask = half_empty
    stat_map = stat_map_of(data, mask=mask)
    assert family_of(stat_map, "mask").sum() == family_of(stat_map, "nonzero").sum() == 500
    assert family_of(stat_map, "all").sum() == 1000
    bonferroni = resolve_cutoff(data, mask, SPEC | {"threshold": {"bonferroni": 0.05}})
    assert bonferroni.n_domain == 500 and bonferroni.value == pytest.approx(norm.isf(0.025 / 500))
    rate = SPEC | {"threshold": {"fdr": 0.05}}
    assert resolve_cutoff(data, mask, rate) == resolve_cutoff(data, data != 0, rate)


def test_a_percentile_of_the_mask_still_counts_its_zeros(half_empty):
    data, mask = half_empty
    keys = SPEC | {"threshold": "40%", "percentile_domain": "mask"}
    assert resolve_cutoff(data, mask, keys).value == 0


@pytest.mark.parametrize("sided", ["positive", "negative"])
@pytest.mark.parametrize("threshold", [{"p": 0.9}, {"fdr": 0.99}])
def test_a_lax_one_sided_threshold_keeps_no_value_of_the_other_sign(half_empty, threshold, sided):
    data, mask = half_empty
    data = data if sided == "positive" else -data
    cutoff = resolve_cutoff(data, mask, SPEC | {"threshold": threshold, "sided": sided})
    assert cutoff.value == 0
    passing = data[suprathreshold_mask(data, cutoff, sided)]
    assert passing.size > 100 and (np.sign(passing) == (1 if sided == "positive" else -1)).all()
