"""Rule compare_variants: how far the variants of one map agree, voxel by voxel and region by region."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np

from statmap.grid import decimals_of
from statmap.io.images import read_written
from statmap.io.log import log, logging_to
from statmap.io.stat_map import by_folder
from statmap.stability.agreement import dice_jaccard, match_regions
from statmap.tables.columns import MATCHES, STABILITY
from statmap.tables.csv_files import write_rows


def main(map_id: str, inputs: Mapping[str, Mapping[str, Path]], stability: str, matches: str) -> None:
    """Compare every two variants of one map.

    Parameters
    ----------
    map_id : name.
    inputs : by variant, ``regions.nii.gz`` and ``regions.json``.
    stability, matches : CSV files to write: Dice and Jaccard of the kept voxels; regions matched by overlap.
    """
    labels = {}
    for variant, files in inputs.items():
        image, affine = read_written(files["regions.nii.gz"], files["regions.json"])
        labels[variant] = image.astype(np.int32)
    pairs = dice_jaccard({variant: image > 0 for variant, image in labels.items()})
    write_rows(stability, [{"map": map_id, **pair} for pair in pairs], STABILITY)
    rows = []
    for first, second in combinations(labels, 2):
        table = match_regions(labels[first], labels[second], affine)
        names = {"map": map_id, "variant_a": first, "variant_b": second}
        matched = zip(*(values.tolist() for values in table.values()), strict=True)
        rows += [names | dict(zip(table, row, strict=True)) for row in matched]
    write_rows(matches, rows, MATCHES, decimals_of(affine))
    log.info("map '%s': %d pairs of variants", map_id, len(pairs))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(snakemake.wildcards.map, by_folder(snakemake.input), **snakemake.output)
