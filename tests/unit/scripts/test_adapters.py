"""Every script run in process as Snakemake runs it, with no Snakemake: its adapter, its `main`, and what they write.

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
from snakemake.iocontainers import Namedlist

from statmap.io.files import read_json, sha256_of
from statmap.io.images import read_raw, write_image

ROOT = Path(__file__).parents[3]
SNAKEFILE = (ROOT / "Snakefile").read_text(encoding="utf-8")
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
AFFINE = np.array([[3.0, 0, 0, -18], [0, 3, 0, -18], [0, 0, 3, -18], [0, 0, 0, 1]])
DEFAULTS = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))["defaults"]
OWN = {"signs": "split", "extract_type": "connected_components", "convention": None}
VARIANTS = {
    "strict": DEFAULTS | OWN | {"threshold": 3.0, "min_region_size": 100},
    "loose": DEFAULTS | OWN | {"threshold": 2.0, "min_region_size": 0},
}
MAPS = {"full": 36, "cube": 27}  # voxels at or above 2
GRID = {
    "thresholds": [2.0, 3.0],
    "min_region_sizes": [0, 500],
    "connectivities": [6],
    "signs": ["split"],
    **{key: DEFAULTS[key] for key in ("sided", "size_rule", "cutoff_rule", "percentile_domain", "domain", "tdp_alpha")},
}


def block(rule):
    """The text of a rule in the Snakefile."""
    return re.search(rf"rule {rule}:\n(.*?)(?=\n *rule |\nonsuccess)", SNAKEFILE, re.DOTALL)[1]


def names(rule, directive):
    """Names of the files under ``input:`` or ``output:`` of a rule."""
    text = re.search(rf"^( *){directive}:\n((?:\1 +.*\n|\n)*)", block(rule), re.MULTILINE)
    if not text:
        return []
    first = re.match(" *", text[2])[0]
    return re.findall(rf"^{first}(\w+)=", text[2], re.MULTILINE)


def keys(rule, what, all_keys):
    """Those keys that the rule asks the study for."""
    asked = re.search(rf"study\.{what}\((.*?)\)", block(rule), re.DOTALL)
    return {key: all_keys[key] for key in re.findall(r'"(\w+)"', asked[1])}


def of_variants(rule):
    return {name: keys(rule, "variant_keys", own) for name, own in VARIANTS.items()}


def named(files):
    """Files as Snakemake gives them: by name, and as one list."""
    found = Namedlist()
    for name, value in files.items():
        start = len(found)
        found.extend([value] if isinstance(value, str) else value)
        found._set_name(name, start, end=None if isinstance(value, str) else len(found))
    return found


def run(rule, wildcards, inputs, outputs, **params):
    """Run the script of a rule with the names that the Snakefile has."""
    assert list(inputs) == names(rule, "input") and list(outputs) == names(rule, "output")
    job = SimpleNamespace(
        input=named(inputs),
        output=named(outputs),
        params=SimpleNamespace(**params),
        wildcards=SimpleNamespace(**wildcards),
        log=[f"results/logs/{rule}.log"],
    )
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        runpy.run_path(str(ROOT / f"scripts/{rule}.py"), {"snakemake": job}, run_name="__main__")
    finally:
        for handler in set(root.handlers) - set(before[0]):
            handler.close()
        root.handlers[:], root.level = before
        logging.captureWarnings(False)
    assert "ERROR" not in Path(job.log[0]).read_text(encoding="utf-8")


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


def per_variant(map_id, name):
    return [f"results/{map_id}/{variant}/{name}" for variant in VARIANTS]


def run_everything():
    for atlas in ("far", "halves"):
        run(
            "fetch_atlas",
            {"atlas": atlas},
            {"file": f"{atlas}.nii.gz"},
            {"image": f"results/atlases/{atlas}.nii.gz", "sidecar": f"results/atlases/{atlas}.json"},
            atlas={"image": f"{atlas}.nii.gz", "sha256": None, "space": None},
            max_voxels=2000,
            require_sha256=True,
        )
    for map_id in MAPS:
        run_map(map_id)
    labels, sidecars, cuts, tables = (
        [path for map_id in MAPS for path in per_variant(map_id, name)]
        for name in ("regions.nii.gz", "regions.json", "thresholded.json", "regions.csv")
    )
    run(
        "compare_maps",
        {},
        {"labels": labels, "sidecars": sidecars, "template": []},
        {
            "table": "results/maps.csv",
            "overlaps": [f"results/overlap/{variant}.nii.gz" for variant in VARIANTS],
            "figures": [f"results/overlap/{variant}_{of}.png" for variant in VARIANTS for of in ("overlap", "dice")],
            "others": [],
        },
        maps=list(MAPS),
        variants=list(VARIANTS),
    )
    Path("results/old").mkdir()
    template = str(ROOT / "config/template/study.yaml")
    run("start_study", {}, {}, {}, sources=["full.nii.gz"], effects=False, template=template, typed_in="/")
    run("prune", {}, {}, {}, left_behind=["results/old"], maps=list(MAPS))
    run(
        "summarise",
        {},
        {"thresholded": cuts, "extracted": sidecars, "tables": tables}
        | {"fetched": [f"results/maps/{map_id}.json" for map_id in MAPS]}
        | {"tabulated": [f"results/{map_id}/tables.json" for map_id in MAPS]}
        | {"atlases": [f"results/atlases/{atlas}.json" for atlas in ("halves", "far")], "template": []}
        | {"stability": [f"results/{map_id}/stability.csv" for map_id in MAPS]}
        | {"checked": [f"results/{map_id}/published/printed/settings.csv" for map_id in MAPS]},
        {"summary": "results/summary.csv", "page": "results/summary.html"},
        maps=list(MAPS),
        variants=of_variants("summarise"),
        pages=["map", "view"],
        across=True,
        template_space="MNI152",
    )


def run_map(map_id):
    wildcards = {"map": map_id}
    fetched = {
        "image": f"results/maps/{map_id}.nii.gz",
        "mask": f"results/maps/{map_id}_mask.nii.gz",
        "sidecar": f"results/maps/{map_id}.json",
    }
    atlases = {
        "atlases": [f"results/atlases/{atlas}.nii.gz" for atlas in ("halves", "far")],
        "atlas_sidecars": [f"results/atlases/{atlas}.json" for atlas in ("halves", "far")],
        "atlas_labels": ["halves.tsv", "halves.tsv"],
    }
    cut = {
        "thresholded": per_variant(map_id, "thresholded.nii.gz"),
        "thresholded_sidecars": per_variant(map_id, "thresholded.json"),
    }
    divided = {"labels": per_variant(map_id, "regions.nii.gz"), "sidecars": per_variant(map_id, "regions.json")}
    tables = {name: per_variant(map_id, f"{name}.csv") for name in ("regions", "peaks")}
    read_tables = {f"{name}_tables": paths for name, paths in tables.items()}
    row = {"source": f"{map_id}.nii.gz", "sha256": sha256_of(f"{map_id}.nii.gz"), "mask": None, "stat": "z"}
    row |= {"df": None, "space": "MNI152", "citation": "Somebody 2026", "fwhm_mm": None, "dlh": None}
    row |= {"search_voxels": None}
    swept = {
        "sweep": f"results/{map_id}/sweep/sweep.csv",
        "persistence_table": f"results/{map_id}/sweep/persistence.csv",
        "findings_table": f"results/{map_id}/sweep/findings.csv",
        "frequency": f"results/{map_id}/sweep/selection_frequency.nii.gz",
    }
    drawn = ["threshold", "regions", "glass"]
    run(
        "fetch_map",
        wildcards,
        {"files": [f"{map_id}.nii.gz"]},
        {"image": fetched["image"], "mask_image": fetched["mask"], "sidecar": fetched["sidecar"]},
        row=keys("fetch_map", "map_keys", row),
        max_voxels=2000,
        require_sha256=True,
        where_to_pin=None,
    )
    run(
        "threshold_map",
        wildcards,
        fetched | {"residuals": []},
        {"thresholded": cut["thresholded"], "sidecars": cut["thresholded_sidecars"]},
        variants=of_variants("threshold_map"),
        smoothness=keys("threshold_map", "map_keys", row),
    )
    run(
        "extract_regions",
        wildcards,
        cut,
        {"regions": divided["labels"], "sidecars": divided["sidecars"]}
        | {"regions_4d": per_variant(map_id, "regions_4d.nii.gz")},
        variants=of_variants("extract_regions"),
    )
    run(
        "tabulate_regions",
        wildcards,
        fetched
        | {"thresholded_sidecars": cut["thresholded_sidecars"], "labels": divided["labels"]}
        | {"regions_sidecars": divided["sidecars"], "values": []}
        | atlases,
        tables | {"tables_sidecar": f"results/{map_id}/tables.json"},
        variants=of_variants("tabulate_regions"),
        atlas_spaces={"halves": "MNI152", "far": "MNI152"},
    )
    run(
        "compare_variants",
        wildcards,
        divided,
        {name: f"results/{map_id}/{name}.csv" for name in ("stability", "matches")},
        variants=list(VARIANTS),
    )
    run(
        "plot_variants",
        wildcards,
        fetched
        | cut
        | {"labels": divided["labels"], "regions_sidecars": divided["sidecars"]}
        | read_tables
        | {"stability": [f"results/{map_id}/stability.csv"], "template": []},
        {
            "figures": [f"results/{map_id}/{variant}/{figure}.png" for variant in VARIANTS for figure in drawn],
            "pages": per_variant(map_id, "pages"),
            "agreement": [f"results/{map_id}/dice.png"],
            "others": [],
        },
        variants=of_variants("plot_variants"),
        max_pages=2,
        formats=["png"],
    )
    run(
        "sweep_map",
        wildcards,
        fetched | {"residuals": []} | {"labels": [], "thresholded_sidecars": [], "regions_sidecars": []} | atlases,
        swept,
        smoothness=keys("sweep_map", "map_keys", row),
        variants={},
        grid=keys("sweep_map", "sweep_keys", GRID),
        atlas_spaces={"halves": "MNI152", "far": "MNI152"},
    )
    run(
        "plot_sweep",
        wildcards,
        {
            "sidecar": fetched["sidecar"],
            **{name: swept[name] for name in ("sweep", "persistence_table", "frequency", "findings_table")},
            "thresholded_sidecars": cut["thresholded_sidecars"],
            "regions_sidecars": divided["sidecars"],
            "template": [],
        },
        {
            of: f"results/{map_id}/sweep/{file}.png"
            for of, file in (
                ("sweep", "sweep"),
                ("persistence", "persistence"),
                ("frequency", "selection_frequency"),
                ("findings", "findings"),
            )
        }
        | {"others": []},
        variants=of_variants("plot_sweep"),
        grid=keys("plot_sweep", "sweep_keys", GRID),
    )
    folder = f"results/{map_id}/published/printed"
    asked = {"space": None, "within_mm": None, "variant": "strict", "package": "SPM"}
    run(
        "check_published",
        wildcards | {"table": "printed"},
        fetched
        | {"residuals": [], "table": "printed.tsv", "peaks": []}
        | {"regions": [f"results/{map_id}/strict/regions.{ending}" for ending in ("nii.gz", "json", "csv")]},
        {of: f"{folder}/{of}.csv" for of in ("settings", "rows")}
        | {"variant": f"{folder}/variant.yaml", "answer": f"{folder}/check.json", "page": f"{folder}/check.html"}
        | {"figures": [f"{folder}/check.png"]},
        asked=keys("check_published", "published_keys", asked),
        smoothness=keys("check_published", "map_keys", row),
    )
    run(
        "show_map",
        wildcards,
        fetched
        | {"thresholded_sidecars": cut["thresholded_sidecars"], "labels": divided["labels"]}
        | {"regions_sidecars": divided["sidecars"]}
        | read_tables
        | {"tables_sidecar": f"results/{map_id}/tables.json", "template": "elsewhere.nii.gz"},
        {"pages": [f"results/{map_id}/{page}.html" for page in ("map", "view")]},
        row=keys("show_map", "map_keys", row),
        variants=VARIANTS,
        references={"halves": ("Half 2026", "Half (2026). On halves."), "far": ("Far 2026", "Far (2026).")},
        figures=drawn,
        shared=["dice"],
        max_pages=2,
        checks=["printed"],
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The results folder. Read only."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_maps()
        run_everything()
    return folder / "results"


def rows(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_script_is_run(results):
    assert sorted(path.stem for path in (results / "logs").iterdir()) == SCRIPTS


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
    verdicts = [row["verdict"] for row in rows(results / "cube/published/printed/rows.csv")]
    assert verdicts[0] == "exact" and verdicts[1] != "exact"
    assert [row["variant_verdict"] for row in found] == ["exact", "exact"]
    answer = read_json(folder / "check.json")
    assert answer == {
        "Map": "full",
        "Table": "printed",
        "Sentence": "SPM's own table of 'full' is reproduced exactly by variant 'strict'.",
        "Variant": "strict",
        "Reproduced": True,
        "Rows": 2,
        "RowsReproduced": 2,
        "RegionsUnlisted": [],
    }
    assert "1 of 2 rows" in read_json(results / "cube/published/printed/check.json")["Sentence"]
    page = (results / "full/published/printed/check.html").read_text(encoding="utf-8")
    assert "printed.tsv" in page and "is reproduced exactly by variant" in page


def test_start_study(results):
    """Beside the results: that of an image of which nothing says what it is."""
    sheet, config = (results.parent / name for name in ("maps.tsv", "study.yaml"))
    assert "\nfull\tfull.nii.gz\n" in sheet.read_text(encoding="utf-8")
    assert list(yaml.safe_load(config.read_text(encoding="utf-8"))["variants"]) == ["percentile-97"]


def test_compare_maps(results):
    agreement = {row["variant"]: float(row["dice"]) for row in rows(results / "maps.csv")}
    assert agreement == pytest.approx({"strict": 54 / 62, "loose": 54 / 63}, abs=1e-4)
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
    assert "full/published/printed/check.html" in page and "cube/published/printed/check.html" in page


def test_figures_are_whole(results):
    """Every figure and page of regions opens, and is not blank."""
    from PIL import Image

    figures = sorted(results.rglob("*.png"))
    pages = {path.relative_to(results).as_posix() for path in figures if path.parent.name == "pages"}
    assert pages == {
        *(f"full/{variant}/pages/region-00{n}.png" for variant in VARIANTS for n in (1, 2)),
        *(f"cube/{variant}/pages/region-001.png" for variant in VARIANTS),
    }
    # Of a map three per variant, their agreement, four of the sweep, a printed table; of all maps two per variant.
    assert len(figures) - len(pages) == 2 * (3 * 2 + 1 + 4 + 1) + 2 * 2
    for path in figures:
        with Image.open(path) as image:
            image.load()
            assert any(low < high for low, high in image.convert("RGB").getextrema()), path


def test_show_map(results):
    text = (results / "full/map.html").read_text(encoding="utf-8")
    assert "Regions were labelled after halves (Half 2026)." in text and "Half (2026). On halves." in text
    # An atlas that does not cover the map is warned of, and not said to name its regions.
    assert "covers less than half of the map" in text and "Far 2026" not in text
    assert "Somebody 2026" in text and "729" in text and "strict" in text and "loose" in text
    view = (results / "full/view.html").read_text(encoding="utf-8")
    assert "strict" in view and "loose" in view
    packed = re.search(r'"background": "([^"]+)"', view)[1]
    background = nib.Nifti1Image.from_bytes(gzip.decompress(b64decode(packed)))
    assert len(set(background.shape)) == 1  # a cube, the map's own outline: the template lies elsewhere


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_image_of_ours_is_read_with_its_sidecar(script):
    """`read_map` and `read_written` compare its sha256; `read_raw` and `read_image` are for what the user brings."""
    text = (ROOT / f"scripts/{script}.py").read_text(encoding="utf-8")
    assert set(re.findall(r"\bread_(?:raw|image)\((\w+)", text)) <= {"template"}
