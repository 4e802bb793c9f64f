"""Every script run in process, with what the Snakefile gives it: its adapter, its `main`, and what they write.

Two maps of 12 x 12 x 12 voxels of 27 mm³ go through all rules. The first holds a cube of 27 voxels (5, its centre 6),
one of 8 voxels (-4, a corner -4.5) and a single voxel of 2.5; the second the first cube alone. The numbers below are
counted by hand.
"""

import csv
import gzip
import logging
import re
import runpy
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
import yaml
from parsed_workflow import job_of, parse
from running import write_sheet

from statmap.io.files import read_json, sha256_of
from statmap.io.images import read_raw
from statmap.io.nifti import write_image

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
AFFINE = np.array([[3.0, 0, 0, -18], [0, 3, 0, -18], [0, 0, 3, -18], [0, 0, 0, 1]])
MAPS = {"full": 36, "cube": 27}  # voxels at or above 2
TABLES = {"full": "printed", "cube": "reprinted"}  # the table that is held against each map
SHARED = {"signs": "split", "extract_type": "connected_components"}
VARIANTS = {
    "strict": SHARED | {"threshold": 3.0, "min_region_size": 100},
    "loose": SHARED | {"threshold": 2.0, "min_region_size": 0},
}
CONFIG = {
    "maps": "maps.tsv",
    "template": None,
    "max_voxels": 2000,
    "require_sha256": True,
    "variants": VARIANTS,
    "atlases": {
        name: {"image": f"{name}.nii.gz", "labels": "halves.tsv", "space": "MNI152"} for name in ("halves", "far")
    },
    "figures": ["threshold", "regions", "glass", "surface", "accounting", "pages"],
    "max_pages": 2,
    "write_4d": True,
    "html": ["map", "view"],
    "sweep": {"thresholds": [2.0, 3.0], "min_region_sizes": [0, 500], "connectivities": [6], "signs": ["split"]},
    "published": {name: {"map": map_id, "table": "printed.tsv"} for map_id, name in TABLES.items()},
}
REFERENCES = {"halves": ("atlas of halves", ["grady2006"]), "far": ("atlas of far", ["cox1996"])}


def run(rule, params=None, **wildcards):
    """Run the script of a rule with what the Snakefile gives it for these wildcards, some of its params replaced."""
    job = job_of(rule, **wildcards)
    job.params = SimpleNamespace(**dict(job.params.items()) | (params or {}))
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        runpy.run_path(str(ROOT / rule.script), {"snakemake": job}, run_name="__main__")
    finally:
        for handler in set(root.handlers) - set(before[0]):
            handler.close()
        root.handlers[:], root.level = before
        logging.captureWarnings(False)
    assert "ERROR" not in Path(job.log[0]).read_text(encoding="utf-8")
    assert [path for path in job.output if not Path(path).exists()] == []


def make_maps():
    data = np.zeros((12, 12, 12), np.float32)
    data[2:5, 2:5, 2:5] = 5
    data[3, 3, 3] = 6
    write_image("cube.nii.gz", data, AFFINE)
    data[8:10, 8:10, 8:10] = -4
    data[9, 9, 9] = -4.5
    data[2, 9, 2] = 2.5
    write_image("full.nii.gz", data, AFFINE)
    shifted = AFFINE.copy()
    shifted[0, 3] += 500
    write_image("elsewhere.nii.gz", np.ones((12, 12, 12), np.float32), shifted)
    halves = np.ones((12, 12, 12), np.int16)
    halves[6:] = 2
    write_image("halves.nii.gz", halves, AFFINE)
    far = AFFINE.copy()
    far[0, 3] += 500
    write_image("far.nii.gz", halves, far)
    printed = "x\ty\tz\tvalue\tn_voxels\n-9\t-9\t-9\t6\t27\n9\t9\t9\t-4.5\t8\n"
    Path("printed.tsv").write_text(printed, encoding="utf-8")
    Path("halves.tsv").write_text("index\tname\n1\tleft\n2\tright\n", encoding="utf-8")
    rows = [[name, f"{name}.nii.gz", sha256_of(f"{name}.nii.gz"), "z", "MNI152", "Somebody 2026"] for name in MAPS]
    write_sheet(Path("maps.tsv"), ["map", "source", "sha256", "stat", "space", "citation"], *rows)


def run_everything(folder):
    rules = parse(folder, CONFIG)
    with_template = parse(folder, CONFIG | {"template": "elsewhere.nii.gz"})
    for atlas in ("far", "halves"):
        run(rules["fetch_atlas"], atlas=atlas)
    for map_id in MAPS:
        for name in (*UP_TO_FIGURES, "sweep_map", "plot_sweep"):
            run(rules[name], map=map_id)
        run(rules["check_published"], map=map_id, table=TABLES[map_id])
        run(rules["show_map"], {"references": REFERENCES}, map=map_id)
        run(with_template["view_map"], map=map_id)
    run(parse(folder, CONFIG | {"figure_style": {"colour_limit": "shared"}})["limit_colours"])
    run(rules["compare_maps"])
    for name in ("old/v/regions.json", "old/tables.json"):
        Path("results", name).parent.mkdir(parents=True, exist_ok=True)
        Path("results", name).write_text("{}", encoding="utf-8")
    run(rules["prune"])
    run(rules["summarise"])


UP_TO_FIGURES = "fetch_map", "threshold_map", "extract_regions", "tabulate_regions", "plot_variants"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The results folder. Read only."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_maps()
        run_everything(folder)
    return folder / "results"


def rows(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_script_is_run(results):
    """But for `start_study`, which has no study yet: `tests/workflow/test_start_study.py`."""
    assert sorted([*(path.stem for path in (results / "logs").iterdir()), "start_study"]) == SCRIPTS


def test_prune(results):
    assert not (results / "old").exists() and (results / "full").is_dir()


@pytest.mark.parametrize("map_id", MAPS)
def test_fetch_map(results, map_id):
    sidecar = read_json(results / f"maps/{map_id}.json")
    assert sidecar["Sources"] == [f"{map_id}.nii.gz"] and sidecar["Space"] == "MNI152" and sidecar["Stat"] == "z"
    assert (sidecar["NonzeroCount"], sidecar["MaskVoxels"], sidecar["Maximum"]) == (MAPS[map_id], MAPS[map_id], 6)
    assert sha256_of(results / f"maps/{map_id}.nii.gz") == sidecar["SHA256"] == sidecar["SourceSHA256"]
    mask = results / f"maps/{map_id}_mask.nii.gz"
    assert sha256_of(mask) == sidecar["MaskImageSHA256"] and read_raw(mask)[0].sum() == MAPS[map_id]


def test_fetch_atlas(results):
    labels, affine = read_raw(results / "atlases/halves.nii.gz")
    assert np.bincount(labels.ravel()).tolist() == [0, 864, 864] and (affine == AFFINE).all()
    sidecar = read_json(results / "atlases/halves.json")
    assert sidecar["Sources"] == ["halves.nii.gz"] and sidecar["Shape"] == list(labels.shape)
    assert sidecar["SHA256"] == sha256_of(results / "atlases/halves.nii.gz") and "TermsOfUse" not in sidecar


@pytest.mark.parametrize(("variant", "cutoff", "suprathreshold"), [("strict", 3, 35), ("loose", 2, 36)])
def test_threshold_map(results, variant, cutoff, suprathreshold):
    folder = results / "full" / variant
    sidecar = read_json(folder / "thresholded.json")
    assert (sidecar["Cutoff"], sidecar["SuprathresholdVoxels"]) == (cutoff, suprathreshold)
    kept, _ = read_raw(folder / "thresholded.nii.gz")
    assert np.count_nonzero(kept) == suprathreshold and kept[3, 3, 3] == 6 and kept[9, 9, 9] == -4.5
    assert sha256_of(folder / "thresholded.nii.gz") == sidecar["SHA256"]


@pytest.mark.parametrize(("variant", "sizes"), [("strict", [27, 8]), ("loose", [27, 8, 1])])
def test_extract_regions(results, variant, sizes):
    folder = results / "full" / variant
    sidecar = read_json(folder / "regions.json")
    labels, _ = read_raw(folder / "regions.nii.gz")
    assert np.bincount(labels.ravel())[1:].tolist() == sizes
    n_voxels = sum(sizes)
    assert sidecar["VoxelAccounting"] == {
        "suprathreshold": n_voxels,
        "kept": n_voxels,
        "too_small": 0,
        "unseeded": 0,
        "seed_only": 0,
    }
    assert sidecar["SHA256"] == sha256_of(folder / "regions.nii.gz")
    assert sidecar["SourceSHA256"] == sha256_of(folder / "thresholded.nii.gz")


def test_the_accounting_is_an_image_too(results):
    outcomes, affine = read_raw(results / "full/loose/accounting.nii.gz")
    labels, _ = read_raw(results / "full/loose/regions.nii.gz")
    np.testing.assert_array_equal(outcomes == 1, labels > 0)
    assert outcomes.max() == 1 and outcomes.dtype == np.uint8 and (affine == AFFINE).all()


def test_limit_colours(results):
    """The 99.9th percentile of 27 magnitudes, 5 but for one 6; the other map's lies below it."""
    limits = read_json(results / "colour_limits.json")
    assert limits == {"z": {"strict": pytest.approx(5.974), "loose": pytest.approx(5.974)}}


def test_tabulate_regions(results):
    regions = rows(results / "full/loose/regions.csv")
    assert [(row["region"], row["sign"], row["n_voxels"], float(row["volume_mm3"])) for row in regions] == [
        ("1", "positive", "27", 729),
        ("2", "negative", "8", 216),
        ("3", "positive", "1", 27),
    ]
    assert [[float(row[f"peak_{axis}"]) for axis in "xyz"] for row in regions] == [[-9] * 3, [9] * 3, [-12, 9, -12]]
    assert [row["halves_peak"] for row in regions] == ["left", "right", "left"]
    peaks = rows(results / "full/loose/peaks.csv")
    assert {(row["map"], row["variant"]) for row in peaks} == {("full", "loose")}
    assert {row["region"]: float(row["value"]) for row in peaks} == {"1": 6, "2": -4.5, "3": 2.5}
    printed = (results / "full/loose/table.tsv").read_text(encoding="utf-8").splitlines()
    assert printed == [
        "region\tpeak\thalves_peak\tfar_peak\tvolume_mm3\tvalue\tx\ty\tz",
        "1\t1\tleft\tno_label\t729.0\t6.00000\t-9.00\t-9.00\t-9.00",
        "2\t1\tright\tno_label\t216.0\t-4.50000\t9.00\t9.00\t9.00",
        "3\t1\tleft\tno_label\t27.0\t2.50000\t-12.00\t9.00\t-12.00",
    ]
    by_label = rows(results / "full/loose/labels_halves.csv")
    assert [(row["label"], row["n_voxels"], row["regions"]) for row in by_label] == [
        ("left", "28", "1 (96.4%); 3 (3.6%)"),
        ("right", "8", "2 (100.0%)"),
    ]
    assert [float(row["share_of_label"]) for row in by_label] == pytest.approx([28 / 864, 8 / 864], abs=5e-5)
    assert [row["label"] for row in rows(results / "full/loose/labels_far.csv")] == ["no_label"]


def test_compare_variants(results):
    (pair,) = rows(results / "full/stability.csv")
    assert (pair["variant_a"], pair["variant_b"]) == ("strict", "loose")
    assert float(pair["dice"]) == pytest.approx(70 / 71, abs=1e-4)
    assert float(pair["jaccard"]) == pytest.approx(35 / 36, abs=1e-4)
    matched = [(row["region_a"], row["region_b"]) for row in rows(results / "full/matches.csv")]
    assert matched[:2] == [("1", "1"), ("2", "2")]


def test_sweep_map(results):
    grid = rows(results / "full/sweep/sweep.csv")
    found = [(float(row["cutoff"]), float(row["min_region_size"]), int(row["n_regions"])) for row in grid]
    assert sorted(found) == [(2, 0, 3), (2, 500, 1), (3, 0, 2), (3, 500, 1)]
    share, _ = read_raw(results / "full/sweep/selection_frequency.nii.gz")
    assert share[3, 3, 3] == 1 and share[9, 9, 9] == 0.5 and share[2, 9, 2] == 0.25 and share.sum() == 31.25
    findings = rows(results / "full/sweep/findings.csv")
    assert [int(row["n_found"]) for row in findings] == [4, 2, 1]
    assert [float(row["birth"]) for row in rows(results / "full/sweep/persistence.csv")] == [6, 4.5, 2.5]


def test_check_published(results):
    """The table lists the cube and the negative cluster; an extent drops the single voxel."""
    folder = results / "full/published/printed"
    found = rows(folder / "rows.csv")
    assert [(row["map"], row["table"], row["found_voxels"], row["verdict"]) for row in found] == [
        ("full", "printed", "27", "exact"),
        ("full", "printed", "8", "exact"),
    ]
    best = rows(folder / "settings.csv")[0]
    assert (best["sign"], best["rows"], best["rows_exact"], best["unlisted"]) == ("apart", "2", "2", "0")
    ready = yaml.safe_load((folder / "variant.yaml").read_text(encoding="utf-8"))["variants"]["published-printed"]
    assert (ready["sided"], ready["signs"], ready["threshold"]) == ("two", "split", float(best["threshold"]))
    verdicts = [row["verdict"] for row in rows(results / "cube/published/reprinted/rows.csv")]
    assert verdicts[0] == "exact" and verdicts[1] != "exact"
    assert "printed.tsv" in (results / "full/published/printed/check.html").read_text(encoding="utf-8")


def test_compare_maps(results):
    agreement = {row["variant"]: float(row["dice"]) for row in rows(results / "maps.csv")}
    assert agreement == pytest.approx({"strict": 54 / 62, "loose": 54 / 63}, abs=1e-4)
    found = {(row["variant"], row["map"], row["region"]): row for row in rows(results / "maps_found.csv")}
    # The cube is in both maps; what the first has besides is in no other.
    assert [found["loose", "full", n]["n_maps"] for n in "123"] == ["2", "1", "1"]
    assert (found["loose", "full", "1"]["regions@cube"], found["loose", "full", "2"]["regions@cube"]) == ("1", "")
    assert found["strict", "cube", "1"]["regions@full"] == "1"
    page = (results / "maps.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/png;base64,') == 4 and 'href="full/map.html#loose"' in page
    assert 'download="maps_found.csv"' in page and "in cube" in page
    counts, _ = read_raw(results / "overlap/loose.nii.gz")
    assert np.bincount(counts.ravel())[1:].tolist() == [9, 27]


def test_summarise(results):
    summary = {(row["map"], row["variant"]): row for row in rows(results / "summary.csv")}
    assert {pair: int(row["n_regions"]) for pair, row in summary.items()} == {
        ("full", "strict"): 2,
        ("full", "loose"): 3,
        ("cube", "strict"): 1,
        ("cube", "loose"): 1,
    }
    assert float(summary["full", "loose"]["volume_mm3"]) == 36 * 27
    page = (results / "summary.html").read_text(encoding="utf-8")
    assert "full/published/printed/check.html" in page and "cube/published/reprinted/check.html" in page


def test_figures_are_whole(results):
    """Every figure and page of regions opens, and is not blank."""
    from PIL import Image

    figures = sorted(results.rglob("*.png"))
    pages = {path.relative_to(results).as_posix() for path in figures if path.parent.name == "pages"}
    assert pages == {
        *(f"full/{variant}/pages/region-00{n}.png" for variant in VARIANTS for n in (1, 2)),
        *(f"cube/{variant}/pages/region-001.png" for variant in VARIANTS),
    }
    # Of a map five per variant, their agreement, four of the sweep, a printed table; of all maps two per variant.
    assert len(figures) - len(pages) == 2 * (5 * 2 + 1 + 4 + 1) + 2 * 2
    for path in figures:
        with Image.open(path) as image:
            image.load()
            assert any(low < high for low, high in image.convert("RGB").getextrema()), path


def test_show_map(results):
    text = (results / "full/map.html").read_text(encoding="utf-8")
    assert "Regions were labelled with the atlas of halves (Grady 2006)." in text and "Grady L (2006)." in text
    # An atlas that does not cover the map is warned of, and not said to name its regions.
    assert "covers less than half of the map" in text and "Cox RW" not in text
    assert "Somebody 2026" in text and "729" in text and "strict" in text and "loose" in text
    # Five figures of each variant, four of the sweep and the agreement of the variants are in the page.
    assert text.count('src="data:image/png;base64,') == 2 * 5 + 4 + 1
    checked = (results / "full/published/printed/check.html").read_text(encoding="utf-8")
    assert checked.count('src="data:image/png;base64,') == 1


def test_view_map(results):
    view = (results / "full/view.html").read_text(encoding="utf-8")
    assert "strict" in view and "loose" in view
    packed = re.search(r'"background": "([^"]+)"', view)[1]
    background = nib.Nifti1Image.from_bytes(gzip.decompress(b64decode(packed)))
    assert len(set(background.shape)) == 1  # a cube, the map's own outline: the template lies elsewhere


def test_a_variant_may_be_called_like_its_map(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_maps()
    write_sheet(Path("maps.tsv"), ["map", "source"], ["strict", "full.nii.gz"])
    config = CONFIG | {"published": {}, "atlases": {}, "sweep": None, "require_sha256": False}
    rules = parse(tmp_path, config)
    for name in UP_TO_FIGURES:
        run(rules[name], map="strict")


# An atlas as the user brings it; of a sweep the one image that has no sidecar.
READ_WITHOUT_A_SIDECAR = {"fetch_atlas": {"read_stored"}, "plot_sweep": {"read_result"}}


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_image_of_ours_is_read_with_its_sidecar(script):
    """`StatMap.read` and `read_written` compare its sha256; other functions are for what the user brings."""
    text = (ROOT / f"scripts/{script}.py").read_text(encoding="utf-8")
    called = set(re.findall(r"\b(read_(?:raw|image|stored|result))\(|nib\.load\(.*dataobj", text))
    assert called == READ_WITHOUT_A_SIDECAR.get(script, set())
