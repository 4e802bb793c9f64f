"""A variant as one would write it: the same variant in whatever config it is put."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from statmap.config.schema import load, validate
from statmap.config.variants import resolve_variants, written_variant

CONFIG = Path(__file__).parents[3] / "config"
SCHEMA = load(CONFIG / "schemas/config.schema.yaml")
CONVENTIONS = load(CONFIG / "schemas/conventions.yaml")
DEFAULTS = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))["defaults"]

variants = st.fixed_dictionaries(
    {"threshold": st.sampled_from([3.0, "97%", {"p": 0.001}, {"fdr": 0.05}, {"p": 1e-7}])},
    optional={
        "convention": st.sampled_from([None, *CONVENTIONS]),
        "sided": st.sampled_from(["two", "positive"]),
        "cutoff_rule": st.sampled_from([None, ">", ">="]),
        "signs": st.sampled_from(["split", "merged"]),
        "min_region_size": st.sampled_from([0, 270.5, "10 voxels", "1 voxel"]),
        "size_rule": st.sampled_from([">", ">="]),
        "unseeded": st.sampled_from(["drop", "keep"]),
        "max_peaks": st.integers(1, 9),
    },
)
blocks = st.fixed_dictionaries(
    {},
    optional={
        "signs": st.sampled_from(["split", "merged"]),
        "cutoff_rule": st.sampled_from([None, ">"]),
        "max_peaks": st.integers(1, 9),
        "min_region_size": st.just("5 voxels"),
    },
)


def resolved(variant, defaults):
    return resolve_variants({"v": variant}, defaults, CONVENTIONS, SCHEMA)["v"]


@given(variants, blocks)
def test_it_is_the_same_variant_where_it_came_from_and_in_a_config_of_its_own(variant, block):
    defaults = DEFAULTS | block
    keys = resolved(variant, defaults)
    lines = "".join(f"{key}: {value}\n" for key, value in written_variant(keys, defaults, CONVENTIONS, SCHEMA).items())
    copy = yaml.safe_load(lines)
    validate({"variants": {"v": copy}}, CONFIG / "schemas/config.schema.yaml", "config")
    assert resolved(copy, defaults) == resolved(copy, DEFAULTS) == keys


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        (
            {"threshold": {"p": 0.001}, "convention": "spm", "min_region_size": "10 voxels"},
            {"threshold": "{p: 0.001}", "convention": "spm", "sided": "two", "min_region_size": "10 voxels"},
        ),
        (
            {"threshold": {"fdr": 0.05}, "convention": "fsl", "connectivity": 18, "cluster_p": 0.05},
            {
                "threshold": "{fdr: 0.05}",
                "convention": "fsl",
                "sided": "two",
                "connectivity": "18",
                "min_region_size": "0",
                "cluster_p": "0.05",
            },
        ),
    ],
)
def test_what_a_convention_sets_is_left_to_it(variant, expected):
    assert written_variant(resolved(variant, DEFAULTS), DEFAULTS, CONVENTIONS, SCHEMA) == expected
