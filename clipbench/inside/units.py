"""Units that respond to a concept however it is shown (Goh et al. 2021).

It may be shown as a picture or as a written word.

A unit is judged by two areas under the ROC curve: how well its response separates pictures of the
concept from pictures of others, and signs with its name from signs with other names. Its score for
a concept is the smaller of the two.

With thousands of units and a hundred concepts many score well by luck. So the pairs of a unit and a
concept above a threshold are *counted*, and counted again when the words are assigned to the
concepts at random, each to a wrong one (a permutation test). The threshold is where luck finds a
given number of pairs on average, whatever the layer's size. The largest score of all looks like the
natural statistic but is useless: with this many pairs it is near 1 by luck, too.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class UnitPairs:
    """The K pairs of a unit and a concept whose score reaches the threshold, the best one first."""

    unit: Int[Tensor, " K"]
    concept: Int[Tensor, " K"]
    score: Float[Tensor, " K"]  # the smaller of the two areas
    threshold: float
    luck: Int[Tensor, " permutations"]  # how many pairs each deal of the words finds

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def p_value(self) -> float:
        """How often luck finds as many pairs, the true dealing counted in."""
        return float((1 + (self.luck >= len(self)).sum()) / (1 + len(self.luck)))


def auc_by_class(
    responses: Float[Tensor, "M units"], labels: Int[Tensor, " M"], classes: int
) -> Float[Tensor, "C units"]:
    """Compute the area under the ROC curve of every unit for every class against all others.

    Ties count half (Mann & Whitney).

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


def unit_pairs(
    picture_auc: Float[Tensor, "C units"],
    word_auc: Float[Tensor, "C units"],
    expected: float = 40,
    permutations: int = 1000,
    seed: int = 0,
) -> UnitPairs:
    """Find the units that respond to both picture and word of a concept, beside what luck finds.

    Args:
        picture_auc, word_auc: as ``auc_by_class`` gives them.
        expected: how many pairs luck finds on average; this fixes the threshold.
        permutations: how many times the words are dealt to wrong concepts.

    Raises:
        ValueError: for fewer than two concepts, areas of different shapes, or fewer pairs than
            ``expected``.
    """
    if len(picture_auc) < 2 or picture_auc.shape != word_auc.shape:
        shapes = f"{tuple(picture_auc.shape)} and {tuple(word_auc.shape)}"
        raise ValueError(f"areas of shapes {shapes}: give equal ones of two rows or more")
    if not 0 < expected < picture_auc.numel():
        raise ValueError(f"{expected} pairs expected of {picture_auc.numel()}")
    threshold = threshold_of_luck(picture_auc, word_auc, expected)
    generator = torch.Generator().manual_seed(seed)
    deals = [derangement(len(word_auc), generator) for _ in range(permutations)]
    luck = [(torch.minimum(picture_auc, word_auc[deal]) >= threshold).sum() for deal in deals]
    scores = torch.minimum(picture_auc, word_auc)
    concept, unit = (scores >= threshold).nonzero(as_tuple=True)
    best_first = scores[concept, unit].argsort(descending=True)
    concept, unit = concept[best_first], unit[best_first]
    return UnitPairs(unit, concept, scores[concept, unit], threshold, torch.stack(luck))


def threshold_of_luck(
    picture_auc: Float[Tensor, "C units"], word_auc: Float[Tensor, "C units"], expected: float
) -> float:
    """Find the score that ``expected`` pairs reach when each concept has the words of another.

    It is the mean over all wrong couples, so no deal is drawn for it.
    """
    concepts = len(picture_auc)
    count = round(expected * (concepts - 1))
    best = torch.empty(0)
    for shift in range(1, concepts):
        lucky = torch.minimum(picture_auc, word_auc.roll(shift, 0)).flatten()
        best = torch.cat([best, lucky])
        best = best.topk(min(count, len(best))).values
    return float(best[-1])


def derangement(n: int, generator: torch.Generator) -> Int[Tensor, " n"]:
    """Draw a random order that leaves nothing in its place (a derangement).

    About every third random order does so. Thus no true find is taken for luck.
    """
    while True:
        order = torch.randperm(n, generator=generator)
        if not (order == torch.arange(n)).any():
            return order


def strongest(responses: Float[Tensor, "M units"], unit: int, k: int = 8) -> list[int]:
    """List the rows that excite a unit most, the strongest first."""
    return responses[:, unit].topk(min(k, len(responses))).indices.tolist()
