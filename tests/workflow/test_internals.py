"""The installed Snakemake has what is asked of its internals: an update that moves it fails here, not in silence."""

import re
import textwrap

import pytest
from running import REPOSITORY, run_snakemake

SNAKEFILE = f"""
    import sys
    from operator import attrgetter

    sys.path.insert(0, "{REPOSITORY}/scripts")

    from statmap.config.internals import config_files, is_dry_run, lift_job_rate_limit, prepare_snakemake

    prepare_snakemake(sys.path[0])
    for module, name in [
        ("jobs", "get_script_mtime"),
        ("dag", "DAG.check_output_mtime"),
        ("script", "PythonScript._execute_cmd"),
        ("report.html_reporter", "Reporter.render"),
        ("persistence", "PersistenceBase._serialize_param_pandas"),
        ("script", "PythonScript.get_preamble"),
    ]:
        found = attrgetter(name)(sys.modules[f"snakemake.{{module}}"])
        print("replaced:", name, found.__wrapped__.__name__, found.__globals__["__name__"])
    print("asked:", *config_files(workflow), is_dry_run(workflow))


    rule all:
        output:
            "done.txt",
        shell:
            "touch {{output}}"


    onstart:
        limited = workflow.scheduler.job_rate_limiter is not None
        lift_job_rate_limit(workflow)
        print("limited:", limited, workflow.scheduler.job_rate_limiter is not None)
"""


def test_a_run_is_asked(tmp_path):
    (tmp_path / "Snakefile").write_text(textwrap.dedent(SNAKEFILE), encoding="utf-8")
    settings = {"config": {"key": 1}, "repository": tmp_path}
    overlay = tmp_path / "overlay.yaml"
    assert f"asked: {overlay} True" in run_snakemake(tmp_path, "--dry-run", **settings).stdout
    output = run_snakemake(tmp_path, "--quiet", "all", **settings).stdout
    assert re.findall(r"replaced: ([\w.]+) .* statmap.config.internals", output) == [
        *("get_script_mtime", "DAG.check_output_mtime", "PythonScript._execute_cmd", "Reporter.render"),
        *("PersistenceBase._serialize_param_pandas", "PythonScript.get_preamble"),
    ]
    assert f"asked: {overlay} False" in output and "limited: True False" in output


WITH_A_PARAM = f"""
    import os
    import sys
    from pathlib import Path

    sys.path.insert(0, "{REPOSITORY}/scripts")
    os.environ["PYTHONPATH"] = sys.path[0]

    from statmap.config.internals import prepare_snakemake

    prepare_snakemake(Path(workflow.basedir))


    rule all:
        output:
            "done.txt",
        params:
            param=PARAM,
        script:
            "script.py"


    onsuccess:
        print("pandas is imported:", "pandas" in sys.modules)
"""
SCRIPT = "open(snakemake.output[0], 'w').write(str(type(snakemake.params.param)))"


@pytest.mark.parametrize("of_pandas", [True, False])
def test_a_run_imports_pandas_only_where_the_snakefile_does(tmp_path, of_pandas):
    """A table in the params of another workflow's rule reaches its script, and a change of it runs the rule again."""
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    text, others = textwrap.dedent(WITH_A_PARAM), ("[1]", "[2]")
    if of_pandas:
        text, others = f"import pandas\n{text}", ("pandas.DataFrame({'a': [1]})", "pandas.DataFrame({'a': [2]})")
    for param in others:
        (tmp_path / "Snakefile").write_text(text.replace("PARAM", param), encoding="utf-8")
        output = run_snakemake(tmp_path, "--quiet", "all", repository=tmp_path).stdout
        assert f"pandas is imported: {of_pandas}" in output
    assert ("DataFrame" if of_pandas else "list") in (tmp_path / "done.txt").read_text(encoding="utf-8")
