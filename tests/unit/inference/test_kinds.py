"""The declaration of the kinds of threshold."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from statmap.inference import kinds
from statmap.inference.kinds import KINDS, Cutoff, Kind
from statmap.inference.thresholds import describe, parse_threshold, resolve_cutoff

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_example_is_read_as_its_kind(kind):
    name, number = parse_threshold(yaml.safe_load(kind.example))
    assert name == kind.name and kind.accepts(number) and not kind.accepts(-1) and not kind.accepts(float("nan"))


def test_an_entry_is_all_that_a_kind_needs(monkeypatch):
    def find(number, ask):
        return Cutoff(float(ask.data.max()) * number, ">=", "share")

    kind = Kind("share", "{share: 0.5}", "Of the maximum.", 0, 1, True, "{number:.0%} of the maximum: ", False, find)
    monkeypatch.setitem(kinds.KINDS, "share", kind)
    data = np.full((2, 2, 2), 8.0)
    rules = {"cutoff_rule": None, "percentile_domain": "all", "domain": "mask", "stat": "other", "df": None}
    cutoff = resolve_cutoff(data, data != 0, threshold={"share": 0.25}, sided="positive", **rules)
    assert cutoff.value == 2
    assert describe(cutoff, threshold={"share": 0.25}, sided="positive", stat="other") == "25% of the maximum: x ≥ 2"


def test_the_list_can_be_had_without_numpy():
    code = "import sys, statmap.inference.kinds; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=False).returncode == 0
