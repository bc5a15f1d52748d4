"""A slow copy of a model: the exponential moving average of its weights (EMA).

The copy is what is saved and evaluated.

Averaging takes out the noise of the last steps (Polyak and Juditsky 1992); it costs one pass over
the weights.
"""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Model = TypeVar("Model", bound=nn.Module)


class EMA(Generic[Model]):
    """The exponential moving average of the weights of ``model``.

    After every update each weight moves towards the trained one by a fraction of 1 - decay.

    Starting from w_0, after n updates it is decay^n w_0 + (1 - decay) sum_k decay^(n - k) w_k.
    """

    def __init__(self, model: Model, decay: float):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        for slow, fast in zip(self.tensors(self.model), self.tensors(model), strict=True):
            if slow.is_floating_point():
                slow.lerp_(fast, 1 - self.decay)
            else:
                slow.copy_(fast)  # counters of batch normalisation

    @staticmethod
    def tensors(model: nn.Module) -> list[torch.Tensor]:
        return [*model.parameters(), *model.buffers()]
