"""The log of a job (standard library only)."""

import errno
import gc
import logging
import re
import sys
import traceback
from contextlib import contextmanager, suppress
from pathlib import Path

from .files import UserError

log = logging.getLogger("statmap")

# Errors of the system: no space, over a quota or a limit, read-only, not permitted, a device's error.
OF_THE_SYSTEM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@contextmanager
def logging_to(path):
    """Write what the block logs, and warns of, to a rule's log file.

    Snakemake's ``log:`` redirects nothing by itself. A `UserError`, a full disk, a folder that cannot be written to and
    Ctrl-C end the job with one line, anything else with its traceback; all are in the log and leave an exit status
    other than 0.
    """
    gc.enable()
    logging.raiseExceptions = False  # a log that cannot be written to (the disk is full) is no error of its own
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    except OSError as error:
        _write_error(_system_error_line(error))
        sys.exit(1)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    try:
        yield
    except UserError as error:
        log.error("%s", error)
        _write_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        log.error("interrupted")
        sys.exit(130)
    except OSError as error:
        if error.errno not in OF_THE_SYSTEM:
            log.error("%s", traceback.format_exc())
            raise
        log.error("%s", _system_error_line(error))
        _write_error(_system_error_line(error))
        sys.exit(1)
    except Exception:
        log.error("%s", traceback.format_exc())
        raise
    finally:
        with suppress(OSError):
            handler.flush()
        gc.freeze()  # the process ends here: what it holds is not searched for garbage once more


def _system_error_line(error):
    """An error of the operating system in one line; a temporary file is called by the name that it would get."""
    name = re.sub(r"^\.\d+\.", "", Path(error.filename).name) if error.filename else ""
    where = f"{Path(error.filename).with_name(name)}: " if name else ""
    return f"{where}{error.strerror}; make room or give access, and run again"


def _write_error(error):
    # In one write, newline and all: jobs that fail side by side share the terminal, and each line must stay whole.
    sys.stderr.write(f"Error: {error}\n")
