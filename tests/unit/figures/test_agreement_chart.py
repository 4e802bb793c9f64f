import pytest
from drawn import collisions, pixels, words
from scenes import LONG

from statmap.figures.agreement_chart import dice_figure


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


def test_where_no_variant_keeps_a_voxel_there_is_a_sentence():
    page = dice_figure(agreement(["a", "b"], ["a", "b"]), ["a", "b"], "motor", "agreement")
    assert words(page) == ["motor", "agreement", "No variant keeps a voxel: there is nothing to compare."]
