"""NIDM-Results: the packs that SPM, FSL and NeuroVault export (``.nidm.zip``, or its folder), versions 1.0 to 1.3.

The terms are those of the NIDM-Results ontology; which are used where was read off spm_results_nidm.m (SPM12) and packs
of nidmfsl.
"""

import math
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..io.files import UserError
from .analysis import MNI, NATIVE, Analysis, Packed, Printed, Row, image_beside, read_text, whole, widths

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

KIND = "a NIDM-Results pack (.nidm.zip, or its folder)"
MOST_TURTLE = 2**26  # bytes
_NIDM, _OBO = "http://purl.org/nidash/nidm#NIDM_", "http://purl.obolibrary.org/obo/"
_PROV, _LABEL = "http://www.w3.org/ns/prov#", "http://www.w3.org/2000/01/rdf-schema#label"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_NFO = "http://www.semanticdesktop.org/ontologies/2007/03/22/nfo#fileName"

# Terms of `_NIDM`, by what they are.
RESULTS, VERSION = "0000027", "0000127"
STATISTIC_MAP, STATISTIC_TYPE, CONTRAST_NAME = "0000076", "0000123", "0000085"
ERROR_DF, EFFECT_DF = "0000093", "0000091"
INFERENCES = ("0000049", "0000011")  # the second is of conjunctions, as spm#SPM_0000005
SEARCH_SPACE, SEARCH_VOXELS = "0000068", "0000121"
FWHM_VOXELS, FWHM_UNITS, ROUGHNESS = "0000159", "0000157", "0000145"
HEIGHT, EXTENT, EXTENT_VOXELS = "0000034", "0000026", "0000084"
EXCURSION, CLUSTERS, PEAK = "0000025", ("0000070",), "0000062"
CLUSTER_SIZE, CLUSTER_LABEL, P_FWER = "0000084", "0000082", "0000115"
EQUIVALENT_Z, COORDINATE, COORDINATE_VOXELS = "0000092", "0000086", "0000139"
PEAK_CRITERIA, PEAK_DISTANCE, PEAK_NUMBER = "0000063", "0000109", "0000108"
CLUSTER_CRITERIA, CONNECTIVITY = "0000007", "0000099"
HYPOTHESIS, TWO_TAILED = "0000097", "0000079"
SPACE, WORLD, AFFINE, VOXEL_SIZE = "0000104", "0000105", "0000132", "0000131"
P_UNCORRECTED = "0000160"
_STATISTICS = {f"{_OBO}STATO_0000176": "t", f"{_OBO}STATO_0000282": "F", f"{_OBO}STATO_0000376": "z"}
# Kinds of thresholds, and how a variant calls them.
_KINDS = {
    f"{_OBO}STATO_0000039": "value",
    f"{_NIDM}{P_UNCORRECTED}": "p",
    f"{_OBO}OBI_0001265": "fwe",
    f"{_OBO}OBI_0001442": "fdr",
}
# The type that version 1.0 wrote as text.
_TYPED = (("fwe", "FWE|FWER"), ("fdr", "FDR"), ("p", "uncorr"), ("value", "stati"))
_CONNECTED = {"0000130": 6, "0000128": 18, "0000129": 26}
# World coordinate systems (terms of `_NIDM`): names that the field has for them.
_WORLDS = {"0000077": NATIVE, "0000078": "Talairach", "0000050": "IXI549Space", "0000051": MNI, "0000009": "MNIColin27"}
_WORLDS |= dict.fromkeys(("0000040", "0000041", "0000042", "0000043", "0000044", "0000045", "0000046", "0000047"), MNI)
_WORLDS |= {"0000055": "MNI305"}
PACKAGES = {"SPM": "spm", "FSL": "fsl"}


def recognises(source: str) -> bool:
    """Whether it is a zip archive or a folder with a Turtle file that has terms of NIDM, or such a file."""
    path = Path(source)
    try:
        if path.is_dir():
            return not _is_folder_of_package(path) and any(
                _has_nidm_terms(turtle.read_bytes()[:MOST_TURTLE]) for turtle in _turtles(path)
            )
        if path.suffix == ".ttl":
            return _has_nidm_terms(path.read_bytes()[:MOST_TURTLE])
        return zipfile.is_zipfile(path) and (path.name.endswith(".nidm.zip") or bool(_members(path)))
    except OSError:
        return False


def _is_folder_of_package(folder):
    """A folder of SPM or FEAT that a pack was unpacked into is still that."""
    return (folder / "SPM.mat").is_file() or (folder / "design.fsf").is_file()


def _turtles(folder):
    return sorted(path for path in folder.glob("*.ttl") if path.is_file())


def _has_nidm_terms(content):
    return b"purl.org/nidash/nidm#" in content


def _members(path):
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if name.endswith(".ttl") and "__MACOSX" not in name]


def read(source: str) -> Analysis:
    """The statistic maps that inferences were made of, with their thresholds, clusters and peaks.

    The order of clusters and peaks is that of their labels; a table file of them exists nowhere, so its text is made.

    Raises
    ------
    UserError : there is no Turtle file that can be read, or it describes no statistic map.
    """
    pack = _Pack(Path(source))
    inferences = [node for term in INFERENCES for node in pack.of_type(term)]
    inferences += pack.of_type("http://purl.org/nidash/spm#SPM_0000005")
    rows = [row for node in sorted(inferences, key=pack.label) for row in _rows_of_inference(pack, node)]
    sources = {row.cells.get("source") for row in rows}
    names = {row.name for row in rows}
    nodes = [node for node in pack.of_type(STATISTIC_MAP) if pack.image(node) not in sources and pack.has_file(node)]
    nodes = [node for node in nodes if pack.text(node, CONTRAST_NAME) not in names]
    rows += [_row(pack, node, None) for node in sorted(nodes, key=pack.label)]
    if not rows:
        raise UserError(f"NIDM: {pack.where} describes no statistic map; {pack.version_hint()}")
    package = next((pack.software(node) for node in inferences if pack.software(node)), "NIDM-Results")
    native = any(row.cells.get("space") == NATIVE for row in rows)
    remarks = (
        "The pack says that its maps are in the space of the subject: there are neither names of regions nor a "
        "template.",
    )
    return Analysis(package, source, Path(source), tuple(rows), remarks if native else ())


class _Pack:
    """A graph, and where its files are."""

    def __init__(self, path: Path):
        self.path = path
        self.archive: zipfile.ZipFile | None = None
        if path.is_dir():
            turtles = _turtles(path)
            text, self.where = (read_text(turtles[0], "NIDM"), str(turtles[0])) if turtles else ("", str(path))
            self.folder = path
        elif path.suffix == ".ttl":
            text, self.where, self.folder = read_text(path, "NIDM"), str(path), path.parent
        else:
            text, self.where = self._unpacked(path)
        self.graph = self._parsed(text)

    def _unpacked(self, path):
        try:
            names = _members(path)
            if not names:
                raise UserError(f"NIDM: {path} has no Turtle file (.ttl) in it; accepted: {KIND}")
            # Version 1.1 has everything in one folder of the archive, 1.3 at its root.
            name = min(names, key=lambda name: (PurePosixPath(name).name != "nidm.ttl", name.count("/"), name))
            with zipfile.ZipFile(path) as archive:
                if archive.getinfo(name).file_size > MOST_TURTLE:
                    raise UserError(f"NIDM: {name} in {path} is larger than {MOST_TURTLE:,} bytes and is not read")
                content = archive.read(name)
                self.members = archive.namelist()
            self.folder = PurePosixPath(name).parent
            return content.decode("utf-8", "replace"), f"{name} in {path}"
        except UserError:
            raise
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
            raise UserError(f"NIDM: {path} is no zip archive that can be read ({error}); get the file again") from error
        except Exception as error:  # zlib.error and whatever else a damaged archive brings up
            raise UserError(f"NIDM: {path} is damaged ({error}); get the file again") from error

    def _parsed(self, text: str) -> "Graph":
        import logging

        from rdflib import Graph

        logging.getLogger("rdflib.term").setLevel(logging.ERROR)  # of every float written as inf
        if not text.strip():
            raise UserError(f"NIDM: {self.where} is empty, or holds no Turtle file; accepted: {KIND}")
        graph = Graph()
        try:
            graph.parse(data=text, format="turtle")
        except Exception as error:  # BadSyntax, and what a parser meets in a damaged file
            reason = " ".join(re.sub(r"(?s):\n.*", "", str(error)).split())[:200] or type(error).__name__
            raise UserError(
                f"NIDM: {self.where} is no Turtle that can be read ({reason}); get the file again"
            ) from error
        return graph

    def _term(self, name):
        from rdflib import URIRef

        return URIRef(name if name.startswith("http") else _NIDM + name)

    def of_type(self, term: str) -> list["Node"]:
        """All nodes of a type; by their address, so that the order is the same every time."""
        return sorted(set(self.graph.subjects(self._term(_TYPE), self._term(term))), key=str)

    def is_a(self, node, term: str) -> bool:
        return (node, self._term(_TYPE), self._term(term)) in self.graph

    def objects(self, node, term: str) -> list["Node"]:
        return sorted(self.graph.objects(node, self._term(term)), key=str)

    def subjects(self, term: str, node) -> list["Node"]:
        return sorted(self.graph.subjects(self._term(term), node), key=str)

    def text(self, node, term: str) -> str:
        return next((str(value) for value in self.objects(node, term)), "").strip()

    def label(self, node) -> str:
        return self.text(node, _LABEL)

    def number(self, node, term: str) -> float | None:
        return _number(self.text(node, term))

    def numbers(self, node, term: str) -> list[float]:
        """Numbers of a list that is written as text, ``[2.3, 2.4, 2.1]``."""
        return [float(part) for part in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", self.text(node, term))]

    def used(self, activity, term: str):
        return next((node for node in self.objects(activity, f"{_PROV}used") if self.is_a(node, term)), None)

    def generated(self, activity, term: str):
        return next((node for node in self.subjects(f"{_PROV}wasGeneratedBy", activity) if self.is_a(node, term)), None)

    def software(self, activity) -> str:
        labels = [self.label(agent) for agent in self.objects(activity, f"{_PROV}wasAssociatedWith")]
        return next((name for name in PACKAGES if any(name in label for label in labels)), next(iter(labels), ""))

    def has_file(self, node) -> bool:
        """Whether a map is said to be a file of the pack: an original that it derives from has a name only."""
        return bool(self.text(node, f"{_PROV}atLocation"))

    def image(self, node) -> Path | Packed | None:
        """The file of a map, where it is there."""
        places = [self.text(node, f"{_PROV}atLocation"), *(str(name) for name in self.objects(node, _NFO))]
        names = [unquote(re.split(r"[/\\]", name)[-1]) for name in places if name]
        if self.path.is_dir() or self.path.suffix == ".ttl":
            return next(filter(None, (image_beside(Path(self.folder), name) for name in names)), None)
        for name in names:
            member = str(PurePosixPath(self.folder) / name)
            if member in self.members:
                return Packed(self.path, member)
        return None

    def expected(self, node) -> str:
        return unquote(re.split(r"[/\\]", self.text(node, f"{_PROV}atLocation") or self.text(node, _NFO))[-1])

    def version_hint(self) -> str:
        versions = [self.text(node, VERSION) for node in self.of_type(RESULTS)]
        return f"it says version {versions[0] or 'none'}; accepted: 1.0 to 1.3" if versions else f"accepted: {KIND}"


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None


def _rows_of_inference(pack: _Pack, inference) -> list[Row]:
    maps = [node for node in pack.objects(inference, f"{_PROV}used") if pack.is_a(node, STATISTIC_MAP)]
    if len(maps) > 1:
        names = " and ".join(pack.text(node, CONTRAST_NAME) or pack.label(node) for node in maps)
        gap = "a conjunction of several maps, which is no map of its own"
        return [Row(names, gap=gap, origin=f"the inference '{pack.label(inference)}'")]
    return [_row(pack, node, inference) for node in maps]


def _row(pack: _Pack, node, inference) -> Row:
    """The row of a statistic map; `inference` is the activity that used it, or None."""
    name = pack.text(node, CONTRAST_NAME) or pack.label(node) or "statistic map"
    image = pack.image(node)
    stat = _STATISTICS.get(pack.text(node, STATISTIC_TYPE))
    cells: dict[str, Any] = {"source": image} if image else {}
    origins, gap = [f"source: {pack.expected(node)} of the pack"], ""
    error_df, effect_df = pack.number(node, ERROR_DF), pack.number(node, EFFECT_DF)
    if stat == "z":
        cells["stat"] = "z"
    elif stat == "t" and error_df and 0 < error_df < math.inf:
        cells |= {"stat": "t", "df": whole(error_df)}
    elif stat == "F" and effect_df and error_df and 0 < effect_df < math.inf and 0 < error_df < math.inf:
        cells |= {"stat": "F", "df": [whole(effect_df), whole(error_df)]}
    else:
        gap = f"its statistic is none that is known here, or its degrees of freedom are missing ({stat or 'no type'})"
    origins.append("stat, df: the pack")
    if not image:
        gap = gap or f"{pack.expected(node) or 'its file'} is not in the pack"
    package = pack.software(inference) if inference is not None else ""
    if inference is not None:
        origins += _search_cells(pack, inference, package, cells)
    if space := _space(pack, node):
        cells["space"] = space
        origins.append("space: the pack")
    keys, stated = _inference(pack, inference, package, cells) if inference is not None else (None, "")
    tables = _tables(pack, inference, cells.get("stat")) if inference is not None else ()
    return Row(name, cells, "; ".join(origins), gap, keys, stated, tables)


def _search_cells(pack, inference, package, cells):
    """Fill in mask and smoothness from the search space of an inference; where they are from."""
    space = pack.generated(inference, SEARCH_SPACE) or next(iter(pack.of_type(SEARCH_SPACE)), None)
    if space is None:
        return ["no search space is described: the voxels in which the map is not 0 are its mask"]
    origins = []
    mask = pack.image(space)
    if mask:
        cells["mask"] = mask
        origins.append(f"mask: {pack.expected(space)} of the pack")
    else:
        origins.append(f"mask: {pack.expected(space) or 'its file'} is not in the pack")
    fwhm = widths(pack.numbers(space, FWHM_UNITS))
    sides = pack.numbers(next(iter(pack.objects(space, SPACE)), None), VOXEL_SIZE)
    voxels = pack.numbers(space, FWHM_VOXELS)
    if len(sides) == len(voxels) == 3 and package != "FSL":  # what SPM computes with; FSL has its roughness
        fwhm = widths(width * side for width, side in zip(voxels, sides, strict=True)) or fwhm
    dlh = pack.number(space, ROUGHNESS) if package == "FSL" else None
    if dlh and 0 < dlh < math.inf:
        cells["dlh"] = dlh
        origins.append("dlh: noise roughness")
    elif fwhm:
        cells["fwhm_mm"] = fwhm
        origins.append("fwhm_mm: noise FWHM")
    else:
        origins.append("no smoothness is described")
    number = pack.number(space, SEARCH_VOXELS)
    if number and number >= 1 and number == int(number) and ("dlh" in cells or "fwhm_mm" in cells):
        cells["search_voxels"] = int(number)
        origins.append("search_voxels: the search space")
    return origins


def _space(pack, node):
    space = next(iter(pack.objects(node, SPACE)), None)
    world = pack.text(space, WORLD) if space is not None else ""
    return _WORLDS.get(world.removeprefix(_NIDM))


def _kind_and_value(pack, node):
    """A threshold as (kind, number): value, p, fwe or fdr; (None, None) where neither is said."""
    kind = next((name for term, name in _KINDS.items() if pack.is_a(node, term)), None)
    value = pack.number(node, f"{_PROV}value")
    if kind:
        return kind, value
    typed = pack.text(node, "0000125")  # of version 1.0, beside a value and p values of their own terms
    kind = next((name for name, words in _TYPED if re.search(words, typed, re.IGNORECASE)), "value" if typed else None)
    term_of_value = {"fwe": P_FWER, "p": "0000116", "fdr": "0000119"}.get(kind or "")
    return kind, (pack.number(node, term_of_value) if term_of_value else value)


def _rounded(number):
    """SPM writes 0.000999999999999989 for a p of 0.001."""
    return float(f"{number:.6g}")


def _inference(pack, inference, package, cells):
    """The inference as keys of a variant, and where it is stated; (None, why) where it cannot be put so."""
    height = pack.used(inference, HEIGHT)
    extent = pack.used(inference, EXTENT)
    if height is None:
        return None, "no height threshold is described"
    kind, value = _kind_and_value(pack, height)
    label = pack.label(height)
    if kind is None or value is None or not (0 < value < 1 if kind != "value" else 0 < value < math.inf):
        return None, f"its height threshold is none that is known here ({label})"
    if kind == "fwe" and not ("dlh" in cells or "fwhm_mm" in cells):
        return None, f"{label}, but no smoothness is described"
    two = pack.text(inference, HYPOTHESIS) == _NIDM + TWO_TAILED
    keys = {"threshold": value if kind == "value" else {kind: _rounded(value)}}
    keys["sided"] = "two" if two and cells.get("stat") != "F" else "positive"
    if package in PACKAGES:
        keys["convention"] = PACKAGES[package]
    criteria = pack.used(inference, CLUSTER_CRITERIA)
    connected = pack.text(criteria, CONNECTIVITY).removeprefix(_NIDM) if criteria is not None else ""
    if connected in _CONNECTED and package not in PACKAGES:
        keys["connectivity"] = _CONNECTED[connected]
    stated = [label]
    extent_keys, words = _extent(pack, extent, cells) if extent is not None else ({}, "")
    if extent_keys is None:
        return None, words
    keys |= {"min_region_size": 0} | extent_keys
    stated += [words] if words else []
    peaks = pack.used(inference, PEAK_CRITERIA)
    if peaks is not None:
        distance, number = pack.number(peaks, PEAK_DISTANCE), pack.number(peaks, PEAK_NUMBER)
        if distance is not None and 0 <= distance < math.inf:
            keys["min_peak_distance"] = whole(distance) if distance else 0
        if number and number >= 1 and number == int(number):
            keys["max_peaks"] = int(number)
    return keys, "; ".join(stated) + ("; two-tailed" if two else "")


def _extent(pack, node, cells):
    """Keys of a variant for an extent threshold, and its label; (None, why) where there is no key for it."""
    label = pack.label(node)
    kind, value = _kind_and_value(pack, node)
    voxels = pack.number(node, EXTENT_VOXELS)
    if kind in (None, "value"):
        if voxels and voxels > 0:
            return {"min_region_size": f"{math.ceil(voxels)} voxels", "size_rule": ">="}, label
        return {}, label
    if value is None or not 0 < value < 1:
        return {}, label
    if kind == "p":
        return None, f"{label}: no key of a variant is an uncorrected p value of a cluster's size"
    if not ("dlh" in cells or "fwhm_mm" in cells):
        return None, f"{label}, but no smoothness is described"
    return {"cluster_p" if kind == "fwe" else "cluster_q": _rounded(value)}, label


def _tables(pack, inference, stat) -> tuple[Printed, ...]:
    """Clusters and peaks of the excursion set of an inference, as a table in our own form."""
    excursion = pack.generated(inference, EXCURSION)
    if excursion is None:
        return ()
    derived = f"{_PROV}wasDerivedFrom"
    clusters = [node for node in pack.subjects(derived, excursion) if pack.number(node, CLUSTER_SIZE)]
    lines = []
    for n, cluster in enumerate(sorted(clusters, key=lambda node: _order_of_cluster(pack, node)), start=1):
        peaks = [node for node in pack.subjects(derived, cluster) if pack.is_a(node, PEAK)]
        rows = [row for node in peaks if (row := _peak(pack, node, stat))]
        for rank, (_, xyz, text) in enumerate(sorted(rows, key=lambda row: (-row[0], row[1]))):
            size, p = (pack.text(cluster, CLUSTER_SIZE), pack.text(cluster, P_FWER)) if rank == 0 else ("", "")
            lines.append("\t".join([*map(str, xyz), text, size, p, str(n)]))
    if not lines:
        return ()
    header = "\t".join(("x", "y", "z", "value", "n_voxels", "p_cluster", "cluster"))
    return (Printed("\n".join([header, *lines]) + "\n", "the clusters and peaks of the pack"),)


def _order_of_cluster(pack, node):
    number = pack.number(node, CLUSTER_LABEL)
    return math.inf if number is None else number, pack.label(node), str(node)


def _peak(pack, node, stat):
    """Height, coordinate and printed value of a peak; None without a coordinate.

    The value is that of the map: the equivalent z of a z map, else ``prov:value``, which SPM writes.
    """
    place = next(iter(pack.objects(node, f"{_PROV}atLocation")), None)
    if place is None:
        return None
    xyz = pack.numbers(place, COORDINATE)
    if len(xyz) != 3:
        return None
    text = pack.text(node, EQUIVALENT_Z) if stat == "z" else pack.text(node, f"{_PROV}value")
    number = _number(text)
    if number is None or not math.isfinite(number):
        text = ""
    height = _number(text) or _number(pack.text(node, EQUIVALENT_Z)) or 0.0
    return height, xyz, text
