"""Fetching: every kind of source, and every way it can fail, against real HTTP servers on loopback."""

import errno
import gzip
import hashlib
import importlib.util
import json
import logging
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fetch_atlas
import fetch_map
from statmap.io import sources
from statmap.io.fetching import fetch_image
from statmap.io.files import UserError, sha256_of
from statmap.io.samples import SAMPLES

NAME = "map 'm'"
SCRIPTS = Path(fetch_map.__file__).parent


def nifti(data=None, affine=None, image=nib.Nifti1Image):
    """Bytes of an uncompressed NIfTI image."""
    data = np.arange(60, dtype=np.float32).reshape(3, 4, 5) if data is None else data
    return image(data, np.diag([2.0, 2.0, 2.0, 1.0]) if affine is None else affine).to_bytes()


PLAIN = nifti()
GZ = gzip.compress(PLAIN, mtime=0)
LARGER = gzip.compress(nifti(np.random.default_rng(0).integers(0, 9, (50, 60, 90)).astype(np.int16)), mtime=0)
HTML = b"<!DOCTYPE html><html><body>Please sign in</body></html>"


def fetch(source, destination, allow_http=(), neurovault_api=None, **settings):
    """`sources.fetch`, with hosts that may be asked without encryption, and another address of NeuroVault."""
    with pytest.MonkeyPatch.context() as patch:
        if allow_http:
            patch.setenv(sources.ALLOW_HTTP_VARIABLE, " ".join(allow_http))
        if neurovault_api:
            patch.setenv(sources.NEUROVAULT_VARIABLE, neurovault_api)
        return sources.fetch(source, destination, **settings)


def sha(content):
    return hashlib.sha256(content).hexdigest()


# ---------------------------------------------------------------------------------------------------------- the server
class Handler(BaseHTTPRequestHandler):
    """Answers by `server.routes`: path -> function of the handler and of how often that path was asked before."""

    def do_GET(self):
        earlier = self.server.asked.count(self.path)
        self.server.asked.append(self.path)
        self.server.routes[self.path](self, earlier)

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):  # a client that hangs up is what some tests are about
        pass


@contextmanager
def serving(context=None):
    server = Server(("127.0.0.1", 0), Handler)
    server.routes, server.asked, server.release = {}, [], threading.Event()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate of the test's https server")
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=loopback"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def https(certificate, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "certificate.pem", certificate / "key.pem")
    with serving(context) as running:
        yield running


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Seconds that pooch wants to wait between attempts; it does not wait here."""
    import pooch.core

    seconds = []
    monkeypatch.setattr(pooch.core, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


# ------------------------------------------------------------------------------------------------------------- helpers
@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Folders for sources (`base`), results (`out`) and temporary files (`temporary`)."""
    made = SimpleNamespace(**{key: tmp_path / key for key in ("base", "out", "temporary")})
    for folder in vars(made).values():
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made.temporary))
    return made


@pytest.fixture
def get(folders):
    """Fetch to out/m.nii.gz; only that file may be there afterwards."""

    def run(source, sha256=None, **settings):
        destination = folders.out / "m.nii.gz"
        provenance = fetch(source, destination, name=NAME, sha256=sha256, base=folders.base, **settings)
        assert list(folders.out.iterdir()) == [destination]
        assert not list(folders.temporary.iterdir())
        return provenance, destination.read_bytes()

    return run


@pytest.fixture
def refused(folders):
    """Fetch in vain: one line that names the map, and no file anywhere. Gives the line."""

    def run(source, sha256=None, **settings):
        with pytest.raises(UserError) as caught:
            fetch(source, folders.out / "m.nii.gz", name=NAME, sha256=sha256, base=folders.base, **settings)
        message = str(caught.value)
        assert message.startswith(f"{NAME}: ")
        assert "\n" not in message
        assert str(folders.temporary) not in message
        assert not list(folders.out.iterdir())
        assert not list(folders.temporary.iterdir())
        return message

    return run


# ------------------------------------------------------------------------------------------------------------- samples
def test_sample_is_the_file_of_the_wheel(get, motor_path):
    provenance, content = get("sample:motor")
    assert content == motor_path.read_bytes()
    expected = "badcac9bed4734f22b5c6dca1b778ade6c4d10a25ab30b807ff42f7c53304dbe"
    assert provenance == {"source": "sample:motor", "sha256": expected}
    assert sha(content) == expected


def test_every_sample_has_its_sha256(get):
    for key, (_, _, expected, *_) in SAMPLES.items():
        assert sha(get(f"sample:{key}")[1]) == expected


def test_sample_and_path_import_only_the_standard_library(tmp_path):
    (tmp_path / "m.nii").write_bytes(PLAIN)
    program = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
from statmap.io.sources import fetch
for source in ("sample:motor", "m.nii"):
    fetch(source, {str(tmp_path / "o.nii.gz")!r}, name="m", sha256=None, base={str(tmp_path)!r})
print(*sorted(
    name for name, module in sys.modules.items()
    if "site-packages" in (getattr(module, "__file__", None) or "") and "." not in name
))
"""
    run = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert not {"nilearn", "pooch", "requests", "numpy", "nibabel", "tqdm", "urllib3"} & set(run.stdout.split())


def test_unknown_sample_names_those_that_are_there(refused):
    assert "there is no sample 'language'; the samples are motor, mni152" in refused("sample:language")


def test_sample_against_another_sha256(refused):
    message = refused("sample:motor", "0" * 64)
    assert "0" * 64 in message
    assert SAMPLES["motor"].sha256 in message


def test_sample_without_nilearn(refused, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "in the nilearn wheel, which is not installed; run `make install`" in refused("sample:motor")


@pytest.mark.parametrize("content", [None, GZ])
def test_sample_of_another_nilearn(refused, monkeypatch, tmp_path, content):
    data = tmp_path / "nilearn" / "datasets" / "data"
    data.mkdir(parents=True)
    if content:
        (data / Path(SAMPLES["motor"].file).name).write_bytes(content)
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path / "nilearn")])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    message = refused("sample:motor")
    assert (sha(content) if content else "no such file") in message
    assert "requirements.lock" in message


# --------------------------------------------------------------------------------------------------------------- paths
def test_gzipped_file_is_copied_to_the_byte(get, folders):
    (folders.base / "deep").mkdir()
    (folders.base / "deep" / "a.nii.gz").write_bytes(GZ)
    for given_sha in (None, "", sha(GZ), sha(GZ).upper()):
        provenance, content = get("deep/a.nii.gz", given_sha)
        assert content == GZ
        assert provenance == {"source": "deep/a.nii.gz", "sha256": sha(GZ)}


def test_absolute_path_is_recorded_as_written(get, folders):
    path = folders.base / "a.nii.gz"
    path.write_bytes(GZ)
    assert get(str(path))[0]["source"] == str(path)


def test_plain_file_is_gzipped_to_the_same_bytes_every_time(get, folders):
    (folders.base / "a.nii").write_bytes(PLAIN)
    provenance, first = get("a.nii", sha(PLAIN))
    assert provenance["sha256"] == sha(PLAIN)
    assert gzip.decompress(first) == PLAIN
    assert first[3:8] == b"\0" * 5, "no file name and no time in the gzip header"
    os.utime(folders.base / "a.nii", (1, 1))
    assert get("a.nii")[1] == first


def test_format_is_judged_by_content_not_by_name(get, folders):
    (folders.base / "a.nii").write_bytes(GZ)
    assert get("a.nii")[1] == GZ
    (folders.base / "b.img").write_bytes(PLAIN)
    assert gzip.decompress(get("b.img")[1]) == PLAIN


@pytest.mark.parametrize(
    "content",
    [
        nifti(image=nib.Nifti2Image),
        nib.Nifti1Image(np.ones((2, 2, 2), ">f4"), np.eye(4), nib.Nifti1Header(endianness=">")).to_bytes(),
    ],
    ids=["nifti-2", "big-endian"],
)
def test_other_nifti_headers(get, folders, content):
    (folders.base / "a.nii").write_bytes(content)
    assert gzip.decompress(get("a.nii")[1]) == content


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_result_has_the_mode_that_the_umask_gives(get, folders, server, umask):
    (folders.base / "a.nii.gz").write_bytes(GZ)
    (folders.base / "a.nii.gz").chmod(0o600)
    server.routes["/a"] = lambda request, earlier: request.answer(200, GZ)
    before = os.umask(umask)
    try:
        for source in ("a.nii.gz", f"{server.url}/a"):
            get(source, sha(GZ), allow_http=[server.url])
            assert (folders.out / "m.nii.gz").stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (HTML, "is a web page; accepted: NIfTI or Analyze (.nii, .nii.gz,"),
        (b"\n\n <html>", "is a web page"),
        (b"x,y,z\n1,2,3\n", "is no image; accepted: NIfTI"),
        (gzip.compress(b"x,y,z\n1,2,3\n", mtime=0), "is no image; accepted: NIfTI"),
        (gzip.compress(b"", mtime=0), "is no image; accepted: NIfTI"),
        (PLAIN[:200], "is no image; accepted: NIfTI"),
        (PLAIN.replace(b"n+1\0", b"ni1\0"), "is one file of a pair, and there is no file with its voxels beside it"),
        (GZ[:100], "is damaged"),
        (b"\x1f\x8b" + b"garbage" * 9, "is damaged"),
        (b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 50, "is damaged"),
    ],
)
def test_files_that_are_no_image(refused, folders, content, expected):
    (folders.base / "a.nii.gz").write_bytes(content)
    message = refused("a.nii.gz")
    assert expected in message
    assert "a.nii.gz" in message


def test_missing_file_says_what_a_source_may_be(refused):
    assert "there is no file 'data/motor.nii.gz'; a source is sample:NAME, a path, " in refused("data/motor.nii.gz")


@pytest.mark.parametrize("source", ["", ".", "folder"])
def test_folder_is_not_a_file(refused, folders, source):
    (folders.base / "folder").mkdir()
    assert "is not a file; give the path" in refused(source)


def test_pipe_is_not_waited_for(refused, folders):
    os.mkfifo(folders.base / "pipe")
    assert "is not a file" in refused("pipe")


def test_name_that_no_file_can_have(refused):
    assert "map 'm': there is no file 'aaa" in refused("a" * 5000)


def test_wrong_sha256_says_both(refused, folders):
    (folders.base / "a.nii.gz").write_bytes(GZ)
    message = refused("a.nii.gz", "1" * 64)
    assert f"has sha256 {sha(GZ)}, but the config says {'1' * 64}" in message


@pytest.mark.parametrize("wrong", ["abc", "0" * 63, "0" * 65, "g" * 64, "sha256:" + "0" * 64, "0" * 64 + "\n0"])
@pytest.mark.parametrize("source", ["sample:motor", "a.nii.gz", "https://127.0.0.1:9/a", "neurovault:1"])
def test_malformed_sha256_is_refused_first(refused, source, wrong):
    assert "64 hexadecimal digits are needed" in refused(source, wrong)


@settings(deadline=None, max_examples=60)
@given(content=st.binary(max_size=400), zipped=st.booleans())
def test_any_bytes_are_kept_or_refused_in_one_line(tmp_path_factory, content, zipped):
    base = tmp_path_factory.mktemp("any")
    (base / "a").write_bytes(gzip.compress(content) if zipped else content)
    try:
        fetch("a", base / "o" / "m.nii.gz", name=NAME, sha256=None, base=base)
    except UserError as error:
        assert "\n" not in str(error)
        assert not (base / "o").exists()
    else:
        assert gzip.decompress((base / "o" / "m.nii.gz").read_bytes()) == content


# ----------------------------------------------------------------------------------------------------------- addresses
@pytest.mark.parametrize(
    "source",
    [
        "http://127.0.0.1:9/a.nii.gz",
        "ftp://127.0.0.1/a.nii.gz",
        "s3://bucket/a.nii.gz",
        "file:///etc/passwd",
        "https:///a.nii.gz",
        "https://[::1/a.nii.gz",
        "://a",
    ],
)
def test_only_https_is_asked(refused, source):
    assert f"{source} is refused; a source is sample:NAME, a path, an https:// address" in refused(source, "0" * 64)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://anywhere.example/x", True),
        ("HTTPS://anywhere.example/x", True),
        ("http://127.0.0.1:80/x", True),
        ("http://127.0.0.1/x", True),
        ("http://localhost:8000/x", True),
        ("http://localhost:8001/x", False),
        ("http://127.0.0.1.evil.example/x", False),
        ("http://127.0.0.1@evil.example/x", False),
        ("http://127.0.0.1:80@evil.example/x", False),
        ("ftp://127.0.0.1/x", False),
        ("file://127.0.0.1/x", False),
        ("http://localhost:no/x", False),
        ("//127.0.0.1/x", False),
    ],
)
def test_http_is_allowed_by_host_not_by_spelling(url, may):
    assert sources._may_ask(url, ("http://127.0.0.1", "http://localhost:8000/")) is may


def test_download(get, server):
    server.routes["/a.nii.gz"] = lambda request, earlier: request.answer(200, GZ)
    url = f"{server.url}/a.nii.gz"
    provenance, content = get(url, sha(GZ), allow_http=("http://127.0.0.1",))
    assert content == GZ
    assert provenance == {"source": url, "url": url, "sha256": sha(GZ)}
    assert len(server.asked) == 1


def test_download_of_a_plain_image(get, server):
    server.routes["/a"] = lambda request, earlier: request.answer(200, PLAIN)
    assert gzip.decompress(get(f"{server.url}/a", sha(PLAIN), allow_http=[server.url])[1]) == PLAIN


def test_download_over_https(get, https):
    https.routes["/a"] = lambda request, earlier: request.answer(200, GZ)
    assert get(f"{https.url}/a", sha(GZ))[1] == GZ


def test_certificate_that_nobody_vouches_for(refused, https, monkeypatch, waits):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert "SSLCertVerificationError" in refused(f"{https.url}/a", sha(GZ))
    assert not waits


def test_stored_gzip_that_is_called_an_encoding_is_not_unpacked(get, server):
    server.routes["/a.nii.gz"] = lambda request, earlier: request.answer(200, GZ, Content_Encoding="gzip")
    assert get(f"{server.url}/a.nii.gz", sha(GZ), allow_http=[server.url])[1] == GZ


def test_unknown_sha256_is_printed_and_then_works(get, refused, server):
    server.routes["/a"] = lambda request, earlier: request.answer(200, GZ)
    message = refused(f"{server.url}/a", allow_http=[server.url])
    assert "no sha256 is given" in message
    printed = re.search("into the config: ([0-9a-f]{64})$", message)[1]
    assert get(f"{server.url}/a", printed, allow_http=[server.url])[1] == GZ


def test_download_with_another_sha256_is_not_repeated(refused, server, waits):
    server.routes["/a"] = lambda request, earlier: request.answer(200, GZ)
    message = refused(f"{server.url}/a", "2" * 64, allow_http=[server.url])
    assert sha(GZ) in message
    assert "2" * 64 in message
    assert len(server.asked) == 1
    assert not waits


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_lasting_answers_are_not_asked_twice(refused, server, waits, status):
    server.routes["/a"] = lambda request, earlier: request.answer(status, HTML)
    message = refused(f"{server.url}/a", sha(GZ), allow_http=[server.url])
    assert f"(the server answered {status} " in message
    assert "check the address" in message
    assert len(server.asked) == 1
    assert not waits


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_passing_answers_are_asked_again(get, server, waits, status):
    def answer(request, earlier):
        request.answer(*[(status, HTML), (status, HTML), (200, GZ)][earlier])

    server.routes["/a"] = answer
    assert get(f"{server.url}/a", sha(GZ), allow_http=[server.url])[1] == GZ
    assert waits == [1, 2]


def test_server_that_always_fails(refused, server, waits):
    server.routes["/a"] = lambda request, earlier: request.answer(500, GZ)
    message = refused(f"{server.url}/a", sha(GZ), allow_http=[server.url])
    assert "did not come in 4 attempts (the server answered 500 Internal Server Error)" in message
    assert "download the file yourself and give its path" in message
    assert len(server.asked) == 4
    assert waits == [1, 2, 3]


def test_body_cut_short(refused, server):
    server.routes["/a"] = lambda request, earlier: request.answer(200, GZ[:-20], length=len(GZ))
    message = refused(f"{server.url}/a", sha(GZ[:-20]), allow_http=[server.url])
    assert f"IncompleteRead({len(GZ) - 20} bytes read, 20 more expected)" in message
    assert len(server.asked) == 4


def test_chunked_body_cut_short(refused, server):
    def answer(request, earlier):
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(b"%x\r\n" % len(GZ) + GZ + b"\r\n")
        request.close_connection = True

    server.routes["/a"] = answer
    assert "did not come in 4 attempts" in refused(f"{server.url}/a", sha(GZ), allow_http=[server.url])


def test_body_cut_short_once(get, server):
    def answer(request, earlier):
        request.answer(200, GZ if earlier else GZ[:50], length=len(GZ))

    server.routes["/a"] = answer
    assert get(f"{server.url}/a", sha(GZ), allow_http=[server.url])[1] == GZ


@pytest.mark.parametrize("begin", [False, True], ids=["no answer", "half an answer"])
def test_server_that_falls_silent(refused, server, monkeypatch, begin):
    def answer(request, earlier):
        if begin:
            request.answer(200, GZ[:50], length=len(GZ))
            request.wfile.flush()
        server.release.wait(10)

    monkeypatch.setattr(sources, "TIMEOUT", 0.1)
    server.routes["/a"] = answer
    start = time.monotonic()
    assert "timed out" in refused(f"{server.url}/a", sha(GZ), allow_http=[server.url])
    assert time.monotonic() - start < 9  # of the 10 that the server waits, each of four times
    assert len(server.asked) == 4


def test_an_endless_body_is_not_read_on(refused, server, waits):
    def endless(request, earlier):
        request.send_response(200)
        request.end_headers()
        while not server.release.is_set():
            request.wfile.write(GZ.ljust(2**16, b"x"))

    server.routes["/a"] = endless
    message = refused(f"{server.url}/a", sha(GZ), allow_http=[server.url], most_bytes=10**6)
    assert "is larger than 1,000,000 bytes, and is not read on" in message and len(server.asked) == 1 and not waits


def test_a_body_of_just_the_size_that_is_accepted(get, server):
    server.routes["/a"] = lambda request, earlier: request.answer(200, GZ)
    assert get(f"{server.url}/a", sha(GZ), allow_http=[server.url], most_bytes=len(GZ))[1] == GZ


def test_a_drip_ends(refused, server, monkeypatch, waits):
    def drip(request, earlier):
        request.send_response(200)
        request.end_headers()
        while not server.release.wait(0.02):
            request.wfile.write(b"x" * 2**16)

    monkeypatch.setattr(sources, "LONGEST", 0.2)
    server.routes["/a"] = drip
    message = refused(f"{server.url}/a", sha(GZ), allow_http=[server.url])
    assert "did not come in 0.2 s; download the file yourself" in message and len(server.asked) == 1 and not waits


def test_a_full_disk_is_not_the_fault_of_the_network(refused, server, monkeypatch, waits):
    import pooch

    def full(self, url, output_file, pup, check_only=False):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    message = refused(f"{server.url}/a".replace("127.0.0.1", "localhost"), sha(GZ), allow_http=["http://localhost"])
    assert "cannot be stored (No space left on device); make room" in message and not waits


def test_a_download_is_kept_until_it_is_judged(server, folders):
    """Named in the error, used when the sha256 is put right, and gone when all is well."""
    server.routes["/a"] = lambda request, earlier: request.answer(200, LARGER)
    url, kept = f"{server.url}/a", folders.out / "deep" / "m.nii.gz.download"
    settings = {"name": NAME, "base": "", "max_voxels": 10**6, "destination": folders.out / "deep" / "m.nii.gz"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(sources.ALLOW_HTTP_VARIABLE, server.url)
        with pytest.raises(UserError, match=rf"into the config: {sha(LARGER)} .the download is kept as {kept}.$"):
            fetch_image(url, sha256=None, **settings)
        assert kept.read_bytes() == LARGER and not settings["destination"].exists()
        assert fetch_image(url, sha256=sha(LARGER), **settings).shape == (50, 60, 90)
        assert len(server.asked) == 1 and list(kept.parent.iterdir()) == [settings["destination"]]
        kept.write_bytes(b"another")
        assert fetch_image(url, sha256=sha(LARGER), **settings).shape == (50, 60, 90)
        assert len(server.asked) == 2 and not kept.exists()


def test_what_unfolds_to_more_than_an_image_has(folders):
    """A hundred bytes of gzip a megabyte of zeros, behind a good image."""
    (folders.base / "bomb.nii.gz").write_bytes(gzip.compress(PLAIN + bytes(3 * 2**20)))
    settings = {"name": NAME, "base": folders.base, "sha256": None, "destination": folders.out / "m.nii.gz"}
    with pytest.raises(UserError, match=r"bomb.nii.gz is damaged .more than 1,048,576 bytes follow its last voxel"):
        fetch_image("bomb.nii.gz", max_voxels=10**6, **settings)
    (folders.base / "bomb.nii.gz").write_bytes(gzip.compress(PLAIN + bytes(1000)))
    assert fetch_image("bomb.nii.gz", max_voxels=60, **settings).shape == (3, 4, 5)


def test_an_atlas_of_more_bytes_than_a_map_may_have(folders):
    """A probabilistic one has a volume for every label; the limit is of the download, and of what its header says."""
    volumes = nib.Nifti1Image(np.zeros((30, 40, 50, 100), np.uint8), np.eye(4))
    nib.save(volumes, folders.base / "atlas.nii.gz")
    settings = {"name": NAME, "base": folders.base, "sha256": None, "destination": folders.out / "a.nii.gz"}
    read = lambda path: (None, None)  # noqa: E731
    shape = fetch_image("atlas.nii.gz", max_voxels=60_000, most_volumes=1000, read=read, **settings).shape
    assert shape == (30, 40, 50, 100)
    nib.save(nib.Nifti1Image(np.zeros((1, 1, 1, 1001), np.uint8), np.eye(4)), folders.base / "atlas.nii.gz")
    with pytest.raises(UserError, match=r"atlas.nii.gz has 1001 volumes; at most 1000 are accepted"):
        fetch_image("atlas.nii.gz", max_voxels=60_000, most_volumes=1000, read=read, **settings)


def test_nobody_listens(refused):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{unused.getsockname()[1]}/a"
        assert "Connection refused" in refused(url, sha(GZ))


def test_web_page_instead_of_an_image(refused, server):
    server.routes["/a"] = lambda request, earlier: request.answer(200, HTML)
    for given_sha in (None, sha(HTML), sha(GZ)):
        assert "is a web page" in refused(f"{server.url}/a", given_sha, allow_http=[server.url])


def test_redirect_is_followed_and_the_first_address_recorded(get, server):
    server.routes["/a"] = lambda request, earlier: request.answer(302, Location="b?signed=1")
    server.routes["/b?signed=1"] = lambda request, earlier: request.answer(301, Location=f"{server.url}/c")
    server.routes["/c"] = lambda request, earlier: request.answer(200, GZ)
    provenance, content = get(f"{server.url}/a", sha(GZ), allow_http=[server.url])
    assert content == GZ
    assert provenance["url"] == f"{server.url}/a"


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/a", "file:///etc/passwd", "http://localhost:{port}/b"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_scheme_or_host_is_not_followed(refused, server, waits, target, status):
    target = target.format(port=server.server_port)
    server.routes["/a"] = lambda request, earlier: request.answer(status, Location=target)
    message = refused(f"{server.url}/a", sha(GZ), allow_http=["http://127.0.0.1"])
    assert f"redirects to {target}, and only https:// is followed" in message
    assert server.asked == ["/a"]
    assert not waits


def test_redirect_from_https_to_http_is_not_followed(refused, https, server):
    https.routes["/a"] = lambda request, earlier: request.answer(302, Location="/b")
    https.routes["/b"] = lambda request, earlier: request.answer(302, Location=f"{server.url}/c")
    assert f"redirects to {server.url}/c, and only https:// is followed" in refused(f"{https.url}/a", sha(GZ))
    assert https.asked == ["/a", "/b"]
    assert not server.asked


def test_what_a_redirect_is_signed_with_is_not_told(refused, server, waits):
    """Neither where it is refused nor where it fails: logs are read by others."""
    target = f"http://localhost:{server.server_port}/b?sig=secret&a=1"
    server.routes["/a"] = lambda request, earlier: request.answer(302, Location=target)
    message = refused(f"{server.url}/a", sha(GZ), allow_http=["http://127.0.0.1"])
    assert "/b?…, and only https:// is followed" in message and "secret" not in message
    error = ValueError("Max retries exceeded with url: /c/d.nii?sig=secret&a=1 (Caused by 'https://x.org/?k=secret')")
    assert sources._reason(error) == (
        "ValueError: Max retries exceeded with url: /c/d.nii?… (Caused by 'https://x.org/?…')"
    )


def test_redirect_in_a_circle(refused, server):
    server.routes["/a"] = lambda request, earlier: request.answer(302, Location="/a")
    assert "Exceeded 30 redirects" in refused(f"{server.url}/a", sha(GZ), allow_http=[server.url])


def test_failed_attempts_are_logged(get, server, caplog):
    server.routes["/a"] = lambda request, earlier: request.answer(200 if earlier else 503, GZ)
    with caplog.at_level(logging.WARNING, "statmap"):
        get(f"{server.url}/a", sha(GZ), allow_http=[server.url])
    assert caplog.messages == [f"{NAME}: {server.url}/a: the server answered 503 Service Unavailable"]


def test_destination_that_cannot_be_written(folders):
    (folders.base / "a.nii.gz").write_bytes(GZ)
    (folders.out / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be copied"):
        fetch("a.nii.gz", folders.out / "file" / "m.nii.gz", name=NAME, sha256=None, base=folders.base)


# ---------------------------------------------------------------------------------------------------------- NeuroVault
@pytest.fixture
def neurovault(server):
    """The part of NeuroVault's API that is used, with one image, 32980."""
    server.description = {
        "url": f"{server.url}/images/32980/",
        "id": 32980,
        "file": f"{server.url}/media/images/a.nii.gz",
        "name": "auditory",
        "map_type": "T map",
        "collection_id": 1952,
        "number_of_subjects": 16,
        "smoothness_fwhm": 7.5,
        "analysis_level": "group",
        "is_thresholded": False,
        "not_mni": False,
        "cognitive_paradigm_cogatlas": None,
        "perc_bad_voxels": 29.8,
        "tags": ["a"],
        "modify_date": "2016-01-21T22:32:01Z",
    }
    server.routes["/api/images/32980/"] = lambda request, earlier: request.answer(
        200, json.dumps(server.description).encode()
    )
    server.routes["/media/images/a.nii.gz"] = lambda request, earlier: request.answer(200, GZ)
    server.settings = {"allow_http": (server.url,), "neurovault_api": f"{server.url}/api"}
    return server


def test_neurovault(get, neurovault):
    provenance, content = get("neurovault:32980", sha(GZ), **neurovault.settings)
    assert content == GZ
    assert provenance == {
        "source": "neurovault:32980",
        "url": f"{neurovault.url}/media/images/a.nii.gz",
        "sha256": sha(GZ),
        "neurovault": {
            "id": 32980,
            "name": "auditory",
            "collection_id": 1952,
            "map_type": "T map",
            "analysis_level": "group",
            "number_of_subjects": 16,
            "smoothness_fwhm": 7.5,
            "is_thresholded": False,
            "not_mni": False,
        },
    }
    assert neurovault.asked == ["/api/images/32980/", "/media/images/a.nii.gz"]


def test_neurovault_is_asked_over_https_by_default():
    assert sources.NEUROVAULT_API == "https://neurovault.org/api"


def test_neurovault_without_sha256_prints_it(refused, neurovault):
    assert refused("neurovault:32980", **neurovault.settings).endswith(f"into the config: {sha(GZ)}")


@pytest.mark.parametrize("image_id", ["", "abc", "1.5", "-1", "12/../3", "//32980", "３２"])
def test_neurovault_id_is_a_whole_number(refused, neurovault, image_id):
    assert "and a whole number, as neurovault:32980" in refused(f"neurovault:{image_id}", **neurovault.settings)
    assert not neurovault.asked


def test_neurovault_does_not_know_the_image(refused, neurovault):
    neurovault.routes["/api/images/7/"] = lambda request, earlier: request.answer(404, b'{"detail": "Not found."}')
    message = refused("neurovault:7", sha(GZ), **neurovault.settings)
    assert f"{neurovault.url}/api/images/7/ cannot be had (the server answered 404 Not Found)" in message


@pytest.mark.parametrize("answer", [HTML, b"", b"\xff\xfe", b'{"file": '])
def test_neurovault_answer_that_is_no_json(refused, neurovault, answer):
    neurovault.routes["/api/images/32980/"] = lambda request, earlier: request.answer(200, answer)
    assert "did not answer with JSON" in refused("neurovault:32980", sha(GZ), **neurovault.settings)


def test_neurovault_description_of_any_depth_and_size(get, refused, neurovault):
    asked = "/api/images/32980/"
    neurovault.routes[asked] = lambda request, earlier: request.answer(200, b"[" * 200_000)
    assert "did not answer with JSON" in refused("neurovault:32980", sha(GZ), **neurovault.settings)
    neurovault.routes[asked] = lambda request, earlier: request.answer(200, b'"' + b"x" * 2**21 + b'"')
    assert "is larger than 1,048,576 bytes" in refused("neurovault:32980", sha(GZ), **neurovault.settings)
    odd = json.dumps(neurovault.description | {"name": "@", "smoothness_fwhm": 7.25})
    odd = odd.replace('"@"', r'"half \ud800"').replace("7.25", "1e999").encode()
    neurovault.routes[asked] = lambda request, earlier: request.answer(200, odd)
    told = get("neurovault:32980", sha(GZ), **neurovault.settings)[0]["neurovault"]
    assert told["name"] == "half ?" and "smoothness_fwhm" not in told


def test_another_s_words_are_cut_short(refused, server):
    server.routes["/a"] = lambda request, earlier: (request.send_response(404, "no " * 9000), request.end_headers())
    assert len(refused(f"{server.url}/a", sha(GZ), allow_http=[server.url])) < 600


@pytest.mark.parametrize("answer", [[], None, 3, "x", {}, {"file": None}, {"file": ""}, {"file": 3}, {"file": ["x"]}])
def test_neurovault_answer_without_a_file(refused, neurovault, answer):
    neurovault.description = answer
    assert "names no file" in refused("neurovault:32980", sha(GZ), **neurovault.settings)


@pytest.mark.parametrize("file", ["ftp://127.0.0.1/a.nii.gz", "file:///etc/passwd", "/media/a.nii.gz"])
def test_neurovault_file_with_another_scheme(refused, neurovault, file):
    neurovault.description = {"file": file}
    assert f"{file} is refused" in refused("neurovault:32980", sha(GZ), **neurovault.settings)


def test_neurovault_file_over_http_is_asked_over_https(refused, neurovault):
    neurovault.description = {"file": f"http://localhost:{neurovault.server_port}/a.nii.gz"}
    message = refused("neurovault:32980", sha(GZ), **neurovault.settings)
    assert f"https://localhost:{neurovault.server_port}/a.nii.gz cannot be had (SSLError" in message
    assert neurovault.asked == ["/api/images/32980/"]


def test_neurovault_description_fits_a_sidecar(get, neurovault):
    body = b'{"file": "%s/media/images/a.nii.gz", "name": {"x": 1}, "smoothness_fwhm": NaN}' % neurovault.url.encode()
    neurovault.routes["/api/images/32980/"] = lambda request, earlier: request.answer(200, body)
    assert get("neurovault:32980", sha(GZ), **neurovault.settings)[0]["neurovault"] == {}


# --------------------------------------------------------------------------------------------------- the rule's script
@pytest.fixture
def run_rule(folders, monkeypatch):
    monkeypatch.chdir(folders.base)

    def run(source, sha256=None, max_voxels=1000, require_sha256=True, where_to_pin=None, **columns):
        image, mask_image, sidecar = (folders.out / name for name in ("m.nii.gz", "m_mask.nii.gz", "m.json"))
        outputs = str(image), str(mask_image), str(sidecar)
        row = {"source": source, "sha256": sha256} | columns
        fetch_map.main(row, "m", max_voxels, *outputs, require_sha256=require_sha256, where_to_pin=where_to_pin)
        return image, json.loads(sidecar.read_text())

    return run


def test_a_refused_mask_leaves_nothing_behind(run_rule, folders):
    (folders.base / "a.nii").write_bytes(nifti(np.ones((2, 3, 4), np.float32)))
    (folders.base / "other.nii").write_bytes(nifti(np.ones((2, 3, 5), np.float32)))
    (folders.base / "empty.nii").write_bytes(nifti(np.zeros((2, 3, 4), np.float32)))
    for mask, words in (("other.nii", "resample it to the grid of the map"), ("empty.nii", "0 everywhere")):
        with pytest.raises(UserError, match=f"mask of map 'm'.*{mask}.*{words}"):
            run_rule("a.nii", mask=mask)
        assert not list(folders.out.iterdir())


@pytest.fixture
def rule_refuses(run_rule, folders):
    def run(content, **settings):
        (folders.base / "a.nii").write_bytes(content)
        with pytest.raises(UserError) as caught:
            run_rule("a.nii", **settings)
        assert not list(folders.out.iterdir())
        message = str(caught.value)
        assert message.startswith("map 'm': a.nii ")
        assert "\n" not in message
        assert str(folders.out) not in message
        return message

    return run


def test_rule_on_the_motor_map(run_rule, motor_path, motor):
    image, sidecar = run_rule("sample:motor", max_voxels=10**6)
    assert image.read_bytes() == motor_path.read_bytes()
    data, affine = motor
    assert sidecar["Sources"] == ["sample:motor"]
    assert sidecar["SourceSHA256"] == sidecar["SHA256"] == SAMPLES["motor"].sha256
    assert sidecar["Shape"] == [53, 63, 46]
    assert sidecar["VoxelSizeMM"] == [3, 3, 3]
    assert np.array_equal(sidecar["Affine"], affine)
    assert (sidecar["NaNCount"], sidecar["InfCount"]) == (0, 0)
    assert sidecar["NonzeroCount"] == np.count_nonzero(data)
    assert (sidecar["Minimum"], sidecar["Maximum"]) == (data.min(), data.max())
    assert sidecar["GeneratedBy"][0]["Name"] == "Statmap Regions"
    assert "SourceURL" not in sidecar
    assert "NeuroVault" not in sidecar


def test_rule_writes_the_same_bytes_and_no_path_of_this_machine(run_rule, folders):
    (folders.base / "a.nii").write_bytes(nifti(np.ones((2, 3, 4, 1), np.int16)))
    image, _ = run_rule("a.nii")
    first = {path.name: path.read_bytes() for path in folders.out.iterdir()}
    for path in folders.out.iterdir():
        path.unlink()
    run_rule("a.nii")
    assert {path.name: path.read_bytes() for path in folders.out.iterdir()} == first
    assert sorted(first) == ["m.json", "m.nii.gz", "m_mask.nii.gz"]
    assert str(folders.base).encode() not in first["m.json"]


def test_rule_keeps_what_neurovault_says_and_warns(run_rule, neurovault, caplog, monkeypatch):
    neurovault.description |= {"is_thresholded": True, "not_mni": True}
    monkeypatch.setenv(sources.ALLOW_HTTP_VARIABLE, neurovault.url)
    monkeypatch.setenv(sources.NEUROVAULT_VARIABLE, f"{neurovault.url}/api")
    with caplog.at_level(logging.WARNING, "statmap"):
        _, sidecar = run_rule("neurovault:32980", sha(GZ))
    assert sidecar["NeuroVault"]["number_of_subjects"] == 16
    assert sidecar["SourceURL"] == neurovault.description["file"]
    assert "thresholded" in caplog.text
    assert "not in MNI space" in caplog.text


def test_rules_warn_of_what_no_sha256_holds_fast(run_rule, folders, server, monkeypatch):
    monkeypatch.setenv(sources.ALLOW_HTTP_VARIABLE, server.url)
    server.routes["/a.nii"] = lambda request, earlier: request.answer(200, nifti(np.ones((2, 3, 4), np.int16)))
    address, lax = f"{server.url}/a.nii", {"require_sha256": False}
    _, first = run_rule(address, **lax, where_to_pin="column x")
    (of_map,) = (text for text in first["Warnings"] if "downloaded" in text)
    assert of_map.endswith(f"put {first['SourceSHA256']} into column x")
    _, second = run_rule(address, first["SourceSHA256"], mask=address, **lax)
    assert [text[:23] for text in second["Warnings"] if "downloaded" in text] == ["the mask was downloaded"]
    made = {"image": str(folders.out / "a.nii.gz"), "sidecar": str(folders.out / "a.json")}
    for sha256, said in ((None, f"put {first['SourceSHA256']} into atlases.aa.sha256"), (first["SourceSHA256"], "")):
        fetch_atlas.main({"image": address, "sha256": sha256}, "aa", 1000, **made, **lax)
        assert said in "".join(json.loads(Path(made["sidecar"]).read_text())["Warnings"])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("axes", [(), (1,), (1, 1)])
def test_rule_drops_trailing_axes_and_keeps_other_images(run_rule, folders, dtype, axes):
    data = np.arange(24).reshape((2, 3, 4, *axes)).astype(dtype)
    affine = np.array([[-2, 0.1, 0, 5], [0, 3, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1.0]])
    header = nib.Nifti1Header(endianness=">" if dtype == ">f4" else "<")
    content = gzip.compress(nib.Nifti1Image(data, affine, header, dtype=data.dtype).to_bytes(), mtime=0)
    (folders.base / "a.nii.gz").write_bytes(content)
    path, sidecar = run_rule("a.nii.gz")
    written = nib.load(path)
    assert written.shape == (2, 3, 4)
    assert sidecar["Shape"] == [2, 3, 4]
    assert np.array_equal(written.get_fdata(), data.reshape(2, 3, 4))
    assert np.allclose(written.affine, affine, atol=1e-6)
    assert (path.read_bytes() == content) is (not axes)
    assert sidecar["SourceSHA256"] == sha(content)
    assert sidecar["SHA256"] == sha256_of(path)


def test_rule_counts_what_is_not_finite(run_rule, folders, caplog):
    data = np.zeros((3, 4, 5), np.float32)
    data[0, 0, :5] = np.nan, np.inf, -np.inf, -2.5, 1.5
    (folders.base / "a.nii").write_bytes(nifti(data))
    with caplog.at_level(logging.WARNING, "statmap"):
        _, sidecar = run_rule("a.nii")
    assert (sidecar["NaNCount"], sidecar["InfCount"], sidecar["NonzeroCount"]) == (1, 2, 4)
    assert (sidecar["Minimum"], sidecar["Maximum"]) == (-2.5, 1.5)
    said = "2 infinite values count as the most extreme finite value of their sign, 1.5 and -2.5"
    assert caplog.messages == [f"map 'm': {said}"] and sidecar["Warnings"] == [said]


def test_rule_refuses_values_whose_sums_are_no_numbers(rule_refuses):
    data = np.zeros((2, 3, 4))
    data[1, 1, 1] = -1e300
    assert "holds values up to 1e+300; accepted: up to 1e+30" in rule_refuses(nifti(data))


def test_rule_warns_of_a_mask_of_probabilities(run_rule, folders):
    data = np.ones((2, 3, 4), np.float32)
    (folders.base / "a.nii").write_bytes(nifti(data))
    data[0, 0, :3] = 0.2, 0.999, 0
    (folders.base / "mask.nii").write_bytes(nifti(data))
    _, sidecar = run_rule("a.nii", mask="mask.nii")
    assert "2 voxels of the mask lie between 0 and 1; all that is not 0 is inside" in sidecar["Warnings"]
    assert sidecar["MaskVoxels"] == 23


@pytest.mark.parametrize("value", [0, np.nan])
def test_rule_takes_a_map_with_nothing_in_it_and_warns(run_rule, folders, caplog, value):
    (folders.base / "a.nii").write_bytes(nifti(np.full((2, 2, 2), value, np.float32)))
    with caplog.at_level(logging.WARNING, "statmap"):
        _, sidecar = run_rule("a.nii")
    assert sidecar["NonzeroCount"] == 0
    assert "map 'm': no voxel has a finite value other than 0" in caplog.text


def edited(content, **fields):
    """An image with header fields that nibabel would not write."""
    header = nib.Nifti1Header(content[:348], check=False)
    for key, value in fields.items():
        header[key] = value
    return header.binaryblock + content[348:]


def broken_off(content):
    """A gzip file whose first half is right and whose next block has a type that does not exist."""
    stream = zlib.compressobj(wbits=31)
    return stream.compress(content[: len(content) // 2]) + stream.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 50


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (nifti(np.zeros((2, 2, 2, 2), np.float32)), "has shape (2, 2, 2, 2)"),
        (nifti(np.zeros((2, 2), np.float32)), "has shape (2, 2)"),
        (nifti(np.zeros((2, 2, 2), np.complex64)), "complex64"),
        (nifti(np.zeros((0, 2, 2), np.float32)), "no voxel"),
        (edited(PLAIN, sform_code=1, srow_x=[np.nan] * 4), "affine"),
        (edited(PLAIN, sform_code=1, srow_x=[0] * 4), "affine"),
        (edited(PLAIN, datatype=999), "is not a readable image (data code 999 not recognized)"),
        (edited(PLAIN, vox_offset=10), "is not a readable image"),
        (edited(PLAIN, vox_offset=1e30), "a.nii"),
        (edited(PLAIN, dim=[3, 3, -4, -5, 1, 1, 1, 1]), "a.nii"),
        (PLAIN[:-1], "is damaged"),
        (PLAIN[:352], "is damaged"),
        (LARGER[:-3000], "is damaged"),
        (LARGER[:-30], "is damaged"),
        (broken_off(gzip.decompress(LARGER)), "is damaged (Error -3 while decompressing"),
        (LARGER[:-8], "is damaged"),
        (LARGER[:-8] + bytes(8), "is damaged (CRC check failed"),
    ],
)
def test_rule_refuses_what_is_not_one_readable_map(rule_refuses, content, expected):
    assert expected in rule_refuses(content, max_voxels=10**6)


def test_rule_judges_the_size_by_the_header(rule_refuses):
    huge = edited(PLAIN, dim=[3, 2000, 2000, 2000, 1, 1, 1, 1])
    assert "8000000000 voxels, more than max_voxels: 1000" in rule_refuses(huge)
    assert "60 voxels, more than max_voxels: 59" in rule_refuses(PLAIN, max_voxels=59)


@settings(deadline=None, max_examples=60)
@given(changes=st.dictionaries(st.integers(0, 351), st.integers(0, 255), min_size=1, max_size=4))
def test_rule_takes_or_refuses_any_header(tmp_path_factory, changes):
    folder = tmp_path_factory.mktemp("header")
    content = bytearray(PLAIN)
    for offset, value in changes.items():
        content[offset] = value
    (folder / "a.nii").write_bytes(content)
    image, sidecar = folder / "out" / "m.nii.gz", folder / "out" / "m.json"
    mask_image = folder / "out" / "m_mask.nii.gz"
    try:
        fetch_map.main({"source": str(folder / "a.nii")}, "m", 1000, str(image), str(mask_image), str(sidecar))
    except UserError as error:
        assert "\n" not in str(error)
        assert not image.exists()
        assert not sidecar.exists()
    else:
        assert image.exists()
        assert sidecar.exists()


def test_adapter_ends_with_one_line(tmp_path):
    """What Snakemake does with the script: the global `snakemake`, its own process, an exit status."""
    program = f"""
import runpy, sys
from types import SimpleNamespace as Space
sys.path.insert(0, {str(SCRIPTS)!r})
row = dict(source=sys.argv[1], sha256=None)
params = Space(row=row, max_voxels=10**6, require_sha256=True, where_to_pin=None)
job = Space(wildcards=Space(map="m"), params=params, log=["m.log"],
            output=dict(image="m.nii.gz", mask_image="m_mask.nii.gz", sidecar="m.json"))
runpy.run_path({str(SCRIPTS / "fetch_map.py")!r}, init_globals=dict(snakemake=job), run_name="__main__")
"""
    for source, status, error in [
        ("nothing.nii", 1, "Error: map 'm': there is no file 'nothing.nii'; a source is " + sources.ACCEPTED + "\n"),
        ("sample:motor", 0, ""),
    ]:
        run = subprocess.run(
            [sys.executable, "-c", program, source], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (run.returncode, run.stderr) == (status, error)
        assert "map 'm': " in (tmp_path / "m.log").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.json", "m.log", "m.nii.gz", "m_mask.nii.gz"]


# ------------------------------------------------------------------------------------ what a fetched map says of itself
BRAIN = np.zeros((12, 13, 14), bool)
BRAIN[2:-2, 2:-2, 2:-2] = True
NOISE = np.where(BRAIN, np.random.default_rng(0).normal(size=BRAIN.shape), 0).astype(np.float32)


@pytest.fixture
def fetched(run_rule, folders):
    """The sidecar of a map that is written with these values, name and fields of the header."""

    def run(data=NOISE, name="a.nii.gz", columns=None, **header):
        image = nib.Nifti1Image(data, np.diag([2.0, 2, 2, 1]))
        for key, value in header.items():
            image.header[key] = value
        image.to_filename(folders.base / name)
        return run_rule(name, max_voxels=10**4, **(columns or {}))[1]

    return run


def test_a_whole_map_of_a_statistic_has_no_new_key(fetched):
    sidecar = fetched(columns={"stat": "z"})
    assert sidecar["Warnings"] == []
    assert not {"Thresholded", "Corrected", "Contrast", "Citation", "Background", "SourceFilesSHA256"} & set(sidecar)


def test_what_spm_says_is_in_the_sidecar(fetched):
    sidecar = fetched(descrip=b"SPM{T_[86.0]} - contrast 1: tapping>rest")
    assert (sidecar["Stat"], sidecar["DF"], sidecar["Contrast"]) == ("t", 86, "tapping>rest")
    assert sidecar["SaidBy"] == dict.fromkeys(("stat", "df", "contrast"), "descrip")
    sidecar = fetched(descrip=b"SPM{T_[86.0]} - contrast 1: tapping>rest", columns={"stat": "t", "df": 86.0000001})
    assert sidecar["DF"] == 86.0000001 and sidecar["SaidBy"] == {"contrast": "descrip"}
    with pytest.raises(UserError, match=r"column stat of the sample sheet is z, but descrip in the header of a.nii.gz"):
        fetched(descrip=b"SPM{T_[86.0]} - contrast 1: tapping>rest", columns={"stat": "z"})


@pytest.mark.parametrize("stat", ["z", "t", "F", "p"])
def test_a_map_that_was_thresholded_is_marked(fetched, stat):
    data = {"z": NOISE, "t": NOISE, "F": NOISE**2, "p": 2 * 10 ** -np.abs(2 * NOISE)}[stat]
    kept = BRAIN & (np.abs(NOISE) > 1.6)
    columns = {"stat": stat, "df": {"t": 20, "F": [1, 300]}.get(stat)}
    sidecar = fetched(np.where(kept, data, np.float32(0)).astype(np.float32), columns=columns)
    assert sidecar["Thresholded"] is True
    assert [text[:30] for text in sidecar["Warnings"]] == ["the map was thresholded before"]
    assert sidecar["NonzeroCount"] == np.count_nonzero(kept)
    whole = np.where(BRAIN, np.minimum(data, 1) if stat == "p" else data, 0).astype(np.float32)
    assert "Thresholded" not in fetched(whole, columns=columns)


def test_a_corrected_map_of_clusters_is_not_called_thresholded(fetched):
    """Of two clusters it holds two values and 0."""
    data = np.zeros(BRAIN.shape, np.float32)
    data[4:6, 4:6, 4:7], data[8:9, 8:11, 8:11] = 0.99, 0.96
    sidecar = fetched(data, "x_clusterm_corrp_tstat1.nii.gz", {"stat": "1-p"})
    assert sidecar["Corrected"] == "fwe" and sidecar["SaidBy"] == {"corrected": "file name"}
    assert "Thresholded" not in sidecar
    assert "Thresholded" in fetched(data, "x.nii.gz", {"stat": "1-p"})


def test_p_of_1_around_the_brain_is_no_family(fetched):
    p = np.where(BRAIN, np.random.default_rng(0).uniform(0.001, 0.999, BRAIN.shape), 1).astype(np.float32)
    sidecar = fetched(p, columns={"stat": "p"})
    assert sidecar["MaskVoxels"] == sidecar["NonzeroCount"] == np.count_nonzero(BRAIN) and sidecar["Background"] == 1
    assert sidecar["Minimum"] == 0 and sidecar["Maximum"] > 2
    assert [text for text in sidecar["Warnings"] if "fills the border" in text]


def test_p_of_0_in_a_mask_is_the_strongest_voxel(fetched, folders):
    nib.Nifti1Image(BRAIN.astype(np.uint8), np.diag([2.0, 2, 2, 1])).to_filename(folders.base / "mask.nii")
    p = np.where(BRAIN, np.random.default_rng(0).integers(2, 1001, BRAIN.shape) / 1000, 0).astype(np.float32)
    p[5:7, 5:7, 5:7] = 0
    sidecar = fetched(p, columns={"stat": "p", "mask": "mask.nii"})
    found = nib.load(folders.out / "m.nii.gz").get_fdata()
    assert (np.argwhere(found == found.max()) == np.argwhere(BRAIN & (p == 0))).all() and found.max() == pytest.approx(
        3
    )
    assert (found[BRAIN] > 0).all() and sidecar["Maximum"] == pytest.approx(3)
    assert [text for text in sidecar["Warnings"] if text.startswith("8 voxels have p = 0")]


def test_infinite_values_are_written_as_what_they_count_as(fetched, folders):
    data = NOISE.copy()
    data[5, 5, 5:7], data[7, 7, 7], data[0, 0, 0] = np.inf, -np.inf, np.nan
    sidecar = fetched(data, columns={"stat": "z"})
    found = nib.load(folders.out / "m.nii.gz").get_fdata()
    finite = data[np.isfinite(data)]
    assert (found[5, 5, 5:7] == finite.max()).all() and found[7, 7, 7] == finite.min() and np.isnan(found[0, 0, 0])
    assert (sidecar["InfCount"], sidecar["NaNCount"]) == (3, 1) and sidecar["SHA256"] != sidecar["SourceSHA256"]
    assert (sidecar["Minimum"], sidecar["Maximum"]) == (finite.min(), finite.max())


def test_neurovault_fills_the_row(run_rule, neurovault, monkeypatch):
    neurovault.description |= {
        "statistic_parameters": 15,
        "target_template_image": "GenericMNI",
        "cognitive_contrast_cogatlas": "auditory versus visual",
        "is_thresholded": True,
    }
    monkeypatch.setenv(sources.ALLOW_HTTP_VARIABLE, neurovault.url)
    monkeypatch.setenv(sources.NEUROVAULT_VARIABLE, f"{neurovault.url}/api")
    _, sidecar = run_rule("neurovault:32980", sha(GZ))
    assert (sidecar["Stat"], sidecar["DF"], sidecar["Space"]) == ("t", 15, "GenericMNI")
    assert sidecar["Contrast"] == "auditory versus visual"
    assert sidecar["Citation"] == "NeuroVault image 32980, collection 1952"
    assert set(sidecar["SaidBy"].values()) == {"NeuroVault"}
    # It counts zeros; the values of a t map tell better.
    assert "Thresholded" not in sidecar and [text for text in sidecar["Warnings"] if text.startswith("NeuroVault says")]
    neurovault.description["map_type"] = "Other"
    assert run_rule("neurovault:32980", sha(GZ))[1]["Thresholded"] is True
    with pytest.raises(UserError, match=r"column stat of the sample sheet is z, but NeuroVault's answer to"):
        neurovault.description["map_type"] = "T map"
        run_rule("neurovault:32980", sha(GZ), stat="z")


def test_one_volume_of_a_download(run_rule, server, monkeypatch):
    monkeypatch.setenv(sources.ALLOW_HTTP_VARIABLE, server.url)
    volumes = np.arange(48, dtype=np.float32).reshape(2, 3, 4, 2)
    content = gzip.compress(nifti(volumes), mtime=0)
    server.routes["/a.nii.gz"] = lambda request, earlier: request.answer(200, content)
    image, sidecar = run_rule(f"{server.url}/a.nii.gz[1]", sha(content))
    assert (nib.load(image).get_fdata() == volumes[..., 1]).all()
    assert sidecar["SourceSHA256"] == sha(content) and sidecar["SourceURL"] == f"{server.url}/a.nii.gz"


@pytest.mark.parametrize("name", ["a.hdr", "a.img", "a+tlrc.HEAD", "a+tlrc.BRIK.gz"])
def test_one_file_of_a_pair_is_no_download(refused, server, name):
    body = {
        "a.hdr": PLAIN[:344] + b"ni1\0" + bytes(4),
        "a+tlrc.HEAD": b"type = string-attribute\nname = X\ncount = 1\n'~\n",
    }
    server.routes[f"/{name}"] = lambda request, earlier: request.answer(200, body.get(name, bytes(400)))
    message = refused(f"{server.url}/{name}", "0" * 64, allow_http=[server.url])
    assert "is one file of a pair; download both and give the path of one of them" in message
