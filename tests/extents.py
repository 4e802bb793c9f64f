"""One table of smallest sizes, ``extent_cases.tsv``: the fewest voxels that pass each, in whole numbers of exact
fractions. The workflow (tests/unit/regions) and the viewer's script (tests/browser) are held to it."""

import csv
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from statmap.grid import voxel_volume

TABLE = Path(__file__).with_name("extent_cases.tsv")


class Case(NamedTuple):
    """Sides of a voxel in mm and the smallest size in mm^3, as text; the size rule; the fewest voxels that pass."""

    sides: tuple[str, str, str]
    size: str
    rule: str
    fewest: int

    def exact(self) -> int:
        """The fewest voxels, computed without rounding."""
        voxels = Fraction(self.size) / (Fraction(self.sides[0]) * Fraction(self.sides[1]) * Fraction(self.sides[2]))
        return max(1, floor(voxels) + 1 if self.rule == ">" else ceil(voxels))

    def affines(self) -> list[np.ndarray]:
        """Affines with such voxels: stored in either precision, upright and oblique, whose volumes carry rounding."""
        turn = np.array([[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]])
        found = []
        for rotation in (np.eye(3), turn):
            affine = np.eye(4)
            affine[:3, :3] = rotation * np.array(self.sides, float)
            found += [affine, affine.astype(np.float32).astype(np.float64)]
        return found

    def volumes(self) -> list[float]:
        """The volumes of a voxel that the workflow computes of these affines, in mm^3."""
        return [voxel_volume(affine) for affine in self.affines()]


def read_cases() -> list[Case]:
    with open(TABLE, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t"))[1:]
    return [Case((x, y, z), size, rule, int(fewest)) for x, y, z, size, rule, fewest in rows]
