"""What a training run needs to go on where it stopped: written into a checkpoint, and put back from one.

A trainer is anything with the attributes of ``clipbench.train.Trainer`` that are read here.
"""

from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from clipbench.checkpoint import newest_intact, read_manifest, write_manifest
from clipbench.errors import UserError
from clipbench.pretrained import load_pretrained, write_model

OPTIMIZER = "optimizer.safetensors"


def write_state(trainer, folder: Path) -> None:
    """Write the model, the optimisers and the numbers of the run, with their hashes, into an empty folder."""
    write_model(folder, trainer.model, trainer.tokenizer, trainer.preprocess, torch.float32)
    save_file(optimizer_tensors(trainer.optimizers), folder / OPTIMIZER)
    write_manifest(folder, numbers(trainer))


def numbers(trainer) -> dict:
    """What fits into JSON: where the run stands, its recipe, and what its bits depend on."""
    return {
        "step": trainer.step,
        "pairs_seen": trainer.pairs_seen,
        "seconds": trainer.seconds,
        "config": asdict(trainer.config),
        "data": trainer.stream.name,
        "precision": trainer.precision,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "scaler": trainer.scaler.state_dict(),
    }


def optimizer_tensors(optimizers) -> dict[str, torch.Tensor]:
    """All optimisers' tensors under names like "0/17/momentum" (optimiser, parameter, what)."""
    return {
        f"{number}/{parameter}/{what}": torch.as_tensor(value).detach().cpu().contiguous()
        for number, optimizer in enumerate(optimizers)
        for parameter, entries in optimizer.state_dict()["state"].items()
        for what, value in entries.items()
    }


def newest_to_resume(run: Path) -> Path:
    """
    Raises:
        UserError: when the run's folder has no intact checkpoint.
    """
    folder = newest_intact(run)
    if folder is None:
        raise UserError(f"{run} has no finished checkpoint to resume from; leave out --resume to start anew")
    return folder


def restore(trainer, folder: Path) -> None:
    """Put the checkpoint's weights, optimisers and numbers into the trainer.

    Raises:
        UserError: when it belongs to another model or recipe.
    """
    state = read_manifest(folder)
    differing = [
        name for name, value in asdict(trainer.config).items() if tuple_as_list(value) != state["config"].get(name)
    ]
    if differing:
        raise UserError(f"{folder} was trained with another {', '.join(differing)}; resume with the same settings")
    model, _, _ = load_pretrained(folder)
    if model.config != trainer.model.config:
        raise UserError(f"{folder} holds another model than the preset asks for")
    trainer.model.load_state_dict(model.state_dict())
    restore_optimizers(trainer.optimizers, load_file(folder / OPTIMIZER))
    trainer.scaler.load_state_dict(state["scaler"])
    trainer.step, trainer.pairs_seen, trainer.seconds = state["step"], state["pairs_seen"], state["seconds"]


def restore_optimizers(optimizers, tensors: dict[str, torch.Tensor]) -> None:
    """The reverse of ``optimizer_tensors``."""
    for number, optimizer in enumerate(optimizers):
        loaded = optimizer.state_dict()
        loaded["state"] = {}
        for name, tensor in tensors.items():
            owner, parameter, what = name.split("/")
            if int(owner) == number:
                if tensor.ndim == 4:  # as the weights are laid out: the fused optimiser goes by position in memory
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
                loaded["state"].setdefault(int(parameter), {})[what] = tensor
        optimizer.load_state_dict(loaded)


def tuple_as_list(value):
    return list(value) if isinstance(value, tuple) else value
