"""Which files an image is made of, and which volume of them is meant (standard library only: the config asks as well).

The format is recognised by content, and where that says nothing (raw voxels beside a header) by the end of the name.
"""

import bz2
import gzip
import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .files import UserError

ACCEPTED = (
    "NIfTI or Analyze (.nii, .nii.gz, .nii.bz2, .img with .hdr), AFNI (.HEAD with .BRIK) or FreeSurfer (.mgh, .mgz)"
)
SURFACE = "surface data, which is not read; give the volume that it was sampled from"
FEWEST_RESIDUALS = 3  # volumes of residuals, from which a smoothness can be estimated
AFNI_CODE = 4  # of AFNI's extension of a NIfTI header
_COMPRESSED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open}
_ENDS = r"\.(hdr|img|head|brik|nii|mgh|mgz|gii)(\.gz|\.bz2)?$"
_PAIRS = {"hdr": "img", "img": "hdr", "head": "brik", "brik": "head"}
_HEADER = 540  # bytes of a NIfTI-2 header, the longest


class Files(NamedTuple):
    """The files of an image.

    Attributes
    ----------
    kind : ``nifti`` (a single file), ``pair`` (NIfTI or Analyze), ``afni`` or ``mgh``.
    header, voxels : paths; the same of a single file.
    """

    kind: str
    header: Path
    voxels: Path


def split_volume(source: str) -> tuple[str, str | None]:
    """A source without the volume that it names, and that volume: an index from 0 or a label, as AFNI writes it.

    >>> split_volume("stats.nii.gz[3]"), split_volume("stats.nii.gz")
    (('stats.nii.gz', '3'), ('stats.nii.gz', None))
    """
    parts = re.fullmatch(r"(.+)\[([^\[\]]*)\]", source, re.DOTALL)
    return (parts[1], parts[2]) if parts else (source, None)


def stem_of(source: str) -> str:
    """The name of a source's file without folders and what says its format; a volume is part of it (``stats-3``)."""
    name, volume = split_volume(source)
    stem = _stem_and_ends(re.split("[/\\\\]", name)[-1])[0]
    return stem if volume is None else f"{stem}-{volume}"


def opened_for_reading(path: str | Path):
    """Open a file to read its bytes, decompressed where they are gzip or bzip2, whatever its name."""
    with open(path, "rb") as stream:
        start = stream.read(3)
    unfold: Callable[..., Any] = next((u for magic, u in _COMPRESSED.items() if start.startswith(magic)), open)
    return unfold(path, "rb")


def files_of(path: str | Path) -> list[Path]:
    """The files of an image that exist, the named one first, then its partner in a pair and SPM's matrix."""
    path = _afni_header(path)
    beside = [*_partners(path), *([matrix_of(path)] if _stem_and_ends(path.name)[1].lower() in ("hdr", "img") else [])]
    return [name for name in (path, *beside) if os.path.isfile(name)]


def matrix_of(path: Path) -> Path:
    """SPM's file beside an Analyze image that says how it lies in space, there or not."""
    return path.with_name(f"{_stem_and_ends(path.name)[0]}.mat")


def existing(path: str | Path, what: str, given: str, accepted: str) -> Path:
    """The file that a sheet or a config names.

    Parameters
    ----------
    path : where it is; of AFNI's images the prefix and view are enough (``stats+tlrc``).
    what : what names it, in an error.
    given : the name as the user wrote it.
    accepted : where names start from, or what is accepted instead.

    Raises
    ------
    UserError : there is no such file, or it is a folder or a pipe.
    """
    path = _afni_header(path)
    if not os.path.exists(path):
        raise UserError(f"{what}: there is no file {given!r}; {accepted}")
    if not os.path.isfile(path):
        raise UserError(f"{what}: {given!r} is not a file; give the path of one image, {ACCEPTED}")
    return path


def recognise(path: str | Path, what: str, given: str, downloaded: bool = False) -> Files:
    """Tell which kind of image a file belongs to, by its content.

    Parameters
    ----------
    path : of the file, which is there.
    what, given : what it is and the name that the user has for it, in an error.
    downloaded : whether it was downloaded, so that no other file can be beside it.

    Raises
    ------
    UserError : it is empty, damaged, no image, surface data, or a pair of which the other file is not there.
    """
    path, end = Path(path), _stem_and_ends(split_volume(given)[0])[1].lower()
    try:
        if not os.path.getsize(path):
            raise UserError(f"{what}: {given} is empty; get the file again")
        with opened_for_reading(path) as stream:
            head = stream.read(_HEADER)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno:
            raise UserError(f"{what}: {given} cannot be read ({error.strerror}); give access to it") from error
        raise UserError(f"{what}: {given} is damaged ({' '.join(str(error).split())}); get the file again") from error
    if len(head) >= 352 and (head[344:347] == b"n+1" or head[4:7] == b"n+2"):
        return Files("nifti", path, path)
    if end == "gii" or b"<GIFTI" in head or b"gifti.dtd" in head:
        raise UserError(f"{what}: {given} is GIFTI, {SURFACE}")
    analyze = end == "hdr" and len(head) >= 348 and 348 in (struct.unpack_from(order + "i", head)[0] for order in "<>")
    is_header = analyze or head[344:347] == b"ni1" or head[4:7] == b"ni2"
    if is_header or end == "img":
        kind = "pair"
    elif end in ("head", "brik") or re.search(rb"type\s*=\s*(string|integer|float)-attribute", head):
        kind, is_header = "afni", end != "brik"
    elif _is_mgh(head):
        return Files("mgh", path, path)
    else:
        page = head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))
        raise UserError(f"{what}: {given} is {'a web page' if page else 'no image'}; accepted: {ACCEPTED}")
    if downloaded:
        raise UserError(f"{what}: {given} is one file of a pair; download both and give the path of one of them")
    partners = _partners(path)
    partner = next((name for name in partners if name.is_file()), None)
    if partner is None:
        missing = partners[0].name if partners else "file with its voxels"
        raise UserError(f"{what}: {given} is one file of a pair, and there is no {missing} beside it")
    return Files(kind, path, partner) if is_header else Files(kind, partner, path)


def is_of_afni(path: str | Path) -> bool:
    """Whether an image has AFNI's attributes in its header: a HEAD beside its voxels, or an extension of NIfTI."""
    if any(name.suffix.lower() == ".head" for name in files_of(path)):
        return True
    try:
        with opened_for_reading(path) as stream:
            head = stream.read(_HEADER + 16)
    except (OSError, EOFError, ValueError, zlib.error):
        return False
    # Behind a header of NIfTI: whether there is an extension, its size, its code
    size = 348 if head[344:347] == b"n+1" else 540 if head[4:7] == b"n+2" else len(head)
    codes = [struct.unpack_from(order + "i", head, size + 8)[0] for order in "<>"] if len(head) >= size + 12 else []
    return bool(codes) and head[size] != 0 and AFNI_CODE in codes


def _afni_header(path: str | Path) -> Path:
    """The header of an image that AFNI would call ``stats+tlrc``; any other path as it is."""
    path = Path(path)
    if not re.search(r"\+(orig|acpc|tlrc)$", path.name) or os.path.exists(path):
        return path
    head = path.with_name(path.name + ".HEAD")
    return head if os.path.isfile(head) else path


def _partners(path):
    """The names that the other file of a pair may have."""
    stem, end, compression = _stem_and_ends(path.name)
    other = _PAIRS.get(end.lower(), "")
    other = other.upper() if end.isupper() else other
    return [path.with_name(f"{stem}.{other}{end}") for end in dict.fromkeys((compression, "", ".gz", ".bz2")) if other]


def _stem_and_ends(name):
    """A file's name without its endings, that of its format (``hdr``), and that of its compression (``.gz`` or '')."""
    end = re.search(_ENDS, name, re.IGNORECASE)
    return (name[: end.start()], end[1], end[2] or "") if end else (name, "", "")


def _is_mgh(head):
    """Whether bytes begin an MGH image: version 1, no empty axis, one of its types of voxels."""
    if len(head) < 28:
        return False
    version, *axes, kind = struct.unpack_from(">6i", head)
    return version == 1 and min(axes) > 0 and kind in (0, 1, 3, 4, 10)
