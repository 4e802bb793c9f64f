"""How figures look: the block ``figure_style`` of the config as one value, and the colours that follow from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..types import Background, Orientation

AXES = {"axial": 2, "coronal": 1, "sagittal": 0}  # direction of a cut to the world axis that it is perpendicular to
NARROW = 340.0  # points (12 cm): on a page that is narrower, views stand two in a row

CutsOfAxis = Literal["auto"] | int | Sequence[float]  # planes that are chosen, so many of them, or these (mm)


class Theme(NamedTuple):
    """Colours of a page, ``#rrggbb``: background, text and lines, secondary text, faintest fill."""

    paper: str
    ink: str
    muted: str
    faint: str


THEMES: Mapping[Background, Theme] = {
    "white": Theme("#ffffff", "#000000", "#555555", "#f6f6f6"),
    "black": Theme("#000000", "#ffffff", "#aaaaaa", "#1f1f1f"),
}


@dataclass(frozen=True)
class FigureStyle:
    """What the keys of ``figure_style`` say; `config/schemas/config.schema.yaml` describes them.

    Attributes
    ----------
    cuts : ``auto``, a number of axial cuts, or by direction (``axial``, ``coronal``, ``sagittal``) ``auto``, a number
        of cuts or their places in mm.
    dpi : dots an inch of PNG files.
    titles, small_print : whether they are on the page.
    orientation : ``neurological`` (left is left) or ``radiological`` (left is right).
    colour_limit : value at the ends of the colour scale; ``auto`` for that of each map; ``shared`` for that of all
        maps, which the script that draws turns into a number.
    background : ``white`` or ``black``.
    width : cm.
    """

    cuts: CutsOfAxis | Mapping[str, CutsOfAxis] = "auto"
    dpi: int = 150
    titles: bool = True
    small_print: bool = True
    orientation: Orientation = "neurological"
    colour_limit: float | Literal["auto", "shared"] = "auto"
    background: Background = "white"
    width: float = 18.0

    @property
    def theme(self) -> Theme:
        """The colours of a page."""
        return THEMES[self.background]

    @property
    def points(self) -> float:
        """Width of a page in whole points."""
        return float(int(self.width / 2.54 * 72))

    @property
    def radiological(self) -> bool:
        """Whether the right of the brain is on the left of axial and coronal pictures."""
        return self.orientation == "radiological"

    @property
    def cuts_by_axis(self) -> dict[int, CutsOfAxis]:
        """World axis (2 axial, 1 coronal, 0 sagittal) to the cuts that are wanted along it, axial ones first."""
        by_direction = self.cuts if isinstance(self.cuts, Mapping) else {"axial": self.cuts}
        return {axis: by_direction[direction] for direction, axis in AXES.items() if direction in by_direction}
