"""SigLIP's objective: say whether a picture and a caption belong together.

Each couple of a batch is asked alone (Zhai et al. 2023, arXiv 2303.15343).
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from clipbench.loss import siglip_loss
from clipbench.model import CLIP
from clipbench.objectives.contrastive import JointObjective


class BiasedFeatures(NamedTuple):
    """Unit vectors of the joint space; the logit of a couple is scale * cosine + bias."""

    images: Float[Tensor, "B D"]
    texts: Float[Tensor, "B *K D"]  # of K captions per image, or of one
    scale: Float[Tensor, ""]
    bias: Float[Tensor, ""]


class Sigmoid(JointObjective):
    """The pairwise sigmoid loss over the whole batch.

    A model without a bias gets one, and with it the temperature that SigLIP's training starts from
    (scale 10, bias -10): that of a trained CLIP belongs to another question.
    """

    name = "sigmoid"

    def __init__(self, clip: CLIP, product_dtype: torch.dtype | None = None):
        if clip.logit_bias is None:
            clip.start_as_siglip()
        super().__init__(clip, product_dtype)

    def forward(self, images: Tensor, targets: Tensor) -> BiasedFeatures:
        images, texts, scale = self.clip(images, targets)
        return BiasedFeatures(images, texts, scale, self.bias)

    @property
    def bias(self) -> Tensor:
        assert self.clip.logit_bias is not None  # as __init__ sees to
        return self.clip.logit_bias

    def compare(
        self, images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor
    ) -> Float[Tensor, ""]:
        each = [texts] if texts.ndim == 2 else texts.unbind(1)
        return torch.stack([siglip_loss(images, some, scale, bias) for some in each]).mean()

    def chance_loss(self, batch_size: int) -> float:
        """Give the loss of a model that calls every couple a pair with the probability 1 / B."""
        others = batch_size - 1
        return math.log(batch_size) + others * math.log(batch_size / others)
