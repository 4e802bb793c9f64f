"""The Snakefile and its scripts keep one form, so that each rule can be read alone."""

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
from parsed_workflow import any_job_of
from running import OFFLINE, REPOSITORY
from snakemake.io import get_flag_value, is_flagged

from statmap.config.rerun import code_hash
from statmap.figures.captions import CAPTIONS
from statmap.io.files import sha256_of

SNAKEFILE, SCRIPTS = REPOSITORY / "Snakefile", REPOSITORY / "scripts"
WITH_SCRIPT = sorted(path.stem for path in SCRIPTS.glob("*.py"))
# Downloads and pages of text: nothing to measure.
NOT_MEASURED = {"fetch_map", "fetch_atlas", "summarise", "prune", "start_study"}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The Python that Snakemake makes of the Snakefile, whatever of it a config asks for, as a tree."""
    where = ("--snakefile", SNAKEFILE, "--directory", tmp_path_factory.mktemp("compiled"))
    return ast.parse(run("snakemake", "--print-compilation", *where))


def run(*command):
    """Run a Python tool, which must not complain; what it prints."""
    command = [sys.executable, "-m", *command]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_by_name(files):
    """Files of a rule by name; under None those that have no name."""
    by_name = {}
    for name, file in files._allitems():
        by_name.setdefault(name, []).extend([file] if isinstance(file, str) else file)
    return by_name


def test_the_rules_are_found(rules, compiled):
    """`rules` has them all, those too that stand in an `if`."""
    names = ["all", "fetch_map", "fetch_atlas", "threshold_map", "extract_regions", "tabulate_regions"]
    assert list(rules)[:6] == names and len(rules) >= 12
    decorators = [ast.unparse(node) for node in ast.walk(compiled) if isinstance(node, ast.Call)]
    assert len(rules) == len([call for call in decorators if re.match(r"workflow\.(rule|checkpoint)\(", call)])
    assert sorted(rules) == sorted(["all", *WITH_SCRIPT])


@pytest.mark.parametrize("rule", ["all", *WITH_SCRIPT])
def test_a_rule_says_what_it_does_first(rules, rule):
    assert re.fullmatch(r'[A-Z][^"]+[.]', rules[rule].docstring)


@pytest.mark.parametrize("rule", WITH_SCRIPT)
def test_a_rule_has_all_its_parts(rules, rule):
    parsed = rules[rule]
    assert parsed.script == f"scripts/{rule}.py" and (SCRIPTS / f"{rule}.py").is_file()
    (log,) = parsed.log
    assert log.startswith(f"results/logs/{rule}")
    assert parsed.conda_env == "envs/environment.yaml" and (REPOSITORY / parsed.conda_env).is_file()
    assert any_job_of(parsed).params.code == code_hash(rule, SCRIPTS)
    assert bool(parsed.benchmark) == (rule not in NOT_MEASURED)
    assert not parsed.benchmark or parsed.benchmark.startswith(f"results/benchmarks/{rule}")


@pytest.mark.parametrize("rule", WITH_SCRIPT)
@pytest.mark.parametrize("keyword", ["input", "output"])
def test_no_file_is_known_by_its_place_in_a_list(rules, rule, keyword):
    """A file has a name of its own or is one of a list, in which no two have the same folder, map and name.

    The three files of a map are listed in the order of `MapFiles`, the label tables in that of the atlases.
    """
    files = of_names(getattr(any_job_of(rules[rule]), keyword))
    # What these read and write are no results: one removes them, the other stands before them.
    assert bool(files) == (rule not in ("prune", "start_study"))
