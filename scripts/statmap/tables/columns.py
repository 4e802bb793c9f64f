"""Every column of every table, declared once: its name, how it is written, its unit, its heading and its meaning.

The CSV files, the headings and tooltips of the pages, and the tables of results/README.md (`make docs`) come from here.
To add a column: declare it in the table below, and compute it where that table is made.
"""

import math
import re
from functools import partial
from typing import NamedTuple


def digits(value, decimals, significant, form=""):
    """A number with that many decimals, or more where it needs them for its significant digits: 1.744, 0.015625."""
    if not math.isfinite(value):
        return str(value)
    whole = 1 + math.floor(math.log10(abs(value))) if value else 1
    number, _, fraction = format(value, f"{form}.{max(decimals, significant - whole)}f").partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    return f"{number}.{fraction}" if fraction else number


def label_in_words(label):
    """Labels of an atlas as a reader takes them: `no_label`, as AtlasReader writes it, becomes ``no label``."""
    return label.replace("no_label", "no label")


# Kind of a column: how its values are written in a CSV (floats always with a point or an exponent, so that they are
# read back as floats), how a page shows them, and what its heading sorts first. A kind without a way to write is text.
KINDS = {
    "text": (None, str, "smallest"),
    "label": (None, label_in_words, "smallest"),  # of an atlas, at a peak
    "labels": (None, label_in_words, "smallest"),  # of an atlas, over a region
    "id": (int, "{:d}".format, "smallest"),
    "count": (int, "{:,d}".format, "largest"),
    "mm": (float, partial(digits, decimals=1, significant=3), "smallest"),  # written with the decimals of the grid
    "volume": (float, partial(digits, decimals=0, significant=3, form=","), "largest"),
    "share": ("{:.4f}".format, "{:.3f}".format, "largest"),
    "percent": ("{:.4f}".format, "{:.0%}".format, "largest"),
    "value": ("{:#.6g}".format, "{:.2f}".format, "strongest"),  # by magnitude
    # between two values of a float32 map, which 9 digits tell apart
    "cutoff": ("{:#.9g}".format, "{:.7g}".format, "smallest"),
    "p": ("{:#.6g}".format, "{:.2g}".format, "smallest"),
}
DECIMALS = {"mm": 2, "volume": 1}  # on grids of millimetres, see `grid.decimals_of`


# What a spreadsheet runs as a formula where a cell begins with it; and the same as `Column.write` writes it.
FORMULA, WRITTEN_FORMULA = re.compile("'*[=+@\t\r-]"), re.compile("'+[=+@\t\r-]")


class Column(NamedTuple):
    """One column.

    Attributes
    ----------
    name : as in the header of the CSV.
    kind : a key of `KINDS`.
    unit : for the docs; ``of the map`` for values of the statistical map.
    heading : on pages; empty where no page shows the column.
    meaning : its first sentence is the tooltip, all of it stands in the docs.
    """

    name: str
    kind: str
    unit: str
    heading: str
    meaning: str

    @property
    def is_text(self):
        """Whether its values are no numbers."""
        return KINDS[self.kind][0] is None

    def write(self, value, decimals=DECIMALS):
        """A value as a cell of a CSV: empty for None and NaN; mm and volumes with these decimals.

        Text that a spreadsheet would run as a formula has ' before it.
        """
        if value is None or value != value:
            return ""
        if self.is_text and FORMULA.match(str(value)):
            return f"'{value}"
        return f"{value:.{decimals[self.kind]}f}" if self.kind in decimals else str((KINDS[self.kind][0] or str)(value))

    def show(self, value):
        """A value as a page shows it."""
        return KINDS[self.kind][1](value)

    @property
    def first(self):
        """What its heading sorts first: ``strongest`` (largest magnitude), ``largest`` or ``smallest``."""
        return KINDS[self.kind][2]

    @property
    def tooltip(self):
        """The first sentence of the meaning."""
        return self.meaning.split(". ")[0].removesuffix(".").replace("`", "")

    def parse(self, text):
        """A cell of a CSV as its value, None where it is empty."""
        if text == "":
            return None
        if self.is_text:
            return text[1:] if WRITTEN_FORMULA.match(text) else text
        return int(text) if KINDS[self.kind][0] is int else float(text)


def table(*parts):
    """Columns by name, in order: of text as in `declared`, of columns, and of lists of them."""
    lists = [
        declared(part) if isinstance(part, str) else [part] if isinstance(part, Column) else part for part in parts
    ]
    return {column.name: column for columns in lists for column in columns}


def declared(text):
    """Columns from lines of ``name | kind | unit | heading | meaning``, continued on indented lines.

    Several names and headings with spaces between them are columns that share the rest (``x y z``).
    """
    columns = []
    for line in re.sub(r"\n +", " ", text).strip().splitlines():
        names, kind, unit, headings, meaning = (field.strip() for field in line.split(" |", 4))
        headings = [headings] if " " not in names else headings.split() or [""] * len(names.split())
        columns += [Column(n, kind, unit, h, meaning) for n, h in zip(names.split(), headings, strict=True)]
    return columns


IDS = declared("map variant | text | | Map Variant | Id in the sample sheet and in the config.")
CUTOFF = Column(
    "cutoff",
    "value",
    "of the map",
    "",
    "The number that the threshold resolved to, a magnitude: `-x` is compared with it for negative values; `inf` where "
    "no value reaches the threshold. With `tdp` every region has its own, and the summary the lowest.",
)
REGION = Column(
    "region", "id", "", "Region", "Id, the same in the label image, figures, tables and pages; 1 is the largest."
)
PLACE = "mm: to the right, to the front and up are positive"
P = "Empty unless the map is z, t or F with `df`, or of p values."
FIELD = "Empty unless the map is z, or t or F with `df`, and its smoothness is known."

REGIONS = table(
    IDS,
    CUTOFF,
    REGION,
    f"""
sign | text | | Sign | `positive`, `negative`, or `mixed` (only with `signs: merged`).
n_voxels | count | voxels | Voxels | Size in voxels (cluster extent).
volume_mm3 | volume | mm³ | mm³ | Size in mm³: voxels times the volume of one, not rounded to mm³.
peak_value | value | of the map | Peak | Value of largest magnitude in the region, with its sign;
    infinite ones count as the most extreme finite one.
peak_ties | count | voxels | | Voxels of the region that share that magnitude, the peak among them. Far above 1 in a
    map that is clipped at its maximum.
peak_x peak_y peak_z | mm | mm | x y z | Position of the peak, {PLACE}. Always a voxel of the region. Of tied voxels
    that touch the one nearest to their mean position; of several such plateaus the one that holds the lowest index.
peak_i peak_j peak_k | id | voxel | | The same as voxel indices, from 0.
com_x com_y com_z | mm | mm | | Centre of mass, voxels weighted by |value|; it may lie outside the region.
mean_value | value | of the map | Mean | Mean over the region's voxels.
sd_value | value | of the map | | Standard deviation of the region's voxels (divided by n, not
    by n − 1).
p_peak | p | | p at peak | P value of the peak voxel, uncorrected; two-sided where the variant is. {P} Below 1e-308 it
    loses digits and becomes 0: use `log10_p_peak`.
log10_p_peak | value | | | −log₁₀ of `p_peak`, computed as a logarithm, so never 0 or infinite by underflow; empty
    where `p_peak` is.
z_peak | value | z | | The z with the same tail probability as the peak, with its sign; empty likewise.
p_peak_fwe | p | | p FWE | Family-wise p value of the peak's height by random field theory or Bonferroni, the smaller.
    {FIELD}
q_peak | p | | | Topological false discovery rate of the peak: Benjamini-Hochberg over all local maxima above the
    cutoff; empty likewise, and with `tdp`.
tdp | percent | share | TDP | True discovery proportion: at least this share of the region's voxels is active, with
    confidence 1 − `tdp_alpha`. It holds for all regions at once, and for every threshold that was tried (Rosenblatt et
    al. 2018). The family of tests is `domain`; two-sided p values where the variant is two-sided. {P}
p_cluster | p | | p of size | Family-wise p value of a cluster of this size by random field theory, as `cluster_theory`
    says. Empty when it is not defined: no smoothness in the sheet, no distribution, `extract_type:
    local_regions` (parts of a cluster), two-sided `signs: merged`, a threshold by `tdp`, a cutoff of z ≤ 1, a single
    slice under FSL's theory.
log10_p_cluster | value | | | −log₁₀ of `p_cluster`, computed as a logarithm; empty likewise.
p_cluster_unc | p | | | Uncorrected p value of its size; empty likewise.
q_cluster | p | | | False discovery rate of its size: Benjamini-Hochberg over all clusters above the cutoff; empty
    likewise.
robust_low robust_high | value | of the map | from to | Lowest and highest cutoff over which the region is the same
    finding: its peak exists, its component has joined no stronger peak, and is large enough. Of two equal peaks the
    one of the higher index joins. Exact; magnitudes; empty with `tdp`. `low < c ≤ high` for cutoffs that keep values
    at or above them, `low ≤ c < high` for those that keep values above. `robust_low` is 0 where no stronger peak is
    ever joined. For `local_regions` it is the interval of the component that holds the region.
margin | value | of the map | Margin | Distance from the cutoff to the nearer end of that interval: a finding with
    a small margin depends on the threshold.
""",
)
PEAKS = table(
    IDS,
    CUTOFF,
    REGION,
    f"""
peak | id | | Peak | Number within the region, 1 the main peak, up to `max_peaks`.
value | value | of the map | Value | Value at the peak, with its sign.
p | p | | p | Uncorrected p value of the peak, as `p_peak` in regions.csv.
log10_p | value | | | As `log10_p_peak`.
z_score | value | z | z score | The z with the same tail probability, as `z_peak`.
p_fwe | p | | p FWE | Family-wise p value of the peak's height, as `p_peak_fwe`.
q | p | | q | Topological false discovery rate of the peak, as `q_peak`.
x y z | mm | mm | x y z | Position, {PLACE}. Of a plateau the voxel nearest to its centre.
i j k | id | voxel | | The same as voxel indices, from 0.
distance_mm | mm | mm | From main | Distance to the region's main peak in mm.
""",
)
# Columns of regions.csv in the table of a paper, with their headings there.
OF_REGION = {
    "p_cluster": "Cluster p FWE",
    "q_cluster": "Cluster q FDR",
    "n_voxels": "Voxels",
    "p_cluster_unc": "Cluster p unc.",
    "volume_mm3": "mm³",
    "mean_value": "Mean",
    "tdp": "TDP",
}
# The table of a paper; its columns are what key `table_columns` of a variant chooses from, `label` aside.
MANUSCRIPT = table(
    REGION,
    PEAKS["peak"],
    f"""
set_p | p | | Set p | Set level: probability of as many clusters, or more, of the smallest size or larger in noise
    (Poisson); in the first row. Of whole clusters under `cluster_theory: spm`. {FIELD}
set_c | count | | Set clusters | Set level: number of clusters; in the first row, empty likewise.
""",
    *(REGIONS[name]._replace(heading=heading) for name, heading in OF_REGION.items()),
    *(
        PEAKS[name]._replace(heading=heading)
        for name, heading in (
            ("p_fwe", "Peak p FWE"),
            ("q", "Peak q FDR"),
            ("value", "Peak value"),
            ("z_score", "Peak z score"),
            ("p", "Peak p unc."),
            ("distance_mm", "From main"),
            *((axis, axis) for axis in "xyz"),
        )
    ),
)
TABLE_COLUMNS = ["label", *(name for name in MANUSCRIPT if name not in ("region", "peak"))]
LABELS = table(
    IDS,
    """
label | labels | | Label | Label of the atlas; `no_label` for voxels outside of all. Indices that share a name count
    together.
n_voxels | count | voxels | Voxels | Voxels of the variant's regions that lie in the label.
volume_mm3 | volume | mm³ | mm³ | Their volume.
share_of_label | percent | share | Of label | Share of the label's voxels (on the grid of the map) that lie in the
    variant's regions; empty for `no_label`.
share_of_variant | percent | share | Of variant | Share of all voxels of the variant's regions that lie in the label;
    the rows add up to 1.
mean_value | value | of the map | Mean | Mean over the regions' voxels in the label.
peak_value | value | of the map | Peak | Value of largest magnitude among the regions' voxels in the label, with its
    sign.
""",
    [REGIONS[f"peak_{axis}"] for axis in "xyz"],
    """
regions | text | | Regions | Regions that lie in the label, with each one's share of these voxels, largest first, as
    `1 (62.1%); 4 (37.9%)`.
""",
)
ACCOUNTING = table("""
suprathreshold | count | voxels | Passed | Suprathreshold voxels: those that pass the threshold.
kept | count | voxels | Kept | Suprathreshold voxels that are in a region.
too_small | count | voxels | Too small | Suprathreshold voxels in regions that were too small.
unseeded | count | voxels | Unseeded | Suprathreshold voxels in components without a seed (`local_regions` only).
seed_only | count | voxels | Seed only | Suprathreshold voxels in components that hold only their seed
    (`local_regions` only).
""")
SUMMARY = table(
    IDS,
    CUTOFF,
    """
rule | text | | Threshold | Threshold, and the cutoff that it resolved to, in words.
convention | text | | Convention | Package whose rules the variant follows, or `none`.
sided | text | | | Tail that is looked at, as in the config, defaults and convention filled in.
signs | text | | Signs | Whether voxels of opposite sign are kept apart (`split`) or may share a region (`merged`).
extract_type | text | | Extraction | How suprathreshold voxels are divided into regions.
connectivity | id | | Neighbours | Neighbours of a voxel: 6, 18 or 26.
min_region_size | volume | mm³ | Min mm³ | Smallest region in mm³ (extent threshold), the critical extent included.
critical_extent | count | voxels | Critical | Fewest voxels of a cluster that is significant, with `cluster_p` or
    `cluster_q`; else empty.
smoothness | text | | | Where the smoothness of the noise came from: `sheet`, `map`, `residuals` or `none`.
domain | text | | | Voxels that the cutoff was drawn from: `all`, `nonzero` or `mask`; `none` for value and p
    thresholds, which depend on none.
n_domain | count | voxels | | Their number, for `fdr` and `bonferroni` the number of tests; 0 with `none`.
""",
    list(ACCOUNTING.values()),
    f"""
random_walker | text | | | How `local_regions` divides a cluster, `converged` or `nilearn`; `none` with
    `connected_components`.
n_regions | count | | Regions | Number of regions.
volume_mm3 | volume | mm³ | mm³ | Size of all regions together in mm³.
largest_mm3 | volume | mm³ | Largest mm³ | Size of the largest region in mm³; 0 without any.
largest_x largest_y largest_z | mm | mm | x y z | Peak of the largest region, {PLACE}; empty without any.
warning | text | | Warning | What to be careful about, or `none`.
""",
)
PAIR = declared("map variant_a variant_b | text | | Map A B | Ids of the map and of two of its variants.")
STABILITY = table(
    PAIR,
    """
voxels_a voxels_b | count | voxels | A B | Voxels in regions of each variant.
overlap_voxels | count | voxels | Both | Voxels in a region of both variants.
dice | share | share | Dice | 2|A∩B| / (|A|+|B|); empty where neither keeps a voxel.
jaccard | share | share | Jaccard | |A∩B| / |A∪B|; empty where neither keeps a voxel.
""",
)
MATCHES = table(
    PAIR,
    """
region_a region_b | id | | | Region ids; 0 where the region has no partner.
overlap_voxels | count | voxels | | Voxels that both share; 0 without a partner.
overlap_mm3 | volume | mm³ | | The same in mm³.
dice | share | share | | Dice coefficient of the two regions.
share_a share_b | share | share | | Part of each region that lies in the other.
best_a best_b | text | | | True where the other one is this region's best partner (largest Dice, then lowest id).
""",
)
SWEPT = table("""
map | text | | Map | Id in the sample sheet.
connectivity | id | | Neighbours | Neighbours of a voxel: 6, 18 or 26.
""")
SWEEP = table(
    list(SWEPT.values()),
    SUMMARY["signs"],
    SUMMARY["extract_type"],
    """
variant | text | | | The variant that the row is; empty for a point of the grid.
threshold | text | | | As in the config: `3.0`, `97%`, `fdr=0.05`.
""",
    CUTOFF,
    """
cutoff_rule | text | | | `>=` or `>`, how a voxel is compared with the cutoff.
""",
    SUMMARY["min_region_size"],
    SUMMARY["suprathreshold"],
    SUMMARY["n_regions"],
    SUMMARY["volume_mm3"],
    SUMMARY["largest_mm3"],
    SUMMARY["kept"],
    SUMMARY["too_small"],
)
PERSISTENCE = table(
    list(SWEPT.values()),
    """
peak | id | | | Number within map and connectivity, longest persistence first.
sign | text | | | `positive` or `negative`; birth and death of a negative peak are magnitudes.
birth | value | of the map | | The peak's value.
death | value | of the map | | The cutoff at which, going down, its component joins that of a stronger peak; the lowest
    threshold of the sweep where that does not happen.
persistence | value | of the map | | birth − death.
parent | id | | | The peak that it joins; 0 for none.
ties | count | voxels | | Voxels of its plateau.
""",
    [PEAKS[name] for name in "xyzijk"],
)

FINDINGS = table(
    SWEPT["map"],
    """
finding | id | | Finding | Number within the map: the peak that is the main peak of a region at most grid points first,
    then the highest. Peaks are matched over grid points by their place in the component tree.
sign | text | | Sign | `positive` or `negative`.
n_found | count | | Found at | Grid points (rows of sweep.csv) with a region whose main peak it is.
share | share | share | Share | Their share of all grid points; it is no p value.
peak_value | value | of the map | Peak | Value at the peak, with its sign.
""",
    [PEAKS[name] for name in "xyzijk"],
    """
lowest_cutoff highest_cutoff | value | of the map | from to | Lowest and highest cutoff of the grid at which it is
    found, magnitudes; for `tdp` the region's own.
smallest_mm3 median_mm3 largest_mm3 | volume | mm³ | Smallest Median Largest | Size of its region over the grid points
    that find it, in mm³.
lowest_mean median_mean highest_mean | value | of the map | | Mean value of its region over the grid points that find
    it.
found_in | text | | | The grid points that find it, as rows of sweep.csv from 1: `1-40 52` is rows 1 to 40 and row 52.
""",
)

MAPS = table(
    """
variant | text | | Variant | Id of the variant.
map_a map_b | text | | A B | Ids of two maps on one grid.
voxels_a voxels_b | count | voxels | A B | Voxels in regions of each map.
overlap_voxels | count | voxels | Both | Voxels in a region of both maps.
""",
    STABILITY["dice"],
    STABILITY["jaccard"],
)

FOUND = table(
    """
variant | text | | Variant | Id of the variant.
map | text | | Map | Map of the region.
""",
    REGION,
    [REGIONS[name] for name in ("sign", "volume_mm3", "peak_value", "peak_x", "peak_y", "peak_z")],
    """
n_maps | count | maps | Maps | Maps with a region of the same sign that shares a voxel with it, its own map among them.
""",
)
FOUND_IN = Column(
    "regions@<map>",
    "text",
    "",
    "in <map>",
    "Regions of that map that have its sign and share a voxel with it, that with the largest overlap first.",
)

OF_TABLE = [
    Column("map", "text", "", "Map", "Id in the sample sheet."),
    Column("table", "text", "", "Table", "Id of the published table in the config."),
]
SETTINGS = table(
    OF_TABLE,
    """
connectivity | id | | Neighbours | Neighbours of a voxel: 6, 18 or 26.
sign | text | | Signs | Which voxels are thresholded: `positive` or `negative` ones alone, both kept `apart`, or both
    `merged`.
changed | text | | Changed | What was changed in the table to make it fit (signs, space, …); empty for nothing.
cutoff_low cutoff_high | cutoff | of the map | c> c≤ | Every cutoff c with low < c ≤ high fits, for a rule that keeps
    values at or above it.
cutoff | cutoff | of the map | e.g. | The roundest of these cutoffs.
threshold | text | | Threshold | The likeliest of them, as a variant writes it.
p_low p_high | p | | p≥ p< | The same interval as uncorrected p: low ≤ p < high.
fwe_low fwe_high | p | | | As family-wise p of the height: by random field theory or Bonferroni; Bonferroni without a
    smoothness.
fdr_low fdr_high | p | | | As false discovery rate over the mask.
extent_low extent_high | count | voxels | k> k≤ | Clusters of k voxels or more are listed, low < k ≤ high: the largest
    that is left out, the smallest that is listed.
rows | count | | Rows | Rows of the table.
rows_exact | count | | Exact | Rows that fit, size and value as printed.
rows_rounded | count | | Rounded | Rows that fit if their last printed digit was rounded or truncated.
unlisted | count | | Unlisted | Clusters of the map that are as large as the smallest one listed, but are not in the
    table.
""",
)
ROWS = table(
    OF_TABLE,
    """
row | id | | Row | Row of the table, from 1.
cluster | text | | Cluster | Its cluster, as printed; empty where the table does not say.
x y z | mm | mm or voxels | x y z | Position, as printed.
value | value | of the map | Value | Value, as printed; empty where none is.
size | volume | of the table | Size | Size of its cluster, as printed, in the unit of the table.
peak_x peak_y peak_z | mm | mm | | The matched peak of the map, or the nearest where none is matched.
distance_mm | mm | mm | Away | Distance of that peak from the printed position in mm.
found_value | value | of the map | Found | Value of the map there, with its sign.
found_size | volume | of the table | Found size | Size of its cluster at the best candidate's cutoff.
found_voxels | count | voxels | | The same in voxels.
cutoff_low cutoff_high | cutoff | of the map | c> c≤ | Cutoffs that the row by itself allows, under the best candidate;
    of several intervals the nearest.
verdict | text | | Verdict | `exact` or `rounded` where the row fits the best candidate; else the reason why it
    does not.
variant_verdict | text | | By variant | The same under the variant that should give the table (key `variant`); empty
    without one.
""",
)

# What the config adds to a table: a column per atlas, a column per threshold of a sweep.
ATLAS_PEAK = Column(
    "<atlas>_peak",
    "label",
    "",
    "<atlas> at peak",
    "Label of the atlas at the peak; `no_label` outside, `index 41` where the label table lacks the index.",
)
ATLAS_OVERLAP = Column(
    "<atlas>_overlap",
    "labels",
    "",
    "<atlas> overlap",
    "Labels that cover at least 5% of the region's voxels with their share, largest first, as "
    "`62.1% Precentral_L; 21.0% no_label`; empty where none does.",
)
VOLUME_AT = Column(
    "volume_mm3@<threshold>",
    "volume",
    "mm³",
    "",
    "Volume of its component at each threshold of the sweep. 0 above its birth, empty where it has joined its parent "
    "and is counted there.",
)

# Every CSV: its columns, and those that the config adds.
FILES = {
    "regions.csv": (REGIONS, [ATLAS_PEAK, ATLAS_OVERLAP]),
    "peaks.csv": (PEAKS, [ATLAS_PEAK]),
    "table.tsv": (MANUSCRIPT, [ATLAS_PEAK]),
    "labels.csv": (LABELS, []),  # of every atlas, labels_{atlas}.csv
    "summary.csv": (SUMMARY, []),
    "stability.csv": (STABILITY, []),
    "matches.csv": (MATCHES, []),
    "maps.csv": (MAPS, []),
    "maps_found.csv": (FOUND, [FOUND_IN, ATLAS_PEAK]),
    "sweep.csv": (SWEEP, []),
    "persistence.csv": (PERSISTENCE, [ATLAS_PEAK, VOLUME_AT]),
    "findings.csv": (FINDINGS, [ATLAS_PEAK]),
    "settings.csv": (SETTINGS, []),
    "rows.csv": (ROWS, []),
}


def with_added(file, **values):
    """Columns of a CSV with those that the config adds.

    Parameters
    ----------
    file : str, a key of `FILES`.
    **values : what the columns in angle brackets are made for, in order: ``atlas=["aal"]``, ``threshold=["3.0"]``.

    Returns
    -------
    dict : column name to Column, in the order of the file.
    """
    columns, added = FILES[file]
    with_config = dict(columns)
    for placeholder, names in values.items():
        for name in names:
            for column in added:
                if f"<{placeholder}>" in column.name:
                    made = [part.replace(f"<{placeholder}>", name) for part in (column.name, column.heading)]
                    with_config[made[0]] = column._replace(name=made[0], heading=made[1])
    return with_config


def label_columns(file, names):
    """Those columns of a CSV that hold the label of an atlas at a peak."""
    return [name for name in names if column_of(file, name).kind == "label"]


def column_of(file, name):
    """The column of a CSV by its name, also one that the config added."""
    columns, added = FILES["labels.csv" if file.startswith("labels_") else file]
    if name in columns:
        return columns[name]
    for column in added:
        before, after = column.name.partition("<")[0], column.name.partition(">")[2]
        if name.startswith(before) and name.endswith(after):
            made = name[len(before) : len(name) - len(after)]
            placeholder = column.name[len(before) : len(column.name) - len(after)]
            return column._replace(name=name, heading=column.heading.replace(placeholder, made))
    raise KeyError(f"{file} has no column {name!r}")
