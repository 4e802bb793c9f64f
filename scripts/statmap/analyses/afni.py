"""AFNI: a bucket of sub-bricks (HEAD and BRIK, or NIfTI with AFNI's extension), and 3dClusterize's reports beside it.

What the attributes mean is in AFNI's README.attributes; the report is read from 3dClusterize.c.
"""

import gzip
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, NamedTuple

from ..io.declared import afni_statistics
from ..io.files import UserError
from .analysis import MOST_TEXT, NATIVE, Analysis, Printed, Row, Volume, as_integer, image_beside, listed, on_one_grid

KIND = "an AFNI bucket (.HEAD, or NIfTI with AFNI's extension)"
# Codes of BRICK_STATAUX: the statistic, and how many degrees of freedom of it the sheet has.
_STATISTICS = {3: ("t", 1), 4: ("F", 2), 5: ("z", 0)}
_NOT_TESTS = {2: "a correlation", 6: "chi squared", 7: "beta", 8: "binomial", 9: "gamma", 10: "Poisson"}
_CONVENTIONS = {1: "afni-nn1", 2: "afni-nn2", 3: "afni-nn3"}


def recognises(source: str) -> bool:
    """Whether it is an AFNI header, or a NIfTI file with AFNI's extension that says what its volumes are."""
    path = header_path(Path(source))
    if path is None:
        return False
    if path.name.endswith(".HEAD"):
        return True
    try:
        return "BRICK_STATAUX" in attributes(path) or "BRICK_STATSYM" in attributes(path)
    except UserError:
        return False


def header_path(path: Path) -> Path | None:
    """The file with the header of a bucket, given that, its BRIK or its prefix (``stats+tlrc``); None for none."""
    name = re.sub(r"\.BRIK(\.gz|\.bz2)?$", ".HEAD", path.name)
    for candidate in (path.with_name(name), path.with_name(f"{name}.HEAD")):
        if candidate.name.endswith((".HEAD", ".nii", ".nii.gz")) and candidate.is_file():
            return candidate
    return None


def attributes(path: Path) -> dict[str, Any]:
    """AFNI's attributes by name: text, or a list of numbers. {} where a NIfTI file has none.

    Raises
    ------
    UserError : the file is damaged.
    """
    try:
        if path.name.endswith(".HEAD"):
            if path.stat().st_size > MOST_TEXT:
                raise UserError(f"AFNI: {path} is larger than {MOST_TEXT:,} bytes and no header")
            values = _attributes_of_head(path.read_text(encoding="utf-8", errors="replace"))
            if not values:
                raise UserError(f"AFNI: {path} has no attribute, as an AFNI header has; get the file again")
            return values
        return _attributes_of_nifti(path)
    except OSError as error:
        raise UserError(f"AFNI: {path} cannot be read ({error.strerror})") from error


def _attributes_of_head(text):
    """Blocks of a HEAD file: ``type = string-attribute``, ``name = …``, ``count = …``, then the value."""
    pattern = (
        r"type\s*=\s*(string|integer|float)-attribute\s+name\s*=\s*(\S+)\s+count\s*=\s*(\d+)\s*\n(.*?)(?=\n\s*\n|\Z)"
    )
    values = {}
    for kind, name, count, value in re.findall(pattern, text, re.DOTALL):
        if kind == "string":
            values[name] = value.lstrip().removeprefix("'")[: int(count)].rstrip("~")
        else:
            values[name] = _numbers(value)
    return values


def _attributes_of_nifti(path):
    """The extension with code 4 of a NIfTI file: XML with an element an attribute."""
    import nibabel as nib

    with open(path, "rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if zipped else open(path, "rb") as stream:
            extensions = nib.Nifti1Image.from_stream(stream).header.extensions
    except Exception:  # whatever nibabel meets in a file that is none: fetch_map says what is wrong with it
        return {}
    content = next((extension.get_content() for extension in extensions if extension.get_code() == 4), b"")
    if not content:
        return {}
    content = content if isinstance(content, bytes) else str(content).encode()
    try:
        tree = ElementTree.fromstring(content.rstrip(b"\0 \n").decode("utf-8", "replace"))
    except ElementTree.ParseError:
        return {}
    values = {}
    for element in tree.iter("AFNI_atr"):
        name, kind = element.get("atr_name", ""), element.get("ni_type", "")
        if kind == "String":
            # Each value stands between double quotes; long ones are cut into several.
            parts = re.findall(r'"((?:[^"\\]|\\.)*)"', element.text or "")
            values[name] = "".join(parts or [(element.text or "").strip()]).rstrip("~")
        else:
            values[name] = _numbers(element.text or "")
    return values


def _numbers(text):
    """The numbers of a text, up to the first word that is none."""
    numbers = []
    for word in text.split():
        try:
            numbers.append(float(word))
        except ValueError:
            break
    return numbers


def read(source: str) -> Analysis:
    """Every sub-brick that is a statistic; the one before it is its effect.

    Raises
    ------
    UserError : the header is damaged, or no sub-brick is a statistic.
    """
    header = header_path(Path(source))
    if header is None:
        raise UserError(f"AFNI: {source} is not there; accepted: {KIND}")
    header_attributes = attributes(header)
    labels = str(header_attributes.get("BRICK_LABS", "")).split("~")
    statistics = {number: coded for number, coded in afni_statistics(header_attributes).items() if number >= 0}
    space, where = _space(header_attributes, header)
    reports, remarks = _reports(header)
    rows = []
    for number, (code, parameters) in sorted(statistics.items()):
        stat, df, gap = _statistic(code, parameters)
        label = labels[number] if number < len(labels) and labels[number].strip() else f"sub-brick {number}"
        cells: dict[str, Any] = {"source": Volume(header, number)}
        cells |= {"stat": stat} if stat else {}
        cells |= {"df": df} if df is not None else {}
        cells |= {"space": space} if space else {}
        origin = f"source: sub-brick {number} '{label}'; stat, df: BRICK_STATAUX; {where}"
        its_reports = [report for report in reports if report.volume == number]
        keys, stated = (its_reports[0].keys, its_reports[0].stated) if its_reports else (None, "")
        tables = tuple(Printed(report.path, report.stated, by_settings=report.keys == keys) for report in its_reports)
        effect = Volume(header, number - 1) if number and number - 1 not in statistics else None
        if mask := next((report.mask for report in its_reports if report.mask), _mask(header)):
            cells["mask"] = mask
            origin += f"; mask: {mask.name}"
        rows.append(Row(label, cells, origin, gap, keys, stated, tables, effect))
    if not rows:
        raise UserError(f"AFNI: no sub-brick of {header} is a statistic (BRICK_STATAUX); accepted: {KIND}")
    if not any("mask" in row.cells for row in rows):
        remarks = (*remarks, "No mask is beside the bucket: the voxels in which a map is not 0 are its mask.")
    return Analysis("AFNI", source, header, tuple(rows), remarks)


def _mask(header):
    """A mask beside a bucket, on its grid: ``mask_epi_anat``, ``full_mask`` or ``mask_group`` of afni_proc.py."""
    pattern = re.compile(r"(mask_epi_anat|full_mask|mask_group|mask)([.+_].*)?\.(HEAD|nii|nii\.gz)")
    masks = [path for path in listed(header.parent, "AFNI") if pattern.fullmatch(path.name)]
    masks.sort(
        key=lambda path: ("mask_epi_anat", "full_mask", "mask_group", "mask").index(pattern.fullmatch(path.name)[1])
    )
    return next((path for path in masks if on_one_grid(path, header)), None)


def _statistic(code, parameters):
    """Statistic of a code of AFNI, its degrees of freedom, and why the sub-brick cannot be taken."""
    stat, n_df = _STATISTICS.get(code, (None, 0))
    if stat is None:
        return None, None, f"its statistic is {_NOT_TESTS.get(code, f'code {code} of AFNI')}, not t, F or z"
    df = [as_integer(value) for value in parameters[:n_df]]
    if len(df) < n_df or not all(value > 0 for value in df):
        return stat, None, "its degrees of freedom are not in the header"
    return stat, (None if n_df == 0 else df[0] if n_df == 1 else df), ""


def _space(header_attributes, header):
    """The space of a bucket, by its template's name, else by its view; and where that is said."""
    template = str(header_attributes.get("TEMPLATE_SPACE", "")).strip()
    if template and template != "ORIG":
        return template, "space: TEMPLATE_SPACE"
    if template == "ORIG" or "+orig" in header.name:
        return NATIVE, "space: that of the subject (ORIG), not registered"
    return ("TLRC", "space: its view") if "+tlrc" in header.name else (None, "space: not known")


# ---------------------------------------------------------------------------------------------------------- its reports
MOST_REPORTS = 200  # text files of a folder that are looked at


class _Report(NamedTuple):
    """A report of 3dClusterize: of which volume, as keys of a variant (None for none), where stated, its mask."""

    volume: int
    keys: dict[str, Any] | None
    stated: str
    path: Path
    mask: Path | None


def _reports(header):
    """3dClusterize's reports beside a bucket that name it, and remarks on those that are left out."""
    reports, remarks = [], []
    prefix = re.sub(r"(\+(orig|acpc|tlrc))?\.(HEAD|nii(\.gz)?)$", "", header.name)
    for path in [path for path in listed(header.parent, "AFNI") if path.suffix in (".1D", ".txt")][:MOST_REPORTS]:
        try:
            text = path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= MOST_TEXT else ""
        except OSError:
            continue
        if "[ Nvoxel threshold" not in text or "[ Threshold vol" not in text:
            continue
        fields = dict(re.findall(r"^#?\[ ([^=\n]*?)\s*= (.*?)\s*\]?\s*$", text, re.MULTILINE))
        dataset = Path(fields.get("Dataset prefix", "")).name
        if re.sub(r"(\+(orig|acpc|tlrc))?(\.(HEAD|BRIK|nii))?(\.gz)?$", "", dataset) != prefix:
            continue
        number = re.match(r"\[(\d+)\]", fields.get("Threshold vol", ""))
        keys = _keys(fields)
        if not number or not re.search(r"^ *\d+ +[-\d.]", text, re.MULTILINE):
            remarks.append(f"{path.name} is a report of 3dClusterize without a cluster")
            continue
        stated = f"{path.name}: {fields.get('Option summary', fields.get('Threshold value(s)', ''))}"
        if keys is None:
            remarks.append(f"{path.name} is thresholded in a way that no setting here is ({stated})")
        mask = image_beside(header.parent, fields.get("Mask", ""))
        mask = mask if mask and on_one_grid(mask, header) else None
        reports.append(_Report(int(number[1]), keys, stated, path, mask))
    return reports, tuple(remarks)


def _keys(fields):
    """The header of a report as keys of a variant; None where there are none for it."""
    tail = r"(left|right)-tail (?:p=[\d.eE+-]+ -> )?(?:stat|thr)=\s*([-+]?\d+\.?\d*(?:[eE][-+]?\d+)?)"
    tails = {side: float(value) for side, value in re.findall(tail, fields.get("Threshold value(s)", ""))}
    summary = fields.get("Option summary", "").lstrip("-")
    option = summary.partition(",")[0]
    nn, extent = fields.get("Neighbor type, NN", ""), re.match(r"\d+", fields.get("Nvoxel threshold", ""))
    convention = _CONVENTIONS.get(int(nn)) if nn.isdigit() else None
    p = re.search(r"p=(\d*\.?\d+(?:[eE][-+]?\d+)?)", summary)
    keys = {}
    if option in ("bisided", "2sided") and "right" in tails and math.isclose(-tails.get("left", 0), tails["right"]):
        keys = {"threshold": tails["right"], "sided": "two", "signs": "split" if option == "bisided" else "merged"}
    elif option == "1sided" and len(tails) == 1:
        side, value = next(iter(tails.items()))
        sign = 1 if side == "right" else -1
        keys = {"threshold": sign * value, "sided": "positive" if side == "right" else "negative"}
    if not keys or convention is None or extent is None or not 0 <= keys["threshold"] < math.inf:
        return None
    if p and 0 < float(p[1]) < 1:  # what was asked for; the value that it became is cut to six decimals
        keys["threshold"] = {"p": float(p[1])}
    return {**keys, "convention": convention, "min_region_size": f"{extent[0]} voxels"}
