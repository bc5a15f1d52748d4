"""Which optimiser learns which weight, and at which rate."""

from collections.abc import Sequence

import torch
from torch import Tensor

from clipbench.model import CLIP
from clipbench.training.muon import Muon
from clipbench.training.recipe import TrainConfig


def make_optimizers(
    model: CLIP,
    config: TrainConfig,
    whole: torch.nn.Module | None = None,
    dtype: torch.dtype | None = None,
) -> list[torch.optim.Optimizer]:
    """Make Muon for the encoders' matrices and AdamW for everything else.

    Gains, biases and the temperature have no weight decay.

    Args:
        whole: the objective around the model, whose own weights AdamW gets too.
        dtype: what Muon multiplies in; None means the weights' own.
    """
    words = trained([model.text_encoder.token_embedding.weight])
    inside = [
        weight
        for encoder in (model.image_encoder, model.text_encoder)
        for name, weight in encoder.named_parameters()
        if weight.ndim >= 2 and "embedding" not in name and "positions" not in name
    ]
    matrices = trained(inside) if config.matrix_learning_rate else []
    known = {id(weight) for weight in matrices + words}
    others = [
        weight
        for weight in (whole or model).parameters()
        if weight.requires_grad and id(weight) not in known
    ]
    groups = [
        {"params": words, "lr": config.embedding_learning_rate, "weight_decay": 0.0},
        {"params": [w for w in others if w.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [w for w in others if w.ndim < 2], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)
    muon = [Muon(matrices, lr=config.matrix_learning_rate, dtype=dtype)] if matrices else []
    optimizers = [*muon, adamw]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def trained(weights: Sequence[Tensor]) -> list[Tensor]:
    """Select the weights that are not locked."""
    return [weight for weight in weights if weight.requires_grad]
