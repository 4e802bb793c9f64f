"""What the threshold that moves costs in view.html: time in headless Chromium, and bytes of the page.

Run with ``python tests/benchmarks/bench_view.py``; prints a Markdown table. The map is nilearn's, on its own grid of
3 mm and resampled to 2 mm, two-sided. *grow*: the trees of both signs, once per choice of signs and neighbours. *find*:
regions, table and chart at a cutoff, median of 20 from 2 to 6. *draw*: the scene after that (WebGL in software here).
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
from statmap.io.images import read_image
from statmap.web.pages import asset
from statmap.web.viewer import VariantView, viewer_page

DATA = Path(find_spec("nilearn").submodule_search_locations[0]) / "datasets/data"
FLAGS = "--no-sandbox --disable-background-networking --disable-component-update --disable-sync --disable-quic"
MEASURE = """(neighbours) => {
  const time = (what) => {
    const start = performance.now();
    what();
    return performance.now() - start;
  };
  Object.assign(own, { connectivity: neighbours, signs: "split", size: 0 });
  for (const key of Object.keys(grown)) delete grown[key];
  const grow = time(() => trees(own)), find = [], draw = [];
  recompute();
  for (let n = 0; n < 20; n++) {
    own.cutoff = 2 + n / 5;
    find.push(time(recompute));
    draw.push(time(() => drawRegions(found.labels, found.regions.length, own.cutoff, "two")));
  }
  const median = (times) => times.sort((a, b) => a - b)[10];
  return [grow, median(find), median(draw)];
}"""


def resampled(data, affine, mm):
    ratio = mm / abs(affine[0, 0])
    finer = affine.copy()
    finer[:3, :3] *= ratio
    shape = [round(n / ratio) for n in data.shape]
    return affine_transform(data, np.full(3, ratio), output_shape=shape, order=1), finer


def packed(content):
    return len(b64encode(gzip.compress(content, 9)))


def main():
    data, affine = read_image(DATA / "image_10426.nii.gz")
    template = read_image(DATA / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    print("| grid | voxels ≠ 0 | neighbours | grow (ms) | find (ms) | draw (ms) | page (kB) | rounded | scripts (kB) |")
    print("|---|---|---|---|---|---|---|---|---|")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS.split())
        for mm in (3, 2):
            values, grid = (data, affine) if mm == 3 else resampled(data, affine, mm)
            none = np.zeros(values.shape, int)
            cutoff = Cutoff(3.0, ">=", "value")
            records = threshold_sidecar(cutoff, {}, rule="|z| ≥ 3"), regions_sidecar({"min_region_size": 0})
            stat_map = stat_map_of(values, grid, stat="z", name="m")
            text = viewer_page(stat_map, template, [VariantView("v", *records, none, [])], False)
            path = Path(folder, "view.html")
            path.write_text(text, encoding="utf-8")
            whole = np.round(values / np.abs(values).max() * 32767).astype(np.int16)
            less = packed(values.tobytes(order="F")) - packed(whole.tobytes(order="F"))
            scripts = sum(len(asset(name)) for name in ("tree.js", "explore.js"))
            page = browser.new_page()
            page.set_default_timeout(120_000)
            page.goto(path.as_uri())
            page.wait_for_selector("#scene[aria-busy=false]")
            for neighbours in (6, 26):
                grow, find, draw = page.evaluate(MEASURE, neighbours)
                print(
                    f"| {mm} mm | {np.count_nonzero(values):,} | {neighbours} | {grow:.0f} | {find:.1f} | {draw:.0f} | "
                    f"{len(text) / 1000:,.0f} | {less / 1000:.0f} | {scripts / 1000:.0f} |"
                )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
