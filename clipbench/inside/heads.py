"""A vision transformer's output as a sum of what its heads and MLPs add to the joint vector.

It puts into words what each head and each MLP contributes by itself, and what each layer would
answer if it were the last (after Gandelsman et al. 2024, "Interpreting CLIP's Image
Representation via Text-Based Decomposition").

Blocks only add to the class token, and what comes after the last block is linear once the token's
standard deviation is known. So the image vector is exactly a sum of one vector for each head, one
for each MLP, one for the start, and the same constant for every picture. This is the *direct*
effect: what a head does through later layers is counted with those.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.errors import UserError
from clipbench.inside.attention import weights_of
from clipbench.inside.responses import listening, own_model
from clipbench.model import CLIP, Attention, Block, VisionTransformer


@dataclass(frozen=True)
class Contributions:
    """What B image vectors are sums of; L layers with H heads, D numbers in float32 on the CPU."""

    heads: Float[Tensor, "B L H D"]
    mlps: Float[Tensor, "B L D"]
    start: Float[Tensor, "B D"]  # the class token before the first block
    constant: Float[Tensor, "B D"]  # biases, divided by the length of each image vector

    def total(self) -> Float[Tensor, "B D"]:
        """Sum up to the image vectors, which have length one until something is ablated."""
        return self.heads.sum((1, 2)) + self.mlps.sum(1) + self.start + self.constant

    def mean_ablated(self, heads: Sequence[tuple[int, int]]) -> "Contributions":
        """Replace these heads (layer, head) by their mean over the pictures."""
        changed = self.heads.clone()
        for layer, head in heads:
            changed[:, layer, head] = self.heads[:, layer, head].mean(0)
        return replace(self, heads=changed)


def transformer_of(encoder: ClipbenchEncoder) -> tuple[CLIP, VisionTransformer]:
    """Give the model and its image encoder.

    Raises:
        UserError: for an image encoder that is no ViT.
    """
    model = own_model(encoder)
    if not isinstance(model.image_encoder, VisionTransformer):
        raise UserError(
            f"{encoder.name} has no class token to which heads add: its image encoder is a "
            f"{type(model.image_encoder).__name__}; choose a vision transformer"
        )
    return model, model.image_encoder


@torch.no_grad()
def contributions(encoder: ClipbenchEncoder, images: Float[Tensor, "B 3 S S"]) -> Contributions:
    """Decompose the image vectors of preprocessed pictures.

    Raises:
        UserError: for an image encoder that is no ViT.
    """
    model, tower = transformer_of(encoder)
    blocks = [block for block in tower.blocks if isinstance(block, Block)]
    layers = range(len(blocks))
    names = ["ln_pre", *(f"blocks.{k}.{part}" for k in layers for part in ("ln_1", "mlp"))]
    with listening(tower, [*names, f"blocks.{layers[-1]}"]) as heard:
        tower(images.to(encoder.device, encoder.dtype))
    last = heard[f"blocks.{layers[-1]}"][:, 0].float()
    to_joint = Readout(model, tower, last)
    heads = [
        head_outputs(block.attention, heard[f"blocks.{k}.ln_1"]) for k, block in enumerate(blocks)
    ]
    biases = torch.stack([block.attention.out_proj.bias for block in blocks]).float().sum(0)
    return Contributions(
        heads=to_joint(torch.stack(heads, 1)),
        mlps=to_joint(torch.stack([heard[f"blocks.{k}.mlp"][:, 0] for k in layers], 1).float()),
        start=to_joint(heard["ln_pre"][:, 0].float()),
        constant=to_joint(biases.expand_as(last)) + to_joint.constant(),
    )


class Readout:
    """The last LayerNorm and the projection as one linear map.

    It maps what was added to the class token, with the standard deviation and the length that B
    pictures have in the end.
    """

    def __init__(self, model: CLIP, tower: VisionTransformer, last: Float[Tensor, "B W"]):
        self.norm, self.projection = tower.ln_post, model.image_projection.weight.float()
        self.deviation = (last.var(1, unbiased=False) + self.norm.eps).sqrt()
        self.length = torch.ones(len(last), device=last.device)
        self.length = (self.linear(last) + self.shift()).norm(dim=-1)

    def linear(self, added: Float[Tensor, "B *N W"]) -> Float[Tensor, "B *N D"]:
        shape = (-1, *[1] * (added.ndim - 1))
        centred = added - added.mean(-1, keepdim=True)
        scaled = centred / self.deviation.view(shape) * self.norm.weight.float()
        return scaled @ self.projection.T / self.length.view(shape)

    def shift(self) -> Float[Tensor, "B D"]:
        return (self.norm.bias.float() @ self.projection.T) / self.length[:, None]

    def __call__(self, added: Tensor) -> Tensor:
        return self.linear(added).cpu()

    def constant(self) -> Tensor:
        return self.shift().cpu()


def head_outputs(layer: Attention, x: Float[Tensor, "B N W"]) -> Float[Tensor, "B H W"]:
    """Compute what each head adds to the class token, without the bias."""
    weights = weights_of(layer, x)[:, :, 0]  # (B, H, N)
    values = layer.in_proj(x).chunk(3, -1)[2].unflatten(2, (layer.heads, -1)).float()  # (B,N,H,d)
    mixed = torch.einsum("bhn,bnhd->bhd", weights, values)
    out = layer.out_proj.weight.float().unflatten(1, (layer.heads, -1))  # (W, H, d)
    return torch.einsum("bhd,whd->bhw", mixed, out)


# -------------------- in words


def in_words(
    contribution: Float[Tensor, "M D"], texts: Float[Tensor, "T D"], count: int = 5
) -> list[tuple[int, float]]:
    """Find the texts that span the directions in which a head separates pictures.

    This is TextSpan of Gandelsman et al. 2024.

    In turn the text is taken along which the contributions to M pictures vary most, and taken out
    of contributions and texts.

    Returns:
        (text, share of the contributions' variance along it), ``count`` of them.

    Raises:
        ValueError: for fewer texts than that.
    """
    if len(texts) < count:
        raise ValueError(f"{len(texts)} texts for {count}")
    left = (contribution - contribution.mean(0)).double()
    # only that part of a text counts that lies where the contributions vary
    basis = torch.linalg.svd(left, full_matrices=False)
    wide = basis.Vh[1e-6 * basis.S[0] < basis.S]
    directions = texts.double() @ wide.T @ wide
    whole, found = left.pow(2).sum(), []
    for _ in range(count):
        # texts are not made longer again: one that is spanned by the ones before has little left
        best = int((left @ directions.T).pow(2).sum(0).argmax())
        unit = F.normalize(directions[best], dim=0)
        found.append((best, float((left @ unit).pow(2).sum() / whole.clamp(min=1e-30))))
        left = left - (left @ unit)[:, None] * unit
        directions = directions - (directions @ unit)[:, None] * unit
    return found


# -------------------- layer by layer


@torch.no_grad()
def lens(encoder: ClipbenchEncoder, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "L1 B D"]:
    """Compute what each layer would answer if it were the last (the logit lens).

    They are unit vectors as if the model ended before its first block, after it, ..., after the
    last (nostalgebraist 2020): the last of L + 1 is the model's own answer.

    Raises:
        UserError: for an image encoder that is no ViT.
    """
    model, tower = transformer_of(encoder)
    names = ["ln_pre", *(f"blocks.{k}" for k in range(len(tower.blocks)))]
    with listening(tower, names) as heard:
        tower(images.to(encoder.device, encoder.dtype))
    tokens = torch.stack([heard[name][:, 0] for name in names])
    return F.normalize(model.image_projection(tower.ln_post(tokens)).float(), dim=-1).cpu()
