"""A methods paragraph to paste: what was done to a map under one variant, with its numbers and its references."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from ..inference.thresholds import Cutoff, parse_threshold, span, symbol_of
from ..types import ONE_TAILED, ClusterTheory, Connectivity, ExtractType, Sided, Signs, SizeRule, Stat, Unseeded

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


def methods_text(
    *,
    map_id: str,
    stat: Stat,
    df: float | Sequence[float] | None,
    voxel_size_mm: Sequence[float],
    threshold: float | str | Mapping[str, float],
    sided: Sided,
    cutoff: Cutoff,
    extract_type: ExtractType,
    signs: Signs,
    connectivity: Connectivity,
    min_region_size: float,
    size_rule: SizeRule,
    unseeded: Unseeded,
    account: Mapping[str, int],
    voxel_volume_mm3: float,
    n_regions: int,
    convention: str | None,
    tdp_alpha: float | None,
    critical_extent: int | None,
    significance: Mapping[str, float],
    theory: ClusterTheory | None,
    smoothness: str | None,
    atlases: Mapping[str, tuple[str, str] | None],
    citation: str | None,
    version: str,
    software: Mapping[str, str],
) -> Methods:
    """Say in plain sentences what a variant did to a map.

    Parameters
    ----------
    map_id, stat, df, voxel_size_mm (mm) : the map; `citation` is what its sheet asks to cite, or None.
    threshold, sided : as in the config; `cutoff` is what they resolved to.
    extract_type, signs, connectivity, min_region_size (mm^3), size_rule, unseeded : as in the config.
    account : voxels by where they went, ``suprathreshold``, ``kept``, ``too_small``, ``unseeded`` and ``seed_only``.
    voxel_volume_mm3, n_regions : what was found.
    convention : the package whose rules the variant follows, or None.
    tdp_alpha : one minus the confidence of the true discovery proportions, None where there are none.
    critical_extent : fewest voxels of a significant cluster, or None.
    significance : ``cluster_p`` and ``cluster_q``, those that are asked for.
    theory : behind the p values of cluster sizes, None where there are none.
    smoothness : where it came from, ``sheet``, ``map`` or ``residuals``; None where it is not known.
    atlases : name of each atlas that regions are labelled after to its short citation and its full reference, or None.
    version, software : of the workflow, and package to version.

    Returns
    -------
    Methods
    """
    cited = ["snakemake"]
    if sided == "two" and stat in ONE_TAILED:
        sided = "positive"  # they have one tail
    symbol = symbol_of(stat)
    compared = {"two": f"|{symbol}|", "positive": symbol, "negative": f"−{symbol}"}[sided]
    size = " × ".join(f"{length:.3g}" for length in voxel_size_mm)
    kind, number = parse_threshold(threshold)
    if kind == "fdr":
        cited.append("fdr")
    if cutoff.method == "random field theory" or theory == "spm":
        cited.append("field")
    if kind == "tdp":
        cited.append("guarantee")
    freedom = (
        f" with {_and([f'{own:g}' for own in ([df] if isinstance(df, int | float) else df)])} degrees of freedom"
        if df
        else ""
    )
    statistic = {"other": "map", "log10p": "map of −log₁₀ p"}.get(stat, f"{stat} map{freedom}")
    sentences = [
        f"The {statistic} “{map_id}” (voxels of {size} mm{f'; {citation}' if citation else ''}) was thresholded "
        f"{ {'two': 'two-sided', 'positive': 'for positive values', 'negative': 'for negative values'}[sided] } "
        f"{_threshold_in_words(kind, number, compared, cutoff, sided)}."
    ]
    apart = {
        "split": "; positive and negative voxels were kept apart",
        "merged": "; touching voxels of both signs joined",
    }
    joined = apart[signs] if sided == "two" else ""
    if extract_type == "connected_components":
        sentences.append(f"Clusters are suprathreshold voxels {NEIGHBOURS[connectivity]}{joined}.")
    else:
        cited += ["nilearn", "walker"]
        kept = "kept as regions of their own" if unseeded == "keep" else "dropped"
        sentences.append(
            "Suprathreshold voxels were divided as in nilearn's local_regions: seeds are the local maxima of the "
            "thresholded map smoothed with a Gaussian of 6 mm FWHM, the voxels (neighbours "
            f"{NEIGHBOURS[connectivity]}) were assigned to seeds by a random walker, components without a seed were "
            f"{kept}{joined}."
        )
    if min_region_size > 0:
        least = "larger than" if size_rule == ">" else "of at least"
        voxels = min_region_size / voxel_volume_mm3
        sentences.append(
            f"Regions {least} {min_region_size:,g} mm³ ({voxels:.3g} voxels) were kept (extent threshold)."
        )
    if critical_extent is not None:
        cited.append("cluster")
        levels = {
            "cluster_p": "a family-wise p value of at most {:g}",
            "cluster_q": "a false discovery rate of at most {:g}",
        }
        asked = _and([levels[key].format(level) for key, level in significance.items()])
        sentences.append(
            f"Only clusters whose size has {asked} by random field theory were kept, which is {critical_extent:,} "
            "voxels or more."
        )
    if convention:
        sentences.append(f"These rules follow the conventions of {convention}.")
    sentences.append(_account_in_words(account, n_regions, voxel_volume_mm3))
    if tdp_alpha is not None:
        cited.append("tdp")
        sentences.append(
            f"For each region a lower bound of its true discovery proportion is given, with {1 - tdp_alpha:.0%} "
            "confidence for all regions at once (Rosenblatt et al. 2018)."
        )
    if theory is not None:
        cited.append("cluster")
        how = {
            "fsl": "Gaussian random field theory, as in FSL",
            "spm": "random field theory of the statistic, as in SPM",
        }
        tails = ", both tails counted" if sided == "two" else ""
        sentences.append(f"Family-wise p values of cluster sizes come from {how[theory]} (Friston et al. 1994){tails}.")
    if smoothness is not None and (theory is not None or critical_extent is not None or cutoff.method):
        source = {
            "sheet": "was given",
            "map": "was estimated from the map itself",
            "residuals": "was estimated from residuals",
        }
        sentences.append(f"The smoothness of the noise {source[smoothness]}.")
    if atlases:
        named = [f"{name} ({own[0]})" if own else name for name, own in atlases.items()]
        sentences.append(f"Regions were labelled after {_and(named)}.")
    used = ", ".join(f"{name} {number}" for name, number in sorted(software.items()))
    sentences.append(f"Computed with Statmap Regions {version} ({used}), a Snakemake workflow (Mölder et al. 2021).")
    references = [REFERENCES[name] for name in dict.fromkeys(cited)] + [own[1] for own in atlases.values() if own]
    return Methods(" ".join(sentences), references)


def _threshold_in_words(kind: str, number: float, compared: str, cutoff: Cutoff, sided: Sided) -> str:
    over = {"all": "all voxels of the image", "nonzero": "its nonzero voxels", "mask": "the voxels of its mask"}
    family = f"{over[cutoff.domain]} (n = {cutoff.n_domain:,})" if cutoff.domain else ""
    tails = f", {number / 2:g} in each tail" if sided == "two" else ""
    how = {
        "value": "",
        "percentile": f"at the {number:g}th percentile of {compared} over {family}",
        "p": f"at p < {number:g}, uncorrected for multiple comparisons{tails}",
        "fdr": f"at a false discovery rate of {number:g} (Benjamini and Hochberg 1995) over {family}",
        "bonferroni": f"at a family-wise error rate of {number:g} by Bonferroni's correction over {family}",
        "tdp": f"so that of each region at least {number:.0%} of the voxels are active, over all cutoffs "
        f"(Chen et al. 2023; true discovery proportion over {family})",
        "fwe": f"at a family-wise error rate of {number:g} over {family}, by {cutoff.method}",
    }.get(kind, f"at {kind} = {number:g}")
    if not isfinite(cutoff.value):
        return f"{how}, which no voxel reaches" if how else "at a height that no voxel reaches"
    if cutoff.highest is not None:
        return f"{how}, each region at its own cutoff, {compared} ≥ {span(cutoff.value, cutoff.highest)}"
    height = f"{compared} {cutoff.rule.replace('>=', '≥')} {cutoff.value:.4g}"
    return f"{how} (height threshold {height})" if how else f"at {height} (height threshold)"


def _account_in_words(account: Mapping[str, int], n_regions: int, voxel_volume_mm3: float) -> str:
    if not account["suprathreshold"]:
        return "No voxel passed the threshold."
    found = {0: "no region", 1: "one region"}.get(n_regions, f"{n_regions:,} regions")
    lost = account["unseeded"] + account["seed_only"]
    return (
        f"Of {account['suprathreshold']:,} suprathreshold voxels {account['kept']:,} "
        f"({account['kept'] * voxel_volume_mm3:,.0f} mm³) are in {found}; {account['too_small']:,} were in regions too "
        f"small" + (f" and {lost:,} in no region for want of a seed." if lost else ".")
    )


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
