"""Rule prune: remove the results of maps and variants that are in the config no more."""

import shutil
from pathlib import Path

from statmap.io.log import log, logging_to


def main(left_behind: list[str]) -> None:
    """Remove folders and files, and say so.

    Parameters
    ----------
    left_behind : see `statmap.config.outcome.left_behind`.
    """
    for path in map(Path, left_behind):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        log.info("removed %s", path)


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(snakemake.params.left_behind)
