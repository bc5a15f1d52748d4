"""Where the seconds of a training step go: its parts one by one.

Each comes with the number format that it computes in.

The parts do what the trainer's step does, on one batch: a part's seconds show which of them is too
slow on this machine. They add up to a little more than the step, since each starts with cold
caches.
"""

import statistics
from collections.abc import Callable

import torch
from torch import Tensor

from clipbench.bench.contest import take_turns

ROUNDS = 5


def step_parts(trainer, rounds: int = ROUNDS) -> dict:
    """Measure the parts of a contrastive trainer's step, and report the slowest.

    Of every part it gives the seconds, the share and the precision.
    """
    seconds = {
        name: statistics.median(times)
        for name, times in take_turns(parts_of(trainer), rounds).items()
    }
    whole, formats = sum(seconds.values()), formats_of(trainer)
    parts = {
        name: {"seconds": each, "share": each / whole, "precision": formats[name]}
        for name, each in seconds.items()
    }
    slowest = max(seconds, key=seconds.__getitem__)
    return {
        "slowest_part": slowest,
        **{f"slowest_{name}": value for name, value in parts[slowest].items()},
        "parts": parts,
    }


def parts_of(trainer) -> dict[str, Callable[[], object]]:
    """Give a step's parts by name.

    Each encoder runs forward and backward; the optimisers clip, step and clear.
    """
    batch = trainer.draw()
    images = batch.images.to(trainer.device)
    targets = trainer.objective.targets(batch, trainer.tokenizer).to(trainer.device)
    rows, more, number = (tensor.detach() for tensor in trainer.encode(images, targets))
    leaves = [tensor.clone().requires_grad_() for tensor in (rows, more)]
    clip = trainer.model

    def encoder(encode: Callable[[Tensor], Tensor], inputs: Callable[[], Tensor], like: Tensor):
        def work():
            with trainer.computing():
                features = encode(inputs())
            features.backward(like.reshape(features.shape))

        return work

    def step():
        torch.nn.utils.clip_grad_norm_(trainer.objective.parameters(), trainer.config.clip_norm)
        for optimizer in trainer.optimizers:
            optimizer.step()

    return {
        "drawing": lambda: trainer.objective.targets(trainer.draw(), trainer.tokenizer),
        "image encoder": encoder(clip.encode_image, lambda: trainer.pixels(images), rows),
        "text encoder": encoder(clip.encode_text, lambda: targets.flatten(0, -2), more),
        "loss": lambda: trainer.compare(*leaves, number).backward(),
        "optimiser": step,
    }


def formats_of(trainer) -> dict[str, str]:
    """Name the number format that each part's matrix products are computed in."""
    muon = next((each.dtype for each in trainer.optimizers if hasattr(each, "dtype")), None)
    return {
        "drawing": "fp32",
        "image encoder": trainer.precision,
        "text encoder": trainer.precision,
        "loss": "fp32",
        "optimiser": "bf16" if muon == torch.bfloat16 else "fp32",
    }
