"""Habits of the code that no linter knows."""

import ast
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
TREES = {
    path.relative_to(SCRIPTS).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(SCRIPTS.rglob("*.py"))
}
MAINS = [file for file, tree in TREES.items() if any(getattr(node, "name", "") == "main" for node in tree.body)]

# Where the word of a statistic is read, and becomes a distribution. Elsewhere the distribution is asked.
READERS = (
    "statmap/distributions.py",
    "statmap/io/declared.py",
    "statmap/io/headers.py",
    "statmap/inference/needs.py",
    "statmap/inference/p_maps.py",
    "statmap/inference/tested.py",
    "statmap/inference/thresholded.py",
    "statmap/interface.py",
    "fetch_map.py",
)
READERS_FOLDER = "statmap/analyses/"
STATISTIC = ("stat", "stat_of_source")


# ---- the word of a statistic ----------------------------------------------------------------------------------------


def is_statistic(node):
    """Whether an expression is the word of a statistic: ``stat``, ``map.stat``, ``row["stat"]``, ``stat.lower()``."""
    if isinstance(node, ast.Name):
        return node.id in STATISTIC
    if isinstance(node, ast.Attribute):
        return node.attr in STATISTIC
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and str(node.slice.value).lower() in STATISTIC
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        first = node.args[0] if node.args else None
        if node.func.attr == "get":
            return isinstance(first, ast.Constant) and str(first.value).lower() in STATISTIC
        return is_statistic(node.func.value)  # `path.stat()` is none
    return False


def decides_by_statistic(node):
    """Whether a node compares that word with anything but None, matches it, or looks it up in a dict that is there."""
    if isinstance(node, ast.Compare):
        compares = any(isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for operator in node.ops)
        return compares and any(is_statistic(side) for side in (node.left, *node.comparators))
    if isinstance(node, ast.Match):
        return is_statistic(node.subject)
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Dict) and is_statistic(node.slice)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return isinstance(node.func.value, ast.Dict) and any(is_statistic(argument) for argument in node.args)
    return False


def decisions(tree):
    """Lines of a module that depend on the word of a statistic."""
    return [node.lineno for node in ast.walk(tree) if decides_by_statistic(node)]


@pytest.mark.parametrize(
    "line",
    [
        "stat == 't'",
        "'t' != stat",
        "stat in ('z', 't')",
        "stat not in ONE_TAILED",
        "record.stat == 'F'",
        "row['stat'] == 'F'",
        "sidecar['Stat'] == 'F'",
        "entities.get('stat', '').lower() in known",
        "record.stat_of_source == 'p'",
        "a < 3 and stat.lower() == 'z'",
        "{'other': 'x'}.get(stat, stat)",
        "{'other': 'x'}[stat]",
        "match stat:\n    case 't':\n        pass",
    ],
)
def test_a_decision_by_the_word_is_seen(line):
    assert decisions(ast.parse(line)) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "stat is None",
        "path.stat().st_size == 3",
        "'stat' in row",
        "key == 'stat'",
        "a == 't'",
        "distribution_of(stat, df)",
    ],
)
def test_what_is_none_is_not(line):
    assert decisions(ast.parse(line)) == []


def test_only_readers_decide_by_the_word_of_a_statistic():
    """A map's distribution knows what follows from it; its word is compared where it is read."""
    lines = {file: decisions(tree) for file, tree in TREES.items()}
    assert all(file in TREES for file in READERS)
    assert lines["statmap/distributions.py"] and lines["statmap/io/declared.py"]
    elsewhere = {file: where for file, where in lines.items() if where and file not in READERS}
    assert {file: where for file, where in elsewhere.items() if not file.startswith(READERS_FOLDER)} == {}


# ---- parameters -----------------------------------------------------------------------------------------------------


def parameters(function):
    """How many parameters a function has, that of a method's object not among them."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    of_object = bool(named) and named[0].arg in ("self", "cls")
    return len(named) - of_object + (arguments.vararg is not None) + (arguments.kwarg is not None)


def test_parameters_are_counted():
    functions = ast.parse("def f(a, /, b, *c, d=1, **e): pass\nclass K:\n    def g(self, a): pass\nlambda a, b: a")
    counts = [parameters(node) for node in ast.walk(functions) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    assert sorted(counts) == [1, 2, 5]


@pytest.mark.parametrize("file", TREES)
def test_no_function_has_more_than_ten_parameters(file):
    functions = [node for node in ast.walk(TREES[file]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {node.name: parameters(node) for node in functions if parameters(node) > 10} == {}


@pytest.mark.parametrize("file", MAINS)
def test_no_main_has_more_than_eight_parameters(file):
    [main] = [node for node in TREES[file].body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    assert parameters(main) <= 8


def test_every_script_has_a_main():
    assert set(MAINS) == {file for file in TREES if "/" not in file} and len(MAINS) > 10
