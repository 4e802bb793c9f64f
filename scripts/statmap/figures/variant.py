"""The variants of one map, read back from the files of the earlier rules and laid out for their figures."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..inference.thresholds import ThresholdSidecar
from ..io.images import read_template
from ..io.stat_map import StatMap
from ..regions.extract import read_regions
from ..tables.columns import label_columns, label_in_words
from ..tables.sidecar import Reported
from ..types import SizeRule
from .scene import Scene, lay_out, make_scene
from .slicing import world_axes
from .style import FigureStyle

Row = dict[str, Any]  # of a table: column name to value, None where the cell is empty


class Accounting(NamedTuple):
    """What became of the suprathreshold voxels of a variant.

    Attributes
    ----------
    outcomes : (x, y, z) uint8 array, laid out as the scene: 0 or the rank in `regions.extract.OUTCOMES` from 1.
    counts : voxels by outcome, and ``suprathreshold``.
    min_region_size, size_rule : mm^3, and how it is compared.
    """

    outcomes: np.ndarray
    counts: Mapping[str, int]
    min_region_size: float
    size_rule: SizeRule


class VariantScene(NamedTuple):
    """A variant for its figures: its scene, its threshold and cutoff in words, and its voxel accounting."""

    scene: Scene
    rule: str
    accounting: Accounting


def read_scenes(
    stat_map: StatMap,
    inputs: Mapping[str, Mapping[str, Path]],
    template: str | None,
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
    reported: Reported | None = None,
    limits: Mapping[str, float] | None = None,
) -> Iterator[tuple[str, VariantScene]]:
    """Read the variants of a map one after the other; the template is read and laid out once.

    Parameters
    ----------
    stat_map : the map.
    inputs : by variant, ``thresholded.json``, ``regions.nii.gz``, its JSON, and ``accounting.nii.gz``.
    template : path of an anatomical image in the space of the map, or None.
    style : of the figures.
    reported : the image whose values the tables report, or None for the map's own.
    limits : by variant, the ends of the colour scale that maps share; None where they share none.

    Yields
    ------
    variant, VariantScene
    """
    background = lay_out(*read_template(template)) if template else None
    for variant, files in inputs.items():
        record = ThresholdSidecar.read(files["thresholded.json"])
        made, labels, outcomes = read_regions(files)  # every suprathreshold voxel has an outcome
        scene = make_scene(
            *(stat_map.values, stat_map.affine, outcomes != 0, labels, record.cutoff.value, background),
            *(record.thresholded.rule.sided, stat_map.distribution.units, stat_map.space),
            style=replace(style, colour_limit=limits[variant]) if limits else style,
        )
        scene = scene._replace(units_of_tables=reported.units if reported else "")
        outcomes = world_axes(stat_map.affine, outcomes)[2][0]
        accounting = Accounting(outcomes, made.voxel_accounting, made.min_region_size_mm3, made.size_rule)
        yield variant, VariantScene(scene, record.rule, accounting)


def label_of(row: Row, table: str) -> str:
    """The label of the first atlas at the peak of a row of this CSV, for reading; empty where there is no atlas."""
    return label_in_words(next((row[name] for name in label_columns(table, row)), None) or "")
