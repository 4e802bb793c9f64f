"""Layouts of published tables: how each package's text becomes named cells, and which column holds what.

A layout that a header tells is a function of `LAYOUTS`; one that has no single header line (comments around the rows,
two header lines) reads the text itself and is a function of `TEXTS`.
"""

import csv
import math
import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from ..io.files import UserError

SizeUnit = Literal["voxels", "mm3"]
Cells = list[dict[str, str]]
ACCEPTED = (
    "accepted: columns x, y, z and any of value, n_voxels, volume_mm3, mean, p_cluster, cluster, sign, with tabs, "
    "commas or semicolons between them; the tables of nilearn's get_clusters_table, AtlasReader, FSL's cluster, SPM's "
    "results (as text or spreadsheet), AFNI's 3dClusterize; Sleuth's text; our regions.csv and peaks.csv"
)


class Layout(NamedTuple):
    """Where a layout keeps what: names of its columns, empty where it has none.

    Attributes
    ----------
    name : whose layout it is.
    x, y, z, value, size, mean, p, cluster, sign : names of columns.
    size_unit : of `size`.
    volume : column of the same sizes in mm³, where `size` is in voxels.
    coordinates : ``mm`` or ``voxels`` (indices from 0, as FSL prints them by default).
    turned : the signs by which x, y and z become those of NIfTI (right, anterior and superior positive).
    anywhere : whether x, y, z is any voxel of the cluster rather than its peak, so that the value is another image's.
    """

    name: str
    x: str
    y: str
    z: str
    value: str = ""
    size: str = ""
    size_unit: SizeUnit = "voxels"
    mean: str = ""
    p: str = ""
    cluster: str = ""
    sign: str = ""
    volume: str = ""
    coordinates: Literal["mm", "voxels"] = "mm"
    turned: tuple[int, int, int] = (1, 1, 1)
    anywhere: bool = False

    @property
    def columns(self) -> list[str]:
        """Names of the columns that it uses."""
        names = (self.x, self.y, self.z, self.value, self.size, self.mean, self.p, self.cluster, self.sign, self.volume)
        return [name for name in names if name]


class Table(NamedTuple):
    """The text of a table, cut into cells.

    Attributes
    ----------
    layout : Layout.
    cells : of each row, column to text.
    space : as the file itself says, or empty.
    delimiter : between the cells, where there is one.
    """

    layout: Layout
    cells: Cells
    space: str = ""
    delimiter: str = ""


def cut(lines: Sequence[str], where: str) -> Table:
    """Cut the lines of a published table into cells.

    Parameters
    ----------
    lines : those of its text that are not blank.
    where : the table and its file, for an error.

    Raises
    ------
    UserError : no layout has this header, or a row has more cells than the header.
    """
    table = next(filter(None, (reader(lines, where) for reader in TEXTS)), None)
    return table or _delimited(lines, where)


# ------------------------------------------------------------------------------------------------- one header line
def _delimited(lines, where):
    """A header and rows, with tabs, semicolons or commas between the cells."""
    delimiter = next((mark for mark in "\t;" if mark in lines[0]), ",")
    header, *body = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    header = [word.strip() for word in header]
    while len(header) > 1 and not header[-1]:  # FSL ends its lines with a tab
        header.pop()
    long = next((n for n, line in enumerate(body, start=1) if "".join(line[len(header) :]).strip()), None)
    if long:
        raise UserError(f"{where}, row {long} has more cells than the {len(header)} columns of the header")
    columns = [[line[n].strip() if n < len(line) else "" for line in body] for n in range(len(header))]
    layout = next(filter(None, (layout(header) for layout in LAYOUTS)), None)
    if layout is None or any(header.count(column) > 1 for column in layout.columns):
        raise UserError(f"{where} has the columns {', '.join(header)}; {ACCEPTED}")
    if layout.name == OWN:
        _check_others(dict(zip(header, columns, strict=True)), layout, where)
    cells = [dict(zip(header, row, strict=True)) for row in zip(*columns, strict=True)]
    return Table(layout, cells, delimiter=delimiter)


OWN = "tab-separated"
_NAMES = {
    "value": ("value", "peak_value", "t", "T", "F", "t-value", "T-value", "z-value", "Z-value", "peak value"),
    "size": ("n_voxels", "k", "kE", "voxels", "size", "cluster size"),
    "volume": ("volume_mm3", "mm3", "mm³", "volume (mm3)", "volume (mm³)"),
    "mean": ("mean", "mean_value"),
    "p": ("p_cluster",),
    "cluster": ("cluster",),
    "sign": ("sign",),
}
# Columns of a table that say nothing about the map's clusters, though they may hold numbers.
_BESIDE = re.compile(
    r"|row|rank|no[.]?|#|nr[.]?|id|index|label|region|side|hem.*|ba|brodmann.*|z[ _-]?score|equivz|"
    r"[pq]|[pq][ _(-].*|[pq](fwe|fdr|unc|corr|val).*",
    re.IGNORECASE,
)


def _usual_names(header):
    """Columns x, y and z, and others by the names that papers give them; a column of text is a name of the place."""
    axes = next((axes for axes in ("xyz", "XYZ") if set(axes) <= set(header)), None)
    if axes is None:
        return None
    names = {
        key: next((name for name in accepted if name in header and name not in axes), "")
        for key, accepted in _NAMES.items()
    }
    if not names["value"] and axes == "xyz" and "Z" in header:
        names["value"] = "Z"
    size, unit = (names["size"], "voxels") if names["size"] else (names["volume"], "mm3")
    columns = {key: names[key] for key in ("value", "mean", "p", "cluster", "sign")}
    volume = names["volume"] if names["size"] else ""
    return Layout(OWN, *axes, size=size, size_unit=unit, volume=volume, **columns)


def _check_others(columns, layout, where):
    """Refuse a column that holds numbers and is none that is known: it may be the size, under another name."""
    for name, cells in columns.items():
        if name in layout.columns or _BESIDE.fullmatch(name):
            continue
        if any(re.fullmatch(r"[-+−]?[\d.,]*\d[\d.,]*(e[-+]?\d+)?", cell, re.IGNORECASE) for cell in cells):
            raise UserError(
                f"{where}: column {name!r} holds numbers and is not known; leave it out, or name it. {ACCEPTED}"
            )


def _nilearn(header):
    """`to_csv` writes its index as a first column without a name."""
    if not {"Cluster ID", "X", "Y", "Z", "Peak Stat"} <= set(header):
        return None
    size = next((name for name in header if name.startswith("Cluster Size")), "")
    return Layout("nilearn", "X", "Y", "Z", "Peak Stat", size, "mm3", cluster="Cluster ID")


def _atlasreader(header):
    if not {"cluster_id", "peak_x", "peak_y", "peak_z", "volume_mm"} <= set(header):
        return None
    has = {name: name for name in header}
    values = has.get("peak_value", ""), "volume_mm", "mm3", has.get("cluster_mean", "")
    return Layout("AtlasReader", "peak_x", "peak_y", "peak_z", *values, cluster="cluster_id")


def _fsl(header):
    """``Z-MAX`` where ``--scalarname=Z`` was given; the columns of a COPE image are not looked at."""
    value = next((name for name in header if re.fullmatch(r"(\S+-)?MAX", name) and name != "COPE-MAX"), "")
    p = "P" if "P" in header else ""
    for unit, coordinates in (("vox", "voxels"), ("mm", "mm")):
        place = [f"{value} {axis} ({unit})" for axis in "XYZ"]
        if value and {"Cluster Index", "Voxels", *place} <= set(header):
            cluster = {"cluster": "Cluster Index", "coordinates": coordinates}
            return Layout("FSL cluster", *place, value, "Voxels", p=p, **cluster)
    return None


def _fsl_maxima(header):
    """``--olmax`` of FSL's cluster: local maxima, in voxels as by default; p is there where voxels were thresholded."""
    if header[:1] != ["Cluster Index"] or header[2:] not in (["x", "y", "z"], ["P", "-log10(P)", "x", "y", "z"]):
        return None
    return Layout("FSL local maxima", "x", "y", "z", header[1], cluster="Cluster Index", coordinates="voxels")


def _regions(header):
    """regions.csv of this workflow."""
    if not {"region", "peak_x", "peak_y", "peak_z", "peak_value", "n_voxels", "volume_mm3"} <= set(header):
        return None
    place = ("peak_x", "peak_y", "peak_z")
    columns = {"mean": "mean_value", "p": "p_cluster", "cluster": "region", "sign": "sign", "volume": "volume_mm3"}
    return Layout(
        "regions.csv", *place, "peak_value", "n_voxels", **{key: n for key, n in columns.items() if n in header}
    )


def _peaks(header):
    """peaks.csv of this workflow."""
    if not {"region", "peak", "value", "x", "y", "z", "distance_mm"} <= set(header):
        return None
    return Layout("peaks.csv", "x", "y", "z", "value", cluster="region")


LAYOUTS: tuple[Callable[[Sequence[str]], Layout | None], ...] = (
    _regions,
    _peaks,
    _nilearn,
    _atlasreader,
    _fsl,
    _fsl_maxima,
    _usual_names,
)


# ------------------------------------------------------------------------------------- no header line, or two of them
def _sleuth(lines, where):
    """Foci of BrainMap's Sleuth and GingerALE: ``// Reference=MNI``, comments, and lines of x, y, z."""
    if not lines[0].lstrip().startswith("//"):
        return None
    matches = (re.match(r"\s*//\s*reference\s*=\s*(\w+)", line, re.IGNORECASE) for line in lines)
    reference = next((match[1] for match in matches if match), "")
    space = {"mni": "MNI", "talairach": "Talairach", "tal": "Talairach"}.get(reference.lower(), "")
    if not space:
        raise UserError(f"{where}: // Reference={reference}; accepted: MNI, Talairach")
    foci = [line.replace(",", " ").split() for line in lines if not line.lstrip().startswith("//")]
    return Table(Layout("Sleuth", "x", "y", "z"), [dict(zip("xyz", focus, strict=False)) for focus in foci], space)


def _afni(lines, where):
    """The report of AFNI's 3dClusterize and 3dclust (read from 3dClusterize.c and 3dclust.c).

    A line a cluster: volume, centre of mass, extent along three axes, mean, its error, the largest value and its place.
    The value and its place are of the volume that ``-idat`` named, where it named one. 3dClusterize counts voxels;
    3dclust gives mm³ unless it was told of 1 mm voxels.
    """
    start = next((n for n, line in enumerate(lines) if re.match(r"#?\s*Volume\s+CM\b", line)), None)
    if start is None:
        return None
    header = dict(
        re.findall(r"\[\s*([^=\]]*?)\s*=\s*(.*?)\s*\]?\s*$", line)[0] for line in lines[:start] if _is_setting(line)
    )
    order = header.get("Coordinates Order", "RAI").upper()
    if sorted(order.translate(str.maketrans("LPS", "RAI"))) != sorted("RAI"):
        raise UserError(
            f"{where}: Coordinates Order = {order}; accepted: three letters as AFNI writes them, RAI or LPI"
        )
    axes = {
        axis: next(n for n, letter in enumerate(order) if letter in letters)
        for axis, letters in zip("xyz", _SIDES, strict=True)
    }
    # AFNI names the side at which an axis begins, so that its values grow away from it.
    turned = tuple(-1 if order[axes[axis]] in "RAS" else 1 for axis in "xyz")
    names = [f"CM {n}" for n in range(3)] + [f"{end} {n}" for n in range(3) for end in ("min", "max")]
    names = ["Volume", *names, "Mean", "SEM", "Max Int", *(f"MI {n}" for n in range(3))]
    rows = [line.split() for line in lines[start + 1 :] if not line.lstrip().startswith("#") and "--" not in line]
    if rows and len(rows[-1]) != len(names):
        rows = rows[:-1]  # the line of the total, which has no "#" under -no_1Dformat
    for n, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise UserError(f"{where}, row {n} has {len(row)} numbers; a cluster of AFNI's report has {len(names)}")
    of_another = header.get("Supplement dat vol", "(none)") != "(none)"
    in_voxels = "Neighbor type, NN" in header or "Fake voxel dimen" in header
    layout = Layout(
        "AFNI cluster report",
        *(f"MI {axes[axis]}" for axis in "xyz"),
        "Max Int",
        "Volume",
        "voxels" if in_voxels else "mm3",
        mean="" if of_another else "Mean",
        turned=turned,
        anywhere=of_another,
    )
    return Table(layout, [dict(zip(names, row, strict=True)) for row in rows])


_SIDES = ("RL", "AP", "IS")


def _is_setting(line):
    return re.match(r"#?\s*\[[^=\]]*=", line)


def _spm(lines, where):
    """SPM's table of results, as its "text table" prints it and its export to CSV or a spreadsheet writes it.

    Two header lines (spm_list.m): the level and the column. Rows that begin a cluster have its cells filled in; x, y
    and z are three cells, or one with blanks between them.
    """
    start = next((n for n, line in enumerate(lines) if re.match(r"\W*(set|cluster)\W+(set|cluster)\b", line)), None)
    if start is None or start + 1 >= len(lines):
        return None
    delimiter = next((mark for mark in "\t;" if mark in lines[start]), ",")
    levels, names, *body = csv.reader(lines[start:], delimiter=delimiter)
    header = [f"{level} {name}".strip() for level, name in zip(levels, names, strict=False)]
    place = next((n for n, name in enumerate(names) if re.match(r"\s*x\b", name)), None)
    value = next((name for name in header if re.fullmatch(r"peak [TFZXP]", name)), None)
    if place is None or value is None or "cluster equivk" not in header:
        raise UserError(f"{where} has the columns {', '.join(header)}; {ACCEPTED}")
    cells = []
    for line in body:
        xyz = " ".join(line[place:]).split()
        if not xyz or not all(re.fullmatch(r"[-+]?\d+([.,]\d+)?", word) for word in xyz[:3]):
            if cells and "".join(line).strip():
                break  # the footer
            continue
        row = dict(zip(header[:place], (word.strip() for word in line), strict=False))
        cells.append(row | dict(zip("xyz", xyz, strict=False)))
    columns = {"p": "cluster p(FWE-corr)"} if "cluster p(FWE-corr)" in header else {}
    return Table(Layout("SPM", "x", "y", "z", value, "cluster equivk", **columns), cells, delimiter=delimiter)


TEXTS: tuple[Callable[[Sequence[str], str], Table | None], ...] = (_sleuth, _afni, _spm)


# ------------------------------------------------------------------------------------------------- numbers in the cells
def has_decimal_commas(table: Table) -> bool:
    """Whether commas in the numbers of a table are decimal points.

    They are where one of them cannot separate thousands (``4,2``), and between semicolons, as spreadsheets write where
    the comma is the decimal point.
    """
    layout = table.layout
    used = [layout.x, layout.y, layout.z, layout.value, layout.size, layout.mean, layout.p, layout.volume]
    texts = [row.get(name, "").strip().lstrip("-+−") for row in table.cells for name in used if name]
    return any(
        table.delimiter == ";" or not re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", text)
        for text in texts
        if re.fullmatch(r"[\d.]*,\d+", text)
    )


def voxel_volumes(size: float, size_step: float, volume: float, volume_step: float) -> tuple[float, float]:
    """The volumes of one voxel, mm³, that two printed sizes of a cluster allow; (nan, nan) where one is missing."""
    if any(math.isnan(number) for number in (size, volume)):
        return math.nan, math.nan
    return (volume - volume_step / 2) / (size + size_step / 2), (volume + volume_step) / max(size - size_step / 2, 0.5)
