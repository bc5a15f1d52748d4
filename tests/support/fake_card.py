"""A card for machines that have none: real numbers behind tensors that say they are elsewhere.

torch's "meta" device lends its name. As on a real card, tensors of the card and of the CPU cannot
be mixed, only a move brings one to the other side, and results lie where their inputs lay.
Gradients pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

CARD = torch.device("meta")
MOVES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}


class OnCard(torch.Tensor):
    """A tensor of the card; ``inner`` has its numbers."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor):
        like = {
            "dtype": inner.dtype,
            "strides": inner.stride(),
            "storage_offset": inner.storage_offset(),
        }
        # a view of a weight must count its versions, as the weight does
        with torch.inference_mode(False):
            made = torch.Tensor._make_wrapper_subclass(cls, inner.shape, device=CARD, **like)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})


class Card(TorchDispatchMode):
    """Within, "meta" means the card."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        with self:  # in inference mode compound operations come whole
            parts = func.decompose(*args, **(kwargs or {}))
        return run(func, args, kwargs or {}) if parts is NotImplemented else parts


def run(func, args, kwargs):
    """Run one operation, in truth on the CPU."""
    tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
    here = any(isinstance(each, OnCard) for each in tensors)
    if (
        here
        and func not in MOVES
        and any(not isinstance(each, OnCard) and each.ndim for each in tensors)
    ):
        raise RuntimeError(f"{func}: tensors on two different devices, the card and the CPU")
    wanted = kwargs.get("device")
    stays = here if wanted is None else torch.device(wanted).type == CARD.type
    if wanted is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    inner = tree_map(lambda each: each.inner if isinstance(each, OnCard) else each, (args, kwargs))
    with torch.utils._python_dispatch._disable_current_modes():
        found = func(*inner[0], **inner[1])
    if func is torch.ops.aten.copy_.default:
        return args[0]
    return tree_map(
        lambda each: OnCard(each) if stays and isinstance(each, torch.Tensor) else each, found
    )


class Literals(TorchFunctionMode):
    """torch.tensor of Python's numbers: made here, then moved."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        device = kwargs.get("device")
        if func is not torch.tensor or device is None or torch.device(device).type != CARD.type:
            return func(*args, **kwargs)
        return func(*args, **{**kwargs, "device": "cpu"}).to(CARD)


@contextmanager
def a_card() -> Iterator[torch.device]:
    with Card(), Literals():
        yield CARD


def moved(model: torch.nn.Module) -> torch.nn.Module:
    """Move the weights and buffers of a model to the card and return the model."""
    for part in model.modules():
        for name, weight in part._parameters.items():
            if weight is not None:
                part._parameters[name] = torch.nn.Parameter(
                    OnCard(weight.detach()), weight.requires_grad
                )
        for name, buffer in part._buffers.items():
            part._buffers[name] = OnCard(buffer)
    return model
