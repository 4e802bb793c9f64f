"""What all figures of one map and variant share, and which planes of it to show (numpy only)."""

from typing import NamedTuple

import numpy as np

from .slicing import box_of, pick_planes, sections, world_axes

MOST_PANELS = 24


class Scene(NamedTuple):
    """A map, its survivors and regions, and the template behind them; images laid out along the world axes.

    Attributes
    ----------
    data, survivors, labels : (x, y, z) arrays (see `world_axes`).
    origin, step : (3,) arrays, mm.
    template, template_origin, template_step : the same for the template, or None.
    tones : template values to be drawn darkest and lightest, or None.
    box : (2, 3) array, mm: what is drawn, the template's brain and all survivors.
    limit : value at the ends of the colour scale.
    cutoff : float >= 0, or infinite or NaN where the threshold resolved to none.
    sided : "two", "positive" or "negative".
    units : what the values are: "t", "z" or "value".
    """

    data: np.ndarray
    survivors: np.ndarray
    labels: np.ndarray
    origin: np.ndarray
    step: np.ndarray
    template: np.ndarray | None
    template_origin: np.ndarray | None
    template_step: np.ndarray | None
    tones: np.ndarray | None
    box: np.ndarray
    limit: float
    cutoff: float
    sided: str
    units: str


def make_scene(data, affine, survivors, labels, cutoff, template=None, sided="two", units="value"):
    """Prepare a map for its figures.

    Parameters
    ----------
    data : (i, j, k) array, finite.
    affine : (4, 4) array, any orientation; an oblique image is drawn through its nearest voxels.
    survivors : (i, j, k) bool array.
    labels : (i, j, k) int array, 0 or the region's id.
    cutoff : float, on ``|x|``.
    template : (array, affine) of an anatomical image in the same space, 0 outside the brain, or None: what the map
        covers is then drawn in one light grey.
    sided, units : see `Scene`.

    Returns
    -------
    Scene
    """
    origin, step, (values, kept, regions) = world_axes(affine, data, survivors, labels)
    backdrop = None, None, None, None
    if template is None:
        frame = box_of(values != 0, origin, step)
    else:
        t_origin, t_step, [image] = world_axes(template[1], template[0])
        coarse = image[::4, ::4, ::4]  # enough to frame the brain and to know its greys
        frame = box_of(coarse > 0, t_origin, t_step * 4)
        tones = np.percentile(coarse[coarse > 0], (2, 98)) if frame is not None else np.array([0.0, 1.0])
        backdrop = image, t_origin, t_step, tones
    boxes = [box for box in (frame, box_of(kept | (regions > 0), origin, step)) if box is not None]
    boxes = boxes or [np.stack([origin - step / 2, origin + (np.array(values.shape) - 0.5) * step])]
    box = np.stack([np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)])
    limit = colour_limit(values, cutoff)
    return Scene(values, kept, regions, origin, step, *backdrop, box, limit, float(cutoff), sided, units)


def colour_limit(data, cutoff):
    """Value at the ends of the colour scale: the same for every variant of a map unless its cutoff lies beyond.

    The 99.9th percentile of ``|x|`` over the non-zero voxels, so that a few extreme voxels do not turn all others grey;
    the larger of the maximum and the cutoff where the cutoff lies above that.
    """
    magnitude = np.abs(data[data != 0])
    limit = float(np.quantile(magnitude, 0.999)) if magnitude.size else 0.0
    if np.isfinite(cutoff) and cutoff >= limit:
        limit = max(float(cutoff), float(magnitude.max(initial=0)))
    return limit or 1.0


def columns_for(count):
    """Panels in a row of a figure with that many."""
    return 5 if count <= 10 else 6


def choose_cuts(scene, least=5, most=MOST_PANELS, cover_regions=True):
    """Axial planes that show the most, the most telling first.

    Every region comes into view, as far as `most` planes can (see `pick_planes`). Planes are then added, up to `least`
    or to the end of the last row of panels, where survivors are, and where the signal is once all of those are shown.

    Returns
    -------
    list of float : z in mm, of planes through voxel centres.
    """
    magnitude = np.abs(scene.data)
    weights = (magnitude * scene.survivors).sum(axis=(0, 1)), magnitude.sum(axis=(0, 1)), np.ones(magnitude.shape[2])
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
