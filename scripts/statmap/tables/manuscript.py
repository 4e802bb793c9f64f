"""The table of a paper: clusters, the strongest first, with their sub-peaks (standard library only)."""

from collections.abc import Mapping, Sequence
from typing import Any

from .columns import MANUSCRIPT, OF_REGION, Column, label_columns, with_added

Rows = Sequence[Mapping[str, Any]]


def manuscript_rows(regions: Rows, peaks: Rows, set_level: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One row a peak, by cluster; values of the cluster are in the row of its main peak, as in SPM.

    Parameters
    ----------
    regions, peaks : rows of regions.csv and of peaks.csv.
    set_level : ``set_p`` and ``set_c``, for the first row; None where they are not known.

    Returns
    -------
    list of dict : the columns of `MANUSCRIPT` and all of peaks.csv; None where a cell is empty.
    """
    strongest = sorted(regions, key=lambda row: (-abs(row["peak_value"]), row["region"]))
    peaks_of: dict[int, list[Mapping[str, Any]]] = {row["region"]: [] for row in regions}
    for peak in peaks:
        peaks_of[peak["region"]].append(peak)
    empty: dict[str, Any] = dict.fromkeys(MANUSCRIPT)
    rows: list[dict[str, Any]] = []
    for region in strongest:
        for peak in peaks_of[region["region"]]:
            of_region = {name: region[name] for name in OF_REGION} if peak["peak"] == 1 else {}
            rows.append(empty | {**peak, **of_region})
    if rows and set_level:
        rows[0] |= set_level
    return rows


def chosen_columns(names: Sequence[str], rows: Rows, atlases: Sequence[str]) -> dict[str, Column]:
    """The columns of ``table.tsv``: region, peak, and those chosen of which a row has a value (all, where no row is).

    Parameters
    ----------
    names : key `table_columns` of the variant; ``label`` is a column for each atlas.
    rows : from `manuscript_rows`.
    atlases : names.
    """
    columns = with_added("table.tsv", atlas=atlases)
    labels = label_columns("table.tsv", columns)
    asked = [column for name in names for column in (labels if name == "label" else [name])]
    known = [name for name in asked if not rows or any(_is_known(row.get(name)) for row in rows)]
    return {name: columns[name] for name in ("region", "peak", *known)}


def _is_known(value):
    return value is not None and value == value
