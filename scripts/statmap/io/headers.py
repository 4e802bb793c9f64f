"""What the header and the name of an image say about it, and what in them is to be doubted."""

import re
from typing import Any

import nibabel as nib
import numpy as np

from .files import UserError

# NIfTI-1 intent codes (nifti1.h) by the name that the sample sheet has for them.
_INTENTS = {3: "t", 4: "F", 5: "z", 22: "p"}
# The entity `stat` of a statistical map of BIDS (fitlins, nilearn); other statistics are no test.
_ENTITIES = {"t": "t", "z": "z", "f": "F", "p": "p"}
UNITS = {1: "meter", 3: "micron"}  # the lower bits of xyzt_units that are not mm, or unknown
LARGEST_Z = 40  # beyond it a map is hardly one of z values
MOST_LABELS = 100  # distinct values up to which a map of whole numbers looks like labels
FAR_MM = 1.0  # apart, sform and qform no longer say the same


def statistic(
    header: nib.Nifti1Header, source: str, sheet: dict[str, Any], name: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """The statistic, degrees of freedom and space of a map: as the sheet has them, else the header, else the name.

    Parameters
    ----------
    header : of the image.
    source : its source, whose file name may have BIDS entities (``stat-t``, ``space-MNI152NLin2009cAsym``).
    sheet : ``stat``, ``df`` and ``space`` of the sample sheet, None where empty.
    name : what the map is called in an error.

    Returns
    -------
    found : ``stat`` (``other`` where nothing says it), ``df`` and ``space``.
    origin : of what the sheet leaves empty and something else says, where it is from: ``header`` or ``file name``.

    Raises
    ------
    UserError : the sheet contradicts the header.
    """
    said: dict[str, list[tuple[str, Any]]] = {"stat": [], "df": [], "space": []}
    code = int(header["intent_code"])
    if code in _INTENTS:
        said["stat"].append(("header", _INTENTS[code]))
        df = [float(header[f"intent_p{n}"]) for n in ((1,) if code == 3 else (1, 2) if code == 4 else ())]
        if df and all(np.isfinite(one) and one > 0 for one in df):
            said["df"].append(("header", df[0] if code == 3 else df))
    entities = dict(re.findall(r"(?:^|_)(stat|space)-([A-Za-z0-9]+)(?=[_.])", re.split(r"[/:]", source)[-1]))
    if entities.get("stat", "").lower() in _ENTITIES:
        said["stat"].append(("file name", _ENTITIES[entities["stat"].lower()]))
    if "space" in entities:
        said["space"].append(("file name", entities["space"]))
    found, origin = {}, {}
    for key, options in said.items():
        own = sheet[key]
        for where, value in options:
            if key != "space" and own is not None and own != value and (where == "header" or key == "stat"):
                raise UserError(
                    f"{name}: column {key} of the sample sheet is {own}, but the {where} of {source} says {value}; "
                    f"accepted: {value}, an empty cell, or a file that says otherwise"
                )
        if own is None and options:
            origin[key], own = options[0]
        found[key] = own
    found["stat"] = found["stat"] or "other"
    return found, origin


def doubts(header: nib.Nifti1Header, shape: tuple[int, ...], data: np.ndarray, stat: str) -> list[str]:
    """What makes results surprising without making them wrong, one line each.

    Parameters
    ----------
    header : of the image, as it was fetched.
    shape : (i, j, k).
    data : (i, j, k) array, finite.
    stat : what the values are.
    """
    found = []
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if not sform and not qform:
        found.append("the header has no orientation (sform and qform codes 0): positions, left and right are guesses")
    elif sform and qform:
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1).T
        both = [nib.affines.apply_affine(form, corners) for form in (header.get_sform(), header.get_qform())]
        apart = float(np.linalg.norm(both[0] - both[1], axis=1).max())
        if apart > FAR_MM:
            found.append(f"sform and qform of the header are up to {apart:.1f} mm apart; the sform is used")
    unit = UNITS.get(int(header["xyzt_units"]) & 7)
    if unit:
        found.append(f"the header gives lengths in {unit}s; they are taken as mm")
    some = data[data != 0]
    if some.size and stat == "z" and np.abs(some).max() > LARGEST_Z:
        found.append(f"values up to {np.abs(some).max():.4g} for stat: z; is it a z-map?")
    if some.size and (some == np.round(some)).all() and len(distinct := np.unique(some)) <= MOST_LABELS:
        found.append(f"only {len(distinct)} distinct values, all whole numbers: labels or a mask, not a statistic?")
    return found
