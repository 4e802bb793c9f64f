"""All uses of Snakemake's internals, where there is no documented way.

Where another version has changed them, the run goes on; each function says what is then missing.
"""

from pathlib import Path
from typing import Any


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
