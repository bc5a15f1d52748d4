"""Few-shot learning curves, and how many pictures per class zero-shot is worth.

Radford et al. 2021, Figs. 6 and 7.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from clipbench.data.world.draws import Draws
from clipbench.errors import UserError
from clipbench.evaluate.probes.linear_probe import Rows, Search, probe_metrics
from clipbench.evaluate.probes.logistic import Problem
from clipbench.evaluate.statistics.intervals import student

SHOTS = (1, 2, 4, 8, 16)
MOST_VALIDATION_SHOTS = 4


@dataclass(frozen=True)
class Point:
    """Accuracy of probes with ``shots`` training pictures per class.

    The mean over the seeds and its 95 % Student interval.
    """

    shots: float
    values: tuple[float, ...]  # one for each seed

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def interval(self) -> tuple[float, float] | None:
        """None for a single seed."""
        return student(self.values)


def few_shot_curve(
    labels: Int[Tensor, " M"],
    score: Callable[[Tensor, Tensor], float],
    shots: Sequence[int] = SHOTS,
    seeds: Sequence[int] = (0, 1, 2),
) -> list[Point]:
    """Measure one point for each number of shots.

    Args:
        labels: of the pool that the shots are drawn from.
        score: given the pool's rows to train on and the rows to choose settings on, the test
            accuracy.

    Raises:
        UserError: when a class has too few rows in the pool; see ``draw_shots``.
    """
    return [Point(k, tuple(score(*draw_shots(labels, k, seed)) for seed in seeds)) for k in shots]


def draw_shots(labels: Int[Tensor, " M"], shots: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw (rows to train on, rows to choose settings on).

    ``shots`` of every class, and up to min(shots, 4) more. The validation shots are CoOp's (Zhou
    et al. 2022). With one seed, a small draw is part of every larger one.

    Raises:
        UserError: when a class has no more than ``shots`` rows, so that none is left to choose on.
    """
    order = Draws(seed, torch.arange(len(labels))).bits("shots").argsort().to(labels.device)
    train, validation = [], []
    for label in labels.unique().tolist():
        rows = order[labels[order] == label]
        if len(rows) <= shots:
            raise UserError(
                f"class {label} has {len(rows)} training pictures: {shots} shots need "
                f"{shots + 1} or more"
            )
        train.append(rows[:shots])
        validation.append(rows[-min(shots, MOST_VALIDATION_SHOTS, len(rows) - shots) :])
    return torch.cat(train), torch.cat(validation)


def usable_shots(labels: Int[Tensor, " M"], shots: Sequence[int] = SHOTS) -> list[int]:
    """Give the numbers of shots that every class of the pool has rows for.

    Raises:
        UserError: when there is none.
    """
    fewest = int(labels.unique(return_counts=True)[1].min())
    usable = [k for k in shots if k < fewest]
    if not usable:
        raise UserError(
            f"a class has {fewest} training pictures: {min(shots)} shots need "
            f"{min(shots) + 1} or more"
        )
    return usable


def probe_scorer(pool: Rows, test: Rows, classes: int) -> Callable[[Tensor, Tensor], float]:
    """Make a ``score`` for ``few_shot_curve`` of the paper's linear probe.

    C is chosen on the validation shots.
    """

    def score(train: Tensor, validation: Tensor) -> float:
        shots = pool[train]
        search = Search(Problem(shots.features, shots.labels, classes), pool[validation])
        return probe_metrics(search.fits[search.run()], test)["top1"]

    return score


@dataclass(frozen=True)
class Match:
    """Where a learning curve reaches a target accuracy."""

    examples: float  # a class
    # "interpolated", "below the range" or "above the range": then the true number is smaller or
    # larger
    how: str
    monotone: bool  # whether accuracy only rises; if not, the first crossing is reported


def examples_to_match(target: float, shots: Sequence[float], accuracies: Sequence[float]) -> Match:
    """Estimate the examples per class for which the curve reaches ``target`` (Fig. 7).

    Between the first neighbours with acc_a < target <= acc_b, log-linearly:
    log k = log k_a + (target - acc_a) / (acc_b - acc_a) * (log k_b - log k_a). Outside the curve
    the nearest end is given, and ``how`` says so.

    Raises:
        UserError: without two points in ascending order.
    """
    if len(shots) < 2 or list(shots) != sorted(set(shots)):
        raise UserError("a learning curve needs two or more numbers of shots, in ascending order")
    curve = list(zip(shots, accuracies, strict=True))
    monotone = all(a <= b for a, b in itertools.pairwise(accuracies))
    if target <= accuracies[0]:
        return Match(
            shots[0], "interpolated" if target == accuracies[0] else "below the range", monotone
        )
    for (k_a, a), (k_b, b) in itertools.pairwise(curve):
        if a < target <= b:
            share = (target - a) / (b - a)
            return Match(
                math.exp(math.log(k_a) + share * math.log(k_b / k_a)), "interpolated", monotone
            )
    return Match(shots[-1], "above the range", monotone)


def curve_metrics(
    name: str,
    curve: Sequence[Point],
    full: float | None,
    zero_shot: float,
    labels: Int[Tensor, " M"],
) -> dict:
    """Give the numbers of one curve, for a record.

    Args:
        full: accuracy with the whole pool, whose labels are given; None leaves that point out.
        zero_shot: accuracy that the curve is compared with.

    Returns:
        ``NAME_K`` for each number of shots, with its interval where there are several seeds;
        ``NAME_full``; ``NAME_examples_to_match_zero_shot`` and in words ``NAME_match``, how that
        was found.
    """
    metrics: dict[str, float | str] = {}
    for point in curve:
        metrics[f"{name}_{point.shots}"] = point.mean
        if point.interval:
            metrics[f"{name}_{point.shots}_low"], metrics[f"{name}_{point.shots}_high"] = (
                point.interval
            )
    shots, accuracies = [point.shots for point in curve], [point.mean for point in curve]
    if full is not None:
        metrics[f"{name}_full"] = full
        shots, accuracies = [*shots, len(labels) / len(labels.unique())], [*accuracies, full]
    if len(shots) > 1:
        match = examples_to_match(zero_shot, shots, accuracies)
        metrics[f"{name}_examples_to_match_zero_shot"] = match.examples
        metrics[f"{name}_match"] = (
            match.how if match.monotone else f"{match.how}, the curve is not monotone"
        )
    return metrics
