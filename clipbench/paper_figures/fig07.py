"""Figure 7: how many labelled pictures per class zero-shot is worth, task by task."""

import statistics
from collections.abc import Sequence

from clipbench.evaluate.probes.few_shot import examples_to_match
from clipbench.evaluate.statistics.effects import Effect, exact
from clipbench.figures import LessonFigure, ranked_bars
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import Sources
from clipbench.paper_figures.suite import scenes_of_full_probe, shots_of, shown, suite_with_shots

NAME, TITLE = "fig07", "data efficiency of zero-shot"
PAPER = (
    "median 5.4 and mean 20.8 pictures per class, from less than 1 (Flowers102, "
    "EuroSAT) to 184 (FER2013)"
)


def make(sources: Sources) -> Finding:
    suite = suite_with_shots(sources)
    figure, finding = draw(examples_by_task(suite), at_chance(suite))
    spread = (
        "curves are means over the draws of the record; log-linear interpolation; ends of the "
        "curves are bounds; ends of the ratio: the far ends of the curve's and zero-shot's "
        "intervals"
    )
    ranges = ranges_by_task(suite, scenes_of_full_probe(sources))
    if not ranges:
        return Finding(figure, finding, spread, unmet="no task has a curve with an interval")
    return Finding(figure, finding, spread, ratio(ranges), (scatter(ranges),))


def at_chance(suite: dict[str, dict]) -> list[str]:
    """List the tasks that zero-shot does not answer above chance."""
    return [
        shown(task)
        for task, numbers in suite.items()
        if numbers["zero_shot_low"] <= numbers.get("chance", 0.0)
    ]


def ranges_by_task(suite: dict[str, dict], scenes: int) -> dict[str, Effect]:
    """Estimate the pictures per class that match zero-shot, with ends, where it is above chance.

    The low end lets the curve be at its upper ends and zero-shot at its lower, the high end the
    other way round.
    """
    found, guessed = {}, at_chance(suite)
    for task, numbers in suite.items():
        shots = shots_of(numbers)
        known = shots and all(f"probe_{k}_low" in numbers for k in shots)
        if shown(task) in guessed or not known:
            continue
        value, low, high = (
            matched(numbers, shots, scenes // numbers["answers"], curve, level)
            for curve, level in (("", ""), ("_high", "_low"), ("_low", "_high"))
        )
        found[task] = Effect(value, low, high)
    return found


def matched(numbers: dict, shots: list[int], full: int, curve: str, level: str) -> float:
    """Give the pictures per class at which one end of the curve equals one of zero-shot."""
    keys = [*(f"probe_{k}" for k in shots), "probe"]
    values = [numbers[f"{key}{curve}"] for key in keys]
    return examples_to_match(numbers[f"zero_shot{level}"], [*shots, full], values).examples


def ratio(ranges: dict[str, Effect]) -> Effect:
    """Divide the largest number of pictures by the smallest, at their near and far ends."""
    most = max(ranges.values(), key=lambda each: each.value)
    least = min(ranges.values(), key=lambda each: each.value)
    return Effect(
        most.value / least.value, most.low / least.high, most.high / least.low, trainings=1
    )


def scatter(ranges: dict[str, Effect]) -> Effect:
    """Give how far apart the ends of one task are, upper over lower, in the median."""
    return exact(statistics.median(each.high / each.low for each in ranges.values()))


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


def draw(
    examples: dict[str, tuple[float, str]], at_chance: Sequence[str] = ()
) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding); what stands ``at_chance`` is marked."""
    values = [value for value, _ in examples.values()]
    median = statistics.median(values)
    largest = max(examples, key=lambda name: examples[name][0])
    most, how = examples[largest]
    finding = (
        f"Zero-shot is worth {median:.1f} pictures per class in the median of "
        f"{len(values)} tasks, and"
        f" {most:,.0f} {'or more' if how == 'above the range' else 'at most'} ({largest})"
    )
    notes = {
        name: noted(*each) + (" (zero-shot is at chance)" if name in at_chance else "")
        for name, each in examples.items()
    }
    # one needs a sliver to be seen
    bars = {name: (max(value, 1.02),) for name, (value, _) in examples.items()}
    marks = {f"median {median:.1f}": median}
    label = "pictures per class at which a probe equals zero-shot"
    return ranked_bars(bars, finding, label, logarithmic=True, marks=marks, notes=notes), finding


def noted(value: float, how: str) -> str:
    """Format a number of pictures, and whether it is a bound only."""
    sign = {"below the range": "≤ ", "above the range": "≥ "}.get(how, "")
    return f"{sign}{value:.1f}" if value < 100 else f"{sign}{value:,.0f}"
