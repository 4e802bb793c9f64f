"""Tab-separated tables that people edit: the sample sheet and the variant table (standard library only)."""

import csv
import io
from pathlib import Path
from typing import Any

from ..io.files import UserError, read_text


def read_sheet(path: str | Path, key: str, columns: dict) -> dict[str, dict]:
    """Read a table with one row per thing, named in the column `key`.

    Parameters
    ----------
    path : a ``.tsv`` file, UTF-8. Empty cells (BIDS: ``n/a``), blank lines and lines that begin with ``#`` are skipped.
    key : name of the column with the ids.
    columns : dict of every accepted column, `key` aside, to ``(convert, accepted)``: a function that turns a cell's
        text into its value or raises ValueError, and words for what it takes.

    Returns
    -------
    dict : id -> dict of the cells that are filled in.

    Raises
    ------
    UserError : unreadable file, unknown, missing or repeated column, a row longer than the header, an id that is
        missing or repeated, or a cell that is not of its column's type.
    """
    try:
        lines_read = io.StringIO(read_text(path, "utf-8-sig"), newline="")
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines_read, delimiter="\t")]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path} is not a readable tab-separated table ({error})") from error
    lines = [(line, row) for line, row in enumerate(rows, start=1) if any(row) and not row[0].startswith("#")]
    header, known = (lines[0][1] if lines else []), [key, *columns]
    if len(header) == 1 and header[0] not in known and header[0].split()[0] in known:
        raise UserError(f"{path}: the header has spaces where tabs are needed; separate the columns by tabs")
    for column in header:
        if column not in known:
            raise UserError(f"{path}: column {column!r} is not known; accepted, tab-separated: {', '.join(known)}")
        if header.count(column) > 1:
            raise UserError(f"{path}: column {column!r} is there {header.count(column)} times; once is accepted")
    if key not in header:
        raise UserError(f"{path}: column {key!r} is missing; found {', '.join(header) or 'nothing'}")

    things = {}
    for line, row in lines[1:]:
        if len(header) > 1 and len(row[0].split()) > 1 and not any(row[1:]):
            raise UserError(f"{path}: row {line} has spaces where tabs are needed; separate the cells by tabs")
        if any(row[len(header) :]):
            raise UserError(f"{path}: row {line} has {len(row)} cells, the header {len(header)}")
        cells = dict(zip(header, row, strict=False))
        name = cells.pop(key, "")
        if not name:
            raise UserError(f"{path}: row {line} has no {key} id")
        if name in things:
            raise UserError(f"{path}: row {line} repeats the {key} id {name!r}")
        things[name] = {}
        for column, text in cells.items():
            if text and text != "n/a":  # as BIDS writes an empty cell
                things[name][column] = read_cell(text, columns[column], f"{path}: row {line}, {key} {name!r}: {column}")
    return things


def read_cell(text: str, reader: tuple, where: str) -> Any:
    """A cell's value by its reader, see `read_sheet`; what it does not take is a UserError that begins with `where`."""
    convert, accepted = reader
    try:
        return convert(text)
    except ValueError as error:
        raise UserError(f"{where} {text!r} is not {accepted}") from error
