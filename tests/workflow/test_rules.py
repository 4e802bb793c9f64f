"""The Snakefile and its scripts keep one form, so that each rule can be read alone."""

import os
import re
import subprocess
import sys
import textwrap

import pytest
from running import OFFLINE, REPOSITORY

TEXT = (REPOSITORY / "Snakefile").read_text(encoding="utf-8")
# Some rules stand in an `if`: what is not asked for has no rule.
BLOCKS = re.findall(r"^( *)rule (\w+):\n((?:\1    .*\n|\n(?=\n*\1    ))+)", TEXT, re.MULTILINE)
RULES = {name: textwrap.indent(textwrap.dedent(text), "    ") for _, name, text in BLOCKS}
WITH_SCRIPT = sorted(set(RULES) - {"all"})
# Downloads and pages of text: nothing to measure.
NOT_MEASURED = {"fetch_map", "fetch_atlas", "summarise", "prune", "start_study"}


def block(rule, keyword):
    """What a rule says under a keyword, '' where it has none."""
    found = re.search(rf"^    {keyword}:(.*\n(?:        .*\n)*)", RULES[rule], re.MULTILINE)
    return found[1] if found else ""


def test_the_rules_are_found():
    names = ["all", "fetch_map", "fetch_atlas", "threshold_map", "extract_regions", "tabulate_regions"]
    assert list(RULES)[:6] == names and len(RULES) >= 12
    assert len(RULES) == len(re.findall(r"^ *(?:rule|checkpoint) ", TEXT, re.MULTILINE))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_what_it_does_first(rule):
    assert re.match(r'    """[A-Z][^"]+[.]"""\n', RULES[rule])


@pytest.mark.parametrize("rule", WITH_SCRIPT)
def test_a_rule_has_all_its_parts(rule):
    assert block(rule, "script").split() == [f'"scripts/{rule}.py"']
    assert (REPOSITORY / "scripts" / f"{rule}.py").is_file()
    assert f'"results/logs/{rule}' in block(rule, "log")
    assert '"envs/environment.yaml"' in block(rule, "conda")
    assert f'code=code_hash("{rule}", SCRIPTS)' in block(rule, "params")
    assert bool(block(rule, "benchmark")) == (rule not in NOT_MEASURED)
    assert not block(rule, "benchmark") or f'"results/benchmarks/{rule}' in block(rule, "benchmark")


@pytest.mark.parametrize("rule", WITH_SCRIPT)
@pytest.mark.parametrize("keyword", ["input", "output"])
def test_inputs_and_outputs_have_names(rule, keyword):
    first_level = re.findall(r"^        (?=\S)(?![\])])(.*)$", block(rule, keyword), re.MULTILINE)
    # What these read and write are no results: one removes them, the other stands before them.
    assert bool(first_level) == (rule not in ("prune", "start_study"))
    assert all(re.match(r"\w+=", line) for line in first_level)


@pytest.mark.parametrize("rule", WITH_SCRIPT)
def test_files_from_elsewhere_count_by_their_content(rule):
    """Snakemake looks at their times only. Residuals may be gigabytes, and are left to it."""
    elsewhere = r"study[.](?:template\w*|labels|atlas_file_of|table_of|peaks_of|files_of[(][^)]*[)])"
    read = set(re.findall(elsewhere, block(rule, "input"))) - {'study.files_of("residuals")'}
    assert read == set(re.findall(elsewhere, block(rule, "params")))


def test_no_script_without_a_rule():
    assert sorted(path.stem for path in (REPOSITORY / "scripts").glob("*.py")) == WITH_SCRIPT


def test_nothing_runs_outside_a_script():
    assert not re.findall(r"^ +(?:run|shell):|^ *checkpoint |lambda", TEXT, re.MULTILINE)


def test_scripts_do_not_read_the_config():
    for rule in WITH_SCRIPT:
        text = (REPOSITORY / "scripts" / f"{rule}.py").read_text(encoding="utf-8")
        assert "snakemake.config" not in text and "def main(" in text and text.startswith(f'"""Rule {rule}: ')


def test_snakemake_lint_is_clean(tmp_path):
    command = [sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--directory", tmp_path]
    done = subprocess.run([*command, "--lint"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_snakefmt_is_clean():
    pytest.importorskip("snakefmt")
    command = [sys.executable, "-m", "snakefmt", "--check", REPOSITORY / "Snakefile"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_the_workflow_runs_without_a_way_out():
    """As every test here runs it: a socket of any Python below it connects to this machine only."""
    code = "import socket; socket.create_connection(('0.0.0.0', 9))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | OFFLINE, capture_output=True, text=True, check=False
    )
    assert "no connection to 0.0.0.0: the tests of the workflow are offline" in done.stderr
