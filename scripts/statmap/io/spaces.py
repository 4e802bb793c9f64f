"""Names of standard spaces (standard library only: the config compares them while it is parsed)."""

import re

# One space for display and for labels: templates of the MNI152 family differ from each other by a few millimetres.
# Names of TemplateFlow, fMRIPrep, FSL, SPM (whose templates are MNI152 and IXI549), AFNI and NeuroVault.
_MNI152 = re.compile(r"(MNI|ICBM)[-_ ]?152.*|MNI|MNI152Lin|IXI549Space|MNI_2009c_asym|GenericMNI", re.IGNORECASE)


def same_space(space: str | None, other: str | None) -> bool:
    """Whether two names mean one space for display and labels: the same name, or two of the MNI152 family."""
    return space == other or bool(space and other and _MNI152.fullmatch(space) and _MNI152.fullmatch(other))
