"""What a figure found.

That is its plot, one line in words, what it measured for its claim, and what becomes of the claim.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clipbench.evaluate.records.claims import Claim, judge
from clipbench.evaluate.statistics.effects import Effect
from clipbench.figures import LessonFigure

NO_DATA = "no data yet"
UNJUDGED = "cannot be judged"  # of a model with random weights


@dataclass(frozen=True)
class Finding:
    """One figure at one scale.

    Attributes:
        finding: computed, in words.
        spread: what the intervals are of, and how many seeds.
        effect: what the figure's claim asks for; None where it has no number with an interval.
        controls: what could explain it away; None for one without a record.
        unmet: why the claim cannot be tested by these numbers, if so.
        appears: an outcome of ``records.claims``, NO_DATA or UNJUDGED; and ``why``.
    """

    figure: LessonFigure | None
    finding: str
    spread: str = ""
    effect: Effect | None = None
    controls: tuple[Effect | None, ...] = ()
    unmet: str = ""
    appears: str = NO_DATA
    why: str = ""

    def judged(self, claim: Claim) -> "Finding":
        """Judge the claim of this figure by its registered rule."""
        outcome = judge(claim, self.effect, self.controls, self.unmet)
        return replace(self, appears=outcome.verdict, why=outcome.why)

    def marked(self, mark: str) -> "Finding":
        """Mark the finding across the figure and before the words, and leave it unjudged.

        An empty mark changes nothing.
        """
        if self.figure is not None:
            self.figure.mark = mark
        return (
            replace(self, finding=f"{mark}: {self.finding}", appears=UNJUDGED, why="")
            if mark
            else self
        )


def of_share(metrics: dict, name: str) -> Effect:
    """Read a share with its interval, in points; of one model."""
    value, low, high = (100 * metrics[f"{name}{end}"] for end in ("", "_low", "_high"))
    return Effect(value, low, high)


def mean_of(values: Sequence[float], halves: Sequence[float]) -> tuple[float, float, float]:
    """Compute (mean, low, high) of independent numbers with half-widths of their intervals."""
    mean = sum(values) / len(values)
    half = math.sqrt(sum(half**2 for half in halves)) / len(values)
    return mean, mean - half, mean + half
