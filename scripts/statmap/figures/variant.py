"""The variants of one map, read back from the files of the earlier rules and laid out for their figures."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..inference.thresholds import cutoff_of
from ..io.files import read_json
from ..io.images import read_map, read_template, read_written
from ..types import Sided
from .scene import Scene, lay_out, make_scene

Row = dict[str, Any]  # of a table: column name to value, None where the cell is empty


def read_scenes(
    map_files: tuple[str, str, str],
    thresholded: tuple[Sequence[str], Sequence[str]],
    regions: tuple[Sequence[str], Sequence[str]],
    template: str | None,
    sided: Sequence[Sided],
    units: str,
) -> Iterator[tuple[Scene, str]]:
    """Read the variants of a map one after the other; the map and the template are read and laid out once.

    Parameters
    ----------
    map_files : image, mask and sidecar from rule fetch_map.
    thresholded, regions : images from rules threshold_map and extract_regions and their JSON, one each per variant.
    template : path of an anatomical image in the space of the map, or None.
    sided : one per variant.
    units : see `Scene`.

    Yields
    ------
    scene : Scene of a variant.
    rule : str, its threshold and cutoff in words.
    """
    data, affine, _ = read_map(*map_files)
    background = lay_out(*read_template(template)) if template else None
    files = zip(zip(*thresholded, strict=True), zip(*regions, strict=True), sided, strict=True)
    for kept, labels, side in files:
        said = read_json(kept[1])
        suprathreshold, found = read_written(*kept)[0] != 0, read_written(*labels)[0].astype(np.int32)
        cutoff = cutoff_of(said).value
        yield make_scene(data, affine, suprathreshold, found, cutoff, background, side, units), said["Rule"]


def atlas_columns(columns: Iterable[str]) -> list[str]:
    """The columns of a table that hold an atlas label at the peak (``<atlas>_peak``)."""
    return [name for name in columns if name.endswith("_peak") and name not in ("p_peak", "z_peak", "log10_p_peak")]
