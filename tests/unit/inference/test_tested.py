"""Which voxels of a map were tested: its background, its holes, what is infinite and what is p = 0."""

import logging

import numpy as np
import pytest

from statmap.inference.tested import border_value, enclosed, reaching_border, values_of
from statmap.io.files import UserError

SHAPE = (12, 14, 13)
BRAIN = np.zeros(SHAPE, bool)
BRAIN[2:-2, 2:-2, 2:-2] = True
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=SHAPE).astype(np.float32)
P = RNG.uniform(0.001, 0.999, SHAPE).astype(np.float32)
NAN = np.float32(np.nan)


def said(stat, corrected=None, df=None):
    return {"stat": stat, "corrected": corrected, "df": df}


def of(data, stat="z", mask=None, **more):
    return values_of(data, mask, said(stat, **more), "map 'm'")


# ------------------------------------------------------------------------------------------------------ what is outside
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, np.nan, 0.5, 99.0])
def test_the_value_that_fills_the_border(value):
    found = border_value(np.where(BRAIN, NOISE, np.float32(value)))
    assert found == value or (np.isnan(found) and np.isnan(value))
    cut = np.where(BRAIN, NOISE, np.float32(value))
    cut[:, :, 0] = NOISE[:, :, 0]  # a brain that leaves the volume below
    assert border_value(cut) == value or np.isnan(value)
    assert border_value(NOISE) is None


def test_an_axis_of_one_or_two_voxels_has_no_border():
    assert border_value(np.full((1, 2, 2), 3.0)) is None
    plane = np.full((9, 9, 1), 3.0)
    plane[1:-1, 1:-1] = NOISE[:7, :7, :1]
    assert border_value(plane) == 3
    assert enclosed(plane != 3).sum() == 49 and enclosed(plane == 3).sum() == 0


@pytest.mark.parametrize("stat", ["z", "t", "F", "p", "1-p", "log10p", "other"])
@pytest.mark.parametrize("background", [0.0, 1.0, np.nan])
def test_a_constant_background_is_outside_whatever_it_is(stat, background):
    data = P if stat in ("p", "1-p") else np.abs(NOISE) if stat in ("log10p", "F") else NOISE
    found = of(np.where(BRAIN, data, np.float32(background)), stat)
    assert (found.inside == BRAIN).all() and (found.finite[~BRAIN] == 0).all()
    assert (found.finite[BRAIN] == data[BRAIN]).all()
    assert found.background == (1.0 if background == 1 else None)
    said = [text for text in found.warnings if "fills the border" in text]
    count = np.count_nonzero(~BRAIN)
    told = f"{count} voxels have the value 1, which fills the border of the volume: they are background; "
    assert said == ([f"{told}give a mask if they are not"] if background == 1 else [])
    assert len(found.warnings) == len(said)


def test_0_that_a_scale_and_an_offset_made_something_else_is_background_without_a_word():
    data = np.where(BRAIN, NOISE, np.float32(-2e-5))
    data[5, 5, 5] = -2e-5
    found = of(data)
    assert found.warnings == [] and found.background == np.float32(-2e-5)
    assert found.inside.sum() == BRAIN.sum() - 1 and not found.finite[~BRAIN].any()


@pytest.mark.parametrize("background", [0.0, 1.0, np.nan])
def test_background_is_a_line_of_the_log(background, caplog):
    with caplog.at_level(logging.INFO, "statmap"):
        of(np.where(BRAIN, P, np.float32(background)), "p")
    assert f"map 'm': {background:g} fills the border of the volume: background" in caplog.messages


def test_p_of_1_within_the_brain_was_tested_and_minus_1_within_a_z_map_was_not():
    data = np.where(BRAIN, P, np.float32(1))
    data[5:7, 5:7, 5:7] = 1
    assert (of(data, "p").inside == BRAIN).all()
    data = np.where(BRAIN, NOISE, np.float32(-1))
    data[5:7, 5:7, 5:7] = -1
    inside = BRAIN.copy()
    inside[5:7, 5:7, 5:7] = False
    assert (of(data, "z").inside == inside).all()


@pytest.mark.parametrize("value", [1.0, 7.0])
def test_a_map_of_one_value_has_no_background(value):
    """Nothing would be left."""
    for data in (np.full(SHAPE, value), np.where(BRAIN, value, 0.0), np.where(BRAIN, value, np.nan)):
        found = of(data, "other")
        assert (found.inside == (data == value)).all() and found.warnings == []


def test_a_mask_of_the_sheet_decides():
    data = np.where(BRAIN, P, np.float32(1))
    mask = np.zeros(SHAPE, bool)
    mask[1:-1, 1:-1, 1:-1] = True
    found = of(data, "p", mask)
    assert (found.inside == mask).all() and (found.tested == mask).all() and found.warnings == []
    assert (found.finite[mask] == data[mask]).all()


def test_what_is_enclosed():
    hole = BRAIN.copy()
    hole[5, 5, 5] = hole[6, 5, 5] = False
    assert enclosed(~hole).sum() == 2 and reaching_border(~hole).sum() == (~BRAIN).sum()
    tunnel = BRAIN.copy()
    tunnel[5, 5, 2:] = False
    assert enclosed(~tunnel).sum() == 0
    corner = BRAIN.copy()
    corner[2, 2, 2] = corner[3, 3, 3] = False  # touches its neighbour by a corner only
    assert enclosed(~corner).sum() == 1


# ---------------------------------------------------------------------------------------------------------------- NaN
def test_nan_outside_the_brain_is_a_line_of_the_log(caplog):
    for outer in (NAN, np.float32(0)):
        data = np.where(BRAIN, NOISE, outer)
        data[0, 0, :5] = np.nan
        caplog.clear()
        with caplog.at_level(logging.INFO, "statmap"):
            found = of(data)
        assert found.warnings == []
        assert f"{np.count_nonzero(np.isnan(data))} NaN voxels outside the brain are background" in caplog.text


@pytest.mark.parametrize("outer", [0.0, np.nan, 1.0])
@pytest.mark.parametrize("stat", ["z", "p"])
@pytest.mark.parametrize("with_mask", [False, True])
def test_nan_within_values_is_warned_of(outer, stat, with_mask):
    data = np.where(BRAIN, P, np.float32(outer))
    data[5:7, 5, 5] = np.nan
    data[8, 8, 8] = np.nan
    found = of(data, stat, BRAIN if with_mask else None)
    assert [text for text in found.warnings if "NaN" in text] == [
        "3 NaN voxels lie within voxels that have values; they count as background"
    ]
    assert (found.tested == (BRAIN & ~np.isnan(data))).all() and (found.finite[np.isnan(data)] == 0).all()


# ----------------------------------------------------------------------------------------------------------- infinite
@pytest.mark.parametrize("stat", ["z", "t", "F", "log10p", "other"])
def test_infinite_values_count_as_the_most_extreme_finite_one(stat):
    data = np.where(BRAIN, np.abs(NOISE), np.float32(0))
    data[4, 4, 4:6] = np.inf
    found = of(data, stat)
    assert (
        found.infinite == 2 and (found.finite[4, 4, 4:6] == np.abs(NOISE)[found.inside & (data < np.inf)].max()).all()
    )
    assert found.warnings == [
        "2 infinite values count as the most extreme finite value of their sign, "
        f"{found.finite.max():.6g}"
    ]  # fmt: skip
    assert (found.inside == BRAIN).all()


def test_infinite_values_of_both_signs_and_a_mask():
    data = NOISE.copy()
    data[5, 5, 5], data[6, 6, 6], data[0, 0, 0] = np.inf, -np.inf, 80
    found = of(data, "z", BRAIN)
    within = NOISE[BRAIN & np.isfinite(data)]
    assert found.finite[5, 5, 5] == within.max() and found.finite[6, 6, 6] == within.min()
    assert found.finite[0, 0, 0] == 80  # what lies outside the mask is set to 0 when the map is read


def test_infinite_values_without_a_finite_one_of_their_sign():
    data = np.where(BRAIN, -np.abs(NOISE), np.float32(0))
    data[5, 5, 5] = np.inf
    assert of(data).finite[5, 5, 5] == -data.min()
    nothing = np.zeros(SHAPE)
    nothing[5, 5, 5] = np.inf
    assert not of(nothing).finite.any() and not of(nothing).inside.any()


@pytest.mark.parametrize("stat", ["p", "1-p"])
def test_infinite_p_is_refused(stat):
    data = P.copy()
    data[5, 5, 5] = np.inf
    with pytest.raises(UserError, match=f"^map 'm': stat {stat}, but 1 infinite values; accepted: 0 to 1"):
        of(data, stat)


# ------------------------------------------------------------------------------------------------------------- p of 0
def test_p_of_0_in_a_mask_was_tested():
    data = np.where(BRAIN, np.ceil(P * 1000) / 1000, 0).astype(np.float32)
    data[5:7, 5:7, 5:7] = 0
    found = of(data, "p", BRAIN)
    assert (found.tested == BRAIN).all()
    assert found.warnings == [
        "8 voxels have p = 0, which no test gives: they count as p = 0.001, the smallest that this map can tell apart"
    ]


@pytest.mark.parametrize("outer", [1.0, np.nan])
def test_p_of_0_where_something_else_fills_the_border(outer):
    data = np.where(BRAIN, P, np.float32(outer))
    data[5, 5, 5:8] = 0
    found = of(data, "p")
    assert (found.tested == BRAIN).all() and any(text.startswith("3 voxels have p = 0") for text in found.warnings)


def test_p_of_0_without_a_mask_is_warned_of_where_it_is_enclosed():
    data = np.where(BRAIN, P, np.float32(0))
    data[5:7, 5:7, 5:7] = 0
    found = of(data, "p")
    assert found.tested.sum() == BRAIN.sum() - 8
    assert found.warnings == [
        "8 voxels with p = 0 lie within tested ones and count as background; with a mask they would count as the "
        "smallest p: give the one that was tested in column mask"
    ]
    assert of(np.where(BRAIN, P, np.float32(0)), "p").warnings == []
    for stat in ("1-p", "log10p", "z"):
        assert of(data, stat).warnings == []


def test_zeros_that_a_threshold_left_are_no_p_of_0():
    data = np.where(BRAIN & (P < 0.05), P, np.float32(0))
    found = of(data, "p", BRAIN)
    assert found.gap is not None and (found.tested == (data != 0)).all()
    assert not [text for text in found.warnings if "p = 0" in text]


def test_nan_in_the_mask_of_a_p_map_is_no_p_of_any_kind():
    for stat in ("p", "1-p", "log10p"):
        data = P.copy()
        data[3, 3, 3:5] = np.nan
        found = of(data, stat, BRAIN)
        assert (found.tested == (BRAIN & ~np.isnan(data))).all() and (found.inside == BRAIN).all()
