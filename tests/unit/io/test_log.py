"""How a job ends: what is said, what is logged, and with which exit status."""

import errno
import logging
import os
import subprocess
import sys

import pytest

from statmap.io.files import UserError, writing
from statmap.io.log import log, logging_to


@pytest.fixture(autouse=True)
def logging_as_before():
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    yield
    for handler in set(root.handlers) - set(before[0]):
        handler.close()
    root.handlers[:], root.level, logging.raiseExceptions = before
    logging.captureWarnings(False)


def end(path, error):
    """Exit status of a job whose work raises an error."""
    with pytest.raises(SystemExit) as ended, logging_to(path):
        log.info("working")
        raise error
    return ended.value.code


def test_an_error_of_the_user_is_one_line(tmp_path, capsys):
    assert end(tmp_path / "job.log", UserError("map 'm': no file")) == 1
    assert (tmp_path / "job.log").read_text() == "INFO: working\nERROR: map 'm': no file\n"
    assert capsys.readouterr().err == "Error: map 'm': no file\n"


def test_control_c_leaves_no_traceback(tmp_path, capsys):
    assert end(tmp_path / "job.log", KeyboardInterrupt()) == 130
    assert (tmp_path / "job.log").read_text() == "INFO: working\nERROR: interrupted\n"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES])
def test_an_error_of_the_system_is_one_line_that_names_the_result(tmp_path, capsys, code):
    """Not the temporary name, and also where the system names no file."""

    def fail(named):
        with logging_to(tmp_path / "job.log"), writing(tmp_path / "a.csv") as temporary:
            temporary.touch()
            raise OSError(code, "so it is", str(temporary) if named else None)

    for named in (True, False):
        with pytest.raises(SystemExit, match="1"):
            fail(named)
        line = f"{tmp_path}/a.csv: so it is; make room or give access, and run again"
        assert capsys.readouterr().err == f"Error: {line}\n"
        assert (tmp_path / "job.log").read_text() == f"ERROR: {line}\n"
        assert [path.name for path in tmp_path.iterdir()] == ["job.log"]


def test_a_log_that_cannot_be_written_is_one_line_too(tmp_path, capsys):
    (tmp_path / "logs").touch()
    with pytest.raises((SystemExit, OSError)), logging_to(tmp_path / "logs/job.log"):
        pytest.fail("the work was begun")
    assert capsys.readouterr().err.count("\n") == 1


def test_anything_else_keeps_its_traceback(tmp_path):
    with pytest.raises(ZeroDivisionError), logging_to(tmp_path / "job.log"):
        raise ZeroDivisionError
    with pytest.raises(FileNotFoundError), logging_to(tmp_path / "job.log"):
        open(tmp_path / "nowhere").close()
    assert "Traceback" in (tmp_path / "job.log").read_text()


def test_what_a_killed_job_left_is_removed_and_what_another_writes_is_not(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left, others = tmp_path / f".{int(dead.stdout)}.a.csv", tmp_path / f".{os.getppid()}.a.csv"
    unrelated = tmp_path / ".hidden.a.csv"
    for path in (left, others, unrelated):
        path.touch()
    with writing(tmp_path / "a.csv") as temporary:
        temporary.touch()
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", others.name, unrelated.name}
