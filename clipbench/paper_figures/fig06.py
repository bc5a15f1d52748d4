"""Figure 6: probes of a few pictures per class against zero-shot."""

from clipbench.evaluate.probes.few_shot import Match, examples_to_match
from clipbench.evaluate.statistics.effects import Effect, difference, exact
from clipbench.figures import LessonFigure, line_chart
from clipbench.paper_figures.controls import texts_alone
from clipbench.paper_figures.finding import Finding, mean_of
from clipbench.paper_figures.sources import Sources
from clipbench.paper_figures.suite import shots_of, suite_with_shots

NAME, TITLE = "fig06", "zero-shot against few-shot probes"
WORTH = 4  # pictures per class, in the paper
PAPER = "on average zero-shot is as good as a probe of 4 pictures per class on the same features"


def make(sources: Sources) -> Finding:
    means = mean_curve(suite_with_shots(sources))
    texts = mean_of_texts(sources)
    figure, finding, _ = draw(means, texts)
    spread = (
        f"{means['tasks']} scene tasks, draws of the shots as in the record;"
        " band: 95 % of the mean over tasks, from Student's over the draws"
    )
    if WORTH not in means["curve"]:
        return Finding(figure, finding, spread, unmet=f"no probe of {WORTH} pictures per class")
    zero_shot, few = (
        Effect(*each).times(100) for each in (means["zero_shot"], means["curve"][WORTH])
    )
    return Finding(figure, finding, spread, difference(zero_shot, few), (guessed(texts, few),))


def mean_of_texts(sources: Sources) -> float | None:
    """Average how often answers are chosen rightly without the picture, in per cent.

    None without the record.
    """
    texts = texts_alone(sources)
    return sum(texts.values()) / len(texts) if texts else None


def guessed(texts: float | None, few: Effect) -> Effect | None:
    """Measure how far choosing by the texts alone is above the probe of a few pictures."""
    return None if texts is None else difference(exact(texts), few)


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


def draw(means: dict, texts: float | None = None) -> tuple[LessonFigure, str, Match | None]:
    """Draw the figure: (figure, finding, where the curve meets zero-shot).

    ``texts``, in per cent, draws what the answers' words alone give away.
    """
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
    if texts is not None:
        lines["texts alone, without the picture"] = [texts] * len(shots)
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
