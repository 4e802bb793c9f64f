"""Rule fetch_map: fetch one statistical map, refuse what is not one, and say beside it where it came from."""

from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np

from statmap.distributions import P_FORMS
from statmap.grid import extent_of, voxel_sizes
from statmap.inference.needs import check_df
from statmap.inference.p_maps import minus_log10_p
from statmap.inference.tested import values_of
from statmap.inference.thresholded import thresholded_before
from statmap.io.declared import statistic
from statmap.io.fetching import fetch_image
from statmap.io.files import UserError, sha256_of, writing
from statmap.io.headers import doubts
from statmap.io.images import check_grid, on_grid, replace_nonfinite, whole_numbers
from statmap.io.log import log, logging_to
from statmap.io.nifti import write_image
from statmap.io.sidecar import generated_by
from statmap.io.stat_map import MapSidecar

LARGEST_VALUE = 1e30


def main(
    row: dict,
    map_id: str,
    max_voxels: int,
    image: str,
    mask_image: str,
    sidecar: str,
    require_sha256: bool = True,
    where_to_pin: str | None = None,
) -> None:
    """Fetch a map, check it, and write it with its mask and its sidecar.

    The bytes of a single NIfTI file are kept, so that the image has the sha256 of the sheet. It is written anew to gzip
    a plain one, to drop trailing axes of length 1, to take one volume or another format, as -log10 p, and where values
    are infinite.

    Parameters
    ----------
    row : of the sample sheet: ``source``, ``sha256``, ``mask`` (an image on the map's grid), and what the sheet says of
        the map (``stat``, ``df``, ``space``, ``corrected``); what is empty is None or not there.
    map_id : the map's name in the sheet.
    max_voxels : the largest grid accepted, judged by the header before the data are read.
    image, mask_image : ``.nii.gz`` to write; the mask is where that of the sheet is not 0, or where the map was tested.
    sidecar : ``.json`` to write: source, sha256, grid, what the map is and who said it, numbers of voxels.
    require_sha256 : whether an address needs its sha256. Where not, that of the first download is kept beside `sidecar`
        (``.sha256``), and a later one that differs is refused.
    where_to_pin : where the sha256 of what is downloaded without one belongs, for the warning.

    Raises
    ------
    UserError : the map cannot be fetched, it is not one readable 3D image, or the mask has another grid. No output is
        left behind.
    """
    name, source, sha256 = f"map '{map_id}'", row["source"], row.get("sha256")
    limits = {"max_voxels": max_voxels, "require_sha256": require_sha256}
    with writing(image) as fetched:
        record = Path(sidecar).with_suffix(".sha256")
        data, affine, shape, provenance, header = fetch_image(
            source, fetched, name=name, sha256=sha256, record=record, **limits
        )
        neurovault = provenance.get("neurovault", {})
        facts, origin = statistic(header.header, source, row, name, neurovault=neurovault)
        check_df(facts["stat"], facts["df"], name)
        for key, where in origin.items():
            log.info("%s: %s %s, from %s", name, key, facts[key], where if where == "NeuroVault" else f"the {where}")
        mask = read_mask(row["mask"], name, header, mask_image, limits) if row.get("mask") else None
        values = values_of(data, mask and mask.inside, facts, name)
        largest = float(np.abs(values.finite).max())
        if largest > LARGEST_VALUE:
            raise UserError(
                f"{name}: {source} holds values up to {largest:.4g}; accepted: up to {LARGEST_VALUE:g}, so that "
                "sums of them are numbers"
            )
        thresholded = thresholded_before(values.gap, np.count_nonzero(values.tested), facts, origin.get("thresholded"))
        if not thresholded:
            origin.pop("thresholded", None)
        warnings = [
            *_map_warnings(neurovault, values, thresholded),
            *values.warnings,
            *thresholded,
            *doubts(header.raw, shape, values.finite, facts["stat"], header.affine),
            *(mask.warnings if mask else []),
        ]
        if "url" in provenance and not sha256:
            warnings.append(
                f"downloaded without a sha256; to pin it, put {provenance['sha256']} into "
                f"{where_to_pin or 'column sha256 of the sample sheet'}"
            )
        nonzero = values.finite != 0
        extent = extent_of(nonzero, affine)
        stat, finite = facts["stat"], values.finite
        if stat in P_FORMS:
            stat, finite = "log10p", minus_log10_p(finite, values.tested, stat, name)
            write_image(fetched, finite, affine)
        elif values.infinite:
            write_image(fetched, np.where(np.isnan(data), data, finite), affine)
        elif nib.load(fetched).ndim > 3:
            write_image(fetched, data, affine)
        for warning in warnings:
            log.warning("%s: %s", name, warning)
        write_image(mask_image, values.inside.astype(np.uint8), affine)
        MapSidecar(
            description=f"Statistical map '{map_id}' as fetched from its source",
            generated_by=generated_by("fetch_map"),
            sources=[source],
            source_url=provenance.get("url"),
            source_sha256=provenance["sha256"],
            source_files_sha256=provenance.get("files"),
            neurovault=provenance.get("neurovault"),
            parameters={"max_voxels": max_voxels},
            stat=stat,
            stat_of_source=facts["stat"],
            **{key: facts[key] for key in ("df", "space", "corrected", "contrast", "citation")},
            said_by=origin or None,
            thresholded=bool(thresholded) or None,
            background=values.background,
            warnings=warnings,
            sha256=sha256_of(fetched),
            shape=list(shape),
            voxel_size_mm=voxel_sizes(affine).tolist(),
            affine=affine.tolist(),
            nan_count=int(np.isnan(data).sum()),
            inf_count=values.infinite,
            nonzero_count=int(np.count_nonzero(nonzero)),
            extent_mm=None if extent is None else extent.tolist(),
            minimum=float(finite.min()),
            maximum=float(finite.max()),
            mask=row.get("mask") or "nonzero voxels",
            mask_sha256=mask and mask.sha256,
            mask_voxels=int(np.count_nonzero(values.inside)),
            mask_image_sha256=sha256_of(mask_image),
        ).write(sidecar)
    voxels = int(np.count_nonzero(nonzero))
    log.info("%s: %s, sha256 %s, %s voxels, %d not zero", name, source, provenance["sha256"], shape, voxels)


class Mask(NamedTuple):
    """A mask of the sheet: the voxels ``inside``, ``sha256`` of its file, and warnings about it."""

    inside: np.ndarray
    sha256: str
    warnings: list[str]


def read_mask(mask, name, header, destination, limits):
    """Fetch a map's mask and check its grid.

    Parameters
    ----------
    mask : its source.
    name : of the map, for errors.
    header : `opening.Look` of the map.
    destination : path that the fetched mask has until it is read.
    limits : `max_voxels` and `require_sha256` of `fetching.fetch_image`.
    """
    what = f"mask of {name}"
    with writing(destination) as fetched:
        data, affine, _, provenance, look = fetch_image(mask, fetched, name=what, sha256=None, **limits)
        check_grid(look, header.shape, header.affine, mask, what)
        values = whole_numbers(replace_nonfinite(on_grid(data, affine, header.shape, header.affine))[0])
        inside = values != 0
        if not inside.any():
            raise UserError(f"{what}: {mask} is 0 everywhere; voxels other than 0 are inside the mask")
    between = np.count_nonzero((values > 0) & (values < 1))
    warnings = [f"{between} voxels of the mask lie between 0 and 1; all that is not 0 is inside"] if between else []
    if "url" in provenance:
        warnings.append("the mask was downloaded, and no sha256 pins it; to pin it, save it and give its path")
    return Mask(inside, provenance["sha256"], warnings)


def _map_warnings(description, values, thresholded):
    """Warnings about the values, and from NeuroVault's description."""
    warnings = []
    if not values.finite.any():
        warnings.append("no voxel has a finite value other than 0; no region can be found")
    if description.get("is_thresholded") is True and not thresholded:
        warnings.append(
            "NeuroVault says that the map is thresholded, its values do not; percentiles of all voxels count many zeros"
        )
    if description.get("not_mni") is True:
        warnings.append("NeuroVault says that the map is not in MNI space; do not trust template and labels")
    return warnings


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            row=snakemake.params.row,
            map_id=snakemake.wildcards.map,
            max_voxels=snakemake.params.max_voxels,
            require_sha256=snakemake.params.require_sha256,
            where_to_pin=snakemake.params.where_to_pin,
            **dict(snakemake.output.items()),
        )
