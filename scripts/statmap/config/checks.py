"""What of a study can be judged before anything runs: files, statistics, spaces (standard library only)."""

import os
import re
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

from ..distributions import distribution_of
from ..inference.kinds import check_threshold, parse_threshold
from ..inference.needs import no_smoothness
from ..io.declared import Intent, intent_of, statistic
from ..io.files import UserError
from ..io.sources import local_path
from ..io.spaces import same_space
from ..rules import RegionRule, rule_from


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
    asked += [("sweep: threshold", threshold, sweep["sided"]) for threshold in sweep["thresholds"]] if sweep else []
    rules = {name: rule_from(RegionRule, keys) for name, keys in variants.items()}
    by_size = [f"variant '{name}': {rule.by_significance}" for name, rule in rules.items() if rule.by_significance]
    problems: list[str] = []
    for name, keys in atlases.items():
        with _collected(problems):
            _check_file(keys["image"], f"atlas '{name}', image")
    for map_id, row in maps.items():
        with _collected(problems):
            for column in ("source", "mask", "values", "residuals"):
                if row[column]:
                    _check_file(row[column], f"{sheet_name}, map '{map_id}', column {column}")
            _check_row(row, f"map '{map_id}'", asked, by_size, atlases, sheet_name)
    return problems


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


def _check_row(row, name, asked, by_size, atlases, sheet_name):
    """Refuse what the sheet, the header and the name of a map together do not allow."""
    path = local_path(row["source"], name)
    sheet = {key: row[key] for key in ("stat", "df", "space")}
    known, _ = statistic(intent_of(path) if path else Intent(), row["source"], sheet, name, sheet_name)
    for atlas, keys in atlases.items():
        if known["space"] and keys["space"] and not same_space(known["space"], keys["space"]):
            raise UserError(
                f"{name} is in space {known['space']!r} and atlas '{atlas}' in {keys['space']!r}; labels need both in "
                "the same space"
            )
    smooth = bool(row["fwhm_mm"] or row["dlh"] or row["residuals"])
    for what, threshold, _ in asked:
        kind, number = parse_threshold(threshold)
        if kind.needs_smoothness and not smooth:
            raise no_smoothness(name, f"{what} {{{kind.name}: {number:g}}}", sheet_name)
    if by_size and not smooth:
        raise no_smoothness(name, by_size[0], sheet_name)
    if path:  # what is not here yet may tell the rest in its header
        distribution = distribution_of(known["stat"], known["df"])
        for what, threshold, sided in asked:
            check_threshold(threshold, distribution, sided, smooth, name, what, sheet_name)
