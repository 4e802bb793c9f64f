"""The search finds the settings that a table was printed with: on the real map, and on generated ones."""

from pathlib import Path

import numpy as np
import pytest
from calls import stat_map_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from printed_tables import clusters, decimal, print_maxima, print_table
from small_maps import connectivities, smooth_maps, tied_maps

from statmap.published.readers import read_published
from statmap.published.report import ready_variant, rows_table, settings_table, verdict
from statmap.published.settings import find_settings, round_number
from statmap.published.spaces import ICBM_TO_TALAIRACH

# AtlasReader's clusters of the embedded map: |z| >= 3, signs apart, 6 neighbours, more than 5 voxels (BSD-3).
ATLASREADER = """cluster_id,peak_x,peak_y,peak_z,cluster_mean,volume_mm
1,42,-25,55,5.71861,60399
2,-36,-25,55,-5.92288,19386
3,-15,-52,-26,5.28665,10260
4,18,-55,-23,-4.93921,8964
5,-36,-19,19,-4.30705,1215
6,-6,-19,49,-3.76954,1215
7,-30,-10,-2,-3.67586,378
8,-15,-55,16,-3.21501,351
9,-66,-25,31,3.10147,351
10,-21,41,46,-3.18072,162
"""
REPOSITORY = Path(__file__).parents[3]
AFFINE = np.array([[-2.5, 0, 0, 20], [0, 2.5, 0, -30], [0, 0, 3.3, -7], [0, 0, 0, 1]])
signed_maps = st.one_of(tied_maps, smooth_maps.map(lambda x: x.astype(np.float32)))
signs = st.sampled_from(("positive", "negative", "apart", "merged"))


@pytest.fixture
def search(motor, tmp_path):
    """Search the embedded map for a table, given as text."""

    def of(text, **options):
        (tmp_path / "table.csv").write_text(text, encoding="utf-8")
        table = read_published(tmp_path / "table.csv", "table 'table'")
        return table, find_settings(table, *motor, **options)

    return of


def fitting(found, connectivity, sign, cutoff):
    return [
        one
        for one in found.candidates
        if (one.connectivity, one.sign) == (connectivity, sign) and one.low < cutoff <= one.high
    ]


def test_atlasreader_on_the_embedded_map(motor, search):
    table, found = search(ATLASREADER)
    lines = settings_table(table, found, stat_map_of(motor[0], stat="z"))
    best = lines[(lines.rows_exact == 10) & (lines.unlisted == 0)]
    assert set(zip(best.connectivity, best.sign, strict=True)) == {(6, "apart"), (6, "merged")}
    assert ((best.cutoff_low < 3) & (best.cutoff_high >= 3) & (best.cutoff_high - best.cutoff_low < 1e-3)).all()
    assert (best.extent_low < 6).all() and (best.extent_high >= 6).all() and (best.threshold == "3").all()
    assert best.p_low.iloc[0] <= 0.0026998 < best.p_high.iloc[0]  # two-sided p of z = 3
    rows = rows_table(table, found, motor[1])
    assert rows.verdict.tolist() == ["exact"] * 10
    assert rows.found_size.tolist() == rows["size"].tolist() and rows.distance_mm.max() == 0
    assert verdict(table, found, "z") == (
        "Reproduced exactly by 6 neighbours, signs apart or signs merged and cutoffs in (2.9994, 3.0002], e.g. "
        "|z| ≥ 3, an extent threshold of 5 to 6 voxels."
    )


def test_the_ready_variant_gives_the_table(motor, search):
    table, found = search(ATLASREADER)
    data, affine = motor
    variant = ready_variant(found.candidates[0], "3")
    extent = int(variant["min_region_size"].removesuffix(" voxels"))
    assert (variant["sided"], variant["signs"], variant["size_rule"]) == ("two", "split", ">=")
    again = clusters(data, variant["threshold"], variant["connectivity"], "apart", extent)
    assert sorted(27.0 * len(voxels) for voxels in again) == sorted(table.rows["size"])


@pytest.mark.parametrize("by", [-81, 27, 54])
def test_a_row_altered_by_a_few_voxels_is_named(motor, search, by):
    table, found = search(ATLASREADER.replace("8964", str(8964 + by)))
    best = found.candidates[0]
    assert set(range(10)) - set(best.claims) == {3} and best.low < 3 <= best.high and best.connectivity == 6
    assert rows_table(table, found, motor[1]).verdict[3] == "other size"
    assert verdict(table, found).startswith("9 of 10 rows fit") and "; row 4 does not " in verdict(table, found)


def test_a_peak_elsewhere_and_another_value_are_named(motor, search):
    table, found = search(ATLASREADER.replace("-21,41,46", "-21,80,90"))
    assert rows_table(table, found, motor[1]).verdict[9] == "no peak nearby"
    table, found = search(
        "x\ty\tz\tvalue\tn_voxels\n-36\t-19\t19\t-6.22\t45\n-6\t-19\t49\t-5.99\t45\n-30\t-10\t-2\t-4.65\t14\n"
    )
    assert len(found.candidates[0].claims) == 3  # nothing but the value of row 2 is wrong: taken without values
    assert found.candidates[0].reading.changed == "values not compared"
    rows = [one for one in found.candidates if not one.reading.changed]
    assert set(rows[0].claims) == {0, 2}


def flipped(text, column, turn):
    lines = [line.split(",") for line in text.strip().splitlines()]
    at = lines[0].index(column)
    return "\n".join(
        ",".join([*row[:at], turn(row[at]), *row[at + 1 :]]) if n else ",".join(row) for n, row in enumerate(lines)
    )


@pytest.mark.parametrize(
    ("column", "turn", "changed"),
    [
        ("peak_x", lambda x: str(-int(x)), "x flipped"),
        ("cluster_mean", lambda x: str(-float(x)), "sign flipped"),
        ("volume_mm", lambda v: str(int(v) // 27), "sizes in voxels"),
        ("volume_mm", lambda v: str(int(v) // 27 * 8), "sizes in mm³ of voxels of 2 mm"),
        ("cluster_mean", lambda x: str(float(x) * 2), "values not compared"),
    ],
)
def test_what_was_changed_to_get_there(search, column, turn, changed):
    table, found = search(flipped(ATLASREADER, column, turn))
    best = found.candidates[0]
    assert best.reading.changed == changed and len(best.claims) == 10 and best.low < 3 <= best.high
    assert f"with {changed}" in verdict(table, found)


@pytest.mark.parametrize("space", ["Talairach", "MNI"])
def test_talairach_coordinates(search, space):
    rows = [line.split(",") for line in ATLASREADER.strip().splitlines()[1:]]
    mm = np.array([[float(one) for one in row[1:4]] for row in rows])
    there = np.round(mm @ ICBM_TO_TALAIRACH[:3, :3].T + ICBM_TO_TALAIRACH[:3, 3])
    if space == "Talairach":  # Sleuth's file says so; it has no sizes
        text = "// Reference=Talairach\n" + "\n".join(" ".join(map(str, one)) for one in there)
        table, found = search(text)
        assert not found.candidates[0].reading.changed and len(found.candidates[0].claims) == 10
        return
    lines = [",".join([row[0], *map(str, one), *row[4:]]) for row, one in zip(rows, there, strict=True)]
    table, found = search("\n".join([ATLASREADER.splitlines()[0], *lines]))
    assert "Talairach to MNI (Lancaster)" in {one.reading.changed for one in found.candidates if len(one.claims) == 10}


def test_centres_of_mass(motor, search):
    data, affine = motor
    lines = []
    for voxels in clusters(data, 2.5, 26, "positive", 4):
        ijk = np.mean(np.unravel_index(voxels, data.shape), axis=1)
        lines.append([*(affine[:3, :3] @ ijk + affine[:3, 3]).round(1), len(voxels)])
    table, found = search("\n".join("\t".join(map(str, line)) for line in [["x", "y", "z", "n_voxels"], *lines]))
    best = fitting(found, 26, "positive", 2.5)[0]
    assert len(best.claims) == len(lines) and best.reading.changed == "centres of mass"


def test_fsl_prints_voxels_and_three_digits(motor, search):
    """FSL numbers voxels from 0 and prints 3 significant digits of the peak."""
    data, _ = motor
    lines = ["Cluster Index\tVoxels\tMAX\tMAX X (vox)\tMAX Y (vox)\tMAX Z (vox)"]
    for n, voxels in enumerate(clusters(data, 2.3, 26, "positive", 20)):
        peak = voxels[data.ravel()[voxels].argmax()]
        ijk = np.unravel_index(peak, data.shape)
        lines.append("\t".join(map(str, [n, len(voxels), f"{data.ravel()[peak]:.3g}", *ijk])))
    _, found = search("\n".join(lines))
    [best] = fitting(found, 26, "positive", 2.3)[:1]
    assert len(best.claims) == len(lines) - 1 and not best.reading.changed and best.extent[0] < 20 <= best.extent[1]


@settings(deadline=None, max_examples=150)
@given(signed_maps, connectivities, signs, st.randoms(), st.booleans(), st.booleans(), st.integers(0, 3))
def test_the_settings_a_table_was_printed_with_are_among_those_found(
    tmp_path_factory, data, connectivity, sign, random, in_voxels, cut_off, decimals
):
    levels = np.unique(np.abs(data[data != 0])).astype(float)
    assume(len(levels))
    cutoff = random.choice([*levels, *(levels[:-1] + np.diff(levels) / 2)])
    extent = random.choice([1, 1, 2, 3])
    if not (data < 0).any() or not (data > 0).any():  # of one sign: there is but one setting
        assume(sign in ("positive", "negative"))
    found = clusters(data, cutoff, connectivity, sign, extent)
    assume(found)
    path = print_table(
        tmp_path_factory.getbasetemp() / "printed.tsv",
        *(data, AFFINE, found, random),
        unit="n_voxels" if in_voxels else "volume_mm3",
        decimals=decimals,
        cut_off=cut_off,
        values=random.random() < 0.8,
        sizes=random.random() < 0.8,
    )
    table = read_published(path, "table")
    fits = fitting(find_settings(table, data, AFFINE), connectivity, sign, cutoff)
    assert [one for one in fits if len(one.claims) == len(found) and one.extent[0] < extent <= one.extent[1]], (
        path.read_text()
    )
    assert not fits[0].unlisted and not fits[0].reading.changed


@settings(deadline=None, max_examples=60)
@given(signed_maps, connectivities, signs, st.randoms())
def test_whatever_is_found_gives_the_table(tmp_path_factory, data, connectivity, sign, random):
    """Every complete candidate, at its cutoff and with its extent, prints the sizes of the table."""
    levels = np.unique(np.abs(data[data != 0])).astype(float)
    assume(len(levels))
    found = clusters(data, random.choice(levels.tolist()), connectivity, sign, random.choice([1, 2]))
    assume(found)
    path = print_table(tmp_path_factory.getbasetemp() / "again.tsv", data, AFFINE, found, random)
    for one in find_settings(read_published(path, "table"), data, AFFINE).candidates:
        assert len(one.claims) == len(found) or one.reading.changed == ""
        if len(one.claims) == len(found) and not one.unlisted:
            again = clusters(data, one.cutoff, one.connectivity, one.sign, one.extent_at[1])
            assert sorted(map(len, again)) == sorted(map(len, found))
            assert len(clusters(data, one.cutoff, one.connectivity, one.sign, one.extent_at[0] + 1)) == len(found)


def test_two_settings_that_give_one_table_are_both_listed(tmp_path):
    data = np.zeros((9, 9, 9), np.float32)
    data[2:4, 2:4, 2:4], data[6, 6, 6], data[2, 2, 2] = 4, 3, 5
    (tmp_path / "t.tsv").write_text("x\ty\tz\tn_voxels\n2\t2\t2\t8\n6\t6\t6\t1\n", encoding="utf-8")
    table = read_published(tmp_path / "t.tsv", "table")
    found = find_settings(table, data, np.eye(4))
    assert {(one.connectivity, one.low, one.high) for one in found.candidates} == {(c, 0, 3) for c in (6, 18, 26)}
    assert verdict(table, found) == (
        "Reproduced exactly by 6, 18 or 26 neighbours, positive values alone and cutoffs in (0, 3], e.g. x ≥ 2."
    )


def test_where_the_map_has_a_larger_cluster_the_table_is_not_complete(tmp_path):
    data = np.zeros((12, 3, 3), np.float32)
    data[0:2, 0, 0] = 6, 5
    data[5:9, 0, 0] = 3, 3, 3, 2
    (tmp_path / "t.tsv").write_text("x\ty\tz\tn_voxels\n0\t0\t0\t2\n", encoding="utf-8")
    found = find_settings(read_published(tmp_path / "t.tsv", "table"), data, np.eye(4), connectivities=[26])
    assert [(one.low, one.high, one.unlisted) for one in found.candidates] == [(3, 5, 0), (0, 3, 1)]


def test_sub_peaks_bound_the_cutoff_from_above(tmp_path):
    data = np.zeros((9, 3, 3), np.float32)
    data[1:8, 1, 1] = 3, 6, 3, 2, 3, 5, 3
    rows = "x\ty\tz\tvalue\tcluster\n2\t1\t1\t6\t1\n6\t1\t1\t5\t{}\n"
    for cluster, interval in (("1", (0, 2)), ("2", (2, 5))):
        (tmp_path / "t.tsv").write_text(rows.format(cluster), encoding="utf-8")
        found = find_settings(read_published(tmp_path / "t.tsv", "table"), data, np.eye(4))
        assert {(one.low, one.high) for one in found.candidates if len(one.claims) == 2} == {interval}


def test_sub_peaks_are_not_blamed_for_the_row_of_their_cluster(tmp_path, motor):
    """nilearn's table of the embedded map: its largest cluster, which has three sub-peaks, altered in size or place."""
    text = (REPOSITORY / "config/published_table.csv").read_text(encoding="utf-8")
    for printed, altered, said in (("58563", "59400", "other size"), ("58.0,7.94", "98.0,7.94", "no peak nearby")):
        (tmp_path / "t.csv").write_text(text.replace(printed, altered), encoding="utf-8")
        table = read_published(tmp_path / "t.csv", "table")
        found = find_settings(table, *motor)
        assert rows_table(table, found, motor[1]).verdict.tolist() == [said] + ["exact"] * 10
        assert found.candidates[0].low < 3.1 <= found.candidates[0].high


def test_a_sub_peak_on_a_plateau_beside_another_cluster_with_its_value(tmp_path):
    """The voxel that is printed is no peak by itself; the nearest peak with its value is another cluster's."""
    data = np.zeros((9, 5, 3), np.float32)
    data[1:5, 1, 1] = 5, 4, 3, 3
    data[5, 2, 1] = 3
    rows = "x\ty\tz\tvalue\tn_voxels\tcluster\n1\t1\t1\t5\t4\t1\n4\t1\t1\t3\t\t1\n5\t2\t1\t3\t1\t2\n"
    (tmp_path / "t.tsv").write_text(rows, encoding="utf-8")
    best = find_settings(read_published(tmp_path / "t.tsv", "table"), data, np.eye(4)).candidates[0]
    assert (best.connectivity, best.high, best.reading.changed, len(best.claims)) == (6, 3, "", 3)


@settings(deadline=None, max_examples=60)
@given(tied_maps, connectivities, st.randoms())
def test_sub_peaks_of_tied_maps_are_found(tmp_path_factory, data, connectivity, random):
    levels = np.unique(data[data > 0]).astype(float)
    assume(len(levels))
    cutoff = random.choice(levels.tolist())
    found = clusters(data, cutoff, connectivity, "positive")
    path = tmp_path_factory.getbasetemp() / "maxima.tsv"
    n_rows = print_maxima(path, data, AFFINE, found, random)
    fits = fitting(find_settings(read_published(path, "table"), data, AFFINE), connectivity, "positive", cutoff)
    assert max(len(one.claims) for one in fits if not one.reading.changed) == n_rows, path.read_text()


def test_the_place_of_a_table_of_another_image_is_any_voxel_of_its_cluster(tmp_path):
    """AFNI's report of a threshold volume with the effect beside it: the largest effect is not where t is largest."""
    data = np.zeros((9, 5, 3), np.float32)
    data[1:6, 1, 1] = 3, 5, 4, 3.5, 2
    data[7, 3, 1] = -4
    header = ["#[ Supplement dat vol  = [1] 'vis#0_Coef' ]", "#[ Neighbor type, NN   = 1 ]", "#Volume  CM RL"]
    lines = ["   4 0 0 0 0 0 0 0 0 0 1.5 0.1 2.25 -4.0 -1.0 1.0", "   1 0 0 0 0 0 0 0 0 0 1 0 -1 -7.0 -3.0 1.0"]
    (tmp_path / "t.1D").write_text("\n".join(header + lines), encoding="utf-8")
    table = read_published(tmp_path / "t.1D", "table")
    found = find_settings(table, data, np.eye(4))
    best = found.candidates[0]
    assert (best.connectivity, best.sign, best.low, best.high) == (6, "apart", 2, 3)
    assert rows_table(table, found, np.eye(4)).verdict.tolist() == ["exact", "exact"]
    (tmp_path / "t.1D").write_text("\n".join(header + [line.replace("-4.0", "-6.0") for line in lines]))
    rows = rows_table(
        table := read_published(tmp_path / "t.1D", "table"), find_settings(table, data, np.eye(4)), np.eye(4)
    )
    assert rows.verdict[0] != "exact" and rows.verdict[1] == "exact"


def test_coordinates_alone_bound_the_cutoff(search, motor):
    _, found = search("// Reference=MNI\n-36 -19 19\n-21 41 46\n")
    best = found.candidates[0]
    assert len(best.claims) == 2 and max(one.high for one in found.candidates) == pytest.approx(3.4192073)


def test_a_map_without_voxels_and_a_table_that_is_elsewhere(tmp_path):
    (tmp_path / "t.tsv").write_text("x\ty\tz\tn_voxels\n200\t2\t2\t8\n", encoding="utf-8")
    table = read_published(tmp_path / "t.tsv", "table")
    for data in (np.zeros((3, 3, 3), np.float32), np.pad(np.ones((1, 1, 1), np.float32), 1)):
        found = find_settings(table, data, np.eye(4))
        assert not found.candidates
        assert verdict(table, found) == "No row of the table follows from this map under any setting tried."
        assert rows_table(table, found, np.eye(4)).verdict.tolist() == ["no peak nearby"]
        assert len(settings_table(table, found, stat_map_of(data))) == 0


@given(st.floats(1e-3, 50), st.floats(1e-6, 10))
def test_a_round_number_lies_inside(low, width):
    high = low + width
    assume(np.float32(low) < np.float32(high))
    number = round_number(low, high)
    assert low < number <= high and (number == high or low < float(np.float32(number)) <= high)


def test_round_numbers():
    assert [round_number(*ends) for ends in ((2.2996, 2.3026), (0, 5), (3.0898, 3.0921), (2.9, 3.1))] == [
        2.3,
        2,
        3.09,
        3,
    ]
    assert decimal(2.349, 1, True) == "2.3" and decimal(-2.35, 1) == "-2.4"
