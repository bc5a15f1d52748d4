"""Fair comparisons: contestants take turns in one process.

So a busy machine is busy for all of them.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping

import torch


def take_turns(
    contestants: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Measure the seconds of each contestant in each round, after one round to warm up.

    The order is reversed every time.
    """
    for work in contestants.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names if number % 2 == 0 else reversed(names):
            finish()
            began = time.perf_counter()
            contestants[name]()
            finish()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def report(line: str) -> None:
    """Print how far a long benchmark is, on stderr."""
    print(line, file=sys.stderr, flush=True)


def finish() -> None:
    """Wait for what a GPU still has to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratio(slow: list[float], fast: list[float]) -> float:
    """Compute how many times faster one is: the median over the rounds of what each round gave."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))
