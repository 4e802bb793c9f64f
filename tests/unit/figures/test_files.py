import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import matplotlib
import pytest
from scenes import PLAIN

from statmap.figures.files import draw_figures, save
from statmap.figures.montage import regions_figure, threshold_figure
from statmap.figures.page import Page


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_figure_is_the_same_file(motor_scene, tmp_path, suffix):
    scene, regions = motor_scene
    hostile = {"font.family": "serif", "savefig.bbox": "tight", "text.hinting": "none", "lines.antialiased": False}
    for name, settings_ in (("a", {}), ("b", hostile)):
        with matplotlib.rc_context(settings_):
            draw_figures({name: lambda: regions_figure(scene, regions, *PLAIN)}, [tmp_path / f"{name}.{suffix}"])
    content = (tmp_path / f"a.{suffix}").read_bytes()
    assert content == (tmp_path / f"b.{suffix}").read_bytes()
    assert not re.search(rb"Software|CreationDate|<dc:date>", content)


def test_a_png_has_150_dots_an_inch(motor_scene, tmp_path):
    from PIL import Image

    save(threshold_figure(motor_scene[0], *PLAIN), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == pytest.approx(18 / 2.54 * 150, abs=1)
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)


def test_only_what_is_asked_for_is_drawn(tmp_path):
    drawn = []

    def draw(name):
        drawn.append(name)
        return Page(name).finish(40)

    figures = {name: partial(draw, name) for name in ("a", "b", "c")}
    assert draw_figures(figures, [tmp_path / "b.png", tmp_path / "b.svg", tmp_path / "a.png"]) == 3
    assert drawn == ["b", "a"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png", "b.svg"]
    with pytest.raises(KeyError):
        draw_figures(figures, [tmp_path / "unknown.png"])


def test_a_png_needs_neither_matplotlib_nor_pandas():
    """Each of them takes longer to import than all figures of a variant take to draw."""
    script = Path(__file__).parents[3] / "scripts"
    code = "import sys, plot_variants; print(sorted({'matplotlib', 'pandas', 'scipy.ndimage'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=script, text=True) == "[]\n"
