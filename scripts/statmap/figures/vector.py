"""A page as svg or pdf, by matplotlib."""

from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from .page import Box, Image, Lines, Page, Text
from .text import font_file

RESOLUTION = 300  # dots an inch, of the images in it

# So that nobody's matplotlibrc changes a figure.
SETTINGS = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")}
SETTINGS |= {"svg.hashsalt": "statmap", "image.composite_image": False}


@matplotlib.rc_context(SETTINGS)
def write_vectors(page: Page, path: str | Path, kind: str) -> None:
    """Write a page as ``svg`` or ``pdf``, without a date."""
    figure = Figure((page.width / 72, page.height / 72), facecolor="white", layout="none")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, page.width), ylim=(page.height, 0))
    for above, item in enumerate(page.items):
        match item:
            case Text():
                typeface = FontProperties(fname=font_file(item.bold), size=item.size)
                artist = axes.text(item.left, item.y, item.text, fontproperties=typeface, color=item.colour)
                artist.set_parse_math(False)
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
    figure.savefig(path, format=kind, dpi=RESOLUTION, metadata=date)
