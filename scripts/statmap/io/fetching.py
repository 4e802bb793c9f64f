"""One way to an image from elsewhere, for maps, masks and atlases: fetched, judged by its header, read to its end."""

import zlib
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .files import UserError, beside, writing
from .images import MOST_BESIDE, check_header, read_image
from .sources import fetch

MOST_BYTES_A_VOXEL = 16  # of `max_voxels`: what a download of that many may have, a header aside


class Fetched(NamedTuple):
    """A fetched image.

    Attributes
    ----------
    data : (i, j, k) array, as `read` gives it.
    affine : (4, 4) array, voxel indices to mm.
    shape : tuple of int, without trailing axes of length 1.
    provenance : dict, see `sources.fetch`.
    """

    data: np.ndarray
    affine: np.ndarray
    shape: tuple[int, ...]
    provenance: dict


def fetch_image(
    source: str,
    destination: Path,
    *,
    name: str,
    sha256: str | None,
    base: str,
    max_voxels: int,
    read: Callable = read_image,
    require_sha256: bool = True,
    record: Path | None = None,
    volumes: bool = False,
) -> Fetched:
    """Fetch one image, and refuse what is not whole.

    Parameters
    ----------
    source : as in `sources.fetch`.
    destination : path ending in ``.nii.gz`` to write.
    name : what the image is called in errors (``map 'motor'``).
    sha256 : 64 hexadecimal digits, or None.
    base : folder that a relative path starts from.
    max_voxels : the largest grid accepted, judged by the header before the data are read.
    read : function of a path that reads the file to its end (`images.loaded`), and gives data and affine.
    require_sha256 : whether an address needs its sha256.
    volumes : whether a fourth axis is accepted, see `images.check_header`.
    record : file that keeps the sha256 of what was downloaded without one, from one run to the next; None for none.

    Raises
    ------
    UserError : see `sources.fetch` and `images.check_header`; or the file is damaged, or not the one of the record.
    """
    most_bytes = MOST_BYTES_A_VOXEL * max_voxels + MOST_BESIDE
    with _kept_until_judged(destination) as kept:
        asked = {"require_sha256": require_sha256, "most_bytes": most_bytes, "kept": kept}
        provenance = fetch(source, destination, name=name, sha256=sha256, base=base, **asked)
        if record and not sha256 and "url" in provenance:
            _hold_to_record(record, source, provenance["sha256"], name)
        shape = check_header(destination, name, max_voxels, source, volumes)
        try:
            data, affine = read(destination)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            reason = " ".join(str(error).replace(str(destination), source).split())
            raise UserError(f"{name}: {source} is damaged ({reason}); get the file again") from error
        return Fetched(data, affine, shape, provenance)


@contextmanager
def _kept_until_judged(destination):
    """Path of a download beside what is made of it: gone when all is well, else named in the error."""
    kept = beside(destination, ".download")
    try:
        yield kept
    except UserError as error:
        if kept.is_file():
            raise UserError(f"{error} (the download is kept as {kept})") from error
        raise
    kept.unlink(missing_ok=True)


def _hold_to_record(record, source, sha256, name):
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
