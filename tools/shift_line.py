"""The line of accuracy after a shift over accuracy before it, from the records of trainings.

    python -m tools.shift_line

It writes clipbench/assets/records/shift-line.json. The line goes through ConvNets of the tiny shape
that were trained with captions of one artist's pictures and differ in their worlds; it is fitted in
logits (Taori et al. 2020; Miller et al. 2021). Three captioned models and three classifiers of the
same pictures, which are not in it, are measured by their distance from it, and so is a model of two
artists. Nothing is computed but from other records.
"""

import json
import random
from pathlib import Path

import numpy as np

from clipbench.evaluate.records.record import make_record, shipped_records, write_record
from clipbench.evaluate.robustness import LogitLine, fit_logit_line, logit
from clipbench.evaluate.statistics.effects import Effect, difference, exact, over_runs

NAME = "shift-line"
WORLDS = ("many-signs", "no-signs", "no-counts", "languages", "reader", "wrong-captions")
SEEDS = (0, 1, 2)
SHIFTS = ("twemoji", "openmoji")
DRAWS = 2000  # of the bootstrap over models


def measured() -> dict[str, float]:
    """Compute the metrics, each with the ends of its 95 % interval and its trainings."""
    found: dict[str, float] = {}
    for shift in SHIFTS:
        worlds = [point(f"shifts-{name}", shift) for name in WORLDS]
        captions, labels = (
            [point(f"shifts-{kind}-{seed}", shift) for seed in SEEDS]
            for kind in ("tiny", "supervised")
        )
        found |= with_ends(f"correlation/{shift}", correlation([*worlds, *captions]))
        line = fit_logit_line(*zip(*worlds, strict=True))
        found[f"slope/{shift}"] = line.slope
        above, beside = (distance(line, points) for points in (captions, labels))
        found |= with_ends(f"captions/{shift}", above) | with_ends(f"labels/{shift}", beside)
        found |= with_ends(f"captions_less_labels/{shift}", difference(above, beside))
    return found | with_ends("two_artists/openmoji", of_two_artists())


def metrics_of(record: str) -> dict:
    return json.loads((shipped_records() / f"{record}.json").read_text(encoding="utf-8"))["metrics"]


def point(record: str, shift: str) -> tuple[float, float]:
    """Read (accuracy before, accuracy after) of one training."""
    metrics = metrics_of(record)
    return metrics[f"{shift}/in_distribution"], metrics[f"{shift}/top1"]


def correlation(points: list[tuple[float, float]]) -> Effect:
    """Compute Pearson's correlation of the logits, with a bootstrap over the models."""
    logits = np.array([[logit(value) for value in both] for both in points])
    chooser, drawn = random.Random(0), []
    while len(drawn) < DRAWS:
        some = logits[[chooser.randrange(len(logits)) for _ in logits]]
        if some.std(0).min() > 0:
            drawn.append(np.corrcoef(some.T)[0, 1])
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Effect(float(np.corrcoef(logits.T)[0, 1]), float(low), float(high), len(points))


def distance(line: LogitLine, points: list[tuple[float, float]]) -> Effect:
    """Measure how far models lie above the line, as a share: Student's over the trainings."""
    return over_runs(
        [exact(after - line.expected(before)) for before, after in points], len(points)
    )


def of_two_artists() -> Effect:
    """Measure how far the model of two artists lies above the line on the artist it never met."""
    line = fit_logit_line(
        *zip(*(point(f"shifts-{name}", "openmoji") for name in WORLDS), strict=True)
    )
    metrics = metrics_of("two-artists-shifts")
    expected = line.expected(metrics["openmoji/in_distribution"])
    ends = (metrics[f"openmoji/top1{end}"] - expected for end in ("", "_low", "_high"))
    return Effect(*ends)


def with_ends(name: str, effect: Effect) -> dict[str, float]:
    return {
        name: effect.value,
        f"{name}_low": effect.low,
        f"{name}_high": effect.high,
        f"{name}_trainings": effect.trainings,
    }


def main() -> None:
    settings = {
        "task": NAME,
        "worlds": list(WORLDS),
        "captions": [f"shifts-tiny-{seed}" for seed in SEEDS],
        "labels": [f"shifts-supervised-{seed}" for seed in SEEDS],
        "interval": f"correlation: 95 % bootstrap of {DRAWS} draws of models; distances: Student's "
        "over the trainings; two artists: Wilson's of the pictures, of one training",
    }
    record = make_record(measured(), settings, "", 0.0) | {"command": "python -m tools.shift_line"}
    write_record(Path(shipped_records()) / f"{NAME}.json", record)


if __name__ == "__main__":
    main()
