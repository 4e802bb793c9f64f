"""The table of a paper on a page: clusters with their sub-peaks, columns to choose, text to paste."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ..inference.spm_footer import SpmFooter
from ..tables.columns import OF_REGION, TABLE_COLUMNS
from ..tables.manuscript import Rows, chosen_columns, manuscript_rows
from .tables import MOST_ROWS, Row, Table, table

SET_LEVEL = ("set_p", "set_c")


class Manuscript(NamedTuple):
    """What a page shows of the table of a variant.

    Attributes
    ----------
    table : all columns that a row has a value for; `MOST_ROWS` rows at most, or one cluster.
    clusters : its rows, those of each cluster together, the main peak first.
    shown : names of the columns that are shown at first.
    notes : what SPM prints below it; empty where that is not known.
    """

    table: Table
    clusters: Sequence[Sequence[Row]]
    shown: Collection[str]
    notes: Sequence[str]


def manuscript(
    regions: Rows, peaks: Rows, asked: Sequence[str], footer: Mapping[str, Any] | None, colours: Sequence[str]
) -> Manuscript:
    """The table of a variant in the form of a paper.

    Parameters
    ----------
    regions, peaks : rows of regions.csv and of peaks.csv.
    asked : key `table_columns` of the variant.
    footer : entries of its `inference.spm_footer.SpmFooter`, or None.
    colours : of the regions, in order of id.
    """
    below = SpmFooter.from_entries(footer) if footer else None
    rows = manuscript_rows(regions, peaks, {name: getattr(below, name) for name in SET_LEVEL} if below else None)
    atlases = [name.removesuffix("_peak") for name in (peaks[0] if peaks else ()) if name.endswith("_peak")]
    chosen = chosen_columns(asked, rows, atlases)
    every = list(chosen_columns([*asked, *TABLE_COLUMNS], rows, atlases))
    is_main = [row["peak"] == 1 for row in rows]
    attributes = [
        {"style": f"--colour:{colours[row['region'] - 1]}"} if main else {"class": "sub"}
        for row, main in zip(rows, is_main, strict=True)
    ]
    ends = [n for n, main in enumerate([*is_main, True]) if main]  # of clusters, which are shown whole
    most = max(n for n in ends if n <= MOST_ROWS) or ends[:2][-1]
    shown = table(rows, every, "table.tsv", row_attributes=attributes, most=most)
    clusters: list[list[Row]] = []
    for n, (row, main) in enumerate(zip(shown.rows, is_main[:most], strict=True)):
        blank = ([] if n == 0 else SET_LEVEL) if main else ("region", *SET_LEVEL, *OF_REGION)
        cells = [
            cell._replace(text="") if column.name in blank else cell
            for column, cell in zip(shown.columns, row.cells, strict=True)
        ]
        clusters += [[]] if main else []
        clusters[-1].append(row._replace(cells=cells))
    return Manuscript(shown, clusters, set(chosen) - {"peak"}, below.lines() if below else [])
