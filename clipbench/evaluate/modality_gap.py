"""The gap between pictures and texts in the joint space, and what closing or widening it does.

Liang et al. 2022, "Mind the Gap": the means of unit vectors of both modalities lie apart, at the
start of training and after it.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from clipbench.errors import UserError
from clipbench.loss import clip_loss


def mean_difference(
    images: Float[Tensor, "M D"], texts: Float[Tensor, "B D"]
) -> Float[Tensor, " D"]:
    """Compute the vector from the mean of the texts to that of the pictures (section 3).

    Raises:
        UserError: without pictures or without texts.
    """
    if not len(images) or not len(texts):
        raise UserError("a modality gap needs pictures and texts")
    return images.mean(0) - texts.mean(0)


def modality_gap(images: Float[Tensor, "M D"], texts: Float[Tensor, "B D"]) -> dict[str, float]:
    """Measure the gap, and mean cosines within and between the modalities.

    Takes unit vectors; row n of both need not be a pair.

    Returns:
        ``gap``, the distance of the means: 0 for clouds around one middle, 2 for opposite points;
        ``image_text``, ``image_image`` and ``text_text``, mean cosines (of a row with itself left
        out; nan for a single row).
    """
    distance = mean_difference(images, texts).norm()
    return {
        "gap": float(distance),
        "image_text": float(images.mean(0) @ texts.mean(0)),
        "image_image": mean_cosine_of_others(images),
        "text_text": mean_cosine_of_others(texts),
    }


def mean_cosine_of_others(features: Float[Tensor, "M D"]) -> float:
    """Average the cosine of two different rows; by the square of the sum, without M x M numbers."""
    count = len(features)
    if count < 2:
        return float("nan")
    total = features.double().sum(0).square().sum() - features.double().square().sum()
    return float(total / (count * (count - 1)))


def shifted(
    images: Float[Tensor, "M D"], texts: Float[Tensor, "B D"], share: float
) -> tuple[Float[Tensor, "M D"], Float[Tensor, "B D"]]:
    """Shift both clouds along the difference of their means, then back onto the sphere.

    Section 4.2 of the paper.

    Args:
        share: lambda; at 0.5 the means meet, but for the return to the sphere; below 0 the gap
            widens.
    """
    step = share * mean_difference(images, texts)
    return F.normalize(images - step, dim=1), F.normalize(texts + step, dim=1)


def gap_landscape(
    images: Float[Tensor, "M D"], texts: Float[Tensor, "B D"], scale: float, shares: Sequence[float]
) -> list[dict[str, float]]:
    """Measure loss and accuracy of pairs at several shifts (figure 3): row n of both is a pair.

    Args:
        scale: what cosines are multiplied by in the loss.

    Returns:
        for each share a dict of ``share``, ``gap``, ``loss`` and the fractions ``image_to_text``,
        ``text_to_image``.

    Raises:
        UserError: for another number of texts than pictures.
    """
    if len(images) != len(texts):
        raise UserError(f"pairs need as many texts as pictures, not {len(texts)} and {len(images)}")
    return [at_shift(images, texts, scale, share) for share in shares]


def at_shift(images: Tensor, texts: Tensor, scale: float, share: float) -> dict[str, float]:
    images, texts = shifted(images, texts, share)
    cosines, own = images @ texts.T, torch.arange(len(images))
    return {
        "share": share,
        "gap": modality_gap(images, texts)["gap"],
        "loss": float(clip_loss(images, texts, torch.tensor(scale))),
        "image_to_text": (cosines.argmax(1) == own).float().mean().item(),
        "text_to_image": (cosines.argmax(0) == own).float().mean().item(),
    }
