"""The interactive page of one map: template, map and regions in NiiVue, with a table of regions.

NiiVue (https://niivue.com, BSD-2) is taken from the installed nilearn wheel and goes into every page, so that the page
opens from disk, years later, without a network. nilearn itself is not imported.
"""

import gzip
import importlib.util
import json
import math
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from ..distributions import Distribution, tail_values
from ..figures.colours import DIVERGING
from ..grid import apply_affine, extent_of, overlap_by_half, voxel_sizes, voxel_volume
from ..inference.families import family_of
from ..inference.statistics import discovery_ranks, hommel_value, minus_log10
from ..inference.thresholds import ThresholdSidecar
from ..io.files import UserError
from ..io.nifti import header_bytes
from ..io.stat_map import StatMap
from ..regions.atlases import SMALLEST_PERCENT, Atlas, peak_label, sample_grid
from ..regions.clusters import with_extent
from ..regions.extract import OUTCOMES, RegionsSidecar
from ..rules import RegionRule, rule_from
from ..tables.columns import column_of, declared, label_columns, label_in_words
from ..types import Domain, Sided
from .colours import DISTINCT, page_colours
from .map_page import regions_in_words
from .pages import render
from .tables import MOST_ROWS, Table, table

# Columns of regions.csv that the page shows; the labels of atlases at the peaks follow.
_COLUMNS = ("region", "sign", "volume_mm3", "peak_value", "peak_x", "peak_y", "peak_z", "tdp")
_OWN_COLUMNS = (
    "region",
    "sign",
    "n_voxels",
    "volume_mm3",
    "peak_value",
    "peak_x",
    "peak_y",
    "peak_z",
    "p_peak",
    "tdp",
    "robust_low",
    "robust_high",
)

# The table of two variants; compare.js has the cells.
PAIR_COLUMNS = declared("""
a | text | | A | Region of A; – where the region of B overlaps none.
mm3_a | volume | mm³ | mm³ A | Size of the region of A.
peak_a | value | of the map | Peak A | Value at the peak of the region of A.
b | text | | B | Region of B; – where the region of A overlaps none.
mm3_b | volume | mm³ | mm³ B | Size of the region of B.
peak_b | value | of the map | Peak B | Value at the peak of the region of B.
mm3_both | volume | mm³ | mm³ both | Size of what the two regions share.
dice | share | share | Dice | Dice coefficient of the two regions.
x y z | mm | mm | x y z | Peak in mm: of the region of A, or of B where that of A has a better partner or is missing.
""")

TAIL_NODES = 1025  # of -log10 p from 0 to the largest value: linear interpolation is right to 1e-5 of p
SURFACE = 0.25  # share of white: the grey at which the surface of the 3D view lies
_BACKGROUND_VOXELS = 112  # about, along the longest axis: 1.5 mm or so for a human brain, 0.5 MB in the page
MOST_VOXELS = 2**24  # of a map that is whole in its page
MEAN_UNITS = 2**15 - 1  # steps from 0 to the largest value, in which means of a large map are rounded
_MOST_BACKGROUND = 2**25  # voxels: more are asked for by voxels of 0.1 mm in a whole head


def niivue_bundle() -> str:
    """JavaScript source of NiiVue, from nilearn's wheel (found without importing it).

    Raises
    ------
    UserError : nilearn is absent, or is a version that does not carry NiiVue.
    """
    spec = importlib.util.find_spec("nilearn")
    folders = spec.submodule_search_locations if spec else None
    bundle = Path(folders[0], "_assets", "js", "niivue.umd.js") if folders else None
    if bundle is None or not bundle.is_file():
        raise UserError(f"view.html: no NiiVue at {bundle}; install the version of nilearn that the lock names")
    return bundle.read_text(encoding="utf-8")


def background_grid(
    template: np.ndarray, template_affine: np.ndarray, data: np.ndarray, affine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Resample the template onto the upright grid that NiiVue shows, which covers template and map.

    Where that would be more than `_MOST_BACKGROUND` voxels, it covers the map only.

    Its voxels are whole fractions of the map's and share their edges (unless the map is oblique). The map itself is
    drawn on its own grid, whatever this one is.

    Parameters
    ----------
    template : (a, b, c) array.
    template_affine, affine : (4, 4) arrays, voxel indices of template and map to mm.
    data : (i, j, k) array, the map.

    Returns
    -------
    background : (i, j, k) uint8 array, 0 where the template is 0 or absent, 63 at its 99.9th percentile
        (64 greys: a page a third smaller than with 256, the same to the eye).
    background_affine : (4, 4) array, axes along +x, +y, +z.
    """
    size = np.empty(3)
    size[_axes_of_world(affine)] = voxel_sizes(affine)
    edge = apply_affine(affine, np.full(3, -0.5))
    of_map = _extent(data, affine)
    for boxes in ([_extent(template, template_affine), of_map], [of_map]):
        low, high = np.min(boxes, axis=(0, 1)), np.max(boxes, axis=(0, 1))
        finest = (high - low).max() / _BACKGROUND_VOXELS
        step = size / np.maximum(np.round(size / finest), 1)
        first, last = np.floor((low - edge) / step) - 4, np.ceil((high - edge) / step) + 4
        if (last - first).prod() <= _MOST_BACKGROUND:
            break
    background_affine = np.diag([*step, 1.0])
    background_affine[:3, 3] = edge + (first + 0.5) * step
    to_template = np.linalg.inv(template_affine) @ background_affine
    shape = tuple((last - first).astype(int))
    values = _interpolated(template.astype(np.float32), to_template[:3, :3], to_template[:3, 3], shape)
    positive = values[values > 0]
    top = np.percentile(positive, 99.9) if positive.size else 1.0
    return np.rint(np.clip(values / top, 0, 1) * 63).astype(np.uint8), background_affine


def _extent(data, affine):
    """World box of an array's non-zero voxels, or of all where there is none: (2, 3) mm."""
    inside = data != 0 if data.any() else np.ones(data.shape, bool)
    if not _is_oblique(affine[:3, :3]):
        return extent_of(inside, affine)
    mm, half = apply_affine(affine, np.argwhere(inside)), np.abs(affine[:3, :3]).sum(axis=1) / 2
    return np.stack([mm.min(axis=0) - half, mm.max(axis=0) + half])


def _axes_of_world(affine):
    """The axis of the world that each axis of the array runs along, (3,) int."""
    matrix = affine[:3, :3]
    if not _is_oblique(matrix):
        return np.abs(matrix).argmax(axis=0)
    from nibabel.orientations import io_orientation  # late: few maps are oblique

    return io_orientation(affine)[:, 0].astype(int)


def _is_oblique(matrix):
    """Whether an axis of the array runs along more than one axis of the world, (3, 3)."""
    size = np.abs(matrix)
    return bool((size.sum(axis=0) - size.max(axis=0) > 1e-6 * size.max(axis=0)).any())


def _interpolated(image, matrix, offset, shape):
    """Linear interpolation of an image at ``matrix @ index + offset``, 0 outside of it."""
    if _is_oblique(matrix):
        from scipy.ndimage import affine_transform  # takes longer to import than all the rest takes to run

        return affine_transform(image, matrix, offset, output_shape=shape, order=1)
    order = np.abs(matrix).argmax(axis=0)  # the image's axis that each axis of the grid runs along
    image = image.transpose(order)
    for axis, source in enumerate(order):
        place = matrix[source, axis] * np.arange(shape[axis]) + offset[source]
        last = image.shape[axis] - 1
        low = np.clip(np.floor(place).astype(int), 0, max(last - 1, 0))
        inside = (place >= 0) & (place <= last)
        wide = [1, 1, 1]
        wide[axis] = -1
        upper = np.where(inside, place - low, 0).astype(image.dtype).reshape(wide)
        lower = np.where(inside, 1 - (place - low), 0).astype(image.dtype).reshape(wide)
        image = image.take(low, axis) * lower + image.take(np.minimum(low + 1, last), axis) * upper
    return image


def _packed(content: bytes) -> str:
    """Gzip (no time in it) in base64: what the page's `unpack` reads."""
    return b64encode(gzip.compress(content, compresslevel=3, mtime=0)).decode("ascii")


def _nifti(data: np.ndarray, affine: np.ndarray) -> str:
    return _packed(header_bytes(data.shape, affine, data.dtype) + data.tobytes(order="F"))


def discovery_steps(
    values: np.ndarray, alpha: float, distribution: Distribution, sided: Sided
) -> tuple[np.ndarray, np.ndarray]:
    """What the page needs to bound the true discovery proportion of any cluster, see `statistics.region_tdp`.

    Parameters
    ----------
    values : (n,) array, the voxels that were tested.
    alpha : one minus the confidence.
    distribution, sided : of the map and the variant.

    Returns
    -------
    levels : (m,) float64, falling: a voxel of at least this magnitude has at most the rank beside it.
    ranks : (m,) uint32, rising. Those above n, which count in no cluster, are left out.
    """
    p = distribution.p(values, sided)
    rank = discovery_ranks(p, hommel_value(p, alpha), alpha)
    magnitude = tail_values(values, sided)
    counts = (rank <= len(values)) & (magnitude > 0)
    rank, magnitude = rank[counts], magnitude[counts]
    order = np.argsort(-magnitude, kind="stable")
    last = np.flatnonzero(np.diff(rank[order], append=np.inf))  # the lowest voxel of each rank
    return magnitude[order][last], rank[order][last].astype(np.uint32)


# Of each voxel the page knows one number of 16 bits: 0 below the cutoff, the region from 1, or one of these.
MOST_NUMBERED = 65_531
CODES = {"unnumbered": 65_532, "too_small": 65_533, "unseeded": 65_534, "seed_only": 65_535}


class VariantView(NamedTuple):
    """One variant as the page shows it.

    Attributes
    ----------
    name : id in the config.
    thresholded, extracted : its sidecars.
    labels : (i, j, k) int array, 0 background, regions 1..n.
    outcomes : (i, j, k) uint8 array, what became of each voxel, see `regions.extract.Regions`.
    regions : rows of regions.csv.
    written : the variant as one would write it, see `config.variants.written_variant`.
    """

    name: str
    thresholded: ThresholdSidecar
    extracted: RegionsSidecar
    labels: np.ndarray
    outcomes: np.ndarray
    regions: Sequence[Mapping[str, Any]]
    written: Mapping[str, str]


def voxel_codes(labels: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
    """Regions and outcomes of the voxels as one number each, see `CODES`: (i, j, k) uint16."""
    codes = np.minimum(labels, CODES["unnumbered"]).astype(np.uint16)
    for outcome, name in enumerate(OUTCOMES, start=1):
        if name in CODES:
            codes[outcomes == outcome] = CODES[name]
    return codes


def labels_on_grid(atlas: Atlas, shape: tuple[int, int, int], affine: np.ndarray) -> dict[str, Any]:
    """The atlas at every voxel of a map, by the rule by which peaks are labelled (`regions.atlases.sample`).

    Parameters
    ----------
    atlas : Atlas.
    shape, affine : the grid of the map.

    Returns
    -------
    dict : ``name``; ``names``, that of each number of the volume ``labels`` (uint8, or uint16 where ``wide``);
        ``percent``, a volume of uint8, or None where the atlas has no probabilities.
    """
    distinct = np.union1d(np.unique(atlas.labels), [0])  # 0 outside of the atlas
    numbered = np.append(np.flatnonzero(distinct == 0), np.flatnonzero(distinct))  # number 0 is no label
    number = np.empty(len(distinct), np.uint16)
    number[numbered] = np.arange(len(distinct))
    numbers = np.empty(atlas.labels.shape, np.uint16)
    # Plane by plane: places in `distinct` of a whole volume are 64 bits each.
    for target, plane in zip(numbers, atlas.labels, strict=True):
        target[:] = number[np.searchsorted(distinct, plane)]
    labels = sample_grid(numbers, atlas.affine, affine, shape)
    percent = None
    if atlas.percent is not None:
        percent = sample_grid(atlas.percent, atlas.affine, affine, shape).astype(np.uint8)
        labels[percent < SMALLEST_PERCENT] = 0
    names = peak_label(distinct[numbered], atlas.names)
    wide = len(distinct) > 256
    return {
        "name": atlas.name,
        "names": [label_in_words(name) for name in names],
        "wide": wide,
        "labels": _volume(labels if wide else labels.astype(np.uint8)),
        "percent": None if percent is None else _volume(percent),
    }


def _volume(data: np.ndarray) -> str:
    """The voxels of a volume, the first axis fastest, as the page's script has them."""
    return _packed(np.asfortranarray(data).tobytes(order="F"))


def block_means(values: np.ndarray, left_out: np.ndarray, step: int) -> np.ndarray:
    """The mean of the voxels of each block, without those that are left out; 0 where all are.

    Parameters
    ----------
    values : (i, j, k) float array.
    left_out : (i, j, k) bool.
    step : voxels along each side of a block; those at the end may be shorter.

    Returns
    -------
    (⌈i / step⌉, ⌈j / step⌉, ⌈k / step⌉) float64
    """
    means = np.empty([-(-length // step) for length in values.shape])
    for n, mean in enumerate(means):  # slab by slab: a large map is not copied
        slab = slice(n * step, (n + 1) * step)
        counted = ~left_out[slab]
        sums = [np.where(counted, values[slab], 0).sum(axis=0, dtype=np.float64), counted.sum(axis=0, dtype=np.float64)]
        for axis in (0, 1):
            sums = [np.add.reduceat(own_sums, range(0, own_sums.shape[axis], step), axis) for own_sums in sums]
        mean[:] = sums[0] / np.maximum(sums[1], 1)
    return means


def _packed_values(values: np.ndarray, passes: np.ndarray, largest: float) -> dict[str, Any]:
    """The values as the page's script reads them: all; of a large map those of voxels that pass, and means of others.

    Parameters
    ----------
    values : (i, j, k) float array.
    passes : (i, j, k) bool, the suprathreshold voxels of all variants together.
    largest : magnitude of `values`.
    """
    if values.size <= MOST_VOXELS:
        return {"values": _volume(values), "coarse": None}
    step = math.ceil((values.size / MOST_VOXELS) ** (1 / 3))
    means = np.rint(block_means(values, passes, step) * (MEAN_UNITS / largest)).astype(np.int16)
    passing = passes.T  # the first axis fastest
    coarse = {
        "step": step,
        "passes": _packed(np.packbits(passing, bitorder="little").tobytes()),
        "means": _volume(means),
        "unit": largest / MEAN_UNITS,
    }
    return {"values": _packed(values.T[passing].tobytes()), "coarse": coarse}


def _table(variant: VariantView) -> Table:
    """The regions of a variant; attributes of a row are the colour and the peak of its region."""
    rows = variant.regions
    at_peak = label_columns("regions.csv", rows[0] if rows else [])
    steering = [
        {
            "tabindex": "0",
            "data-mm": json.dumps([row[f"peak_{axis}"] for axis in "xyz"]),
            "style": f"--colour:{colour}",
        }
        for row, colour in zip(rows, page_colours(len(rows)), strict=True)
    ]
    return table(rows, [*_COLUMNS, *at_peak], row_attributes=steering, most=MOST_ROWS)


def _content(variant: VariantView, codes: np.ndarray, affine: np.ndarray, largest: float) -> dict[str, Any]:
    """What the page's script knows of a variant with these `voxel_codes`."""
    cutoff, rule = variant.thresholded.cutoff, variant.extracted.rule
    per_region = cutoff.highest is not None  # such a threshold has no place on the slider
    reached = bool(np.isfinite(cutoff.value))
    shown = "no one cutoff" if per_region else f"cutoff {cutoff.value:.4g}" if reached else "no cutoff reached"
    return {
        "name": variant.name,
        "codes": _volume(codes),
        "regions": len(variant.regions),
        "peaks": [[row[f"peak_{axis}"] for axis in "xyz"] for row in variant.regions],
        "cutoff": cutoff.value if reached else 1.001 * largest,
        "atLeast": cutoff.at_least if reached and not per_region else None,
        "sided": rule.sided,
        "signs": rule.signs,
        "extraction": rule.extract_type,
        "connectivity": rule.connectivity,
        "extent": _extent_as_written(variant.extracted, affine),
        "rule": rule.size_rule,
        "written": variant.written,
        "summary": f"{variant.thresholded.rule} · {shown} · {regions_in_words(len(variant.regions))}",
    }


def _one_cutoff(variant):
    """The cutoff in words, None where there is none, or one for each region."""
    cutoff = variant.thresholded.cutoff
    return f"{cutoff.value:.4g}" if np.isfinite(cutoff.value) and cutoff.highest is None else None


def _extent_as_written(extracted, affine):
    """The smallest size as the config has it, mm^3 or ``"10 voxels"``, or the critical extent where that is more."""
    asked = rule_from(RegionRule, extracted.parameters)
    if with_extent(asked, None, affine).min_mm3 == extracted.min_region_size_mm3:
        return asked.min_region_size
    return f"{extracted.critical_extent_voxels} voxels"


def tail_power(distribution: Distribution) -> int:
    """The power of the value in which `tail_nodes` are even.

    The tail of F(1, v) starts as the square root of F, on which it falls fastest at 0.
    """
    return 1 if distribution.two_tailed else 2


def tail_nodes(largest: float, distribution: Distribution) -> list[float] | None:
    """-log10 p of one tail at `TAIL_NODES` values from 0 to the largest, even in their root of `tail_power`.

    None where there are no p values.
    """
    if not distribution.has_p:
        return None
    values = largest * np.linspace(0, 1, TAIL_NODES) ** tail_power(distribution)
    return minus_log10(distribution.log_sf(values)).round(7).tolist()


def _discoveries(stat_map, domain, alpha):
    """`discovery_steps` of every side that the statistic has, packed; none without a confidence or p values."""
    family, distribution = family_of(stat_map, domain), stat_map.distribution
    if alpha is None or not distribution.has_p or not family.any():
        return {}
    sides: tuple[Sided, ...] = ("two", "positive", "negative") if distribution.two_tailed else ("positive",)
    packed = {}
    for sided in sides:
        levels, ranks = discovery_steps(stat_map.values[family], alpha, distribution, sided)
        rises = np.diff(ranks, prepend=np.uint32(0))  # nearly all of them 1
        levels = levels.astype(stat_map.values.dtype)  # of the map's own values
        packed[sided] = {"levels": _packed(levels.tobytes()), "rises": _packed(rises.tobytes())}
    return packed


def viewer_page(
    stat_map: StatMap,
    template: tuple[np.ndarray, np.ndarray] | None,
    variants: Iterable[VariantView],
    map_page: bool,
    domain: Domain = "mask",
    alpha: float | None = None,
    atlases: Sequence[Atlas] = (),
) -> str:
    """Write the page of one map.

    Of a map of more than `MOST_VOXELS` voxels the page has the values of voxels that pass in a variant exactly, and of
    the others means of blocks; no threshold moves there, since no cluster could be right.

    Parameters
    ----------
    stat_map : the map. Its affine may be flipped or oblique.
    template : the anatomical background, (a, b, c), 0 outside the head, and its (4, 4) affine; None, or where the map
        does not lie over it: the outline of the map, dim.
    variants : in the order of the page; of a large map one at a time fits into memory.
    map_page : whether there is a map.html beside the page.
    domain : the voxels that were tested, and alpha, one minus the confidence of true discovery proportions; None where
        there are none.
    atlases : label every voxel.

    Returns
    -------
    str : HTML that loads nothing else; the same input gives the same text.
    """
    data, affine, distribution = stat_map.values, stat_map.affine, stat_map.distribution
    largest = float(np.abs(data).max()) or 1.0
    if template and not overlap_by_half(extent_of(template[0] != 0, template[1]), extent_of(data != 0, affine)):
        template = None  # as in the figures
    background, background_affine = background_grid(*(template or ((data != 0).astype(np.uint8), affine)), data, affine)
    if template is None:
        background //= 4
    is_large = data.size > MOST_VOXELS
    tail = None if is_large else tail_nodes(largest, distribution)
    discoveries = {} if is_large else _discoveries(stat_map, domain, alpha)
    passes, own_contents, shown = np.zeros(data.shape, bool), [], []
    for variant in variants:
        codes = voxel_codes(variant.labels, variant.outcomes)
        passes |= codes != 0
        own_contents.append(_content(variant, codes, affine, largest))
        shown.append({"name": variant.name, "cutoff": _one_cutoff(variant), "table": _table(variant)})
        del variant, codes  # before the next is read
    known = {"p_peak": bool(tail), "tdp": bool(discoveries)}
    columns = [column_of("regions.csv", name) for name in _OWN_COLUMNS if known.get(name, True)]
    columns += [column_of("regions.csv", f"{atlas.name}_peak") for atlas in atlases]
    content = {
        "name": stat_map.name,
        "background": _nifti(background, background_affine),
        "surface": SURFACE if template else 0.5 * SURFACE,
        **_packed_values(data, passes, largest),
        "bytes": data.dtype.itemsize,
        "shape": data.shape,
        "affine": affine.tolist(),
        "voxelVolume": voxel_volume(affine),
        "stat": distribution.symbol,
        "tails": distribution.tails("two"),
        "largest": largest,
        "lowest": -largest if (data < 0).any() else 0,
        "highest": largest if (data > 0).any() or not (data < 0).any() else 0,
        "tail": tail,
        "tailPower": tail_power(distribution),
        "discoveries": discoveries,
        "ramp": DIVERGING,
        "colours": page_colours(DISTINCT),
        "codes": CODES,
        "columns": [{"name": column.name, "kind": "text" if column.is_text else column.kind} for column in columns],
        "atlases": [labels_on_grid(atlas, data.shape, affine) for atlas in atlases],
        "variants": own_contents,
        "mostRows": MOST_ROWS,
    }
    of_own_threshold = Table(columns, [], {})
    pairs = Table([*PAIR_COLUMNS, *(column_of("regions.csv", f"{atlas.name}_peak") for atlas in atlases)], [], {})
    return render(
        "view.html.j2",
        title=stat_map.name,
        at=f"{stat_map.name}/view.html",
        map_page=map_page,
        stat=content["stat"],
        coarse=content["coarse"] and {"voxels": data.size, "most": MOST_VOXELS, "step": content["coarse"]["step"]},
        pairs=pairs,
        variants=shown,
        own=of_own_threshold,
        tables=[*((part["table"] for part in shown) if is_large else [of_own_threshold]), pairs],
        # a "<" in JSON could end the script element
        content=Markup(json.dumps(content, allow_nan=False).replace("<", "\\u003c")),
        niivue=_packed(niivue_bundle().encode("utf-8")),
    )
