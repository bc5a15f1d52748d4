"""What a TrainingMonitor shows: the numbers in large letters, and two curves as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from clipbench_widgets.core.html import status
from clipbench_widgets.core.style_files import sheet

WIDTH, HEIGHT = 440, 210  # of a curve
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 34  # its margins
WORDS = {
    "ready": "ready to start",
    "starting": "measuring how many threads are fastest …",
    "running": "training",
    "paused": "paused; the weights wait in memory",
    "stopped": "stopped",
    "finished": "finished",
    "failed": "ended by an error",
}

RULES = sheet("training_monitor/page.css")


def state_line(state: str) -> str:
    return status(escape(WORDS[state]))


def numbers(latest: dict, batch_size: int, chance_loss: float) -> str:
    """Show the last step's numbers, dashes before the first.

    ``chance_loss`` is the loss of guessing.
    """
    chance = f"guessing {100 / batch_size:.1f} %"
    tiles = (
        (
            "loss",
            shown(latest.get("loss"), "{:.2f}"),
            f"guessing {in_words(chance_loss, batch_size)}",
        ),
        (
            "batch accuracy",
            shown(latest.get("batch_accuracy"), "{:.0%}").replace("%", " %"),
            chance,
        ),
        ("scale", shown(latest.get("scale"), "{:.1f}"), about_scale(latest)),
        ("pairs a second", shown(latest.get("pairs_per_second"), "{:,.0f}"), "with captions"),
        ("pairs seen", shown(latest.get("pairs"), "{:,}"), duration(latest.get("seconds"))),
    )
    inside = "".join(
        f"<div><span>{name}</span><b>{value}</b><span>{note}</span></div>"
        for name, value, note in tiles
    )
    return f'<div class="clipbench-tiles">{inside}</div>'


def in_words(chance_loss: float, batch_size: int) -> str:
    """Write the loss of guessing, with the formula where it is the softmax's."""
    softmax = math.isclose(chance_loss, math.log(batch_size))
    return f"ln {batch_size} = {chance_loss:.2f}" if softmax else f"{chance_loss:.2f}"


def about_scale(latest: dict) -> str:
    bias = latest.get("bias")
    return "times the cosines" + ("" if bias is None else f", {bias:+.1f}")


def shown(value: float | None, form: str) -> str:
    if value is None:
        return "–"
    return form.format(value) if math.isfinite(value) else "not a number"


def duration(seconds: float | None) -> str:
    return "–" if seconds is None else f"in {int(seconds) // 60} min {int(seconds) % 60:02d} s"


def caption(pairs: int, accuracy: float) -> str:
    return (
        f'<div class="clipbench-small">Cosines of {pairs} texts (rows) with their '
        "pictures (columns); dark is high. "
        f"The right text is first for {100 * accuracy:.0f} % of the pictures.</div>"
    )


def charts(history: Sequence[dict], batch_size: int, chance_loss: float) -> str:
    """Draw loss and batch accuracy over the steps; ``chance_loss`` is the loss of guessing."""
    steps = [row["step"] for row in history]
    losses = [row["loss"] for row in history]
    first = next((loss for loss in losses if math.isfinite(loss)), 0.0)
    # whatever is higher runs along the edge
    top = min(max(1.1 * chance_loss, 1.05 * first), 2 * chance_loss)
    loss = chart(
        "loss",
        steps,
        [(losses, "bar-rest", 1.0), ([row["smoothed"] for row in history], "bar", 2.5)],
        top,
        chance_loss,
        f"{in_words(chance_loss, batch_size)}: guessing",
        "{:.0f}",
        ticks(top),
        below=not history or history[-1]["smoothed"] >= chance_loss,
    )
    accuracies = [row["batch_accuracy"] for row in history]
    accuracy = chart(
        "batch accuracy",
        steps,
        [(accuracies, "bar", 2.0)],
        1.0,
        1 / batch_size,
        f"1 / {batch_size}: guessing",
        "{:.0%}",
        [0, 0.25, 0.5, 0.75, 1],
    )
    return f'<div class="clipbench-monitor-curves">{loss}{accuracy}</div>'


def ticks(top: float) -> list[float]:
    return list(range(0, math.floor(top) + 1, 1 if top < 9 else 2))


@dataclass(frozen=True)
class Plane:
    """Where the steps ``low`` to ``high`` and the values 0 to ``top`` lie in a chart."""

    low: int
    high: int
    top: float

    @classmethod
    def of(cls, steps: Sequence[int], top: float) -> "Plane":
        low, high = (steps[0], max(steps[-1], steps[0] + 1)) if steps else (0, 1)
        return cls(low, high, top)

    def x(self, step: float) -> float:
        return LEFT + (step - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - min(max(value / self.top, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM)


def chart(
    name: str,
    steps: Sequence[int],
    lines: Sequence[tuple[Sequence[float], str, float]],
    top: float,
    reference: float,
    label: str,
    form: str,
    marks: Sequence[float],
    below: bool = False,
) -> str:
    """Draw curves over the steps of a training, as SVG.

    Args:
        lines: (values, colour in the theme, width), one value a step.
        reference: gets a dashed line with a label, above it or ``below``.
        marks: positions of numbers on the upright axis.
    """
    plane = Plane.of(steps, top)
    inside = [
        *(grid_line(plane.y(at), form.format(at).replace("%", " %")) for at in marks),
        *(curve(plane, steps, *line) for line in lines),
        reference_line(plane.y(reference), label, below),
        foot(name, [f"{step:,}" for step in (plane.low, steps[-1])] if steps else ["", ""]),
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name} by '
        f'step">{"".join(inside)}</svg>'
    )


def grid_line(y: float, number: str) -> str:
    return (
        f'<line class="clipbench-grid-line" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
        f'y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{number}</text>'
    )


def curve(
    plane: Plane, steps: Sequence[int], values: Sequence[float], colour: str, width: float
) -> str:
    """Draw the finite values over their steps."""
    points = " ".join(
        f"{plane.x(step):.1f},{plane.y(value):.1f}"
        for step, value in zip(steps, values, strict=True)
        if math.isfinite(value)
    )
    return (
        f'<polyline points="{points}" fill="none" stroke="var(--cb-{colour})" '
        f'stroke-width="{width}"/>'
    )


def reference_line(y: float, label: str, below: bool) -> str:
    """Draw a dashed line with its label above or below it."""
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
        'stroke="var(--cb-second)" stroke-width="2" stroke-dasharray="7 4"/>'
        f'<text class="clipbench-strong" x="{WIDTH - RIGHT}" y="{y + (16 if below else -6):.1f}" '
        f'text-anchor="end">{label}</text>'
    )


def foot(name: str, ends: Sequence[str]) -> str:
    """Write the first and the last step below the axis, and what the chart shows."""
    y = HEIGHT - BOTTOM + 16
    return (
        f'<text x="{LEFT}" y="{y}">{ends[0]}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{y}" text-anchor="end">{ends[1]}</text>'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 5}" '
        f'text-anchor="middle">{name} by step</text>'
    )
