"""A training as a figure: loss, batch accuracy, and the similarity matrix.

The loss has a line at the loss of guessing.
"""

from collections.abc import Sequence

import torch

from clipbench.figures.canvas import BLUE, ORANGE, LessonFigure, new_figure
from clipbench_widgets.core.static_figure import PALE_BLUE
from clipbench_widgets.training_monitor.page import in_words


def monitor_figure(
    history: Sequence[dict],
    batch_size: int,
    similarities: torch.Tensor,
    chance_loss: float,
    alt: str,
) -> LessonFigure:
    """Draw the loss, the batch accuracy and the similarity matrix of a training.

    Args:
        history: rows with ``step``, ``loss``, ``smoothed`` and ``batch_accuracy``.
        similarities: (texts, pictures).
        chance_loss: the loss of a model that guesses.
        alt: the same in words, for readers who do not see it.
    """
    figure = new_figure(12, 3.4, alt)
    loss, accuracy, matrix = figure.subplots(1, 3, width_ratios=(1.3, 1.3, 1))
    steps = [row["step"] for row in history]
    loss.plot(steps, [row["loss"] for row in history], color=PALE_BLUE, lw=0.8)
    loss.plot(steps, [row["smoothed"] for row in history], color=BLUE, lw=2)
    label = f"{in_words(chance_loss, batch_size)}: guessing"
    loss.axhline(chance_loss, color=ORANGE, ls="--", label=label)
    loss.set(xlabel="step", ylabel="loss", ylim=(0, None))
    accuracy.plot(steps, [row["batch_accuracy"] for row in history], color=BLUE, lw=1.5)
    accuracy.axhline(1 / batch_size, color=ORANGE, ls="--", label=f"1 / {batch_size}: guessing")
    accuracy.set(xlabel="step", ylabel="batch accuracy", ylim=(0, 1))
    for axes in (loss, accuracy):
        axes.legend(frameon=False, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    matrix.imshow(similarities.numpy(), cmap="Blues", vmin=0)
    matrix.set(xticks=[], yticks=[], xlabel="pictures", ylabel="texts", title="cosines")
    return figure
