"""Units that answer to a concept however it is shown: as a picture and as a written word (Goh et
al. 2021).

A unit is judged by two areas under the ROC curve: how well its response tells pictures of the
concept from pictures of others, and signs with its name from signs with other names. Its score for
a concept is the smaller of the two.

With thousands of units and a hundred concepts some score well by luck. The baseline is a
permutation test on the largest score of all (Westfall & Young 1993): the words are dealt to the
concepts at random, each to a wrong one, and the best score of all units and concepts is noted. A
unit counts that beats 95 % of those.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class MultimodalUnits:
    """Every unit's best concept, and the score that luck reaches.

    All tensors have one entry a unit.
    """

    concept: Int[Tensor, " units"]  # the concept with the largest score
    score: Float[Tensor, " units"]  # the smaller of the two areas
    picture_auc: Float[Tensor, " units"]
    word_auc: Float[Tensor, " units"]
    threshold: float  # 95 % of the permutations have no unit above it
    luck: Float[Tensor, " permutations"]  # each permutation's largest score

    @property
    def found(self) -> Int[Tensor, " count"]:
        """The units above the threshold, the best one first."""
        best_first = self.score.argsort(descending=True)
        return best_first[self.score[best_first] > self.threshold]

    @property
    def p_value(self) -> float:
        """How often luck reaches the best unit's score, the true dealing counted in."""
        return float((1 + (self.luck >= self.score.max()).sum()) / (1 + len(self.luck)))


def auc_by_class(
    responses: Float[Tensor, "M units"], labels: Int[Tensor, " M"], classes: int
) -> Float[Tensor, "C units"]:
    """Area under the ROC curve of every unit for every class against all others; ties count half
    (Mann & Whitney).

    Raises:
        ValueError: for a class that no row, or every row, belongs to.
    """
    counts = labels.bincount(minlength=classes)
    if len(counts) > classes or not bool((counts > 0).all()) or classes < 2:
        raise ValueError(
            f"each of {classes} classes (two at least) needs a row, and no row another class"
        )
    values = responses.T.contiguous()  # (units, M)
    ordered = values.sort(dim=1).values
    below, up_to = (torch.searchsorted(ordered, values, right=right) for right in (False, True))
    # (units, M), from 1; equal values share their mean rank
    ranks = (below + up_to + 1).double() / 2
    sums = torch.zeros(len(values), classes, dtype=torch.float64).index_add_(1, labels, ranks)
    counts = counts.double()
    wins = sums - counts * (counts + 1) / 2
    return (wins / (counts * (len(labels) - counts))).T.float()


def multimodal_units(
    picture_auc: Float[Tensor, "C units"],
    word_auc: Float[Tensor, "C units"],
    permutations: int = 1000,
    seed: int = 0,
) -> MultimodalUnits:
    """Every unit's best concept by the smaller of its two areas, beside what luck reaches.

    Raises:
        ValueError: for fewer than two concepts, or areas of different shapes.
    """
    if len(picture_auc) < 2 or picture_auc.shape != word_auc.shape:
        shapes = f"{tuple(picture_auc.shape)} and {tuple(word_auc.shape)}"
        raise ValueError(f"areas of shapes {shapes}: give equal ones of two rows or more")
    scores = torch.minimum(picture_auc, word_auc)
    best = scores.max(0)
    generator = torch.Generator().manual_seed(seed)
    dealt = [derangement(len(word_auc), generator) for _ in range(permutations)]
    luck = torch.stack([torch.minimum(picture_auc, word_auc[order]).max() for order in dealt])
    columns = torch.arange(scores.shape[1])
    return MultimodalUnits(
        concept=best.indices,
        score=best.values,
        picture_auc=picture_auc[best.indices, columns],
        word_auc=word_auc[best.indices, columns],
        threshold=float(luck.quantile(0.95)),
        luck=luck,
    )


def derangement(n: int, generator: torch.Generator) -> Int[Tensor, " n"]:
    """A random order that leaves nothing in its place, as every third does: so no true find is
    taken for luck.
    """
    while True:
        order = torch.randperm(n, generator=generator)
        if not (order == torch.arange(n)).any():
            return order


def strongest(responses: Float[Tensor, "M units"], unit: int, k: int = 8) -> list[int]:
    """The rows that excite a unit most, the strongest first."""
    return responses[:, unit].topk(min(k, len(responses))).indices.tolist()
