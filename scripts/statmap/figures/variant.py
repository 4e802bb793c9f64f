"""One variant of one map, read back from the files of the earlier rules, for what draws it."""

from typing import NamedTuple

import numpy as np

from ..inference.thresholds import cutoff_of
from ..io.files import read_json
from ..io.images import read_map, read_raw
from .scene import make_scene

UNITS = {"t": "t", "z": "z"}


class Variant(NamedTuple):
    """What the figures of one variant need.

    Attributes
    ----------
    data : (i, j, k) float array, finite, 0 outside the mask of the map.
    affine : (4, 4) array.
    survivors : (i, j, k) bool.
    labels : (i, j, k) int32, regions 1..n.
    cutoff : float, inf where no value reaches the threshold.
    rule : str, the threshold and its cutoff in words.
    """

    data: np.ndarray
    affine: np.ndarray
    survivors: np.ndarray
    labels: np.ndarray
    cutoff: float
    rule: str


def read_variant(image, mask, thresholded, thresholded_sidecar, labels):
    """Read a `Variant` from the outputs of rules fetch_map, threshold_map and extract_regions."""
    data, affine, _ = read_map(image, mask)
    sidecar = read_json(thresholded_sidecar)
    cutoff = cutoff_of(sidecar).value
    survivors = read_raw(thresholded)[0] != 0
    return Variant(data, affine, survivors, read_raw(labels)[0].astype(np.int32), cutoff, sidecar["Rule"])


def read_scene(image, mask, thresholded, thresholded_sidecar, labels, template, spec):
    """Read a variant and lay it out for its figures.

    Parameters
    ----------
    image, mask, thresholded, thresholded_sidecar, labels : as in `read_variant`.
    template : path of an anatomical image in the space of the map, or None.
    spec : dict with ``sided`` of the variant and ``stat`` of the map.

    Returns
    -------
    scene : scene.Scene.
    rule : str, the threshold and its cutoff in words.
    """
    found = read_variant(image, mask, thresholded, thresholded_sidecar, labels)
    scene = make_scene(
        found.data,
        found.affine,
        found.survivors,
        found.labels,
        found.cutoff,
        template=read_raw(template) if template else None,
        sided=spec["sided"],
        units=UNITS.get(spec["stat"], "value"),
    )
    return scene, found.rule
