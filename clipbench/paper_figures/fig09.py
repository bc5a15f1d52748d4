"""Figure 9: the zero-shot error of ever larger models."""

import math
import statistics
from collections.abc import Mapping

from clipbench.evaluate.records.record import MADE_BY
from clipbench.evaluate.statistics.effects import Effect, exact, over_runs
from clipbench.figures import LessonFigure, line_chart
from clipbench.figures.lines import Line
from clipbench.paper_figures.controls import levels_of_set
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import Sources

NAME, TITLE = "fig09", "error over the size of the model"
PAPER = "the mean error of 5 ResNets falls along a line in logarithms over 44 times the compute"
RECORD = "scaling-width"
LEAST = 5  # sizes, as in the paper


def make(sources: Sources) -> Finding:
    errors = errors_by_size(sources.raw(RECORD, MADE_BY[RECORD]))
    wrong = {name: 100 - level for name, level in levels_of_set(sources).items()}
    figure, finding = draw(errors, wrong)
    seeds = max(map(len, errors.values()))
    spread = f"{seeds} seeds of training; band: from worst to best seed"
    few = f"{len(errors)} sizes, and a line needs {LEAST} at least" if len(errors) < LEAST else ""
    return Finding(figure, finding, spread, powers(errors, seeds), (exact(0),), few)


def powers(errors: dict[float, list[float]], seeds: int) -> Effect:
    """Measure how fast the error falls: the power of the compute, of the ends, over the seeds."""
    small, large = min(errors), max(errors)
    found = [
        math.log(few / many) / math.log(large / small)
        for few, many in zip(errors[small], errors[large], strict=True)
    ]
    return over_runs([exact(power) for power in found], seeds)


def errors_by_size(record: dict) -> dict[float, list[float]]:
    """Collect errors in per cent, one for each seed, by the GFLOPs of a picture."""
    errors: dict[float, list[float]] = {}
    for run in record["runs"]:
        errors.setdefault(round(run["image_gflops"], 4), []).append(100 * (1 - run["top1"]))
    return errors


def draw(
    errors: dict[float, list[float]], levels: Mapping[str, float] | None = None
) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding); ``levels``, in per cent, are drawn beside the line."""
    sizes = sorted(errors)
    means = [statistics.fmean(errors[size]) for size in sizes]
    times = sizes[-1] / sizes[0]
    power = math.log(means[-1] / means[0]) / math.log(times)
    ends = f"{means[0]:.0f} to {means[-1]:.0f} %"
    finding = f"{times:.0f} times the compute of a picture: error {ends}, power {power:.2f}"
    band = [min(errors[size]) for size in sizes], [max(errors[size]) for size in sizes]
    axes = "GFLOP for each picture", "zero-shot error in %"
    ticks = [float(f"{size:.2g}") for size in sizes]
    lines: dict[str, Line] = {"mean of the seeds": (means, *band)}
    lines |= {name: [level] * len(sizes) for name, level in (levels or {}).items()}
    figure = line_chart(sizes, lines, finding, *axes, logarithmic=True, ticks=ticks)
    figure.axes[0].set_yscale("log")
    for write in (
        figure.axes[0].yaxis.set_major_formatter,
        figure.axes[0].yaxis.set_minor_formatter,
    ):
        write("{x:g}")
    return figure, finding
