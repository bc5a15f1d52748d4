"""A model's weights in another number format, for embedding.

Also the hash by which its features are known.

Recorded evaluations use float32. Lower precision changes the fingerprint, so that features of two
precisions are never mixed. Whatever the weights are, an encoder answers in float32 on the CPU.
"""

import hashlib
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from clipbench.compute.devices import pick_precision
from clipbench.errors import UserError

Model = TypeVar("Model", bound=nn.Module)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_precision(name: str | None, device: torch.device | str) -> str:
    """Choose the precision called ``name``; "auto" takes what ``device`` multiplies fast.

    It is bf16, fp16 or fp32.

    None is "auto" on an NVIDIA card and fp32 elsewhere: on a card fp32 would leave most of it idle,
    and on a CPU numbers should be those of the records.

    Raises:
        UserError: for another name.
    """
    if name is None:
        name = "auto" if torch.device(device).type == "cuda" else "fp32"
    if name == "auto":
        return pick_precision(device)
    if name not in DTYPES:
        raise UserError(f"no precision {name!r}; choose from auto, {', '.join(DTYPES)}")
    return name


def channels_last(model: Model) -> Model:
    """Lay out the weights of the model's convolutions as they are multiplied fastest.

    Returns the model itself.
    """
    whole: Any = model  # the stubs of nn.Module.to know no memory_format
    return whole.to(memory_format=torch.channels_last)


def in_precision(model: Model, precision: str) -> Model:
    """Convert the model's weights to that format in place; returns the model itself.

    What is small and sensitive stays float32: single numbers (the temperature) and the statistics
    of BatchNorm. LayerNorm and softmax add up in float32 in PyTorch's own kernels, whatever their
    input is.
    """
    if precision == "fp32":
        return model
    wanted = DTYPES[precision]
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    sensitive = {id(tensor) for norm in norms for tensor in state_of(norm)}
    for tensor in state_of(model):
        if (
            tensor.is_floating_point()
            and tensor.ndim
            and id(tensor) not in sensitive
            and tensor.dtype != wanted
        ):
            tensor.data = tensor.data.to(wanted)
    return model


def answer(features: Tensor, on_device: bool = False) -> Tensor:
    """Give an encoder's answer: float32, and on the CPU unless it is to stay on its device.

    Labels and other features are on the CPU.
    """
    return features.float() if on_device else features.float().cpu()


def state_of(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def fingerprint_of(model: nn.Module, *settings) -> str:
    """Hash weights and whatever else decides the features: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for each in settings:
        digest.update(repr(each).encode())
    for name, tensor in sorted(model.state_dict().items()):
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(name.encode() + raw.numpy().tobytes())
    return digest.hexdigest()[:16]
