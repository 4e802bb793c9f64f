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
# Of maps of corrected p values alone: neither false discoveries nor a p of 0.001 mean anything on them.
CORRECTED = {"corrected-05": {"threshold": {"p": 0.05}, "sided": "positive", "convention": "fsl", "min_region_size": 0}}
# Of maps of which nothing says what their values are.
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
    summary : what a person is told of it, a line each.
    """

    sheet: str
    config: str
    packed: dict[str, Packed] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    summary: list[str] = field(default_factory=list)


@dataclass
class _Map:
    """A row that has an id, and why it is set aside, if it is."""

    name: str
    row: Row
    analysis: Analysis
    aside: str = ""


@dataclass
class _Variant:
    """Keys of a variant, what is to be said of it, and why it is written but left out, if it is."""

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
    for there in (os.path.exists, lambda place: os.path.isdir(os.path.dirname(place))):
        if found := next((place for place in places if there(place)), None):
            return found
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
    maps = _named(analyses, effects)
    variants = _variants(maps, template)
    study.sheet = _sheet(maps, analyses, folder, study)
    study.config = _config(maps, analyses, variants, folder, study)
    study.summary = _summary(maps, analyses, variants, folder, study)
    return study


def _command(folder):
    """The command that runs a study."""
    return f"snakemake --directory {shlex.quote(str(folder))} --configfile {shlex.quote(str(folder / 'study.yaml'))}"


def _summary(maps, analyses, variants, folder, study):
    """What a person is told, a line each."""
    lines = []
    for analysis in analyses:
        number = sum(one.analysis is analysis for one in maps)
        lines.append(f"{analysis.package}: {_count(number, 'map')} in {analysis.source}")
    live, aside = [one for one in maps if not one.aside], [one for one in maps if one.aside]
    names = ", ".join(one.name for one in live[:MOST_NAMED]) + (", …" if len(live) > MOST_NAMED else "")
    lines.append(f"maps.tsv: {_count(len(live), 'map')} ({names})" if live else "maps.tsv: no map as it is")
    lines += [f"set aside with #: {one.name}, {one.aside}" for one in aside[:MOST_NAMED]]
    if len(aside) > MOST_NAMED:
        lines.append(f"… and {_count(len(aside) - MOST_NAMED, 'other')} set aside: maps.tsv says why")
    tables = study.config.count("\n    table: ")
    checked = f"; {_count(tables, 'printed table')} to check" if tables else ""
    lines.append(
        f"study.yaml: variants {', '.join(name for name, own in variants.items() if not own.dropped)}{checked}"
    )
    lines.append(f"next: {_command(folder)}" if live else "next: fill in maps.tsv, which says what is missing")
    return lines


def _count(number, noun):
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _named(analyses, effects):
    """Every row with an id that is a folder's name, readable, and no other's in any case of letters."""
    maps = []
    seen = set()
    for analysis in analyses:
        for row in analysis.rows:
            stem = identifier(row.name)
            name, n = stem, 2
            while name.casefold() in seen or name.casefold().removesuffix("_mask") in seen - {name.casefold()}:
                name, n = f"{stem[:95]}-{n}", n + 1
            seen.add(name.casefold())
            if effects and row.effect is not None and "values" not in row.cells:
                row = replace(row, cells={**row.cells, "values": row.effect})
            maps.append(_Map(name, row, analysis, row.gap or _unusable(row)))
    return maps


def _unusable(row):
    """Why Snakemake cannot take the paths of a row; empty where it can."""
    for column, value in row.cells.items():
        for part in (_path_of(value), value.archive.name if isinstance(value, Packed) else ""):
            found = re.search("[{}<>\\n\\r\\t]", str(part))
            if found:
                return (
                    f"the path of its {column} has {found[0]!r} in it, which Snakemake takes for a pattern; rename it"
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
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", plain)
    plain = re.sub(r"-*([._])-*", r"\1", plain).strip("-._")[:90].strip("-._")
    if not plain or not plain[0].isalpha():
        plain = f"map-{plain}".removesuffix("-")
    if plain.casefold() in RESERVED["map"] or reads_as_no_text(plain):
        plain = f"map-{plain}"
    return plain


# --------------------------------------------------------------------------------------------------------- the variants
def _kind(row):
    """What can be asked of a map: ``two`` tails, ``one``, of ``corrected`` p values, or ``unknown``."""
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


def _variants(maps, template):
    """The variants of a study; maps that cannot take them all are set aside.

    All variants are made of all maps. So a study is of one kind of maps, the first of `_kind` that is there, and where
    one map has the smoothness that a package's inference needs, those without it are set aside.
    """
    live = [one for one in maps if not one.aside] or maps
    kinds = [_kind(one.row) for one in live]
    kind = next(kind for kind in _KINDS if kind in kinds)
    if kind in ("corrected", "unknown"):
        _set_aside(maps, kind)
        return {name: _Variant(keys) for name, keys in (CORRECTED if kind == "corrected" else UNKNOWN).items()}
    inferences = _inferences(live)
    one_sided = bool(inferences) and all(own.keys.get("sided") == "positive" for own in inferences.values())
    with_one_tail = "one" in kinds and (kind == "one" or one_sided)
    needing = [own for own in inferences.values() if _needs_smoothness(own.keys)]
    smooth = any(_has_smoothness(one.row) for one in live)
    _set_aside(maps, kind, with_one_tail, bool(needing) and smooth)
    for own in needing if not smooth else []:
        own.dropped = "it needs the smoothness of the noise, which nothing here says (columns fwhm_mm, dlh, residuals)"
    for own in list(inferences.values())[MOST_VARIANTS:]:
        own.dropped = f"every variant is made of every map; {MOST_VARIANTS} of the package's own are taken"
    if not with_one_tail:
        return inferences | {name: _Variant(keys) for name, keys in template.items()}
    named = next(one.name for one in live if _kind(one.row) == "one")
    comment = f"positive values only: {named} has no other tail"
    return inferences | {name: _Variant({**keys, "sided": "positive"}, comment) for name, keys in template.items()}


_KINDS = ("two", "one", "corrected", "unknown")


def _inferences(maps):
    """The packages' own inferences, each once, as variants."""
    variants = {}
    for one in maps:
        keys = one.row.inference
        if keys is None or any(keys == known.keys for known in variants.values()):
            continue
        name = "as_analysed" if not variants else f"as_analysed-{len(variants) + 1}"
        variants[name] = _Variant(keys, f"{one.analysis.package}'s own inference ({one.row.stated})")
    return variants


_ASIDE = {
    "two": "",
    "one": "it has one tail, and the variants here look at both: make a study of its own",
    "corrected": "its values are corrected p values, which other thresholds make no sense of: make a study of its own",
    "unknown": "nothing says what its values are, or their degrees of freedom: fill in stat (and df)",
}


def _set_aside(maps, kind, with_one_tail=False, smoothness=False):
    """Set aside the maps that cannot take every variant of a study of one kind."""
    for one in maps:
        own = _kind(one.row)
        if one.aside:
            continue
        if own != kind and not (own == "one" and with_one_tail):
            one.aside = _ASIDE[own]
        elif smoothness and not _has_smoothness(one.row):
            one.aside = "its smoothness is not known, which the package's own inference needs"


# ------------------------------------------------------------------------------------------------------------ the sheet
def _sheet(maps, analyses, folder, study):
    """The text of maps.tsv."""
    used = [column for column in COLUMNS if column == "source" or any(column in one.row.cells for one in maps)]
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter="\t", lineterminator="\n")
    writer.writerow(["map", *used])
    for analysis in analyses:
        lines.write(_comment(f"{analysis.package}: {analysis.source}"))
        for remark in analysis.remarks:
            lines.write(_comment(remark))
        for one in (one for one in maps if one.analysis is analysis):
            named = f" {one.row.name!r}" if one.row.name != one.name else ""
            lines.write(_comment(f"{one.name}:{named} {one.row.origin}"))
            if one.aside:
                lines.write(_comment(f"{one.name} is set aside: {one.aside}"))
            cells = [_cell(one.row.cells.get(column), one, folder, study) for column in used]
            writer.writerow([("#" if one.aside else "") + one.name, *cells])
    return lines.getvalue()


def _comment(text):
    """A line that a reader of the sheet skips, in which no quotation mark begins a cell."""
    return "# " + " ".join("".join(part if part.isprintable() else " " for part in text).split()) + "\n"


def _cell(value, one, folder, study):
    """A cell of the sheet as text."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(repr(number) for number in value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Volume):
        return f"{_written(value.path, one.analysis.root, folder)}[{value.number}]"
    if isinstance(value, Packed):
        return _unpacked(value, study)
    if isinstance(value, Path):
        return _written(value, one.analysis.root, folder)
    return " ".join("".join(part if part.isprintable() else " " for part in str(value)).split())


def _written(path, root, folder):
    """A path of an analysis: relative to the study where the analysis lies below or beside it, else absolute."""
    path = Path(os.path.abspath(path))
    root = Path(os.path.abspath(root)) if root is not None else path
    near = root.is_relative_to(folder) or root.parent == folder.parent or folder.is_relative_to(root)
    below = path.is_relative_to(root if root.is_dir() else root.parent)
    return os.path.relpath(path, folder) if near and below else str(path)


def _unpacked(packed, study):
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
    said = set()
    for name, own in variants.items():
        for text in (own.comment, own.dropped and f"left out: {own.dropped}"):
            if text and text not in said:
                lines.append("  " + _comment(text))
                said.add(text)
        lines.append(f"{'#' if own.dropped else ' '} {name}: {_flow(dict(own.keys))}\n")
    for text in dict.fromkeys(one.row.stated for one in maps if one.row.inference is None and one.row.stated):
        lines.append("  " + _comment(f"no variant as_analysed: {text}"))
    spaces = {one.row.cells.get("space") for one in [one for one in maps if not one.aside] or maps}
    if spaces and all(space and same_space(space, MNI) for space in spaces):
        lines += [
            "\n",
            _comment("Names for regions; config/README.md lists the atlases."),
            f"atlases: {_flow(ATLASES)}\n",
        ]
    elif spaces == {NATIVE}:
        lines += ["\n", _comment("No names for regions, no template: the maps are in a space of their own.")]
        lines += ["template: null\n"]
    else:
        lines += ["\n", _comment("Names for regions, once column space of maps.tsv says that all maps are in MNI152:")]
        lines += [_comment(f"atlases: {_flow(ATLASES)}")]
    entries = _published(maps, variants, folder, study)
    if entries:
        lines += ["\n", _comment("What the package printed, held against the maps.")]
        lines += ["published:\n" if any(not entry.aside for entry in entries) else "#published:\n"]
        for entry in entries:
            mark = "#" if entry.aside else " "
            lines += ["  " + _comment(entry.origin + (" (its map is set aside)" if entry.aside else ""))]
            lines += [f"{mark} {entry.name}:\n"]
            lines += [f"{mark}   {key}: {_flow(value)}\n" for key, value in entry.keys.items()]
    return "".join(lines)


def _flow(value):
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


def _published(maps, variants, folder, study):
    """Entries of the config's `published`; those of maps that are set aside are written, but left out."""
    entries = []
    taken = set()
    for one in maps:
        inference = next(
            (name for name, own in variants.items() if own.keys == one.row.inference and not own.dropped), None
        )
        for printed in one.row.tables:
            name, n = one.name, 2
            while name in taken:
                name, n = f"{one.name}-{n}", n + 1
            taken.add(name)
            keys = {"map": one.name, "table": _table(printed, name, one, folder, study)}
            if printed.peaks:
                keys["peaks"] = _written(printed.peaks, one.analysis.root, folder)
            if inference and printed.alone:
                keys["variant"] = inference
            keys["package"] = one.analysis.package
            entries.append(_Entry(name, keys, printed.origin, bool(one.aside)))
    return entries


def _table(printed: Printed, name, one, folder, study):
    if isinstance(printed.table, Path):
        return _written(printed.table, one.analysis.root, folder)
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
