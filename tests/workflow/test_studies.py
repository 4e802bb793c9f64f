"""Configs of one's own: overlays, variant tables, other maps, atlases, a sweep, a map from the web."""

import gzip
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import nibabel as nib
import numpy as np
import pytest
from running import REPOSITORY, once, outputs, plan, planned, rows_of, run_snakemake, succeed, write_sheet
from scipy import ndimage, stats

from statmap.stability.findings import read_ranges
from statmap.tables.columns import PEAKS, PERSISTENCE, REGIONS, SUMMARY, SWEEP

FIGURES = ["threshold", "regions", "glass", "surface", "accounting"]


def header_of(path):
    return path.read_text(encoding="utf-8").splitlines()[0].split(",")


def load(path):
    return np.asanyarray(nib.load(path).dataobj)


@pytest.fixture(scope="session")
def atlas(tmp_path_factory, motor_path):
    """Spheres of 8 mm around the 160 places of Dosenbach et al. 2010, on its own grid: folder, and name by label."""
    folder = tmp_path_factory.mktemp("atlas")
    places = rows_of(motor_path.parent / "dosenbach_2010.csv")
    names = {int(place["number"]): f"{place['name']} {place['number']}".replace(" ", "_") for place in places}
    # Off the grid of the map, so that no centre of a voxel lies half-way between two of the atlas.
    affine = np.array([[-2, 0, 0, 90.3], [0, 2, 0, -126.3], [0, 0, 2, -72.3], [0, 0, 0, 1.0]])
    grid = np.moveaxis(np.indices((91, 109, 91)), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    labels, nearest = np.zeros(grid.shape[:3], np.int16), np.full(grid.shape[:3], 8.0)
    for place in places:
        distance = np.linalg.norm(grid - [float(place[axis]) for axis in "xyz"], axis=-1)
        inside = distance < nearest
        labels[inside], nearest[inside] = int(place["number"]), distance[inside]
    nib.Nifti1Image(labels, affine).to_filename(folder / "net.nii.gz")
    write_sheet(folder / "net_dseg.tsv", ["index", "name"], *names.items())
    return folder, names


def label_at(atlas, world):
    """Names of an atlas at places in mm, (n, 3), worked out here: the nearest voxel."""
    folder, names = atlas
    image = nib.load(folder / "net.nii.gz")
    voxels = np.rint(nib.affines.apply_affine(np.linalg.inv(image.affine), world)).astype(int)
    return [names.get(int(index), "no_label") for index in np.asanyarray(image.dataobj)[tuple(voxels.T)]]


# ---------------------------------------------------------------------------------- the real map under other variants
@pytest.fixture(scope="session")
def signs(tmp_path_factory, atlas):
    """The embedded map with its signs merged and split, one-sided, and as components; with an atlas."""
    config = {
        "defaults": {"min_region_size": 0},
        "variants": {
            "merged": {"threshold": 3.1, "convention": "nilearn"},
            "kept": {"threshold": 3.1, "extract_type": "local_regions", "unseeded": "keep"},
            "one-sided": {"threshold": 4, "sided": "positive", "convention": "nilearn"},
            "components": {"threshold": 3, "min_region_size": 135},
        },
        "atlases": {
            "net": {"image": str(atlas[0] / "net.nii.gz"), "labels": str(atlas[0] / "net_dseg.tsv"), "space": "MNI152"}
        },
        "write_4d": False,
    }
    folder = once(tmp_path_factory, "signs", lambda folder: succeed(folder, "results/summary.csv", config=config))
    found = {row["variant"]: row for row in rows_of(folder / "results/summary.csv")}
    assert list(found) == list(config["variants"])
    return folder / "results/motor", found


def test_merged_signs_lose_every_negative_voxel_and_say_so(signs, motor):
    """Two-sided |z| >= 3.1, as nilearn's local_regions: all 1,139 negative suprathreshold voxels are in no region."""
    folder, summary = signs
    data, _ = motor
    negative = data <= np.float32(-3.1)
    assert negative.sum() == 1139
    labels = load(folder / "merged/regions.nii.gz")
    assert not labels[negative].any() and labels.any()
    row = summary["merged"]
    assert int(row["suprathreshold"]) == (np.abs(data) >= np.float32(3.1)).sum()
    assert int(row["unseeded"]) + int(row["seed_only"]) >= 1139
    assert row["warning"].startswith(
        f"{int(row['unseeded']) + int(row['seed_only'])} of {row['suprathreshold']} suprathreshold"
    )
    assert {region["sign"] for region in rows_of(folder / "merged/regions.csv")} == {"positive"}


def test_split_signs_with_unseeded_kept_lose_nothing(signs, motor):
    folder, summary = signs
    data, _ = motor
    np.testing.assert_array_equal(load(folder / "kept/regions.nii.gz") > 0, np.abs(data) >= np.float32(3.1))
    row = summary["kept"]
    assert row["kept"] == row["suprathreshold"] and row["warning"] == "none" and row["random_walker"] == "converged"
    regions = rows_of(folder / "kept/regions.csv")
    assert sum(int(region["n_voxels"]) for region in regions if region["sign"] == "negative") == 1139
    assert {region["sign"] for region in regions} == {"positive", "negative"}


def test_one_sided_a_component_of_286_voxels_is_lost_and_accounted_for(signs, motor):
    folder, summary = signs
    data, _ = motor
    lost = (data >= 4) & (load(folder / "one-sided/regions.nii.gz") == 0)
    assert np.bincount(ndimage.label(lost)[0].ravel())[1:].max() == 286
    row = summary["one-sided"]
    assert int(row["unseeded"]) + int(row["seed_only"]) == lost.sum() and int(row["unseeded"]) >= 286


def test_components_are_those_of_scipy(signs, motor):
    """And those of the table that AtlasReader publishes for this map: |z| >= 3, more than 5 voxels."""
    folder, summary = signs
    data, _ = motor
    sizes = [np.bincount(ndimage.label(part)[0].ravel())[1:] for part in (data >= 3, data <= -3)]
    expected = np.sort(np.concatenate(sizes))[::-1]
    expected = expected[expected > 5]
    regions = rows_of(folder / "components/regions.csv")
    assert [int(region["n_voxels"]) for region in regions] == expected.tolist()
    assert int(summary["components"]["n_regions"]) == len(expected)
    first = [(region["volume_mm3"], float(region["mean_value"])) for region in regions[:3]]
    assert first == [("60399.0", 5.71861), ("19386.0", -5.92288), ("10260.0", 5.28664)]


def test_regions_and_peaks_are_named_after_the_atlas(signs, atlas, motor):
    folder, _ = signs
    _, affine = motor
    labels = load(folder / "components/regions.nii.gz")
    regions, peaks = rows_of(folder / "components/regions.csv"), rows_of(folder / "components/peaks.csv")
    assert list(regions[0]) == [*REGIONS, "net_peak", "net_overlap"] and list(peaks[0]) == [*PEAKS, "net_peak"]
    named = label_at(atlas, [[float(region[f"peak_{axis}"]) for axis in "xyz"] for region in regions])
    assert [region["net_peak"] for region in regions] == named and len(set(named)) > 3
    named = label_at(atlas, [[float(peak[axis]) for axis in "xyz"] for peak in peaks])
    assert [peak["net_peak"] for peak in peaks] == named
    for region in regions:
        inside = nib.affines.apply_affine(affine, np.argwhere(labels == int(region["region"])))
        found, counts = np.unique(label_at(atlas, inside), return_counts=True)
        shares = sorted(zip(-counts, found, strict=True))
        expected = [f"{-100 * n / len(inside):.1f}% {name}" for n, name in shares if -100 * n >= 5 * len(inside)]
        assert region["net_overlap"] == "; ".join(expected)


# ------------------------------------------------------------------------------ a map of one's own, a table of variants
DF = 20
TABLE = [
    ["variant", "threshold", "convention", "min_region_size", "extract_type"],
    ["fsl-2.5", "2.5", "fsl", "", ""],
    ["p-0.001", "p=0.001", "", "0", "connected_components"],
    ["fdr-0.05", "fdr=0.05", "", "0", "connected_components"],
    ["bonferroni", "bonferroni=0.05", "", "0", "connected_components"],
    ["nothing", "50", "", "", ""],
]


OWN = {
    "maps": "maps.tsv",
    "variants": "variants.tsv",
    "template": None,
    "write_4d": False,
    "figure_formats": ["png", "svg", "pdf"],
    "sweep": {"thresholds": [2, 3, 40], "min_region_sizes": [0, 640], "connectivities": [6, 26]},
}


@pytest.fixture(scope="session")
def own(tmp_path_factory):
    """A t map with a mask and a smoothness, under the table above: folder, the map within its mask, the mask."""
    folder = once(tmp_path_factory, "own", run_own)
    mask = load(folder / "mask.nii.gz") > 0
    return folder, np.where(mask, load(folder / "own.nii"), 0), mask


def run_own(folder):
    random = np.random.default_rng(3)
    shape, affine = (22, 24, 20), np.array([[4, 0, 0, -42], [0, 4, 0, -50], [0, 0, 4, -30], [0, 0, 0, 1.0]])
    data = ndimage.gaussian_filter(random.normal(size=shape), 1)
    data = data / data.std()
    place = np.moveaxis(np.indices(shape), 0, -1)
    for height, centre in ((8, [6, 12, 10]), (-7, [16, 9, 9])):
        data += height * np.exp(-(((place - centre) / 2.2) ** 2).sum(-1))
    mask = np.zeros(shape, np.uint8)
    mask[2:-2, 2:-2, 2:-2] = 1
    nib.Nifti1Image(data.astype(np.float32), affine).to_filename(folder / "own.nii")
    nib.Nifti1Image(mask, affine).to_filename(folder / "mask.nii.gz")
    write_sheet(
        folder / "maps.tsv",
        ["map", "source", "stat", "df", "mask", "fwhm_mm"],
        ["own", "own.nii", "t", DF, "mask.nii.gz", 10],
    )
    write_sheet(folder / "variants.tsv", *TABLE)
    targets = ["results/summary.html", "results/own/view.html", "results/own/sweep/sweep.pdf"]
    targets += [f"results/own/nothing/{name}" for name in ("threshold.svg", "pages")] + ["results/own/map.html"]
    assert "Traceback" not in succeed(folder, *targets, "results/own/fdr-0.05/threshold.svg", config=OWN)


def test_statistical_thresholds_are_those_of_the_distribution(own):
    """Every number here from scipy.stats and the voxels of the mask."""
    folder, data, mask = own
    summary = {row["variant"]: row for row in rows_of(folder / "results/summary.csv")}
    tests = int(mask.sum())
    p = 2 * stats.t.sf(np.abs(data.astype(np.float64)), DF)
    adjusted = np.ones(data.shape)
    adjusted[mask] = stats.false_discovery_control(p[mask])
    expected = {"p-0.001": p <= 0.001, "fdr-0.05": adjusted <= 0.05, "bonferroni": p <= 0.05 / tests}
    for variant, suprathreshold in expected.items():
        found = load(folder / f"results/own/{variant}/thresholded.nii.gz")
        np.testing.assert_array_equal(found, np.where(suprathreshold & mask, data, 0), variant)
        assert int(summary[variant]["suprathreshold"]) == (suprathreshold & mask).sum() > 5
        assert int(summary[variant]["n_domain"]) == (0 if variant == "p-0.001" else tests)
        assert summary[variant]["domain"] == ("none" if variant == "p-0.001" else "mask")
    cutoffs = [float(summary[variant]["cutoff"]) for variant in ("p-0.001", "bonferroni")]
    assert cutoffs == pytest.approx([stats.t.isf(0.0005, DF), stats.t.isf(0.025 / tests, DF)], rel=1e-5)


def test_p_values_of_peaks_and_clusters(own):
    folder, data, _ = own
    for row in rows_of(folder / "results/own/fsl-2.5/regions.csv"):
        peak = data[tuple(int(row[f"peak_{axis}"]) for axis in "ijk")].astype(np.float64)
        assert float(row["p_peak"]) == pytest.approx(2 * stats.t.sf(abs(peak), DF), rel=1e-5)
        assert float(row["z_peak"]) == pytest.approx(
            np.sign(peak) * stats.norm.isf(stats.t.sf(abs(peak), DF)), rel=1e-5
        )
        assert 0 <= float(row["p_cluster"]) <= 1 and 0 <= float(row["tdp"]) <= 1


def test_the_summary_names_the_convention_and_what_it_sets(own):
    summary = {row["variant"]: row for row in rows_of(own[0] / "results/summary.csv")}
    assert list(summary) == [row[0] for row in TABLE[1:]]
    fsl = summary["fsl-2.5"]
    assert [fsl[key] for key in ("convention", "connectivity", "extract_type")] == ["fsl", "26", "connected_components"]
    assert {summary[name]["convention"] for name in summary if name != "fsl-2.5"} == {"none"}


def test_nothing_found_is_a_result(own):
    folder, data, _ = own
    own_folder = folder / "results/own/nothing"
    assert header_of(own_folder / "regions.csv") == list(REGIONS) and rows_of(own_folder / "regions.csv") == []
    assert header_of(own_folder / "peaks.csv") == list(PEAKS) and rows_of(own_folder / "peaks.csv") == []
    for name in ("thresholded", "regions"):
        image = load(own_folder / f"{name}.nii.gz")
        assert image.shape == data.shape and not image.any()
    for name in ("threshold", "regions", "glass", "surface", "accounting"):
        assert (own_folder / f"{name}.png").stat().st_size > 3000
    assert list((own_folder / "pages").glob("*.png")) == []
    assert "No region" in (folder / "results/own/map.html").read_text(encoding="utf-8")
    row = next(row for row in rows_of(folder / "results/summary.csv") if row["variant"] == "nothing")
    assert list(row) == list(SUMMARY)
    zero = ("suprathreshold", "kept", "too_small", "unseeded", "seed_only", "n_regions", "volume_mm3", "largest_mm3")
    assert (
        {float(row[key]) for key in zero} == {0}
        and row["warning"].startswith("no voxel passes the threshold")
        and row["largest_x"] == ""
    )
    pairs = [row for row in rows_of(folder / "results/own/stability.csv") if "nothing" in row.values()]
    assert len(pairs) == 4 and {row["dice"] for row in pairs} == {"0.0000"}


def test_formats_of_figures_and_no_4d_image(own):
    folder = own[0] / "results/own"
    begin = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF-"}
    figures = [f"{variant}/{name}" for variant in ("fdr-0.05", "nothing") for name in FIGURES]
    figures += ["dice", "sweep/sweep", "sweep/persistence", "sweep/selection_frequency"]
    for figure in figures:
        for suffix, first in begin.items():
            content = (folder / f"{figure}.{suffix}").read_bytes()
            assert content.startswith(first) and len(content) > 1500, f"{figure}.{suffix}"
    assert list(folder.rglob("regions_4d*")) == []


@pytest.mark.slow
def test_figures_are_made_to_order(tmp_path, motor):
    """Two maps on one colour scale, without words: these are in a file beside the figure."""
    data, affine = motor
    nib.Nifti1Image((0.6 * data).astype(np.float32), affine).to_filename(tmp_path / "weak.nii.gz")
    write_sheet(tmp_path / "maps.tsv", ["map", "source", "stat"], ["strong", "sample:motor", "z"])
    with open(tmp_path / "maps.tsv", "a", encoding="utf-8") as stream:
        stream.write("weak\tweak.nii.gz\tz\n")
    style = {"colour_limit": "shared", "cuts": {"axial": [-23, 16], "sagittal": [-39]}, "titles": False}
    style |= {"small_print": False, "width": 8.5, "background": "black", "orientation": "radiological"}
    config = {"maps": "maps.tsv", "variants": {"v": {"threshold": 3.0}}, "figures": ["threshold"], "html": []}
    config |= {"compare": False, "figure_formats": ["svg"], "figure_style": style}
    made = [f"results/{map_id}/v/threshold.{kind}" for map_id in ("strong", "weak") for kind in ("svg", "txt")]
    assert planned(succeed(tmp_path, *made, config=config))["limit_colours"] == 1
    limits = json.loads((tmp_path / "results/colour_limits.json").read_text())
    assert limits == {"z": {"v": pytest.approx(7.941, abs=1e-3)}}
    for map_id in ("strong", "weak"):
        svg = (tmp_path / f"results/{map_id}/v/threshold.svg").read_text(encoding="utf-8")
        written = re.findall(r">([^<>]+)</text>", svg)
        assert {"7.94", "−7.94", "z = −23", "z = 16", "x = −39", "R", "L"} <= set(written)
        assert not any(map_id in word or "convention" in word for word in written)
        caption = (tmp_path / f"results/{map_id}/v/threshold.txt").read_text(encoding="utf-8").splitlines()
        assert caption[:2] == [f"{map_id} · v", "|z| ≥ 3"] and caption[2].startswith("Left is right (radiological")
    # The scale of one map alone depends on no other.
    alone = config | {"figure_style": style | {"colour_limit": "auto"}}
    assert set(planned(succeed(tmp_path, "results/weak/v/threshold.svg", config=alone))) == {"plot_variants"}
    assert "4.76" in (tmp_path / "results/weak/v/threshold.svg").read_text(encoding="utf-8")


def test_the_sweep_counts_what_scipy_counts(own):
    folder, data, _ = own
    grid = rows_of(folder / "results/own/sweep/sweep.csv")
    assert list(grid[0]) == list(SWEEP) and len(grid) == 3 * 2 * 2
    for row in grid:
        structure = ndimage.generate_binary_structure(3, {"6": 1, "26": 3}[row["connectivity"]])
        cutoff, smallest = float(row["threshold"]), float(row["min_region_size"]) / 64
        parts = [np.bincount(ndimage.label(x >= cutoff, structure)[0].ravel())[1:] for x in (data, -data)]
        sizes = np.concatenate(parts)
        kept = sizes[sizes > smallest]
        assert [int(row[key]) for key in ("n_regions", "kept", "suprathreshold")] == [
            len(kept),
            kept.sum(),
            sizes.sum(),
        ]
        assert float(row["largest_mm3"]) == 64 * kept.max(initial=0)
    peaks = rows_of(folder / "results/own/sweep/persistence.csv")
    assert list(peaks[0])[: len(PERSISTENCE)] == list(PERSISTENCE)
    assert list(peaks[0])[len(PERSISTENCE) :] == ["volume_mm3@2", "volume_mm3@3", "volume_mm3@40"]
    share = load(folder / "results/own/sweep/selection_frequency.nii.gz")
    assert share.shape == data.shape and 0 < share.max() < 1 and not share[np.abs(data) < 2].any()


@pytest.mark.slow
def test_figures_in_every_format_come_out_the_same_again(own):
    folder, _, _ = own
    before = outputs(folder)
    again = ["results/own/fdr-0.05/threshold.svg", "results/own/dice.svg"]
    ran = planned(succeed(folder, "--forcerun", *again, "--", *again, config=OWN))
    assert ran == {"plot_variants": 1}
    assert [name for name, content in outputs(folder).items() if content != before[name]] == []


def test_a_study_of_fifty_variants_is_a_spreadsheet(tmp_path):
    rows = [[f"v{n:02}", f"{2 + n / 10:.1f}", "6" if n % 2 else "26"] for n in range(50)]
    write_sheet(tmp_path / "variants.tsv", ["variant", "threshold", "connectivity"], *rows)
    jobs = plan(tmp_path, config={"variants": "variants.tsv"})
    assert len(jobs) == 8 and set(jobs.values()) == {1}, "more variants are no more jobs"


@pytest.mark.slow
def test_a_study_is_planned_and_run_in_parts(tmp_path):
    """What the README says for a hundred thousand jobs: `--batch all=1/3` and so on is the whole study."""
    config = {"maps": "maps.tsv", "variants": {"v": {"threshold": 1}}, "figures": [], "html": []}
    for folder in (tmp_path / "parts", tmp_path / "whole"):
        folder.mkdir()
        write_sheet(folder / "maps.tsv", ["map", "source"], *([f"m{n}", "sample:motor"] for n in range(4)))
    batches = (["--batch", f"all={part}/3"] for part in (1, 2, 3))
    first, second, third = (planned(succeed(tmp_path / "parts", *batch, config=config)) for batch in batches)
    assert 0 < first["fetch_map"] < 4 and first["fetch_map"] + second["fetch_map"] == 4
    assert "summarise" in third and "summarise" not in first | second
    succeed(tmp_path / "whole", config=config)
    assert outputs(tmp_path / "parts") == outputs(tmp_path / "whole")


@pytest.mark.slow
def test_unusual_maps_go_through_the_whole_workflow(tmp_path):
    """NaN and infinity, axes in another order, whole numbers, a single slice, a single voxel, nothing at all."""
    random = np.random.default_rng(0)
    data = ndimage.gaussian_filter(random.normal(size=(20, 22, 18)), 1.5)
    data = np.rint(30 * data / data.std()).astype(np.float32) / 10
    straight = np.diag([3.0, 3, 3, 1])
    turned = np.array([[0, 0, -3, 20], [3, 0, 0, -20], [0, -3, 0, 30], [0, 0, 0, 1.0]])
    holes = data.copy()
    holes[:5], holes[7, 7, 7] = np.nan, np.inf
    maps = {
        "plain": (data, straight),
        "big-endian": (data.astype(">f8"), straight),
        "turned": (data, turned),
        "trailing.axis": (data[..., None], straight),
        "whole": (np.rint(data).astype(np.int16), straight),
        "holes": (holes, straight),
        "slice": (data[:, :, 9:10], straight),
        "voxel": (np.full((1, 1, 1), 9, np.float32), straight),
        "zero": (np.zeros((9, 9, 9), np.float32), straight),
    }
    (tmp_path / "my maps").mkdir()
    for name, (values, affine) in maps.items():
        nib.Nifti1Image(values, affine).to_filename(tmp_path / f"my maps/{name}.nii.gz")
    write_sheet(tmp_path / "maps.tsv", ["map", "source"], *([name, f"my maps/{name}.nii.gz"] for name in maps))
    config = {
        "maps": "maps.tsv",
        "defaults": {"min_region_size": 0},
        "variants": {"local": {"threshold": 3, "extract_type": "local_regions", "unseeded": "keep"}},
        "sweep": {"thresholds": [2, "97%"], "connectivities": [6, 18]},
    }
    output = succeed(tmp_path, "--report", "results/report.html", "--report-after-run", config=config)
    assert "Traceback" not in output and (tmp_path / "results/report.html").stat().st_size > 10**6
    summary = {row["map"]: row for row in rows_of(tmp_path / "results/summary.csv")}
    assert list(summary) == list(maps)
    for name, (values, _) in maps.items():
        suprathreshold = np.count_nonzero(np.abs(values) >= 3)  # an infinite value is one, NaN is background
        assert int(summary[name]["kept"]) == int(summary[name]["suprathreshold"]) == suprathreshold, name
    counted = ["suprathreshold", "n_regions", "largest_mm3"]
    for other in ("big-endian", "turned", "trailing.axis"):
        assert [summary[other][key] for key in counted] == [summary["plain"][key] for key in counted]


# -------------------------------------------------------------------------------------------------------- our overlays
def test_the_sweep_overlay(changed, motor):
    before = outputs(changed)
    ran = planned(succeed(changed, "--configfile", str(REPOSITORY / "config/sweep.yaml")))
    assert ran == {"sweep_map": 1, "plot_sweep": 1, "show_map": 1}  # the map's page shows the sweep's figures
    after = outputs(changed)
    assert after.pop("motor/map.html") != before.pop("motor/map.html")
    assert {name: after[name] for name in before} == before
    names = ["findings.csv", "findings.png", "persistence.csv", "persistence.png"]
    names += ["selection_frequency.nii.gz", "selection_frequency.png", "sweep.csv", "sweep.png"]
    assert sorted(after.keys() - before.keys()) == [f"motor/sweep/{name}" for name in names]
    (changed / "results/motor/sweep/persistence.png").unlink()
    assert plan(changed, "--configfile", REPOSITORY / "config/sweep.yaml") == {"plot_sweep": 1, "show_map": 1}

    grid = rows_of(changed / "results/motor/sweep/sweep.csv")
    point = {"threshold": "3.0", "connectivity": "6", "signs": "split", "min_region_size": "1500.0"}
    (row,) = [row for row in grid if row.items() >= point.items()]
    data, _ = motor
    sizes = np.concatenate([np.bincount(ndimage.label(x >= 3)[0].ravel())[1:] for x in (data, -data)]) * 27.0
    kept = sizes[sizes > 1500]
    assert (int(row["n_regions"]), float(row["volume_mm3"])) == (len(kept), kept.sum())


def test_the_overlay_of_the_original_map_plans_to_fetch_it(tmp_path):
    """The machines that test this cannot reach NeuroVault; what is planned can be seen all the same."""
    output = succeed(tmp_path, "--dry-run", "--configfile", str(REPOSITORY / "config/auditory.yaml"))
    jobs = planned(output)
    assert jobs["fetch_map"] == jobs["threshold_map"] == jobs["plot_variants"] == 1
    for words in ("Fetching map auditory", "Thresholding auditory", "Drawing auditory"):
        assert words in output
    assert "motor" not in output and not (tmp_path / "results").exists()


@pytest.mark.slow
def test_one_variant_alone(changed):
    """There is nothing to compare then; the files of the dropped variant stay where they are."""
    succeed(changed, config={"variants": {"value-3.0": {"threshold": 3.0, "convention": "nilearn"}}})
    assert [row["variant"] for row in rows_of(changed / "results/summary.csv")] == ["value-3.0"]
    assert "percentile-97" not in (changed / "results/motor/view.html").read_text(encoding="utf-8")
    assert (changed / "results/motor/percentile-97/regions.csv").is_file()


# ------------------------------------------------------------------------------------------------------------- the web
class NeuroVault(BaseHTTPRequestHandler):
    """NeuroVault's protocol: a description as JSON, which names the file."""

    def do_GET(self):
        self.server.asked.append(self.path)
        address = f"http://127.0.0.1:{self.server.server_port}"
        description = {"id": 42, "name": "button press", "map_type": "Z map", "file": f"{address}/media/42.nii.gz"}
        answers = {f"/api/images/{one}/": json.dumps(description | {"id": one}).encode() for one in (42, 32980)}
        answers["/media/42.nii.gz"] = self.server.image
        body = answers.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def neurovault(motor_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), NeuroVault) as server:
        server.image, server.asked = motor_path.read_bytes(), []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_map_from_the_web(tmp_path, neurovault):
    """Without a sha256 it is used and remembered, or refused where that is asked for; with it it is fetched once."""
    hooks = {
        "config": {"maps": "maps.tsv", "require_sha256": True},
        "STATMAP_TEST_ALLOW_HTTP": "http://127.0.0.1",
        "STATMAP_TEST_NEUROVAULT_API": f"http://127.0.0.1:{neurovault.server_port}/api",
    }
    target, sha256 = "results/maps/web.json", hashlib.sha256(neurovault.image).hexdigest()
    write_sheet(tmp_path / "maps.tsv", ["map", "source", "sha256"], ["web", "neurovault:42", ""])
    done = run_snakemake(tmp_path, target, **hooks)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    assert f"put its sha256 into the config: {sha256}" in done.stdout
    kept = tmp_path / "results/maps/web.nii.gz.download"
    assert list((tmp_path / "results/maps").glob("*")) == [kept] and f"kept as results/maps/{kept.name}" in done.stdout

    lax = hooks | {"config": {"maps": "maps.tsv"}}
    assert planned(succeed(tmp_path, target, **lax)) == {"fetch_map": 1}
    assert not kept.exists()
    [warning] = json.loads((tmp_path / target).read_text(encoding="utf-8"))["Warnings"]
    assert f"put {sha256} into column sha256 in row 'web' of maps.tsv" in warning
    (tmp_path / target).unlink()
    first, neurovault.image = neurovault.image, gzip.compress(gzip.decompress(neurovault.image), mtime=5)
    done = run_snakemake(tmp_path, target, **lax)
    assert done.returncode == 1 and f"but {sha256} when it was first fetched" in done.stdout
    assert not (tmp_path / target).exists()
    neurovault.image = first
    neurovault.asked.clear()

    write_sheet(tmp_path / "maps.tsv", ["map", "source", "sha256"], ["web", "neurovault:42", sha256])
    assert planned(succeed(tmp_path, target, **hooks)) == {"fetch_map": 1}
    assert neurovault.asked == ["/api/images/42/", "/media/42.nii.gz"]
    assert (tmp_path / "results/maps/web.nii.gz").read_bytes() == neurovault.image
    sidecar = json.loads((tmp_path / target).read_text(encoding="utf-8"))
    assert sidecar["SourceSHA256"] == sha256 and sidecar["Sources"] == ["neurovault:42"]
    assert sidecar["NeuroVault"] == {"id": 42, "name": "button press", "map_type": "Z map"}
    assert plan(tmp_path, target, **hooks) == {} and len(neurovault.asked) == 2


def test_the_first_run_of_the_original_map_gives_results_and_says_what_to_put_where(tmp_path, neurovault):
    output = succeed(
        *(tmp_path, "results/summary.csv", "results/auditory/value-3.0/regions.csv"),
        *("--configfile", REPOSITORY / "config/auditory.yaml", "--config", "atlases=[]"),
        STATMAP_TEST_ALLOW_HTTP="http://127.0.0.1",
        STATMAP_TEST_NEUROVAULT_API=f"http://127.0.0.1:{neurovault.server_port}/api",
    )
    sha256 = hashlib.sha256(neurovault.image).hexdigest()
    said = f"put {sha256} into column sha256 in row 'auditory' of config/auditory.tsv (auditory)"
    assert any(line.startswith("Warning: downloaded without") and line.endswith(said) for line in output.splitlines())
    assert rows_of(tmp_path / "results/auditory/value-3.0/regions.csv")
    assert json.loads((tmp_path / "results/maps/auditory.json").read_text())["SourceSHA256"] == sha256


# ----------------------------------------------------------------------- variants of the config among a sweep's points
@pytest.mark.slow
def test_variants_are_specifications_where_they_are_asked_for(tmp_path):
    variants = {
        "on-the-grid": {"threshold": 3.2, "min_region_size": 500},
        "nilearn": {"threshold": 3.2, "convention": "nilearn"},
        "nothing": {"threshold": 99},
    }
    sweep = {"thresholds": [{"from": 3, "to": 3.4, "step": 0.2}, {"fdr": 0.05}], "min_region_sizes": [500]}
    config = {"variants": variants, "sweep": sweep | {"variants": True}}
    targets = ["results/motor/sweep/findings.png", "results/motor/sweep/sweep.png"]
    targets += [f"results/motor/{variant}/regions.csv" for variant in variants]
    assert "Traceback" not in succeed(tmp_path, *targets, config=config)
    folder = tmp_path / "results/motor"
    points = rows_of(folder / "sweep/sweep.csv")
    assert [row["variant"] for row in points] == ["", "", "", "", *variants]
    grid = next(row for row in points if row["threshold"] == "3.2")
    assert {name: text for name, text in points[4].items() if name != "variant"} == {
        name: text for name, text in grid.items() if name != "variant"
    }
    assert points[5]["extract_type"] == "local_regions" and points[5]["signs"] == "merged"
    assert points[6]["n_regions"] == "0" and points[6]["largest_mm3"] == "0.0"
    found_in = [set(read_ranges(row["found_in"])) for row in rows_of(folder / "sweep/findings.csv")]
    assert all((2 in rows) == (5 in rows) for rows in found_in)  # the same peaks stand for the same regions
    for number, name in ((5, "on-the-grid"), (6, "nilearn"), (7, "nothing")):
        regions = rows_of(folder / name / "regions.csv")
        assert sum(number in rows for rows in found_in) == len(regions) == int(points[number - 1]["n_regions"])
    variants["nilearn"]["threshold"] = 3.3
    assert plan(tmp_path, *targets, config=config)["sweep_map"] == 1
    assert plan(tmp_path, *targets, config={"variants": {**variants}, "sweep": sweep})["sweep_map"] == 1


# --------------------------------------------------------------------------------- every warning reaches the summary
@pytest.mark.slow
def test_every_kind_of_warning_reaches_the_summary(tmp_path):
    random = np.random.default_rng(11)
    data = ndimage.gaussian_filter(random.normal(size=(20, 20, 20)), 1).astype(np.float32) * 12
    data[0, 0, 0] = data[5, 5, 5] = np.nan

    def save(name, shift=0, intent=None):
        affine = np.diag([4.0, 4, 4, 1])
        affine[:3, 3] = -40 + shift
        image = nib.Nifti1Image(data, affine)
        if intent:
            image.header.set_intent(*intent)
        image.to_filename(tmp_path / name)

    save("here_stat-z_statmap.nii.gz")
    save("far.nii.gz", shift=400, intent=("t test", (20,)))
    save("lost.nii")
    content = bytearray((tmp_path / "lost.nii").read_bytes())
    content[252:256] = bytes(4)  # the codes of qform and sform
    (tmp_path / "lost.nii").write_bytes(content)
    grid = np.diag([4.0, 4, 4, 1])
    grid[:3, 3] = 360
    nib.Nifti1Image(np.full((20, 20, 20), 0.5, np.float32), grid).to_filename(tmp_path / "soft.nii.gz")
    atlas = np.zeros((40, 40, 40), np.int16)
    atlas[5:35, 5:35, 5:35] = 1
    grid = np.diag([4.0, 4, 4, 1])
    grid[:3, 3] = -80
    nib.Nifti1Image(atlas, grid).to_filename(tmp_path / "atlas.nii.gz")
    (tmp_path / "labels.tsv").write_text("index\tname\n1\tbrain\n", encoding="utf-8")
    write_sheet(
        tmp_path / "maps.tsv",
        ["map", "source", "mask", "space", "fwhm_mm"],
        ["here", "here_stat-z_statmap.nii.gz", "", "MNI152NLin6Asym", "map"],
        ["far", "far.nii.gz", "soft.nii.gz", "MNI152", ""],
        ["lost", "lost.nii", "", "Talairach", ""],
    )
    variants = {
        "spm": {"threshold": {"p": 0.001}, "convention": "spm"},
        "ninety": {"threshold": 97},
    }
    config = {"maps": "maps.tsv", "variants": variants, "html": [], "figures": []}
    labelled = config | {"atlases": {"box": {"image": "atlas.nii.gz", "labels": "labels.tsv", "space": "MNI152"}}}
    write_sheet(
        tmp_path / "two.tsv", *[line.split("\t") for line in (tmp_path / "maps.tsv").read_text().splitlines()[:3]]
    )
    (tmp_path / "values.tsv").write_text((tmp_path / "maps.tsv").read_text(), encoding="utf-8")
    said = {}
    for asked, maps in (
        (labelled | {"maps": "two.tsv"}, ("here", "far")),
        (config | {"variants": {"ninety": variants["ninety"]}}, ("lost",)),
    ):
        output = succeed(tmp_path, "results/summary.csv", config=asked)
        said |= {(row["map"], row["variant"]): row["warning"] for row in rows_of(tmp_path / "results/summary.csv")}
        assert "Traceback" not in output and set(maps) <= {name for name, _ in said}
    expected = {
        ("here", "spm"): [
            "1 NaN voxels lie within",
            "SPM tests one tail",
            "smoothness was estimated from the map itself",
        ],
        ("far", "spm"): [
            "between 0 and 1",
            "covers less than half of the map: regions are not labelled",
            "no template: it covers less",
            "on another grid than most maps",
        ],
        ("far", "ninety"): ["no voxel passes the threshold", 'for a percentile write "97%"'],
        ("lost", "ninety"): ["no orientation", "the map is in space 'Talairach'"],
    }
    for place, texts in expected.items():
        assert all(text in said[place] for text in texts), (place, said[place])
    assert "template" not in said["here", "spm"] and "SPM tests" not in said["here", "ninety"]
    fetched = json.loads((tmp_path / "results/maps/far.json").read_text(encoding="utf-8"))
    assert (fetched["Stat"], fetched["DF"], fetched["SaidBy"]) == ("t", 20.0, {"stat": "header", "df": "header"})
    assert json.loads((tmp_path / "results/maps/here.json").read_text(encoding="utf-8"))["Stat"] == "z"
    regions = rows_of(tmp_path / "results/far/spm/regions.csv")
    assert {row["box_peak"] for row in regions} <= {"no_label"}


# ------------------------------------------------------------------------------- what the config left behind
@pytest.mark.slow
def test_what_left_the_config_is_listed_and_can_be_removed(tmp_path):
    data = np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32)
    for name in ("one", "two"):
        nib.Nifti1Image(data, np.eye(4)).to_filename(tmp_path / f"{name}.nii.gz")
    write_sheet(tmp_path / "maps.tsv", ["map", "source"], ["one", "one.nii.gz"], ["two", "two.nii.gz"])
    variants = {"low": {"threshold": 1, "min_region_size": 0}, "high": {"threshold": 2, "min_region_size": 0}}
    config = {"maps": "maps.tsv", "variants": variants, "html": [], "figures": []}
    targets = ["results/summary.csv"]
    assert "any more" not in succeed(tmp_path, *targets, "results/maps.csv", config=config)
    (tmp_path / "results/mine").mkdir()
    (tmp_path / "results/one/notes").mkdir()
    (tmp_path / "results/one/notes/thoughts.txt").write_text("mine", encoding="utf-8")
    write_sheet(tmp_path / "maps.tsv", ["map", "source"], ["one", "one.nii.gz"])
    del variants["high"]
    said = succeed(tmp_path, *targets, config=config)
    stale = {
        "results/one/high",
        "results/two",
        *(f"results/maps/two{end}" for end in (".nii.gz", "_mask.nii.gz", ".json")),
        *("results/one/stability.csv", "results/one/matches.csv"),
        *("results/maps.csv", "results/maps.html", "results/maps_found.csv"),
        *(f"results/overlap/{variant}{end}" for variant in ("low", "high") for end in (".nii.gz",)),
    }
    [line] = [line for line in said.splitlines() if "Not in the config any more" in line]
    listed = {part.strip() for part in line.partition(": ")[2].partition(". To")[0].split(",")}
    assert listed == stale | {"logs and benchmarks"}
    traces = [path for kind in ("logs", "benchmarks") for path in (tmp_path / f"results/{kind}").glob("*/two.*")]
    assert len(traces) > 5
    assert all((tmp_path / path).exists() for path in stale)
    kept = {
        path for path in outputs(tmp_path) if not any(path.startswith(one.removeprefix("results/")) for one in stale)
    }
    other = run_snakemake(tmp_path, "prune")
    assert other.returncode and "none of the maps of this config (motor) has results here" in other.stdout
    assert all((tmp_path / path).exists() for path in stale)
    succeed(tmp_path, "prune", config=config)
    assert not any((tmp_path / path).exists() for path in stale) and set(outputs(tmp_path)) == kept
    assert not any(path.exists() for path in traces)
    assert "so removed: nothing" in run_snakemake(tmp_path, "prune", "-n", config=config).stdout
    assert (tmp_path / "results/one/notes/thoughts.txt").exists() and (tmp_path / "results/mine").is_dir()
    assert plan(tmp_path, *targets, config=config) == {} and "any more" not in succeed(
        tmp_path, *targets, config=config
    )
