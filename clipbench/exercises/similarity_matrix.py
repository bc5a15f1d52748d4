"""Exercises of lesson 02: two directions, log-sum-exp, equal captions, and the best scale."""

import math

import torch

from clipbench.exercises.check import FunctionCheck, ValueCheck, numbers
from clipbench.loss import clip_loss


def share_on_diagonal(cosines, dim):
    return float((cosines.argmax(dim) == torch.arange(len(cosines))).float().mean())


_confused = torch.tensor([[0.5, 0.6, 0.1], [0.2, 0.7, 0.1], [0.4, 0.2, 0.3]])

check_two_accuracies = FunctionCheck(
    right=lambda cosines: (share_on_diagonal(cosines, 1), share_on_diagonal(cosines, 0)),
    cases=((_confused,), (numbers(6, 6, seed=3) + torch.eye(6),)),
    mistakes={
        "The two are the wrong way round. Rows are pictures: a picture looks along its "
        "row (dim=1).": lambda cosines: (
            share_on_diagonal(cosines, 0),
            share_on_diagonal(cosines, 1),
        ),
        "Both numbers are those of the pictures. A caption looks down its column: dim=0.": lambda cosines: (
            (share_on_diagonal(cosines, 1),) * 2
        ),
        "Both numbers are those of the captions. A picture looks along its row: dim=1.": lambda cosines: (
            (share_on_diagonal(cosines, 0),) * 2
        ),
        "These are counts. A share is a count divided by the number of pairs.": lambda cosines: (
            tuple(len(cosines) * share_on_diagonal(cosines, dim) for dim in (1, 0))
        ),
        "These are per cent. The question asks for shares, between 0 and 1.": lambda cosines: tuple(
            100 * share_on_diagonal(cosines, dim) for dim in (1, 0)
        ),
    },
    praise="Two questions, two accuracies, one table.",
)

check_log_sum_exp = FunctionCheck(
    right=lambda logits: logits.logsumexp(dim=-1),
    cases=(
        (torch.tensor([1.0, 2.0, 3.0]),),
        (torch.tensor([1000.0, 1001.0]),),
        (torch.tensor([-1000.0, -1001.0]),),
    ),
    mistakes={
        "Right for small logits, but e to the 1000 is infinite for a computer. "
        "Subtract the largest logit before the "
        "exponential, and add it at the end.": lambda logits: logits.exp().sum().log(),
        "You subtracted the largest logit, and forgot to add it again at the end.": lambda logits: (
            (logits - logits.max()).exp().sum().log()
        ),
        "You added the largest logit inside of the logarithm. It belongs outside: "
        "ln(a·b) = ln a + ln b.": lambda logits: (
            (logits - logits.max()).exp().sum() + logits.max()
        ).log(),
        "The logarithm is missing.": lambda logits: (
            (logits - logits.max()).exp().sum() * logits.max().exp()
        ),
        "That is the mean of the exponentials: use the sum.": lambda logits: (
            (logits - logits.max()).exp().mean().log() + logits.max()
        ),
        "That is only the largest logit. It is near, because log-sum-exp is a soft "
        "maximum, but the others count too.": lambda logits: logits.max(),
    },
    praise="Every library does it so. Without it, a scale of 100 would already be "
    "dangerous in half precision.",
)

check_floor = ValueCheck(
    right=math.log(3),
    mistakes={
        "No: even a perfect model must divide its trust among three equal captions.": 0.0,
        "That would be the level of a model that knows nothing. A perfect one knows "
        "which three captions are possible.": math.log(12),
        "There are four kinds, but the choice that nobody can make is among three equal captions.": math.log(
            4
        ),
        "That is the probability. The loss is minus its logarithm.": 1 / 3,
        "That is a logarithm to base 2. The loss is in nats: the natural logarithm.": math.log2(3),
        "The sign is wrong: minus the logarithm of a third is positive.": -math.log(3),
    },
    praise="With k equal captions the floor is ln k, whatever the targets. Captions "
    "that differ come next.",
    otherwise="A perfect model gives each of three equal captions one third. The loss "
    "is minus its logarithm.",
)


def of_one_kind(kinds):
    return torch.tensor([[one == other for other in kinds] for one in kinds], dtype=torch.float)


check_targets = FunctionCheck(
    right=lambda kinds: of_one_kind(kinds) / of_one_kind(kinds).sum(1, keepdim=True),
    cases=((["cat", "dog", "cat"],), (["x", "x", "y", "x", "z", "y"],)),
    mistakes={
        "Still broken: both captions of a cat fit both pictures of a cat, and your "
        "table calls one of them wrong. "
        "Compare kinds, not positions.": lambda kinds: torch.eye(len(kinds)),
        "The ones are in the right cells, but a row should sum to 1: it is a probability.": of_one_kind,
        "You divided by the number of all pairs. Divide each row by the number of ones "
        "in *this* row.": lambda kinds: of_one_kind(kinds) / len(kinds),
        "You divided by the sum of the whole table. Each row should sum to 1: "
        "sum(dim=1, keepdim=True).": lambda kinds: of_one_kind(kinds) / of_one_kind(kinds).sum(),
    },
    praise="Pairs of a kind share the target. This is what `groups` of clip_loss does.",
)


def loss_of(cosines, scale):
    dim = len(cosines)
    return float(clip_loss(cosines, torch.eye(dim), scale))


check_best_scale = FunctionCheck(
    right=lambda cosines, scales: min(scales, key=lambda scale: loss_of(cosines, scale)),
    cases=(
        (_confused, [1.0, 3.0, 10.0, 30.0, 100.0]),
        (numbers(8, 8, seed=1) / 20 + 0.2 * torch.eye(8), [1.0, 5.0, 20.0, 40.0, 80.0]),
    ),
    mistakes={
        "That is the scale with the *highest* loss.": lambda cosines, scales: max(
            scales, key=lambda scale: loss_of(cosines, scale)
        ),
        "That is the loss at the best scale. The question asks for the scale.": lambda cosines, scales: (
            min(loss_of(cosines, scale) for scale in scales)
        ),
        "You looked along the rows only. The loss is the mean of both directions.": lambda cosines, scales: (
            min(
                scales,
                key=lambda scale: float((scale * cosines).log_softmax(1).diagonal().mean().neg()),
            )
        ),
        "That is the position in the list. The question asks for the scale itself.": lambda cosines, scales: (
            min(range(len(scales)), key=lambda i: loss_of(cosines, scales[i]))
        ),
        "The accuracy cannot choose: it is the same for every scale, so the first one "
        "wins. Compare losses.": lambda cosines, scales: max(
            scales, key=lambda scale: share_on_diagonal(scale * cosines, 1)
        ),
    },
    praise="The scale says how far the cosines can be trusted. Training finds it by gradient.",
)
