"""Rule prune: remove the results of maps and variants that are in the config no more."""

from pathlib import Path

from statmap.io.files import UserError, remove
from statmap.io.log import log, logging_to


def main(left_behind: list[str], maps: list[str]) -> None:
    """Remove folders and files, and say so. One that is killed leaves nothing that the next does not find.

    Parameters
    ----------
    left_behind : see `statmap.config.outcome.left_behind`.
    maps : ids of the config.

    Raises
    ------
    UserError : no map of the config has results here, so the config is hardly that of this folder.
    """
    if left_behind and not any(Path("results", name).is_dir() for name in maps):
        raise UserError(
            f"none of the maps of this config ({', '.join(maps)}) has results here, so that all there is would be "
            "removed; give the options, --configfile among them, of the run that made them"
        )
    for path in map(Path, left_behind):
        remove(path)
        log.info("removed %s", path)


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(snakemake.params.left_behind, snakemake.params.maps)
