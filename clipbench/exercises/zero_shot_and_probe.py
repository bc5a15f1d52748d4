"""Exercises of lesson 06: a fair few-shot set, an honest standard, and what zero-shot is worth."""

import math

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, numbers


def first_of_each(labels, k):
    return sorted(
        row
        for label in set(labels)
        for row in [i for i, each in enumerate(labels) if each == label][:k]
    )


_labels = [0, 0, 1, 0, 2, 1, 1, 2, 2, 0]

check_few_shot = FunctionCheck(
    right=first_of_each,
    cases=((_labels, 1), (_labels, 2), (_labels, 3)),
    mistakes={
        "These are the first k pictures of all. Take k of *each class*.": lambda labels, k: list(
            range(k)
        ),
        "As many pictures as k for each class, but not k of each: some classes have "
        "more than others.": lambda labels, k: list(range(k * len(set(labels)))),
        "These are the last k of each class. The question asks for the first.": lambda labels, k: (
            sorted(
                row
                for label in set(labels)
                for row in [i for i, each in enumerate(labels) if each == label][-k:]
            )
        ),
        "Only the first class is there.": lambda labels, k: [
            i for i, each in enumerate(labels) if each == labels[0]
        ][:k],
    },
    praise="Then draw them at random, several times: with one picture per class luck decides.",
    view=lambda rows: sorted(int(row) for row in rows),
)

_train, _test = numbers(6, 3, seed=1), numbers(4, 3, seed=2) * 2 + 1


def scaled(values, by):
    return (values - by.mean(0)) / by.std(0)


check_standard = FunctionCheck(
    right=lambda train, test: scaled(test, train),
    cases=((_train, _test), (_test, _train)),
    mistakes={
        "Still broken: whether a test picture is called bright must not depend on the "
        "other test pictures. Whose mean and "
        "spread does the probe know?": lambda train, test: scaled(test, test),
        "You took mean and spread of both sets together. So the test pictures have "
        "told something about themselves.": lambda train, test: scaled(
            test, torch.cat([train, test])
        ),
        "The spread is missing: subtract the mean, then divide by the standard deviation.": lambda train, test: (
            test - train.mean(0)
        ),
        "These are the training pictures. The question asks for the test pictures, in "
        "the units of the training.": lambda train, test: scaled(train, train),
        "One mean for all numbers of a feature? Each of them has its own: mean(dim=0).": lambda train, test: (
            (test - train.mean()) / train.std()
        ),
    },
    praise="Every step that learns something, a mean too, learns from the training set.",
)


def crossing(shots, accuracy, zero_shot, position):
    for low, high, a, b in zip(shots, shots[1:], accuracy, accuracy[1:], strict=False):
        if a <= zero_shot <= b:
            return position(low, high, (zero_shot - a) / (b - a))


check_worth = FunctionCheck(
    right=lambda shots, accuracy, zero_shot: crossing(
        shots, accuracy, zero_shot, lambda low, high, share: low * (high / low) ** share
    ),
    cases=(
        ([1, 2, 4, 8, 16], [0.30, 0.42, 0.55, 0.66, 0.74], 0.60),
        ([1, 4, 16], [0.2, 0.5, 0.7], 0.3),
    ),
    mistakes={
        "You interpolated along k itself. The axis of the figure is the *logarithm* of "
        "k: half way from 4 to 8 is 5.7.": lambda shots, accuracy, zero_shot: crossing(
            shots, accuracy, zero_shot, lambda low, high, share: low + (high - low) * share
        ),
        "That is the next measured point. Where between the points is the accuracy reached?": lambda shots, accuracy, zero_shot: (
            crossing(shots, accuracy, zero_shot, lambda low, high, share: high)
        ),
        "That is the last measured point below. Where between the points is the accuracy reached?": lambda shots, accuracy, zero_shot: (
            crossing(shots, accuracy, zero_shot, lambda low, high, share: low)
        ),
        "That is the logarithm of the answer.": lambda shots, accuracy, zero_shot: crossing(
            shots,
            accuracy,
            zero_shot,
            lambda low, high, share: math.log(low) + share * math.log(high / low),
        ),
        "The share is upside down: it is how far the accuracy has come from the lower point.": lambda shots, accuracy, zero_shot: (
            crossing(
                shots,
                accuracy,
                zero_shot,
                lambda low, high, share: low * (high / low) ** (1 - share),
            )
        ),
    },
    praise="In the paper the median over its data sets is 5.4 pictures per class.",
)

ZERO_SHOT, PROBE, BOTH = "zero-shot", "linear probe", "both"
check_who = ChoiceCheck(
    right={
        "needs labelled pictures of the task": PROBE,
        "depends on how the class is called": ZERO_SHOT,
        "reads the features after the projection": ZERO_SHOT,
        "has a strength of regularisation to choose": PROBE,
        "changes when a class is added": BOTH,
    },
    why={
        "needs labelled pictures of the task": "a probe learns one vector per class from "
        "labelled pictures; zero-shot gets "
        "this vector from words.",
        "depends on how the class is called": "a probe sees class numbers only.",
        "reads the features after the projection": "words and pictures meet only after "
        "the projection; the paper's probe "
        "reads the richer features before it.",
        "has a strength of regularisation to choose": "the paper sweeps it, on a "
        "validation set. There is nothing to fit "
        "in zero-shot.",
        "changes when a class is added": "in both the new class competes with the old ones.",
    },
    praise="Both are linear classifiers. They differ in where their vectors come from.",
)
