"""The installed Snakemake has what is asked of its internals: an update that moves it fails here, not in silence."""

import textwrap

from running import REPOSITORY, run_snakemake

SNAKEFILE = f"""
    import sys

    sys.path.insert(0, "{REPOSITORY}/scripts")

    from statmap.config.internals import config_files, is_dry_run, lift_job_rate_limit

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
    assert f"asked: {overlay} False" in output and "limited: True False" in output
