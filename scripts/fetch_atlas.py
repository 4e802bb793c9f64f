"""Rule fetch_atlas: fetch a label image by the same code as maps, and refuse what holds no labels."""

from functools import partial
from pathlib import Path

import numpy as np

from statmap.io.fetching import fetch_image
from statmap.io.files import sha256_of, writing
from statmap.io.images import each_volume, read_stored, whole_numbers
from statmap.io.log import log, logging_to
from statmap.io.nifti import write_image, write_volumes
from statmap.io.opening import MOST_PROBABILITIES, look
from statmap.io.references import in_full
from statmap.io.samples import ATLASES
from statmap.io.sidecar import generated_by
from statmap.regions.atlases import AtlasSidecar, as_labels, most_probable


def main(
    atlas: dict,
    atlas_id: str,
    max_voxels: int,
    image: str,
    sidecar: str,
    require_sha256: bool = True,
) -> None:
    """Fetch an atlas and check that it is one 3D image of whole numbers, or a 4D image of probabilities.

    The bytes of a single 3D NIfTI file are kept, unless its labels have to be rounded (4.999999998, from a scale
    factor) or are NaN where there is none. Of a 4D one two volumes are written, the most probable label of each voxel
    (1 for the first volume) and its probability in %.

    Parameters
    ----------
    atlas : of the config: ``image``, ``sha256`` and ``space``, None where empty.
    atlas_id : the atlas's name in the config.
    max_voxels, require_sha256 : as for maps, see `fetch_map.main`.
    image : ``.nii.gz`` to write.
    sidecar : ``.json`` to write: source, sha256, and of a known atlas what to cite and its terms of use.
    """
    name, source, sha256 = f"atlas '{atlas_id}'", atlas["image"], atlas.get("sha256")
    with writing(image) as fetched:
        atlas_image = fetch_image(
            source,
            fetched,
            name=name,
            sha256=sha256,
            max_voxels=max_voxels,
            read=partial(_read, name),
            require_sha256=require_sha256,
            record=Path(sidecar).with_suffix(".sha256"),
            most_volumes=MOST_PROBABILITIES,
        )
        if len(atlas_image.shape) == 4:
            write_volumes(fetched, atlas_image.data, (*atlas_image.shape[:3], 2), atlas_image.affine, np.int16)
        else:
            whole = whole_numbers(np.where(np.isnan(atlas_image.data), 0, atlas_image.data))
            labels = as_labels(whole, name)
            if not np.array_equal(atlas_image.data, whole):
                write_image(fetched, labels, atlas_image.affine)
        warnings = []
        if "url" in atlas_image.provenance and not sha256:
            warnings.append(
                f"{name} was downloaded without a sha256; to pin it, put {atlas_image.provenance['sha256']} into "
                f"atlases.{atlas_id}.sha256 of the config"
            )
        for warning in warnings:
            log.warning("%s", warning)
        sample = ATLASES.get(source.removeprefix("sample:")) if source.startswith("sample:") else None
        AtlasSidecar(
            description=f"Atlas '{atlas_id}' as fetched from its source",
            generated_by=generated_by("fetch_atlas"),
            sources=[source],
            source_url=atlas_image.provenance.get("url"),
            source_sha256=atlas_image.provenance["sha256"],
            sha256=sha256_of(fetched),
            shape=list(atlas_image.shape),
            space=atlas.get("space"),
            warnings=warnings,
            reference=sample and in_full(sample.cites),
            terms_of_use=sample and sample.terms,
        ).write(sidecar)
    log.info(
        "%s: %s, %s voxels%s", name, source, atlas_image.shape, f"; terms of use: {sample.terms}" if sample else ""
    )


def _read(name, path):
    """Labels as they are stored, or the most probable ones and their probability, and the affine."""
    header = look(path, name, most_volumes=MOST_PROBABILITIES)
    if len(header.shape) == 3:
        data, affine = read_stored(path)
        return data.reshape(header.shape), affine
    return most_probable(each_volume(path), name), header.affine


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            atlas=snakemake.params.atlas,
            atlas_id=snakemake.wildcards.atlas,
            max_voxels=snakemake.params.max_voxels,
            require_sha256=snakemake.params.require_sha256,
            **dict(snakemake.output.items()),
        )
