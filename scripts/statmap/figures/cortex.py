"""The cortex of fsaverage5, inflated, as pictures: which pixels show it, and where each of them lies in the brain.

The surfaces are those in nilearn's wheel, which is not imported. They are in MNI305 space, and are laid over MNI152 by
FreeSurfer's affine (surfer.nmr.mgh.harvard.edu/fswiki/CoordinateSystems, from its mni152.register.dat); nilearn takes
them as they are, up to 4 mm away.
"""

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from ..grid import apply_affine
from .drawings import read_surface
from .slicing import Edges

MNI305_TO_MNI152 = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429],
        [0.0146, 1.0009, -0.0024, 1.5496],
        [-0.0130, -0.0093, 0.9971, 1.1840],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
BOX = np.array([[-43.0, -109.0, -74.0], [43.0, 109.0, 74.0]])  # mm, what the inflated surfaces fill
PIXELS_PER_MM = 2.0
THINNEST = 0.3  # mm from the white to the pial surface: where there is less, between the hemispheres, is no cortex
GYRUS, SULCUS, NO_CORTEX = 0.74, 0.44, 0.62  # greys

Side = Literal["left", "right"]


class Hemisphere(NamedTuple):
    """The cortex of one side.

    Attributes
    ----------
    inflated : (n, 3) array, mm, where its vertices are drawn.
    white, pial : (n, 3) arrays, mm in MNI152 space, where they lie.
    depth : (n,) array of sulcal depth, below 0 on gyri.
    faces : (m, 3) int, the vertices of its triangles.
    """

    inflated: np.ndarray
    white: np.ndarray
    pial: np.ndarray
    depth: np.ndarray
    faces: np.ndarray


class CortexView(NamedTuple):
    """A hemisphere seen along x, n of whose pixels show it.

    Attributes
    ----------
    shown : (rows, columns) bool array, front to the right, from the top down.
    edges : (left, right, bottom, top) of the pixels, mm of the inflated surface.
    white, pial : (n, 3) arrays, mm in MNI152 space: the place of each pixel on either surface.
    cortex : (n,) bool, whether there is any cortex between them.
    grey : (n,) array from 0 to 1: gyri light, sulci dark, shaded.
    """

    shown: np.ndarray
    edges: Edges
    white: np.ndarray
    pial: np.ndarray
    cortex: np.ndarray
    grey: np.ndarray


@cache
def read_hemisphere(side: Side) -> Hemisphere:
    """The cortex of one side, from nilearn's wheel."""

    inflated, faces = read_surface(f"inflated-{side}")
    white, pial, depth = (read_surface(f"{name}-{side}")[0].astype(float) for name in ("white", "pial", "sulci"))
    white, pial = (apply_affine(MNI305_TO_MNI152, surface) for surface in (white, pial))
    return Hemisphere(inflated.astype(float), white, pial, depth, faces)


@cache
def see_cortex(side: Side, eye: Literal[-1, 1]) -> CortexView:
    """Look at a hemisphere along x, from the left (``eye`` -1) or from the right (1).

    Triangles that face the eye are painted from the furthest to the nearest.
    """
    hemisphere = read_hemisphere(side)
    corner = np.array([BOX[0, 1], BOX[1, 2]])
    size = np.ceil((BOX[1, 1:] - BOX[0, 1:]) * PIXELS_PER_MM).astype(int)
    # Where the vertices are on the picture, in pixels from its top left corner.
    place = (hemisphere.inflated[:, 1:] - corner) * [PIXELS_PER_MM, -PIXELS_PER_MM]
    corners = place[hemisphere.faces]  # (m, 3, 2)
    (ab_x, ab_y), (ac_x, ac_y) = ((corners[:, n] - corners[:, 0]).T for n in (1, 2))
    turned = ab_x * ac_y - ab_y * ac_x  # twice the area, its sign says which way a triangle faces
    facing = np.flatnonzero(turned * eye < 0)
    distance = -eye * hemisphere.inflated[:, 0][hemisphere.faces[facing]].sum(axis=1)
    painted = facing[np.argsort(-distance, kind="stable")]
    picture = Image.new("I", tuple(size.tolist()), -1)
    brush = ImageDraw.Draw(picture)
    for face, points in zip(painted.tolist(), corners[painted].reshape(-1, 6).tolist(), strict=True):
        brush.polygon(points, face)
    face_at = np.asarray(picture)
    shown = face_at >= 0
    face = face_at[shown]
    row, column = np.nonzero(shown)
    # Barycentric coordinates of the pixels' centres; a pixel on the rim may lie just outside of its triangle.
    x, y = column + 0.5 - corners[face, 0, 0], row + 0.5 - corners[face, 0, 1]
    towards_b = (x * ac_y[face] - y * ac_x[face]) / turned[face]
    towards_c = (y * ab_x[face] - x * ab_y[face]) / turned[face]
    weights = np.clip(np.stack([1 - towards_b - towards_c, towards_b, towards_c], axis=1), 0, 1)
    weights /= weights.sum(axis=1, keepdims=True)
    vertices = hemisphere.faces[face]

    def interpolated(values):
        return np.einsum("nk,nk...->n...", weights, values[vertices])

    white, pial = interpolated(hemisphere.white), interpolated(hemisphere.pial)
    cortex = np.linalg.norm(pial - white, axis=1) >= THINNEST
    sulcus = 1 / (1 + np.exp(-6 * interpolated(hemisphere.depth)))
    grey = np.where(cortex, GYRUS + (SULCUS - GYRUS) * sulcus, NO_CORTEX)
    light = 0.62 + 0.38 * np.abs(interpolated(_normals(hemisphere)[:, 0]))  # from where the eye is
    left, top = BOX[0, 1], BOX[1, 2]
    edges = left, left + size[0] / PIXELS_PER_MM, top - size[1] / PIXELS_PER_MM, top
    return CortexView(shown, edges, white, pial, cortex, grey * light)


def _normals(hemisphere: Hemisphere) -> np.ndarray:
    """(n, 3) unit vectors that stand on the inflated surface at its vertices."""
    a, b, c = (hemisphere.inflated[hemisphere.faces[:, n]] for n in range(3))
    of_faces = np.cross(b - a, c - a)
    of_faces /= np.linalg.norm(of_faces, axis=1, keepdims=True)
    count = len(hemisphere.inflated)
    summed = [np.bincount(hemisphere.faces.ravel(), of_faces[:, n].repeat(3), count) for n in range(3)]
    normals = np.stack(summed, axis=1)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)
