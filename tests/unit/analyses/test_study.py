"""From analyses to maps.tsv and study.yaml: ids, paths, comments, variants, what is set aside and why."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from folders import (
    afni_head,
    bids,
    bricks,
    clusterize,
    clusters_of,
    damaged,
    feat,
    gfeat,
    nidm,
    palm,
    randomise,
    rows_of_sheet,
    save,
    spm,
    z_map,
)

import start_study
from statmap.analyses.analysis import Analysis, Packed, Printed, Row, Volume
from statmap.analyses.study import identifier, read_sources, resolve, unpack, write_study
from statmap.config.study import Study
from statmap.config.variants import RESERVED, check_ids
from statmap.io.files import UserError
from statmap.published.readers import read_published

REPOSITORY = Path(__file__).parents[3]
TEMPLATE = REPOSITORY / "config/template/study.yaml"
VARIANTS = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["variants"]
pytestmark = pytest.mark.filterwarnings("ignore:No clusters", "ignore:The given float")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, empty, with a place for analyses beside it."""
    made = tmp_path / "study"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def started(*sources, **keys):
    """What a person is told, the rows of the sheet, and the config."""
    told = start_study.main([str(source) for source in sources], str(TEMPLATE), **keys)
    sheet, config = (Path(name).read_text(encoding="utf-8") for name in ("maps.tsv", "study.yaml"))
    return told, rows_of_sheet(sheet), yaml.safe_load(config)


def taken(config="study.yaml"):
    """The study as the Snakefile has it, without a problem."""
    content = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    study = Study(content, REPOSITORY / "config", [Path.cwd(), REPOSITORY])
    assert study.problems() == []
    return study


def analysis(*rows, root=None, package="FSL", source="somewhere"):
    return Analysis(package, source, root, tuple(rows))


def written(*analyses, folder="/study", **keys):
    made = write_study(analyses, folder, VARIANTS, **keys)
    return made, rows_of_sheet(made.sheet), yaml.safe_load(made.config)


def z_row(name, **cells):
    return Row(name, {"source": Path("/a/z.nii"), "stat": "z"} | cells, "its header")


# ------------------------------------------------------------------------------------------------------------ the walks
def test_feat(folder, tmp_path):
    told, rows, config = started(feat(tmp_path / "my analysis.feat", f_tests=1))
    assert told == [
        f"FSL: 3 maps in {tmp_path}/my analysis.feat",
        "maps.tsv: 3 maps (visual, auditory-gt-visual, F-test-1)",
        "study.yaml: variants as_analysed, fdr-05, p-001; 3 printed tables to check",
        f"next: snakemake --directory {folder} --configfile {folder}/study.yaml",
    ]
    assert rows["visual"] == {
        "source": "../my analysis.feat/stats/zstat1.nii.gz",
        "stat": "z",
        "mask": "../my analysis.feat/mask.nii.gz",
        "dlh": "0.2",
        "search_voxels": str(np.count_nonzero(z_map(1))),
        "space": "native",
    }
    # Each F test has one tail, and FEAT looks at one.
    assert [variant["sided"] for variant in config["variants"].values()] == ["positive"] * 3
    assert config["template"] is None and "atlases" not in config
    assert config["published"]["visual"] == {
        "map": "visual",
        "table": "../my analysis.feat/cluster_zstat1.txt",
        "peaks": "../my analysis.feat/lmax_zstat1.txt",
        "variant": "as_analysed",
        "package": "FSL",
    }
    assert list(taken().maps) == ["visual", "auditory-gt-visual", "F-test-1"]


def test_a_group_of_feats(folder, tmp_path):
    _, rows, config = started(gfeat(tmp_path / "all.gfeat"))
    assert list(rows) == ["faces", "houses"] and config["atlases"] == ["aal", "harvard-oxford"]
    taken()


def test_spm(folder, tmp_path):
    _, rows, config = started(spm(tmp_path / "spm", codes=(4, 4)))
    assert list(rows) == ["tapping-gt-rest", "rest-gt-tapping", "#any-effect"]
    widths = [float(width) for width in rows["tapping-gt-rest"]["fwhm_mm"].split(",")]
    np.testing.assert_allclose(widths, [8.781, 9.018, 9.6261], rtol=1e-15)
    assert rows["#any-effect"]["df"] == "2,84" and "as_analysed" not in config["variants"]
    assert list(config["variants"]) == list(VARIANTS) and "published" not in config
    study = taken()
    assert study.maps["tapping-gt-rest"]["df"] == 84


def test_spm_takes_less_than_three_seconds(folder, tmp_path):
    """Of computing, with the process that reads SPM.mat: other work on the machine and Snakemake's own time aside."""
    spm(tmp_path / "spm")
    began = used()
    started(tmp_path / "spm")
    assert used() - began < 3


def used():
    """Seconds that this process and those that it started have computed."""
    return sum(os.times()[:4])


def test_f_contrasts_alone(folder, tmp_path):
    _, rows, config = started(spm(tmp_path / "spm", [("any effect", "F")]))
    assert rows["any-effect"]["stat"] == "F"
    assert {variant["sided"] for variant in config["variants"].values()} == {"positive"}
    taken()


@pytest.mark.parametrize("version", ["1.1.0", "1.3.0"])
def test_nidm(folder, tmp_path, version):
    clusters = clusters_of(z_map(1), 3.1)
    _, rows, config = started(nidm(tmp_path, "FSL results", version, data=z_map(1), clusters=clusters))
    assert rows["listening-gt-rest"]["source"] == "images/FSL-results/ZStatistic.nii.gz"
    for column in ("source", "mask"):
        assert Path(rows["listening-gt-rest"][column]).is_file()
    table = config["published"]["listening-gt-rest"]["table"]
    assert table == "tables/listening-gt-rest.tsv"
    assert len(read_published(table, "t").rows) == sum(len(peaks) for _, _, peaks in clusters)
    taken()


def test_nilearn(folder, tmp_path):
    _, rows, config = started(bids(tmp_path / "x", tables=(3.1, 5), space="MNI152NLin2009cAsym", residuals=True))
    assert rows["houses-task-main"]["df"] == "4" and rows["houses-task-main"]["residuals"].endswith(".nii.gz")
    assert config["variants"]["as_analysed"]["min_region_size"] == "5 voxels"
    assert config["atlases"] and len(config["published"]) == 2
    taken()


def test_afni(folder, tmp_path):
    head = afni_head(tmp_path / "x")
    clusterize(tmp_path / "x/Clust table.1D", bricks())
    _, rows, config = started(head)
    assert list(rows) == ["#Full_Fstat", "vis-0_Tstat", "V-A_GLT-0_Tstat", "vis-Zscore"]
    assert rows["vis-0_Tstat"]["source"] == f"{head}[2]"
    assert config["published"]["vis-0_Tstat"]["table"] == str(tmp_path / "x/Clust table.1D")


@pytest.mark.parametrize(("make", "stat"), [(randomise, "1-p"), (palm, "p")])
def test_permutation_tests(folder, tmp_path, make, stat):
    """Of corrected p values neither false discoveries nor a p of 0.001 mean anything."""
    _, rows, config = started(make(tmp_path))
    assert {row["stat"] for row in rows.values()} == {stat}
    assert {row["corrected"] for row in rows.values()} == {"fwe"}
    assert all(row["values"] for row in rows.values())
    keys = {"threshold": {"p": 0.05}, "sided": "positive", "convention": "fsl", "min_region_size": 0}
    assert config["variants"] == {"corrected-05": keys}


def test_images_of_which_nothing_says_what_they_are(folder, tmp_path):
    save(tmp_path / "maps/thickness.nii", z_map())
    _, rows, config = started(tmp_path / "maps")
    assert list(rows) == ["thickness"] and list(config["variants"]) == ["percentile-97"]
    taken()


def test_several_analyses(folder, tmp_path):
    told, rows, config = started(feat(tmp_path / "a.feat"), feat(tmp_path / "b.feat", z=2.3, seed=5))
    assert list(rows) == ["visual", "auditory-gt-visual", "visual-2", "auditory-gt-visual-2"]
    assert [variant["threshold"] for variant in config["variants"].values()][:2] == [3.1, 2.3]
    assert [entry["variant"] for entry in config["published"].values()] == ["as_analysed"] * 2 + ["as_analysed-2"] * 2
    assert told[:2] == [f"FSL: 2 maps in {tmp_path}/{name}.feat" for name in "ab"]
    taken()


# ------------------------------------------------------------------------------------------------------------------ ids
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("visual", "visual"),
        ("Gesichter > Häuser", "Gesichter-gt-Haeuser"),
        ("a<b", "a-lt-b"),
        ("a & b + c = d", "a-and-b-plus-c-eq-d"),
        ("naïve façade Ångström", "naive-facade-Angstroem"),
        ("vis#0_Tstat", "vis-0_Tstat"),
        ("../../etc/passwd", "etc-passwd"),
        ("1st level", "map-1st-level"),
        ("", "map"),
        ("***", "x-x-x"),
        ("日本語", "map"),
        ("maps", "map-maps"),
        ("NaN", "map-NaN"),
        ("inf", "map-inf"),
        ("a" * 300, "a" * 90),
        ("-.-a.-", "a"),
        ("{x}\n\t[1]", "x-1"),
    ],
)
def test_ids(name, expected):
    assert identifier(name) == expected


@pytest.mark.parametrize("name", sorted(RESERVED["map"] | {name.upper() for name in RESERVED["map"]}))
def test_no_id_is_a_name_that_the_sheet_refuses(name):
    check_ids([identifier(name)], "maps.tsv", "map")


def test_ids_that_would_be_the_same(folder):
    names = ["a > b", "A gt B", "a-gt-b", "a-gt-b-2", "x", "x_mask", "x mask", "x/mask"]
    _, rows, _ = written(analysis(*map(z_row, names)))
    assert list(rows) == ["a-gt-b", "A-gt-B-2", "a-gt-b-3", "a-gt-b-2-2", "x", "x_mask-2", "x-mask", "x-mask-2"]


def test_every_id_is_taken_by_the_sheet(folder, tmp_path):
    names = ["a", "Straße", "1", "nan", "x" * 200, "logs", "con.", "", "a", "A"]
    save(tmp_path / "z.nii", z_map())
    made, rows, _ = written(*[analysis(*(z_row(name, source=tmp_path / "z.nii") for name in names))], folder=folder)
    Path("maps.tsv").write_text(made.sheet, encoding="utf-8")
    Path("study.yaml").write_text(made.config, encoding="utf-8")
    assert list(taken().maps) == list(rows) and len(rows) == len(names)


# ---------------------------------------------------------------------------------------------------------------- paths
@pytest.mark.parametrize(
    ("place", "root", "expected"),
    [
        ("/data/study", "/data/study/x.feat", "x.feat/z.nii"),  # below
        ("/data/study", "/data/x.feat", "../x.feat/z.nii"),  # beside
        ("/data/x.feat/study", "/data/x.feat", "../z.nii"),  # the other way round
        ("/data/study", "/other/x.feat", "/other/x.feat/z.nii"),
        ("/data/study", "/data/deeper/x.feat", "/data/deeper/x.feat/z.nii"),
    ],
)
def test_paths(tmp_path, place, root, expected):
    base, root = Path(f"{tmp_path}{root}"), Path(f"{tmp_path}{root}")
    base.mkdir(parents=True)
    _, rows, _ = written(analysis(z_row("a", source=base / "z.nii"), root=root), folder=f"{tmp_path}{place}")
    expected = f"{tmp_path}{expected}" if expected.startswith("/") else expected
    assert rows["a"]["source"] == expected


def test_what_lies_outside_the_analysis_stays_absolute(tmp_path):
    (tmp_path / "x.feat").mkdir()
    row = z_row("a", source=tmp_path / "x.feat/z.nii", mask=Path("/atlases/grey.nii"))
    _, rows, _ = written(analysis(row, root=tmp_path / "x.feat"), folder=tmp_path / "study")
    assert (rows["a"]["source"], rows["a"]["mask"]) == ("../x.feat/z.nii", "/atlases/grey.nii")


@pytest.mark.parametrize("sign", ["{", "}", "<", ">"])
def test_paths_that_snakemake_takes_for_patterns(sign):
    _, rows, _ = written(analysis(z_row("a", source=Path(f"/a/x{sign}/z.nii")), z_row("b")))
    assert list(rows) == ["#a", "b"]


def test_volumes_and_cells(tmp_path):
    row = z_row("a", source=Volume(Path("/a/z.nii"), 3), fwhm_mm=[1.5, 2, 0.1], dlh=0.30000000000000004, df=[2, 84.5])
    _, rows, _ = written(analysis(row, z_row("b", citation="Müller\tand\n“Sons”")))
    assert rows["a"] == {
        "source": "/a/z.nii[3]",
        "stat": "z",
        "df": "2,84.5",
        "fwhm_mm": "1.5,2,0.1",
        "dlh": "0.30000000000000004",
        "citation": "",
    }
    assert rows["b"]["citation"] == "Müller and “Sons”"


def test_members_of_archives_of_one_name(tmp_path):
    rows = [z_row(n, source=Packed(tmp_path / f"{n}/run.nidm.zip", "Z.nii.gz")) for n in "ab"]
    made, cells, _ = written(analysis(*rows))
    assert [cells[n]["source"] for n in "ab"] == ["images/run/Z.nii.gz", "images/run-2/Z.nii.gz"]
    assert made.packed["images/run-2/Z.nii.gz"].archive == tmp_path / "b/run.nidm.zip"


# ------------------------------------------------------------------------------------------------------------- comments
def test_every_row_says_where_it_is_from():
    made, _, _ = written(analysis(z_row("go > rest"), Row("gone", {}, "design.con", "there is no image")))
    assert made.sheet.splitlines() == [
        "map\tsource\tstat",
        "# FSL: somewhere",
        "# go-gt-rest: 'go > rest' its header",
        "go-gt-rest\t/a/z.nii\tz",
        "# gone: design.con",
        "# gone is set aside: there is no image",
        "#gone\t\t",
    ]


def test_a_comment_is_one_line():
    made, rows, _ = written(analysis(z_row('a\n"b\tc\x07'), source="x\ny"))
    assert all(line.startswith(("#", "map", "a")) for line in made.sheet.splitlines()) and len(rows) == 1
    assert yaml.safe_load(made.config)["maps"] == "maps.tsv"


# --------------------------------------------------------------------------------------------------- variants and kinds
def test_maps_of_several_kinds():
    """All variants are made of all maps: what cannot take them is set aside, with the reason."""
    rows = [
        z_row("two"),
        Row("t", {"source": Path("/a"), "stat": "t", "df": 12}),
        Row("F", {"source": Path("/a"), "stat": "F", "df": [2, 20]}),
        Row("p", {"source": Path("/a"), "stat": "p"}),
        Row("corrected", {"source": Path("/a"), "stat": "1-p", "corrected": "fwe"}),
        Row("t without df", {"source": Path("/a"), "stat": "t"}),
        Row("nothing", {"source": Path("/a")}),
    ]
    made, cells, config = written(analysis(*rows))
    assert list(cells) == ["two", "t", "#F", "#p", "#corrected", "#t-without-df", "#nothing"]
    assert list(config["variants"]) == list(VARIANTS)
    for line in (
        "# F is set aside: it has one tail, and the variants here look at both: make a study of its own",
        "# corrected is set aside: its values are corrected p values, which other thresholds make no sense of: "
        "make a study of its own",
        "# t-without-df is set aside: nothing says what its values are, or their degrees of freedom: "
        "fill in stat (and df)",
    ):
        assert line in made.sheet
    assert "set aside with #: F, it has one tail" in "\n".join(made.summary)


def inference(row, **keys):
    return Row(row.name, row.cells, row.origin, inference=keys, stated="design.fsf", tables=row.tables)


def test_f_maps_beside_t_maps_where_the_package_looked_at_one_tail():
    rows = [inference(z_row("z"), threshold=3.1, sided="positive"), Row("F", {"source": Path("/a"), "stat": "p"})]
    _, cells, config = written(analysis(*rows))
    assert list(cells) == ["z", "F"]
    assert {variant["sided"] for variant in config["variants"].values()} == {"positive"}


def test_a_z_map_of_an_f_test_has_one_tail():
    rows = [z_row("z"), Row("F", {"source": Path("/a"), "stat": "z"}, one_tailed=True)]
    assert list(written(analysis(*rows))[1]) == ["z", "#F"]


def test_maps_without_the_smoothness_that_the_inference_needs():
    own = {"threshold": 3.1, "cluster_p": 0.05}
    rows = [inference(z_row("a", dlh=0.2), **own), inference(z_row("b"), **own)]
    made, cells, _ = written(analysis(*rows))
    assert list(cells) == ["a", "#b"]
    assert "b is set aside: its smoothness is not known, which the package's own inference needs" in made.sheet


def test_an_inference_that_needs_a_smoothness_that_nothing_says():
    made, cells, config = written(analysis(inference(z_row("b"), threshold={"fwe": 0.05})))
    assert list(cells) == ["b"] and list(config["variants"]) == list(VARIANTS)
    assert "\n# as_analysed: {threshold: {fwe: 0.05}}\n" in made.config
    assert "# left out: it needs the smoothness of the noise, which nothing here says" in made.config


def test_many_inferences():
    rows = [inference(z_row(f"m{n}"), threshold=2 + n / 10) for n in range(9)]
    made, _, config = written(analysis(*rows))
    assert list(config["variants"])[:6] == ["as_analysed", *(f"as_analysed-{n}" for n in range(2, 7))]
    assert len(config["variants"]) == 6 + len(VARIANTS) and made.config.count("\n# as_analysed") == 3


def test_why_there_is_no_inference():
    row = Row("a", {"source": Path("/a"), "stat": "z"}, stated="design.fsf: nothing was thresholded")
    assert "# no variant as_analysed: design.fsf: nothing was thresholded" in written(analysis(row))[0].config


def test_no_map_that_can_be_analysed():
    made, cells, config = written(analysis(Row("a", {"space": "native"}, "", "it is gone")))
    assert list(cells) == ["#a"] and config["variants"]
    assert "\ntemplate: null\n" in made.config
    assert made.summary[1:3] == ["maps.tsv: no map as it is", "set aside with #: a, it is gone"]
    assert made.summary[-1] == "next: fill in maps.tsv, which says what is missing"


def test_no_map_says_so_in_a_run_too(folder, tmp_path):
    """The sheet has no row: one line, not a traceback."""
    started(spm(tmp_path / "spm", gone=["spmT_0001.nii", "spmT_0002.nii", "spmF_0003.nii"]))
    with pytest.raises(UserError, match=r"maps.tsv") as error:
        taken()
    assert "\n" not in str(error.value)


# ----------------------------------------------------------------------------------------------------- published tables
def test_tables_of_maps_that_are_set_aside_are_left_out():
    printed = Printed(Path("/a/t.txt"), "t.txt")
    made, _, config = written(analysis(z_row("b"), Row("a", {}, "", "it is gone", tables=(printed,))))
    assert "published" not in config and "#   table: /a/t.txt" in made.config
    assert "# t.txt (its map is set aside)" in made.config


def test_several_tables_of_a_map():
    own = {"threshold": 3.1}
    tables = Printed(Path("/a/t.txt"), "t.txt"), Printed("x\ty\n", "the pack", by_settings=False)
    row = Row("a", {"source": Path("/a/z"), "stat": "z"}, inference=own, stated="s", tables=tables)
    made, _, config = written(analysis(row))
    assert config["published"] == {
        "a": {"map": "a", "table": "/a/t.txt", "variant": "as_analysed", "package": "FSL"},
        "a-2": {"map": "a", "table": "tables/a-2.tsv", "package": "FSL"},
    }
    assert made.tables == {"tables/a-2.tsv": "x\ty\n"}


# -------------------------------------------------------------------------------------------------------------- effects
def test_effects_become_values_where_they_are_asked_for(folder, tmp_path):
    _, rows, _ = started(feat(tmp_path / "x.feat"), effects=True)
    assert rows["visual"]["values"] == "../x.feat/stats/cope1.nii.gz"
    taken()


# ---------------------------------------------------------------------------------------------------------- the sources
def test_a_source_that_is_nothing(folder, tmp_path):
    (tmp_path / "notes.txt").write_text("")
    for source, words in [(tmp_path / "notes.txt", "is recognised"), (tmp_path / "gone", "there is no ")]:
        with pytest.raises(UserError, match=words) as error:
            started(source)
        text = str(error.value)
        assert text.startswith("from: ") and "\n" not in text
        for kind in ("SPM.mat", ".gfeat", ".nidm.zip", "randomise", "BIDS", "AFNI", "4D", "neurovault-collection:ID"):
            assert kind in text
    assert os.listdir() == []


@pytest.mark.parametrize("name", ["maps.tsv", "study.yaml"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_nothing_is_written_over(folder, tmp_path, name, kind):
    feat(tmp_path / "x.feat")
    if kind == "link":
        Path(name).symlink_to("nowhere")
    elif kind == "file":
        Path(name).write_text("mine")
    else:
        Path(name).mkdir()
    with pytest.raises(UserError, match=f"{name} is there already, and is not overwritten"):
        started(tmp_path / "x.feat")
    assert os.listdir() == [name]


def test_no_source():
    with pytest.raises(UserError, match="from is missing; write: snakemake start_study"):
        start_study.main([], str(TEMPLATE))


def test_relative_paths_start_in_the_working_directory_then_where_the_command_was_typed(folder, tmp_path):
    for place in (tmp_path / "typed/x.feat", folder / "x.feat", tmp_path / "typed/y.feat"):
        feat(place, tables=False)
    typed = str(tmp_path / "typed")
    assert resolve("x.feat", [folder, typed]) == str(folder / "x.feat")
    assert resolve("y.feat", [folder, typed]) == str(tmp_path / "typed/y.feat")
    assert resolve("z.feat", [folder, typed]) == str(folder / "z.feat")
    assert resolve("../typed/y.feat/", [folder]) == str(tmp_path / "typed/y.feat")
    _, rows, _ = started("y.feat", typed_in=typed)
    assert rows["visual"]["source"] == str(tmp_path / "typed/y.feat/stats/zstat1.nii.gz")


def test_the_home_folder(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    feat(tmp_path / "x.feat")
    assert list(started("~/x.feat")[1]) == ["visual", "auditory-gt-visual"]


def test_addresses_stay_what_they_are():
    assert resolve("neurovault-collection:42", ["/a"]) == "neurovault-collection:42"


def test_a_prefix_of_randomise_is_no_file(folder, tmp_path):
    randomise(tmp_path / "typed")
    assert resolve("grp", [folder, tmp_path / "typed"]) == str(folder / "grp")
    assert resolve("typed/grp", [tmp_path]) == str(tmp_path / "typed/grp")


def test_a_folder_of_spm_with_a_pack_in_it_is_of_spm(folder, tmp_path):
    spm(tmp_path / "spm")
    shutil.copy(nidm(tmp_path / "n", packed=False) / "nidm.ttl", tmp_path / "spm/nidm.ttl")
    assert [found.package for found in read_sources([str(tmp_path / "spm")])] == ["SPM"]


# ------------------------------------------------------------------------------------------------------------- archives
def test_a_member_that_is_damaged(folder, tmp_path):
    path = nidm(tmp_path)
    content = bytearray(path.read_bytes())
    at = content.index(b"ZStatistic.nii.gz") + 60
    content[at : at + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"is damaged at ZStatistic.nii.gz .*; get the file again"):
        started(path)
    assert not Path("maps.tsv").exists() and not Path("study.yaml").exists()
    assert not Path("images/pack/ZStatistic.nii.gz").exists()


def test_a_member_that_is_too_large(folder, tmp_path):
    path = nidm(tmp_path)
    with pytest.raises(UserError, match=r"ZStatistic.nii.gz in .* is larger than 10 bytes"):
        unpack(Packed(path, "ZStatistic.nii.gz"), Path("z.nii.gz"), 10)


def test_the_same_text_every_time(folder, tmp_path):
    spm(tmp_path / "spm")
    texts = []
    for _ in range(2):
        started(tmp_path / "spm")
        texts.append((Path("maps.tsv").read_bytes(), Path("study.yaml").read_bytes()))
        Path("maps.tsv").unlink()
        Path("study.yaml").unlink()
    assert texts[0] == texts[1]


@pytest.mark.parametrize("how", ["half", "empty", "other"])
def test_a_damaged_image_is_the_runs_to_say(folder, tmp_path, how):
    """Reading an analysis reads no values: a damaged image has its row."""
    spm(tmp_path / "spm")
    damaged(tmp_path / "spm/spmT_0001.nii", how)
    assert "tapping-gt-rest" in started(tmp_path / "spm")[1]
