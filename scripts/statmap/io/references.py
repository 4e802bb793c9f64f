"""What is cited, in one style and as BibTeX: the entries of `references.yaml`, which stands beside this module."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from .files import read_yaml


class Reference(NamedTuple):
    """One reference.

    Attributes
    ----------
    key : first author and year, ``grady2006``.
    authors : ``Grady L, Roe J``, at the end ``et al.`` where some are left out.
    title, journal, where, doi : `where` is volume and pages, ``28:1768-1783``; an entry
        without a journal has none of the last three.
    """

    key: str
    authors: str
    title: str
    journal: str = ""
    where: str = ""
    doi: str = ""

    @property
    def year(self) -> str:
        """``2006``."""
        return self.key[-4:]

    @property
    def _names(self) -> list[str]:
        """Authors one by one, an institution as one."""
        return re.split(r", (?!Inc)", self.authors)

    @property
    def short(self) -> str:
        """As a sentence names it: ``Grady 2006``, ``Benjamini and Hochberg 1995``, ``Friston et al. 1994``."""
        last = [name.rsplit(" ", 1)[0] if self.journal else name for name in self._names]
        named = last[0] if len(last) == 1 else f"{last[0]} and {last[1]}" if len(last) == 2 else f"{last[0]} et al."
        return f"{named} {self.year}"

    @property
    def text(self) -> str:
        """In full, the DOI as an address."""
        source = f" {self.journal} {self.where}. https://doi.org/{self.doi}" if self.journal else ""
        return f"{self.authors} ({self.year}). {self.title}.{source}"

    @property
    def bibtex(self) -> str:
        """As an entry of BibTeX, in UTF-8."""
        names = ["others" if name == "et al." else ", ".join(name.rsplit(" ", 1)) for name in self._names]
        volume, _, pages = self.where.rpartition(":")
        fields = {
            "author": " and ".join(names) if self.journal else f"{{{self.authors}}}",
            "title": f"{{{self.title}}}",
            "journal": self.journal,
            "volume": volume,
            "pages": pages.replace("-", "--"),
            "year": self.year,
            "doi": self.doi,
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        kind = "article" if self.journal else "misc"
        return f"@{kind}{{{self.key},\n" + ",\n".join(lines) + "\n}"

    @property
    def cff(self) -> dict[str, Any]:
        """As an entry of a CITATION.cff, which has no word for "et al."."""
        if not self.journal:
            return {"type": "generic", "title": self.title, "authors": [{"name": self.authors}], "year": int(self.year)}
        names = (name.rsplit(" ", 1) for name in self._names if name != "et al.")
        volume, _, pages = self.where.rpartition(":")
        numbers = zip(("volume", "start", "end"), (volume, *pages.split("-")), strict=False)
        return {
            "type": "article",
            "title": self.title,
            "authors": [{"family-names": family, "given-names": given} for family, given in names],
            "year": int(self.year),
            "journal": self.journal,
            **{name: number for name, number in numbers if number},
            "doi": self.doi,
        }


REFERENCES = {key: Reference(key, **entry) for key, entry in read_yaml(Path(__file__).with_suffix(".yaml")).items()}


def in_full(keys: Iterable[str]) -> str:
    """Several references in full, for one cell."""
    return " ".join(REFERENCES[key].text for key in keys)
