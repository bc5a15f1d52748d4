"""Zero-shot classification: class names and templates become a linear classifier (Radford et al. 2021, section 3.1)."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.encoders import Encoder
from clipbench.errors import UserError
from clipbench.evaluate.features import text_features


def fill_templates(class_names: Sequence[str], templates: Sequence[str]) -> list[list[str]]:
    """For each class its prompts, C lists of P texts.

    Raises:
        UserError: for no class names, an empty one, no templates, or a template without {}.
    """
    if not class_names:
        raise UserError("no class names: name at least one class")
    if any(not name.strip() for name in class_names):
        raise UserError("a class name is empty; remove it or write something")
    if not templates:
        raise UserError("no templates: give at least one, for example 'a photo of a {}.'")
    for template in templates:
        if template.count("{}") != 1:
            raise UserError(f"template {template!r} needs {{}} once, where the class name goes")
    return [[template.replace("{}", name) for template in templates] for name in class_names]


def zero_shot_weights(
    encoder: Encoder, class_names: Sequence[str], templates: Sequence[str], progress: bool = False
) -> Float[Tensor, "D C"]:
    """One unit vector a class: the mean of its prompts' unit vectors, normalised again (section 3.1.4).

    Raises:
        UserError: see ``fill_templates``.
    """
    prompts = fill_templates(class_names, templates)
    features = text_features(encoder, [prompt for row in prompts for prompt in row], progress=progress)
    return ensemble(features.view(len(class_names), len(templates), -1))


def ensemble(features: Float[Tensor, "C P D"]) -> Float[Tensor, "D C"]:
    """Average each class's prompts in embedding space."""
    return F.normalize(F.normalize(features, dim=-1).mean(1), dim=-1).T.contiguous()


def zero_shot_metrics(
    image_features: Float[Tensor, "M D"], labels: Int[Tensor, " M"], weights: Float[Tensor, "D C"]
) -> dict[str, float]:
    """Accuracy of the nearest class.

    Returns:
        ``top1``, ``top5`` (left out below six classes) and ``mean_per_class`` as fractions; ``top1_low`` and
        ``top1_high`` (and the same for top5), the ends of the 95 % Wilson interval; ``chance``; counts
        ``pictures`` and ``classes``. The temperature does not matter: it changes probabilities, not ranks.
    """
    similarity = image_features @ weights  # (M, C)
    classes = weights.shape[1]
    metrics = {}
    for k in (1, 5) if classes > 5 else (1,):
        hits = (similarity.topk(k, dim=1).indices == labels[:, None]).any(1)
        metrics |= with_interval(f"top{k}", int(hits.sum()), len(labels))
    metrics["mean_per_class"] = mean_per_class(similarity.argmax(1) == labels, labels)
    return metrics | {"chance": 1 / classes, "pictures": len(labels), "classes": classes}


def mean_per_class(hits: Tensor, labels: Tensor) -> float:
    """Accuracy of each class that occurs, averaged."""
    classes, index, counts = labels.unique(return_inverse=True, return_counts=True)
    right = torch.zeros(len(classes)).index_add_(0, index, hits.float())
    return float((right / counts).mean())


def with_interval(name: str, hits: int, n: int, level: float = 0.95) -> dict[str, float]:
    """A fraction and the ends of its Wilson interval (Wilson 1927), as ``name``, ``name_low``, ``name_high``."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    p = hits / n
    centre, half = (p + z * z / (2 * n)), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return {
        name: p,
        f"{name}_low": max(0.0, (centre - half) / scale),
        f"{name}_high": min(1.0, (centre + half) / scale),
    }


def class_probabilities(
    image_features: Float[Tensor, "M D"], weights: Float[Tensor, "D C"], scale: float
) -> tuple[Float[Tensor, "M C"], Float[Tensor, "M C"]]:
    """(cosines, probabilities): the probabilities are the softmax of scale x cosine over the classes."""
    cosines = image_features @ weights
    return cosines, (scale * cosines).softmax(-1)
