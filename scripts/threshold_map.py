"""Rule threshold_map: resolve every variant's threshold on a map and keep the voxels that pass it."""

import numpy as np

from statmap.inference.families import family_of, magnitude
from statmap.inference.kinds import KINDS, Cutoff
from statmap.inference.thresholds import cutoff_entries, describe, parse_threshold, resolve_cutoff, suprathreshold_mask
from statmap.io.files import read_json, sha256_of, write_json
from statmap.io.images import read_map, write_image
from statmap.io.log import log, logging_to
from statmap.io.sidecar import generated_by


def main(
    image: str,
    mask: str,
    sidecar: str,
    residuals: list[str],
    map_id: str,
    variants: dict[str, dict],
    smoothness: dict,
    thresholded: list[str],
    sidecars: list[str],
) -> None:
    """Threshold one map.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote. Voxels outside a mask of the sheet are set to 0 first.
    residuals : the 4D image of residuals that the sheet names, or nothing.
    map_id : name, for the log and the sidecars.
    variants : id to its ``threshold``, ``sided``, ``cutoff_rule``, ``percentile_domain``, ``domain`` and
        ``convention``; ``signs``, ``connectivity`` and ``tdp_alpha`` for ``{tdp: …}``.
    smoothness : ``fwhm_mm``, ``dlh`` and ``search_voxels`` of the map's row of the sample sheet.
    thresholded, sidecars : the images to write, 0 wherever a voxel did not pass, and their JSON, one per variant.
    """
    data, affine, inside = read_map(image, mask, sidecar)
    fetched = read_json(sidecar)
    stat, df = fetched["Stat"], fetched["DF"]
    untested = int(np.count_nonzero(inside & (data == 0)))
    if untested:
        log.info("map '%s': %d voxels of the mask are 0; they were not tested and do not count", map_id, untested)
    search_in = None
    if smoothness["fwhm_mm"] or smoothness["dlh"] or residuals:
        # Here, not above: scipy.special takes as long to import as all the rest takes to run.
        from statmap.inference.smoothness import sheet_search

        search_in = sheet_search(
            data, affine, inside, residuals, stat=stat, df=df, name=f"map '{map_id}'", **smoothness
        )
    for (variant, keys), path, sidecar_path in zip(variants.items(), thresholded, sidecars, strict=True):
        name = f"map '{map_id}', variant '{variant}'"
        family = family_of(data, inside, keys["domain"])
        search, searched = search_in(family) if search_in else (None, {})
        cutoff, suprathreshold = _cut(data, affine, inside, family, search, keys, stat, df, name)
        n_voxels = int(np.count_nonzero(suprathreshold))
        rule = describe(cutoff, threshold=keys["threshold"], sided=keys["sided"], stat=stat)
        log.info("%s: %s: %d suprathreshold voxels", name, rule, n_voxels)
        warnings = [] if n_voxels else [_nothing_passes(keys, data, rule)]
        if keys["convention"] in ("spm", "fsl") and keys["sided"] == "two" and KINDS[kind_of(keys)].needs_p:
            warnings.append(
                f"{keys['convention'].upper()} tests one tail, this variant both: half of the level is left for each; "
                "sided: positive is what it would do"
            )
        asked, own = smoothness["search_voxels"], int(np.count_nonzero(family))
        if search and asked and abs(asked - own) > 0.1 * own:
            warnings.append(
                f"search_voxels of the sheet is {asked}, but {own} voxels were tested here, of which the resels are "
                "counted: p_peak_fwe, q_peak and cluster_theory: spm may be far off; give the mask that was searched"
            )
        if searched.get("SmoothnessSource") == "map":
            warnings.append("the smoothness was estimated from the map itself, too smooth where there is signal")
        for warning in warnings:
            log.warning("%s: %s", name, warning)
        write_image(path, np.where(suprathreshold, data, data.dtype.type(0)), affine)
        write_json(
            sidecar_path,
            {
                "Description": f"Map '{map_id}' thresholded as variant '{variant}'",
                "GeneratedBy": generated_by("threshold_map", ("numpy", "scipy", "nibabel")),
                "Sources": [image],
                "SourceSHA256": fetched["SHA256"],
                "Parameters": keys | {"stat": stat, "df": df},
                "Rule": rule,
                **cutoff_entries(cutoff),
                "SuprathresholdVoxels": n_voxels,
                "SHA256": sha256_of(path),
                **searched,
                "Warnings": warnings,
            },
        )


def kind_of(keys):
    """Name of the kind of a variant's threshold."""
    return parse_threshold(keys["threshold"])[0]


def _nothing_passes(keys, data, rule):
    """Why the tables are empty, with the value that would pass, and a hint where 97 was meant to be 97%."""
    highest = magnitude(data, keys["sided"]).max(initial=0)
    percent = kind_of(keys) == "value" and 50 <= keys["threshold"] <= 100
    hint = f'; for a percentile write "{keys["threshold"]:g}%"' if percent else ""
    return f"no voxel passes the threshold ({rule}; the map's largest value is {highest:.4g}): no region{hint}"


def _cut(data, affine, inside, family, search, keys, stat, df, name):
    """The cutoff of one variant and the voxels that pass it."""
    kind, number = parse_threshold(keys["threshold"])
    rules = {key: keys[key] for key in ("threshold", "sided", "cutoff_rule", "percentile_domain", "domain")}
    if kind != "tdp":
        cutoff = resolve_cutoff(data, inside, **rules, stat=stat, df=df, search=search, name=name)
        return cutoff, suprathreshold_mask(data, cutoff, keys["sided"])
    from statmap.inference.distribution import check_stat
    from statmap.stability.guaranteed import guaranteed_regions

    check_stat(stat, df, name, f"threshold {{tdp: {number:g}}}", keys["sided"])
    found = guaranteed_regions(
        data,
        affine,
        family,
        tdp=number,
        alpha=keys["tdp_alpha"],
        stat=stat,
        df=df,
        **{key: keys[key] for key in ("sided", "signs", "connectivity")},
        min_region_size=0,
        size_rule=">=",
    )
    lowest, highest = (found.cutoffs.min(), found.cutoffs.max()) if len(found.cutoffs) else (np.inf, None)
    tests = int(np.count_nonzero(family))
    highest = None if highest is None else float(highest)
    return Cutoff(float(lowest), ">=", "tdp", keys["domain"], tests, highest=highest), found.labels > 0


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{**snakemake.input, "residuals": snakemake.params.residuals},
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            smoothness=snakemake.params.smoothness,
            **snakemake.output,
        )
