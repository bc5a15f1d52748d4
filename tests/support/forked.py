"""A fork of the test's process: what may end, be killed or fill a disk, without importing anew.

A process of its own would import torch first, which takes seconds of processor time.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

SECONDS = 120  # until a fork counts as hanging, on a busy machine


@dataclass
class Fork:
    """A running fork, and the folder that holds what it prints."""

    process: int
    folder: Path

    def is_running(self) -> bool:
        return os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def send(self, number: int) -> None:
        os.kill(self.process, number)

    def wait(self) -> tuple[int, str, str]:
        """Wait for its end: (exit code, or minus a signal; stdout; stderr)."""
        deadline = time.monotonic() + SECONDS
        while self.is_running():
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
            time.sleep(0.01)
        _, status = os.waitpid(self.process, 0)
        texts = [(self.folder / name).read_text() for name in ("stdout", "stderr")]
        return os.waitstatus_to_exitcode(status), *texts


def fork(folder: Path, function: Callable[..., int | None], *arguments) -> Fork:
    """Start a function in a fork, where its value is the exit code and its prints go to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    process = os.fork()
    if process:
        return Fork(process, folder)
    code = 1
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            setattr(sys, name, open(number, "w", closefd=False))
        torch.set_num_threads(
            1
        )  # OpenMP's threads are not in the fork: waiting for them would hang
        code = function(*arguments) or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)


def in_a_fork(
    folder: Path, function: Callable[..., int | None], *arguments
) -> tuple[int, str, str]:
    """Run a function in a fork to its end; see ``Fork.wait``."""
    return fork(folder, function, *arguments).wait()


def on_a_full_disk(function: Callable[..., int | None], *arguments) -> int | None:
    """Run a function where no file can be larger than 100 kB; for forks only."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    return function(*arguments)
