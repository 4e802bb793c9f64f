"""Rule view_map: one page to scroll through a map and its regions, and to jump to every peak."""

import numpy as np

from statmap.figures.variant import read_table, read_variant
from statmap.io.files import writing
from statmap.io.images import read_raw
from statmap.io.log import log, logging_to
from statmap.web.viewer import viewer_page


def main(
    image: str,
    mask: str,
    thresholded: list[str],
    thresholded_sidecars: list[str],
    labels: list[str],
    tables: list[str],
    template: str | None,
    map_id: str,
    spec: dict,
    page: str,
) -> None:
    """Write the interactive page of one map.

    Parameters
    ----------
    image, mask : from rule fetch_map.
    thresholded, thresholded_sidecars, labels, tables : from the earlier rules, one each per variant.
    template : anatomical image in the space of the map, or None: the map's own outline is then the background.
    map_id : name.
    spec : ``variants``, id to dict with ``sided``.
    page : HTML file to write.
    """
    variants = []
    for name, *paths, table in zip(spec["variants"], thresholded, thresholded_sidecars, labels, tables, strict=True):
        found = read_variant(image, mask, *paths)
        variants.append(
            {
                "name": name,
                "rule": found.rule,
                "sided": spec["variants"][name]["sided"],
                "cutoff": found.cutoff,
                "labels": found.labels,
                "regions": read_table(table),
            }
        )
    background = read_raw(template) if template else ((found.data != 0).astype(np.uint8) * 90, found.affine)
    html = viewer_page(map_id, found.data, found.affine, *background, variants)
    with writing(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    log.info("map '%s': %d variants, %d kB", map_id, len(variants), len(html) // 1000)


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{key: value or None for key, value in snakemake.input.items()},
            map_id=snakemake.wildcards.map,
            spec=snakemake.params.spec,
            page=snakemake.output[0],
        )
