"""Exercises of lesson 00: features, cosines, probabilities, answers."""

import torch
import torch.nn.functional as F

from clipbench.exercises.check import FunctionCheck, ValueCheck, numbers, unit_rows

check_cosines = FunctionCheck(
    right=lambda pictures, sentences: unit_rows(pictures) @ unit_rows(sentences).T,
    cases=((numbers(2, 3), numbers(4, 3, seed=1)), (numbers(3, 5, seed=2), numbers(3, 5, seed=3))),
    mistakes={
        "These are dot products, not cosines: long vectors get large values. Divide "
        "each row by its length first.": lambda pictures, sentences: pictures @ sentences.T,
        "Only the pictures have length 1. A long sentence vector still counts for "
        "more: give both the length 1.": lambda pictures, sentences: (
            unit_rows(pictures) @ sentences.T
        ),
        "Only the sentences have length 1. A long picture vector still counts for "
        "more: give both the length 1.": lambda pictures, sentences: (
            pictures @ unit_rows(sentences).T
        ),
        "You divided by the lengths of the columns. One row is one point, so the "
        "length is taken along dim=1.": lambda pictures, sentences: (
            F.normalize(pictures, dim=0) @ F.normalize(sentences, dim=0).T
        ),
        "You divided everything by one number, the length of the whole table. Each row "
        "needs its own length: "
        "norm(dim=1, keepdim=True).": lambda pictures, sentences: (
            (pictures / pictures.norm()) @ (sentences / sentences.norm()).T
        ),
        "The table lies on its side: rows should be pictures and columns sentences.": lambda pictures, sentences: (
            unit_rows(sentences) @ unit_rows(pictures).T
        ),
    },
    praise="The lengths are gone, so only directions are compared.",
)

check_probabilities = FunctionCheck(
    right=lambda cosines, scale: (scale * cosines).softmax(dim=-1),
    cases=((torch.tensor([[0.2, 0.1, -0.1]]), 10.0), (numbers(3, 3, seed=4) / 4, 5.0)),
    mistakes={
        "The softmax runs along the wrong axis: now the *pictures* compete for a "
        "sentence. The sentences of one "
        "picture should compete, and these are in one row: dim=1.": lambda cosines, scale: (
            scale * cosines
        ).softmax(dim=0),
        "The scale is missing. Without it a difference of 0.1 between two cosines hardly shows.": lambda cosines, scale: (
            cosines.softmax(dim=-1)
        ),
        "You divided by the scale. The scale is one over the temperature, so it "
        "multiplies: a larger scale makes the "
        "model surer.": lambda cosines, scale: (cosines / scale).softmax(dim=-1),
        "These do not sum to 1. After the exponential divide by the sum of the row.": lambda cosines, scale: (
            (scale * cosines).exp()
        ),
        "Dividing by the sum does not do: cosines can be negative. Take the "
        "exponential first, as softmax does.": lambda cosines, scale: (
            scale * cosines / (scale * cosines).sum(-1, keepdim=True)
        ),
        "You scaled after the softmax. Probabilities times the scale are no "
        "probabilities: scale the cosines.": lambda cosines, scale: scale * cosines.softmax(dim=-1),
        "Each cell competes with the whole table. Only the sentences of one picture, a "
        "row, should sum to 1.": lambda cosines, scale: (
            (scale * cosines).flatten().softmax(0).view(cosines.shape)
        ),
        "These are logarithms of probabilities. Use softmax, not log_softmax.": lambda cosines, scale: (
            (scale * cosines).log_softmax(dim=-1)
        ),
    },
    praise="Every row sums to 1.",
)

_logits = torch.tensor([2.0, 0.0, 0.0])
check_third_sentence = ValueCheck(
    right=float(_logits.softmax(0)[0]),
    mistakes={
        "That is the probability before the third sentence came. A softmax divides by "
        "the sum over *all* sentences, "
        "and the sum has grown.": float(_logits[:2].softmax(0)[0]),
        "It does not simply lose a third. Write it out: e² divided by the sum of e², e⁰ and e⁰.": float(
            _logits[:2].softmax(0)[0]
        )
        * 2
        / 3,
        "That is the probability of one of the other two sentences.": float(_logits.softmax(0)[1]),
        "A third each would need three equal logits.": 1 / 3,
        "You divided the logits by their sum. The softmax takes exponentials first.": 1.0,
    },
    praise="The cosine of the first sentence did not change, its probability did. A "
    "probability is a comparison among "
    "the sentences that you wrote.",
    otherwise="Write it out: e² divided by the sum of e², e⁰ and e⁰, as a number between 0 and 1.",
)

check_answers = FunctionCheck(
    right=lambda image_features, class_features, class_names: [
        class_names[i] for i in (image_features @ class_features.T).argmax(dim=1).tolist()
    ],
    cases=(
        (
            torch.eye(4)[[1, 1]],
            torch.eye(4)[:3] + 0.1 * numbers(3, 4, seed=9),
            ["cat", "dog", "panda"],
        ),
        (
            unit_rows(numbers(3, 4, seed=5)),
            unit_rows(numbers(3, 4, seed=6)),
            ["cat", "dog", "panda"],
        ),
    ),
    mistakes={
        "Still broken: count the answers. There should be one for each picture. How "
        "many are there, and what does each "
        "number in `best` stand for?": lambda image_features, class_features, class_names: [
            class_names[i] for i in (image_features @ class_features.T).argmax(dim=0).tolist()
        ],
        "These are the *least* similar names: argmin finds the smallest cosine.": lambda image_features, class_features, class_names: [
            class_names[i] for i in (image_features @ class_features.T).argmin(dim=1).tolist()
        ],
        "These are numbers of classes. Look each of them up in `class_names`.": lambda image_features, class_features, class_names: (
            (image_features @ class_features.T).argmax(1).tolist()
        ),
    },
    praise="One answer for each picture: the sentences compete along the row.",
)
