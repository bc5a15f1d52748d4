"""Figure 5: zero-shot against a fully trained probe of another model's features, task by task."""

import math

from clipbench.figures import LessonFigure, ranked_bars
from clipbench.paper_figures.finding import PARTLY, YES, Finding
from clipbench.paper_figures.sources import NoRecord, Sources
from clipbench.paper_figures.suite import model_suite, other_suite, pixel_suite, shown

NAME, TITLE = "fig05", "zero-shot against a probe that saw every label"
PAPER = (
    "zero-shot CLIP wins on 16 of 27 sets: +20 and more on Food101 and Cars, -10 "
    "and worse on fine or abstract ones"
)
SUPERVISED = "twin-supervised-scene-tasks"


def make(sources: Sources) -> Finding:
    ours = model_suite(sources)
    try:
        rival, name = (
            other_suite(sources, SUPERVISED, "twin:supervised"),
            "a probe of the supervised twin's features",
        )
    except NoRecord:
        rival, name = pixel_suite(sources), "a probe of raw pixels"
    gaps = differences(ours, rival)
    figure, finding = draw(gaps, name)
    wins = sum(low > 0 for _, low, _ in gaps.values())
    losses = sum(high < 0 for _, _, high in gaps.values())
    return Finding(
        figure,
        finding,
        YES if wins and losses else PARTLY,
        "one model each; 95 % intervals of the pictures (Newcombe's of two independent shares)",
    )


def differences(
    ours: dict[str, dict], rival: dict[str, dict]
) -> dict[str, tuple[float, float, float]]:
    """Compare tasks: task -> (zero-shot less the rival's probe, low, high) in points.

    The interval is Newcombe's.
    """
    found = {}
    for task in [task for task in ours if task in rival]:
        a, b = (
            (numbers[kind], numbers[f"{kind}_low"], numbers[f"{kind}_high"])
            for numbers, kind in ((ours[task], "zero_shot"), (rival[task], "probe"))
        )
        gap = a[0] - b[0]
        low, high = math.hypot(a[0] - a[1], b[2] - b[0]), math.hypot(a[2] - a[0], b[0] - b[1])
        found[shown(task)] = (100 * gap, 100 * (gap - low), 100 * (gap + high))
    return found


def draw(gaps: dict[str, tuple[float, float, float]], rival: str) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding)."""
    wins = sum(value > 0 for value, *_ in gaps.values())
    best, worst = max(gaps, key=gaps.__getitem__), min(gaps, key=gaps.__getitem__)
    finding = (
        f"Zero-shot beats {rival} on {wins} of {len(gaps)} tasks, from "
        f"{gaps[worst][0]:+.0f} points ({worst})"
        f" to {gaps[best][0]:+.0f} ({best})"
    )
    return ranked_bars(gaps, finding, f"zero-shot less {rival}, in points of accuracy"), finding
