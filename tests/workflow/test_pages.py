"""The commands of the documentation, as they stand there."""

import re

import pytest
from pages import ELSEWHERE, PAGES, Reader, blocks_of, prepare
from running import REPOSITORY

FOLLOWED = [page for page in PAGES if any(block.language in ("sh", "python") for block in blocks_of(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_a_page_is_followed_from_top_to_bottom(page, tmp_path, host):
    """Every command ends well, and prints what the page says that it prints."""
    reader = Reader(tmp_path, host)
    prepare(tmp_path, page.read_text(encoding="utf-8"))
    for block in blocks_of(page):
        reader.follow(block)


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_runs_elsewhere_is_run_there(command):
    """By a file that says the command, less the Python of the environment."""
    words = re.sub(r"^make (bench|test)$", r"\1", command).split()
    text = (REPOSITORY / ELSEWHERE[command]).read_text(encoding="utf-8")
    assert all(word in text for word in words)
