"""Rules of the speedrun: what a run is, and what a record needs."""

from collections.abc import Callable
from dataclasses import dataclass

from clipbench.data.image_set import PictureSet
from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.evaluate.features.compute import image_features
from clipbench.evaluate.zero_shot import zero_shot_metrics, zero_shot_weights

TARGET = 0.90
PAIRS = 80_000  # of a run, unless told otherwise: 625 steps
SEEDS_OF_A_RECORD = 5


@dataclass(frozen=True)
class Run:
    """One model that was trained and judged."""

    seed: int
    pairs: int
    seconds: float
    top1: float


Contestant = Callable[[int], Run]  # trains with a seed


def top1(encoder: ClipbenchEncoder, data: PictureSet) -> float:
    """Measure zero-shot accuracy as the rules have it."""
    weights = zero_shot_weights(encoder, data.class_names, data.templates)
    return zero_shot_metrics(image_features(encoder, data), data.labels, weights)["top1"]
