"""The published example, run once; every test reads it, and those that change something work on a copy."""

import shutil

import pytest
from running import copy_checkout, git, git_host, once, succeed


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """Folder with the results of the default config. Read only."""
    return once(tmp_path_factory, "example", succeed)


@pytest.fixture
def changed(example, tmp_path):
    """A copy of the example's folder, with what snakemake remembers of it."""
    return shutil.copytree(example, tmp_path / "example")


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory):
    """The example again, on what could be another machine: the copied checkout, and the folder it ran in. Read only."""

    def build(place):
        repository = copy_checkout(place / "checkout")
        (place / "folder").mkdir()
        (place / "matplotlibrc").write_text("savefig.dpi: 37\nfont.size: 20\naxes.facecolor: red\nimage.cmap: gray\n")
        succeed(
            place / "folder",
            repository=repository,
            HOME=str(place),
            USER="somebody-else",
            LOGNAME="somebody-else",
            TZ="Pacific/Kiritimati",
            LC_ALL="C",
            LANG="C",
            PYTHONHASHSEED="1",
            MPLCONFIGDIR=str(place),
            OMP_NUM_THREADS="1",
            OPENBLAS_NUM_THREADS="1",
        )

    place = once(tmp_path_factory, "elsewhere", build)
    return place / "checkout", place / "folder"


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """The repository lab/statmap of a git host, with the tag v2.0.0. Read only."""

    def build(place):
        (place / "lab").mkdir()
        repository = copy_checkout(place / "lab/statmap")
        git(repository, "init", "--quiet")
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message", "Version 2.0.0")
        git(repository, "tag", "v2.0.0")

    return once(tmp_path_factory, "host", build) / "lab/statmap"


@pytest.fixture
def host(lab, tmp_path_factory):
    """A git host on this machine: the variables under which git, and so Snakemake, finds it in place of GitHub."""
    return git_host(lab.parents[1], tmp_path_factory.mktemp("cache"))
