"""Exercises of lesson 09: what was expected, what was closed, and whether a difference is real."""

import math

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck


def logit(fraction):
    return math.log(fraction / (1 - fraction))


def expected(accuracy, slope, intercept):
    return 1 / (1 + math.exp(-(slope * logit(accuracy) + intercept)))


check_effective = FunctionCheck(
    right=lambda accuracy, shifted, slope, intercept: (
        shifted - expected(accuracy, slope, intercept)
    ),
    cases=((0.76, 0.64, 0.9, -0.5), (0.90, 0.40, 0.7, -1.0)),
    mistakes={
        "That is how much was lost. It also depends on how good the model was before. "
        "Compare with what the *line* expects "
        "at this accuracy.": lambda accuracy, shifted, slope, intercept: accuracy - shifted,
        "The sign is turned: a model above the line has a positive effective robustness.": lambda accuracy, shifted, slope, intercept: (
            expected(accuracy, slope, intercept) - shifted
        ),
        "That is only what the line expects. How far above it is the model?": lambda accuracy, shifted, slope, intercept: (
            expected(accuracy, slope, intercept)
        ),
        "The intercept is missing.": lambda accuracy, shifted, slope, intercept: (
            shifted - expected(accuracy, slope, 0)
        ),
        "The slope is missing.": lambda accuracy, shifted, slope, intercept: (
            shifted - expected(accuracy, 1, intercept)
        ),
        "You asked the line at the wrong accuracy: it takes the accuracy *before* the shift.": lambda accuracy, shifted, slope, intercept: (
            accuracy - expected(shifted, slope, intercept)
        ),
        "The line is straight in logits only. Turn the accuracy into a logit before "
        "you put it into the line.": lambda accuracy, shifted, slope, intercept: (
            shifted - (slope * accuracy + intercept)
        ),
        "You subtracted two logits. First turn what the line gives back into an accuracy.": lambda accuracy, shifted, slope, intercept: (
            logit(shifted) - (slope * logit(accuracy) + intercept)
        ),
        "What the line gives is a logit, and no accuracy yet. Turn it back: 1 / (1 + "
        "exp(-logit)).": lambda accuracy, shifted, slope, intercept: (
            shifted - (slope * logit(accuracy) + intercept)
        ),
    },
    praise="A better model is expected to be better under the shift, too. Only what "
    "lies above the line is robustness.",
)

check_gap = FunctionCheck(
    right=lambda standard_loss, loss: 1 - loss / standard_loss,
    cases=((0.40, 0.10), (0.30, 0.24), (0.20, 0.25)),
    mistakes={
        "That is the share of the gap that is left. How much of it was closed?": lambda standard_loss, loss: (
            loss / standard_loss
        ),
        "These are points. The question asks for a share of the standard model's gap.": lambda standard_loss, loss: (
            standard_loss - loss
        ),
        "You divided by the new model's gap. The gap that was closed is the standard model's.": lambda standard_loss, loss: (
            (standard_loss - loss) / loss
        ),
    },
    praise="“Up to 75 % of the gap closed” (section 3.3) is this number. It can be negative.",
)

_a = torch.tensor([1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1], dtype=torch.float)
_b = torch.tensor([1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 1], dtype=torch.float)


def half_width(values):
    return float(1.96 * values.std() / len(values) ** 0.5)


check_paired = FunctionCheck(
    right=lambda a, b: half_width(a - b),
    cases=((_a, _b), (_b, torch.flip(_a, (0,)))),
    mistakes={
        "Still broken: both models saw the *same* pictures, and an easy picture is "
        "easy for both. Look at the difference "
        "for each picture, and take the spread of that.": lambda a, b: (
            (half_width(a) ** 2 + half_width(b) ** 2) ** 0.5
        ),
        "That is one standard error. A 95% interval reaches 1.96 of them to each side.": lambda a, b: (
            half_width(a - b) / 1.96
        ),
        "That is the spread of single pictures. Divide by the root of their number.": lambda a, b: (
            float(1.96 * (a - b).std())
        ),
        "That is the difference itself. How far does its interval reach to one side?": lambda a, b: (
            float((a - b).mean())
        ),
        "Divide by the *root* of the number of pictures.": lambda a, b: float(
            1.96 * (a - b).std() / len(a)
        ),
    },
    praise="Paired intervals are narrower where models agree on most pictures. "
    "`clipbench compare` does it exactly.",
)

YES, NO = "follows", "does not follow"
check_what_follows = ChoiceCheck(
    right={
        "A loses 10 points under the shift and B loses 20, so A is more robust": NO,
        "a probe gained at home and lost elsewhere, so it used what is special to home": YES,
        "our model falls on another artist's drawings, so contrastive training is not robust": NO,
    },
    why={
        "A loses 10 points under the shift and B loses 20, so A is more robust": "if A was near chance before, it had "
        "little to lose. Use the line.",
        "a probe gained at home and lost elsewhere, so it used what is special to home": "what "
        "helps in one place only is a fact about that place.",
        "our model falls on another artist's drawings, so contrastive training is not robust": "its world has one artist. "
        "The paper's robustness came with 400 million varied pictures; the loss alone "
        "does not give it.",
    },
    praise="Robustness is a claim about two sets of pictures and a line.",
)
