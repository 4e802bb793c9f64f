"""Rule limit_colours: the colour scale that all maps of one statistic share."""

from collections.abc import Mapping
from pathlib import Path

from statmap.figures.scene import colour_limit
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import write_json
from statmap.io.log import log, logging_to
from statmap.io.stat_map import MapFiles, StatMap, by_map_and_variant


def main(files: Mapping[str, MapFiles], thresholded: Mapping[tuple[str, str], Mapping[str, Path]], limits: str) -> None:
    """Find the largest of the values at which the colour scales of the maps would end.

    Parameters
    ----------
    files : by map, what rule fetch_map wrote.
    thresholded : by map and variant, ``thresholded.json``.
    limits : JSON to write: statistic to variant to value. Maps of different statistics share none.
    """
    shared: dict[str, dict[str, float]] = {}
    for map_id, files_of_map in files.items():
        stat_map = StatMap.read(map_id, files_of_map)
        of_stat = shared.setdefault(stat_map.distribution.stat, {})
        for variant, made in ((variant, made) for (owner, variant), made in thresholded.items() if owner == map_id):
            cutoff = ThresholdSidecar.read(made["thresholded.json"]).cutoff.value
            of_stat[variant] = max(of_stat.get(variant, 0.0), colour_limit(stat_map.values, cutoff))
    write_json(limits, shared)
    log.info("%d maps of %d statistics", len(files), len(shared))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        fetched = snakemake.input
        main(
            files={
                Path(image).name.removesuffix(".nii.gz"): MapFiles(image, mask, sidecar)
                for image, mask, sidecar in zip(fetched.images, fetched.masks, fetched.sidecars, strict=True)
            },
            thresholded=by_map_and_variant(fetched.thresholded),
            limits=str(snakemake.output),
        )
