"""Rule extract_regions: divide the survivors into regions and account for every one of them."""

import numpy as np

from statmap.io.files import sha256_of, write_json
from statmap.io.images import read_image, voxel_volume, write_image, write_volumes
from statmap.io.log import log, logging_to
from statmap.io.sidecar import generated_by
from statmap.regions.extract import extract_regions, ledger_warning, region_volumes


def main(
    thresholded: str,
    map_id: str,
    variant: str,
    spec: dict,
    regions: str,
    regions_sidecar: str,
    regions_4d: str | None = None,
) -> None:
    """Extract the regions of one thresholded map.

    Parameters
    ----------
    thresholded : image from rule threshold_map.
    map_id, variant : names, for the log and the sidecar.
    spec : ``extract_type``, ``signs``, ``connectivity``, ``min_region_size``, ``size_rule``, ``unseeded``,
        ``edge_scale``.
    regions, regions_sidecar : the label image to write and its JSON, which holds the ledger.
    regions_4d : the 4D image to write, one volume per region; None for none. Without a region it has one empty volume.
    """
    data, affine = read_image(thresholded)
    found = extract_regions(data, affine, spec)
    warning = ledger_warning(found.ledger)
    entries = ", ".join(f"{count} {fate.replace('_', ' ')}" for fate, count in found.ledger.items())
    log.info("map '%s', variant '%s': %d regions; ledger: %s", map_id, variant, found.n_regions, entries)
    if warning:
        log.warning("map '%s', variant '%s': %s", map_id, variant, warning)

    write_image(regions, found.labels.astype(np.int16 if found.n_regions < 2**15 else np.int32), affine)
    if regions_4d:
        volumes = region_volumes(found.labels, data) if found.n_regions else [np.zeros_like(data)]
        write_volumes(regions_4d, volumes, (*data.shape, max(found.n_regions, 1)), affine, data.dtype)
    write_json(
        regions_sidecar,
        {
            "Description": f"Regions of map '{map_id}', variant '{variant}': 0 background, regions by size",
            "GeneratedBy": generated_by("extract_regions", ("numpy", "scipy", "nibabel", "connected-components-3d")),
            "Sources": [thresholded],
            "SourceSHA256": sha256_of(thresholded),
            "Parameters": spec,
            "Regions": found.n_regions,
            "VoxelVolumeMM3": voxel_volume(affine),
            "Ledger": found.ledger,
            "Warning": warning,
        },
    )


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            thresholded=snakemake.input.thresholded,
            map_id=snakemake.wildcards.map,
            variant=snakemake.wildcards.variant,
            spec=snakemake.params.spec,
            regions=snakemake.output.regions,
            regions_sidecar=snakemake.output.regions_sidecar,
            regions_4d=next(iter(snakemake.output.regions_4d), None),
        )
