"""Figure 6: probes of a few pictures per class against zero-shot."""

from clipbench.evaluate.probes.few_shot import Match, examples_to_match
from clipbench.figures import LessonFigure, line_chart
from clipbench.paper_figures.finding import NO, PARTLY, YES, Finding, mean_of
from clipbench.paper_figures.sources import Sources
from clipbench.paper_figures.suite import shots_of, suite_with_shots

NAME, TITLE = "fig06", "zero-shot against few-shot probes"
PAPER = "on average zero-shot is as good as a probe of 4 pictures per class on the same features"


def make(sources: Sources) -> Finding:
    means = mean_curve(suite_with_shots(sources))
    figure, finding, match = draw(means)
    first = means["curve"][min(means["curve"])]
    appears = (
        YES
        if match and match.how == "interpolated"
        else NO
        if first[1] > means["zero_shot"][2]
        else PARTLY
    )
    return Finding(
        figure,
        finding,
        appears,
        f"{means['tasks']} scene tasks, draws of the shots as in the record;"
        " band: 95 % of the mean over tasks, from Student's over the draws",
    )


def mean_curve(suite: dict[str, dict]) -> dict:
    """Average over the tasks.

    ``curve``, shots -> (mean, low, high), ``zero_shot`` and ``full`` alike; ``tasks``.
    """
    tasks = list(suite.values())
    shared = sorted(set.intersection(*(set(shots_of(numbers)) for numbers in tasks)))
    return {
        "curve": {k: mean_over(tasks, f"probe_{k}") for k in shared},
        "zero_shot": mean_over(tasks, "zero_shot"),
        "full": mean_over(tasks, "probe"),
        "tasks": len(tasks),
    }


def mean_over(tasks: list[dict], key: str) -> tuple[float, float, float]:
    halves = [
        (numbers.get(f"{key}_high", numbers[key]) - numbers.get(f"{key}_low", numbers[key])) / 2
        for numbers in tasks
    ]
    return mean_of([numbers[key] for numbers in tasks], halves)


def draw(means: dict) -> tuple[LessonFigure, str, Match | None]:
    """Draw the figure: (figure, finding, where the curve meets zero-shot)."""
    shots = list(means["curve"])
    rows = {
        name: [100 * means["curve"][k][place] for k in shots]
        for place, name in enumerate(("mean", "low", "high"))
    }
    zero, full = 100 * means["zero_shot"][0], 100 * means["full"][0]
    match = examples_to_match(zero, shots, rows["mean"]) if len(shots) > 1 else None
    if match is None or match.how == "interpolated":
        worth = (
            f"about {match.examples:.1f} pictures per class"
            if match
            else "not known from one point"
        )
    else:
        worth = (
            f"{'fewer' if match.how.startswith('below') else 'more'} than "
            f"{match.examples:g} pictures per class"
        )
    finding = f"Zero-shot, {zero:.0f} %, is worth {worth} to a probe on the same features"
    lines = {
        "probe of k pictures per class": (rows["mean"], rows["low"], rows["high"]),
        "zero-shot": [zero] * len(shots),
        "probe of all pictures": [full] * len(shots),
    }
    figure = line_chart(
        shots,
        lines,
        finding,
        "labelled pictures per class",
        "mean accuracy of the tasks in %",
        logarithmic=True,
        ylim=(0, 103),
    )
    return figure, finding, match
