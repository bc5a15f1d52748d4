"""Points and power laws on two logarithmic axes: what more compute buys."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from clipbench.figures.canvas import LessonFigure, new_figure, plain
from clipbench.figures.lines import LINE_STYLES
from clipbench.figures.pictures import wrap

# numbers that an axis may carry, in each power of ten
ROUND = np.array([1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9])

Points = tuple[Sequence[float], Sequence[float]]


def power_law_chart(
    groups: Mapping[str, Points],
    title: str,
    xlabel: str,
    ylabel: str,
    *,
    lines: Mapping[str, Points] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> LessonFigure:
    """Draw points over two logarithmic axes, where a power law is a straight line.

    Args:
        groups: name -> (x, y); up to six.
        lines: name -> (x, y), drawn dashed in the colour of the group that has the same place.
        names: name of a group -> a word beside each of its points.

    Raises:
        ValueError: for more than six groups.
    """
    if len(groups) > len(LINE_STYLES):
        raise ValueError(
            f"{len(groups)} groups are too many to tell apart; give at most {len(LINE_STYLES)}"
        )
    lines = lines or {}
    alt = f"Points ({', '.join(groups)}) with two logarithmic axes, {ylabel} over {xlabel}. {title}"
    figure = new_figure(7.5, 4.0, alt)
    ax = plain(figure.subplots())
    for (name, (x, y)), (colour, mark, _) in zip(groups.items(), LINE_STYLES, strict=False):
        ax.plot(x, y, mark, color=colour, markersize=7, label=name)
        for word, *place in zip((names or {}).get(name, ()), x, y, strict=False):
            ax.annotate(
                word,
                (place[0], place[1]),
                (7, 5),
                textcoords="offset points",
                fontsize=8.5,
                color=colour,
            )
    for (name, (x, y)), (colour, *_) in zip(lines.items(), LINE_STYLES, strict=False):
        ax.plot(x, y, "--", color=colour, linewidth=1.4, label=name)
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    ax.margins(x=0.12)
    number_upright_axis(ax)
    if len(groups) + len(lines) > 1:
        ax.legend(fontsize=9, frameon=False)
    ax.set_title(wrap(title, 6.5), fontsize=11)
    return figure


def number_upright_axis(ax: Axes) -> None:
    """Write plain numbers beside the axis, also when it spans less than a power of ten."""
    low, high = ax.get_ylim()
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = [tick for tick in np.unique(np.outer(powers, ROUND)) if low <= tick <= high]
    ticks = (
        ticks
        if len(ticks) <= 8
        else [tick for tick in ticks if f"{tick:g}".lstrip("0.")[0] in "125"]
    )
    ax.set_yticks(ticks, [f"{tick:,g}" for tick in ticks])
    ax.yaxis.set_minor_locator(NullLocator())
