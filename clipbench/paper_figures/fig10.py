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
OTHERS = {  # record -> (name in the figure, model)
    "tiny-scene-tasks": ("tiny", "tiny"),
    "classroom-scene-tasks": ("classroom", "classroom"),
    "twin-supervised-scene-tasks": ("supervised twin", "twin:supervised"),
    "twin-simclr-scene-tasks": ("SimCLR twin", "twin:simclr"),
}
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
    rivals = any("twin" in name for name in suites)
    unmet = "" if rivals else "raw pixels alone are no rival"
    return Finding(figure, finding, spread, Effect(*gap).times(100), (exact(0),), unmet)


def all_suites(sources: Sources) -> dict[str, tuple[str, dict]]:
    """Name -> (model, suite) of this scale's model, every other with a record, and raw pixels."""
    found = {sources.prefix: (sources.model, model_suite(sources))}
    for record, (name, model) in OTHERS.items():
        try:
            found.setdefault(name, (model, other_suite(sources, record, model)))
        except NoRecord:
            continue
    with contextlib.suppress(NoRecord):
        found["raw pixels"] = ("", pixel_suite(sources))
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
    others = [name for name in means if "twin" in name or name == "raw pixels"]
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
    if not others:
        finding = f"{best}: mean probe {100 * means[best][0]:.1f} %; nothing to compare with yet"
        return labelled_scatter(groups, finding, *AXES, logarithmic=True), finding, (0.0, -1.0, 1.0)
    rival = max(others, key=means.__getitem__)
    gap, low, high = mean_of_difference(means[best], means[rival])
    finding = (
        f"{best} is {100 * gap:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f}) "
        "from the best other,"
        f" {rival}, over {len(tasks)} tasks"
    )
    return labelled_scatter(groups, finding, *AXES, logarithmic=True), finding, (gap, low, high)


def mean_of_difference(a, b) -> tuple[float, float, float]:
    half = ((a[2] - a[0]) ** 2 + (b[2] - b[0]) ** 2) ** 0.5
    return a[0] - b[0], a[0] - b[0] - half, a[0] - b[0] + half
