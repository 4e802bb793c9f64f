"""What a run says at its end: what went wrong, and what is in the config no more."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

import prune
from statmap.config.outcome import (
    COMPARISONS,
    FETCHED,
    FETCHED_ATLAS,
    OVERLAPS,
    Wanted,
    failures,
    large_report,
    left_behind,
)
from statmap.io.log import logging_to


def test_each_job_that_failed_has_one_line(tmp_path):
    def log(name, text, time=100):
        (tmp_path / name).write_text(text, encoding="utf-8")
        os.utime(tmp_path / name, (time, time))

    log("a.log", "INFO: fine\nERROR: words of a package\nERROR: map 'a': no image\n")
    with pytest.raises(KeyError), logging_to(tmp_path / "b.log"):
        raise KeyError("x")
    log("c.log", "WARNING: map 'c': odd\n")
    log("d.log", "ERROR: of an earlier run\n", time=99)
    assert failures(tmp_path, 100) == [f"map 'a': no image ({tmp_path}/a.log)", f"KeyError: 'x' ({tmp_path}/b.log)"]


def make_results(folder):
    """Files of the rules of two maps, two variants, two atlases, a sweep and two tables."""
    names = [f"maps/{name}{end}" for name in ("one", "gone") for end in FETCHED]
    names += [f"atlases/{name}{end}" for name in ("aal", "gone-too") for end in FETCHED_ATLAS]
    for name in ("one", "gone"):
        files = ("regions.json", "regions.csv", "pages/1.png")
        parts = [f"{variant}/{file}" for variant in ("v", "w") for file in files]
        parts += ["sweep/sweep.csv", "sweep/deeper/a.csv", *COMPARISONS, "tables.json", "map.html"]
        parts += [f"published/{table}/{file}" for table in ("t", "u") for file in ("settings.csv", "rows.csv")]
        names += [f"{name}/{part}" for part in parts]
    names += [f"overlap/{variant}{end}" for variant in ("v", "w") for end in OVERLAPS]
    names += [
        "maps.csv",
        "maps.html",
        "maps_found.csv",
        "summary.csv",
        "own/notes.txt",
        *(f"logs/show_map/{name}.log" for name in ("one", "gone")),
    ]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_a_removal_that_is_killed_at_any_moment_leaves_nothing_that_the_next_does_not_find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = Wanted({"one"}, {"v"}, {"aal"}, {("one", "t")}, sweep=False)
    steps = dict.fromkeys(("unlink", "rmdir", "rename"), 0)

    def counted(name, step):
        def call(*arguments, **options):
            if sum(steps.values()) == until:
                raise KeyboardInterrupt  # nothing of the script catches it
            steps[name] += 1
            return step(*arguments, **options)

        return call

    original = {name: getattr(os, name) for name in steps}
    until, results = 0, Path("results")
    while True:
        make_results(results)
        steps.update(dict.fromkeys(steps, 0))
        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            for name, step in original.items():
                patch.setattr(os, name, counted(name, step))
            prune.main(left_behind(results, wanted), ["one"])
        killed = sum(steps.values()) == until
        prune.main(left_behind(results, wanted), ["one"])
        assert files_in(results) == {
            *(f"maps/one{end}" for end in FETCHED),
            *(f"atlases/aal{end}" for end in FETCHED_ATLAS),
            *(f"one/v/{file}" for file in ("regions.json", "regions.csv", "pages/1.png")),
            *("one/published/t/settings.csv", "one/published/t/rows.csv", "one/tables.json", "one/map.html"),
            *("summary.csv", "own/notes.txt", "logs/show_map/one.log"),
        }, until
        assert left_behind(results, wanted) == []
        if not killed:
            break
        until += 1
    assert all(steps.values()) and until > 40


@pytest.mark.parametrize(
    ("megabytes", "pages", "said"),
    [
        ({"one/map.html": 74}, False, None),
        ({"one/map.html": 75}, False, "100 MB"),
        (
            {
                "one/v/regions.png": 30,
                "one/dice.png": 30,
                "summary.html": 10,
                "maps.html": 10,
                "one/published/t/check.html": 10,
            },
            False,
            "120",
        ),
        ({"report.html": 200, "one/v/regions.svg": 100, "one/v/pages/region-001.png": 100}, False, None),
        ({"one/v/pages/region-001.png": 100}, True, "133 MB"),
    ],
)
def test_a_report_that_would_be_large_is_said(tmp_path, megabytes, pages, said):
    for name, size in megabytes.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.truncate(path, size * 10**6)
    advice = large_report(tmp_path, pages)
    assert advice is None if said is None else said in advice and "--report results/report.zip" in advice


def test_a_folder_elsewhere_that_a_link_stands_for_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_results(Path("results"))
    Path("results/gone").rename("elsewhere")
    Path("results/gone").symlink_to(tmp_path / "elsewhere")
    prune.main([Path("results/gone")], ["one"])
    assert not os.path.lexists("results/gone") and Path("elsewhere/tables.json").is_file()


def test_tables_by_label_of_an_atlas_that_left_the_config_are_left_behind(tmp_path):
    for variant in ("v", "old"):
        (tmp_path / "m" / variant).mkdir(parents=True)
        for name in ("regions.json", "labels_aal.csv", "labels_gone.csv"):
            (tmp_path / "m" / variant / name).touch()
    found = left_behind(tmp_path, Wanted({"m"}, {"v"}, {"aal"}))
    assert sorted(found) == [tmp_path / "m/old", tmp_path / "m/v/labels_gone.csv"]
