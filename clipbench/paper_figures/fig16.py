"""Figure 16 and Table 2: people and the machine, without and with one example of each class."""

import torch

from clipbench.data.image_set import PictureSet
from clipbench.data.open import open_pictures
from clipbench.data.probe_splits import drawn, probe_scenes
from clipbench.evaluate.features.feature_file import cached_image_features
from clipbench.evaluate.probes.few_shot import few_shot_curve, probe_scorer
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.probes.tip_adapter import tip_adapter_scorer
from clipbench.evaluate.robustness import labels_among, only_of
from clipbench.evaluate.statistics.effects import difference
from clipbench.evaluate.statistics.intervals import with_interval
from clipbench.evaluate.zero_shot import judge_zero_shot, zero_shot_weights
from clipbench.figures import LessonFigure, accuracy_bars
from clipbench.paper_figures.finding import Finding, of_share
from clipbench.paper_figures.sources import Sources

NAME, TITLE = "fig16", "one example, for people and for the machine"
PAPER = (
    "people on 37 pet breeds: 53.7 % without, 75.7 % with one example, the same with "
    "two; a probe of one picture per class is far below CLIP's zero-shot"
)
CLASSES = 37  # as many as the paper's breeds
PEOPLE = "people play BeatTheMachine (widgets); their scores are not in this figure"
ADDED = "1 picture a class, added to zero-shot"  # Tip-Adapter's way, in place of a probe
KINDS = ("zero-shot", "1 picture a class", "2 pictures a class")


def make(sources: Sources) -> Finding:
    metrics = sources.metrics("one-example", sources.again(NAME), lambda: measure(sources))
    figure, finding = draw(metrics)
    spread = (
        f"the machine's half only: {PEOPLE}; zero-shot: 95 % Wilson, probes: Student's over 5 draws"
    )
    without, with_one = (of_share(metrics, kind) for kind in KINDS[:2])
    added = of_share(metrics, ADDED) if ADDED in metrics else None
    lost = difference(without, added) if added else None
    return Finding(figure, finding, spread, difference(without, with_one), (lost,))


def chosen_classes() -> list[str]:
    names = open_pictures("scenes:heldout256").class_names
    return [names[len(names) * i // CLASSES] for i in range(CLASSES)]


def pictures_and_pool(sources: Sources) -> tuple[PictureSet, PictureSet]:
    """Open the pictures to classify and those that examples are drawn from.

    It gives (what is classified, where the examples are from).
    """
    chosen = chosen_classes()
    data = drawn(only_of(open_pictures("scenes:heldout256"), chosen), sources.pictures)
    return data, only_of(probe_scenes(40 * 256 // 4, tiny=True), chosen)


def measure(sources: Sources) -> dict:
    """Measure zero-shot accuracy and probes of few pictures, of 37 classes spread over the world.

    The probes are of projected features of one and two pictures.
    """
    data, pool = pictures_and_pool(sources)
    chosen, encoder = chosen_classes(), sources.encoder
    test = Rows(cached_image_features(encoder, data), data.labels)
    train = Rows(cached_image_features(encoder, pool), labels_among(pool, chosen))
    weights = zero_shot_weights(encoder, chosen, data.templates)
    verdicts = judge_zero_shot(test.features, test.labels, weights)
    metrics = with_interval(KINDS[0], int(verdicts.correct.sum()), len(data)) | {
        "chance": 1 / CLASSES
    }
    curve = few_shot_curve(train.labels, probe_scorer(train, test, CLASSES), (1, 2), range(5))
    added = tip_adapter_scorer(train, test, weights, encoder.scale)
    curve += few_shot_curve(train.labels, added, (1,), range(5))
    for kind, point in zip((*KINDS[1:], ADDED), curve, strict=True):
        assert point.interval is not None  # there are several seeds
        low, high = point.interval
        metrics |= {kind: point.mean, f"{kind}_low": max(0.0, low), f"{kind}_high": min(1.0, high)}
    return metrics | {
        "pictures": len(data),
        "least_in_pool": int(torch.bincount(train.labels).min()),
    }


def draw(metrics: dict) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding)."""
    gain = 100 * (metrics[KINDS[1]] - metrics[KINDS[0]])
    finding = (
        f"The machine: {100 * metrics[KINDS[0]]:.0f} % zero-shot, {gain:+.0f} points "
        "with one picture of each of"
        f" {CLASSES} classes (people in the paper: +22)"
    )
    bars = {
        kind: {f"top1{end}": metrics[f"{kind}{end}"] for end in ("", "_low", "_high")}
        for kind in (*KINDS, ADDED)
        if kind in metrics
    }
    return accuracy_bars(bars, metrics["chance"], finding), finding
