"""Rule extract_regions: divide the suprathreshold voxels into regions and account for every one of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from statmap.distributions import distribution_of
from statmap.grid import voxel_volume
from statmap.inference.needs import no_family
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import UserError, sha256_of
from statmap.io.images import read_written
from statmap.io.log import log, logging_to
from statmap.io.nifti import MOST_VOLUMES, write_image, write_sparse
from statmap.io.sidecar import generated_by
from statmap.io.stat_map import by_folder
from statmap.regions.clusters import with_extent
from statmap.regions.extract import RegionsSidecar, accounting_warnings, extract_regions, region_voxels, size_warnings
from statmap.rules import RegionRule


def main(
    map_id: str,
    rules: Mapping[str, RegionRule],
    inputs: Mapping[str, Mapping[str, Path]],
    outputs: Mapping[str, Mapping[str, Path]],
) -> None:
    """Extract the regions of every variant of one map.

    Parameters
    ----------
    map_id : name, for the log and the sidecars.
    rules : by variant.
    inputs : by variant, ``thresholded.nii.gz`` and ``thresholded.json``.
    outputs : by variant, ``regions.nii.gz``, the labels, ``accounting.nii.gz``, what became of every suprathreshold
        voxel (see `Regions.outcomes`), and ``regions.json``, which counts them; where it is asked for
        ``regions_4d.nii.gz``, one volume per region (one empty volume without any, or with more than the format
        counts).

    Raises
    ------
    UserError : keys of a variant that do not go together.
    """
    for variant, rule in rules.items():
        name = f"map '{map_id}', variant '{variant}'"
        image, to_write = inputs[variant]["thresholded.nii.gz"], outputs[variant]
        record = ThresholdSidecar.read(inputs[variant]["thresholded.json"])
        data, affine = read_written(image, inputs[variant]["thresholded.json"])
        critical, smallest = _critical_extent(data, record, rule, name)
        if critical is not None:
            log.info("%s: clusters of %d voxels or more are significant", name, critical)
        try:
            regions = extract_regions(data, affine, with_extent(rule, critical, affine))
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
        counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in regions.accounting.items())
        log.info("%s: %d regions; voxels: %s", name, regions.n_regions, counts)
        written = regions.n_regions if regions.n_regions <= MOST_VOLUMES else 0
        warnings = [*accounting_warnings(regions.accounting, rule), *size_warnings(regions, rule, affine)]
        if "regions_4d.nii.gz" in to_write and written < regions.n_regions:
            warnings.append(
                f"regions_4d.nii.gz is one empty volume: NIfTI holds {MOST_VOLUMES:,} volumes at most, and there are "
                f"{regions.n_regions:,} regions; they are in regions.nii.gz"
            )
        for warning in warnings:
            log.warning("%s: %s", name, warning)
        dtype = np.int16 if regions.n_regions < 2**15 else np.int32
        write_image(to_write["regions.nii.gz"], regions.labels.astype(dtype), affine)
        write_image(to_write["accounting.nii.gz"], regions.outcomes, affine)
        if "regions_4d.nii.gz" in to_write:
            volumes = region_voxels(regions.labels, data) if written else [(np.arange(0), data.ravel()[:0])]
            write_sparse(to_write["regions_4d.nii.gz"], volumes, (*data.shape, max(written, 1)), affine, data.dtype)
        RegionsSidecar(
            description=f"Regions of map '{map_id}', variant '{variant}': 0 background, regions by size",
            generated_by=generated_by("extract_regions", ("numpy", "scipy", "nibabel", "connected-components-3d")),
            sources=[str(image)],
            source_sha256=record.sha256,
            sha256=sha256_of(to_write["regions.nii.gz"]),
            warnings=warnings,
            parameters=vars(rule),
            min_region_size_mm3=regions.rule.min_region_size,
            size_rule=regions.rule.size_rule,
            critical_extent_voxels=critical,
            smallest_significant_voxels=smallest,
            regions=regions.n_regions,
            voxel_volume_mm3=voxel_volume(affine),
            voxel_accounting=regions.accounting,
            accounting_sha256=sha256_of(to_write["accounting.nii.gz"]),
        ).write(to_write["regions.json"])


def _critical_extent(data, record, rule, name):
    """Of a variant that asks for significant clusters the critical extent, and the smallest cluster that reaches it.

    SPM prints the latter as FWEc and FDRc. None where it does not ask, or where there is none.
    """
    if rule.by_significance is None:
        return None, None
    if record.lacks_family:
        raise no_family(name, rule.by_significance, record.lacks_family)
    # Here, not above: scipy.special takes as long to import as all the rest takes to run.
    from statmap.inference.region_statistics import critical_extent, excursion_sizes

    sizes = excursion_sizes(data, data != 0, rule.connectivity)
    distribution = distribution_of(record.parameters["stat"], record.parameters["df"])
    critical = critical_extent(sizes, record.cutoff.value, record.search, rule, distribution, name)
    large = sizes[sizes >= critical] if critical is not None else sizes[:0]
    return critical, int(large.min()) if large.size else None


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            rules={variant: RegionRule(**keys) for variant, keys in snakemake.params.variants.items()},
            inputs=by_folder(snakemake.input),
            outputs=by_folder(snakemake.output),
        )
