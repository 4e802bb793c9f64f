"""From the folder of an analysis to its own printed table: two commands, nothing looked up."""

import json

import pytest
import yaml
from folders import clusters_of, feat, nidm, spm, z_map
from running import errors_of, planned, rows_of, run_snakemake, succeed

# Tables and the check of what was printed are what is asked; figures and the viewer cost time.
SHORT = {"figures": [], "html": ["map"], "compare": False}


@pytest.fixture
def study(tmp_path):
    """An empty folder, with a place for analyses beside it."""
    (tmp_path / "study").mkdir()
    return tmp_path / "study"


def start(folder, source, *more, **settings):
    source = source if isinstance(source, str) else json.dumps([str(one) for one in source])
    return run_snakemake(folder, "start_study", *more, "--config", f"from={source}", **settings)


def check(study, map_id, table):
    return json.loads((study / f"results/{map_id}/published/{table}/check.json").read_text())


def test_fsl_from_its_folder_to_its_own_table(study):
    """The tables of the folder are FSL's layout, printed of the map: every cluster, every local maximum."""
    folder = feat(study.parent / "my analysis.feat", ("visual", "Gesichter > Häuser"))
    done = start(study, "../my analysis.feat")
    assert done.returncode == 0, done.stdout
    shown = f"next: snakemake --directory {study} --configfile {study}/study.yaml"
    assert "maps.tsv: 2 maps (visual, Gesichter-gt-Haeuser)" in done.stdout and shown in done.stdout
    assert sorted(path.name for path in study.iterdir()) == [".snakemake", "maps.tsv", "results", "study.yaml"]
    assert "../my analysis.feat/stats/zstat1.nii.gz\tz\t" in (study / "maps.tsv").read_text()
    config = yaml.safe_load((study / "study.yaml").read_text())
    succeed(study, config=config | SHORT)
    said = "FSL's own table of '{}' is reproduced exactly by the settings of the folder."
    for map_id in ("visual", "Gesichter-gt-Haeuser"):
        answer = check(study, map_id, map_id)
        assert answer["Sentence"] == said.format(map_id)
        # Every row: those of the table, and its sub-peaks.
        clusters = len((folder / "cluster_zstat1.txt").read_text().splitlines()) - 1
        assert answer["Rows"] == answer["RowsReproduced"] >= clusters >= 2
        found = rows_of(study / f"results/{map_id}/as_analysed/regions.csv")
        assert len(found) >= 2 and all(float(row["p_cluster"]) < 0.05 for row in found)
        assert said.format(map_id) in (study / f"results/{map_id}/published/{map_id}/check.html").read_text().replace(
            "&#39;", "'"
        )


@pytest.mark.slow
def test_a_table_with_another_number_is_said_not_to_follow(study):
    folder = feat(study.parent / "x.feat", ("visual",))
    table = folder / "cluster_zstat1.txt"
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    lines[1][1] = str(int(lines[1][1]) + 1)
    table.write_text("\n".join("\t".join(line) for line in lines[:2]) + "\n")
    (folder / "lmax_zstat1.txt").unlink()
    assert start(study, "../x.feat").returncode == 0
    succeed(study, config=yaml.safe_load((study / "study.yaml").read_text()) | SHORT)
    answer = check(study, "visual", "visual")
    assert not answer["Reproduced"] and "row 1 (other size)" in answer["Sentence"]
    assert answer["Sentence"].endswith("it lacks 2 regions that they give.")


@pytest.mark.slow
def test_a_pack_of_nidm(study):
    nidm(study.parent, data=z_map(1), clusters=clusters_of(z_map(1), 3.1))
    assert start(study, "../pack.nidm.zip").returncode == 0
    succeed(study, config=yaml.safe_load((study / "study.yaml").read_text()) | SHORT)
    name = "listening-gt-rest"
    said = f"FSL's own table of '{name}' is reproduced exactly by the settings of the folder."
    assert check(study, name, name)["Sentence"] == said


def test_spm(study):
    spm(study.parent / "spm")
    done = start(study, "../spm")
    assert done.returncode == 0 and "set aside with #: any-effect" in done.stdout
    config = yaml.safe_load((study / "study.yaml").read_text())
    succeed(study, "--dry-run", config=config)
    succeed(study, "results/tapping-gt-rest/p-001/regions.csv", config=config)
    assert rows_of(study / "results/tapping-gt-rest/p-001/regions.csv")


def test_a_list_of_sources_and_paths_of_every_kind(study):
    """From the working directory, from where the command is typed, from home, absolute."""
    for place in ("study/a.feat", "typed/b.feat", "home/c.feat", "d.feat"):
        feat(study.parent / place, (place[-6],), tables=False)
    sources = ["a.feat", "b.feat", "~/c.feat", str(study.parent / "d.feat")]
    done = start(study, sources, HOME=str(study.parent / "home"), cwd=study.parent / "typed")
    assert done.returncode == 0, done.stdout
    lines = [line.split("\t")[:2] for line in (study / "maps.tsv").read_text().splitlines() if line[0] != "#"][1:]
    home = study.parent
    assert lines == [
        ["a", "a.feat/stats/zstat1.nii.gz"],
        ["b", f"{home}/typed/b.feat/stats/zstat1.nii.gz"],
        ["c", f"{home}/home/c.feat/stats/zstat1.nii.gz"],
        ["d", "../d.feat/stats/zstat1.nii.gz"],
    ]


@pytest.mark.parametrize("name", ["maps.tsv", "study.yaml"])
def test_nothing_is_written_over(study, name):
    feat(study.parent / "x.feat")
    (study / name).write_text("map\tsource\na\tb.nii\n")
    done = start(study, "../x.feat")
    assert done.returncode and errors_of(done.stdout) == [
        f"Error: {name} is there already, and is not overwritten; accepted: a folder without it"
    ]
    assert "Traceback" not in done.stdout and (study / name).read_text() == "map\tsource\na\tb.nii\n"


def test_what_is_nothing_is_one_line(study):
    done = start(study, "gone")
    (line,) = errors_of(done.stdout)
    assert done.returncode and line.startswith("Error: from: there is no '") and "an SPM folder" in line
    assert "Traceback" not in done.stdout and not (study / "maps.tsv").exists()


def test_without_from(study):
    done = run_snakemake(study, "start_study")
    (line,) = errors_of(done.stdout)
    assert done.returncode and "from is missing; write: snakemake start_study --directory" in line


def test_a_dry_run_writes_nothing(study):
    feat(study.parent / "x.feat")
    done = start(study, "../x.feat", "--dry-run")
    assert done.returncode == 0 and planned(done.stdout) == {"start_study": 1}
    assert not (study / "maps.tsv").exists()
