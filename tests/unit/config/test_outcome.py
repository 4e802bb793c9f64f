"""What went wrong in a run."""

import os

import pytest

from statmap.config.outcome import failures
from statmap.io.log import logging_to


def test_each_job_that_failed_has_one_line(tmp_path):
    def log(name, text, time=100):
        (tmp_path / name).write_text(text, encoding="utf-8")
        os.utime(tmp_path / name, (time, time))

    log("a.log", "INFO: fine\nERROR: words of a package\nERROR: map 'a': no image\n")
    with pytest.raises(KeyError), logging_to(tmp_path / "b.log"):
        raise KeyError("x")
    log("c.log", "WARNING: map 'c': odd\n")
    log("d.log", "ERROR: of an earlier run\n", time=99)
    assert failures(tmp_path, 100) == [f"map 'a': no image ({tmp_path}/a.log)", f"KeyError: 'x' ({tmp_path}/b.log)"]
