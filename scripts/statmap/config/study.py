"""From the config and its tables to what each rule is told (standard library only: every job parses this again)."""

from functools import cache
from pathlib import Path

from ..io.files import UserError
from ..io.sources import sample_path
from .sheets import read_sheet
from .variants import check_ids, read_variant_table, resolve_variants


def _numbers(text):
    numbers = [float(part) for part in text.split(",")]
    if len(numbers) not in (1, 3):
        raise ValueError(text)
    return numbers


TEXT = (str, "text")
NUMBER = (float, "a number")
MAP_COLUMNS = {
    "source": TEXT,
    "sha256": TEXT,
    "stat": TEXT,
    "df": NUMBER,
    "mask": TEXT,
    "space": TEXT,
    "fwhm_mm": (_numbers, "one number, or three with commas"),
    "dlh": NUMBER,
    "citation": TEXT,
}

SWEEP = {
    "min_region_sizes": [0],
    "connectivities": [6],
    "signs": ["split"],
    "sided": "two",
    "size_rule": ">",
    "cutoff_rule": None,
    "percentile_domain": "all",
    "domain": "mask",
}


def validate(data, schema, where):
    """Check data against a JSON schema in YAML, with an error of one line that names the key.

    Snakemake's own `validate` prints the whole schema around the key that is wrong.

    Parameters
    ----------
    data : dict; schema : path; where : what the data are called in the error.

    Raises
    ------
    UserError : the first key, from the top, that the schema refuses.
    """
    errors = sorted(_validator(schema).iter_errors(data), key=lambda error: [str(key) for key in error.path])
    if errors:
        error = errors[0]
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            unknown = next(key for key in error.instance if key not in known)
            found, hint = f"key {unknown!r} is not known", f"accepted: {', '.join(known)}"
        else:
            found, hint = error.message, error.schema.get("description")
        place = ", ".join([where, ".".join(str(part) for part in error.absolute_path)]).removesuffix(", ")
        raise UserError(" ".join(f"{place}: {found}".split()) + (f" ({hint})" if hint else ""))


@cache
def _validator(schema):
    import yaml
    from jsonschema import Draft202012Validator

    return Draft202012Validator(yaml.safe_load(Path(schema).read_text(encoding="utf-8")))


class Study:
    """All maps and variants of one config, and the ``spec`` that each rule's script is given.

    Parameters
    ----------
    config : dict, the merged config.
    schemas : folder with ``config.schema.yaml`` and ``maps.schema.yaml``.
    folders : sequence of Path: relative paths of the config are looked for in the first, then in the next.

    Attributes
    ----------
    maps, variants, atlases : dict, id to dict of its keys.

    Raises
    ------
    UserError : anything in the config or its tables that is not accepted.
    """

    def __init__(self, config, schemas, folders):
        validate(config, Path(schemas, "config.schema.yaml"), "config")
        # As in config.yaml, for who replaces it (--replace-workflow-config) instead of laying an overlay over it.
        self.config = {"sweep": None, "write_4d": True, "max_voxels": 50_000_000} | config
        self.folders = [Path(folder) for folder in folders]
        rows = read_sheet(self.find(config["maps"]), "map", MAP_COLUMNS)
        if not rows:
            raise UserError(f"{config['maps']} has no map; one row per map is needed")
        for name, row in rows.items():
            validate({"map": name} | row, Path(schemas, "maps.schema.yaml"), f"{config['maps']}, map '{name}'")
        check_ids(rows, config["maps"], "map")
        for name in rows:
            if f"{name}_mask" in rows:
                raise UserError(
                    f"{config['maps']}: '{name}_mask' is what the mask of map '{name}' is called; rename it"
                )
        self.maps = {name: dict.fromkeys(MAP_COLUMNS) | {"stat": "other"} | row for name, row in rows.items()}

        if isinstance(config["variants"], str):
            variants = read_variant_table(self.find(config["variants"]))
            validate(config | {"variants": variants}, Path(schemas, "config.schema.yaml"), config["variants"])
        else:
            variants = {name: keys for name, keys in config["variants"].items() if keys is not None}
        if not variants:
            raise UserError("no variant is left; the config or its variant table needs at least one")
        self.variants = resolve_variants(config, variants)
        self.atlases = config.get("atlases") or {}
        # Looked for now: where results exist, Snakemake takes them as they are and misses no input.
        self.labels = [self._existing(own["labels"], f"labels of atlas '{name}'") for name, own in self.atlases.items()]
        self.template = self._template(config.get("template"))
        self.thresholds = expand_thresholds(config["sweep"]["thresholds"]) if config.get("sweep") else []
        self.formats = sorted({"png", *config.get("figure_formats", [])}, key=["png", "svg", "pdf"].index)

    def find(self, path):
        """A path of the config, as it will be opened: the first folder that has it, else the path itself."""
        found = (str(folder / path) for folder in self.folders if (folder / path).exists())
        return next(found, str(path))

    def _existing(self, path, what):
        found = self.find(path)
        if not Path(found).is_file():
            raise UserError(f"{what}: there is no file {path!r}; accepted: a path from here or from the Snakefile")
        return found

    def _template(self, template):
        kind, _, name = (template or "").partition(":")
        if kind == "sample":
            return str(sample_path(name, "template"))
        return self._existing(template, "template") if template else None

    # What each rule is told. A spec holds only what the rule depends on, so that nothing else makes it run again.

    def _pick(self, wildcards, variant_keys, map_keys=()):
        variant, row = self.variants[wildcards.variant], self.maps[wildcards.map]
        return {key: variant[key] for key in variant_keys} | {key: row[key] for key in map_keys}

    def fetch_spec(self, wildcards):
        row = self.maps[wildcards.map]
        spec = {key: row[key] for key in ("source", "sha256", "mask")} | {"max_voxels": self.config["max_voxels"]}
        return spec | {key: self.config[key] for key in ("allow_http", "neurovault_api") if key in self.config}

    def atlas_spec(self, wildcards):
        atlas = self.atlases[wildcards.atlas]
        spec = {"source": atlas["image"], "sha256": atlas.get("sha256"), "max_voxels": self.config["max_voxels"]}
        return spec | {key: self.config[key] for key in ("allow_http",) if key in self.config}

    def threshold_spec(self, wildcards):
        keys = ("threshold", "sided", "cutoff_rule", "percentile_domain", "domain")
        return self._pick(wildcards, keys, ("stat", "df"))

    def region_spec(self, wildcards):
        keys = (
            "extract_type",
            "signs",
            "connectivity",
            "min_region_size",
            "size_rule",
            "unseeded",
            "edge_scale",
        )
        return self._pick(wildcards, keys)

    def table_spec(self, wildcards):
        keys = (
            "sided",
            "signs",
            "extract_type",
            "connectivity",
            "min_region_size",
            "size_rule",
            "domain",
            "min_peak_distance",
            "max_peaks",
            "tdp_alpha",
        )
        spec = self._pick(wildcards, keys, ("stat", "df", "fwhm_mm", "dlh", "space"))
        return spec | {"atlases": self.atlas_spaces()}

    def atlas_spaces(self):
        """Declared space, or None, of each atlas."""
        return {name: atlas.get("space") for name, atlas in self.atlases.items()}

    def figure_spec(self, wildcards):
        keys = ("threshold", "sided", "signs", "extract_type", "connectivity", "min_region_size", "size_rule")
        return self._pick(wildcards, keys, ("stat",))

    def sweep_spec(self, wildcards):
        row = self.maps[wildcards.map]
        spec = SWEEP | self.config["sweep"] | {key: row[key] for key in ("stat", "df", "space")}
        spec["atlases"] = self.atlas_spaces()
        return spec | {"thresholds": self.thresholds}

    def variants_spec(self, wildcards):
        """All variants, for what shows them side by side on one map."""
        keys = ("sided", "connectivity", "min_region_size", "signs", "extract_type", "convention")
        variants = {name: {key: own[key] for key in keys} for name, own in self.variants.items()}
        row = self.maps[wildcards.map] if hasattr(wildcards, "map") else {"stat": None}
        return {"stat": row["stat"], "variants": variants}

    # What each rule reads where that depends on the config.

    def files_of(self, wildcards):
        """The map and its mask where they are files on this machine: when one changes, the map is fetched again."""
        row = self.maps[wildcards.map]
        return [path for path in (row["source"], row["mask"]) if path and Path(path).is_file()]

    def atlas_file_of(self, wildcards):
        """The atlas likewise."""
        image = self.atlases[wildcards.atlas]["image"]
        return [image] if Path(image).is_file() else []

    def template_of(self, wildcards):
        """The template, where there is one and the map is in its space (an undeclared space counts as the same)."""
        space = self.maps[wildcards.map]["space"]
        return self.template if self.template and space in (None, self.config.get("template_space")) else []

    def labels_of(self, wildcards):
        """Label tables of the atlases, in the order of the config."""
        return self.labels


def expand_thresholds(thresholds):
    """The thresholds of a sweep as a list: a range ``{from, to, step}`` becomes its values, the last included."""
    if isinstance(thresholds, list):
        return thresholds
    low, high, step = thresholds["from"], thresholds["to"], thresholds["step"]
    if low > high:
        raise UserError(f"config, sweep.thresholds: from {low} to {high} is no range; from may not be above to")
    # Rounded, so that 2.0 + 7 * 0.1 is written, and compared, as 2.7.
    return [round(low + step * n, 10) for n in range(int((high - low) / step + 1e-9) + 1)]
