"""The rules of the steps against the schema of the config: keys, defaults, the words that are accepted."""

import dataclasses
import typing
from dataclasses import MISSING, fields, replace
from pathlib import Path
from types import NoneType

import pytest

from statmap.config.schema import load
from statmap.rules import (
    PeakRule,
    RegionRule,
    Smoothness,
    SweepRule,
    ThresholdRule,
    keys_of,
    rule_from,
)

SCHEMAS = Path(__file__).parents[2] / "config/schemas"
SCHEMA = load(SCHEMAS / "config.schema.yaml")
VARIANT = SCHEMA["$defs"]["variant"]["properties"]
SWEEP = SCHEMA["properties"]["sweep"]["properties"]
STEPS = (ThresholdRule, RegionRule, PeakRule)
RULES = [(step, VARIANT) for step in STEPS] + [(SweepRule, VARIANT | SWEEP)]  # a sweep has keys of variants as well
of_every_field = pytest.mark.parametrize(
    ("rule", "field", "declared"),
    [
        pytest.param(rule, field, declared[field.name], id=f"{rule.__name__}.{field.name}")
        for rule, declared in RULES
        for field in fields(rule)
    ],
)


def test_every_key_of_a_variant_belongs_to_a_step_and_no_step_has_another():
    assert {key for step in STEPS for key in keys_of(step)} == set(VARIANT)


def test_every_key_of_a_sweep_is_in_its_rule():
    """`variants` alone decides what rule sweep_map reads, not what it does."""
    assert set(SWEEP) - {"variants"} <= set(keys_of(SweepRule)) <= set(SWEEP) | set(VARIANT)


@of_every_field
def test_defaults_are_those_of_the_schema(rule, field, declared):
    """A field without one is a key without one, or an axis of a sweep, which is a list."""
    if field.default_factory is not MISSING:
        assert field.default_factory() == declared["default"]
    elif field.default is MISSING:
        assert "default" not in declared or isinstance(declared["default"], list)
    else:
        assert (field.default, type(field.default)) == (declared["default"], type(declared["default"]))


@of_every_field
def test_types_accept_what_the_schema_accepts(rule, field, declared):
    accepted = typing.get_type_hints(rule)[field.name]
    if typing.get_origin(accepted) is list:
        (accepted,) = typing.get_args(accepted)
        declared = declared["items"]
        if "else" in declared:  # a threshold; a range has become its values
            declared = declared["else"]
    if "$ref" in declared:
        declared = SCHEMA["$defs"][declared["$ref"].rpartition("/")[2]] | declared
    parts = set(typing.get_args(accepted)) or {accepted}
    parts = {accepted} if typing.get_origin(accepted) is typing.Literal else parts
    words = {word for part in parts if typing.get_origin(part) is typing.Literal for word in typing.get_args(part)}
    if accepted is str and "enum" in declared:
        assert field.name == "table_columns"  # names that `tables.columns` declares; `make docs` writes them
    elif "enum" in declared:
        assert words | ({None} if NoneType in parts else set()) == set(declared["enum"])
    else:
        named = {"number": float, "integer": int, "string": str, "null": NoneType, "object": dict, "array": list}
        kinds = declared["type"] if isinstance(declared["type"], list) else [declared["type"]]
        assert {typing.get_origin(part) or part for part in parts} == {named[kind] for kind in kinds}


def test_smoothness_is_what_the_sheet_says_of_the_noise():
    columns = load(SCHEMAS / "maps.schema.yaml")["properties"]
    for field in fields(Smoothness):
        assert columns[field.name]["default"] is None and field.default is None
    assert not Smoothness(search_voxels=100).is_known
    assert all(
        Smoothness(**given).is_known for given in ({"fwhm_mm": 8}, {"fwhm_mm": "map"}, {"dlh": 0.1}, {"residuals": "r"})
    )


@pytest.mark.parametrize("rule", [*STEPS, SweepRule, Smoothness], ids=lambda rule: rule.__name__)
def test_a_rule_is_neither_changed_nor_given_by_position(rule):
    keys = {"threshold": 3.0, "thresholds": [3.0], "min_region_sizes": [0], "connectivities": [6], "signs": "split"}
    made = rule(**{key: keys[key] for key in keys_of(rule) if key in keys})
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, keys_of(rule)[0], None)
    with pytest.raises(TypeError, match="positional"):
        rule(3.0)


def test_a_rule_from_keys_takes_its_own_and_needs_them_all():
    keys = {key: declared.get("default", 3.0) for key, declared in VARIANT.items()} | {"max_peaks": 3, "other": None}
    assert rule_from(PeakRule, keys) == PeakRule(max_peaks=3)
    assert rule_from(RegionRule, keys) == RegionRule() and rule_from(ThresholdRule, keys).threshold == 3.0
    del keys["peak_neighbours"]
    with pytest.raises(KeyError, match="peak_neighbours"):
        rule_from(PeakRule, keys)


def test_a_threshold_of_a_sweep_has_all_that_its_points_share():
    shared = {"sided": "positive", "cutoff_rule": ">", "percentile_domain": "mask", "domain": "all", "tdp_alpha": 0.2}
    axes = {"min_region_sizes": [9.0], "connectivities": [26], "signs": ["merged"]}
    swept = SweepRule(thresholds=[{"p": 0.001}], **axes, **shared, size_rule=">=")
    assert swept.threshold_rule({"p": 0.001}) == ThresholdRule(threshold={"p": 0.001}, **shared)
    # Whatever key the two have in common, but for `signs`, which is an axis.
    assert set(keys_of(SweepRule)) & set(keys_of(ThresholdRule)) - {"signs"} == set(shared)


def test_whole_clusters_of_one_sign():
    for signs, sided, whole in (
        ("split", "two", True),
        ("split", "negative", True),
        ("merged", "positive", True),
        ("merged", "two", False),
    ):
        rule = RegionRule(signs=signs, sided=sided)
        assert rule.whole_clusters == whole and not replace(rule, extract_type="local_regions").whole_clusters


def test_the_key_that_asks_for_significant_clusters():
    assert RegionRule().by_significance is None
    assert RegionRule(cluster_p=0.05).by_significance == "cluster_p: 0.05"
    assert RegionRule(cluster_q=0.1).by_significance == "cluster_q: 0.1"


def test_an_extent_threshold_in_voxels_has_no_volume_yet():
    assert RegionRule(min_region_size=1500).min_mm3 == 1500
    with pytest.raises(AssertionError):
        assert RegionRule(min_region_size="10 voxels").min_mm3
