"""A lock on a run's folder, so that one process at a time trains there.

It is a locked file in the folder, which the system frees when the process that holds it ends,
however it ends.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from clipbench.errors import UserError

LOCK = "run.lock"


@contextlib.contextmanager
def locked(run: Path | None) -> Iterator[None]:
    """Hold the run's folder, which is made if it is absent; None holds nothing.

    Raises:
        UserError: when another process is training there, or the folder cannot be written to.
    """
    if run is None:
        yield
        return
    lock = FileLock(run / LOCK)
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{run} is in use by another process; stop that one or give another folder"
        ) from None
    except OSError as error:
        raise UserError(f"cannot write to {run}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()
