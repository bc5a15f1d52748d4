"""Exercises of lesson 12, on what is inside the model.

How well a unit tells, what luck can do, one step for every pixel, and maps.
"""

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, numbers


def couples(inside, outside):
    return inside[:, None], outside[None, :]


_inside, _outside = torch.tensor([2.0, 1.0, 3.0, 0.0]), torch.tensor([0.0, 1.0, 0.0, 4.0, 0.5])


def auc(inside, outside, tie=0.5):
    a, b = couples(inside, outside)
    return float((a > b).float().mean() + tie * (a == b).float().mean())


check_auc = FunctionCheck(
    right=auc,
    cases=(
        (_inside, _outside),
        (torch.zeros(3), torch.zeros(4)),
        (numbers(5, seed=1), numbers(6, seed=2)),
    ),
    mistakes={
        "A unit that is always 0 gets 0 from you, as if it were worse than guessing. A "
        "tie is a guess: count it half.": lambda inside, outside: auc(inside, outside, tie=0.0),
        "A unit that is always 0 gets a perfect score from you. A tie is a guess: count it half.": lambda inside, outside: (
            auc(inside, outside, tie=1.0)
        ),
        "The wrong way round: how often does the unit answer more strongly to what is "
        "*inside* the concept?": lambda inside, outside: auc(outside, inside),
        "That compares the two means. Compare couples: each one inside with each one outside.": lambda inside, outside: (
            float(inside.mean() - outside.mean())
        ),
        "That is a count. Divide by the number of couples.": lambda inside, outside: (
            auc(inside, outside) * len(inside) * len(outside)
        ),
    },
    praise="0.5 is guessing, 1 is perfect, and 0 is perfect as well: a unit that is "
    "silent for the concept alone.",
)

_luck = torch.tensor([31.0, 44.0, 36.0, 48.0, 60.0, 33.0, 47.0, 35.0, 36.0, 32.0])
check_luck = FunctionCheck(
    right=lambda found, by_luck: float((by_luck >= found).float().mean()),
    cases=((36.0, _luck), (49.0, _luck), (153.0, _luck)),
    mistakes={
        "That is the share of deals that find *fewer*. How often does luck find at least as "
        "many as you did?": lambda found, by_luck: float((by_luck < found).float().mean()),
        "A deal that finds exactly as many counts, too: at least as many.": lambda found, by_luck: (
            float((by_luck > found).float().mean())
        ),
        "That is how many deals. Divide by the number of deals.": lambda found, by_luck: float(
            (by_luck >= found).sum()
        ),
        "Compare with every deal, not with their mean.": lambda found, by_luck: float(
            found - by_luck.mean()
        ),
    },
    praise="Each deal searches all units again. Whoever compares one unit with one "
    "deal forgets the search.",
)

_gradient = numbers(2, 3, 4, seed=3)
check_growth = FunctionCheck(
    right=lambda gradient: float(gradient.abs().sum() / 255),
    cases=((_gradient,), (numbers(1, 5, 5, seed=4),)),
    mistakes={
        "Positive and negative gradients cancel in your sum. But each pixel steps in "
        "the direction of *its own* gradient.": lambda gradient: float(gradient.sum() / 255),
        "That is the growth for a step of 1, from black to white. A step is one of 255.": lambda gradient: (
            float(gradient.abs().sum())
        ),
        "That is the mean over pixels. All of them step at once: add.": lambda gradient: float(
            gradient.abs().mean() / 255
        ),
        "That is the length of the gradient: right for steps along it, not for the "
        "same step in every pixel.": lambda gradient: float(gradient.norm() / 255),
    },
    praise="Nobody can see one step of 255, and thousands of them add up.",
)

YES, NO = "yes", "no"
check_maps = ChoiceCheck(
    right={
        "attention gives one map for each text that you ask": NO,
        "covering a part and measuring again works for any model": YES,
        "the best of many units is above chance, so it means something": NO,
        "if a map marks what matters, covering it hurts more than covering random parts": YES,
        "a high cosine with 'a cat' shows that a picture looks like a cat": NO,
    },
    why={
        "attention gives one map for each text that you ask": "the image encoder never "
        "sees your text.",
        "covering a part and measuring again works for any model": "it needs pictures in and a score out, nothing else.",
        "the best of many units is above chance, so it means something": "the best of many is always above chance. Compare "
        "with the best that luck finds in an equal search.",
        "if a map marks what matters, covering it hurts more than covering random parts": "this is a prediction that can "
        "fail, so it is a test.",
        "a high cosine with 'a cat' shows that a picture looks like a cat": "steering reached cosines above any real cat, "
        "and showed noise.",
    },
    praise="An explanation has to predict something that can fail.",
)
