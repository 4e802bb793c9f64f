"""What all figures of one map and variant share, and which cuts through it to show (numpy only)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..grid import overlap_by_half
from ..io.spaces import same_space
from ..types import Sided
from .page import MARGIN, SIDE
from .slicing import box_of, pick_planes, plane_at, sections, world_axes
from .style import FigureStyle

MOST_PANELS = 24
OVERVIEW = 5  # cuts that show the most
NARROWEST = 57.0  # points: a panel and the words under it
MNI = "MNI152"
MNI_BRAIN = np.array([[-72.0, -107.0, -72.0], [72.0, 74.0, 82.0]])  # mm, the box of the brain in that space


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
    span : lowest and highest value of the map, 0 among them.
    limit : value at the ends of the colour scale.
    cutoff : float >= 0, or infinite or NaN where the threshold resolved to none.
    sided : "two", "positive" or "negative".
    units : what the values are called: "t", "F", "value".
    units_of_tables : what the values of tables are called, which may be of another image; empty for the same.
    space : name of the map's space, None where it is not declared.
    style : FigureStyle.
    """

    data: np.ndarray
    suprathreshold: np.ndarray
    labels: np.ndarray
    origin: np.ndarray
    step: np.ndarray
    template: Template | None
    misplaced: bool
    box: np.ndarray
    span: tuple[np.floating, np.floating]
    limit: float
    cutoff: float
    sided: Sided
    units: str
    units_of_tables: str = ""
    space: str | None = None
    style: FigureStyle = FigureStyle()

    @property
    def in_mni(self) -> bool:
        """Whether the map is in MNI152 space (declared, or assumed where none is) and lies where its brain is."""
        covered = box_of(self.data != 0, self.origin, self.step)
        return same_space(self.space or MNI, MNI) and overlap_by_half(MNI_BRAIN, covered)


class Cut(NamedTuple):
    """A plane through a brain: the world axis that it is perpendicular to (2 axial, 1 coronal, 0 sagittal), and mm."""

    axis: int
    mm: float

    @property
    def name(self) -> str:
        """The axis by its letter."""
        return "xyz"[self.axis]


class CutPlan(NamedTuple):
    """The cuts that figures of a scene show.

    Attributes
    ----------
    cuts : list of Cut, axial ones first.
    overview : those of them that show the most; all of them where the config names the cuts.
    outside : cuts that were asked for where there is nothing to be seen.
    """

    cuts: list[Cut]
    overview: list[Cut]
    outside: list[Cut]


def make_scene(
    data: np.ndarray,
    affine: np.ndarray,
    suprathreshold: np.ndarray,
    labels: np.ndarray,
    cutoff: float,
    template: Template | None = None,
    sided: Sided = "two",
    units: str = "value",
    space: str | None = None,
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
) -> Scene:
    """Prepare a map for its figures.

    Parameters
    ----------
    data : (i, j, k) array, finite.
    affine : (4, 4) array, any orientation; an oblique image is drawn through its nearest voxels.
    suprathreshold : (i, j, k) bool array.
    labels : (i, j, k) int array, 0 or the region's id.
    cutoff : float, on ``|x|``.
    template, sided, units, space, style : see `Scene`. A template that overlaps with less than half of what the map
        covers is left out (or less than half of which the map covers, where it is the smaller).

    Returns
    -------
    Scene
    """
    origin, step, (values, passing, regions) = world_axes(affine, data, suprathreshold, labels)
    covered = box_of(values != 0, origin, step)
    misplaced = template is not None and not overlap_by_half(template.brain, covered)
    template = None if misplaced else template
    frame = covered if template is None else template.brain
    boxes = [box for box in (frame, box_of(passing | (regions > 0), origin, step)) if box is not None]
    boxes = boxes or [np.stack([origin - step / 2, origin + (np.array(values.shape) - 0.5) * step])]
    box = np.stack([np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)])
    limit = style.colour_limit if isinstance(style.colour_limit, int | float) else colour_limit(values, cutoff)
    drawn = values, passing, regions, origin, step, template, misplaced, box
    span = values.min(initial=0), values.max(initial=0)
    return Scene(*drawn, span, float(limit), float(cutoff), sided, units, space=space, style=style)


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


def columns_for(count: int, width: float) -> int:
    """Panels in a row of a figure with that many, on a page of a width in points."""
    return min(5 if count <= 10 else 6, max(int((width - 2 * MARGIN - SIDE) // NARROWEST), 1))


def plan_cuts(scene: Scene, cover_regions: bool = True) -> CutPlan:
    """The cuts that the scene's style asks for, see `FigureStyle.cuts` and `choose_cuts`."""
    cuts, overview, outside = [], [], []
    for axis, choice in scene.style.cuts_by_axis.items():
        if choice == "auto":
            telling = choose_cuts(scene, axis, cover_regions=cover_regions)
            cuts += [Cut(axis, mm) for mm in sorted(telling)]
            overview += [Cut(axis, mm) for mm in sorted(telling[:OVERVIEW])]
            continue
        if isinstance(choice, int):
            chosen = [Cut(axis, mm) for mm in sorted(choose_cuts(scene, axis, choice, choice, cover_regions))]
        else:
            planes = {mm: plane_at(scene.origin, scene.step, axis, mm) for mm in choice}
            low, high = scene.box[:, axis]
            chosen = [Cut(axis, plane) for plane in planes.values() if low <= plane <= high]
            outside += [Cut(axis, mm) for mm, plane in planes.items() if not low <= plane <= high]
        cuts += chosen
        overview += chosen
    return CutPlan(cuts, overview, outside)


def choose_cuts(
    scene: Scene, axis: int = 2, least: int = OVERVIEW, most: int = MOST_PANELS, cover_regions: bool = True
) -> list[float]:
    """Planes across one axis that show the most, the most informative first.

    Every region comes into view, as far as `most` planes can (see `pick_planes`). Planes are then added, up to `least`
    or to the end of the last row of panels, where suprathreshold voxels are, and where the signal is once all of those
    are shown.

    Returns
    -------
    list of float : places in mm, of planes through voxel centres.
    """
    magnitude = np.abs(scene.data)
    others = tuple(other for other in range(3) if other != axis)
    weights = (
        (magnitude * scene.suprathreshold).sum(axis=others),
        magnitude.sum(axis=others),
        np.ones(magnitude.shape[axis]),
    )
    places = scene.origin[axis] + np.arange(magnitude.shape[axis]) * scene.step[axis]
    low, high = scene.box[:, axis]
    drawn = (places >= low) & (places <= high)
    mass = drawn * sum(weight * 1e-3**rank / (weight.sum() or 1) for rank, weight in enumerate(weights))
    areas = sections(scene.labels, axis) if cover_regions else np.zeros((0, len(mass)), dtype=int)
    spread = (high - low) / scene.step[axis] / (4 * least)
    chosen = pick_planes(mass, areas, least, most, spread)
    columns = columns_for(len(chosen), scene.style.points)
    full = min(-(-len(chosen) // columns) * columns, most)
    if len(chosen) > columns:
        chosen = pick_planes(mass, areas, full, most, spread)
    return places[chosen].tolist()
