"""The typographic attack of Goh et al. (2021), by the size of the sticker.

Its causal twins come with it.
"""

from statistics import fmean

from clipbench.data.alter.sticker import Sticker
from clipbench.data.open import open_pictures
from clipbench.data.probe_splits import drawn
from clipbench.evaluate.statistics.effects import Effect, exact, over_runs
from clipbench.evaluate.typographic import Classifier, plan_attack, typographic_attack
from clipbench.evaluate.zero_shot import zero_shot_weights
from clipbench.figures import LessonFigure, line_chart
from clipbench.figures.lines import Line
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import NoRecord, Sources

NAME, TITLE = "typographic", "typographic attacks (Goh et al. 2021)"
PAPER = (
    "a written label became the zero-shot answer on 25 of 34 photographs (RN50x4, "
    "counted from the article's data);"
    " printed words won on 36 to 95 % of pictures against a probe, with 6 to 10 % of "
    "the pixels changed"
)
READS, READS_NOT = "many signs in training", "no signs in training"
TWINS = {  # name -> records of seeds
    "a million pairs, more signs": ["typographic-reader-0"],
    READS: [f"typographic-many-signs-{seed}" for seed in (0, 1, 2)],
    READS_NOT: [f"typographic-no-signs-{seed}" for seed in (0, 1, 2)],
}
DATA, LONGEST = "scenes:heldout256", 8
COMMAND = (
    f"clipbench eval typographic --model {{model}} --data {DATA} --longest {LONGEST}"
    " --out {folder}/{name}.json"
)


def make(sources: Sources) -> Finding:
    runs = {name: found for name, records in TWINS.items() if (found := runs_of(sources, records))}
    own = own_run(sources)
    if own:
        runs[sources.prefix] = [own]
    if not runs:
        raise sources.missing(sources.own("typographic"), COMMAND)
    figure, finding = draw(runs)
    seeds = ", ".join(f"{name}: {len(each)}" for name, each in runs.items())
    spread = f"trained seeds: {seeds}; band: worst to best seed"
    effect, control = (most_won(runs.get(name, [])) for name in (READS, READS_NOT))
    return Finding(figure, finding, spread, effect, (control,))


def most_won(runs: list[dict]) -> Effect | None:
    """Measure how many pictures became the word, at the best height of each training, in points.

    Those that become it under a control word are taken away; None without a training.
    """
    found = [
        max(
            w - c
            for w, c in zip(rates(run, "success")[1], rates(run, "control_target")[1], strict=True)
        )
        for run in runs
    ]
    return over_runs([exact(each) for each in found], len(found)) if found else None


def runs_of(sources: Sources, records: list[str]) -> list[dict]:
    return [sources.record(name, "")["metrics"] for name in records if sources.has(name)]


def own_run(sources: Sources) -> dict | None:
    """Read the record of the scale's own model, or measure it now where that is allowed."""
    shipped = f"typographic-{sources.prefix}"
    if sources.has(shipped) and not sources.has(sources.own("typographic")):
        return sources.record(shipped, "")["metrics"]
    try:
        return sources.metrics("typographic", COMMAND, lambda: measure(sources))
    except NoRecord:
        return None


def measure(sources: Sources) -> dict:
    """Measure what COMMAND measures, on fewer pictures."""
    encoder, data = sources.encoder, drawn(open_pictures(DATA), sources.pictures)
    weights = zero_shot_weights(encoder, data.class_names, data.templates)
    plan = plan_attack(data.labels, data.class_names, 0, LONGEST)
    classifiers = [Classifier("", lambda features: features @ weights)]
    return typographic_attack(encoder, data, classifiers, Sticker("word"), plan)


def rates(metrics: dict, kind: str) -> tuple[list[float], list[float]]:
    """Collect a number of the sweep: (heights, per cent)."""
    marker = f"{kind}_at_"
    heights = sorted(
        float(key.removeprefix(marker))
        for key in metrics
        if key.startswith(marker) and not key.endswith(("_low", "_high"))
    )
    return heights, [100 * metrics[f"{marker}{height:g}"] for height in heights]


def draw(runs: dict[str, list[dict]]) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding); ``runs``: name -> metrics of each seed."""
    heights, _ = rates(next(iter(runs.values()))[0], "success")
    lines: dict[str, Line] = {}
    ends = []
    for name, seeds in runs.items():
        columns = list(zip(*(rates(run, "success")[1] for run in seeds), strict=True))
        middle = [fmean(column) for column in columns]
        lines[name] = (
            middle,
            [min(column) for column in columns],
            [max(column) for column in columns],
        )
        ends.append(f"{max(middle):.1f} % ({name})")
    first = next(iter(runs))
    control = list(zip(*(rates(run, "control_target")[1] for run in runs[first]), strict=True))
    lines[f"{first}, control word"] = [fmean(column) for column in control]
    finding = (
        "The printed word wins against all 256 classes on at most "
        f"{', '.join(ends)} of the pictures"
    )
    axes = "height of the sticker in % of the picture", "pictures that became the word in %"
    figure = line_chart([100 * height for height in heights], lines, finding, *axes)
    return figure, finding
