"""``clipbench bench loss``: seconds and peak memory of the exact contrastive loss.

Both are of the forward and the backward pass.

The fair rows compare the same number format. Memory is measured in a new process for each loss,
seconds in turns.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F

from clipbench.bench.contest import ratio, take_turns
from clipbench.bench.memory import peak_extra_megabytes
from clipbench.loss import clip_loss, tiled_clip_loss

WIDTH = 512
# pairs: above, the losses with all logits at once are left out (20 GB at 32,768)
ALL_LOGITS = 20_000


def pairs(batch: int, device: str) -> list[torch.Tensor]:
    """Draw (image features, text features, scale) that need gradients."""
    generator = torch.Generator().manual_seed(0)
    features = [
        F.normalize(torch.randn(batch, WIDTH, generator=generator), dim=-1).to(device)
        for _ in range(2)
    ]
    return [
        tensor.requires_grad_() for tensor in (*features, torch.tensor(1 / 0.07, device=device))
    ]


def open_clip_loss(images, texts, scale):
    from clipbench.pretrained.open_clip_library import import_open_clip

    return import_open_clip().ClipLoss()(images, texts, scale)


LOSSES: dict[str, Callable] = {
    "naive": clip_loss,
    "open_clip": open_clip_loss,
    "tiled_fp32": tiled_clip_loss,
    "tiled_bf16": partial(tiled_clip_loss, dtype=torch.bfloat16),
}


def step(name: str, inputs: list[torch.Tensor]) -> float:
    """Run the forward and the backward pass, and return the loss."""
    for tensor in inputs:
        tensor.grad = None
    loss = LOSSES[name](*inputs)
    loss.backward()
    return float(loss.detach())


def memory_of(name: str, batch: int, threads: int, device: str) -> dict:
    """Measure one loss's peak memory; call it in a process of its own."""
    torch.set_num_threads(threads)
    step(name, pairs(64, device))  # libraries are loaded, threads started
    inputs = pairs(batch, device)
    found: dict[str, float] = {}
    megabytes = peak_extra_megabytes(lambda: found.update(loss=step(name, inputs)), device)
    return {"peak_extra_mb": megabytes, **found}


def memory_in_new_process(name: str, batch: int, threads: int, device: str) -> dict:
    call = f"memory_of({name!r}, {batch}, {threads}, {device!r})"
    program = f"import json; from clipbench.bench.loss import memory_of; print(json.dumps({call}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def loss_speed(
    threads: int | None = None, batch: int = 8192, against: str = "naive", rounds: int = 3
) -> dict:
    """Time the tiled loss in float32 and bfloat16 beside one that holds all logits.

    The other one is ``naive`` or ``open_clip``'s.
    """
    threads, device = threads or 1, "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(threads)
    names = [*([against] if batch <= ALL_LOGITS else []), "tiled_fp32", "tiled_bf16"]
    memory = {name: memory_in_new_process(name, batch, threads, device) for name in names}
    inputs = pairs(batch, device)
    seconds = take_turns({name: partial(step, name, inputs) for name in names}, rounds)
    result = {
        "batch": batch,
        "width": WIDTH,
        "threads": threads,
        "device": device,
        "rounds": rounds,
    }
    result |= {
        name: {"seconds": statistics.median(seconds[name]), **memory[name]} for name in names
    }
    if against in names:
        result |= {
            f"{name}_times_faster_than_{against}": ratio(seconds[against], seconds[name])
            for name in names[1:]
        }
    return result
