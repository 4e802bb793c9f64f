"""Tables to read in a browser, as plain data; `table.html.j2` writes them, `tables.js` sorts and filters them."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ..tables.columns import Column, column_of

MOST_ROWS = 500  # of a table that may be of any length: more are slow to open, and nobody reads them
LARGE_FILE = 2**20  # bytes: a larger one stands beside a page, not in it


class Cell(NamedTuple):
    """What a cell shows, what its column is sorted by (empty: last), whether it is text, where it leads (or None)."""

    text: str
    key: str
    is_text: bool
    link: str | None


class Row(NamedTuple):
    """A row: its cells, and attributes of its element."""

    cells: list[Cell]
    attributes: Mapping[str, str]


class Table(NamedTuple):
    """A table: the columns that it shows, its rows, attributes of its element, and where the rest of the rows is."""

    columns: list[Column]
    rows: list[Row]
    attributes: Mapping[str, str]
    rest: str = ""


def table(
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    file: str = "regions.csv",
    attributes: Mapping[str, str] | None = None,
    row_attributes: Sequence[Mapping[str, str]] = (),
    links: Sequence[Mapping[str, str]] = (),
    most: int | None = None,
) -> Table:
    """Rows of one of our CSV files as a table of a page.

    Parameters
    ----------
    rows : column to value; None and NaN are shown as a dash and sorted last.
    names : columns to show, in order. Those without a heading, and those that no row has a value for, are left out.
    file : name of the CSV, which says what its columns are.
    attributes, row_attributes : attributes of the table and of each row.
    links : for each row, column to an address.
    most : rows that are shown, the first ones; None for all.
    """
    columns = [column_of(file, name) for name in names]
    columns = [
        column for column in columns if column.heading and any(not _absent(row.get(column.name)) for row in rows)
    ]
    return Table(
        columns,
        [
            Row([_cell(row.get(column.name), column, to.get(column.name)) for column in columns], given)
            for row, given, to in list(zip_longest(rows, row_attributes, links, fillvalue={}))[:most]
        ],
        attributes or {},
        f"The first {most:,} of {len(rows):,} rows; all are in {file}." if most and len(rows) > most else "",
    )


def meanings(tables: Sequence[Table]) -> list[tuple[str, str, str]]:
    """What the columns of some tables mean, each meaning once: the headings and the names that share it, and it."""
    shared: dict[str, list[Column]] = {}
    for column in (column for shown in tables for column in shown.columns):
        group = shared.setdefault(column.meaning, [])
        if column.name not in [other.name for other in group]:
            group.append(column)
    return [
        (
            ", ".join(dict.fromkeys(column.heading for column in group)),
            ", ".join(column.name for column in group),
            meaning.replace("`", ""),
        )
        for meaning, group in shared.items()
    ]


def _absent(value: Any) -> bool:
    return value is None or value != value


def _cell(value: Any, column: Column, link: str | None) -> Cell:
    if _absent(value):
        return Cell("–", "", column.is_text, None)
    if column.is_text:
        return Cell(column.show(value), str(value), True, link)
    # JavaScript reads "Infinity", not "inf"
    return Cell(column.show(value).replace("-", "−"), str(value).replace("inf", "Infinity"), False, link)


class Download(NamedTuple):
    """The address of a file that a page offers to save, and the name that it is saved under."""

    name: str
    address: str


def download(path: Path, name: str, folder: Path) -> Download:
    """Put a CSV file into a page: also a page that was sent by mail, or stands in a report, then gives it.

    A file of more than `LARGE_FILE` bytes is a link from the `folder` of the page instead.
    """
    if path.stat().st_size > LARGE_FILE:
        return Download(name, quote(path.relative_to(folder).as_posix()))
    return Download(name, f"data:text/csv;base64,{b64encode(path.read_bytes()).decode('ascii')}")
