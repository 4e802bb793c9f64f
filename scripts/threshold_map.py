"""Rule threshold_map: resolve a variant's threshold on a map and keep the voxels that pass it."""

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
    variant: str,
    spec: dict,
    thresholded: str,
    thresholded_sidecar: str,
) -> None:
    """Threshold one map.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote. Voxels outside a mask of the sheet are set to 0 first.
    map_id, variant : names, for the log and the sidecar.
    spec : ``threshold``, ``sided``, ``cutoff_rule``, ``percentile_domain``, ``domain``, ``stat``, ``df``.
    thresholded, thresholded_sidecar : the image to write, 0 wherever a voxel did not survive, and its JSON.
    """
    data, affine, inside = read_map(image, mask)
    cutoff = resolve_cutoff(data, inside, spec, f"map '{map_id}'")
    survived = find_survivors(data, cutoff, spec["sided"])
    survivors = int(np.count_nonzero(survived))
    rule = describe(spec, cutoff, spec["stat"])
    log.info("map '%s', variant '%s': %s: %d survivors", map_id, variant, rule, survivors)
    if not survivors:
        log.warning("map '%s', variant '%s': no voxel survives; the tables will be empty", map_id, variant)

    write_image(thresholded, np.where(survived, data, data.dtype.type(0)), affine)
    write_json(
        thresholded_sidecar,
        {
            "Description": f"Map '{map_id}' thresholded as variant '{variant}'",
            "GeneratedBy": generated_by("threshold_map", ("numpy", "scipy", "nibabel")),
            "Sources": [image],
            "SourceSHA256": read_json(sidecar)["SHA256"],
            "Parameters": spec,
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
            variant=snakemake.wildcards.variant,
            spec=snakemake.params.spec,
            **snakemake.output,
        )
