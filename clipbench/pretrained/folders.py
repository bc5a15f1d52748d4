"""Models on disk: loaded from every layout that CLIPs come in.

They are saved in the layout that transformers reads.

A folder holds ``config.json``, ``model.safetensors`` (or shards and their index), ``vocab.json``,
``merges.txt`` and ``preprocessor_config.json``. A ViT with a text transformer is written with
transformers' names, so ``transformers.CLIPModel`` opens it; other towers are written with this
package's own. Folders of open_clip (``open_clip_config.json``) and single files with OpenAI's names
are read too, and ``save_open_clip`` writes them, ResNets included. Weights are read from
safetensors only, never unpickled.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from clipbench.errors import UserError, did_you_mean, first_line
from clipbench.files import ASSETS, HUB_ID, atomic_folder
from clipbench.model import CLIP, CLIPConfig, ResNetConfig
from clipbench.objectives import Objective
from clipbench.objectives.stored import write_objective
from clipbench.preprocess import Preprocess
from clipbench.pretrained.bundle import ModelBundle
from clipbench.pretrained.checkpoint import newest_intact
from clipbench.pretrained.configs import (
    CONFIG,
    OPEN_CLIP_CONFIG,
    OtherModel,
    config_of_weights,
    fits_hub,
    from_hub_config,
    from_hub_preprocessor,
    from_open_clip_config,
    from_open_clip_preprocessing,
    hub_config,
    hub_preprocessor,
    kind_of,
    open_clip_config,
)
from clipbench.pretrained.hub import fetch
from clipbench.pretrained.openai_sources import SOURCES, source_of
from clipbench.pretrained.weight_names import HUB, OPENAI_RESNET, OPENAI_VIT, OURS
from clipbench.pretrained.weights import (
    OPEN_CLIP_WEIGHTS,
    WEIGHTS,
    assign,
    find_weights,
    layout_of,
    read_weights,
    whole_names,
    without_text,
)
from clipbench.tokenizer import Tokenizer

CHECKPOINTS = ASSETS / "checkpoints"
TWIN = "twin:"  # before the name of a model in CHECKPOINTS / "twins"


# -------------------- save


def save_pretrained(
    folder: str | Path,
    model: CLIP,
    tokenizer: Tokenizer,
    preprocess: Preprocess,
    dtype: torch.dtype = torch.float32,
    about: dict | None = None,
    objective: Objective | None = None,
) -> None:
    """Write a model folder, whole or not at all; an existing one is replaced.

    Args:
        dtype: of the stored weights; float16 halves the size.
        about: what to note in the folder's ``about.json`` (how it was trained, on what).
        objective: what the model was trained with, where that is not CLIP's: its own weights go
            with the model's.
    """
    with atomic_folder(Path(folder)) as part:
        write_model(part, model, tokenizer, preprocess, dtype)
        if objective:
            write_objective(part, objective, dtype)
        if about:
            write_json(part / "about.json", about)


def write_model(
    folder: Path, model: CLIP, tokenizer: Tokenizer, preprocess: Preprocess, dtype: torch.dtype
) -> None:
    """Write the files of a model folder into an existing folder."""
    if fits_hub(model.config):
        layout, config = HUB, hub_config(model.config, tokenizer)
    else:
        layout, config = OURS, {"clipbench": model.config.to_dict()}
    write_weights(folder / WEIGHTS, layout.write(stored(model, dtype)))
    write_json(folder / CONFIG, config | {"torch_dtype": str(dtype).removeprefix("torch.")})
    write_json(folder / "preprocessor_config.json", hub_preprocessor(preprocess))
    tokenizer.save(folder)


def save_open_clip(
    folder: str | Path,
    model: CLIP,
    tokenizer: Tokenizer,
    preprocess: Preprocess,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a folder that open_clip opens as ``local-dir:FOLDER``; the weights have OpenAI's names.

    ``open_clip.get_tokenizer`` reads the folder's own vocabulary, by transformers; OpenAI's it has
    itself.

    Raises:
        UserError: when open_clip has no such model (a ConvNet, a bag of words).
    """
    try:
        config = open_clip_config(model.config, preprocess)
    except ValueError as error:
        raise UserError(str(error)) from None
    if not tokenizer.as_openai:  # any name makes open_clip read the tokenizer beside the settings
        config["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = Path(folder).resolve().name
    layout = OPENAI_RESNET if isinstance(model.config.image, ResNetConfig) else OPENAI_VIT
    with atomic_folder(Path(folder)) as part:
        write_weights(part / OPEN_CLIP_WEIGHTS, layout.write(stored(model, dtype)))
        write_json(part / OPEN_CLIP_CONFIG, config)
        tokenizer.save(part)


def stored(model: CLIP, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Give the weights as they go to the disk."""
    return {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else None).contiguous()
        for name, tensor in model.state_dict().items()
    }


def write_weights(file: Path, state: dict[str, torch.Tensor]) -> None:
    save_file(state, file, metadata={"format": "pt"})
    file.chmod(0o644)  # the library writes it for its owner only, but class servers share models


def write_json(file: Path, data: dict) -> None:
    file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


# -------------------- load


class ForeignModel(UserError):
    """A model that another library computes.

    Args:
        weights: the file with its weights.
        library: ``transformers`` or ``open_clip``.
        reason: what this package's CLIP does not have.
    """

    def __init__(self, weights: Path, library: str, reason: str):
        how = (
            f"clipbench.load opens it through {library}, with features as there; it "
            "cannot be trained here"
        )
        super().__init__(
            f"{weights.parent} holds a model that this package's own CLIP is not: {reason}; {how}"
        )
        self.weights, self.library, self.reason = weights, library, reason


# what reading bad settings raises
UNSUITABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def find_folder(name: str | Path) -> Path:
    """Find the folder of the model that a name stands for.

    A hub id that is not here yet is downloaded first.

    A shipped model (``tiny``, ``classroom``, ``twin:NAME``), a model folder, a ``.safetensors``
    file, a training run's folder (its newest checkpoint), one of OpenAI's names such as
    ``ViT-B/32``, or a hub id such as ``openai/clip-vit-base-patch32``.

    Raises:
        UserError: when there is none.
    """
    if str(name) in ("tiny", "classroom"):
        return CHECKPOINTS / str(name)
    if str(name).startswith(TWIN):
        return twin_folder(str(name).removeprefix(TWIN))
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        return model_folder(path)
    if source_of(str(name)) or HUB_ID.fullmatch(str(name)):
        return fetch(str(name))
    places = (
        "tiny, classroom, twin:NAME, a model folder, a run's folder, OpenAI's name of a model "
        "(ViT-B/32) or a hub id (openai/clip-vit-base-patch32)"
    )
    meant = did_you_mean(str(name), ("tiny", "classroom", *SOURCES))
    raise UserError(f"no model {str(name)!r}{meant}; give {places}")


def twins() -> list[str]:
    """List the shipped twins: tiny models whose training worlds differ in one thing."""
    return sorted(path.name for path in (CHECKPOINTS / "twins").iterdir())


def twin_folder(name: str) -> Path:
    if name not in twins():
        there_is = ", ".join(TWIN + twin for twin in twins())
        raise UserError(f"no twin {name!r}{did_you_mean(name, twins())}; there is {there_is}")
    return CHECKPOINTS / "twins" / name


def model_folder(folder: Path) -> Path:
    """Give the folder itself where it holds a model, or a training run's newest checkpoint."""
    if any((folder / name).exists() for name in (CONFIG, OPEN_CLIP_CONFIG)) or any(
        folder.glob("*.safetensors")
    ):
        return folder
    newest = newest_intact(folder)
    if newest is None:
        raise UserError(f"{folder} holds no model: no config.json and no finished checkpoint in it")
    return newest


def load_pretrained(folder: str | Path) -> ModelBundle:
    """Read a model; it comes in evaluation mode, float32.

    Args:
        folder: a model folder in transformers', open_clip's or this package's layout, or a
            ``.safetensors`` file with the tokenizer's files beside it. Weights with OpenAI's names
            and no settings are read as OpenAI's: sizes from their shapes, QuickGELU.

    Raises:
        UserError: when a file is missing, damaged, or not what it says.
        ForeignModel: for a model that another library computes.
    """
    path = Path(folder)
    file = path if path.is_file() else find_weights(path)
    refuse_foreign(file)
    state = without_text(whole_names(read_weights(file), file))
    layout = layout_of(state, file)
    if layout in (OPENAI_VIT, OPENAI_RESNET):
        config, preprocess = read_open_clip_settings(file, state)
    else:
        config, preprocess = read_hub_settings(file.parent)
    if "logit_bias" in state:  # transformers' CLIP knows none, so its settings do not tell
        config = replace(config, logit_bias=True)
    model = empty_model(config, str(file))
    assign(model, state, layout, file)
    return ModelBundle(model, read_tokenizer(file.parent, config), preprocess)


def refuse_foreign(weights: Path) -> None:
    """Refuse another library's model by the settings beside its weights, before they are read.

    Raises:
        ForeignModel: when they describe a model that ours is not.
    """
    settings = weights.with_name(CONFIG)
    if weights.name.startswith("open_clip") or not kind_of(settings):
        settings = weights.with_name(OPEN_CLIP_CONFIG)
    if not settings.exists():
        return
    data, is_open_clip = read_json(settings), settings.name == OPEN_CLIP_CONFIG
    try:
        if "clipbench" not in data:
            (from_open_clip_config if is_open_clip else from_hub_config)(data)
        if is_open_clip:
            refuse_tokenizer(weights.parent, data["model_cfg"]["text_cfg"])
    except OtherModel as reason:
        library = "open_clip" if is_open_clip else "transformers"
        raise ForeignModel(weights, library, str(reason)) from None
    except UNSUITABLE:  # reported when the settings are read with their weights
        return


def refuse_tokenizer(folder: Path, text: Mapping) -> None:
    """Refuse a tokenizer that is not a CLIP's, by open_clip's settings.

    Meta CLIP 2 differs from a CLIP in nothing else.

    Raises:
        OtherModel: when the tokenizer that they name is there, and no CLIP's.
    """
    named = text.get("hf_tokenizer_name")
    try:
        if named:
            Tokenizer.from_folder(folder, context_length=2)
    except FileNotFoundError:
        return  # reported when the tokenizer is read
    except ValueError:
        raise OtherModel(f"its tokenizer is that of {named}, not a CLIP's") from None


def empty_model(config: CLIPConfig, source: str | Path) -> CLIP:
    """Make the model without weights, in evaluation mode.

    Shapes that do not fit together are found out here.

    Raises:
        UserError: when the settings make no working model.
    """
    try:
        with torch.device("meta"), torch.no_grad():
            model = CLIP(config).eval()
            images = torch.empty(1, 3, config.image_size, config.image_size)
            model(images, torch.zeros(1, config.context_length, dtype=torch.int64))
    except (*UNSUITABLE, RuntimeError) as error:
        raise UserError(f"{source} describes no working model: {first_line(error)}") from None
    return model


def read_json(file: Path) -> dict:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{file.parent} holds no model: {file.name} is missing") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{file} is not readable JSON: {error}") from None
    if not isinstance(data, dict):
        raise UserError(f"{file} holds no settings but a {type(data).__name__}")
    return data


def read_hub_settings(folder: Path) -> tuple[CLIPConfig, Preprocess]:
    """Read config.json and preprocessor_config.json."""
    file = folder / CONFIG
    data = read_json(file)
    try:
        config = (
            CLIPConfig.from_dict(data["clipbench"])
            if "clipbench" in data
            else from_hub_config(data)
        )
    except UNSUITABLE as error:
        raise UserError(f"{file} does not describe a CLIP model: {first_line(error)}") from None
    return config, read_preprocess(folder, config.image_size)


def read_preprocess(folder: Path, image_size: int) -> Preprocess:
    file, data = preprocessing_settings(folder)
    try:
        return from_hub_preprocessor(data, image_size)
    except UNSUITABLE as error:
        raise UserError(f"{file} does not fit this CLIP: {first_line(error)}") from None


def preprocessing_settings(folder: Path) -> tuple[Path, dict]:
    """Read how transformers prepares pictures: the file that says so, and what it says.

    Raises:
        UserError: when neither of its versions has written any.
    """
    file, together = folder / "preprocessor_config.json", folder / "processor_config.json"
    if not file.exists() and together.exists():  # where transformers 5 writes the same settings
        return together, read_json(together).get("image_processor", {})
    if not file.exists():
        raise UserError(f"{folder} has no {file.name}: how pictures must be prepared is unknown")
    return file, read_json(file)


def read_open_clip_settings(
    weights: Path, state: dict[str, torch.Tensor]
) -> tuple[CLIPConfig, Preprocess]:
    """Read open_clip_config.json; without one, infer the settings from OpenAI's weights.

    The settings follow from their shapes.
    """
    file = weights.with_name(OPEN_CLIP_CONFIG)
    if not file.exists():
        return read_openai_settings(weights, state)
    data = read_json(file)
    try:
        config = from_open_clip_config(data)
        return config, from_open_clip_preprocessing(data, config.image_size)
    except UNSUITABLE as error:
        raise UserError(f"{file} does not describe a CLIP model: {first_line(error)}") from None


def read_openai_settings(
    weights: Path, state: dict[str, torch.Tensor]
) -> tuple[CLIPConfig, Preprocess]:
    if "input_resolution" not in state:  # OpenAI's own files hold it
        warnings.warn(
            f"no {OPEN_CLIP_CONFIG} beside {weights}: read as OpenAI's, with QuickGELU",
            stacklevel=4,
        )
    try:
        config = config_of_weights(state)
    except KeyError as error:
        raise UserError(f"{weights} is no CLIP: {error.args[0]} is missing") from None
    except UNSUITABLE as error:
        raise UserError(f"{weights} is no CLIP: {first_line(error)}") from None
    return config, Preprocess(config.image_size)


def read_tokenizer(folder: Path, config: CLIPConfig) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_folder(folder, config.context_length)
    except FileNotFoundError as error:
        how = (
            "vocab.json and merges.txt of openai/clip-vit-base-patch32 belong to "
            "every model with 49408 tokens"
        )
        raise UserError(
            f"{folder} has no tokenizer: {Path(error.filename).name} is missing ({how})"
        ) from None
    except ValueError as error:
        raise UserError(f"{folder} has no usable tokenizer: {error}") from None
    if max(tokenizer.vocab.values()) >= config.text.vocab_size:
        raise UserError(
            f"{folder / 'vocab.json'} has more tokens than the model ({config.text.vocab_size})"
        )
    return tokenizer


def world_tokenizer(context_length: int = 32) -> Tokenizer:
    """Read the emoji world's own vocabulary, for models trained here."""
    return Tokenizer.from_folder(ASSETS / "tokenizer", context_length)
