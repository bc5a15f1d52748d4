"""Curves of a training run: the loss and the accuracy.

Beside the loss is ln N, the loss of a model that knows nothing.
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from clipbench.figures.canvas import (
    BLUE,
    GRAY,
    GREEN,
    LEGEND,
    ORANGE,
    WIDTH,
    LessonFigure,
    new_figure,
    plain,
)

Event = Mapping[str, Any]


def training_curve(events: Sequence[Event], batch_size: int) -> LessonFigure:
    """Draw loss and batch accuracy over the seconds of training.

    Args:
        events: what a ``Trainer`` reported; only its steps are drawn.
    """
    steps = steps_of(events)
    title = training_finding(steps)
    figure = new_figure(WIDTH, 3.3, f"Two curves over the seconds of training. {title}")
    left, right = (plain(ax) for ax in figure.subplots(1, 2))
    seconds, loss, accuracy = (column(steps, key) for key in ("seconds", "loss", "batch_accuracy"))
    draw_ln_line(left, batch_size)
    draw_curve(left, seconds, loss, BLUE, "running mean (thin: each batch)")
    left.set(xlabel="seconds of training", ylabel="contrastive loss in nats", ylim=(0, None))
    right.axhline(
        100 / batch_size, color=ORANGE, linestyle="--", label=f"chance, 1 in {batch_size}"
    )
    draw_curve(right, seconds, 100 * accuracy, BLUE, "running mean (thin: each batch)")
    right.set(
        xlabel="seconds of training", ylabel="pictures that find their caption in %", ylim=(0, 100)
    )
    for ax in (left, right):
        ax.legend(**LEGEND)
    figure.suptitle(title, fontsize=11)
    return figure


def compare_losses(runs: Mapping[str, Sequence[Event]], batch_size: int) -> LessonFigure:
    """Draw the losses of several runs, smoothed, over the pairs that each has seen."""
    last = {name: smooth(column(steps_of(events), "loss"))[-1] for name, events in runs.items()}
    title = f"Loss at the end: {', '.join(f'{value:.2f} ({name})' for name, value in last.items())}"
    figure = new_figure(7.5, 3.4, f"The loss of {len(runs)} runs over the pairs seen. {title}")
    ax = plain(figure.subplots())
    draw_ln_line(ax, batch_size)
    for (name, events), colour in zip(runs.items(), (BLUE, GREEN, GRAY), strict=False):
        steps = steps_of(events)
        draw_curve(ax, column(steps, "pairs"), column(steps, "loss"), colour, name)
    ax.set(xlabel="pairs seen", ylabel="contrastive loss in nats")
    ax.legend(**LEGEND)
    ax.set_title(title, fontsize=11)
    return figure


class LiveTrainingCurve:
    """A callback for the trainer that draws a live training curve.

    It keeps the trainer's events and redraws their curve below the notebook's cell.

    Args:
        every: seconds between two drawings; the time that drawing takes is not counted as training.
    """

    def __init__(self, batch_size: int, every: float = 4.0):
        self.batch_size, self.every = batch_size, every
        self.events: list[Event] = []
        self.handle, self.drawn = None, -math.inf

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        due = time.monotonic() - self.drawn >= self.every
        if event["event"] == "end" or (event["event"] == "step" and due):
            self.draw()

    def draw(self) -> None:
        from IPython.display import display

        if not steps_of(self.events):
            return
        figure = training_curve(self.events, self.batch_size)
        if self.handle is None:
            self.handle = display(figure, display_id=True)
        else:
            self.handle.update(figure)
        self.drawn = time.monotonic()


def training_finding(steps: Sequence[Event]) -> str:
    """Say how far the loss came, in one line."""
    loss, accuracy = smooth(column(steps, "loss")), smooth(column(steps, "batch_accuracy"))
    return (
        f"{steps[-1]['seconds']:.0f} s, {steps[-1]['pairs']:,} pairs: loss "
        f"{loss[0]:.2f} to {loss[-1]:.2f}, "
        f"captions found {accuracy[0]:.0%} to {accuracy[-1]:.0%}"
    )


def draw_ln_line(ax: Axes, batch_size: int) -> None:
    """Draw a line at the loss of a model that knows nothing."""
    level = math.log(batch_size)
    ax.axhline(
        level, color=ORANGE, linestyle="--", label=f"ln {batch_size} = {level:.2f}, knows nothing"
    )


def draw_curve(ax: Axes, x: np.ndarray, y: np.ndarray, colour: str, label: str) -> None:
    """Draw each value thinly, their running mean boldly."""
    ax.plot(x, y, color=colour, alpha=0.3, linewidth=0.8)
    ax.plot(x, smooth(y), color=colour, linewidth=2, label=label)


def smooth(values: np.ndarray, window: int = 15) -> np.ndarray:
    """Compute the mean of up to ``window`` values around each one, fewer at the ends."""
    half = min(window, len(values)) // 2
    total = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    low, high = np.maximum(place - half, 0), np.minimum(place + half + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def steps_of(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event["event"] == "step"]


def column(steps: Sequence[Event], key: str) -> np.ndarray:
    return np.array([float(step[key]) for step in steps])
