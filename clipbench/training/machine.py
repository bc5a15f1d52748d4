"""How this machine computes a step.

The recipe says what is learned; nothing here changes it.
"""

from dataclasses import dataclass

import torch

from clipbench.errors import UserError
from clipbench.model import CLIP, TextTransformer, VisionTransformer


@dataclass(frozen=True)
class Machine:
    """Where and how a training is computed.

    Attributes:
        device: "auto" takes CUDA, then Apple's MPS, then the CPU.
        precision: "fp32", "bf16" or "fp16"; None takes what the device is good at.
        threads: intra-op threads on a CPU; None measures which number is fastest.
        micro_batch: how many pairs are encoded at a time; None encodes the whole batch at once.
        recompute: whether transformer blocks keep no activations: activation checkpointing (a third
            slower, much less memory).
        compile: whether the model runs through ``torch.compile`` (the first step then takes a
            minute or two).
    """

    device: torch.device | str = "auto"
    precision: str | None = None
    threads: int | None = None
    micro_batch: int | None = None
    recompute: bool = False
    compile: bool = False


def recompute_activations(model: CLIP) -> None:
    """Keep no activations inside transformer blocks: compute them again in the backward pass.

    This is activation checkpointing (Chen et al. 2016).

    Raises:
        UserError: for a model without transformer blocks.
    """
    both = (model.image_encoder, model.text_encoder)
    encoders = [
        encoder for encoder in both if isinstance(encoder, (VisionTransformer, TextTransformer))
    ]
    if not encoders:
        raise UserError(
            "only transformer blocks can be recomputed, and this model has none; use "
            "micro-batches instead"
        )
    for encoder in encoders:
        encoder.recompute = True
