"""The declaration of the kinds of threshold."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from calls import stat_map_of

from statmap.distributions import F, PValues, T, Unknown, Z
from statmap.inference import kinds
from statmap.inference.kinds import KINDS, Cutoff, Kind, check_threshold, parse_threshold
from statmap.inference.thresholds import Thresholded, describe, resolve_cutoff
from statmap.io.files import UserError
from statmap.rules import ThresholdRule

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_example_is_read_as_its_kind(kind):
    parsed, number = parse_threshold(yaml.safe_load(kind.example))
    assert parsed is kind and kind.accepts(number) and not kind.accepts(-1) and not kind.accepts(float("nan"))


def test_an_entry_is_all_that_a_kind_needs(monkeypatch):
    def find(number, stat_map, rule, search):
        return Cutoff(float(stat_map.values.max()) * number, ">=", "share")

    kind = Kind(
        name="share",
        example="{share: 0.5}",
        meaning="Of the maximum.",
        ends=True,
        title="{number:.0%} of the maximum: ",
        needs_p=False,
        find=find,
    )
    monkeypatch.setitem(kinds.KINDS, "share", kind)
    rule = ThresholdRule(threshold={"share": 0.25}, sided="positive")
    cutoff = resolve_cutoff(stat_map_of(np.full((2, 2, 2), 8.0)), rule)
    assert cutoff.value == 2 and not cutoff.per_region
    assert describe(Thresholded(rule, cutoff), Unknown()) == "25% of the maximum: x ≥ 2"


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_kind_finds_one_cutoff_or_regions_have_each_their_own(kind):
    assert kind.per_region == (kind.find is None) == (kind.name == "tdp")


# ---- what a kind needs to know of a map -----------------------------------------------------------------------------


def refusal(threshold, distribution, sided="positive", smooth=True):
    """What a threshold is refused with on a map; None where it is accepted."""
    try:
        check_threshold(threshold, distribution, sided, smooth, "map 'm'", "variant 'v': threshold", "maps.tsv")
    except UserError as error:
        return str(error)
    return None


def test_random_field_theory_has_no_word_on_p_values():
    """Whether the smoothness is known or not."""
    for smooth in (True, False):
        text = refusal({"fwe": 0.05}, PValues(), smooth=smooth)
        assert text.startswith("map 'm': variant 'v': threshold {fwe: 0.05} has no theory for a map of log10p")
        assert "accepted: maps of z, t or F" in text and "\n" not in text


@pytest.mark.parametrize("distribution", [Z(), T(20), F(3, 40)], ids=str)
def test_a_family_wise_height_needs_the_smoothness(distribution):
    assert refusal({"fwe": 0.05}, distribution) is None
    assert "fwhm_mm, dlh or residuals of maps.tsv" in refusal({"fwe": 0.05}, distribution, smooth=False)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_what_needs_p_values_is_refused_without_a_distribution(kind):
    threshold = yaml.safe_load(kind.example)
    assert refusal(threshold, Z(), "two") is None
    text = refusal(threshold, Unknown(), "two")
    assert (text is not None) == kind.needs_p == (kind.name not in ("value", "percentile"))
    if kind.needs_p:
        assert "column stat of maps.tsv" in text
        assert "accepted: sided: positive (found two)" in refusal(threshold, F(3, 40), "two")
    else:
        assert refusal(threshold, PValues(), "two") is None


def test_the_list_can_be_had_without_numpy():
    code = "import sys, statmap.inference.kinds; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=False).returncode == 0
