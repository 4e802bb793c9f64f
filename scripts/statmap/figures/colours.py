"""Colours that mean the same thing in every figure and table (numpy only)."""

from collections.abc import Sequence

import numpy as np

# Negative dark, zero the grey of the template, positive light: lightness rises from end to end, so the sign survives a
# grey print, and blue against yellow survives every common colour-blindness.
DIVERGING = ("#06164f", "#0b3a94", "#2b6fd0", "#5b8fc4", "#8c8c8c", "#c98f3c", "#f09a1c", "#ffc02e", "#fff3a0")
SEQUENTIAL = ("#2b0a4e", "#6a176e", "#b0325a", "#e35933", "#fb9b06", "#f9d84a", "#fcfdbf")  # shares and counts

# No blue, orange or yellow: they mean sign. Neighbouring ids far apart; every pair at least 9 apart in lightness (CIE
# L*, out of 100), for grey print, and told apart under simulated protanopia, deuteranopia and tritanopia (Machado and
# others 2009).
REGIONS = ("#1ee187", "#961ea5", "#a5f0d2", "#5a003c", "#f087c3", "#2d4b0f", "#87961e", "#b45a5a")
STYLES = ("solid", "dashed", "dotted", "dashdot")


def region_colours(n: int) -> list[tuple[str, str]]:
    """Colour and line style of regions 1 to n: a region keeps them in every figure and table, whatever n is.

    Returns
    -------
    list of (str, str) : ``#rrggbb`` and one of `STYLES`; the eight colours repeat with the next style.
    """
    return [(REGIONS[r % len(REGIONS)], STYLES[r // len(REGIONS) % len(STYLES)]) for r in range(n)]


def rgb(colour: str) -> np.ndarray:
    """``#rrggbb`` as a (3,) array of float from 0 to 1."""
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255


def lightness(colour: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB colours, (..., 3) from 0 to 1: what is left of a colour in a grey print, 0 black, 100 white."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126729, 0.7151522, 0.0721750]
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, 24389 / 27 * luminance)


def ramp(colours: Sequence[str], position: np.ndarray) -> np.ndarray:
    """Colours (..., 3), 0 to 1, at positions from 0 (first colour) to 1 (last); beyond them the end colours."""
    stops = np.stack([rgb(colour) for colour in colours])
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(position, at, channel) for channel in stops.T], axis=-1)


def ink(colour: str) -> str:
    """What is read on a colour: black on a light one, white on a dark one."""
    return "black" if lightness(rgb(colour)) > 50 else "white"
