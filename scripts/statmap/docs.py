"""Files generated from declarations: `make docs` writes them, a test fails when they are stale.

    python -m statmap.docs ROOT

A table, or the graph of the rules, stands between ``<!-- table: NAME -->`` and ``<!-- end -->``; words that the code
declares, in an ``enum``.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from .config.rerun import ASSETS
from .distributions import STATISTICS
from .figures.captions import VARIANT_FIGURES
from .io.declared import KEYS, ORIGINS
from .io.files import read_yaml
from .io.references import REFERENCES, in_full
from .io.samples import ATLASES, SAMPLES
from .tables.columns import FILES, TABLE_COLUMNS, Column

PAGES = ("README.md", "config/README.md", "results/README.md")
# What the Snakefile imports and reads, besides the captions, which Snakemake finds.
BROUGHT = ASSETS | {".py", ".yaml", ".tsv", ".csv"}
WORDS = {
    "config": {"figures": list(VARIANT_FIGURES), "table_columns": TABLE_COLUMNS},
    "maps": {"stat": [*STATISTICS, None]},
}
BLOCK = re.compile(r"(<!-- table: ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(root: Path) -> dict[Path, str]:
    """Every generated page, with its tables as they should be, the schemas, the default config, the list of files."""
    pages, schemas = {}, {}
    for name, lists in WORDS.items():
        path = root / f"config/schemas/{name}.schema.yaml"
        pages[path] = path.read_text(encoding="utf-8")
        for key, words in lists.items():
            enum = rf"(\n( +){key}:\n(?:\2  .*\n)*?\2  .*enum: )\[.*?\]"
            pages[path] = re.sub(enum, rf"\g<1>{_yaml(words)}", pages[path], count=1)
        schemas[name] = yaml.safe_load(pages[path])
    conventions = read_yaml(root / "config/schemas/conventions.yaml")
    keys = schemas["config"]["properties"]
    tables = {
        "keys": key_table(keys),
        "variant": key_table(schemas["config"]["$defs"]["variant"]["properties"]),
        "sweep": key_table(keys["sweep"]["properties"]),
        "figure_style": key_table(keys["figure_style"]["properties"]),
        "published": key_table(keys["published"]["additionalProperties"]["properties"]),
        "atlas": key_table(keys["atlases"]["additionalProperties"]["properties"]),
        "samples": atlas_table(),
        "maps": key_table(schemas["maps"]["properties"], "column"),
        "origins": origin_table(schemas["maps"]["properties"]),
        "conventions": convention_table(conventions),
        "rulegraph": rule_graph(root),
    } | {file: column_table(columns, added) for file, (columns, added) in FILES.items()}
    for name in PAGES:
        text = (root / name).read_text(encoding="utf-8")
        pages[root / name] = BLOCK.sub(lambda match: f"{match[1]}{tables[match[2]]}{match[3]}", text)
    pages[root / "config/config.yaml"] = defaults_file(schemas["config"])
    pages[root / "scripts/files.txt"] = brought_files(root)
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    pages[root / "CITATION.cff"] = citation.partition("references:\n")[0] + references()
    return pages


def brought_files(root: Path) -> str:
    """The files that a Snakefile on a git host brings along, by their paths, one a line."""
    files = (path for folder in ("config", "scripts") for path in (root / folder).rglob("*") if path.suffix in BROUGHT)
    return "".join(f"{path}\n" for path in sorted(path.relative_to(root).as_posix() for path in files))


def rule_graph(root: Path) -> str:
    """The rules as Snakemake orders them, for two maps, a sweep and a published table, as Mermaid.

    The target `all` is left out, and every arrow that a path of several arrows stands for.
    """
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder, "maps.tsv")
        sheet.write_text("map\tsource\nmotor\tsample:motor\nother\tsample:motor\n", encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", f"{root}/Snakefile", "--directory", folder]
        command += ["--configfile", *(f"{root}/config/{name}.yaml" for name in ("example", "sweep", "published"))]
        command += ["--config", f"maps={sheet}", "--rulegraph", "mermaid-js"]
        text = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", text, re.MULTILINE))
    arrows = [(names[rule], names[later]) for rule, later in re.findall(r"(id\d+) --> (id\d+)", text)]
    after: dict[str, set[str]] = {name: set() for name in names.values() if name != "all"}
    for rule, later in sorted(arrows):
        if later != "all":
            after[rule].add(later)

    def reached(name):
        return after[name].union(*map(reached, after[name]))

    lines = [
        f"    {rule} --> {later}\n"
        for rule in sorted(after)
        for later in sorted(after[rule])
        if not any(later in reached(between) for between in after[rule] - {later})
    ]
    return f"```mermaid\nflowchart TD\n{''.join(lines)}```\n"


def references() -> str:
    """What is cited, as the block of a CITATION.cff."""
    cited = [reference.cff for reference in REFERENCES.values()]
    return yaml.safe_dump({"references": cited}, sort_keys=False, allow_unicode=True, width=1000)


def _row(*cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def key_table(properties: dict, what: str = "key") -> str:
    """Keys of a schema as a table: key, accepted, default, meaning."""
    text = _row(what, "accepted", "unit", "default", "meaning") + "|---|---|---|---|---|\n"
    for key, rules in properties.items():
        default = f"`{_yaml(rules['default'])}`" if "default" in rules else ""
        text += _row(f"`{key}`", _accepted(rules), rules.get("unit", ""), default, rules.get("description", ""))
    return text


def _yaml(value):
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()


def _accepted(rules):
    """What a key takes, in words."""
    if "enum" in rules:
        return ", ".join(f"`{_yaml(value)}`" for value in rules["enum"])
    types = rules.get("type", "threshold")
    words = {"string": "text", "object": "block", "boolean": "true, false", "array": "list", "integer": "whole number"}
    text = " or ".join(words.get(kind, kind) for kind in ([types] if isinstance(types, str) else types))
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    limits = [f"{word} {rules[key]}" for key, word in bounds.items() if key in rules and "$ref" not in rules]
    return ", ".join([text, *limits])


def convention_table(conventions: dict) -> str:
    """What every convention sets; a dash where it leaves a key to the variant and the defaults."""
    keys = list(dict.fromkeys(key for rules in conventions.values() for key in rules))
    text = _row("`convention`", *(f"`{key}`" for key in keys)) + "|---" * (len(keys) + 1) + "|\n"
    for name, rules in conventions.items():
        text += _row(f"`{name}`", *(_yaml(rules[key]).strip("'") if key in rules else "–" for key in keys))
    return text


def atlas_table() -> str:
    """The atlases that come with a package, with their terms of use."""
    text = _row("name", "what it is", "reference", "terms of use") + "|---|---|---|---|\n"
    return text + "".join(
        _row(f"`{name}`", SAMPLES[name].meaning, in_full(labels.cites), labels.terms)
        for name, labels in ATLASES.items()
    )


def origin_table(columns: dict) -> str:
    """What is read of a map from where; the first that says it wins, from left to right."""
    text = _row("what", "sheet", *(origin.name for origin in ORIGINS)) + "|---" * (len(ORIGINS) + 2) + "|\n"
    for key in KEYS:
        cells = [f"column `{key}`" if key in columns else "", *(origin.says.get(key, "") for origin in ORIGINS)]
        text += _row(f"`{key}`", *cells)
    return text


def column_table(columns: dict[str, Column], added: list[Column]) -> str:
    """Columns of a CSV as a table; neighbours that share a declaration share a row."""
    text = _row("column", "unit", "meaning") + "|---|---|---|\n"
    groups: list[list[Column]] = []
    for column in [*columns.values(), *added]:
        if groups and groups[-1][0].meaning == column.meaning:
            groups[-1].append(column)
        else:
            groups.append([column])
    for group in groups:
        text += _row(", ".join(f"`{column.name}`" for column in group), group[0].unit, group[0].meaning)
    return text


def defaults_file(schema: dict) -> str:
    """``config/config.yaml``: every key at the top that has a default, and those of a variant, with their meaning."""
    lines = [
        "# Every key with its default. Written by `make docs` from schemas/config.schema.yaml; do not edit: name what",
        "# differs in a config of your own (--configfile my.yaml). config/README.md explains the keys.",
        "",
    ]
    for key, rules in schema["properties"].items():
        if key == "defaults":
            lines += ["defaults:  # of a variant"]
            for name, variant_rules in schema["$defs"]["variant"]["properties"].items():
                if "default" in variant_rules and name != "convention":
                    lines.append(f"  {name}: {_yaml(variant_rules['default'])}")
        elif key == "figure_style":
            lines += ["figure_style:"]
            lines += [f"  {name}: {_yaml(inner['default'])}" for name, inner in rules["properties"].items()]
        elif "default" in rules:
            lines.append(f"{key}: {_yaml(rules['default'])}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for path, text in render(Path(sys.argv[1])).items():
        path.write_text(text, encoding="utf-8")
