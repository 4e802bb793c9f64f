"""Sidecars: what is written is what is read, and a key that is missing is told."""

import json
from dataclasses import MISSING, dataclass, fields, replace

import numpy as np
import pytest
from calls import made, stat_map_of, write_map

from statmap.inference.kinds import Cutoff
from statmap.inference.search_volume import search_of
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import UserError, sha256_of
from statmap.io.sidecar import VERSION, Sidecar, generated_by, key_of, part
from statmap.io.stat_map import MapSidecar
from statmap.regions.atlases import AtlasSidecar
from statmap.regions.extract import RegionsSidecar
from statmap.rules import RegionRule, ThresholdRule
from statmap.tables.sidecar import TablesSidecar

SAID = made("a.nii.gz", "b.tsv") | {"source_sha256": "0" * 64, "sha256": "1" * 64, "warnings": ["odd, Îlot"]}
SEARCH = search_of(np.ones((5, 6, 7), bool), np.diag([2.0, 2, 3, 1]), [6.0, 7, 8], None, source="residuals")
KEYS = vars(ThresholdRule(threshold={"fwe": 0.05})) | {"stat": "t", "df": 20.0}
THRESHOLD = {"parameters": KEYS, "rule": "FWE 0.05 over the mask: |t| ≥ 5", "suprathreshold_voxels": 12}
REGIONS = {
    "parameters": vars(RegionRule(min_region_size="10 voxels", cluster_p=0.05)),
    "min_region_size_mm3": 270.0,
    "size_rule": ">=",
    "critical_extent_voxels": 9,
    "smallest_significant_voxels": None,
    "regions": 2,
    "voxel_volume_mm3": 27.0,
    "voxel_accounting": {"suprathreshold": 30, "kept": 21, "too_small": 9, "unseeded": 0, "seed_only": 0},
    "accounting_sha256": "c" * 64,
}


@pytest.fixture
def map_sidecar(tmp_path):
    return MapSidecar.read(
        write_map(tmp_path, stat_map_of(np.ones((2, 3, 4), np.float32), stat="F", df=(2, 30))).sidecar
    )


@pytest.fixture(
    params=["map", "threshold", "threshold without search", "no cutoff", "own cutoffs", "regions", "tables", "atlas"]
)
def sidecar(request, map_sidecar):
    """A sidecar of every kind, with and without what it may lack."""
    fwe = Cutoff(5.1, ">=", "fwe", "mask", 1000, method="Bonferroni")
    tdp = Cutoff(2.5, ">=", "tdp", "mask", 1000, highest=7.5)
    return {
        "map": lambda: map_sidecar,
        "threshold": lambda: ThresholdSidecar(**SAID, **THRESHOLD, cutoff=fwe, search=SEARCH),
        "threshold without search": lambda: ThresholdSidecar(
            **SAID, **THRESHOLD, cutoff=Cutoff(1.5, ">", "percentile", "all", 8, 1e-5)
        ),
        "no cutoff": lambda: ThresholdSidecar(**SAID, **THRESHOLD, cutoff=Cutoff(np.inf, ">=", "fdr", "mask", 0)),
        "own cutoffs": lambda: ThresholdSidecar(**SAID, **THRESHOLD, cutoff=tdp),
        "regions": lambda: RegionsSidecar(**SAID, **REGIONS),
        "tables": lambda: TablesSidecar(**SAID, parameters={"v": {"max_peaks": 6}}, atlases=["aal"], spm_footers={}),
        "atlas": lambda: AtlasSidecar(**SAID, shape=[2, 3, 4], space="MNI152"),
    }[request.param]()


def entries_of(sidecar):
    """Its fields, what is made of arrays as its entries, so that two can be compared."""
    values = {field.name: getattr(sidecar, field.name) for field in fields(sidecar)}
    return {name: value.entries() if hasattr(value, "entries") else value for name, value in values.items()}


def test_what_is_written_is_read_and_written_again(sidecar, tmp_path):
    for name in ("one.json", "other.json"):
        sidecar.write(tmp_path / name)
        back = type(sidecar).read(tmp_path / name)
        assert entries_of(back) == entries_of(sidecar) and type(back) is type(sidecar)
        sidecar = back
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()


def test_parts_come_back_as_objects(tmp_path):
    cutoff = Cutoff(5.1, ">=", "fwe", "mask", 1000, method="Bonferroni")
    ThresholdSidecar(**SAID, **THRESHOLD, cutoff=cutoff, search=SEARCH).write(tmp_path / "t.json")
    thresholded = ThresholdSidecar.read(tmp_path / "t.json").thresholded
    assert thresholded.rule == ThresholdRule(threshold={"fwe": 0.05}) and thresholded.cutoff == cutoff
    assert vars(thresholded.search).keys() == vars(SEARCH).keys()
    for name, value in vars(SEARCH).items():
        np.testing.assert_array_equal(getattr(thresholded.search, name), value)
    RegionsSidecar(**SAID, **REGIONS).write(tmp_path / "r.json")
    assert RegionsSidecar.read(tmp_path / "r.json").rule == RegionRule(
        min_region_size=270.0, size_rule=">=", cluster_p=0.05
    )


def test_a_missing_key_is_an_error_that_names_the_file(sidecar, tmp_path):
    """Every key but those that may be left out, whose fields then have their defaults."""
    path = tmp_path / "damaged.json"
    sidecar.write(path)
    whole = json.loads(path.read_text(encoding="utf-8"))
    optional = {key_of(field.name): field for field in fields(sidecar) if field.default is not field.default_factory}
    optional |= dict.fromkeys(("Method", "HighestCutoff", "FWHMVoxels"))  # of a cutoff; of a search, where there is one
    assert {"Description", "GeneratedBy", "Sources", "SourceSHA256"} <= whole.keys() - optional.keys()
    for key in whole:
        path.write_text(json.dumps({name: value for name, value in whole.items() if name != key}), encoding="utf-8")
        if key not in optional:
            with pytest.raises(
                UserError, match=rf"damaged\.json is damaged \(it lacks {key}\); delete it and run again"
            ):
                type(sidecar).read(path)
        elif optional[key] is not None:
            field = optional[key]
            default = field.default if field.default is not MISSING else field.default_factory()
            assert getattr(type(sidecar).read(path), field.name) == default


@pytest.mark.parametrize(("text", "wrong"), [("{", "Expecting"), ("[]", "it holds no keys"), ("", "Expecting value")])
def test_what_is_no_sidecar_is_an_error_that_names_the_file(tmp_path, text, wrong):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(UserError, match=rf"m\.json is damaged \({wrong}.*; delete it and run again"):
        RegionsSidecar.read(tmp_path / "m.json")


def without(content, key):
    return content | {"parameters": {name: value for name, value in content["parameters"].items() if name != key}}


def test_a_missing_key_of_the_threshold_is_told_when_it_is_needed(tmp_path):
    sidecar = ThresholdSidecar(**SAID, **without(THRESHOLD, "sided"), cutoff=Cutoff(3.0, ">=", "value"))
    sidecar.write(tmp_path / "t.json")
    with pytest.raises(UserError, match=r"t\.json is damaged \(it lacks sided\)"):
        assert ThresholdSidecar.read(tmp_path / "t.json").thresholded


def test_a_missing_key_of_the_regions_is_told_when_it_is_needed(tmp_path):
    RegionsSidecar(**SAID, **without(REGIONS, "signs")).write(tmp_path / "r.json")
    with pytest.raises(UserError, match=r"r\.json is damaged \(it lacks signs\)"):
        assert RegionsSidecar.read(tmp_path / "r.json").rule


def test_none_is_left_out_where_it_says_nothing(tmp_path):
    """Of a field that is None by default; any other says null."""
    path = tmp_path / "a.json"
    AtlasSidecar(**(SAID | {"sha256": None, "warnings": []}), shape=[2, 3, 4]).write(path)
    assert list(json.loads(path.read_text(encoding="utf-8"))) == [
        "Description",
        "GeneratedBy",
        "Sources",
        "SourceSHA256",
        "Warnings",
        "Shape",
    ]
    AtlasSidecar(**SAID, shape=[2, 3, 4], reference="Rolls et al. 2015").write(path)
    assert json.loads(path.read_text(encoding="utf-8")).keys() >= {"SHA256", "Reference"}
    RegionsSidecar(**SAID, **(REGIONS | {"critical_extent_voxels": None})).write(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["CriticalExtentVoxels"] is None and content["SmallestSignificantVoxels"] is None
    ThresholdSidecar(**SAID, **THRESHOLD, cutoff=Cutoff(3.0, ">=", "value")).write(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert not {"FWHMVoxels", "Search", "Method", "HighestCutoff"} & content.keys() and content["Domain"] is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("description", "Description"),
        ("generated_by", "GeneratedBy"),
        ("source_sha256", "SourceSHA256"),
        ("sha256", "SHA256"),
        ("source_url", "SourceURL"),
        ("neurovault", "NeuroVault"),
        ("stat_of_source", "StatOfSource"),
        ("df", "DF"),
        ("nan_count", "NaNCount"),
        ("voxel_size_mm", "VoxelSizeMM"),
        ("min_region_size_mm3", "MinRegionSizeMM3"),
        ("mask_image_sha256", "MaskImageSHA256"),
    ],
)
def test_keys(name, key):
    assert key_of(name) == key


def test_what_every_sidecar_says(tmp_path):
    @dataclass(frozen=True, kw_only=True)
    class OwnSidecar(Sidecar):
        cutoff: Cutoff = part(Cutoff)

    said = SAID | {"generated_by": generated_by("own", ("numpy", "no-such-package"))}
    own = OwnSidecar(**said, cutoff=Cutoff(3.0, ">=", "value"))
    assert own.version == VERSION and own.software == {"numpy": np.__version__, "no-such-package": "unknown"}
    own.write(tmp_path / "o.json")
    assert OwnSidecar.read(tmp_path / "o.json") == own
    # A list that a sidecar has by default is its own.
    one, other = (Sidecar(**{key: said[key] for key in said if key != "warnings"}) for _ in range(2))
    one.warnings.append("odd")
    assert other.warnings == []


def test_the_file_beside_it_is_checked_by_its_bytes(tmp_path):
    path, sidecar = tmp_path / "a.txt", tmp_path / "a.json"
    path.write_bytes(b"a")
    beside = replace(Sidecar(**SAID), sha256=sha256_of(path))
    beside.check(path, sidecar)
    path.write_bytes(b"b")
    with pytest.raises(UserError, match=r"a\.txt is not the file that was written .*a\.json says"):
        beside.check(path, sidecar)
