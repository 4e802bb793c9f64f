"""The variants of one map, read back from the files of the earlier rules and laid out for their figures."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..inference.thresholds import ThresholdSidecar
from ..io.images import read_template, read_written
from ..io.stat_map import StatMap
from ..regions.extract import RegionsSidecar
from ..tables.sidecar import Reported
from .scene import Scene, lay_out, make_scene

Row = dict[str, Any]  # of a table: column name to value, None where the cell is empty


class VariantScene(NamedTuple):
    """A variant for its figures: its scene, its threshold and cutoff in words, and its voxel accounting."""

    scene: Scene
    rule: str
    accounting: dict[str, int]


def read_scenes(
    stat_map: StatMap, inputs: Mapping[str, Mapping[str, Path]], template: str | None, reported: Reported | None = None
) -> Iterator[tuple[str, VariantScene]]:
    """Read the variants of a map one after the other; the template is read and laid out once.

    Parameters
    ----------
    stat_map : the map.
    inputs : by variant, ``thresholded.nii.gz`` and ``regions.nii.gz`` and their JSON.
    template : path of an anatomical image in the space of the map, or None.
    reported : the image whose values the tables report, or None for the map's own.

    Yields
    ------
    variant, VariantScene
    """
    background = lay_out(*read_template(template)) if template else None
    for variant, files in inputs.items():
        record = ThresholdSidecar.read(files["thresholded.json"])
        passes = read_written(files["thresholded.nii.gz"], files["thresholded.json"])[0] != 0
        labels = read_written(files["regions.nii.gz"], files["regions.json"])[0].astype(np.int32)
        scene = make_scene(
            *(stat_map.values, stat_map.affine, passes, labels, record.cutoff.value, background),
            *(record.thresholded.rule.sided, stat_map.distribution.units),
        )
        scene = scene._replace(units_of_tables=reported.units if reported else "")
        yield variant, VariantScene(scene, record.rule, RegionsSidecar.read(files["regions.json"]).voxel_accounting)
