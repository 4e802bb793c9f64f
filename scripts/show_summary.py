"""Rule show_summary: all variants of all maps, and how far they agree, as a page for the report."""

from statmap.io.files import writing
from statmap.io.log import log, logging_to
from statmap.web.tables import page, read_rows, section, table

FOUND = (
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
)
LEDGER = ("map", "variant", "survivors", "kept", "too_small", "unseeded", "isolated")
METHOD = ("signs", "extract_type", "connectivity", "min_region_size", "convention")
AGREEMENT = ("map", "variant_a", "variant_b", "dice", "jaccard", "voxels_a", "voxels_b", "overlap_voxels")


def main(summary: str, stability: list[str], html: str) -> None:
    """Write the page that a reader sees first.

    Parameters
    ----------
    summary : CSV from rule summarise.
    stability : CSV from rule compare_variants, one per map with more than one variant.
    html : the page to write.
    """
    rows, warnings = read_rows(summary), []
    for row in rows:
        if row["warning"] != "none":
            warnings.append(f"{row['map']} · {row['variant']}: {row['warning']}")
        row["warning"] = None if row["warning"] == "none" else "⚠"
        row["convention"] = None if row["convention"] == "none" else row["convention"]
    warned = ['class="warned"' if row["warning"] else "" for row in rows]
    parts = [
        section("What was found", table(rows, FOUND, row_attributes=warned), (summary, "summary.csv")),
        section("How, and where the survivors went", table(rows, (*LEDGER, *METHOD), row_attributes=warned)),
    ]
    pairs = [row for path in stability for row in read_rows(path)]
    if pairs:
        parts.append(section("How far the variants of a map agree", table(pairs, AGREEMENT)))
    text = page("Summary", "one row per map and variant", warnings, parts)
    with writing(html) as temporary:
        temporary.write_text(text, encoding="utf-8")
    log.info("%d rows, %d warnings, %d pairs of variants", len(rows), len(warnings), len(pairs))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(**snakemake.input, html=snakemake.output[0])
