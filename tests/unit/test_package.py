"""The package as pip builds and installs it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from calls import extract_regions, resolve_cutoff

from statmap.inference.thresholds import suprathreshold_mask
from statmap.io.sidecar import VERSION

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What only Snakemake needs.
OF_THE_WORKFLOW = {"snakemake", "pygments"}

# A notebook's first cells: nothing of the checkout is beside them but tests/calls.py.
NOTEBOOK = """
import json
import sys
from importlib.metadata import version

import numpy as np
from calls import extract_regions, resolve_cutoff

import statmap
from statmap.inference.thresholds import suprathreshold_mask
from statmap.io.images import read_image
from statmap.io.samples import labels_path, sample_path
from statmap.web.pages import asset

keys = json.loads(sys.argv[1])
data, affine = read_image(sample_path("motor", "map"))
passed = suprathreshold_mask(data, resolve_cutoff(data, data != 0, keys), keys["sided"])
regions = extract_regions(np.where(passed, data, 0), affine, keys)
print(json.dumps({
    "package": statmap.__file__,
    "version": version("statmap-regions"),
    "suprathreshold": int(passed.sum()),
    "sizes": np.bincount(regions.labels.ravel())[1:].tolist(),
    "style": len(asset("style.css")),
    "labels": labels_path("aal", "atlas").name,
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from what git would hold, without a way out of the machine."""
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns(".git", ".venv", ".snakemake", "results", "tests", "__pycache__", ".*_cache")
    source = shutil.copytree(ROOT, folder / "source", ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder, source], check=True)
    (path,) = folder.glob("*.whl")
    return path


def pins(path):
    """Lower-case name to what is asked of its version, for every line of a requirements file that names a package."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)([^\s;#]*)", text, re.MULTILINE))


def test_the_wheel_holds_the_package_with_what_stands_beside_its_modules_and_nothing_else(wheel):
    assert wheel.name == f"statmap_regions-{VERSION}-py3-none-any.whl"
    files = (path for path in (ROOT / "scripts/statmap").rglob("*") if path.is_file() and path.suffix != ".pyc")
    with ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {path.relative_to(ROOT / "scripts").as_posix(): path.read_bytes() for path in files}
    assert {Path(name).suffix for name in held} == {".py", ".j2", ".css", ".js", ".yaml"}


def test_it_asks_for_what_the_workflow_imports():
    """Of the same packages, the version of envs/requirements.in or a newer one."""
    needed = {name: pin for name, pin in pins("envs/requirements.in").items() if name not in OF_THE_WORKFLOW}
    asked = dict(re.fullmatch(r"([\w.-]+)(.*)", line).groups() for line in PROJECT["dependencies"])
    assert asked == {name: pin.replace("==", ">=").removesuffix(".*") for name, pin in needed.items()}
    assert "snakemake" not in asked and len(asked) > 10


@pytest.mark.slow
def test_in_an_empty_environment_it_thresholds_the_embedded_map(wheel, tmp_path, motor, variant):
    """Installed with all that it asks for, in the versions of the lock, from the index that `make install` uses."""
    locked = tmp_path / "locked.txt"
    locked.write_text("".join(f"{name}{pin}\n" for name, pin in pins("envs/requirements.lock").items()))
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", locked, wheel]
    subprocess.run(install, env=settings, check=True)
    place = tmp_path / "notebook"
    place.mkdir()
    shutil.copyfile(ROOT / "tests/calls.py", place / "calls.py")
    (place / "notebook.py").write_text(NOTEBOOK, encoding="utf-8")
    command = [python, "notebook.py", json.dumps(variant)]
    done = subprocess.run(command, cwd=place, env=settings, stdout=subprocess.PIPE, text=True, check=True)
    printed = json.loads(done.stdout)
    data, affine = motor
    passed = suprathreshold_mask(data, resolve_cutoff(data, data != 0, variant), variant["sided"])
    labels = extract_regions(np.where(passed, data, 0), affine, variant).labels
    assert Path(printed.pop("package")).is_relative_to(tmp_path / "venv")
    assert printed == {
        "version": VERSION,
        "suprathreshold": 3824,
        "sizes": np.bincount(labels.ravel())[1:].tolist(),
        "style": len((ROOT / "scripts/statmap/web/style.css").read_text(encoding="utf-8")),
        "labels": "labels_aal.csv",
    }
    assert not list((tmp_path / "venv").rglob("snakemake"))
    lines = re.search(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    (place / "page.py").write_text(lines, encoding="utf-8")
    done = subprocess.run([python, "page.py"], cwd=place, env=settings, stdout=subprocess.PIPE, text=True, check=True)
    assert "n_voxels" in done.stdout and (place / "regions.png").is_file()
