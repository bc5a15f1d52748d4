"""Exercises of lesson 13, on bugs in training.

The lowest loss, labels on several processes, where a caption ends, a diagnosis.
"""

import math

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck

check_lowest_loss = FunctionCheck(
    right=lambda scale, n: math.log(1 + (n - 1) * math.exp(-scale * n / (n - 1))),
    cases=((2.66, 64), (5.0, 3), (1.0, 2)),
    mistakes={
        "You put the others at right angles (cosine 0). They can do better: all n "
        "captions push each other away, to a "
        "cosine of -1/(n - 1).": lambda scale, n: math.log(1 + (n - 1) * math.exp(-scale)),
        "You put all others opposite (cosine -1). That works for two; more than two "
        "cannot all be opposite to each other.": lambda scale, n: math.log(
            1 + (n - 1) * math.exp(-2 * scale)
        ),
        "There are n - 1 others, and you counted one.": lambda scale, n: math.log(
            1 + math.exp(-scale * n / (n - 1))
        ),
        "You counted n others. The right caption is one of the n.": lambda scale, n: math.log(
            1 + n * math.exp(-scale * n / (n - 1))
        ),
        "That is the level of a model that knows nothing. Here the model is perfect.": lambda scale, n: (
            math.log(n)
        ),
    },
    praise="At a scale of 2.66 and 64 pairs even a perfect model stays near 1.7. "
    "Forgetting exp costs that much.",
)

check_labels = FunctionCheck(
    right=lambda rank, n: rank * n + torch.arange(n),
    cases=((0, 4), (1, 4), (3, 2)),
    mistakes={
        "Still broken: on process 0 it is right. Which column of the gathered captions "
        "belongs to the first picture of "
        "process 1?": lambda rank, n: torch.arange(n),
        "The labels of process 1 begin one later only. Before it lie *all* pairs of process 0.": lambda rank, n: (
            rank + torch.arange(n)
        ),
        "All pictures of a process get the same label. Each has its own caption.": lambda rank, n: (
            torch.full((n,), rank * n)
        ),
        "You counted the processes from one. Rank 0 is the first.": lambda rank, n: (
            (rank + 1) * n + torch.arange(n)
        ),
    },
    praise="And the test: the mean over processes is the loss of the whole batch.",
)

_ids = torch.tensor([[90, 7, 8, 99, 0, 0], [90, 5, 99, 0, 0, 0], [90, 3, 4, 5, 6, 99]])
check_end = FunctionCheck(
    right=lambda ids: ids.argmax(dim=1),
    cases=((_ids,), (_ids.flip(0)[:2],)),
    mistakes={
        "Still broken: a causal model at its first token has read nothing yet. Where "
        "has it read everything?": lambda ids: torch.zeros(len(ids), dtype=torch.long),
        "That is the last position of the row. Behind the end of a short caption there "
        "is only padding.": lambda ids: torch.full((len(ids),), ids.shape[1] - 1),
        "That is the number of tokens, and so one too far: positions count from 0.": lambda ids: (
            ids != 0
        ).sum(1),
        "One too early: that is the last word. The end token has a place of its own.": lambda ids: (
            ids.argmax(1) - 1
        ),
        "That is the end token itself, 99. The question asks for its position.": lambda ids: (
            ids.amax(1)
        ),
    },
    praise="The end token has the largest number, so argmax finds it. That is how the "
    "released code does it, too.",
)

check_diagnosis = ChoiceCheck(
    right={
        "the loss begins at 30, ln N is 4.16": "no normalisation",
        "the loss falls, and stops at 1.9 whatever you do": "scale without exp",
        "the loss stays at ln N; before the training all captions are one vector": "first token",
        "the loss stays at ln N; before the training captions differ": "shuffled pairs",
        "the loss is fine on process 0, and above ln N on process 1": "local labels",
        "exchanging pictures and captions changes the loss": "one direction",
        "blue things are called red": "blue, green, red",
    },
    why={
        "the loss begins at 30, ln N is 4.16": "an untrained model is very sure, so "
        "its logits are large. Cosines times "
        "14 cannot be.",
        "the loss falls, and stops at 1.9 whatever you do": "there is a floor. What "
        "sets the lowest loss of a perfect model?",
        "the loss stays at ln N; before the training all captions are one vector": "nothing of the sentence arrives in "
        "its feature. Where is it read?",
        "the loss stays at ln N; before the training captions differ": "the encoders work, and still nothing can be "
        "learned. What is wrong between the two?",
        "the loss is fine on process 0, and above ln N on process 1": "process 1 learns wrong captions with great care.",
        "exchanging pictures and captions changes the loss": "the loss of the paper "
        "asks both questions alike.",
        "blue things are called red": "the model is right about what it sees. What was "
        "done to the pixels?",
    },
    praise="Each has a test of a few milliseconds. Write them before you train for a week.",
)
