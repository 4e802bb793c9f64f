"""Random field theory, guarantees and other kinds of map, from the config to the tables, on maps of known making."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from running import once, rows_of, run_snakemake, succeed, write_sheet
from scipy import ndimage, stats

SHAPE, AFFINE, DF, WIDTH = (30, 34, 28), np.diag([-3.0, 3, 3, 1]), 24, 4.0  # the width of the noise in voxels

VARIANTS = {
    "fwe": {"threshold": {"fwe": 0.05}, "convention": "spm", "min_region_size": 0},
    "cluster-p": {"threshold": 3.1, "convention": "fsl", "cluster_p": 0.05},
    "cluster-q": {"threshold": {"p": 0.001}, "convention": "spm", "cluster_q": 0.05},
    "ten": {"threshold": {"p": 0.001}, "convention": "spm", "min_region_size": "10 voxels"},
    "tdp": {"threshold": {"tdp": 0.7}, "min_region_size": 0},
}
FIELDS = {
    "maps": "maps.tsv",
    "template": None,
    "figures": ["threshold"],
    "defaults": {"sided": "positive"},
    "variants": VARIANTS,
}


def smooth_noise(random, n):
    fields = [ndimage.gaussian_filter(random.normal(size=SHAPE), WIDTH / np.sqrt(8 * np.log(2))) for _ in range(n)]
    return np.stack(fields, axis=-1)


def run_fields(folder):
    random = np.random.default_rng(5)
    residuals = smooth_noise(random, DF + 1)
    spread = residuals.std(axis=-1, ddof=1)
    place = np.moveaxis(np.indices(SHAPE), 0, -1)
    signal = sum(9 * np.exp(-(((place - centre) / 3) ** 2).sum(-1)) for centre in ([9, 10, 12], [20, 24, 14]))
    t = residuals.mean(axis=-1) / spread * np.sqrt(DF + 1) + signal
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:-2, 2:-2, 2:-2] = 1
    t[5, 5, 5] = 0  # in the mask, never tested
    # On the flank of the second: higher than its 18 neighbours, not than all 26
    t[22, 26, 16] = (t[21, 25, 15] + max(t[21, 25, 16], t[21, 26, 15], t[22, 25, 15])) / 2
    f = np.where(t == 0, 0, stats.f.isf(np.clip(stats.t.sf(t, DF), 1e-14, 1), 2, 40))
    inside = mask > 0
    for name, data in (("t", t), ("f", f)):
        nib.Nifti1Image(np.where(inside, data, 0).astype(np.float32), AFFINE).to_filename(folder / f"{name}.nii.gz")
    nib.Nifti1Image(mask, AFFINE).to_filename(folder / "mask.nii.gz")
    nib.Nifti1Image(residuals.astype(np.float32), AFFINE).to_filename(folder / "residuals.nii.gz")
    write_sheet(
        folder / "maps.tsv",
        ["map", "source", "stat", "df", "mask", "fwhm_mm", "residuals", "search_voxels"],
        ["t", "t.nii.gz", "t", DF, "mask.nii.gz", "", "residuals.nii.gz", ""],
        ["f", "f.nii.gz", "F", "2,40", "mask.nii.gz", "12,12,12", "", "16000"],
    )
    assert "Traceback" not in succeed(folder, config=FIELDS)


@pytest.fixture(scope="session")
def fields(tmp_path_factory):
    return once(tmp_path_factory, "fields", run_fields)


def sidecar(folder, map_id, variant, name="thresholded"):
    return json.loads((folder / f"results/{map_id}/{variant}/{name}.json").read_text(encoding="utf-8"))


def test_the_smoothness_comes_from_the_residuals_or_the_sheet(fields):
    found = sidecar(fields, "t", "fwe")
    assert found["SmoothnessSource"] == "residuals" and np.allclose(found["FWHMVoxels"], WIDTH, rtol=0.06)
    assert found["SearchVoxels"] == 26 * 30 * 24 - 1 and found["SearchDimensions"] == 3
    given = sidecar(fields, "f", "fwe")
    assert given["SmoothnessSource"] == "sheet" and given["FWHMVoxels"] == [4, 4, 4]
    assert given["SearchVoxels"] == 16000 and "search_voxels of the sheet is 16000, but 18719" in given["Warnings"][0]
    assert not any("search_voxels" in warning for warning in found["Warnings"])
    box = (25, 29, 23)  # resels of a box, in closed form; one voxel inside is missing
    assert given["Resels"][3] == pytest.approx((np.prod(box) - 8) / 4**3)
    summary = {(row["map"], row["variant"]): row for row in rows_of(fields / "results/summary.csv")}
    assert summary["t", "fwe"]["smoothness"] == "residuals" and summary["f", "ten"]["smoothness"] == "sheet"


def test_the_height_threshold_is_that_of_its_family_wise_p(fields):
    for map_id in ("t", "f"):
        found = sidecar(fields, map_id, "fwe")
        assert found["Method"] in ("random field theory", "Bonferroni") and 3 < found["Cutoff"] < 20
        assert all(float(row["p_peak_fwe"]) <= 0.05 for row in rows_of(fields / f"results/{map_id}/fwe/regions.csv"))
    lax = rows_of(fields / "results/t/ten/peaks.csv")
    cutoff = sidecar(fields, "t", "fwe")["Cutoff"]
    assert lax and all((float(row["p_fwe"]) <= 0.05) == (float(row["value"]) >= cutoff) for row in lax)
    assert all(float(row["p"]) <= float(row["q"]) for row in lax)


def test_clusters_are_kept_by_their_significance(fields):
    for map_id in ("t", "f"):
        for variant, column in (("cluster-p", "p_cluster"), ("cluster-q", "q_cluster")):
            rows = rows_of(fields / f"results/{map_id}/{variant}/regions.csv")
            said = sidecar(fields, map_id, variant, "regions")
            labels, n = ndimage.label(
                nib.load(fields / f"results/{map_id}/{variant}/thresholded.nii.gz").get_fdata() != 0,
                ndimage.generate_binary_structure(3, 3 if variant == "cluster-p" else 2),
            )
            sizes = np.bincount(labels.ravel())[1:]
            critical = said["CriticalExtentVoxels"]
            assert len(rows) == (sizes >= critical).sum() and n > len(rows)
            assert said["SmallestSignificantVoxels"] == (int(rows[-1]["n_voxels"]) if rows else None)
            assert rows or (map_id, variant) == (
                "f",
                "cluster-p",
            )  # F > 3.1 is z > 1.6: only huge clusters are unlikely
            assert all(float(row[column]) <= 0.05 for row in rows)
            assert all(int(row["n_voxels"]) >= critical for row in rows)
            assert said["MinRegionSizeMM3"] == pytest.approx(critical * 27) and said["SizeRule"] == ">="


def test_a_size_in_voxels_and_the_peaks_of_spm(fields):
    rows = rows_of(fields / "results/t/ten/regions.csv")
    assert min(int(row["n_voxels"]) for row in rows) >= 10
    # SPM's table: maxima among 18 neighbours, of a cluster the three highest that are more than 8 mm apart
    data = nib.load(fields / "results/t/ten/thresholded.nii.gz").get_fdata()
    labels = nib.load(fields / "results/t/ten/regions.nii.gz").get_fdata()
    top = ndimage.maximum_filter(data, footprint=ndimage.generate_binary_structure(3, 2)) == data
    expected = {}
    for at in sorted(np.argwhere(top & (labels > 0)).tolist(), key=lambda at: -data[tuple(at)]):
        taken = expected.setdefault(int(labels[tuple(at)]), [])
        if len(taken) < 3 and all(3 * np.linalg.norm(np.subtract(at, other)) > 8 for other in taken):
            taken.append(at)
    found = {}
    for row in rows_of(fields / "results/t/ten/peaks.csv"):
        found.setdefault(int(row["region"]), []).append([int(row[axis]) for axis in "ijk"])
    assert found == expected and max(map(len, found.values())) > 1


def test_the_table_and_the_footer_of_spm(fields):
    """Its levels are what the variants that ask for them found; the set level is a Poisson tail."""
    footers = json.loads((fields / "results/t/tables.json").read_text(encoding="utf-8"))["SpmFooters"]
    assert set(footers) == {"fwe", "cluster-q", "ten"}  # FSL's theory and a guarantee have none
    below, ten = footers["cluster-q"], footers["ten"]
    assert below["HeightFwe"] == pytest.approx(sidecar(fields, "t", "fwe")["Cutoff"], rel=1e-8)
    assert below["ExtentFdr"] == sidecar(fields, "t", "cluster-q", "regions")["SmallestSignificantVoxels"]
    assert (
        below["Extent"] == sidecar(fields, "t", "cluster-q", "regions")["CriticalExtentVoxels"] and ten["Extent"] == 10
    )
    q = {float(row["value"]): float(row["q"]) for row in rows_of(fields / "results/t/ten/peaks.csv")}
    assert all((level <= 0.05) == (height >= ten["HeightFdr"] - 1e-5) for height, level in q.items())
    assert ten["DF"] == [1, DF] and ten["NVoxels"] == 26 * 30 * 24 - 1 and ten["VolumeMM3"] == 27 * ten["NVoxels"]
    for variant, own in footers.items():
        table = pd.read_csv(fields / f"results/t/{variant}/table.tsv", sep="\t")
        regions, peaks = (pd.read_csv(fields / f"results/t/{variant}/{name}.csv") for name in ("regions", "peaks"))
        assert " ".join(table) == (
            "region peak set_p set_c p_cluster q_cluster n_voxels p_cluster_unc p_fwe q value z_score p x y z"
        )
        assert len(table) == len(peaks) and table["set_c"].dropna().tolist() == [len(regions)] == [own["SetC"]]
        assert own["SetP"] == pytest.approx(stats.poisson.sf(len(regions) - 1, own["ExpectedClusters"]), rel=1e-6)
        strongest = regions.sort_values("peak_value", key=abs, ascending=False, kind="stable")
        main = table[table["peak"] == 1]
        assert main["region"].tolist() == strongest["region"].tolist()
        assert main["p_cluster"].tolist() == strongest["p_cluster"].tolist()
        assert table["n_voxels"].count() == len(regions) and table.dtypes.map(pd.api.types.is_numeric_dtype).all()
    page = (fields / "results/t/map.html").read_text(encoding="utf-8")
    assert page.count("Height threshold: t = ") == 3 and f"FDRc: {below['ExtentFdr']}<" in page


def test_regions_with_a_guarantee_have_cutoffs_of_their_own(fields):
    data = nib.load(fields / "t.nii.gz").get_fdata()
    labels = nib.load(fields / "results/t/tdp/regions.nii.gz").get_fdata().astype(int)
    rows = rows_of(fields / "results/t/tdp/regions.csv")
    assert rows and all(float(row["tdp"]) >= 0.7 for row in rows)
    for row in rows:
        region = labels == int(row["region"])
        cutoff = float(row["cutoff"])
        assert data[region].min() == pytest.approx(cutoff, rel=1e-5)
        # it is a whole cluster at its own cutoff
        whole, _ = ndimage.label(data >= data[region].min())
        assert (region == (whole == whole[region][0])).all()
        assert row["margin"] == row["p_cluster"] == row["q_peak"] == ""
    said = sidecar(fields, "t", "tdp")
    assert said["Cutoff"] == pytest.approx(min(float(row["cutoff"]) for row in rows), rel=1e-5)
    assert "each region at its own cutoff" in said["Rule"]


@pytest.mark.slow
def test_a_map_of_p_values_with_the_values_of_its_t_map(tmp_path):
    random = np.random.default_rng(8)
    t = smooth_noise(random, 1)[..., 0] * 20 + 1
    t[4:8, 4:8, 4:8] += 6
    p = np.clip(stats.t.sf(t, DF) * 40, 0, 1)
    nib.Nifti1Image(t.astype(np.float32), AFFINE).to_filename(tmp_path / "t.nii.gz")
    nib.Nifti1Image((1 - p).astype(np.float32), AFFINE).to_filename(tmp_path / "corrp.nii.gz")
    write_sheet(
        tmp_path / "maps.tsv", ["map", "source", "stat", "values"], ["corrp", "corrp.nii.gz", "1-p", "t.nii.gz"]
    )
    config = FIELDS | {"variants": {"a": {"threshold": {"p": 0.05}, "min_region_size": 0}}}
    succeed(tmp_path, config=config)
    kept = nib.load(tmp_path / "results/corrp/a/regions.nii.gz").get_fdata() > 0
    assert (kept == ((1 - p).astype(np.float32) >= np.float32(0.95))).all() and kept.any()
    for row in rows_of(tmp_path / "results/corrp/a/regions.csv"):
        at = tuple(int(row[f"peak_{axis}"]) for axis in "ijk")
        assert float(row["peak_value"]) == pytest.approx(np.float32(t[at]), rel=1e-5)
        assert float(row["p_peak"]) == pytest.approx(max(p[at], 2.0**-25), rel=0.2, abs=3e-8)
    nib.Nifti1Image(t[:-1].astype(np.float32), AFFINE).to_filename(tmp_path / "t.nii.gz")
    done = run_snakemake(tmp_path, config=config)
    assert done.returncode and "values of map 'corrp': t.nii.gz has shape (29, 34, 28)" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("variant", "row", "said"),
    [
        ({"threshold": {"fwe": 0.05}}, ["z", ""], "needs the smoothness of the noise"),
        ({"threshold": 3, "cluster_p": 0.05}, ["z", ""], "cluster_p: 0.05 needs the smoothness"),
        ({"threshold": 0.9, "cluster_p": 0.05}, ["other", "8"], "no theory"),
        ({"threshold": {"tdp": 0.7}}, ["other", ""], "threshold {tdp: 0.7} needs p values"),
        ({"threshold": 3}, ["other", "map"], "fwhm_mm: map needs p values"),
        ({"threshold": {"p": 0.01}, "sided": "two"}, ["1-p", ""], "one tail"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, variant, row, said):
    data = np.clip(smooth_noise(np.random.default_rng(2), 1)[..., 0] * 5 + 0.5, 0, 1)
    nib.Nifti1Image(data.astype(np.float32), AFFINE).to_filename(tmp_path / "own.nii.gz")
    write_sheet(tmp_path / "maps.tsv", ["map", "source", "stat", "fwhm_mm"], ["own", "own.nii.gz", *row])
    done = run_snakemake(tmp_path, config=FIELDS | {"variants": {"a": variant}})
    assert done.returncode and "Traceback" not in done.stdout
    [line] = {line for line in done.stdout.splitlines() if line.startswith("Failed: ")}
    assert "own" in line and said in line


def test_corrected_p_values_are_called_so(tmp_path):
    """As randomise writes them: the file's name says that they are corrected, the t map beside it what it is."""
    random = np.random.default_rng(8)
    t = smooth_noise(random, 1)[..., 0] * 20 + 1
    t[4:8, 4:8, 4:8] += 6
    corrected = 1 - np.clip(stats.t.sf(t, DF) * 40, 0, 1)
    image = nib.Nifti1Image(t.astype(np.float32), AFFINE)
    image.header.set_intent("t test", (DF,))
    image.to_filename(tmp_path / "x_tstat1.nii.gz")
    nib.Nifti1Image(corrected.astype(np.float32), AFFINE).to_filename(tmp_path / "x_tfce_corrp_tstat1.nii.gz")
    row = ["x", "x_tfce_corrp_tstat1.nii.gz", "1-p", "x_tstat1.nii.gz"]
    write_sheet(tmp_path / "maps.tsv", ["map", "source", "stat", "values"], row)
    variant = {"threshold": {"p": 0.05}, "min_region_size": 0, "sided": "positive"}
    config = {"maps": "maps.tsv", "variants": {"a": variant}, "html": ["map"], "figures": ["regions"]}
    said = succeed(tmp_path, config=config)
    page = (tmp_path / "results/x/map.html").read_text(encoding="utf-8")
    summary = (tmp_path / "results/summary.html").read_text(encoding="utf-8")
    assert "FWE-corrected p &lt; 0.05" in page and "FWE-corrected p &lt; 0.05" in summary
    assert not any("uncorrected" in text for text in (page.partition("<main>")[2].partition("<th")[0], summary, said))
    assert "values, peaks and means are t of x_tstat1.nii.gz" in page
    assert "those of a second image (t of x_tstat1.nii.gz)" in page
    for row in rows_of(tmp_path / "results/x/a/regions.csv"):
        at = tuple(int(row[f"peak_{axis}"]) for axis in "ijk")
        assert float(row["p_peak_fwe"]) == pytest.approx(1 - corrected[at], abs=1e-6)
        assert [row[name] for name in ("p_peak", "z_peak", "q_peak", "tdp", "p_cluster")] == [""] * 5
    for threshold in ({"fdr": 0.05}, {"bonferroni": 0.05}, {"tdp": 0.7}):
        config["variants"] = {"a": variant | {"threshold": threshold}}
        done = run_snakemake(tmp_path, "-n", config=config)
        assert done.returncode and "its p values are FWE-corrected already" in done.stdout, threshold


@pytest.mark.parametrize("kind", ["excursion set", pytest.param("thresh_zstat1", marks=pytest.mark.slow)])
def test_a_map_that_was_thresholded_has_no_family_of_tests(tmp_path, kind):
    z = smooth_noise(np.random.default_rng(3), 1)[..., 0] * 20
    z[4:9, 4:9, 4:9] += 6
    left = np.where((z if kind == "thresh_zstat1" else np.abs(z)) > 2.3, z, 0).astype(np.float32)
    nib.Nifti1Image(left, AFFINE).to_filename(tmp_path / "thresh.nii.gz")
    write_sheet(tmp_path / "maps.tsv", ["map", "source", "stat", "fwhm_mm"], ["x", "thresh.nii.gz", "z", "6"])
    plain = {"min_region_size": 0, "sided": "positive"}
    config = {"maps": "maps.tsv", "html": [], "figures": []}
    variants = {"v": plain | {"threshold": 3.0}, "p": plain | {"threshold": {"p": 0.001}}}
    said = succeed(tmp_path, config=config | {"variants": variants})
    assert "thresholded before" in said
    for variant in variants:
        rows = rows_of(tmp_path / f"results/x/{variant}/regions.csv")
        assert rows and all(row["p_peak"] for row in rows)
        empty = ("tdp", "q_peak", "p_peak_fwe", "p_cluster", "q_cluster")
        assert {row[name] for row in rows for name in empty} == {""}
    refused = [
        {"threshold": threshold} for threshold in ({"fdr": 0.05}, {"fwe": 0.05}, {"bonferroni": 0.05}, {"tdp": 0.7})
    ]
    for keys in [*refused, {"threshold": 3.0, "cluster_p": 0.05}]:
        done = run_snakemake(tmp_path, config=config | {"variants": {"v": plain | keys}})
        assert done.returncode and "it was thresholded already" in done.stdout and "Traceback" not in done.stdout, keys
