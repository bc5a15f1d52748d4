r"""Training on several processes, with one exact loss of the whole batch.

Each process encodes its slice of the batch, and all of them compute the loss together.

One machine with four GPUs::

    torchrun --nproc-per-node 4 -m clipbench train --preset classroom --batch-size 4096

Two machines with eight GPUs each (run the same line on both; HOST is the first one's name, any free
port)::

    torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint HOST:29500 \
        -m clipbench train --preset classroom --batch-size 32768 --micro-batch 1024 --out
        /a/shared/folder

``--batch-size`` is the whole batch and ``--micro-batch`` one process's; the folder must be one that
every machine sees, because all of them resume from it. Without GPUs the processes talk over gloo,
on CPUs.

The features of all processes are gathered with their gradient. Each process holds the rows of the
logits that belong to its own images; the log-sum-exp of the columns is put together from all of
them. So nothing is computed twice, and the loss, the gradients and the weights are those of one
process with the whole batch.
"""

import os
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor

from clipbench.compute.limits import allowed_cores
from clipbench.errors import UserError
from clipbench.loss import TILE, TiledLoss


def was_launched(environ=os.environ) -> bool:
    """Say whether torchrun started this process as one of several."""
    return int(environ.get("WORLD_SIZE", 1)) > 1


def join(device: torch.device, environ=os.environ) -> torch.device:
    """Meet the other processes that torchrun started; gives this process's own device.

    Raises:
        UserError: for fewer GPUs than processes on this machine.
    """
    if device.type == "cuda":
        local = int(environ["LOCAL_RANK"])
        count = torch.cuda.device_count()
        if local >= count:
            raise UserError(
                f"process {local} finds no GPU of its own: use --nproc-per-node {count}"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def leave() -> bool:
    """Leave the process group; returns whether this is the process that reports."""
    reports = is_writer()
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()
    return reports


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def is_writer() -> bool:
    """Say whether this is the one process that writes files and reports."""
    return rank() == 0


def share_of(batch_size: int) -> int:
    """Give the number of pairs of a batch for each process.

    Raises:
        UserError: when they cannot be shared out evenly.
    """
    if batch_size % world_size():
        raise UserError(
            f"a batch of {batch_size} cannot be shared by {world_size()} processes; "
            "choose a multiple"
        )
    return batch_size // world_size()


def share_of_cores(environ=os.environ) -> int | None:
    """Give the number of CPU threads for each process of this machine.

    It is None for a single process, which can measure what is best.
    """
    return (
        max(1, allowed_cores() // int(environ.get("LOCAL_WORLD_SIZE", 1)))
        if world_size() > 1
        else None
    )


def first_process_says(*numbers: float) -> list[float]:
    """Broadcast the first process's numbers to all of them."""
    if world_size() == 1:
        return list(numbers)
    values = torch.tensor(numbers, dtype=torch.float64, device=exchange_device())
    dist.broadcast(values, 0)
    return values.tolist()


def anyone(flag: bool) -> bool:
    """Say whether the flag is set in at least one process."""
    return bool(summed(torch.tensor(float(flag), device=exchange_device())) > 0)


def summed(tensor: Tensor) -> Tensor:
    """Sum a tensor over all processes."""
    if world_size() > 1:
        tensor = tensor.detach().clone()
        dist.all_reduce(tensor)
    return tensor


def gathered(tensor: Tensor) -> Tensor:
    """Gather the rows of all processes, in their order, without a gradient."""
    if world_size() == 1:
        return tensor
    parts = [torch.empty_like(tensor) for _ in range(world_size())]
    dist.all_gather(parts, tensor.contiguous())
    return torch.cat(parts)


def exchange_device() -> torch.device:
    return (
        torch.device("cuda", torch.cuda.current_device())
        if dist.is_initialized() and dist.get_backend() == "nccl"
        else torch.device("cpu")
    )


class GatheredRows(torch.autograd.Function):
    """The rows of all processes, gathered with their gradient.

    Each process's rows get the sum of the gradients that all processes have for them.
    """

    @staticmethod
    def forward(ctx, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        return gathered(rows)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return summed(gradient)[rank() * ctx.count :][: ctx.count]


def shared_clip_loss(
    images: Tensor, texts: Tensor, scale: Tensor, tile: int = TILE, dtype=None
) -> Tensor:
    """Compute a process's share of the loss of all pairs, from its own (b, D) features.

    The sum of the shares is the loss.

    After ``backward`` the features' gradients are those of the whole loss; the scale's gradient is
    a share, and so are the gradients of the weights: they are summed over the processes.
    """
    first = rank() * len(images)
    return TiledLoss.apply(
        images, GatheredRows.apply(texts), scale, None, first, tile, dtype or images.dtype, merged
    )


def merged(columns: Tensor) -> Tensor:
    """Compute the log-sum-exp of whole columns, from every process's part of them."""
    return gathered(columns[None]).logsumexp(0)


def parallel(model: torch.nn.Module, device: torch.device) -> Callable:
    """Wrap the model so that gradients are averaged over the processes while they are computed."""
    from torch.nn.parallel import DistributedDataParallel

    devices = [device] if device.type == "cuda" else None
    return DistributedDataParallel(model, device_ids=devices)
