"""The published example, end to end: every output, what it says, and that it says the same everywhere."""

import gzip
import json
import platform
import re
import struct
from datetime import date

import nibabel as nib
import numpy as np
import pytest
from running import REPOSITORY, outputs, rows_of, succeed

from statmap.tables.columns import PEAKS, REGIONS, STABILITY, SUMMARY

VARIANTS = ["percentile-97", "value-3.0"]
OUTCOMES = ["kept", "too_small", "unseeded", "seed_only"]
FIGURES = ["threshold", "regions", "glass", "surface", "accounting"]
OF_A_VARIANT = [
    "thresholded.nii.gz",
    "thresholded.json",
    "regions.nii.gz",
    "regions.json",
    "regions_4d.nii.gz",
    "regions.csv",
    "peaks.csv",
    "table.tsv",
    "labels_aal.csv",
    *(f"{figure}.png" for figure in FIGURES),
    "accounting.nii.gz",
    "pages/region-001.png",
    "pages/region-002.png",
]
EXPECTED = [
    "maps/motor.nii.gz",
    "maps/motor_mask.nii.gz",
    "maps/motor.json",
    "atlases/aal.nii.gz",
    "atlases/aal.json",
    *(f"motor/{variant}/{name}" for variant in VARIANTS for name in OF_A_VARIANT),
    "motor/stability.csv",
    "motor/tables.json",
    "motor/matches.csv",
    "motor/dice.png",
    "motor/map.html",
    "motor/view.html",
    "summary.csv",
    "summary.html",
]


@pytest.fixture(scope="module")
def results(example):
    return example / "results"


def test_results_are_read_as_the_page_on_python_says(results, monkeypatch, capsys):
    page = (REPOSITORY / "docs/python.md").read_text(encoding="utf-8")
    monkeypatch.chdir(results.parent)
    names = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[1], names)
    first = names["table"].iloc[0]
    assert (
        int(names["mask"].get_fdata().sum()) == first["n_voxels"] > 0
        and str(first["n_voxels"]) in capsys.readouterr().out
    )


@pytest.fixture(params=VARIANTS)
def variant_folder(results, request):
    return results / "motor" / request.param


def load(path):
    return np.asanyarray(nib.load(path).dataobj)


def sidecar(path):
    return json.loads(path.read_text(encoding="utf-8"))


def summary_of(results, variant):
    return next(row for row in rows_of(results / "summary.csv") if row["variant"] == variant)


def test_every_output_is_there_and_no_other(example):
    assert sorted(outputs(example)) == sorted(EXPECTED)


def test_every_job_has_a_log_and_every_computation_a_benchmark(results):
    logs = {path.relative_to(results / "logs").with_suffix("").as_posix() for path in results.glob("logs/**/*.log")}
    rules = "threshold_map", "extract_regions", "tabulate_regions", "plot_variants"
    rules += "show_map", "view_map"
    computed = {f"{rule}/motor" for rule in rules}
    assert logs == computed | {"fetch_map/motor", "fetch_atlas/aal", "summarise"}
    assert all("INFO: " in path.read_text(encoding="utf-8") for path in results.glob("logs/**/*.log"))
    folder = results / "benchmarks"
    assert {path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("**/*.tsv")} == computed


def test_the_map_is_kept_to_the_byte(results, motor_path):
    assert (results / "maps/motor.nii.gz").read_bytes() == motor_path.read_bytes()
    found = sidecar(results / "maps/motor.json")
    assert found["Sources"] == ["sample:motor"] and found["Shape"] == [53, 63, 46]
    assert found["VoxelSizeMM"] == [3, 3, 3] and found["NaNCount"] == found["InfCount"] == 0
    assert found["SourceSHA256"] == found["SHA256"]
    assert found["SHA256"] == "badcac9bed4734f22b5c6dca1b778ade6c4d10a25ab30b807ff42f7c53304dbe"
    np.testing.assert_array_equal(load(results / "maps/motor_mask.nii.gz"), load(motor_path) != 0)


@pytest.mark.parametrize(
    "name", ["maps/motor", *(f"motor/{v}/{i}" for v in VARIANTS for i in ("thresholded", "regions"))]
)
def test_sidecars_follow_the_bids_habit(results, name):
    found = sidecar(results / f"{name}.json")
    (made_by,) = found["GeneratedBy"]
    assert made_by["Name"] == "Statmap Regions" and re.fullmatch(r"\d+\.\d+\.\d+", made_by["Version"])
    assert re.fullmatch(r"rule (fetch_map|threshold_map|extract_regions)", made_by["Description"])
    assert made_by["Software"]["numpy"] == np.__version__ and "unknown" not in made_by["Software"].values()
    assert re.fullmatch("[0-9a-f]{64}", found["SourceSHA256"])
    assert isinstance(found["Parameters"], dict) and len(found["Sources"]) == 1 and found["Description"]


def test_images_lie_where_the_map_lies(variant_folder, motor):
    data, affine = motor
    for name in ("thresholded", "regions", "regions_4d"):
        image = nib.load(variant_folder / f"{name}.nii.gz")
        np.testing.assert_array_equal(image.affine, affine)
        assert image.shape[:3] == data.shape and image.header.get_xyzt_units()[0] == "mm"
        assert int(image.header["sform_code"]) > 0 and int(image.header["qform_code"]) > 0


def test_labels_tables_volumes_and_peaks_agree(variant_folder, motor):
    data, affine = motor
    labels, thresholded = load(variant_folder / "regions.nii.gz"), load(variant_folder / "thresholded.nii.gz")
    volumes = load(variant_folder / "regions_4d.nii.gz")
    regions, peaks = rows_of(variant_folder / "regions.csv"), rows_of(variant_folder / "peaks.csv")
    assert list(regions[0]) == [*REGIONS, "aal_peak", "aal_overlap"] and list(peaks[0]) == [*PEAKS, "aal_peak"]
    assert labels.dtype == np.int16 and thresholded.dtype == volumes.dtype == data.dtype
    np.testing.assert_array_equal(thresholded[thresholded != 0], data[thresholded != 0])

    ids = [int(row["region"]) for row in regions]
    assert ids == list(range(1, volumes.shape[3] + 1)) == np.unique(labels)[1:].tolist()
    sizes = [int(row["n_voxels"]) for row in regions]
    assert sizes == sorted(sizes, reverse=True) and min(sizes) * 27 > 1500
    for row in regions:
        inside = labels == int(row["region"])
        np.testing.assert_array_equal(volumes[..., int(row["region"]) - 1], np.where(inside, thresholded, 0))
        assert (thresholded[inside] != 0).all()
        assert int(row["n_voxels"]) == inside.sum() and float(row["volume_mm3"]) == inside.sum() * 27
        peak = tuple(int(row[f"peak_{axis}"]) for axis in "ijk")
        assert inside[peak] and float(row["peak_value"]) == pytest.approx(data[peak], rel=1e-5)
        assert np.abs(data[inside]).max() == abs(data[peak])
        assert int(row["peak_ties"]) == (np.abs(data[inside]) == abs(data[peak])).sum()
        world = (affine @ [*peak, 1])[:3]
        assert [float(row[f"peak_{axis}"]) for axis in "xyz"] == pytest.approx(world, abs=0.005)
        assert float(row["mean_value"]) == pytest.approx(data[inside].astype(float).mean(), rel=1e-5)
        own = [one for one in peaks if one["region"] == row["region"]]
        assert [int(one["peak"]) for one in own] == list(range(1, len(own) + 1)) and len(own) <= 6
        assert [own[0][axis] for axis in "xyzijk"] == [row[f"peak_{axis}"] for axis in "xyzijk"]
        assert all(inside[tuple(int(one[axis]) for axis in "ijk")] for one in own)
        assert all(float(one["distance_mm"]) >= 8 for one in own[1:])


def test_the_accounting_and_the_summary_agree_with_the_images(results, variant_folder):
    cut, divided = sidecar(variant_folder / "thresholded.json"), sidecar(variant_folder / "regions.json")
    row, regions = summary_of(results, variant_folder.name), rows_of(variant_folder / "regions.csv")
    suprathreshold = np.count_nonzero(load(variant_folder / "thresholded.nii.gz"))
    accounting = divided["VoxelAccounting"]
    assert list(row) == list(SUMMARY)
    assert (
        suprathreshold
        == cut["SuprathresholdVoxels"]
        == accounting["suprathreshold"]
        == sum(accounting[outcome] for outcome in OUTCOMES)
    )
    assert {outcome: int(row[outcome]) for outcome in ("suprathreshold", *OUTCOMES)} == accounting
    assert accounting["kept"] == np.count_nonzero(load(variant_folder / "regions.nii.gz"))
    counted = np.bincount(load(variant_folder / "accounting.nii.gz").ravel(), minlength=5)[1:]
    assert counted.tolist() == [accounting[outcome] for outcome in OUTCOMES]
    assert accounting["kept"] == sum(int(region["n_voxels"]) for region in regions)
    assert int(row["n_regions"]) == len(regions) == divided["Regions"]
    assert float(row["volume_mm3"]) == sum(float(region["volume_mm3"]) for region in regions)
    assert float(row["largest_mm3"]) == float(regions[0]["volume_mm3"])
    assert [row[f"largest_{axis}"] for axis in "xyz"] == [regions[0][f"peak_{axis}"] for axis in "xyz"]
    assert float(row["cutoff"]) == pytest.approx(cut["Cutoff"], rel=1e-5)
    assert {region["cutoff"] for region in regions} == {row["cutoff"]} and row["rule"] == cut["Rule"]
    assert row["random_walker"] == "nilearn"
    assert row["warning"] == "; ".join(divided["Warnings"]) and "in components without a seed" in row["warning"]


def test_the_numbers_of_the_published_example(results, motor):
    """Derived here from the map alone: numpy's percentile for the cutoff, nilearn for the rest."""
    from nilearn.image import threshold_img
    from nilearn.regions import connected_regions

    data, affine = motor
    folder = results / "motor/percentile-97"
    assert sidecar(folder / "thresholded.json")["Cutoff"] == np.percentile(np.abs(data.astype(np.float64)), 97)
    thresholded = threshold_img(nib.Nifti1Image(data, affine), "97%", copy_header=True, two_sided=True)
    np.testing.assert_array_equal(load(folder / "thresholded.nii.gz"), thresholded.get_fdata(dtype=np.float32))
    regions, _ = connected_regions(thresholded, min_region_size=1500)
    theirs = regions.get_fdata(dtype=np.float32)
    theirs = theirs[..., np.argsort([-np.count_nonzero(theirs[..., n]) for n in range(theirs.shape[3])])]
    ours = load(folder / "regions_4d.nii.gz")
    assert ours.shape[3] == 2
    np.testing.assert_array_equal(ours, theirs)
    peaks = [float(row["peak_value"]) for row in rows_of(folder / "regions.csv")]
    assert peaks == pytest.approx(theirs.max(axis=(0, 1, 2)), rel=1e-5)


def test_agreement_is_that_of_the_label_images(results):
    one, other = (load(results / "motor" / variant / "regions.nii.gz") > 0 for variant in VARIANTS)
    (row,) = rows_of(results / "motor/stability.csv")
    assert list(row) == list(STABILITY)
    assert (int(row["voxels_a"]), int(row["voxels_b"])) == (one.sum(), other.sum())
    assert float(row["dice"]) == pytest.approx(2 * (one & other).sum() / (one.sum() + other.sum()), abs=5e-5)
    assert float(row["jaccard"]) == pytest.approx((one & other).sum() / (one | other).sum(), abs=5e-5)


def test_figures_are_images_of_one_width(results):
    sizes = {path: struct.unpack(">II", path.read_bytes()[16:24]) for path in results.glob("motor/**/*.png")}
    assert len(sizes) == 15
    for path in sizes:
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n") and path.stat().st_size > 10_000
    assert {width for path, (width, _) in sizes.items() if path.name != "dice.png"} == {1062}  # that is as its matrix
    assert all(width / 5 < height < 3 * width for width, height in sizes.values())


def test_pages_stand_by_themselves(results):
    pages = [results / "summary.html", results / "motor/map.html", results / "motor/view.html"]
    beside = {f"{variant}/{figure}.png" for variant in VARIANTS for figure in FIGURES}
    beside.add("dice.png")
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert text.lower().startswith("<!doctype html>") and "motor" in text
        fetched = r"""<link\b[^>]*href=["']?(?!data:)\w|@import|url\(["']?(?!data:|#)\w"""
        assert not re.findall(fetched, text)
        assert set(re.findall(r"""src=["'](?!data:)([^"']+)""", text)) <= beside
    assert all(variant in (results / "motor/view.html").read_text(encoding="utf-8") for variant in VARIANTS)


def test_two_checkouts_two_folders_and_two_environments_give_the_same_bytes(example, elsewhere):
    """Another checkout, home, user, time zone, locale, hash seed, number of threads and matplotlibrc."""
    here, there = outputs(example), outputs(elsewhere[1])
    assert list(here) == list(there)
    assert [name for name in here if here[name] != there[name]] == []


def test_no_output_tells_where_when_or_by_whom_it_was_made(elsewhere):
    repository, folder = elsewhere
    today = date.today()
    secrets = [str(folder), str(repository), str(folder.parent), "somebody-else", today.isoformat()]
    secrets += [today.strftime(form) for form in ("%Y%m%d", "%Y:%m:%d", "%d %b %Y", "%b %d, %Y", "%a %b %d")]
    if len(platform.node()) > 4:  # a shorter name is in base64 text by accident
        secrets.append(platform.node())
    for name, content in outputs(folder).items():
        plain = gzip.decompress(content) if name.endswith(".gz") else content
        assert [secret for secret in secrets if secret.encode() in plain] == [], name
        if name.endswith(".gz") and not name.startswith(("maps/motor.nii", "atlases/")):
            assert content[3] == 0 and content[4:8] == bytes(4), f"{name}: gzip keeps a name or a time"
        if name.endswith(".png"):
            assert b"tIME" not in content and b"Date" not in content


def test_the_report_of_the_run(changed):
    output = succeed(changed, "--report", "results/report.html")
    text = (changed / "results/report.html").read_text(encoding="utf-8")
    assert "Traceback" not in output and text.lower().startswith("<!doctype html>")
    for expected in ("percentile-97", "value-3.0", "Summary", "view.html"):
        assert expected in text
