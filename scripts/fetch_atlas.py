"""Rule fetch_atlas: fetch a label image by the same code as maps, and refuse what holds no labels."""

from pathlib import Path

from statmap.io.fetching import fetch_image
from statmap.io.files import writing
from statmap.io.images import read_raw
from statmap.io.log import log, logging_to
from statmap.regions.atlases import as_labels


def main(
    source: str,
    sha256: str | None,
    atlas_id: str,
    base: str,
    max_voxels: int,
    image: str,
    require_sha256: bool = True,
) -> None:
    """Fetch an atlas and check that it is one 3D image of whole numbers.

    Parameters
    ----------
    source, sha256, base, max_voxels, require_sha256 : as for maps, see `fetch_map.main`.
    atlas_id : the atlas's name in the config.
    image : ``.nii.gz`` to write.
    """
    name = f"atlas '{atlas_id}'"
    with writing(image) as fetched:
        found = fetch_image(
            source,
            fetched,
            name=name,
            sha256=sha256,
            base=base,
            max_voxels=max_voxels,
            read=read_raw,
            require_sha256=require_sha256,
            record=Path(str(image).removesuffix(".nii.gz") + ".sha256"),
        )
        as_labels(found.data, name)
        log.info("%s: %s, %s voxels, data type %s", name, source, found.shape, found.data.dtype)


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            source=snakemake.params.atlas["image"],
            sha256=snakemake.params.atlas["sha256"],
            atlas_id=snakemake.wildcards.atlas,
            base=".",
            max_voxels=snakemake.params.max_voxels,
            require_sha256=snakemake.params.require_sha256,
            **snakemake.output,
        )
