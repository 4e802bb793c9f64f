"""Rule compare_variants: how far the variants of one map agree, voxel by voxel and region by region."""

from itertools import combinations

import numpy as np

from statmap.io.images import read_written
from statmap.io.log import log, logging_to
from statmap.stability.agreement import dice_jaccard, match_regions
from statmap.tables.columns import MATCHES, STABILITY
from statmap.tables.csv_files import write_rows


def main(
    labels: list[str], sidecars: list[str], map_id: str, variants: list[str], stability: str, matches: str
) -> None:
    """Compare every two variants of one map.

    Parameters
    ----------
    labels, sidecars : label images from rule extract_regions and their JSON, one per variant.
    map_id, variants : names.
    stability, matches : CSV files to write: Dice and Jaccard of the kept voxels; regions matched by overlap.
    """
    found = {}
    for variant, path, sidecar in zip(variants, labels, sidecars, strict=True):
        image, affine = read_written(path, sidecar)
        found[variant] = image.astype(np.int32)
    pairs = dice_jaccard({variant: image > 0 for variant, image in found.items()})
    write_rows(stability, [{"map": map_id, **pair} for pair in pairs], STABILITY)
    rows = []
    for one, other in combinations(variants, 2):
        table = match_regions(found[one], found[other], affine)
        names = {"map": map_id, "variant_a": one, "variant_b": other}
        matched = zip(*(values.tolist() for values in table.values()), strict=True)
        rows += [names | dict(zip(table, row, strict=True)) for row in matched]
    write_rows(matches, rows, MATCHES)
    log.info("map '%s': %d pairs of variants", map_id, len(pairs))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **snakemake.input,
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            **snakemake.output,
        )
