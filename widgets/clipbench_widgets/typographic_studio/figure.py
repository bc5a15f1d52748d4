"""The state of a TypographicStudio as a figure.

It has three pictures, and the probabilities before and after as bars.
"""

from collections.abc import Mapping, Sequence

from PIL import Image

from clipbench.figures.canvas import BLUE, ORANGE, LessonFigure, new_figure
from clipbench_widgets.core.format import percent, shortened
from clipbench_widgets.core.static_figure import (
    LONGEST_LABEL,
    MOST_ROWS,
    printable,
)
from clipbench_widgets.typographic_studio.verdict import Verdict


def studio_figure(
    pictures: Mapping[str, Image.Image], rows: Sequence[dict], verdict: Verdict, alt: str
) -> LessonFigure:
    """Draw the three pictures, and the probabilities before and after as bars.

    Args:
        pictures: ``before``, ``after`` and ``control``.
        rows: scores, from top to bottom; the first ones if there are many.
        alt: the same in words, for readers who do not see it.
    """
    shown = rows[:MOST_ROWS]
    figure = new_figure(12, max(3.2, 1.4 + 0.36 * len(shown)), alt)
    figure.suptitle(printable(verdict.headline()), fontsize=14)
    *stages, bars = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.7))
    names = "as it is", f"“{verdict.word}”", f"control “{verdict.control_word}”"
    for axes, (when, picture), name in zip(stages, pictures.items(), names, strict=True):
        axes.imshow(picture)
        axes.set_axis_off()
        row = getattr(verdict, when)
        says = f"{name}\n{shortened(row['text'], LONGEST_LABEL)} {percent(row[when])}"
        axes.set_title(printable(says), fontsize=11)
    places = range(len(shown))
    bars.barh(
        [place - 0.2 for place in places],
        [row["before"] for row in shown],
        0.36,
        color=BLUE,
        label="before",
    )
    bars.barh(
        [place + 0.2 for place in places],
        [row["after"] for row in shown],
        0.36,
        color=ORANGE,
        hatch="///",
        edgecolor="white",
        linewidth=0,
        label="with the word",
    )
    bars.set_yticks(places, [shortened(printable(row["text"]), LONGEST_LABEL) for row in shown])
    bars.set(xlim=(0, 1), ylim=(len(shown) - 0.4, -0.6), xlabel="probability")
    bars.legend(frameon=False, fontsize=10, loc="lower right")
    bars.spines[["top", "right", "left"]].set_visible(False)
    bars.tick_params(axis="y", length=0)
    return figure
