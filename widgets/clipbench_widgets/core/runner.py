"""One long computation at a time, in a thread, that can be watched and given up."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress

REST = 0.001  # seconds between two steps; a lock is not fair, so others would not get their turn
END = object()


class GivenUp(Exception):
    """For work to raise where it finds that it has been given up."""


def ignore(_=None) -> None:
    """Ignore what is reported."""


class Runner:
    """Runs the last thing that was asked for; what was asked for before is given up.

    Everything about it is reported in the kernel's own thread, when that is free, or by `wait`.
    ``turn`` is held during each step of work that comes in steps; whoever computes with the
    same model elsewhere takes it too, and waits for one step at the longest.
    """

    def __init__(self):
        self._loop: asyncio.AbstractEventLoop | None = None
        with suppress(RuntimeError):  # a script: there only `wait` reports
            self._loop = asyncio.get_running_loop()
        self.turn = threading.Lock()
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._given_up = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether something runs, given up or not."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_here(self) -> bool:
        """Whether it is the runner's own thread that asks."""
        return threading.current_thread() is self._thread

    def start(
        self,
        work: Callable,
        done: Callable = ignore,
        failed: Callable[[Exception], None] = ignore,
        report: Callable = ignore,
    ) -> None:
        """Begin ``work(report, cancelled)``.

        Then ``done(result)`` or ``failed(error)`` is called, unless the work was given up.
        """
        self.cancel()
        before, given_up = self._thread, threading.Event()
        self._given_up = given_up

        def tell(receiver: Callable, what) -> None:
            self._deliver(lambda: None if given_up.is_set() else receiver(what))

        def run() -> None:
            if before is not None:
                before.join()  # one at a time: compiled code cannot be interrupted
            if given_up.is_set():
                return
            try:
                tell(done, work(lambda what: tell(report, what), given_up.is_set))
            except Exception as error:
                tell(failed, error)

        self._thread = threading.Thread(target=run, daemon=True, name="clipbench-runner")
        self._thread.start()

    def start_steps(
        self,
        steps: Generator,
        done: Callable = ignore,
        failed: Callable[[Exception], None] = ignore,
        report: Callable = ignore,
    ) -> None:
        """Begin a generator that can be given up between two steps.

        ``report`` gets each thing that it yields.
        """

        def work(report, cancelled) -> None:
            with closing(steps):
                while not cancelled():
                    with self.turn:
                        step = next(steps, END)
                    if step is END:
                        return
                    report(step)
                    time.sleep(REST)

        self.start(work, done, failed, report)

    def cancel(self) -> None:
        """Give up what is running; nothing more is reported."""
        self._given_up.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the end, at most so long, and tell what has happened."""
        if self._thread is not None:
            self._thread.join(seconds)
        self._tell()

    def _deliver(self, news: Callable[[], None]) -> None:
        self._news.put(news)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        while not self._news.empty():
            self._news.get()()
