"""What the header of an image says, and warnings about it and about the values of a map."""

import html
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .declared import Header
from .formats import AFNI_CODE

UNITS = {1: "meter", 3: "micron"}  # the lower bits of xyzt_units that are not mm, or unknown
LARGEST_Z = 40  # beyond it a map is hardly one of z values
MOST_LABELS = 100  # distinct values up to which a map of whole numbers looks like labels
FAR_MM = 1.0  # apart, sform and qform no longer say the same
_AFNI_NUMBERS = "BRICK_STATAUX"
_AFNI_TEXTS = ("BRICK_LABS", "BRICK_STATSYM", "TEMPLATE_SPACE")


def header_of(image: Any, volume: int = 0) -> Header:
    """What the header of an image, as nibabel reads it, says of one of its volumes."""
    import nibabel as nib

    raw = image.header
    intent, parameters, descrip = 0, (0.0, 0.0), ""
    if isinstance(raw, nib.Nifti1Header):
        intent = int(raw["intent_code"])
        parameters = (float(raw["intent_p1"]), float(raw["intent_p2"]))
    if isinstance(raw, nib.AnalyzeHeader):  # NIfTI among them
        descrip = _text(bytes(raw["descrip"].item()))
    afni = afni_attributes(image)
    labels = str(afni["BRICK_LABS"]).split("~") if afni.get("BRICK_LABS") else []
    return Header(intent, parameters, descrip, afni, tuple(_printable(label) for label in labels), volume)


def _text(content):
    """Text of a header, without what follows a NUL or is not printed."""
    content = content.partition(b"\0")[0]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return _printable(text)


def _printable(text):
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def afni_attributes(image: Any) -> Mapping[str, Any]:
    """AFNI's attributes of an image that say what its volumes are, text or lists of numbers; {} where it has none."""
    import nibabel as nib

    if isinstance(image.header, nib.brikhead.AFNIHeader):
        info = image.header.info
        attributes: dict[str, Any] = {name: str(info[name]) for name in _AFNI_TEXTS if name in info}
        if _AFNI_NUMBERS in info:
            attributes[_AFNI_NUMBERS] = [float(number) for number in np.atleast_1d(info[_AFNI_NUMBERS])]
        return attributes
    for extension in getattr(image.header, "extensions", []):
        if extension.get_code() == AFNI_CODE:
            content = extension.get_content()
            return _attributes_of_extension(content if isinstance(content, str) else content.decode("latin-1"))
    return {}


def _attributes_of_extension(text):
    """The attributes in the XML of AFNI's extension: text in quotes, in one piece or several, or numbers."""
    attributes = {}
    for name in (*_AFNI_TEXTS, _AFNI_NUMBERS):
        element = re.search(rf'<AFNI_atr\b[^>]*atr_name="{name}"[^>]*>(.*?)</AFNI_atr>', text, re.DOTALL)
        if not element:
            continue
        if name == _AFNI_NUMBERS:
            numbers = re.findall(r"[-+\d.]+(?:e[-+]?\d+)?", element[1], re.IGNORECASE)
            attributes[name] = [number for number in map(_number, numbers) if number is not None]
        else:
            attributes[name] = html.unescape("".join(re.findall(r'"([^"]*)"', element[1]))).strip("~")
    return attributes


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None


def doubts(
    header: Any, shape: tuple[int, ...], data: np.ndarray, stat: str, affine: np.ndarray | None = None
) -> list[str]:
    """Warnings about the header and the values of a map, one line each.

    Parameters
    ----------
    header : nibabel's, of the image as it was fetched.
    shape : (i, j, k).
    data : (i, j, k) array, finite.
    stat : what the values are.
    affine : (4, 4) array that the image has, where its header is Analyze's, which may be from SPM's ``.mat`` beside it.
    """
    import nibabel as nib

    warnings = []
    if isinstance(header, nib.Nifti1Header):
        sform, qform = int(header["sform_code"]), int(header["qform_code"])
        if not sform and not qform:
            warnings.append(
                "the header has no orientation (sform and qform codes 0): positions, left and right are guesses"
            )
        elif sform and qform:
            corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1).T
            corners_mm = [nib.affines.apply_affine(form, corners) for form in (header.get_sform(), header.get_qform())]
            apart = float(np.linalg.norm(corners_mm[0] - corners_mm[1], axis=1).max())
            if apart > FAR_MM:
                warnings.append(f"sform and qform of the header are up to {apart:.1f} mm apart; the sform is used")
        unit = UNITS.get(int(header["xyzt_units"]) & 7)
        if unit:
            warnings.append(f"the header gives lengths in {unit}s; they are taken as mm")
    elif isinstance(header, nib.AnalyzeHeader) and _is_guess(affine, header):
        warnings.append(
            "an Analyze header does not say where left is: voxels are taken as stored from right to left, as SPM does; "
            "left and right may be swapped"
        )
    nonzero = data[data != 0]
    if nonzero.size and stat == "z" and np.abs(nonzero).max() > LARGEST_Z:
        warnings.append(f"values up to {np.abs(nonzero).max():.4g} for stat: z; is it a z-map?")
    if nonzero.size and (nonzero == np.round(nonzero)).all() and len(distinct := np.unique(nonzero)) <= MOST_LABELS:
        warnings.append(f"distinct values: {len(distinct)}, all whole numbers: labels or a mask, not a statistic?")
    return warnings


def _is_guess(affine, header):
    """Whether the affine of an Analyze image is what its header suggests, and not from a matrix beside it."""
    return affine is None or np.allclose(affine, header.get_best_affine())
