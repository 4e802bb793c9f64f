"""Our CSV files, written and read by the columns that are declared for them (standard library only)."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..io.files import UserError, writing
from .columns import DECIMALS, Column, column_of


def write_table(
    path: str | Path,
    table: Mapping[str, Sequence],
    columns: Mapping[str, Column],
    decimals: Mapping[str, int] = DECIMALS,
) -> None:
    """Write a table: the columns in their order and format, NaN and None empty, the header also without any row.

    Parameters
    ----------
    path : ``.csv`` to write, or ``.tsv``.
    table : column name to its values, arrays or lists of one length; it has these columns and no others.
    columns : column name to its declaration.
    decimals : of mm and of volumes, see `grid.decimals_of`.

    Raises
    ------
    ValueError : a column is missing, or one is there that is not declared.
    """
    if set(table) != set(columns):
        raise ValueError(f"{path}: columns {sorted(table)} are not {sorted(columns)}")
    cells = []
    for name, column in columns.items():
        values: Any = table[name]
        values = values.tolist() if hasattr(values, "tolist") else values
        cells.append([column.write(value, decimals) for value in values])
    with writing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n", delimiter=_delimiter(path))
        lines.writerow(columns)
        lines.writerows(zip(*cells, strict=True))


def _delimiter(path):
    return "\t" if Path(path).suffix == ".tsv" else ","


def write_rows(
    path: str | Path,
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Column],
    decimals: Mapping[str, int] = DECIMALS,
) -> None:
    """The same from a list of rows, each a dict of column name to value."""
    write_table(path, {name: [row[name] for row in rows] for name in columns}, columns, decimals)


def read_table(path: str | Path) -> list[dict[str, Any]]:
    """Read one of our tables; its name says which.

    Returns
    -------
    list of dict : a row each, column name to text, int or float by the column's declaration, None where it is empty.

    Raises
    ------
    UserError : it is not a whole table of ours; the user deletes it.
    """
    text = Path(path).read_bytes()
    try:
        if not text.endswith(b"\n"):
            raise ValueError("its last line is cut")
        rows = csv.reader(io.StringIO(text.decode("utf-8"), newline=""), delimiter=_delimiter(path))
        columns = [column_of(Path(path).name, name) for name in next(rows)]
        return [{column.name: column.parse(cell) for column, cell in zip(columns, row, strict=True)} for row in rows]
    except (ValueError, KeyError, StopIteration) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and run again") from error
