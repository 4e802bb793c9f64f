"""The Snakefile as Snakemake parses it, for tests that ask what its rules say, however they are laid out."""

from pathlib import Path
from types import SimpleNamespace

from running import REPOSITORY, write_sheet
from snakemake.api import SnakemakeApi
from snakemake.jobs import Job
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

MAPS, VARIANTS = ("one", "two"), ("high", "low")
# Files that a config and its sheet name; for the parser it is enough that they are there.
FILES = ("map", "mask", "values", "residuals", "atlas", "labels", "table", "template")


def parse(folder, config=None, repository=REPOSITORY):
    """The rules of a workflow under a config.

    Parameters
    ----------
    folder : the working directory, where Snakemake keeps its own files and relative paths of the config begin.
    config : dict, as it would stand in a file of ``--configfile``.
    repository : the checkout.

    Returns
    -------
    dict of snakemake.rules.Rule : by name, in the order of the Snakefile.
    """
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=config or {}),
            snakefile=Path(repository, "Snakefile"),
            workdir=Path(folder),
        )._workflow
        return {rule.name: rule for rule in workflow.rules}


def parse_everything(folder):
    """The same under a config that asks for all there is, with files of its own wherever one can be named."""
    files = {name: str(folder / name) + (".tsv" if name in ("labels", "table") else ".nii.gz") for name in FILES}
    for name, path in files.items():
        Path(path).write_text(name, encoding="utf-8")
    columns = ["mask", "values", "residuals"]
    rows = [[name, files["map"], "z", *(files[column] for column in columns)] for name in MAPS]
    write_sheet(folder / "maps.tsv", ["map", "source", "stat", *columns], *rows)
    config = {
        "maps": str(folder / "maps.tsv"),
        "template": files["template"],
        "variants": {name: {"threshold": 3.0} for name in VARIANTS},
        "atlases": {"net": {"image": files["atlas"], "labels": files["labels"]}},
        "sweep": {"thresholds": [2, 3], "variants": True},
        "published": {"printed": {"map": "one", "table": files["table"]}},
        "figures": ["threshold", "regions", "glass", "surface", "accounting", "pages"],
        "figure_style": {"colour_limit": "shared"},
        "figure_formats": ["png", "svg"],
        "html": ["map", "view"],
        "write_4d": True,
        "report_pages": True,
    }
    return parse(folder, config)


def job_of(rule, **wildcards):
    """What a rule gives to its script for these wildcards, by the names that it has there; ancient inputs."""
    job = Job(rule, SimpleNamespace(workflow=SimpleNamespace(attempt=1)), wildcards)
    return SimpleNamespace(
        input=job.input._plainstrings(),
        ancient=[str(file) for file in job.input if file.is_ancient],
        output=job.output._plainstrings(),
        params=job.params,
        wildcards=job.wildcards,
        log=job.log._plainstrings(),
    )


def any_job_of(rule):
    """A job of a rule of `parse_everything`."""
    values = {"map": MAPS[0], "atlas": "net", "table": "printed"}
    return job_of(rule, **{name: values[name] for name in rule.wildcard_names})
