"""What all figures of one map and variant share, and which planes of it to show (numpy only)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..grid import overlap_by_half
from ..types import Sided
from .slicing import box_of, pick_planes, sections, world_axes

MOST_PANELS = 24


@dataclass(frozen=True, eq=False)
class Template:
    """An anatomical image laid out along the world axes, once for all variants of a map.

    Attributes
    ----------
    image : (x, y, z) array, 0 outside the brain.
    origin, step : (3,) arrays, mm.
    tones : (2,) array, values to be drawn darkest and lightest.
    brain : (2, 3) array, mm: the box of what is not 0, or None.
    """

    image: np.ndarray
    origin: np.ndarray
    step: np.ndarray
    tones: np.ndarray
    brain: np.ndarray | None


def lay_out(image: np.ndarray, affine: np.ndarray) -> Template:
    """Prepare a template: (i, j, k) array, 0 outside the brain, and its (4, 4) affine."""
    origin, step, [laid] = world_axes(affine, image)
    coarse = laid[::4, ::4, ::4]  # enough to frame the brain and to know its greys
    brain = box_of(coarse > 0, origin, step * 4)
    tones = np.percentile(coarse[coarse > 0], (2, 98)) if brain is not None else np.array([0.0, 1.0])
    return Template(laid, origin, step, tones, brain)


class Scene(NamedTuple):
    """A map, its suprathreshold voxels and regions, and the template behind them; images laid out along the world axes.

    Attributes
    ----------
    data, suprathreshold, labels : (x, y, z) arrays (see `world_axes`).
    origin, step : (3,) arrays, mm.
    template : Template, or None: what the map covers is then drawn in one light grey.
    misplaced : whether a template was given, and left out because the map does not lie over it.
    box : (2, 3) array, mm: what is drawn, the template's brain and all suprathreshold voxels.
    limit : value at the ends of the colour scale.
    cutoff : float >= 0, or infinite or NaN where the threshold resolved to none.
    sided : "two", "positive" or "negative".
    units : what the values are called: "t", "F", "value".
    units_of_tables : what the values of tables are called, which may be of another image; empty for the same.
    """

    data: np.ndarray
    suprathreshold: np.ndarray
    labels: np.ndarray
    origin: np.ndarray
    step: np.ndarray
    template: Template | None
    misplaced: bool
    box: np.ndarray
    limit: float
    cutoff: float
    sided: Sided
    units: str
    units_of_tables: str = ""


def make_scene(
    data: np.ndarray,
    affine: np.ndarray,
    suprathreshold: np.ndarray,
    labels: np.ndarray,
    cutoff: float,
    template: Template | None = None,
    sided: Sided = "two",
    units: str = "value",
) -> Scene:
    """Prepare a map for its figures.

    Parameters
    ----------
    data : (i, j, k) array, finite.
    affine : (4, 4) array, any orientation; an oblique image is drawn through its nearest voxels.
    suprathreshold : (i, j, k) bool array.
    labels : (i, j, k) int array, 0 or the region's id.
    cutoff : float, on ``|x|``.
    template, sided, units : see `Scene`. A template that overlaps with less than half of what the map covers is left
        out (or less than half of which the map covers, where it is the smaller).

    Returns
    -------
    Scene
    """
    origin, step, (values, kept, regions) = world_axes(affine, data, suprathreshold, labels)
    covered = box_of(values != 0, origin, step)
    misplaced = template is not None and not overlap_by_half(template.brain, covered)
    template = None if misplaced else template
    frame = covered if template is None else template.brain
    boxes = [box for box in (frame, box_of(kept | (regions > 0), origin, step)) if box is not None]
    boxes = boxes or [np.stack([origin - step / 2, origin + (np.array(values.shape) - 0.5) * step])]
    box = np.stack([np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)])
    limit = colour_limit(values, cutoff)
    return Scene(values, kept, regions, origin, step, template, misplaced, box, limit, float(cutoff), sided, units)


def colour_limit(data: np.ndarray, cutoff: float) -> float:
    """Value at the ends of the colour scale: the same for every variant of a map unless its cutoff lies beyond.

    The 99.9th percentile of ``|x|`` over the non-zero voxels, so that a few extreme voxels do not turn all others grey;
    the larger of the maximum and the cutoff where the cutoff lies above that.
    """
    magnitude = np.abs(data[data != 0])
    limit = float(np.quantile(magnitude, 0.999)) if magnitude.size else 0.0
    if np.isfinite(cutoff) and cutoff >= limit:
        limit = max(float(cutoff), float(magnitude.max(initial=0)))
    return limit or 1.0


def columns_for(count: int) -> int:
    """Panels in a row of a figure with that many."""
    return 5 if count <= 10 else 6


def choose_cuts(scene: Scene, least: int = 5, most: int = MOST_PANELS, cover_regions: bool = True) -> list[float]:
    """Axial planes that show the most, the most telling first.

    Every region comes into view, as far as `most` planes can (see `pick_planes`). Planes are then added, up to `least`
    or to the end of the last row of panels, where suprathreshold voxels are, and where the signal is once all of those
    are shown.

    Returns
    -------
    list of float : z in mm, of planes through voxel centres.
    """
    magnitude = np.abs(scene.data)
    weights = (
        (magnitude * scene.suprathreshold).sum(axis=(0, 1)),
        magnitude.sum(axis=(0, 1)),
        np.ones(magnitude.shape[2]),
    )
    z = scene.origin[2] + np.arange(magnitude.shape[2]) * scene.step[2]
    drawn = (z >= scene.box[0, 2]) & (z <= scene.box[1, 2])
    mass = drawn * sum(weight * 1e-3**rank / (weight.sum() or 1) for rank, weight in enumerate(weights))
    areas = sections(scene.labels) if cover_regions else np.zeros((0, len(mass)), dtype=int)
    spread = (scene.box[1, 2] - scene.box[0, 2]) / scene.step[2] / (4 * least)
    chosen = pick_planes(mass, areas, least, most, spread)
    columns = columns_for(len(chosen))
    full = min(-(-len(chosen) // columns) * columns, most)
    if len(chosen) > columns:
        chosen = pick_planes(mass, areas, full, most, spread)
    return z[chosen].tolist()
