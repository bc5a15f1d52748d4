"""The symmetric contrastive loss of CLIP, at any batch size.

It is that of Radford et al. 2021, section 2.3 and figure 3.

* ``clip_loss`` is the definition: it holds all B x B logits.
* ``tiled_clip_loss`` gives the same loss and gradients from tiles of logits that are computed twice
  and never kept, after Inf-CL (Cheng et al. 2024, arXiv 2410.17243).
* ``siglip_loss`` is the pairwise sigmoid loss (Zhai et al. 2023, arXiv 2303.15343), in tiles too.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

# rows and columns of the logits at hand: 4 MB in float32, about what a core's cache holds
TILE = 1024


def clip_loss(
    image_features: Float[Tensor, "B D"],
    text_features: Float[Tensor, "B D"],
    scale: Float[Tensor, ""] | float,
    groups: Int[Tensor, " B"] | None = None,
) -> Float[Tensor, ""]:
    """Compute the cross-entropy of picking the right text for each image, and the reverse.

    The two directions, texts for images and images for texts, are averaged.

    Features are unit vectors; row i of both belongs together; ``scale`` is exp(logit_scale), the
    inverse temperature. The loss of a model that knows nothing is ln B. A batch of one always has
    loss 0 and teaches nothing: refused.

    Pairs of one group (a number each: say, the class) are all right answers for each other: the
    target is uniform over the group's members. Without ``groups`` every pair is alone, as in the
    paper. For captions that are exactly equal both are one loss, with the floor ln k under k of
    them: a softmax cannot tell equal texts apart, and need not.

    Raises:
        ValueError: for fewer than two pairs, or as many images as texts not given.
    """
    check_batch(image_features, text_features)
    logits_per_image = scale * image_features @ text_features.T  # (B, B)
    labels = torch.arange(len(logits_per_image), device=logits_per_image.device)
    if groups is not None:
        same = (groups[:, None] == groups).to(logits_per_image.dtype)  # (B, B)
        labels = same / same.sum(1, keepdim=True)
    return (
        F.cross_entropy(logits_per_image, labels) + F.cross_entropy(logits_per_image.T, labels)
    ) / 2


def tiled_clip_loss(
    image_features: Float[Tensor, "B D"],
    text_features: Float[Tensor, "B D"],
    scale: Float[Tensor, ""] | float,
    groups: Int[Tensor, " B"] | None = None,
    tile: int = TILE,
    dtype: torch.dtype | None = None,
) -> Float[Tensor, ""]:
    """Compute ``clip_loss`` from tiles of logits.

    It needs memory for one tile of logits and the features' gradients, not for B x B logits.

    ``dtype`` is what logits are multiplied in (None: the features' own); with bfloat16 a logit is
    off by up to 1/512 of itself. Sums are always taken in float32 or better.

    Raises:
        ValueError: as ``clip_loss``.
    """
    check_batch(image_features, text_features)
    scale = torch.as_tensor(scale, dtype=torch.promote_types(image_features.dtype, torch.float32))
    dtype = dtype or image_features.dtype
    return TiledLoss.apply(
        image_features, text_features, scale.to(image_features.device), groups, 0, tile, dtype
    )


def siglip_loss(
    image_features: Float[Tensor, "B D"],
    text_features: Float[Tensor, "B D"],
    scale: Float[Tensor, ""] | float,
    bias: Float[Tensor, ""] | float,
    tile: int = TILE,
) -> Float[Tensor, ""]:
    """Compute the pairwise sigmoid loss.

    Each of the B x B couples is judged alone: is it a pair? The loss is minus the sum of log
    sigmoid(+-logit), over B.

    The logit of a couple is scale * similarity + bias; SigLIP starts from scale 10 and bias -10.

    Raises:
        ValueError: as ``clip_loss``.
    """
    check_batch(image_features, text_features)
    scale, bias = (
        torch.as_tensor(number, dtype=image_features.dtype, device=image_features.device)
        for number in (scale, bias)
    )
    return TiledSigmoidLoss.apply(image_features, text_features, scale, bias, tile)


def check_batch(image_features: Tensor, text_features: Tensor) -> None:
    if image_features.shape != text_features.shape:
        raise ValueError(
            f"images {tuple(image_features.shape)} and texts "
            f"{tuple(text_features.shape)} must be pairs: same shape"
        )
    if len(image_features) < 2:
        raise ValueError(
            "a contrastive loss needs at least 2 pairs in a batch: with one there is "
            "nothing to contrast"
        )


# -------------------- tiles


def tiles(rows: int, columns: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Yield squares that cover a (rows, columns) matrix, row by row."""
    for top in range(0, rows, size):
        for left in range(0, columns, size):
            yield slice(top, min(top + size, rows)), slice(left, min(left + size, columns))


def product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """Multiply a @ b in ``dtype``, and give the product in float32 or better."""
    return (a.to(dtype) @ b.to(dtype)).to(torch.promote_types(dtype, torch.float32))


class TiledLoss(torch.autograd.Function):
    """The contrastive loss of some rows of the logits: those of the images that this process holds.

    ``images`` (b, D) are the pairs ``first`` to ``first + b`` of ``texts`` (B, D); in one process,
    all of them. The gradients are those of the whole loss with respect to these images, and this
    block's share for texts and scale: summed over the processes they are whole. ``merge`` turns a
    block's log-sum-exp of every column into the whole one.

    With P the softmax of the logits over each row, Q over each column and Y the target, the
    gradient of the loss with respect to the logits is (P + Q - 2 Y) / 2B.
    """

    @staticmethod
    def forward(
        ctx,
        images,
        texts,
        scale,
        groups,
        first: int,
        tile: int,
        dtype,
        merge: Callable | None = None,
    ):
        rows, columns = log_partitions(images, texts, scale, tile, dtype)
        columns = merge(columns) if merge else columns
        if groups is not None:
            _, groups, sizes = groups.unique(return_inverse=True, return_counts=True)
            ctx.weights = 1 / sizes[groups].to(rows.dtype)  # (B,)
        ctx.save_for_backward(images, texts, scale, rows, columns, groups)
        ctx.first, ctx.tile, ctx.dtype = first, tile, dtype
        own = slice(first, first + len(images))
        # (b,)
        right = (images.to(rows.dtype) * right_answers(texts.to(rows.dtype), groups)[own]).sum(1)
        return (rows + columns[own] - 2 * scale * right).sum() / (2 * len(texts))

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        images, texts, scale, rows, columns, groups = ctx.saved_tensors
        d_images, d_texts = (
            torch.zeros_like(features, dtype=rows.dtype) for features in (images, texts)
        )
        for i, j in tiles(len(images), len(texts), ctx.tile):
            logits = product(scale * images[i], texts[j].T, ctx.dtype)
            d_logits = torch.sub(logits, rows[i, None]).exp_()  # P
            d_logits += logits.sub_(columns[j]).exp_()  # + Q
            take_away_targets(
                d_logits, i.start + ctx.first, j.start, groups, getattr(ctx, "weights", None)
            )
            d_images[i] += product(d_logits, texts[j], ctx.dtype)
            d_texts[j] += product(d_logits.T, images[i], ctx.dtype)
        d_scale = sum((d_images[i] * images[i]).sum() for i, _ in tiles(len(images), 1, ctx.tile))
        factor = upstream / (2 * len(texts))
        d_images, d_texts = (gradient.mul_(scale * factor) for gradient in (d_images, d_texts))
        return (
            d_images.to(images.dtype),
            d_texts.to(texts.dtype),
            d_scale * factor,
            None,
            None,
            None,
            None,
            None,
        )


def log_partitions(
    images: Tensor, texts: Tensor, scale: Tensor, tile: int, dtype
) -> tuple[Tensor, Tensor]:
    """Compute the log-sum-exp of the logits over each row (b,) and each column (B,)."""
    precise = torch.promote_types(images.dtype, torch.float32)
    rows, columns = (
        torch.full((len(features),), float("-inf"), device=images.device, dtype=precise)
        for features in (images, texts)
    )
    for i, j in tiles(len(images), len(texts), tile):
        logits = product(scale * images[i], texts[j].T, dtype)
        rows[i] = torch.logaddexp(rows[i], logits.logsumexp(1))
        columns[j] = torch.logaddexp(columns[j], logits.logsumexp(0))
    return rows, columns


def right_answers(texts: Tensor, groups: Tensor | None) -> Tensor:
    """Compute each row's target: its own text, or the mean text of its group."""
    if groups is None:
        return texts
    sums = torch.zeros_like(texts).index_add_(0, groups, texts)
    return sums[groups] / groups.bincount()[groups, None]


def take_away_targets(
    d_logits: Tensor, top: int, left: int, groups: Tensor | None, weights: Tensor | None
) -> None:
    """Subtract 2 Y from the tile whose corner is (top, left).

    Y is the identity, or uniform over each group, which ``weights`` then have.
    """
    height, width = d_logits.shape
    if groups is not None and weights is not None:
        same = groups[top : top + height, None] == groups[left : left + width]
        d_logits -= 2 * same * weights[left : left + width]
    elif left - height < top < left + width:
        d_logits.diagonal(top - left).sub_(2)


class TiledSigmoidLoss(torch.autograd.Function):
    """``siglip_loss`` as an autograd function.

    The gradient with respect to the logits is (sigmoid(logits) - identity) / B.
    """

    @staticmethod
    def forward(ctx, images, texts, scale, bias, tile: int):
        ctx.save_for_backward(images, texts, scale, bias)
        ctx.tile = tile
        # log sigmoid(x) = log sigmoid(-x) + x
        total = -(scale * (images * texts).sum() + len(texts) * bias)
        for i, j in tiles(len(images), len(texts), tile):
            total = total - F.logsigmoid(-(scale * images[i] @ texts[j].T + bias)).sum()
        return total / len(texts)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        images, texts, scale, bias = ctx.saved_tensors
        d_images, d_texts, d_bias = (
            torch.zeros_like(images),
            torch.zeros_like(texts),
            torch.zeros_like(bias),
        )
        for i, j in tiles(len(images), len(texts), ctx.tile):
            d_logits = (scale * images[i] @ texts[j].T).add_(bias).sigmoid_()
            if i == j:
                d_logits.diagonal().sub_(1)
            d_bias += d_logits.sum()
            d_images[i] += d_logits @ texts[j]
            d_texts[j] += d_logits.T @ images[i]
        d_scale = (d_images * images).sum()
        factor = upstream / len(texts)
        return (
            scale * factor * d_images,
            scale * factor * d_texts,
            factor * d_scale,
            factor * d_bias,
            None,
        )
