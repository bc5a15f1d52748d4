"""Accuracy on other artists' pictures, zero-shot and adapted: what Figs. 13, 14 and 15 share."""

from clipbench.data.image_set import PictureSet
from clipbench.data.open import open_labelled
from clipbench.data.probe_splits import drawn, open_split
from clipbench.evaluate.baselines import PREFIX
from clipbench.evaluate.features.feature_file import cached_image_features
from clipbench.evaluate.probes.few_shot import usable_shots
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.robustness import (
    adaptation_sweep,
    labels_among,
    only_of,
    shared_classes,
    shift_metrics,
)
from clipbench.paper_figures.sources import Sources

SHIFTS = ("twemoji", "openmoji")  # the same things by other artists, never trained
DATA = "scenes:heldout256"
SHOTS = (1, 2, 4)  # probes of 16 pictures of 256 classes take half an hour of a busy core
STANDARD = "twin-supervised-adaptation"  # probes of the supervised twin, its head, no model
MODEL_FREE = {"pixels_16": "nearest by raw pixels", "untrained": "nearest, untrained network"}
COMMAND = (
    "clipbench eval robustness --model {model} --data scenes:heldout256 --shifts "
    "twemoji openmoji --pictures 1000"
    " --shots 1,2,4 --seeds 2 --scenes 5000 --baselines --out {folder}/{name}.json"
)


def adaptation(sources: Sources) -> dict:
    """Measure how this scale's model adapts to shifts.

    It gives zero-shot metrics before and after each shift, and probes of k pictures per class.

    Raises:
        NoRecord: where nothing may be measured.
    """
    return sources.metrics("adaptation", COMMAND, lambda: measure(sources))


def training_scenes(sources: Sources) -> int:
    """Count the training scenes of the probes, where they are measured now."""
    return max(5 * sources.pictures, 20 * 256)


def measure(sources: Sources) -> dict:
    split = open_split(DATA, None, training_scenes(sources))
    data = drawn(split.test, sources.pictures)
    shifts = {}
    for name in SHIFTS:
        other = open_labelled(name)
        shifts[name] = drawn(only_of(other, shared_classes(data, other)), sources.pictures)
    encoder = sources.encoder
    metrics = shift_metrics(encoder, data, shifts, list(data.templates), cached_image_features)

    def rows(pictures: PictureSet) -> Rows:
        features = cached_image_features(encoder, pictures, projected=False)
        return Rows(features, labels_among(pictures, data.class_names))

    pool = rows(split.train)
    tests = {"top1": rows(data)} | {
        f"{name}/top1": rows(shifted) for name, shifted in shifts.items()
    }
    return metrics | adaptation_sweep(
        pool, tests, usable_shots(pool.labels, SHOTS), (0, 1), len(data.class_names)
    )


def shots_of(metrics: dict) -> list[int]:
    """List the numbers of shots in an adaptation record."""
    return sorted({int(key.split("/")[1]) for key in metrics if key.startswith("shots/")})


def shifted(metrics: dict, prefix: str = "") -> float:
    """Compute the mean accuracy after the shifts that the record has, in per cent."""
    values = [
        metrics[f"{prefix}{name}/top1"] for name in SHIFTS if f"{prefix}{name}/top1" in metrics
    ]
    return 100 * sum(values) / len(values)


def shifted_interval(metrics: dict) -> tuple[float, float]:
    """Give the ends of the 95 % interval of ``shifted``, zero-shot.

    It is computed from Wilson's interval of each shift.
    """
    names = [name for name in SHIFTS if f"{name}/top1" in metrics]
    half = (
        sum(
            (50 * (metrics[f"{name}/top1_high"] - metrics[f"{name}/top1_low"])) ** 2
            for name in names
        )
        ** 0.5
    )
    middle = shifted(metrics)
    return middle - half / len(names), middle + half / len(names)


def without_model(metrics: dict) -> dict[str, tuple[float, float]]:
    """Collect what the most similar labelled picture is worth, in per cent.

    It gives name -> (before, after the shifts), of the baselines that the record has.
    """
    return {
        name: (
            100 * metrics[f"{PREFIX}{kind}"],
            100 * sum(metrics[f"{shift}/{PREFIX}{kind}"] for shift in SHIFTS) / len(SHIFTS),
        )
        for kind, name in MODEL_FREE.items()
        if f"{PREFIX}{kind}" in metrics
    }
