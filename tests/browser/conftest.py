"""Headless Chromium, without a network."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium")
QUIET = "--no-sandbox --disable-background-networking --disable-component-update --disable-sync --no-first-run"
PATIENCE = 120_000  # ms: WebGL in software on a busy machine


@pytest.fixture(scope="session")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET.split(), "--disable-quic"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def opened(chromium):
    """Open a file; give the page, its requests and what it complained about."""

    def open_page(path, ready="body", **options):
        page = chromium.new_page(viewport={"width": 1440, "height": 900}, **options)
        page.set_default_timeout(PATIENCE)
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.goto(path.as_uri())
        page.wait_for_selector(ready)
        return page, requests, complaints

    return open_page
