"""Files that are whole or absent, and byte-identical from one machine to the next (standard library, and yaml late)."""

import hashlib
import importlib.util
import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MOST_TEXT = 2**26  # bytes of a table or a config
DEEPEST, MOST_NODES = 100, 1_000_000  # of YAML: blocks within each other; keys and values, each alias counted in full

REMOVED = ".removed."  # before the name of a folder that is being removed


class UserError(Exception):
    """An error that the user can fix: one line that names what was found and what is accepted.

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
        if process.isdigit() and not _is_running(int(process)):
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


def remove(path: Path) -> None:
    """Remove a file or a link; a folder with all that is in it, moved aside first, as half of one tells nothing."""
    if not path.is_dir() or path.is_symlink():
        path.unlink()
        return
    import shutil  # late: one rule removes folders

    shutil.rmtree(path if path.name.startswith(REMOVED) else path.rename(path.with_name(f"{REMOVED}{path.name}")))


def beside(path: str | Path, ending: str) -> Path:
    """A file beside `path`, with its name and an ending; of a temporary path of `writing`, beside what it becomes."""
    path = Path(path)
    return path.with_name(path.name.removeprefix(f".{os.getpid()}.") + ending)


def _is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, under another user
    return True


def sha256_of(path):
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def packaged_file(name: str, package: str, file: str, sha256: str, what: str) -> Path:
    """Path of a file inside an installed package, which is not imported.

    Parameters
    ----------
    name : of the file, in an error.
    package, file, sha256 : where it is, and what its bytes are.
    what : what it is for, in an error.

    Raises
    ------
    UserError : the package is not installed, or it is another version of it.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"{what}: {name} is in the {package} wheel, which is not installed; run `make install`")
    path = Path(spec.submodule_search_locations[0], file)
    actual = sha256_of(path) if path.is_file() else "no such file"
    if actual != sha256:
        raise UserError(
            f"{what}: {name} is {path.name} with sha256 {sha256}, but the installed {package} has {actual}; "
            f"install the version of {package} in envs/requirements.lock"
        )
    return path


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    """The text of a file that a user wrote, line ends as they are.

    Raises
    ------
    OSError, ValueError : it cannot be read; it is no file (a pipe would be waited for, a device has no end), larger
        than any table, or no such text.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is a folder, a pipe or a device; accepted: a file")
    if status.st_size > MOST_TEXT:
        raise ValueError(f"it has {status.st_size:,} bytes; accepted: {MOST_TEXT:,} at most")
    return Path(path).read_bytes().decode(encoding)


def read_yaml(path: str | Path, nodes: bool = False) -> Any:
    """What a YAML file holds.

    Parameters
    ----------
    path : the file.
    nodes : whether to give its nodes (`yaml.compose`), which know their lines, in place of its values.

    Raises
    ------
    UserError : it cannot be read, or its blocks lie too deep, contain themselves, or become too many by their aliases.
    """
    import yaml  # late: most jobs read none

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = read_text(path)
        _check_events(yaml.parse(text, loader), path)
        return yaml.compose(text, loader) if nodes else yaml.load(text, loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} is no readable YAML ({' '.join(str(error).split())})") from error


def _check_events(events, path):
    """Refuse YAML that takes more time, memory or stack than any config, from its events, before anything is built.

    A block is counted with all that its aliases stand for: nine lines of nine aliases each are 387 million values.
    """
    anchors, counts, sizes = [None], [0], {}  # of the blocks that are open, and their nodes so far; nodes by anchor
    for event in events:
        kind, anchor = type(event).__name__, getattr(event, "anchor", None)
        where = f"{path}, line {event.start_mark.line + 1}"
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            anchors.append(anchor)
            counts.append(1)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            size = sizes[anchors.pop()] = counts.pop()
            counts[-1] += size
        elif kind == "ScalarEvent":
            sizes[anchor] = 1
            counts[-1] += 1
        elif kind == "AliasEvent":
            if anchor in anchors:
                raise UserError(f"{where}: *{anchor} stands within &{anchor} itself; accepted: blocks that end")
            counts[-1] += sizes.get(anchor, 1)
        if len(counts) > DEEPEST:
            raise UserError(f"{where}: more than {DEEPEST} blocks within each other; no config has as many")
        if counts[-1] > MOST_NODES:
            raise UserError(f"{where}: aliases included, more than {MOST_NODES:,} values; no config has as many")


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
        content = json.loads(Path(path).read_text(encoding="utf-8"), object_hook=Sidecar)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and run again") from error
    if not isinstance(content, Sidecar):
        raise UserError(f"{path} is damaged (it holds no keys); delete it and run again")
    return content


def check_written(path, sha256, sidecar):
    """Refuse a file of a rule that was changed since it was written, whatever its time.

    Parameters
    ----------
    path : the file.
    sha256 : of the bytes that were written, as the sidecar has it.
    sidecar : named in the error.

    Raises
    ------
    UserError : it has other bytes; the user deletes it.
    """
    actual = sha256_of(path)
    if actual != sha256:
        raise UserError(
            f"{path} is not the file that was written (sha256 {actual}, {sidecar} says {sha256}); "
            "delete it and run again"
        )
