"""Texts that somebody wrote: what has no end, or ends no sooner, is refused before it is read."""

import os
from functools import partial

import pytest

from statmap.config.sheets import read_sheet
from statmap.io.files import MOST_NODES, MOST_TEXT, UserError, read_json, read_yaml
from statmap.published.readers import read_published
from statmap.regions.atlases import read_labels_table


def aliases(block, levels=8, each=9):
    """YAML of a few lines that stands for `each` to the power of `levels` blocks."""
    lines = [f"a0: &a0 {block}"]
    for level in range(1, levels + 1):
        inside = [f"*a{level - 1}"] * each
        if block[0] == "{":
            inside = [f"k{n}: {alias}" for n, alias in enumerate(inside)]
        lines.append(f"a{level}: &a{level} {block[0]}{', '.join(inside)}{block[-1]}")
    return "\n".join(lines)


HOSTILE = {
    "aliases of lists": (aliases("[x, y]"), f"line [67]: aliases included, more than {MOST_NODES:,} values"),
    "aliases of blocks": (aliases("{x: 1}"), f"line [67]: aliases included, more than {MOST_NODES:,} values"),
    "aliases merged": (
        aliases("{x: 1}", 1) + "\nb: &b {<<: [" + "*a1, " * 90 + "]}\nc: [" + "*b, " * 1000 + "]",
        "line 4: aliases included, more than",
    ),
    "a list within itself": ("variants: &a [*a]", r"line 1: \*a stands within &a itself"),
    "a block within itself": ("variants: &a\n  v: {threshold: *a}", r"line 2: \*a stands within &a itself"),
    "2,000 deep": ("variants: " + "[" * 2000 + "]" * 2000, "line 1: more than 100 blocks within each other"),
    "2,000 blocks deep": ("variants: " + "{a: " * 2000 + "1" + "}" * 2000, "line 1: more than 100 blocks"),
    "no YAML": ("a: [1", "is no readable YAML"),
    "no text": (b"a: \xff", "is no readable YAML"),
    "no date": ("a: 2001-13-45", "is no readable YAML .month must be in 1..12"),
}


@pytest.mark.parametrize("nodes", [False, True])
@pytest.mark.parametrize("name", HOSTILE)
def test_yaml_that_no_config_is_like(tmp_path, name, nodes):
    text, words = HOSTILE[name]
    path = tmp_path / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if nodes and name == "no date":  # which only its value says
        assert read_yaml(path, nodes).value
        return
    with pytest.raises(UserError, match=words) as refused:
        read_yaml(path, nodes)
    assert str(refused.value).startswith(str(path)) and "\n" not in str(refused.value)


def test_yaml_with_aliases_as_people_write_them(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("a: &a {x: 1, y: &y [2]}\nb: {<<: *a, x: 3}\nc: [*a, *a, *y]\nd: &d 5\ne: *d\n")
    a = {"x": 1, "y": [2]}
    assert read_yaml(path) == {"a": a, "b": {"x": 3, "y": [2]}, "c": [a, a, [2]], "d": 5, "e": 5}
    path.write_text("")
    assert read_yaml(path) is None and read_yaml(path, nodes=True) is None


def test_what_is_no_file_is_neither_waited_for_nor_read_without_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "large.tsv", "wb") as stream:
        stream.truncate(MOST_TEXT + 1)
    readers = {
        read_yaml: "is no readable YAML",
        partial(read_sheet, key="map", columns={}): "is not a readable tab-separated table",
        read_labels_table: "is not a readable table",
        partial(read_published, name="table 't'"): "cannot be read",
    }
    for read, words in readers.items():
        for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
            with pytest.raises(UserError, match=rf"{path} {words} .it is a folder, a pipe or a device; accepted"):
                read(path)
        with pytest.raises(UserError, match=f"{words} .it has 67,108,865 bytes; accepted: 67,108,864 at most"):
            read(tmp_path / "large.tsv")


def test_a_sidecar_that_is_2000_deep_is_damaged(tmp_path):
    (tmp_path / "one.json").write_text('{"a": ' * 2000 + "1" + "}" * 2000)
    with pytest.raises(UserError, match=r"one.json is damaged .*; delete it and run again"):
        read_json(tmp_path / "one.json")
