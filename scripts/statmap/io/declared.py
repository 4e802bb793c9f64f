"""What the sheet, the header, the name and NeuroVault say about a map, and which counts (standard library only).

The table is `ORIGINS`: what the sheet leaves empty is taken from the first of them that says it, and a sheet or another
origin that says something else is an error. `make docs` writes it into config/README.md.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..distributions import P_FORMS
from .files import UserError
from .formats import split_volume
from .spaces import same_space

KEYS = ("stat", "df", "space", "corrected", "contrast", "citation", "thresholded")
FREE = ("contrast", "citation", "thresholded")  # two of them may differ: the first is taken
NATIVE = "ORIG"  # AFNI's name for a space that it does not know: any other name wins
NEAR = 1e-6  # relative, between degrees of freedom that are the same

# NIfTI-1 intent codes (nifti1.h) and AFNI's statistical codes (README.attributes) by the name that the sheet has.
_INTENTS = {3: "t", 4: "F", 5: "z", 22: "p"}
_AFNI_CODES = {3: "t", 4: "F", 5: "z"}
_AFNI_SYMBOLS = {"ttest": 3, "ftest": 4, "fstat": 4, "zscore": 5}
_PARAMETERS = {"t": 1, "F": 2}  # degrees of freedom
# The entity `stat` of a statistical map of BIDS (fitlins, nilearn); other statistics are no test.
_ENTITIES = {"t": "t", "z": "z", "f": "F", "p": "p"}
# As spm_contrasts.m writes it (REST and DPABI alike): "SPM{T_[86.0]} - contrast 1: tapping>rest", "SPM{F_[2.0,40.0]}".
_SPM = re.compile(r"(?:SPM|REST|DPABI)\{([TFZ])(?:_\[([^\]]*)\])?\}(?:.*?contrast[\s\d-]*:\s*(.*))?")
_SPM_CONTRAST = re.compile(r"SPM contrast\s*-\s*\d+\s*:\s*(.*)")  # of con_0001, which is no statistic
_SPM_FILTERED = re.compile(r"\}\s*-\s*filtered")  # what SPM saves of a thresholded map
_CORRECTED = {"corrp": "fwe", "fwep": "fwe", "fdrp": "fdr"}  # randomise; PALM, with c, m or mc before fwep
_MAP_TYPES = {"t map": "t", "z map": "z", "f map": "F", "p map": "p"}


class Header(NamedTuple):
    """The parts of an image's header that say what it is.

    Attributes
    ----------
    intent : code of NIfTI's intent, 0 for none.
    parameters : the first two of its parameters.
    descrip : free text, of SPM and of Analyze.
    afni : AFNI's attributes by name, text or a list of numbers.
    labels : of its volumes, as far as they have any.
    volume : the one that is read, from 0.
    """

    intent: int = 0
    parameters: tuple[float, ...] = (0.0, 0.0)
    descrip: str = ""
    afni: Mapping[str, Any] = {}
    labels: tuple[str, ...] = ()
    volume: int = 0


class Evidence(NamedTuple):
    """The evidence on what a map is: its header, its source as in the sheet, NeuroVault's answer."""

    header: Header
    source: str
    neurovault: Mapping[str, Any]


class Printed(float):
    """A number that is printed with ``decimals`` digits after its point: any number that rounds to it agrees."""

    decimals: int


def _printed(text):
    number = Printed(text)
    number.decimals = len(text.strip().partition(".")[2])
    return number


def _df(stat, numbers):
    """Degrees of freedom as the sheet has them, of the parameters that a header gives; None where they are none."""
    numbers = list(numbers)[: _PARAMETERS.get(stat, 0)]
    if len(numbers) < _PARAMETERS.get(stat, 1) or not all(math.isfinite(number) and number > 0 for number in numbers):
        return None
    # NIfTI-1 has them as float32, whose digits end here: 84.3 is no 84.30000305175781.
    numbers = [n if isinstance(n, Printed) else float(f"{n:.7g}") for n in numbers]
    return numbers[0] if stat == "t" else numbers


def _of_intent(evidence):
    stat = _INTENTS.get(evidence.header.intent)
    return {"stat": stat, "df": _df(stat, evidence.header.parameters)}


def _of_descrip(evidence):
    text = evidence.header.descrip
    statistic, contrast = _SPM.search(text), _SPM_CONTRAST.match(text)
    if not statistic:
        return {"contrast": contrast and contrast[1].strip()}
    stat = {"T": "t", "F": "F", "Z": "z"}[statistic[1]]
    numbers = re.findall(r"[\d.]+(?:e[+-]?\d+)?", statistic[2] or "")
    numbers = [_printed(number) for number in numbers if number.count(".") < 2 and number != "."]
    named = (statistic[3] or "").strip()
    return {
        "stat": stat,
        "df": _df(stat, numbers),
        "contrast": named,
        "thresholded": bool(_SPM_FILTERED.search(text)) or None,
    }


def _of_afni(evidence):
    afni, volume = evidence.header.afni, evidence.header.volume
    code, numbers = afni_statistics(afni).get(volume, (None, []))
    stat = _AFNI_CODES.get(code)
    label = dict(enumerate(evidence.header.labels)).get(volume, "") if afni else ""
    return {
        "stat": stat,
        "df": _df(stat, numbers),
        "contrast": "" if re.fullmatch(r"#?\d*|\?+", label) else label,
        "space": str(afni.get("TEMPLATE_SPACE", "")).strip("~ "),
    }


def afni_statistics(afni: Mapping[str, Any]) -> dict[int, tuple[int, list[float]]]:
    """Code of the statistic of each volume and its parameters, of AFNI's attributes; volumes without one are left out.

    BRICK_STATAUX has the number of a volume, a code, how many parameters follow, and those; BRICK_STATSYM a text such
    as ``Ttest(23)`` of every volume.
    """
    numbers = afni.get("BRICK_STATAUX", [])
    numbers = [number for number in numbers if math.isfinite(number)] if isinstance(numbers, list) else []
    statistics: dict[int, tuple[int, list[float]]] = {}
    while len(numbers) >= 3:
        number, code, count = (int(part) for part in numbers[:3])
        parameters, numbers = numbers[3 : 3 + max(count, 0)], numbers[3 + max(count, 0) :]
        statistics.setdefault(number, (code, parameters if len(parameters) == count else []))
    for number, text in enumerate(str(afni.get("BRICK_STATSYM", "")).split(";")):
        symbol = re.match(r"\s*(\w+)\(([\d.,\s]*)\)", text)
        if symbol and symbol[1].lower() in _AFNI_SYMBOLS:
            parameters = [float(part) for part in re.findall(r"\d+\.?\d*", symbol[2])]
            statistics.setdefault(number, (_AFNI_SYMBOLS[symbol[1].lower()], parameters))
    return statistics


def _of_name(evidence):
    entities = entities_of(evidence.source)
    name = re.split(r"[/:]", split_volume(evidence.source)[0])[-1].lower()
    corrected = re.search(r"_[mc]{0,2}(corrp|fwep|fdrp)(?=[_.]|$)", name)
    return {
        "stat": _ENTITIES.get(entities.get("stat", "").lower()),
        "space": entities.get("space"),
        "contrast": entities.get("contrast"),
        "corrected": corrected and _CORRECTED[corrected[1]],
    }


def _of_neurovault(evidence):
    answer = evidence.neurovault

    def text(key):
        value = " ".join(str(answer.get(key) or "").split())
        return "" if value.lower() in ("none", "other", "none / other") else value

    stat = next((stat for kind, stat in _MAP_TYPES.items() if text("map_type").lower().startswith(kind)), None)
    number = answer.get("statistic_parameters")
    doi = text("DOI")
    citation = [f"NeuroVault image {answer['id']}"] if answer.get("id") else []
    citation += [f"collection {answer['collection_id']}"] if answer.get("collection_id") else []
    citation += [f"doi:{doi.removeprefix('https://doi.org/')}"] if doi else []
    return {
        "stat": stat,
        "df": _df(stat, [number]) if stat == "t" and isinstance(number, int | float) else None,
        "space": "" if answer.get("not_mni") is True else text("target_template_image"),
        "contrast": text("cognitive_contrast_cogatlas") or text("contrast_definition"),
        "citation": ", ".join(citation),
        "thresholded": answer.get("is_thresholded") is True or None,
    }


class Origin(NamedTuple):
    """A place where something about a map is said.

    Attributes
    ----------
    name : as sidecars, logs and the documentation have it.
    phrase : what an error calls it, ``{}`` for the source.
    says : key to how it is read, for the documentation.
    read : function of `Evidence` that gives these keys; empty or None for what it does not say.
    """

    name: str
    phrase: str
    says: dict[str, str]
    read: Callable[[Evidence], dict[str, Any]]


# In the order in which they are asked; the sheet comes before them all.
ORIGINS = (
    Origin(
        "header",
        "the header of {}",
        {"stat": "intent code 3 (t), 4 (F), 5 (z), 22 (p)", "df": "the intent's parameters, where they are above 0"},
        _of_intent,
    ),
    Origin(
        "descrip",
        "descrip in the header of {}",
        {
            "stat": "`SPM{T_[…]}`, `SPM{F_[…]}`, `SPM{Z…}`",
            "df": "the numbers in it, to the digits that are printed",
            "contrast": "what follows `contrast 1:`",
            "thresholded": "`-filtered`",
        },
        _of_descrip,
    ),
    Origin(
        "AFNI header",
        "the AFNI header of {}",
        {
            "stat": "`BRICK_STATAUX` of the volume, else `BRICK_STATSYM`",
            "df": "likewise",
            "space": "`TEMPLATE_SPACE`; any other name wins over `ORIG`",
            "contrast": "its label in `BRICK_LABS`",
        },
        _of_afni,
    ),
    Origin(
        "file name",
        "the file name of {}",
        {
            "stat": "`stat-t` (BIDS)",
            "space": "`space-…` (BIDS)",
            "corrected": "`_corrp_` (randomise), `_fwep`, `_cfwep`, `_fdrp`, … (PALM), of p maps",
            "contrast": "`contrast-…` (BIDS)",
        },
        _of_name,
    ),
    Origin(
        "NeuroVault",
        "NeuroVault's answer to {}",
        {
            "stat": "`map_type`",
            "df": "`statistic_parameters` of a t map",
            "space": "`target_template_image`, unless `not_mni`",
            "contrast": "`cognitive_contrast_cogatlas`, else `contrast_definition`",
            "citation": "image, collection and `DOI`",
            "thresholded": "`is_thresholded`, unless the values say otherwise",
        },
        _of_neurovault,
    ),
)


def entities_of(source: str) -> dict[str, str]:
    """The BIDS entities ``stat``, ``space`` and ``contrast`` of a source's file name, of those that are there."""
    name = re.split(r"[/:]", split_volume(source)[0])[-1]
    return dict(re.findall(r"(?:^|_)(stat|space|contrast)-([A-Za-z0-9]+)(?=[_.])", name))


def statistic(
    header: Header,
    source: str,
    sheet: Mapping[str, Any],
    name: str,
    sheet_name: str = "the sample sheet",
    neurovault: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """What a map is: as the sheet has it, else the first of `ORIGINS` that says it.

    Parameters
    ----------
    header : of the image.
    source : its source, whose file name may have BIDS entities (``stat-t``, ``space-MNI152NLin2009cAsym``).
    sheet : the columns of the sample sheet among `KEYS`, None where empty.
    name : what the map is called in an error.
    sheet_name : what the sheet is called in an error.
    neurovault : what NeuroVault answered about the image.

    Returns
    -------
    facts : every one of `KEYS`: ``stat`` (``other`` where nothing says it), ``df``, ``space``, ``corrected`` (of p
        maps), ``contrast``, ``citation``, ``thresholded`` (True or None).
    origin : name of the origin of what the sheet leaves empty and another says.

    Raises
    ------
    UserError : the sheet and an origin, or two origins, contradict each other; `corrected` of what is no map of p.
    """
    evidence = Evidence(header, source, neurovault or {})
    statements = [(origin, origin.read(evidence)) for origin in ORIGINS]
    facts, origin = {}, {}
    for key in KEYS:
        options = [(where, values[key]) for where, values in statements if values.get(key)]
        of_sheet = sheet.get(key)
        for where, value in options if key not in FREE else ():
            if of_sheet is not None and not _values_agree(key, of_sheet, value):
                raise UserError(
                    f"{name}: column {key} of {sheet_name} is {_as_text(of_sheet)}, but {where.phrase.format(source)} "
                    f"says {_as_text(value)}; accepted: {_as_text(value)}, an empty cell, or a file that says otherwise"
                )
            if not _values_agree(key, options[0][1], value):
                raise UserError(
                    f"{name}: {options[0][0].phrase.format(source)} says {key} {_as_text(options[0][1])}, "
                    f"{where.phrase.format('it')} {_as_text(value)}; accepted: a file whose header and name say the "
                    "same"
                )
        facts[key] = of_sheet
        if of_sheet is None and options:
            where, value = next((option for option in options if option[1] != NATIVE), options[0])
            origin[key], facts[key] = where.name, _without_decimals(value)
    facts["stat"] = facts["stat"] or "other"
    if facts["corrected"] and facts["stat"] not in P_FORMS:
        if sheet.get("corrected"):
            raise UserError(
                f"{name}: column corrected of {sheet_name} is {facts['corrected']}, but stat is {facts['stat']}; "
                f"accepted: corrected p values as stat {', '.join(P_FORMS)}"
            )
        facts["corrected"] = None
        origin.pop("corrected")
    return facts, origin


def _values_agree(key, value, other):
    """Whether two values of a key agree."""
    if key == "space":
        return same_space(value, other) or NATIVE in (value, other)
    if key == "stat" and value in P_FORMS and other in P_FORMS:
        return True  # an intent code or NeuroVault says that it is p, the sheet in which form
    if key != "df":
        return value == other
    pairs = [number if isinstance(number, list | tuple) else [number] for number in (value, other)]
    return len(pairs[0]) == len(pairs[1]) and all(map(_df_agree, *pairs))


def _df_agree(number, other):
    """Whether two degrees of freedom are the same: to `NEAR`, or to the digits with which one is printed."""
    decimals = [n.decimals for n in (number, other) if isinstance(n, Printed) and n.decimals]
    printed = 0.5 * 10.0 ** -min(decimals) * (1 + NEAR) if decimals else 0.0
    return math.isclose(number, other, rel_tol=NEAR, abs_tol=printed)


def _without_decimals(value):
    """A value with its numbers as plain floats, for the sidecar."""
    if isinstance(value, list):
        return [float(number) for number in value]
    return float(value) if isinstance(value, Printed) else value


def _as_text(value):
    """A value in an error, numbers in their shortest form."""
    if isinstance(value, list | tuple):
        return ",".join(map(_as_text, value))
    return f"{value:.15g}" if isinstance(value, int | float) else value
