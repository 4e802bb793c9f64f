"""What a dry run finds: files, statistics and spaces, before any job begins."""

import copy
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml

from statmap.config.schema import check_keys
from statmap.config.study import Study
from statmap.io.files import UserError

REPOSITORY = Path(__file__).parents[3]
P = {"p": {"threshold": {"p": 0.001}}}


def image(path, code=None, parameters=()):
    header = nib.Nifti1Header()
    if code:
        header.set_intent(code, parameters)
    nib.Nifti1Image(np.ones((3, 4, 5), "f4"), np.eye(4), header).to_filename(path)


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """The problems of a study of some maps in an empty folder; None where there is none."""
    monkeypatch.chdir(tmp_path)

    def make(rows=(), variants=P, columns=("map", "source", "stat", "df", "space"), **keys):
        config = {"variants": copy.deepcopy(variants), "maps": "mine.tsv", "template": None} | keys
        (tmp_path / "mine.tsv").write_text("\n".join("\t".join(row) for row in (columns, *rows)))
        found = Study(config, REPOSITORY / "config", [tmp_path, REPOSITORY]).problems()
        assert all("\n" not in line for line in found)
        return " / ".join(found) or None

    return make


def test_every_missing_file_is_found_and_the_sheet_is_named(refused, tmp_path):
    image("a.nii.gz")
    rows = [("a", "a.nii.gz", "z", "no-mask.nii"), ("b", "b.nii.gz", "z", "")]
    found = refused(rows, columns=("map", "source", "stat", "mask"))
    first, second = found.split(" / ")
    assert first.startswith("mine.tsv, map 'a', column mask: there is no file 'no-mask.nii'; paths start from")
    assert second.startswith("mine.tsv, map 'b', column source: there is no file 'b.nii.gz'") and str(tmp_path) in found
    for column in ("values", "residuals"):
        found = refused([("a", "a.nii.gz", "gone.nii")], columns=("map", "source", column))
        assert f"column {column}: there is no file 'gone.nii'" in found
    assert "map 'a', column source: there is no file" in refused([("a", "x" * 300 + ".nii", "z", "", "")])
    (tmp_path / "labels.tsv").write_text("index\tname\n1\tone\n")
    atlases = {"mine": {"image": "gone.nii", "labels": "labels.tsv"}}
    assert "atlas 'mine', image: there is no file 'gone.nii'" in refused([("a", "a.nii.gz", "z")], atlases=atlases)
    assert "there is no sample 'mtor'" in refused([("a", "sample:mtor", "z")])


def test_what_is_elsewhere_is_not_looked_for(refused):
    assert refused([("a", "neurovault:1", "t", "", ""), ("b", "https://example.org/b.nii", "", "", "")]) is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            ("t", "", ""),
            "variant 'p': threshold {p: 0.001} needs p values of a t map, but column df of mine.tsv",
        ),
        (
            ("", "", ""),
            "variant 'p': threshold {p: 0.001} needs p values, but column stat of mine.tsv is",
        ),
        (("F", "2,40", ""), "on a map of F has one tail; accepted: sided: positive"),
        (("p", "", ""), "on a map of log10p has one tail"),
        (("t", "12", ""), None),
        (("z", "", ""), None),
    ],
)
def test_a_threshold_that_needs_a_distribution(refused, row, said):
    image("a.nii.gz")
    found = refused([("a", "a.nii.gz", *row)])
    assert found is None if said is None else said in found
    # A sweep asks like a variant; a value needs none.
    by_value = {"v": {"threshold": 3.0}}
    assert refused([("a", "a.nii.gz", *row)], by_value) is None
    found = refused([("a", "a.nii.gz", *row)], by_value, sweep={"thresholds": [2, {"p": 0.001}]})
    assert found is None if said is None else "sweep: threshold {p: 0.001}" in found


def test_the_header_may_say_what_the_sheet_does_not(refused):
    image("a.nii.gz", "t test", (23,))
    assert refused([("a", "a.nii.gz")]) is None
    assert "column df of mine.tsv is 12, but the header" in refused([("a", "a.nii.gz", "t", "12", "")])


def test_an_atlas_in_another_space(refused, tmp_path):
    image("a.nii.gz")
    image("atlas.nii.gz")
    (tmp_path / "labels.tsv").write_text("index\tname\n1\tone\n")
    atlases = {"mine": {"image": "atlas.nii.gz", "labels": "labels.tsv", "space": "MNI152NLin6Asym"}}
    assert "map 'a' is in space 'native' and atlas 'mine' in 'MNI152NLin6Asym'" in refused(
        [("a", "a.nii.gz", "z", "", "native")], atlases=atlases
    )
    assert refused([("a", "a.nii.gz", "z", "", "MNI")], atlases=atlases) is None
    assert refused([("a", "a.nii.gz", "z", "", "")], atlases=atlases) is None
    image("b_space-T1w_stat-z.nii.gz")
    assert "in space 'T1w'" in refused([("b", "b_space-T1w_stat-z.nii.gz")], atlases=atlases)


def test_what_rests_on_random_fields_needs_a_smoothness(refused):
    image("a.nii.gz")
    columns, said = ("map", "source", "stat", "fwhm_mm"), "fill in column fwhm_mm, dlh or residuals of mine.tsv"
    fwe, clusters = {"a": {"threshold": {"fwe": 0.05}}}, {"a": {"threshold": 3, "cluster_q": 0.05}}
    assert f"variant 'a': threshold {{fwe: 0.05}} needs the smoothness of the noise; {said}" in refused(
        [("a", "a.nii.gz", "z", "")], fwe, columns
    )
    assert f"variant 'a': cluster_q: 0.05 needs the smoothness of the noise; {said}" in refused(
        [("a", "a.nii.gz", "z", "")], clusters, columns
    )
    assert refused([("a", "a.nii.gz", "z", "8")], fwe | {"b": clusters["a"]}, columns) is None
    # A header does not tell it, so it is asked for wherever the map is.
    elsewhere = [("a", "https://example.org/a.nii", "z", "")]
    for variants in (fwe, clusters):
        assert f"needs the smoothness of the noise; {said}" in refused(elsewhere, variants, columns)
    swept = refused(elsewhere, {"v": {"threshold": 3.0}}, columns, sweep={"thresholds": [2, {"fwe": 0.05}]})
    assert f"sweep: threshold {{fwe: 0.05}} needs the smoothness of the noise; {said}" in swept


@pytest.mark.parametrize("source", ["a{b}.nii", "a<b.nii", "https://me:secret@example.org/a.nii", "https://me@x.org/a"])
def test_sources_that_snakemake_or_readers_of_the_results_must_not_see(refused, source):
    for columns in (("map", "source"), ("map", "mask", "source")):
        row = ("a", source) if columns == ("map", "source") else ("a", source, "a.nii")
        with pytest.raises(UserError, match=r"^mine.tsv, map 'a', column (source|mask): ") as error:
            refused([row], columns=columns)
        assert "secret" not in str(error.value)
    with pytest.raises(UserError, match=r"^config, atlases.mine, image: "):
        refused([("a", "a.nii")], columns=("map", "source"), atlases={"mine": {"image": source, "labels": "b.tsv"}})


def test_ids_of_more_than_a_hundred_letters(refused):
    image("a.nii.gz")
    assert refused([("a" * 100, "a.nii.gz", "z")]) is None
    with pytest.raises(UserError, match="100 at most"):
        refused([("a" * 101, "a.nii.gz", "z")])
    with pytest.raises(UserError, match=r"variant id 'bbbbbbbbbbbbbbbbbbbb…' names a folder.* 100 at most"):
        refused([("a", "a.nii.gz", "z")], variants={"b" * 101: {"threshold": 3}})


# ----------------------------------------------------------------------------------------------- a map without a sheet
def one(**keys):
    template = yaml.safe_load((REPOSITORY / "config/template/study.yaml").read_text(encoding="utf-8"))
    return Study(template | {"template": None} | keys, REPOSITORY / "config", [REPOSITORY])


def test_a_map_in_the_config_is_a_sheet_of_one_row():
    found = one(map="data/faces_stat-t.nii.gz", stat="t", df=23, mask="m.nii")
    assert list(found.maps) == ["faces_stat-t"]
    row = found.maps["faces_stat-t"]
    assert (row["source"], row["stat"], row["df"], row["mask"]) == ("data/faces_stat-t.nii.gz", "t", 23, "m.nii")
    assert row["space"] is None and row["fwhm_mm"] is None and list(found.variants) == ["fdr-05", "p-001"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("neurovault:32980", "neurovault-32980"),
        ("https://example.org/a%20b.nii", "a-20b"),
        ("10426.nii.gz", "map-10426"),
        ("../my map.nii", "my-map"),
        ("C:\\maps\\faces.nii", "faces"),
    ],
)
def test_its_id_is_the_name_of_its_file(source, name):
    assert list(one(map=source).maps) == [name]


def test_its_keys_are_read_as_cells():
    """As Snakemake's command line gives them."""
    row = one(map="a.nii", stat="F", df="2,40", fwhm_mm="8,8,7.5").maps["a"]
    assert row["df"] == [2, 40] and row["fwhm_mm"] == [8, 8, 7.5]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"map": "a.nii", "stat": "x"}, "the config, map 'a', stat: 'x' is not one of"),
        ({"map": "a.nii", "df": "many"}, "config: df 'many' is not one number"),
        ({"map": 3}, "config, map: found 3; accepted: the path or the address of one map"),
        ({"stat": "t"}, "config: key 'stat' is not known"),
        ({"map": "a.nii", "ddf": 3}, "config: key 'ddf' is not known; accepted beside map: sha256, stat, df,"),
        ({"map": "a.nii", "source": "b.nii"}, "config, map: found 'a.nii'"),
    ],
)
def test_mistakes_in_it(keys, said):
    with pytest.raises(UserError) as error:
        one(**keys)
    assert said in str(error.value)


# ----------------------------------------------------------------------------------- numbers, text and keys of the YAML
def config(**keys):
    return Study(
        {"variants": {"v": {"threshold": 3}}, "template": None, "map": "a.nii"} | keys,
        REPOSITORY / "config",
        [REPOSITORY],
    )


def test_numbers_come_as_text_from_the_command_line():
    found = config(
        variants={"v": {"threshold": "4.0", "max_peaks": "3"}, "w": {"threshold": {"p": "0.01"}}, "x": "null"}
    )
    assert found.variants["v"]["threshold"] == 4.0 and found.variants["v"]["max_peaks"] == 3
    assert found.variants["w"]["threshold"] == {"p": 0.01} and list(found.variants) == ["v", "w"]
    assert config(sweep={"thresholds": {"from": "2", "to": "3", "step": "0.5"}}).sweep["thresholds"] == [2.0, 2.5, 3.0]
    assert config(write_4d="false").config["write_4d"] is False


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400, 1e16])
@pytest.mark.parametrize(
    "place",
    [
        "variants.v.threshold",
        "variants.v.min_region_size",
        "variants.v.min_peak_distance",
        "variants.v.tdp_alpha",
        "variants.v.max_peaks",
        "sweep.thresholds.from",
        "sweep.min_region_sizes.0",
        "max_pages",
    ],
)
def test_numbers_that_are_none(place, number):
    sweep = {"thresholds": {"from": 2, "to": 3, "step": 1}, "min_region_sizes": [0]}
    keys = {"variants": {"v": {"threshold": 3}}, "sweep": sweep, "max_pages": 1}
    *path, last = place.split(".")
    block = keys
    for part in path:
        block = block[part]
    block[int(last) if last.isdigit() else last] = number
    with pytest.raises(UserError, match=f"^config, {place}: found .*accepted: a finite number"):
        config(**keys)


@pytest.mark.parametrize("key", ["connectivity", "max_peaks"])
def test_a_count_is_a_whole_number(key):
    with pytest.raises(UserError, match=f"variants.v.{key}: 6.0"):
        config(variants={"v": {"threshold": 3, key: 6.0}})


def test_a_key_that_is_there_twice(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("variants:\n  a: {threshold: 3}\n  b: {threshold: 3}\n  a: {threshold: 4}\n")
    with pytest.raises(UserError, match=r"study.yaml: key 'a' is there twice in a block, lines 2 and 4; once"):
        check_keys([path])
    path.write_text("sweep:\n  thresholds:\n    - {fdr: 0.05, fdr: 0.01}\n")
    with pytest.raises(UserError, match="key 'fdr' is there twice in a block, lines 3 and 3"):
        check_keys([path])
    path.write_text("a: {b: 1}\nc: {b: 1}\n")
    check_keys([path])
    path.write_text("a: [1")
    with pytest.raises(UserError, match=r"study.yaml is no readable YAML"):
        check_keys([path])


def test_a_variant_that_is_null_drops_one_of_another_file(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("variants: {a: {threshold: 3}, b: {threshold: 4}}\n")
    second.write_text("variants:\n  a:\n  c: {threshold: 5}\n")
    check_keys([second, first])
    second.write_text("variants: {a: null, d: null}\n")
    with pytest.raises(UserError, match=r"second.yaml: variant 'd' is null, .*; accepted: a, b, a block of keys$"):
        check_keys([first, second])
    second.write_text("variants: table.tsv\n")
    check_keys([first, second])
    second.write_text("")
    check_keys([second])
