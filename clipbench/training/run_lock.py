"""One run at a time in a run's folder: a small file that names the process at work there.

The file of a process that has ended, however it ended, holds nobody up: on the same machine the
process is looked for; for another machine (a shared or synchronised folder) the file counts as long
as its owner touches it.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from clipbench.errors import UserError

LOCK = "run.lock"
BEAT = 30.0  # seconds between touches
STALE = 300.0  # seconds without a touch after which another machine's lock is taken over


@contextlib.contextmanager
def locked(run: Path | None) -> Iterator[None]:
    """Hold the run's folder, which is made if it is absent; None holds nothing.

    Raises:
        UserError: when another process is training there, or the folder cannot be written to.
    """
    if run is None:
        yield
        return
    try:
        take(run)
    except OSError as error:
        raise UserError(f"cannot write to {run}: {error.strerror}") from None
    done = threading.Event()
    threading.Thread(target=beat, args=(run / LOCK, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        if owner_of(run) == this_process():
            (run / LOCK).unlink(missing_ok=True)


def take(run: Path) -> None:
    run.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            with open(run / LOCK, "x", encoding="utf-8") as file:
                json.dump(this_process(), file)
            return
        except FileExistsError:
            if is_held(run):
                owner = owner_of(run)
                raise UserError(
                    f"{run} is in use by process {owner['pid']} on {owner['host']}; "
                    "stop that one or give another --out"
                ) from None
            (run / LOCK).unlink(missing_ok=True)


def this_process() -> dict:
    return {"pid": os.getpid(), "host": socket.gethostname(), "started": start_of(os.getpid())}


def start_of(pid: int) -> str:
    """When a process began, in the system's own unit, so that a number used again is told
    apart; "" if unknown.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def owner_of(run: Path) -> dict | None:
    """Who holds the folder; None for nobody and for a file that a killed process left
    unfinished.
    """
    try:
        owner = json.loads((run / LOCK).read_text(encoding="utf-8"))
        return {
            "pid": int(owner["pid"]),
            "host": str(owner["host"]),
            "started": str(owner["started"]),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_held(run: Path) -> bool:
    owner = owner_of(run)
    if owner is None:
        return False
    if owner["host"] == socket.gethostname() and os.name == "posix":
        return is_alive(owner["pid"]) and start_of(owner["pid"]) == owner["started"]
    try:
        return time.time() - (run / LOCK).stat().st_mtime < STALE
    except OSError:
        return False


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def beat(file: Path, done: threading.Event) -> None:
    while not done.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(file)
