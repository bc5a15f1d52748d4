"""What a figure found.

That is its plot, one line in words, and whether the paper's effect appears at this scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clipbench.figures import LessonFigure

YES, NO, PARTLY, NO_DATA = "appears", "does not appear", "appears in part", "no data yet"
UNJUDGED = "cannot be judged"  # of a model with random weights


@dataclass(frozen=True)
class Finding:
    """One figure at one scale."""

    figure: LessonFigure | None
    finding: str  # computed
    appears: str  # YES, NO, PARTLY, NO_DATA or UNJUDGED
    spread: str = ""  # what the intervals are of, and how many seeds

    def marked(self, mark: str) -> "Finding":
        """Mark the finding across the figure and before the words, and leave it unjudged.

        An empty mark changes nothing.
        """
        if self.figure is not None:
            self.figure.mark = mark
        return replace(self, finding=f"{mark}: {self.finding}", appears=UNJUDGED) if mark else self


def judged(low: float, high: float) -> str:
    """Say whether an interval lies above zero, below it, or over it.

    It is of a difference that the paper says is positive.
    """
    return YES if low > 0 else NO if high < 0 else PARTLY


def mean_of(values: Sequence[float], halves: Sequence[float]) -> tuple[float, float, float]:
    """Compute (mean, low, high) of independent numbers with half-widths of their intervals."""
    mean = sum(values) / len(values)
    half = math.sqrt(sum(half**2 for half in halves)) / len(values)
    return mean, mean - half, mean + half
