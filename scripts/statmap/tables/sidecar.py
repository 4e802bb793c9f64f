"""The record beside the tables of a map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..io.sidecar import Sidecar, part


@dataclass(frozen=True)
class Reported:
    """An image whose values tables report in place of the map's: its file, and what its values are called."""

    image: str
    units: str

    @property
    def in_words(self) -> str:
        """``t of tstat1.nii.gz``."""
        return f"{self.units} of {self.image}"

    def entries(self) -> dict[str, Any]:
        """As entries of a sidecar."""
        return {"ReportedImage": self.image, "ReportedUnits": self.units}

    @classmethod
    def from_entries(cls, entries: Mapping[str, Any]) -> "Reported | None":
        """Back from the entries of a sidecar; None where there are none."""
        if "ReportedImage" not in entries:
            return None
        return cls(entries["ReportedImage"], entries["ReportedUnits"])


@dataclass(frozen=True, kw_only=True)
class TablesSidecar(Sidecar):
    """The record of the tables of a map, ``tables.json``.

    Attributes
    ----------
    parameters : keys of its variants.
    spm_footers : of those variants that have one, see `inference.spm_footer`.
    atlases : those that name something.
    reported : the image whose values the tables report; None for the map's own.
    """

    parameters: dict[str, Any]
    atlases: list[str]
    spm_footers: dict[str, dict[str, Any]]
    reported: Reported | None = part(Reported, default=None)
