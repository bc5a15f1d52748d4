"""Exercises of lesson 05, on maps of the embedding space.

A plane by hand, what it keeps, and the gap between pictures and texts.
"""

import torch
import torch.nn.functional as F

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, numbers, unit


def centred(features):
    return features - features.mean(0)


def directions(points):
    return torch.linalg.svd(points, full_matrices=False)[2][:2]


_cloud = numbers(8, 4, seed=1) * torch.tensor([3.0, 2.0, 1.0, 0.5]) + torch.tensor(
    [6.0, 0.0, 3.0, -2.0]
)
_other = numbers(7, 3, seed=2) * torch.tensor([2.0, 1.0, 0.5]) + 2

check_plane = FunctionCheck(
    right=lambda features: centred(features) @ directions(centred(features)).T,
    cases=((_cloud,), (_other,)),
    mistakes={
        "The middle was not moved to zero. Then the first direction points at the "
        "middle of the cloud, not along it: "
        "subtract features.mean(dim=0) first.": lambda features: features @ directions(features).T,
        "These are the first two numbers of each feature. The plane of PCA is spanned "
        "by the first two rows of Vh.": lambda features: centred(features)[:, :2],
        "These are rows of U: they have lost how far the points are apart in each "
        "direction. Multiply the centred "
        "features with the first two rows of Vh, transposed.": lambda features: torch.linalg.svd(
            centred(features), full_matrices=False
        )[0][:, :2],
        "You projected on columns of Vh. Its *rows* are the directions.": lambda features: (
            centred(features) @ torch.linalg.svd(centred(features), full_matrices=False)[2][:, :2]
        ),
        "These are the two directions in which the points differ *least*.": lambda features: (
            centred(features) @ torch.linalg.svd(centred(features), full_matrices=False)[2][-2:].T
        ),
        "You subtracted the mean of each row. The middle of the cloud is the mean over "
        "the pictures: dim=0.": lambda features: (
            (features - features.mean(1, keepdim=True))
            @ directions(features - features.mean(1, keepdim=True)).T
        ),
    },
    praise="Turned or mirrored would be right too: only distances on the map count, "
    "and the check compares those.",
    view=lambda points: torch.cdist(
        torch.as_tensor(points).double(), torch.as_tensor(points).double()
    ),
)

check_share = FunctionCheck(
    right=lambda spread: float(spread[:2].square().sum() / spread.square().sum()),
    cases=((torch.tensor([4.0, 2.0, 1.0, 1.0]),), (torch.tensor([3.0, 3.0, 3.0]),)),
    mistakes={
        "Singular values are lengths. Differences are counted in *squared* lengths, so "
        "square them first.": lambda spread: float(spread[:2].sum() / spread.sum()),
        "That is the first direction only. A plane has two.": lambda spread: float(
            spread[0].square() / spread.square().sum()
        ),
        "That is the share that is lost.": lambda spread: float(
            spread[2:].square().sum() / spread.square().sum()
        ),
        "Square before you add: the square of a sum is another number.": lambda spread: float(
            spread[:2].sum().square() / spread.sum().square()
        ),
        "Each direction in the mean? The question asks for the share of both together.": lambda spread: (
            float(spread[:2].square().mean() / spread.square().sum())
        ),
    },
    praise="Read this number before you read a map.",
)


def nearest(points, k, skip=1):
    return torch.cdist(points, points).argsort(dim=1)[:, skip : skip + k]


def common(a, b):
    return float((a[:, :, None] == b[:, None]).any(2).float().mean())


_points, _map = numbers(7, 4, seed=4), numbers(7, 2, seed=5)
check_kept = FunctionCheck(
    right=lambda features, on_map, k: common(nearest(features, k), nearest(on_map, k)),
    cases=((_points, _map, 2), (_points, _points[:, :2], 3)),
    mistakes={
        "Every point is its own nearest neighbour, and you counted it: that makes "
        "every map look good. Leave it out.": lambda features, on_map, k: common(
            nearest(features, k, 0), nearest(on_map, k, 0)
        ),
        "That is a count for each point. The question asks for the share of the k neighbours.": lambda features, on_map, k: (
            k * common(nearest(features, k), nearest(on_map, k))
        ),
        "You compared place by place: the second neighbour may be the first on the "
        "map, and is still a neighbour.": lambda features, on_map, k: float(
            (nearest(features, k) == nearest(on_map, k)).float().mean()
        ),
        "These are the neighbours that were *lost*.": lambda features, on_map, k: (
            1 - common(nearest(features, k), nearest(on_map, k))
        ),
    },
    praise="Try it on a UMAP map and on random points.",
)


def unit_mean(features):
    return F.normalize(features.mean(0), dim=0)


check_gap = FunctionCheck(
    right=lambda pictures, texts: float((pictures.mean(0) - texts.mean(0)).norm()),
    cases=((unit(5, 3), unit(5, 3, seed=1) + 0.2), (unit(3, 4, seed=2), unit(3, 4, seed=3))),
    mistakes={
        "That is the mean distance of single points. The gap is the distance of the two *means*.": lambda pictures, texts: (
            float(torch.cdist(pictures, texts).mean())
        ),
        "You gave the means the length 1 first. The gap of the paper is the distance "
        "of the means as they are.": lambda pictures, texts: float(
            (unit_mean(pictures) - unit_mean(texts)).norm()
        ),
        "That is the vector between the means. The gap is its length: .norm().": lambda pictures, texts: (
            pictures.mean(0) - texts.mean(0)
        ),
        "That is the square of the gap.": lambda pictures, texts: float(
            (pictures.mean(0) - texts.mean(0)).square().sum()
        ),
        "That is a cosine. The gap is a distance.": lambda pictures, texts: float(
            F.cosine_similarity(pictures.mean(0), texts.mean(0), dim=0)
        ),
        "The mean was taken over the numbers of a feature. The middle of a cloud is mean(dim=0).": lambda pictures, texts: (
            float((pictures.mean(1) - texts.mean(1)).norm())
        ),
    },
    praise="Now close it, and see whether the model gets better.",
)

MAP, DATA = "the map", "the data"
check_what_is_real = ChoiceCheck(
    right={
        "group A is to the left of group B on one UMAP map": MAP,
        "two pictures have a cosine of 0.95 in all dimensions": DATA,
        "on a UMAP map group A is larger than group B": MAP,
        "noise falls into clumps on a UMAP map": MAP,
        "of 15 neighbours in all dimensions, 12 share the kind; 3 would by chance": DATA,
    },
    why={
        "group A is to the left of group B on one UMAP map": "left and right mean nothing on it: another start may mirror it.",
        "two pictures have a cosine of 0.95 in all dimensions": "no map was needed to know it.",
        "on a UMAP map group A is larger than group B": "UMAP gives every neighbourhood the same space, so "
        "the size of a group says nothing.",
        "noise falls into clumps on a UMAP map": "you know that there was nothing in the data.",
        "of 15 neighbours in all dimensions, 12 share the kind; 3 would by chance": "it was counted in all "
        "dimensions, and compared with chance.",
    },
    praise="A map gives ideas; numbers in the full space give evidence.",
)
