"""A page as svg or pdf, by matplotlib; its text stays text."""

from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from .page import Box, Image, Lines, Page, Text
from .text import font_file, text_width

RESOLUTION = 300  # least dots an inch, of the images in it

# So that nobody's matplotlibrc changes a figure.
SETTINGS = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")}
SETTINGS |= {"svg.hashsalt": "statmap", "svg.fonttype": "none", "pdf.fonttype": 42, "image.composite_image": False}
# The typeface is embedded in a PDF. A program that opens an SVG has it, or takes the next, whose widths are the same.
SETTINGS |= {"font.sans-serif": ["DejaVu Sans", "Verdana"]}


@matplotlib.rc_context(SETTINGS)
def write_vectors(page: Page, path: str | Path, kind: str) -> None:
    """Write a page as ``svg`` or ``pdf``, without a date."""
    figure = Figure((page.width / 72, page.height / 72), facecolor=page.style.theme.paper, layout="none")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, page.width), ylim=(page.height, 0))
    for above, item in enumerate(page.items):
        match item:
            case Text():
                artist = _text(axes, item, kind)
            case Box():
                edge = item.edge or "none"
                artist = Rectangle(
                    (item.left, item.top), item.width, item.height, facecolor=item.colour, edgecolor=edge, linewidth=0.5
                )
                axes.add_artist(artist)
            case Image():
                artist = AxesImage(
                    axes,
                    extent=item[1:5],
                    origin="upper",
                    interpolation="bilinear" if item.smooth else "nearest",
                    resample=True,
                )
                artist.set_data(item.pixels)
                axes.add_artist(artist)
            case Lines():
                artist = LineCollection(
                    item.lines, colors=item.colour, linewidths=item.width, linestyles=item.style, clip_on=False
                )
                axes.add_artist(artist)
        artist.set_clip_on(False)
        artist.set_zorder(above)
    date = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    figure.savefig(path, format=kind, dpi=max(RESOLUTION, page.style.dpi), metadata=date)


def _text(axes, text: Text, kind: str):
    """One line of text, anchored by its alignment: another typeface then moves its other ends only."""
    if kind == "svg":
        typeface = FontProperties(family="sans-serif", size=text.size, weight="bold" if text.bold else "normal")
    else:
        typeface = FontProperties(fname=font_file(text.bold), size=text.size)
    share = {"left": 0.0, "center": 0.5, "right": 1.0}[text.align]
    x = text.left + share * text_width(text.text, text.size, text.bold)
    artist = axes.text(x, text.y, text.text, fontproperties=typeface, color=text.colour, ha=text.align)
    artist.set_parse_math(False)
    return artist
