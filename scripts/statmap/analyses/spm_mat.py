"""What is wanted of an SPM.mat, read by scipy.io in a process of its own.

On some damaged files scipy.io ends the process that calls it (a pointer to nothing, found by changing bytes of a good
file), which no exception tells of.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..io.files import UserError

RESAVE = "in MATLAB: load('SPM.mat'); save('SPM.mat', 'SPM', '-v7')"
MOST_NUMBERS = 16  # of a field that is wanted
LONGEST = 300  # s
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from statmap.analyses.spm_mat import child; child(sys.argv[2])"


def read_mat(path: Path) -> dict[str, Any]:
    """Numbers and names of an SPM structure.

    Returns
    -------
    dict : ``erdf``, ``matrix``, ``fwhm``, ``search`` (lists of float, empty where there is none), ``mask`` (a file's
        name) and ``contrasts``, a list of dict with ``name``, ``stat``, ``image``, ``effect`` and ``eidf``.

    Raises
    ------
    UserError : it is no MAT file up to version 7 that can be read, or holds no such structure.
    """
    try:
        with open(path, "rb") as stream:
            if b"MATLAB 7.3" in stream.read(128):
                raise UserError(f"{path} was saved as MATLAB 7.3, which is not read here; save it anew, {RESAVE}")
    except OSError as error:
        raise _damaged(path, error.strerror) from error
    scripts = Path(__file__).resolve().parents[2]
    try:
        process = subprocess.run(
            [sys.executable, "-c", _CHILD, str(scripts), str(path.absolute())],
            check=False,
            capture_output=True,
            timeout=LONGEST,
        )
        content = json.loads(process.stdout.decode("utf-8"))
    except subprocess.TimeoutExpired as error:
        raise _damaged(path, f"not in {LONGEST} s") from error
    except ValueError as error:  # nothing was said: the process has ended
        raise _damaged(path, f"scipy.io ended with {process.returncode}") from error
    if "error" in content:
        raise _damaged(path, content["error"])
    if "contrasts" not in content:
        raise UserError(f"{path} holds no SPM structure; accepted: the SPM.mat that SPM wrote")
    return content


def _damaged(path, reason):
    return UserError(f"{path} cannot be read ({reason}); get the file again, or save it anew, {RESAVE}")


def child(path: str) -> None:
    """Write what `read_mat` gives as JSON, or ``error``."""
    sys.stdout.write(json.dumps(_content(path)))


def _content(path):
    from scipy.io import loadmat

    try:
        variables = loadmat(path, squeeze_me=True, struct_as_record=False, variable_names=["SPM"])
    except Exception as error:  # scipy meets whatever a damaged file holds with whatever it has
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:200]}
    spm = variables.get("SPM")
    if not hasattr(spm, "_fieldnames"):
        return {}
    return {
        "erdf": _numbers(spm, "xX", "erdf"),
        "matrix": _numbers(spm, "xVol", "M"),
        "fwhm": _numbers(spm, "xVol", "FWHM"),
        "search": _numbers(spm, "xVol", "S"),
        "mask": _text(spm, "VM", "fname"),
        "contrasts": [
            {
                "name": _text(contrast, "name"),
                "stat": _text(contrast, "STAT"),
                "eidf": _numbers(contrast, "eidf"),
                "image": _text(contrast, "Vspm", "fname"),
                "effect": _text(contrast, "Vcon", "fname"),
            }
            for contrast in _as_list(_part(spm, "xCon"))
            if hasattr(contrast, "name")
        ],
    }


def _part(struct, *names):
    """A field of a field of a MATLAB structure; None where one is missing."""
    for name in names:
        struct = getattr(struct, name, None)
    return struct


def _as_list(value):
    """A list of structures, whether MATLAB had one or several."""
    import numpy as np

    return [] if value is None else list(np.atleast_1d(value).ravel())


def _numbers(struct, *names):
    """Numbers of a MATLAB array, row for row; none where it holds anything else."""
    import numpy as np

    value = _part(struct, *names)
    try:
        return [] if value is None else [float(number) for number in np.atleast_1d(value).ravel()[:MOST_NUMBERS]]
    except (TypeError, ValueError):
        return []


def _text(struct, *names):
    value = _part(struct, *names)
    return value.strip() if isinstance(value, str) else ""
