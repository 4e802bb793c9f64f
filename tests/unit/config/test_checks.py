"""What a dry run finds: files, statistics and spaces, before any job begins."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import written
import yaml

import fetch_atlas
import fetch_map
from statmap.config.checks import check_results
from statmap.config.schema import check_keys
from statmap.config.study import Study
from statmap.io.files import UserError, sha256_of
from statmap.io.images import read_on_grid, read_residuals, read_template

REPOSITORY = Path(__file__).parents[3]
P = {"p": {"threshold": {"p": 0.001}}}
V = {"v": {"threshold": 3.0}}


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
    ("source", "said"),
    [
        ("ftp://example.org/a.nii", "ftp://example.org/a.nii is refused; a source is sample:NAME, a path, an https://"),
        ("http://example.org/a.nii[2]", "http://example.org/a.nii is refused"),
        ("neurovault:abc", "neurovault:abc has no image id"),
        ("neurovault:[3]", "neurovault: has no image id"),
    ],
)
def test_addresses_that_nobody_is_asked_for(refused, source, said):
    image("a.nii.gz")
    Path("labels.tsv").write_text("index\tname\n1\tone\n")
    assert f"column source: {said}" in refused([("a", source)])
    assert f"column mask: {said}" in refused([("a", "a.nii.gz", source)], columns=("map", "source", "mask"), variants=V)
    atlases = {"mine": {"image": source, "labels": "labels.tsv"}}
    assert f"atlas 'mine', image: {said}" in refused([("a", "a.nii.gz", "z")], atlases=atlases)


def test_another_sha256_than_that_of_the_sheet(refused):
    image("a.nii.gz")
    right, columns = sha256_of("a.nii.gz"), ("map", "source", "sha256")
    for sha256 in (right, right.upper(), ""):
        assert refused([("a", "a.nii.gz", sha256)], V, columns) is None
    found = refused([("a", "a.nii.gz", "0" * 64)], V, columns)
    assert f"a.nii.gz has sha256 {right}, but the config says {'0' * 64}" in found
    written.afni(Path(), np.ones((3, 4, 5)), np.eye(4))
    assert refused([("a", "x+tlrc", sha256_of("x+tlrc.HEAD"))], V, columns) is None
    assert "x+tlrc has sha256" in refused([("a", "x+tlrc", sha256_of("x+tlrc.BRIK"))], V, columns)


def test_nothing_heavy_is_imported_where_no_header_is_read(tmp_path):
    (tmp_path / "mine.tsv").write_text("map\tsource\na\tneurovault:1\nb\thttps://example.org/b.nii[2]\n")
    code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY / "scripts")!r})
from statmap.config.study import Study
config = {{"maps": "mine.tsv", "variants": {{"v": {{"threshold": 3}}}}, "atlases": ["aal"]}}
assert Study(config, {str(REPOSITORY / "config")!r}, [".", {str(REPOSITORY)!r}]).problems() == []
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not {"numpy", "nibabel", "scipy", "pandas"} & set(done.stdout.split())


def save(name, data, affine=None):
    nib.Nifti1Image(np.asarray(data, np.float32), np.eye(4) if affine is None else affine).to_filename(name)


def make_images():
    """Images that a run takes, and some that it refuses by their headers, whatever they are for."""
    random = np.random.default_rng(0).normal(size=(3, 4, 5, 4))
    save("good.nii.gz", random[..., 0])
    save("four.nii.gz", random)
    save("moved.nii.gz", random[..., 0], np.diag([2.0, 1, 1, 1]))
    save("moved4.nii.gz", random, np.diag([2.0, 1, 1, 1]))
    save("turned.nii.gz", random[::-1, ..., 0], np.array([[-1.0, 0, 0, 2], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    save("large.nii.gz", np.zeros((11, 10, 10)))
    nib.Nifti1Image(np.zeros((3, 4, 5), np.complex64), np.eye(4)).to_filename("complex.nii")
    nib.Nifti1Pair(random[..., 0].astype(np.float32), np.eye(4)).to_filename("alone.img")
    Path("alone.hdr").unlink()
    Path("text.nii").write_text("x,y,z")
    Path("cut.nii.gz").write_bytes(Path("good.nii.gz").read_bytes()[:40])
    Path("map.func.gii").write_text("<GIFTI>")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("labels.tsv").write_text("index\tname\n1\tone\n")


REFUSED = {
    "gone.nii": "there is no file",
    "folder": "is not a file",
    "pipe": "is not a file",
    "four.nii.gz": "one 3D image is needed",
    "four.nii.gz[4]": "has no volume '4'",
    "good.nii.gz[one]": "has no volume 'one'",
    "complex.nii": "holds complex64 values",
    "alone.img": "there is no alone.hdr beside it",
    "text.nii": "is no image",
    "cut.nii.gz": "is damaged",
    "map.func.gii": "is GIFTI, surface data",
}
ROLES = {
    "source": {"large.nii.gz": "1100 voxels, more than max_voxels: 1000"},
    "mask": {"moved.nii.gz": "resample it to the grid of the map", "large.nii.gz": "more than max_voxels|resample"},
    "values": {
        "moved.nii.gz": "resample it",
        "https://example.org/v.nii": "is an address",
        "sample:motor": "resample it",
    },
    "residuals": {
        "good.nii.gz": "a 4D image of 3 volumes or more is needed",
        "four.nii.gz[1]": "a 4D image of 3 volumes or more is needed",
        "moved4.nii.gz": "resample it to the grid of the map",
        "four.nii.gz": None,
    },
    "atlas": {"large.nii.gz": "more than max_voxels: 1000", "four.nii.gz": None},
    "template": {"gone.nii": None, "folder": None, "pipe": None, "four.nii.gz[4]": None, "good.nii.gz[one]": None},
}


@pytest.mark.parametrize("role", ROLES)
def test_the_dry_run_refuses_what_the_run_refuses(refused, role):
    make_images()
    columns = ("map", "source", "stat", "mask", "values", "residuals")
    for source, said in (REFUSED | ROLES[role]).items():
        if said is None:
            continue
        row = {"source": "good.nii.gz", "stat": "z", "mask": "", "values": "", "residuals": ""}
        atlases = {"mine": {"image": source if role == "atlas" else "good.nii.gz", "labels": "labels.tsv"}}
        row |= {role: source} if role in columns else {}
        more = {"template": source} if role == "template" else {}
        found = refused(
            [("m", *(row[key] for key in columns[1:]))], columns=columns, atlases=atlases, max_voxels=1000, **more
        )
        assert found and re.search(said, found), (source, found)
        with pytest.raises(UserError, match=said):
            run_of(role, source)


def run_of(role, source):
    """What the run does with it."""
    made = {"image": "out/m.nii.gz", "mask_image": "out/m_mask.nii.gz", "sidecar": "out/m.json"}
    grid = (3, 4, 5), np.eye(4)
    if role in ("source", "mask"):
        fetch_map.main({"source": "good.nii.gz"} | {role: source}, "m", 1000, **made)
    elif role == "atlas":
        fetch_atlas.main({"image": source}, "a", 1000, "out/a.nii.gz", "out/a.json")
    elif role == "values":
        read_on_grid(source, *grid, "values")
    elif role == "residuals":
        read_residuals(source, *grid, "map")
    else:
        read_template(source)


def test_what_the_run_takes_the_dry_run_takes(refused):
    make_images()
    columns = ("map", "source", "stat", "mask", "values", "residuals")
    rows = [
        ("a", "good.nii.gz", "z", "turned.nii.gz", "turned.nii.gz", "four.nii.gz"),
        ("b", "four.nii.gz[1]", "z", "four.nii.gz[0]", "four.nii.gz[3]", ""),
        ("c", "neurovault:3[1]", "z", "https://example.org/m.nii", "good.nii.gz", "four.nii.gz"),
    ]
    assert refused(rows, columns=columns, max_voxels=1000, template="good.nii.gz") is None


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


SECRETS = ["token=", "access_token=", "dl=1&api_key=", "X-Amz-Credential=", "x-amz-signature=", "sig=", "Signature="]


@pytest.mark.parametrize(
    "source",
    ["a{b}.nii", "a>b.nii", "a<b.nii", "https://me:secret@example.org/a.nii", "https://me@x.org/a"]
    + [f"https://example.org/a.nii.gz?{key}secret" for key in SECRETS],
)
def test_sources_that_snakemake_or_readers_of_the_results_must_not_see(refused, source):
    for columns in (("map", "source"), ("map", "mask", "source")):
        row = ("a", source) if columns == ("map", "source") else ("a", source, "a.nii")
        with pytest.raises(UserError, match=r"^mine.tsv, map 'a', (column )?(source|mask): ") as error:
            refused([row], columns=columns)
        assert "secret" not in str(error.value)
    with pytest.raises(UserError, match=r"^config, atlases.mine(, |.)image: "):
        refused([("a", "a.nii")], columns=("map", "source"), atlases={"mine": {"image": source, "labels": "b.tsv"}})


@pytest.mark.parametrize(
    "query", ["?download=1", "?action=download&version=2", "?dl=1&rlkey=abc", "?sort=key&signed=no"]
)
def test_addresses_with_a_query_that_is_no_secret(refused, query):
    assert refused([("a", f"https://example.org/a.nii.gz{query}")], columns=("map", "source")) is None


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


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"template": "a</script>.nii"}, "template"),
        ({"template_space": "<!--"}, "template_space"),
        ({"maps": "<maps>.tsv"}, "maps"),
        ({"atlases": {"own": {"image": "a.nii", "labels": "</script>.tsv"}}}, "atlases.own.labels"),
        ({"published": {"t": {"map": "a", "table": "a<b.csv"}}}, "published.t.table"),
    ],
)
def test_text_that_would_end_a_script_of_the_report(keys, place):
    """Paths and params are written there as they are."""
    with pytest.raises(UserError, match=f"^config, {place}: it has < in it, which the report takes for markup"):
        config(**keys)


def test_results_that_are_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_results()
    Path("results").touch()
    with pytest.raises(UserError, match=r"^results is a file; accepted: a folder, or nothing of that name$"):
        check_results()
    Path("results").unlink()
    Path("results").symlink_to("gone")
    with pytest.raises(UserError, match=r"^results is a link to gone, which is not there; accepted: a folder"):
        check_results()
    Path("gone").mkdir()
    check_results()
