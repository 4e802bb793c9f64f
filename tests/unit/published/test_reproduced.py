"""A table against the regions of the variant that should give it: exact, and every way in which a row can be off."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine
from printed_tables import clusters, print_maxima, print_table
from small_maps import smooth_maps, tied_maps

from statmap.published.readers import read_published
from statmap.published.reproduced import Reproduction, reproduce, sentence

AFFINE = np.array([[-2.0, 0, 0, 20], [0, 2, 0, -30], [0, 0, 2, -10], [0, 0, 0, 1]])


def three():
    """A map of three regions, the last of them negative, with their labels."""
    data, labels = np.zeros((12, 9, 6)), np.zeros((12, 9, 6), dtype=np.int32)
    for n, (at, sign) in enumerate(((1, 1), (5, 1), (9, -1)), start=1):
        data[at : at + 2, 2:5, 1:4] = sign * 3.5
        data[at, 3, 2] = sign * (4 + n)
        labels[at : at + 2, 2:5, 1:4] = n
    data[5, 3, 2], data[2, 4, 3] = 6.008, 4.508
    return data, labels


HEADER = "x\ty\tz\tvalue\tn_voxels\tp_cluster\tcluster"
ROWS = ["18\t-24\t-6\t5.00\t18\t0.010\t1", "10\t-24\t-6\t6.01\t18\t0.020\t2", "2\t-24\t-6\t-7.00\t18\t\t3"]
P = {1: 0.0099999, 2: 0.0200001, 3: None}


@pytest.fixture
def held(tmp_path):
    """Hold rows against the map of three regions."""

    def of(*rows, header=HEADER, p=P, **keys):
        (tmp_path / "t.tsv").write_text("\n".join([header, *rows]) + "\n")
        data, labels = three()
        return reproduce(read_published(tmp_path / "t.tsv", "t"), data, AFFINE, labels, p, **keys)

    return of


def test_all_rows(held):
    found = held(*ROWS)
    assert found == Reproduction(["exact"] * 3, []) and found.complete and found.n_rows == 3


def test_the_order_of_rows_is_free(held):
    assert held(*ROWS[::-1]).complete


def test_regions_that_no_row_stands_for(held):
    found = held(ROWS[1])
    assert found.unlisted == [1, 3] and found.n_rows == 1 and not found.complete


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ("10\t-24\t-6\t6.01\t19\t0.020\t2", "other size"),
        ("10\t-24\t-6\t6.02\t18\t0.020\t2", "other value"),
        ("10\t-24\t-6\t-6.01\t18\t0.020\t2", "other sign"),
        ("10\t-24\t-6\t6.01\t18\t0.021\t2", "other p"),
        ("10\t-36\t-6\t6.01\t18\t0.020\t2", "no peak nearby"),
        ("10\t-24\t-6\t6.00\t18\t0.020\t2", "rounded"),
        ("10\t-24\t-8\t6.01\t18\t0.020\t2", "exact"),  # within a voxel's diagonal
    ],
)
def test_a_row_that_is_off(held, row, verdict):
    found = held(ROWS[0], row, ROWS[2])
    assert found.verdicts == ["exact", verdict, "exact"]
    assert found.complete == (verdict in ("exact", "rounded")) and found.unlisted == ([] if found.complete else [2])


def test_how_far_a_peak_may_be(held):
    row = "10\t-24\t-14\t6.01\t18\t0.020\t2"
    assert held(ROWS[0], row, ROWS[2]).verdicts[1] == "no peak nearby"
    assert held(ROWS[0], row, ROWS[2], within_mm=8).complete


def test_a_region_stands_for_one_row(held):
    assert held(*ROWS, ROWS[1].removesuffix("2") + "4").verdicts == ["exact", "exact", "exact", "taken"]


def test_a_p_that_is_not_known_is_not_asked_for(held):
    assert held(*ROWS, p={1: None, 2: None, 3: None}).complete
    assert held(*ROWS, p={}).complete


def test_p_values_of_fsl_are_those_of_float32(held):
    row = "18\t-24\t-6\t5.00\t18\t1.24e-07\t1"
    assert held(row, *ROWS[1:], p=P | {1: 1.5e-07}).complete
    assert held(row, *ROWS[1:], p=P | {1: 1.5e-06}).verdicts[0] == "other p"


def test_sub_peaks(held):
    sub = "16\t-22\t-4\t4.51\t\t\t1"
    assert held(ROWS[0], sub, *ROWS[1:]).verdicts == ["exact"] * 4
    assert held(ROWS[0], sub.replace("4.51", "4.50"), *ROWS[1:]).verdicts[1] == "rounded"
    assert held(ROWS[0], sub.replace("4.51", "4.60"), *ROWS[1:]).verdicts[1] == "other value"
    assert held(ROWS[0], sub.replace("-22", "22"), *ROWS[1:]).verdicts[1] == "no peak nearby"
    assert held(*ROWS[:2], sub.removesuffix("1") + "2", ROWS[2]).verdicts[2] == "in another cluster"


def test_a_table_of_foci_leaves_no_region_out(held):
    assert held("18\t-24\t-6", "12\t-22\t-6", header="x\ty\tz").complete


def test_no_region_at_all(tmp_path):
    (tmp_path / "t.tsv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    data, labels = three()
    found = reproduce(read_published(tmp_path / "t.tsv", "t"), data, AFFINE, np.zeros_like(labels), {})
    assert found == Reproduction(["no peak nearby"] * 3, [])


@settings(max_examples=60, deadline=None)
@given(data=st.one_of(tied_maps, smooth_maps), seed=st.integers(0, 99), cutoff=st.floats(0.2, 2.5))
def test_a_table_of_a_map_is_reproduced_by_its_own_regions(tmp_path_factory, data, seed, cutoff):
    """Whatever its ties: any of the tied voxels may be printed as the peak."""
    data = np.asarray(data, dtype=np.float64)
    found = clusters(data, cutoff, 26, "apart")
    if not found:
        return
    labels = np.zeros(data.size, dtype=np.int32)
    for n, voxels in enumerate(found, start=1):
        labels[voxels] = n
    path = print_table(tmp_path_factory.mktemp("t") / "t.tsv", data, AFFINE, found, random.Random(seed), decimals=4)
    held = reproduce(read_published(path, "t"), data, AFFINE, labels.reshape(data.shape), {}, within_mm=0.1)
    assert held.complete, held
    # One voxel less, and that row is off.
    labels[found[0][0]] = 0
    again = reproduce(read_published(path, "t"), data, AFFINE, labels.reshape(data.shape), {}, within_mm=0.1)
    assert again.n_rows < len(found)


@settings(max_examples=30, deadline=None)
@given(data=smooth_maps, seed=st.integers(0, 99))
def test_a_table_with_local_maxima(tmp_path_factory, data, seed):
    data = np.asarray(data, dtype=np.float64)
    found = clusters(data, 0.5, 26, "positive")
    if not found:
        return
    labels = np.zeros(data.size, dtype=np.int32)
    for n, voxels in enumerate(found, start=1):
        labels[voxels] = n
    path = tmp_path_factory.mktemp("t") / "t.tsv"
    print_maxima(path, data, AFFINE, found, random.Random(seed))
    assert reproduce(read_published(path, "t"), data, AFFINE, labels.reshape(data.shape), {}).complete


# -------------------------------------------------------------------------------------------------------- in a sentence
@pytest.fixture
def table(tmp_path):
    (tmp_path / "t.tsv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    return read_published(tmp_path / "t.tsv", "t")


@pytest.mark.parametrize(
    ("verdicts", "unlisted", "said"),
    [
        (["exact"] * 3, [], "FSL's own table of 'visual' is reproduced exactly by the settings of the folder."),
        (
            ["exact", "rounded"],
            [],
            "FSL's own table of 'visual' is reproduced within rounding by the settings of the folder.",
        ),
        (
            ["exact", "other size"],
            [],
            "1 of 2 rows of FSL's own table of 'visual' follow from the settings of the folder; "
            "row 2 (other size) does not.",
        ),
        (
            ["exact", "other size", "other p"],
            [4],
            "1 of 3 rows of FSL's own table of 'visual' follow from the settings of the folder; row 2 (other size) "
            "and row 3 (other p) do not; it lacks 1 region that they give.",
        ),
        (
            ["exact"],
            [4, 5],
            "1 of 1 rows of FSL's own table of 'visual' follow from the settings of the folder; "
            "it lacks 2 regions that they give.",
        ),
        (
            ["other size"] * 7,
            [],
            "0 of 7 rows of FSL's own table of 'visual' follow from the settings of the folder; row 1 (other size), "
            "row 2 (other size), row 3 (other size), row 4 (other size), row 5 (other size) and 2 more do not.",
        ),
    ],
)
def test_sentences(table, verdicts, unlisted, said):
    assert sentence(Reproduction(verdicts, unlisted), table, "visual", "as_analysed", "FSL") == said


def test_who_printed_it_and_which_variant(table):
    whole = Reproduction(["exact"], [])
    assert sentence(whole, table, "a", "mine", None) == (
        "The printed table of 'a' is reproduced exactly by variant 'mine'."
    )
    nilearn = table._replace(layout="nilearn")
    assert sentence(whole, nilearn, "a", "mine", None).startswith("nilearn's own table of 'a' is")
    spm = table._replace(layout="SPM")
    said = "SPM's own table of 'a' is reproduced exactly by the settings of the folder."
    assert sentence(whole, spm, "a", "as_analysed-2", None) == said


def test_coordinates_follow_the_affine(held):
    """So that the tables here are read by eye: the first region's peak is voxel (1, 3, 2)."""
    assert apply_affine(AFFINE, (1, 3, 2)).tolist() == [18, -24, -6]
