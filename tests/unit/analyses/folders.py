"""Small folders of analyses, laid out as each package lays out its own: the same files, names and texts."""

import json
import re
import struct
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import io, ndimage

from statmap.inference.random_field import fsl_cluster_log_p

SHAPE = (30, 34, 26)
AFFINE = np.array([[-3.0, 0, 0, 45], [0, 3, 0, -57], [0, 0, 3, -30], [0, 0, 0, 1]])
BLOBS = ((9, 10, 9), (13, 14, 10), (20, 24, 12), (12, 25, 18))
DLH = 0.2


def mask():
    """An ellipsoid, (i, j, k) uint8."""
    middle = (np.array(SHAPE).reshape(3, 1, 1, 1) - 1) / 2
    return ((((np.indices(SHAPE) - middle) / (middle + 0.5)) ** 2).sum(0) < 1).astype(np.uint8)


def z_map(seed=0, strength=7.0):
    """Smooth noise with a few blobs, of either sign, in the mask, float32."""
    random = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(random.normal(size=SHAPE), 1.2)
    signal = np.zeros(SHAPE)
    for n, place in enumerate(BLOBS):
        signal[place] = -1 if n == 3 else 1
    signal = ndimage.gaussian_filter(signal, 2.2)
    return np.where(mask(), noise / noise.std() + strength * signal / signal.max(), 0).astype(np.float32)


def save(path, data, affine=AFFINE, codes=(1, 1), descrip="", intent=None):
    """Write an image with these qform and sform codes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = nib.Nifti1Pair if path.suffix == ".img" else nib.Nifti1Image
    image = kind(data, affine)
    image.set_qform(affine, codes[0])
    image.set_sform(affine, codes[1])
    image.header["descrip"] = descrip.encode()[:79]
    if intent:
        image.header.set_intent(*intent)
    image.to_filename(path)
    return path


# ------------------------------------------------------------------------------------------------------------------ FSL
FSF = """# FEAT version number
set fmri(version) 6.00
set fmri(level) {level}
set fmri(poststats_yn) 1
set fmri(threshmask) "{threshmask}"
# Thresholding: 0 : None, 1 : Uncorrected, 2 : Voxel, 3 : Cluster
set fmri(thresh) {thresh}
set fmri(prob_thresh) {prob}
set fmri(z_thresh) {z}
set fmri(regstandard) "{standard}"
{names}
set fmri(conmask1_1) {conmask}
"""
VERBOSE = """verbose = 1
dof = 102
mask:: Size = (30,34,26)
DLH 0.198 voxels^-3 before correcting for temporal DOF
FWHMx = 2.38803 voxels, FWHMy = 2.43263 voxels, FWHMz = 2.07288 voxels
DLH {dlh} voxels^-3
VOLUME {volume} voxels
RESELS 12.0418 voxels per resel
"""


def fsl_number(number):
    """As ``cout << setprecision(3)`` prints it."""
    return f"{number:.3g}"


def fsl_tables(data, threshold, p_threshold, dlh, volume, *, in_mm=False, affine=AFFINE, scalar="Z"):
    """What FSL's cluster prints of a map: its table, and the text of its local maxima (cluster.cc)."""
    labels, n = ndimage.label(data >= np.float32(threshold), np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    log_p = fsl_cluster_log_p(sizes, threshold, dlh, volume)[1] if n else np.zeros(0)
    kept = [n for n in np.argsort(sizes, kind="stable") if p_threshold is None or np.exp(log_p[n]) < p_threshold]
    unit = "mm" if in_mm else "vox"
    head = f"{scalar}-" if scalar else ""
    header = ["Cluster Index", "Voxels", *(["P", "-log10(P)"] if p_threshold is not None else []), f"{head}MAX"]
    header += [f"{head}{what} {axis} ({unit})" for what in ("MAX", "COG") for axis in "XYZ"]
    lines, maxima = [header], [["Cluster Index", scalar or "Value", "x", "y", "z", ""]]

    def place(ijk):
        return [fsl_number(one) for one in (apply_affine(affine, ijk) if in_mm else ijk)]

    for index, at in reversed(list(enumerate(kept, start=1))):
        voxels = np.argwhere(labels == at + 1)
        voxels = voxels[np.lexsort(voxels.T)]  # x runs fastest, as cluster.cc goes through them
        values = data[tuple(voxels.T)]
        peak = voxels[np.argmax(values)]
        p = [fsl_number(np.exp(log_p[at])), fsl_number(-log_p[at] / np.log(10))] if p_threshold is not None else []
        centre = (voxels * values[:, None]).sum(0) / values.sum()
        lines.append([str(index), str(len(voxels)), *p, fsl_number(values.max()), *place(peak), *place(centre)])
        tops = sorted(((data[tuple(ijk)], tuple(ijk)) for ijk in voxels if is_maximum(data, ijk)), reverse=True)[:6]
        maxima += [[str(index), fsl_number(value), *place(np.array(ijk))] for value, ijk in tops]
    return tuple("\n".join("\t".join(line) for line in table) + "\n" for table in (lines, maxima))


def is_maximum(data, ijk):
    """Higher than those of its 26 neighbours that come before it, not lower than those after it (cluster.cc)."""
    for step in np.ndindex(3, 3, 3):
        offset = np.array(step) - 1
        there = tuple(ijk + offset)
        value = data[there] if all(0 <= one < side for one, side in zip(there, data.shape, strict=True)) else 0
        before = tuple(offset[::-1]) < (0, 0, 0)
        if (offset != 0).any() and (data[tuple(ijk)] <= value if before else data[tuple(ijk)] < value):
            return False
    return True


def feat(folder, names=("visual", "auditory > visual"), *, thresh=3, z=3.1, prob=0.05, f_tests=0, seed=0, **options):
    """A .feat folder; `options`: gfeat (the lower-level contrast), codes, verbose, conmask, threshmask, tables."""
    folder, group = Path(folder), options.get("gfeat")
    stats, codes = folder / "stats", options.get("codes", (4, 4) if group else (1, 1))
    stats.mkdir(parents=True)
    save(folder / "mask.nii.gz", mask(), codes=codes)
    lines = "\n".join(f'set fmri(conname_real.{n}) "{name}"' for n, name in enumerate(names, start=1))
    standard = options.get("standard", "/usr/local/fsl/data/standard/MNI152_T1_2mm_brain")
    filled = {"thresh": thresh, "prob": prob, "z": z, "names": lines, "standard": standard, "level": 2 if group else 1}
    filled |= {"conmask": int(options.get("conmask", 0)), "threshmask": options.get("threshmask", "")}
    (folder / "design.fsf").write_text(FSF.format(**filled), encoding="utf-8")
    header = "".join(f"/ContrastName{n}\t{name}\n" for n, name in enumerate(names, start=1))
    header += f"/NumWaves\t1\n/NumContrasts\t{len(names)}\n/PPheights\t1.0\n\n/Matrix\n1.0\n"
    (folder / "design.con").write_text(header, encoding="utf-8")
    if f_tests:
        (folder / "design.fts").write_text(f"/NumWaves\t1\n/NumContrasts\t{f_tests}\n\n/Matrix\n1\n")
    if group:
        (folder / "design.lev").write_text(f"{group}\n", encoding="utf-8")
    (stats / "dof").write_text("102\n")
    tests = [(f"zstat{n}", seed + n) for n in range(1, len(names) + 1)]
    tests += [(f"zfstat{n}", seed + 50 + n) for n in range(1, f_tests + 1)]
    for stat, own in tests:
        data = z_map(own)
        data = np.abs(data) if stat.startswith("zf") else data
        volume = int(np.count_nonzero(data))
        save(stats / f"{stat}.nii.gz", data, codes=codes, descrip="6.0.5")
        if stat.startswith("zstat"):
            save(stats / f"{stat.replace('zstat', 'cope')}.nii.gz", 10 * data, codes=codes)
        (folder / f"thresh_{stat}.vol").write_text(f"{volume}\n")
        bare = f"DLH {DLH}\nVOLUME {volume}\nRESELS 12.0418\n"
        text = VERBOSE.format(dlh=DLH, volume=volume) + bare if options.get("verbose") else bare
        (stats / "smoothness").write_text(text)
        if thresh == 3 and options.get("tables", True):
            table, maxima = fsl_tables(data, z, prob, DLH, volume, in_mm=bool(group))
            ending = "_std" if group else ""
            (folder / f"cluster_{stat}{ending}.txt").write_text(table)
            (folder / f"lmax_{stat}{ending}.txt").write_text(maxima)
            if not group:  # registered, so elsewhere
                shifted = AFFINE + np.array([[0, 0, 0, 7], [0, 0, 0, -4], [0, 0, 0, 2], [0, 0, 0, 0]])
                table, maxima = fsl_tables(data, z, prob, DLH, volume, in_mm=True, affine=shifted)
                (folder / f"cluster_{stat}_std.txt").write_text(table)
                (folder / f"lmax_{stat}_std.txt").write_text(maxima)
    return folder


def gfeat(folder, lower=("faces", "houses"), names=("group mean",), **options):
    """A .gfeat folder with a .feat for every lower-level contrast."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    for n, name in enumerate(lower, start=1):
        feat(folder / f"cope{n}.feat", names, gfeat=name, seed=10 * n, **options)
    (folder / "design.fsf").write_bytes((folder / "cope1.feat" / "design.fsf").read_bytes())
    return folder


# ------------------------------------------------------------------------------------------------------------------ SPM
def structs(records):
    """A MATLAB array of structures."""
    names = list(records[0])
    made = np.zeros((1, len(records)), dtype=[(name, object) for name in names])
    for n, record in enumerate(records):
        for name in names:
            made[name][0, n] = record[name]
    return made


FWHM = np.array([2.927, 3.006, 3.2087])  # voxels


def spm(folder, contrasts=(("tapping>rest", "T"), ("rest > tapping", "T"), ("any effect", "F")), **options):
    """An SPM folder; `options`: codes of the images, gone (names of images to leave out), change (of the SPM dict)."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    codes, gone = options.get("codes", (2, 2)), options.get("gone", ())
    header = {
        "dim": [list(SHAPE)],
        "mat": AFFINE @ np.array([[1, 0, 0, -1], [0, 1, 0, -1], [0, 0, 1, -1], [0, 0, 0, 1]]),
    }
    records = []
    for n, (name, stat) in enumerate(contrasts, start=1):
        descrip = f"SPM{{{stat}_[{'84.0' if stat == 'T' else '2.0,84.0'}]}} - contrast {n}: {name}"
        file, effect = f"spm{stat}_{n:04d}.nii", f"{'con' if stat == 'T' else 'ess'}_{n:04d}.nii"
        image = {"fname": file, "descrip": descrip, **header}
        records.append(
            {
                "name": name,
                "STAT": stat,
                "c": np.array([[1.0], [0.0]]),
                "eidf": 1.0 if stat == "T" else 2.000000000000001,
                "Vcon": {"fname": effect, **header},
                "Vspm": image if stat != "-" else np.zeros((0, 0)),
            }
        )
        if stat in "TF":
            data = z_map(n) if stat == "T" else np.abs(z_map(n)) * 3
            data = np.where(mask(), data, np.nan).astype(np.float32)
            if file not in gone:
                save(folder / file, data, codes=codes, descrip=descrip)
            save(folder / effect, data * 2, codes=codes)
    if "mask.nii" not in gone:
        save(folder / "mask.nii", mask(), codes=codes)
    inside = np.argwhere(mask()).T + 1.0
    volume = {"XYZ": inside, "M": header["mat"], "iM": np.linalg.inv(header["mat"]), "DIM": np.array(SHAPE, float)}
    volume |= {"FWHM": FWHM, "R": np.array([[4.0, 44.8, 622.7, 1563.1]]), "S": float(mask().sum())}
    content = {
        "xY": {"VY": np.zeros((0, 0))},
        "xX": {"X": np.ones((96, 2)), "erdf": 84.0 - 4.3e-11, "trRV": 84.0},
        "swd": "C:\\Users\\somebody\\analysis",
        "xVol": volume,
        "VM": {"fname": "mask.nii", **header},
        "xCon": structs(records) if records else np.zeros((0, 0)),
        "SPMid": "SPM12: spm_spm (v7738)",
    }
    content |= options.get("change", {})
    io.savemat(folder / "SPM.mat", {"SPM": {key: value for key, value in content.items() if value is not None}})
    return folder


# ----------------------------------------------------------------------------------------------------------------- NIDM
PREFIXES = """@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix nidm: <http://purl.org/nidash/nidm#> .
@prefix niiri: <http://iri.nidash.org/> .
@prefix obo: <http://purl.obolibrary.org/obo/> .
@prefix nfo: <http://www.semanticdesktop.org/ontologies/2007/03/22/nfo#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
TYPES = {"p": "nidm:NIDM_0000160", "fwe": "obo:OBI_0001265", "fdr": "obo:OBI_0001442", "value": "obo:STATO_0000039"}
STATS = {"z": "STATO_0000376", "t": "STATO_0000176", "F": "STATO_0000282"}


def turtle(version="1.3.0", package="FSL", **options):
    """The Turtle text of a pack with one inference.

    `options`: name, stat, df (effect, error), height (kind, value), extent (voxels, or kind and value), clusters (from
    `clusters_of`), world (term of the coordinate system), peaks (distance, number), tailed (term).
    """
    place = "file://./" if version == "1.1.0" else ""
    name, stat = options.get("name", "listening > rest"), options.get("stat", "z")
    height, extent = options.get("height", ("value", 3.1)), options.get("extent", ("fwe", 0.05))
    effect, error = options.get("df", (1, "INF" if stat == "z" else 83.9999999999599))
    file = {"z": "ZStatistic", "t": "TStatistic", "F": "FStatistic"}[stat] + ".nii.gz"
    agent = {"FSL": "http://scicrunch.org/resolver/SCR_002823", "SPM": "http://scicrunch.org/resolver/SCR_007037"}
    text = (
        PREFIXES
        + f"""
niiri:results a prov:Entity , prov:Bundle , nidm:NIDM_0000027 ;
    rdfs:label "NIDM-Results" ; nidm:NIDM_0000127 "{version}"^^xsd:string .
niiri:software a prov:Agent , <{agent[package]}> , prov:SoftwareAgent ;
    rdfs:label "{package}" ; nidm:NIDM_0000122 "5.0.x"^^xsd:string .
niiri:space a prov:Entity , nidm:NIDM_0000016 ;
    nidm:NIDM_0000132 "{AFFINE.tolist()}"^^xsd:string ; nidm:NIDM_0000131 "[ 3.0, 3.0, 3.0 ]"^^xsd:string ;
    nidm:NIDM_0000105 nidm:NIDM_{options.get("world", "0000077")} .
niiri:original a prov:Entity , nidm:NIDM_0000076 ; nfo:fileName "spmT_0001.nii" .
niiri:map a prov:Entity , nidm:NIDM_0000076 ;
    rdfs:label "{stat.upper()}-Statistic Map: {name}" ;
    prov:atLocation "{place}{file}"^^xsd:anyURI ; nfo:fileName "{file}" , "zstat1.nii.gz" ;
    nidm:NIDM_0000123 obo:{STATS[stat]} ; nidm:NIDM_0000085 "{name}"^^xsd:string ;
    nidm:NIDM_0000093 "{error}"^^xsd:float ; nidm:NIDM_0000091 "{effect}"^^xsd:float ;
    nidm:NIDM_0000104 niiri:space .
niiri:search a prov:Entity , nidm:NIDM_0000068 ;
    prov:atLocation "{place}SearchSpaceMask.nii.gz"^^xsd:anyURI ; nfo:fileName "SearchSpaceMask.nii.gz" ;
    nidm:NIDM_0000104 niiri:space ; nidm:NIDM_0000121 "{int(mask().sum())}"^^xsd:int ;
    nidm:NIDM_0000159 "{FWHM.tolist()}"^^xsd:string ; nidm:NIDM_0000157 "{(3 * FWHM).round(5).tolist()}"^^xsd:string ;
    {f'nidm:NIDM_0000145 "{DLH}"^^xsd:float ;' if package == "FSL" else ""}
    prov:wasGeneratedBy niiri:inference .
niiri:excursion a prov:Entity , nidm:NIDM_0000025 ;
    prov:atLocation "{place}ExcursionSet.nii.gz"^^xsd:anyURI ; prov:wasGeneratedBy niiri:inference .
niiri:height a prov:Entity , nidm:NIDM_0000034 , {TYPES[height[0]]} ;
    rdfs:label "Height Threshold: {height[0]} {height[1]}" ; prov:value "{height[1]}"^^xsd:float .
"""
    )
    if isinstance(extent, int):
        text += f"""niiri:extent a prov:Entity , nidm:NIDM_0000026 , {TYPES["value"]} ;
    rdfs:label "Extent Threshold: k>={extent}" ; nidm:NIDM_0000084 "{extent}"^^xsd:int .
"""
    else:
        text += f"""niiri:extent a prov:Entity , nidm:NIDM_0000026 , {TYPES[extent[0]]} ;
    rdfs:label "Extent Threshold: {extent[0]} {extent[1]}" ; prov:value "{extent[1]}"^^xsd:float .
"""
    distance, number = options.get("peaks", (0.0, None))
    most = f'; nidm:NIDM_0000108 "{number}"^^xsd:int' if number else ""
    text += f"""niiri:peaks a prov:Entity , nidm:NIDM_0000063 ; nidm:NIDM_0000109 "{distance}"^^xsd:float {most} .
niiri:connected a prov:Entity , nidm:NIDM_0000007 ; nidm:NIDM_0000099 nidm:NIDM_0000129 .
niiri:inference a prov:Activity , nidm:NIDM_0000049 ;
    rdfs:label "Inference: {name}" ; nidm:NIDM_0000097 nidm:NIDM_{options.get("tailed", "0000060")} ;
    prov:used niiri:map , niiri:height , niiri:extent , niiri:peaks , niiri:connected ;
    prov:wasAssociatedWith niiri:software .
"""
    for c, (size, p, peaks) in enumerate(options.get("clusters", ()), start=1):
        text += f"""niiri:cluster_{c} a prov:Entity , nidm:NIDM_0000070 ;
    nidm:NIDM_0000084 "{size}"^^xsd:int ; nidm:NIDM_0000082 "{c}"^^xsd:int ; nidm:NIDM_0000115 "{p}"^^xsd:float ;
    prov:wasDerivedFrom niiri:excursion .
"""
        for k, (value, mm) in enumerate(peaks, start=1):
            said = f'nidm:NIDM_0000092 "{value}"^^xsd:float' if stat == "z" else f'prov:value "{value}"^^xsd:float'
            text += f"""niiri:coordinate_{c}_{k} a prov:Location , nidm:NIDM_0000015 ;
    nidm:NIDM_0000086 "[ {", ".join(map(str, mm))} ]"^^xsd:string .
niiri:peak_{c}_{k} a prov:Entity , nidm:NIDM_0000062 ;
    prov:atLocation niiri:coordinate_{c}_{k} ; {said} ; prov:wasDerivedFrom niiri:cluster_{c} .
"""
    return text


def clusters_of(data, threshold, p_threshold=0.05, connectivity=3, digits=3):
    """Clusters of a map for `turtle`: sizes, p values and local maxima, the values with so many digits."""
    labels, n = ndimage.label(data >= np.float32(threshold), ndimage.generate_binary_structure(3, connectivity))
    sizes = np.bincount(labels.ravel())[1:]
    p = np.exp(fsl_cluster_log_p(sizes, threshold, DLH, int(np.count_nonzero(data)))[1]) if n else []
    found = []
    for at in np.flatnonzero(np.asarray(p) < p_threshold):
        voxels = np.argwhere(labels == at + 1)
        tops = sorted(((float(data[tuple(ijk)]), tuple(ijk)) for ijk in voxels if is_maximum(data, ijk)), reverse=True)
        peaks = [(f"{value:.{digits}g}", apply_affine(AFFINE, ijk).tolist()) for value, ijk in tops[:6]]
        found.append((len(voxels), fsl_number(p[at]), peaks))
    return found


def nidm(folder, file="pack", version="1.3.0", packed=True, data=None, **options):
    """A NIDM-Results pack: a zip archive with everything in one folder (1.1.0) or at its root (1.3.0), or a folder."""
    folder = Path(folder)
    work = folder / f"{file}-files"
    stat = options.get("stat", "z")
    data = z_map(1) if data is None else data
    save(work / ({"z": "ZStatistic", "t": "TStatistic", "F": "FStatistic"}[stat] + ".nii.gz"), data, codes=(1, 2))
    save(work / "SearchSpaceMask.nii.gz", mask(), codes=(1, 2))
    save(work / "ExcursionSet.nii.gz", np.where(data > 3, data, 0), codes=(1, 2))
    (work / "nidm.ttl").write_text(turtle(version, **options), encoding="utf-8")
    if not packed:
        return work
    path = folder / f"{file}.nidm.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member in sorted(work.iterdir()):
            archive.write(member, f"{file}/{member.name}" if version == "1.1.0" else member.name)
            member.unlink()
    work.rmdir()
    return path


# ----------------------------------------------------------------------------------------------------------------- AFNI
BRICKS = (("Full_Fstat", 4, (2, 84)), ("vis#0_Coef", None, ()), ("vis#0_Tstat", 3, (84,)), ("V-A_GLT#0_Coef", None, ()))
BRICKS = (*BRICKS, ("V-A_GLT#0_Tstat", 3, (84,)), ("vis Zscore", 5, ()))


def bricks(seed=1):
    """The volumes of `BRICKS`, (i, j, k, n) float32."""
    t, other = z_map(seed), z_map(seed + 1)
    return np.stack([np.abs(t), t * 0.4 + 0.01 * other, t, other * 0.3, other, t * 0.9], axis=3).astype(np.float32)


def _attributes(view, space):
    aux = [value for n, (_, code, df) in enumerate(BRICKS) if code for value in (n, code, len(df), *df)]
    names = {3: "Ttest", 4: "Ftest", 5: "Zscore"}
    symbols = ["none" if code is None else f"{names[code]}({','.join(map(str, df))})" for _, code, df in BRICKS]
    return {
        "TYPESTRING": "3DIM_HEAD_FUNC",
        "BRICK_LABS": "~".join(label for label, _, _ in BRICKS),
        "BRICK_STATAUX": [float(value) for value in aux],
        "BRICK_STATSYM": ";".join(symbols),
        "TEMPLATE_SPACE": space,
    }


def afni_nifti(path, view="tlrc", space="MNI", data=None):
    """A NIfTI bucket as AFNI writes it: its attributes as XML in an extension with code 4."""
    data = bricks() if data is None else data
    image = nib.Nifti1Image(data, AFFINE)
    image.set_sform(AFFINE, 2)
    text = '<?xml version=\'1.0\' ?>\n<AFNI_attributes\n  self_idcode="AFN_x"\n  ni_form="ni_group" >\n'
    for name, value in _attributes(view, space).items():
        if isinstance(value, str):
            body, kind, count = f' "{value}"', "String", 1
        else:
            body, kind, count = "\n".join(f" {number:g}" for number in value), "float", len(value)
        text += f'<AFNI_atr\n  ni_type="{kind}"\n  ni_dimen="{count}"\n  atr_name="{name}" >\n{body}\n</AFNI_atr>\n\n'
    content = (text + "</AFNI_attributes>\n").encode()
    image.header.extensions.append(nib.nifti1.Nifti1Extension(4, content + b"\0" * (-len(content) % 16)))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path


def afni_head(folder, prefix="stats.FT", view="tlrc", space="MNI", data=None):
    """A bucket as HEAD and BRIK (README.attributes)."""
    data = bricks() if data is None else data
    n = data.shape[3]
    folder.mkdir(parents=True, exist_ok=True)
    # The voxel at the start, in DICOM order (right and front are negative), and the way to the next.
    origin, delta = AFFINE[:3, 3] * [-1, -1, 1], np.diag(AFFINE)[:3] * [-1, -1, 1]
    matrix = np.diag([-1, -1, 1, 1]) @ AFFINE
    numbers = {
        "DATASET_RANK": [3, n, *[0] * 6],
        "DATASET_DIMENSIONS": [*data.shape[:3], 0, 0],
        "SCENE_DATA": [{"orig": 0, "tlrc": 2}[view], 11, 1, *[-999] * 5],
        "ORIENT_SPECIFIC": [0, 2 if delta[1] > 0 else 3, 4],
        "BRICK_TYPES": [3] * n,
    }
    numbers["ORIENT_SPECIFIC"] = [0 if delta[0] > 0 else 1, 3 if delta[1] > 0 else 2, 4 if delta[2] > 0 else 5]
    floats = {"ORIGIN": origin, "DELTA": delta, "BRICK_FLOAT_FACS": [0] * n, "IJK_TO_DICOM_REAL": matrix[:3].ravel()}
    text = ""
    for name, values in numbers.items():
        text += f"\ntype = integer-attribute\nname = {name}\ncount = {len(values)}\n {' '.join(map(str, values))}\n"
    attributes = _attributes(view, space) | {"BYTEORDER_STRING": "LSB_FIRST", "IDCODE_STRING": "AFN_x"}
    floats |= {"BRICK_STATAUX": attributes.pop("BRICK_STATAUX")}
    for name, values in floats.items():
        text += (
            f"\ntype = float-attribute\nname = {name}\ncount = {len(values)}\n {' '.join(f'{v:g}' for v in values)}\n"
        )
    for name, value in attributes.items():
        text += f"\ntype = string-attribute\nname = {name}\ncount = {len(value) + 1}\n'{value}~\n"
    (folder / f"{prefix}+{view}.HEAD").write_text(text)
    (folder / f"{prefix}+{view}.BRIK").write_bytes(np.asarray(data, "<f4").tobytes(order="F"))
    return folder / f"{prefix}+{view}.HEAD"


def clusterize(path, data, *, volume=2, beside=1, cutoff=3.3, extent=5, nn=1, prefix="stats.FT", option="bisided"):
    """3dClusterize's report of a bucket (3dClusterize.c), with the effect as -idat where `beside` is given."""
    threshold, shown = data[..., volume], data[..., volume if beside is None else beside]
    label = [name for name, _, _ in BRICKS]
    structure = ndimage.generate_binary_structure(3, nn)
    if option == "2sided":
        sides = [np.abs(threshold) >= np.float32(cutoff)]
    else:
        sides = [side * threshold >= np.float32(cutoff) for side in ((1, -1) if option == "bisided" else (1,))]
    clusters = []
    for above in sides:
        labels, n = ndimage.label(above, structure)
        clusters += [np.argwhere(labels == c) for c in range(1, n + 1)]
    clusters = sorted((c for c in clusters if len(c) >= extent), key=len, reverse=True)
    tails = f"left-tail stat={-cutoff:f};  right-tail stat={cutoff:f}"
    summary = f"{option},{-cutoff},{cutoff},clust_nvox,{extent},{nn}"
    if option == "1sided":
        tails, summary = f"right-tail stat={cutoff:f}", f"1sided,RIGHT_TAIL,{cutoff},clust_nvox,{extent},{nn}"
    lines = [
        "#",
        "#  Cluster report ",
        f"#[ Dataset prefix      = {prefix} ]",
        f"#[ Threshold vol       = [{volume}] '{label[volume]}' ]",
        f"#[ Supplement dat vol  = {'(none)' if beside is None else f'[{beside}] {label[beside]!r}'} ]",
        f"#[ Option summary      = {summary} ]",
        f"#[ Threshold value(s)  = {tails} ]",
        "#[ Aux. stat. info.    = Ttest : DOF 84  ]",
        f"#[ Nvoxel threshold    = {extent};  Volume threshold = {27 * extent:.3f} ]",
        "#[ Single voxel volume = 27.000 (microliters) ]",
        f"#[ Neighbor type, NN   = {nn} ]",
        "#[ Voxel datum type    = float ]",
        "#[ Voxel dimensions    = 3.000 mm X 3.000 mm X 3.000 mm ]",
        "#[ Coordinates Order   = RAI ]",
        "# Mean and SEM based on absolute value of voxel intensities ]",
        "#",
        "#Volume  CM RL  CM AP  CM IS  minRL  maxRL  minAP  maxAP  minIS  maxIS    Mean     SEM    Max Int"
        "  MI RL  MI AP  MI IS",
        "#------" + "  -----" * 9 + "  -------" * 3 + "  -----" * 3,
    ]
    for voxels in clusters:
        mm = apply_affine(AFFINE, voxels) * [-1, -1, 1]
        values = shown[tuple(voxels.T)].astype(float)
        top = np.argmax(np.abs(values))
        weights = np.abs(values)[:, None]
        numbers = [*((mm * weights).sum(0) / weights.sum())]
        numbers += [end for axis in mm.T for end in (axis.min(), axis.max())]
        line = f" {len(voxels):6.0f}" + "".join(f"  {number:5.1f}" for number in numbers)
        line += f"  {np.abs(values).mean():7.4f}  {0.03:7.4f}  {values[top]:7.4f}"
        lines.append(line + "".join(f"  {number:5.1f}" for number in mm[top]) + " ")
    path.write_text("\n".join(lines) + "\n")
    return path


# ----------------------------------------------------------------------------------------------------- nilearn and BIDS
def bids(folder, contrasts=("facesGtHouses", "houses"), *, space=None, stats=("z", "t", "effect"), **options):
    """A folder as save_glm_to_bids writes it; `options`: tables (threshold and voxels), residuals, prefix, f."""
    folder = Path(folder)
    group = folder / "group"
    prefix = options.get("prefix", "task-main")
    spaced = f"_space-{space}" if space else ""
    for n, contrast in enumerate(contrasts, start=1):
        z = z_map(n)
        values = {"z": z, "t": z * 1.1, "effect": z * 0.2, "p": np.exp(-np.abs(z)), "variance": z**2, "F": z**2}
        for stat in stats:
            save(group / f"{prefix}{spaced}_contrast-{contrast}_stat-{stat}_statmap.nii.gz", values[stat], codes=(0, 2))
        if "tables" in options:
            from nilearn.reporting import get_clusters_table

            threshold, extent = options["tables"]
            two_sided = options.get("two_sided", True)
            image = nib.Nifti1Image(values[options.get("table_of", "z")], AFFINE)
            table = get_clusters_table(image, threshold, cluster_threshold=extent, two_sided=two_sided)
            stem = group / f"{prefix}{spaced}_contrast-{contrast}_clusters"
            table.to_csv(f"{stem}.tsv", sep="\t", index=False)
            said = {"Height control": "None", "Threshold Z": threshold, "Cluster size threshold (voxels)": extent}
            Path(f"{stem}.json").write_text(json.dumps(said | {"Minimum distance (mm)": 8.0}))
    save(group / f"{prefix}{spaced}_mask.nii.gz", mask(), codes=(0, 2))
    rows = ["intercept\tage\tboth"] + [f"1.0\t{age}\t{1 + age}" for age in (0.3, 1.5, -0.2, 0.7, 2.0, -1.1)]
    (group / f"{prefix}_design.tsv").write_text("\n".join(rows) + "\n")
    if options.get("residuals"):
        noise = np.random.default_rng(3).normal(size=(*SHAPE, 6)).astype(np.float32)
        save(group / f"{prefix}{spaced}_stat-errorts_statmap.nii.gz", noise, codes=(0, 2))
    description = {"BIDSVersion": "1.9.0", "GeneratedBy": [{"Name": options.get("maker", "nilearn")}]}
    (folder / "dataset_description.json").write_text(json.dumps(description))
    return folder


# ---------------------------------------------------------------------------------------------------- permutation tests
def randomise(folder, prefix="grp", n=2):
    """What randomise -T -x -c writes of `n` contrasts: 1 - p, and the statistics."""
    for c in range(1, n + 1):
        t = z_map(c)
        save(folder / f"{prefix}_tstat{c}.nii.gz", t, codes=(4, 4))
        p = np.where(mask(), np.clip((t - 2) / 4, 0, 0.9998), 0).astype(np.float32)
        for how in ("tfce", "vox"):
            save(folder / f"{prefix}_{how}_corrp_tstat{c}.nii.gz", p, codes=(4, 4))
        save(folder / f"{prefix}_tfce_p_tstat{c}.nii.gz", np.sqrt(p), codes=(4, 4))
    return folder / prefix


def palm(folder, prefix="out", scale="p", options=True):
    """What PALM writes of two contrasts, in one of its three forms."""
    flag = {"p": "", "1-p": " -save1-p", "log10p": " -logp"}[scale]
    for c in (1, 2):
        t = z_map(c)
        save(folder / f"{prefix}_vox_tstat_c{c}.nii", t)
        p = np.clip(0.9 - (t + 3) / 9, 0.0002, 1)
        values = {"p": p, "1-p": 1 - p, "log10p": -np.log10(p)}[scale]
        save(folder / f"{prefix}_tfce_tstat_fwep_c{c}.nii", np.where(mask(), values, 0).astype(np.float32))
    if options:
        (folder / f"{prefix}_palmconfig.txt").write_text(f"-i data.nii\n-m mask.nii\n-o {prefix}\n{flag}\n")
    return folder / prefix


def damaged(path, how):
    """Cut a file to half, to nothing, or fill it with something else."""
    content = path.read_bytes()
    path.write_bytes({"half": content[: len(content) // 2], "empty": b"", "other": struct.pack("<8d", *range(8))}[how])


def rows_of_sheet(text):
    """Lines of a sheet by id: cells by column; those that are set aside with their #."""
    lines = [line.split("\t") for line in text.splitlines() if not re.match("# ", line)]
    return {line[0]: dict(zip(lines[0][1:], line[1:], strict=True)) for line in lines[1:]}
