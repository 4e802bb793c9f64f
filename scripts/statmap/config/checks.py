"""Checks of a study before anything runs: files and their headers, statistics, spaces.

Standard library only, until a header has to be read.
"""

import os
import re
from collections.abc import Mapping
from contextlib import contextmanager

from ..distributions import distribution_of
from ..inference.kinds import check_threshold, parse_threshold
from ..inference.needs import check_df, no_smoothness
from ..io.declared import Header, statistic
from ..io.files import UserError, sha256_of
from ..io.formats import FEWEST_RESIDUALS, files_of, is_of_afni, split_volume
from ..io.sources import check_address, check_sha256, is_remote, local_path
from ..io.spaces import same_space
from ..rules import RegionRule, rule_from

# Parameters of an address that let whoever reads them in, as GitLab, Azure, Amazon and others call them.
SECRET = re.compile(
    r"[?&](?:[\w-]*(?:token|secret|passw(?:or)?d|signature|credential|api_?key)|sig|auth)=", re.IGNORECASE
)


def check_source(source: str, what: str) -> None:
    """Refuse a path or an address that would stop Snakemake, or that tells a secret to everyone who reads the results.

    Parameters
    ----------
    source : path, address, or empty.
    what : where it stands, in the error.
    """
    if re.match("[A-Za-z]+://[^/]*@", source) or ("://" in source and SECRET.search(source)):
        raise UserError(
            f"{what}: the address has a user name, a password or a key in it, which logs and results would repeat; "
            "accepted: an address without, or the path of the file once you have it"
        )
    if match := re.search("[{}<>\\n]", source):
        raise UserError(
            f"{what}: {source!r} has {match[0]!r} in it, which Snakemake takes for a pattern; rename the file"
        )


def check_results(folder: str = "results") -> None:
    """Refuse a run whose results have no folder and can have none."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        kind = f"a link to {os.readlink(folder)}, which is not there" if os.path.islink(folder) else "a file"
        raise UserError(f"{folder} is {kind}; accepted: a folder, or nothing of that name")


def problems_of(
    maps: Mapping[str, dict],
    variants: Mapping[str, dict],
    sweep: dict | None,
    atlases: Mapping[str, dict],
    sheet_name: str,
    max_voxels: int,
) -> list[str]:
    """What would fail in a job, for a dry run; in a run the other maps go on.

    Parameters
    ----------
    maps, variants, sweep, atlases : as `Study` has them.
    sheet_name : what the sample sheet is called.
    max_voxels : the largest grid accepted.

    Returns
    -------
    list of str : files that are not there or that the run would refuse by their headers, a header or a file name that
        contradicts the sheet, a threshold by p values on a map whose distribution nothing tells, random field theory
        without a smoothness, an atlas in another space than a map; the first of each map.
    """
    thresholds = [(f"variant '{name}': threshold", keys["threshold"], keys["sided"]) for name, keys in variants.items()]
    thresholds += (
        [("sweep: threshold", threshold, sweep["sided"]) for threshold in sweep["thresholds"]] if sweep else []
    )
    rules = {name: rule_from(RegionRule, keys) for name, keys in variants.items()}
    by_size = [f"variant '{name}': {rule.by_significance}" for name, rule in rules.items() if rule.by_significance]
    problems: list[str] = []
    for name, keys in atlases.items():
        with _collecting_error(problems):
            _check_atlas(keys["image"], f"atlas '{name}', image", max_voxels)
    for map_id, row in maps.items():
        with _collecting_error(problems):
            header = _check_images(row, f"{sheet_name}, map '{map_id}', column", max_voxels)
            _check_row(row, header, f"map '{map_id}'", thresholds, by_size, atlases, sheet_name)
    return problems


@contextmanager
def _collecting_error(problems):
    """Add the text of a UserError to a list."""
    try:
        yield
    except UserError as error:
        problems.append(str(error))


def template_problems(template: str | None) -> list[str]:
    """Why a template would be refused: one line or none."""
    problems = []
    if template:
        from ..io.images import check_template

        with _collecting_error(problems):
            check_template(template)
    return problems


def space_in_header(source: str) -> str | None:
    """The space that the header of an image on this machine gives, which only AFNI's does; no other header is read."""
    path = None if is_remote(source) or source.startswith("sample:") else local_path(source, "source")
    if not path or not is_of_afni(path):
        return None
    from ..io.images import judge

    try:
        return statistic(judge(source, "source")[1].header, source, {}, "source")[0]["space"]
    except UserError:  # the map's job says it
        return None


def _check_atlas(image, what, max_voxels):
    """Refuse an atlas on this machine that is not there, or by its header."""
    sample = image.startswith("sample:") and split_volume(image)[1] is None  # checked by its sha256
    if is_remote(image):
        check_address(image, what)
    elif local_path(image, what) and not sample:
        from ..io.images import named_image
        from ..io.opening import MOST_PROBABILITIES, look

        files, volume = named_image(image, what)
        look(files, what, max_voxels, image, MOST_PROBABILITIES, volume)


def _check_images(row, what, max_voxels):
    """Refuse missing images of a row, and images by their headers; gives the map's header, None for a remote map."""
    header, source = None, row["source"]
    path = local_path(source, f"{what} source")
    if path:
        from ..io.images import named_image
        from ..io.opening import look

        files, volume = named_image(source, f"{what} source")
        header = look(files, f"{what} source", max_voxels, source, volume=volume)
        check_sha256(sha256_of(files_of(path)[0]), (row["sha256"] or "").lower(), f"{what} source", source)
    else:
        check_address(source, f"{what} source")
    beside = {"mask": 1, "values": 1, "residuals": FEWEST_RESIDUALS}
    for column, fewest in beside.items():
        if column == "mask" and row[column] and is_remote(row[column]):
            check_address(row[column], f"{what} mask")
        elif row[column]:
            from ..io.images import judge

            judge(row[column], f"{what} {column}", header, fewest)
    return header


def _check_row(row, header, name, thresholds, by_size, atlases, sheet_name):
    """Refuse a map whose sheet, header and name contradict each other, or lack what a threshold needs."""
    facts, _ = statistic(header.header if header else Header(), row["source"], row, name, sheet_name)
    check_df(facts["stat"], facts["df"], name, sheet_name)
    for atlas, keys in atlases.items():
        if facts["space"] and keys["space"] and not same_space(facts["space"], keys["space"]):
            raise UserError(
                f"{name} is in space {facts['space']!r} and atlas '{atlas}' in {keys['space']!r}; labels need both in "
                "the same space"
            )
    smooth = bool(row["fwhm_mm"] or row["dlh"] or row["residuals"])
    for what, threshold, _ in thresholds:
        kind, number = parse_threshold(threshold)
        if kind.needs_smoothness and not smooth:
            raise no_smoothness(name, f"{what} {{{kind.name}: {number:g}}}", sheet_name)
    if by_size and not smooth:
        raise no_smoothness(name, by_size[0], sheet_name)
    if header:  # the header of a remote map may say what is missing
        distribution = distribution_of(facts["stat"], facts["df"], facts["corrected"])
        for what, threshold, sided in thresholds:
            check_threshold(threshold, distribution, sided, smooth, name, what, sheet_name)
