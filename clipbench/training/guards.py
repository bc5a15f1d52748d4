"""Guards that keep a training run sound.

They keep bad numbers out of the batch statistics, notice a loss that is stuck, and let signals end
a run.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

import torch
from torch import nn

HINT_STEP = 300  # the step after which a loss is looked at that has not moved ...
HINT_WITHIN = 0.01  # ... by this fraction of that of guessing


def batch_statistics(model: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Copy the statistics of every batch normalisation layer: pairs (buffer, copy of it).

    These layers learn from each batch in the forward pass.
    """
    norms = [
        module for module in model.modules() if isinstance(module, nn.modules.batchnorm._NormBase)
    ]
    return [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers()]


@torch.no_grad()
def put_back(statistics: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    for buffer, before in statistics:
        buffer.copy_(before)


def stuck_loss(step: int, smoothed_loss: float | None, chance: float) -> str | None:
    """Give a hint, once, when the loss is still ``chance``, that of a model that knows nothing."""
    if (
        step != HINT_STEP
        or smoothed_loss is None
        or abs(smoothed_loss - chance) > HINT_WITHIN * chance
    ):
        return None
    return (
        f"after {step} steps the loss is still {chance:.2f}, that of guessing; likely the learning "
        "rate is far too high or too low, or captions do not belong to their pictures "
        "or are all the same"
    )


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on Ctrl-C, a notebook's interrupt or a termination request inside the block.

    Signals are caught in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop_once(*_) -> None:
        for number in numbers:  # a second one inside ``stop`` would wait for its lock for ever
            signal.signal(number, signal.SIG_IGN)
        stop()

    before = {number: signal.signal(number, stop_once) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
