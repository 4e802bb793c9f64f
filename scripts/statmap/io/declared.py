"""What the header and the name of an image say about it (standard library only: the config reads them as well)."""

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from .files import UserError
from .spaces import same_space

# NIfTI-1 intent codes (nifti1.h) by the name that the sample sheet has for them.
_INTENTS = {3: "t", 4: "F", 5: "z", 22: "p"}
_PARAMETERS = {"t": 1, "F": 2}  # degrees of freedom
# The entity `stat` of a statistical map of BIDS (fitlins, nilearn); other statistics are no test.
_ENTITIES = {"t": "t", "z": "z", "f": "F", "p": "p"}


class Intent(NamedTuple):
    """The intent of a NIfTI header: its ``code`` (0 for none) and its first two ``parameters``."""

    code: int = 0
    parameters: tuple[float, float] = (0.0, 0.0)


def intent_of(path: str | Path) -> Intent:
    """The intent in the header of a NIfTI-1 or NIfTI-2 file (``.nii``, ``.nii.gz``); none where there is no header."""
    try:
        with open(path, "rb") as stream:
            zipped = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else open(path, "rb") as stream:
            head = stream.read(540)
    except (OSError, EOFError, zlib.error):
        return Intent()
    # Size of the header, then where the code and the parameters stand in it (nifti1.h, nifti2.h).
    for size, code, parameters in ((348, "h68", "2f56"), (540, "i504", "2d80")):
        for order in "<>":
            if len(head) >= size and struct.unpack_from(order + "i", head)[0] == size:
                found = struct.unpack_from(order + code[0], head, int(code[1:]))[0]
                return Intent(found, struct.unpack_from(order + parameters[:2], head, int(parameters[2:])))
    return Intent()


def entities_of(source: str) -> dict[str, str]:
    """The BIDS entities ``stat`` and ``space`` of a source's file name, of those that are there."""
    return dict(re.findall(r"(?:^|_)(stat|space)-([A-Za-z0-9]+)(?=[_.])", re.split(r"[/:]", source)[-1]))


def statistic(
    intent: Intent, source: str, sheet: dict[str, Any], name: str, sheet_name: str = "the sample sheet"
) -> tuple[dict[str, Any], dict[str, str]]:
    """The statistic, degrees of freedom and space of a map: as the sheet has them, else the header, else the name.

    Parameters
    ----------
    intent : of the image.
    source : its source, whose file name may have BIDS entities (``stat-t``, ``space-MNI152NLin2009cAsym``).
    sheet : ``stat``, ``df`` and ``space`` of the sample sheet, None where empty.
    name : what the map is called in an error.
    sheet_name : what the sheet is called in an error.

    Returns
    -------
    found : ``stat`` (``other`` where nothing says it), ``df`` and ``space``.
    origin : of what the sheet leaves empty and something else says, where it is from: ``header`` or ``file name``.

    Raises
    ------
    UserError : sheet, header and file name contradict each other.
    """
    said: dict[str, list[tuple[str, Any]]] = {"stat": [], "df": [], "space": []}
    if intent.code in _INTENTS:
        stat = _INTENTS[intent.code]
        said["stat"].append(("header", stat))
        df = list(intent.parameters[: _PARAMETERS.get(stat, 0)])
        if df and all(math.isfinite(one) and one > 0 for one in df):
            # NIfTI-1 has them as float32, whose digits end here: 84.3 is no 84.30000305175781.
            df = [float(f"{one:.7g}") for one in df]
            said["df"].append(("header", df[0] if stat == "t" else df))
    entities = entities_of(source)
    if entities.get("stat", "").lower() in _ENTITIES:
        said["stat"].append(("file name", _ENTITIES[entities["stat"].lower()]))
    if "space" in entities:
        said["space"].append(("file name", entities["space"]))
    found, origin = {}, {}
    for key, options in said.items():
        own = sheet[key]
        for where, value in options:
            if own is not None and not _agree(key, own, value):
                raise UserError(
                    f"{name}: column {key} of {sheet_name} is {own}, but the {where} of {source} says {value}; "
                    f"accepted: {value}, an empty cell, or a file that says otherwise"
                )
            if not _agree(key, options[0][1], value):
                raise UserError(
                    f"{name}: the {options[0][0]} of {source} says {key} {options[0][1]}, its {where} {value}; "
                    "accepted: a file whose header and name say the same"
                )
        if own is None and options:
            origin[key], own = options[0]
        found[key] = own
    found["stat"] = found["stat"] or "other"
    return found, origin


def _agree(key, one, other):
    return same_space(one, other) if key == "space" else one == other
