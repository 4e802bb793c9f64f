"""The JSON beside a file: how it was made, and with what result (BIDS Derivatives habit; no time, host or path).

A kind of sidecar is a subclass of `Sidecar` beside the code that fills it; the name of a field gives its key.
"""

import sys
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from .files import check_written, read_json, write_json

VERSION = "2.0.0"
_ACRONYMS = {word.lower(): word for word in ("SHA256", "URL", "DF", "MM", "MM3", "NaN", "NeuroVault")}


def generated_by(rule: str, packages: tuple[str, ...] = ("numpy", "nibabel")) -> list[dict[str, Any]]:
    """Name the rule and the versions of the packages that made a file, for the key ``GeneratedBy``."""
    versions = {package: _version(package) for package in packages}
    return [{"Name": "Statmap Regions", "Version": VERSION, "Description": f"rule {rule}", "Software": versions}]


def _version(package):
    """Of an installed package, from the name of the folder that says so: importlib.metadata takes long to import."""
    name = package.replace("-", "_")
    folders = (path for place in sys.path for path in Path(place).glob(f"{name}-*.dist-info"))
    metadata = next(folders, None)
    return metadata.name.removesuffix(".dist-info").removeprefix(f"{name}-") if metadata else "unknown"


def part(kind: type, **options: Any) -> Any:
    """A field that holds several entries: an object of a class with ``entries`` and ``from_entries``."""
    return field(metadata={"part": kind}, **options)


def key_of(name: str) -> str:
    """The key of a field: ``source_sha256`` is ``SourceSHA256``."""
    return "".join(_ACRONYMS.get(word, word.capitalize()) for word in name.split("_"))


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What every sidecar says.

    Attributes
    ----------
    description : what the file beside it is.
    generated_by : see `generated_by`.
    sources : files that it was made from.
    source_sha256 : of the first of them.
    sha256 : of the file beside it; None where there is none.
    warnings : what to be careful about.
    """

    description: str
    generated_by: list[dict[str, Any]]
    sources: list[str]
    source_sha256: str
    sha256: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def version(self) -> str:
        """Version of the workflow that wrote it."""
        return self.generated_by[0]["Version"]

    @property
    def software(self) -> dict[str, str]:
        """Package to version."""
        return self.generated_by[0]["Software"]

    def write(self, path: str | Path) -> None:
        """Write it; a field whose default is None is left out where it is None."""
        content: dict[str, Any] = {}
        for member in fields(self):
            value = getattr(self, member.name)
            if value is not None or member.default is not None:
                content |= value.entries() if "part" in member.metadata else {key_of(member.name): value}
        write_json(path, content)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read it back.

        Raises
        ------
        UserError : it is not what was written; the user deletes it.
        """
        content, values = read_json(path), {}
        for member in fields(cls):
            if "part" in member.metadata:
                values[member.name] = member.metadata["part"].from_entries(content)
            elif key_of(member.name) in content or member.default is member.default_factory is MISSING:
                values[member.name] = content[key_of(member.name)]  # its absence is an error that names the file
        return cls(**values)

    def check(self, path: str | Path, sidecar: str | Path) -> None:
        """Refuse the file beside it where it has other bytes than those that were written.

        Raises
        ------
        UserError : see `files.check_written`.
        """
        check_written(path, self.sha256, sidecar)
