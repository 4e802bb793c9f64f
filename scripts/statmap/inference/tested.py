"""Which voxels of a map were tested, and which values they have."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..distributions import P_FORMS
from ..io.files import UserError
from ..io.images import infinite_values, replace_infinite, replace_nonfinite
from ..io.log import log
from .p_maps import smallest_p
from .thresholded import gap_around_zero

ROUNDED = 1e-4  # of the largest value: a background below it is the 0 of integers with a scale and an offset
FILLING = 0.5  # share of the border that one value has to exceed: no statistic takes a value so often


def border_value(data: np.ndarray) -> float | None:
    """The value that fills the border of a volume: that of more than half of the voxels of its six faces.

    Parameters
    ----------
    data : (i, j, k) float array. An axis of one or two voxels has no faces: all of it would be border.

    Returns
    -------
    float, which may be NaN; None where no value does.
    """
    border = np.concatenate([face.ravel() for face in _faces(data)] or [np.empty(0)])
    values, counts = np.unique(border, return_counts=True)  # NaN is one value
    if not border.size or counts.max() <= FILLING * border.size:
        return None
    return float(values[counts.argmax()])


def _faces(data):
    axes = [axis for axis in range(3) if data.shape[axis] > 2]
    return [data.take(index, axis) for axis in axes for index in (0, -1)]


def outside_of(data: np.ndarray, stat: str) -> tuple[np.ndarray, float | None]:
    """Voxels of a map that were never tested, as far as the map itself tells.

    They are NaN, 0, or the value that fills the border. In a map of p, where p = 1 is a result as well, only those of
    them that reach the border through others count; and where the border is filled with something else than 0, 0 is a
    result too.

    Parameters
    ----------
    data : (i, j, k) float array.
    stat : what the values are, as the sample sheet calls it.

    Returns
    -------
    outside : (i, j, k) bool.
    background : the value that fills the border, which may be 0 or NaN; None where none does.
    """
    outside = np.isnan(data) | (data == 0)
    value = border_value(data)
    if value is None or value == 0:
        return outside, value
    if stat in P_FORMS and not any((face == 0).any() for face in _faces(data)):
        outside &= data != 0
    same = data == value
    if (outside | same).all() and not np.isnan(value):  # a map of one value has no background
        return outside, None
    return outside | (reaching_border(same) if stat in P_FORMS else same), value


def reaching_border(voxels: np.ndarray) -> np.ndarray:
    """Those set voxels of an (i, j, k) bool array from which set ones lead, across faces, to a face of the volume."""
    import cc3d

    labels = cc3d.connected_components(voxels, connectivity=6)
    faces = [np.unique(face) for face in _faces(labels)]
    return voxels & np.isin(labels, np.unique(np.concatenate(faces))) if faces else voxels


def enclosed(outside: np.ndarray) -> np.ndarray:
    """Voxels of an (i, j, k) bool array that lie within the others: no way through set voxels leads to a face."""
    return outside & ~reaching_border(outside)


class Values(NamedTuple):
    """The values of a map as the analysis takes them.

    Attributes
    ----------
    finite : (i, j, k) float array: NaN and background 0, infinite values replaced.
    inside : (i, j, k) bool, the mask: that of the sheet, or the voxels that were tested.
    tested : (i, j, k) bool, those of them that have a value; of a map of p 0 may be one.
    gap : the smallest magnitude of a map that was thresholded before, see `gap_around_zero`; None for a whole map.
    background : the value that fills the border and was taken for background, where it is neither 0 nor NaN.
    infinite : number of infinite values.
    warnings : about background, infinite values and p values of 0.
    """

    finite: np.ndarray
    inside: np.ndarray
    tested: np.ndarray
    gap: float | None
    background: float | None
    infinite: int
    warnings: list[str]


def values_of(data: np.ndarray, mask: np.ndarray | None, facts: Mapping[str, Any], name: str) -> Values:
    """Which voxels of a map were tested, and their values.

    Parameters
    ----------
    data : (i, j, k) float array as fetched.
    mask : (i, j, k) bool, the mask of the sheet, or None.
    facts : ``stat``, ``df`` and ``corrected`` of the map, see `declared.statistic`.
    name : what the map is called in errors and in the log.

    Raises
    ------
    UserError : infinite p values.
    """
    stat = facts["stat"]
    infinite, nan = np.isinf(data), np.isnan(data)
    if infinite.any() and stat in ("p", "1-p"):
        raise UserError(f"{name}: stat {stat}, but {np.count_nonzero(infinite)} infinite values; accepted: 0 to 1")
    warnings = []
    outside, background = outside_of(data, stat)
    if background is not None:
        log.info("%s: %g fills the border of the volume: background", name, background)
    inside = ~outside if mask is None else mask
    tested = inside & ~nan
    # A whole map may be strong everywhere within a mask, so values beyond it count here too; p beyond it is filled in
    evidence = tested & (data != 0) if stat in P_FORMS else ~outside
    gap = None if facts["corrected"] else gap_around_zero(data[evidence], stat, facts["df"])
    zeros = np.count_nonzero(tested & (data == 0)) if stat == "p" else 0
    if zeros and gap is not None:  # the map was thresholded: its zeros are no p of 0
        tested &= data != 0
        inside = tested if mask is None else inside
    elif zeros:
        warnings.append(
            f"{zeros} voxels have p = 0, which no test gives: they count as p = {smallest_p(data[tested]):.3g}, the "
            "smallest that this map can tell apart"
        )
    elif stat == "p" and (surrounded := np.count_nonzero((data == 0) & enclosed(outside))):
        warnings.append(
            f"{surrounded} voxels with p = 0 lie within tested ones and count as background; with a mask they would "
            "count as the smallest p: give the one that was tested in column mask"
        )
    finite = replace_nonfinite(replace_infinite(data, tested))[0]
    warnings += infinite_values(data, finite)
    finite = np.where(outside & ~inside, finite.dtype.type(0), finite)
    if mask is None and stat not in P_FORMS:
        inside = tested = finite != 0
    if nan.any():
        surrounded = np.count_nonzero(nan & enclosed(outside))
        log.info("%s: %d NaN voxels outside the brain are background", name, np.count_nonzero(nan) - surrounded)
        if surrounded:
            warnings.append(f"{surrounded} NaN voxels lie within voxels that have values; they count as background")
    constant = background if mask is None and background and not np.isnan(background) else None
    if constant is not None and abs(constant) > ROUNDED * np.abs(finite).max():
        count = np.count_nonzero(outside & (data == constant))
        warnings.append(
            f"{count} voxels have the value {constant:g}, which fills the border of the volume: they are background; "
            "give a mask if they are not"
        )
    return Values(finite, inside, tested, gap, constant, int(np.count_nonzero(infinite)), warnings)
