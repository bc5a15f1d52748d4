"""Figure 10: the mean of linear probes over the compute of a picture, for several models."""

import contextlib

from clipbench.evaluate.statistics.effects import Effect, exact
from clipbench.figures import LessonFigure, labelled_scatter
from clipbench.paper_figures.fig06 import mean_over
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import NoRecord, Sources
from clipbench.paper_figures.suite import model_suite, other_suite, pixel_suite

NAME, TITLE = "fig10", "probes of several models over their compute"
PAPER = (
    "the best CLIP's mean probe is 2.6 points above the best other model on 12 sets, and 5 on 27"
)
CLIPS = {  # record -> (name in the figure, model)
    "suite-tiny": ("tiny", "tiny"),
    "suite-classroom": ("classroom", "classroom"),
}
OTHERS = {
    "suite-supervised": ("supervised twin", "twin:supervised"),
    "suite-simclr": ("SimCLR twin", "twin:simclr"),
    "suite-untrained": ("untrained, as tiny", "tiny"),
}
PIXELS = "raw pixels"
RAW_PIXELS = 1e-4  # GFLOP: where a point of none is drawn
AXES = ("GFLOP for each picture (raw pixels: none)", "mean of the linear probes in %")


def make(sources: Sources) -> Finding:
    suites = all_suites(sources)
    figure, finding, gap = draw(
        suites, {name: gflops(model) for name, (model, _) in suites.items()}
    )
    spread = (
        f"{len(suites)} models, one seed each; 95 % of the mean over"
        " tasks, from the pictures' Wilson intervals"
    )
    if not sources.has(f"suite-{sources.prefix}"):
        spread += f"; {sources.prefix} by its own record, whose probes may have seen more scenes"
    missing = [name for name, _ in OTHERS.values() if name not in suites]
    unmet = f"no record of {', '.join(missing)}" if missing else ""
    return Finding(figure, finding, spread, Effect(*gap).times(100), (exact(0),), unmet)


def all_suites(sources: Sources) -> dict[str, tuple[str, dict]]:
    """Name -> (model, suite) of the models with a record of equal scenes, and raw pixels.

    Where this scale's model has none, its own suite stands in.
    """
    found: dict[str, tuple[str, dict]] = {}
    for record, (name, model) in (CLIPS | OTHERS).items():
        with contextlib.suppress(NoRecord):
            found[name] = (model, other_suite(sources, record, model))
    if sources.prefix not in found:
        found[sources.prefix] = (sources.model, model_suite(sources))
    with contextlib.suppress(NoRecord):
        found[PIXELS] = ("", pixel_suite(sources))
    return found


def gflops(model: str) -> float:
    """Count the GFLOPs of one picture."""
    if not model:
        return RAW_PIXELS
    from clipbench.compute.flops import image_flops
    from clipbench.encoders.clip import load

    return image_flops(load(model).model.config) / 1e9


def draw(
    suites: dict, compute: dict[str, float]
) -> tuple[LessonFigure, str, tuple[float, float, float]]:
    """Draw the figure: (figure, finding, the best CLIP less the best other, low, high)."""
    tasks = set.intersection(*(set(suite) for _, suite in suites.values()))
    means = {
        name: mean_over([suite[task] for task in sorted(tasks)], "probe")
        for name, (_, suite) in suites.items()
    }
    named = [name for name, _ in OTHERS.values()]
    others = [name for name in means if name in (*named, PIXELS)]
    clips = [name for name in means if name not in others]
    groups = {
        kind: {
            name: (compute[name], 100 * mean, 100 * low, 100 * high)
            for name in names
            for mean, low, high in [means[name]]
        }
        for kind, names in (("CLIP", clips), ("others", others))
        if names
    }
    best = max(clips, key=means.__getitem__)
    chance = mean_chance(suites)
    if not others:
        finding = f"{best}: mean probe {100 * means[best][0]:.1f} %; nothing to compare with yet"
        return scatter(groups, finding, compute, chance), finding, (0.0, -1.0, 1.0)
    rival = max(others, key=means.__getitem__)
    gap, low, high = mean_of_difference(means[best], means[rival])
    finding = (
        f"{best} is {100 * gap:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f}) "
        "from the best other,"
        f" {rival}, over {len(tasks)} tasks"
    )
    return scatter(groups, finding, compute, chance), finding, (gap, low, high)


def scatter(groups: dict, finding: str, compute: dict[str, float], chance: float) -> LessonFigure:
    """Draw the points over a line at chance."""
    ends = [min(compute.values()), max(compute.values())]
    lines = {"chance, mean of the tasks": (ends, [chance] * 2)} if chance else {}
    return labelled_scatter(groups, finding, *AXES, lines=lines, logarithmic=True)


def mean_chance(suites: dict) -> float:
    """Average the chance levels of the tasks, in per cent; 0 where no record has them."""
    known = {
        task: numbers["chance"]
        for _, suite in suites.values()
        for task, numbers in suite.items()
        if "chance" in numbers
    }
    return 100 * sum(known.values()) / len(known) if known else 0.0


def mean_of_difference(a, b) -> tuple[float, float, float]:
    half = ((a[2] - a[0]) ** 2 + (b[2] - b[0]) ** 2) ** 0.5
    return a[0] - b[0], a[0] - b[0] - half, a[0] - b[0] + half
