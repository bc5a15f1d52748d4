"""What a training run needs to go on where it stopped.

It is written into a checkpoint, and put back from one.

A trainer is anything with the attributes of ``clipbench.training.trainer.Trainer`` that are read
here.
"""

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from clipbench.compute.limits import allowed_cores
from clipbench.errors import UserError
from clipbench.objectives.stored import load_heads, write_objective
from clipbench.pretrained.checkpoint import newest_intact, read_manifest, write_manifest
from clipbench.pretrained.folders import load_pretrained, write_model

OPTIMIZER = "optimizer.safetensors"
# the weights themselves, where the folder's model is their moving average
TRAINED = "trained.safetensors"
FREE = ("save_minutes", "keep_checkpoints")  # settings that change no bit of the model


@dataclass
class RunState:
    """The position of a run, over all its sessions."""

    step: int = 0
    pairs_seen: int = 0
    seconds: float = 0.0  # spent training
    smoothed_loss: float | None = None  # over the last 50 steps or so
    rate_factor: float = 1.0  # halved whenever the run had to go back
    restores: int = 0  # how often it had to


def write_state(trainer, folder: Path, score: float) -> None:
    """Write the state of a run into an empty folder.

    That is the model, the optimisers and the numbers of the run, with their hashes.
    """
    write_model(folder, trainer.best_model, trainer.tokenizer, trainer.preprocess, torch.float32)
    if trainer.ema:
        save_file(
            {name: tensor.contiguous() for name, tensor in trainer.model.state_dict().items()},
            folder / TRAINED,
        )
    write_objective(folder, trainer.objective)
    save_file(optimizer_tensors(trainer.optimizers), folder / OPTIMIZER)
    write_manifest(folder, {**numbers(trainer), "score": score if math.isfinite(score) else None})


def numbers(trainer) -> dict:
    """Give what fits into JSON: the run's position, its recipe and what its bits depend on."""
    return {
        **asdict(trainer.state),
        "config": asdict(trainer.config),
        **surroundings(trainer),
        "scaler": trainer.scaler.state_dict(),
    }


def surroundings(trainer) -> dict:
    """Give what the bits of a run depend on, beside its recipe and its position."""
    return {
        "data": trainer.stream.name,
        "seed": getattr(trainer.stream, "seed", None),
        "pictures": getattr(trainer.stream, "pictures", None),
        "precision": trainer.precision,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "device": str(trainer.device),
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }


def differences(trainer) -> list[str]:
    """List what differs from when the resumed checkpoint was written, in one line each.

    A new run has no differences.
    """
    before, now = trainer.resumed_state or {}, surroundings(trainer)
    return [
        f"{name} was {before[name]}, is now {value}: the run goes on, but not with the same bits"
        for name, value in now.items()
        if name in before and before[name] != value
    ]


def optimizer_tensors(optimizers) -> dict[str, torch.Tensor]:
    """Give all optimisers' tensors, named like "0/17/momentum" (optimiser, parameter, what)."""
    return {
        f"{number}/{parameter}/{what}": torch.as_tensor(value).detach().cpu().contiguous()
        for number, optimizer in enumerate(optimizers)
        for parameter, entries in optimizer.state_dict()["state"].items()
        for what, value in entries.items()
    }


def newest_to_resume(run: Path) -> Path:
    """Find the newest intact checkpoint of a run, to resume from.

    Raises:
        UserError: when the run's folder has no intact checkpoint.
    """
    folder = newest_intact(run)
    if folder is None:
        raise UserError(
            f"{run} has no finished checkpoint to resume from; start anew instead of resuming"
        )
    return folder


def restore(trainer, folder: Path) -> None:
    """Put the checkpoint's weights, optimisers and numbers into the trainer.

    Raises:
        UserError: when it belongs to another model or recipe.
    """
    if (state := read_manifest(folder)) is None:
        raise UserError(f"{folder} is damaged")
    if differing := other_settings(trainer.config, state["config"]):
        raise UserError(
            f"{folder} was trained with another {', '.join(differing)}; resume with the "
            "same settings"
        )
    restore_weights(trainer, folder)
    if state["scaler"] and trainer.scaler.is_enabled():
        trainer.scaler.load_state_dict(state["scaler"])
    recorded = {each.name: state[each.name] for each in fields(RunState) if each.name in state}
    trainer.state = RunState(**recorded)
    trainer.resumed_state = state
    if trainer.threads is None and state["threads"] <= allowed_cores():
        trainer.threads = state["threads"]


def other_settings(config, recorded: dict) -> list[str]:
    """List the settings that differ; one that the recorded run did not know yet had its default."""
    return [
        each.name
        for each in fields(config)
        if each.name not in FREE
        and tuple_as_list(getattr(config, each.name))
        != recorded.get(each.name, tuple_as_list(each.default))
    ]


def restore_weights(trainer, folder: Path) -> None:
    """Put the checkpoint's weights and optimisers into the trainer; the run stays where it is.

    Raises:
        UserError: when it holds another model.
    """
    model, _, _ = load_pretrained(folder)
    if model.config != trainer.model.config:
        raise UserError(f"{folder} holds another model than the preset asks for")
    trainer.best_model.load_state_dict(model.state_dict())
    load_heads(trainer.objective, folder)
    if trainer.ema:
        trainer.model.load_state_dict(load_file(folder / TRAINED))
    restore_optimizers(trainer.optimizers, load_file(folder / OPTIMIZER))


def restore_optimizers(optimizers, tensors: dict[str, torch.Tensor]) -> None:
    """Put tensors back into the optimisers: the reverse of ``optimizer_tensors``."""
    for number, optimizer in enumerate(optimizers):
        loaded = optimizer.state_dict()
        loaded["state"] = {}
        for name, tensor in tensors.items():
            owner, parameter, what = name.split("/")
            if int(owner) == number:
                # as the weights are laid out: the fused optimiser goes by position in memory
                if tensor.ndim == 4:
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
                loaded["state"].setdefault(int(parameter), {})[what] = tensor
        optimizer.load_state_dict(loaded)


def tuple_as_list(value):
    return list(value) if isinstance(value, tuple) else value
