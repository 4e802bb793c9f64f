"""Where images come from: an embedded sample, a local file, an https address, or NeuroVault.

Every kind ends in the same place: one ``.nii.gz`` whose source bytes have the sha256 that the config gives, or a
one-line error and no file. Only a download imports anything beyond the standard library.
"""

import errno
import gzip
import json
import logging
import math
import os
import re
import shutil
import sys
import time
import zlib
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from .files import UserError, sha256_of, writing
from .samples import sample_path

log = logging.getLogger("statmap")

ACCEPTED = "sample:NAME, a path, an https:// address, or neurovault:ID"

NEUROVAULT_API = "https://neurovault.org/api"
# For tests against a server on this machine: hosts that may be asked without encryption, another address of the API.
ALLOW_HTTP_VARIABLE, NEUROVAULT_VARIABLE = "STATMAP_TEST_ALLOW_HTTP", "STATMAP_TEST_NEUROVAULT_API"
# What is kept of NeuroVault's description: what the image shows, not counters that change from day to day.
NEUROVAULT_KEYS = (
    "id",
    "name",
    "description",
    "collection",
    "collection_id",
    "image_type",
    "map_type",
    "modality",
    "analysis_level",
    "number_of_subjects",
    "statistic_parameters",
    "smoothness_fwhm",
    "contrast_definition",
    "cognitive_paradigm_cogatlas",
    "cognitive_paradigm_cogatlas_id",
    "cognitive_contrast_cogatlas",
    "cognitive_contrast_cogatlas_id",
    "target_template_image",
    "is_thresholded",
    "not_mni",
    "is_valid",
    "DOI",
)

TIMEOUT = 30  # seconds without a byte, while connecting or reading
LONGEST = 3600  # seconds of one download, looked at every 4 kB
MOST_DESCRIBED = 2**20  # bytes of NeuroVault's description of an image
MOST_TEXT = 300  # characters of another's words in an error
RETRIES = 3  # pooch waits 1, 2, 3 s before them
NO_SPACE = errno.ENOSPC, errno.EDQUOT, errno.EFBIG


def fetch(
    source,
    destination,
    *,
    name,
    sha256,
    base,
    allow_http=None,
    neurovault_api=None,
    require_sha256=True,
    most_bytes=math.inf,
    kept=None,
):
    """Put the image that `source` names at `destination`, checked against its sha256.

    Parameters
    ----------
    source : str, ``sample:NAME`` (a key of `samples.SAMPLES`), a path, ``https://...``, or ``neurovault:ID``.
    destination : path ending in ``.nii.gz``. Gzipped bytes are copied as they are; a plain ``.nii`` is gzipped.
    name : str, what the image is called in errors (``map 'motor'``).
    sha256 : str or None, 64 hexadecimal digits of the source's bytes. A path needs none.
    require_sha256 : bool, whether an address does.
    base : path of the folder that a relative path starts from.
    allow_http : sequence of str, hosts that may be asked over plain http (``http://127.0.0.1``); None for those of the
        environment variable `ALLOW_HTTP_VARIABLE`.
    neurovault_api : str, address of NeuroVault's API; None for that of `NEUROVAULT_VARIABLE`, or the real one.
    most_bytes : how large a download may be.
    kept : path where a download stays until it is judged, by the caller too; what is there already is used if it has
        the `sha256`. None for a temporary file.

    Returns
    -------
    dict : ``source`` as given, ``sha256`` of its bytes, ``url`` where one was asked, and NeuroVault's description of
        the image as ``neurovault``.

    Raises
    ------
    UserError : the source is unknown, missing, unreachable, too large, not a NIfTI image, or has another sha256.
        Nothing is left on disk but `kept`.
    """
    if allow_http is None:
        allow_http = os.environ.get(ALLOW_HTTP_VARIABLE, "").split()
    neurovault_api = neurovault_api or os.environ.get(NEUROVAULT_VARIABLE, NEUROVAULT_API)
    expected = (sha256 or "").strip().lower()
    if expected and not re.fullmatch("[0-9a-f]{64}", expected):
        raise UserError(f"{name}: sha256 is {sha256!r}; 64 hexadecimal digits are needed")
    kind, _, rest = source.partition(":")
    try:
        if is_remote(source):
            asked = name, expected, allow_http, neurovault_api, require_sha256
            return _fetch_remote(source, destination, *asked, most_bytes, kept)
        path = sample_path(rest, name) if kind == "sample" else _local(source, base, name)
        return {"source": source, "sha256": _keep(path, destination, name, source, expected, required=False)}
    except OSError as error:
        raise UserError(f"{name}: {source} cannot be copied ({error}); check the path and the disk") from error


def is_remote(source: str) -> bool:
    """Whether a source is an address or an image of NeuroVault."""
    kind, _, rest = source.partition(":")
    return kind == "neurovault" or rest.startswith("//")


def local_path(source: str, what: str) -> str | None:
    """The path that a source names on this machine; None for an address or an image of NeuroVault.

    An unknown sample is a UserError that begins with `what`.
    """
    kind, _, rest = source.partition(":")
    if kind == "sample":
        return str(sample_path(rest, what))
    return None if is_remote(source) else source


def _local(source, base, name):
    """Path of a file on this machine."""
    path = Path(base) / source
    if not os.path.exists(path):
        raise UserError(f"{name}: there is no file {source!r}; a source is {ACCEPTED}")
    if not path.is_file():
        raise UserError(f"{name}: {source!r} is not a file; give the path of one NIfTI image")
    return path


def _fetch_remote(source, destination, name, expected, allow_http, neurovault_api, require_sha256, most_bytes, kept):
    """Download into a folder of its own, which goes whatever happens, then keep the image."""
    import tempfile

    provenance = {"source": source}
    with tempfile.TemporaryDirectory(prefix="statmap-") as folder:
        url = source
        if source.startswith("neurovault:"):
            url, provenance["neurovault"] = _ask_neurovault(source, folder, name, allow_http, neurovault_api)
        if kept and expected and kept.is_file() and sha256_of(kept) == expected:
            log.info("%s: %s has the sha256 that is asked for and is used", name, kept)
            body = kept
        else:
            body = _download(url, folder, "image", name, allow_http, most_bytes)
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                body = Path(shutil.move(body, kept))
        # The address that was asked, not where it led: redirects end in addresses that are signed and expire.
        provenance["url"] = url
        provenance["sha256"] = _keep(body, destination, name, source, expected, required=require_sha256)
    return provenance


def _ask_neurovault(source, folder, name, allow_http, api):
    """Address of a NeuroVault image's file, and what NeuroVault says about the image."""
    image_id = source.removeprefix("neurovault:")
    if not re.fullmatch("[0-9]+", image_id):
        raise UserError(f"{name}: {source} has no image id; write neurovault: and a whole number, as neurovault:32980")
    url = f"{api.rstrip('/')}/images/{image_id}/"
    try:
        body = _download(url, folder, "description", name, allow_http, MOST_DESCRIBED).read_bytes()
        # NaN is no JSON, but Python reads it and the sidecar would refuse it.
        answer = json.loads(body, parse_constant=lambda literal: None)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name}: {url} did not answer with JSON; open it in a browser and check the id") from error
    file = answer.get("file") if isinstance(answer, dict) else None
    if not isinstance(file, str) or not file:
        raise UserError(f"{name}: {url} names no file; open it in a browser and check that the id is that of an image")
    if not _may_ask(file, allow_http):
        file = re.sub("^http:", "https:", file)
    told = {key: answer[key] for key in NEUROVAULT_KEYS if isinstance(answer.get(key), str | int | float)}
    for key, value in told.items():
        if isinstance(value, str):  # half a surrogate pair is no text that can be written
            told[key] = value.encode("utf-8", "replace").decode("utf-8")
    return file, {key: value for key, value in told.items() if not isinstance(value, float) or math.isfinite(value)}


def _may_ask(url, allow_http):
    """Whether an address is https, or plain http at a host that was allowed by name."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "https":
            return bool(parts.hostname)
        allowed = [urlsplit(prefix) for prefix in allow_http]
        return any(
            (parts.scheme, parts.hostname) == ("http", one.hostname) and one.port in (None, parts.port)
            for one in allowed
        )
    except ValueError:  # a port or an IPv6 address that is none
        return False


def _download(url, folder, filename, name, allow_http, most_bytes):
    """Download one file with pooch; a redirect is judged before it is followed.

    Returns
    -------
    Path : the file in `folder`, bytes as the server stores them.

    Raises
    ------
    UserError : the address is refused, the file did not come in ``1 + RETRIES`` attempts or within `LONGEST` seconds,
        is larger than `most_bytes`, or the disk is full.
    """
    if not _may_ask(url, allow_http):
        raise UserError(f"{name}: {url} is refused; a source is {ACCEPTED}")
    import pooch
    import requests

    # What asking again does not mend; pooch would ask again.
    lasting = requests.exceptions.SSLError, requests.exceptions.InvalidURL

    def check(response, **settings):
        target = urljoin(response.url, response.headers.get("Location", ""))
        if response.is_redirect and not _may_ask(target, allow_http):
            response.close()
            raise UserError(
                f"{name}: {url} redirects to {target}, and only https:// is followed; give the file's own address"
            )
        # A server may call a stored .gz file "Content-Encoding: gzip"; unpacking it would change its sha256.
        response.raw.headers.pop("Content-Encoding", None)
        response.iter_content = partial(limited, response.iter_content)
        return response

    began = time.monotonic()

    def limited(chunks, *arguments, **settings):
        size = 0
        for chunk in chunks(*arguments, **settings):
            size += len(chunk)
            if size > most_bytes:
                raise UserError(
                    f"{name}: {url} is larger than {most_bytes:,} bytes, and is not read on; give another one"
                )
            if time.monotonic() - began > LONGEST:
                raise UserError(
                    f"{name}: {url} did not come in {LONGEST:,} s; download the file yourself and give its path"
                )
            yield chunk

    def attempt(url, output_file, pup):
        try:
            pooch.HTTPDownloader(
                progressbar=sys.stderr.isatty(),
                chunk_size=2**12,
                timeout=TIMEOUT,
                headers={"Accept-Encoding": "identity"},
                hooks={"response": check},
            )(url, output_file, pup)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) in NO_SPACE:
                raise UserError(f"{name}: {url} cannot be stored ({error.strerror}); make room") from error
            reason = _reason(error)
            log.warning("%s: %s: %s", name, url, reason)
            answer = getattr(error, "response", None)
            refused = answer is not None and answer.status_code < 500 and answer.status_code not in (408, 429)
            if refused or isinstance(error, lasting):
                raise UserError(f"{name}: {url} cannot be had ({reason}); check the address in the config") from error
            raise

    pooch.get_logger().setLevel(logging.WARNING)
    # pooch gets no hash: it would download a file with the wrong one four times over before it says so.
    pup = pooch.create(folder, base_url="", registry={filename: None}, urls={filename: url}, retry_if_failed=RETRIES)
    try:
        return Path(pup.fetch(filename, downloader=attempt))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{name}: {url} did not come in {1 + RETRIES} attempts ({_reason(error)}); "
            "check the network and try again, or download the file yourself and give its path"
        ) from error


def _reason(error):
    """Why a download failed, in one line: the server's answer, or the root of the chain of exceptions."""
    answer = getattr(error, "response", None)
    if answer is not None and answer.status_code >= 400:
        return f"the server answered {answer.status_code} {' '.join(str(answer.reason).split())[:MOST_TEXT]}"
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return " ".join(f"{type(error).__name__}: {error}".split())[:MOST_TEXT]


def _keep(path, destination, name, source, expected, required):
    """Copy an image whose format and sha256 are right to `destination`; return the sha256 of its bytes."""
    zipped = _is_gzipped_nifti(path, name, source)
    found = sha256_of(path)
    if required and not expected:
        raise UserError(
            f"{name}: no sha256 is given for {source}; check that it is the file you want, "
            f"then put its sha256 into the config: {found}"
        )
    if expected and found != expected:
        raise UserError(
            f"{name}: {source} has sha256 {found}, but the config says {expected}; "
            "the file has changed or is not the one you want: get the right file, or put the new sha256 into the config"
        )
    with writing(destination) as temporary, open(path, "rb") as content, open(temporary, "wb") as raw:
        if zipped:
            shutil.copyfileobj(content, raw)
        else:
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=1, mtime=0) as stream:
                shutil.copyfileobj(content, stream)
    return found


def _is_gzipped_nifti(path, name, source):
    """Whether a file is gzipped; it is refused unless a single-file NIfTI-1 or NIfTI-2 header is inside."""
    with open(path, "rb") as stream:
        head = stream.read(352)
    if not head:
        raise UserError(f"{name}: {source} is empty; get the file again")
    zipped = head.startswith(b"\x1f\x8b")
    if zipped:
        try:
            with gzip.open(path) as stream:
                head = stream.read(352)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{name}: {source} is damaged ({error}); get the file again") from error
    if head[344:347] != b"n+1" and head[4:7] != b"n+2":
        page = head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))
        what = "a web page" if page else "no NIfTI image"
        raise UserError(f"{name}: {source} is {what}; a single-file image is needed (.nii or .nii.gz)")
    return zipped


NEUROVAULT_COLLECTION = "neurovault-collection:"
MOST_LISTED = 2**24  # bytes of a page of NeuroVault's list of images


def neurovault_api() -> str:
    """Address of NeuroVault's interface, or of the server that stands for it in tests."""
    return os.environ.get(NEUROVAULT_VARIABLE, NEUROVAULT_API)


def answer_of(url: str, folder: str, name: str) -> bytes:
    """What an address answers, within the size and the time that hold for descriptions and downloads.

    Parameters
    ----------
    url : ``https://...``, or an address on a host that tests may ask without encryption.
    folder : for the answer while it comes.
    name : what asks, in errors.

    Raises
    ------
    UserError : it is refused, does not come, or is too large.
    """
    allow_http = os.environ.get(ALLOW_HTTP_VARIABLE, "").split()
    answer = _download(url, folder, "answer", name, allow_http, MOST_LISTED)
    content = answer.read_bytes()
    answer.unlink()  # or the next one would be taken for it
    return content
