"""A NeuroVault collection: its images, through the interface that single images use."""

import json
import re
import tempfile
import time
from urllib.parse import urlsplit

from ..io.files import UserError
from ..io.sources import LONGEST, NEUROVAULT_COLLECTION, answer_of, neurovault_api
from .analysis import MNI, Analysis, Row, whole

KIND = "neurovault-collection:ID"
MOST_IMAGES = 10_000
# NeuroVault's words for the kind of a map, as the sheet has them.
_MAP_TYPES = {"t map": "t", "z map": "z", "f map": "F", '1-p map ("inverted" probability)': "1-p"}
_MAP_TYPES |= {"p map (given null hypothesis)": "p", "p map": "p", "1-p map": "1-p"}
_NO_MAPS = ("atlas", "nidm_results", "nidm results", "other")


def recognises(source: str) -> bool:
    """Whether it names a collection."""
    return source.startswith(NEUROVAULT_COLLECTION)


def read(source: str) -> Analysis:
    """The images of a collection.

    Its pages are followed, each within the size and all within the time that single images have.

    Raises
    ------
    UserError : the id is none, the server cannot be reached, answers something else, or goes round in circles.
    """
    number = source.removeprefix(NEUROVAULT_COLLECTION)
    if not re.fullmatch("[0-9]{1,12}", number):
        raise UserError(f"{source} has no collection id; write {NEUROVAULT_COLLECTION} and a whole number")
    api = neurovault_api().rstrip("/")
    with tempfile.TemporaryDirectory(prefix="statmap-") as folder:
        described = _json_object(answer_of(f"{api}/collections/{number}/", folder, source), source)
        images = list(_images(f"{api}/collections/{number}/images/", folder, source))
    citation = _citation(described, number)
    rows = tuple(_row(image, citation) for image in images)
    if not rows:
        raise UserError(f"{source} has no image")
    return Analysis("NeuroVault", source, None, rows)


def _json_object(body, source):
    try:
        # NaN is no JSON, but Python reads it.
        answer = json.loads(body, parse_constant=lambda literal: None)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source}: NeuroVault did not answer with JSON; open the collection in a browser") from error
    if not isinstance(answer, dict):
        raise UserError(f"{source}: NeuroVault did not answer with an object; open the collection in a browser")
    return answer


def _images(url, folder, source):
    """The images of all pages: each says where the next is."""
    begun, seen, host, number = time.monotonic(), set(), _host(url), 0
    while url:
        if url in seen or len(seen) >= MOST_IMAGES:
            raise UserError(f"{source}: the pages of the collection go round in circles at {url}")
        if time.monotonic() - begun > LONGEST:
            raise UserError(f"{source}: its pages did not come in {LONGEST:,} s; try again later")
        seen.add(url)
        page = _json_object(answer_of(url, folder, source), source)
        results = page.get("results")
        if not isinstance(results, list):
            raise UserError(f"{source}: {url} lists no images; open the collection in a browser")
        for image in results:
            number += 1
            if number > MOST_IMAGES:
                raise UserError(f"{source} has more than {MOST_IMAGES:,} images; take them in parts, into a sheet")
            if isinstance(image, dict):
                yield image
        following = page.get("next")
        following = following if isinstance(following, str) and following else ""
        # NeuroVault has named its next page with http, at its own host.
        if _host(following) == host and url.startswith("https:"):
            following = re.sub("^http:", "https:", following)
        if following and _host(following) != host:
            raise UserError(f"{source}: its next page is at another host, {following}, and is not followed")
        url = following


def _host(url):
    try:
        return urlsplit(url).hostname
    except ValueError:  # a bracket that does not close
        return None


def _text(image, key):
    value = image.get(key)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _citation(described, number):
    doi = _text(described, "DOI")
    authors, name = _text(described, "authors"), _text(described, "name")
    parts = [authors, name, f"doi:{doi}" if doi else "", f"NeuroVault collection {number}"]
    return ". ".join(part for part in parts if part)


def _row(image, citation):
    number, name = image.get("id"), _text(image, "name")
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        return Row(name or "image", {}, "", "NeuroVault gives no id for it")
    cells = {"source": f"neurovault:{number}", "citation": citation}
    kind, origins, gap = _text(image, "map_type"), [f"source: image {number}"], ""
    stat = _MAP_TYPES.get(kind.lower())
    if _text(image, "image_type").lower() in _NO_MAPS or (kind and not stat):
        gap = f"NeuroVault calls it {kind or _text(image, 'image_type')}, which is no test statistic"
    elif stat:
        cells["stat"] = stat
        origins.append("stat: map_type")
    else:
        gap = "NeuroVault does not say what its values are"
    df = _degrees(image.get("statistic_parameters"))
    if stat == "t" and df:
        cells["df"] = df
        origins.append("df: statistic_parameters")
    elif stat == "t" and isinstance(subjects := image.get("number_of_subjects"), int) and not gap:
        origins.append(f"df: not said ({subjects} subjects)")
    if image.get("not_mni") is True:
        cells["space"] = "native"
        origins.append("space: NeuroVault says that it is not MNI's")
    elif template := _text(image, "target_template_image"):
        cells["space"] = MNI if template == "GenericMNI" else template
        origins.append("space: target_template_image")
    if image.get("is_thresholded") is True:
        origins.append("NeuroVault says that it was thresholded already: no false discovery rate can be had of it")
    return Row(name or f"image {number}", cells, "; ".join(origins), gap)


def _degrees(value):
    """Degrees of freedom as a number; None for what is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return whole(number) if 0 < number < 1e15 else None
