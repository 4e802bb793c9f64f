"""What the Snakefile asks of Snakemake for which there is no documented way, all of it.

Where another version keeps it elsewhere, a run goes on without: each function says what is then missing.
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


def keep_the_scheduler_asleep(workflow: Any) -> None:
    """Take the limit of jobs a second from a run on one machine, where the cores are the limit.

    With it, and so without this, a timer wakes the scheduler again and again while jobs wait for a core, and every run
    ends with a second of waiting.
    """
    scheduler: Any = getattr(workflow, "scheduler", None)
    if getattr(workflow, "local_exec", False) and hasattr(scheduler, "job_rate_limiter"):
        scheduler.job_rate_limiter = None
