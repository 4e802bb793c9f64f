"""From the config and its tables to inputs and parameters of the rules (standard library, yaml and jsonschema only).

This is imported whenever the Snakefile is parsed, once per job on a cluster, so it imports nothing heavy.
"""

import html
import math
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from ..distributions import distribution_of
from ..inference.needs import check_df
from ..io.declared import entities_of, statistic
from ..io.files import UserError, sha256_of, writing
from ..io.formats import files_of, split_volume, stem_of
from ..io.samples import SAMPLES, SPACE, labels_path, packaged, sample_path
from ..io.sources import is_remote, local_path
from ..io.spaces import same_space
from ..rules import SweepRule, keys_of
from .checks import check_source, problems_of, space_in_header, template_problems
from .outcome import Wanted, left_behind
from .schema import cell_reader, defaults_of, load, numbers_of_text, thresholds_of_text, validate
from .sheets import read_cell, read_sheet
from .variants import check_ids, read_variant_table, resolve_variants, written_variant

MOST_POINTS = 100_000  # of a range of thresholds
MOST_ROWS = 1_000_000  # of a sweep's table
LARGE = 2**25  # bytes of a file whose sha256 is noted down


class Study:
    """All maps and variants of one config, with every default filled in.

    Parameters
    ----------
    config : the merged config.
    declared : folder that holds ``schemas/``.
    folders : relative paths of the config are looked for in the first, then in the next.
    variants_of_template : whether the variants are those of the template, which test both tails; of a map with one tail
        they then test that tail.

    Attributes
    ----------
    config : dict, the keys at the top.
    maps, variants, atlases, published : dict, id to dict of its keys.
    written_variants : dict, id to the keys as one would write them, see `variants.written_variant`.
    sweep : dict, or None where nothing is swept.
    labels : list of str, label tables of the atlases.

    Raises
    ------
    UserError : anything in the config or its tables that is not accepted.
    """

    def __init__(
        self, config: dict, declared: str | Path, folders: Iterable[str | Path], variants_of_template: bool = False
    ):
        schema_path, sheet_path = (
            Path(declared, "schemas/config.schema.yaml"),
            Path(declared, "schemas/maps.schema.yaml"),
        )
        schema = load(schema_path)
        config = thresholds_of_text(numbers_of_text(config), schema)
        config, row = _map_in_config(config, sheet_path, schema["properties"])
        validate(config, schema_path, "config")
        self.config = defaults_of(schema["properties"]) | config
        style = schema["properties"]["figure_style"]["properties"]
        self.config["figure_style"] = defaults_of(style) | self.config["figure_style"]
        self.folders = [Path(folder) for folder in folders]
        self.sheet = "the config" if row else self.config["maps"]
        self.maps = self._read_maps(row or self._read_sheet(self.config["maps"], sheet_path), sheet_path)
        conventions = load(Path(declared, "schemas/conventions.yaml"))
        self.variants = self._read_variants(self.config, schema_path, conventions)
        if variants_of_template and row and not self._has_two_tails(next(iter(self.maps))):
            self.variants = {name: variant | {"sided": "positive"} for name, variant in self.variants.items()}
        self.written_variants = {
            name: written_variant(keys, self.config["defaults"], conventions, schema)
            for name, keys in self.variants.items()
        }
        self.atlases = self._read_atlases(self.config["atlases"], schema)
        # Checked here: where results exist, Snakemake does not look for the files that they were made from.
        self.labels = [self._labels_of(name, atlas) for name, atlas in self.atlases.items()]
        self.template = self._find_template(self.config["template"])
        self.published = self._read_published(self.config["published"], schema)
        self.sweep = self._read_sweep(self.config["sweep"], schema)
        sources = self.config["from"] or []
        self.sources = [sources] if isinstance(sources, str) else sources
        on_figure = all(self.config["figure_style"][key] for key in ("titles", "small_print"))
        formats = ["png", *self.config["figure_formats"], *([] if on_figure else ["txt"])]  # txt: what is not on it
        self.formats = sorted(set(formats), key=["png", "svg", "pdf", "txt"].index)

    def _has_two_tails(self, map_id):
        """Whether values below 0 are evidence too, by what the config, the file's name or its header says."""
        row = self.maps[map_id]
        stat = row["stat"] or entities_of(row["source"]).get("stat")
        if stat is None and local_path(row["source"], map_id):
            from ..io.images import judge

            with suppress(UserError):  # the map's job says what is wrong
                stat = statistic(judge(row["source"], map_id)[1].header, row["source"], row, map_id)[0]["stat"]
        return distribution_of(stat or "other", row["df"]).two_tailed

    def problems(self) -> list[str]:
        """What would fail in a job, see `checks.problems_of`."""
        problems = problems_of(
            self.maps, self.variants, self.sweep, self.atlases, self.sheet, self.config["max_voxels"]
        )
        is_sample = (self.config["template"] or "").startswith("sample:")
        return problems + template_problems(None if is_sample else self.template) + self._problems_of_tables()

    def _problems_of_tables(self):
        """Published tables that cannot be read."""
        problems = []
        for name, table in self.published.items():
            from ..published.readers import read_published  # pandas: only where a table is named, in a dry run

            try:
                read_published(table["table"], f"table '{name}' of map '{table['map']}'", table["peaks"])
            except UserError as error:
                problems.append(str(error))
        return problems

    def _read_sheet(self, path, schema):
        rows = read_sheet(self.find(path), "map", _readers(schema))
        if not rows:
            raise UserError(f"{path} has no map; one row per map is needed")
        return rows

    def _read_maps(self, rows, schema):
        columns, path = load(schema)["properties"], self.sheet
        for name, row in rows.items():
            validate({"map": name} | row, schema, f"{path}, map '{name}'")
            check_df(row.get("stat"), row.get("df"), f"map '{name}'", path)
            for column in ("source", "mask", "values", "residuals"):
                check_source(row.get(column) or "", f"{path}, map '{name}', column {column}")
        check_ids(rows, path, "map")
        for name in rows:
            if f"{name}_mask" in rows:
                raise UserError(f"{path}: '{name}_mask' is what the mask of map '{name}' is called; rename it")
        return {name: {"source": row["source"]} | defaults_of(columns) | row for name, row in rows.items()}

    def _read_variants(self, config, schema, conventions):
        entries = config["variants"]
        if isinstance(entries, str):
            table = read_variant_table(self.find(entries), load(schema))
            validate(config | {"variants": table}, schema, entries)
            entries = table
        variants = {name: keys for name, keys in entries.items() if keys is not None}
        if not variants:
            raise UserError("no variant is left; the config or its variant table needs at least one")
        return resolve_variants(variants, config["defaults"], conventions, load(schema))

    def _read_atlases(self, atlases, schema):
        defaults = defaults_of(schema["properties"]["atlases"]["additionalProperties"]["properties"])
        if isinstance(atlases, list):
            atlases = {name: {"image": f"sample:{name}"} for name in atlases}
        resolved = {name: defaults | atlas for name, atlas in atlases.items()}
        for name, atlas in resolved.items():
            check_source(atlas["image"], f"config, atlases.{name}, image")
            if atlas["image"].startswith("sample:"):
                atlas["space"] = atlas["space"] or SPACE
        return resolved

    def _labels_of(self, name, atlas):
        kind, _, sample = atlas["image"].partition(":")
        if atlas["labels"] is None and kind != "sample":
            raise UserError(f"config, atlases.{name}: labels is missing; accepted: a table with columns index and name")
        if atlas["labels"] is None:
            return str(labels_path(sample, f"config, atlases.{name}"))
        return self._existing(atlas["labels"], f"labels of atlas '{name}'")

    def _read_published(self, published, schema):
        defaults = defaults_of(schema["properties"]["published"]["additionalProperties"]["properties"])
        entries = {}
        for name, keys in published.items():
            where, entry = f"config, published.{name}", defaults | keys
            if entry["map"] not in self.maps:
                raise UserError(
                    f"{where}: there is no map {keys['map']!r} in {self.config['maps']}; accepted: "
                    f"{', '.join(self.maps)}"
                )
            if entry["variant"] is not None and entry["variant"] not in self.variants:
                raise UserError(
                    f"{where}: there is no variant {keys['variant']!r}; accepted: {', '.join(self.variants)}, or null"
                )
            for key in ("table", "peaks"):
                if entry[key]:
                    entry[key] = self._existing(entry[key], f"{where}, {key}")
            entries[name] = entry
        return entries

    def _read_sweep(self, sweep, schema):
        if not sweep:
            return None
        variant = defaults_of(schema["$defs"]["variant"]["properties"])
        grid = variant | defaults_of(schema["properties"]["sweep"]["properties"]) | sweep
        grid["thresholds"] = expand_thresholds(sweep["thresholds"])
        axes = {axis: len(grid[axis]) for axis in ("thresholds", "min_region_sizes", "connectivities", "signs")}
        if math.prod(axes.values()) > MOST_ROWS:
            grid_size = " × ".join(f"{number:,} {axis}" for axis, number in axes.items())
            raise UserError(f"config, sweep: a grid of {grid_size} is more than {MOST_ROWS:,} points; take fewer")
        return grid

    def _find_template(self, template):
        kind, _, name = (template or "").partition(":")
        if kind == "sample":
            return str(sample_path(name, "template"))
        return self._existing(template, "template") if template else None

    def find(self, path: str) -> str:
        """A path of the config, as it will be opened: the first folder that has it, else the path itself."""
        paths = (str(folder / path) for folder in self.folders if os.path.exists(folder / path))
        return next(paths, str(path))

    def _existing(self, path, what):
        place = self.find(path)
        if not os.path.isfile(place):
            raise UserError(f"{what}: there is no file {path!r}; accepted: a path from here or from the Snakefile")
        return place

    # Parameters of rules. A rule names its keys, so that no other key makes it run again.

    def variant_keys(self, rule: type) -> dict[str, dict]:
        """The keys of a step, see `rules`, of every variant."""
        return {name: {key: variant[key] for key in keys_of(rule)} for name, variant in self.variants.items()}

    def map_keys(self, *keys: str) -> Callable:
        """A function that gives these columns of the sheet for the map of a job."""
        return lambda wildcards: {key: self.maps[wildcards.map][key] for key in keys}

    def where_to_pin(self, wildcards) -> str | None:
        """Where the sha256 of a map that is downloaded without one belongs; None for any other map."""
        row = self.maps[wildcards.map]
        if row["sha256"] or not is_remote(row["source"]):
            return None  # so that a sheet of another name does not fetch the map again
        beside = "beside map in" if self.sheet == "the config" else f"in row '{wildcards.map}' of"
        return f"{'key' if self.sheet == 'the config' else 'column'} sha256 {beside} {self.sheet}"

    def atlas_keys(self, *keys: str) -> Callable:
        """A function that gives these keys of the atlas of a job."""
        return lambda wildcards: {key: self.atlases[wildcards.atlas][key] for key in keys}

    def citation_of(self, wildcards) -> str:
        """The citation of a map with <, > and & escaped, as Snakemake writes params into its report as they are."""
        return html.escape(self.maps[wildcards.map]["citation"] or "")

    @property
    def sweep_keys(self) -> dict:
        """The keys of the sweep, see `rules.SweepRule`."""
        return {key: self.sweep[key] for key in keys_of(SweepRule)} if self.sweep else {}

    @property
    def atlas_spaces(self) -> dict[str, str | None]:
        """Declared space, or None, of each atlas."""
        return {name: atlas["space"] for name, atlas in self.atlases.items()}

    @property
    def atlas_references(self) -> dict[str, tuple[str, list[str]]]:
        """What each atlas is called in a sentence, and the keys of its references; an atlas of the user has none."""
        called = {}
        for name, atlas in self.atlases.items():
            sample = SAMPLES.get(atlas["image"].removeprefix("sample:"))
            if sample and sample.labels:
                called[name] = f"{sample.labels.called} ({packaged(sample)})", sample.labels.cites
            else:
                called[name] = f"atlas “{name}” ({Path(atlas['image']).name})", []
        return called

    def published_keys(self, *keys: str) -> Callable:
        """A function that gives these keys of the published table of a job."""
        return lambda wildcards: {key: self.published[wildcards.table][key] for key in keys}

    def left_behind(self, wildcards=None) -> list[str]:
        """Results of maps, variants, tables and atlases that the config no longer has, see `outcome.left_behind`."""
        tables = {(table["map"], name) for name, table in self.published.items()}
        wanted = Wanted(set(self.maps), set(self.variants), set(self.atlases), tables, bool(self.sweep))
        return [str(path) for path in left_behind("results", wanted)]

    def left_behind_in_words(self, wildcards=None) -> str:
        """The paths of `left_behind` as text; logs and benchmarks are named together, without their paths."""
        paths = self.left_behind()
        results = [path for path in paths if path.split(os.sep)[1] not in ("logs", "benchmarks")]
        traces = ["logs and benchmarks"] if len(results) < len(paths) else []
        return ", ".join([*results, *traces]) or "nothing"

    # Inputs of rules, where they depend on the config.

    def files_of(self, *columns: str) -> Callable:
        """A function that gives the files of these columns of the sheet that are on this machine, for the map of a job.

        When a file changes, the rule runs again. A missing file is left out, since a missing input stops the whole run;
        the job has its name from `image_of`, and fails.
        """
        return lambda wildcards: [
            file for column in columns for file in _files_here(self.maps[wildcards.map][column] or "")
        ]

    def image_of(self, column: str) -> Callable:
        """A function that gives the image that a column names for the map of a job, there or not, as a list."""
        return lambda wildcards: [name] if (name := self.maps[wildcards.map][column]) else []

    def content_of(self, *files: str | list[str] | Callable) -> Callable:
        """A function that gives the sha256 of files: paths, or functions that give them for the wildcards of a job.

        Snakemake looks at their times, and a file that takes the place of another may have an older one, or one in the
        future. So they are `ancient` to it.
        """

        def content(wildcards) -> list[str]:
            lists = (source(wildcards) if callable(source) else source for source in files)
            return [_sha256(path) for paths in lists for path in ([paths] if isinstance(paths, str) else paths)]

        return content

    def atlas_file_of(self, wildcards) -> list[str]:
        """The files of the atlas of a job that are on this machine."""
        return _files_here(self.atlases[wildcards.atlas]["image"])

    def table_of(self, wildcards) -> str:
        """The published table of a job."""
        return self.published[wildcards.table]["table"]

    def peaks_of(self, wildcards) -> list[str]:
        """The file of sub-peaks of the published table of a job, as a list; empty where there is none."""
        return [path for path in [self.published[wildcards.table]["peaks"]] if path]

    def regions_of(self, wildcards) -> list[str]:
        """Labels, sidecar and table of regions of the variant that should give the published table of a job."""
        variant = self.published[wildcards.table]["variant"]
        files = ("regions.nii.gz", "regions.json", "regions.csv") if variant else ()
        return [f"results/{wildcards.map}/{variant}/{file}" for file in files]

    def checks_of(self, wildcards) -> list[str]:
        """The results of rule check_published for the map of a job."""
        names = [name for name, table in self.published.items() if table["map"] == wildcards.map]
        return [f"results/{wildcards.map}/published/{name}/check.json" for name in names]

    def template_of(self, wildcards) -> str | list:
        """The template, where there is one and the map is in its space (an undeclared space counts as the same)."""
        return self.template if self.template and self._in_template_space(self.maps[wildcards.map]) else []

    def template_of_all(self, wildcards) -> str | list:
        """The template, for figures of all maps: where every map is in its space."""
        return self.template if self.template and all(map(self._in_template_space, self.maps.values())) else []

    def _in_template_space(self, row):
        space = row["space"] or entities_of(row["source"]).get("space") or space_in_header(row["source"])
        return space is None or same_space(space, self.config["template_space"])


def _files_here(source):
    """The files of an image on this machine, both of a pair; none of an image that is fetched."""
    return [] if is_remote(source) or not source else [str(path) for path in files_of(split_volume(source)[0])]


def _readers(schema):
    """Readers of the cells of the sample sheet, by column."""
    return {name: cell_reader(rules, {}) for name, rules in load(schema)["properties"].items() if name != "map"}


def _map_in_config(config, schema, keys):
    """The config without key `map` and the columns beside it, and the row that they make, by its id, or None.

    The id is the file's name; the keys beside `map` are columns of the sheet.
    """
    if not config.get("map"):
        return config, None
    readers = _readers(schema)
    if unknown := [key for key in config if key not in readers and key not in keys]:
        known = [key for key in [*readers, *keys] if key not in ("source", "map", "maps")]
        raise UserError(f"config: key {unknown[0]!r} is not known; accepted beside map: {', '.join(known)}")
    row = {column: config[column] for column in readers if config.get(column) is not None}
    if not isinstance(config["map"], str) or "source" in row:
        raise UserError(f"config, map: found {config['map']!r}; accepted: the path or the address of one map")
    for column, cell in row.items():
        if isinstance(cell, str):
            row[column] = read_cell(cell, readers[column], f"config: {column}")
    name = re.sub("[^A-Za-z0-9._-]+", "-", stem_of(config["map"]))
    name = name if re.match("[A-Za-z]", name) else f"map-{name}".removesuffix("-")
    return {key: value for key, value in config.items() if key not in readers}, {name: {"source": config["map"]} | row}


@cache
def _sha256(path):
    """SHA-256 of a file; of a large one noted down, as this is done whenever the Snakefile is parsed.

    The note is of its place, its size and the time at which anything of it was changed last, which nobody can set.
    """
    status = os.stat(path)
    if status.st_size < LARGE:
        return sha256_of(path)
    state = os.path.abspath(path), status.st_ino, status.st_size, status.st_ctime_ns
    note = Path(".snakemake/statmap/sha256", sha256(repr(state).encode()).hexdigest())
    with suppress(OSError):
        return note.read_text(encoding="ascii")
    found = sha256_of(path)
    with suppress(OSError), writing(note) as temporary:  # where nothing can be written, it is read anew
        temporary.write_text(found, encoding="ascii")
    return found


def expand_thresholds(thresholds: list | dict) -> list:
    """The thresholds of a sweep as a list, each once; a range becomes its values, the last included."""
    by_text = {}
    for entry in thresholds if isinstance(thresholds, list) else [thresholds]:
        values = (
            _range_values(entry["from"], entry["to"], entry["step"])
            if isinstance(entry, dict) and "from" in entry
            else [entry]
        )
        by_text |= {str(value): value for value in values}
    return list(by_text.values())


def _range_values(low, high, step):
    """The values of a range."""
    if low > high:
        raise UserError(f"config, sweep.thresholds: from {low} to {high} is no range; from may not be above to")
    points = (high - low) / step
    if not points < MOST_POINTS:
        raise UserError(
            f"config, sweep.thresholds: from {low} to {high} in steps of {step} is more than {MOST_POINTS:,} "
            "thresholds; take larger steps"
        )
    # Rounded, so that 2.0 + 7 * 0.1 is written, and compared, as 2.7.
    return [round(low + step * n, 10) for n in range(int(points + 1e-9) + 1)]
