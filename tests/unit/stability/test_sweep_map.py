"""The script of rule sweep_map, called in process on the real map."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from calls import stat_map_of, write_map

from statmap.io.files import UserError
from statmap.io.images import read_image
from statmap.rules import Smoothness, SweepRule
from statmap.stability.findings import read_ranges

SCRIPT = Path(__file__).parents[3] / "scripts/sweep_map.py"
TABLES = ("sweep.csv", "persistence.csv", "findings.csv")


@pytest.fixture
def run(motor, tmp_path):
    """Call main on the embedded map with the keys of a sweep, and give its tables by file name and the frequency."""
    loaded = importlib.util.spec_from_file_location("sweep_map", SCRIPT)
    sweep_map = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(sweep_map)

    def call(stat="z", **keys):
        files = write_map(tmp_path, stat_map_of(*motor, stat=stat, name="motor"))
        grid = {"min_region_sizes": [0, 500], "connectivities": [26, 6], "signs": ["split"]}
        grid |= {"sided": "two", "size_rule": ">", "cutoff_rule": None, "percentile_domain": "all", "domain": "mask"}
        outputs = {name: tmp_path / name for name in (*TABLES, "selection_frequency.nii.gz")}
        sweep_map.main(
            map_id="motor",
            files=files,
            rule=SweepRule(**(grid | {"tdp_alpha": 0.05} | keys)),
            smoothness=Smoothness(fwhm_mm=9),
            atlases={},
            specifications={},
            outputs=outputs,
        )
        tables = {}
        for file in TABLES:
            with open(outputs[file], newline="") as stream:
                tables[file] = list(csv.DictReader(stream))
        return tables, read_image(outputs["selection_frequency.nii.gz"])[0]

    return call


@pytest.mark.parametrize("signs", [["split"], ["merged"]])
def test_every_kind_of_threshold_stands_on_one_axis(run, signs):
    kinds = [{"fdr": 0.05}, 3.0, {"tdp": 0.7}, "97%", {"p": 0.001}, {"bonferroni": 0.05}, {"fwe": 0.05}]
    tables, share = run(thresholds=kinds, signs=signs)
    grid, found, peaks = (tables[file] for file in ("sweep.csv", "findings.csv", "persistence.csv"))
    written = ["fdr=0.05", "3.0", "97%", "p=0.001", "bonferroni=0.05", "fwe=0.05"]
    assert [row["threshold"] for row in grid] == [*np.repeat(written * 2, 2), *["tdp=0.7"] * 4]
    assert all(2 < float(row["cutoff"]) < 6 for row in grid)
    assert share.max() <= 1 and (share > 0).any()
    # What is counted per grid point is what is listed per finding.
    rows = [row for finding in found for row in read_ranges(finding["found_in"])]
    assert np.bincount(rows)[1:].tolist() == [int(row["n_regions"]) for row in grid]
    assert all(int(finding["n_found"]) == len(read_ranges(finding["found_in"])) for finding in found)
    cubes = {finding["finding"]: [float(finding[f"{end}_mm3"]) for end in ("smallest", "largest")] for finding in found}
    assert max(high for _, high in cubes.values()) == max(float(row["largest_mm3"]) for row in grid)
    # The table of peaks knows nothing of the last ones, which have no one cutoff.
    assert {name for name in peaks[0] if "@" in name} == {f"volume_mm3@{name}" for name in written}
    assert {peak["sign"] for peak in peaks} == {"positive", "negative"}


def test_a_proportion_alone_makes_a_sweep(run):
    tables, share = run(thresholds=[{"tdp": 0.7}, {"tdp": 0.5}])
    assert len(tables["sweep.csv"]) == 8 and len(tables["findings.csv"]) > 0
    assert (share > 0).any()


def test_a_proportion_needs_a_distribution(run):
    with pytest.raises(UserError, match=r"^map 'motor': threshold {tdp: 0.7} needs p values.*column stat"):
        run(thresholds=[3.0, {"tdp": 0.7}], stat="other")
