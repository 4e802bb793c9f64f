"""Rule compare_variants: how far the variants of one map agree, voxel by voxel and region by region."""

from itertools import combinations

import numpy as np
import pandas as pd

from statmap.figures.charts import dice_figure
from statmap.figures.page import save
from statmap.io.images import read_raw
from statmap.io.log import log, logging_to
from statmap.stability.agreement import dice_jaccard, match_regions
from statmap.tables.columns import MATCHES, STABILITY, write_table


def main(labels: list[str], map_id: str, variants: list[str], stability: str, matches: str, figures: list[str]) -> None:
    """Compare every two variants of one map.

    Parameters
    ----------
    labels : label images from rule extract_regions, one per variant.
    map_id, variants : names.
    stability, matches : CSV files to write: Dice and Jaccard of the kept voxels; regions matched by overlap.
    figures : files to write the Dice matrix to.
    """
    found = {}
    for variant, path in zip(variants, labels, strict=True):
        image, affine = read_raw(path)
        found[variant] = image.astype(np.int32)
    pairs = dice_jaccard({variant: image > 0 for variant, image in found.items()})
    figure = dice_figure(pairs, variants, map_id, "Dice coefficient of what every two variants keep")
    for path in figures:
        save(figure, path)
    pairs.insert(0, "map", map_id)
    write_table(stability, pairs, STABILITY)

    tables = []
    for one, other in combinations(variants, 2):
        table = match_regions(found[one], found[other], affine)
        table[["map", "variant_a", "variant_b"]] = map_id, one, other
        tables.append(table[list(MATCHES)])
    write_table(matches, pd.concat(tables, ignore_index=True), MATCHES)
    log.info("map '%s': %d pairs of variants", map_id, len(pairs))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            labels=snakemake.input.labels,
            map_id=snakemake.wildcards.map,
            variants=list(snakemake.params.spec["variants"]),
            stability=snakemake.output.stability,
            matches=snakemake.output.matches,
            figures=[snakemake.output.figure, *snakemake.output.others],
        )
