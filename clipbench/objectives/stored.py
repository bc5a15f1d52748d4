"""An objective beside its model on the disk: what it is in JSON, its own weights in safetensors.

A folder without these files holds a CLIP like any other.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from clipbench.errors import UserError, first_line
from clipbench.model import CLIP
from clipbench.objectives import JOINT, Objective, make_objective

ABOUT, HEADS = "objective.json", "objective.safetensors"


def write_objective(folder: Path, objective: Objective, dtype: torch.dtype = torch.float32) -> None:
    """Write a rival objective's files into a model's folder; write nothing for a CLIP."""
    if objective.name in JOINT:
        return
    text = json.dumps(objective.about(), indent=1, ensure_ascii=False) + "\n"
    (folder / ABOUT).write_text(text, encoding="utf-8")
    heads = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in objective.heads().items()
    }
    save_file(heads, folder / HEADS)
    (folder / HEADS).chmod(0o644)  # the library writes it for its owner only


def read_objective(folder: Path, clip: CLIP) -> Objective | None:
    """Read the rival objective that a folder's model was trained with; None for a plain CLIP.

    It comes in evaluation mode.

    Raises:
        UserError: when the files are damaged or belong to another model.
    """
    if not (folder / ABOUT).exists():
        return None
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        objective = make_objective(about["objective"], clip, about.get("class_names"))
        load_heads(objective, folder)
    except UserError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / ABOUT} does not describe an objective: {error}") from None
    return objective.eval()


def load_heads(objective: Objective, folder: Path) -> None:
    """Load a folder's weights into the objective's own; nothing for the contrastive one.

    Raises:
        UserError: when they are missing, damaged, or of another shape.
    """
    if not objective.heads():
        return
    try:
        heads = {name: tensor.float() for name, tensor in load_file(folder / HEADS).items()}
        missing = objective.load_state_dict(heads, strict=False)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UserError(
            f"{folder / HEADS} does not belong to this model: {first_line(error)}"
        ) from None
    absent = [name for name in missing.missing_keys if not name.startswith("clip.")]
    if absent or missing.unexpected_keys:
        raise UserError(
            f"{folder / HEADS} does not belong to this model: "
            f"{(absent + missing.unexpected_keys)[0]}"
        )
