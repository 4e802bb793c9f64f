"""Colours of regions on pages, where no line style tells them apart as it does in figures."""

from ..figures.colours import REGIONS

MIXED = ((None, 0), (255, 0.5), (0, 0.45))  # as in the figures, then half way to white, then towards black


def page_colours(n: int) -> list[str]:
    """``#rrggbb`` of regions 1 to n: the first eight as in the figures, 24 that are told apart, then from the start."""
    palette = [_mixed(colour, *towards) for towards in MIXED for colour in REGIONS]
    return [palette[r % len(palette)] for r in range(n)]


def _mixed(colour: str, towards: int | None, share: float) -> str:
    if towards is None:
        return colour
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(channel + share * (towards - channel)):02x}" for channel in channels)
