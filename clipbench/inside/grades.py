"""Grades of directions found inside a model, from the truth about scenes.

For each value of each factor ("cat", "three", "sketch", the word "sun" on a sign) they grade
the direction that follows it best.

Which direction follows a value is decided on one set of scenes and graded on another, so that luck
in choosing among many directions earns nothing. The grade is an area under the ROC curve: how often
the direction answers more strongly to a scene with the value than to one with another value of the
same factor. 0.5 is guessing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.inside.graded_scenes import Factor
from clipbench.inside.units import auc_by_class

FOLLOWS = 0.8  # from this area on a direction is said to follow a value
MOSTLY = 0.5  # lift from which on a feature is said to answer to a part of a value's scenes
ENOUGH = 10  # scenes that it must answer to for that
RIDGE = 1e-2  # of the probe, as a share of the features' mean square


@dataclass(frozen=True)
class Grades:
    """How well directions follow the values of one factor. V values, F directions."""

    factor: str
    values: list[str]
    best: Int[Tensor, " V"]  # the direction that follows the value best on the search scenes
    auc: Float[Tensor, " V"]  # its area on the held-out scenes
    every: Float[Tensor, "V F"]  # all areas on the held-out scenes

    @property
    def mean(self) -> float:
        return float(self.auc.mean())

    @property
    def splitting(self) -> float:
        """How many directions follow a value, mean of the values that any follows; 0 for none."""
        followers = (self.every >= FOLLOWS).sum(1)
        return float(followers[followers > 0].float().mean()) if bool(followers.any()) else 0.0


def grade(
    search: Float[Tensor, "M F"],
    heldout: Float[Tensor, "N F"],
    search_factors: Sequence[Factor],
    heldout_factors: Sequence[Factor],
    both_ways: bool = False,
) -> list[Grades]:
    """Grade directions on every factor.

    Args:
        search, heldout: how strongly each direction answers to the scenes of two splits.
        both_ways: whether a direction may also follow a value by answering less, as one that has
            no sign may (PCA, random directions, single units).

    Raises:
        ValueError: when a factor has fewer than two values in either set of scenes.
    """
    if both_ways:
        search, heldout = (torch.cat([scores, -scores], 1) for scores in (search, heldout))
    return [
        graded(*areas(search, seen, heldout, unseen), seen)
        for seen, unseen in zip(search_factors, heldout_factors, strict=True)
    ]


def areas(
    search: Tensor, seen: Factor, heldout: Tensor, unseen: Factor
) -> tuple[Float[Tensor, "V F"], Float[Tensor, "V F"], list[int]]:
    """Compute areas for values of both sets of scenes.

    It gives (areas on the search scenes, on the held-out ones, values).
    """
    shared = sorted(
        set(seen.labels.unique().tolist()) & set(unseen.labels.unique().tolist()) - {-1}
    )
    if len(shared) < 2:
        raise ValueError(
            f"{seen.name}: {len(shared)} values in both sets of scenes; two are needed"
        )
    return area_of(search, seen.labels, shared), area_of(heldout, unseen.labels, shared), shared


def area_of(scores: Tensor, labels: Tensor, values: Sequence[int]) -> Float[Tensor, "V F"]:
    """Compute each direction's area under the ROC curve for each value, against the others."""
    place = torch.full((max(values) + 2,), -1)
    place[list(values)] = torch.arange(len(values))
    renumbered = place[labels.clamp(max=max(values) + 1)]  # -1 reads the last entry, which is -1
    kept = renumbered >= 0
    return auc_by_class(scores[kept], renumbered[kept], len(values))


def graded(search: Tensor, heldout: Tensor, values: list[int], factor: Factor) -> Grades:
    best = search.argmax(1)
    chosen = heldout.gather(1, best[:, None])[:, 0]
    return Grades(factor.name, [factor.values[k] for k in values], best, chosen, heldout)


def mixing(grades: Sequence[Grades]) -> float:
    """Compute how many factors a direction follows, mean of those that follow any; 0 for none."""
    followed = torch.stack([(each.every >= FOLLOWS).any(0) for each in grades]).sum(0)
    return float(followed[followed > 0].float().mean()) if bool(followed.any()) else 0.0


def followed_by(grades: Sequence[Grades], direction: int) -> tuple[str, str, float]:
    """Find what a direction follows best on the held-out scenes: (factor, value, area)."""
    tops = [each.every[:, direction].max(0) for each in grades]
    number = max(range(len(tops)), key=lambda k: float(tops[k].values))
    each, top = grades[number], tops[number]
    return each.factor, each.values[int(top.indices)], float(top.values)


@dataclass(frozen=True)
class Followed:
    """What a feature is about, measured on scenes that this was not chosen on."""

    factor: str
    value: str
    auc: float
    answered: int  # scenes where the factor is asked and the feature is active
    when_active: float  # share of these that have the value
    ever: float  # share of all scenes where the factor is asked that have it

    @property
    def follows(self) -> bool:
        """Whether it answers to most scenes with the value, and to few without."""
        return self.auc >= FOLLOWS

    @property
    def lift(self) -> float:
        """How much purer its scenes are than all are: 0 is as pure, 1 is nothing but the value."""
        return (self.when_active - self.ever) / max(1e-12, 1 - self.ever)

    @property
    def answers_to_part(self) -> bool:
        """Whether it answers to a part of the value's scenes only, and to few others."""
        return not self.follows and self.answered >= ENOUGH and self.lift >= MOSTLY

    @property
    def known(self) -> bool:
        return self.follows or self.answers_to_part


def what_each_follows(
    search: Float[Tensor, "M F"],
    heldout: Float[Tensor, "N F"],
    search_factors: Sequence[Factor],
    heldout_factors: Sequence[Factor],
) -> list[Followed]:
    """Find for each feature the value that it is about, over all factors.

    That is the value with the largest area, if it is followed; else, as features split, the one
    that is most frequent where the feature is active. Both are chosen on the search scenes and
    measured on the held-out ones.

    Args:
        search, heldout: activations: zero where a feature is not active.

    Raises:
        ValueError: when a factor has fewer than two values in either set of scenes.
    """
    by_area, by_purity, numbers = [], [], []
    names: list[tuple[str, str]] = []
    for seen, unseen in zip(search_factors, heldout_factors, strict=True):
        on_search, on_heldout, values = areas(search, seen, heldout, unseen)
        by_area.append(on_search)
        by_purity.append(lift_of(*purity(search, seen, values)[1:]))
        numbers.append(torch.stack([on_heldout, *purity(heldout, unseen, values)]))
        names += [(seen.name, seen.values[k]) for k in values]
    area, answered, when_active, ever = torch.cat(numbers, 1)

    def about(value: int, feature: int) -> Followed:
        at = value, feature
        shares = float(when_active[at]), float(ever[at])
        return Followed(*names[value], float(area[at]), int(answered[at]), *shares)

    chosen = []
    ways = (torch.cat(each).argmax(0).tolist() for each in (by_area, by_purity))
    for feature, (widest, purest) in enumerate(zip(*ways, strict=True)):
        whole, part = about(widest, feature), about(purest, feature)
        chosen.append(part if part.answers_to_part and not whole.follows else whole)
    return chosen


def purity(
    activations: Float[Tensor, "M F"], factor: Factor, values: Sequence[int]
) -> tuple[Float[Tensor, "V F"], Float[Tensor, "V F"], Float[Tensor, "V F"]]:
    """Count on how many scenes each feature is active, and which share of them has each value.

    It gives (how many, the share of those, the share of all), of scenes where the factor is asked.
    """
    asked = factor.labels >= 0
    active = (activations[asked] > 0).float()
    there = (factor.labels[asked][:, None] == torch.tensor(list(values))).float()
    answered = active.sum(0).expand(len(values), -1)
    ever = there.mean(0)[:, None].expand_as(answered)
    return answered, there.T @ active / answered.clamp(min=1), ever


def lift_of(when_active: Tensor, ever: Tensor) -> Tensor:
    return (when_active - ever) / (1 - ever).clamp(min=1e-12)


# -------------------- what to compare with


def principal_directions(rows: Float[Tensor, "R W"]) -> Float[Tensor, "W W"]:
    """Compute the principal axes of the rows, one in each row, the widest first."""
    centred = (rows - rows.mean(0)).double()
    return torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1).T.float()


def random_directions(count: int, width: int, seed: int = 0) -> Float[Tensor, "F W"]:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, width, generator=generator), dim=1)


def probe_scores(
    rows: Float[Tensor, "R W"],
    factor: Factor,
    heldout: Float[Tensor, "N W"],
) -> Float[Tensor, "N V"]:
    """Score each value with a linear probe.

    The probe is ridge regression on the value's indicator, and it sees the labels of the training
    rows. It shows what a direction can at best be expected to reach.
    """
    kept = factor.labels >= 0
    targets = F.one_hot(factor.labels[kept], len(factor.values)).double()
    x = rows[kept].double()
    mean = x.mean(0)
    x = x - mean
    gram = x.T @ x
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    weights = torch.linalg.solve(gram, x.T @ (targets - targets.mean(0)))
    return ((heldout.double() - mean) @ weights).float()


def probe_grades(
    rows: Float[Tensor, "R W"],
    factors: Sequence[Factor],
    heldout: Float[Tensor, "N W"],
    heldout_factors: Sequence[Factor],
) -> dict[str, float]:
    """Compute the probe's grades: factor -> mean area of its own score for each value."""
    found = {}
    for factor, unseen in zip(factors, heldout_factors, strict=True):
        scores = probe_scores(rows, factor, heldout)
        values = sorted(set(unseen.labels.unique().tolist()) - {-1})
        own = area_of(scores[:, values], unseen.labels, values).diagonal()
        found[factor.name] = float(own.mean())
    return found
