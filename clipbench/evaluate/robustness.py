"""How much of its accuracy a model keeps when the data change (Radford et al. 2021, section 3.3).

A *shift* is a second set of pictures of the same classes: another artist, a corruption, another
collection. Accuracy falls on most shifts for every model, and the better a model is, the better it
is on both; so what counts is accuracy on the shift *beyond what models of the same in-distribution
accuracy have*. That is the effective robustness of Taori et al. (2020), measured against a line
through standard models in logits (Miller et al. 2021).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.data.image_set import PictureSet
from clipbench.encoders.clip import Encoder, RivalEncoder
from clipbench.errors import UserError
from clipbench.evaluate.features.compute import image_features
from clipbench.evaluate.probes.few_shot import draw_shots
from clipbench.evaluate.probes.linear_probe import Rows, Search
from clipbench.evaluate.probes.logistic import Problem
from clipbench.evaluate.statistics.accuracy import judge
from clipbench.evaluate.zero_shot import zero_shot_weights

# -------------------- the same classes


def shared_classes(data: PictureSet, shifted: PictureSet) -> list[str]:
    """List the classes that both sets know.

    As ImageNet-A and ImageNet-R do, a shift may have a part of the classes, or more.

    Raises:
        UserError: when they are fewer than two.
    """
    known = set(shifted.class_names)
    shared = [name for name in data.class_names if name in known]
    if len(shared) < 2:
        raise UserError(
            f"{data.name} and {shifted.name} share {len(shared)} classes; a shift has "
            "the same classes"
        )
    return shared


def labels_among(data: PictureSet, class_names: Sequence[str]) -> Int[Tensor, " M"]:
    """Give each picture's class as a place among ``class_names``, -1 for other classes."""
    place = {name: number for number, name in enumerate(class_names)}
    return torch.tensor([place.get(name, -1) for name in data.class_names])[data.labels]


def only_of(data: PictureSet, class_names: Sequence[str]) -> PictureSet:
    """Select the pictures of some classes, labelled by their places among them."""
    labels = labels_among(data, class_names)
    rows = (labels >= 0).nonzero()[:, 0]
    return replace(data.subset(rows.tolist()), labels=labels[rows], class_names=list(class_names))


# -------------------- accuracy


def shift_metrics(
    encoder: Encoder | RivalEncoder,
    data: PictureSet,
    shifts: Mapping[str, PictureSet],
    templates: Sequence[str],
    features: Callable[..., Tensor] = image_features,
    interval: str = "wilson",
) -> dict[str, float]:
    """Measure zero-shot accuracy before and after each shift, with the same classes and prompts.

    A rival objective's model (a supervised one, say) scores the classes in its own way.

    Args:
        features: gives the features of pictures, for example from a cache: (encoder, pictures,
            projected=...).
        interval: "wilson" or "clopper-pearson", at 95 %.

    Returns:
        ``top1`` of the data themselves and for each shift ``NAME/in_distribution``, the same on the
        shared classes only, and ``NAME/top1``, each with its interval; ``NAME/drop``, the former
        less the latter; ``NAME/chance``, ``NAME/pictures``; ``mean_in_distribution`` and
        ``mean_shifted`` over the shifts.

    Raises:
        UserError: when a shift shares fewer than two classes, and see ``zero_shot_weights``.
    """
    score = class_scorer(encoder, data.class_names, templates, features)
    before = score(data)
    own = accuracy(before, data.labels, interval)
    metrics = {
        name: own[name]
        for name in ("top1", "top1_low", "top1_high", "chance", "pictures", "classes")
    }
    for name, shifted in shifts.items():
        classes = shared_classes(data, shifted)
        columns = [data.class_names.index(each) for each in classes]
        part, labels = only_of(shifted, classes), labels_among(data, classes)
        known = labels >= 0
        old = accuracy(before[known][:, columns], labels[known], interval)
        new = accuracy(score(part)[:, columns], part.labels, interval)
        metrics |= {
            f"{name}/in_distribution{end}": old[f"top1{end}"] for end in ("", "_low", "_high")
        }
        metrics |= {f"{name}/top1{end}": new[f"top1{end}"] for end in ("", "_low", "_high")}
        metrics[f"{name}/drop"] = old["top1"] - new["top1"]
        metrics |= {f"{name}/{kind}": new[kind] for kind in ("chance", "pictures")}
    for kind, mean in (("in_distribution", "mean_in_distribution"), ("top1", "mean_shifted")):
        metrics[mean] = sum(metrics[f"{name}/{kind}"] for name in shifts) / len(shifts)
    return metrics


def class_scorer(
    encoder: Encoder | RivalEncoder,
    class_names: Sequence[str],
    templates: Sequence[str],
    features: Callable[..., Tensor],
) -> Callable[[PictureSet], Tensor]:
    """Make a function from pictures to scores (M, C) of the classes."""
    if isinstance(encoder, RivalEncoder):
        rival = encoder
        return lambda them: rival.class_scores(
            features(rival, them, projected=False), class_names, templates
        )
    weights = zero_shot_weights(encoder, class_names, templates)

    def similarities(pictures: PictureSet) -> Tensor:
        images = features(encoder, pictures, projected=True)
        return images @ weights.to(images)

    return similarities


def accuracy(
    scores: Float[Tensor, "M C"], labels: Int[Tensor, " M"], interval: str
) -> dict[str, float]:
    return judge(lambda rows: scores[rows], labels, scores.shape[1]).metrics(interval)


# -------------------- effective robustness


@dataclass(frozen=True)
class LogitLine:
    """A straight line between the logits of accuracies before and after a shift.

    It is fitted through standard models.
    """

    slope: float
    intercept: float
    models: int

    def expected(self, in_distribution: float) -> float:
        """Predict the accuracy after the shift of a standard model with this accuracy."""
        return 1 / (1 + math.exp(-(self.intercept + self.slope * logit(in_distribution))))


def logit(fraction: float) -> float:
    """Compute the logit of a fraction.

    Raises:
        UserError: for 0 and 1, which have none.
    """
    if not 0 < fraction < 1:
        raise UserError(
            f"an accuracy of {fraction:g} has no logit; use more pictures or another set"
        )
    return math.log(fraction / (1 - fraction))


def fit_logit_line(in_distribution: Sequence[float], shifted: Sequence[float]) -> LogitLine:
    """Fit a line through standard models by least squares in logits.

    Raises:
        UserError: for fewer than two models of different accuracy, and for accuracies of exactly 0
            or 1.
    """
    x, y = ([logit(fraction) for fraction in column] for column in (in_distribution, shifted))
    if len(set(x)) < 2:
        raise UserError("a line needs two or more models of different accuracy; give more records")
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum(
        (a - mean_x) ** 2 for a in x
    )
    return LogitLine(slope, mean_y - slope * mean_x, len(x))


def effective_robustness(
    metrics: Mapping[str, float], standard: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    """Measure accuracy on each shift beyond that of standard models.

    The standard models have the same in-distribution accuracy.

    Args:
        metrics: of the model, from ``shift_metrics``.
        standard: the same of two or more standard models, on the same shifts.

    Returns:
        For each shift that all have ``NAME/expected``, ``NAME/effective_robustness`` = accuracy
        less expectation, and ``NAME/slope`` of the line.

    Raises:
        UserError: see ``fit_logit_line``, and when no shift is shared.
    """
    names = [key.removesuffix("/top1") for key in metrics if key.endswith("/top1")]
    shared = [name for name in names if all(f"{name}/top1" in other for other in standard)]
    if not shared:
        raise UserError(
            "the records share no shift with this model; measure all with the same shifts"
        )
    found = {}
    for name in shared:
        before, after = (
            [other[f"{name}/{part}"] for other in standard] for part in ("in_distribution", "top1")
        )
        line = fit_logit_line(before, after)
        expected = line.expected(metrics[f"{name}/in_distribution"])
        found[f"{name}/expected"] = expected
        found[f"{name}/effective_robustness"] = metrics[f"{name}/top1"] - expected
        found[f"{name}/slope"] = line.slope
    return found


# -------------------- adaptation by probes


def adaptation_sweep(
    pool: Rows, tests: Mapping[str, Rows], shots: Sequence[int], seeds: Sequence[int], classes: int
) -> dict[str, float]:
    """Train probes of ever more pictures per class and measure them on all test sets.

    Does what they gain before the shift hold behind it? The protocol of Figs. 14 and 15: each probe
    is trained on in-distribution pictures only, its C chosen on others of them.

    Args:
        tests: name -> test rows.

    Returns:
        ``shots/K/NAME``: top-1 with K pictures per class, averaged over the seeds.

    Raises:
        UserError: when a class has too few rows in the pool.
    """
    found: dict[str, float] = {}
    for k in shots:
        each = [
            probe_accuracies(pool, *draw_shots(pool.labels, k, seed), tests, classes)
            for seed in seeds
        ]
        found |= {
            f"shots/{k}/{name}": sum(numbers[name] for numbers in each) / len(each)
            for name in tests
        }
    return found


def probe_accuracies(
    pool: Rows,
    train: Int[Tensor, " K"],
    validation: Int[Tensor, " V"],
    tests: Mapping[str, Rows],
    classes: int,
) -> dict[str, float]:
    """Measure the top-1 of one probe on every test set."""
    shots = pool[train]
    search = Search(Problem(shots.features, shots.labels, classes), pool[validation])
    fit = search.fits[search.run()]
    return {
        name: float((fit.logits(rows.features).argmax(1).cpu() == rows.labels).double().mean())
        for name, rows in tests.items()
    }
