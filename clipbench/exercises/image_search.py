"""Exercises of lesson 10, on image search.

The nearest pictures, how often the right one is among them, and self-matches.
"""

import torch
import torch.nn.functional as F

from clipbench.exercises.check import FunctionCheck, numbers, unit


def ranked(features, query, k, unit_rows=True, largest=True, skip=0):
    features = F.normalize(features, dim=1) if unit_rows else features
    order = (features @ query).argsort(descending=largest, stable=True)
    return order[skip : skip + k].tolist()


_features = numbers(8, 3, seed=3) * torch.tensor([1, 4, 1, 1, 0.5, 3, 1, 2.0])[:, None]

check_nearest = FunctionCheck(
    right=ranked,
    cases=((_features, unit(3, seed=4), 3), (_features, unit(3, seed=5), 4)),
    mistakes={
        "Long vectors come first here: these are dot products. Give each row of "
        "`features` the length 1.": lambda features, query, k: ranked(
            features, query, k, unit_rows=False
        ),
        "These are the *least* similar pictures: sort from the largest cosine down.": lambda features, query, k: (
            ranked(features, query, k, largest=False)
        ),
        "The right pictures, from the k-th best to the best. The best should come first.": lambda features, query, k: (
            ranked(features, query, k)[::-1]
        ),
        "The right pictures, but sorted by their number. The best should come first.": lambda features, query, k: (
            sorted(ranked(features, query, k))
        ),
        "The best one is missing: positions count from 0.": lambda features, query, k: ranked(
            features, query, k, skip=1
        ),
    },
    praise="For a million pictures it is the same line, and still exact.",
    view=lambda rows: [int(row) for row in rows],
)

_scores = numbers(6, 6, seed=8) + torch.eye(6)


def recall(scores, k, dim=1):
    best = scores.topk(k, dim=dim).indices
    best = best if dim == 1 else best.T
    return float((best == torch.arange(len(scores))[:, None]).any(1).float().mean())


check_recall = FunctionCheck(
    right=recall,
    cases=((_scores, 1), (_scores, 2), (numbers(7, 7, seed=9), 3)),
    mistakes={
        "You looked at the first place only. The right one may be anywhere among the first k.": lambda scores, k: (
            recall(scores, 1)
        ),
        "That is precision: right ones among k shown. With one right picture a query "
        "it can never exceed 1/k. Recall asks: "
        "is it among them?": lambda scores, k: recall(scores, k) / k,
        "You searched down the columns: there pictures look for texts. Here each text, "
        "a row, looks for its picture.": lambda scores, k: recall(scores, k, dim=0),
        "That is a count. Divide by the number of queries.": lambda scores, k: (
            len(scores) * recall(scores, k)
        ),
    },
    praise="R@k without the number of candidates says nothing (lesson 02).",
)

_pictures = unit(6, 4, seed=6)
check_similar = FunctionCheck(
    right=lambda features, row, k: [
        i for i in ranked(features, features[row], len(features)) if i != row
    ][:k],
    cases=((_pictures, 2, 2), (_pictures, 5, 3)),
    mistakes={
        "Still broken: what is the picture that is most similar to picture 2? Look at "
        "the first answer.": lambda features, row, k: ranked(features, features[row], k),
        "The picture itself is left out, but now there is one answer too few.": lambda features, row, k: (
            ranked(features, features[row], k)[1:]
        ),
        "These are the least similar ones.": lambda features, row, k: ranked(
            features, features[row], k, largest=False
        ),
    },
    praise="Forgetting this makes any search by example look perfect at rank one.",
    view=lambda rows: [int(row) for row in rows],
)
