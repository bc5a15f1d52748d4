"""Plots for comparing many tasks or models.

They are bars in the order of their lengths, points with names, and lines from before to after.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from clipbench.figures.canvas import BLUE, GRAY, ORANGE, LessonFigure, new_figure, plain
from clipbench.figures.lines import LINE_STYLES
from clipbench.figures.pictures import wrap

Point = tuple[float, float] | tuple[float, float, float, float]
LABEL = 3.8  # inches: a longer name of a bar goes on in a second line


def slope_chart(
    groups: Mapping[str, Sequence[tuple[float, float]]],
    ends: tuple[str, str],
    title: str,
    ylabel: str,
) -> LessonFigure:
    """Draw what one change does: a line from before to after for each case.

    Args:
        groups: name -> (before, after) of each case, such as three trainings.
        ends: what stands below the two ends.
    """
    figure = new_figure(6.5, 3.8, f"Lines of {', '.join(groups)} from {' to '.join(ends)}. {title}")
    ax = plain(figure.subplots())
    for (name, cases), (colour, mark, _) in zip(groups.items(), LINE_STYLES, strict=False):
        for number, case in enumerate(cases):
            label = name if number == 0 else None
            ax.plot((0, 1), case, marker=mark, color=colour, linewidth=1.5, label=label)
    ax.set(xlim=(-0.25, 1.25), ylabel=ylabel)
    ax.set_xticks((0, 1), ends)
    ax.legend(fontsize=9, frameon=False)
    figure.suptitle(wrap(title, 5.8), fontsize=11)
    return figure


def ranked_bars(
    values: Mapping[str, Sequence[float]],
    title: str,
    xlabel: str,
    *,
    logarithmic: bool = False,
    marks: Mapping[str, float] | None = None,
    notes: Mapping[str, str] | None = None,
    dots: Mapping[str, Mapping[str, float]] | None = None,
) -> LessonFigure:
    """Draw one bar for each name, the longest above; what is below zero is orange.

    Args:
        values: name -> (value,) or (value, low, high).
        logarithmic: bars begin at 1.
        marks: name -> a place on the x axis that gets an upright line with that name.
        notes: name -> a few words that stand beside its bar instead of the number.
        dots: what is compared with the bars -> name -> its value, drawn as a mark on the bar.
    """
    order = sorted(values, key=lambda name: values[name][0], reverse=True)
    middle = np.array([values[name][0] for name in order])
    labels = [wrap(name, LABEL) for name in order]
    height = 1.2 + 0.27 * len(order) + 0.12 * sum(label.count("\n") for label in labels)
    figure = new_figure(7.5, height, f"{len(order)} bars of {xlabel}. {title}")
    ax = plain(figure.subplots())
    rows = np.arange(len(order))
    start = 1.0 if logarithmic else 0.0
    ax.barh(
        rows,
        middle - start,
        left=start,
        height=0.66,
        color=[BLUE if value >= 0 else ORANGE for value in middle],
    )
    ends = np.array(
        [values[name][1:] if len(values[name]) == 3 else (values[name][0],) * 2 for name in order]
    )
    if any(len(value) == 3 for value in values.values()):
        around = np.clip([middle - ends[:, 0], ends[:, 1] - middle], 0, None)
        ax.errorbar(middle, rows, xerr=around, fmt="none", ecolor="black", capsize=2.5, linewidth=1)
    if logarithmic:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:,.0f}")
    for row, name, value, (low, high) in zip(rows, order, middle, ends, strict=True):
        text = (notes or {}).get(name) or (f"{value:.3g}" if logarithmic else f"{value:+.0f}")
        write_beside(ax, text, low if value < 0 else high, float(row), left=bool(value < 0))
    for name, place in (marks or {}).items():
        ax.axvline(place, color=GRAY, linestyle="--", linewidth=1.2, label=name)
    for (what, some), mark in zip((dots or {}).items(), "Dx^", strict=False):
        known = [(some[name], row) for row, name in enumerate(order) if name in some]
        xs, ys = zip(*known, strict=True)
        ax.plot(xs, ys, mark, color="black", markersize=5, label=what, zorder=4)
    if marks or dots:
        ax.legend(fontsize=9, frameon=False)
    if not logarithmic:
        ax.axvline(0, color="black", linewidth=0.8)
    ax.margins(x=0.12)
    ax.set_yticks(rows, labels, fontsize=9)
    ax.invert_yaxis()
    ax.set(xlabel=xlabel)
    figure.suptitle(wrap(title, 5.9), fontsize=11)
    return figure


def write_beside(ax: Axes, text: str, end: float, row: float, left: bool) -> None:
    """Write a text beside the end of a bar, to its left or right."""
    ax.annotate(
        text,
        (end, row),
        (-5 if left else 5, 0),
        textcoords="offset points",
        va="center",
        ha="right" if left else "left",
        fontsize=8.5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def labelled_scatter(
    groups: Mapping[str, Mapping[str, Point]],
    title: str,
    xlabel: str,
    ylabel: str,
    *,
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    logarithmic: bool = False,
    logit: bool = False,
    names: bool = True,
    unnamed: Collection[str] = (),
) -> LessonFigure:
    """Draw points with their names; each group has its own colour and mark.

    Args:
        groups: group -> name -> (x, y) or (x, y, low, high), with the interval of y.
        lines: name -> (xs, ys), drawn below the points; "equal" is dashed.
        logarithmic: the x axis.
        logit: both axes hold per cent and are stretched as logits, so that models lie on lines.
        names: whether points get their names.
        unnamed: groups whose points get none.
    """
    count = sum(map(len, groups.values()))
    figure = new_figure(7.5, 4.6, f"{count} points, {ylabel} over {xlabel}. {title}")
    ax = plain(figure.subplots())
    if logit:
        stretch(ax)
    for (name, (xs, ys)), dash in zip((lines or {}).items(), ("--", "-", ":"), strict=False):
        ax.plot(xs, ys, dash, color=GRAY, linewidth=1.3, zorder=1, label=name)
    for points, (colour, mark, _) in zip(groups.values(), LINE_STYLES, strict=False):
        for x, y, *ends in points.values():
            if ends:
                ax.plot([x, x], ends, color=colour, linewidth=1.2, alpha=0.6, zorder=2)
            ax.plot(x, y, mark, color=colour, markersize=6.5, markeredgecolor="white", zorder=3)
    if logarithmic:
        ax.set_xscale("log")
    ax.margins(x=0.12)
    handles = [
        Line2D([], [], color=colour, marker=mark, linestyle="", label=group)
        for group, (colour, mark, _) in zip(groups, LINE_STYLES, strict=False)
    ]
    drawn = [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]
    ax.legend(handles=[*(handles if len(groups) > 1 else []), *drawn], fontsize=9, frameon=False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_title(wrap(title, 6.5), fontsize=11)
    if logit:
        tick_per_cent(ax)
    if names:
        name_points(
            figure,
            ax,
            [
                (name, point[:2])
                for group, points in groups.items()
                if group not in unnamed
                for name, point in points.items()
            ],
        )
    return figure


# Where a name may stand, in points from its dot, the first that is free: beside it, then ever
# farther off.
PLACES = [
    (7, 0),
    (-7, 0),
    (7, 9),
    (-7, 9),
    (7, -9),
    (-7, -9),
    *((side * 9, step) for step in (-18, 18, -27, 27, -36, -45, -54) for side in (-1, 1)),
]
LETTER, LINE = 4.4, 9.0  # of the font that names have, in points


def name_points(
    figure: LessonFigure, ax: Axes, places: Sequence[tuple[str, tuple[float, float]]]
) -> None:
    """Write a name for each point, none over another.

    A thin line leads to the names that stand apart.
    """
    figure.draw_without_rendering()  # so that the axes know where they are
    scale = 72 / figure.dpi
    dots = [(scale * ax.transData.transform(place)).tolist() for _, place in places]
    inside = ax.get_window_extent().bounds
    left, right = inside[0] * scale, (inside[0] + inside[2]) * scale
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in dots]
    for (name, place), (x, y) in zip(places, dots, strict=True):
        for dx, dy in PLACES:
            start = x + dx if dx > 0 else x + dx - LETTER * len(name)
            box = (start, start + LETTER * len(name), y + dy - LINE / 2, y + dy + LINE / 2)
            if (
                box[0] >= left
                and box[1] <= right + 20
                and not any(overlap(box, other) for other in taken)
            ):
                break
        taken.append(box)
        lead = {"arrowstyle": "-", "color": "#9AA3AD", "linewidth": 0.6} if abs(dy) > 9 else None
        ax.annotate(
            name,
            place,
            (dx, dy),
            textcoords="offset points",
            fontsize=8,
            color="#333a44",
            va="center",
            ha="left" if dx > 0 else "right",
            arrowprops=lead,
        )


def overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    """Say whether two boxes (left, right, bottom, top) overlap."""
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]


def stretch(ax: Axes) -> None:
    """Scale both axes in logits of per cent."""

    def forward(percent):
        share = np.clip(np.asarray(percent, dtype=float) / 100, 1e-4, 1 - 1e-4)
        return np.log(share / (1 - share))

    def back(value):
        return 100 / (1 + np.exp(-np.asarray(value, dtype=float)))

    for set_scale in (ax.set_xscale, ax.set_yscale):
        set_scale("function", functions=(forward, back))


def tick_per_cent(ax: Axes) -> None:
    """Write round numbers of per cent on both stretched axes, closer ones on a short axis."""
    usual = (0.1, 0.3, 1, 3, 10, 20, 30, 50, 70, 80, 90, 95, 98, 99)
    for (low, high), set_ticks in ((ax.get_xlim(), ax.set_xticks), (ax.get_ylim(), ax.set_yticks)):
        ticks = [tick for tick in usual if low <= tick <= high]
        if len(ticks) < 4:
            ticks = [tick for tick in range(5, 100, 5) if low <= tick <= high]
        set_ticks(ticks, [f"{tick:g}" for tick in ticks])
