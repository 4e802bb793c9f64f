"""The rules of a variant, step by step: threshold, regions, peaks; and of a sweep (standard library only).

A field is a key of `config/schemas/config.schema.yaml`, which says what it means and what it accepts; a test holds the
two together. What a rule of the Snakefile depends on are the fields of its step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from .types import (
    ClusterTheory,
    Connectivity,
    CutoffRule,
    Domain,
    EdgeScale,
    ExtractType,
    PeakDistanceRule,
    RandomWalker,
    Sided,
    Signs,
    SizeRule,
    Threshold,
    Unseeded,
)

Rule = TypeVar("Rule")


@dataclass(frozen=True, kw_only=True)
class ThresholdRule:
    """From a map to its suprathreshold voxels; the last four fields are of thresholds that resolve to no one cutoff."""

    threshold: Threshold
    sided: Sided = "two"
    cutoff_rule: CutoffRule | None = None
    percentile_domain: Domain = "all"
    domain: Domain = "mask"
    signs: Signs = "split"
    connectivity: Connectivity = 6
    tdp_alpha: float = 0.05
    convention: str | None = None


@dataclass(frozen=True, kw_only=True)
class RegionRule:
    """From suprathreshold voxels to regions."""

    extract_type: ExtractType = "connected_components"
    signs: Signs = "split"
    sided: Sided = "two"
    connectivity: Connectivity = 6
    min_region_size: float | str = 1500
    size_rule: SizeRule = ">"
    cluster_p: float | None = None
    cluster_q: float | None = None
    cluster_theory: ClusterTheory = "fsl"
    unseeded: Unseeded = "drop"
    edge_scale: EdgeScale = "volume"
    random_walker: RandomWalker = "converged"
    seed_fwhm_mm: float = 6
    seed_cube_voxels: int = 21

    @property
    def min_mm3(self) -> float:
        """The extent threshold in mm^3, once `clusters.with_extent` has turned voxels into it."""
        assert not isinstance(self.min_region_size, str)
        return self.min_region_size

    @property
    def whole_clusters(self) -> bool:
        """Whether regions are whole connected components of one sign, of which random field theory speaks."""
        return self.extract_type == "connected_components" and (self.signs == "split" or self.sided != "two")

    @property
    def by_significance(self) -> str | None:
        """The key that asks for significant clusters, as it is written; None where neither does."""
        for key in ("cluster_p", "cluster_q"):
            if getattr(self, key) is not None:
                return f"{key}: {getattr(self, key):g}"
        return None


@dataclass(frozen=True, kw_only=True)
class PeakRule:
    """From a region to its peaks, and what of both the table as one prints it shows."""

    min_peak_distance: float = 8
    peak_distance_rule: PeakDistanceRule = ">="
    peak_neighbours: Connectivity = 26
    max_peaks: int = 6
    table_columns: list[str] = field(
        default_factory=lambda: ["label", "volume_mm3", "p_cluster", "p_fwe", "value", "x", "y", "z"]
    )


@dataclass(frozen=True, kw_only=True)
class SweepRule:
    """The grid of a sweep: four axes, and what all its points share."""

    thresholds: list[Threshold]
    min_region_sizes: list[float | str]
    connectivities: list[Connectivity]
    signs: list[Signs]
    sided: Sided = "two"
    size_rule: SizeRule = ">"
    cutoff_rule: CutoffRule | None = None
    percentile_domain: Domain = "all"
    domain: Domain = "mask"
    tdp_alpha: float = 0.05

    def threshold_rule(self, threshold: Threshold) -> ThresholdRule:
        """The rule of one threshold of the grid."""
        shared = ("sided", "cutoff_rule", "percentile_domain", "domain", "tdp_alpha")
        return ThresholdRule(threshold=threshold, **{key: getattr(self, key) for key in shared})


@dataclass(frozen=True, kw_only=True)
class Smoothness:
    """What the sample sheet says of the noise of a map; the image of residuals by its path, or None."""

    fwhm_mm: float | list[float] | str | None = None
    dlh: float | None = None
    search_voxels: int | None = None
    residuals: str | None = None

    @classmethod
    def given(cls, params: Any) -> "Smoothness":
        """From ``params`` of a rule: ``smoothness``, columns of the sheet, and ``residuals``, one path or none."""
        return cls(**params.smoothness, residuals=next(iter(params.residuals), None))

    @property
    def is_known(self) -> bool:
        """Whether it is given, or can be estimated."""
        return bool(self.fwhm_mm or self.dlh or self.residuals)


def keys_of(rule: type) -> list[str]:
    """The keys of the config that a step depends on."""
    return [member.name for member in fields(rule)]


def rule_from(rule: type[Rule], keys: Mapping[str, Any]) -> Rule:
    """The rule of a step, from a dict that has its keys among others."""
    return rule(**{key: keys[key] for key in keys_of(rule)})
