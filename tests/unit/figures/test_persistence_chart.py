import numpy as np
import pytest
from drawn import collisions, words
from scenes import LONG

from statmap.figures.files import save
from statmap.figures.page import Lines, Text
from statmap.figures.persistence_chart import MOST_BARS, persistence_figure


def bars(n, atlas=False):
    label = {"aal_peak": "Supplementary motor area, a name that is far too long"} if atlas else {}
    return [
        {"sign": ("positive", "negative")[rank % 2], "birth": birth, "death": death, "parent": rank}
        | {"x": -40.0 + rank, "y": -110.0, "z": 61.0}
        | label
        for rank, (birth, death) in enumerate(zip(np.linspace(8, 3, n), np.linspace(2, 2.9, n), strict=True))
    ]


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
    assert "−7.87" in written  # the second bar is a negative peak


def test_only_lines_that_are_drawn_are_named():
    cutoffs = {"low": 1.0, "v3": 3.0, "beyond": 40.0, "none": np.inf, "v4": 4.0}
    written = words(persistence_figure(bars(12), cutoffs, "motor"))
    assert any("Lines: cutoffs of 1 v3, 2 v4." in word for word in written)
    assert {"1", "2"} <= set(written) and "3" not in written[:20]


def test_the_same_chart_is_the_same_file(tmp_path):
    for name in ("a.png", "b.png"):
        save(persistence_figure(bars(12), {"v3": 3.0}, "motor"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_values_stand_apart_from_the_cutoffs():
    """In a column of their own: beside a dashed line a minus sign would be lost."""
    cutoffs = {f"v{n}": cutoff for n, cutoff in enumerate(np.linspace(2.9, 7.9, 30))}
    page = persistence_figure(bars(30), cutoffs, "motor")
    values = [item.left for item in page.items if isinstance(item, Text) and item.text in ("−7.83", "−3")]
    dashed = [item for item in page.items if isinstance(item, Lines) and item.style == "dashed"]
    assert len(values) == 2 and max(line[0, 0] for item in dashed for line in item.lines) < min(values)


def test_without_a_peak_there_is_a_sentence():
    page = persistence_figure([], {"v3": 3.0}, "motor", "peaks")
    assert words(page) == ["motor", "peaks", "No peak above the lowest cutoff."]
