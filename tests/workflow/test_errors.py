"""What the user got wrong is said in one line that names what was found and is accepted, and nothing is left behind."""

import gzip
import os

import nibabel as nib
import numpy as np
import pytest
from running import errors_of, once, run_snakemake


def lines_with(lines, *words):
    return [line for line in lines if all(word in line for word in words)]


@pytest.mark.parametrize(
    ("config", "sheet", "found", "accepted"),
    [
        ({"treshold": 3}, None, "key 'treshold' is not known", "maps, map, from, from_effects, template"),
        ({"variants": {"a": {"threshold": {"p": "1e-3"}}}}, None, "a.threshold.p: '1e-3'", "'number'"),
        ({"maps": "sheet.tsv"}, "map\tsource\tcolour\n", "column 'colour' is not known", "map, source, sha256, stat"),
        ({"variants": "sheet.tsv"}, "variant\ttreshold\n", "column 'treshold' is not known", "variant, threshold"),
    ],
)
def test_what_is_wrong_with_the_config_is_said_before_anything_runs(tmp_path, config, sheet, found, accepted):
    if sheet:
        (tmp_path / "sheet.tsv").write_text(sheet, encoding="utf-8")
    done = run_snakemake(tmp_path, config=config)
    assert done.returncode == 1
    assert len(lines_with(done.stdout.splitlines(), found, accepted)) == 1, done.stdout
    assert "Traceback" not in done.stdout and "Error in rule" not in done.stdout
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    "target",
    [
        "results/maps/aXb.json",
        pytest.param("results/a.b/published/tX1/check.html", marks=pytest.mark.slow),
    ],
)
def test_a_dot_in_an_id_stands_for_itself(tmp_path, target):
    """Not for any character, as in the patterns that Snakemake makes of ids: there is no such map or table."""
    (tmp_path / "maps.tsv").write_text("map\tsource\na.b\tsample:motor\n", encoding="utf-8")
    (tmp_path / "t.tsv").write_text("x\ty\tz\n1\t2\t3\n", encoding="utf-8")
    table = {"t.1": {"map": "a.b", "table": "t.tsv"}}
    config = {"maps": "maps.tsv", "variants": {"v.3": {"threshold": 3.0}}, "published": table}
    done = run_snakemake(tmp_path, "--dry-run", target, config=config)
    assert done.returncode and "MissingRuleException" in done.stdout and target in done.stdout
    done = run_snakemake(tmp_path, "--dry-run", target.replace("X", "."), config=config)
    assert done.returncode == 0, done.stdout


WRONG = {
    "missing": (
        "nowhere.nii.gz",
        "",
        "",
        ["no file 'nowhere.nii.gz'", "a path, an https:// address, or neurovault:ID"],
    ),
    "sample": ("sample:foot", "", "", ["no sample 'foot'", "motor, mni152, aal"]),
    "ftp": ("ftp://127.0.0.1/x.nii", "", "", ["ftp://127.0.0.1/x.nii is refused", "https://"]),
    "no-hash": ("good.nii.gz", "0" * 64, "", ["but the config says 000000", "has sha256 "]),
    "four-d": ("four.nii.gz", "", "", ["four.nii.gz has shape (6, 6, 6, 3)", "one 3D image is needed"]),
    "cut": ("cut.nii.gz", "", "", ["cut.nii.gz is damaged", "get the file again"]),
    "flipped": ("flipped.nii.gz", "", "", ["flipped.nii.gz is damaged", "get the file again"]),
    "text": ("text.nii.gz", "", "", ["text.nii.gz is no image", "accepted: NIfTI or Analyze (.nii, .nii.gz,"]),
    "flat": ("flat.nii", "", "", ["affine that is not finite or not invertible"]),
    "grid": ("good.nii.gz", "", "other.nii.gz", ["mask of map 'grid'", "(12, 12, 12)", "resample it to the grid"]),
    "no-mask": ("good.nii.gz", "", "nowhere.nii.gz", ["mask of map 'no-mask'", "no file 'nowhere.nii.gz'"]),
    "empty": ("good.nii.gz", "", "zero.nii.gz", ["mask of map 'empty'", "0 everywhere"]),
}
OF_GOOD = {
    "results/other/fdr/thresholded.json": [
        "threshold {fdr: 0.05} needs p values",
        "is 'other'; fill in z, or t or F together",
    ],
    "results/no-values/value/regions.csv": ["values of map 'no-values'", "no file 'gone.nii'"],
    "results/pipe/value/regions.csv": ["values of map 'pipe'", "'pipe' is not a file", "give the path of one image"],
    "results/folder/value/regions.csv": ["values of map 'folder'", "'sub' is not a file"],
    "results/no-noise/value/thresholded.json": ["residuals of map 'no-noise'", "no file 'gone.nii'"],
    "results/asked-not/value/thresholded.json": ["residuals of map 'asked-not'", "no file 'gone.nii'"],
    "results/good/value/regions.csv": ["map 'good' is in space 'MNI152' and atlas 'net' in 'Talairach'", "same space"],
}


BESIDE = ["no-values", "pipe", "folder", "no-noise", "asked-not"]
OF_A_VARIANT = (
    *("accounting.nii.gz", "regions.json", "regions.nii.gz", "regions_4d.nii.gz"),
    *("thresholded.json", "thresholded.nii.gz"),
)


@pytest.fixture(scope="session")
def failed(tmp_path_factory):
    """One run of all of them: its output and the folder."""
    folder = once(tmp_path_factory, "wrong", run_all)
    return (folder / "output.txt").read_text(encoding="utf-8"), folder


def run_all(folder):
    random = np.random.default_rng(0)
    affine = np.diag([3.0, 3, 3, 1])

    def save(name, data, affine=affine):
        nib.Nifti1Image(np.asarray(data, np.float32), affine).to_filename(folder / name)

    save("good.nii.gz", random.normal(size=(12, 12, 12)))
    save("four.nii.gz", random.normal(size=(6, 6, 6, 3)))
    save("other.nii.gz", np.ones((6, 6, 6)))
    save("zero.nii.gz", np.zeros((12, 12, 12)))
    flat = nib.Nifti1Image(np.ones((4, 4, 4), np.float32), affine)
    flat.header["srow_z"] = 0
    flat.header["sform_code"], flat.header["qform_code"] = 2, 0
    flat.header["vox_offset"] = 352
    (folder / "flat.nii").write_bytes(flat.header.binaryblock + bytes(4) + flat.get_fdata(dtype=np.float32).tobytes())
    content = (folder / "good.nii.gz").read_bytes()
    (folder / "cut.nii.gz").write_bytes(content[: len(content) // 2])
    (folder / "flipped.nii.gz").write_bytes(content[:-6] + bytes([content[-6] ^ 1]) + content[-5:])
    (folder / "text.nii.gz").write_bytes(gzip.compress(b"not an image" * 50))
    (folder / "labels.tsv").write_text("index\tname\n1\tone\n", encoding="utf-8")
    columns = ("map", "source", "sha256", "mask", "space", "stat", "values", "residuals", "fwhm_mm")
    rows = ["\t".join(columns), "good\tgood.nii.gz\t\t\tMNI152\tz", "other\tgood.nii.gz"]
    rows += [f"{name}\t{source}\t{sha256}\t{mask}\t" for name, (source, sha256, mask, _) in WRONG.items()]
    beside = {"no-values": "gone.nii\t\t", "pipe": "pipe\t\t", "folder": "sub\t\t"}
    beside |= {"no-noise": "\tgone.nii\t", "asked-not": "\tgone.nii\t8"}
    rows += [f"{name}\tgood.nii.gz\t\t\tTalairach\tz\t{cells}" for name, cells in beside.items()]
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    (folder / "maps.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    config = {
        "maps": "maps.tsv",
        "variants": {
            "value": {"threshold": 1},
            "fdr": {"threshold": {"fdr": 0.05}},
        },
        "atlases": {"net": {"image": "other.nii.gz", "labels": "labels.tsv", "space": "Talairach"}},
    }
    targets = [f"results/maps/{name}.json" for name in WRONG] + list(OF_GOOD)
    done = run_snakemake(folder, "--keep-going", *targets, config=config)
    (folder / "output.txt").write_text(done.stdout, encoding="utf-8")
    assert done.returncode == 1


def test_a_run_that_fails_says_so(failed):
    output, _ = failed
    assert "Traceback" not in output
    assert output.count("Error in rule") == len(WRONG) + len(OF_GOOD)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_map(failed, name):
    output, folder = failed
    (line,) = lines_with(errors_of(output), f"map '{name}'")
    assert all(words in line for words in WRONG[name][-1]), line
    assert str(folder) not in line and "/tmp" not in line
    log = (folder / f"results/logs/fetch_map/{name}.log").read_text(encoding="utf-8")
    assert log.replace("ERROR", "Error") == line + "\n"


@pytest.mark.parametrize("target", OF_GOOD)
def test_what_is_wrong_with_a_variant(failed, target):
    assert len(lines_with(errors_of(failed[0]), *OF_GOOD[target])) == 1


def test_nothing_is_left_of_what_failed(failed):
    """Nor are the good outputs of the same run lost."""
    _, folder = failed
    results = folder / "results"
    left = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    assert {name for name in left if not name.startswith(("logs/", "benchmarks/"))} == {
        "atlases/net.nii.gz",
        "atlases/net.json",
        "maps/good.json",
        "maps/good.nii.gz",
        "maps/good_mask.nii.gz",
        "maps/other.json",
        "maps/other.nii.gz",
        "maps/other_mask.nii.gz",
        *(f"maps/{name}{file}" for name in BESIDE for file in (".json", ".nii.gz", "_mask.nii.gz")),
        *(f"{name}/{variant}/{file}" for name in BESIDE[:3] for variant in ("fdr", "value") for file in OF_A_VARIANT),
        *(f"good/{variant}/{name}" for variant in ("fdr", "value") for name in OF_A_VARIANT),
    }


@pytest.mark.slow
def test_an_image_that_disappears_later_fails_its_map_and_no_other(tmp_path):
    """With results there already, they would stay as they are, or be made anew of the map's own values."""
    random = np.random.default_rng(0)
    for name in ("a.nii", "b.nii", "values.nii", "residuals.nii"):
        shape = (12, 12, 12, 5) if name == "residuals.nii" else (12, 12, 12)
        nib.Nifti1Image(random.normal(size=shape).astype(np.float32), np.diag([3.0, 3, 3, 1])).to_filename(
            tmp_path / name
        )
    sheet = (
        "map\tsource\tstat\tdf\tvalues\tresiduals\nbeside\ta.nii\tt\t20\tvalues.nii\tresiduals.nii\nplain\tb.nii\tz\n"
    )
    (tmp_path / "maps.tsv").write_text(sheet, encoding="utf-8")
    variants = {"v": {"threshold": 2, "min_region_size": 0}}
    config = {"maps": "maps.tsv", "variants": variants, "template": None, "figures": [], "html": []}
    tables = [f"results/{name}/v/regions.csv" for name in ("beside", "plain")]
    assert run_snakemake(tmp_path, *tables, config=config).returncode == 0
    first = [(tmp_path / table).read_bytes() for table in tables]
    for what, gone in (("values", "regions.csv"), ("residuals", "thresholded.json")):
        name = f"{what}.nii"
        kept = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        done = run_snakemake(tmp_path, "--keep-going", *tables, config=config)
        assert done.returncode == 1 and "Traceback" not in done.stdout
        (line,) = errors_of(done.stdout)
        assert f"{what} of map 'beside': there is no file '{name}'; paths start from" in line
        assert not (tmp_path / f"results/beside/v/{gone}").exists()
        assert (tmp_path / tables[1]).read_bytes() == first[1]
        dry = run_snakemake(tmp_path, "--dry-run", *tables, config=config)
        assert dry.returncode == 1 and f"column {what}: there is no file '{name}'" in dry.stdout
        (tmp_path / name).write_bytes(kept)
        assert run_snakemake(tmp_path, *tables, config=config).returncode == 0
        assert [(tmp_path / table).read_bytes() for table in tables] == first
