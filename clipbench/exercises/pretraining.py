"""Exercises of lesson 01, on pretraining.

The loss, the curves of three bugs, the scale, and pairs that stay together.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, unit
from clipbench.loss import clip_loss


def one_way(logits, labels=None, **settings):
    return F.cross_entropy(
        logits, torch.arange(len(logits)) if labels is None else labels, **settings
    )


def both_ways(logits, **settings):
    return (one_way(logits, **settings) + one_way(logits.T, **settings)) / 2


check_loss = FunctionCheck(
    right=lambda image_features, text_features, scale: clip_loss(
        image_features, text_features, scale
    ),
    cases=((unit(3, 2), unit(3, 2, seed=1), 5.0), (unit(4, 3, seed=2), unit(4, 3, seed=3), 2.0)),
    mistakes={
        "Only one direction: each picture looks for its caption, but no caption looks "
        "for its picture. Add the "
        "cross-entropy of the transposed logits, and take the mean of both.": lambda images, texts, scale: (
            one_way(scale * images @ texts.T)
        ),
        "Only one direction: each caption looks for its picture, but no picture looks "
        "for its caption. Add the other "
        "cross-entropy, and take the mean of both.": lambda images, texts, scale: one_way(
            scale * texts @ images.T
        ),
        "That is the sum of both directions. The loss of the paper is their mean, so "
        "that ln N is the level of a model "
        "that knows nothing.": lambda images, texts, scale: 2 * clip_loss(images, texts, scale),
        "The scale is missing: plain cosines between -1 and 1 cannot give sure probabilities.": lambda images, texts, scale: (
            clip_loss(images, texts, 1.0)
        ),
        "The temperature is upside down: multiply by the scale, do not divide by it.": lambda images, texts, scale: (
            clip_loss(images, texts, 1 / scale)
        ),
        "Your labels are all the same number. The right caption of picture i is "
        "caption i: torch.arange(len(logits)).": lambda images, texts, scale: (
            (
                one_way(scale * images @ texts.T, torch.zeros(len(images), dtype=torch.long))
                + one_way(scale * texts @ images.T, torch.zeros(len(images), dtype=torch.long))
            )
            / 2
        ),
        "The labels count backwards, or the captions do. The right caption of picture "
        "i is caption i: "
        "torch.arange(len(logits)).": lambda images, texts, scale: clip_loss(
            images, texts.flip(0), scale
        ),
        "You added up the losses of all pairs. Take their mean: otherwise the loss "
        "grows with the batch.": lambda images, texts, scale: both_ways(
            scale * images @ texts.T, reduction="sum"
        ),
        "The sign is wrong: a loss is *minus* the logarithm of the probability of the "
        "right answer.": lambda images, texts, scale: -clip_loss(images, texts, scale),
        "You gave probabilities to cross_entropy. It takes the softmax itself, so give "
        "it the logits.": lambda images, texts, scale: (
            (
                one_way((scale * images @ texts.T).softmax(1))
                + one_way((scale * texts @ images.T).softmax(1))
            )
            / 2
        ),
        "That only pulls own pairs together. Without the other captions to compare with, all "
        "features can become equal: take the cross-entropy over each row.": lambda images, texts, scale: (
            -(images * texts).sum(1).mean()
        ),
        "You multiplied pictures with pictures. The logits are scale × pictures × "
        "captions transposed.": lambda images, texts, scale: clip_loss(images, images, scale),
    },
    praise="This is the heart of figure 3, and it equals clip_loss.",
)

OUT_OF_STEP = "captions are shuffled apart from their pictures"
TOO_LONG = "the features are not brought to length 1"
NO_SCALE = "the cosines are not multiplied by the scale"
SCALE_OF_CURVES = 5.0


def buggy_losses() -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Give the contrastive loss with one bug each, of features (N, D) of any length."""
    unit_rows = partial(F.normalize, dim=1)

    def apart(pictures: Tensor, captions: Tensor) -> Tensor:
        captions = captions[torch.randperm(len(captions))]
        return clip_loss(unit_rows(pictures), unit_rows(captions), SCALE_OF_CURVES)

    return {
        "A": lambda pictures, captions: clip_loss(unit_rows(pictures), unit_rows(captions), 1.0),
        "B": apart,
        "C": lambda pictures, captions: both_ways(SCALE_OF_CURVES * pictures @ captions.T),
    }


def bug_curves(steps: int = 80) -> dict[str, list[float]]:
    """Train sixteen free pairs with each of the bugs: the loss of every step, in nats."""
    curves: dict[str, list[float]] = {}
    for name, loss in buggy_losses().items():
        torch.manual_seed(0)
        both = [(torch.randn(16, 64) / 2).requires_grad_() for _ in range(2)]
        optimizer = torch.optim.Adam(both, lr=0.02)
        curves[name] = []
        for _ in range(steps):
            value = loss(*both)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            curves[name].append(value.item())
    return curves


check_curves = ChoiceCheck(
    right={"A": NO_SCALE, "B": OUT_OF_STEP, "C": TOO_LONG},
    why={
        "A": "it falls, so the pairs are together; but something holds it well above 0. How sure "
        "can a softmax over cosines be, which lie between -1 and 1?",
        "B": "it stays at ln 16 = 2.77 for ever. When is there nothing to learn?",
        "C": "it begins far above ln 16, where even a model that knows nothing should be. How can "
        "random features be so *sure*?",
    },
    praise="Where a curve begins and where it stops says which bug it is: far above ln N, at ln N, "
    "or on a floor above 0.",
)

check_scale = FunctionCheck(
    right=lambda logit_scale: logit_scale.exp().clamp(max=100),
    cases=((torch.tensor(2.6593),), (torch.tensor(5.0),), (torch.tensor(-1.0),)),
    mistakes={
        "The exponential is missing. The model learns the *logarithm* of the scale, so "
        "that the scale stays positive.": lambda logit_scale: logit_scale.clamp(max=100),
        "The limit is missing, or comes too early: it should hold for the scale, not "
        "for its logarithm.": lambda logit_scale: logit_scale.clamp(max=100).exp(),
        "clamp(min=100) is a floor. A limit from above is max=100.": lambda logit_scale: (
            logit_scale.exp().clamp(min=100)
        ),
        "The sign is turned: e^(-logit_scale) is the temperature, one over the scale.": lambda logit_scale: (
            (-logit_scale).exp().clamp(max=100)
        ),
    },
    praise="The logarithm is learned, the scale is used, and the paper stops it at 100.",
)


def facts(shuffled):
    """Say whether pairs are together, every picture is still there, and the order changed."""
    pictures, captions = shuffled
    pictures, captions = [int(each) for each in pictures], [int(each) for each in captions]
    everything = sorted(pictures) == sorted(captions) == list(range(len(pictures)))
    return {
        "together": pictures == captions,
        "all there": everything,
        "mixed": pictures != sorted(pictures),
    }


def in_order(pictures, captions, rows, other_rows=None):
    other_rows = rows if other_rows is None else other_rows
    return pictures[rows], [captions[row] for row in other_rows.tolist()]


check_shuffle = FunctionCheck(
    right=lambda pictures, captions: in_order(pictures, captions, torch.randperm(len(pictures))),
    cases=((torch.arange(20), [str(number) for number in range(20)]),),
    mistakes={
        "Still broken: after the shuffle, whose caption stands beside picture 7? Print "
        "both and compare.": lambda pictures, captions: in_order(
            pictures, captions, torch.randperm(len(pictures)), torch.randperm(len(pictures))
        ),
        "Pairs are together, but nothing is shuffled.": lambda pictures, captions: (
            pictures,
            captions,
        ),
        "Some pairs come twice and others never. Draw a permutation (torch.randperm), "
        "not random numbers.": lambda pictures, captions: in_order(
            pictures, captions, torch.randint(len(pictures), (len(pictures),))
        ),
    },
    praise="One permutation for both lists. A loss that stays at ln N is the sign of "
    "the other kind.",
    view=facts,
)
