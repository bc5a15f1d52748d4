"""Lines over one changing quantity, and histograms of several groups.

Most questions need one of these two plots.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from clipbench.figures.canvas import (
    BLUE,
    GRAY,
    GREEN,
    LEGEND,
    ORANGE,
    LessonFigure,
    new_figure,
    plain,
)
from clipbench.figures.pictures import wrap

PURPLE, SKY = "#AA4499", "#56B4E9"
LINE_STYLES = (  # a line is known by its mark too, not by its colour alone
    (BLUE, "o", "-"),
    (ORANGE, "s", "-"),
    (GREEN, "^", "-"),
    (PURPLE, "D", "-"),
    (SKY, "v", "-"),
    (GRAY, "x", "--"),
)

Line = Sequence[float] | tuple[Sequence[float], Sequence[float], Sequence[float]]


def line_chart(
    x: Sequence[float],
    lines: Mapping[str, Line],
    title: str,
    xlabel: str,
    ylabel: str,
    *,
    logarithmic: bool = False,
    marks: Mapping[str, float] | None = None,
    ylim: tuple[float | None, float | None] | None = None,
    ticks: Sequence[float] | None = None,
) -> LessonFigure:
    """Draw up to six lines over the same ``x``, each with its name in the legend.

    Args:
        lines: name -> one value for each x; or (values, low, high), drawn with a band from low to
            high.
        marks: name -> a place on the x axis that gets a dotted upright line with that name.
        ticks: the places of numbers on the x axis, all of ``x`` if it has at most ten.

    Raises:
        ValueError: for more than six lines.
    """
    if len(lines) > len(LINE_STYLES):
        raise ValueError(
            f"{len(lines)} lines are too many to tell apart; give at most {len(LINE_STYLES)}"
        )
    figure = new_figure(7.5, 3.7, f"{len(lines)} lines ({', '.join(lines)}) over {xlabel}. {title}")
    ax = plain(figure.subplots())
    for (name, line), (colour, mark, dash) in zip(lines.items(), LINE_STYLES, strict=False):
        values, *band = line if isinstance(line, tuple) else (line,)
        ax.plot(x, values, dash, marker=mark, markersize=5, color=colour, label=name)
        if band:
            ax.fill_between(x, *band, color=colour, alpha=0.15, linewidth=0)
    if logarithmic:
        ax.set_xscale("log")
    ticks = ticks if ticks is not None else x if len(x) <= 10 else None
    if ticks is not None:
        ax.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
        ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=ylim)
    for name, place in (marks or {}).items():
        ax.axvline(place, color="black", linestyle=":", linewidth=1.2, label=name)
    if len(lines) + len(marks or {}) > 1:
        ax.legend(**LEGEND)
    ax.set_title(wrap(title, 6.5), fontsize=11)
    return figure


def histograms(
    groups: Mapping[str, Sequence[float]], title: str, xlabel: str, bins: int = 40
) -> LessonFigure:
    """Draw how often each value occurs, as shares of each group.

    So groups of any size can be compared.

    Args:
        groups: name -> values; up to three groups.
    """
    values = {name: np.asarray(each, dtype=float) for name, each in groups.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), bins)
    figure = new_figure(7.5, 3.3, f"Histograms of {', '.join(values)} over {xlabel}. {title}")
    ax = plain(figure.subplots())
    for (name, each), (colour, *_), hatch in zip(
        values.items(), LINE_STYLES, ("", "///", "..."), strict=False
    ):
        share = 100 * np.ones(len(each)) / len(each)
        ax.hist(
            each,
            edges.tolist(),
            weights=share,
            histtype="stepfilled",
            label=f"{name} ({len(each):,})",
            facecolor=f"{colour}70",
            edgecolor=colour,
            hatch=hatch,
            linewidth=1,
        )
    ax.set(xlabel=xlabel, ylabel="share of the group in %")
    ax.set_title(wrap(title, 6.5), fontsize=11)
    figure.legend(loc="outside lower right", ncols=len(groups), fontsize=9, frameon=False)
    return figure
