"""NIDM-Results packs of SPM and FSL, layouts 1.1.0 and 1.3.0, as archive and as folder."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from folders import DLH, FWHM, clusters_of, damaged, mask, nidm, turtle, z_map

from statmap.analyses.analysis import Packed
from statmap.analyses.nidm import read, recognises
from statmap.io.files import UserError
from statmap.published.readers import read_published

SPM = {"package": "SPM", "stat": "t", "height": ("p", 0.000999999999999989), "extent": 5, "world": "0000051"}


def row_of(path):
    (row,) = read(str(path)).rows
    return row


@pytest.mark.parametrize("version", ["1.1.0", "1.3.0"])
def test_a_pack_of_fsl(tmp_path, version):
    """1.1.0 has everything in one folder of the archive, and says ``file://./`` of it; 1.3.0 at its root."""
    path = nidm(tmp_path, "my pack", version)
    row = row_of(path)
    within = "my pack/" if version == "1.1.0" else ""
    assert row.name == "listening > rest" and row.gap == ""
    assert row.cells == {
        "source": Packed(path, f"{within}ZStatistic.nii.gz"),
        "stat": "z",
        "mask": Packed(path, f"{within}SearchSpaceMask.nii.gz"),
        "dlh": DLH,
        "search_voxels": int(mask().sum()),
        "space": "native",
    }
    assert row.inference == {
        "threshold": 3.1,
        "sided": "positive",
        "convention": "fsl",
        "min_region_size": 0,
        "cluster_p": 0.05,
        "min_peak_distance": 0,
    }
    assert read(str(path)).package == "FSL"


def test_a_pack_of_spm(tmp_path):
    row = row_of(nidm(tmp_path, peaks=(8.0, 3), **SPM))
    cells = dict(row.cells)
    # From those in voxels, which have all their digits, not from those in mm.
    np.testing.assert_allclose(cells.pop("fwhm_mm"), 3 * FWHM, rtol=1e-15)
    assert (cells["stat"], cells["df"], cells["space"]) == ("t", 84, "MNI152") and "dlh" not in cells
    assert row.inference == {
        "threshold": {"p": 0.001},
        "sided": "positive",
        "convention": "spm",
        "min_region_size": "5 voxels",
        "size_rule": ">=",
        "min_peak_distance": 8,
        "max_peaks": 3,
    }


@pytest.mark.parametrize(
    ("height", "extent", "keys"),
    [
        (("fwe", 0.05), 1, {"threshold": {"fwe": 0.05}, "min_region_size": "1 voxels", "size_rule": ">="}),
        (("fdr", 0.05), 0, {"threshold": {"fdr": 0.05}, "min_region_size": 0}),
        (("value", 3.2), ("fdr", 0.05), {"threshold": 3.2, "min_region_size": 0, "cluster_q": 0.05}),
        (("value", 3.2), ("fwe", 0.05), {"threshold": 3.2, "min_region_size": 0, "cluster_p": 0.05}),
        (("value", 3.2), ("fwe", 1.0), {"threshold": 3.2, "min_region_size": 0}),
        (("value", 3.2), ("p", 0.05), None),
        (("value", "INF"), 0, None),
        (("p", 1.5), 0, None),
    ],
)
def test_thresholds(tmp_path, height, extent, keys):
    row = row_of(nidm(tmp_path, **SPM | {"height": height, "extent": extent}))
    if keys is None:
        assert row.inference is None and row.stated
    else:
        rest = {"sided": "positive", "convention": "spm", "min_peak_distance": 0}
        assert row.inference == rest | keys


def test_an_f_map(tmp_path):
    row = row_of(nidm(tmp_path, **SPM | {"stat": "F", "df": (3, 60.00000000004)}))
    assert (row.cells["stat"], row.cells["df"]) == ("F", [3, 60])
    assert row.cells["source"].member == "FStatistic.nii.gz"


def test_two_tails(tmp_path):
    row = row_of(nidm(tmp_path, **SPM | {"tailed": "0000079"}))
    assert row.inference["sided"] == "two" and row.stated.endswith("two-tailed")


def test_clusters_and_peaks_become_a_table(tmp_path):
    """Which is read back as what the pack says."""
    clusters = clusters_of(z_map(1), 3.1)
    (printed,) = row_of(nidm(tmp_path, data=z_map(1), clusters=clusters)).tables
    (tmp_path / "table.tsv").write_text(printed.table)
    table = read_published(tmp_path / "table.tsv", "table")
    assert len(clusters) >= 2 and len(table.rows) == sum(len(peaks) for _, _, peaks in clusters)
    firsts = [(size, float(p), float(peaks[0][0]), *peaks[0][1]) for size, p, peaks in clusters]
    mains = table.rows[table.rows["size"].notna()][["size", "p", "value", "x", "y", "z"]]
    assert [tuple(row) for row in mains.to_numpy()] == firsts
    by_cluster = table.rows.groupby("cluster")["value"].apply(list)
    assert by_cluster.tolist() == [[float(value) for value, _ in peaks] for _, _, peaks in clusters]


def test_peaks_of_a_t_map_have_their_t(tmp_path):
    (printed,) = row_of(nidm(tmp_path, **SPM, clusters=[(30, "0.01", [("5.32", (1, 2, 3))])])).tables
    assert printed.table.splitlines()[1] == "1.0\t2.0\t3.0\t5.32\t30\t0.01\t1"


def test_the_same_table_every_time(tmp_path):
    """Nodes of a graph have no order: not that of one process's hashes."""
    path = nidm(tmp_path, data=z_map(1), clusters=clusters_of(z_map(1), 2.5, 1.0))
    code = f"from statmap.analyses.nidm import read; print(read({str(path)!r}))"
    scripts = Path(__file__).parents[3] / "scripts"
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(scripts), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in "12"
    ]
    assert said[0] == said[1] and said[0]


@pytest.mark.parametrize("named", ["", "nidm.ttl"])
def test_a_folder_or_its_turtle(tmp_path, named):
    folder = nidm(tmp_path, packed=False)
    assert recognises(str(folder / named))
    assert row_of(folder / named).cells["source"] == folder / "ZStatistic.nii.gz"


def test_a_zip_of_another_name(tmp_path):
    path = nidm(tmp_path).rename(tmp_path / "results.zip")
    assert recognises(str(path)) and row_of(path).name == "listening > rest"


def test_what_is_none(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    (tmp_path / "other.ttl").write_text("@prefix a: <http://example.org/> .\n")
    assert not any(recognises(str(tmp_path / name)) for name in ("", "other.zip", "other.ttl", "gone", "gone.nidm.zip"))


def test_names_of_every_kind(tmp_path):
    assert row_of(nidm(tmp_path, name="Gesichter > Häuser, 2. Lauf")).name == "Gesichter > Häuser, 2. Lauf"


def test_several_inferences(tmp_path):
    """Each has its map; their rows are in the order of their labels."""
    text = turtle(**SPM)
    second = re.sub(r"niiri:(map|inference|height|extent|excursion|search)\b", r"niiri:\1_2", turtle(**SPM))
    second = second.replace("listening > rest", "a rest > listening").replace("TStatistic", "TStatistic_2")
    folder = nidm(tmp_path, packed=False, **SPM)
    (folder / "TStatistic_2.nii.gz").write_bytes((folder / "TStatistic.nii.gz").read_bytes())
    (folder / "nidm.ttl").write_text(text + second[second.index("niiri:results") :], encoding="utf-8")
    found = read(str(folder)).rows
    assert [(row.name, row.cells["source"].name) for row in found] == [
        ("a rest > listening", "TStatistic_2.nii.gz"),
        ("listening > rest", "TStatistic.nii.gz"),
    ]


def test_a_conjunction_is_no_map(tmp_path):
    folder = nidm(tmp_path, packed=False, **SPM)
    text = (folder / "nidm.ttl").read_text()
    text = text.replace("prov:used niiri:map ,", "prov:used niiri:map , niiri:other ,")
    text += "niiri:other a prov:Entity , nidm:NIDM_0000076 ; nidm:NIDM_0000085 'second' ."
    (folder / "nidm.ttl").write_text(text)
    assert read(str(folder)).rows[0].gap == "a conjunction of several maps, which is no map of its own"


# --------------------------------------------------------------------------------------------------------- what is gone
@pytest.mark.parametrize("name", ["ZStatistic.nii.gz", "SearchSpaceMask.nii.gz", "ExcursionSet.nii.gz"])
@pytest.mark.parametrize("packed", [True, False])
def test_every_file_that_is_missing(tmp_path, name, packed):
    folder = nidm(tmp_path, packed=False)
    (folder / name).unlink()
    if packed:
        folder = tmp_path / "pack.nidm.zip"
        with zipfile.ZipFile(folder, "w") as archive:
            for file in (tmp_path / "pack-files").iterdir():
                archive.write(file, file.name)
    row = row_of(folder)
    assert row.gap == ("ZStatistic.nii.gz is not in the pack" if name.startswith("Z") else "")
    assert ("mask" in row.cells) == (not name.startswith("Search"))


@pytest.mark.parametrize(
    ("pattern", "lost"),
    [
        (r"nidm:NIDM_0000123 [^;]*;", "gap"),
        (r"nidm:NIDM_0000145 [^;]*;", "dlh"),
        (r"nidm:NIDM_0000121 [^;]*;", "search_voxels"),
        (r"nidm:NIDM_0000104 niiri:space", "space"),
        (r"niiri:search a [^.]*nidm:NIDM_0000068", "mask"),
        (r"obo:OBI_0001265", ""),
        (r"prov:used niiri:map , niiri:height", "inference"),
        (r"nidm:NIDM_0000085 [^;]*;", "name"),
    ],
)
def test_every_statement_that_is_missing(tmp_path, pattern, lost):
    folder = nidm(tmp_path, packed=False)
    text = (folder / "nidm.ttl").read_text()
    put = "prov:used niiri:map" if "used" in pattern else "nidm:NIDM_9" if ";" not in pattern else ""
    put = "niiri:search a nidm:NIDM_9" if pattern.startswith("niiri:search") else put
    put = "nidm:NIDM_0000104 niiri:gone" if "0000104" in pattern else put
    changed = re.sub(pattern, put, text)
    assert changed != text
    (folder / "nidm.ttl").write_text(changed)
    row = row_of(folder)
    assert bool(row.gap) == (lost == "gap")
    assert row.name == ("Z-Statistic Map: listening > rest" if lost == "name" else "listening > rest")
    for column in ("dlh", "search_voxels", "space", "mask"):
        gone = column == lost or (lost == "mask" and column in ("dlh", "search_voxels"))
        assert (column in row.cells) != (gone and not (lost == "dlh" and column == "search_voxels")), column
    assert (row.inference is None) == (lost in ("inference", "mask"))
    assert ("fwhm_mm" in row.cells) == (lost == "dlh")


def test_no_map(tmp_path):
    folder = nidm(tmp_path, packed=False)
    text = (folder / "nidm.ttl").read_text().replace("nidm:NIDM_0000076", "nidm:NIDM_9")
    (folder / "nidm.ttl").write_text(text)
    with pytest.raises(UserError, match=r"describes no statistic map; it says version 1.3.0; accepted: 1.0 to 1.3"):
        read(str(folder))


@pytest.mark.parametrize("how", ["half", "empty", "other"])
def test_a_damaged_turtle(tmp_path, how):
    folder = nidm(tmp_path, packed=False)
    damaged(folder / "nidm.ttl", how)
    with pytest.raises(UserError, match=r"nidm.ttl is (no Turtle that can be read|empty)") as error:
        read(str(folder / "nidm.ttl"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("how", ["half", "empty", "other"])
def test_a_damaged_archive_is_not_recognised(tmp_path, how):
    path = nidm(tmp_path)
    damaged(path, how)
    assert not recognises(str(path))
    with pytest.raises(UserError, match=r"no zip archive that can be read|is damaged"):
        read(str(path))


def test_a_damaged_member(tmp_path):
    path = nidm(tmp_path)
    content = bytearray(path.read_bytes())
    at = content.index(b"nidm.ttl") + 40
    content[at : at + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(UserError, match="get the file again"):
        read(str(path))


def test_an_archive_without_a_turtle(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.nidm.zip", "w") as archive:
        archive.writestr("__MACOSX/nidm.ttl", "")
    assert recognises(str(tmp_path / "x.nidm.zip"))
    with pytest.raises(UserError, match=r"^NIDM: .*x.nidm.zip has no Turtle file \(.ttl\) in it; accepted"):
        read(str(tmp_path / "x.nidm.zip"))


def test_a_turtle_that_is_too_large(tmp_path, monkeypatch):
    path = nidm(tmp_path)
    monkeypatch.setattr("statmap.analyses.nidm.MOST_TURTLE", 100)
    with pytest.raises(UserError, match=r"^NIDM: nidm.ttl in .* is larger than 100 bytes and is not read"):
        read(str(path))


def test_thresholds_that_need_a_smoothness_that_is_not_described(tmp_path):
    for height, extent in ((("fwe", 0.05), 0), (("value", 3.1), ("fwe", 0.05))):
        folder = nidm(tmp_path / str(extent), packed=False, **SPM | {"height": height, "extent": extent})
        text = re.sub(r"nidm:NIDM_000015[79] [^;]*;", "", (folder / "nidm.ttl").read_text())
        (folder / "nidm.ttl").write_text(text)
        row = row_of(folder)
        assert row.inference is None and "but no smoothness is described" in row.stated
        assert "no smoothness is described" in row.origin and "search_voxels" not in row.cells


@pytest.mark.parametrize(
    ("connected", "package", "keys"),
    [("0000130", "other", {"connectivity": 6}), ("0000128", "other", {"connectivity": 18}), ("0000130", "FSL", {})],
)
def test_neighbours_of_another_package(tmp_path, connected, package, keys):
    folder = nidm(tmp_path, packed=False)
    text = (folder / "nidm.ttl").read_text().replace("nidm:NIDM_0000129", f"nidm:NIDM_{connected}")
    (folder / "nidm.ttl").write_text(text.replace('rdfs:label "FSL"', f'rdfs:label "{package}"'))
    inference = row_of(folder).inference
    assert inference.get("connectivity") == keys.get("connectivity")
    assert inference.get("convention") == ("fsl" if package == "FSL" else None)


@pytest.mark.parametrize(
    ("pattern", "put", "rows"),
    [
        (r"prov:atLocation niiri:coordinate_1_1 ;", "", 1),
        (r'NIDM_0000086 "\[ 1, 2, 3 \]"', 'NIDM_0000086 "[ 1, 2 ]"', 1),
        (r'prov:value "5.32"', 'prov:value "INF"', 2),
        (r"niiri:excursion a", "niiri:another a", 0),
    ],
)
def test_peaks_that_say_less(tmp_path, pattern, put, rows):
    clusters = [(30, "0.01", [("5.32", (1, 2, 3))]), (20, "0.02", [("4.32", (7, 8, 9))])]
    folder = nidm(tmp_path, packed=False, **SPM, clusters=clusters)
    text, n = re.subn(pattern, put, (folder / "nidm.ttl").read_text())
    assert n
    (folder / "nidm.ttl").write_text(text if rows else text.replace("wasGeneratedBy niiri:inference", "x niiri:x"))
    lines = [line for printed in row_of(folder).tables for line in printed.table.splitlines()[1:]]
    assert len(lines) == rows
    assert rows < 2 or any("\t\t30\t" in line for line in lines)  # no value, which is then not asked for


def test_an_archive_with_a_password(tmp_path):
    path = nidm(tmp_path)
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flag of encryption
        begin = 0
        while (begin := content.find(signature, begin)) >= 0:
            content[begin + at] |= 1
            begin += 4
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"get the file again") as error:
        read(str(path))
    assert "\n" not in str(error.value)
