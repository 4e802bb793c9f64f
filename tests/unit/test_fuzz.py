"""Whatever is in a file or a config: it is taken, or refused in one line that names it, and nothing is left behind.

Bytes of good files are changed, cut, doubled and mixed, headers most of all. `STATMAP_FUZZ=100000` tries that many of
each; a crash that is found becomes a test of its own beside the code.
"""

import copy
import gzip
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import written
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import extract_regions
import fetch_atlas
import fetch_map
import tabulate_regions
import threshold_map
from statmap.config.schema import load
from statmap.config.study import Study
from statmap.io.files import UserError
from statmap.io.formats import opened_for_reading
from statmap.io.images import read_residuals
from statmap.published.readers import read_published
from statmap.regions.atlases import read_labels_table

# An overflow of ours is a wrong number.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error::RuntimeWarning:statmap")]
logging.getLogger("nibabel.global").disabled = True  # of every odd header

REPOSITORY = Path(__file__).parents[2]
TRIES = int(os.environ.get("STATMAP_FUZZ", "1000"))
tried = settings(max_examples=TRIES, deadline=None, suppress_health_check=list(HealthCheck))
HEADER = 352

KEYS = Study({"variants": {"v": {"threshold": "90%"}}, "map": "a.nii"}, REPOSITORY / "config", [REPOSITORY]).variants[
    "v"
]


def changed(content):
    """Strategy: bytes of a file with a few of them set, cut out, doubled, or the end cut off."""
    place = st.one_of(st.integers(0, min(HEADER, len(content)) - 1), st.integers(0, len(content) - 1))
    # Among them float32 infinity, NaN and the largest number, and what separates cells and rows.
    known = [b"\0", b"\xff", b"\x7f\xff", b"\0\0\x80\x7f", b"\0\0\xc0\x7f", b"\xff\xff\x7f\x7f", b"\t", b"\n"]
    change = st.one_of(
        st.tuples(st.just("set"), place, st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from(known))),
        st.tuples(st.sampled_from(["cut", "double"]), place, st.integers(1, 40)),
        st.tuples(st.just("end"), place, st.none()),
    )

    def apply(changes):
        found = bytearray(content)
        for what, at, value in changes:
            if what == "set":
                found[at : at + len(value)] = value
            elif what == "cut":
                del found[at : at + value]
            elif what == "double":
                found[at:at] = found[at : at + value]
            else:
                del found[at:]
        return bytes(found)

    return st.lists(change, min_size=1, max_size=4).map(apply)


def image(data, **header):
    made = nib.Nifti1Image(data, np.array([[-2.0, 0, 0, 20], [0, 2, 0, -30], [0, 0, 2.5, -10], [0, 0, 0, 1]]))
    for key, value in header.items():
        made.header[key] = value
    return made.to_bytes()


RANDOM = np.random.default_rng(0)
MAP = image(RANDOM.normal(size=(6, 7, 8)).astype(np.float32), intent_code=3, intent_p1=20)
MASK = image((RANDOM.random((6, 7, 8)) > 0.2).astype(np.uint8))
ATLAS = image(RANDOM.integers(0, 3, (6, 7, 8)).astype(np.int16))
PROBABILITIES = image(RANDOM.integers(0, 60, (6, 7, 8, 3)).astype(np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("fuzz")
    (made / "map.nii").write_bytes(MAP)
    return made


def refused(function, *arguments, named, **keys):
    """The error of a call, which is one line that names something; None where it is taken."""
    try:
        function(*arguments, **keys)
    except UserError as error:
        assert "\n" not in str(error) and named in str(error), error
        return str(error)
    return None


def fetch(folder, content, zipped, mask=None):
    """Rule fetch_map on these bytes, in an empty folder; whether they were taken."""
    shutil.rmtree(folder / "results", ignore_errors=True)
    (folder / "x.nii").write_bytes(gzip.compress(content, 1) if zipped else content)
    made = {key: str(folder / "results" / name) for key, name in MADE.items()}
    used = {"source": "map.nii", "mask": "x.nii"} if mask else {"source": "x.nii"}
    row = {column: str(folder / name) for column, name in used.items()}
    failed = refused(fetch_map.main, row=row, map_id="m", max_voxels=2000, **made, named="map 'm'")
    assert failed is None or list((folder / "results").iterdir()) == []
    return failed is None


MADE = {"image": "m.nii.gz", "mask_image": "m_mask.nii.gz", "sidecar": "m.json"}


def passed_on(rule):
    """The keys of a variant that the Snakefile passes on to a rule."""
    text = (REPOSITORY / "Snakefile").read_text(encoding="utf-8").partition(f"rule {rule}:")[2]
    text = text[text.index("study.variant_keys(") : text.index("code=")]
    return {key: value for key, value in KEYS.items() if f'"{key}"' in text}


@given(content=changed(MAP), zipped=st.booleans())
@tried
def test_any_map_is_refused_or_goes_through_to_its_tables(folder, content, zipped):
    if not fetch(folder, content, zipped):
        return
    results = folder / "results"
    read = {"image": f"{results}/m.nii.gz", "mask": f"{results}/m_mask.nii.gz", "sidecar": f"{results}/m.json"}
    cut = {"thresholded": [f"{results}/v/thresholded.nii.gz"], "sidecars": [f"{results}/v/thresholded.json"]}
    parts = {"regions": [f"{results}/v/regions.nii.gz"], "sidecars": [f"{results}/v/regions.json"]}
    tables = {"regions": [f"{results}/v/regions.csv"], "peaks": [f"{results}/v/peaks.csv"]}
    smoothness = {"fwhm_mm": None, "dlh": None, "search_voxels": None}
    keys = {"v": passed_on("threshold_map")}
    threshold_map.main(**read, residuals=[], **cut, map_id="m", variants=keys, smoothness=smoothness)
    extract_regions.main(
        thresholded=cut["thresholded"],
        thresholded_sidecars=cut["sidecars"],
        **parts,
        regions_4d=[],
        map_id="m",
        variants={"v": passed_on("extract_regions")},
    )
    tabulate_regions.main(
        **read,
        values=[],
        thresholded_sidecars=cut["sidecars"],
        labels=parts["regions"],
        regions_sidecars=parts["sidecars"],
        atlases=[],
        atlas_sidecars=[],
        atlas_labels=[],
        map_id="m",
        variants={"v": passed_on("tabulate_regions")},
        atlas_spaces={},
        **tables,
        tables_sidecar=f"{results}/tables.json",
    )


@given(content=changed(MASK), zipped=st.booleans())
@tried
def test_any_mask(folder, content, zipped):
    fetch(folder, content, zipped, mask=True)


@given(content=st.one_of(changed(ATLAS), changed(PROBABILITIES)), zipped=st.booleans())
@tried
def test_any_atlas(folder, content, zipped):
    shutil.rmtree(folder / "results", ignore_errors=True)
    (folder / "x.nii").write_bytes(gzip.compress(content, 1) if zipped else content)
    made = {"image": folder / "results/a.nii.gz", "sidecar": folder / "results/a.json"}
    settings = {"atlas": {"image": str(folder / "x.nii")}, "atlas_id": "a", "max_voxels": 2000}
    failed = refused(fetch_atlas.main, **settings, **made, named="atlas 'a'")
    assert failed is None or list((folder / "results").iterdir()) == []


LABELS = b"index\tname\tcolor\n1\tPrecentral_L\t#fff\n2\tGyrus, \xc3\x8elot\t\n"
SHEET = b"map\tsource\tstat\tdf\tspace\tfwhm_mm\nfaces\tmap.nii\tt\t20\tMNI152\t8,8,7.5\n# rest\nsecond\tmap.nii\tz\n"
VARIANTS = b"variant\tthreshold\tsided\tconnectivity\tmin_region_size\na\t97%\ttwo\t18\t10 voxels\nb\tp=0.001\n"
PUBLISHED = b"x\ty\tz\tvalue\tn_voxels\tcluster\n-38\t-24\t56\t7.94\t588\t1\n39\t-22\t58\t7.9\t1446\t2\n"
SLEUTH = b"// Reference=MNI\n// Smith 2012: go > rest\n// Subjects=12\n-38\t-24\t56\n39\t-22\t58\n"
FSL = (
    b"Cluster Index\tVoxels\tMAX\tMAX X (vox)\tMAX Y (vox)\tMAX Z (vox)\tCOG X (vox)\tCOG Y (vox)\tCOG Z (vox)\n"
    b"2\t1446\t7.94\t13\t30\t36\t12.1\t29\t36.2\n1\t588\t7.9\t39\t29\t36\t38\t29\t37\n"
)


@given(content=changed(LABELS))
@tried
def test_any_table_of_labels(folder, content):
    (folder / "labels.tsv").write_bytes(content)
    refused(read_labels_table, folder / "labels.tsv", named="labels.tsv")


@given(content=st.one_of(changed(PUBLISHED), changed(SLEUTH), changed(FSL)))
@tried
def test_any_published_table(folder, content):
    (folder / "smith.tsv").write_bytes(content)
    refused(read_published, folder / "smith.tsv", "table", named="smith.tsv")


def study(folder, **config):
    found = Study({"template": None} | config, REPOSITORY / "config", [folder, REPOSITORY])
    found.problems()


@given(content=changed(SHEET))
@tried
def test_any_sample_sheet(folder, content):
    (folder / "maps.tsv").write_bytes(content)
    refused(study, folder, maps="maps.tsv", variants={"a": {"threshold": 3}}, named="maps.tsv")


@given(content=changed(VARIANTS))
@tried
def test_any_variant_table(folder, content):
    (folder / "variants.tsv").write_bytes(content)
    refused(study, folder, map="map.nii", variants="variants.tsv", named="varian")


# ------------------------------------------------------------------------------------------------------ random configs
SCHEMA = load(REPOSITORY / "config/schemas/config.schema.yaml")
RANGE = {"from": 2, "to": 3, "step": 0.5}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 60),
    st.floats(),
    st.text(max_size=6),
    st.lists(st.integers(0, 30), max_size=3),
    st.sampled_from(["97%", "10 voxels", "1e-3", {"p": 0.001}, {"tdp": 0.7}, {"fwe": 0.05}, RANGE]),
)


def values_of(rules):
    """Strategy: values that a schema accepts in a place, now and then one that it does not."""
    rules = SCHEMA["$defs"][rules["$ref"].rpartition("/")[2]] | rules if "$ref" in rules else rules
    good = [st.just(rules["default"])] if "default" in rules else []
    good += [st.sampled_from(rules["enum"])] if "enum" in rules else []
    good += [st.sampled_from([0.01, 1, 3, 8.0, 18, 100])] if "number" in rules.get("type", []) else []
    if "array" in rules.get("type", []) and "items" in rules:
        good.append(st.lists(values_of(rules["items"]), min_size=1, max_size=3))
    return st.one_of(*good, *good, *good, ODD)


VARIANT = st.fixed_dictionaries(
    {"threshold": values_of(SCHEMA["$defs"]["threshold"])},
    optional={
        key: values_of(rules) if key != "convention" else st.sampled_from(["nilearn", "spm", "fsl", "afni-nn2", "x"])
        for key, rules in SCHEMA["$defs"]["variant"]["properties"].items()
        if key != "threshold"
    },
)
OF_SWEEP = SCHEMA["properties"]["sweep"]["properties"]
SWEEP = st.fixed_dictionaries(
    {"thresholds": st.one_of(st.just(RANGE), st.lists(ODD, max_size=3))},
    optional={
        key: values_of(own) for key, own in SCHEMA["properties"]["sweep"]["properties"].items() if key != "thresholds"
    },
)
TOP = [key for key, own in SCHEMA["properties"].items() if key not in ("maps", "map", "variants", "sweep", "defaults")]
CONFIG = st.fixed_dictionaries(
    {"variants": st.dictionaries(st.sampled_from(["a", "b", "v-3.0", "A", "sweep"]), VARIANT, min_size=1, max_size=3)},
    optional={key: values_of(SCHEMA["properties"][key]) for key in TOP}
    | {"sweep": SWEEP, "defaults": st.one_of(VARIANT, ODD)},
)


@given(config=CONFIG)
@settings(tried, max_examples=3 * TRIES)
def test_any_config_is_taken_or_refused_in_one_line_that_names_the_key(folder, config):
    try:
        Study({"template": None, "map": "map.nii"} | copy.deepcopy(config), REPOSITORY / "config", [folder, REPOSITORY])
    except UserError as error:
        text = str(error)
        named = [*SCHEMA["properties"], *SCHEMA["$defs"]["variant"]["properties"]]
        assert "\n" not in text and any(name in text for name in named), text


@given(config=CONFIG)
@settings(tried, max_examples=max(10, TRIES // 30))
def test_what_is_taken_is_planned(folder, config):
    """By Snakemake itself; where it is not, the last lines are ours."""
    (folder / "study.yaml").write_text(yaml.safe_dump({"template": None, "map": "map.nii"} | config), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--directory", folder]
    command += ["-n", "--configfile", folder / "study.yaml"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "Traceback (most" not in done.stderr + done.stdout, done.stderr
    if done.returncode:
        try:
            own = Study({"template": None, "map": str(folder / "map.nii")} | config, REPOSITORY / "config", [folder])
            assert own.problems(), done.stderr
        except UserError:
            pass


# ------------------------------------------------------------------------------------------------------ other formats
AFFINE = np.array([[-2.0, 0, 0, 4], [0, 2, 0, -6], [0, 0, 3, -9], [0, 0, 0, 1]])
VOLUMES = np.random.default_rng(0).normal(size=(5, 6, 7, 2)).astype(np.float32)
BUCKET = {"BRICK_LABS": "a~b", "BRICK_STATAUX": [0.0, 4, 2, 2, 40, 1, 3, 1, 23], "TEMPLATE_SPACE": "MNI"}
OTHERS = {  # the file that is changed: who writes it, and what the sheet calls it
    "x+tlrc.HEAD": (written.afni, "x+tlrc.HEAD[1]", BUCKET),
    "x+tlrc.BRIK": (written.afni, "x+tlrc.HEAD[1]", BUCKET),
    "stats.nii.gz": (written.afni_nifti, "stats.nii.gz[1]", BUCKET),
    "x.mgz": (written.mgh, "x.mgz[b]", {}),
    "x.hdr": (written.analyze, "x.hdr[0]", {}),
    "x.img": (written.pair, "x.img[1]", {}),
    "x.nii.bz2": (written.bzipped, "x.nii.bz2[1]", {}),
}


@given(data=st.data(), name=st.sampled_from(sorted(OTHERS)), inside=st.booleans())
@tried
def test_any_image_of_another_format(folder, data, name, inside):
    """Changed in what it holds, or in how that is folded."""
    write, source, attributes = OTHERS[name]
    write(folder, VOLUMES, AFFINE, **attributes)
    with opened_for_reading(folder / name) as stream:
        content = stream.read()
    fold = (lambda content: gzip.compress(content, mtime=0)) if name.endswith("gz") else bytes
    changes = data.draw(changed(content if inside else fold(content)))
    (folder / name).write_bytes(fold(changes) if inside else changes)
    made = {key: str(folder / "results" / file) for key, file in MADE.items()}
    shutil.rmtree(folder / "results", ignore_errors=True)
    row = {"source": str(folder / source)}
    failed = refused(fetch_map.main, row=row, map_id="m", max_voxels=2000, **made, named="map 'm'")
    assert failed is None or list((folder / "results").iterdir()) == []
    refused(read_residuals, row["source"].partition("[")[0], (5, 6, 7), AFFINE, "map 'm'", named="map 'm'")
