"""What is asked of Snakemake's internals; `tests/workflow/test_internals.py` asks the version that is installed."""

import ast
import asyncio
import shlex
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, Wildcards
from snakemake.settings.types import OutputSettings

from statmap.config import internals
from statmap.config.internals import config_files, is_dry_run, lift_job_rate_limit, prepare_snakemake


def workflow(**attributes):
    """As much of a workflow as is asked for, with the settings class of the installed version."""
    return SimpleNamespace(**attributes)


def test_config_files_are_those_of_the_main_process():
    assert config_files(workflow(is_main_process=True, configfiles=["a.yaml"])) == ["a.yaml"]
    assert config_files(workflow(is_main_process=False, configfiles=["a.yaml"])) == []


def test_settings():
    assert is_dry_run(workflow(output_settings=OutputSettings(dryrun=True)))
    assert not is_dry_run(workflow(output_settings=OutputSettings()))


@pytest.mark.parametrize("local", [True, False])
def test_the_limit_of_jobs_a_second_goes_on_one_machine_only(local):
    scheduler = SimpleNamespace(job_rate_limiter="limit")
    lift_job_rate_limit(workflow(local_exec=local, scheduler=scheduler))
    assert scheduler.job_rate_limiter == (None if local else "limit")


def test_a_snakemake_that_has_none_of_it_runs_on():
    other = workflow()
    assert (config_files(other), is_dry_run(other)) == ([], False)
    lift_job_rate_limit(other)
    lift_job_rate_limit(workflow(local_exec=True, scheduler=None))
    lift_job_rate_limit(workflow(local_exec=True, scheduler=(empty := SimpleNamespace())))
    assert vars(other) == vars(empty) == {}


@pytest.fixture
def prepared(monkeypatch):
    """Modules like those of Snakemake, changed."""

    class DAG:
        async def check_output_mtime(self, job, outputs):
            if job.input:
                raise ValueError(f"{outputs[0]} is older than {job.input[0].name} ({job.rule})")

    class PythonScript:
        def _execute_cmd(self, command, **values):
            return command.format(**values)

        def get_preamble(self):
            return "Snakemake's own"

    class Reporter:
        def __init__(self, path, content):
            self.settings, self.content = SimpleNamespace(path=path), content

        def render(self):
            self.settings.path.write_text("half")
            if not self.content:
                raise KeyboardInterrupt
            self.settings.path.write_text(f"{self.content} in {self.settings.path.stem}")

    class PersistenceBase:
        def _serialize_param_builtin(self, value):
            return f"builtin {value}"

        def _serialize_param_pandas(self, value):
            return f"pandas {value}"

    modules = {
        "jobs": SimpleNamespace(get_script_mtime=lambda path: 5.0),
        "dag": SimpleNamespace(DAG=DAG),
        "script": SimpleNamespace(PythonScript=PythonScript),
        "report.html_reporter": SimpleNamespace(Reporter=Reporter),
        "persistence": SimpleNamespace(PersistenceBase=PersistenceBase),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, f"snakemake.{name}", module)
    prepare_snakemake(Path("/checkout/scripts"))
    time_of = modules["jobs"].get_script_mtime
    return SimpleNamespace(
        time_of=time_of,
        dag=DAG(),
        script=PythonScript(),
        Reporter=Reporter,
        persistence=PersistenceBase(),
    )


def test_scripts_of_the_workflow_have_no_time_and_others_have_theirs(prepared):
    assert prepared.time_of("/checkout/scripts/show_map.py") == 0
    assert prepared.time_of("/checkout/scripts2/show_map.py") == prepared.time_of("/other.py") == 5


def test_what_is_ancient_may_be_younger_than_what_is_made_of_it(prepared):
    def check(*ancient):
        files = [SimpleNamespace(name=f"in{n}", is_ancient=one) for n, one in enumerate(ancient)]
        job = SimpleNamespace(input=files, rule="the_rule")
        return asyncio.run(prepared.dag.check_output_mtime(job, ["out"]))

    assert check() is check(True, True) is None
    advice = "^out is older than in1 .the_rule.. If the clock was set back, run: find results -newermt now -exec touch"
    with pytest.raises(ValueError, match=advice):
        check(True, False)


@pytest.mark.parametrize("python", ["/usr/bin/python", "/my own/it's/python", "/a;$b(c)/python"])
def test_the_interpreter_is_quoted(prepared, python):
    command = prepared.script._execute_cmd("{py_exec} 'script.py'", py_exec=python)
    assert shlex.split(command) == [python, "script.py"]
    assert prepared.script._execute_cmd("Rscript {fname}", fname="a b") == "Rscript a b"


@pytest.mark.parametrize("name", ["report.html", "report.zip"])
def test_a_report_that_is_killed_leaves_the_one_before(prepared, tmp_path, name):
    path = tmp_path / "not/there" / name
    for content in ("first", "", "second"):
        reporter = prepared.Reporter(path, content)
        with suppress(KeyboardInterrupt):
            reporter.render()
        assert path.read_text() == f"{content or 'first'} in report"
        assert reporter.settings.path == path and list(path.parent.iterdir()) == [path]


def test_a_report_goes_on_from_one_that_was_killed_on_the_spot(prepared, tmp_path):
    """Nothing of it is tidied up then."""
    (tmp_path / ".report.html").mkdir()
    (tmp_path / ".report.html/report.html").write_text("half")
    prepared.Reporter(tmp_path / "report.html", "whole").render()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_script_of_the_workflow_reads_its_job_without_snakemake(prepared):
    """All that Snakemake's object offers by name or by place, to a process that cannot import it."""
    given = {
        "input": InputFiles(fromdict={"image": "a.nii.gz", "tables": "t.csv"}),
        "output": OutputFiles(toclone=["o1", "o2", "o3"]),
        "params": Params(fromdict={"rule": {"sided": "two"}, "smoothness": None, "maps": ["a", "b"]}),
        "wildcards": Wildcards(fromdict={"map": "motor"}),
        "log": Log(toclone=["it's a log"]),
    }
    given["output"]._set_name("figures", 1, end=3)
    script = prepared.script
    vars(script).update(given, path="/checkout/scripts/show_map.py")
    reads = """
        assert "snakemake" not in sys.modules and sys.path[0] == "/checkout/scripts", sys.path
        print(repr([snakemake.input, snakemake.input.image, dict(snakemake.input.items()), snakemake.output,
            snakemake.output.figures, snakemake.params.rule, snakemake.params.smoothness, snakemake.params.maps,
            snakemake.wildcards.map, snakemake.log[0], str(snakemake.output)]))
    """
    done = subprocess.run(
        [sys.executable, "-c", script.get_preamble() + textwrap.dedent(reads)],
        env={"PYTHONPATH": str(Path(internals.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    named = {"image": "a.nii.gz", "tables": "t.csv"}
    params = {"sided": "two"}, None, ["a", "b"]
    files = [[*named.values()], "a.nii.gz", named, ["o1", "o2", "o3"], ["o2", "o3"]]
    assert ast.literal_eval(done.stdout) == [*files, *params, "motor", "it's a log", "o1 o2 o3"]


def test_other_scripts_start_as_they_did(prepared):
    vars(prepared.script).update(path="/elsewhere/show_map.py")
    assert prepared.script.get_preamble() == "Snakemake's own"
    vars(prepared.script).update(
        path="/checkout/scripts/show_map.py"
    )  # of a version that names nothing as this one does
    assert prepared.script.get_preamble() == "Snakemake's own"


@pytest.mark.parametrize("imported", [True, False])
def test_params_are_looked_at_without_an_import_of_pandas(prepared, monkeypatch, imported):
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    if imported:
        monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(name="pandas"))
    assert prepared.persistence._serialize_param_pandas(3) == ("pandas 3" if imported else "builtin 3")
    assert ("pandas" in sys.modules) == imported


def test_another_snakemake_is_left_as_it_is(monkeypatch):
    for name in ("jobs", "dag", "script", "report.html_reporter", "persistence"):
        monkeypatch.setitem(sys.modules, f"snakemake.{name}", (empty := SimpleNamespace()))
        prepare_snakemake(Path("/checkout/scripts"))
        assert not vars(empty)
        monkeypatch.delitem(sys.modules, f"snakemake.{name}")
    prepare_snakemake(Path("/checkout/scripts"))
