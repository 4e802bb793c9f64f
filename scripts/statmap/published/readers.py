"""Published tables of clusters and peaks, whatever their layout (`layouts`), read into one form."""

import math
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from ..io.files import UserError, read_text
from .layouts import ACCEPTED, SizeUnit, Table, cut, has_decimal_commas, voxel_volumes

LARGEST = 1e15  # of a printed number: as a size it is still a whole number of voxels
EMPTY = ("", "na", "n/a", "nan", "none", "-", "–", "—")
SIGNS = {"positive": "positive", "negative": "negative", "+": "positive", "-": "negative", "−": "negative", "": ""}


class Published(NamedTuple):
    """A table as it was printed.

    Attributes
    ----------
    rows : DataFrame, one row a printed row: ``row`` 1..n; ``cluster``, str, shared by the peaks of one cluster, empty
        where the table does not say; ``main``, bool, whether it stands for its cluster (the others are sub-peaks);
        ``x, y, z``; ``value``, ``size``, ``mean`` and ``p`` (of the cluster, family-wise) and ``volume`` (mm³, beside a
        size in voxels), NaN where nothing is printed; ``value_step``, ``size_step``, ``mean_step``, ``p_step``,
        ``volume_step``, one unit of their last printed digit; ``sign``, ``positive``, ``negative`` or empty.
    layout : str, whose layout it is.
    size_unit : ``voxels`` or ``mm3``.
    coordinates : ``mm`` or ``voxels`` (indices from 0, as FSL prints them by default).
    space : ``MNI``, ``Talairach`` or empty, as the file itself says.
    anywhere : whether the coordinates are of any voxel of a cluster rather than of its peak, and the values another
        image's.
    """

    rows: pd.DataFrame
    layout: str
    size_unit: SizeUnit
    coordinates: Literal["mm", "voxels"]
    space: str
    anywhere: bool = False


def read_published(path: str | Path, name: str, peaks: str | Path | None = None) -> Published:
    """Read a published table.

    Parameters
    ----------
    path : of a text file in one of the layouts (`ACCEPTED`).
    name : what the table is called in an error (``table 'smith2012'``).
    peaks : sub-peaks in a file of their own, FSL's ``lmax_zstat1.txt`` beside ``cluster_zstat1.txt``; they follow the
        rows of the table, in its clusters.

    Raises
    ------
    UserError : not text, an unknown header, or a cell that is not what its column says.
    """
    table = _read_table(path, name)
    rows, layout = _rows(table, f"{name}: {path}"), table.layout
    if peaks:
        maxima = _read_table(peaks, name)
        if maxima.layout.name != "FSL local maxima" or layout.name != "FSL cluster":
            raise UserError(
                f"{name}: {peaks} has the layout of {maxima.layout.name}, and {path} that of {layout.name}; accepted: "
                "the local maxima of FSL's cluster beside its table"
            )
        maxima = maxima._replace(layout=maxima.layout._replace(coordinates=layout.coordinates))
        below = _rows(maxima, f"{name}: {peaks}")
        rows = pd.concat([rows, below.assign(main=False)], ignore_index=True)
        rows["row"] = np.arange(1, len(rows) + 1)
        if unknown := sorted(set(below["cluster"]) - set(rows["cluster"][rows["main"]])):
            raise UserError(
                f"{name}: {peaks} has cluster {unknown[0]}, which is not in {path}; accepted: clusters of that table"
            )
    return Published(rows, layout.name, layout.size_unit, layout.coordinates, table.space, layout.anywhere)


def _read_table(path, name):
    try:
        lines = read_text(path, "utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{name}: {path} is not text in UTF-8; {ACCEPTED}") from None
    except ValueError as error:
        raise UserError(f"{name}: {path} cannot be read ({error})") from error
    lines = [line for line in lines if line.strip(" \t,;\r\ufeff")]
    if not lines:
        raise UserError(f"{name}: {path} is empty; {ACCEPTED}")
    table = cut(lines, f"{name}: {path}")
    if not table.cells:
        raise UserError(f"{name}: {path} has a header, but no row")
    return table


def _rows(table: Table, where: str) -> pd.DataFrame:
    """The rows in one form."""
    cells, layout = table.cells, table.layout
    commas = has_decimal_commas(table)
    rows = pd.DataFrame({"row": np.arange(1, len(cells) + 1)})
    for column in ("x", "y", "z", "value", "size", "mean", "p", "volume"):
        source = getattr(layout, column)
        texts = [row.get(source, "") if source else "" for row in cells]
        numbers = [_number(text, f"{where}, row {n}, {source}", commas) for n, text in enumerate(texts, start=1)]
        rows[column] = [value for value, _ in numbers]
        if column not in "xyz":
            rows[f"{column}_step"] = [step for _, step in numbers]
    missing = rows.index[rows[["x", "y", "z"]].isna().any(axis=1)]
    if len(missing):
        raise UserError(f"{where}, row {missing[0] + 1}: no coordinate; accepted: a number for each of x, y and z")
    for axis, turned in zip("xyz", layout.turned, strict=True):
        rows[axis] = rows[axis] * turned + 0.0  # no -0.0
    for column in ("size", "volume"):
        small = rows.index[rows[column] <= 0]
        if len(small):
            raise UserError(f"{where}, row {small[0] + 1}: a size of {rows[column][small[0]]:g}; accepted: above 0")
    signs = [row.get(layout.sign, "") if layout.sign else "" for row in cells]
    rows["sign"] = [_sign(text, f"{where}, row {n}") for n, text in enumerate(signs, start=1)]
    signed = {-1.0: "negative", 1.0: "positive"}
    main_value = rows["value"].where(rows["value"].notna(), rows["mean"])
    rows["sign"] = [
        sign or signed.get(np.sign(value), "") for sign, value in zip(rows["sign"], main_value, strict=True)
    ]
    ids = [row.get(layout.cluster, "") if layout.cluster else "" for row in cells]
    rows["cluster"] = _clusters(ids, rows["size"], layout)
    rows["main"] = _stands_for_cluster(rows)
    return rows


def _number(text, where, commas=False):
    """A number as printed, and one unit of its last digit; NaN and 0 for an empty cell.

    Commas separate thousands; or, where `commas`, they are decimal points and points separate thousands.
    """
    text = text.strip().replace("−", "-")
    if text.lower() in EMPTY:
        return math.nan, 0.0
    digits = text
    if commas and ("," in text or re.fullmatch(r"[-+]?[1-9]\d{0,2}(\.\d{3})+", text)):
        digits = text.translate(str.maketrans(",.", ".,"))
    if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?", digits):
        digits = digits.replace(",", "")
    try:
        number = Decimal(digits)
        exponent = number.as_tuple().exponent
    except InvalidOperation:
        exponent = ""
    if not isinstance(exponent, int) or abs(number) > LARGEST:  # "inf" parses, with a letter for its exponent
        raise UserError(f"{where}: {text!r} is not a number")
    return float(number), float(Decimal(1).scaleb(exponent))


def _sign(text, where):
    if text.lower() not in SIGNS:
        raise UserError(f"{where}: sign {text!r}; accepted: positive, negative or empty")
    return SIGNS[text.lower()]


def _clusters(ids, sizes, layout):
    """Which cluster each row belongs to, as str.

    nilearn writes the sub-peaks of cluster 1 as 1a, 1b. Where a table has sizes but no ids, a row without a size
    belongs to the row above it, as SPM prints sub-peaks.
    """
    if layout.name == "nilearn":
        return [re.sub(r"(?<=\d)[a-z]+$", "", cluster_id) for cluster_id in ids]
    if layout.cluster or not layout.size:
        return ids
    return np.maximum(np.cumsum(sizes.notna()), 1).astype(str).tolist()


def _stands_for_cluster(rows):
    """Of each cluster one row: the only one with a size, else that of largest magnitude, else the first; (n,) bool."""
    main = np.ones(len(rows), dtype=bool)
    for members in rows[rows["cluster"] != ""].groupby("cluster").groups.values():
        sized = rows["size"][members].notna()
        largest = rows["value"][members].abs().fillna(-1).idxmax()
        main[members] = members == (members[sized][0] if sized.sum() == 1 else largest)
    return main


def size_conflict(published: Published, voxel_mm3: float) -> str:
    """Where sizes in voxels and in mm³ are printed and contradict each other, that in a sentence; else empty.

    Parameters
    ----------
    published : Published.
    voxel_mm3 : volume of a voxel of the map, mm³.
    """
    rows = published.rows
    spans = [
        voxel_volumes(*numbers)
        for numbers in zip(rows["size"], rows["size_step"], rows["volume"], rows["volume_step"], strict=True)
    ]
    volumes = [(n, low, high) for n, (low, high) in enumerate(spans, start=1) if low == low]
    conflicts = [n for n, low, high in volumes if not low * (1 - 1e-6) <= voxel_mm3 <= high * (1 + 1e-6)]
    if not conflicts:
        return ""
    lowest, highest = max(low for _, low, _ in volumes), min(high for *_, high in volumes)
    if len(conflicts) == len(volumes) and lowest <= highest:
        largest = (rows["volume"] / rows["size"])[rows["size"].where(rows["volume"].notna()).idxmax()]
        return (
            f"Its sizes in voxels and in mm³ are of voxels of {largest:.4g} mm³, those of the map have "
            f"{voxel_mm3:.4g} mm³; its voxels were counted."
        )
    row_names = ", ".join(map(str, conflicts[:8])) + (" …" if len(conflicts) > 8 else "")
    return (
        f"Its sizes in voxels and in mm³ contradict each other in row{'s' if len(conflicts) > 1 else ''} {row_names} "
        f"(a voxel of the map has {voxel_mm3:.4g} mm³); its voxels were counted."
    )
