"""Variants: ids, the conventions of other packages, the variant table, and every key resolved."""

import re
from collections.abc import Iterable
from pathlib import Path

from ..inference.kinds import parse_threshold
from ..io.files import UserError
from ..rules import RegionRule, rule_from
from .schema import cell_reader, defaults_of
from .sheets import read_sheet

# Folders and files that stand beside those of maps and variants, in lower case.
RESERVED = {
    "variant": {
        "sweep",
        "published",
        "stability.csv",
        "matches.csv",
        "dice.png",
        "dice.svg",
        "dice.pdf",
        "map.html",
        "view.html",
    },
    "map": {
        "maps",
        "maps.csv",
        "maps.html",
        "maps_found.csv",
        "overlap",
        "atlases",
        "logs",
        "benchmarks",
        "summary.csv",
        "summary.html",
        "report.html",
        "readme.md",
    },
}


def check_ids(ids: Iterable[str], where: str | Path, what: str = "variant") -> None:
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
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
            shown = repr(name if len(str(name)) <= 100 else f"{str(name)[:20]}…")
            raise UserError(
                f"{where}: {what} id {shown} names a folder: text of letters, digits, '.', '_' and '-', "
                "a letter or digit first, 100 at most"
            )
        if name.casefold() in RESERVED[what]:
            raise UserError(
                f"{where}: {what} id {name!r} is the name of a file or folder beside it; give it another one"
            )
        if reads_as_no_text(name):
            raise UserError(f"{where}: {what} id {name!r} would be read back from a table as a number or as nothing")
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise UserError(f"{where}: {what}s {other!r} and {name!r} would share one folder; make the ids differ")


def reads_as_no_text(name: str) -> bool:
    """Whether a table would give an id back as a number or as nothing."""
    try:
        float(name)
    except ValueError:
        return name.casefold() in ("na", "null", "none")
    return True


def read_variant_table(path: str | Path, schema: dict) -> dict[str, dict]:
    """Read variants from a tab-separated table, one row each: column ``variant`` and any keys of a variant.

    Parameters
    ----------
    path : a ``.tsv`` file, UTF-8. An empty cell leaves the key to the convention and the defaults; blank lines are
        skipped.
    schema : the schema of the config.

    Returns
    -------
    dict : variant id -> dict of the keys given, typed as in the YAML block, so that one schema checks both.

    Raises
    ------
    UserError : unreadable file, unknown, missing or repeated column, a row longer than the header, an id that is
        missing, repeated or no folder name, or a cell that is not of its column's type.
    """
    keys = schema["$defs"]["variant"]["properties"]
    variants = read_sheet(path, "variant", {key: cell_reader(rules, schema["$defs"]) for key, rules in keys.items()})
    check_ids(variants, path)
    return variants


def resolve_variants(variants: dict, defaults: dict, conventions: dict, schema: dict) -> dict[str, dict]:
    """Give every variant all its keys: its own first, then its convention's, the ``defaults`` block's, the schema's.

    Parameters
    ----------
    variants : id to the keys that a variant gives.
    defaults : the config's block ``defaults``.
    conventions : name to the keys that it sets, from ``config/schemas/conventions.yaml``.
    schema : the schema of the config.

    Returns
    -------
    dict : variant id -> flat dict with every key of a variant, in the order of the schema.

    Raises
    ------
    UserError : an id that is no folder name, an unknown convention, a variant without a threshold, nilearn's random
        walker with other neighbours than its own, or significance of clusters where regions are none.
    """
    key_rules = schema["$defs"]["variant"]["properties"]
    check_ids(variants, "config")
    resolved = {}
    for name, own_keys in variants.items():
        own_keys = own_keys or {}
        convention = own_keys.get("convention")
        if convention is not None and convention not in conventions:
            raise UserError(
                f"variant {name!r}: convention {convention!r} is not known; accepted: {', '.join(conventions)}"
            )
        variant = defaults_of(key_rules) | defaults | conventions.get(convention, {}) | own_keys
        # The significant size is the extent threshold then. A min_region_size that is the schema's default is that of
        # `config.yaml`, which lists every default, and not the user's.
        if (variant["cluster_p"] or variant["cluster_q"]) and "min_region_size" not in own_keys:
            is_chosen = variant["min_region_size"] != key_rules["min_region_size"]["default"]
            variant["min_region_size"] = variant["min_region_size"] if is_chosen else 0
        if "threshold" not in variant:
            raise UserError(
                f"variant {name!r}: threshold is set by neither the variant, its convention nor defaults "
                f"({key_rules['threshold']['description']})"
            )
        local = variant["extract_type"] == "local_regions"
        if local and variant["random_walker"] == "nilearn" and variant["connectivity"] != 6:
            raise UserError(
                f"variant {name!r}: random_walker: nilearn works with 6 neighbours only, found connectivity: "
                f"{variant['connectivity']}; accepted: connectivity: 6, or random_walker: converged"
            )
        _check_clusters(name, variant)
        resolved[name] = {key: variant[key] for key in key_rules}
    return resolved


# Keys that a variant states even where they are the default.
STATED = ("threshold", "sided", "signs", "extract_type", "connectivity", "min_region_size", "size_rule")


def written_variant(keys: dict, defaults: dict, conventions: dict, schema: dict) -> dict[str, str]:
    """The keys of a resolved variant as one would write them, so that they give the same variant in any config.

    Parameters
    ----------
    keys : every key of the variant, as `resolve_variants` gives them.
    defaults, conventions, schema : as for `resolve_variants`.

    Returns
    -------
    dict : key to its value in YAML, on one line. Left out is what the variant's convention sets, and what is the
        schema's default and that of the config, but for `STATED`.
    """
    by_convention = conventions.get(keys["convention"], {})
    by_schema = defaults_of(schema["$defs"]["variant"]["properties"])

    def is_stated(key, value):
        if key in by_convention:
            return value != by_convention[key]
        return key in STATED or value != by_schema[key] or value != defaults.get(key, value)

    first = ("threshold", "convention")
    ordered = {key: keys[key] for key in (*first, *keys)}
    return {key: _in_yaml(value) for key, value in ordered.items() if is_stated(key, value)}


def _in_yaml(value):
    import yaml  # late, as in `schema`

    return yaml.safe_dump([value], default_flow_style=True, width=1000, allow_unicode=True).strip()[1:-1]


def _check_clusters(name, keys):
    """Refuse regions of a variant to which random field theory, or the guarantee of `tdp`, does not apply."""
    significance = rule_from(RegionRule, keys).by_significance
    kind, _ = parse_threshold(keys["threshold"])
    if (significance or kind.per_region) and keys["extract_type"] != "connected_components":
        raise UserError(
            f"variant {name!r}: {significance or f'threshold: {kind.name}'} is for whole clusters, found "
            f"extract_type: {keys['extract_type']}; accepted: extract_type: connected_components"
        )
    if significance and kind.per_region:
        raise UserError(
            f"variant {name!r}: {significance} needs one cutoff, found threshold: {kind.name}, where every region has "
            f"its own; accepted: {significance} with another threshold, or threshold: {kind.name} alone"
        )
    if significance and keys["signs"] == "merged" and keys["sided"] == "two":
        raise UserError(
            f"variant {name!r}: {significance} is for clusters of one sign, found signs: merged; accepted: signs: "
            "split, or sided: positive or negative"
        )
