"""Model folders that this package's CLIP is not, opened through the library that computes them.

``pretrained`` says which library that is; here its model, tokenizer and preprocessing are put
behind an adapter. Weights are read by this package, from safetensors only, and checked: none may be
missing, left over, or not finite.
"""

import contextlib
import importlib.util
import logging
import string
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from clipbench.encoders.foreign import FlexibleSiglipEncoder, OpenClipEncoder, TransformersEncoder
from clipbench.errors import UserError, first_line, missing_package
from clipbench.preprocess import Preprocess
from clipbench.pretrained.configs import OPEN_CLIP_CONFIG, from_open_clip_preprocessing
from clipbench.pretrained.folders import (
    ForeignModel,
    preprocessing_settings,
    read_json,
    read_preprocess,
)
from clipbench.pretrained.open_clip_library import import_open_clip
from clipbench.pretrained.siglip_layout import is_siglip, siglip_config, to_transformers
from clipbench.pretrained.weights import check, note_large_scale, read_weights, whole_names
from clipbench.tokenizer import openai_cleaned, repaired

UNREADABLE = (
    OSError,
    ImportError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
Loader = Callable[
    [Path, str, torch.device | str, str | None], TransformersEncoder | OpenClipEncoder
]


def open_foreign(
    found: ForeignModel,
    name: str,
    device: torch.device | str = "cpu",
    precision: str | None = "fp32",
) -> TransformersEncoder | OpenClipEncoder:
    """Open the model that ``load_pretrained`` refused, through the library that it named.

    A warning says so.

    Raises:
        UserError: when that library is not installed, or cannot build it.
    """
    library = library_of(found)
    encoder = LOADERS[library](found.weights, name, device, precision)
    warnings.warn(f"{name} is computed by {library}: {found.reason}", stacklevel=3)
    note_large_scale(float(encoder.model.logit_scale.detach()), name)
    return encoder


def library_of(found: ForeignModel) -> str:
    """Name the library to use, which is transformers for a SigLIP of open_clip too.

    open_clip would need timm for it.
    """
    if found.library == "open_clip" and is_siglip(
        open_clip_settings(found.weights.parent)["model_cfg"]
    ):
        return "transformers"
    return found.library


def open_clip_settings(folder: Path) -> dict:
    return read_json(folder / OPEN_CLIP_CONFIG)


# -------------------- transformers


def load_transformers(
    weights: Path, name: str, device: torch.device | str = "cpu", precision: str | None = "fp32"
) -> TransformersEncoder:
    """Read a folder of transformers, or a SigLIP of open_clip, without a network.

    Raises:
        UserError: when a file is missing or damaged, or transformers is not installed.
    """
    try:
        from transformers import AutoConfig
    except ImportError:
        raise missing_package(name, "transformers", "hf") from None
    folder, state = weights.parent, whole_names(read_weights(weights), weights)
    kind: Callable[..., TransformersEncoder] = TransformersEncoder
    preprocess: Preprocess | dict
    try:
        if (folder / "config.json").exists() and "visual.trunk.pos_embed" not in state:
            config, clean = AutoConfig.from_pretrained(folder, local_files_only=True), None
            if config.model_type == "siglip2":
                kind, preprocess = FlexibleSiglipEncoder, preprocessing_settings(folder)[1]
            else:
                preprocess = read_preprocess(folder, config.vision_config.image_size)
        else:
            config, state, preprocess, clean = siglip_of_open_clip(folder, state)
        model, tokenizer = in_transformers(config, state, weights), transformers_tokenizer(folder)
    except UserError:
        raise
    except UNREADABLE as error:
        raise UserError(f"transformers cannot open {folder}: {first_line(error)}") from None
    return kind(model, tokenizer, preprocess, name, device, precision, clean=clean)


def in_transformers(config, state: Mapping[str, Tensor], weights: Path) -> nn.Module:
    """Make the model with these weights, all of them and no others.

    transformers would draw missing ones at random.
    """
    from transformers import MODEL_MAPPING

    kind: Any = MODEL_MAPPING[type(config)]  # not the tuple of classes that its stubs allow too
    with torch.device("meta"):
        wanted = kind(config).state_dict()
    state = {name: in_shape(tensor, wanted.get(name)) for name, tensor in state.items()}
    checked(state, wanted, weights)
    model, report = kind.from_pretrained(
        None, config=config, state_dict=state, dtype=torch.float32, output_loading_info=True
    )
    if missing := sorted(report["missing_keys"]):
        raise UserError(f"{weights} does not fit its settings: {missing[0]} is missing")
    return model


def checked(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], weights: Path) -> None:
    """Check that these are the weights that the model needs.

    Raises:
        UserError: naming the first weight that is missing, left over, of another shape, or not
            finite.
    """
    if missing := sorted(wanted.keys() - state.keys()):
        raise UserError(f"{weights} does not fit its settings: {missing[0]} is missing")
    if more := sorted(
        name for name in state.keys() - wanted.keys() if not name.endswith("position_ids")
    ):
        raise UserError(f"{weights} does not fit its settings: {more[0]} belongs to another model")
    for name, tensor in state.items():
        if name in wanted:
            check(tensor, wanted[name], name, weights)


def in_shape(tensor: Tensor, wanted: Tensor | None) -> Tensor:
    """Give a single number the shape that the library has for it: () or (1,)."""
    return (
        tensor.reshape(wanted.shape)
        if wanted is not None and tensor.numel() == wanted.numel() == 1
        else tensor
    )


def transformers_tokenizer(folder: Path):
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except UNREADABLE as error:
        needs = "; pip install sentencepiece" if "sentencepiece" in str(error).lower() else ""
        raise UserError(
            f"transformers cannot read the tokenizer of {folder}: {first_line(error)}{needs}"
        ) from None


def siglip_of_open_clip(folder: Path, state: dict[str, Tensor]):
    """Convert a SigLIP in open_clip's layout for transformers.

    Returns (config, weights, preprocessing, cleaning of texts).
    """
    from transformers import SiglipConfig

    data = open_clip_settings(folder)
    # Any: its stubs allow vision_config to be plain data, which __init__ has read
    config: Any = SiglipConfig(**siglip_config(data["model_cfg"], state))
    preprocess = from_open_clip_preprocessing(data, config.vision_config.image_size)
    clean = (data["model_cfg"]["text_cfg"].get("tokenizer_kwargs") or {}).get("clean", "whitespace")
    return config, to_transformers(state), preprocess, CLEANINGS[clean]


def canonical(text: str) -> str:
    """Put text into lower case without punctuation and with single spaces.

    SigLIP's texts are written so (big_vision, open_clip).
    """
    text = repaired(text).replace("_", " ").translate(str.maketrans("", "", string.punctuation))
    return " ".join(text.lower().split())


CLEANINGS: dict[str, Callable[[str], str]] = {  # of open_clip's tokenizers
    "canonicalize": canonical,
    "lower": openai_cleaned,
    "whitespace": repaired,
}


# -------------------- open_clip


def load_open_clip(
    weights: Path, name: str, device: torch.device | str = "cpu", precision: str | None = "fp32"
) -> OpenClipEncoder:
    """Read a folder of open_clip, whatever open_clip can build, without a network.

    Raises:
        UserError: when a file is missing or damaged, open_clip or what it needs is not installed.
    """
    folder = weights.parent
    try:
        open_clip = import_open_clip()
    except UserError:
        raise UserError(f"{name} needs open_clip; pip install open_clip_torch") from None
    state = whole_names(read_weights(weights), weights)
    try:
        with no_remarks():  # that the weights are random: they come next
            model = open_clip.create_model(
                f"local-dir:{folder}", load_weights=False, pretrained_text=False
            )
        state = names_of_open_clip(open_clip, model, state)
        checked(state, model.state_dict(), weights)
        model.load_state_dict(state)
        tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
        preprocess = from_open_clip_preprocessing(
            open_clip_settings(folder), side(model.visual.image_size)
        )
    except UserError:
        raise
    except UNREADABLE as error:
        absent = [
            name
            for name in ("timm", "torchvision", "transformers")
            if not importlib.util.find_spec(name)
        ]
        needs = f"; pip install {' '.join(absent)}" if absent else ""
        raise UserError(
            f"open_clip cannot open {folder}: {first_line(error).rstrip('.')}{needs}"
        ) from None
    return OpenClipEncoder(model, tokenizer, preprocess_one(preprocess), name, device, precision)


@contextlib.contextmanager
def no_remarks() -> Iterator[None]:
    """Silence all loggers below an error inside the block."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def names_of_open_clip(open_clip, model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the weights under the names that this model of open_clip has.

    The given names may be those of open_clip's other layout or of others' files.
    """
    state = open_clip.factory.convert_state_dict(model, state)
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = open_clip.factory.convert_to_custom_text_state_dict(state)
    wanted = model.state_dict()
    return {name: in_shape(tensor, wanted.get(name)) for name, tensor in state.items()}


def side(size: int | Sequence[int]) -> int:
    """Give the side of a square size.

    Raises:
        ValueError: for a size that is no square.
    """
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise ValueError(f"its pictures are {size} pixels, not a square")
    return sides.pop()


def preprocess_one(preprocess: Preprocess) -> Callable:
    return lambda picture: preprocess([picture])[0]


LOADERS: dict[str, Loader] = {"transformers": load_transformers, "open_clip": load_open_clip}
