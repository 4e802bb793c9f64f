import numpy as np
import pytest
from drawn import collisions, pixels, words
from scenes import LONG

from statmap.figures.sweep_chart import sweep_figure


def grid(cutoffs, sizes, settings_=((6, "merged"),)):
    rows = [
        (
            connectivity,
            signs,
            str(cutoff),
            cutoff,
            size,
            max(int(40 / cutoff - size / 300), 0),
            9e4 / cutoff * (size < 4000),
        )
        for connectivity, signs in settings_
        for cutoff in cutoffs
        for size in sizes
    ]
    names = ["connectivity", "signs", "threshold", "cutoff", "min_region_size", "n_regions", "largest_mm3"]
    return [dict(zip(names, row, strict=True)) for row in rows]


def variants(*rows):
    names = ["variant", "cutoff", "min_region_size", "connectivity", "signs"]
    return [dict(zip(names, row, strict=True)) | {"sided": "two"} for row in rows]


THREE = variants(("p97", 2.6, 1500, 6, "merged"), ("v3", 3.0, 1500, 6, "merged"), ("far", 30.0, 0, 26, "split"))


@pytest.mark.parametrize(
    "sweep",
    [
        grid([3.0], [0]),
        grid([2.0, 2.6, 3.0, 5.0], [0, 500, 1500, 5000]),
        grid(np.linspace(1.5, 7, 100), [0, 1500], [(c, s) for c in (6, 18, 26) for s in ("merged", "split")]),
        grid([2.0, 3.0], np.arange(0, 8000, 200)),
        grid([90.0, 91.0], [5000]),
    ],
    ids=["one point", "coarse", "fine", "many sizes", "no region anywhere"],
)
def test_sweep_figures_are_legible(sweep):
    assert collisions(sweep_figure(sweep, THREE, *LONG, units="t")) == []
    assert collisions(sweep_figure(sweep, [], "motor")) == []


def test_a_sweep_shows_its_numbers_and_its_variants():
    sweep = grid([2.0, 2.6, 3.0, 5.0], [0, 500, 1500])
    written = words(sweep_figure(sweep, THREE, "motor"))
    for point in sweep:
        assert str(point["n_regions"]) in written
    assert any("1 p97, 2 v3." in word and "Not on this grid: far." in word for word in written)
    boxed = [word for word in written if word in ("1", "2", "3", "1, 2")]
    assert len([word for word in boxed if word in ("1", "1, 2")]) >= 2  # once a heat map


def test_a_variant_is_marked_at_its_cutoff_in_its_row():
    """Between the columns of the grid's 2 and 4, a third of the way from 3 to 4."""
    sweep = grid([2.0, 3.0, 4.0], [0, 1500])
    plain, marked = (
        pixels(sweep_figure(sweep, table, "motor"))
        for table in (variants(("v", 99.0, 1500, 6, "merged")), variants(("v", 3.333, 1400, 6, "merged")))
    )
    scale = 150 / 72
    small_print = int(20 * scale)
    rows, columns = np.nonzero((plain != marked).any(axis=-1)[:-small_print])
    first = (columns < plain.shape[1] / 2) & (rows < 90 * scale)  # of the heat maps
    left, cell = (6 + 34) * scale, 180 / 3 * scale
    assert columns[first].mean() == pytest.approx(left + (1 + 1 / 3 + 0.5) * cell, abs=2)
    assert np.ptp(rows[first]) < 20 * scale


def test_settings_that_find_the_same_share_a_heat_map():
    cutoffs, sizes = [2.0, 3.0, 4.0], [0, 1500]
    alike = words(sweep_figure(grid(cutoffs, sizes, [(6, "merged"), (6, "split")]), [], "motor"))
    assert "number of regions: 6 neighbours, signs merged or split" in alike
    other = grid(cutoffs, sizes, [(6, "merged"), (26, "merged")])
    other[-1]["n_regions"] += 1
    apart = words(sweep_figure(other, [], "motor"))
    assert {f"number of regions: {n} neighbours, signs merged" for n in (6, 26)} <= set(apart)


def test_where_the_size_makes_no_difference_the_settings_are_the_rows():
    sweep = grid([2.0, 3.0], [0, 500], [(6, "merged"), (26, "merged"), (18, "merged")])
    for rank, point in enumerate(sweep):
        point["largest_mm3"] = 1000 * point["connectivity"]
        point["n_regions"] = rank
    written = words(sweep_figure(sweep, [], "motor"))
    assert "largest region (cm³), any smallest size" in written
    assert {"6 merged", "18 merged", "26 merged"} <= set(written)


def test_a_variant_that_tests_other_signs_has_an_axis_of_its_own():
    sweep = grid([2.0, 3.0, 4.0], [0, 1500])
    [row] = variants(("greater", 3.0, 1500, 6, "merged"))
    for sided, axis in (("two", None), ("positive", "cutoff on t, positive values only")):
        page = sweep_figure(sweep, [row | {"sided": sided}], "motor", units="t")
        assert collisions(page) == []
        assert ("cutoff on t, positive values only" in words(page)) == (axis is not None)
        assert any("1 greater." in word for word in words(page))


def test_thresholds_that_are_no_plain_values_have_letters_on_the_axis():
    sweep = grid([2.0, 2.5, 3.0, 3.01, 4.0, 6.0], [0, 1500])
    for point in sweep:
        point["threshold"] = {2.5: "fdr=0.05", 3.0: "p=0.001", 3.01: "97%"}.get(point["cutoff"], point["threshold"])
    page = sweep_figure(sweep, THREE, "motor")
    assert collisions(page) == []
    written = words(page)
    assert any("On the axis: a fdr=0.05 (2.5), b p=0.001 (3), c 97% (3.01)." in word for word in written)
    assert written.count("a") == written.count("b") + written.count("b, c") + written.count("b–c") >= 2
    assert not any("On the axis" in word for word in words(sweep_figure(grid([2.0, 3.0], [0]), THREE, "motor")))


def test_a_threshold_may_have_a_cutoff_in_every_setting():
    """As a true discovery proportion has, whose clusters depend on the neighbours."""
    apart = {6: 2.4, 26: 2.75}
    sweep = grid([2.0, 2.5, 3.0], [0, 1500], [(6, "split"), (26, "split")])
    for point in sweep:
        if point["cutoff"] == 2.5:
            point |= {"threshold": "tdp=0.7", "cutoff": apart[point["connectivity"]]}
    page = sweep_figure(sweep, [], "motor")
    assert collisions(page) == []
    assert any("a tdp=0.7 (2.4 to 2.75)." in word for word in words(page))
    assert words(page).count("a") == 4


def test_a_threshold_far_from_the_values_leaves_their_ticks_alone():
    sweep = grid([2.0, 3.0, 4.0, 20.0], [0])
    for point in sweep:
        point["threshold"] = {20.0: "fwe=0.05"}.get(point["cutoff"], point["threshold"])
    assert {"2", "2.5", "3", "3.5", "4", "a"} <= set(words(sweep_figure(sweep, [], "motor")))


def test_a_threshold_that_nothing_reaches_has_no_place_on_the_axis():
    sweep = grid([2.0, 3.0], [0, 1500])
    out = {"threshold": "fdr=0.05", "cutoff": np.inf, "n_regions": 0, "largest_mm3": 0.0}
    page = sweep_figure(sweep + [point | out for point in sweep[:2]], THREE, "motor")
    assert collisions(page) == [] and not any("inf" in word or "On the axis" in word for word in words(page))
    assert any("Reached by no value: fdr=0.05." in word for word in words(page))
    assert collisions(sweep_figure([point | out for point in sweep[:2]], THREE, "motor")) == []


def test_close_thresholds_have_labels_of_their_own():
    sweep = grid([3.0, 3.001, 3.002, 3.003, 3.004], [0, 500])
    page = sweep_figure(sweep, [], "motor")
    assert collisions(page) == []
    axis = [word for word in words(page) if word.startswith("3")]
    assert "3.002" in axis and "3.004" in axis
    assert axis.count("3") == axis.count("3.002")  # once a heat map
