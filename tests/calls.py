"""Call the functions of the package with the keys of a variant, of which a test gives more than each needs."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from statmap.distributions import distribution_of
from statmap.grid import extent_of
from statmap.inference import thresholds
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import sha256_of
from statmap.io.nifti import write_image
from statmap.io.sidecar import generated_by
from statmap.io.stat_map import MapFiles, MapSidecar, StatMap
from statmap.regions import extract, measures
from statmap.regions.extract import RegionsSidecar
from statmap.rules import PeakRule, RegionRule, ThresholdRule, keys_of


def rule_of(rule, keys):
    """The rule of a step from those of the keys that it has; the others have their defaults."""
    return rule(**{key: keys[key] for key in keys_of(rule) if key in keys})


def stat_map_of(data, affine=None, mask=None, stat="other", df=None, name="map"):
    """A map made of arrays; its mask is where it is not 0, its voxels are 1 mm wide."""
    affine = np.eye(4) if affine is None else affine
    mask = data != 0 if mask is None else mask
    return StatMap(name, data, affine, mask, distribution_of(stat, df))


def extract_regions(thresholded, affine, keys):
    return extract.extract_regions(thresholded, affine, rule_of(RegionRule, keys))


def region_volumes(labels, values):
    """One (i, j, k) volume per region, as the 4D image has them."""
    return [np.where(labels == region, values, values.dtype.type(0)) for region in range(1, labels.max() + 1)]


def measure_regions(data, labels, affine, connectivity=6):
    return pd.DataFrame(measures.measure_regions(data, labels, affine, connectivity))


def list_peaks(data, labels, affine, connectivity=6, **keys):
    return pd.DataFrame(measures.list_peaks(data, labels, affine, connectivity, PeakRule(**keys)))


def resolve_cutoff(data, mask, keys, name="map", search=None):
    """The cutoff of a variant on a map made of arrays; `keys` may have ``stat`` and ``df``."""
    stat_map = stat_map_of(data, mask=mask, stat=keys.get("stat", "other"), df=keys.get("df"), name=name)
    return thresholds.resolve_cutoff(stat_map, rule_of(ThresholdRule, keys), search, name)


def made(*sources):
    """What every sidecar says, of a file made in a test."""
    return {"description": "Made in a test", "generated_by": generated_by("test"), "sources": list(sources)}


def write_map(folder, stat_map):
    """Write a map made of arrays as rule fetch_map leaves one; gives its MapFiles."""
    files = MapFiles(*(str(Path(folder, f"{stat_map.name}{end}")) for end in (".nii.gz", "_mask.nii.gz", ".json")))
    values, affine, distribution = stat_map.values, stat_map.affine, stat_map.distribution
    write_image(files.image, values, affine)
    write_image(files.mask, stat_map.mask.astype(np.uint8), affine)
    extent, sha256 = extent_of(values != 0, affine), sha256_of(files.image)
    MapSidecar(
        **made(f"{stat_map.name}.nii.gz"),
        source_sha256=sha256,
        sha256=sha256,
        mask_image_sha256=sha256_of(files.mask),
        parameters={"max_voxels": values.size},
        stat=distribution.stat,
        stat_of_source=distribution.stat,
        df=distribution.df,
        space=stat_map.space,
        shape=list(values.shape),
        affine=affine.tolist(),
        voxel_size_mm=nib.affines.voxel_sizes(affine).tolist(),
        nan_count=0,
        inf_count=0,
        nonzero_count=int(np.count_nonzero(values)),
        extent_mm=None if extent is None else extent.tolist(),
        minimum=float(values.min()),
        maximum=float(values.max()),
        mask="nonzero voxels",
        mask_voxels=int(np.count_nonzero(stat_map.mask)),
    ).write(files.sidecar)
    return files


def threshold_sidecar(cutoff, keys, **entries):
    """The record of a map thresholded as a variant, whose threshold resolved to `cutoff`; other fields in `entries`."""
    said = made("map.nii.gz") | {"source_sha256": "", "rule": "as in a test", "suprathreshold_voxels": 0}
    parameters = vars(rule_of(ThresholdRule, {"threshold": cutoff.value} | keys))
    return ThresholdSidecar(cutoff=cutoff, parameters=parameters, **said | entries)


def regions_sidecar(keys, **entries):
    """The record of the regions of a variant, none where `entries` does not say otherwise."""
    rule = rule_of(RegionRule, keys)
    said = made("thresholded.nii.gz") | {"source_sha256": "", "regions": 0, "voxel_volume_mm3": 27.0}
    said |= {"min_region_size_mm3": rule.min_region_size, "size_rule": rule.size_rule, "critical_extent_voxels": None}
    said |= {"smallest_significant_voxels": None}
    said["accounting_sha256"] = ""
    said["voxel_accounting"] = dict.fromkeys(("suprathreshold", *extract.OUTCOMES), 0)
    return RegionsSidecar(parameters=vars(rule), **said | entries)
