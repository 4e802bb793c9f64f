"""What is asked of Snakemake's internals; `tests/workflow/test_internals.py` asks the version that is installed."""

from types import SimpleNamespace

import pytest
from snakemake.settings.types import OutputSettings

from statmap.config.internals import config_files, is_dry_run, lift_job_rate_limit


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
