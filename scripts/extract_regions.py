"""Rule extract_regions: divide the suprathreshold voxels into regions and account for every one of them."""

import numpy as np

from statmap.inference.thresholds import cutoff_of
from statmap.io.files import UserError, read_json, sha256_of, write_json
from statmap.io.images import read_written, voxel_volume, write_image, write_volumes
from statmap.io.log import log, logging_to
from statmap.io.sidecar import generated_by
from statmap.regions.clusters import extent_threshold
from statmap.regions.extract import accounting_warning, extract_regions, region_volumes


def main(
    thresholded: list[str],
    thresholded_sidecars: list[str],
    map_id: str,
    variants: dict[str, dict],
    regions: list[str],
    sidecars: list[str],
    regions_4d: list[str],
) -> None:
    """Extract the regions of every variant of one map.

    Parameters
    ----------
    thresholded, thresholded_sidecars : images from rule threshold_map and their JSON, one per variant.
    map_id : name, for the log and the sidecars.
    variants : id to its ``extract_type``, ``signs``, ``connectivity``, ``min_region_size`` (mm^3 or voxels),
        ``size_rule``, ``unseeded``, ``edge_scale`` and ``random_walker``; for an extent threshold by significance also
        ``cluster_p``, ``cluster_q``, ``cluster_theory`` and ``sided``.
    regions, sidecars : the label images to write and their JSON with the voxel accounting, one per variant.
    regions_4d : 4D images to write, one volume per region (one empty volume without any); none, or one per variant.

    Raises
    ------
    UserError : keys of a variant that do not go together.
    """
    for n, (variant, keys) in enumerate(variants.items()):
        name = f"map '{map_id}', variant '{variant}'"
        cut = read_json(thresholded_sidecars[n])
        data, affine = read_written(thresholded[n], thresholded_sidecars[n])
        critical, observed = _critical_extent(data, cut, keys, name)
        smallest, size_rule = extent_threshold(keys["min_region_size"], keys["size_rule"], critical, affine)
        if critical is not None:
            log.info("%s: clusters of %d voxels or more are significant", name, critical)
        extent = {"min_region_size": smallest, "size_rule": size_rule}
        how = ("extract_type", "signs", "connectivity", "unseeded", "edge_scale", "random_walker")
        try:
            found = extract_regions(data, affine, **{key: keys[key] for key in how}, **extent)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
        warning = accounting_warning(found.accounting, keys["signs"], keys["unseeded"])
        warnings = [warning] if warning else []
        entries = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in found.accounting.items())
        log.info("%s: %d regions; voxels: %s", name, found.n_regions, entries)
        for warning in warnings:
            log.warning("%s: %s", name, warning)
        write_image(regions[n], found.labels.astype(np.int16 if found.n_regions < 2**15 else np.int32), affine)
        if regions_4d:
            volumes = region_volumes(found.labels, data) if found.n_regions else [np.zeros_like(data)]
            write_volumes(regions_4d[n], volumes, (*data.shape, max(found.n_regions, 1)), affine, data.dtype)
        write_json(
            sidecars[n],
            {
                "Description": f"Regions of map '{map_id}', variant '{variant}': 0 background, regions by size",
                "GeneratedBy": generated_by(
                    "extract_regions", ("numpy", "scipy", "nibabel", "connected-components-3d")
                ),
                "Sources": [thresholded[n]],
                "SourceSHA256": cut["SHA256"],
                "Parameters": keys,
                "MinRegionSizeMM3": smallest,
                "SizeRule": size_rule,
                "CriticalExtentVoxels": critical,
                "SmallestSignificantVoxels": observed,
                "Regions": found.n_regions,
                "SHA256": sha256_of(regions[n]),
                "VoxelVolumeMM3": voxel_volume(affine),
                "VoxelAccounting": found.accounting,
                "Warnings": warnings,
            },
        )


def _critical_extent(data, sidecar, keys, name):
    """Of a variant that asks for significant clusters the critical extent, and the smallest cluster that reaches it.

    SPM prints the latter as FWEc and FDRc. None where it does not ask, or where there is none.
    """
    if keys["cluster_p"] is None and keys["cluster_q"] is None:
        return None, None
    # Here, not above: scipy.special takes as long to import as all the rest takes to run.
    from statmap.inference.region_statistics import critical_extent, excursion_sizes, search_from

    sizes = excursion_sizes(data, data != 0, keys["connectivity"])
    critical = critical_extent(
        sizes,
        cutoff_of(sidecar).value,
        search_from(sidecar),
        **{key: keys[key] for key in ("cluster_p", "cluster_q", "cluster_theory", "sided")},
        **{key: sidecar["Parameters"][key] for key in ("stat", "df")},
        name=name,
    )
    large = sizes[sizes >= critical] if critical is not None else sizes[:0]
    return critical, int(large.min()) if large.size else None


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **snakemake.input,
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            **snakemake.output,
        )
