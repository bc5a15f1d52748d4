"""What a classifier got right.

Ranks of the right class, top-1 and top-5, mean per class, confusions, mAP.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from clipbench.errors import UserError
from clipbench.evaluate.statistics.intervals import with_interval

BLOCK = 8192  # pictures at a time: 32 MB of scores for a thousand classes


@dataclass(frozen=True)
class Verdicts:
    """What a classifier said of M pictures.

    Of classes with equal scores the one with the smaller number is first.
    """

    labels: Int[Tensor, " M"]
    predictions: Int[Tensor, " M"]
    # how many classes came before the right one: 0 where the prediction is right
    ranks: Int[Tensor, " M"]
    classes: int

    @property
    def correct(self) -> Bool[Tensor, " M"]:
        return self.ranks == 0

    def metrics(self, interval: str = "wilson", level: float = 0.95) -> dict[str, float]:
        """Compute the accuracies and counts.

        Returns:
            ``top1`` and ``top5`` (left out below six classes), each with the ends of its interval;
            ``mean_per_class`` of the classes that occur; ``chance``; the counts ``pictures`` and
            ``classes``.
        """
        metrics: dict[str, float] = {}
        for k in (1, 5) if self.classes > 5 else (1,):
            metrics |= with_interval(
                f"top{k}", int((self.ranks < k).sum()), len(self.labels), level, interval
            )
        metrics["mean_per_class"] = mean_per_class(self.correct, self.labels)
        return metrics | {
            "chance": 1 / self.classes,
            "pictures": len(self.labels),
            "classes": self.classes,
        }

    def outcomes(self, ids: Sequence[str], class_names: Sequence[str]) -> dict:
        """Give what was said of every picture, for a record.

        It is the basis of paired tests between two records.
        """
        return {
            "ids": list(ids),
            "labels": self.labels.tolist(),
            "predictions": self.predictions.tolist(),
            "class_names": list(class_names),
            "commonest_confusions": commonest_confusions(self, class_names),
        }


def judge(
    scores: Callable[[slice], Tensor], labels: Int[Tensor, " M"], classes: int, block: int = BLOCK
) -> Verdicts:
    """Compare the scores of all classes with that of the right one, some pictures at a time.

    Args:
        scores: gives the scores (rows, C) of a slice of the pictures.

    Raises:
        UserError: without pictures, or for a label that is no class.
    """
    if not len(labels):
        raise UserError("there are no pictures to classify")
    if labels.min() < 0 or labels.max() >= classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise UserError(f"label {int(wrong)} is none of the {classes} classes; labels count from 0")
    slices = [slice(start, start + block) for start in range(0, len(labels), block)]
    parts = [verdicts_on(scores(rows), labels[rows]) for rows in slices]
    predictions, ranks = (torch.cat(column) for column in zip(*parts, strict=True))
    return Verdicts(labels, predictions, ranks, classes)


def verdicts_on(scores: Float[Tensor, "B C"], labels: Int[Tensor, " B"]) -> tuple[Tensor, Tensor]:
    """Give (predictions, ranks), each (B,)."""
    right = scores.gather(1, labels[:, None])
    ranks, above = count(torch.gt, scores, right), count(torch.ge, scores, right)
    equal = above > ranks + 1
    if equal.any():  # as with ImageNet's two classes called "missile"
        before = torch.arange(scores.shape[1], device=scores.device) < labels[equal, None]
        ranks[equal] += ((scores[equal] == right[equal]) & before).sum(1)
    return scores.max(1).indices, ranks


def count(
    compare: Callable, scores: Float[Tensor, "B C"], right: Float[Tensor, "B 1"]
) -> Int[Tensor, " B"]:
    """Count the classes in which a comparison holds.

    Sums of float32 are exact here, and faster than of bool.
    """
    return compare(scores, right, out=torch.empty_like(scores)).sum(1).long()


def mean_per_class(hits: Bool[Tensor, " M"], labels: Int[Tensor, " M"]) -> float:
    """Average the accuracy of each class that occurs."""
    classes, index, counts = labels.unique(return_inverse=True, return_counts=True)
    right = torch.zeros(len(classes), device=labels.device).index_add_(0, index, hits.float())
    return float((right / counts).mean())


def confusion_matrix(
    labels: Int[Tensor, " M"], predictions: Int[Tensor, " M"], classes: int
) -> Int[Tensor, "C C"]:
    """Count how many pictures of each class (rows) were taken for each class (columns)."""
    return torch.bincount(labels * classes + predictions, minlength=classes**2).view(
        classes, classes
    )


def commonest_confusions(
    verdicts: Verdicts, class_names: Sequence[str], most: int = 10
) -> list[dict]:
    """List the wrong answers given most often.

    Each has ``class``, ``taken_for``, ``pictures`` and ``of``, all of that class.
    """
    wrong = ~verdicts.correct
    pairs, counts = torch.stack([verdicts.labels[wrong], verdicts.predictions[wrong]]).unique(
        dim=1, return_counts=True
    )
    order = counts.argsort(descending=True, stable=True)[:most].tolist()
    of = torch.bincount(verdicts.labels, minlength=verdicts.classes)
    return [
        {
            "class": class_names[pairs[0, i]],
            "taken_for": class_names[pairs[1, i]],
            "pictures": int(counts[i]),
            "of": int(of[pairs[0, i]]),
        }
        for i in order
    ]


# -------------------- several labels


def multi_label_metrics(
    scores: Float[Tensor, "M C"], targets: Bool[Tensor, "M C"]
) -> dict[str, float]:
    """Compute the mean average precision where a picture may show several classes.

    Returns:
        ``map``, the area under the precision-recall steps (scikit-learn's), and ``map_11_point``,
        VOC2007's mean of the precision at recalls 0, 0.1, ..., 1, which the paper reports; both
        over the classes that occur. Counts.

    Raises:
        UserError: when no class occurs.
    """
    occurring = targets.any(0).nonzero()[:, 0].tolist()
    if not occurring:
        raise UserError(
            "no picture shows any of the classes; mean average precision needs some that do"
        )
    both = [average_precision(scores[:, c], targets[:, c]) for c in occurring]
    steps, eleven = (sum(column) / len(both) for column in zip(*both, strict=True))
    return {
        "map": steps,
        "map_11_point": eleven,
        "pictures": len(targets),
        "classes": targets.shape[1],
    }


def average_precision(
    scores: Float[Tensor, " M"], targets: Bool[Tensor, " M"]
) -> tuple[float, float]:
    """Compute the average precision of one class: (area under the steps, 11-point).

    Pictures with equal scores come in together.
    """
    order = scores.argsort(descending=True)
    # of equal scores
    last = torch.cat([scores[order].diff() != 0, torch.tensor([True], device=scores.device)])
    found = targets[order].double().cumsum(0)[last]
    precision = found / (last.nonzero()[:, 0] + 1)
    recall = found / found[-1]
    steps = (
        recall.diff(prepend=torch.zeros(1, dtype=torch.float64, device=scores.device)) * precision
    ).sum()
    # the best precision at this recall or a larger one
    best_after = precision.flip(0).cummax(0).values.flip(0)
    at = torch.searchsorted(
        recall, torch.arange(11, dtype=torch.float64, device=scores.device) / 10 - 1e-12
    )
    return float(steps), float(best_after[at].mean())
