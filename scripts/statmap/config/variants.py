"""Variants: the conventions of other packages, the variant table, and every key resolved (standard library only).

This module is imported whenever the Snakefile is parsed, once per job on a cluster, so it imports nothing heavy.
"""

import math
import re

from ..io.files import UserError
from .sheets import read_sheet

# What each package does where packages differ. Sources: repository, then path in it.
#
# nilearn 0.14.1 (nilearn/nilearn)
#   nilearn/image/image.py, threshold_img: values strictly below the cutoff are zeroed, so a value threshold keeps ">=";
#     nilearn/_utils/param_validation.py, check_threshold, adds 1e-5 to a percentile score, which makes percentiles ">"
#     (`cutoff_rule: None` is this pair of rules); the score is taken over every voxel of the array.
#   nilearn/regions/region_extractor.py, connected_regions: scipy.ndimage.label with its default structure (6 faces) on
#     the signed map, so touching voxels of opposite sign join; extract_type="local_regions" is the default; kept where
#     size > min_region_size / voxel volume; random_walker drops components without a seed and scales its edges by the
#     standard deviation of the whole array.
# SPM12 (spm/spm12)
#   spm_getSPM.m: height `Z > u`; extent `length(j) >= k`, k in voxels.
#   spm_clusters.m: 18 neighbours. T contrasts are one-sided: the negative tail is the opposite contrast, a second run.
# FSL (muschellij2/FSL6.0.0, the release's sources)
#   src/cluster/cluster.cc: `--connectivity` is 26 by default; clusters of size < `--minextent` voxels are dropped, so
#     ">="; only values above the threshold form clusters: the negative tail is a second run, on the map times -1.
#   src/newimage/newimage.h: binarise(threshold) is inclusive, so ">=".
# AFNI (afni/afni)
#   src/ptaylor/3dClusterize.c: -NN 1, 2, 3 are 6, 18, 26 neighbours; kept where num_pt >= -clust_nvox; -bisided, which
#     its help prefers to -2sided, clusters each tail by itself.
#   src/mri_thresh.c: zeroes bottom < x < top, so a voxel at the threshold survives: ">=".
# AtlasReader (miykael/atlasreader)
#   atlasreader/atlasreader.py, process_img: nilearn's threshold_img (its rules above), then positive and negative
#     values apart through connected_regions(extract_type="connected_components"), 6 neighbours; cluster_extent, in
#     voxels, has been inclusive since pull request 81 (min_region_size less 1e-8), strict before.
#
# `signs: split` stands for packages that run each tail by itself. None of them decides `sided`, the question asked.
CONVENTIONS = {
    "nilearn": {
        "connectivity": 6,
        "cutoff_rule": None,
        "percentile_domain": "all",
        "signs": "merged",
        "size_rule": ">",
        "extract_type": "local_regions",
        "unseeded": "drop",
        "edge_scale": "volume",
    },
    "spm": {
        "connectivity": 18,
        "cutoff_rule": ">",
        "signs": "split",
        "size_rule": ">=",
        "extract_type": "connected_components",
    },
    "fsl": {
        "connectivity": 26,
        "cutoff_rule": ">=",
        "signs": "split",
        "size_rule": ">=",
        "extract_type": "connected_components",
    },
    "afni-nn1": {
        "connectivity": 6,
        "cutoff_rule": ">=",
        "signs": "split",
        "size_rule": ">=",
        "extract_type": "connected_components",
    },
    "afni-nn2": {
        "connectivity": 18,
        "cutoff_rule": ">=",
        "signs": "split",
        "size_rule": ">=",
        "extract_type": "connected_components",
    },
    "afni-nn3": {
        "connectivity": 26,
        "cutoff_rule": ">=",
        "signs": "split",
        "size_rule": ">=",
        "extract_type": "connected_components",
    },
    "atlasreader": {
        "connectivity": 6,
        "cutoff_rule": None,
        "percentile_domain": "all",
        "signs": "split",
        "size_rule": ">=",
        "extract_type": "connected_components",
    },
}


def _number(text):
    """A finite number as YAML would read it: int where the text is one, else float."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _threshold(text):
    """A threshold as the YAML block has it: ``3.0``, ``"97%"`` or ``{"p": 0.001}`` from the cell ``p=0.001``."""
    kind, equals, number = (part.strip() for part in text.partition("="))
    if equals:
        if kind not in ("p", "fdr", "bonferroni"):
            raise ValueError(text)
        return {kind: _number(number)}
    if text.endswith("%"):
        return f"{_number(text[:-1])}%"
    return _number(text)


# Every key of a resolved variant, in the order of the docs, with what turns a cell of the variant table into its value.
KEYS = {
    "threshold": _threshold,
    "sided": str,
    "cutoff_rule": str,
    "percentile_domain": str,
    "domain": str,
    "signs": str,
    "extract_type": str,
    "connectivity": int,
    "min_region_size": _number,
    "size_rule": str,
    "unseeded": str,
    "edge_scale": str,
    "min_peak_distance": _number,
    "max_peaks": int,
    "tdp_alpha": _number,
    "convention": str,
}
ACCEPTED = {
    str: "text",
    _threshold: "a number, 97%, p=0.001, fdr=0.05 or bonferroni=0.05",
    int: "a whole number",
    _number: "a number",
}


# Folders and files that stand beside those of maps and variants, in lower case.
RESERVED = {
    "variant": {"sweep", "stability.csv", "matches.csv", "dice.png", "dice.svg", "dice.pdf", "view.html"},
    "map": {"maps", "atlases", "logs", "benchmarks", "summary.csv", "summary.html", "report.html", "readme.md"},
}


def check_ids(ids, where, what="variant"):
    """Refuse ids that cannot be folder names side by side, or that a table would give back as something else.

    Parameters
    ----------
    ids : iterable of str.
    where : what holds them, for the error.
    what : ``variant`` or ``map``.

    Raises
    ------
    UserError : other characters than letters, digits and ``. _ -`` (letter or digit first), a number, a reserved name,
        or two ids that are the same folder where upper and lower case are (macOS, Windows).
    """
    seen = {}
    for name in ids:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise UserError(
                f"{where}: {what} id {name!r} names a folder: text of letters, digits, '.', '_' and '-', "
                "a letter or digit first"
            )
        if name.casefold() in RESERVED[what]:
            raise UserError(
                f"{where}: {what} id {name!r} is the name of a file or folder beside it; give it another one"
            )
        if _is_number(name) or name.casefold() in ("na", "null", "none"):
            raise UserError(f"{where}: {what} id {name!r} would be read back from a table as a number or as nothing")
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise UserError(f"{where}: {what}s {other!r} and {name!r} would share one folder; make the ids differ")


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_variant_table(path):
    """Read variants from a tab-separated table, one row each: column ``variant`` and any keys of a variant.

    Parameters
    ----------
    path : a ``.tsv`` file, UTF-8. An empty cell leaves the key to the convention and the defaults; blank lines are
        skipped.

    Returns
    -------
    dict : variant id -> dict of the keys given, typed as in the YAML block, so that one schema checks both.

    Raises
    ------
    UserError : unreadable file, unknown, missing or repeated column, a row longer than the header, an id that is
        missing, repeated or no folder name, or a cell that is not of its column's type.
    """
    variants = read_sheet(path, "variant", {key: (convert, ACCEPTED[convert]) for key, convert in KEYS.items()})
    check_ids(variants, path)
    return variants


def resolve_variants(config, table=None):
    """Give every variant all its keys: its own first, then its convention's, then the ``defaults`` block's.

    A variant that names no convention takes the one of the defaults, whose own keys win over it; a variant that names
    one (or ``convention: null``) leaves that of the defaults aside. So exactly one convention stands behind a variant,
    the one its row of the summary shows.

    Parameters
    ----------
    config : dict with the block ``defaults`` and, unless `table` is given, ``variants``.
    table : dict from `read_variant_table`, in place of ``config["variants"]``.

    Returns
    -------
    dict : variant id -> flat dict with the keys of `KEYS`, in their order.

    Raises
    ------
    UserError : an id that is no folder name, an unknown convention or key, or a key that nothing sets.
    """
    defaults = config.get("defaults") or {}
    variants = config["variants"] if table is None else table
    check_ids(variants, "config")
    resolved = {}
    for name, own in variants.items():
        own = own or {}
        convention = own.get("convention", defaults.get("convention"))
        if convention is not None and convention not in CONVENTIONS:
            raise UserError(
                f"variant {name!r}: convention {convention!r} is not known; accepted: {', '.join(CONVENTIONS)}"
            )
        rules = CONVENTIONS.get(convention, {})
        layers = (defaults, rules, own) if "convention" in own else (rules, defaults, own)
        keys = {key: value for layer in layers for key, value in layer.items()} | {"convention": convention}
        for key in keys:
            if key not in KEYS:
                raise UserError(f"variant {name!r}: key {key!r} is not known; accepted: {', '.join(KEYS)}")
        for key in KEYS:
            if key not in keys:
                raise UserError(f"variant {name!r}: {key} is set by neither the variant, its convention nor defaults")
        resolved[name] = {key: keys[key] for key in KEYS}
    return resolved
