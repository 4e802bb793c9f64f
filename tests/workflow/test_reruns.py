"""What runs again when something changes, and what does not."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
import yaml
from parsed_workflow import any_job_of
from running import REPOSITORY, plan, planned, provenance_triggered, succeed

from statmap.config.rerun import code_hash, files_of

SCRIPTS = REPOSITORY / "scripts"
RULES = sorted(path.stem for path in SCRIPTS.glob("*.py"))
MODULES = sorted(
    ".".join(path.relative_to(SCRIPTS / "statmap").with_suffix("").parts)
    for path in (SCRIPTS / "statmap").rglob("*.py")
    if path.stem != "__init__"
)
ROOMS = sorted({module.split(".")[0] for module in MODULES if "." in module})

# The rules that a rule reads the outputs of.
READS = {
    "threshold_map": {"fetch_map"},
    "extract_regions": {"threshold_map"},
    "tabulate_regions": {"fetch_map", "fetch_atlas", "threshold_map", "extract_regions"},
    "plot_variants": {"fetch_map", "threshold_map", "extract_regions", "tabulate_regions"},
    "show_map": {"fetch_map", "threshold_map", "extract_regions", "tabulate_regions", "plot_variants"},
    "view_map": {"fetch_map", "fetch_atlas", "threshold_map", "extract_regions", "tabulate_regions"},
    "summarise": {
        "fetch_map",
        "fetch_atlas",
        "threshold_map",
        "extract_regions",
        "tabulate_regions",
    },
}
FETCHED = {"fetch_map", "fetch_atlas"}
# What runs for one map, from a step on.
SHOWN = {"show_map": 1, "view_map": 1, "summarise": 1}
DRAWN = {"plot_variants": 1} | SHOWN
FROM_TABLES = {"tabulate_regions": 1} | DRAWN
FROM_REGIONS = {"extract_regions": 1} | FROM_TABLES
FROM_THRESHOLD = {"threshold_map": 1} | FROM_REGIONS
EXAMPLE = yaml.safe_load((REPOSITORY / "config/example.yaml").read_text(encoding="utf-8"))


def change(variant="value-3.0", **keys):
    """The example with other keys of one variant."""
    variants = EXAMPLE["variants"]
    return {"variants": variants | {variant: variants[variant] | keys}}


def jobs_of(output):
    """What a dry run says of each job; the reasons beside them name other files."""
    return "\n".join(line for line in output.splitlines() if line.startswith("Job "))


def test_rules_read_what_the_table_says(rules):
    """Published tables, sweeps and shared colour limits aside, which the example has not."""
    for name in READS:
        made = [path for path in any_job_of(rules[name]).input if path.startswith("results/")]
        read = {other for path in made for other, rule in rules.items() if any(o.match(path) for o in rule.output)}
        assert read - {"check_published", "plot_sweep", "limit_colours"} == READS[name], name


def test_a_second_run_does_nothing(changed):
    assert "Nothing to be done" in succeed(changed)


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        pytest.param(
            {"variants": EXAMPLE["variants"] | {"new": {"threshold": 4.5}}}, FROM_THRESHOLD, id="variant added"
        ),
        pytest.param(change(min_region_size=600), FROM_REGIONS, id="smallest region"),
        pytest.param(change(threshold=3.5), FROM_THRESHOLD, id="threshold", marks=pytest.mark.slow),
        pytest.param(change(max_peaks=2), FROM_TABLES, id="peaks"),
        pytest.param({"write_4d": False}, {}, id="4D images left out"),
        pytest.param({"max_pages": 1}, {"plot_variants": 1, "show_map": 1}, id="fewer pages", marks=pytest.mark.slow),
        # The other page has a link to it.
        pytest.param({"html": ["view"]}, {"view_map": 1, "summarise": 1}, id="a page left out", marks=pytest.mark.slow),
        pytest.param({"compare": False}, {"plot_variants": 1, "show_map": 1, "summarise": 1}, id="no comparison"),
        pytest.param({"template": None}, DRAWN, id="template left out"),
        pytest.param(change(signs="split"), FROM_THRESHOLD, id="signs", marks=pytest.mark.slow),
        pytest.param(
            {"sweep": {"thresholds": [2, 3]}},
            {"sweep_map": 1, "plot_sweep": 1, "show_map": 1},
            id="sweep added",
            marks=pytest.mark.slow,
        ),
        pytest.param({"figure_formats": ["png", "svg"]}, {"plot_variants": 1, "show_map": 1}, id="format added"),
    ],
)
def test_a_change_of_the_config_runs_what_depends_on_it(changed, overlay, expected):
    assert planned(succeed(changed, "--dry-run", config=overlay)) == expected


def test_a_map_added_runs_only_what_is_new(changed):
    sheet = (REPOSITORY / "config/maps.tsv").read_text(encoding="utf-8")
    header, row = sheet.splitlines()[:2]
    (changed / "maps.tsv").write_text(f"{header}\n{row}\n{row.replace('motor', 'second', 1)}\n", encoding="utf-8")
    output = succeed(changed, "--dry-run", config={"maps": "maps.tsv"})
    assert planned(output) == FROM_THRESHOLD | {"fetch_map": 1, "compare_maps": 1}
    assert "motor" not in jobs_of(output)


@pytest.mark.slow
def test_a_file_of_the_sheet_that_changes_is_fetched_again(tmp_path, motor_path):
    """New bytes count; a new date alone does not, of however large a file, and be it in the future."""
    shutil.copyfile(motor_path, tmp_path / "own.nii.gz")
    (tmp_path / "maps.tsv").write_text("map\tsource\nown\town.nii.gz\n", encoding="utf-8")
    target, settings = "results/maps/own.json", {"config": {"maps": "maps.tsv"}}
    assert planned(succeed(tmp_path, target, **settings)) == {"fetch_map": 1}
    os.utime(tmp_path / "own.nii.gz", (time.time() + 10**7,) * 2)
    assert plan(tmp_path, target, "--max-checksum-file-size", "0", **settings) == {}
    assert planned(succeed(tmp_path, target, "--forcerun", "fetch_map", **settings)) == {"fetch_map": 1}
    assert plan(tmp_path, target, **settings) == {}
    (tmp_path / "own.nii.gz").write_bytes(motor_path.read_bytes() + b"\0")
    assert plan(tmp_path, target, **settings) == {"fetch_map": 1}


# ------------------------------------------------------------------------------------------------------------- the code
IMPORTED = """
import dis, importlib, json, sys, types

def codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)

def loaded():
    return {name for name in sys.modules if name.startswith("statmap.")}

found = {}
sys.path.insert(0, sys.argv[1])
for rule in sys.argv[2:]:
    importlib.import_module(rule)
    at_once, done, todo = loaded(), set(), {rule} | loaded()
    while todo:  # what functions import when they are called
        for module in todo:
            for code in codes(sys.modules[module].__spec__.loader.get_code(module)):
                steps = list(dis.get_instructions(code))
                for n, step in enumerate(steps):
                    if step.opname == "IMPORT_NAME":
                        level, names = steps[n - 2].argval, steps[n - 1].argval
                        if level or step.argval.split(".")[0] == "statmap":
                            __import__(step.argval, vars(sys.modules[module]), None, names, level)
        done |= todo
        todo = loaded() - done
    found[rule] = [sorted(at_once), sorted(loaded())]
    for name in ["statmap", rule, *loaded()]:
        del sys.modules[name]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def imported():
    """Of each rule's script, by really importing it: modules of statmap there at once, and with those that wait."""
    command = [sys.executable, "-c", IMPORTED, SCRIPTS, *RULES]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout)
    modules = {
        rule: [{name.removeprefix("statmap.") for name in names} - set(ROOMS) for names in both]
        for rule, both in found.items()
    }
    assert all(names <= set(MODULES) for both in modules.values() for names in both)
    return modules


@pytest.fixture(scope="module")
def needed(imported):
    return {rule: everything for rule, (_, everything) in imported.items()}


@pytest.mark.parametrize("rule", RULES)
def test_the_modules_of_a_rule_are_its_imports(rule, needed):
    listed = files_of(rule, SCRIPTS)
    assert listed == sorted(listed)
    modules = {path.removeprefix("statmap/").removesuffix(".py").replace("/", ".") for path in listed}
    rooms = {module.split(".")[0] for module in needed[rule]} & set(ROOMS)
    packages = {"__init__"} | {f"{room}.__init__" for room in rooms}
    assert {name for name in modules if not name.endswith((".css", ".js", ".j2", ".yaml"))} == needed[rule] | packages


def test_imports_that_wait_are_found(imported):
    at_once, everything = imported["extract_regions"]
    walkers = {f"regions.{name}" for name in ("nilearn_walker", "random_walker", "seeds")}
    significance = {f"inference.{name}" for name in ("region_statistics", "random_field", "statistics", "smoothness")}
    assert everything - at_once == walkers | significance | {"io.samples"}


def test_every_module_has_a_user_and_a_room_itself_holds_no_code(needed):
    # Only the Snakefile uses them, and `start_study`, which makes ids that the sheet accepts. `docs` writes tables
    # of the documentation, `interface` is for notebooks.
    parsed = {module for module in MODULES if module.startswith("config.")} | {"docs", "interface"}
    assert set().union(*needed.values()) | parsed >= set(MODULES)
    assert not any(parsed & modules for rule, modules in needed.items() if rule != "start_study")
    for package in (SCRIPTS / "statmap").glob("*/**/__init__.py"):
        assert package.read_text(encoding="utf-8").split('"""')[2].strip() == "", package


def test_editing_a_module_changes_the_hash_of_the_rules_that_need_it_and_of_no_other(tmp_path, needed):
    scripts = shutil.copytree(SCRIPTS, tmp_path / "scripts")
    before = {rule: code_hash(rule, scripts) for rule in RULES}
    assert before == {rule: code_hash(rule, SCRIPTS) for rule in RULES}
    for module in MODULES:
        path = scripts / "statmap" / f"{module.replace('.', '/')}.py"
        content = path.read_bytes()
        path.write_bytes(content + b"# an edit\n")
        changed = {rule for rule in RULES if code_hash(rule, scripts) != before[rule]}
        assert changed == {rule for rule in RULES if module in needed[rule]}, module
        path.write_bytes(content)
        path.touch()
        assert {rule: code_hash(rule, scripts) for rule in RULES} == before, module


@pytest.fixture
def checkout(elsewhere, tmp_path):
    """A checkout to edit, and the folder with its results."""
    repository, folder = elsewhere
    # copytree keeps the dates: a script younger than its outputs would run again.
    return shutil.copytree(repository, tmp_path / "checkout"), shutil.copytree(folder, tmp_path / "folder")


def dry_run(checkout):
    repository, folder = checkout
    return succeed(folder, "--dry-run", repository=repository)


def test_another_checkout_of_the_same_code_runs_nothing(example, elsewhere):
    assert plan(example, repository=elsewhere[0]) == {}


FAST = ["regions.peaks", "regions.random_walker"]


@pytest.mark.parametrize("module", FAST + [pytest.param(m, marks=pytest.mark.slow) for m in MODULES if m not in FAST])
def test_editing_a_module_runs_its_rules(checkout, needed, module):
    path = checkout[0] / "scripts/statmap" / f"{module.replace('.', '/')}.py"
    content = path.read_bytes()
    path.write_bytes(content + b"# an edit\n")
    used = {rule for rule in READS.keys() | FETCHED if module in needed[rule]}
    expected = set(used)
    for rule, read in READS.items():  # in the order of the workflow
        expected |= {rule} if read & expected else set()
    output = dry_run(checkout)
    assert set(planned(output)) == expected
    assert provenance_triggered(output) <= used
    path.write_bytes(content)
    path.touch()
    assert planned(dry_run(checkout)) == {}


def test_editing_a_script_runs_its_rule(checkout):
    path = checkout[0] / "scripts/show_map.py"
    path.write_bytes(path.read_bytes() + b"# an edit\n")
    assert planned(dry_run(checkout)) == {"show_map": 1}


def test_time_alone_runs_nothing(checkout):
    """As after another branch was checked out, and this one again."""
    for path in checkout[0].rglob("*"):
        os.utime(path, (time.time() + 100,) * 2)
    assert planned(dry_run(checkout)) == {}
