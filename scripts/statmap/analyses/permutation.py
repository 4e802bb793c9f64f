"""Permutation tests: the corrected p maps of FSL's randomise and of PALM, with their statistics as `values`."""

import re
from pathlib import Path

import numpy as np

from ..io.files import UserError
from .analysis import MOST_TEXT, Analysis, Row, header_space, listed, on_one_grid

KIND = "the prefix or folder of randomise or PALM"
# <prefix>_tfce_corrp_tstat1.nii.gz; _vox_, _clustere_, _clusterm_ and others likewise (randomise.cc).
_RANDOMISE = re.compile(r"(?P<prefix>.+?)_(?P<how>[a-z]+)_corrp_(?P<stat>[tf])stat(?P<n>\d+)\.nii(\.gz)?")
# <prefix>_tfce_tstat_fwep_m1_d1_c1.nii (modality, design, contrast); fwep within a contrast, cfwep over contrasts,
# mfwep over modalities (palm_core.m).
_PALM = re.compile(
    r"(?P<prefix>.+?)_(?P<how>vox|dat|tfce|clustere|clusterm)_(?P<stat>[a-z0-9]*stat)_(?P<p>[mc]{0,2}fwep|fdrp)"
    r"(?P<rest>(_[mdc]\d+){0,3})\.nii(\.gz)?"
)
_HOW = {"vox": "voxels", "dat": "voxels", "tfce": "TFCE", "clustere": "cluster extent", "clusterm": "cluster mass"}


def recognises(source: str) -> bool:
    """Whether it is a folder with corrected p maps of randomise or PALM, or the prefix of such maps."""
    return bool(_maps(source))


def _maps(source):
    """The p maps of a folder or a prefix, with what their names say."""
    path = Path(source)
    folder, prefix = (path, "") if path.is_dir() else (path.parent, path.name)
    if not folder.is_dir():
        return []
    maps = []
    for file in listed(folder, "permutation test"):
        match = _RANDOMISE.fullmatch(file.name) or _PALM.fullmatch(file.name)
        if match and file.is_file() and (not prefix or match["prefix"] == prefix or file == path):
            maps.append((file, match))
    return maps


def read(source: str) -> Analysis:
    """A row for every map of corrected p values.

    Raises
    ------
    UserError : there is none.
    """
    maps = _maps(source)
    if not maps:
        raise UserError(f"permutation test: {source} has no map of corrected p values (…_corrp_tstat1, …_fwep); {KIND}")
    rows = tuple(_row(file, match) for file, match in maps)
    package = "PALM" if maps[0][1].re is _PALM else "FSL randomise"
    return Analysis(package, source, maps[0][0].parent, rows)


def _row(file, match):
    groups = match.groupdict()
    palm = match.re is _PALM
    kind = groups["stat"] if palm else f"{groups['stat']}stat"
    label = groups["rest"].strip("_") if palm else groups["n"]
    name = f"{groups['prefix']} {kind}{'' if palm else label} {groups['how']}{f' {label}' if palm and label else ''}"
    if palm and groups["p"] != "fwep":
        name += f" {groups['p']}"
    statistic = _statistic(file, groups, palm)
    corrected = "fdr" if "fdr" in groups.get("p", "") else "fwe"
    cells = {"source": file, "corrected": corrected}
    origins = [f"source: {file.name}, corrected p of {_HOW.get(groups['how'], groups['how'])}"]
    gap = ""
    if palm:
        stat, why = _palm_scale(file, groups["prefix"], statistic)
        origins.append(f"stat: {why}")
        if stat is None:
            gap = why
        else:
            cells["stat"] = stat
    else:
        cells["stat"] = "1-p"
        origins.append("stat: randomise writes 1 - p")
    if statistic:
        cells["values"] = statistic
        origins.append(f"values: {statistic.name}")
    else:
        origins.append("no statistic is beside it, so that tables show p values")
    if mask := _mask(file, groups["prefix"], palm):
        cells["mask"] = mask
        origins.append(f"mask: {mask.name}")
    else:
        origins.append("no mask is beside it: the voxels in which it is not 0 are its mask")
    if space := header_space(file):
        cells["space"] = space
    return Row(name, cells, "; ".join(origins), gap)


def _statistic(file, groups, palm):
    """The statistic of a p map: ``_tstat1`` of randomise; of PALM that of the voxels, else of the same kind."""
    ending = re.search(r"\.nii(\.gz)?$", file.name)[0]
    names = [f"{groups['prefix']}_{groups['stat']}stat{groups['n']}"] if not palm else []
    if palm:
        hows = dict.fromkeys(("vox", "dat", groups["how"]))
        names = [f"{groups['prefix']}_{how}_{groups['stat']}{groups['rest']}" for how in hows]
    paths = (file.with_name(name + suffix) for name in names for suffix in dict.fromkeys((ending, ".nii.gz", ".nii")))
    return next((path for path in paths if path.is_file()), None)


def _mask(file, prefix, palm):
    """The mask that PALM was given, else one beside the maps with a plain name; on their grid."""
    masks = re.findall(r"(?:^|\s)-m\s+(\S+)", _palm_options(file, prefix)) if palm else []
    names = [Path(name) if Path(name).is_absolute() else file.parent / name for name in masks]
    names += [file.with_name(f"{name}{end}") for name in (f"{prefix}_mask", "mask") for end in (".nii.gz", ".nii")]
    return next((path for path in names if path.is_file() and on_one_grid(path, file)), None)


def _palm_options(file, prefix):
    """The options that PALM was started with, which it writes beside its maps; empty where it did not."""
    for name in (f"{prefix}_palmconfig.txt", f"{prefix}.palmconfig.txt", "palm_config.txt"):
        path = file.with_name(name)
        if path.is_file() and path.stat().st_size <= MOST_TEXT:
            return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _palm_scale(file, prefix, statistic):
    """In which of three forms PALM wrote p values, and what says so; None where nothing does.

    Its options say it (``-logp``, ``-save1-p``). Else a value above 1 is −log₁₀ p, and a map that falls where its
    statistic rises is of p itself.
    """
    options = _palm_options(file, prefix)
    if re.search(r"(^|\s)-(save)?logp\b", options):
        return "log10p", "-logp in PALM's options"
    if re.search(r"(^|\s)-save1-p\b", options):
        return "1-p", "-save1-p in PALM's options"
    if options:
        return "p", "PALM writes p where its options do not say otherwise"
    import nibabel as nib

    try:
        values = np.asanyarray(nib.load(file).dataobj).astype(np.float64)
        if np.nanmax(values) > 1:
            return "log10p", "it has values above 1"
        test = np.asanyarray(nib.load(statistic).dataobj).astype(np.float64) if statistic else None
    except Exception:  # fetch_map says what is wrong with an image
        return None, "it cannot be read, and no options of PALM are beside it"
    if test is None or test.shape != values.shape or not np.any(test != 0):
        return None, "nothing says whether its values are p, 1 - p or −log₁₀ p; fill in the column stat"
    tested = np.isfinite(test) & (test != 0)
    highest, lowest = (values[tested][pick(test[tested])] for pick in (np.argmax, np.argmin))
    if highest < lowest:
        return "p", "it falls where its statistic rises"
    return None, "it is 1 - p or −log₁₀ p, and nothing says which; fill in the column stat"
