"""Tables to read in a browser, without a network: a heading sorts its column, by mouse or keyboard.

Standard library only. The interactive view of a map and the pages of the report show their tables through this.
"""

import csv
from base64 import b64encode
from html import escape
from itertools import zip_longest
from pathlib import Path

# Columns of our CSV files that are shown: heading, format (a number's, or "" for text), meaning.
COLUMNS = {
    "map": ("Map", "", "id of the map"),
    "variant": ("Variant", "", "id of the variant"),
    "variant_a": ("Variant A", "", "id of the first variant"),
    "variant_b": ("Variant B", "", "id of the second variant"),
    "warning": ("Warning", "", "whether survivors were lost for a reason other than size"),
    "rule": ("Threshold", "", "which voxels survive, with the cutoff that the threshold resolved to"),
    "convention": ("Convention", "", "package whose rules the variant follows"),
    "signs": ("Signs", "", "whether survivors of opposite sign are kept apart (split) or may join (merged)"),
    "extract_type": ("Extraction", "", "how survivors are divided into regions"),
    "connectivity": ("Neighbours", "d", "neighbours of a voxel: 6, 18 or 26"),
    "min_region_size": ("Min mm³", ",.0f", "smallest size of a region in mm³"),
    "survivors": ("Survivors", ",d", "voxels that pass the threshold"),
    "kept": ("Kept", ",d", "survivors that are in a region"),
    "too_small": ("Too small", ",d", "survivors in regions that were too small"),
    "unseeded": ("Unseeded", ",d", "survivors in components without a seed (local_regions only)"),
    "isolated": ("Isolated", ",d", "survivors without a neighbour (local_regions only)"),
    "n_regions": ("Regions", ",d", "number of regions"),
    "region": ("Region", "d", "id of the region, the same in every image, table and figure; 1 is the largest"),
    "sign": ("Sign", "", "sign of the region's values"),
    "n_voxels": ("Voxels", ",d", "size in voxels"),
    "volume_mm3": ("mm³", ",.0f", "size in mm³"),
    "largest_mm3": ("Largest mm³", ",.0f", "size of the largest region in mm³"),
    "largest_x": ("x", ".1f", "peak of the largest region, mm"),
    "largest_y": ("y", ".1f", "peak of the largest region, mm"),
    "largest_z": ("z", ".1f", "peak of the largest region, mm"),
    "peak_value": ("Peak", ".2f", "value at the region's peak"),
    "peak_x": ("x", ".1f", "region's peak, mm; left is negative"),
    "peak_y": ("y", ".1f", "region's peak, mm; posterior is negative"),
    "peak_z": ("z", ".1f", "region's peak, mm; inferior is negative"),
    "p_peak": ("p at peak", ".2g", "p value at the peak, not corrected"),
    "p_cluster": ("p of size", ".2g", "p value of the region's size, corrected (random field theory)"),
    "tdp": ("TDP", ".0%", "true discovery proportion: at least this share of the region is active"),
    "robust_low": ("Found from", ".2f", "lowest cutoff at which the region is found by itself"),
    "robust_high": ("Found to", ".2f", "highest cutoff at which the region is found by itself"),
    "margin": ("Margin", ".2f", "distance from the cutoff to the nearer end of that interval"),
    "peak": ("Peak", "d", "1 is the region's main peak"),
    "value": ("Value", ".2f", "value at the peak"),
    "p": ("p", ".2g", "p value, not corrected"),
    "z_score": ("z score", ".2f", "z score"),
    "x": ("x", ".1f", "mm; left is negative"),
    "y": ("y", ".1f", "mm; posterior is negative"),
    "z": ("z", ".1f", "mm; inferior is negative"),
    "distance_mm": ("From main", ".1f", "distance from the region's main peak in mm"),
    "voxels_a": ("Voxels A", ",d", "voxels in a region of variant A"),
    "voxels_b": ("Voxels B", ",d", "voxels in a region of variant B"),
    "overlap_voxels": ("In both", ",d", "voxels in a region of both variants"),
    "dice": ("Dice", ".3f", "2 |A and B| / (|A| + |B|)"),
    "jaccard": ("Jaccard", ".3f", "|A and B| / |A or B|"),
}


def column(name):
    """Heading, format and meaning of a column; what is not in `COLUMNS` is text, by an atlas's name."""
    if name in COLUMNS:
        return COLUMNS[name]
    atlas, _, kind = name.rpartition("_")
    if kind == "peak":
        return f"{atlas} at peak", "", f"label of the atlas {atlas} at the peak"
    return f"{atlas} overlap", "", f"share of the region in labels of the atlas {atlas}"


def atlas_columns(names):
    """Those of a table's columns that an atlas gave it: ``<atlas>_peak`` and ``<atlas>_overlap``."""
    ours = {"p_peak", "log10_p_peak", "z_peak"}
    return [name for name in names if name not in ours and name.endswith(("_peak", "_overlap"))]


def read_rows(path):
    """Rows of one of our CSV files as dicts: numbers where `COLUMNS` has a number's format, None where empty."""
    with open(path, encoding="utf-8", newline="") as stream:
        return [{name: _value(name, text) for name, text in row.items()} for row in csv.DictReader(stream)]


def _value(name, text):
    form = COLUMNS.get(name, ("", "", ""))[1]
    if text == "":
        return None
    return text if form == "" else int(text) if form.endswith("d") else float(text)


def _absent(value):
    return value is None or value != value


def _cell(value, form):
    if _absent(value):
        return f'<td data-key=""{_left(form)}>–</td>'
    # JavaScript reads "Infinity", not "inf"
    key = escape(str(value) if form == "" else str(value).replace("inf", "Infinity"))
    text = format(value, form) if form == "" else format(value, form).replace("-", "−")
    return f'<td data-key="{key}"{_left(form)}>{escape(text)}</td>'


def _left(form):
    return "" if form else ' class="text"'


def table(rows, names, attributes="", row_attributes=()):
    """Rows as an HTML table; readable, though not sortable, without JavaScript.

    Parameters
    ----------
    rows : list of dict, column to value; None and NaN are shown as a dash and sorted last.
    names : columns to show. Those that no row has a value for are left out.
    attributes : str, attributes of the element ``table``.
    row_attributes : sequence of str, attributes of the rows.

    Returns
    -------
    str : the element; `STYLE` and `SCRIPT` belong to it, once per page.
    """
    columns = {name: column(name) for name in names if any(not _absent(row.get(name)) for row in rows)}
    head = "".join(
        f'<th scope="col" aria-sort="none" title="{escape(meaning)}"{_left(form)}>'
        f'<button type="button">{escape(heading)}</button></th>'
        for heading, form, meaning in columns.values()
    )
    body = "".join(
        f"<tr{own}>{''.join(_cell(row.get(name), form) for name, (_, form, _) in columns.items())}</tr>"
        for row, own in zip_longest(rows, (f" {own}" for own in row_attributes), fillvalue="")
    )
    return f"<table {attributes}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def section(heading, content, download=None):
    """A part of a page: heading, HTML, and a CSV file that goes into the page as a download.

    Parameters
    ----------
    heading, content : str, text and HTML.
    download : path and the name to save it under, or None.
    """
    link = ""
    if download:
        path, name = download
        data = b64encode(Path(path).read_bytes()).decode("ascii")
        link = f'<a download="{escape(name)}" href="data:text/csv;base64,{data}">all columns, as CSV</a>'
    return f'<section><h2>{escape(heading)}</h2>{link}<div class="scroll" tabindex="0">{content}</div></section>'


def page(title, subtitle, warnings, sections):
    """A page of tables that loads nothing else; the same input gives the same text.

    Parameters
    ----------
    title, subtitle : str.
    warnings : list of str, shown above everything else.
    sections : list of str from `section`.
    """
    loud = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    hint = "A heading sorts its column; rest the pointer on it to see what it means."
    parts = "\n".join(sections)
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<title>{escape(title)} · Statmap Regions</title>\n<link rel="icon" href="data:,">\n',
            f"<style>\n{STYLE}{_PAGE_STYLE}</style>\n</head>\n<body>\n",
            f"<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>\n",
            f'<ul class="warnings" aria-label="Warnings">{loud}</ul>\n' if warnings else "",
            parts,
            f"\n<p>{hint}</p>" if "<th" in parts else "",
            f'\n<script>\n"use strict";\n{SCRIPT}</script>\n</body>\n</html>\n',
        )
    )


STYLE = """\
  body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: #1c2430; background: #f4f5f7; }
  h1 { margin: 0; font-size: 1.35rem; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; background: #fff; }
  th { position: sticky; top: 0; background: #fff; box-shadow: inset 0 -1px #c9ced6; padding: 0; white-space: nowrap; }
  th button { all: unset; box-sizing: border-box; width: 100%; padding: .5rem .55rem; cursor: pointer; }
  th button:hover { text-decoration: underline; }
  th[aria-sort=ascending] button::before { content: "↑ "; }
  th[aria-sort=descending] button::before { content: "↓ "; }
  th, td { text-align: right; }
  td { padding: .3rem .55rem; border-top: 1px solid #eceef1; }
  .text, th:first-child, td:first-child { text-align: left; }
  tr[style] td:first-child::before { content: ""; float: left; width: .8em; height: .8em; margin: .3em .5em 0 0; }
  tr[style] td:first-child::before { background: var(--colour); border-radius: 2px; }
  :focus-visible, th button:focus-visible { outline: 2px solid #1d5fc4; outline-offset: -2px; }
"""

_PAGE_STYLE = """\
  body { padding: 1rem 1.5rem; }
  header p, body > p { margin: 0 0 .5rem; color: #4b5563; }
  h2 { display: inline-block; margin: .8rem 1rem .4rem 0; font-size: 1.1rem; }
  a { color: #1d5fc4; }
  .scroll { overflow: auto; max-height: 85vh; border-radius: 6px; margin-bottom: .8rem; }
  .scroll table { width: auto; }
  .scroll p { margin: 0; padding: 1rem; background: #fff; }
  .scroll th { white-space: normal; vertical-align: bottom; }
  td { white-space: nowrap; }
  tbody tr:hover { background: #eef3fb; }
  .warnings { margin: .5rem 0; padding: .6rem 1rem .6rem 2.2rem; max-height: 40vh; overflow: auto; font-weight: 600; }
  .warnings { background: #fff1cc; border-left: 6px solid #d9480f; border-radius: 6px; list-style: "⚠ "; }
  tr.warned { background: #fff1cc; }
"""

SCRIPT = """\
function sort(heading) {
  const body = heading.closest("table").tBodies[0], column = heading.cellIndex;
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of heading.parentNode.cells) other.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => row.cells[column].dataset.key;
  const compare = (a, b) => (a === "") - (b === "") || (down ? -1 : 1) * (a - b || a.localeCompare(b));
  body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b))));
}

document.addEventListener("click", (event) => {
  const heading = event.target.closest("th");
  if (heading) sort(heading);
});
"""
