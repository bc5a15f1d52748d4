"""Models on disk: Hugging Face's CLIP layout where a model fits it, ours where it does not.

A folder holds ``config.json``, ``model.safetensors``, ``vocab.json``, ``merges.txt`` and
``preprocessor_config.json``. A ViT with a text transformer is written with transformers' names, so
``transformers.CLIPModel`` opens it; other towers are written with this package's own. Weights are read from
safetensors only, never unpickled.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from clipbench.checkpoint import newest_intact, written_whole
from clipbench.errors import UserError
from clipbench.model import CLIP, CLIPConfig, TransformerConfig, ViTConfig
from clipbench.preprocess import CLIP_MEAN, CLIP_STD, Preprocess
from clipbench.tokenizer import Tokenizer

ASSETS = Path(__file__).parent / "assets"
CHECKPOINTS = ASSETS / "checkpoints"
WEIGHTS = "model.safetensors"

# ours -> transformers', where a name or part of it differs. Fused query-key-value weights are split.
HUB_NAMES = (
    (r"^image_encoder\.class_token$", "vision_model.embeddings.class_embedding"),
    (r"^image_encoder\.patchify\.weight$", "vision_model.embeddings.patch_embedding.weight"),
    (r"^image_encoder\.positions$", "vision_model.embeddings.position_embedding.weight"),
    (r"^image_encoder\.ln_pre\.", "vision_model.pre_layrnorm."),
    (r"^image_encoder\.ln_post\.", "vision_model.post_layernorm."),
    (r"^image_encoder\.blocks\.", "vision_model.encoder.layers."),
    (r"^text_encoder\.token_embedding\.weight$", "text_model.embeddings.token_embedding.weight"),
    (r"^text_encoder\.positions$", "text_model.embeddings.position_embedding.weight"),
    (r"^text_encoder\.ln_final\.", "text_model.final_layer_norm."),
    (r"^text_encoder\.blocks\.", "text_model.encoder.layers."),
    (r"^image_projection\.weight$", "visual_projection.weight"),
    (r"\.ln_1\.", ".layer_norm1."),
    (r"\.ln_2\.", ".layer_norm2."),
    (r"\.attention\.out_proj\.", ".self_attn.out_proj."),
    (r"\.mlp\.0\.", ".mlp.fc1."),
    (r"\.mlp\.2\.", ".mlp.fc2."),
)


def fits_hub(config: CLIPConfig) -> bool:
    """Whether transformers' CLIPModel can hold this model."""
    return isinstance(config.image, ViTConfig) and isinstance(config.text, TransformerConfig)


# ------------------------------------------------------------------------------------------------------- save


def save_pretrained(folder: str | Path, model: CLIP, tokenizer: Tokenizer, preprocess: Preprocess,
                    dtype: torch.dtype = torch.float32, about: dict | None = None) -> None:  # fmt: skip
    """Write a model folder, whole or not at all; an existing one is replaced.

    Args:
        dtype: of the stored weights; float16 halves the size.
        about: what to note in the folder's ``about.json`` (how it was trained, on what).
    """
    with written_whole(Path(folder)) as part:
        write_model(part, model, tokenizer, preprocess, dtype)
        if about:
            write_json(part / "about.json", about)


def write_model(
    folder: Path, model: CLIP, tokenizer: Tokenizer, preprocess: Preprocess, dtype: torch.dtype
) -> None:
    """Write the files of a model folder into an existing folder."""
    state = {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else None).contiguous()
        for name, tensor in model.state_dict().items()
    }
    if fits_hub(model.config):
        state, config = to_hub_names(state), hub_config(model.config, tokenizer)
    else:
        config = {"clipbench": model.config.to_dict()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)  # the library writes it for its owner only, but class servers share models
    write_json(folder / "config.json", config | {"torch_dtype": str(dtype).removeprefix("torch.")})
    write_json(folder / "preprocessor_config.json", hub_preprocessor(preprocess))
    tokenizer.save(folder)


def write_json(file: Path, data: dict) -> None:
    file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def hub_name(name: str) -> str:
    for pattern, replacement in HUB_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def to_hub_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our weights under transformers' names."""
    renamed = {}
    for name, tensor in state.items():
        if ".attention.in_proj." in name:
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                renamed[hub_name(name.replace("attention.in_proj", f"self_attn.{part}_proj"))] = piece.contiguous()
        else:
            renamed[hub_name(name)] = tensor
    return renamed


def hub_config(config: CLIPConfig, tokenizer: Tokenizer) -> dict:
    image, text = config.image, config.text
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": config.embed_dim,
        "logit_scale_init_value": 2.6592,
        "vision_config": {
            "model_type": "clip_vision_model", "projection_dim": config.embed_dim,
            "image_size": image.image_size, "patch_size": image.patch_size, **hub_tower(image),
        },
        "text_config": {
            "model_type": "clip_text_model", "projection_dim": config.embed_dim,
            "vocab_size": text.vocab_size, "max_position_embeddings": text.context_length, **hub_tower(text),
            "bos_token_id": tokenizer.start_id, "eos_token_id": tokenizer.end_id,
            "pad_token_id": tokenizer.end_id,
        },
    }  # fmt: skip


def hub_tower(tower: ViTConfig | TransformerConfig) -> dict:
    """What both towers have."""
    return {
        "hidden_size": tower.width, "intermediate_size": 4 * tower.width, "num_hidden_layers": tower.depth,
        "num_attention_heads": tower.heads, "hidden_act": tower.activation,
    }  # fmt: skip


def hub_preprocessor(preprocess: Preprocess) -> dict:
    size = preprocess.size
    return {
        "image_processor_type": "CLIPImageProcessor", "processor_class": "CLIPProcessor",
        "do_convert_rgb": True, "do_resize": True, "size": {"shortest_edge": size}, "resample": 3,
        "do_center_crop": True, "crop_size": {"height": size, "width": size},
        "do_rescale": True, "rescale_factor": 1 / 255,
        "do_normalize": True, "image_mean": list(preprocess.mean), "image_std": list(preprocess.std),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- load


def find_folder(name: str | Path) -> Path:
    """The model folder that a name stands for: a shipped model, a model folder, or a run's newest checkpoint.

    Raises:
        UserError: when there is none.
    """
    if str(name) in ("tiny", "classroom"):
        return CHECKPOINTS / str(name)
    folder = Path(name)
    if not folder.is_dir():
        raise UserError(f"no model {str(name)!r}; give tiny, classroom, a model folder or a training run's folder")
    if (folder / "config.json").exists():
        return folder
    newest = newest_intact(folder)
    if newest is None:
        raise UserError(f"{folder} holds no model: no config.json and no finished checkpoint in it")
    return newest


def load_pretrained(folder: str | Path) -> tuple[CLIP, Tokenizer, Preprocess]:
    """Read a model folder; the model is in evaluation mode, float32.

    Raises:
        UserError: when a file is missing, damaged, or not what it says.
    """
    folder = Path(folder)
    config = read_config(folder)
    state = read_weights(folder)
    if "text_model.embeddings.token_embedding.weight" in state:
        state = from_hub_names(state)
    model = empty_model(config, folder / 'config.json')
    assign(model, state, folder)
    return model, read_tokenizer(folder, config), read_preprocess(folder, config)


def empty_model(config: CLIPConfig, source: Path) -> CLIP:
    """The model without weights, in evaluation mode; shapes that do not fit together are found out here.

    Raises:
        UserError: when the settings make no working model.
    """
    try:
        with torch.device("meta"), skipped_initialisation(), torch.no_grad():
            model = CLIP(config).eval()
            images = torch.empty(1, 3, config.image_size, config.image_size)
            model(images, torch.zeros(1, config.context_length, dtype=torch.int64))
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{source} describes no working model: {first_line(error)}") from None
    return model


def first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


class skipped_initialisation:
    """While active, new modules draw no random numbers: their weights are about to be replaced."""

    def __enter__(self):
        self.saved = {name: getattr(nn.init, name) for name in ("normal_", "zeros_", "kaiming_uniform_", "uniform_")}
        for name in self.saved:
            setattr(nn.init, name, lambda tensor, *_, **__: tensor)

    def __exit__(self, *_):
        for name, function in self.saved.items():
            setattr(nn.init, name, function)


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


def read_config(folder: Path) -> CLIPConfig:
    data = read_json(folder / "config.json")
    try:
        return CLIPConfig.from_dict(data["clipbench"]) if "clipbench" in data else from_hub_config(data)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UserError(f"{folder / 'config.json'} does not describe a CLIP model: {first_line(error)}") from None


def from_hub_config(data: dict) -> CLIPConfig:
    """transformers writes only what differs from its defaults (ViT-B/32), so everything has one here."""
    image, text = data["vision_config"], data["text_config"]
    return CLIPConfig(
        embed_dim=data.get("projection_dim", 512),
        image=ViTConfig(
            image.get("image_size", 224), image.get("patch_size", 32), image.get("hidden_size", 768),
            image.get("num_hidden_layers", 12), image.get("num_attention_heads", 12),
            image.get("hidden_act", "quick_gelu"),
        ),
        text=TransformerConfig(
            text.get("vocab_size", 49408), text.get("max_position_embeddings", 77),
            text.get("hidden_size", 512), text.get("num_hidden_layers", 12),
            text.get("num_attention_heads", 8), text.get("hidden_act", "quick_gelu"),
        ),
    )  # fmt: skip


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    file = folder / WEIGHTS
    if not file.exists():
        pickles = [path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.pkl") for path in folder.glob(pattern)]
        found = f"; {pickles[0]} is a pickle, which can run code when it is read" if pickles else ""
        raise UserError(f"{folder} has no {WEIGHTS}{found}; only safetensors are read")
    try:
        with safe_open(file, "pt") as data:
            state = {name: data.get_tensor(name) for name in data.keys()}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file} is damaged or no safetensors file ({error}); get it again") from None
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def from_hub_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """transformers' weights under our names."""
    state = {name: tensor for name, tensor in state.items() if not name.endswith("position_ids")}
    back = {}
    for name, tensor in state.items():
        if ".self_attn.q_proj." in name:
            pieces = [state.get(name.replace("q_proj", f"{part}_proj")) for part in "qkv"]
            if all(piece is not None and piece.shape == tensor.shape for piece in pieces):
                back[our_name(name.replace("self_attn.q_proj", "attention.in_proj"))] = torch.cat(pieces)
        elif not re.search(r"self_attn\.[kv]_proj\.", name):
            back[our_name(name)] = tensor
    return back


def our_name(name: str) -> str:
    for pattern, replacement in HUB_NAMES:
        ours, start = pattern.replace("\\.", ".").strip("^$"), "^" if pattern.startswith("^") else ""
        name = re.sub(start + re.escape(replacement), ours, name)
    return name


def assign(model: CLIP, state: dict[str, torch.Tensor], folder: Path) -> None:
    """Give the model its weights, after checking that all are there, in the right shape, and finite."""
    wanted = model.state_dict()
    missing, extra = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    if missing or extra:
        name, what = (missing[0], "is missing") if missing else (extra[0], "belongs to another model")
        raise UserError(f"{folder / WEIGHTS} does not fit its config.json: {name} {what}")
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape:
            shapes = f"{tuple(tensor.shape)} instead of {tuple(wanted[name].shape)}"
            raise UserError(f"{folder / WEIGHTS} does not fit its config.json: {name} is {shapes}")
        if tensor.is_floating_point() != wanted[name].is_floating_point():
            raise UserError(f"{folder / WEIGHTS} cannot be read: {name} is of type {tensor.dtype}")
        if not torch.isfinite(tensor).all():
            raise UserError(f"{folder / WEIGHTS} is unusable: {name} holds values that are not finite")
    model.load_state_dict(state, assign=True)
    for name, buffer in list(model.named_buffers()):
        if buffer.is_meta:  # not stored: the causal mask
            owner, _, attribute = name.rpartition(".")
            causal = torch.full(buffer.shape, float("-inf")).triu(1)
            model.get_submodule(owner).register_buffer(attribute, causal, persistent=False)
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def read_tokenizer(folder: Path, config: CLIPConfig) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_folder(folder, config.context_length)
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no tokenizer: {Path(error.filename).name} is missing") from None
    except ValueError as error:
        raise UserError(f"{folder} has no usable tokenizer: {error}") from None
    if tokenizer.end_id >= config.text.vocab_size:
        raise UserError(f"{folder / 'vocab.json'} has more tokens than the model ({config.text.vocab_size})")
    return tokenizer


def read_preprocess(folder: Path, config: CLIPConfig) -> Preprocess:
    file = folder / "preprocessor_config.json"
    if not file.exists():
        raise UserError(f"{folder} has no {file.name}: how pictures must be prepared is unknown")
    data = read_json(file)
    mean, std = data.get("image_mean", CLIP_MEAN), data.get("image_std", CLIP_STD)
    for colour in (mean, std):
        if not (isinstance(colour, Sequence) and len(colour) == 3 and all(isinstance(c, int | float) for c in colour)):
            raise UserError(f"{file}: image_mean and image_std must be three numbers each, not {colour}")
    return Preprocess(config.image_size, tuple(mean), tuple(std))


def world_tokenizer(context_length: int = 32) -> Tokenizer:
    """The emoji world's own vocabulary, for models trained here."""
    return Tokenizer.from_folder(ASSETS / "tokenizer", context_length)
