"""Rule threshold_map: resolve every variant's threshold on a map and keep the voxels that pass it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from statmap.inference.families import family_of, magnitude
from statmap.inference.kinds import parse_threshold
from statmap.inference.search_volume import search_volumes
from statmap.inference.thresholds import ThresholdSidecar, describe
from statmap.io.files import sha256_of
from statmap.io.log import log, logging_to
from statmap.io.nifti import write_image
from statmap.io.sidecar import generated_by
from statmap.io.stat_map import MapFiles, MapSidecar, StatMap, by_folder
from statmap.rules import Smoothness, ThresholdRule
from statmap.stability.guaranteed import apply_threshold

LIKE_P = 0.2  # a threshold below it that most of a map passes was hardly meant as a value


def main(
    map_id: str,
    files: MapFiles,
    rules: Mapping[str, ThresholdRule],
    smoothness: Smoothness,
    outputs: Mapping[str, Mapping[str, Path]],
) -> None:
    """Threshold one map.

    Parameters
    ----------
    map_id : name, for the log and the sidecars.
    files : what rule fetch_map wrote. Voxels outside a mask of the sheet are set to 0 first.
    rules : by variant.
    smoothness : of the map's row of the sample sheet.
    outputs : by variant, ``thresholded.nii.gz``, 0 wherever a voxel did not pass, and ``thresholded.json``.
    """
    stat_map, record = StatMap.read(map_id, files), MapSidecar.read(files.sidecar)
    data = stat_map.values
    untested = int(np.count_nonzero(stat_map.mask & (data == 0)))
    if untested:
        log.info("%s: %d voxels of the mask are 0; they were not tested and do not count", stat_map, untested)
    search_in = search_volumes(stat_map, smoothness)
    for variant, rule in rules.items():
        name = f"{stat_map}, variant '{variant}'"
        family = family_of(stat_map, rule.domain)
        search = None if stat_map.lacks_family else search_in(family)
        thresholded, passes = apply_threshold(stat_map, rule, search, name)
        n_voxels, in_words = int(np.count_nonzero(passes)), describe(thresholded, stat_map.distribution)
        log.info("%s: %s: %d suprathreshold voxels", name, in_words, n_voxels)
        warnings = [] if n_voxels else [_no_voxel_passes(rule, data, in_words)]
        warnings += _variant_warnings(rule, smoothness, thresholded.search, int(np.count_nonzero(family)))
        kind, number = parse_threshold(rule.threshold)
        if kind.name == "value" and 0 < number < LIKE_P and 2 * n_voxels > np.count_nonzero(data):
            share = 100 * n_voxels / np.count_nonzero(data)
            warnings.append(
                f"threshold: {number:g} keeps {share:.3g}% of the map's voxels; for a p value write {{p: {number:g}}}"
            )
        for warning in warnings:
            log.warning("%s: %s", name, warning)
        image = outputs[variant]["thresholded.nii.gz"]
        write_image(image, np.where(passes, data, data.dtype.type(0)), stat_map.affine)
        ThresholdSidecar(
            description=f"Map '{map_id}' thresholded as variant '{variant}'",
            generated_by=generated_by("threshold_map", ("numpy", "scipy", "nibabel")),
            sources=[files.image],
            source_sha256=record.sha256,
            sha256=sha256_of(image),
            warnings=warnings,
            parameters=vars(rule) | {"stat": record.stat, "df": record.df},
            rule=in_words,
            cutoff=thresholded.cutoff,
            suprathreshold_voxels=n_voxels,
            search=thresholded.search,
            lacks_family=stat_map.lacks_family,
        ).write(outputs[variant]["thresholded.json"])


def _no_voxel_passes(rule, data, in_words):
    """Why the tables are empty, with the value that would pass, and a hint where 97 was meant to be 97%."""
    highest = magnitude(data, rule.sided).max(initial=0)
    kind, number = parse_threshold(rule.threshold)
    hint = f'; for a percentile write "{number:g}%"' if kind.name == "value" and 50 <= number <= 100 else ""
    return f"no voxel passes the threshold ({in_words}; the map's largest value is {highest:.4g}): no region{hint}"


def _variant_warnings(rule, smoothness, search, n_tested):
    """Warnings about a variant on this map."""
    warnings = []
    kind, _ = parse_threshold(rule.threshold)
    if rule.convention in ("spm", "fsl") and rule.sided == "two" and kind.needs_p:
        warnings.append(
            f"{rule.convention.upper()} tests one tail, this variant both: half of the level is left for each; "
            "sided: positive is what it would do"
        )
    n_stated = smoothness.search_voxels
    if search and n_stated and abs(n_stated - n_tested) > 0.1 * n_tested:
        warnings.append(
            f"search_voxels of the sheet is {n_stated}, but {n_tested} voxels were tested here, of which the resels "
            "are counted: p_peak_fwe, q_peak and cluster_theory: spm may be far off; give the mask that was searched"
        )
    if search and search.source == "map":
        warnings.append("the smoothness was estimated from the map itself, too smooth where there is signal")
    return warnings


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            files=MapFiles(*snakemake.input.map),
            rules={variant: ThresholdRule(**keys) for variant, keys in snakemake.params.variants.items()},
            smoothness=Smoothness.given(snakemake.params),
            outputs=by_folder(snakemake.output),
        )
