"""All uses of Snakemake's internals, where there is no documented way.

Where another version has changed them, the run goes on; each function says what is then missing.
"""

import atexit
import gc
import os
import pickle
import shlex
import shutil
import sys
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .job import Job


def config_files(workflow: Any) -> list[str | Path]:
    """The YAML files of a run's config, which are looked at once: none in a job on a cluster.

    Without: a key that is there twice is not refused.
    """
    return list(getattr(workflow, "configfiles", [])) if getattr(workflow, "is_main_process", True) else []


def is_dry_run(workflow: Any) -> bool:
    """Whether nothing will be run. Without: a dry run does not say what would fail."""
    return bool(getattr(getattr(workflow, "output_settings", None), "dryrun", False))


def lift_job_rate_limit(workflow: Any) -> None:
    """Lift the limit of jobs per second of a run on one machine, where the cores are the limit.

    With it, and so without this, a timer wakes the scheduler again and again while jobs wait for a core, and every run
    ends with a second of waiting.
    """
    scheduler: Any = getattr(workflow, "scheduler", None)
    if getattr(workflow, "local_exec", False) and hasattr(scheduler, "job_rate_limiter"):
        scheduler.job_rate_limiter = None


def prepare_snakemake(scripts: Path) -> None:
    """Change what every run would stumble over, in this process only.

    Parameters
    ----------
    scripts : folder whose scripts count by the hash of their content, a param of each rule, and not by their time.
    """
    _count_scripts_by_content(scripts)
    _let_ancient_inputs_have_any_time()
    _quote_the_interpreter()
    _write_reports_whole()
    _compare_params_without_pandas()
    _start_scripts_without_snakemake(scripts)
    atexit.register(gc.freeze)  # the process ends then: what it holds is not searched for garbage once more


def _count_scripts_by_content(scripts):
    """Give the scripts of a folder the time 0. Without: a rule whose script was touched, or checked out, runs again."""

    def time_of(original, path):
        return 0.0 if Path(path).is_relative_to(scripts) else original(path)

    _replace("snakemake.jobs", "get_script_mtime", time_of)


def _let_ancient_inputs_have_any_time():
    """Leave inputs that are `ancient` out where outputs have to be younger than inputs, and say of others what to do.

    Without: a map that is dated in the future fails, and what was made of it is removed.
    """

    async def check(original, dag, job, outputs):
        inputs = [file for file in job.input if not file.is_ancient]
        try:
            await original(dag, SimpleNamespace(input=inputs, rule=job.rule), outputs)
        except Exception as error:
            touch = "If the clock was set back, run: find results -newermt now -exec touch {} +"
            raise type(error)(f"{error}. {touch}") from None

    _replace("snakemake.dag", "DAG.check_output_mtime", check)


def _quote_the_interpreter():
    """Quote the path of Python in the command of a job. Without: a checkout in a path with a space runs nothing."""

    def execute(original, script, command, **values):
        if "py_exec" in values:
            values["py_exec"] = shlex.quote(values["py_exec"])
        return original(script, command, **values)

    _replace("snakemake.script", "PythonScript._execute_cmd", execute)


def _write_reports_whole():
    """Write a report beside its place, whose folder is made, and move it there.

    Without: a report that is killed leaves nothing in the place of the one before, and one in a folder that is not
    there fails when all else is done.
    """

    def render(original, reporter):
        settings, place = reporter.settings, reporter.settings.path
        beside = place.with_name(f".{place.name}")  # a folder: the name of a zip file is in it, too
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        settings.path = beside / place.name
        try:
            original(reporter)
            os.replace(settings.path, place)
        finally:
            settings.path = place
            shutil.rmtree(beside, ignore_errors=True)

    _replace("snakemake.report.html_reporter", "Reporter.render", render)


def _compare_params_without_pandas():
    """Ask whether a param is a table only where pandas is imported. Without: every run starts with its import."""

    def serialize(original, persistence, value):
        kind = original if "pandas" in sys.modules else type(persistence)._serialize_param_builtin
        return kind(persistence, value)

    _replace("snakemake.persistence", "PersistenceBase._serialize_param_pandas", serialize)


def _start_scripts_without_snakemake(scripts):
    """Hand the scripts of a folder their job as a `Job`.

    Without: each imports a good part of Snakemake to read it, and the run imports pandas to write it.
    """

    def preamble(original, script):
        if not Path(str(script.path)).is_relative_to(scripts):
            return original(script)
        try:
            job = Job.of(script)
        except AttributeError:
            return original(script)
        # `logging_to`, which the script calls when it has imported all it needs, looks for garbage again.
        begin = f"import gc, pickle, sys\ngc.disable()\nsys.path.insert(0, {str(scripts)!r})\n"
        return f"{begin}snakemake = pickle.loads({pickle.dumps(job)})\n"

    _replace("snakemake.script", "PythonScript.get_preamble", preamble)


def _replace(module, name, function):
    """Put a function, which takes the original first, in the place of another one, where it is there."""
    *owners, name = name.split(".")
    owner = sys.modules.get(module)
    for part in owners:
        owner = getattr(owner, part, None)
    original: Any = getattr(owner, name, None)
    if original:

        @wraps(original)
        def replacement(*arguments, **options):
            return function(original, *arguments, **options)

        setattr(owner, name, replacement)
