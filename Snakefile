"""Statmap Regions: from statistical maps to regions, tables and figures, and how far they depend on the threshold."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import Quietness
from snakemake.utils import min_version

min_version("9.27")


configfile: Path(workflow.basedir, "config/config.yaml")


SCRIPTS = Path(workflow.basedir, "scripts")
sys.path.insert(0, str(SCRIPTS))

from statmap.config.rerun import code_hash
from statmap.config.study import Study
from statmap.io.files import UserError
from statmap.config.outcome import last_words

try:
    study = Study(config, Path(workflow.basedir, "config/schemas"), folders=[".", workflow.basedir])
except UserError as error:
    raise WorkflowError(str(error))

ATLASES, FORMATS, FOUR_D = list(study.atlases), study.formats[1:], ["regions_4d"] if study.config["write_4d"] else []
SWEPT = list(study.maps) if study.config["sweep"] else []
COMPARED = list(study.maps) if len(study.variants) > 1 else []


wildcard_constraints:
    map="|".join(study.maps),
    variant="|".join(study.variants),


report: "config/captions/workflow.rst"


rule all:
    """Everything that the config asks for."""
    input:
        "results/summary.html",
        expand("results/{map}/{variant}/tables.html", map=study.maps, variant=study.variants),
        expand("results/{map}/view.html", map=study.maps),
        expand(
            "results/{map}/{variant}/{table}.csv",
            map=study.maps,
            variant=study.variants,
            table=["regions", "peaks"],
        ),
        expand(
            "results/{map}/{variant}/{figure}.{format}",
            map=study.maps,
            variant=study.variants,
            figure=["threshold", "regions", "glass"],
            format=study.formats,
        ),
        expand("results/{map}/{variant}/pages", map=study.maps, variant=study.variants),
        expand("results/{map}/{variant}/{image}.nii.gz", map=study.maps, variant=study.variants, image=FOUR_D),
        expand("results/{map}/dice.{format}", map=COMPARED, format=study.formats),
        expand("results/{map}/sweep/sweep.{format}", map=SWEPT, format=study.formats),
    default_target: True
    localrule: True
    message:
        "All results are there"


rule fetch_map:
    """Fetch a statistical map and its mask, and refuse what is not one 3D image."""
    input:
        files=study.files_of,
    output:
        image="results/maps/{map}.nii.gz",
        mask_image="results/maps/{map}_mask.nii.gz",
        sidecar="results/maps/{map}.json",
    log:
        "results/logs/fetch_map/{map}.log",
    params:
        spec=study.fetch_spec,
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
    log:
        "results/logs/fetch_atlas/{atlas}.log",
    params:
        spec=study.atlas_spec,
        code=code_hash("fetch_atlas", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Fetching atlas {wildcards.atlas}"
    script:
        "scripts/fetch_atlas.py"


rule threshold_map:
    """Resolve the variant's threshold on the map and keep the voxels that pass it."""
    input:
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        sidecar="results/maps/{map}.json",
    output:
        thresholded="results/{map}/{variant}/thresholded.nii.gz",
        thresholded_sidecar="results/{map}/{variant}/thresholded.json",
    log:
        "results/logs/threshold_map/{map}/{variant}.log",
    benchmark:
        "results/benchmarks/threshold_map/{map}/{variant}.tsv"
    params:
        spec=study.threshold_spec,
        code=code_hash("threshold_map", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Thresholding {wildcards.map}: {wildcards.variant}"
    script:
        "scripts/threshold_map.py"


rule extract_regions:
    """Divide the survivors into regions, drop the small ones, and account for every voxel."""
    input:
        thresholded="results/{map}/{variant}/thresholded.nii.gz",
    output:
        regions="results/{map}/{variant}/regions.nii.gz",
        regions_sidecar="results/{map}/{variant}/regions.json",
        regions_4d=expand("results/{{map}}/{{variant}}/{image}.nii.gz", image=FOUR_D),
    log:
        "results/logs/extract_regions/{map}/{variant}.log",
    benchmark:
        "results/benchmarks/extract_regions/{map}/{variant}.tsv"
    params:
        spec=study.region_spec,
        code=code_hash("extract_regions", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Extracting regions of {wildcards.map}: {wildcards.variant}"
    script:
        "scripts/extract_regions.py"


rule tabulate_regions:
    """Measure every region and list its peaks, with p values, labels and the interval over which it is found."""
    input:
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        thresholded_sidecar="results/{map}/{variant}/thresholded.json",
        labels="results/{map}/{variant}/regions.nii.gz",
        atlases=expand("results/atlases/{atlas}.nii.gz", atlas=ATLASES),
        atlas_labels=study.labels_of,
    output:
        regions="results/{map}/{variant}/regions.csv",
        peaks="results/{map}/{variant}/peaks.csv",
    log:
        "results/logs/tabulate_regions/{map}/{variant}.log",
    benchmark:
        "results/benchmarks/tabulate_regions/{map}/{variant}.tsv"
    params:
        spec=study.table_spec,
        code=code_hash("tabulate_regions", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Tabulating regions of {wildcards.map}: {wildcards.variant}"
    script:
        "scripts/tabulate_regions.py"


rule plot_variant:
    """Draw the thresholded map, the regions with their ids, and the glass brain."""
    input:
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        thresholded="results/{map}/{variant}/thresholded.nii.gz",
        thresholded_sidecar="results/{map}/{variant}/thresholded.json",
        labels="results/{map}/{variant}/regions.nii.gz",
        regions_table="results/{map}/{variant}/regions.csv",
        template=ancient(study.template_of),
    output:
        threshold=report(
            "results/{map}/{variant}/threshold.png",
            category="{map}",
            subcategory="{variant}",
            caption="config/captions/threshold.rst",
            labels={"map": "{map}", "variant": "{variant}", "show": "thresholded map"},
        ),
        regions=report(
            "results/{map}/{variant}/regions.png",
            category="{map}",
            subcategory="{variant}",
            caption="config/captions/regions.rst",
            labels={"map": "{map}", "variant": "{variant}", "show": "regions"},
        ),
        glass=report(
            "results/{map}/{variant}/glass.png",
            category="{map}",
            subcategory="{variant}",
            caption="config/captions/glass.rst",
            labels={"map": "{map}", "variant": "{variant}", "show": "glass brain"},
        ),
        others=expand(
            "results/{{map}}/{{variant}}/{figure}.{format}",
            figure=["threshold", "regions", "glass"],
            format=FORMATS,
        ),
    log:
        "results/logs/plot_variant/{map}/{variant}.log",
    benchmark:
        "results/benchmarks/plot_variant/{map}/{variant}.tsv"
    params:
        spec=study.figure_spec,
        code=code_hash("plot_variant", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Drawing {wildcards.map}: {wildcards.variant}"
    script:
        "scripts/plot_variant.py"


rule plot_pages:
    """Draw a page for every region: three cuts through its peak, its row and its peaks."""
    input:
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        thresholded="results/{map}/{variant}/thresholded.nii.gz",
        thresholded_sidecar="results/{map}/{variant}/thresholded.json",
        labels="results/{map}/{variant}/regions.nii.gz",
        regions_table="results/{map}/{variant}/regions.csv",
        peaks_table="results/{map}/{variant}/peaks.csv",
        template=ancient(study.template_of),
    output:
        pages=report(
            directory("results/{map}/{variant}/pages"),
            patterns=["region-{region}.png"],
            category="{map}",
            subcategory="{variant}",
            caption="config/captions/page.rst",
            labels={"map": "{map}", "variant": "{variant}", "show": "zoom on region {region}"},
        ),
    log:
        "results/logs/plot_pages/{map}/{variant}.log",
    benchmark:
        "results/benchmarks/plot_pages/{map}/{variant}.tsv"
    params:
        spec=study.figure_spec,
        code=code_hash("plot_pages", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Drawing a page per region of {wildcards.map}: {wildcards.variant}"
    script:
        "scripts/plot_pages.py"


rule show_tables:
    """Regions and peaks of a variant as tables to read, to sort and to take away."""
    input:
        regions="results/{map}/{variant}/regions.csv",
        peaks="results/{map}/{variant}/peaks.csv",
        thresholded_sidecar="results/{map}/{variant}/thresholded.json",
        regions_sidecar="results/{map}/{variant}/regions.json",
    output:
        page=report(
            "results/{map}/{variant}/tables.html",
            category="{map}",
            subcategory="{variant}",
            caption="config/captions/tables.rst",
            labels={"map": "{map}", "variant": "{variant}", "show": "tables"},
        ),
    log:
        "results/logs/show_tables/{map}/{variant}.log",
    params:
        code=code_hash("show_tables", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Showing the tables of {wildcards.map}: {wildcards.variant}"
    script:
        "scripts/show_tables.py"


rule compare_variants:
    """Overlap of what every two variants of a map keep, and their regions matched."""
    input:
        labels=expand("results/{{map}}/{variant}/regions.nii.gz", variant=study.variants),
    output:
        stability="results/{map}/stability.csv",
        matches=report(
            "results/{map}/matches.csv",
            category="{map}",
            subcategory="all variants",
            caption="config/captions/matches.rst",
            labels={"map": "{map}", "variant": "all", "show": "matched regions (CSV)"},
        ),
        figure=report(
            "results/{map}/dice.png",
            category="{map}",
            subcategory="all variants",
            caption="config/captions/stability.rst",
            labels={"map": "{map}", "variant": "all", "show": "agreement"},
        ),
        others=expand("results/{{map}}/dice.{format}", format=FORMATS),
    log:
        "results/logs/compare_variants/{map}.log",
    benchmark:
        "results/benchmarks/compare_variants/{map}.tsv"
    params:
        spec=study.variants_spec,
        code=code_hash("compare_variants", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Comparing the variants of {wildcards.map}"
    script:
        "scripts/compare_variants.py"


rule sweep_map:
    """Regions over a whole grid of thresholds and sizes, and over which thresholds every peak stands by itself."""
    input:
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        atlases=expand("results/atlases/{atlas}.nii.gz", atlas=ATLASES),
        atlas_labels=study.labels_of,
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
        frequency="results/{map}/sweep/selection_frequency.nii.gz",
    log:
        "results/logs/sweep_map/{map}.log",
    benchmark:
        "results/benchmarks/sweep_map/{map}.tsv"
    params:
        spec=study.sweep_spec,
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
        sweep="results/{map}/sweep/sweep.csv",
        persistence_table="results/{map}/sweep/persistence.csv",
        frequency="results/{map}/sweep/selection_frequency.nii.gz",
        thresholded_sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=study.variants),
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
        others=expand(
            "results/{{map}}/sweep/{figure}.{format}",
            figure=["sweep", "persistence", "selection_frequency"],
            format=FORMATS,
        ),
    log:
        "results/logs/plot_sweep/{map}.log",
    benchmark:
        "results/benchmarks/plot_sweep/{map}.tsv"
    params:
        spec=study.variants_spec,
        code=code_hash("plot_sweep", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Drawing the sweep of {wildcards.map}"
    script:
        "scripts/plot_sweep.py"


rule view_map:
    """One page per map to scroll through it and to jump to every region's peak."""
    input:
        image="results/maps/{map}.nii.gz",
        mask="results/maps/{map}_mask.nii.gz",
        thresholded=expand("results/{{map}}/{variant}/thresholded.nii.gz", variant=study.variants),
        thresholded_sidecars=expand("results/{{map}}/{variant}/thresholded.json", variant=study.variants),
        labels=expand("results/{{map}}/{variant}/regions.nii.gz", variant=study.variants),
        tables=expand("results/{{map}}/{variant}/regions.csv", variant=study.variants),
        template=ancient(study.template_of),
    output:
        page=report(
            "results/{map}/view.html",
            category="{map}",
            subcategory="all variants",
            caption="config/captions/view.rst",
            labels={"map": "{map}", "variant": "all", "show": "interactive view"},
        ),
    log:
        "results/logs/view_map/{map}.log",
    benchmark:
        "results/benchmarks/view_map/{map}.tsv"
    params:
        spec=study.variants_spec,
        code=code_hash("view_map", SCRIPTS),
    conda:
        "envs/environment.yaml"
    message:
        "Building the interactive view of {wildcards.map}"
    script:
        "scripts/view_map.py"


rule summarise:
    """One row per map and variant: cutoff, ledger, regions, and what to be careful about."""
    input:
        thresholded=expand("results/{map}/{variant}/thresholded.json", map=study.maps, variant=study.variants),
        extracted=expand("results/{map}/{variant}/regions.json", map=study.maps, variant=study.variants),
        tables=expand("results/{map}/{variant}/regions.csv", map=study.maps, variant=study.variants),
    output:
        summary="results/summary.csv",
    log:
        "results/logs/summarise.log",
    params:
        spec=study.variants_spec,
        pairs=[[map_id, variant] for map_id in study.maps for variant in study.variants],
        code=code_hash("summarise", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Summarising all variants of all maps"
    script:
        "scripts/summarise.py"


rule show_summary:
    """The summary, and how far the variants of each map agree, as tables to read; warnings first."""
    input:
        summary="results/summary.csv",
        stability=expand("results/{map}/stability.csv", map=COMPARED),
    output:
        page=report(
            "results/summary.html",
            category="All maps",
            caption="config/captions/summary.rst",
            labels={"map": "all", "variant": "all", "show": "summary"},
        ),
    log:
        "results/logs/show_summary.log",
    params:
        code=code_hash("show_summary", SCRIPTS),
    conda:
        "envs/environment.yaml"
    localrule: True
    message:
        "Showing the summary"
    script:
        "scripts/show_summary.py"


onsuccess:
    if any(job.rule.name == "summarise" for job in workflow.dag.jobs):
        logger.info(last_words(rules.summarise.output.summary), extra={"quietness": Quietness.PROGRESS})


onerror:
    logger.error("A job failed: read the first error above and the log that it names. The same command then goes on.")
