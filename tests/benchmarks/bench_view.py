"""What the threshold that moves costs in view.html: time in headless Chromium, and bytes of the page.

Run with ``python tests/benchmarks/bench_view.py``; prints a Markdown table. The map is nilearn's, on its own grid of
3 mm and resampled to 2 mm, two-sided, with the labels of AAL. *grow*: the trees of both signs, once per choice of signs
and neighbours. *find*: clusters, table and chart at a cutoff, median of 20 from 2 to 6. *paint*: what the scene is
given after that; *pixels*: until they are there (WebGL in software here). *labels*: the part of the page that is AAL.
*rounded*: by how much the page would be smaller with values of 16 bits, with which no cutoff is exact.
"""

import gzip
import shutil
import sys
import tempfile
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from scipy.ndimage import affine_transform

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from calls import regions_sidecar, stat_map_of, threshold_sidecar

from statmap.inference.kinds import Cutoff
from statmap.io.images import read_image, read_raw
from statmap.io.samples import labels_path, sample_path
from statmap.regions.atlases import Atlas, read_labels_table
from statmap.web.pages import asset
from statmap.web.viewer import VariantView, viewer_page

DATA = Path(find_spec("nilearn").submodule_search_locations[0]) / "datasets/data"
FLAGS = "--no-sandbox --disable-background-networking --disable-component-update --disable-sync --disable-quic"
SCRIPTS = ("tree.js", "paint.js", "scene.js", "viewer.js", "explore.js", "compare.js", "save.js")
MEASURE = """(neighbours) => {
  const time = (what) => {
    const start = performance.now();
    what();
    return performance.now() - start;
  };
  const { gl } = scenes[0].viewer, pixel = new Uint8Array(4);
  const readPixel = () => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
  Object.assign(settings, { connectivity: neighbours, signs: "split", size: 0 });
  for (const key of Object.keys(treesByKind)) delete treesByKind[key];
  const grow = time(() => treesOf(settings)), find = [], paint = [], pixels = [];
  showClusters();
  for (let n = 0; n < 20; n++) {
    settings.cutoff = 2 + n / 5;
    find.push(time(showClusters));
    readPixel();
    paint.push(time(drawScenes));
    pixels.push(time(readPixel));
  }
  const median = (times) => times.sort((a, b) => a - b)[10];
  return [grow, median(find), median(paint), median(pixels)];
}"""


def resampled(data, affine, mm):
    ratio = mm / abs(affine[0, 0])
    finer = affine.copy()
    finer[:3, :3] *= ratio
    shape = [round(n / ratio) for n in data.shape]
    return affine_transform(data, np.full(3, ratio), output_shape=shape, order=1), finer


def packed(content):
    return len(b64encode(gzip.compress(content, 9)))


def page_of(values, grid, template, atlases):
    """The page of a map under one variant that keeps nothing."""
    none = np.zeros(values.shape, int)
    records = threshold_sidecar(Cutoff(3.0, ">=", "value"), {}, rule="|z| ≥ 3"), regions_sidecar({"min_region_size": 0})
    variant = VariantView("v", *records, none, none.astype(np.uint8), [], {"threshold": "3.0"})
    return viewer_page(stat_map_of(values, grid, stat="z", name="m"), template, [variant], False, atlases=atlases)


def main():
    data, affine = read_image(DATA / "image_10426.nii.gz")
    template = read_image(DATA / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    aal = Atlas("aal", *read_raw(sample_path("aal", "atlas")), read_labels_table(labels_path("aal", "atlas")))
    scripts = sum(len(asset(name)) for name in SCRIPTS)
    columns = (
        "voxels ≠ 0 | neighbours | grow (ms) | find (ms) | paint (ms) | pixels (ms) | page (kB) | labels | rounded"
    )
    print(f"| grid | {columns} | scripts (kB) |\n{'|---' * 11}|")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS.split())
        for mm in (3, 2):
            values, grid = (data, affine) if mm == 3 else resampled(data, affine, mm)
            text = page_of(values, grid, template, [aal])
            labels = len(text) - len(page_of(values, grid, template, []))
            path = Path(folder, "view.html")
            path.write_text(text, encoding="utf-8")
            whole = np.round(values / np.abs(values).max() * 32767).astype(np.int16)
            less = packed(values.tobytes(order="F")) - packed(whole.tobytes(order="F"))
            page = browser.new_page()
            page.set_default_timeout(120_000)
            page.goto(path.as_uri())
            page.wait_for_selector("#scene[aria-busy=false]")
            for neighbours in (6, 26):
                grow, find, paint, pixels = page.evaluate(MEASURE, neighbours)
                milliseconds = f"{grow:.0f} | {find:.1f} | {paint:.0f} | {pixels:.0f}"
                sizes = " | ".join(f"{size / 1000:,.0f}" for size in (len(text), labels, less, scripts))
                print(f"| {mm} mm | {np.count_nonzero(values):,} | {neighbours} | {milliseconds} | {sizes} |")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
