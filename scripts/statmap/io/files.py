"""Files that are whole or absent, and byte-identical from one machine to the next (standard library only)."""

import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path


class UserError(Exception):
    """Something only the user can put right: its text is one line that names what was found and what is accepted.

    Names come from files and configs: a line break in one, or what no terminal shows, is written as in Python.
    """

    def __str__(self):
        return "".join(part if part.isprintable() else repr(part)[1:-1] for part in super().__str__())


@contextmanager
def writing(path):
    """Give a temporary path beside `path`, which becomes `path` only if the block ends well.

    The temporary name keeps every suffix of `path` (nibabel and matplotlib choose the format by it). What a job
    that was killed left under such a name is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for stray in path.parent.glob(f".*.{path.name}"):
        process = stray.name.split(".")[1]
        if process.isdigit() and not _runs(int(process)):
            stray.unlink(missing_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None:  # of a write, as when the disk is full
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def beside(path: str | Path, ending: str) -> Path:
    """A file beside `path`, with its name and an ending; of a temporary path of `writing`, beside what it becomes."""
    path = Path(path)
    return path.with_name(path.name.removeprefix(f".{os.getpid()}.") + ending)


def _runs(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def sha256_of(path):
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(path, content):
    """Write a sidecar: keys in the order given, two spaces of indent, NaN refused."""
    with writing(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def read_json(path):
    """Read a sidecar back.

    Raises
    ------
    UserError : it is not what `write_json` writes, at once or where a key is asked for that it lacks; the user
        deletes it.
    """

    class Sidecar(dict):
        def __missing__(self, key):
            raise UserError(f"{path} is damaged (it lacks {key}); delete it and run again")

    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"), object_hook=Sidecar)
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); delete it and run again") from error
    if not isinstance(found, Sidecar):
        raise UserError(f"{path} is damaged (it holds no keys); delete it and run again")
    return found


def check_written(path, sha256, sidecar):
    """Refuse a file of ours that was changed since it was written, whatever its time.

    Parameters
    ----------
    path : the file.
    sha256 : of the bytes that were written, as the sidecar has it.
    sidecar : named in the error.

    Raises
    ------
    UserError : it has other bytes; the user deletes it.
    """
    found = sha256_of(path)
    if found != sha256:
        raise UserError(
            f"{path} is not the file that was written (sha256 {found}, {sidecar} says {sha256}); "
            "delete it and run again"
        )
