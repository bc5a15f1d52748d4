"""The size curve as SVG: three lines with intervals, and a sentence.

The lines differ in colour, dash and mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from clipbench_widgets.core.format import shortened
from clipbench_widgets.core.style_files import sheet
from clipbench_widgets.typographic_studio.size_sweep import Question

WIDTH, HEIGHT = 400, 220  # of the drawing
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 10, 38  # its margins

RULES = sheet("typographic_studio/size_chart.css")


@dataclass(frozen=True)
class Line:
    metric: str
    name: str
    colour: str  # a name in the theme
    dash: str
    mark: str  # circle, square or triangle

    @property
    def paint(self) -> str:
        return f"var(--cb-{self.colour})"


def size_chart(points: Sequence[dict], question: Question) -> str:
    """Draw the size curve, with the names of its lines and a sentence.

    Args:
        points: at least one, from small to large, as `size_sweep.sweep` gives them.
    """
    word, control = (shortened(each, 20) for each in (question.sticker.word, question.control_word))
    lines = (
        Line("success", f"verdict is “{word}”", "second", "", "circle"),
        Line(
            "control_target",
            f"verdict is “{word}” though the sticker says “{control}”",
            "bar",
            "6 4",
            "square",
        ),
        Line("attacked_top1", f"verdict is right in spite of “{word}”", "frame", "2 3", "triangle"),
    )
    names = "".join(f"<span>{key(line)}{escape(line.name)}</span>" for line in lines)
    drawn = "".join(draw_line(line, points) for line in lines)
    about = escape(sentence(points, question))
    return (
        f'<div class="clipbench-line-names">{names}</div>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{about}">{axes(points)}{drawn}</svg><p>{about}</p>'
    )


def sentence(points: Sequence[dict], question: Question) -> str:
    """Describe the point of most success in words."""
    best = max(points, key=lambda point: point["success"])
    ends = f"{100 * best['success_low']:.0f} to {100 * best['success_high']:.0f} %"
    return (
        f"At a size of {100 * best['height']:.0f} %, the verdict is “{question.sticker.word}” on "
        f"{100 * best['success']:.0f} % of the pictures (95 % interval {ends}); with "
        f"“{question.control_word}” "
        f"on the sticker, {100 * best['control_target']:.0f} %. Without any sticker "
        f"{100 * best['clean_top1']:.0f} % "
        f"are judged right, with “{question.sticker.word}” {100 * best['attacked_top1']:.0f} %."
    )


def x_of(height: float, points: Sequence[dict]) -> float:
    low, high = points[0]["height"], max(points[-1]["height"], points[0]["height"] + 0.1)
    return LEFT + (height - low) / (high - low) * (WIDTH - LEFT - RIGHT)


def y_of(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def axes(points: Sequence[dict]) -> str:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = y_of(share)
        parts.append(
            f'<line class="clipbench-grid-line" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="clipbench-tick" x="{LEFT - 8}" y="{y + 4:.1f}" '
            f'text-anchor="end">{100 * share:.0f} %</text>'
        )
    for point in points:
        x = x_of(point["height"], points)
        parts.append(
            f'<text class="clipbench-tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" '
            'text-anchor="middle">'
            f"{100 * point['height']:.0f}</text>"
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    label = "height of the sticker, % of the picture"
    parts.append(
        f'<text class="clipbench-tick" x="{middle}" y="{HEIGHT - 4}" '
        f'text-anchor="middle">{label}</text>'
    )
    return "".join(parts)


def draw_line(line: Line, points: Sequence[dict]) -> str:
    spots = [(x_of(point["height"], points), y_of(point[line.metric])) for point in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    whiskers = "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y_of(point[f"{line.metric}_low"]):.1f}" '
        f'y2="{y_of(point[f"{line.metric}_high"]):.1f}" stroke="{line.paint}" '
        'stroke-width="1.5" opacity="0.55"/>'
        for (x, _), point in zip(spots, points, strict=True)
    )
    marks = "".join(mark(line.mark, x, y, line.paint) for x, y in spots)
    return (
        f'{whiskers}<polyline points="{path}" fill="none" stroke="{line.paint}" stroke-width="2.5" '
        f'stroke-dasharray="{line.dash}"/>{marks}'
    )


def key(line: Line) -> str:
    """Draw a piece of the line, for its name."""
    return (
        '<svg viewBox="0 0 34 12" aria-hidden="true"><line x1="0" x2="34" y1="6" '
        f'y2="6" stroke="{line.paint}" '
        f'stroke-width="2.5" stroke-dasharray="{line.dash}"/>{mark(line.mark, 17, 6, line.paint)}</svg>'
    )


def mark(shape: str, x: float, y: float, colour: str) -> str:
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'
    if shape == "square":
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
    return (
        f'<path d="M{x:.1f} {y - 5:.1f} L{x + 5:.1f} {y + 4:.1f} L{x - 5:.1f} '
        f'{y + 4:.1f} Z" fill="{colour}"/>'
    )
