"""One long computation at a time, in a thread, that can be watched and given up."""

import asyncio
import queue
import threading
from collections.abc import Callable


class GivenUp(Exception):
    """For work to raise where it finds that it has been given up."""


class Background:
    """Runs the last thing that was asked for; what was asked for before is given up.

    Everything that is told about it is told in the kernel's own thread, when that is free. Where
    there is no event loop, as in a script, it is told by `wait`.
    """

    def __init__(self):
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._given_up = threading.Event()
        self._thread: threading.Thread | None = None

    def start(
        self, work: Callable, done: Callable, failed: Callable, report: Callable[[float], None]
    ) -> None:
        """Begin ``work(report, cancelled)``; then ``done(result)`` or ``failed(error)`` is
        called, unless given up.
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
                tell(done, work(lambda share: tell(report, share), given_up.is_set))
            except Exception as error:
                tell(failed, error)

        self._thread = threading.Thread(target=run, daemon=True, name="clipbench-background")
        self._thread.start()

    def cancel(self) -> None:
        """Give up what is running; nothing is told any more."""
        self._given_up.set()

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most so long, and tell what has happened.

        In a notebook nobody has to.
        """
        if self._thread is not None:
            self._thread.join(seconds)
        while not self._news.empty():
            self._news.get()()

    def _deliver(self, news: Callable[[], None]) -> None:
        if self._loop is None or self._loop.is_closed():
            self._news.put(news)
        else:
            self._loop.call_soon_threadsafe(news)
