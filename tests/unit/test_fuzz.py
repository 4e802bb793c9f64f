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
import tempfile
from pathlib import Path

import folders
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
import plot_variants
import start_study
import tabulate_regions
import threshold_map
from statmap.config.schema import load
from statmap.config.study import Study
from statmap.figures.captions import VARIANT_FIGURES
from statmap.figures.style import FigureStyle
from statmap.io.files import UserError
from statmap.io.formats import opened_for_reading
from statmap.io.images import read_residuals
from statmap.io.stat_map import MapFiles
from statmap.published.readers import read_published
from statmap.regions.atlases import read_labels_table
from statmap.rules import PeakRule, RegionRule, Smoothness, ThresholdRule, rule_from

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


@given(content=changed(MAP), zipped=st.booleans())
@tried
def test_any_map_is_refused_or_goes_through_to_its_figures(folder, content, zipped):
    if not fetch(folder, content, zipped):
        return
    results = folder / "results"
    files = MapFiles(*(str(results / name) for name in MADE.values()))
    names = ("thresholded.nii.gz", "thresholded.json", "regions.nii.gz", "regions.json", "accounting.nii.gz")
    names += ("regions.csv", "peaks.csv", "table.tsv")
    made = {"v": {name: results / "v" / name for name in names}}
    rules = ({"v": rule_from(step, KEYS)} for step in (ThresholdRule, RegionRule, PeakRule))
    threshold_map.main(map_id="m", files=files, rules=next(rules), smoothness=Smoothness(), outputs=made)
    extract_regions.main(map_id="m", rules=next(rules), inputs=made, outputs=made)
    tabulate_regions.main(
        map_id="m",
        files=files,
        values=None,
        atlases={},
        rules=next(rules),
        inputs=made,
        outputs=made,
        sidecar=str(results / "tables.json"),
    )
    outputs = [*(f"{figure}.png" for figure in VARIANT_FIGURES if figure != "pages"), "pages"]
    style = FigureStyle(dpi=72, cuts={"axial": 2, "sagittal": [0], "coronal": "auto"})
    plot_variants.main(
        map_id="m",
        files=files,
        inputs=made,
        agreement=None,
        template=None,
        outputs={"v": {name: results / "v" / name for name in outputs}},
        drawing=plot_variants.Drawing(style, None, 1, ["png"]),
        tables_sidecar=str(results / "tables.json"),
    )
    assert all(Path(results / "v" / name).exists() for name in (*names, *outputs))


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
MAXIMA = b"Cluster Index\tZ\tx\ty\tz\t\n2\t7.94\t13\t30\t36\n2\t5.1\t11\t30\t30\n1\t7.9\t39\t29\t36\n"
SPM = (
    b"set,set,cluster,cluster,cluster,cluster,peak,peak,peak,peak,peak,,,\n"
    b"p,c,p(FWE-corr),p(FDR-corr),equivk,p(unc),p(FWE-corr),p(FDR-corr),T,equivZ,p(unc),x,y,z {mm},\n"
    b"0.000,2,0.000,0.000,228,0.000,0.000,0.000, 13.93,  Inf,0.000, 63,-28, 11,\n"
    b",,,,,,0.000,0.000,  9.29, 7.79,0.000, 46,-21,  8,\n"
    b",,0.012,0.020,17,0.004,0.031,0.041,  5.30, 4.98,0.0,-57,-33, 12,\n"
)
AFNI = (
    b"#  Cluster report\n#[ Supplement dat vol  = [1] 'vis#0_Coef' ]\n#[ Neighbor type, NN   = 1 ]\n"
    b"#[ Coordinates Order   = RAI ]\n#Volume  CM RL  CM AP  CM IS  minRL  maxRL\n#------  -----\n"
    b"   1234   -1.5   77.9    5.1  -41.2   38.8   51.2   98.8  -23.8   33.8  2.0   0.03   7.12   -6.2   91.2    3.8\n"
    b"     25   31.0  -20.5   51.1   26.2   36.2  -26.2  -16.2   46.2   56.2  0.6   0.02  -1.50   31.2  -21.2   51.2\n"
    b"#  1259    0.1   75.5    5.9                                            1.9763   0.0299\n"
)
GERMAN = b"Region;x;y;z;T;k\nFusiform;-42;-56,5;-20;5,21;1.204\nCuneus;6;-90;3;4,0;25\n"


@given(content=changed(LABELS))
@tried
def test_any_table_of_labels(folder, content):
    (folder / "labels.tsv").write_bytes(content)
    refused(read_labels_table, folder / "labels.tsv", named="labels.tsv")


@given(content=st.one_of(*map(changed, (PUBLISHED, SLEUTH, FSL, MAXIMA, SPM, AFNI, GERMAN))))
@tried
def test_any_published_table(folder, content):
    (folder / "smith.tsv").write_bytes(content)
    refused(read_published, folder / "smith.tsv", "table", named="smith.tsv")
    (folder / "fsl.tsv").write_bytes(FSL)
    refused(read_published, folder / "fsl.tsv", "table", folder / "smith.tsv", named=".tsv")


def made(make, name):
    """The bytes of one file of an analysis that `folders` makes."""
    with tempfile.TemporaryDirectory() as place:
        return (make(Path(place)) / name).read_bytes()


def put(folder, name, content):
    """A folder with that file only, empty otherwise."""
    shutil.rmtree(folder / "analysis", ignore_errors=True)
    path = folder / "analysis" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def start(folder, path):
    """Rule start_study on an analysis, in an empty folder: it is taken, or refused in one line."""
    shutil.rmtree(folder / "study", ignore_errors=True)
    (folder / "study").mkdir()
    before = os.getcwd()
    os.chdir(folder / "study")
    try:
        failed = refused(start_study.main, [str(path)], str(TEMPLATE), named=path.name.partition(".")[0])
    finally:
        os.chdir(before)
    assert failed is None or not any(path.is_file() for path in (folder / "study").iterdir())
    return failed is None


TEMPLATE = REPOSITORY / "config/template/study.yaml"
SPM_MAT = made(lambda place: folders.spm(place / "spm"), "SPM.mat")
FEAT = {
    name: made(lambda place: folders.feat(place / "x.feat", verbose=True), name)
    for name in ("design.fsf", "design.con", "stats/smoothness", "cluster_zstat1.txt", "thresh_zstat1.vol")
}
TURTLE = folders.turtle(clusters=folders.clusters_of(folders.z_map(1), 3.1)).encode()
PACK = made(lambda place: folders.nidm(place).parent, "pack.nidm.zip")
HEAD = made(lambda place: folders.afni_head(place).parent, "stats.FT+tlrc.HEAD")
BUCKET = made(lambda place: folders.afni_nifti(place / "b.nii", data=folders.bricks()[:4, :4, :4]).parent, "b.nii")
REPORT = made(lambda place: folders.clusterize(place / "c.1D", folders.bricks()).parent, "c.1D")
NILEARN = {
    name: made(lambda place: folders.bids(place / "b", tables=(3.1, 5)), f"group/task-main_{name}")
    for name in ("design.tsv", "contrast-houses_clusters.tsv", "contrast-houses_clusters.json")
}


@given(content=changed(SPM_MAT))
@settings(tried, max_examples=max(20, TRIES // 50))
def test_any_spm_mat(folder, content):
    start(folder, put(folder, "SPM.mat", content))


@given(data=st.data(), name=st.sampled_from(sorted(FEAT)))
@settings(tried, max_examples=max(100, TRIES // 5))
def test_any_file_of_feat(folder, data, name):
    put(folder, "design.fsf", FEAT["design.fsf"])
    for other in FEAT:
        path = folder / "analysis" / other
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data.draw(changed(FEAT[name])) if other == name else FEAT[other])
    assert start(folder, folder / "analysis")  # what is no number or name is a gap


@given(content=changed(TURTLE))
@settings(tried, max_examples=max(30, TRIES // 50))
def test_any_turtle(folder, content):
    start(folder, put(folder, "nidm.ttl", content))


@given(content=changed(PACK))
@settings(tried, max_examples=max(30, TRIES // 50))
def test_any_archive(folder, content):
    start(folder, put(folder, "pack.nidm.zip", content))


@given(content=changed(HEAD), report=changed(REPORT))
@settings(tried, max_examples=max(100, TRIES // 5))
def test_any_afni_header_and_report(folder, content, report):
    head = put(folder, "stats.FT+tlrc.HEAD", content)
    (folder / "analysis/c.1D").write_bytes(report)
    start(folder, head)


@given(content=changed(BUCKET), zipped=st.booleans())
@settings(tried, max_examples=max(100, TRIES // 5))
def test_any_nifti_bucket(folder, content, zipped):
    start(folder, put(folder, "b.nii.gz" if zipped else "b.nii", gzip.compress(content, 1) if zipped else content))


@given(data=st.data(), name=st.sampled_from(sorted(NILEARN)))
@settings(tried, max_examples=max(100, TRIES // 5))
def test_any_text_of_nilearn(folder, data, name):
    image = put(folder, "task-main_contrast-houses_stat-t_statmap.nii", MAP)
    for other in NILEARN:
        content = data.draw(changed(NILEARN[name])) if other == name else NILEARN[other]
        (image.parent / f"task-main_{other}").write_bytes(content)
    assert start(folder, folder / "analysis")


@given(content=changed(b"-i data.nii\n-m mask.nii\n-save1-p\n"), image=changed(MAP))
@settings(tried, max_examples=max(100, TRIES // 5))
def test_any_map_of_palm(folder, content, image):
    path = put(folder, "out_vox_tstat_fwep_c1.nii", image)
    path.with_name("out_palmconfig.txt").write_bytes(content)
    path.with_name("out_vox_tstat_c1.nii").write_bytes(MAP)
    assert start(folder, folder / "analysis")


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
