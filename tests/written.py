"""Images as other packages write them: each function writes one image and gives what a sheet would call it.

All take a folder, an (i, j, k) or (i, j, k, n) array and its affine.
"""

import bz2
import gzip

import nibabel as nib
import numpy as np


def nifti(folder, data, affine, name="x.nii.gz", dtype=None, order="<", **header):
    """A single NIfTI file; fields of the header that nibabel would not write are set as given."""
    image = nib.Nifti1Image(data.astype(dtype or data.dtype), affine, nib.Nifti1Header(endianness=order))
    image.header.set_data_dtype(np.dtype(dtype or data.dtype).newbyteorder(order))
    for key, value in header.items():
        image.header[key] = value
    content = image.to_bytes()
    fold = {"gz": lambda content: gzip.compress(content, mtime=0), "bz2": bz2.compress}.get(name.rpartition(".")[2])
    (folder / name).write_bytes(fold(content) if fold else content)
    return name


def scaled(folder, data, affine):
    """Integers with a scale factor that leaves 4.999999998 of 5."""
    slope = np.float32(0.1)
    return nifti(folder, np.rint(data / 0.1).astype(np.int16), affine, scl_slope=slope, scl_inter=0.0)


def trailing(folder, data, affine):
    return nifti(folder, data[..., np.newaxis, np.newaxis], affine, name="x.nii")


def big_endian(folder, data, affine):
    return nifti(folder, data, affine, order=">")


def unsigned(folder, data, affine):
    return nifti(folder, data, affine, dtype=np.uint16)


def doubles(folder, data, affine):
    return nifti(folder, data, affine, dtype=np.float64)


def qform_only(folder, data, affine):
    header = nib.Nifti1Header()
    header.set_data_shape(data.shape)
    header.set_data_dtype(data.dtype)
    image = nib.Nifti1Image(data, None, header)
    image.set_qform(affine, 1)
    image.set_sform(None, 0)
    image.to_filename(folder / "x.nii.gz")
    return "x.nii.gz"


def flipped(folder, data, affine):
    """The same voxels, stored from the other end of the first and the third axis."""
    turn = np.diag([-1.0, 1, -1, 1])
    turn[[0, 2], 3] = data.shape[0] - 1, data.shape[2] - 1
    return nifti(folder, data[::-1, :, ::-1], affine @ turn)


def permuted(folder, data, affine):
    """The same voxels, their third axis first."""
    rest = tuple(range(3, data.ndim))
    return nifti(folder, data.transpose((2, 0, 1, *rest)), affine[:, [2, 0, 1, 3]])


def bzipped(folder, data, affine):
    return nifti(folder, data, affine, name="x.nii.bz2")


def pair(folder, data, affine):
    nib.Nifti1Pair(data, affine).to_filename(folder / "x.img")
    return "x.img"


def pair_by_header(folder, data, affine):
    nib.Nifti1Pair(data, affine).to_filename(folder / "x.img.gz")
    return "x.hdr.gz"


def analyze(folder, data, affine, matrix=False):
    """SPM's Analyze, without its ``.mat`` unless asked for."""
    image = nib.Spm2AnalyzeImage(data, affine)
    image.header["origin"][:3] = np.linalg.inv(affine)[:3, 3] + 1  # the voxel of 0 mm, counted from 1
    image.to_filename(folder / "x.img")
    if not matrix:
        (folder / "x.mat").unlink()
    return "x.hdr"


def analyze_with_matrix(folder, data, affine):
    return analyze(folder, data, affine, matrix=True)


def mgh(folder, data, affine):
    nib.MGHImage(data.astype(np.float32), affine).to_filename(folder / "x.mgz")
    return "x.mgz"


def afni(folder, data, affine, name="x+tlrc", **attributes):
    """AFNI's HEAD and BRIK."""
    volumes = data.reshape((*data.shape[:3], -1))
    dicom = np.diag([-1.0, -1, 1, 1]) @ affine  # x to the left and y to the back are positive
    own = {
        "BYTEORDER_STRING": "LSB_FIRST",
        "BRICK_TYPES": [3] * volumes.shape[3],
        "DATASET_RANK": [3, volumes.shape[3]],
        "DATASET_DIMENSIONS": [*volumes.shape[:3], 0, 0],
        "DELTA": [float(size) for size in nib.affines.voxel_sizes(affine)],
        "IJK_TO_DICOM_REAL": [float(number) for number in dicom[:3].ravel()],
    } | attributes
    (folder / f"{name}.HEAD").write_text("\n".join(_attribute(key, value) for key, value in own.items()))
    (folder / f"{name}.BRIK").write_bytes(volumes.astype("<f4").tobytes(order="F"))
    return f"{name}.HEAD"


def _attribute(name, value):
    if isinstance(value, str):
        return f"type = string-attribute\nname = {name}\ncount = {len(value) + 1}\n'{value}~\n"
    kind = "integer" if all(isinstance(number, int) for number in value) else "float"
    return f"type = {kind}-attribute\nname = {name}\ncount = {len(value)}\n {' '.join(map(str, value))}\n"


def afni_nifti(folder, data, affine, name="stats.nii.gz", axes=5, **attributes):
    """NIfTI as AFNI writes a bucket: five axes, the fourth of length 1, and its attributes in an extension."""
    volumes = data.reshape((*data.shape[:3], -1))
    volumes = volumes[:, :, :, np.newaxis] if axes == 5 else volumes
    image = nib.Nifti1Image(volumes, affine)
    atoms = "".join(_atom(key, value) for key, value in attributes.items())
    text = f"<?xml version='1.0' ?>\n<AFNI_attributes\n  ni_form=\"ni_group\" >\n{atoms}</AFNI_attributes>\n"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("afni", text.encode()))
    image.to_filename(folder / name)
    return name


def _atom(name, value):
    kind = "String" if isinstance(value, str) else "float"
    if isinstance(value, str):  # long text comes in pieces
        half = len(value) // 2
        pieces = [value[:half], value[half:]] if half > 10 else [value]
        body = "\n".join(f' "{piece}"'.replace("&", "&amp;").replace(">", "&gt;") for piece in pieces)
    else:
        body = "\n".join(f" {number}" for number in value)
    return f'<AFNI_atr\n  ni_type="{kind}"\n  ni_dimen="1"\n  atr_name="{name}" >\n{body}\n</AFNI_atr>\n'


STORED = (
    nifti,
    scaled,
    trailing,
    big_endian,
    unsigned,
    doubles,
    qform_only,
    flipped,
    permuted,
    bzipped,
    pair,
    pair_by_header,
    analyze,
    analyze_with_matrix,
    mgh,
    afni,
)
