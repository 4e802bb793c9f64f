"""The schemas of `config/schemas`: what is refused, the defaults, and the types of cells in tab-separated tables."""

import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ..io.files import UserError


@cache
def load(path: str | Path) -> dict:
    """Read a YAML file of the project."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(Path(path).read_text(encoding="utf-8"), loader)


@cache
def _validator(path):
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load(path))


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
            unit, description = error.schema.get("unit"), error.schema.get("description", "").split(". ")[0]
            found, hint = error.message, ", ".join(part for part in (unit, description) if part)
        place = ", ".join([where, ".".join(str(part) for part in error.absolute_path)]).removesuffix(", ")
        raise UserError(" ".join(f"{place}: {found}".split()) + (f" ({hint})" if hint else ""))


def defaults_of(properties: dict) -> dict:
    """Key to default, for the keys of a schema's ``properties`` that have one."""
    return {key: rules["default"] for key, rules in properties.items() if "default" in rules}


def cell_reader(rules: dict, definitions: dict) -> tuple[Callable[[str], Any], str]:
    """How a cell of a tab-separated table is read, by the type that the schema gives its column.

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
