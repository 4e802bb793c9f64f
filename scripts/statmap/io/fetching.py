"""Fetch an image for maps, masks and atlases alike: fetched, judged by its header, read to its end."""

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .files import UserError, beside, writing
from .formats import Files, split_volume
from .images import convert, read_image
from .opening import MOST_BESIDE, Look, damage, look
from .sources import fetch, keep

MOST_BYTES_A_VOXEL = 16  # of `max_voxels`: what a download of that many may have, a header aside


class Fetched(NamedTuple):
    """A fetched image.

    Attributes
    ----------
    data : (i, j, k) array, as `read` gives it.
    affine : (4, 4) array, voxel indices to mm.
    shape : tuple of int, without trailing axes of length 1.
    provenance : dict, see `sources.fetch`.
    header : what the header of the source says.
    """

    data: np.ndarray
    affine: np.ndarray
    shape: tuple[int, ...]
    provenance: dict
    header: Look


def fetch_image(
    source: str,
    destination: Path,
    *,
    name: str,
    sha256: str | None,
    max_voxels: int,
    base: str | Path = ".",
    read: Callable = read_image,
    require_sha256: bool = True,
    record: Path | None = None,
    most_volumes: int = 1,
) -> Fetched:
    """Fetch one image, and refuse what is not whole.

    The bytes of a single NIfTI file are kept; of any other image, and of one volume of several, an image is written.

    Parameters
    ----------
    source : as in `sources.fetch`.
    destination : path ending in ``.nii.gz`` to write.
    name : what the image is called in errors (``map 'motor'``).
    sha256 : 64 hexadecimal digits, or None.
    max_voxels : the largest grid accepted, judged by the header before the data are read.
    base : folder that a relative path starts from.
    read : function of a path that reads the file to its end (`opening.loaded`), and gives data and affine.
    require_sha256 : whether an address needs its sha256.
    record : file that keeps the sha256 of what was downloaded without one, from one run to the next; None for none.
    most_volumes : see `opening.look`.

    Raises
    ------
    UserError : see `sources.fetch` and `opening.look`; or the file is damaged, or not the one of the record.
    """
    volume = split_volume(source)[1]
    headers = []

    def store(files: Files, destination: Path) -> None:
        headers.append(look(files, name, max_voxels, source, most_volumes, volume))
        with damage(name, source, files.voxels):
            if files.kind == "nifti" and volume is None:
                keep(files, destination)
            else:
                convert(files, destination, headers[0])

    most_bytes = MOST_BYTES_A_VOXEL * max_voxels + MOST_BESIDE
    with _download_until_judged(destination) as download:
        options = {"require_sha256": require_sha256, "most_bytes": most_bytes, "download": download, "store": store}
        provenance = fetch(source, destination, name=name, sha256=sha256, base=base, **options)
        if record and not sha256 and "url" in provenance:
            _compare_with_record(record, source, provenance["sha256"], name)
        with damage(name, source, destination):
            data, affine = read(destination)
        return Fetched(data, affine, headers[0].shape, provenance, headers[0])


@contextmanager
def _download_until_judged(destination):
    """Path of a download, beside the image made of it: deleted when the image is accepted, else named in the error."""
    download = beside(destination, ".download")
    try:
        yield download
    except UserError as error:
        if download.is_file():
            raise UserError(f"{error} (the download is kept as {download})") from error
        raise
    download.unlink(missing_ok=True)


def _compare_with_record(record, source, sha256, name):
    """Write down the sha256 of a download, or compare it with what an earlier run wrote down for the source."""
    line = f"{sha256}  {source}\n"
    before = record.read_text(encoding="utf-8") if record.is_file() else line
    if before.partition("  ")[2] == f"{source}\n" and before != line:
        raise UserError(
            f"{name}: {source} has sha256 {sha256}, but {before[:64]} when it was first fetched ({record}); delete "
            "that file to accept the new one, or put the sha256 that you want into the sheet"
        )
    record.parent.mkdir(parents=True, exist_ok=True)
    with writing(record) as temporary:
        temporary.write_text(line, encoding="utf-8")
