"""The pages of the documentation as their readers follow them: every block, in order, from a fresh home.

What the fence of a block says decides what becomes of it:

- ``sh``: typed in the checkout, which is ``~/statmap`` here, or where the block before went with ``cd``.
- ``python``: run by the Python of the environment, in the same folder.
- ``text``: printed by the block before, line for line; ``…`` stands for anything, ``/home/me`` for the home.
- a first line ``# ~/path/of/file`` (``yaml``, ``tsv``, ``snakemake``): the file that the reader writes there.
- ``yaml`` without it: keys of a config, which have to be accepted.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from folders import feat, spm
from running import OFFLINE, REPOSITORY, copy_checkout

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
# Commands that no page runs here, and what runs them.
ELSEWHERE = {
    "make test": ".ci/run",
    "make bench": "tests/benchmarks/bench.py",
    "--workflow-profile profiles/slurm": "tests/workflow/test_slurm.py",
    "snakedeploy deploy-workflow": "tests/workflow/test_module.py",
}
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language and its lines."""

    language: str
    text: str

    @property
    def file(self):
        """The path after ``# `` in its first line, or None."""
        found = re.match(r"# (~/\S+)\n", self.text)
        return found[1] if found else None


def blocks_of(page):
    return [Block(*found) for found in FENCE.findall(page.read_text(encoding="utf-8"))]


def prose_of(page):
    """The page without its blocks and comments."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


class Reader:
    """Somebody with an empty home and a checkout, whose git finds ``github.com/lab/statmap`` on this machine.

    Parameters
    ----------
    home : empty folder.
    settings : environment variables.
    """

    def __init__(self, home, settings):
        self.home, self.printed = home, ""
        self.where = copy_checkout(home / "statmap")
        (self.where / "tests").symlink_to(REPOSITORY / "tests")
        environment = self.where / ".venv"
        environment.mkdir()
        for path in Path(sys.prefix).iterdir():
            if path.name not in (".run", ".dev"):
                (environment / path.name).symlink_to(path)
        for stamp in (".run", ".dev"):  # newer than the locks of the copy: make installs nothing
            (environment / stamp).touch()
        self.settings = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
        self.settings |= OFFLINE | settings | {"HOME": str(home)}

    def follow(self, block):
        """Do what a block says."""
        if block.file:
            path = self.home / block.file.removeprefix("~/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            self.type(block.text)
        elif block.language == "python":
            # Where a page says `pip install` (tests/unit/test_package.py does), the path of the checkout stands for it.
            path = os.pathsep.join([str(self.home / "statmap/scripts"), OFFLINE["PYTHONPATH"]])
            command = [self.home / "statmap/.venv/bin/python", "-c", block.text]
            self.run(command, block.text, PYTHONPATH=path)
        elif block.language == "text":
            self.compare(block.text)

    def type(self, text):
        lines = [line for line in text.splitlines() if not any(command in line for command in ELSEWHERE)]
        last = self.home / ".where"
        self.run(["bash", "-e", "-o", "pipefail", "-c", "\n".join([*lines, f"pwd > {last}"])], text)
        self.where = Path(last.read_text(encoding="utf-8").strip())

    def run(self, command, text, **settings):
        done = subprocess.run(
            command,
            cwd=self.where,
            env=self.settings | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        self.printed = done.stdout.replace(str(self.home), "/home/me")
        assert done.returncode == 0, f"{text}\n{self.printed}"
        assert "Traceback" not in self.printed, self.printed

    def compare(self, text):
        printed = {" ".join(line.split()) for line in self.printed.splitlines()}
        for line in text.splitlines():
            wanted = ".*".join(map(re.escape, " ".join(line.split()).split("…")))
            assert any(re.fullmatch(wanted, found) for found in printed), f"not printed: {line}\n{self.printed}"


def prepare(home, text):
    """The files of readers that a page names, as they would have them."""
    import nibabel as nib
    import numpy as np

    if "~/analysis.feat" in text:
        feat(home / "analysis.feat")
    if "~/spm" in text:
        spm(home / "spm")
    if "faces.nii.gz" in text:
        data = np.random.default_rng(0).normal(size=(20, 24, 20)).astype(np.float32)
        data[4:8, 4:8, 4:8] += 8
        data[12:15, 14:18, 10:14] -= 8
        (home / "faces").mkdir()
        affine = np.array([[-3.0, 0, 0, 30], [0, 3, 0, -60], [0, 0, 3, -10], [0, 0, 0, 1]])
        for name in ("faces", "houses"):
            image = nib.Nifti1Image(data, affine)
            image.header.set_intent("t test", (23,))
            image.to_filename(home / f"faces/{name}.nii.gz")
