"""The functions of a notebook, on the objects of the workflow: a map, its threshold, regions, tables and a figure.

`docs/python.md` shows them in ten lines. What a rule of the Snakefile does to a map is done by the same functions here.
"""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from .distributions import P_FORMS, distribution_of
from .inference.families import family_of
from .inference.needs import check_df
from .inference.p_maps import minus_log10_p
from .inference.search_volume import search_volumes
from .inference.tested import values_of
from .inference.thresholded import thresholded_before
from .inference.thresholds import Thresholded, describe
from .io.declared import statistic
from .io.fetching import fetch_image
from .io.images import read_on_grid
from .io.opening import MOST_VOXELS
from .io.stat_map import StatMap
from .regions.clusters import with_extent
from .regions.extract import Regions, accounting_warnings, extract_regions
from .rules import PeakRule, RegionRule, Smoothness, ThresholdRule
from .stability.guaranteed import apply_threshold

if TYPE_CHECKING:
    import pandas as pd


def read_map(source: str | Path, mask: str | Path | None = None, name: str | None = None, **columns: Any) -> StatMap:
    """Read a statistical map as rule fetch_map does.

    Parameters
    ----------
    source : as in the sample sheet: a path, ``sample:motor``, ``file.nii.gz[3]``, an address.
    mask : path of an image on the map's grid; without one the map's nonzero voxels are its mask.
    name : of the map in errors; the name of the file by default.
    columns : of the sample sheet: ``stat``, ``df``, ``space``, ``corrected``.

    Returns
    -------
    StatMap : of p values, its values are -log10 p. Doubtful properties of the map give warnings.

    Raises
    ------
    UserError : it is not one readable 3D image, or its header contradicts `columns`.
    """
    name = name or Path(str(source)).name
    what = f"map '{name}'"
    with TemporaryDirectory() as folder:
        place = Path(folder, "map.nii.gz")
        fetched = fetch_image(str(source), place, name=what, sha256=None, max_voxels=MOST_VOXELS, require_sha256=False)
    inside = None
    if mask is not None:
        inside = read_on_grid(str(mask), fetched.shape, fetched.affine, f"mask of {what}")[0] != 0
    facts, origin = statistic(fetched.header.header, str(source), columns, what)
    check_df(facts["stat"], facts["df"], what)
    values = values_of(fetched.data, inside, facts, what)
    doubts = thresholded_before(values.gap, int(np.count_nonzero(values.tested)), facts, origin.get("thresholded"))
    for text in [*values.warnings, *doubts]:
        warnings.warn(f"{what}: {text}", stacklevel=2)
    stat, data = facts["stat"], values.finite
    if stat in P_FORMS:
        data = minus_log10_p(data, values.tested, stat, what)
    data = np.where(values.inside, data, data.dtype.type(0))
    distribution = distribution_of(stat, facts["df"], facts["corrected"])
    return StatMap(name, data, fetched.affine, values.inside, distribution, facts["space"], bool(doubts))


def threshold(
    stat_map: StatMap, threshold: Any, smoothness: Smoothness | None = None, **keys: Any
) -> tuple[Thresholded, np.ndarray]:
    """Threshold a map.

    Parameters
    ----------
    stat_map : the map.
    threshold : as in a config: ``3.0``, ``"97%"``, ``{"p": 0.001}``, ``{"fdr": 0.05}``, …
    smoothness : of its noise, for what needs random field theory; None where it is not known.
    keys : other keys of `rules.ThresholdRule`, ``sided`` for instance.

    Returns
    -------
    thresholded : the rule and the cutoff that it resolved to.
    passes : (i, j, k) bool, the suprathreshold voxels.
    """
    rule = ThresholdRule(threshold=threshold, **keys)
    search = None
    if smoothness and not stat_map.lacks_family:
        search = search_volumes(stat_map, smoothness)(family_of(stat_map, rule.domain))
    return apply_threshold(stat_map, rule, search)


def extract(stat_map: StatMap, thresholded: Thresholded, passes: np.ndarray, **keys: Any) -> Regions:
    """Divide suprathreshold voxels into regions.

    Parameters
    ----------
    stat_map : the map; thresholded, passes : from `threshold`.
    keys : of `rules.RegionRule`, ``min_region_size`` or ``extract_type`` for instance.
    """
    rule = RegionRule(**{"sided": thresholded.rule.sided, "signs": thresholded.rule.signs} | keys)
    critical = None
    if rule.by_significance:
        from .inference.region_statistics import critical_extent, excursion_sizes

        sizes = excursion_sizes(stat_map.values, passes, rule.connectivity)
        known = rule, stat_map.distribution, str(stat_map)
        critical = critical_extent(sizes, thresholded.cutoff.value, thresholded.search, *known)
    suprathreshold = np.where(passes, stat_map.values, stat_map.values.dtype.type(0))
    regions = extract_regions(suprathreshold, stat_map.affine, with_extent(rule, critical, stat_map.affine))
    for text in accounting_warnings(regions.accounting, rule):
        warnings.warn(f"{stat_map}: {text}", stacklevel=2)
    return regions


def tabulate(
    stat_map: StatMap, thresholded: Thresholded, regions: Regions, **keys: Any
) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """The regions and their peaks, as in regions.csv and peaks.csv; `keys` are of `rules.PeakRule`."""
    import pandas as pd

    from .tables.of_variant import tables_of_variant

    tables = tables_of_variant(stat_map, thresholded, regions, PeakRule(**keys))
    return pd.DataFrame(tables.regions), pd.DataFrame(tables.peaks)


def draw(stat_map: StatMap, thresholded: Thresholded, passes: np.ndarray, regions: Regions, path: str | Path) -> None:
    """Draw the outlined and numbered regions, over the MNI152 template where the map lies there.

    Parameters
    ----------
    stat_map, thresholded, passes, regions : from the functions above.
    path : ``.png``, ``.svg`` or ``.pdf`` to write.
    """
    from .figures.files import save
    from .figures.montage import regions_figure
    from .figures.scene import lay_out, make_scene
    from .io.images import read_template
    from .io.samples import SPACE, sample_path
    from .io.spaces import same_space

    in_space = stat_map.space is None or same_space(stat_map.space, SPACE)
    background = lay_out(*read_template(sample_path("mni152", "template"))) if in_space else None
    scene = make_scene(
        *(stat_map.values, stat_map.affine, passes, regions.labels, thresholded.cutoff.value, background),
        *(thresholded.rule.sided, stat_map.distribution.units, stat_map.space),
    )
    table, _ = tabulate(stat_map, thresholded, regions)
    in_words = describe(thresholded, stat_map.distribution)
    rows = table.replace({np.nan: None}).to_dict("records")
    save(regions_figure(scene, rows, stat_map.name, in_words, accounting=regions.accounting), path)
