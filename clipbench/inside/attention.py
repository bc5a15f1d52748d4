"""Where attention goes: the weights of every block and head, and their way through all blocks.

The weights are computed again from what each attention layer is given, so the model itself is left
as it is.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from clipbench.errors import UserError
from clipbench.model import Attention, AttentionPool


@torch.no_grad()
def attention_maps(tower: nn.Module, inputs: Tensor) -> Float[Tensor, "L B H Q N"]:
    """Record the attention weights of a tower's L layers while it encodes a batch.

    Every row (Q) is a softmax over N tokens.

    They come in float32 on the CPU, wherever the tower is.

    Args:
        tower: an image encoder with preprocessed pictures (B, 3, S, S), or a text encoder with
            token ids (B, T). In transformers every token asks (Q = N); the attention pool of a
            ResNet is one layer with Q = 1, the mean of all places. Token 0 is the class token
            (pictures, and the pool's mean) or the start of text.

    Raises:
        UserError: for a tower without attention.
    """
    layers = [
        module for module in tower.modules() if isinstance(module, (Attention, AttentionPool))
    ]
    if not layers:
        raise UserError(
            f"{type(tower).__name__} has no attention to look at; choose a ViT, a "
            "ResNet or a transformer"
        )
    weights: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(
            lambda module, given: weights.append(weights_of(module, *given).cpu())
        )
        for layer in layers
    ]
    try:
        tower(as_weights(inputs, tower))
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(weights)


def as_weights(inputs: Tensor, tower: nn.Module) -> Tensor:
    """Move inputs to where the tower is; pictures also to the number format of its weights."""
    weight = next(weight for weight in tower.parameters() if weight.ndim > 1)
    return inputs.to(weight.device, weight.dtype if inputs.is_floating_point() else inputs.dtype)


def weights_of(
    layer: Attention | AttentionPool, x: Tensor, mask: Tensor | None = None
) -> Float[Tensor, "B H Q N"]:
    """Compute softmax(q k^T / sqrt(d) + mask) of a layer that is given ``x``."""
    if isinstance(layer, AttentionPool):
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + layer.positions.to(x.dtype)
        q, k = layer.q_proj(x[:, :1]), layer.k_proj(x)
    else:
        q, k, _ = layer.in_proj(x).chunk(3, -1)
    # (B, H, Q or N, d)
    q, k = (each.unflatten(2, (layer.heads, -1)).transpose(1, 2).float() for each in (q, k))
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    return (scores if mask is None else scores + mask).softmax(-1)


def rollout(maps: Float[Tensor, "L B H N N"], residual: float = 0.5) -> Float[Tensor, "B N N"]:
    """Compute attention rollout (Abnar & Zuidema 2020).

    It estimates how much of each input token is in each token at the end.

    Heads are averaged, ``residual`` of every token goes past the layer on the residual path, and
    the layers' matrices are multiplied. Rows sum to one. It knows nothing of values and MLPs: a
    picture of the routes, not of the load.
    """
    N = maps.shape[-1]
    # (L, B, N, N)
    mixing = (1 - residual) * maps.mean(2) + residual * torch.eye(N, device=maps.device)
    flow = mixing[0]
    for layer in mixing[1:]:
        flow = layer @ flow
    return flow


def on_grid(row: Float[Tensor, "*B N"]) -> Float[Tensor, "*B g g"]:
    """Arrange one token's attention to the patches as a square map.

    What goes to token 0 is left out.
    """
    side = round((row.shape[-1] - 1) ** 0.5)
    return row[..., 1:].unflatten(-1, (side, side))
