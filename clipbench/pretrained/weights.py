"""Weights on disk: one safetensors file, or several with an index.

They are read without running anything, and checked before use.
"""

import json
import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from clipbench.errors import UserError
from clipbench.model import CLIP, LOGIT_SCALE_MAX
from clipbench.pretrained.configs import CONFIG, kind_of
from clipbench.pretrained.weight_names import HUB, OPENAI_RESNET, OPENAI_VIT, OURS, Layout

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
OPEN_CLIP_WEIGHTS = "open_clip_model.safetensors"
# what this package writes beside weights
BESIDE_WEIGHTS = ("familiarity.safetensors", "objective.safetensors")
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


# -------------------- read


def find_weights(
    folder: Path, preferred: Iterable[str] = (WEIGHTS, INDEX, OPEN_CLIP_WEIGHTS)
) -> Path:
    """Find the file that holds a folder's weights, or the index of several.

    Raises:
        UserError: when there is none, saying what to do about a pickle.
    """
    if (folder / OPEN_CLIP_WEIGHTS).exists() and not kind_of(folder / CONFIG):
        # model.safetensors beside it is timm's, an image encoder alone
        return folder / OPEN_CLIP_WEIGHTS
    for name in preferred:
        if (folder / name).exists():
            return folder / name
    files = sorted(set(folder.glob("*.safetensors")) - {folder / name for name in BESIDE_WEIGHTS})
    if len(files) == 1:
        return files[0]
    advice = advice_on_pickles(path.name for path in sorted(folder.iterdir()))
    raise UserError(f"{folder} has no {WEIGHTS}{advice}")


def advice_on_pickles(names: Iterable[str]) -> str:
    """Advise what to do when there are no safetensors among these files."""
    pickles = [name for name in names if name.endswith(PICKLES)]
    if not pickles:
        return "; only safetensors are read"
    return (
        f"; {pickles[0]} is a pickle, which can run code when it is read: have who made "
        "it save it as safetensors, or,"
        " if you trust it, safetensors.torch.save_file(torch.load(FILE, "
        "weights_only=True), 'model.safetensors')"
    )


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a safetensors file, or of all files that an index names.

    Floating-point numbers come as float32.

    Raises:
        UserError: when a file is missing, damaged or no safetensors.
    """
    if file.name.endswith(PICKLES):
        raise UserError(f"{file} is not read{advice_on_pickles([file.name])}")
    if not file.name.endswith(".json"):
        return read_file(file)
    state: dict[str, torch.Tensor] = {}
    for name in shards(file):
        state |= read_file(file.with_name(name))
    return state


def shards(index: Path) -> list[str]:
    """List the files that an index of sharded weights names.

    Raises:
        UserError: when it is no index, or one of them is missing.
    """
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{index} is no list of weight files: {error}") from None
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise UserError(f"{index} names {name!r}, which is no file beside it")
        if not index.with_name(name).exists():
            raise UserError(f"{index.parent} has not all weights: {name} is missing; get it again")
    return names


def read_file(file: Path) -> dict[str, torch.Tensor]:
    """Map the tensors of one safetensors file.

    float32 weights stay where they are, in private mappings of the file, until they are used or
    changed.

    Each tensor has a mapping of its own, so that those which are only copied from leave memory
    again.
    """
    try:
        with safe_open(file, "pt") as data:
            names = list(data.keys())
        state = {}
        for name in names:
            with safe_open(file, "pt") as data:
                state[name] = in_float32(data.get_tensor(name))
        return state
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{file} is damaged or no safetensors file ({error}); get it again"
        ) from None


def in_float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


# -------------------- whose they are


# What wrappers put into names, at the front or between: DataParallel and DDP, torch.compile, FSDP,
# checkpointing.
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# How the names of a CLIP begin, in any layout. What stands before is the name that somebody gave
# the whole model.
BEGINNINGS = re.compile(
    r"(?:^|(?<=\.))(?:image_encoder\.|vision_model\.|visual\.|text_encoder\.|text_model\.|text\.|token_embedding\."
    r"|transformer\.resblocks\.|logit_scale$)"
)


def whole_names(state: dict[str, torch.Tensor], file: Path) -> dict[str, torch.Tensor]:
    """Give the same weights under the names that a CLIP's own code gives them.

    What was put around those names is removed.

    Removed are wrappers (``module.``, ``_orig_mod.``, ...) wherever they stand, and a name before
    the whole model (``model.``, ``state_dict.clip.``, ...).

    Raises:
        UserError: for a file of several models, or two weights of one name.
    """
    state = renamed(
        state, lambda name: ".".join(part for part in name.split(".") if part not in WRAPPERS), file
    )
    prefixes = sorted(
        {name[: match.start()] for name in state if (match := BEGINNINGS.search(name))}
    )
    if len(prefixes) > 1:
        names = ", ".join(prefix or "no prefix" for prefix in prefixes)
        raise UserError(
            f"{file} holds several models ({names}); save the weights of one of them alone"
        )
    if prefixes and prefixes[0]:
        return renamed(state, lambda name: name.removeprefix(prefixes[0]), file)
    return state


def without_text(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Remove the ``text.`` that open_clip puts before the text encoder's names in some settings."""
    if "text.token_embedding.weight" not in state:
        return state
    return {name.removeprefix("text."): tensor for name, tensor in state.items()}


def renamed(
    state: dict[str, torch.Tensor], rename: Callable[[str], str], file: Path
) -> dict[str, torch.Tensor]:
    changed = {rename(name): tensor for name, tensor in state.items()}
    if len(changed) < len(state):
        twice = next(name for name, count in Counter(map(rename, state)).items() if count > 1)
        raise UserError(
            f"{file} holds {twice} twice, with and without a prefix; save the weights "
            "of one model alone"
        )
    return changed


def scalar(tensor: torch.Tensor) -> torch.Tensor:
    """Give a single number the shape (): open_clip has a setting (for FSDP) by which it is (1,)."""
    return tensor.reshape(()) if tensor.numel() == 1 else tensor


def layout_of(state: dict[str, torch.Tensor], file: Path) -> Layout:
    """Find whose names these are.

    Raises:
        UserError: when an encoder is missing, or these are changes to another model's weights.
    """
    if any(".lora_" in name for name in state):
        raise UserError(
            f"{file} holds a LoRA adapter, which changes another model; merge it into that model "
            "first (peft: merge_and_unload) and save the whole"
        )
    found = {
        "image": any(re.match(r"image_encoder\.|vision_model\.|visual\.", name) for name in state),
        "text": any(
            re.match(r"text_encoder\.|text_model\.|token_embedding\.|transformer\.", name)
            for name in state
        ),
    }
    for encoder, other in (("image", "text"), ("text", "image")):
        if not found[encoder]:
            what = f"only a CLIP's {other} encoder" if found[other] else "no CLIP"
            raise UserError(f"{file} holds {what}; give a model with both encoders")
    if any(name.startswith("vision_model.") for name in state):
        return HUB
    if any(name.startswith("visual.") for name in state):
        return OPENAI_VIT if "visual.proj" in state else OPENAI_RESNET
    return OURS


# -------------------- assign


def assign(model: CLIP, state: dict[str, torch.Tensor], layout: Layout, file: Path) -> None:
    """Give a model on the meta device its weights, after checking them.

    All must be there, of the right shape and finite.

    ``state`` is used up, so that no weight is held twice.

    Raises:
        UserError: naming the first weight that is wrong.
    """
    wanted = model.state_dict()
    for name in wanted:
        # not in every conversion of OpenAI's files, and used in no model
        if name.endswith("num_batches_tracked"):
            state.setdefault(layout.names(name)[0], torch.tensor(0))
    for name in {"logit_scale", "logit_bias"} & state.keys():
        state[name] = scalar(state[name])
    try:
        ours = layout.read(state, wanted)
    except KeyError as error:
        raise UserError(f"{file} does not fit its settings: {error.args[0]} is missing") from None
    except ValueError as error:
        raise UserError(
            f"{file} does not fit its settings: {' '.join(str(error).split())}"
        ) from None
    if state:
        raise UserError(f"{file} does not fit its settings: {min(state)} belongs to another model")
    for name, tensor in ours.items():
        check(tensor, wanted[name], layout.names(name)[0], file)
    model.load_state_dict(ours, assign=True)
    fill_masks(model)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    note_large_scale(float(model.logit_scale.detach()), file)


def note_large_scale(logit_scale: float, source: Path | str) -> None:
    """Warn of a temperature whose inverse is above 100.

    Training keeps it at 100 or less, but code that runs a finished model does not.
    """
    if logit_scale > LOGIT_SCALE_MAX + 1e-3:  # beyond float16's rounding
        above = f"a logit_scale of {logit_scale:.4g}, above ln 100 = {LOGIT_SCALE_MAX:.4g}"
        how = (
            "as the model's own code does: similarities are multiplied by "
            f"{math.exp(logit_scale):.4g}"
        )
        warnings.warn(f"{source} has {above}; it is used {how}", stacklevel=5)


def check(tensor: torch.Tensor, wanted: torch.Tensor, name: str, file: Path) -> None:
    if tensor.shape != wanted.shape:
        shapes = f"{tuple(tensor.shape)} instead of {tuple(wanted.shape)}"
        raise UserError(f"{file} does not fit its settings: {name} is {shapes}")
    if tensor.is_floating_point() != wanted.is_floating_point():
        raise UserError(f"{file} cannot be read: {name} is of type {tensor.dtype}")
    if not all(map(math.isfinite, tensor.aminmax())):  # a NaN is both the smallest and the largest
        raise UserError(f"{file} is unusable: {name} holds values that are not finite")


def fill_masks(model: nn.Module) -> None:
    """Fill in the causal masks, which are not stored."""
    for name, buffer in list(model.named_buffers()):
        if buffer.is_meta:
            owner, _, attribute = name.rpartition(".")
            causal = torch.full(buffer.shape, float("-inf")).triu(1)
            model.get_submodule(owner).register_buffer(attribute, causal, persistent=False)
