"""The responses of units inside a model.

The outputs of named layers are caught while pictures pass through.
"""

import contextlib
import difflib
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from clipbench.data.image_set import PictureSet
from clipbench.encoders.clip import Encoder
from clipbench.errors import UserError
from clipbench.model import CLIP, Block, Bottleneck
from clipbench.progress import shown

# How the places of a picture (patches, or pixels of a map) become one number per unit: (B, places,
# units) -> (B, units).
POOLS = {
    "max": lambda places: places.amax(1),  # does the unit fire anywhere?
    "mean": lambda places: places.mean(1),
    "class token": lambda places: places[:, 0],
}


def own_model(encoder: Encoder) -> CLIP:
    """Give the encoder's CLIP.

    Raises:
        UserError: for an encoder that is not made of this package's CLIP.
    """
    model = getattr(encoder, "model", None)
    if not isinstance(model, CLIP):
        raise UserError(
            f"{encoder.name} cannot be looked into: CLIP models can, SigLIP and stored "
            "features cannot"
        )
    return model


def unit_layers(model: CLIP) -> list[str]:
    """List the image encoder's layers whose outputs are called units here.

    They are behind a nonlinearity, from first to last.

    A ViT's hidden MLP units, a ResNet's blocks, a ConvNet's ReLUs.
    """
    names = []
    for name, module in model.image_encoder.named_modules(prefix="image_encoder"):
        if isinstance(module, Block):
            names.append(f"{name}.mlp.1")
        elif isinstance(module, (Bottleneck, nn.ReLU)):
            names.append(name)
    return names


@contextlib.contextmanager
def listening(model: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Record the outputs of the named layers in every forward pass within the context.

    They are in the dict that this yields.

    Afterwards the hooks are gone, whatever happened.

    Raises:
        UserError: for a layer that the model does not have, naming the nearest ones.
    """
    modules = dict(model.named_modules())
    for name in layers:
        if name not in modules:
            near = difflib.get_close_matches(name, modules, n=3, cutoff=0.3)
            raise UserError(
                f"the model has no layer {name!r}; the nearest are {', '.join(near) or 'none'}"
            )
    heard: dict[str, Tensor] = {}

    def note(name: str):
        return lambda module, inputs, output: heard.__setitem__(name, output)

    hooks = [modules[name].register_forward_hook(note(name)) for name in layers]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def unit_responses(
    encoder: Encoder,
    pictures: PictureSet,
    layers: Sequence[str],
    pool: str = "max",
    batch_size: int = 128,
    progress: bool = True,
) -> dict[str, Float[Tensor, "M units"]]:
    """Compute every unit's response to every picture, for the named layers.

    Responses are in float32 on the CPU.

    Args:
        layers: names as in ``model.named_modules()``, such as "image_encoder.blocks.5.mlp.1"
            (``unit_layers`` lists the usual ones) or "image_projection".
        pool: how a unit's answers at several places become one: "max", "mean" or "class token".

    Raises:
        UserError: for an unknown layer or pool, or an encoder that is not this package's CLIP.
    """
    if pool not in POOLS:
        raise UserError(f"no pool {pool!r}; choose from {', '.join(POOLS)}")
    parts: dict[str, list[Tensor]] = {name: [] for name in layers}
    model = own_model(encoder)
    with listening(model, layers) as heard, torch.inference_mode():
        starts = range(0, len(pictures), batch_size)
        for start in shown(starts, f"units at {pictures.name}", progress):
            rows = range(start, min(start + batch_size, len(pictures)))
            model.encode_image(
                encoder.preprocess(pictures.pictures(rows)).to(model.image_projection.weight)
            )
            for name in layers:
                parts[name].append(one_number_a_unit(heard[name], pool).float().cpu())
    return {name: torch.cat(part) for name, part in parts.items()}


def one_number_a_unit(output: Tensor, pool: str) -> Float[Tensor, "B units"]:
    """Pool a layer's output over its places.

    The output is (B, units), tokens (B, N, units) or a map (B, units, h, w).
    """
    if output.ndim == 4:
        output = output.flatten(2).transpose(1, 2)
    return output if output.ndim == 2 else POOLS[pool](output)
