"""Which templates to keep: forward selection, judged on pictures that had no say in it.

From Radford et al.'s notebook.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.data.world.draws import Draws
from clipbench.errors import UserError
from clipbench.evaluate.features.prompts import Ensemble
from clipbench.evaluate.statistics.accuracy import Verdicts
from clipbench.evaluate.zero_shot import judge_zero_shot


@dataclass(frozen=True)
class Pictures:
    """One half of a data set."""

    features: Float[Tensor, "M D"]
    labels: Int[Tensor, " M"]

    def judged_by(self, ensemble: Ensemble) -> Verdicts:
        return judge_zero_shot(self.features, self.labels, ensemble.weights())


@dataclass(frozen=True)
class Step:
    """After one more template."""

    template: int
    validation: float  # top-1 on the half that chose it, too high a number
    test: Verdicts  # on the other half


def halves(features: Tensor, labels: Tensor, seed: int = 0) -> tuple[Pictures, Pictures]:
    """Divide every class into (validation, test); its odd picture goes to the test.

    Raises:
        UserError: when every class has one picture.
    """
    order = Draws(seed, torch.arange(len(labels))).bits("template selection").argsort()
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        rows = order[labels[order] == label]
        chosen[rows[: len(rows) // 2]] = True
    if not chosen.any():
        raise UserError(
            "every class has one picture; choosing templates needs two: one to choose "
            "by and one to test"
        )
    return Pictures(features[chosen], labels[chosen]), Pictures(features[~chosen], labels[~chosen])


def forward_selection(
    prompts: Float[Tensor, "P C D"], validation: Pictures, test: Pictures, most: int
) -> list[Step]:
    """Add the template that helps most on the validation half, again and again.

    Of equal ones the first is taken.

    Args:
        prompts: unit vectors of every template and class.
        most: stop after this many templates.
    """
    chosen = Ensemble(prompts[:0])
    steps: list[Step] = []
    left = list(range(len(prompts)))
    while left and len(steps) < most:
        scores = [top1(validation, with_one_more(chosen, prompts[each])) for each in left]
        best = left.pop(scores.index(max(scores)))
        chosen.add(prompts[best])
        steps.append(Step(best, max(scores), test.judged_by(chosen)))
    return steps


def best_length(steps: Sequence[Step]) -> int:
    """Find how many steps classify the validation half best; of equal ones the fewest."""
    scores = [step.validation for step in steps]
    return scores.index(max(scores)) + 1


def with_one_more(ensemble: Ensemble, features: Float[Tensor, "C D"]) -> Ensemble:
    return Ensemble((ensemble.total + features)[None])


def top1(pictures: Pictures, ensemble: Ensemble) -> float:
    return float(pictures.judged_by(ensemble).correct.float().mean())
