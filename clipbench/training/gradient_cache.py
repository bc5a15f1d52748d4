"""The exact gradient of a large contrastive batch, from micro-batches that fit in memory.

Source: Gao et al. 2021, arXiv 2101.06983.

The loss compares every image with every text, so its gradient is not the mean of the micro-batches'
gradients (``accumulated_gradients`` shows that). But it reaches the weights only through the
features, and those are small:

1. encode all micro-batches without a graph and keep the features;
2. take the loss of all features, and its gradient with respect to them;
3. encode every micro-batch again, now with a graph, and send its share of that gradient through.

The second encoding replays the random numbers of the first, so patch dropout drops the same
patches. The price is one more forward pass: 4/3 of the time.
"""

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor, nn

from clipbench.errors import UserError

# images, token ids -> answers, such as (image features, text features, scale): tensors with one row
# per pair, and tensors of no dimension, which all pairs share
Encode = Callable[[Tensor, Tensor], tuple[Tensor, ...]]
Loss = Callable[..., Tensor]  # answers -> loss


def cached_backward(
    encode: Encode,
    loss: Loss,
    images: Tensor,
    token_ids: Tensor,
    micro_batch: int,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
    all_but_last: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Add the gradient of ``loss(*encode(images, token_ids))`` to the weights.

    Gives the loss and the answers of the whole batch, both without a graph.

    Args:
        micro_batch: how many pairs are encoded at a time.
        backward: called with the loss, for those who scale it first.
        all_but_last: a context for every backward pass but the last; in several processes, the one
            without exchange.
    """
    parts = list(zip(images.split(micro_batch), token_ids.split(micro_batch), strict=True))
    states, answers = [], []
    with torch.no_grad():
        for part in parts:
            states.append(random_state(images.device))
            answers.append(encode(*part))
    leaves = [whole(each).requires_grad_() for each in zip(*answers, strict=True)]
    value = loss(*leaves)
    backward(value)
    shares = [shared_out(gradient_of(leaf), micro_batch, len(parts)) for leaf in leaves]
    after = random_state(images.device)
    for number, (part, state, *share) in enumerate(zip(parts, states, *shares, strict=True)):
        set_random_state(state, images.device)
        with contextlib.nullcontext() if number == len(parts) - 1 else all_but_last():
            # a locked encoder has no graph
            flowing = [
                (answer, gradient)
                for answer, gradient in zip(encode(*part), share, strict=True)
                if answer.requires_grad
            ]
            reached, gradients = zip(*flowing, strict=True)
            torch.autograd.backward(reached, gradients)
    set_random_state(after, images.device)
    return value.detach(), tuple(leaf.detach() for leaf in leaves)


def whole(parts: tuple[Tensor, ...]) -> Tensor:
    """Concatenate the rows of all micro-batches; what all pairs share is the same in each."""
    return torch.cat(parts) if parts[0].ndim else parts[0].detach().clone()


def shared_out(gradient: Tensor, micro_batch: int, parts: int) -> list[Tensor]:
    """Split a gradient over the micro-batches; the last one gets that of what all pairs share."""
    if gradient.ndim:
        return list(gradient.split(micro_batch))
    return [torch.zeros_like(gradient)] * (parts - 1) + [gradient]


def gradient_of(leaf: Tensor) -> Tensor:
    """Give the gradient of a leaf tensor: zero where the loss does not depend on it."""
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def random_state(device: torch.device) -> list[Tensor]:
    own = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *own]


def set_random_state(state: list[Tensor], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)


def refuse_batch_statistics(model: nn.Module, what: str) -> None:
    """Refuse to train batch normalisation on parts of a batch.

    Batch normalisation makes a row's features depend on the other rows at hand, so parts of a batch
    are not enough.

    Raises:
        UserError: when a layer that is being trained has batch statistics.
    """
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and any(
            w.requires_grad for w in module.parameters()
        ):
            raise UserError(
                f"{what} would train another model here: BatchNorm's statistics would "
                "be those of a part of the batch; choose a model without BatchNorm, such as "
                "those of the presets tiny-vit and classroom"
            )


def accumulated_gradients(
    encode: Encode, loss: Loss, images: Tensor, token_ids: Tensor, micro_batch: int
) -> None:
    """Add the mean of the micro-batches' gradients: for a contrastive loss, the wrong gradient.

    This is what gradient accumulation does elsewhere.

    Each image is then contrasted with the texts of its own micro-batch only: the loss of a small
    batch, averaged. Kept for lessons and tests.
    """
    parts = list(zip(images.split(micro_batch), token_ids.split(micro_batch), strict=True))
    for part in parts:
        (loss(*encode(*part)) * (len(part[0]) / len(images))).backward()
