"""Anatomical labels of peaks and regions, from label images and their BIDS tables."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..grid import extent_of, overlap_by_half
from ..io.files import UserError, read_text
from ..io.images import read_written
from ..io.sidecar import Sidecar
from ..io.spaces import same_space
from ..io.stat_map import StatMap

NO_LABEL = "no_label"
SMALLEST_PERCENT = 5  # labels that cover less of a region are not named


class Atlas(NamedTuple):
    """One atlas as it is used.

    Attributes
    ----------
    name : in the config.
    labels : (a, b, c) int; of a probabilistic atlas the most probable label.
    affine : (4, 4) array, voxel indices to mm.
    names : dict, label to str.
    percent : (a, b, c) int, probability of that label in %; None where the atlas has none.
    """

    name: str
    labels: np.ndarray
    affine: np.ndarray
    names: dict
    percent: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class AtlasSidecar(Sidecar):
    """The record of a fetched atlas, ``results/atlases/{atlas}.json``: its source, grid, space, and what to cite."""

    source_url: str | None = None
    shape: list[int]
    space: str | None = None
    reference: str | None = None
    terms_of_use: str | None = None


class AtlasFiles(NamedTuple):
    """Where an atlas is: label image and JSON from rule fetch_atlas, label table, and its declared space or None."""

    image: str
    sidecar: str
    labels: str
    space: str | None

    @classmethod
    def by_name(cls, inputs: Any, spaces: Mapping[str, str | None]) -> dict[str, "AtlasFiles"]:
        """The atlases of a rule, from its inputs ``atlases`` and ``atlas_labels``, in the order of `spaces`.

        Parameters
        ----------
        inputs : ``atlases`` are files called by the name of their atlas, ``atlas_labels`` tables in the order of them.
        spaces : name to declared space.
        """
        files = {Path(path).name: path for path in inputs.atlases}
        tables = zip(spaces.items(), inputs.atlas_labels, strict=True)
        return {
            name: cls(files[f"{name}.nii.gz"], files[f"{name}.json"], table, space) for (name, space), table in tables
        }


def read_atlases(files: Mapping[str, AtlasFiles], stat_map: StatMap) -> tuple[list[Atlas], list[str]]:
    """Read the atlases of a config for one map.

    Parameters
    ----------
    files : by name of the atlas.
    stat_map : the map that is to be labelled.

    Returns
    -------
    atlases : one that covers less than half of the map has no label anywhere.
    warnings : where a space is not declared or an atlas lies elsewhere.

    Raises
    ------
    UserError : see `images.read_written`, `check_space`, `as_labels` and `read_labels_table`.
    """
    atlases, warnings = [], []
    extent = extent_of(stat_map.values != 0, stat_map.affine)
    for name, (image, sidecar, table, space) in files.items():
        warning = check_space(stat_map.space, space, str(stat_map), f"atlas '{name}'")
        warnings += [warning] if warning else []
        stored, affine = read_written(image, sidecar)
        names, percent = read_labels_table(table), None
        if stored.ndim == 4:  # what rule fetch_atlas makes of probabilities
            stored, percent = stored[..., 0], stored[..., 1]
            unnamed = {int(label): f"index {label - 1}" for label in np.unique(stored)}
            names = unnamed | {index + 1: label for index, label in names.items()}
        labels = as_labels(stored, f"atlas '{name}'")
        if not overlap_by_half(extent, extent_of(labels != 0, affine)):
            warnings.append(f"atlas '{name}' covers less than half of the map: regions are not labelled after it")
            labels = np.zeros_like(labels)
        atlases.append(Atlas(name, labels, affine, names, percent))
    return atlases, list(dict.fromkeys(warnings))  # of a map without a space, every atlas says the same


def most_probable(volumes, name):
    """The most probable label of each voxel, as `Atlas` has it.

    Parameters
    ----------
    volumes : iterable of (i, j, k) arrays, the probability of one label each, in % or as fractions of 1; the values are
        finite, the first of equal ones wins.
    name : what the atlas is called in the error (``atlas 'juelich'``).

    Returns
    -------
    labels : (i, j, k) int16, 1 for the first volume, 0 where all are 0.
    percent : (i, j, k) int16, rounded.

    Raises
    ------
    UserError : a value below 0 or above 100.
    """
    for number, volume in enumerate(volumes, start=1):
        if number == 1:
            best, labels = np.zeros_like(volume), np.zeros(volume.shape, np.int16)
        if not (volume.min() >= 0 and volume.max() <= 100):
            raise UserError(
                f"{name}: volume {number} holds values from {volume.min():g} to {volume.max():g}; probabilities are "
                "needed, in % or as fractions of 1"
            )
        better = volume > best
        best[better] = volume[better]
        labels[better] = number
    scale = 100 if best.max() <= 1 else 1
    return labels, np.rint(best * np.float64(scale)).astype(np.int16)


def label_peaks(table, atlases, affine, columns=("i", "j", "k")):
    """Add ``<atlas>_peak`` to a table of peaks, in place: the label at the voxel that `columns` give, on `affine`."""
    for atlas in atlases:
        ijk = np.column_stack([table[column] for column in columns])
        indices = sample(atlas.labels, atlas.affine, affine, ijk)
        percent = None if atlas.percent is None else sample(atlas.percent, atlas.affine, affine, ijk)
        table[f"{atlas.name}_peak"] = peak_label(indices, atlas.names, percent)


def read_labels_table(path):
    """Read a label table, columns ``index`` and ``name``, any others ignored: BIDS ``_dseg.tsv``, or with commas.

    Returns
    -------
    dict : int index -> str name.

    Raises
    ------
    UserError : unreadable, a column missing, an index that is no integer or is there twice, or an empty name.
    """
    try:
        lines = read_text(path, "utf-8-sig").splitlines()
        delimiter = "\t" if lines and "\t" in lines[0] else ","
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path} is not a readable table ({error})") from error
    header = [column.strip() for column in rows[0]] if rows else []
    for column in ("index", "name"):
        if column not in header:
            raise UserError(
                f"{path}: no column {column!r}, separated by tabs or commas; found {', '.join(header) or 'nothing'}"
            )
    names = {}
    for row in rows[1:]:
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        text, name = cells.get("index", ""), cells.get("name", "")
        try:
            index = int(text)
        except ValueError as error:
            raise UserError(f"{path}: index {text!r} (name {name!r}) is not a whole number") from error
        if index in names:
            raise UserError(f"{path}: index {index} is there twice ({names[index]!r} and {name!r})")
        if not name:
            raise UserError(f"{path}: index {index} has no name")
        names[index] = name
    return names


def as_labels(data, name):
    """Check that an atlas image holds one integer label per voxel.

    Parameters
    ----------
    data : array as stored, integers or floats that hold integers; trailing axes of length 1 are dropped.
    name : what the atlas is called in the error (``atlas 'aal'``).

    Returns
    -------
    (i, j, k) int array.

    Raises
    ------
    UserError : not 3D (a 4D probabilistic atlas), or values that are not integers.
    """
    shape = data.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise UserError(f"{name} has shape {data.shape}; one 3D image of integer labels is needed")
    data = data.reshape(shape)
    if data.dtype.kind in "iu":
        return data
    if data.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # NaN and infinities become some integer, and are found by the comparison
            labels = data.astype(np.int32)
        wrong = labels != data
        if not wrong.any():
            return labels
        raise UserError(f"{name} holds the value {data[wrong][0]}; integer labels are needed")
    raise UserError(f"{name} holds {data.dtype} values; integer labels are needed")


def check_space(map_space, atlas_space, map_name, atlas_name):
    """Refuse to label a map by an atlas in another space.

    Parameters
    ----------
    map_space, atlas_space : str as declared in the config (``MNI152NLin6Asym``), None or empty where not declared.
    map_name, atlas_name : what they are called in messages (``map 'motor'``, ``atlas 'aal'``).

    Returns
    -------
    str or None : a warning for the log where a space is not declared, else None.

    Raises
    ------
    UserError : both are declared and differ.
    """
    if map_space and atlas_space:
        if not same_space(map_space, atlas_space):
            raise UserError(
                f"{map_name} is in space {map_space!r} and {atlas_name} in {atlas_space!r}; "
                "labels need both in the same space"
            )
        return None
    # Not the map by its name: of many maps this is one warning.
    undeclared = [name for name, space in (("the map", map_space), (atlas_name, atlas_space)) if not space]
    return f"no space is declared for {' and '.join(undeclared)}: labels are right only if both are in the same space"


def sample(atlas, atlas_affine, affine, ijk):
    """Read the atlas at the centres of a map's voxels, in world space, nearest neighbour.

    A centre half-way between two atlas voxels takes the one to the left, posterior or inferior (the lower x, y or z,
    for each axis of the atlas the world axis it runs along most), so the label does not depend on how either image is
    stored. Half-way is common, not rare: at every other voxel of a 3 mm map on a 2 mm atlas. Coordinates are rounded
    to 1e-4 voxel first, since affines are often stored with the precision of float32.

    Parameters
    ----------
    atlas : (i, j, k) int array, on any grid.
    atlas_affine, affine : (4, 4) arrays, voxel indices of the atlas and of the map to mm.
    ijk : (n, 3) int, voxels of the map.

    Returns
    -------
    (n,) int64 : label indices, 0 outside the atlas.
    """
    voxel = _nearest_voxels(atlas_affine, affine, ijk)
    inside = ((voxel >= 0) & (voxel < atlas.shape)).all(axis=1)
    indices = np.zeros(len(voxel), np.int64)
    indices[inside] = atlas[tuple(voxel[inside].T)]
    return indices


def _nearest_voxels(atlas_affine, affine, ijk):
    """The voxels of an atlas that voxels of a map lie in, (n, 3) int64, maybe outside of it; see `sample`."""
    matrix = np.linalg.inv(atlas_affine) @ affine
    position = np.round(ijk @ matrix[:3, :3].T + matrix[:3, 3], 4)
    axes = np.asarray(atlas_affine)[:3, :3]
    direction = np.sign(axes[np.abs(axes).argmax(axis=0), range(3)])
    return (direction * np.ceil(direction * position - 0.5)).astype(np.int64)


def sample_grid(atlas, atlas_affine, affine, shape):
    """`sample` at every voxel of a map of a shape: (i, j, k) array of the atlas's type.

    Where each axis of the map runs along one of the atlas, whole planes of it are taken.
    """
    along = (np.linalg.inv(atlas_affine) @ affine)[:3, :3] != 0  # which axes of the atlas (rows) each of the map runs
    if (along.sum(axis=0) == 1).all():
        volume = atlas.transpose(along.argmax(axis=0))
        for axis, source in enumerate(along.argmax(axis=0)):
            ijk = np.zeros((shape[axis], 3), np.int64)
            ijk[:, axis] = np.arange(shape[axis])
            plane = _nearest_voxels(atlas_affine, affine, ijk)[:, source]
            outside = (plane < 0) | (plane >= volume.shape[axis])
            volume = volume.take(np.where(outside, 0, plane), axis)
            np.moveaxis(volume, axis, 0)[outside] = 0
        return volume
    labels = np.empty(shape, atlas.dtype)
    j, k = (axis.ravel() for axis in np.indices(shape[1:]))
    for i in range(shape[0]):  # plane by plane: coordinates of a whole volume of 1 mm take a gigabyte
        ijk = np.column_stack([np.full_like(j, i), j, k])
        labels[i] = sample(atlas, atlas_affine, affine, ijk).reshape(shape[1:])
    return labels


def distinct_names(indices, names):
    """Distinct indices as a list of names, and for each entry of `indices` its place in that list."""
    distinct, place = np.unique(indices, return_inverse=True)
    return [NO_LABEL if index == 0 else names.get(index, f"index {index}") for index in distinct.tolist()], place


def peak_label(indices, names, percent=None):
    """Name the label at each peak.

    Index 0 (background, or outside the atlas) is ``no_label`` whatever the table calls it; an index of the image that
    the table does not have is ``index 41``, so that a table of another atlas version shows.

    Parameters
    ----------
    indices : (p,) int from `sample`.
    names : dict from `read_labels_table`.
    percent : (p,) int, the labels' probabilities, written before them (``63% Frontal_Pole``); below 5% is no label.

    Returns
    -------
    list of str, length p.
    """
    if percent is not None:
        indices = np.where(percent >= SMALLEST_PERCENT, indices, 0)
    distinct, place = distinct_names(indices, names)
    peak_names = [distinct[i] for i in place]
    if percent is None:
        return peak_names
    return [name if name == NO_LABEL else f"{share}% {name}" for name, share in zip(peak_names, percent, strict=True)]


def overlap(region, indices, n_regions, names):
    """Name the labels that cover each region, with their share of its voxels.

    Written ``62.1% Precentral_L; 21.0% no_label``: largest first, equal ones by name, those of at least 5% of the
    region's voxels; voxels without a label count like any other, and indices that share a name count together. Empty
    where no label reaches 5%.

    Parameters
    ----------
    region : (m,) int, region id 1..n_regions of each labelled voxel.
    indices : (m,) int from `sample`, at the same voxels.
    n_regions : int.
    names : dict from `read_labels_table`.

    Returns
    -------
    list of str, one per region in order of id.
    """
    distinct, place = distinct_names(indices, names)
    sorted_names, name_of = np.unique(np.array(distinct, dtype=str), return_inverse=True)
    pairs, count = np.unique((region - 1) * np.int64(len(sorted_names)) + name_of[place], return_counts=True)
    owner, label = np.divmod(pairs, max(len(sorted_names), 1))
    size = np.bincount(region - 1, minlength=n_regions)
    pairs_named = np.flatnonzero(100 * count >= SMALLEST_PERCENT * size[owner])  # whole numbers: exactly 5% is kept
    pairs_named = pairs_named[np.lexsort((label[pairs_named], -count[pairs_named], owner[pairs_named]))]
    texts = [[] for _ in range(n_regions)]
    for row in pairs_named:
        share = 100 * count[row] / size[owner[row]]
        texts[owner[row]].append(f"{share:.1f}% {sorted_names[label[row]]}")
    return ["; ".join(parts) for parts in texts]
