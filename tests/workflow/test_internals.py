"""The installed Snakemake has what is asked of its internals: an update that moves it fails here, not in silence."""

import re
import textwrap

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
        *("get_script_mtime", "DAG.check_output_mtime", "PythonScript._execute_cmd", "Reporter.render")
    ]
    assert f"asked: {overlay} False" in output and "limited: True False" in output
