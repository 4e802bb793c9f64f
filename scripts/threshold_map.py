"""Rule threshold_map: resolve every variant's threshold on a map and keep the voxels that pass it."""

import numpy as np

from statmap.inference.thresholds import cutoff_entries, describe, find_survivors, resolve_cutoff
from statmap.io.files import read_json, write_json
from statmap.io.images import read_map, write_image
from statmap.io.log import log, logging_to
from statmap.io.sidecar import generated_by


def main(
    image: str,
    mask: str,
    sidecar: str,
    map_id: str,
    variants: dict[str, dict],
    thresholded: list[str],
    sidecars: list[str],
) -> None:
    """Threshold one map.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote. Voxels outside a mask of the sheet are set to 0 first.
    map_id : name, for the log and the sidecars.
    variants : id to its ``threshold``, ``sided``, ``cutoff_rule``, ``percentile_domain`` and ``domain``.
    thresholded, sidecars : the images to write, 0 wherever a voxel did not pass, and their JSON, one per variant.
    """
    data, affine, inside = read_map(image, mask)
    fetched = read_json(sidecar)
    stat, df = fetched["Stat"], fetched["DF"]
    for (variant, keys), path, sidecar_path in zip(variants.items(), thresholded, sidecars, strict=True):
        name = f"map '{map_id}', variant '{variant}'"
        cutoff = resolve_cutoff(data, inside, **keys, stat=stat, df=df, name=name)
        survived = find_survivors(data, cutoff, keys["sided"])
        survivors = int(np.count_nonzero(survived))
        rule = describe(cutoff, threshold=keys["threshold"], sided=keys["sided"], stat=stat)
        log.info("%s: %s: %d suprathreshold voxels", name, rule, survivors)
        if not survivors:
            log.warning("%s: no voxel passes the threshold; the tables will be empty", name)
        write_image(path, np.where(survived, data, data.dtype.type(0)), affine)
        write_json(
            sidecar_path,
            {
                "Description": f"Map '{map_id}' thresholded as variant '{variant}'",
                "GeneratedBy": generated_by("threshold_map", ("numpy", "scipy", "nibabel")),
                "Sources": [image],
                "SourceSHA256": fetched["SHA256"],
                "Parameters": keys | {"stat": stat, "df": df},
                "Rule": rule,
                **cutoff_entries(cutoff),
                "Survivors": survivors,
            },
        )


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **snakemake.input,
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            **snakemake.output,
        )
