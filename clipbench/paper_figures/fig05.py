"""Figure 5: zero-shot against a fully trained probe of another model's features, task by task."""

from clipbench.evaluate.statistics.effects import Effect, difference, mean
from clipbench.figures import LessonFigure, ranked_bars
from clipbench.paper_figures.controls import texts_alone
from clipbench.paper_figures.finding import Finding, of_share
from clipbench.paper_figures.sources import NoRecord, Sources
from clipbench.paper_figures.suite import model_suite, other_suite, pixel_suite, shown

NAME, TITLE = "fig05", "zero-shot against a probe that saw every label"
PAPER = (
    "zero-shot CLIP wins on 16 of 27 sets: +20 and more on Food101 and Cars, -10 "
    "and worse on fine or abstract ones"
)
PIXELS = "a probe of raw pixels"
SUPERVISED = "suite-supervised"


def make(sources: Sources) -> Finding:
    ours = model_suite(sources)
    try:
        rival, name = (
            other_suite(sources, SUPERVISED, "twin:supervised"),
            "a probe of the supervised twin's features",
        )
    except NoRecord:
        rival, name = pixel_suite(sources), PIXELS
    gaps = differences(ours, rival)
    others = (
        {}
        if name == PIXELS
        else {f"less {PIXELS}": middles(differences(ours, pixel_suite(sources)))}
    )
    if texts := texts_alone(sources):
        others["less the texts alone"] = {
            shown(task): 100 * numbers["zero_shot"] - texts[task]
            for task, numbers in ours.items()
            if task in texts
        }
    figure, finding = draw(gaps, name, others)
    spread = "one model each; 95 % intervals of the pictures (Newcombe's of two independent shares)"
    pixels = pixel_suite(sources)
    labelled = None if name == PIXELS else above_pixels(rival, "probe", pixels)
    effect = above_pixels(ours, "zero_shot", pixels)
    return Finding(figure, finding, spread, effect, (labelled,))


def above_pixels(suite: dict[str, dict], kind: str, pixels: dict[str, dict]) -> Effect:
    """Measure how far an accuracy is above a probe of raw pixels, on average, in points."""
    gaps = [
        difference(of_share(suite[task], kind), of_share(pixels[task], "probe"))
        for task in suite
        if task in pixels
    ]
    return mean(gaps)


def differences(
    ours: dict[str, dict], rival: dict[str, dict]
) -> dict[str, tuple[float, float, float]]:
    """Compare tasks: task -> (zero-shot less the rival's probe, low, high) in points.

    The interval is Newcombe's.
    """
    found = {}
    for task in [task for task in ours if task in rival]:
        gap = difference(of_share(ours[task], "zero_shot"), of_share(rival[task], "probe"))
        found[shown(task)] = (gap.value, gap.low, gap.high)
    return found


def middles(gaps: dict[str, tuple[float, float, float]]) -> dict[str, float]:
    return {task: value for task, (value, *_) in gaps.items()}


def draw(
    gaps: dict[str, tuple[float, float, float]],
    rival: str,
    others: dict[str, dict[str, float]] | None = None,
) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding); ``others``: what else zero-shot is compared with."""
    wins = sum(value > 0 for value, *_ in gaps.values())
    best, worst = max(gaps, key=gaps.__getitem__), min(gaps, key=gaps.__getitem__)
    finding = (
        f"Zero-shot beats {rival} on {wins} of {len(gaps)} tasks, from "
        f"{gaps[worst][0]:+.0f} points ({worst})"
        f" to {gaps[best][0]:+.0f} ({best})"
    )
    label = f"zero-shot less {rival}, in points of accuracy"
    return ranked_bars(gaps, finding, label, dots=others), finding
