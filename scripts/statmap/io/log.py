"""The log of a job (standard library only)."""

import logging
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path

from .files import UserError

log = logging.getLogger("statmap")


@contextmanager
def logging_to(path):
    """Write what the block logs, and warns of, to a rule's log file.

    Snakemake's ``log:`` redirects nothing by itself. A `UserError` ends the job with its one line, anything else with
    its traceback; both are in the log and both leave an exit status other than 0.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    try:
        yield
    except UserError as error:
        log.error("%s", error)
        # In one write, newline and all: jobs that fail side by side share the terminal, and each line must stay whole.
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(1)
    except Exception:
        log.error("%s", traceback.format_exc())
        raise
    finally:
        handler.flush()
