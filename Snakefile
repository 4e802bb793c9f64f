"""Statmap Regions: from statistical maps to regions, tables and figures, and how far they depend on the threshold."""

import os
import re
import sys
import time
from hashlib import sha256
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

# The oldest that the workflow was run with: 9.20.0 (and 9.27.1, which the lock has).
min_version("9.20")

BEGUN = time.time()
HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
if not HERE.is_dir():
    # From a git host Snakemake brings single files, less their last line break: made here to the folder of a checkout.
    listed = Path(workflow.source_path("scripts/files.txt")).read_text(encoding="utf-8").split()
    texts = {name: Path(workflow.source_path(name)).read_text(encoding="utf-8").rstrip("\n") for name in listed}
    HERE = Path(".snakemake/statmap", sha256(repr(texts).encode()).hexdigest()[:16]).absolute()
    if not HERE.is_dir():
        unfinished = HERE.with_suffix(f".{os.getpid()}")
        for name, text in texts.items():
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            (unfinished / name).write_text(f"{text}\n", encoding="utf-8")
        unfinished.rename(HERE)


configfile: HERE / "config/config.yaml"


OF_TEMPLATE = "variants" not in config and bool(config.get("map"))
if "variants" not in config:

    configfile: HERE / ("config/template/study.yaml" if config.get("map") else "config/example.yaml")


SCRIPTS = HERE / "scripts"
# Jobs import the package that is imported here, whichever other `statmap` is installed.
sys.path.insert(0, str(SCRIPTS))
os.environ |= {"PYTHONPATH": os.pathsep.join([str(SCRIPTS), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)}

import statmap

if not (SCRIPTS / "statmap/__init__.py").samefile(statmap.__file__ or os.devnull):
    raise WorkflowError(f"Found {statmap.__file__}, imported before, in place of {SCRIPTS}/statmap; one is accepted")

from statmap.config.checks import check_results
from statmap.config.internals import config_files, is_dry_run, lift_job_rate_limit, prepare_snakemake
from statmap.config.outcome import AFTER_FAILURES, failures, how_to_prune, large_report
from statmap.config.rerun import code_hash
from statmap.config.schema import check_keys
from statmap.config.study import Study
from statmap.figures.captions import SHARED_FIGURES, SWEEP_FIGURES, VARIANT_FIGURES
from statmap.io.files import UserError
from statmap.rules import PeakRule, RegionRule, ThresholdRule

prepare_snakemake(SCRIPTS)

try:
    check_results()
    check_keys(config_files(workflow))
    study = Study(config, declared=HERE / "config", folders=[".", HERE], variants_of_template=OF_TEMPLATE)
except UserError as error:
    raise WorkflowError(str(error))

# In a run, a broken map does not spoil the rest: it is the dry run that stops at what would fail.
if is_dry_run(workflow) and (problems := study.problems()):
    raise WorkflowError(*problems)

MAPS, VARIANTS, ATLASES = list(study.maps), list(study.variants), list(study.atlases)
FORMATS = study.formats  # png first
DRAWN = [figure for figure in study.config["figures"] if figure != "pages"]
PAGES = ["pages"] if "pages" in study.config["figures"] else []
LABELS = [f"labels_{atlas}.csv" for atlas in ATLASES]
FOUR_D = ["regions_4d.nii.gz"] if study.config["write_4d"] else []
COMPARED = MAPS if study.config["compare"] and len(VARIANTS) > 1 else []
AGREEMENT = ["dice"] if COMPARED and study.config["figures"] else []
HTML = study.config["html"]
STYLE = study.config["figure_style"]
LIMITS = ["results/colour_limits.json"] if (DRAWN or PAGES) and STYLE["colour_limit"] == "shared" else []
SPECIFIED = VARIANTS if study.sweep and study.sweep["variants"] else []
PUBLISHED = {"map": [table["map"] for table in study.published.values()], "table": list(study.published)}
ACROSS = ["maps"] if study.config["compare"] and len(MAPS) > 1 else []
OVERLAPS = ["overlap", "dice"] if ACROSS and (DRAWN or PAGES) else []
FETCHED = expand("results/maps/{{map}}{file}", file=[".nii.gz", "_mask.nii.gz", ".json"])
REGIONS = ["thresholded.json", "regions.nii.gz", "regions.json"]
FETCHED_ATLASES = expand("results/atlases/{atlas}{file}", atlas=ATLASES, file=[".nii.gz", ".json"])
IN_SWEEP = {"variant": "sweep", "part": "sweep"}  # where the report shows it
OF_TABLE = {"variant": "{table}", "part": "published tables"}


def of_variants(*files, variants=VARIANTS):
    """These files of every variant of a map."""
    return expand("results/{{map}}/{variant}/{file}", variant=variants, file=files)


def reported(path, caption, show, variant="all", part="all variants", category="{map}", **options):
    """A file that the report shows."""
    labels = {"map": category if category == "{map}" else "all", "variant": variant, "show": show}
    caption = f"config/captions/{caption}.rst"
    return report(path, category=category, subcategory=part, caption=caption, labels=labels, **options)


def drawn(path, *shown, **options):
    """The files of a figure, a format each, the PNG first, which the report shows."""
    return [reported(f"{path}.png", *shown, **options), *(f"{path}.{format}" for format in FORMATS[1:])]


def pages_of(variant):
    """The folder of the pages of a variant's regions, which the report shows where it is asked to."""
    folder = directory(f"results/{{map}}/{variant}/pages")
    show = "page", "zoom on region {region}", variant, variant
    return reported(folder, *show, patterns=["region-{region}.png"]) if study.config["report_pages"] else folder


wildcard_constraints:
    map="|".join(map(re.escape, MAPS)),
    variant="|".join(map(re.escape, VARIANTS)),
    table="|".join(map(re.escape, study.published)),


report: "config/captions/workflow.rst"


rule fetch_map:
    """Fetch a statistical map and its mask, and refuse what is not one 3D image."""
    input:
        files=ancient(study.files_of("source", "mask")),
    output:
        image="results/maps/{map}.nii.gz",
        mask_image="results/maps/{map}_mask.nii.gz",
        sidecar="results/maps/{map}.json",
    cache: "omit-software"
    log:
        "results/logs/fetch_map/{map}.log",
    params:
        row=study.map_keys("source", "sha256", "mask", "stat", "df", "corrected", "space"),
        content=study.content_of(study.files_of("source", "mask")),
        where_to_pin=study.where_to_pin,
        max_voxels=study.config["max_voxels"],
        require_sha256=study.config["require_sha256"],
        code=code_hash("fetch_map", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Fetching map {wildcards.map}"
    script:
        "scripts/fetch_map.py"


rule fetch_atlas:
    """Fetch a label image that regions are named after."""
    input:
        file=ancient(study.atlas_file_of),
    output:
        image="results/atlases/{atlas}.nii.gz",
        sidecar="results/atlases/{atlas}.json",
    cache: "omit-software"
    log:
        "results/logs/fetch_atlas/{atlas}.log",
    params:
        atlas=study.atlas_keys("image", "sha256", "space"),
        max_voxels=study.config["max_voxels"],
        require_sha256=study.config["require_sha256"],
        content=study.content_of(study.atlas_file_of),
        code=code_hash("fetch_atlas", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Fetching atlas {wildcards.atlas}"
    script:
        "scripts/fetch_atlas.py"


# One job takes all variants of a map, here and below: starting Python and reading the map costs more than a variant.
rule threshold_map:
    """Resolve every variant's threshold on the map and keep the voxels that pass it."""
    input:
        map=FETCHED,
        residuals=ancient(study.files_of("residuals")),
    output:
        of_variants("thresholded.nii.gz", "thresholded.json"),
    log:
        "results/logs/threshold_map/{map}.log",
    benchmark:
        "results/benchmarks/threshold_map/{map}.tsv"
    params:
        variants=study.variant_keys(ThresholdRule),
        smoothness=study.map_keys("fwhm_mm", "dlh", "search_voxels"),
        residuals=study.image_of("residuals"),
        content=study.content_of(study.files_of("residuals")),
        code=code_hash("threshold_map", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Thresholding {wildcards.map}"
    script:
        "scripts/threshold_map.py"


rule extract_regions:
    """Divide the suprathreshold voxels into regions, drop the small ones, and account for every voxel."""
    input:
        of_variants("thresholded.nii.gz", "thresholded.json"),
    output:
        of_variants("regions.nii.gz", "regions.json", "accounting.nii.gz", *FOUR_D),
    log:
        "results/logs/extract_regions/{map}.log",
    benchmark:
        "results/benchmarks/extract_regions/{map}.tsv"
    params:
        variants=study.variant_keys(RegionRule),
        code=code_hash("extract_regions", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Extracting regions of {wildcards.map}"
    script:
        "scripts/extract_regions.py"


rule tabulate_regions:
    """Measure every region and list its peaks, also by label and as one prints them; match every two variants' regions."""
    input:
        map=FETCHED,
        variants=of_variants(*REGIONS),
        values=ancient(study.files_of("values")),
        atlases=FETCHED_ATLASES,
        atlas_labels=ancient(study.labels),
    output:
        variants=of_variants("regions.csv", "peaks.csv", "table.tsv", *LABELS),
        agreement=COMPARED
        and [
            "results/{map}/stability.csv",
            reported("results/{map}/matches.csv", "matches", "matched regions (CSV)"),
        ],
        sidecar="results/{map}/tables.json",
    log:
        "results/logs/tabulate_regions/{map}.log",
    benchmark:
        "results/benchmarks/tabulate_regions/{map}.tsv"
    params:
        variants=study.variant_keys(PeakRule),
        atlas_spaces=study.atlas_spaces,
        values=study.image_of("values"),
        content=study.content_of(study.files_of("values"), study.labels),
        code=code_hash("tabulate_regions", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Tabulating regions of {wildcards.map}"
    script:
        "scripts/tabulate_regions.py"


if LIMITS:

    rule limit_colours:
        """Find the colour scale that all maps of one statistic share."""
        input:
            images=expand("results/maps/{map}.nii.gz", map=MAPS),
            masks=expand("results/maps/{map}_mask.nii.gz", map=MAPS),
            sidecars=expand("results/maps/{map}.json", map=MAPS),
            thresholded=expand(of_variants("thresholded.json"), map=MAPS),
        output:
            LIMITS,
        log:
            "results/logs/limit_colours.log",
        benchmark:
            "results/benchmarks/limit_colours.tsv"
        params:
            code=code_hash("limit_colours", SCRIPTS),
        conda:
            "envs/environment.yaml"
        message:
            "Finding the colour scale that maps share"
        script:
            "scripts/limit_colours.py"


if DRAWN or PAGES:

    rule plot_variants:
        """Draw every variant (cuts, glass brain, cortex, voxel accounting, a page per region) and their agreement."""
        input:
            map=FETCHED,
            variants=of_variants(*REGIONS, "accounting.nii.gz", "regions.csv", "peaks.csv"),
            colour_limits=LIMITS,
            tables_sidecar="results/{map}/tables.json",
            stability="results/{map}/stability.csv" if AGREEMENT else [],
            template=ancient(study.template_of),
        output:
            figures=[
                drawn(f"results/{{map}}/{variant}/{figure}", "figure", figure, variant, variant)
                for variant in VARIANTS
                for figure in DRAWN
            ],
            pages=[pages_of(variant) for variant in (VARIANTS if PAGES else [])],
            agreement=[drawn(f"results/{{map}}/{figure}", "figure", "agreement") for figure in AGREEMENT],
        log:
            "results/logs/plot_variants/{map}.log",
        benchmark:
            "results/benchmarks/plot_variants/{map}.tsv"
        params:
            style=STYLE,
            max_pages=study.config["max_pages"],
            formats=FORMATS,
            captions={name: VARIANT_FIGURES[name] for name in DRAWN} | (SHARED_FIGURES if AGREEMENT else {}),
            content=study.content_of(study.template_of),
            code=code_hash("plot_variants", SCRIPTS),
        conda:
            "envs/environment.yaml"
        message:
            "Drawing {wildcards.map}"
        script:
            "scripts/plot_variants.py"


rule sweep_map:
    """Regions over a whole grid of thresholds and sizes, and over which thresholds every peak stands by itself."""
    input:
        map=FETCHED,
        residuals=ancient(study.files_of("residuals")),
        variants=of_variants(*REGIONS, variants=SPECIFIED),
        atlases=FETCHED_ATLASES,
        atlas_labels=ancient(study.labels),
    output:
        reported("results/{map}/sweep/sweep.csv", "sweep_table", "regions over the grid (CSV)", **IN_SWEEP),
        reported("results/{map}/sweep/persistence.csv", "persistence_table", "persistence of peaks (CSV)", **IN_SWEEP),
        reported("results/{map}/sweep/findings.csv", "findings_table", "findings over the grid (CSV)", **IN_SWEEP),
        "results/{map}/sweep/selection_frequency.nii.gz",
    log:
        "results/logs/sweep_map/{map}.log",
    benchmark:
        "results/benchmarks/sweep_map/{map}.tsv"
    params:
        rule=study.sweep_keys,
        smoothness=study.map_keys("fwhm_mm", "dlh", "search_voxels"),
        residuals=study.image_of("residuals"),
        atlas_spaces=study.atlas_spaces,
        content=study.content_of(study.files_of("residuals"), study.labels),
        code=code_hash("sweep_map", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Sweeping {wildcards.map}"
    script:
        "scripts/sweep_map.py"


rule plot_sweep:
    """Draw the sweep: regions over the grid, the barcode of the peaks, how often each voxel is kept."""
    input:
        sidecar="results/maps/{map}.json",
        swept=multiext(
            "results/{map}/sweep/", "sweep.csv", "persistence.csv", "findings.csv", "selection_frequency.nii.gz"
        ),
        variants=of_variants("thresholded.json", "regions.json"),
        template=ancient(study.template_of),
    output:
        [
            drawn(f"results/{{map}}/sweep/{figure}", "figure", caption.title, **IN_SWEEP)
            for figure, caption in SWEEP_FIGURES.items()
        ],
    log:
        "results/logs/plot_sweep/{map}.log",
    benchmark:
        "results/benchmarks/plot_sweep/{map}.tsv"
    params:
        rule=study.sweep_keys,
        style=STYLE,
        captions=SWEEP_FIGURES,
        content=study.content_of(study.template_of),
        code=code_hash("plot_sweep", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Drawing the sweep of {wildcards.map}"
    script:
        "scripts/plot_sweep.py"


if study.published:

    rule check_published:
        """Find the settings under which a published table follows from its map, and say which rows do not."""
        input:
            map=FETCHED,
            residuals=ancient(study.files_of("residuals")),
            table=ancient(study.table_of),
            peaks=ancient(study.peaks_of),
            regions=study.regions_of,
        output:
            multiext("results/{map}/published/{table}/", "settings.csv", "rows.csv", "variant.yaml", "check.json"),
            reported("results/{map}/published/{table}/check.html", "check", "published table", **OF_TABLE),
            drawn("results/{map}/published/{table}/check", "check", "sizes over the cutoff", **OF_TABLE),
        log:
            "results/logs/check_published/{map}.{table}.log",
        benchmark:
            "results/benchmarks/check_published/{map}.{table}.tsv"
        params:
            asked=study.published_keys("space", "within_mm", "variant", "package"),
            style=STYLE,
            smoothness=study.map_keys("fwhm_mm", "dlh", "search_voxels"),
            residuals=study.image_of("residuals"),
            content=study.content_of(study.files_of("residuals"), study.table_of, study.peaks_of),
            code=code_hash("check_published", SCRIPTS),
        conda:
            "envs/environment.yaml"
        message:
            "Checking table {wildcards.table} against {wildcards.map}"
        script:
            "scripts/check_published.py"


rule show_map:
    """The page of a map, whole in one file: figures, tables and methods of every variant."""
    input:
        sidecar="results/maps/{map}.json",
        variants=of_variants(
            *("thresholded.json", "regions.json", "regions.csv", "peaks.csv", "table.tsv"),
            *(*LABELS, *(f"{figure}.png" for figure in DRAWN)),
        ),
        shared=[
            *expand("results/{{map}}/{figure}.png", figure=AGREEMENT),
            *expand("results/{{map}}/sweep/{figure}.png", figure=SWEEP_FIGURES if study.sweep else []),
        ],
        tables_sidecar="results/{map}/tables.json",
        checks=study.checks_of,
    output:
        reported("results/{map}/map.html", "map", "tables"),
    log:
        "results/logs/show_map/{map}.log",
    benchmark:
        "results/benchmarks/show_map/{map}.tsv"
    params:
        citation=study.citation_of,
        references=study.atlas_references,
        template=study.config["template"] if DRAWN else None,
        template_space=study.config["template_space"],
        max_pages=study.config["max_pages"] if PAGES else 0,
        has_view="view" in HTML,
        code=code_hash("show_map", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Writing the page of {wildcards.map}"
    script:
        "scripts/show_map.py"


rule view_map:
    """The slices of a map to scroll through, and a threshold to move."""
    input:
        map=FETCHED,
        variants=of_variants(*REGIONS, "accounting.nii.gz", "regions.csv"),
        atlases=FETCHED_ATLASES,
        atlas_labels=ancient(study.labels),
        template=ancient(study.template_of),
    output:
        reported("results/{map}/view.html", "view", "interactive view"),
    log:
        "results/logs/view_map/{map}.log",
    benchmark:
        "results/benchmarks/view_map/{map}.tsv"
    params:
        written_variants=study.written_variants,
        atlas_spaces=study.atlas_spaces,
        has_page="map" in HTML,
        content=study.content_of(study.template_of, study.labels),
        code=code_hash("view_map", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Writing the slices of {wildcards.map}"
    script:
        "scripts/view_map.py"


rule compare_maps:
    """Overlap of what every two maps keep, and the number of maps in whose regions each voxel lies."""
    input:
        variants=expand(of_variants("regions.nii.gz", "regions.json", "regions.csv"), map=MAPS),
        template=ancient(study.template_of_all),
    output:
        of_all=[
            reported("results/maps.html", "maps", "agreement of maps", category="All maps"),
            reported("results/maps.csv", "maps", "agreement of maps (CSV)", category="All maps"),
            reported("results/maps_found.csv", "maps", "regions found in maps (CSV)", category="All maps"),
        ],
        overlaps=expand("results/overlap/{variant}.nii.gz", variant=VARIANTS),
        figures=[
            drawn(f"results/overlap/{variant}_{figure}", "maps", figure, variant, category="All maps")
            for variant in VARIANTS
            for figure in OVERLAPS
        ],
    log:
        "results/logs/compare_maps.log",
    benchmark:
        "results/benchmarks/compare_maps.tsv"
    params:
        maps=MAPS,
        linked="map" in HTML,
        style=STYLE,
        content=study.content_of(study.template_of_all),
        code=code_hash("compare_maps", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Comparing all maps"
    script:
        "scripts/compare_maps.py"


rule summarise:
    """One row per map and variant: cutoff, voxel accounting, regions, and what to be careful about."""
    input:
        variants=expand(of_variants("thresholded.json", "regions.json", "regions.csv"), map=MAPS),
        fetched=expand("results/maps/{map}.json", map=MAPS),
        of_maps=[*expand("results/{map}/tables.json", map=MAPS), *expand("results/{map}/stability.csv", map=COMPARED)],
        atlases=expand("results/atlases/{atlas}.json", atlas=ATLASES),
        template=ancient(study.template or []),
        settings=expand("results/{map}/published/{table}/settings.csv", zip, **PUBLISHED),
        checks=expand("results/{map}/published/{table}/check.json", zip, **PUBLISHED),
    output:
        "results/summary.csv",
        reported("results/summary.html", "summary", "summary", category="All maps"),
    log:
        "results/logs/summarise.log",
    params:
        pages=[*HTML, *ACROSS],
        template_space=study.config["template_space"],
        content=study.content_of(study.template or []),
        code=code_hash("summarise", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Summarising all variants of all maps"
    script:
        "scripts/summarise.py"


of_each_map = [rules.fetch_map, rules.threshold_map, rules.extract_regions, rules.tabulate_regions]
of_each_map += [rules.plot_variants] if DRAWN or PAGES else []
of_each_map += [rules.sweep_map, rules.plot_sweep] if study.sweep else []
of_each_map += [rules.show_map] if "map" in HTML else []
of_each_map += [rules.view_map] if "view" in HTML else []


rule all:
    """Everything that the config asks for."""
    input:
        [expand(step.output, map=MAPS) for step in of_each_map],
        FETCHED_ATLASES,
        LIMITS,
        rules.compare_maps.output if ACROSS else [],
        expand(rules.check_published.output, zip, **PUBLISHED) if study.published else [],
        rules.summarise.output,
    default_target: not study.sources
    localrule: True
    message:
        "Everything that the config asks for"


rule start_study:
    """Write maps.tsv and study.yaml of the analyses that the key `from` names; never over existing ones."""
    log:
        "results/logs/start_study.log",
    params:
        sources=study.sources,
        effects=study.config["from_effects"],
        template=str(HERE / "config/template/study.yaml"),
        typed_in=getattr(workflow, "rundir", None),
        code=code_hash("start_study", SCRIPTS),
    conda:
        "envs/environment.yaml"
    default_target: bool(study.sources)
    localrule: True
    message:
        "Reading what the analyses hold"
    script:
        "scripts/start_study.py"


rule prune:
    """Remove the results of maps and variants that are in the config no more; a run lists them at its end."""
    log:
        "results/logs/prune.log",
    params:
        left_behind=study.left_behind,
        in_words=study.left_behind_in_words,
        maps=MAPS,
        code=code_hash("prune", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Not in the config any more, so removed: {params.in_words}"
    script:
        "scripts/prune.py"


onstart:
    lift_job_rate_limit(workflow)


onsuccess:
    if advice := large_report("results", study.config["report_pages"]):
        logger.warning(f"{advice}.")
    if not study.sources and study.left_behind():
        logger.warning(how_to_prune(study.left_behind_in_words()))


onerror:
    for failure in failures("results/logs", BEGUN):
        logger.error(f"Failed: {failure}")
    if not study.sources:
        logger.error(AFTER_FAILURES)
