"""Conventions, the variant table and the resolved keys of a variant."""

import sys
from pathlib import Path
from subprocess import run

import nibabel as nib
import numpy as np
import pytest

from statmap.config import variants as module
from statmap.config.schema import load, validate
from statmap.config.variants import check_ids
from statmap.io.files import UserError

ROOT = Path(__file__).parents[3]
SCHEMA = load(ROOT / "config/schemas/config.schema.yaml")
CONVENTIONS = load(ROOT / "config/schemas/conventions.yaml")
KEYS = SCHEMA["$defs"]["variant"]["properties"]

DEFAULTS = {
    "threshold": 3.0,
    "sided": "two",
    "cutoff_rule": None,
    "percentile_domain": "nonzero",
    "domain": "mask",
    "signs": "split",
    "extract_type": "local_regions",
    "connectivity": 6,
    "min_region_size": 1500,
    "size_rule": ">",
    "unseeded": "keep",
    "edge_scale": "suprathreshold",
    "min_peak_distance": 8,
    "max_peaks": 6,
    "tdp_alpha": 0.05,
}


def resolve_variants(config, table=None):
    return module.resolve_variants(table or config["variants"], config["defaults"], CONVENTIONS, SCHEMA)


def read_variant_table(path):
    return module.read_variant_table(path, SCHEMA)


@pytest.fixture
def table(tmp_path):
    def write(*lines, encoding="utf-8"):
        path = tmp_path / "variants.tsv"
        path.write_bytes("\n".join(lines).encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    ("name", "connectivity", "cutoff_rule", "signs", "size_rule", "extract_type"),
    [
        ("nilearn", 6, None, "merged", ">", "local_regions"),
        ("spm", 18, ">", "split", ">=", "connected_components"),
        ("fsl", 26, ">=", "split", ">=", "connected_components"),
        ("afni-nn1", 6, ">=", "split", ">=", "connected_components"),
        ("afni-nn2", 18, ">=", "split", ">=", "connected_components"),
        ("afni-nn3", 26, ">=", "split", ">=", "connected_components"),
        ("atlasreader", 6, None, "split", ">=", "connected_components"),
    ],
)
def test_each_convention_overrules_the_defaults(name, connectivity, cutoff_rule, signs, size_rule, extract_type):
    opposite = DEFAULTS | {"connectivity": -1, "cutoff_rule": "?", "signs": "?", "size_rule": "?", "extract_type": "?"}
    one = resolve_variants({"defaults": opposite, "variants": {"a": {"convention": name}}})["a"]
    found = [one[key] for key in ("connectivity", "cutoff_rule", "signs", "size_rule", "extract_type", "convention")]
    assert found == [connectivity, cutoff_rule, signs, size_rule, extract_type, name]
    for key in ("threshold", "sided", "min_region_size", "domain"):
        assert one[key] == DEFAULTS[key]


def test_nilearn_convention_is_what_nilearn_does():
    """Not from its sources this time: from its results, on values and sizes that meet their limits exactly."""
    from nilearn.image import threshold_img
    from nilearn.regions import connected_regions

    rules = CONVENTIONS["nilearn"]
    data = np.zeros((9, 9, 9), np.float32)
    data[1, 1, 1:4] = 3  # at the cutoff; three voxels: exactly the smallest size
    data[5, 5, 2:4] = 4  # positive, beside ...
    data[5, 5, 4:6] = -4  # ... negative
    data[6, 6, 6] = 5  # touches the last of them by an edge only
    image = nib.Nifti1Image(data, np.eye(4))
    kept = threshold_img(image, 3.0, copy_header=True).get_fdata()
    assert (kept[1, 1, 1:4] == 3).all() and rules["cutoff_rule"] is None  # ">=" for values
    regions = connected_regions(image, min_region_size=3, extract_type="connected_components")[0].get_fdata()
    sizes = sorted(np.count_nonzero(regions, axis=(0, 1, 2)))
    assert sizes == [4]  # merged signs (4, not 2 and 2), faces only (4, not 5), and strictly larger than 3
    assert (rules["signs"], rules["connectivity"], rules["size_rule"]) == ("merged", 6, ">")


def test_own_key_beats_convention_beats_defaults():
    variants = {"a": {"convention": "spm", "connectivity": 26}, "b": {"convention": "spm"}, "c": {}, "d": None}
    found = resolve_variants({"defaults": DEFAULTS, "variants": variants})
    assert [found[name]["connectivity"] for name in "abcd"] == [26, 18, 6, 6]
    assert [found[name]["size_rule"] for name in "abcd"] == [">=", ">=", ">", ">"]
    assert [found[name]["convention"] for name in "abcd"] == ["spm", "spm", None, None]
    shuffled = dict(reversed(DEFAULTS.items()))
    for one in (*found.values(), resolve_variants({"defaults": shuffled, "variants": {"a": {}}})["a"]):
        assert list(one) == list(KEYS)


def test_what_nothing_sets_is_the_default_of_the_schema():
    found = resolve_variants({"defaults": {}, "variants": {"a": {"threshold": 3}}})["a"]
    assert found == {key: rules.get("default") for key, rules in KEYS.items()} | {"threshold": 3}
    assert (found["extract_type"], found["signs"]) == ("connected_components", "split")  # no voxel is lost


def test_the_smallest_size_of_the_defaults_drops_no_significant_cluster():
    """`config.yaml` is below every config, and its 1500 mm³ is nobody's wish; another size, or a variant's own, is."""
    shipped = load(ROOT / "config/config.yaml")["defaults"]
    keys = {"threshold": 3.1, "convention": "fsl"}
    variants = {"p": keys | {"cluster_p": 0.05}, "q": keys | {"cluster_q": 0.05}, "neither": keys}
    variants["own"] = keys | {"cluster_p": 0.05, "min_region_size": 1500}

    def sizes(defaults):
        found = resolve_variants({"defaults": defaults, "variants": variants})
        return {name: own["min_region_size"] for name, own in found.items()}

    assert sizes(shipped) == sizes({}) == {"p": 0, "q": 0, "neither": 1500, "own": 1500}
    assert sizes(shipped | {"min_region_size": "10 voxels"})["p"] == "10 voxels"


def test_nilearns_walker_is_for_six_neighbours():
    keys = {"threshold": 3, "convention": "nilearn", "connectivity": 26}
    with pytest.raises(UserError, match=r"with 6 neighbours only, found connectivity: 26; accepted: .* converged"):
        resolve_variants({"defaults": {}, "variants": {"a": keys}})
    for change in ({"random_walker": "converged"}, {"extract_type": "connected_components"}, {"connectivity": 6}):
        assert resolve_variants({"defaults": {}, "variants": {"a": keys | change}})


def test_every_convention_sets_keys_of_a_variant_to_values_that_they_accept():
    for name, rules in CONVENTIONS.items():
        variants = {"variants": {name: {"threshold": 3} | rules}}
        validate(variants, ROOT / "config/schemas/config.schema.yaml", name)
        assert not rules.keys() & {"threshold", "sided", "convention"}, "a convention answers no question of the user's"


def test_resolving_changes_neither_config_nor_conventions():
    config = {"defaults": dict(DEFAULTS), "variants": {"a": {"convention": "spm"}}}
    resolve_variants(config)["a"]["connectivity"] = 99
    assert config == {"defaults": DEFAULTS, "variants": {"a": {"convention": "spm"}}}
    assert CONVENTIONS["spm"]["connectivity"] == 18


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({"a": {"convention": "SPM"}}, "convention 'SPM' is not known; accepted: nilearn, atlasreader, spm, fsl"),
        ({"a/b": {}}, "variant id 'a/b'"),
        ({"../a": {}}, "variant id '../a'"),
        ({"": {}}, "variant id ''"),
        ({"a b": {}}, "variant id 'a b'"),
        ({"a\n": {}}, "variant id"),
        ({3.0: {}}, "variant id 3.0"),
        ({"3.0": {}}, "variant id '3.0' would be read back from a table as a number"),
        ({"NA": {}}, "variant id 'NA' would be read back from a table as a number or as nothing"),
        ({"null": {}}, "variant id 'null' would be read back"),
        ({"sweep": {}}, "variant id 'sweep' is the name of a file or folder beside it"),
        ({"Peak": {}, "peak": {}}, "'Peak' and 'peak' would share one folder"),
    ],
)
def test_what_cannot_be_resolved_is_one_line(variants, message):
    with pytest.raises(UserError, match=message) as error:
        resolve_variants({"defaults": DEFAULTS, "variants": variants})
    assert "\n" not in str(error.value)


def test_ids_that_are_folder_names():
    check_ids(["percentile-97", "value-3.0", "a_b", "97-percent", "A.1"], "config")


def test_table_gives_what_the_yaml_block_would(table):
    path = table(
        "variant\tthreshold\tmin_region_size\tconnectivity\tsigns\tconvention\tmax_peaks",
        "value-3.0\t3.0\t\t18\tsplit\t\t",
        "percentile\t97%\t1500\t\t\t\t4",
        "",
        'fine\t"97.5 %"\t1e3\t6\tmerged\tspm',
        "p\tp=0.001\t\t\t\t\t",
        "fdr\tfdr = 0.05\t\t\t\t\t",
        "bonferroni\tbonferroni=5e-2\t\t\t\t\t\t",
        encoding="utf-8-sig",
    )
    expected = {
        "value-3.0": {"threshold": 3.0, "connectivity": 18, "signs": "split"},
        "percentile": {"threshold": "97%", "min_region_size": 1500, "max_peaks": 4},
        "fine": {
            "threshold": "97.5%",
            "min_region_size": 1000.0,
            "connectivity": 6,
            "signs": "merged",
            "convention": "spm",
        },
        "p": {"threshold": {"p": 0.001}},
        "fdr": {"threshold": {"fdr": 0.05}},
        "bonferroni": {"threshold": {"bonferroni": 0.05}},
    }
    found = read_variant_table(path)
    assert found == expected
    assert isinstance(found["percentile"]["min_region_size"], int)
    assert list(found) == list(expected)


def test_table_in_place_of_the_block_resolves_the_same(table):
    path = table("variant\tthreshold\tconvention\tconnectivity", "a\tp=0.001\tspm\t26", "b\t\t\t")
    block = {"a": {"threshold": {"p": 0.001}, "convention": "spm", "connectivity": 26}, "b": {}}
    config = {"defaults": DEFAULTS, "variants": str(path)}
    assert resolve_variants(config, read_variant_table(path)) == resolve_variants(
        {"defaults": DEFAULTS, "variants": block}
    )


def test_table_accepts_every_key_as_a_column(table):
    values = dict.fromkeys(KEYS, "1")
    path = table("\t".join(["variant", *values]), "\t".join(["a", *values.values()]))
    assert list(read_variant_table(path)["a"]) == list(KEYS)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["variant\ttreshold", "a\t3"], "column 'treshold' is not known; accepted, tab-separated: variant, threshold"),
        (["variant,threshold", "a,3"], "column 'variant,threshold' is not known; accepted, tab-separated: variant"),
        (["threshold", "3"], "column 'variant' is missing; found threshold"),
        ([""], "column 'variant' is missing; found nothing"),
        (["variant\tsided\tsided", "a\ttwo\ttwo"], "column 'sided' is there 2 times"),
        (["variant\tsided", "a\ttwo", "a\ttwo"], "row 3 repeats the variant id 'a'"),
        (["variant\tsided", "\ttwo"], "row 2 has no variant id"),
        (["variant\tsided", "a\ttwo\t3"], "row 2 has 3 cells, the header 2"),
        (["variant\tsided", "a/b\ttwo"], "variant id 'a/b'"),
        (["variant\tsided", "a\ttwo", "A\ttwo"], "would share one folder"),
        (["variant\tconnectivity", "a\t6.5"], "row 2, variant 'a': connectivity '6.5' is not a whole number"),
        (["variant\tmin_region_size", "a\t3,5"], "min_region_size '3,5' is not a number, or 10 voxels"),
        (["variant\ttdp_alpha", "a\tnan"], "tdp_alpha 'nan' is not a number"),
        (["variant\tthreshold", "a\tinf"], "threshold 'inf' is not a number, 97%, p=0.001"),
        (["variant\tthreshold", "a\tq=0.05"], "threshold 'q=0.05' is not a number, 97%, p=0.001"),
        (["variant\tthreshold", "a\tp=low"], "threshold 'p=low' is not"),
        (["variant\tthreshold", "a\tx%"], "threshold 'x%' is not"),
    ],
)
def test_mistakes_in_the_table_are_named_in_one_line(table, lines, message):
    path = table(*lines)
    with pytest.raises(UserError) as error:
        read_variant_table(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_table_that_cannot_be_read_is_one_line(table, tmp_path):
    for path in (tmp_path / "absent.tsv", tmp_path, table("variant\tsigns\nä\t", encoding="latin-1")):
        with pytest.raises(UserError, match="is not a readable tab-separated table"):
            read_variant_table(path)


def test_nothing_heavy_is_imported_while_the_snakefile_is_parsed():
    code = "import sys; sys.path.insert(0, 'scripts'); import statmap.config.variants; print(*sys.modules)"
    loaded = run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "statmap.config.variants" in loaded
    assert not {"numpy", "pandas", "scipy", "nibabel", "yaml"} & set(loaded)
