"""Figures 14 and 15: what probes of ever more pictures gain before a shift and keep behind it."""

from clipbench.figures import LessonFigure, line_chart
from clipbench.figures.canvas import rounded
from clipbench.paper_figures.controls import known_metrics
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.shifts import (
    STANDARD,
    adaptation,
    shifted,
    shots_of,
    without_model,
)
from clipbench.paper_figures.sources import Sources

NAME, TITLE = "fig14", "adapting to one kind of pictures (with figure 15)"
PAPER = (
    "a probe gains 9.2 points on ImageNet, while the mean of the shifts falls a "
    "little; a 16-shot probe equals"
    " zero-shot on ImageNet and is less robust"
)


def make(sources: Sources) -> Finding:
    metrics = adaptation(sources)
    free = without_model(known_metrics(sources, STANDARD))
    figure, finding, gains = draw(metrics, free)
    spread = "one model, mean of two draws of the shots; no interval over models"
    most = f"{max(shots_of(metrics))} shots"
    unmet = (
        f"{most} gain nothing on pictures like those trained: there is no adaptation to judge"
        if gains[0] <= 0
        else f"the gain of {most} has no interval"
    )
    return Finding(figure, finding, spread, unmet=unmet)


def draw(
    metrics: dict, free: dict[str, tuple[float, float]] | None = None
) -> tuple[LessonFigure, str, tuple[float, float]]:
    """Draw the gain of probes before and behind the shifts, over what needs no trained model.

    It gives (figure, finding, (gain before, gain behind the shifts) of the probe with most shots,
    in points).
    """
    shots = shots_of(metrics)
    before = [100 * metrics[f"shots/{k}/top1"] for k in shots]
    behind = [shifted(metrics, f"shots/{k}/") for k in shots]
    zero_before, zero_behind = 100 * metrics["top1"], shifted(metrics)
    gains = before[-1] - zero_before, behind[-1] - zero_behind
    told = [f"{rounded(gain, 1):+.1f}" for gain in gains]
    finding = (
        f"{shots[-1]} shots against zero-shot: {told[0]} points on pictures like those trained,"
        f" {told[1]} on other artists'"
    )
    lines = {
        "probe, same artist": before,
        "probe, other artists": behind,
        "zero-shot, same artist": [zero_before] * len(shots),
        "zero-shot, other artists": [zero_behind] * len(shots),
    }
    for name, both in list((free or {}).items())[:1]:
        for where, level in zip(("same artist", "other artists"), both, strict=True):
            lines[f"{name}, {where}"] = [level] * len(shots)
    axes = "labelled pictures per class", "top-1 in %"
    figure = line_chart(shots, lines, finding, *axes, logarithmic=True, ylim=(0, 103))
    return figure, finding, gains
