"""The schemas of `config/schemas`: what is refused, the defaults, and the types of cells in tab-separated tables."""

import math
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ..io.files import UserError, read_yaml


@cache
def load(path: str | Path) -> dict:
    """Read a YAML file of the project, once."""
    return read_yaml(path)


@cache
def _validator(path):
    from jsonschema import Draft202012Validator, validators

    # JSON knows no difference between 6 and 6.0; what counts neighbours, voxels or peaks does.
    whole = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
    )
    return validators.extend(Draft202012Validator, type_checker=whole)(load(path))


LARGEST = 1e15  # of a number in a config or a table


def _check_values(data, where, path=()):
    """Refuse NaN, infinities, numbers of hundreds of digits, and <, which no bound of a schema refuses.

    Snakemake writes paths and params into its report as they are, so that `</script>` in one would end its script. A
    citation is escaped, see `study.citation_of`.
    """
    place = ", ".join([where, ".".join(str(part) for part in path)])
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            _check_values(value, where, (*path, key))
    elif isinstance(data, str) and "<" in data and path[-1:] != ("citation",):
        raise UserError(f"{place}: it has < in it, which the report takes for markup; accepted: text without")
    elif isinstance(data, int | float) and not abs(data) <= LARGEST:
        shown = f"{data:g}" if isinstance(data, float) else f"a number of {len(str(data))} digits"
        raise UserError(f"{place}: found {shown}; accepted: a finite number, of 15 digits at most")


def validate(data: dict, schema: str | Path, where: str) -> None:
    """Check data against a JSON schema in YAML, with an error of one line that names the key.

    Snakemake's own `validate` prints the whole schema around the key that is wrong.

    Parameters
    ----------
    data : what is checked.
    schema : path of the schema.
    where : what the data are called in the error.

    Raises
    ------
    UserError : the first key, from the top, that the schema refuses; a number that is not finite; < in a text.
    """
    _check_values(data, where)
    errors = sorted(_validator(schema).iter_errors(data), key=lambda error: [str(key) for key in error.path])
    if errors:
        error = errors[0]
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            unknown = next(key for key in error.instance if key not in known)
            problem, hint = f"key {unknown!r} is not known", f"accepted: {', '.join(known)}"
        else:
            problem, rules = error.message, error.schema
            if error.validator == "required":
                missing = next(key for key in error.validator_value if key not in error.instance)
                problem, rules = f"{missing!r} is missing", rules["properties"][missing]
            unit, description = rules.get("unit"), rules.get("description", "").split(". ")[0]
            hint = ", ".join(part for part in (unit, description) if part)
        place = ", ".join([where, ".".join(str(part) for part in error.absolute_path)]).removesuffix(", ")
        raise UserError(" ".join(f"{place}: {problem}".split()) + (f" ({hint})" if hint else ""))


def numbers_of_text(data: Any) -> Any:
    """The same config with text that is a plain number, ``true``, ``false`` or ``null`` as what it says.

    Snakemake gives all inside a block on its command line as text: ``--config 'variants={v4: {threshold: 4.0}}'``.
    """
    if isinstance(data, dict):
        return {key: numbers_of_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [numbers_of_text(value) for value in data]
    if isinstance(data, str) and re.fullmatch(r"-?[0-9]{1,15}", data):
        return int(data)
    if isinstance(data, str) and re.fullmatch(r"-?[0-9]{1,15}\.[0-9]*", data):
        return float(data)
    return {"true": True, "false": False, "null": None}.get(data, data) if isinstance(data, str) else data


def thresholds_of_text(config: dict, schema: dict) -> dict:
    """The same config with thresholds that are written as in a cell, ``"p=0.001"``, as blocks.

    Raises
    ------
    UserError : a threshold below 0, or of a kind that is not known.
    """
    kinds = schema["$defs"]["threshold"]["properties"]

    def block(threshold, where):
        if isinstance(threshold, int | float) and not isinstance(threshold, bool) and threshold < 0:
            raise UserError(
                f"config, {where}: found {threshold:g}; for negative values write threshold: {-threshold:g} and "
                "sided: negative"
            )
        if not isinstance(threshold, str) or "=" not in threshold:
            return threshold
        try:
            return _threshold(threshold, kinds)
        except ValueError as error:
            accepted = ", ".join(f"{kind}={rules['examples'][0]}" for kind, rules in kinds.items())
            raise UserError(f"config, {where}: found {threshold!r}; accepted: {accepted}") from error

    def with_blocks(keys, where):
        if not isinstance(keys, dict) or "threshold" not in keys:
            return keys
        return keys | {"threshold": block(keys["threshold"], f"{where}.threshold")}

    config = dict(config)
    if isinstance(config.get("variants"), dict):
        config["variants"] = {name: with_blocks(keys, f"variants.{name}") for name, keys in config["variants"].items()}
    if isinstance(sweep := config.get("sweep"), dict) and isinstance(sweep.get("thresholds"), list):
        config["sweep"] = sweep | {"thresholds": [block(entry, "sweep.thresholds") for entry in sweep["thresholds"]]}
    return config | {"defaults": with_blocks(config["defaults"], "defaults")} if "defaults" in config else config


def check_keys(paths: Iterable[str | Path]) -> None:
    """Refuse what the merged config does not show.

    Parameters
    ----------
    paths : the YAML files of a config.

    Raises
    ------
    UserError : a key that is there twice in one block, of which YAML readers keep the last without a word; a variant
        that is null, or empty, and that no file has to be dropped. It names the file and the key.
    """
    defined, dropped = [], {}
    for path in paths:
        node = read_yaml(path, nodes=True)
        _check_node(node, path)
        for name, keys in _entries(_entries(node).get("variants")).items():
            if keys.tag == "tag:yaml.org,2002:null":
                dropped[name] = path
            else:
                defined.append(name)
    for name, path in dropped.items():
        if name not in defined:
            raise UserError(
                f"{path}: variant {name!r} is null, and there is none to be dropped; accepted: "
                f"{', '.join([*defined, 'a block of keys'])}"
            )


def _entries(node):
    """Key to value node of a block of a parsed file; {} where it is none."""
    pairs = node.value if getattr(node, "id", None) == "mapping" else []
    return {key.value: value for key, value in pairs if isinstance(key.value, str)}


def _check_node(node, path):
    """Refuse a key that is there twice, at any depth of a parsed file."""
    seen = {}
    for entry in node.value if isinstance(getattr(node, "value", None), list) else []:
        key, value = entry if isinstance(entry, tuple) else (None, entry)
        if key is not None and isinstance(key.value, str):
            line = key.start_mark.line + 1
            if key.value in seen and key.value != "<<":
                raise UserError(
                    f"{path}: key {key.value!r} is there twice in a block, lines {seen[key.value]} and {line}; "
                    "once is accepted"
                )
            seen[key.value] = line
        _check_node(value, path)


def defaults_of(properties: dict) -> dict:
    """Key to default, for the keys of a schema's ``properties`` that have one."""
    return {key: rules["default"] for key, rules in properties.items() if "default" in rules}


def cell_reader(rules: dict, definitions: dict) -> tuple[Callable[[str], Any], str]:
    """The reader of the cells of a column of a tab-separated table, by the type in the schema.

    Parameters
    ----------
    rules : the column's entry in a schema.
    definitions : the schema's ``$defs``, for an entry that refers to one.

    Returns
    -------
    read : function that turns the text of a cell into its value, or raises ValueError.
    accepted : what it takes, in words.
    """
    if "$ref" in rules:
        kinds = definitions[rules["$ref"].rpartition("/")[2]]["properties"]
        examples = [f"{kind}={rules['examples'][0]}" for kind, rules in kinds.items()]
        return lambda text: _threshold(text, kinds), f"a number, 97%, {', '.join(examples[:-1])} or {examples[-1]}"
    types = rules.get("type", [])
    types = {types} if isinstance(types, str) else set(types)
    if "integer" in types or any(isinstance(value, int) for value in rules.get("enum", [])):
        return int, "a whole number"
    if "array" in types and "enum" in rules.get("items", {}):
        return str.split, "words with blanks between them"
    if "array" in types:
        most, word = rules["maxItems"], rules.get("pattern", "").strip("^$")
        accepted = f"one number, or {most} with commas" + (f", or {word}" if word else "")
        return lambda text: text if text == word else _numbers(text, most), accepted
    if "number" in types and "string" in types:
        pattern = re.compile(rules["pattern"])
        return lambda text: text if pattern.search(text) else _number(text), f"a number, or {rules['examples'][0]}"
    if "number" in types:
        return _number, "a number"
    return str, "text"


def _number(text):
    """A finite number as YAML would read it: int where the text is one, else float."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _numbers(text, most):
    """One number, or a list of `most` numbers."""
    numbers = [_number(part) for part in text.split(",")]
    if len(numbers) not in (1, most):
        raise ValueError(text)
    return numbers[0] if len(numbers) == 1 else numbers


def _threshold(text, kinds):
    """A threshold as the YAML block has it: ``3.0``, ``"97%"`` or ``{"p": 0.001}`` from the cell ``p=0.001``."""
    kind, equals, number = (part.strip() for part in text.partition("="))
    if equals:
        if kind not in kinds:
            raise ValueError(text)
        return {kind: _number(number)}
    return f"{_number(text[:-1])}%" if text.endswith("%") else _number(text)
