"""Places for the ids of regions: beside the region, inside the panel, clear of one another (numpy only)."""

from collections.abc import Sequence

import numpy as np

_ANGLES = np.arange(16) * np.pi / 8
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_GAPS = np.array([1.5, 4.0, 8.0, 13.0, 19.0, 26.0, 34.0])  # points from region to id
_COVERED = 0.25  # cost, in points of distance, of one point of a region under an id


def place(
    points: np.ndarray,
    everything: np.ndarray,
    size: tuple[float, float],
    room: tuple[float, float, float, float],
    occupied: Sequence[np.ndarray],
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Find a place for one id.

    Candidates touch the region from 16 directions at growing distances. The free one of least cost is taken; the cost
    is the distance and the area of other regions that it covers. Where all are occupied, the free place of the room
    nearest to the region is used.

    Parameters
    ----------
    points : (n, 2) array, centres of the region's pixels.
    everything : (m, 2) array, centres of the pixels of all regions of the panel.
    size : (width, height) of the id.
    room : (left, top, right, bottom) that the id must stay in.
    occupied : list of (4,) arrays (left, top, right, bottom) that it must not touch.

    Returns
    -------
    box : (4,) array (left, top, right, bottom), or None where the room is full.
    anchor : (2,) array, the point of the region that is nearest.
    """
    half = np.asarray(size) / 2
    anchors = points[np.round(points @ _DIRECTIONS.T, 6).argmax(axis=0)]
    apart = np.abs(_DIRECTIONS) @ half  # from the id's centre to its own border
    centres = anchors[:, None] + _DIRECTIONS[:, None] * (apart[:, None] + _GAPS)[..., None]
    best = _cheapest(centres.reshape(-1, 2), np.tile(_GAPS, len(_ANGLES)), everything, half, room, occupied)
    if best is None:
        x = np.arange(room[0] + half[0], room[2] - half[0] + 1e-9, half[0])
        y = np.arange(room[1] + half[1], room[3] - half[1] + 1e-9, half[1])
        centres = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        away = np.linalg.norm(centres - points.mean(axis=0), axis=1)
        best = _cheapest(centres, away, everything, half, room, occupied)
    if best is None:
        return None, None
    box = np.concatenate([best - half, best + half])
    nearest = np.linalg.norm(np.clip(points, box[:2], box[2:]) - points, axis=1).argmin()
    return box, points[nearest]


def _cheapest(centres, distance, everything, half, room, occupied):
    boxes = np.concatenate([centres - half, centres + half], axis=1)
    free = (boxes[:, :2] >= np.asarray(room)[:2]).all(axis=1) & (boxes[:, 2:] <= np.asarray(room)[2:]).all(axis=1)
    for left, top, right, bottom in occupied:
        free &= (boxes[:, 0] >= right) | (boxes[:, 2] <= left) | (boxes[:, 1] >= bottom) | (boxes[:, 3] <= top)
    if not free.any():
        return None
    centres, boxes, distance = centres[free], boxes[free], distance[free]
    inside = (everything[:, 0] > boxes[:, None, 0]) & (everything[:, 0] < boxes[:, None, 2])
    inside &= (everything[:, 1] > boxes[:, None, 1]) & (everything[:, 1] < boxes[:, None, 3])
    # Rounded, so that a tie is resolved by order and not by the last bit of a sum.
    return centres[np.round(distance + _COVERED * inside.sum(axis=1), 6).argmin()]
