"""Rule start_study: from the folders of analyses to a sample sheet and a config in the working directory."""

import os
import sys
from pathlib import Path

from statmap.analyses.study import read_sources, resolve, unpack, write_study
from statmap.io.files import UserError, read_yaml, writing
from statmap.io.log import log, logging_to

WRITTEN = ("maps.tsv", "study.yaml")
MOST_BYTES = 2**33  # of an image in an archive


def main(sources: list[str], template: str, effects: bool = False, typed_in: str | None = None) -> list[str]:
    """Write ``maps.tsv`` and ``study.yaml``, and what stands beside them, into the working directory.

    Parameters
    ----------
    sources : folders and files of analyses, or ``neurovault-collection:ID``. ``~`` is the home folder; a relative path
        starts from the working directory, or from `typed_in` where only that has it.
    template : the config whose variants stand beside the packages' own.
    effects : whether the effect behind a statistic becomes its `values`.
    typed_in : folder in which the command was typed.

    Returns
    -------
    list of str : lines for the terminal, see `Study.summary`.

    Raises
    ------
    UserError : there is a sheet or a config already, or a source cannot be read. Nothing is written then.
    """
    for name in WRITTEN:
        if os.path.lexists(name):
            raise UserError(f"{name} is there already, and is not overwritten; accepted: a folder without it")
    if not sources:
        raise UserError("from is missing; write: snakemake start_study --directory STUDY --config from=ANALYSIS")
    variants = read_yaml(template)["variants"]
    folders = [Path.cwd(), *([typed_in] if typed_in else [])]
    analyses = read_sources([resolve(source, folders) for source in sources])
    study = write_study(analyses, Path.cwd(), variants, effects)
    for place, packed in study.packed.items():
        unpack(packed, Path(place), MOST_BYTES)
    for place, text in [*study.tables.items(), *zip(WRITTEN, (study.sheet, study.config), strict=True)]:
        with writing(place) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="replace")  # names that are no text
    return study.summary


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        summary = main(
            sources=snakemake.params.sources,
            template=snakemake.params.template,
            effects=snakemake.params.effects,
            typed_in=snakemake.params.typed_in,
        )
        for line in summary:
            log.info("%s", line)
        sys.stderr.write("".join(f"{line}\n" for line in summary))
