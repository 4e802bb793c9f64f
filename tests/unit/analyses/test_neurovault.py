"""A NeuroVault collection, against a server on this machine that pages, errors and redirects."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from statmap.analyses import neurovault
from statmap.analyses.neurovault import read, recognises
from statmap.io import sources
from statmap.io.files import UserError

COLLECTION = {"id": 42, "name": "Faces in the brain", "authors": "A. Müller and B. Author", "DOI": "10.1000/faces"}


class Handler(BaseHTTPRequestHandler):
    """Answers by `server.routes`: path -> an object, or a function of the handler."""

    def do_GET(self):
        self.server.asked.append(self.path)
        route = self.server.routes.get(self.path, (404, {}))
        if callable(route):
            route(self)
        elif isinstance(route, tuple):
            self.answer(*route)
        else:
            self.answer(200, route)

    def answer(self, status, content, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):  # a client that hangs up is what some tests are about
        pass


@pytest.fixture
def server(monkeypatch):
    running = Server(("127.0.0.1", 0), Handler)
    running.url = f"http://127.0.0.1:{running.server_port}"
    running.routes, running.asked = {"/api/collections/42/": COLLECTION}, []
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("STATMAP_TEST_ALLOW_HTTP", "http://127.0.0.1")
    monkeypatch.setenv("STATMAP_TEST_NEUROVAULT_API", f"{running.url}/api")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # pooch's waits between attempts
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def image(number, **more):
    return {
        "id": number,
        "name": f"map {number}",
        "map_type": "Z map",
        "image_type": "statistic_map",
        "not_mni": False,
        "target_template_image": "GenericMNI",
    } | more


def listed(server, *pages):
    """Serve these lists of images as pages that name the next."""
    first = "/api/collections/42/images/"
    for n, images in enumerate(pages):
        path = first if n == 0 else f"{first}?limit=100&offset={n}00"
        following = f"{server.url}{first}?limit=100&offset={n + 1}00" if n + 1 < len(pages) else None
        server.routes[path] = {"count": 9, "next": following, "previous": None, "results": images}


def rows():
    return read("neurovault-collection:42").rows


def test_every_image_of_every_page(server):
    listed(server, [image(11), image(12)], [image(21)], [image(31)])
    found = rows()
    assert [(row.name, row.cells["source"]) for row in found] == [
        (f"map {n}", f"neurovault:{n}") for n in (11, 12, 21, 31)
    ]
    assert found[0].cells == {
        "source": "neurovault:11",
        "citation": "A. Müller and B. Author. Faces in the brain. doi:10.1000/faces. NeuroVault collection 42",
        "stat": "z",
        "space": "MNI152",
    }
    assert len(server.asked) == 4 and read("neurovault-collection:42").root is None


@pytest.mark.parametrize(
    ("said", "cells", "gap"),
    [
        ({"map_type": "T map", "statistic_parameters": 23.0}, {"stat": "t", "df": 23}, ""),
        ({"map_type": "T map", "statistic_parameters": "23.5"}, {"stat": "t", "df": 23.5}, ""),
        ({"map_type": "T map", "statistic_parameters": None, "number_of_subjects": 20}, {"stat": "t"}, ""),
        ({"map_type": "T map", "statistic_parameters": -3}, {"stat": "t"}, ""),
        ({"map_type": "F map"}, {"stat": "F"}, ""),
        ({"map_type": '1-P map ("inverted" probability)'}, {"stat": "1-p"}, ""),
        ({"map_type": "P map (given null hypothesis)"}, {"stat": "p"}, ""),
        (
            {"map_type": "univariate-beta map"},
            {},
            "NeuroVault calls it univariate-beta map, which is no test statistic",
        ),
        ({"map_type": "", "image_type": "atlas"}, {}, "NeuroVault calls it atlas, which is no test statistic"),
        ({"map_type": None}, {}, "NeuroVault does not say what its values are"),
        ({"map_type": ["T map"]}, {}, "NeuroVault does not say what its values are"),
    ],
)
def test_what_an_image_is(server, said, cells, gap):
    listed(server, [image(5, **said)])
    (row,) = rows()
    assert {key: row.cells[key] for key in ("stat", "df") if key in row.cells} == cells and row.gap == gap


@pytest.mark.parametrize(
    ("said", "space"),
    [
        ({"not_mni": True}, "native"),
        ({"target_template_image": "MNI152NLin2009cAsym"}, "MNI152NLin2009cAsym"),
        ({"target_template_image": None}, None),
    ],
)
def test_the_space(server, said, space):
    listed(server, [image(5, **said)])
    assert rows()[0].cells.get("space") == space


def test_what_was_thresholded_already(server):
    listed(server, [image(5, is_thresholded=True)])
    assert "it was thresholded already" in rows()[0].origin


def test_images_that_are_none(server):
    listed(server, [image(None), image(True, name=None), "text", image(-4), image(7, name="Häuser > \n Gesichter")])
    assert [(row.name, bool(row.gap)) for row in rows()] == [
        ("map None", True),
        ("image", True),
        ("map -4", True),
        ("Häuser > Gesichter", False),
    ]


def test_a_description_that_says_nothing(server):
    server.routes["/api/collections/42/"] = {"authors": None, "DOI": 3}
    listed(server, [image(1)])
    assert rows()[0].cells["citation"] == "NeuroVault collection 42"


def test_redirects_are_followed(server):
    listed(server, [image(1)])
    server.routes["/moved"] = server.routes["/api/collections/42/images/"]
    server.routes["/api/collections/42/images/"] = lambda handler: handler.answer(
        302, b"", Location=f"{server.url}/moved"
    )
    assert [row.name for row in rows()] == ["map 1"]


# ------------------------------------------------------------------------------------------------------ what goes wrong
def fails(server, match):
    with pytest.raises(UserError, match=match) as error:
        read("neurovault-collection:42")
    assert "\n" not in str(error.value) and "neurovault-collection:42" in str(error.value)


@pytest.mark.parametrize("number", ["", "x", "4/2", "-1", "42?x=1", "9" * 20, "٤٢"])
def test_ids_that_are_none(number):
    assert recognises(f"neurovault-collection:{number}") and not recognises(f"collection:{number}")
    with pytest.raises(UserError, match="write neurovault-collection: and a whole number"):
        read(f"neurovault-collection:{number}")


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
@pytest.mark.parametrize("path", ["/api/collections/42/", "/api/collections/42/images/"])
def test_errors_of_the_server(server, status, path):
    listed(server, [image(1)])
    server.routes[path] = (status, {"detail": "no"})
    fails(server, str(status))


@pytest.mark.parametrize("body", [b"<html>Please sign in</html>", b"[]", b"", b"\xff\xfe", b"[" * 100_000, b"{"])
def test_answers_that_are_no_description(server, body):
    server.routes["/api/collections/42/"] = (200, body)
    fails(server, "did not answer with|cannot be")


@pytest.mark.parametrize("page", [{}, {"results": None}, {"results": {"a": 1}}])
def test_answers_that_are_no_page(server, page):
    server.routes["/api/collections/42/images/"] = page
    fails(server, "lists no images")


def test_no_image(server):
    listed(server, [])
    fails(server, "has no image")


def test_pages_that_go_round_in_circles(server):
    listed(server, [image(1)], [image(2)])
    server.routes["/api/collections/42/images/?limit=100&offset=100"]["next"] = (
        f"{server.url}/api/collections/42/images/"
    )
    fails(server, "go round in circles at")


@pytest.mark.parametrize("url", ["https://elsewhere.example/api/", "https://[oh/", "//elsewhere.example/", "file:///x"])
def test_a_next_page_at_another_host(server, url):
    listed(server, [image(1)])
    server.routes["/api/collections/42/images/"]["next"] = url
    fails(server, re.escape(f"at another host, {url}, and is not followed"))


def test_a_next_page_that_is_no_address(server):
    listed(server, [image(1)])
    for nothing in (None, 3, "", ["x"]):
        server.routes["/api/collections/42/images/"]["next"] = nothing
        assert len(rows()) == 1


def test_pages_without_end(server, monkeypatch):
    monkeypatch.setattr(neurovault, "MOST_IMAGES", 3)
    listed(server, [image(1), image(2)], [image(3), image(4)])
    fails(server, "has more than 3 images")


def test_pages_that_take_too_long(server, monkeypatch):
    monkeypatch.setattr(neurovault, "LONGEST", 0)
    listed(server, [image(1)], [image(2)])
    fails(server, "its pages did not come in 0 s")


def test_an_answer_that_is_too_large(server, monkeypatch):
    monkeypatch.setattr(sources, "MOST_LISTED", 100)
    listed(server, [image(1)])
    fails(server, "100 bytes|larger")


def test_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("STATMAP_TEST_ALLOW_HTTP", "http://127.0.0.1")
    monkeypatch.setenv("STATMAP_TEST_NEUROVAULT_API", "http://127.0.0.1:9/api")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    fails(None, "127.0.0.1:9|could not be reached|refused")


def test_http_is_not_asked_elsewhere(monkeypatch):
    monkeypatch.delenv("STATMAP_TEST_ALLOW_HTTP", raising=False)
    monkeypatch.setenv("STATMAP_TEST_NEUROVAULT_API", "http://127.0.0.1:9/api")
    fails(None, "https")
