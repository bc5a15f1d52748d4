"""Bars and points.

They show probabilities of classes, accuracies with their intervals, and features in a plane.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from PIL import Image

from clipbench.figures.canvas import BLUE, GRAY, ORANGE, LessonFigure, new_figure, plain
from clipbench.figures.pictures import same_length, wrap


def probability_bars(
    picture: Image.Image,
    texts: Sequence[str],
    probabilities: torch.Tensor,
    title: str | None = None,
) -> LessonFigure:
    """Draw a picture, and beside it one bar for each text; the longest is coloured.

    Args:
        probabilities: (C,), one number in [0, 1] for each text.
        title: names the most probable text if it is not given.
    """
    values = probabilities.tolist()
    same_length(texts=texts, probabilities=values)
    best = int(np.argmax(values))
    title = title or f"“{texts[best]}” gets {values[best]:.0%}"
    height = max(2.2, 0.75 + 0.34 * len(texts))
    figure = new_figure(
        7.5, height, f"Bar chart of {len(texts)} probabilities beside the picture. {title}"
    )
    left, right = figure.subplots(1, 2, width_ratios=(1.6, 4))
    left.imshow(np.asarray(picture.convert("RGB")), interpolation="lanczos")
    left.axis("off")
    colours = [BLUE if row == best else GRAY for row in range(len(texts))]
    bars = right.barh(range(len(texts)), values, color=colours)
    right.bar_label(bars, [f"{value:.1%}" for value in values], padding=4, fontsize=9)
    right.set_yticks(range(len(texts)), [wrap(text, 2.2) for text in texts])
    right.set(xlim=(0, 1.13), xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="probability")
    right.invert_yaxis()
    plain(right)
    figure.suptitle(title, fontsize=11)
    return figure


def accuracy_bars(
    accuracies: Mapping[str, Mapping[str, float]],
    chance: float,
    title: str | None = None,
    what: str = "top-1 accuracy",
) -> LessonFigure:
    """Draw top-1 accuracies, or other shares, with their 95% intervals.

    There is one bar for each name, and a line at chance.

    Args:
        accuracies: name -> {"top1", "top1_low", "top1_high"}, as the evaluators return them.
        what: the name of these shares.
    """
    names = list(accuracies)
    top, low, high = (
        100 * np.array([each[key] for each in accuracies.values()])
        for key in ("top1", "top1_low", "top1_high")
    )
    best, worst = names[top.argmax()], names[top.argmin()]
    title = (
        title
        or f"From {top.min():.0f}% ({worst}) to {top.max():.0f}% ({best}); chance is {chance:.1%}"
    )
    figure = new_figure(7.5, 1.1 + 0.36 * len(names), f"Bar chart of {what}. {title}")
    ax = plain(figure.subplots())
    rows = range(len(names))
    # an end may miss the middle by a rounding error
    around = np.clip([top - low, high - top], 0, None)
    ax.barh(rows, top, color=BLUE, height=0.7)
    ax.errorbar(top, rows, xerr=around, fmt="none", ecolor="black", capsize=3, label="95% interval")
    for row, value in enumerate(top):
        ax.annotate(
            f"{value:.0f}%",
            (high[row], row),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.axvline(100 * chance, color=ORANGE, linestyle="--", label="chance")
    ax.set_yticks(rows, names)
    ax.set(xlim=(0, 112), xticks=range(0, 101, 20), xlabel=f"{what} in %")
    ax.invert_yaxis()
    # over the figure: long names push the axes to the right
    figure.suptitle(wrap(title, 6.2), fontsize=11)
    figure.legend(loc="outside lower right", ncols=2, fontsize=9, frameon=False)
    return figure


def accuracy_dots(
    accuracies: Mapping[str, Mapping[str, float]],
    chances: Sequence[float],
    title: str | None = None,
) -> LessonFigure:
    """Draw top-1 accuracies of questions with different numbers of answers.

    Each is a dot with its 95% interval and a mark at chance.

    Args:
        accuracies: name -> {"top1", "top1_low", "top1_high"}, as the evaluators return them.
        chances: of each question.
    """
    same_length(accuracies=accuracies, chances=chances)
    names, chance = list(accuracies), 100 * np.array(chances)
    top, low, high = (
        100 * np.array([each[key] for each in accuracies.values()])
        for key in ("top1", "top1_low", "top1_high")
    )
    guessed = [
        name for name, bottom, level in zip(names, low, chance, strict=True) if bottom <= level
    ]
    not_these = f"; not {', '.join(guessed)}" if guessed else ""
    title = wrap(
        title or f"{len(names) - len(guessed)} of {len(names)} above chance{not_these}", 5.5
    )
    figure = new_figure(
        7.5, 1.2 + 0.3 * len(names), f"Dots of top-1 accuracy for {len(names)} questions. {title}"
    )
    ax = plain(figure.subplots())
    rows = range(len(names))
    ax.hlines(rows, 0, 100, color=GRAY, linewidth=0.5, alpha=0.5)
    around = np.clip([top - low, high - top], 0, None)
    ax.errorbar(
        top, rows, xerr=around, fmt="o", color=BLUE, ecolor="black", capsize=3, label="95% interval"
    )
    ax.plot(chance, rows, "|", color=ORANGE, markersize=13, markeredgewidth=2.5, label="chance")
    ax.set_yticks(rows, names)
    ax.set(xlim=(0, 102), xticks=range(0, 101, 20), xlabel="top-1 accuracy in %")
    ax.invert_yaxis()
    figure.suptitle(title, fontsize=11)
    figure.legend(loc="outside lower right", ncols=2, fontsize=9, frameon=False)
    return figure


def points_in_plane(
    picture_points: torch.Tensor,
    text_points: torch.Tensor,
    pictures: Sequence[Image.Image],
    texts: Sequence[str],
    title: str,
    labels: tuple[str, str] = ("first direction", "second direction"),
) -> LessonFigure:
    """Draw pictures and texts as points (M, 2) of one plane.

    Row i of both is a pair and is joined by a line.
    """
    same_length(
        pictures=pictures, picture_points=picture_points, text_points=text_points, texts=texts
    )
    figure = new_figure(
        7.0, 5.6, f"{len(texts)} pictures and their captions as points in a plane. {title}"
    )
    ax = plain(figure.subplots())
    places = zip(picture_points.tolist(), text_points.tolist(), strict=True)
    for picture, text, (here, there) in zip(pictures, texts, places, strict=True):
        ax.plot(*zip(here, there, strict=True), color=GRAY, linewidth=1, linestyle=":", zorder=1)
        thumbnail = OffsetImage(np.asarray(picture.convert("RGB")), zoom=0.75)
        ax.add_artist(
            AnnotationBbox(
                thumbnail, here, pad=0.1, bboxprops={"edgecolor": BLUE, "linewidth": 1.5}
            )
        )
        label_point(ax, text, there, away_from=here)
    points = torch.cat([picture_points, text_points])
    middle, reach = (points.amax(0) + points.amin(0)) / 2, (points.amax(0) - points.amin(0)) / 2
    low, high = (middle - 1.3 * reach).tolist(), (middle + 1.3 * reach).tolist()
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel=labels[0], ylabel=labels[1])
    ax.set_title(title, fontsize=11)
    return figure


def label_point(ax: Axes, text: str, point: Sequence[float], away_from: Sequence[float]) -> None:
    """Draw a dot with its text above or below, on the side where the picture is not."""
    above = point[1] > away_from[1]
    ax.plot(*point, "o", color=ORANGE, markersize=7, zorder=3)
    ax.annotate(
        text,
        (point[0], point[1]),
        (0, 8 if above else -8),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "top",
        fontsize=10,
        color=ORANGE,
        zorder=6,
    )
