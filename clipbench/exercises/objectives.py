"""Exercises of lesson 07, on training objectives.

The loss of a bag, of a written caption, the floor of a contrastive batch, who asks what.
"""

import math
from collections import Counter

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, numbers

_likely = numbers(9, seed=3).log_softmax(0)

check_bag = FunctionCheck(
    right=lambda likely, caption: (
        -sum(float(likely[word]) for word in set(caption)) / len(set(caption))
    ),
    cases=((_likely, [4, 7, 2, 4, 7]), (_likely, [0, 0, 8])),
    mistakes={
        "You counted a word as often as it is written. In a bag each *different* word "
        "is there once.": lambda likely, caption: (
            -sum(float(likely[word]) for word in caption) / len(caption)
        ),
        "You summed over the different words, and divided by the number of all words. "
        "Each different word has 1/n.": lambda likely, caption: (
            -sum(float(likely[word]) for word in set(caption)) / len(caption)
        ),
        "That is the sum. Each word of the target has 1/n, so divide by the number of "
        "different words.": lambda likely, caption: (
            -sum(float(likely[word]) for word in set(caption))
        ),
        "The sign is turned: logarithms of probabilities are negative, and a loss is positive.": lambda likely, caption: (
            sum(float(likely[word]) for word in set(caption)) / len(set(caption))
        ),
        "You took the logarithm of the mean probability. The loss is the mean of the logarithms.": lambda likely, caption: (
            -math.log(sum(math.exp(likely[word]) for word in set(caption)) / len(set(caption)))
        ),
        "`likely` holds logarithms already; you took the logarithm of something twice, "
        "or treated them as probabilities.": lambda likely, caption: (
            -sum(math.exp(likely[word]) for word in set(caption)) / len(set(caption))
        ),
        "Divide by the number of different words in the caption, and not by the size "
        "of the vocabulary.": lambda likely, caption: (
            -sum(float(likely[word]) for word in set(caption)) / len(likely)
        ),
    },
    praise="At best it is ln n: one softmax cannot give every word of the caption the "
    "probability 1.",
)

_logits, _ids = numbers(6, 8, seed=4), torch.tensor([6, 2, 5, 0, 3, 7])


def surprise(logits, ids):
    """Compute -log p of each token, in its row."""
    return -logits.log_softmax(1).gather(1, ids[:, None])[:, 0]


check_written = FunctionCheck(
    right=lambda logits, ids: float(surprise(logits[:-1], ids[1:]).sum()),
    cases=((_logits, _ids), (_logits[:3].flip(0), _ids[:3])),
    mistakes={
        "Still broken: a model that may look at a token while it guesses it has an "
        "easy life. Row t has read the tokens "
        "up to t, so which token does it guess?": lambda logits, ids: float(
            surprise(logits, ids).sum()
        ),
        "You shifted the other way: row t would guess the token *before* t, which it has read.": lambda logits, ids: (
            float(surprise(logits[1:], ids[:-1]).sum())
        ),
        "The shift is right. Now the loss of a caption is the sum over its tokens, and "
        "this is their mean.": lambda logits, ids: float(surprise(logits[:-1], ids[1:]).mean()),
        "The sign is turned: this is the logarithm of the caption's probability.": lambda logits, ids: (
            -float(surprise(logits[:-1], ids[1:]).sum())
        ),
        "The last token is missing. The end of the text has to be guessed, too.": lambda logits, ids: (
            float(surprise(logits[:-2], ids[1:-1]).sum())
        ),
        "The first guess is missing: row 0 guesses token 1.": lambda logits, ids: float(
            surprise(logits[1:-1], ids[2:]).sum()
        ),
        "Those are raw logits. They become logarithms of probabilities by log_softmax.": lambda logits, ids: (
            -float(logits[:-1].gather(1, ids[1:, None]).sum())
        ),
        "Your softmax runs over the places of the text. It has to run over the vocabulary: dim=1.": lambda logits, ids: (
            -float(logits[:-1].log_softmax(0).gather(1, ids[1:, None]).sum())
        ),
    },
    praise="The start token is given and never guessed; the end token is guessed, and "
    "nothing comes after it.",
)

_batch = ["a cat", "a dog", "a cat", "a rocket", "a cat", "a dog"]


def copies(captions):
    counts = Counter(captions)
    return [counts[caption] for caption in captions]


check_floor = FunctionCheck(
    right=lambda captions: sum(math.log(count) for count in copies(captions)) / len(captions),
    cases=((_batch,), (["a cat"] * 3,), (["a cat", "a dog", "a cat"],)),
    mistakes={
        "Only if no caption occurs twice can the loss be 0. Two equal captions have "
        "equal cosines with every picture.": lambda captions: 0.0,
        "That is what a model has that knows nothing. A perfect one doubts between "
        "*equal* captions only.": lambda captions: math.log(len(captions)),
        "You took the logarithm of the number of different captions. A perfect model "
        "tells those apart.": lambda captions: math.log(len(set(captions))),
        "That is the worst picture's share. Take the mean over all pictures of the batch.": lambda captions: (
            math.log(max(copies(captions)))
        ),
        "You averaged over the different captions. There is one question for every "
        "*picture*, so a caption that "
        "occurs three times counts three times.": lambda captions: (
            sum(math.log(count) for count in Counter(captions).values()) / len(set(captions))
        ),
        "That is the logarithm of the mean number of copies. Take the mean of the logarithms.": lambda captions: (
            math.log(sum(copies(captions)) / len(captions))
        ),
        "That is the sum over the pictures. The loss is their mean.": lambda captions: sum(
            math.log(count) for count in copies(captions)
        ),
        "The caption itself counts, too: of three equal ones the right one gets 1/3.": lambda captions: (
            sum(math.log(max(1, count - 1)) for count in copies(captions)) / len(captions)
        ),
        "Logarithms of losses are natural: math.log, and not log2 or log10.": lambda captions: (
            sum(math.log2(count) for count in copies(captions)) / len(captions)
        ),
    },
    praise="A floor that no training can break. In a small world of captions it is the "
    "first thing to compute.",
)

LM, BOW, CONTRASTIVE = "language model", "bag of words", "contrastive"
check_who_asks = ChoiceCheck(
    right={
        "asks one question for each token of a caption": LM,
        "has the same target for “a cat and no dog” and “no cat and a dog”": BOW,
        "the loss of a pair depends on the other pairs of its batch": CONTRASTIVE,
        "can write a caption that nobody wrote before": LM,
        "a model that knows nothing has a loss of ln of the batch size": CONTRASTIVE,
        "has to give “a” and “of” a share of its one softmax": BOW,
    },
    why={
        "asks one question for each token of a caption": "the others ask one question "
        "for a whole caption.",
        "has the same target for “a cat and no dog” and “no cat and a dog”": "which of the three throws the order away "
        "before it asks?",
        "the loss of a pair depends on the other pairs of its batch": "only one of them takes its wrong answers from there.",
        "can write a caption that nobody wrote before": "to write, one must be asked "
        "for the next word.",
        "a model that knows nothing has a loss of ln of the batch size": "count the answers among which it chooses.",
        "has to give “a” and “of” a share of its one softmax": "the language model has "
        "a softmax at every place, and in "
        "most places “a” is no answer.",
    },
    praise="Three questions about the same pairs, and three different things to learn.",
)
