"""A methods paragraph to paste: what was done to a map under one variant, with its numbers and its references."""

from collections.abc import Iterator, Mapping, Sequence, Set
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..distributions import Distribution
from ..grid import voxel_volume
from ..inference.kinds import parse_threshold
from ..inference.search_volume import SearchVolume
from ..inference.thresholds import Thresholded, ThresholdSidecar, compared, span
from ..io.references import REFERENCES
from ..io.spaces import same_space
from ..io.stat_map import MapSidecar
from ..regions.clusters import fewest_voxels
from ..regions.extract import RegionsSidecar
from ..rules import RegionRule
from ..tables.sidecar import Reported
from ..types import Sided

NEIGHBOURS = {6: "sharing a face (6 neighbours)", 18: "sharing a face or an edge (18 neighbours)"}
NEIGHBOURS[26] = "sharing a face, an edge or a corner (26 neighbours)"


class Methods(NamedTuple):
    """Text to paste, and the references that it names: one by one in one style, and together as BibTeX."""

    text: str
    references: list[str]
    bibtex: str


class Credits(NamedTuple):
    """What a methods paragraph cites, beside the methods themselves.

    Attributes
    ----------
    citation : of the map, or None.
    atlases : name in a sentence and keys of the references, of each.
    template : what figures show the map on, as a key of `TEMPLATES` or the name of a file, or None.
    template_space : its space, or None.
    """

    citation: str | None = None
    atlases: Mapping[str, tuple[str, Sequence[str]]] = {}
    template: str | None = None
    template_space: str | None = None


def methods_text(
    map_id: str,
    fetched: MapSidecar,
    record: ThresholdSidecar,
    extracted: RegionsSidecar,
    regions: Sequence[Mapping[str, Any]],
    cites: Credits,
    reported: Reported | None = None,
) -> Methods:
    """Say in plain sentences what a variant did to a map, as COBIDAS asks for it (Nichols et al. 2017).

    Parameters
    ----------
    map_id : name.
    fetched, record, extracted : sidecars of the map, of the thresholded map, of the regions.
    regions : rows of regions.csv: columns without any value are not mentioned.
    cites : what to cite; of atlases those that regions are labelled with.
    reported : the image whose values the tables report; None for the map's own.
    """
    thresholded, rule, distribution = record.thresholded, extracted.rule, fetched.distribution
    sided = rule.sided if distribution.two_tailed else "positive"
    kind, _ = parse_threshold(thresholded.rule.threshold)
    cited, affine = list(kind.cites), np.array(fetched.affine)
    size = " × ".join(f"{length:.3g}" for length in fetched.voxel_size_mm)
    source = f"; {cites.citation}" if cites.citation else ""
    has = {name for row in regions for name, value in row.items() if value is not None}
    sentences = [
        f"The {distribution.in_words} “{map_id}” (voxels of {size} mm{source}) was "
        f"thresholded {_SIDES[sided]} {_threshold_in_words(thresholded, distribution, sided)}.",
        _space_in_words(fetched.space, cites, cited),
        *_division_in_words(rule, sided, cited),
        *_sizes_in_words(extracted, affine, cited),
        _convention_in_words(thresholded.rule.convention, cited),
        _accounting_in_words(extracted),
        f"Values, peaks and means are those of a second image ({reported.in_words})." if reported else "",
        *_inference_in_words(has, rule, sided, cited),
        _tdp_in_words(thresholded.rule.tdp_alpha, cited) if "tdp" in has else "",
    ]
    if thresholded.cutoff.method == "random field theory":
        cited.append("worsley1996")
    derived = has & {"p_peak_fwe", "q_peak", "p_cluster"}
    if record.search and (derived or extracted.critical_extent_voxels is not None or thresholded.cutoff.method):
        sentences.append(_noise_in_words(record.search, affine))
    if regions and cites.atlases:
        named = []
        for called, keys in cites.atlases.values():
            cited += keys
            named.append(f"the {called}" + (f" ({'; '.join(REFERENCES[key].short for key in keys)})" if keys else ""))
        sentences.append(f"Regions were labelled with {_and(named)}.")
    used = ", ".join(f"{name} {number}" for name, number in sorted((record.software | extracted.software).items()))
    cited.append("molder2021")
    sentences.append(
        f"Computed with Statmap Regions {extracted.version} ({used}), a Snakemake workflow (Mölder et al. 2021)."
    )
    references = [REFERENCES[key] for key in dict.fromkeys(cited)]
    return Methods(
        " ".join(filter(None, sentences)),
        [reference.text for reference in references],
        "\n\n".join(reference.bibtex for reference in references),
    )


TEMPLATES = {
    "sample:mni152": ("the ICBM152 nonlinear symmetric template of 2009 (1 mm; {})", "fonov2011"),
}
# What a convention's package is called, and its reference; one that is not here goes by its id.
PACKAGES = {
    "nilearn": ("nilearn 0.14.1", "abraham2014"),
    "atlasreader": ("AtlasReader", "notter2019"),
    "spm": ("SPM12", None),
    "fsl": ("FSL 6", "jenkinson2012"),
    "afni-nn1": ("AFNI's 3dClusterize -NN 1", "cox1996"),
    "afni-nn2": ("AFNI's 3dClusterize -NN 2", "cox1996"),
    "afni-nn3": ("AFNI's 3dClusterize -NN 3", "cox1996"),
}
_SIDES = {"two": "two-sided", "positive": "for positive values", "negative": "for negative values"}
_SIGNS = {
    "split": "Positive and negative voxels were kept apart.",
    "merged": "Touching voxels of both signs joined.",
}
_LEVELS = {"cluster_p": "a family-wise p value of at most {:g}", "cluster_q": "a false discovery rate of at most {:g}"}
_THEORIES = {
    "fsl": "Gaussian random field theory, as in FSL 6 ({})",
    "spm": "random field theory of the statistic, as in SPM12 ({})",
}
_SOURCES = {
    "sheet": "given with the map",
    "map": "estimated from the map itself",
    "residuals": "estimated from residuals",
}
_DOMAINS = {"all": "all voxels of the image", "nonzero": "its nonzero voxels", "mask": "the voxels of its mask"}


def _cite(cited: list[str], *keys: str) -> str:
    """Add references to `cited`; gives them as a sentence names them."""
    cited += keys
    return "; ".join(REFERENCES[key].short for key in keys)


def _space_in_words(space: str | None, cites: Credits, cited: list[str]) -> str:
    """The space of the coordinates, and what figures show the map on, where that is in this space."""
    if not space:
        return "The space of its coordinates (mm) was not declared."
    coordinates = f"Coordinates are in mm, in the space {space}"
    if not cites.template or not same_space(space, cites.template_space):
        return f"{coordinates}."
    words, key = TEMPLATES.get(cites.template, (f"the template {Path(cites.template).name}", None))
    return f"{coordinates}; figures show the map on {words.format(_cite(cited, key) if key else '')}."


def _division_in_words(rule: RegionRule, sided: Sided, cited: list[str]) -> Iterator[str]:
    """How suprathreshold voxels were divided into regions, a sentence per rule; adds its references to `cited`."""
    neighbours = NEIGHBOURS[rule.connectivity]
    if rule.extract_type == "connected_components":
        yield f"Clusters are suprathreshold voxels {neighbours}."
    else:
        cube = " × ".join([str(rule.seed_cube_voxels)] * 3)
        yield f"Components are suprathreshold voxels {neighbours}."
        yield (
            f"As in nilearn's local_regions ({_cite(cited, 'abraham2014')}), seeds are the maxima over {cube} voxels "
            f"of the thresholded map smoothed with a Gaussian of {rule.seed_fwhm_mm:g} mm FWHM."
        )
        yield f"A random walker ({_cite(cited, 'grady2006')}) divided components between their seeds."
        yield "Components without a seed were " + _WITHOUT_SEED[rule.unseeded]
    if sided == "two":
        yield _SIGNS[rule.signs]


_WITHOUT_SEED = {"keep": "kept as regions of their own.", "drop": "left out."}


def _sizes_in_words(extracted: RegionsSidecar, affine: np.ndarray, cited: list[str]) -> Iterator[str]:
    """Which regions were kept by their size; nothing where every size was."""
    rule = extracted.rule
    if rule.min_mm3 > 0:
        least = "larger than" if rule.size_rule == ">" else "of at least"
        fewest = fewest_voxels(affine, rule.min_mm3, rule.size_rule)
        yield f"Regions {least} {rule.min_mm3:,g} mm³ ({fewest:,} voxels or more) were kept (extent threshold)."
    if extracted.critical_extent_voxels is not None:
        levels = [words.format(getattr(rule, key)) for key, words in _LEVELS.items() if getattr(rule, key) is not None]
        yield (
            f"Only clusters whose size has {_and(levels)} by random field theory ({_cite(cited, 'friston1994')}) were "
            f"kept, which is {extracted.critical_extent_voxels:,} voxels or more."
        )


def _convention_in_words(convention: str | None, cited: list[str]) -> str:
    if not convention:
        return ""
    package, key = PACKAGES.get(convention, (convention, None))
    return f"These rules follow the conventions of {package}" + (f" ({_cite(cited, key)})." if key else ".")


def _inference_in_words(has: Set[str], rule: RegionRule, sided: Sided, cited: list[str]) -> Iterator[str]:
    """How p and q of peaks and clusters were computed, of those that some region has."""
    tails = ", both tails counted" if sided == "two" else ""
    if "p_peak" in has:
        yield f"P values of peaks are uncorrected, from the distribution of the statistic{tails}."
    if "p_peak_fwe" in has:
        yield (
            "Family-wise p values of peaks are the smaller of random field theory's "
            f"({_cite(cited, 'worsley1996')}) and Bonferroni's{tails}."
        )
    if "q_peak" in has:
        yield (
            "False discovery rates of peaks are topological, over all local maxima above the cutoff "
            f"({_cite(cited, 'benjamini1995', 'chumbley2010')})."
        )
    if "p_cluster" in has:
        keys = ("friston1994", "worsley1996") if rule.cluster_theory == "spm" else ("friston1994",)
        theory = _THEORIES[rule.cluster_theory].format(_cite(cited, *keys))
        yield f"Family-wise p values of cluster sizes come from {theory}{tails}."
    if "q_cluster" in has:
        yield (
            "False discovery rates of cluster sizes are over all clusters above the cutoff "
            f"({_cite(cited, 'benjamini1995', 'chumbley2010')})."
        )


def _tdp_in_words(alpha: float, cited: list[str]) -> str:
    return (
        "For each region a lower bound of its true discovery proportion is given, with "
        f"{1 - alpha:.0%} confidence for all regions at once ({_cite(cited, 'rosenblatt2018')})."
    )


def _noise_in_words(search: SearchVolume, affine: np.ndarray) -> str:
    """The smoothness of the noise and where it came from, and the volume that was searched."""
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    mm, voxels = (" × ".join(f"{width:.3g}" for width in widths) for widths in (search.fwhm * sides, search.fwhm))
    return (
        f"The smoothness of the noise was {_SOURCES[search.source]}: FWHM {mm} mm ({voxels} voxels). The search volume "
        f"is {search.n_voxels * voxel_volume(affine):,.0f} mm³, {search.n_voxels:,} voxels or "
        f"{search.resels[search.n_dims]:.4g} resels."
    )


def _threshold_in_words(thresholded: Thresholded, distribution: Distribution, sided: Sided) -> str:
    left = compared(distribution, sided)
    cutoff = thresholded.cutoff
    kind, number = parse_threshold(thresholded.rule.threshold)
    family = f"{_DOMAINS[cutoff.domain]} (n = {cutoff.n_domain:,})" if cutoff.domain else ""
    each = f", {number / 2:g} in each tail" if sided == "two" else ""
    level = distribution.level_in_words(number) + ("" if distribution.lacks_family else " for multiple comparisons")
    how = kind.sentence.format(
        number=number,
        level=level,
        left=left,
        family=family,
        each=each,
        method=cutoff.method,
    )
    if not isfinite(cutoff.value):
        return f"{how}, which no voxel reaches" if how else "at a height that no voxel reaches"
    if cutoff.highest is not None:
        return f"{how}, each region at its own cutoff, {left} ≥ {span(cutoff.value, cutoff.highest)}"
    height = f"{left} {cutoff.rule.replace('>=', '≥')} {cutoff.value:.4g}"
    return f"{how} (height threshold {height})" if how else f"at {height} (height threshold)"


def _accounting_in_words(extracted: RegionsSidecar) -> str:
    accounting = extracted.voxel_accounting
    passed, in_regions = accounting["suprathreshold"], accounting["kept"]
    if not passed:
        return "No voxel passed the threshold."
    regions = {0: "no region", 1: "one region"}.get(extracted.regions, f"{extracted.regions:,} regions")
    lost = accounting["unseeded"] + accounting["seed_only"]
    places = [f"{in_regions:,} ({in_regions * extracted.voxel_volume_mm3:,.0f} mm³) are in {regions}"]
    if extracted.rule.min_mm3 > 0 or accounting["too_small"]:
        places.append(f"{accounting['too_small']:,} were in regions that were too small")
    if lost:
        places.append(f"{lost:,} in components that were dropped, without a seed or with only a seed")
    return f"Of {passed:,} suprathreshold voxels {_and(places)}."


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
