"""A methods paragraph to paste: what was done to a map under one variant, with its numbers and its references."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from ..distributions import Distribution
from ..inference.kinds import parse_threshold
from ..inference.thresholds import Thresholded, ThresholdSidecar, compared, span
from ..io.stat_map import MapSidecar
from ..regions.extract import RegionsSidecar
from ..rules import RegionRule
from ..tables.sidecar import Reported
from ..types import Sided

REFERENCES = {
    "snakemake": "Mölder F, et al. (2021). Sustainable data analysis with Snakemake. F1000Research 10:33. "
    "doi 10.12688/f1000research.29032",
    "nilearn": "Abraham A, et al. (2014). Machine learning for neuroimaging with scikit-learn. Frontiers in "
    "Neuroinformatics 8:14. doi 10.3389/fninf.2014.00014",
    "walker": "Grady L (2006). Random walks for image segmentation. IEEE Transactions on Pattern Analysis and Machine "
    "Intelligence 28:1768-1783. doi 10.1109/TPAMI.2006.233",
    "fdr": "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate: a practical and powerful approach to "
    "multiple testing. Journal of the Royal Statistical Society B 57:289-300. doi 10.1111/j.2517-6161.1995.tb02031.x",
    "field": "Worsley KJ, Marrett S, Neelin P, Vandal AC, Friston KJ, Evans AC (1996). A unified statistical approach "
    "for determining significant signals in images of cerebral activation. Human Brain Mapping 4:58-73. "
    "doi 10.1002/(SICI)1097-0193(1996)4:1<58::AID-HBM4>3.0.CO;2-O",
    "tdp": "Rosenblatt JD, Finos L, Weeda WD, Solari A, Goeman JJ (2018). All-Resolutions Inference for brain imaging. "
    "NeuroImage 181:786-796. doi 10.1016/j.neuroimage.2018.07.060",
    "guarantee": "Chen X, Goeman JJ, Krebs TJP, Meijer RJ, Weeda WD (2023). Adaptive cluster thresholding with spatial "
    "activation guarantees using all-resolutions inference. arXiv 2206.13587",
    "cluster": "Friston KJ, Worsley KJ, Frackowiak RSJ, Mazziotta JC, Evans AC (1994). Assessing the significance of "
    "focal activations using their spatial extent. Human Brain Mapping 1:210-220. doi 10.1002/hbm.460010306",
}
NEIGHBOURS = {6: "sharing a face (6 neighbours)", 18: "sharing a face or an edge (18 neighbours)"}
NEIGHBOURS[26] = "sharing a face, an edge or a corner (26 neighbours)"


class Methods(NamedTuple):
    """Text to paste, and the references that it names."""

    text: str
    references: list[str]


class Credits(NamedTuple):
    """What to cite for a map: its own citation or None, and of each atlas its short and full reference, or None."""

    citation: str | None = None
    atlases: Mapping[str, tuple[str, str] | None] = {}


def methods_text(
    map_id: str,
    fetched: MapSidecar,
    record: ThresholdSidecar,
    extracted: RegionsSidecar,
    regions: Sequence[Mapping[str, Any]],
    cites: Credits,
    reported: Reported | None = None,
) -> Methods:
    """Say in plain sentences what a variant did to a map.

    Parameters
    ----------
    map_id : name.
    fetched, record, extracted : sidecars of the map, of the thresholded map, of the regions.
    regions : rows of regions.csv: what has no value in any row is not spoken of.
    cites : what to cite; of atlases those that regions are labelled after.
    reported : the image whose values the tables report; None for the map's own.
    """
    thresholded, rule, distribution = record.thresholded, extracted.rule, fetched.distribution
    cutoff, voxel = thresholded.cutoff, extracted.voxel_volume_mm3
    sided = rule.sided if distribution.two_tailed else "positive"
    has_theory = any(row["p_cluster"] is not None for row in regions)
    kind, _ = parse_threshold(thresholded.rule.threshold)
    cited = ["snakemake", *kind.cites]
    if cutoff.method == "random field theory" or (has_theory and rule.cluster_theory == "spm"):
        cited.append("field")
    size = " × ".join(f"{length:.3g}" for length in fetched.voxel_size_mm)
    source = f"; {cites.citation}" if cites.citation else ""
    sentences = [
        f"The {distribution.in_words} “{map_id}” (voxels of {size} mm{source}) was "
        f"thresholded {_SIDES[sided]} {_threshold_in_words(thresholded, distribution, sided)}.",
        _division_in_words(rule, sided, cited),
    ]
    if rule.min_mm3 > 0:
        least = "larger than" if rule.size_rule == ">" else "of at least"
        voxels = rule.min_mm3 / voxel
        sentences.append(f"Regions {least} {rule.min_mm3:,g} mm³ ({voxels:.3g} voxels) were kept (extent threshold).")
    if extracted.critical_extent_voxels is not None:
        cited.append("cluster")
        levels = [words.format(getattr(rule, key)) for key, words in _LEVELS.items() if getattr(rule, key) is not None]
        sentences.append(
            f"Only clusters whose size has {_and(levels)} by random field theory were kept, which is "
            f"{extracted.critical_extent_voxels:,} voxels or more."
        )
    if thresholded.rule.convention:
        sentences.append(f"These rules follow the conventions of {thresholded.rule.convention}.")
    sentences.append(_accounting_in_words(extracted.voxel_accounting, extracted.regions, voxel))
    if reported:
        sentences.append(f"Values, peaks and means are those of a second image ({reported.in_words}).")
    if any(row["tdp"] is not None for row in regions):
        cited.append("tdp")
        sentences.append(
            "For each region a lower bound of its true discovery proportion is given, with "
            f"{1 - thresholded.rule.tdp_alpha:.0%} confidence for all regions at once (Rosenblatt et al. 2018)."
        )
    if has_theory:
        cited.append("cluster")
        tails = ", both tails counted" if sided == "two" else ""
        theory = _THEORIES[rule.cluster_theory]
        sentences.append(f"Family-wise p values of cluster sizes come from {theory} (Friston et al. 1994){tails}.")
    if record.search and (has_theory or extracted.critical_extent_voxels is not None or cutoff.method):
        sentences.append(f"The smoothness of the noise {_SOURCES[record.search.source]}.")
    atlases = cites.atlases if regions else {}
    if atlases:
        named = [f"{name} ({reference[0]})" if reference else name for name, reference in atlases.items()]
        sentences.append(f"Regions were labelled after {_and(named)}.")
    used = ", ".join(f"{name} {number}" for name, number in sorted((record.software | extracted.software).items()))
    sentences.append(
        f"Computed with Statmap Regions {extracted.version} ({used}), a Snakemake workflow (Mölder et al. 2021)."
    )
    references = [REFERENCES[name] for name in dict.fromkeys(cited)]
    return Methods(" ".join(sentences), references + [reference[1] for reference in atlases.values() if reference])


_SIDES = {"two": "two-sided", "positive": "for positive values", "negative": "for negative values"}
_SIGNS = {
    "split": "; positive and negative voxels were kept apart",
    "merged": "; touching voxels of both signs joined",
}
_LEVELS = {"cluster_p": "a family-wise p value of at most {:g}", "cluster_q": "a false discovery rate of at most {:g}"}
_THEORIES = {
    "fsl": "Gaussian random field theory, as in FSL",
    "spm": "random field theory of the statistic, as in SPM",
}
_SOURCES = {
    "sheet": "was given",
    "map": "was estimated from the map itself",
    "residuals": "was estimated from residuals",
}
_DOMAINS = {"all": "all voxels of the image", "nonzero": "its nonzero voxels", "mask": "the voxels of its mask"}


def _division_in_words(rule: RegionRule, sided: Sided, cited: list[str]) -> str:
    """How suprathreshold voxels were divided into regions; adds its references to `cited`."""
    joined = _SIGNS[rule.signs] if sided == "two" else ""
    neighbours = NEIGHBOURS[rule.connectivity]
    if rule.extract_type == "connected_components":
        return f"Clusters are suprathreshold voxels {neighbours}{joined}."
    cited += ["nilearn", "walker"]
    without = "kept as regions of their own" if rule.unseeded == "keep" else "dropped"
    return (
        "Suprathreshold voxels were divided as in nilearn's local_regions: seeds are the local maxima of the "
        f"thresholded map smoothed with a Gaussian of {rule.seed_fwhm_mm:g} mm FWHM, the voxels (neighbours "
        f"{neighbours}) were assigned to seeds by a random walker, components without a seed were {without}{joined}."
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


def _accounting_in_words(accounting: Mapping[str, int], n_regions: int, voxel_volume_mm3: float) -> str:
    passed, kept = accounting["suprathreshold"], accounting["kept"]
    if not passed:
        return "No voxel passed the threshold."
    regions = {0: "no region", 1: "one region"}.get(n_regions, f"{n_regions:,} regions")
    lost = accounting["unseeded"] + accounting["seed_only"]
    return (
        f"Of {passed:,} suprathreshold voxels {kept:,} ({kept * voxel_volume_mm3:,.0f} mm³) are in {regions}; "
        f"{accounting['too_small']:,} were in regions too small"
        + (f" and {lost:,} in no region for want of a seed." if lost else ".")
    )


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
