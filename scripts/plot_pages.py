"""Rule plot_pages: one page per region, for the report."""

from pathlib import Path

from statmap.figures.brain import region_page
from statmap.figures.page import save
from statmap.figures.variant import read_scene, read_table
from statmap.io.log import log, logging_to

MOST_PAGES = 50


def main(
    image: str,
    mask: str,
    thresholded: str,
    thresholded_sidecar: str,
    labels: str,
    regions_table: str,
    peaks_table: str,
    template: str | None,
    map_id: str,
    variant: str,
    spec: dict,
    folder: str,
) -> None:
    """Draw a page for each of the largest regions of one variant, 50 at most.

    Parameters
    ----------
    As in `plot_variant.main`, and

    peaks_table : from rule tabulate_regions.
    folder : where ``region-001.png`` and so on are written.
    """
    scene, rule = read_scene(image, mask, thresholded, thresholded_sidecar, labels, template, spec)
    table, peaks = read_table(regions_table), read_table(peaks_table)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for region in table["region"][:MOST_PAGES].tolist():
        title = f"{map_id} · {variant} · region {region} of {len(table)}"
        save(region_page(scene, region, table, peaks, title, rule), Path(folder, f"region-{region:03d}.png"))
    left_out = max(len(table) - MOST_PAGES, 0)
    log.info("map '%s', variant '%s': %d pages, %d left out", map_id, variant, len(table) - left_out, left_out)


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{key: value or None for key, value in snakemake.input.items()},
            map_id=snakemake.wildcards.map,
            variant=snakemake.wildcards.variant,
            spec=snakemake.params.spec,
            folder=snakemake.output[0],
        )
