"""The state of an explorer as a figure: the picture, cosines on an axis, probabilities as bars."""

from collections.abc import Sequence

from clipbench.figures.canvas import BLUE, LessonFigure, new_figure
from clipbench_widgets.core.format import percent, shortened
from clipbench_widgets.core.pictures import NamedPicture
from clipbench_widgets.core.scoring import Background
from clipbench_widgets.core.static_figure import (
    GREY,
    LONGEST_LABEL,
    MOST_ROWS,
    PALE_BLUE,
    printable,
)


def score_figure(
    rows: Sequence[dict], entry: NamedPicture, scale: float, background: Background, alt: str
) -> LessonFigure:
    """Draw rows from top to bottom in the order given, the first ones if there are many.

    Args:
        alt: the same in words, for readers who do not see it.
    """
    shown = rows[:MOST_ROWS]
    figure = new_figure(10, max(2.6, 1.3 + 0.34 * len(shown)), alt)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.1, 1.6))
    left.imshow(entry.picture.convert("RGB"))
    left.set_axis_off()
    left.set_title(shortened(printable(entry.name), LONGEST_LABEL), fontsize=11)
    places = range(len(shown))
    draw_cosines(middle, shown, background)
    right.barh(places, [row["probability"] for row in shown], color=PALE_BLUE)
    best = max(places, key=lambda place: shown[place]["probability"])
    right.barh([best], [shown[best]["probability"]], color=BLUE)
    for place, row in enumerate(shown):
        right.text(
            row["probability"] + 0.015, place, percent(row["probability"]), va="center", fontsize=10
        )
    right.set(xlim=(0, 1.18), ylim=(len(shown) - 0.4, -0.6), yticks=[], xticks=[0, 0.5, 1])
    right.set_xlabel("probability")
    more = f", first {len(shown)} of {len(rows)}" if len(rows) > len(shown) else ""
    right.set_title(f"softmax of {scale:.3g} × cosine{more}", fontsize=11)
    for axes in (middle, right):
        axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def draw_cosines(axes, rows: Sequence[dict], background: Background) -> None:
    """Draw a dot per prompt, and a grey band for random texts."""
    low, high = background.mean - background.deviation, background.mean + background.deviation
    axes.axvspan(low, high, color=GREY, alpha=0.6, lw=0)
    axes.axvline(0, color="#7a8594", lw=0.8)
    axes.plot([row["cosine"] for row in rows], range(len(rows)), "o", color=BLUE, ms=7)
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="cosine (grey: random texts)")
    labels = [shortened(printable(row["prompt"]), LONGEST_LABEL) for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=11)
    axes.tick_params(axis="y", length=0)
