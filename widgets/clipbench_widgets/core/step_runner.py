"""Work that takes longer than a click: one job at a time in a thread, with a way to stop it."""

import threading
from collections.abc import Callable, Iterator


class StepRunner:
    """Runs a generator in a thread; between two of its steps it can be stopped.

    ``turn`` is held during each step. Whoever computes with the same model elsewhere takes it too,
    so that there is at most one computation at a time, and waits for one step at the longest.
    """

    def __init__(self):
        self.turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(
        self,
        steps: Iterator,
        on_step: Callable[[object], None],
        on_end: Callable[[Exception | None], None],
    ) -> None:
        """Run ``steps``, unless something runs already.

        Args:
            on_step: called with each thing that ``steps`` yields.
            on_end: called once, with the error if there was one; None also when the job was
                stopped.
        """
        if self.running:
            return
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._run, args=(steps, on_step, on_end), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ask for an end; it comes after the present step."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether the last job was asked to end early."""
        return self._stop.is_set()

    def wait(self, seconds: float | None = None) -> None:
        """Until the job has ended; must not be called by its own callbacks."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, steps: Iterator, on_step, on_end) -> None:
        problem = None
        try:
            while not self._stop.is_set():
                with self.turn:
                    step = next(steps, self)
                if step is self:
                    break
                on_step(step)
                self._stop.wait(0.001)  # a lock is not fair: let others have their turn
        except Exception as error:
            problem = error
        finally:
            steps.close()
            on_end(problem)
