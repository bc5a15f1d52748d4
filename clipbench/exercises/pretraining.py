"""Exercises of lesson 01, on pretraining.

The loss, its level of ignorance, parameters, and pairs that stay together.
"""

import math

import torch
import torch.nn.functional as F

from clipbench.exercises.check import FunctionCheck, ValueCheck, unit
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
        "You multiplied pictures with pictures. The logits are scale × pictures × "
        "captions transposed.": lambda images, texts, scale: clip_loss(images, images, scale),
    },
    praise="This is the heart of figure 3, and it equals clip_loss.",
)

check_ignorance = ValueCheck(
    right=math.log(512),
    mistakes={
        "You used a logarithm to base 2. The loss is in nats: the natural logarithm.": math.log2(
            512
        ),
        "You used a logarithm to base 10. The loss is in nats: the natural logarithm.": math.log10(
            512
        ),
        "The scale does not matter here: equal cosines times any scale are still equal.": 14.3
        * math.log(512),
        "That is the probability of the right answer. The loss is minus its logarithm.": 1 / 512,
        "The sign is wrong: minus the logarithm of 1/512 is positive.": -math.log(512),
        "Twice too much. Take the mean of both directions; each picture chooses among "
        "512 captions, not 512² cells.": 2 * math.log(512),
    },
    praise="ln N, whatever the scale is. So never compare losses of different batch sizes.",
    otherwise="All cosines are equal, so each of 512 captions gets the same "
    "probability. The loss is minus its natural "
    "logarithm.",
)

check_parameters = ValueCheck(
    right=3 * 3 * 48 * 96 + 2 * 96,
    mistakes={
        "The batch norm is missing: it has two numbers for each of the 96 outputs.": 3
        * 3
        * 48
        * 96,
        "The kernel has 3 × 3 weights for each pair of an input and an output, not 3.": 3 * 48 * 96
        + 2 * 96,
        "The kernel is missing: 3 × 3 weights for each pair of an input and an output.": 48 * 96
        + 2 * 96,
        "The batch norm has two numbers for each of the 96 outputs, a factor and a "
        "shift. You have 96 in all.": 3 * 3 * 48 * 96 + 96,
        "A convolution before a batch norm has no bias: the norm's shift does its work.": 3
        * 3
        * 48
        * 96
        + 3 * 96,
    },
    praise="The kernel makes nearly all of it.",
    otherwise="Kernel × kernel × inputs × outputs for the convolution, and two numbers "
    "for each output of the norm.",
    tolerance=0.0,
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
