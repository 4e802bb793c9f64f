"""CPU time of the figures of one variant of the embedded map, drawn and written; and of what is imported for that.

Run with ``python tests/benchmarks/bench_figures.py``; prints a Markdown table. Every time is the least of five.
"""

import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import ndimage

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from statmap.figures.accounting import accounting_figure  # noqa: E402
from statmap.figures.cortex import read_hemisphere, see_cortex  # noqa: E402
from statmap.figures.files import draw_figures  # noqa: E402
from statmap.figures.glass import glass_figure  # noqa: E402
from statmap.figures.montage import regions_figure, threshold_figure  # noqa: E402
from statmap.figures.region_page import region_page  # noqa: E402
from statmap.figures.scene import lay_out, make_scene  # noqa: E402
from statmap.figures.surface import surface_figure  # noqa: E402
from statmap.figures.variant import Accounting  # noqa: E402
from statmap.io.images import read_image, read_raw  # noqa: E402
from statmap.regions.extract import OUTCOMES  # noqa: E402
from statmap.regions.measures import measure_regions  # noqa: E402

DATA = Path(find_spec("nilearn").submodule_search_locations[0]) / "datasets" / "data"
CUTOFF, SMALLEST = 3.0, 55  # voxels


def main():
    scene, regions = motor()
    title = "motor", "|z| ≥ 3"
    outcomes = np.where(scene.labels > 0, 1, 2 * scene.suprathreshold).astype(np.uint8)
    counts = np.bincount(outcomes.ravel(), minlength=5)[1:].tolist()
    counts = dict(zip(OUTCOMES, counts, strict=True)) | {"suprathreshold": sum(counts)}
    accounting = Accounting(outcomes, counts, 1485.0, ">")
    draw = {
        "threshold": lambda: threshold_figure(scene, *title),
        "regions": lambda: regions_figure(scene, regions, *title),
        "glass": lambda: glass_figure(scene, regions, *title),
        "surface": lambda: surface_figure(scene, regions, *title),
        "accounting": lambda: accounting_figure(scene, accounting, *title),
        "page of a region": lambda: region_page(scene, 1, regions, [], *title),
    }
    print(f"The map of the published example, |z| ≥ {CUTOFF:g}, {len(regions)} regions, as PNG.\n")
    print("| | CPU, ms |\n|---|---|")
    print(f"| import `plot_variants.py` | {1000 * min(import_time() for _ in range(5)):.0f} |")
    with tempfile.TemporaryDirectory() as folder:
        for name in draw:
            times = []
            for _ in range(5):
                start = time.process_time()
                draw_figures(draw, [Path(folder, f"{name}.png")])
                times.append(time.process_time() - start)
            print(f"| {name} | {1000 * min(times):.0f} |")
        times = []
        for _ in range(5):
            read_hemisphere.cache_clear()
            see_cortex.cache_clear()
            start = time.process_time()
            draw_figures(draw, [Path(folder, "surface.png")])
            times.append(time.process_time() - start)
        print(f"| surface, the first of a job | {1000 * min(times):.0f} |")


def motor():
    """Scene and table of the embedded map."""
    data, affine = read_image(DATA / "image_10426.nii.gz")
    found, n = ndimage.label(np.abs(data) >= CUTOFF)
    sizes = np.bincount(found.ravel(), minlength=n + 1)
    sizes[0] = 0
    number = np.zeros(n + 1, dtype=np.int32)
    kept = [region for region in np.argsort(-sizes, kind="stable") if sizes[region] > SMALLEST]
    number[kept] = np.arange(1, len(kept) + 1)
    labels = number[found]
    columns = measure_regions(data, labels, affine, 6)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*(list(c) for c in columns.values()), strict=True)]
    template = lay_out(*read_raw(DATA / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"))
    return make_scene(data, affine, np.abs(data) >= CUTOFF, labels, CUTOFF, template, units="z"), rows


def import_time():
    """CPU seconds of a Python that imports the script and does nothing else."""
    code = "import plot_variants, time; print(time.process_time())"
    return float(subprocess.check_output([sys.executable, "-c", code], cwd=SCRIPTS, text=True))


if __name__ == "__main__":
    main()
