"""Exercises of lesson 04: success, the harm of reading, two-way accuracy, a fair control word."""

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, ValueCheck, numbers


def share(right):
    return float(right.float().mean())


def two_way(scores, labels, targets):
    return scores.gather(1, labels[:, None])[:, 0] > scores.gather(1, targets[:, None])[:, 0]


_labels, _targets = torch.tensor([0, 1, 2, 0, 3]), torch.tensor([1, 2, 0, 3, 2])
_scores = numbers(5, 4, seed=2)

check_success = FunctionCheck(
    right=lambda scores, labels, targets: share(scores.argmax(1) == targets),
    cases=((_scores, _labels, _targets), (numbers(5, 4, seed=7), _labels, _targets)),
    mistakes={
        "That is how often the *thing* still wins. Success of the attack means that "
        "the written class wins.": lambda scores, labels, targets: share(
            scores.argmax(1) == labels
        ),
        "That is every wrong answer. Many of them are neither the object nor the word: "
        "then nothing was read. Count the "
        "answers that are the written class.": lambda scores, labels, targets: share(
            scores.argmax(1) != labels
        ),
        "That is a race between two classes only. Success means that the written class "
        "wins against *all*.": lambda scores, labels, targets: share(
            two_way(scores, targets, labels)
        ),
        "That is a count. Divide it by the number of pictures.": lambda scores, labels, targets: (
            int((scores.argmax(1) == targets).sum())
        ),
    },
    praise="Neither the object nor the word is the third possibility, and it is common.",
)


check_two_way = FunctionCheck(
    right=lambda scores, labels, targets: share(two_way(scores, labels, targets)),
    cases=((_scores, _labels, _targets), (numbers(5, 4, seed=7), _labels, _targets)),
    mistakes={
        "That is how often the *word* wins. The question asks for the object.": lambda scores, labels, targets: (
            share(~two_way(scores, labels, targets))
        ),
        "Here the object has to win against all classes. Two-way asks about two "
        "candidates: the object and the word.": lambda scores, labels, targets: share(
            scores.argmax(1) == labels
        ),
        "That is a count. Divide it by the number of pictures.": lambda scores, labels, targets: (
            int(two_way(scores, labels, targets).sum())
        ),
    },
    praise="Chance is one half here, and not one in the number of classes.",
)

check_harm = FunctionCheck(
    right=lambda clean, control, attacked: control - attacked,
    cases=((0.80, 0.62, 0.50), (0.9, 0.7, 0.7)),
    mistakes={
        "That is the harm of everything together. The paper also *hides* a part of the "
        "picture; a word that means "
        "nothing hides as much. Compare with the control, not with the clean pictures.": lambda clean, control, attacked: (
            clean - attacked
        ),
        "That is the harm of the paper alone, without reading.": lambda clean, control, attacked: (
            clean - control
        ),
        "The sign is turned: harm should be positive when the word lowers the accuracy.": lambda clean, control, attacked: (
            attacked - control
        ),
        "A ratio of the two is another quantity. The question asks for a difference of "
        "accuracies.": lambda clean, control, attacked: attacked / control,
    },
    praise="In the second case the accuracy fell by 20 points, and not one of them was reading.",
)

check_interval = ValueCheck(
    right=1.96 * (0.25 * 0.75 / 300) ** 0.5,
    mistakes={
        "That is one standard error. A 95% interval reaches 1.96 of them to each side.": (
            0.25 * 0.75 / 300
        )
        ** 0.5,
        "The root is missing: the standard error is the square root of p(1-p)/n.": 1.96
        * 0.25
        * 0.75
        / 300,
        "That is the whole width. The question asks for one side.": 2
        * 1.96
        * (0.25 * 0.75 / 300) ** 0.5,
        "That is the standard deviation of one picture. Divide p(1-p) by the number of "
        "pictures before the root.": 1.96 * (0.25 * 0.75) ** 0.5,
    },
    praise="About five points. So three points between two models, on 300 pictures "
    "each, mean nothing.",
    otherwise="1.96 times the square root of p(1-p)/n, with p = 0.25 and n = 300, as a fraction.",
    tolerance=0.03,
)

YES, NO = "follows", "does not follow"
check_conclusions = ChoiceCheck(
    right={
        "signs in the training world caused the reading": YES,
        "a model that falls further under stickers reads better": NO,
        "every model of signs in its world will read": NO,
        "only the twin with signs can be fooled by the meaning of a word": YES,
    },
    why={
        "signs in the training world caused the reading": "the twins differ in nothing "
        "else: same network, same start, "
        "same number of pairs. That is what a causal twin is for.",
        "a model that falls further under stickers reads better": "the twin without signs fell further, with every "
        "word. Falling is not reading: compare with the control word.",
        "every model of signs in its world will read": "lesson 04 measured two more models whose "
        "worlds have some signs.",
        "only the twin with signs can be fooled by the meaning of a word": "for the other twin a "
        "word and its control did the same, within the interval.",
    },
    praise="One cause was changed, so one cause can be named.",
)
