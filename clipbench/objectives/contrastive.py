"""CLIP's own objective: find which caption belongs to which picture."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from clipbench.compute import distributed
from clipbench.compute.flops import training_flops
from clipbench.data.streams import Pairs
from clipbench.loss import clip_loss, tiled_clip_loss
from clipbench.model import CLIP
from clipbench.objectives.objective import Objective, ln
from clipbench.tokenizer import Tokenizer

# pairs: from here on tiles are faster than all logits at once (clipbench bench loss)
TILED_FROM = 1024


class PairFeatures(NamedTuple):
    """Unit vectors of the joint space, and the scale that their cosines are multiplied by."""

    images: Float[Tensor, "B D"]
    texts: Float[Tensor, "B *K D"]  # of K captions per image, or of one
    scale: Float[Tensor, ""]


class JointObjective(Objective):
    """An objective that makes one space of pictures and texts: a CLIP, without further weights.

    Args:
        product_dtype: what large batches multiply features in.
    """

    def __init__(self, clip: CLIP, product_dtype: torch.dtype | None = None):
        super().__init__(clip)
        self.product_dtype = product_dtype or torch.float32

    def targets(self, pairs: Pairs, tokenizer: Tokenizer) -> Tensor:
        """Give token ids (B, T), or (B, K, T) for K captions per picture."""
        if not pairs.more_captions:
            return tokenizer(pairs.captions)
        captions = zip(pairs.captions, *pairs.more_captions, strict=True)
        return tokenizer([text for several in captions for text in several]).unflatten(
            0, (len(pairs.captions), -1)
        )

    def accuracy(self, images: Tensor, texts: Tensor, *numbers: Tensor) -> float:
        """Compute the fraction of pictures whose own text is the most similar one."""
        return batch_accuracy(images, texts if texts.ndim == 2 else texts[:, 0])

    def flops(self, targets: Tensor, kept: float = 1.0) -> float:
        image, text = (locked(each) for each in (self.clip.image_encoder, self.clip.text_encoder))
        captions = targets[0].shape[:-1].numel()
        return training_flops(
            self.clip.config, targets.shape[-1], kept, image, text, captions, spare=True
        )


class Contrastive(JointObjective):
    """The symmetric contrastive loss over the whole batch, of all processes.

    Where pictures have several captions, it is the mean of the losses with the first captions, with
    the second ones and so on. A caption is never contrasted with another one of its own picture.
    """

    name = "contrastive"

    def forward(self, images: Tensor, targets: Tensor) -> PairFeatures:
        return PairFeatures(*self.clip(images, targets))

    def compare(self, images: Tensor, texts: Tensor, scale: Tensor) -> Float[Tensor, ""]:
        return contrastive_loss(images, texts, scale, self.product_dtype)

    def chance_loss(self, batch_size: int) -> float:
        return ln(batch_size)


def contrastive_loss(
    images: Float[Tensor, "B D"],
    texts: Float[Tensor, "B *K D"],
    scale: Float[Tensor, ""],
    dtype: torch.dtype,
) -> Float[Tensor, ""]:
    """Compute the loss; of several processes, this one's share of it.

    Args:
        dtype: what large batches multiply features in.
    """
    if texts.ndim == 3:
        losses = [contrastive_loss(images, each, scale, dtype) for each in texts.unbind(1)]
        return torch.stack(losses).mean()
    if distributed.world_size() > 1:
        return distributed.shared_clip_loss(images, texts, scale, dtype=dtype)
    if len(images) < TILED_FROM:
        return clip_loss(images, texts, scale)
    return tiled_clip_loss(images, texts, scale, dtype=dtype)


def locked(part: nn.Module) -> bool:
    return not any(weight.requires_grad for weight in part.parameters())


def batch_accuracy(image_features: Tensor, text_features: Tensor) -> float:
    """Compute the fraction of images of the whole batch whose own text is the most similar one.

    A health check only: it falls as the batch grows, so never compare runs of different batches by
    it.
    """
    texts, first = distributed.gathered(text_features), distributed.rank() * len(image_features)
    own = torch.arange(first, first + len(image_features), device=texts.device)
    right = sum(
        ((images @ texts.T).argmax(1) == labels).sum()
        for images, labels in zip(image_features.split(1024), own.split(1024), strict=True)
    )
    return float(distributed.summed(right.float())) / len(texts)
