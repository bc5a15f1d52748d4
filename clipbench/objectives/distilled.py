"""Distillation: learn from a trained CLIP beside the captions.

A small model that must open elsewhere learns faster from a teacher of another kind. The terms are
those of Yang et al. 2024 (CLIP-KD, arXiv 2307.12732) that need no further weights: the teacher's
image vectors themselves, and what it makes of the batch (Hinton et al. 2015, arXiv 1503.02531).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from clipbench.compute.flops import training_flops
from clipbench.errors import UserError
from clipbench.model import CLIP
from clipbench.objectives.contrastive import JointObjective, contrastive_loss
from clipbench.objectives.objective import ln

FEATURES, LOGITS = 1.0, 0.5  # weights of the two terms beside the contrastive loss


class DistilledFeatures(NamedTuple):
    """Both models' unit vectors in spaces of one width, and the scales of their cosines."""

    images: Float[Tensor, "B D"]
    texts: Float[Tensor, "B *K D"]  # of K captions per image, or of one
    scale: Float[Tensor, ""]
    teacher_images: Float[Tensor, "B D"]
    teacher_texts: Float[Tensor, "B *K D"]
    teacher_scale: Float[Tensor, ""]


class Distilled(JointObjective):
    """The contrastive loss plus two terms that pull towards a teacher, which is not trained.

    loss = contrastive + 1.0 (1 - cosine to the teacher's image vector)
    + 0.5 KL(teacher's distribution over the batch || the model's), in both directions.

    Args:
        teacher: reads the same images and token ids, and has vectors of the same width.

    Raises:
        UserError: for a teacher that does not.
    """

    name = "distilled"

    def __init__(self, clip: CLIP, product_dtype: torch.dtype | None, teacher: CLIP):
        super().__init__(clip, product_dtype)
        refuse_other_inputs(clip, teacher)
        # in a tuple, so that it is neither trained nor saved as a part of this one
        self.taught_by = (teacher.eval().requires_grad_(False),)

    def forward(self, images: Tensor, targets: Tensor) -> DistilledFeatures:
        (teacher,) = self.taught_by
        teacher.to(images.device)
        with torch.no_grad():
            taught = teacher(images, targets)
        return DistilledFeatures(*self.clip(images, targets), *taught)

    def compare(
        self,
        images: Tensor,
        texts: Tensor,
        scale: Tensor,
        teacher_images: Tensor,
        teacher_texts: Tensor,
        teacher_scale: Tensor,
    ) -> Float[Tensor, ""]:
        own = contrastive_loss(images, texts, scale, self.product_dtype)
        apart = 1 - (images * teacher_images).sum(-1).mean()
        each = (texts, teacher_texts)
        columns = (
            [each] if texts.ndim == 2 else list(zip(*(t.unbind(1) for t in each), strict=True))
        )
        unlike = [
            divergence(teacher_scale * teacher_images @ theirs.T, scale * images @ ours.T)
            for ours, theirs in columns
        ]
        return own + FEATURES * apart + LOGITS * torch.stack(unlike).mean()

    def chance_loss(self, batch_size: int) -> float:
        """Give the loss of a model that guesses, beside a teacher that is always certain."""
        return (1 + LOGITS) * ln(batch_size) + FEATURES

    def flops(self, targets: Tensor, kept: float = 1.0) -> float:
        config, captions = self.taught_by[0].config, targets[0].shape[:-1].numel()
        forward = training_flops(config, targets.shape[-1], 1.0, True, True, captions, spare=True)
        return super().flops(targets, kept) + forward


def divergence(
    teacher_logits: Float[Tensor, "B B"], logits: Float[Tensor, "B B"]
) -> Float[Tensor, ""]:
    """Compute the mean of KL(teacher || model) over rows and over columns, in nats."""
    both = [
        F.kl_div(ours.log_softmax(1), theirs.log_softmax(1), log_target=True, reduction="batchmean")
        for ours, theirs in ((logits, teacher_logits), (logits.T, teacher_logits.T))
    ]
    return torch.stack(both).mean()


def refuse_other_inputs(clip: CLIP, teacher: CLIP) -> None:
    for what, ours, theirs in (
        ("vectors of {} numbers", clip.config.embed_dim, teacher.config.embed_dim),
        ("images of {} pixels", clip.config.image_size, teacher.config.image_size),
        ("a vocabulary of {} tokens", clip.config.text.vocab_size, teacher.config.text.vocab_size),
        ("{} tokens a text", clip.config.context_length, teacher.config.context_length),
    ):
        if ours != theirs:
            raise UserError(
                f"the teacher has {what.format(theirs)}, the model that learns from it "
                f"{what.format(ours)}; choose a teacher or a model that agrees"
            )
