"""The symmetric contrastive loss of CLIP (Radford et al. 2021, section 2.3 and figure 3)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def clip_loss(
    image_features: Float[Tensor, "B D"], text_features: Float[Tensor, "B D"], scale: Float[Tensor, ""] | float
) -> Float[Tensor, ""]:
    """Cross-entropy of picking the right text for each image and the right image for each text, averaged.

    Features are unit vectors; row i of both belongs together; ``scale`` is exp(logit_scale), the inverse temperature.
    The loss of a model that knows nothing is ln B. A batch of one always has loss 0 and teaches nothing: refused.

    Raises:
        ValueError: for fewer than two pairs, or as many images as texts not given.
    """
    if image_features.shape != text_features.shape:
        raise ValueError(
            f"images {tuple(image_features.shape)} and texts {tuple(text_features.shape)} must be pairs: same shape"
        )
    if len(image_features) < 2:
        raise ValueError("a contrastive loss needs at least 2 pairs in a batch: with one there is nothing to contrast")
    logits_per_image = scale * image_features @ text_features.T  # (B, B)
    labels = torch.arange(len(logits_per_image), device=logits_per_image.device)
    return (F.cross_entropy(logits_per_image, labels) + F.cross_entropy(logits_per_image.T, labels)) / 2
