"""Figure 13: accuracy after a shift over accuracy before it, beside the line of standard models."""

from collections.abc import Mapping

from clipbench.evaluate.robustness import LogitLine, fit_logit_line
from clipbench.evaluate.statistics.effects import Effect, exact
from clipbench.figures import LessonFigure, labelled_scatter
from clipbench.figures.comparisons import Point
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.shifts import (
    COMMAND,
    STANDARD,
    adaptation,
    shifted,
    shifted_interval,
    shots_of,
    without_model,
)
from clipbench.paper_figures.sources import Sources

NAME, TITLE = "fig13", "effective robustness"
PAPER = (
    "zero-shot CLIPs lie far above the line of standard ImageNet models, closing "
    "up to 75 % of the robustness gap"
)
ZERO_SHOT = {"tiny-adaptation": "tiny", "classroom-adaptation": "classroom"}


def make(sources: Sources) -> Finding:
    own = adaptation(sources)
    record = sources.record(STANDARD, COMMAND.replace("{model}", "twin:supervised"))
    standard = standard_points(record["metrics"])
    zero_shot = {sources.prefix: own} | {
        name: sources.record(record, "")["metrics"]
        for record, name in ZERO_SHOT.items()
        if sources.has(record) and name != sources.prefix
    }
    free = without_model(record["metrics"])
    figure, finding, gap = draw(zero_shot, standard, sources.prefix, free)
    spread = (
        f"line through {len(standard)} standard classifiers of one twin;"
        " 95 % intervals of the pictures, zero-shot models of one seed"
    )
    one = "the classifiers of the line are of one training: it has no interval"
    return Finding(figure, finding, spread, Effect(*gap), (exact(0),), unmet=one)


def standard_points(metrics: dict) -> dict[str, tuple[float, float]]:
    """Collect the accuracies of models that learned the classes from labels.

    It gives name -> (before, after the shifts) in per cent.
    """
    points = {
        f"{k} shots": (100 * metrics[f"shots/{k}/top1"], shifted(metrics, f"shots/{k}/"))
        for k in shots_of(metrics)
    }
    return points | (
        {"all labels": (100 * metrics["top1"], shifted(metrics))} if "top1" in metrics else {}
    )


def line_of(points: dict[str, tuple[float, float]]) -> LogitLine:
    """Fit a line through the points on logit axes.

    Raises:
        UserError: for fewer than two points of different accuracy, or one without a logit.
    """
    return fit_logit_line(
        *([value / 100 for value in column] for column in zip(*points.values(), strict=True))
    )


def draw(
    zero_shot: dict[str, dict],
    standard: dict[str, tuple[float, float]],
    own: str,
    free: dict[str, tuple[float, float]] | None = None,
):
    """Draw the figure; ``free``: (before, after) of what needs no trained model.

    It gives (figure, finding, the own model's effective robustness in points with its interval).
    """
    line = line_of(standard)
    xs = [value / 2 for value in range(2, 199)]
    points = {
        name: (100 * metrics["top1"], shifted(metrics), *shifted_interval(metrics))
        for name, metrics in zero_shot.items()
    }
    expected = 100 * line.expected(points[own][0] / 100)
    gap, low, high = (points[own][place] - expected for place in (1, 2, 3))
    finding = (
        f"{own}, zero-shot, is {gap:+.1f} points ({low:+.1f} to {high:+.1f}) from what "
        "standard models of its"
        f" accuracy keep ({points[own][1]:.1f} against {expected:.1f} %)"
    )
    groups: dict[str, Mapping[str, Point]] = {"zero-shot": points, "trained on labels": standard}
    if free:
        groups["without a trained model"] = free
    figure: LessonFigure = labelled_scatter(
        groups,
        finding,
        "before the shift, top-1 in %",
        "after it (other artists), top-1 in %",
        logit=True,
        lines={
            "equal": (xs, xs),
            "fit of standard models": (xs, [100 * line.expected(x / 100) for x in xs]),
        },
    )
    return figure, finding, (gap, low, high)
