"""Rule threshold_map: resolve a variant's threshold on a map and keep the voxels that pass it."""

import numpy as np
from statmap.files import read_json, write_json
from statmap.images import read_image, read_raw, replace_nonfinite, write_image
from statmap.log import log, logging_to
from statmap.sidecar import generated_by
from statmap.thresholds import describe, find_survivors, resolve_cutoff


def main(
    image: str, mask: str, sidecar: str, map_id: str, variant: str, spec: dict, thresholded: str, thresholded_sidecar: str
) -> None:
    """Threshold one map.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote. Voxels outside a mask of the sheet are set to 0 first.
    map_id, variant : names, for the log and the sidecar.
    spec : ``threshold``, ``sided``, ``cutoff_rule``, ``percentile_domain``, ``domain``, ``stat``, ``df``.
    thresholded, thresholded_sidecar : the image to write, 0 wherever a voxel did not survive, and its JSON.
    """
    data, affine = read_image(image)
    inside = read_raw(mask)[0] != 0
    fetched = read_json(sidecar)
    data = np.where(inside, replace_nonfinite(data)[0], data.dtype.type(0))
    given = "MaskSHA256" in fetched
    cutoff = resolve_cutoff(data, spec, inside if given else None, f"map '{map_id}'")
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
            "SourceSHA256": fetched["SHA256"],
            "Parameters": spec,
            "Rule": rule,
            # JSON has no infinity: null is a threshold that no value reaches.
            "Cutoff": cutoff.value if np.isfinite(cutoff.value) else None,
            "CutoffRule": cutoff.rule,
            "Clearance": cutoff.clearance,
            "Kind": cutoff.kind,
            "Domain": cutoff.domain,
            "DomainVoxels": cutoff.n_domain,
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
