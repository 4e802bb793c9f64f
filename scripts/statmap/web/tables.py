"""Tables to read in a browser, without a network: a heading sorts its column, by mouse or keyboard.

Standard library only. The interactive view of a map and the pages of the report show their tables through this.
"""

from base64 import b64encode
from html import escape
from itertools import zip_longest
from pathlib import Path

from ..tables.columns import column_of

# Columns of summary.html, warnings first.
FOUND = [
    "map",
    "variant",
    "warning",
    "rule",
    "n_regions",
    "volume_mm3",
    "largest_mm3",
    "largest_x",
    "largest_y",
    "largest_z",
]
HOW = [
    "map",
    "variant",
    "survivors",
    "kept",
    "too_small",
    "unseeded",
    "isolated",
    "signs",
    "extract_type",
    "connectivity",
    "min_region_size",
    "convention",
]


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


def table(rows, names, attributes="", row_attributes=(), file="regions.csv"):
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
    columns = {
        column.name: (column.heading, column.shown, column.tooltip)
        for column in (column_of(file, name) for name in names)
        if column.heading and any(not _absent(row.get(column.name)) for row in rows)
    }
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


def summary_page(rows, agreement, summary):
    """The page that a reader sees first: one row per map and variant, and how far the variants of a map agree."""
    warnings = [f"{row['map']} · {row['variant']}: {row['warning']}" for row in rows if row["warning"] != "none"]
    shown = [row | {"warning": None if row["warning"] == "none" else "⚠"} for row in rows]
    warned = ['class="warned"' if row["warning"] else "" for row in shown]
    parts = [
        section("What was found", table(shown, FOUND, "", warned, "summary.csv"), (summary, "summary.csv")),
        section("How, and where the voxels went", table(shown, HOW, "", warned, "summary.csv")),
    ]
    if agreement:
        shown = table(agreement, list(agreement[0]), file="stability.csv")
        parts.append(section("How far the variants of a map agree", shown))
    return page("Summary", "one row per map and variant", warnings, parts)
