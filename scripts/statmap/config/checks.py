"""What of a study can be judged before anything runs: files, statistics, spaces (standard library only)."""

import os
import re
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

from ..inference.distribution import check_stat, no_smoothness
from ..inference.kinds import KINDS, parse_threshold
from ..io.declared import Intent, intent_of, statistic
from ..io.files import UserError
from ..io.sources import local_path
from ..io.spaces import same_space


def check_source(source: str, what: str) -> None:
    """Refuse a path or an address that would stop Snakemake, or that tells a secret to everyone who reads the results.

    Parameters
    ----------
    source : path, address, or empty.
    what : where it stands, in the error.
    """
    if found := re.search("[{}<>\\n]", source):
        raise UserError(
            f"{what}: {source!r} has {found[0]!r} in it, which Snakemake takes for a pattern; rename the file"
        )
    if re.match("[A-Za-z]+://[^/]*@", source):
        raise UserError(
            f"{what}: the address has a user name or a password in it, which logs and results would repeat; accepted: "
            "an address without, or the path of the file once you have it"
        )


def problems_of(
    maps: Mapping[str, dict],
    variants: Mapping[str, dict],
    sweep: dict | None,
    atlases: Mapping[str, dict],
    sheet_name: str,
) -> list[str]:
    """What would fail in a job: for a dry run, since in a run a broken map does not spoil the rest.

    Parameters
    ----------
    maps, variants, sweep, atlases : as `Study` has them.
    sheet_name : what the sample sheet is called.

    Returns
    -------
    list of str : files that are not there, a header or a file name that contradicts the sheet, a threshold by p values
        on a map whose distribution nothing tells, random field theory without a smoothness, an atlas in another space
        than a map; the first of each map.
    """
    asked = [(f"variant '{name}': threshold", keys["threshold"], keys["sided"]) for name, keys in variants.items()]
    asked += [("sweep: threshold", one, sweep["sided"]) for one in sweep["thresholds"]] if sweep else []
    told = [
        (kind, f"{what} {{{kind}: {number:g}}}", sided)
        for what, threshold, sided in asked
        for kind, number in [parse_threshold(threshold)]
    ]
    need_p = [(what, sided) for kind, what, sided in told if KINDS[kind].needs_p]
    smooth = [what for kind, what, _ in told if kind == "fwe"]
    smooth += [
        f"variant '{name}': {key}: {keys[key]:g}"
        for name, keys in variants.items()
        for key in ("cluster_p", "cluster_q")
        if keys[key] is not None
    ]
    found = []
    for name, own in atlases.items():
        with _collected(found):
            _check_file(own["image"], f"atlas '{name}', image")
    for map_id, row in maps.items():
        with _collected(found):
            for column in ("source", "mask", "values", "residuals"):
                if row[column]:
                    _check_file(row[column], f"{sheet_name}, map '{map_id}', column {column}")
            _check_row(row, f"map '{map_id}'", need_p, atlases, sheet_name)
            if smooth and not (row["fwhm_mm"] or row["dlh"] or row["residuals"]):
                raise no_smoothness(f"map '{map_id}'", smooth[0], sheet_name)
    return found


@contextmanager
def _collected(problems):
    """Add the text of a UserError to a list."""
    try:
        yield
    except UserError as error:
        problems.append(str(error))


def _check_file(source, what):
    """Refuse a file that is not there."""
    path = local_path(source, what)
    if path and not os.path.isfile(path):
        raise UserError(f"{what}: there is no file {source!r}; paths start from the folder of the run, {Path.cwd()}")


def _check_row(row, name, need_p, atlases, sheet_name):
    """Refuse what the sheet, the header and the name of a map together do not allow."""
    path = local_path(row["source"], name)
    own = {key: row[key] for key in ("stat", "df", "space")}
    told, _ = statistic(intent_of(path) if path else Intent(), row["source"], own, name, sheet_name)
    for atlas, keys in atlases.items():
        if told["space"] and keys["space"] and not same_space(told["space"], keys["space"]):
            raise UserError(
                f"{name} is in space {told['space']!r} and atlas '{atlas}' in {keys['space']!r}; labels need both in "
                "the same space"
            )
    if path:  # what is not here yet may tell the rest in its header
        stat = "log10p" if told["stat"] in ("p", "1-p") else told["stat"]
        for what, sided in need_p:
            check_stat(stat, told["df"], name, what, sided, sheet_name)
