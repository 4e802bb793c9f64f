"""From the config and its tables to what each rule is told (standard library, yaml and jsonschema only).

This is imported whenever the Snakefile is parsed, once per job on a cluster, so it imports nothing heavy.
"""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from ..io.files import UserError, sha256_of
from ..io.sources import sample_path
from ..io.spaces import same_space
from .outcome import left_behind
from .schema import cell_reader, defaults_of, load, validate
from .sheets import read_sheet
from .variants import check_ids, read_variant_table, resolve_variants

MOST_POINTS = 100_000  # of a sweep


class Study:
    """All maps and variants of one config, with every default filled in.

    Parameters
    ----------
    config : the merged config.
    declared : folder that holds ``schemas/``.
    folders : relative paths of the config are looked for in the first, then in the next.

    Attributes
    ----------
    config : dict, the keys at the top.
    maps, variants, atlases, published : dict, id to dict of its keys.
    sweep : dict, or None where nothing is swept.
    labels : list of str, label tables of the atlases.

    Raises
    ------
    UserError : anything in the config or its tables that is not accepted.
    """

    def __init__(self, config: dict, declared: str | Path, folders: Iterable[str | Path]):
        schema_path, sheet_path = (
            Path(declared, "schemas/config.schema.yaml"),
            Path(declared, "schemas/maps.schema.yaml"),
        )
        schema = load(schema_path)
        validate(config, schema_path, "config")
        self.config = defaults_of(schema["properties"]) | config
        self.folders = [Path(folder) for folder in folders]
        self.maps = self._read_maps(self.config["maps"], sheet_path)
        self.variants = self._read_variants(self.config, schema_path, load(Path(declared, "schemas/conventions.yaml")))
        self.atlases = self._read_atlases(self.config["atlases"], schema)
        # Looked for now: where results exist, Snakemake takes them as they are and misses no input.
        self.labels = [self._existing(own["labels"], f"labels of atlas '{name}'") for name, own in self.atlases.items()]
        self.template = self._find_template(self.config["template"])
        self.published = self._read_published(self.config["published"], schema)
        self.sweep = self._read_sweep(self.config["sweep"], schema)
        self.formats = sorted({"png", *self.config["figure_formats"]}, key=["png", "svg", "pdf"].index)

    def _read_maps(self, path, schema):
        columns = load(schema)["properties"]
        readers = {name: cell_reader(rules, {}) for name, rules in columns.items() if name != "map"}
        rows = read_sheet(self.find(path), "map", readers)
        if not rows:
            raise UserError(f"{path} has no map; one row per map is needed")
        for name, row in rows.items():
            validate({"map": name} | row, schema, f"{path}, map '{name}'")
        check_ids(rows, path, "map")
        for name in rows:
            if f"{name}_mask" in rows:
                raise UserError(f"{path}: '{name}_mask' is what the mask of map '{name}' is called; rename it")
        for name, row in rows.items():
            for column in ("residuals", "values"):
                if row.get(column):
                    self._existing(row[column], f"{path}, map '{name}', column {column}")
        return {name: {"source": row["source"]} | defaults_of(columns) | row for name, row in rows.items()}

    def _read_variants(self, config, schema, conventions):
        given = config["variants"]
        if isinstance(given, str):
            table = read_variant_table(self.find(given), load(schema))
            validate(config | {"variants": table}, schema, given)
            given = table
        variants = {name: keys for name, keys in given.items() if keys is not None}
        if not variants:
            raise UserError("no variant is left; the config or its variant table needs at least one")
        return resolve_variants(variants, config["defaults"], conventions, load(schema))

    def _read_atlases(self, atlases, schema):
        defaults = defaults_of(schema["properties"]["atlases"]["additionalProperties"]["properties"])
        return {name: defaults | own for name, own in atlases.items()}

    def _read_published(self, published, schema):
        defaults = defaults_of(schema["properties"]["published"]["additionalProperties"]["properties"])
        for name, own in published.items():
            if own["map"] not in self.maps:
                raise UserError(
                    f"config, published.{name}: there is no map {own['map']!r} in {self.config['maps']}; accepted: "
                    f"{', '.join(self.maps)}"
                )
        return {
            name: defaults | own | {"table": self._existing(own["table"], f"config, published.{name}, table")}
            for name, own in published.items()
        }

    def _read_sweep(self, sweep, schema):
        if not sweep:
            return None
        variant = defaults_of(schema["$defs"]["variant"]["properties"])
        found = variant | defaults_of(schema["properties"]["sweep"]["properties"]) | sweep
        return found | {"thresholds": expand_thresholds(sweep["thresholds"])}

    def _find_template(self, template):
        kind, _, name = (template or "").partition(":")
        if kind == "sample":
            return str(sample_path(name, "template"))
        return self._existing(template, "template") if template else None

    def find(self, path: str) -> str:
        """A path of the config, as it will be opened: the first folder that has it, else the path itself."""
        found = (str(folder / path) for folder in self.folders if (folder / path).exists())
        return next(found, str(path))

    def _existing(self, path, what):
        found = self.find(path)
        if not Path(found).is_file():
            raise UserError(f"{what}: there is no file {path!r}; accepted: a path from here or from the Snakefile")
        return found

    # What a rule depends on: it names the keys, so that nothing else makes it run again.

    def variant_keys(self, *keys: str) -> dict[str, dict]:
        """These keys of every variant."""
        return {name: {key: own[key] for key in keys} for name, own in self.variants.items()}

    def map_keys(self, *keys: str) -> Callable:
        """A function that gives these columns of the sheet for the map of a job."""
        return lambda wildcards: {key: self.maps[wildcards.map][key] for key in keys}

    def atlas_keys(self, *keys: str) -> Callable:
        """A function that gives these keys of the atlas of a job."""
        return lambda wildcards: {key: self.atlases[wildcards.atlas][key] for key in keys}

    def sweep_keys(self, *keys: str) -> dict:
        """These keys of the sweep."""
        return {key: self.sweep[key] for key in keys} if self.sweep else {}

    @property
    def atlas_spaces(self) -> dict[str, str | None]:
        """Declared space, or None, of each atlas."""
        return {name: atlas["space"] for name, atlas in self.atlases.items()}

    def published_keys(self, *keys: str) -> Callable:
        """A function that gives these keys of the published table of a job."""
        return lambda wildcards: {key: self.published[wildcards.table][key] for key in keys}

    def left_behind(self, wildcards=None) -> list[str]:
        """Results of maps and variants that are in the config no more, see `outcome.left_behind`."""
        return [str(path) for path in left_behind("results", self.maps, self.variants)]

    # What a rule reads, where that depends on the config.

    def files_of(self, *columns: str) -> Callable:
        """A function that gives the files of these columns of the sheet that are on this machine, for the map of a job.

        When one changes, the rule runs again.
        """

        def files(wildcards) -> list[str]:
            paths = [self.maps[wildcards.map][column] for column in columns]
            return [path for path in paths if path and Path(path).is_file()]

        return files

    def content_of(self, *columns: str) -> Callable:
        """A function that gives the sha256 of each of these files.

        Snakemake looks at their times only, and a file that takes the place of another may have an older one.
        """
        files = self.files_of(*columns)
        return lambda wildcards: [_sha256(path) for path in files(wildcards)]

    def atlas_file_of(self, wildcards) -> list[str]:
        """The atlas likewise."""
        image = self.atlases[wildcards.atlas]["image"]
        return [image] if Path(image).is_file() else []

    def table_of(self, wildcards) -> str:
        """The published table of a job."""
        return self.published[wildcards.table]["table"]

    def template_of(self, wildcards) -> str | list:
        """The template, where there is one and the map is in its space (an undeclared space counts as the same)."""
        space = self.maps[wildcards.map]["space"]
        here = space is None or same_space(space, self.config["template_space"])
        return self.template if self.template and here else []


@cache
def _sha256(path):
    return sha256_of(path)


def expand_thresholds(thresholds: list | dict) -> list:
    """The thresholds of a sweep as a list, each once; a range becomes its values, the last included."""
    found = {}
    for one in thresholds if isinstance(thresholds, list) else [thresholds]:
        values = _values(one["from"], one["to"], one["step"]) if isinstance(one, dict) and "from" in one else [one]
        found |= {str(value): value for value in values}
    return list(found.values())


def _values(low, high, step):
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
