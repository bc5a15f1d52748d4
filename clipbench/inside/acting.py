"""Acting on what an autoencoder found: features are turned off or up inside a model.

The rest of the model goes on with what is left.

What the autoencoder does not explain of a layer stays as it is, so that changing nothing changes
nothing. An effect counts only beside that of as many other features that were as active.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.errors import UserError
from clipbench.inside.responses import own_model
from clipbench.inside.sparse_autoencoder import SparseAutoencoder, as_tokens, check_width

Change = Callable[[Tensor], Tensor]  # activations (B, N, F) -> the same after a change


@contextlib.contextmanager
def acting(
    encoder: ClipbenchEncoder, layer: str, autoencoder: SparseAutoencoder, change: Change
) -> Iterator[None]:
    """Replace the layer's output, within the context, by what a change of the features leaves.

    Raises:
        UserError: for an unknown layer, one of another width than the autoencoder's, or an encoder
            that is not this package's CLIP.
    """
    modules = dict(own_model(encoder).named_modules())
    if layer not in modules:
        raise UserError(f"the model has no layer {layer!r} to act on")

    def changed(module, inputs, output: Tensor) -> Tensor:
        tokens = as_tokens(output)
        check_width(autoencoder, tokens.shape[-1], layer)
        new = autoencoder.edit(tokens.float(), change).to(output.dtype)
        return (
            new.transpose(1, 2).reshape(output.shape) if output.ndim == 4 else new.view_as(output)
        )

    hook = modules[layer].register_forward_hook(changed)
    try:
        yield
    finally:
        hook.remove()


def turned_off(features: Int[Tensor, " n"]) -> Change:
    """Turn these features off everywhere."""
    return lambda activations: activations.index_fill(-1, features, 0.0)


def turned_up(features: Int[Tensor, " n"], least: Float[Tensor, " n"]) -> Change:
    """Turn these features up, so that each is at least so active everywhere."""

    def change(activations: Tensor) -> Tensor:
        activations = activations.clone()
        activations[..., features] = torch.maximum(activations[..., features], least)
        return activations

    return change


# -------------------- which features


def share_where(
    activations: Float[Tensor, "M F"], condition: Bool[Tensor, " M"]
) -> Float[Tensor, " F"]:
    """Compute the share of each feature's activity that falls on scenes that meet a condition.

    Scenes that meet it and scenes that do not count as if there were equally many of both; 0 for
    features that are never active.
    """
    on, off = activations[condition].mean(0), activations[~condition].mean(0)
    return on / (on + off).clamp(min=1e-12)


def as_active(
    chosen: Int[Tensor, " n"], activity: Float[Tensor, " F"], seed: int = 0
) -> Int[Tensor, " n"]:
    """Draw as many other features, each among those nearest in activity to one of the chosen.

    Args:
        activity: how active each feature is on average; features that never are cannot be drawn.

    Raises:
        ValueError: when too few other features are left.
    """
    generator = torch.Generator().manual_seed(seed)
    free = activity > 0
    free[chosen] = False
    if int(free.sum()) < len(chosen):
        raise ValueError(f"{int(free.sum())} other features are active, {len(chosen)} are needed")
    drawn = torch.empty_like(chosen)
    for place in torch.randperm(len(chosen), generator=generator).tolist():
        distance = (activity - activity[chosen[place]]).abs().masked_fill(~free, torch.inf)
        nearest = distance.topk(min(4, int(free.sum())), largest=False).indices
        pick = int(nearest[torch.randint(len(nearest), (1,), generator=generator)])
        free[pick] = False
        drawn[place] = pick
    return drawn
