"""Drawings of the MNI152 brain that nilearn's wheel holds: outlines of its glass brain, the surfaces of fsaverage5.

nilearn is not imported, nor nibabel: only the files are read, each with its sha256.
"""

import gzip
import zlib
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..io.files import packaged_file

DRAWINGS = {  # name to the file and its sha256
    "glass-side": (
        "plotting/glass_brain_files/brain_schematics_side.json",
        "11238d92cdfc7625634ac764c26cf40e62bb89883b7dfb68fd459302836d7d0d",
    ),
    "glass-back": (
        "plotting/glass_brain_files/brain_schematics_back.json",
        "21b91866036909183ff5db0d92be68c6e44f29039ca443b5c2235b631994cc2f",
    ),
    "glass-front": (
        "plotting/glass_brain_files/brain_schematics_front.json",
        "70dd0890559f3c6628b97e07e698802916b1f6140c09d647a9429660b1c933a9",
    ),
    "glass-top": (
        "plotting/glass_brain_files/brain_schematics_top.json",
        "e7445a9cda79b086cbcb150fef209ca7d3f0e668c1d5ce9cd80922de6e5069e8",
    ),
    "inflated-left": (
        "datasets/data/fsaverage5/infl_left.gii.gz",
        "1a571c9d598a476a202c7295c235a709de63360047b92c0e7b75ed18b0f37e74",
    ),
    "inflated-right": (
        "datasets/data/fsaverage5/infl_right.gii.gz",
        "9f66b009e1da72158d75b4e739c6289aba0c1b08d818b2f0f9f61204aa4ba895",
    ),
    "pial-left": (
        "datasets/data/fsaverage5/pial_left.gii.gz",
        "1e76fe43ac194c15fd272643f7ae7995621e2a496b3102b2d6175f0f8e6d7fc8",
    ),
    "pial-right": (
        "datasets/data/fsaverage5/pial_right.gii.gz",
        "fdfae008bc10acf7cba82737ea5db9a7298948c41884a2d3330a785783a60a91",
    ),
    "white-left": (
        "datasets/data/fsaverage5/white_left.gii.gz",
        "ecd590c1405e5553604fd4b113cee13d62638e5fb4084438201db82a4c711c64",
    ),
    "white-right": (
        "datasets/data/fsaverage5/white_right.gii.gz",
        "bd0f184539c82eae3b5b22297c4b5f64f901e276152f79d9fa62337f7e0d30d8",
    ),
    "sulci-left": (
        "datasets/data/fsaverage5/sulc_left.gii.gz",
        "bd0f87e0cba153e9d5c5281edc7267f631b1967e5883d4027924766c8430eb62",
    ),
    "sulci-right": (
        "datasets/data/fsaverage5/sulc_right.gii.gz",
        "97afe76225903205a16b88f88cd796945f2a27011328e98decaa9128ff063afb",
    ),
}
TYPES = {"NIFTI_TYPE_FLOAT32": "<f4", "NIFTI_TYPE_INT32": "<i4"}


def drawing_path(name: str) -> Path:
    """Path of a drawing, a key of `DRAWINGS`, inside the installed package; see `io.files.packaged_file`."""
    return packaged_file(f"drawing {name}", "nilearn", *DRAWINGS[name], "figures")


def read_surface(name: str) -> list[np.ndarray]:
    """The arrays of a drawing that is a GIFTI file, written as those of fsaverage5 are: row by row, compressed."""
    with gzip.open(drawing_path(name)) as stream:
        parts = [(part.attrib, part.findtext("Data", "")) for part in ElementTree.parse(stream).iter("DataArray")]
    return [
        np.frombuffer(zlib.decompress(b64decode(text)), TYPES[about["DataType"]]).reshape(
            [int(about[f"Dim{n}"]) for n in range(int(about["Dimensionality"]))]
        )
        for about, text in parts
    ]
