from itertools import pairwise

import numpy as np
import pytest
from drawn import collisions, pixels, words
from hypothesis import given, settings
from hypothesis import strategies as st

from statmap.figures.agreement_chart import dice_figure
from statmap.figures.axis import merge_labels, ranges, ticks
from statmap.figures.files import save
from statmap.figures.persistence_chart import MOST_BARS, persistence_figure
from statmap.figures.sweep_chart import sweep_figure
from statmap.figures.text import text_width

LONG = "a-map-with-a-very-long-name " * 20, "unbreakable" * 60


def grid(cutoffs, sizes, settings_=((6, "merged"),)):
    rows = [
        (connectivity, signs, cutoff, size, max(int(40 / cutoff - size / 300), 0), 9e4 / cutoff * (size < 4000))
        for connectivity, signs in settings_
        for cutoff in cutoffs
        for size in sizes
    ]
    names = ["connectivity", "signs", "cutoff", "min_region_size", "n_regions", "largest_mm3"]
    return [dict(zip(names, row, strict=True)) for row in rows]


def variants(*rows):
    names = ["variant", "cutoff", "min_region_size", "connectivity", "signs"]
    return [dict(zip(names, row, strict=True)) | {"sided": "two"} for row in rows]


def bars(n, atlas=False):
    label = {"aal_peak": "Supplementary motor area, a name that is far too long"} if atlas else {}
    return [
        {"sign": ("positive", "negative")[rank % 2], "birth": birth, "death": death, "parent": rank}
        | {"x": -40.0 + rank, "y": -110.0, "z": 61.0}
        | label
        for rank, (birth, death) in enumerate(zip(np.linspace(8, 3, n), np.linspace(2, 2.9, n), strict=True))
    ]


def agreement(names, empty=()):
    rows = [
        (
            a,
            b,
            0 if a in empty else 9,
            0 if b in empty else 9,
            None if {a, b} <= set(empty) else 0.25 * ({a, b}.isdisjoint(empty)),
        )
        for rank, a in enumerate(names)
        for b in names[rank + 1 :]
    ]
    names = ["variant_a", "variant_b", "voxels_a", "voxels_b", "dice"]
    return [dict(zip(names, row, strict=True)) for row in rows]


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


@pytest.mark.parametrize(
    ("n", "atlas", "title"),
    [(0, False, LONG), (1, False, ("motor", "peaks")), (12, True, LONG), (400, True, ("motor", "peaks"))],
)
def test_persistence_figures_are_legible(n, atlas, title):
    cutoffs = {"p97": 2.6, "v3": 3.0, "v3.01": 3.01, "strict": 4.5, "beyond": 40.0, "none": np.inf}
    assert collisions(persistence_figure(bars(n, atlas), cutoffs, *title, units="t")) == []
    many = {f"variant-{rank}": cutoff for rank, cutoff in enumerate(np.linspace(2, 8, 50))}
    assert collisions(persistence_figure(bars(n, atlas), many, *title)) == []


def test_bars_are_named_by_their_peaks_and_keep_their_signs():
    written = words(persistence_figure(bars(40), {"v3": 3.0}, "motor"))
    assert "−40, −110, 61" in written and "8" in written
    assert sum(word.endswith("−110, 61") for word in written) == MOST_BARS
    assert any("10 shorter bars" in word and "1 v3" in word for word in written)
    assert any(word.startswith("−7.87") for word in written)  # the second bar is a negative peak


@pytest.mark.parametrize(
    ("n", "title"), [(1, LONG), (2, ("motor", "agreement")), (8, LONG), (50, ("motor", "agreement"))]
)
def test_dice_figures_are_legible(n, title):
    names = [f"a-long-name-for-the-variant-{rank}" * (1 + rank % 2) for rank in range(n)]
    assert collisions(dice_figure(agreement(names, names[:2]), names, *title)) == []


def test_what_cannot_be_compared_is_shown_as_such():
    figure = dice_figure(agreement(["a", "b", "c", "d"], ["c", "d"]), ["a", "b", "c", "d"], "motor")
    written = words(figure)
    assert (written.count("–"), written.count("0.25"), written.count("0.00"), written.count("1.00")) == (4, 2, 8, 2)
    assert any("neither variant keeps a voxel" in word for word in written)
    assert (pixels(figure) == 0xEC).all(axis=-1).sum() > 4 * 50**2  # four grey cells


def test_one_variant_has_nothing_to_be_compared_with():
    assert any("nothing to compare" in word for word in words(dice_figure(agreement(["a"]), ["a"], "motor")))


@settings(deadline=None, max_examples=50)
@given(st.floats(-100, 100), st.floats(0.01, 1000))
def test_ticks_are_few_and_inside(low, width):
    found = ticks(low, low + width)
    assert 2 <= len(found) <= 9
    assert found[0] >= low - 1e-6 * width and found[-1] <= low + width + 1e-6 * width


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 100), max_size=20))
def test_merged_labels_stand_apart(places):
    merged = merge_labels([(place, n) for n, place in enumerate(places, start=1)], 6)
    ends = [(place - text_width(word, 6, True) / 2, place + text_width(word, 6, True) / 2) for place, word in merged]
    assert all(left[1] + 2 <= right[0] + 1e-9 for left, right in pairwise(ends))
    assert bool(merged) == bool(places)


@pytest.mark.parametrize(
    ("numbers", "written"), [([3], "3"), ([2, 1], "1–2"), ([1, 3, 4, 5, 9], "1, 3–5, 9"), ([1, 3, 5, 7], "1, 3, 5 …")]
)
def test_merged_numbers_are_written_asranges(numbers, written):
    assert ranges(numbers) == written


def test_the_same_chart_is_the_same_file(tmp_path):
    for name in ("a.png", "b.png"):
        save(persistence_figure(bars(12), {"v3": 3.0}, "motor"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
