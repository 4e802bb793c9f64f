"""A statistical map as the analysis sees it, and the record of where it came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..distributions import Distribution, distribution_of
from .files import check_written
from .images import read_image, read_raw, replace_nonfinite
from .sidecar import Sidecar


class MapFiles(NamedTuple):
    """What rule fetch_map wrote for a map: paths of the image, its mask and its sidecar."""

    image: str
    mask: str
    sidecar: str


@dataclass(frozen=True, kw_only=True)
class MapSidecar(Sidecar):
    """The record of a fetched map, ``results/maps/{map}.json``.

    Attributes
    ----------
    source_url, source_files_sha256 : where it was downloaded from; sha256 of each file of a pair.
    neurovault : how NeuroVault describes it.
    parameters : keys of the config that decide whether it is accepted.
    stat, df : columns of the sample sheet; of p values `stat` is ``log10p``, in which they are written.
    stat_of_source : what `stat` was before.
    space : name of the space, or None.
    corrected : of p values, for what they are corrected already: ``fwe`` or ``fdr``.
    contrast, citation : what the map tests, and what to cite, where the header or NeuroVault says it.
    thresholded : whether it was thresholded before it was fetched: no value lies between 0 and a high magnitude.
    background : the constant value that fills the border, where it is not 0; None for 0 or NaN.
    said_by : of what the sheet leaves empty, what it was read from.
    shape, voxel_size_mm, affine : the grid.
    nan_count, inf_count, nonzero_count : voxels.
    extent_mm : box of the nonzero voxels, or None.
    minimum, maximum : of the values.
    mask, mask_sha256, mask_voxels, mask_image_sha256 : source of the mask, its sha256, its size, the sha256 as written.
    """

    source_url: str | None = None
    source_files_sha256: dict[str, str] | None = None
    neurovault: dict[str, Any] | None = None
    parameters: dict[str, Any]
    stat: str
    stat_of_source: str
    df: float | list[float] | None
    space: str | None
    corrected: str | None = None
    contrast: str | None = None
    citation: str | None = None
    thresholded: bool | None = None
    background: float | None = None
    said_by: dict[str, str] | None = None
    shape: list[int]
    voxel_size_mm: list[float]
    affine: list[list[float]]
    nan_count: int
    inf_count: int
    nonzero_count: int
    extent_mm: list[list[float]] | None
    minimum: float
    maximum: float
    mask: str
    mask_sha256: str | None = None
    mask_voxels: int
    mask_image_sha256: str

    @property
    def distribution(self) -> Distribution:
        """What the values are distributed as."""
        return distribution_of(self.stat, self.df, self.corrected)


@dataclass(frozen=True, eq=False)
class StatMap:
    """One statistical map.

    Attributes
    ----------
    name : id in the sample sheet.
    values : (i, j, k) float array, finite, 0 outside the mask.
    affine : (4, 4) array, voxel indices to mm.
    mask : (i, j, k) bool, that of the sample sheet, or the map's nonzero voxels.
    distribution : of the values, see `distributions`.
    space : name of the space, or None.
    thresholded : whether it was thresholded before it was fetched, so that most of its tests are missing.
    """

    name: str
    values: np.ndarray
    affine: np.ndarray
    mask: np.ndarray
    distribution: Distribution
    space: str | None = None
    thresholded: bool = False

    def __str__(self) -> str:
        """What errors and logs call it."""
        return f"map '{self.name}'"

    @property
    def lacks_family(self) -> str | None:
        """Why its values are not those of a whole family of tests, for an error; None where they are."""
        return "it was thresholded already" if self.thresholded else self.distribution.lacks_family

    @classmethod
    def read(cls, name: str, files: MapFiles) -> "StatMap":
        """Read what rule fetch_map wrote.

        Raises
        ------
        UserError : a file is not what was written.
        """
        record = MapSidecar.read(files.sidecar)
        record.check(files.image, files.sidecar)
        check_written(files.mask, record.mask_image_sha256, files.sidecar)
        data, affine = read_image(files.image)
        mask = read_raw(files.mask)[0] != 0
        values = np.where(mask, replace_nonfinite(data)[0], data.dtype.type(0))
        return cls(name, values, affine, mask, record.distribution, record.space, bool(record.thresholded))


def by_folder(paths: Iterable[str]) -> dict[str, dict[str, Path]]:
    """Files by their folder and their name: of one map, ``files["strict"]["regions.csv"]``.

    Parameters
    ----------
    paths : that end in ``{variant}/{name}``, in any order.
    """
    files: dict[str, dict[str, Path]] = {}
    for path in map(Path, paths):
        files.setdefault(path.parent.name, {})[path.name] = path
    return files


def by_map_and_table(paths: Iterable[str]) -> dict[tuple[str, str], dict[str, Path]]:
    """Files by map and published table, and by name, from paths that end in ``{map}/published/{table}/{name}``."""
    files: dict[tuple[str, str], dict[str, Path]] = {}
    for path in map(Path, paths):
        files.setdefault((path.parts[-4], path.parent.name), {})[path.name] = path
    return files


def by_map_and_variant(paths: Iterable[str]) -> dict[tuple[str, str], dict[str, Path]]:
    """Files by map and variant, and by their name, from paths that end in ``{map}/{variant}/{name}``."""
    files: dict[tuple[str, str], dict[str, Path]] = {}
    for path in map(Path, paths):
        files.setdefault((path.parent.parent.name, path.parent.name), {})[path.name] = path
    return files
