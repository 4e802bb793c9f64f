"""The documentation against what is there: its commands as they stand, the names it uses, the numbers it states."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from pages import ELSEWHERE, PAGES, Reader, blocks_of, prepare, prose_of
from running import REPOSITORY

from statmap.config.outcome import LARGE_REPORT
from statmap.config.schema import load, validate
from statmap.config.variants import resolve_variants
from statmap.web.tables import MOST_ROWS
from statmap.web.viewer import MOST_VOXELS

DOCS = [page for page in PAGES if page.parent == REPOSITORY / "docs"]
FOLLOWED = [page for page in PAGES if any(block.language in ("sh", "python") for block in blocks_of(page))]
SCHEMA = REPOSITORY / "config/schemas/config.schema.yaml"


def of(pages):
    return {"argvalues": pages, "ids": [page.stem for page in pages]}


@pytest.mark.slow
@pytest.mark.parametrize("page", **of(FOLLOWED))
def test_a_page_is_followed_from_top_to_bottom(page, tmp_path, host):
    """Every command ends well, and prints what the page says that it prints."""
    reader = Reader(tmp_path, host)
    prepare(tmp_path, page.read_text(encoding="utf-8"))
    for block in blocks_of(page):
        reader.follow(block)


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_runs_elsewhere_is_run_there(command):
    """By a file that says the command."""
    text = (REPOSITORY / ELSEWHERE[command]).read_text(encoding="utf-8")
    assert all(word in text for word in command.split())


def test_the_readme_is_short_and_its_contents_are_its_headings():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    contents = text.partition("**Contents:**")[2].partition("\n\n")[0]
    assert re.findall(r"\[(.*?)\]", " ".join(contents.split())) == re.findall(r"^## (.*)$", text, re.MULTILINE)


def test_the_pictures_of_the_readme_are_small():
    """Those that `make gallery` makes, no other."""
    pictures = list((REPOSITORY / "docs/images").iterdir())
    shown = re.findall(r"docs/images/([\w.]+)", (REPOSITORY / "README.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(picture.name for picture in pictures)
    assert sum(picture.stat().st_size for picture in pictures) < 600_000
    script = (REPOSITORY / "docs/gallery.py").read_text(encoding="utf-8")
    assert all(f'"{picture.stem}"' in script for picture in pictures)


@pytest.mark.parametrize("page", **of(DOCS))
def test_a_page_opens_with_whom_it_is_for_and_is_in_the_index(page):
    title, _, opening = page.read_text(encoding="utf-8").split("\n", 3)[:3]
    assert title.startswith("# ") and opening.startswith("For ")
    assert page.name == "index.md" or f"]({page.name})" in (page.parent / "index.md").read_text(encoding="utf-8")


def anchors(page):
    """The anchors that a forge gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", **of([*PAGES, REPOSITORY / "config/README.md", REPOSITORY / "results/README.md"]))
def test_anchors_lead_to_headings(page):
    for path, anchor in re.findall(r"\]\(([^)\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
        assert anchor in anchors((page.parent / path) if path else page), f"{path}#{anchor}"


def inline(page):
    """What stands in backticks outside of blocks."""
    return re.findall(r"`([^`]+)`", " ".join(prose_of(page).split()))


@pytest.mark.parametrize("page", **of(PAGES))
def test_configs_are_accepted(page):
    """Blocks of YAML, and variants in a line."""
    configs = [yaml.safe_load(block.text) for block in blocks_of(page) if block.language == "yaml"]
    configs = [config.get("statmap", config) for config in configs]
    lines = [text.replace("\\|", "|") for text in inline(page) if text.startswith("{threshold: ")]
    if lines:
        configs.append({"variants": {f"v{number}": yaml.safe_load(text) for number, text in enumerate(lines)}})
    schema, conventions = load(SCHEMA), load(SCHEMA.with_name("conventions.yaml"))
    for config in configs:
        rows = load(SCHEMA.with_name("maps.schema.yaml"))["properties"]
        keys = {key: value for key, value in config.items() if key == "map" or key not in rows}
        validate({"variants": {"v3": {"threshold": 3.0}}} | keys, SCHEMA, page.name)
        resolve_variants(keys.get("variants", {}), {}, conventions, schema)


@pytest.fixture(scope="module")
def sources():
    """All that the project, nilearn and Snakemake say, the documentation aside."""
    names = ("Snakefile", "Makefile", ".ci/run", "results/README.md", "config/README.md", "tests/benchmarks/bench.py")
    paths = [REPOSITORY / name for name in names]
    paths += [path for folder in ("scripts", "config", "profiles", "envs") for path in (REPOSITORY / folder).rglob("*")]
    nilearn, snakemake = (Path(find_spec(name).submodule_search_locations[0]) for name in ("nilearn", "snakemake"))
    paths += [nilearn / name for name in ("image/image.py", "regions/region_extractor.py", "glm/thresholding.py")]
    paths += [path for folder in ("reporting", "plotting") for path in (nilearn / folder).rglob("*.py")]
    paths += [snakemake / name for name in ("cli.py", "dag.py", "workflow.py", "exceptions.py", "benchmark.py")]
    read = (path for path in paths if path.is_file() and path.suffix not in (".pyc", ".js", ".lock", ".png"))
    return "\n".join(path.read_text(encoding="utf-8") for path in read)


# Of other packages, and nothing here says it.
OTHERS = {
    *("--thresh", "-2sided", "-1sided", "-1sided RIGHT_TAIL 3.3 -NN 1 -clust_nvox 40", "cluster -i zstat1 -t 3.1"),
    *(
        "save('SPM.mat', 'SPM', '-v7')",
        "git+file:",
        "3dClustSim",
        "~/.cache",
        "'from=[~/a.feat, ~/b.feat]'",
        "du -sh .venv",
        "report.zip",
    ),
}


def is_said(text, said):
    """Whether a name, or each part of a phrase, path or pattern, is a word of the sources."""
    if (REPOSITORY / text).exists():
        return True
    parts = re.split(r"[\s{}…*=:,()\[\]\"'/<>~]+|\\\|" + (r"|\." if "…" in text else ""), text)
    words = [part for part in parts if re.search(r"[A-Za-z]", part)]
    if "…" in text or "*" in text:
        return all(word in said for word in words)
    return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said) for word in words)


@pytest.mark.parametrize("page", **of(PAGES))
def test_names_are_those_of_the_sources(page, sources):
    """Every file, key, column, option and message in backticks, in its parts where `…` stands for something."""
    said = "\n".join([sources, *(block.text for block in blocks_of(page))])
    named = [text for text in inline(page) if not text.startswith(("{threshold: ", "tests/")) and text not in OTHERS]
    assert [text for text in named if re.search("[A-Za-df-z]", text) and not is_said(text, said)] == []


@pytest.mark.parametrize("page", **of(PAGES))
def test_tests_that_are_named_exist_and_have_the_precision_that_is_stated(page):
    for line in page.read_text(encoding="utf-8").splitlines():
        for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", line):
            text = (REPOSITORY / path).read_text(encoding="utf-8")
            tests = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
            assert name in tests, line
            for precision in re.findall(r"`(\de-\d+)`", line):
                assert precision in ast.get_source_segment(text, tests[name]), line


def declared():
    """Numbers that are declared: versions, neighbours, limits of pages, the number of the example's map."""
    lock = (REPOSITORY / "envs/requirements.lock").read_text(encoding="utf-8")
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    versions = re.findall(r"^nilearn==([\d.]+)", lock, re.MULTILINE) + re.findall(
        r'requires-python = ">=([\d.]+)"', text
    )
    neighbours = load(SCHEMA)["$defs"]["variant"]["properties"]["connectivity"]["enum"]
    sheet = (REPOSITORY / "config/maps.tsv").read_text(encoding="utf-8")
    limits = [f"{limit:,}" for limit in (MOST_ROWS, MOST_VOXELS, LARGE_REPORT // 10**6)]
    return {*versions, *map(str, neighbours), *limits, *re.findall(r"image (\d+)", sheet)}


@pytest.mark.parametrize("page", **of([page for page in PAGES if page.stem not in ("speed", "promises")]))
def test_numbers_are_printed_beside_them(page):
    """A number of the prose stands in a block, or in what is typed, on the same page."""
    prose = re.sub(
        r"`[^`]+`|\]\([^)]*\)|https?://\S+|^#.*$|(?<=[a-z.] )(19|20)\d\d(?=[);])",
        "",
        prose_of(page),
        flags=re.MULTILINE,
    )
    typed = " ".join([*(block.text for block in blocks_of(page)), *inline(page)])
    known = declared() | set(re.findall(r"\d[\d,.]*\d|\d", typed))
    numbers = re.findall(r"(?<![\w.-])(?:\d[\d,.]*\d|\d)(?![\w-])", prose)
    assert [number for number in numbers if number not in known] == []
