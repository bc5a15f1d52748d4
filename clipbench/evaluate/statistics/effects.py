"""A number with its interval, from how many trainings, and what differs between two of them."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.evaluate.statistics.intervals import student


@dataclass(frozen=True)
class Effect:
    """A number and the ends of its 95 % interval.

    Attributes:
        trainings: how many models were trained for it; 0 where none was (chance, raw pixels).
    """

    value: float
    low: float
    high: float
    trainings: int = 1

    @property
    def has_interval(self) -> bool:
        return self.low < self.high

    def times(self, factor: float) -> "Effect":
        """Express it in another unit."""
        return Effect(factor * self.value, factor * self.low, factor * self.high, self.trainings)


def exact(value: float) -> Effect:
    """Make the effect of a number that is known, such as chance."""
    return Effect(value, value, value, trainings=0)


def difference(first: Effect, second: Effect) -> Effect:
    """Subtract two independent numbers.

    The interval adds the squares of the distances to the ends of both intervals (Zou and Donner
    2008); of two shares with Wilson's intervals it is Newcombe's (1998, method 10).
    """
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Effect(value, low, high, fewest([first, second]))


def mean(effects: Sequence[Effect]) -> Effect:
    """Average independent numbers, such as the tasks of one model."""
    value = statistics.fmean(effect.value for effect in effects)
    down = math.hypot(*(effect.value - effect.low for effect in effects)) / len(effects)
    up = math.hypot(*(effect.high - effect.value for effect in effects)) / len(effects)
    return Effect(value, value - down, value + up, fewest(effects))


def over_runs(effects: Sequence[Effect], trainings: int) -> Effect:
    """Average the same number over runs: Student's interval; a single one keeps its own."""
    if len(effects) == 1:
        (only,) = effects
        return Effect(only.value, only.low, only.high, trainings)
    values = [effect.value for effect in effects]
    low, high = student(values) or (math.nan, math.nan)
    return Effect(statistics.fmean(values), low, high, trainings)


def fewest(effects: Sequence[Effect]) -> int:
    """Count the trainings behind the least trained of some numbers, of those that are trained."""
    return min((effect.trainings for effect in effects if effect.trainings), default=0)
