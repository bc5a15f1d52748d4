"""Figure 8: what zero-shot reaches against what a full probe of the same features reaches."""

import random
import statistics

import numpy as np

from clipbench.evaluate.statistics.effects import Effect
from clipbench.figures import LessonFigure, labelled_scatter
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import NoRecord, Sources
from clipbench.paper_figures.suite import model_suite, pixel_suite, shown

NAME, TITLE = "fig08", "zero-shot against the full probe"
PAPER = (
    "r = 0.82 over 27 sets; most points lie 10 to 25 points below equality, five "
    "within 3 points of it"
)


def make(sources: Sources) -> Finding:
    suite = model_suite(sources)
    points, pixels = both_accuracies(suite), with_pixels(sources, suite)
    figure, finding, r = draw(points, pixels)
    spread = f"{len(points)} scene tasks; 95 % bootstrap over tasks; few points, so r is uncertain"
    control = Effect(*correlation(pixels)) if pixels else None
    return Finding(figure, finding, spread, Effect(*r), (control,))


def with_pixels(sources: Sources, suite: dict[str, dict]) -> dict[str, tuple[float, float]]:
    """Collect (probe of raw pixels, zero-shot) of each task; empty without the record.

    Tasks that are easy for anything make any two accuracies correlate.
    """
    try:
        pixels = pixel_suite(sources)
    except NoRecord:
        return {}
    return both_accuracies(
        {
            task: numbers | {"probe": pixels[task]["probe"]}
            for task, numbers in suite.items()
            if task in pixels
        }
    )


def both_accuracies(suite: dict[str, dict]) -> dict[str, tuple[float, float]]:
    """Collect accuracies in per cent: task -> (full probe, zero-shot)."""
    return {
        shown(task): (100 * numbers["probe"], 100 * numbers["zero_shot"])
        for task, numbers in suite.items()
    }


def correlation(
    points: dict[str, tuple[float, float]], draws: int = 2000
) -> tuple[float, float, float]:
    """Compute Pearson's correlation: (r, low, high).

    The 95 % interval is a bootstrap over the points.
    """
    xy = np.array(list(points.values()))
    chooser = random.Random(0)
    found = []
    for _ in range(draws if len(xy) > 2 else 0):
        some = xy[[chooser.randrange(len(xy)) for _ in xy]]
        if some.std(0).min() > 0:
            found.append(np.corrcoef(some.T)[0, 1])
    r = float(np.corrcoef(xy.T)[0, 1]) if len(xy) > 2 else float("nan")
    low, high = np.quantile(found, (0.025, 0.975)) if found else (-1.0, 1.0)
    return r, float(low), float(high)


def draw(
    points: dict[str, tuple[float, float]], pixels: dict[str, tuple[float, float]] | None = None
) -> tuple[LessonFigure, str, tuple[float, float, float]]:
    """Draw the figure: (figure, finding, (r, low, high)).

    ``pixels`` are drawn beside it: what a probe of raw pixels has on the same tasks.
    """
    r, low, high = correlation(points)
    gaps = [x - y for x, y in points.values()]
    near = sum(gap <= 3 for gap in gaps)
    finding = (
        f"r = {r:.2f} ({low:.2f} to {high:.2f}); the probe is "
        f"{statistics.median(gaps):.0f} points above zero-shot"
        f" in the median, on {near} of {len(points)} tasks at most 3"
    )
    groups = {"probe of the features": points}
    if pixels:
        groups["probe of raw pixels (control)"] = pixels
        finding += f"; with raw pixels r = {correlation(pixels)[0]:.2f}"
    axes = "linear probe of all pictures, accuracy in %", "zero-shot, accuracy in %"
    lines = {"equal": ([0, 100], [0, 100])}
    figure = labelled_scatter(groups, finding, *axes, lines=lines, unnamed=list(groups)[1:])
    return figure, finding, (r, low, high)
