"""Rule fetch_map: fetch one statistical map, refuse what is not one, and say beside it where it came from."""

from pathlib import Path

import nibabel as nib
import numpy as np

from statmap.grid import extent_of, same_grid
from statmap.inference.p_maps import minus_log10_p
from statmap.io.declared import intent_of, statistic
from statmap.io.fetching import fetch_image
from statmap.io.files import UserError, sha256_of, write_json, writing
from statmap.io.headers import doubts
from statmap.io.images import replace_nonfinite, write_image
from statmap.io.log import log, logging_to
from statmap.io.sidecar import generated_by

LARGEST_VALUE = 1e30


def main(
    source: str,
    sha256: str | None,
    map_id: str,
    base: str,
    max_voxels: int,
    image: str,
    mask_image: str,
    sidecar: str,
    require_sha256: bool = True,
    where_to_pin: str | None = None,
    mask: str | None = None,
    stat: str | None = None,
    df: float | list[float] | None = None,
    space: str | None = None,
) -> None:
    """Fetch a map, check it, and write it with its mask and its sidecar.

    The bytes of the source are kept, so that the image has the sha256 of the sheet; it is written anew only to gzip a
    plain ``.nii`` or to drop a trailing axis of length 1.

    Parameters
    ----------
    source : where the map is: ``sample:NAME``, a path, ``https://...`` or ``neurovault:ID``.
    sha256 : 64 hexadecimal digits of the source's bytes; None or empty where the sheet has none.
    map_id : the map's name in the sheet.
    base : folder that a relative path starts from.
    require_sha256 : whether an address needs its sha256. Where not, that of the first download is kept beside `sidecar`
        (``.sha256``), and a later one that differs is refused.
    where_to_pin : where the sha256 of what is downloaded without one belongs, for the warning.
    max_voxels : the largest grid accepted, judged by the header before the data are read.
    image, mask_image : ``.nii.gz`` to write; the mask is where `mask` is not 0, or where the map is finite and not 0.
    sidecar : ``.json`` to write: source, sha256, grid, and the numbers of NaN, infinite and non-zero voxels.
    mask : path of an image on the map's grid, relative to `base`, or ``sample:NAME``; None or empty for no mask.
    stat, df, space : what the sheet says of the map, for the rules that follow.

    Raises
    ------
    UserError : the map cannot be fetched, it is not one readable 3D image, or the mask has another grid. No output is
        left behind.
    """
    name = f"map '{map_id}'"
    with writing(image) as fetched:
        asked = {"base": base, "max_voxels": max_voxels, "require_sha256": require_sha256}
        record = Path(sidecar).with_suffix(".sha256")
        found = fetch_image(source, fetched, name=name, sha256=sha256, record=record, **asked)
        data, affine, shape, provenance = found
        header = nib.load(fetched).header
        if nib.load(fetched).ndim > 3:
            write_image(fetched, data, affine)
        finite, counts = replace_nonfinite(data)
        nonzero = int(np.count_nonzero(finite))
        largest = max(float(finite.max()), -float(finite.min()))
        if largest > LARGEST_VALUE:
            raise UserError(
                f"{name}: {source} holds values up to {largest:.4g}; accepted: up to {LARGEST_VALUE:g}, so that "
                "sums of them are numbers"
            )
        if mask:
            inside, mask_sha256, mask_warnings = read_mask(mask, name, shape, affine, mask_image, asked)
        else:
            inside, mask_sha256, mask_warnings = finite != 0, None, []
        extent = extent_of(finite != 0, affine)
        told, origin = statistic(intent_of(fetched), source, {"stat": stat, "df": df, "space": space}, name)
        for key, where in origin.items():
            log.info("%s: %s %s, from the %s", name, key, told[key], where)
        stat = kind = told["stat"]
        warnings = [
            *_surprises(provenance.get("neurovault", {}), counts, nonzero),
            *doubts(header, shape, finite, kind),
        ]
        warnings += mask_warnings
        if "url" in provenance and not sha256:
            warnings.append(
                f"downloaded without a sha256; to pin it, put {provenance['sha256']} into "
                f"{where_to_pin or 'column sha256 of the sample sheet'}"
            )
        if stat in ("p", "1-p", "log10p"):
            finite, stat = minus_log10_p(finite, inside, stat, name), "log10p"
            write_image(fetched, finite, affine)
        for warning in warnings:
            log.warning("%s: %s", name, warning)
        write_image(mask_image, inside.astype(np.uint8), affine)
        content = {
            "Description": f"Statistical map '{map_id}' as fetched from its source",
            "GeneratedBy": generated_by("fetch_map"),
            "Sources": [source],
            "SourceURL": provenance.get("url"),
            "SourceSHA256": provenance["sha256"],
            "NeuroVault": provenance.get("neurovault"),
            "Parameters": {"max_voxels": max_voxels},
            "Stat": stat,
            "StatOfSource": kind,
            "DF": told["df"],
            "Space": told["space"],
            "SaidBy": origin or None,
            "Warnings": warnings,
            "SHA256": sha256_of(fetched),
            "Shape": list(shape),
            "VoxelSizeMM": nib.affines.voxel_sizes(affine).tolist(),
            "Affine": affine.tolist(),
            "NaNCount": counts["nan"],
            "InfCount": counts["inf"],
            "NonzeroCount": nonzero,
            "ExtentMM": None if extent is None else extent.tolist(),
            "Minimum": float(finite.min()),
            "Maximum": float(finite.max()),
            "Mask": mask or "nonzero voxels",
            "MaskSHA256": mask_sha256,
            "MaskVoxels": int(np.count_nonzero(inside)),
            "MaskImageSHA256": sha256_of(mask_image),
        }
        write_json(
            sidecar,
            {key: value for key, value in content.items() if value is not None or key in ("DF", "Space", "ExtentMM")},
        )
    log.info("%s: %s, sha256 %s, %s voxels, %d not zero", name, source, provenance["sha256"], shape, nonzero)


def read_mask(mask, name, shape, affine, destination, asked):
    """Fetch a map's mask and check its grid.

    Returns
    -------
    inside : (i, j, k) bool.
    sha256 : of the mask's file.
    warnings : what is to be doubted about it.
    """
    what = f"mask of {name}"
    with writing(destination) as fetched:
        data, mask_affine, mask_shape, provenance = fetch_image(mask, fetched, name=what, sha256=None, **asked)
        if not same_grid(shape, affine, mask_shape, mask_affine):
            raise UserError(
                f"{what}: {mask} has shape {mask_shape} and affine {mask_affine.tolist()}, the map {shape} and "
                f"{affine.tolist()}; resample the mask to the grid of the map"
            )
        values = replace_nonfinite(data)[0]
        inside = values != 0
        if not inside.any():
            raise UserError(f"{what}: {mask} is 0 everywhere; voxels other than 0 are inside the mask")
    between = np.count_nonzero((values > 0) & (values < 1))
    warnings = [f"{between} voxels of the mask lie between 0 and 1; all that is not 0 is inside"] if between else []
    if "url" in provenance:
        warnings.append("the mask was downloaded, and no sha256 pins it; to pin it, save it and give its path")
    return inside, provenance["sha256"], warnings


def _surprises(description, counts, nonzero):
    """What makes results surprising without making them wrong: in the values, and in NeuroVault's description."""
    found = []
    if nonzero == 0:
        found.append("no voxel has a finite value other than 0; no region can be found")
    if counts["nan"] or counts["inf"]:
        found.append(f"{counts['nan']} NaN and {counts['inf']} infinite voxels count as background")
    if description.get("is_thresholded") is True:
        found.append("NeuroVault says that the map is thresholded; percentiles of all voxels are affected")
    if description.get("not_mni") is True:
        found.append("NeuroVault says that the map is not in MNI space; do not trust template and labels")
    return found


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            base=".",
            max_voxels=snakemake.params.max_voxels,
            require_sha256=snakemake.params.require_sha256,
            where_to_pin=snakemake.params.where_to_pin,
            **snakemake.params.row,
            **snakemake.output,
        )
