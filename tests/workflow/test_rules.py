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
from docutils.core import publish_string
from parsed_workflow import any_job_of, parse
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
    names = ["fetch_map", "fetch_atlas", "threshold_map", "extract_regions", "tabulate_regions"]
    assert list(rules)[:5] == names and len(rules) >= 12
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
    files = files_by_name(getattr(any_job_of(rules[rule]), keyword))
    # What these read and write are no results: one removes them, the other stands before them.
    assert bool(files) == (rule not in ("prune", "start_study"))
    assert None not in files or len(files) == 1, "some have names, some have none"
    for paths in files.values():
        assert max(Counter(Path(path).parts[-3:] for path in paths).values(), default=1) == 1, paths
    if keyword == "input" and "map" in files:
        assert files["map"] == [f"results/maps/one{end}" for end in (".nii.gz", "_mask.nii.gz", ".json")]
    if "atlas_labels" in files:
        assert len(files["atlas_labels"]) == len(any_job_of(rules[rule]).params.atlas_spaces)


@pytest.mark.parametrize("rule", WITH_SCRIPT)
def test_a_script_takes_no_file_by_a_number(rule):
    for node in ast.walk(ast.parse((SCRIPTS / f"{rule}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).startswith(("snakemake.input", "snakemake.out")):
            pytest.fail(ast.unparse(node))


@pytest.mark.parametrize("rule", WITH_SCRIPT)
def test_files_from_elsewhere_count_by_their_content(rules, rule):
    """And not by the times that Snakemake looks at; what is made here counts by them."""
    job = any_job_of(rules[rule])
    elsewhere = [path for path in job.input if not path.startswith("results/")]
    assert elsewhere == job.ancient
    assert sorted(job.params.get("content", [])) == sorted(map(sha256_of, elsewhere))


def test_every_kind_of_file_from_elsewhere_is_read_by_some_rule(rules):
    """So that the test above has something to look at."""
    read = {Path(path).name.split(".")[0] for rule in WITH_SCRIPT for path in any_job_of(rules[rule]).input}
    assert read >= {"map", "mask", "values", "residuals", "atlas", "labels", "table", "template"}


@pytest.mark.parametrize("rule", WITH_SCRIPT)
def test_captions_are_there_and_say_what_their_rule_knows(rules, rule):
    """What a caption asks for and its rule does not have would end the report."""
    job = any_job_of(rules[rule])
    job.wildcards = SimpleNamespace(**dict(job.wildcards.items()), region="001")  # of a folder of pages
    reports = [get_flag_value(file, "report") for file in rules[rule].output if is_flagged(file, "report")]
    for caption in {str(REPOSITORY / report.caption.get_path_or_uri(secret_free=True)) for report in reports}:
        text = Path(caption).read_text(encoding="utf-8")
        words = jinja2.Template(text, undefined=jinja2.StrictUndefined).render(snakemake=job).strip()
        assert words, caption
        warning = 2  # docutils would write it to stderr and go on
        publish_string(words, writer="html", settings_overrides={"halt_level": warning, "report_level": warning})


def test_every_figure_that_can_be_asked_for_is_in_the_report(rules):
    outputs = [file for name in ("plot_variants", "plot_sweep") for file in rules[name].output]
    shown = {Path(file).stem for file in outputs if is_flagged(file, "report")}
    assert shown == CAPTIONS.keys()


def test_pages_of_regions_are_in_the_report_where_they_are_asked_for(rules, tmp_path):
    def in_report(rule):
        return {Path(file).stem for file in rule.output if is_flagged(file, "report")}

    (tmp_path / "maps.tsv").write_text("map\tsource\nmotor\tsample:motor\n", encoding="utf-8")
    by_default = parse(tmp_path, {"maps": "maps.tsv"})["plot_variants"]
    assert in_report(rules["plot_variants"]) - in_report(by_default) >= {"pages"}
    assert "pages" not in in_report(by_default) and "pages" in {Path(file).name for file in by_default.output}


def test_no_script_without_a_rule(rules):
    assert [name for name, rule in rules.items() if rule.script] == [name for name in rules if name != "all"]


def test_nothing_runs_outside_a_script(rules, compiled):
    for rule in rules.values():
        assert not rule.is_run and not rule.is_checkpoint and rule.shellcmd is None, rule.name
        assert rule.wrapper is rule.cwl is rule.notebook is None, rule.name
    assert not [ast.unparse(node) for node in ast.walk(compiled) if isinstance(node, ast.Lambda)]


def test_scripts_do_not_read_the_config():
    for rule in WITH_SCRIPT:
        text = (SCRIPTS / f"{rule}.py").read_text(encoding="utf-8")
        assert "snakemake.config" not in text and "def main(" in text and text.startswith(f'"""Rule {rule}: ')


def test_snakemake_lint_is_clean(tmp_path):
    run("snakemake", "--snakefile", SNAKEFILE, "--directory", tmp_path, "--lint")


def test_snakefmt_is_clean():
    pytest.importorskip("snakefmt")
    run("snakefmt", "--check", SNAKEFILE)


def test_the_workflow_runs_without_a_way_out():
    """As every test here runs it: a socket of any Python below it connects to this machine only."""
    code = "import socket; socket.create_connection(('0.0.0.0', 9))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | OFFLINE, capture_output=True, text=True, check=False
    )
    assert "no connection to 0.0.0.0: the tests of the workflow are offline" in done.stderr
