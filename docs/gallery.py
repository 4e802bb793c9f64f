"""The pictures of the README, from real runs: ``make gallery``. Needs Chromium (Debian: apt-get install chromium).

The example's map with a sweep and a published table, in a temporary folder; each picture is cut from what the run
wrote, made small, and saved as PNG of few colours.
"""

import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
WIDTH, COLOURS = 640, 128
TALLEST = 0.7  # height over width: what is longer is cut off below
CONFIG = """
maps: config/maps.tsv
variants:
  z3: {threshold: 3.0, min_region_size: 1000}
  fdr: {threshold: {fdr: 0.05}, min_region_size: 1000}
atlases: [aal]
figures: [regions, surface]
published: {clusters: {map: motor, table: config/published_table.csv}}
sweep: {thresholds: {from: 2.0, to: 6.0, step: 0.2}, min_region_sizes: [0, 500, 1500], connectivities: [6, 26]}
"""


def main():
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        Path(folder, "gallery.yaml").write_text(CONFIG, encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
        subprocess.run([*command, "--configfile", f"{folder}/gallery.yaml"], check=True)
        results = Path(folder, "results/motor")
        flags = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        for name, picture in {
            "regions": Image.open(results / "z3/regions.png"),
            "threshold": moved_threshold(page, results / "view.html"),
            "published": Image.open(results / "published/clusters/check.png"),
            "specifications": Image.open(results / "sweep/findings.png"),
            "surface": Image.open(results / "z3/surface.png"),
            "table": table(page, results / "map.html"),
        }.items():
            save(picture, ROOT / f"docs/images/{name}.png")


def moved_threshold(page, path):
    """The viewer at a cutoff that no variant has."""
    page.goto(path.as_uri())
    page.wait_for_selector("#scene[aria-busy=false]")
    page.select_option("#variant", "own")
    page.fill("#at", "4.2")
    page.press("#at", "Enter")
    page.wait_for_timeout(3000)
    return Image.open(BytesIO(page.screenshot()))


def table(page, path):
    """The table of clusters of the map's page."""
    page.goto(path.as_uri())
    return Image.open(BytesIO(page.locator("table").first.screenshot()))


def save(picture, path):
    picture = picture.crop((0, 0, picture.width, min(picture.height, round(TALLEST * picture.width))))
    height = round(picture.height * WIDTH / picture.width)
    small = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
