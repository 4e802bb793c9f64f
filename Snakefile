"""Statmap Regions: from statistical maps to regions, tables and figures, and how far they depend on the threshold."""

import atexit
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import Quietness
from snakemake.utils import min_version

# The oldest that the workflow was run with: 9.20.0 (and 9.27.1, which the lock has).
min_version("9.20")

BEGUN = time.time()
HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))


configfile: HERE / "config/config.yaml"


if "variants" not in config:

    configfile: HERE / ("config/template/study.yaml" if config.get("map") else "config/example.yaml")


SCRIPTS = HERE / "scripts"
sys.path.insert(0, str(SCRIPTS))

from statmap.config.outcome import failures, last_words
from statmap.config.rerun import code_hash
from statmap.config.schema import check_keys
from statmap.config.study import Study
from statmap.io.files import UserError

try:
    if workflow.is_main_process:
        check_keys(workflow.configfiles)
    study = Study(config, declared=HERE / "config", folders=[".", HERE])
except UserError as error:
    raise WorkflowError(str(error))

# In a run, a broken map does not spoil the rest: it is the dry run that stops at what would fail.
if workflow.output_settings.dryrun and (problems := study.problems()):
    raise WorkflowError(*problems)

MAPS, VARIANTS, ATLASES = list(study.maps), list(study.variants), list(study.atlases)
FORMATS = study.formats  # png first
DRAWN = [figure for figure in study.config["figures"] if figure != "pages"]
PAGES = ["pages"] if "pages" in study.config["figures"] else []
FOUR_D = ["regions_4d"] if study.config["write_4d"] else []
COMPARED = MAPS if study.config["compare"] and len(VARIANTS) > 1 else []
AGREEMENT = ["dice"] if COMPARED and study.config["figures"] else []
HTML = study.config["html"]
SWEPT = MAPS if study.sweep else []
OF_SWEEP = ["findings", "sweep", "persistence", "selection_frequency"]
SPECIFIED = VARIANTS if study.sweep and study.sweep["variants"] else []
PUBLISHED = [f"{own['map']}/published/{name}" for name, own in study.published.items()]
ACROSS = ["maps"] if study.config["compare"] and len(MAPS) > 1 else []
OVERLAP = ["overlap"] if ACROSS else []
OVERLAPS = ["overlap", "dice"] if DRAWN or PAGES else []


wildcard_constraints:
    map="|".join(MAPS),
    variant="|".join(VARIANTS),
    table="|".join(study.published),


report: "config/captions/workflow.rst"


rule all:
    """Everything that the config asks for."""
    input:
        "results/summary.html",
        "results/summary.csv",
        expand("results/maps/{map}{file}", map=MAPS, file=[".nii.gz", "_mask.nii.gz", ".json"]),
        expand("results/atlases/{atlas}{file}", atlas=ATLASES, file=[".nii.gz", ".json"]),
        expand("results/{map}/{variant}/{file}.nii.gz", map=MAPS, variant=VARIANTS, file=["thresholded", "regions"]),
        expand("results/{map}/{variant}/{file}.json", map=MAPS, variant=VARIANTS, file=["thresholded", "regions"]),
        expand("results/{map}/{variant}/{table}.csv", map=MAPS, variant=VARIANTS, table=["regions", "peaks"]),
        expand("results/{map}/tables.json", map=MAPS),
        expand("results/{map}/{variant}/{figure}.{format}", map=MAPS, variant=VARIANTS, figure=DRAWN, format=FORMATS),
        expand("results/{map}/{variant}/{pages}", map=MAPS, variant=VARIANTS, pages=PAGES),
        expand("results/{map}/{variant}/{image}.nii.gz", map=MAPS, variant=VARIANTS, image=FOUR_D),
        expand("results/{map}/{table}.csv", map=COMPARED, table=["stability", "matches"]),
        expand("results/{map}/{figure}.{format}", map=MAPS, figure=AGREEMENT, format=FORMATS),
        expand("results/{map}/{page}.html", map=MAPS, page=HTML),
        expand("results/{map}/sweep/{table}.csv", map=SWEPT, table=["sweep", "persistence", "findings"]),
        expand("results/{map}/sweep/selection_frequency.nii.gz", map=SWEPT),
        expand("results/{map}/sweep/{figure}.{format}", map=SWEPT, figure=OF_SWEEP, format=FORMATS),
        expand("results/{across}.csv", across=ACROSS),
        expand("results/{overlap}/{variant}.nii.gz", overlap=OVERLAP, variant=VARIANTS),
        expand(
            "results/{overlap}/{variant}_{figure}.{format}",
            overlap=OVERLAP,
            variant=VARIANTS,
            figure=OVERLAPS,
            format=FORMATS,
        ),
        expand("results/{published}/{file}", published=PUBLISHED, file=["settings.csv", "rows.csv", "check.json"]),
        expand("results/{published}/variant.yaml", published=PUBLISHED),
        expand("results/{published}/check.{format}", published=PUBLISHED, format=["html", *FORMATS]),
    default_target: not study.sources
    localrule: True
    message:
        "Everything that the config asks for"


rule fetch_map:
    """Fetch a statistical map and its mask, and refuse what is not one 3D image."""
    input:
        files=study.files_of("source", "mask"),
    output:
        image="results/maps/{map}.nii.gz",
        mask_image="results/maps/{map}_mask.nii.gz",
        sidecar="results/maps/{map}.json",
    cache: "omit-software"
    log:
        "results/logs/fetch_map/{map}.log",
    params:
        row=study.map_keys("source", "sha256", "mask", "stat", "df", "space"),
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
        file=study.atlas_file_of,
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


rule threshold_map:
    """Resolve every variant's threshold on the map and keep the voxels that pass it."""
    input:
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        sidecar="results/maps/{map}.json",
        residuals=study.files_of("residuals"),
    output:
        thresholded=expand("results/{{map}}/{variant}/thresholded.nii.gz", variant=VARIANTS),
        sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=VARIANTS),
    log:
        "results/logs/threshold_map/{map}.log",
    benchmark:
        "results/benchmarks/threshold_map/{map}.tsv"
    params:
        variants=study.variant_keys(
            "threshold",
            "sided",
            "cutoff_rule",
            "percentile_domain",
            "domain",
            "signs",
            "connectivity",
            "tdp_alpha",
            "convention",
        ),
        smoothness=study.map_keys("fwhm_mm", "dlh", "search_voxels"),
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
        thresholded=expand("results/{{map}}/{variant}/thresholded.nii.gz", variant=VARIANTS),
        thresholded_sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=VARIANTS),
    output:
        regions=expand("results/{{map}}/{variant}/regions.nii.gz", variant=VARIANTS),
        sidecars=expand("results/{{map}}/{variant}/regions.json", variant=VARIANTS),
        regions_4d=expand("results/{{map}}/{variant}/{image}.nii.gz", variant=VARIANTS, image=FOUR_D),
    log:
        "results/logs/extract_regions/{map}.log",
    benchmark:
        "results/benchmarks/extract_regions/{map}.tsv"
    params:
        variants=study.variant_keys(
            "extract_type",
            "signs",
            "connectivity",
            "min_region_size",
            "size_rule",
            "unseeded",
            "edge_scale",
            "random_walker",
            "cluster_p",
            "cluster_q",
            "cluster_theory",
            "sided",
        ),
        code=code_hash("extract_regions", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Extracting regions of {wildcards.map}"
    script:
        "scripts/extract_regions.py"


rule tabulate_regions:
    """Measure every region and list its peaks, with p values, labels and the interval over which it is found."""
    input:
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        sidecar="results/maps/{map}.json",
        thresholded_sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=VARIANTS),
        labels=expand("results/{{map}}/{variant}/regions.nii.gz", variant=VARIANTS),
        regions_sidecars=expand("results/{{map}}/{variant}/regions.json", variant=VARIANTS),
        values=study.files_of("values"),
        atlases=expand("results/atlases/{atlas}.nii.gz", atlas=ATLASES),
        atlas_sidecars=expand("results/atlases/{atlas}.json", atlas=ATLASES),
        atlas_labels=study.labels,
    output:
        regions=expand("results/{{map}}/{variant}/regions.csv", variant=VARIANTS),
        peaks=expand("results/{{map}}/{variant}/peaks.csv", variant=VARIANTS),
        tables_sidecar="results/{map}/tables.json",
    log:
        "results/logs/tabulate_regions/{map}.log",
    benchmark:
        "results/benchmarks/tabulate_regions/{map}.tsv"
    params:
        variants=study.variant_keys(
            "sided",
            "signs",
            "extract_type",
            "connectivity",
            "cluster_theory",
            "domain",
            "min_peak_distance",
            "peak_distance_rule",
            "peak_neighbours",
            "max_peaks",
            "tdp_alpha",
        ),
        atlas_spaces=study.atlas_spaces,
        content=study.content_of(study.files_of("values"), study.labels),
        code=code_hash("tabulate_regions", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Tabulating regions of {wildcards.map}"
    script:
        "scripts/tabulate_regions.py"


rule compare_variants:
    """Overlap of what every two variants of a map keep, and their regions matched."""
    input:
        labels=expand("results/{{map}}/{variant}/regions.nii.gz", variant=VARIANTS),
        sidecars=expand("results/{{map}}/{variant}/regions.json", variant=VARIANTS),
    output:
        stability="results/{map}/stability.csv",
        matches=report(
            "results/{map}/matches.csv",
            category="{map}",
            subcategory="all variants",
            caption="config/captions/matches.rst",
            labels={"map": "{map}", "variant": "all", "show": "matched regions (CSV)"},
        ),
    log:
        "results/logs/compare_variants/{map}.log",
    benchmark:
        "results/benchmarks/compare_variants/{map}.tsv"
    params:
        variants=VARIANTS,
        code=code_hash("compare_variants", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Comparing the variants of {wildcards.map}"
    script:
        "scripts/compare_variants.py"


if DRAWN or PAGES:

    rule plot_variants:
        """Draw every variant (thresholded map, numbered regions, glass brain, a page per region) and their agreement."""
        input:
            image="results/maps/{map}.nii.gz",
            mask="results/maps/{map}_mask.nii.gz",
            sidecar="results/maps/{map}.json",
            thresholded=expand("results/{{map}}/{variant}/thresholded.nii.gz", variant=VARIANTS),
            thresholded_sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=VARIANTS),
            labels=expand("results/{{map}}/{variant}/regions.nii.gz", variant=VARIANTS),
            regions_sidecars=expand("results/{{map}}/{variant}/regions.json", variant=VARIANTS),
            regions_tables=expand("results/{{map}}/{variant}/regions.csv", variant=VARIANTS),
            peaks_tables=expand("results/{{map}}/{variant}/peaks.csv", variant=VARIANTS),
            stability=expand("results/{{map}}/{table}.csv", table=["stability"] if AGREEMENT else []),
            template=ancient(study.template_of),
        output:
            figures=[
                report(
                    f"results/{{map}}/{variant}/{figure}.png",
                    category="{map}",
                    subcategory=variant,
                    caption=f"config/captions/{figure}.rst",
                    labels={"map": "{map}", "variant": variant, "show": figure},
                )
                for variant in VARIANTS
                for figure in DRAWN
            ],
            pages=[
                report(
                    directory(f"results/{{map}}/{variant}/pages"),
                    patterns=["region-{region}.png"],
                    category="{map}",
                    subcategory=variant,
                    caption="config/captions/page.rst",
                    labels={"map": "{map}", "variant": variant, "show": "zoom on region {region}"},
                )
                for variant in VARIANTS
                for _ in PAGES
            ],
            agreement=[
                report(
                    "results/{map}/dice.png",
                    category="{map}",
                    subcategory="all variants",
                    caption="config/captions/stability.rst",
                    labels={"map": "{map}", "variant": "all", "show": "agreement"},
                )
                for _ in AGREEMENT
            ],
            others=[
                expand(
                    "results/{{map}}/{variant}/{figure}.{format}", variant=VARIANTS, figure=DRAWN, format=FORMATS[1:]
                ),
                expand("results/{{map}}/{figure}.{format}", figure=AGREEMENT, format=FORMATS[1:]),
            ],
        log:
            "results/logs/plot_variants/{map}.log",
        benchmark:
            "results/benchmarks/plot_variants/{map}.tsv"
        params:
            variants=study.variant_keys("sided"),
            max_pages=study.config["max_pages"],
            formats=FORMATS,
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
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        sidecar="results/maps/{map}.json",
        residuals=study.files_of("residuals"),
        labels=expand("results/{{map}}/{variant}/regions.nii.gz", variant=SPECIFIED),
        thresholded_sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=SPECIFIED),
        regions_sidecars=expand("results/{{map}}/{variant}/regions.json", variant=SPECIFIED),
        atlases=expand("results/atlases/{atlas}.nii.gz", atlas=ATLASES),
        atlas_sidecars=expand("results/atlases/{atlas}.json", atlas=ATLASES),
        atlas_labels=study.labels,
    output:
        sweep=report(
            "results/{map}/sweep/sweep.csv",
            category="{map}",
            subcategory="sweep",
            caption="config/captions/sweep_table.rst",
            labels={"map": "{map}", "variant": "sweep", "show": "regions over the grid (CSV)"},
        ),
        persistence_table=report(
            "results/{map}/sweep/persistence.csv",
            category="{map}",
            subcategory="sweep",
            caption="config/captions/persistence_table.rst",
            labels={"map": "{map}", "variant": "sweep", "show": "persistence of peaks (CSV)"},
        ),
        findings_table=report(
            "results/{map}/sweep/findings.csv",
            category="{map}",
            subcategory="sweep",
            caption="config/captions/findings_table.rst",
            labels={"map": "{map}", "variant": "sweep", "show": "findings over the grid (CSV)"},
        ),
        frequency="results/{map}/sweep/selection_frequency.nii.gz",
    log:
        "results/logs/sweep_map/{map}.log",
    benchmark:
        "results/benchmarks/sweep_map/{map}.tsv"
    params:
        grid=study.sweep_keys(
            "thresholds",
            "min_region_sizes",
            "connectivities",
            "signs",
            "sided",
            "size_rule",
            "cutoff_rule",
            "percentile_domain",
            "domain",
            "tdp_alpha",
        ),
        smoothness=study.map_keys("fwhm_mm", "dlh", "search_voxels"),
        variants=study.variant_keys("threshold", "connectivity", "signs", "extract_type") if SPECIFIED else {},
        atlas_spaces=study.atlas_spaces,
        content=study.content_of(study.labels),
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
        sweep="results/{map}/sweep/sweep.csv",
        persistence_table="results/{map}/sweep/persistence.csv",
        frequency="results/{map}/sweep/selection_frequency.nii.gz",
        findings_table="results/{map}/sweep/findings.csv",
        thresholded_sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=VARIANTS),
        regions_sidecars=expand("results/{{map}}/{variant}/regions.json", variant=VARIANTS),
        template=ancient(study.template_of),
    output:
        sweep=report(
            "results/{map}/sweep/sweep.png",
            category="{map}",
            subcategory="sweep",
            caption="config/captions/sweep.rst",
            labels={"map": "{map}", "variant": "sweep", "show": "regions over the grid"},
        ),
        persistence=report(
            "results/{map}/sweep/persistence.png",
            category="{map}",
            subcategory="sweep",
            caption="config/captions/persistence.rst",
            labels={"map": "{map}", "variant": "sweep", "show": "persistence of peaks"},
        ),
        frequency=report(
            "results/{map}/sweep/selection_frequency.png",
            category="{map}",
            subcategory="sweep",
            caption="config/captions/frequency.rst",
            labels={"map": "{map}", "variant": "sweep", "show": "selection frequency"},
        ),
        findings=report(
            "results/{map}/sweep/findings.png",
            category="{map}",
            subcategory="sweep",
            caption="config/captions/findings.rst",
            labels={"map": "{map}", "variant": "sweep", "show": "specification curve"},
        ),
        others=expand(
            "results/{{map}}/sweep/{figure}.{format}",
            figure=OF_SWEEP,
            format=FORMATS[1:],
        ),
    log:
        "results/logs/plot_sweep/{map}.log",
    benchmark:
        "results/benchmarks/plot_sweep/{map}.tsv"
    params:
        variants=study.variant_keys("connectivity", "signs", "sided"),
        grid=study.sweep_keys("sided"),
        content=study.content_of(study.template_of),
        code=code_hash("plot_sweep", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Drawing the sweep of {wildcards.map}"
    script:
        "scripts/plot_sweep.py"


if PUBLISHED:

    rule check_published:
        """Find the settings under which a published table follows from its map, and say which rows do not."""
        input:
            image="results/maps/{map}.nii.gz",
            mask="results/maps/{map}_mask.nii.gz",
            sidecar="results/maps/{map}.json",
            residuals=study.files_of("residuals"),
            table=study.table_of,
            peaks=study.peaks_of,
            regions=study.regions_of,
        output:
            settings="results/{map}/published/{table}/settings.csv",
            rows="results/{map}/published/{table}/rows.csv",
            variant="results/{map}/published/{table}/variant.yaml",
            answer="results/{map}/published/{table}/check.json",
            page=report(
                "results/{map}/published/{table}/check.html",
                category="{map}",
                subcategory="published tables",
                caption="config/captions/check.rst",
                labels={"map": "{map}", "variant": "{table}", "show": "published table"},
            ),
            figures=[
                report(
                    "results/{map}/published/{table}/check.png",
                    category="{map}",
                    subcategory="published tables",
                    caption="config/captions/check.rst",
                    labels={"map": "{map}", "variant": "{table}", "show": "sizes over the cutoff"},
                ),
                *expand("results/{{map}}/published/{{table}}/check.{format}", format=FORMATS[1:]),
            ],
        log:
            "results/logs/check_published/{map}.{table}.log",
        benchmark:
            "results/benchmarks/check_published/{map}.{table}.tsv"
        params:
            asked=study.published_keys("space", "within_mm", "variant", "package"),
            smoothness=study.map_keys("fwhm_mm", "dlh", "search_voxels"),
            content=study.content_of(study.table_of, study.peaks_of),
            code=code_hash("check_published", SCRIPTS),
        conda:
            "envs/environment.yaml"
        message:
            "Checking table {wildcards.table} against {wildcards.map}"
        script:
            "scripts/check_published.py"


if HTML:

    rule show_map:
        """Pages to read in a browser: figures, tables and methods of a map; its slices to scroll through."""
        input:
            image="results/maps/{map}.nii.gz",
            mask="results/maps/{map}_mask.nii.gz",
            sidecar="results/maps/{map}.json",
            thresholded_sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=VARIANTS),
            labels=expand("results/{{map}}/{variant}/regions.nii.gz", variant=VARIANTS),
            regions_sidecars=expand("results/{{map}}/{variant}/regions.json", variant=VARIANTS),
            regions_tables=expand("results/{{map}}/{variant}/regions.csv", variant=VARIANTS),
            peaks_tables=expand("results/{{map}}/{variant}/peaks.csv", variant=VARIANTS),
            tables_sidecar="results/{map}/tables.json",
            template=ancient(study.template_of),
        output:
            pages=[
                report(
                    f"results/{{map}}/{page}.html",
                    category="{map}",
                    subcategory="all variants",
                    caption=f"config/captions/{page}.rst",
                    labels={
                        "map": "{map}",
                        "variant": "all",
                        "show": {"map": "tables", "view": "interactive view"}[page],
                    },
                )
                for page in HTML
            ],
        log:
            "results/logs/show_map/{map}.log",
        benchmark:
            "results/benchmarks/show_map/{map}.tsv"
        params:
            row=study.map_keys("citation"),
            variants=study.variants,
            references=study.atlas_references,
            figures=DRAWN,
            content=study.content_of(study.template_of),
            shared=[*AGREEMENT, *expand("sweep/{figure}", figure=OF_SWEEP if SWEPT else [])],
            max_pages=study.config["max_pages"] if PAGES else 0,
            checks=study.checks_of,
            code=code_hash("show_map", SCRIPTS),
        conda:
            "envs/environment.yaml"
        message:
            "Writing the pages of {wildcards.map}"
        script:
            "scripts/show_map.py"


if ACROSS:

    rule compare_maps:
        """Overlap of what every two maps keep, and the number of maps in whose regions each voxel lies."""
        input:
            labels=expand("results/{map}/{variant}/regions.nii.gz", map=MAPS, variant=VARIANTS),
            sidecars=expand("results/{map}/{variant}/regions.json", map=MAPS, variant=VARIANTS),
            template=ancient(study.template_of_all),
        output:
            table=report(
                "results/maps.csv",
                category="All maps",
                caption="config/captions/maps.rst",
                labels={"map": "all", "variant": "all", "show": "agreement of maps (CSV)"},
            ),
            overlaps=expand("results/overlap/{variant}.nii.gz", variant=VARIANTS),
            figures=[
                report(
                    f"results/overlap/{variant}_{figure}.png",
                    category="All maps",
                    caption="config/captions/maps.rst",
                    labels={"map": "all", "variant": variant, "show": figure},
                )
                for variant in VARIANTS
                for figure in OVERLAPS
            ],
            others=expand(
                "results/overlap/{variant}_{figure}.{format}", variant=VARIANTS, figure=OVERLAPS, format=FORMATS[1:]
            ),
        log:
            "results/logs/compare_maps.log",
        benchmark:
            "results/benchmarks/compare_maps.tsv"
        params:
            maps=MAPS,
            variants=VARIANTS,
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
        thresholded=expand("results/{map}/{variant}/thresholded.json", map=MAPS, variant=VARIANTS),
        extracted=expand("results/{map}/{variant}/regions.json", map=MAPS, variant=VARIANTS),
        tables=expand("results/{map}/{variant}/regions.csv", map=MAPS, variant=VARIANTS),
        fetched=expand("results/maps/{map}.json", map=MAPS),
        tabulated=expand("results/{map}/tables.json", map=MAPS),
        atlases=expand("results/atlases/{atlas}.json", atlas=ATLASES),
        template=ancient(study.template or []),
        stability=expand("results/{map}/stability.csv", map=COMPARED),
        checked=expand("results/{published}/settings.csv", published=PUBLISHED),
    output:
        summary="results/summary.csv",
        page=report(
            "results/summary.html",
            category="All maps",
            caption="config/captions/summary.rst",
            labels={"map": "all", "variant": "all", "show": "summary"},
        ),
    log:
        "results/logs/summarise.log",
    params:
        maps=MAPS,
        variants=study.variant_keys("sided", "connectivity", "signs", "extract_type", "random_walker", "convention"),
        pages=HTML,
        across=bool(ACROSS),
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
        maps=MAPS,
        code=code_hash("prune", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Removing what is not in the config: {params.left_behind}"
    script:
        "scripts/prune.py"


onstart:
    # Snakemake's limit of jobs a second has a timer wake the scheduler again and again while jobs wait for a core, and
    # ends every run with a second of waiting. On one machine the cores are the limit.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    closing = []
    if not study.sources and (stale := study.left_behind()):
        closing.append(
            f"Not in the config any more: {', '.join(stale)}. The same command with `prune` before its options, "
            "`snakemake prune --directory … --configfile …`, removes exactly that; with -n too it only shows it."
        )
    if (
        Path(rules.summarise.output.summary).exists()
        and Path(rules.summarise.output.summary).stat().st_mtime >= BEGUN
    ):
        closing.append(last_words(rules.summarise.output.summary))
    # When all is over: after this Snakemake says where its log is, and names every file that it puts into a report.
    if closing and Quietness.ALL not in (workflow.output_settings.quiet or []):
        atexit.register(print, "\n".join(closing), file=sys.stderr)


onerror:
    for failure in failures("results/logs", BEGUN):
        logger.error(f"Failed: {failure}")
    if not study.sources:
        logger.error(
            "The rest is done. Fix what failed, or set a map aside with # in the sheet; the same command goes on."
        )
