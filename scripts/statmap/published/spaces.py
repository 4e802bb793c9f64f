"""Talairach coordinates to MNI, by the two published transforms that the field uses."""

from typing import Literal

import numpy as np

Transform = Literal["Lancaster", "Brett"]

# icbm_other2tal, MNI to Talairach for images normalised by any package: Lancaster et al. 2007, doi 10.1002/hbm.20345.
ICBM_TO_TALAIRACH = np.array(
    [
        [0.9357, 0.0029, -0.0072, -1.0423],
        [-0.0065, 0.9396, -0.0726, -1.3940],
        [0.0103, 0.0752, 0.8967, 3.6475],
        [0, 0, 0, 1],
    ]
)
# mni2tal of Matthew Brett (1999): a rotation about x by 0.05 rad, then zooms that differ below the AC plane.
ROTATION, ZOOM, LOWER_ZOOM = 0.05, (0.99, 0.97, 0.92), (0.99, 0.97, 0.84)


def talairach_to_mni(xyz: np.ndarray, transform: Transform) -> np.ndarray:
    """Talairach coordinates as MNI coordinates.

    Parameters
    ----------
    xyz : (n, 3) array, mm.
    transform : ``Lancaster``, the inverse of icbm_other2tal (2007), or ``Brett``, the inverse of mni2tal as his
        tal2mni has it (2001).

    Returns
    -------
    (n, 3) float64, mm.
    """
    xyz = np.asarray(xyz, dtype=np.float64)
    if transform == "Lancaster":
        inverse = np.linalg.inv(ICBM_TO_TALAIRACH)
        return xyz @ inverse[:3, :3].T + inverse[:3, 3]
    # tal2mni undoes the rotation first and looks there which side of the AC plane a point is on
    cos, sin = np.cos(ROTATION), np.sin(ROTATION)
    rotated = xyz @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])  # rows times the transpose
    return rotated / np.where(rotated[:, 2:] < 0, LOWER_ZOOM, ZOOM)
