"""Where to cut a brain, and what is seen there: images laid out along the world axes, cuts, projections, outlines."""

import numpy as np
from contourpy import contour_generator

from ..grid import apply_affine, index_box
from ..regions.peaks import labelled_voxels

MOST_POINTS = 2**24  # of a grid that an oblique image is drawn on

Edges = tuple[float, float, float, float]  # left, right, bottom, top


def world_axes(affine: np.ndarray, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Lay images of one grid out along the world axes, so that a cut is plain indexing.

    Axes 0, 1, 2 of what is returned run to the right (x), to the front (y) and to the top (z), whatever the order and
    the direction of the voxel axes. An image whose axes are permuted or flipped only is returned as a view. An oblique
    one is sampled, nearest voxel, on a grid fine enough for every voxel to be met: its spacing is the smallest distance
    between two faces of a voxel over sqrt(3) (coarser where that would take more than `MOST_POINTS`).

    Parameters
    ----------
    affine : (4, 4) array, voxel indices to mm.
    *arrays : (i, j, k) arrays of one shape; outside of them an oblique image is 0.

    Returns
    -------
    origin : (3,) array, mm of the centre of the first point.
    step : (3,) array, mm from one point to the next, all positive.
    arrays : list of (x, y, z) arrays.

    Examples
    --------
    >>> affine = np.diag([-3.0, 3.0, 3.0, 1.0])
    >>> origin, step, [image] = world_axes(affine, np.arange(8).reshape(2, 2, 2))
    >>> origin.tolist(), step.tolist(), image[0, 0, 0].item()
    ([-3.0, 0.0, 0.0], [3.0, 3.0, 3.0], 4)
    """
    affine, shape = np.asarray(affine, dtype=np.float64), np.array(arrays[0].shape)
    size = np.abs(affine[:3, :3])
    world_axis, main = size.argmax(axis=0), size.max(axis=0)  # that each voxel axis runs along, and how far
    if sorted(world_axis) == [0, 1, 2] and (size.sum(axis=0) - main < 1e-3 * main).all():
        return _turned(affine, np.argsort(world_axis), shape, arrays)
    origin, spacing, points = _sampling_grid(affine, shape)
    return origin, np.full(3, spacing), _sampled(arrays, affine, origin, spacing, points)


def _turned(affine, order, shape, arrays):
    """Views of images whose axes are permuted or flipped only; `order`: the voxel axis of each world axis."""
    step = affine[[0, 1, 2], order]
    origin = affine[:3, 3] + np.minimum(step * (shape[order] - 1), 0)
    flips = tuple(slice(None, None, -1 if s < 0 else 1) for s in step)
    return origin, np.abs(step), [array.transpose(order)[flips] for array in arrays]


def _sampling_grid(affine, shape):
    """Origin (mm), spacing (mm) and number of points of a grid along the world axes that holds an oblique image."""
    corners = np.stack(np.meshgrid(*[(-0.5, n - 0.5) for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    corners = apply_affine(affine, corners)
    size = np.ptp(corners, axis=0)
    between_faces = 1 / np.linalg.norm(np.linalg.inv(affine[:3, :3]), axis=1)
    spacing = max(between_faces.min() / np.sqrt(3), (size.prod() / MOST_POINTS) ** (1 / 3))
    points = np.ceil(size / spacing).astype(int)
    return corners.min(axis=0) + (size - (points - 1) * spacing) / 2, spacing, points


def _sampled(arrays, affine, origin, spacing, points):
    """Nearest voxel at every point of the grid, one slab of x at a time."""
    sampled = [np.zeros(points, dtype=array.dtype) for array in arrays]
    to_voxel = np.linalg.inv(affine)
    y, z = (np.arange(n) * spacing for n in points[1:])
    for slab in range(points[0]):
        start = apply_affine(to_voxel, origin + [slab * spacing, 0, 0])
        voxel = [
            np.floor(start[axis] + to_voxel[axis, 1] * y[:, None] + to_voxel[axis, 2] * z + 0.5).astype(int)
            for axis in range(3)
        ]
        inside = np.logical_and.reduce([(v >= 0) & (v < n) for v, n in zip(voxel, arrays[0].shape, strict=True)])
        voxel = tuple(v[inside] for v in voxel)
        for target, array in zip(sampled, arrays, strict=True):
            target[slab][inside] = array[voxel]
    return sampled


def box_of(mask: np.ndarray, origin: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    """World box of the True points of a mask: (2, 3) mm, lower and upper faces, or None where there is none."""
    corners = index_box(mask)
    return None if corners is None else origin + (corners - 0.5) * step


def plane_at(origin: np.ndarray, step: np.ndarray, axis: int, mm: float) -> float:
    """Place in mm of the plane of voxel centres that is nearest, of two equally near ones the higher."""
    return float(origin[axis] + np.floor((mm - origin[axis]) / step[axis] + 0.5) * step[axis])


def slice_of(
    image: np.ndarray, origin: np.ndarray, step: np.ndarray, axis: int, mm: float, box: np.ndarray
) -> tuple[np.ndarray, Edges]:
    """One slice of an image laid out by `world_axes`, cropped to a box, as rows of pixels from the top down.

    Parameters
    ----------
    image : (x, y, z) array.
    origin, step : (3,) arrays, mm.
    axis : 0 sagittal (front to the right), 1 coronal or 2 axial (left is left).
    mm : position along `axis`; the nearest slice is taken.
    box : (2, 3) mm.

    Returns
    -------
    pixels : (rows, columns) view; (0, 0) where the image does not reach the plane or the box.
    edges : (left, right, bottom, top) of those pixels, mm.
    """
    nothing = np.zeros((0, 0), dtype=image.dtype), (0.0, 0.0, 0.0, 0.0)
    index = int(np.floor((mm - origin[axis]) / step[axis] + 0.5))
    if not 0 <= index < image.shape[axis]:
        return nothing
    plane = image[(slice(None),) * axis + (index,)]
    across, up = (other for other in range(3) if other != axis)
    window = []
    for world, size in ((across, plane.shape[0]), (up, plane.shape[1])):
        faces = (box[:, world] - origin[world]) / step[world] + 0.5
        low, high = max(int(np.floor(faces[0] + 1e-6)), 0), min(int(np.ceil(faces[1] - 1e-6)), size)
        if low >= high:
            return nothing
        window.append((low, high))
    (left, right), (bottom, top) = window
    edges = (
        origin[across] + (left - 0.5) * step[across],
        origin[across] + (right - 0.5) * step[across],
        origin[up] + (bottom - 0.5) * step[up],
        origin[up] + (top - 0.5) * step[up],
    )
    return plane[left:right, bottom:top].T[::-1], edges


def sections(labels: np.ndarray, axis: int = 2) -> np.ndarray:
    """Points that each region has in each plane: (n, planes) array of int, row ``r - 1`` for region r."""
    _, region, places = labelled_voxels(labels, labels)
    n, n_planes = int(region.max(initial=0)), labels.shape[axis]
    row = region.astype(np.int64) - 1
    return np.bincount(row * n_planes + places[:, axis], minlength=n * n_planes).reshape(n, n_planes)


def pick_planes(mass: np.ndarray, areas: np.ndarray, least: int, most: int, spread: float) -> list[int]:
    """Choose the planes to show, the most informative first.

    First every region is brought into view: each step takes the plane that shows the most regions not yet seen, ties by
    how much of them it shows (greedy set cover). A region is seen where a plane has at least half of its largest
    section; where `most` planes cannot do that, any point of it will do. Then planes
    are added up to `least` where the signal is: each step takes the plane that adds most to the mass within reach,
    where a plane at distance d of a chosen one is reached to ``exp(-(d / spread)^2 / 2)`` (greedy facility location).

    Parameters
    ----------
    mass : (planes,) array >= 0, how much there is to see in each plane.
    areas : (n, planes) array from `sections`; a region without a point is ignored.
    least, most : int, number of planes: `least` is reached wherever there are so many, `most` never exceeded.
    spread : float, in planes.

    Returns
    -------
    list of int : plane indices in the order they were chosen.
    """
    share = areas / np.maximum(areas.max(axis=1, keepdims=True, initial=0), 1)
    for shown in (share >= 0.5, share > 0):
        chosen = []
        unseen = areas.any(axis=1)
        while unseen.any() and len(chosen) < most:
            new = shown[unseen].sum(axis=0) + share[unseen].sum(axis=0) / (len(share) + 1)
            chosen.append(int(new.argmax()))
            unseen &= ~shown[:, chosen[-1]]
        if not unseen.any():
            break

    plane = np.arange(len(mass))
    reach = np.exp(-(((plane[:, None] - plane) / spread) ** 2) / 2)
    reached = reach[chosen].max(axis=0, initial=0)
    while len(chosen) < min(least, len(mass)):
        gain = np.maximum(reach - reached, 0) @ mass
        gain[chosen] = -1
        chosen.append(int(gain.argmax()))
        reached = np.maximum(reached, reach[chosen[-1]])
    return chosen


def project(
    data: np.ndarray, mask: np.ndarray, origin: np.ndarray, step: np.ndarray, axis: int
) -> tuple[np.ndarray, Edges]:
    """Maximum-intensity projection: along `axis`, the masked value furthest from 0, with its sign.

    Parameters
    ----------
    data, mask : (x, y, z) arrays.
    origin, step : (3,) arrays, mm.
    axis : int, the line of sight.

    Returns
    -------
    pixels, edges : as from `slice_of`, no larger than what is masked; 0 where no voxel is.
    """
    box = box_of(mask, origin, step)
    if box is None:
        return np.zeros((0, 0), dtype=data.dtype), (0.0, 0.0, 0.0, 0.0)
    low, high = (np.rint((faces - origin) / step + 0.5).astype(int) for faces in box)
    crop = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    masked = np.where(mask[crop], data[crop], 0)
    most, least = masked.max(axis=axis), masked.min(axis=axis)
    across, up = (other for other in range(3) if other != axis)
    edges = tuple(box[:, across]) + tuple(box[:, up])
    return np.where(most >= -least, most, least).T[::-1], edges


def outlines(mask: np.ndarray, edges: Edges, inset: float = 0.0, fine: int = 5) -> list[np.ndarray]:
    """Lines around the True pixels of a cut, along the pixel borders.

    Parameters
    ----------
    mask : (rows, columns) bool array, rows from the top down.
    edges : (left, right, bottom, top) of the pixels.
    inset : float from 0 to below half of 1 / `fine`, how far inside the border the line runs, in pixels: two regions
        that touch then show a line each.
    fine : int, corners are cut by half of this part of a pixel: 5 keeps them, 1 is quick and round.

    Returns
    -------
    list of (n, 2) arrays : closed lines, in the unit of `edges`.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return []
    crop = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = crop.shape[0] * fine, crop.shape[1] * fine
    z = np.zeros((height + 2, width + 2))
    z[1:-1, 1:-1] = crop.repeat(fine, axis=0).repeat(fine, axis=1)
    left, right, bottom, top = edges
    dx, dy = (right - left) / mask.shape[1] / fine, (top - bottom) / mask.shape[0] / fine
    x = left + columns[0] * dx * fine + (np.arange(width + 2) - 0.5) * dx
    y = top - rows[0] * dy * fine - (np.arange(height + 2) - 0.5) * dy
    return contour_generator(x, y, z, name="serial").lines(0.5 + inset * fine)
