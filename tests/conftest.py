"""Fixtures that every test may use: the real map and template, found in the installed nilearn wheel."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

# Read when numpy is imported: threads of two workers on two cores would wait for each other, and nilearn's walker with
# them. Jobs of the workflow have one thread anyway, whatever this says: Snakemake sets it.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from statmap.io.images import read_image

DATA = Path(find_spec("nilearn").submodule_search_locations[0]) / "datasets" / "data"


@pytest.fixture(scope="session")
def motor_path():
    return DATA / "image_10426.nii.gz"


@pytest.fixture(scope="session")
def template_path():
    return DATA / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


@pytest.fixture(scope="session")
def motor(motor_path):
    """The embedded map: (53, 63, 46) float32 and its affine."""
    data, affine = read_image(motor_path)
    data.setflags(write=False)
    return data, affine


@pytest.fixture(scope="session")
def rules(tmp_path_factory):
    """All rules of the Snakefile by name, parsed once, under a config that asks for all there is."""
    from parsed_workflow import parse_everything  # Snakemake takes as long to import as most tests to run

    return parse_everything(tmp_path_factory.mktemp("parsed"))


@pytest.fixture(scope="session")
def variant():
    """The published example's keys; a test overrides what it is about."""
    return {
        "threshold": 3.0,
        "sided": "two",
        "cutoff_rule": None,
        "percentile_domain": "all",
        "domain": "mask",
        "signs": "merged",
        "extract_type": "local_regions",
        "connectivity": 6,
        "min_region_size": 1500,
        "size_rule": ">",
        "unseeded": "drop",
        "edge_scale": "volume",
        "random_walker": "converged",
        "min_peak_distance": 8,
        "max_peaks": 6,
        "tdp_alpha": 0.05,
        "stat": "t",
        "df": None,
    }
