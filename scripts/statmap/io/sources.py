"""Sources of images: an embedded sample, a local file, an https address, or NeuroVault.

Of every kind the result is the same: one ``.nii.gz`` whose source bytes have the sha256 that the config gives, or a
one-line error and no file. Only a download, or an image that is no single NIfTI file, needs more than the standard
library.
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
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from .files import UserError, sha256_of, writing
from .formats import Files, existing, files_of, opened_for_reading, recognise, split_volume

log = logging.getLogger("statmap")

ACCEPTED = "sample:NAME, a path, an https:// address, or neurovault:ID"

NEUROVAULT_API = "https://neurovault.org/api"
# For tests against a server on this machine: hosts that may be asked without encryption, another address of the API.
ALLOW_HTTP_VARIABLE, NEUROVAULT_VARIABLE = "STATMAP_TEST_ALLOW_HTTP", "STATMAP_TEST_NEUROVAULT_API"
# Keys kept of NeuroVault's description: what the image shows, no counters that change from day to day.
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


def keep(files: Files, destination: Path) -> None:
    """Copy a single NIfTI file to ``.nii.gz``: with gzip where it is not yet, else byte for byte."""
    with open(files.voxels, "rb") as content, writing(destination) as temporary, open(temporary, "wb") as raw:
        zipped = content.read(2) == b"\x1f\x8b"
        content.seek(0)
        if zipped:
            shutil.copyfileobj(content, raw)
            return
        with (
            opened_for_reading(files.voxels) as uncompressed,
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=1, mtime=0) as stream,
        ):
            shutil.copyfileobj(uncompressed, stream)


def fetch(
    source: str,
    destination: Path,
    *,
    name: str,
    sha256: str | None,
    base: str | Path,
    require_sha256: bool = True,
    most_bytes: float = math.inf,
    download: Path | None = None,
    store: Callable[[Files, Path], None] = keep,
) -> dict:
    """Put the image that `source` names at `destination`, checked against its sha256.

    Parameters
    ----------
    source : ``sample:NAME`` (a key of `samples.SAMPLES`), a path, ``https://...``, or ``neurovault:ID``; a volume of
        it, as in ``stats.nii.gz[3]``, is the business of `store`.
    destination : path ending in ``.nii.gz``.
    name : what the image is called in errors (``map 'motor'``).
    sha256 : 64 hexadecimal digits of the bytes of the file that is named, or None. A path needs none.
    base : path of the folder that a relative path starts from.
    require_sha256 : whether an address needs one.
    most_bytes : how large a download may be.
    download : path where a download stays until the caller has judged it too; a file that is there already is used if
        it has the `sha256`. None for a temporary file.
    store : function that writes the files of an image to `destination`.

    Returns
    -------
    dict : ``source`` as given, ``sha256`` of its bytes, ``url`` where one was asked, NeuroVault's description of the
        image as ``neurovault``, and the sha256 of every file of a pair as ``files``.

    Raises
    ------
    UserError : the source is unknown, missing, unreachable, too large, no image, or has another sha256. Nothing is left
        on disk but `download`.
    """
    expected = (sha256 or "").strip().lower()
    if expected and not re.fullmatch("[0-9a-f]{64}", expected):
        raise UserError(f"{name}: sha256 is {sha256!r}; 64 hexadecimal digits are needed")
    accept = partial(_accept, store=store, destination=destination, name=name, source=source, expected=expected)
    bare = split_volume(source)[0]
    kind, _, rest = bare.partition(":")
    try:
        if is_remote(source):
            return _fetch_remote(bare, name, expected, most_bytes, download, partial(accept, required=require_sha256))
        if kind == "sample":
            from .samples import sample_path  # late: it reads YAML, and jobs after fetch_map need none

            return {"source": source} | accept(sample_path(rest, name))
        return {"source": source} | accept(existing(Path(base) / bare, name, source, f"a source is {ACCEPTED}"))
    except OSError as error:
        raise UserError(f"{name}: {source} cannot be copied ({error}); check the path and the disk") from error


def is_remote(source: str) -> bool:
    """Whether a source is an address or an image of NeuroVault."""
    kind, _, rest = source.partition(":")
    return kind == "neurovault" or rest.startswith("//")


def local_path(source: str, what: str) -> str | None:
    """The path that a source names on this machine, without its volume; None for an address or an image of NeuroVault.

    An unknown sample is a UserError that begins with `what`.
    """
    source = split_volume(source)[0]
    kind, _, rest = source.partition(":")
    if kind == "sample":
        from .samples import sample_path

        return str(sample_path(rest, what))
    return None if is_remote(source) else source


def check_address(source: str, name: str) -> None:
    """Refuse a remote source that no download would be tried of: not https, or without an id of NeuroVault."""
    source = split_volume(source)[0]
    if source.startswith("neurovault:"):
        _image_id(source, name)
    elif not _may_ask(source, _allowed_hosts()):
        raise _refusal(source, name)


def check_sha256(actual: str, expected: str, name: str, source: str) -> None:
    """Refuse a file that has another sha256 than the config says, if it says one; 64 hexadecimal digits, small."""
    if expected and actual != expected:
        raise UserError(
            f"{name}: {source} has sha256 {actual}, but the config says {expected}; "
            "the file has changed or is not the one you want: get the right file, or put the new sha256 into the config"
        )


def _allowed_hosts():
    """Hosts that may be asked without encryption, in tests."""
    return os.environ.get(ALLOW_HTTP_VARIABLE, "").split()


def _refusal(url, name):
    return UserError(f"{name}: {url} is refused; a source is {ACCEPTED}")


def _fetch_remote(source, name, expected, most_bytes, download, accept):
    """Download into a temporary folder, then store the image."""
    import tempfile

    allow_http = _allowed_hosts()
    provenance = {"source": source}
    with tempfile.TemporaryDirectory(prefix="statmap-") as folder:
        url = source
        if source.startswith("neurovault:"):
            url, provenance["neurovault"] = _ask_neurovault(source, folder, name, allow_http)
        if download and expected and download.is_file() and sha256_of(download) == expected:
            log.info("%s: %s has the sha256 that is asked for and is used", name, download)
            body = download
        else:
            body = _download(url, folder, "image", name, allow_http, most_bytes)
            if download:
                download.parent.mkdir(parents=True, exist_ok=True)
                body = Path(shutil.move(body, download))
        # The address that was asked, not where it led: redirects end in addresses that are signed and expire.
        return provenance | {"url": url} | accept(body, downloaded=True)


def _image_id(source, name):
    image_id = source.removeprefix("neurovault:")
    if not re.fullmatch("[0-9]+", image_id):
        raise UserError(f"{name}: {source} has no image id; write neurovault: and a whole number, as neurovault:32980")
    return image_id


def _ask_neurovault(source, folder, name, allow_http):
    """Address of a NeuroVault image's file, and what NeuroVault says about the image."""
    url = f"{neurovault_api().rstrip('/')}/images/{_image_id(source, name)}/"
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
    description = {key: answer[key] for key in NEUROVAULT_KEYS if isinstance(answer.get(key), str | int | float)}
    for key, value in description.items():
        if isinstance(value, str):  # half a surrogate pair is no text that can be written
            description[key] = value.encode("utf-8", "replace").decode("utf-8")
    return file, {
        key: value for key, value in description.items() if not isinstance(value, float) or math.isfinite(value)
    }


def _may_ask(url, allow_http):
    """Whether an address is https, or plain http at a host that was allowed by name."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "https":
            return bool(parts.hostname)
        allowed = [urlsplit(prefix) for prefix in allow_http]
        return any(
            (parts.scheme, parts.hostname) == ("http", host.hostname) and host.port in (None, parts.port)
            for host in allowed
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
        raise _refusal(url, name)
    import pooch
    import requests

    # Errors that a second attempt does not fix; pooch would try again.
    final_errors = requests.exceptions.SSLError, requests.exceptions.InvalidURL

    def check(response, **settings):
        target = urljoin(response.url, response.headers.get("Location", ""))
        if response.is_redirect and not _may_ask(target, allow_http):
            response.close()
            raise UserError(
                f"{name}: {url} redirects to {_without_query(target)}, and only https:// is followed; give the file's "
                "own address"
            )
        # A server may call a stored .gz file "Content-Encoding: gzip"; unpacking it would change its sha256.
        response.raw.headers.pop("Content-Encoding", None)
        response.iter_content = partial(limited, response.iter_content)
        return response

    start = time.monotonic()

    def limited(chunks, *arguments, **settings):
        size = 0
        for chunk in chunks(*arguments, **settings):
            size += len(chunk)
            if size > most_bytes:
                raise UserError(
                    f"{name}: {url} is larger than {most_bytes:,} bytes, and is not read on; give another one"
                )
            if time.monotonic() - start > LONGEST:
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
            if refused or isinstance(error, final_errors):
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
    return _without_query(" ".join(f"{type(error).__name__}: {error}".split()))[:MOST_TEXT]


def _without_query(text):
    """Text without what follows a ? in an address: where a redirect leads is signed, and not for everyone to read."""
    return re.sub(r"(/[^\s?]*\?)[^\s'\")]+", r"\1…", text)


def _accept(path, *, store, destination, name, source, expected, required=False, downloaded=False):
    """Store an image whose format and sha256 are right; the sha256 of its bytes, and of both files of a pair."""
    files = recognise(path, name, source, downloaded=downloaded)
    actual = sha256_of(path)
    if required and not expected:
        raise UserError(
            f"{name}: no sha256 is given for {source}; check that it is the file you want, "
            f"then put its sha256 into the config: {actual}"
        )
    check_sha256(actual, expected, name, source)
    store(files, destination)
    pair = {} if files.header == files.voxels else {file.name: sha256_of(file) for file in files_of(path)}
    return {"sha256": actual} | ({"files": pair} if pair else {})


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
    answer = _download(url, folder, "answer", name, _allowed_hosts(), MOST_LISTED)
    content = answer.read_bytes()
    answer.unlink()  # pooch would take it for the next answer
    return content
