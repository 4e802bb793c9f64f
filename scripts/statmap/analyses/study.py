"""From analyses to a study: the text of a sample sheet and of a config, and the files that stand beside them."""

import csv
import io
import os
import re
import shlex
import shutil
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..config.variants import RESERVED, reads_as_no_text
from ..io.files import UserError, writing
from ..io.spaces import same_space
from . import afni, bids, feat, images, neurovault, nidm, permutation, spm
from .analysis import MNI, NATIVE, Analysis, Packed, Printed, Row, Volume

# The first that recognises a source reads it.
READERS = (spm, feat, nidm, permutation, bids, afni, images, neurovault)
COLUMNS = (
    *("source", "stat", "df", "corrected", "mask", "values", "fwhm_mm", "dlh", "search_voxels", "residuals"),
    *("space", "citation"),
)
ATLASES = ["aal", "harvard-oxford"]
MOST_NAMED = 10  # maps that the terminal names
MOST_VARIANTS = 6  # inferences of packages that become variants: every one is made of every map
# For studies of corrected p values: a false discovery rate or an uncorrected p of 0.001 means nothing on them.
CORRECTED = {"corrected-05": {"threshold": {"p": 0.05}, "sided": "positive", "convention": "fsl", "min_region_size": 0}}
# For studies of maps whose statistic is not known.
UNKNOWN = {"percentile-97": {"threshold": "97%", "min_region_size": 270}}
_SPELLED = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l"}
_SIGNS = {">": " gt ", "<": " lt ", "+": " plus ", "&": " and ", "=": " eq ", "*": " x ", "×": " x ", "%": " pct "}


@dataclass
class Study:
    """A study to be written.

    Attributes
    ----------
    sheet, config : text of ``maps.tsv`` and ``study.yaml``.
    packed : members of archives that the sheet names, by their path in the study.
    tables : text of tables that the config names, by their path in the study.
    summary : lines for the terminal: what was read, what was written, what comes next.
    """

    sheet: str
    config: str
    packed: dict[str, Packed] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    summary: list[str] = field(default_factory=list)


@dataclass
class _Map:
    """A row with the id of its map, its analysis, and why it is set aside (written as a comment), if it is."""

    name: str
    row: Row
    analysis: Analysis
    aside: str = ""


@dataclass
class _Variant:
    """Keys of a variant, the comment above it, and why it is written as a comment, if it is."""

    keys: Mapping[str, Any]
    comment: str = ""
    dropped: str = ""


def read_sources(sources: Sequence[str]) -> list[Analysis]:
    """Read every source by the first reader that recognises it.

    Raises
    ------
    UserError : there is nothing at a source, or nothing that a reader recognises.
    """
    analyses = []
    for source in sources:
        reader = next((reader for reader in READERS if reader.recognises(source)), None)
        if reader is None:
            accepted = "; ".join(reader.KIND for reader in READERS)
            if not os.path.exists(source):
                raise UserError(f"from: there is no {source!r}; accepted: {accepted}")
            raise UserError(f"from: nothing in {source!r} is recognised; accepted: {accepted}")
        analyses.append(reader.read(source))
    return analyses


def resolve(source: str, folders: Iterable[str | Path]) -> str:
    """A source as it is opened: ``~`` is the home folder, a relative path starts from the first folder that has it."""
    if source.startswith(("neurovault", "http:", "https:")):
        return source
    path = os.path.expanduser(source)
    places = [os.path.normpath(os.path.join(folder, path)) for folder in folders]
    # A prefix of randomise is no file of its own: its folder is there.
    for is_there in (os.path.exists, lambda place: os.path.isdir(os.path.dirname(place))):
        if first := next((place for place in places if is_there(place)), None):
            return first
    return places[0]


# ------------------------------------------------------------------------------------------------------------ the study
def write_study(
    analyses: Sequence[Analysis],
    folder: str | Path,
    template: Mapping[str, Mapping[str, Any]],
    effects: bool = False,
) -> Study:
    """A sample sheet and a config of analyses.

    Parameters
    ----------
    analyses : in the order of the sheet.
    folder : of the study, where paths that lie below or beside it start.
    template : variants of the template of a study, which stand beside the packages' own inference.
    effects : whether the effect behind a statistic becomes its `values`.
    """
    folder = Path(os.path.abspath(folder))
    study = Study("", "")
    maps = _with_ids(analyses, effects)
    variants = _variants_of_study(maps, template)
    study.sheet = _sheet(maps, analyses, folder, study)
    study.config = _config(maps, analyses, variants, folder, study)
    study.summary = _summary(maps, analyses, variants, folder, study)
    return study


def _command(folder):
    """The command that runs a study."""
    return f"snakemake --directory {shlex.quote(str(folder))} --configfile {shlex.quote(str(folder / 'study.yaml'))}"


def _summary(maps, analyses, variants, folder, study):
    """The lines of `Study.summary`."""
    lines = []
    for analysis in analyses:
        number = sum(map_.analysis is analysis for map_ in maps)
        lines.append(f"{analysis.package}: {_count(number, 'map')} in {analysis.source}")
    usable, aside = [map_ for map_ in maps if not map_.aside], [map_ for map_ in maps if map_.aside]
    names = ", ".join(map_.name for map_ in usable[:MOST_NAMED]) + (", …" if len(usable) > MOST_NAMED else "")
    lines.append(f"maps.tsv: {_count(len(usable), 'map')} ({names})" if usable else "maps.tsv: no map as it is")
    lines += [f"set aside with #: {map_.name}, {map_.aside}" for map_ in aside[:MOST_NAMED]]
    if len(aside) > MOST_NAMED:
        lines.append(f"… and {_count(len(aside) - MOST_NAMED, 'other')} set aside: maps.tsv says why")
    tables = study.config.count("\n    table: ")
    checked = f"; {_count(tables, 'printed table')} to check" if tables else ""
    lines.append(
        f"study.yaml: variants {', '.join(name for name, variant in variants.items() if not variant.dropped)}{checked}"
    )
    lines.append(f"next: {_command(folder)}" if usable else "next: fill in maps.tsv, which says what is missing")
    return lines


def _count(number, noun):
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _with_ids(analyses, effects):
    """Every row with an id: a readable folder's name that differs from all others, upper and lower case aside."""
    maps = []
    ids = set()
    for analysis in analyses:
        for row in analysis.rows:
            stem = identifier(row.name)
            name, n = stem, 2
            while name.casefold() in ids or name.casefold().removesuffix("_mask") in ids - {name.casefold()}:
                name, n = f"{stem[:95]}-{n}", n + 1
            ids.add(name.casefold())
            if effects and row.effect is not None and "values" not in row.cells:
                row = replace(row, cells={**row.cells, "values": row.effect})
            maps.append(_Map(name, row, analysis, row.gap or _unusable(row)))
    return maps


def _unusable(row):
    """Why Snakemake cannot use the paths of a row; empty where it can."""
    for column, value in row.cells.items():
        for part in (_path_of(value), value.archive.name if isinstance(value, Packed) else ""):
            match = re.search("[{}<>\\n\\r\\t]", str(part))
            if match:
                return (
                    f"the path of its {column} has {match[0]!r} in it, which Snakemake takes for a pattern; rename it"
                )
    return ""


def _path_of(value):
    if isinstance(value, Volume):
        return value.path
    return value if isinstance(value, Path) else ""


def identifier(name: str) -> str:
    """A name as the id of a map: letters, digits, ``.``, ``_`` and ``-``, a letter first, nothing that is reserved.

    >>> identifier("Gesichter > Häuser (2. Lauf)")
    'Gesichter-gt-Haeuser-2.-Lauf'
    """
    for sign, word in (*_SIGNS.items(), *_SPELLED.items()):
        name = name.replace(sign, word)
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    ascii_name = re.sub(r"[^A-Za-z0-9._]+", "-", ascii_name)
    ascii_name = re.sub(r"-*([._])-*", r"\1", ascii_name).strip("-._")[:90].strip("-._")
    if not ascii_name or not ascii_name[0].isalpha():
        ascii_name = f"map-{ascii_name}".removesuffix("-")
    if ascii_name.casefold() in RESERVED["map"] or reads_as_no_text(ascii_name):
        ascii_name = f"map-{ascii_name}"
    return ascii_name


# --------------------------------------------------------------------------------------------------------- the variants
def _kind_of_map(row):
    """The kind of a map, by which thresholds apply: ``two`` tails, ``one``, ``corrected`` p values, or ``unknown``."""
    stat = row.cells.get("stat")
    if row.cells.get("corrected"):
        return "corrected"
    if stat in ("p", "1-p", "log10p") or (stat == "F" and "df" in row.cells):
        return "one"
    if stat == "z" or (stat == "t" and "df" in row.cells):
        return "one" if row.one_tailed else "two"
    return "unknown"


def _has_smoothness(row):
    return any(key in row.cells for key in ("fwhm_mm", "dlh", "residuals"))


def _needs_smoothness(keys):
    threshold = keys.get("threshold")
    return "cluster_p" in keys or "cluster_q" in keys or (isinstance(threshold, Mapping) and "fwe" in threshold)


def _variants_of_study(maps, template):
    """The variants of a study; maps that cannot take them all are set aside.

    All variants are made of all maps. So a study has maps of one kind, the first of `_KINDS` that any map has; and
    where some maps have the smoothness that a package's inference needs, those without it are set aside.
    """
    usable = [map_ for map_ in maps if not map_.aside] or maps
    kinds = [_kind_of_map(map_.row) for map_ in usable]
    kind = next(kind for kind in _KINDS if kind in kinds)
    if kind in ("corrected", "unknown"):
        _set_aside(maps, kind)
        return {name: _Variant(keys) for name, keys in (CORRECTED if kind == "corrected" else UNKNOWN).items()}
    inferences = _inferences(usable)
    one_sided = bool(inferences) and all(variant.keys.get("sided") == "positive" for variant in inferences.values())
    with_one_tail = "one" in kinds and (kind == "one" or one_sided)
    needing = [variant for variant in inferences.values() if _needs_smoothness(variant.keys)]
    smooth = any(_has_smoothness(map_.row) for map_ in usable)
    _set_aside(maps, kind, with_one_tail, bool(needing) and smooth)
    for variant in needing if not smooth else []:
        variant.dropped = (
            "it needs the smoothness of the noise, which nothing here says (columns fwhm_mm, dlh, residuals)"
        )
    for variant in list(inferences.values())[MOST_VARIANTS:]:
        variant.dropped = f"every variant is made of every map; {MOST_VARIANTS} of the package's own are taken"
    if not with_one_tail:
        return inferences | {name: _Variant(keys) for name, keys in template.items()}
    one_tailed = next(map_.name for map_ in usable if _kind_of_map(map_.row) == "one")
    comment = f"positive values only: {one_tailed} has no other tail"
    return inferences | {name: _Variant({**keys, "sided": "positive"}, comment) for name, keys in template.items()}


_KINDS = ("two", "one", "corrected", "unknown")


def _inferences(maps):
    """The inferences that the packages made, each once, as variants."""
    variants = {}
    for map_ in maps:
        keys = map_.row.inference
        if keys is None or any(keys == variant.keys for variant in variants.values()):
            continue
        name = "as_analysed" if not variants else f"as_analysed-{len(variants) + 1}"
        variants[name] = _Variant(keys, f"{map_.analysis.package}'s own inference ({map_.row.stated})")
    return variants


_ASIDE = {
    "two": "",
    "one": "it has one tail, and the variants here look at both: make a study of its own",
    "corrected": "its values are corrected p values, which other thresholds make no sense of: make a study of its own",
    "unknown": "nothing says what its values are, or their degrees of freedom: fill in stat (and df)",
}


def _set_aside(maps, kind, with_one_tail=False, smoothness=False):
    """Set aside the maps that cannot take every variant of a study of one kind."""
    for map_ in maps:
        own_kind = _kind_of_map(map_.row)
        if map_.aside:
            continue
        if own_kind != kind and not (own_kind == "one" and with_one_tail):
            map_.aside = _ASIDE[own_kind]
        elif smoothness and not _has_smoothness(map_.row):
            map_.aside = "its smoothness is not known, which the package's own inference needs"


# ------------------------------------------------------------------------------------------------------------ the sheet
def _sheet(maps, analyses, folder, study):
    """The text of maps.tsv."""
    used = [column for column in COLUMNS if column == "source" or any(column in map_.row.cells for map_ in maps)]
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter="\t", lineterminator="\n")
    writer.writerow(["map", *used])
    for analysis in analyses:
        lines.write(_comment(f"{analysis.package}: {analysis.source}"))
        for remark in analysis.remarks:
            lines.write(_comment(remark))
        for map_ in (map_ for map_ in maps if map_.analysis is analysis):
            label = f" {map_.row.name!r}" if map_.row.name != map_.name else ""
            lines.write(_comment(f"{map_.name}:{label} {map_.row.origin}"))
            if map_.aside:
                lines.write(_comment(f"{map_.name} is set aside: {map_.aside}"))
            cells = [_cell(map_.row.cells.get(column), map_, folder, study) for column in used]
            writer.writerow([("#" if map_.aside else "") + map_.name, *cells])
    return lines.getvalue()


def _comment(text):
    """A comment of the sheet or the config, in one line."""
    return "# " + " ".join("".join(part if part.isprintable() else " " for part in text).split()) + "\n"


def _cell(value, map_, folder, study):
    """A cell of the sheet as text."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(repr(number) for number in value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Volume):
        return f"{_path_in_study(value.path, map_.analysis.root, folder)}[{value.number}]"
    if isinstance(value, Packed):
        return _place_of_member(value, study)
    if isinstance(value, Path):
        return _path_in_study(value, map_.analysis.root, folder)
    return " ".join("".join(part if part.isprintable() else " " for part in str(value)).split())


def _path_in_study(path, root, folder):
    """A path of an analysis: relative to the study where the analysis lies below or beside it, else absolute."""
    path = Path(os.path.abspath(path))
    root = Path(os.path.abspath(root)) if root is not None else path
    near = root.is_relative_to(folder) or root.parent == folder.parent or folder.is_relative_to(root)
    below = path.is_relative_to(root if root.is_dir() else root.parent)
    return os.path.relpath(path, folder) if near and below else str(path)


def _place_of_member(packed, study):
    """The path in the study at which a member of an archive will be."""
    stem = identifier(re.sub(r"(\.nidm)?\.zip$", "", packed.archive.name))
    name = PurePosixPath(packed.member).name
    n, place = 2, f"images/{stem}/{name}"
    while study.packed.get(place, packed) != packed:
        n, place = n + 1, f"images/{stem}-{n}/{name}"
    study.packed[place] = packed
    return place


# ----------------------------------------------------------------------------------------------------------- the config
def _config(maps, analyses, variants, folder, study):
    """The text of study.yaml."""
    lines = [
        _comment(f"Started from {', '.join(analysis.source for analysis in analyses)}"),
        f"#   {_command(folder)}\n",
    ]
    lines += [_comment("Only what differs from the defaults stands here; config/README.md explains every key.")]
    lines += ["maps: maps.tsv\n", "\nvariants:\n"]
    comments = set()
    for name, variant in variants.items():
        for text in (variant.comment, variant.dropped and f"left out: {variant.dropped}"):
            if text and text not in comments:
                lines.append("  " + _comment(text))
                comments.add(text)
        lines.append(f"{'#' if variant.dropped else ' '} {name}: {_in_one_line(dict(variant.keys))}\n")
    for text in dict.fromkeys(map_.row.stated for map_ in maps if map_.row.inference is None and map_.row.stated):
        lines.append("  " + _comment(f"no variant as_analysed: {text}"))
    spaces = {map_.row.cells.get("space") for map_ in [map_ for map_ in maps if not map_.aside] or maps}
    if spaces and all(space and same_space(space, MNI) for space in spaces):
        lines += [
            "\n",
            _comment("Names for regions; config/README.md lists the atlases."),
            f"atlases: {_in_one_line(ATLASES)}\n",
        ]
    elif spaces == {NATIVE}:
        lines += ["\n", _comment("No names for regions, no template: the maps are in a space of their own.")]
        lines += ["template: null\n"]
    else:
        lines += ["\n", _comment("Names for regions, once column space of maps.tsv says that all maps are in MNI152:")]
        lines += [_comment(f"atlases: {_in_one_line(ATLASES)}")]
    entries = _published_entries(maps, variants, folder, study)
    if entries:
        lines += ["\n", _comment("What the package printed, held against the maps.")]
        lines += ["published:\n" if any(not entry.aside for entry in entries) else "#published:\n"]
        for entry in entries:
            mark = "#" if entry.aside else " "
            lines += ["  " + _comment(entry.origin + (" (its map is set aside)" if entry.aside else ""))]
            lines += [f"{mark} {entry.name}:\n"]
            lines += [f"{mark}   {key}: {_in_one_line(value)}\n" for key, value in entry.keys.items()]
    return "".join(lines)


def _in_one_line(value):
    """A value as YAML in one line."""
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.removesuffix("...\n").strip()


@dataclass
class _Entry:
    """An entry of the config's `published`, and where its table is from."""

    name: str
    keys: dict[str, str]
    origin: str
    aside: bool


def _published_entries(maps, variants, folder, study):
    """Entries of the config's `published`; those of maps that are set aside are written, but left out."""
    entries = []
    names = set()
    for map_ in maps:
        inference = next(
            (name for name, variant in variants.items() if variant.keys == map_.row.inference and not variant.dropped),
            None,
        )
        for printed in map_.row.tables:
            name, n = map_.name, 2
            while name in names:
                name, n = f"{map_.name}-{n}", n + 1
            names.add(name)
            keys = {"map": map_.name, "table": _place_of_table(printed, name, map_, folder, study)}
            if printed.peaks:
                keys["peaks"] = _path_in_study(printed.peaks, map_.analysis.root, folder)
            if inference and printed.by_settings:
                keys["variant"] = inference
            keys["package"] = map_.analysis.package
            entries.append(_Entry(name, keys, printed.origin, bool(map_.aside)))
    return entries


def _place_of_table(printed: Printed, name, map_, folder, study):
    if isinstance(printed.table, Path):
        return _path_in_study(printed.table, map_.analysis.root, folder)
    place = f"tables/{name}.tsv"
    study.tables[place] = printed.table
    return place


def unpack(packed: Packed, destination: Path, most_bytes: int) -> None:
    """Write a member of an archive to a file.

    Raises
    ------
    UserError : it is larger than `most_bytes`, or damaged.
    """
    try:
        with zipfile.ZipFile(packed.archive) as archive:
            if archive.getinfo(packed.member).file_size > most_bytes:
                raise UserError(f"{packed.member} in {packed.archive} is larger than {most_bytes:,} bytes")
            with (
                writing(destination) as temporary,
                archive.open(packed.member) as content,
                open(temporary, "wb") as stream,
            ):
                shutil.copyfileobj(content, stream)  # no more than the archive says that there is
    except (UserError, OSError):
        raise
    except Exception as error:  # BadZipFile, zlib.error, KeyError, RuntimeError of an encrypted one
        raise UserError(f"{packed.archive} is damaged at {packed.member} ({error}); get the file again") from error
