"""Readers of analyses are start_study's alone, and what only one of them needs is imported by that one, late."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"
ROOM = SCRIPTS / "statmap/analyses"


def imported(path):
    """What a file imports, as dotted names; relative ones from `statmap` on."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = path.relative_to(SCRIPTS).parent.parts[: -node.level + 1 or None] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def importers(name):
    """Files that import a module or anything in it."""
    return {
        path.relative_to(SCRIPTS).as_posix()
        for path in SCRIPTS.rglob("*.py")
        if any(found == name or found.startswith(f"{name}.") for found in imported(path))
    }


def test_nothing_but_start_study_imports_the_room():
    inside = {path.relative_to(SCRIPTS).as_posix() for path in ROOM.glob("*.py")}
    assert importers("statmap.analyses") - inside == {"start_study.py"}
    assert "statmap/analyses/study.py" in importers("statmap.analyses.spm")
    assert "statmap.analyses" not in (SCRIPTS.parent / "Snakefile").read_text(encoding="utf-8")


@pytest.mark.parametrize(("module", "reader"), [("rdflib", "nidm"), ("scipy.io", "spm_mat")])
def test_what_one_reader_needs_is_imported_by_it_alone(module, reader):
    assert importers(module) == {f"statmap/analyses/{reader}.py"}


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import sys, start_study; print([m for m in ('rdflib', 'scipy', 'pandas', 'requests') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SCRIPTS)}, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
