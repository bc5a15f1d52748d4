"""The gap between pictures and texts in the joint space, and what closing or widening it does.

Liang et al. 2022, "Mind the Gap": the means of unit vectors of both modalities lie apart, at the
start of training and after it.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.errors import UserError
from clipbench.evaluate.clustering import adjusted_rand_index, k_means
from clipbench.loss import clip_loss

Steps = Callable[[Tensor, Tensor], Tensor]  # pictures and texts -> (2, D), what each is moved by


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


# -------------------- the gap's two parts: the distance of the means, and the rest


def nowhere(images: Float[Tensor, "M D"], texts: Float[Tensor, "B D"]) -> Float[Tensor, "2 D"]:
    """Leave both modalities where they are."""
    return images.new_zeros(2, images.shape[1])


def own_means(images: Float[Tensor, "M D"], texts: Float[Tensor, "B D"]) -> Float[Tensor, "2 D"]:
    """Give each modality's mean; taken out, nothing is left of the distance of the means."""
    mean_difference(images, texts)  # raises where there is nothing to average
    return torch.stack([images.mean(0), texts.mean(0)])


def at_random(
    images: Float[Tensor, "M D"], texts: Float[Tensor, "B D"], seed: int = 0
) -> Float[Tensor, "2 D"]:
    """Draw a random direction for each modality, as long as its mean (a control)."""
    means = own_means(images, texts)
    random = torch.randn(means.shape, generator=torch.Generator().manual_seed(seed))
    return F.normalize(random, dim=1) * means.norm(dim=1, keepdim=True)


def moved(
    images: Float[Tensor, "M D"], texts: Float[Tensor, "B D"], steps: Float[Tensor, "2 D"]
) -> tuple[Float[Tensor, "M D"], Float[Tensor, "B D"]]:
    """Take a vector out of each modality, then go back onto the sphere."""
    return F.normalize(images - steps[0], dim=1), F.normalize(texts - steps[1], dim=1)


def parts_of_gap(
    images: Float[Tensor, "M D"],
    texts: Float[Tensor, "B D"],
    classes: Int[Tensor, " N"],
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Split the gap into the distance of the means, which can be taken out, and the rest.

    Row n of pictures and texts is a pair, and both show class n of ``classes``.

    Returns:
        for ``as it is``, ``means taken out`` and ``moved at random`` a dict of ``gap``, the
        distance of the means; ``own kind``, see `of_own_kind`; ``image to text``, the fraction of
        pictures whose nearest text is of their class; and ``clusters``, the adjusted Rand index
        of k-means over pictures and texts together against the classes, with as many clusters as
        classes.

    Raises:
        UserError: for another number of texts than pictures, or fewer than two classes.
    """
    if not len(images) == len(texts) == len(classes) or len(classes.unique()) < 2:
        raise UserError(
            f"{len(images)} pictures, {len(texts)} texts, {len(classes)} labels: give equally "
            "many, of two classes at least"
        )
    ways: dict[str, Steps] = {
        "as it is": nowhere,
        "means taken out": own_means,
        "moved at random": partial(at_random, seed=seed),
    }
    return {
        name: measured(*moved(images, texts, steps(images, texts)), classes, seed)
        for name, steps in ways.items()
    }


def measured(images: Tensor, texts: Tensor, classes: Tensor, seed: int) -> dict[str, float]:
    nearest = classes[(images @ texts.T).argmax(1)]
    clusters = k_means(torch.cat([images, texts]), len(classes.unique()), seed)
    return {
        "gap": float(mean_difference(images, texts).norm()),
        "own kind": of_own_kind(images, texts, classes),
        "image to text": (nearest == classes).float().mean().item(),
        "clusters": adjusted_rand_index(clusters, classes.repeat(2)),
    }


def of_own_kind(
    images: Float[Tensor, "M D"], texts: Float[Tensor, "M D"], classes: Int[Tensor, " M"]
) -> float:
    """Compute how often the nearest row of another class is of the same modality; 0.5 is mixed.

    Neighbours see what no straight cut can: between clouds of equal means least squares finds none,
    whatever else tells them apart.
    """
    rows, labels = torch.cat([images, texts]), classes.repeat(2)
    is_text = torch.arange(len(rows)) >= len(images)
    cosines = (rows @ rows.T).masked_fill(labels[:, None] == labels, -torch.inf)
    return float((is_text[cosines.argmax(1)] == is_text).float().mean())
