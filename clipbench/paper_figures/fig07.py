"""Figure 7: how many labelled pictures per class zero-shot is worth, task by task."""

import statistics

from clipbench.figures import LessonFigure, ranked_bars
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import Sources
from clipbench.paper_figures.suite import shown, suite_with_shots

NAME, TITLE = "fig07", "data efficiency of zero-shot"
PAPER = (
    "median 5.4 and mean 20.8 pictures per class, from less than 1 (Flowers102, "
    "EuroSAT) to 184 (FER2013)"
)


def make(sources: Sources) -> Finding:
    examples = examples_by_task(suite_with_shots(sources))
    figure, finding = draw(examples)
    spread = (
        "curves are means over the draws of the record;"
        " log-linear interpolation; ends of the curves are bounds"
    )
    return Finding(figure, finding, spread, unmet="bounds at the ends of curves have no interval")


def examples_by_task(suite: dict[str, dict]) -> dict[str, tuple[float, str]]:
    """Collect the pictures per class that a probe needs to match zero-shot.

    It gives task -> (pictures per class, how: interpolated, below the range or above the range).
    """
    keys = "probe_examples_to_match_zero_shot", "probe_match"
    return {
        shown(task): (numbers[keys[0]], numbers[keys[1]].split(",")[0])
        for task, numbers in suite.items()
        if keys[0] in numbers
    }


def draw(examples: dict[str, tuple[float, str]]) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding)."""
    values = [value for value, _ in examples.values()]
    median = statistics.median(values)
    largest = max(examples, key=lambda name: examples[name][0])
    most, how = examples[largest]
    finding = (
        f"Zero-shot is worth {median:.1f} pictures per class in the median of "
        f"{len(values)} tasks, and"
        f" {most:,.0f} {'or more' if how == 'above the range' else 'at most'} ({largest})"
    )
    notes = {name: noted(*each) for name, each in examples.items()}
    # one needs a sliver to be seen
    bars = {name: (max(value, 1.02),) for name, (value, _) in examples.items()}
    marks = {f"median {median:.1f}": median}
    label = "pictures per class at which a probe equals zero-shot"
    return ranked_bars(bars, finding, label, logarithmic=True, marks=marks, notes=notes), finding


def noted(value: float, how: str) -> str:
    """Format a number of pictures, and whether it is a bound only."""
    sign = {"below the range": "≤ ", "above the range": "≥ "}.get(how, "")
    return f"{sign}{value:.1f}" if value < 100 else f"{sign}{value:,.0f}"
