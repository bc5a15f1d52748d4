"""Settings files of model folders, in the layouts of transformers and open_clip.

They are transformers' ``config.json`` and open_clip's ``open_clip_config.json``; without either,
the settings are read from the weights.

What a file says about a model that this package's ``CLIP`` is not (other normalisation, pooling,
towers) is no setting of ours, because such weights would load and give wrong numbers: an
``OtherModel``, which the adapters may open.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from clipbench.model import (
    PAPER_MODELS,
    SIGMOID_START,
    CLIPConfig,
    ResNetConfig,
    TransformerConfig,
    ViTConfig,
)
from clipbench.preprocess import CLIP_MEAN, CLIP_STD, Preprocess
from clipbench.tokenizer import Tokenizer

CONFIG, OPEN_CLIP_CONFIG = "config.json", "open_clip_config.json"


class OtherModel(ValueError):
    """A model that this package's ``CLIP`` is not; says what differs.

    Another library may well run it.
    """


# -------------------- transformers

# transformers' names of the activations that ours has
HUB_ACTIVATIONS = {"quick_gelu": "quick_gelu", "gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh"}


def fits_hub(config: CLIPConfig) -> bool:
    """Say whether transformers' CLIPModel can hold this model."""
    return isinstance(config.image, ViTConfig) and isinstance(config.text, TransformerConfig)


def hub_config(config: CLIPConfig, tokenizer: Tokenizer) -> dict:
    """Make config.json for transformers' CLIPModel, of a model that ``fits_hub``."""
    image, text = config.image, config.text
    assert isinstance(image, ViTConfig) and isinstance(text, TransformerConfig)
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": config.embed_dim,
        "logit_scale_init_value": 2.6592,
        "vision_config": {
            "model_type": "clip_vision_model",
            "projection_dim": config.embed_dim,
            "image_size": image.image_size,
            "patch_size": image.patch_size,
            **hub_tower(image),
        },
        "text_config": {
            "model_type": "clip_text_model",
            "projection_dim": config.embed_dim,
            "vocab_size": text.vocab_size,
            "max_position_embeddings": text.context_length,
            **hub_tower(text),
            "bos_token_id": tokenizer.start_id,
            "eos_token_id": tokenizer.end_id if text.end_token is None else text.end_token,
            "pad_token_id": tokenizer.end_id,
        },
    }


def hub_tower(tower: ViTConfig | TransformerConfig) -> dict:
    """Give the settings that both towers have."""
    return {
        "hidden_size": tower.width,
        "intermediate_size": tower.mlp_width or 4 * tower.width,
        "num_hidden_layers": tower.depth,
        "num_attention_heads": tower.heads,
        "hidden_act": HUB_ACTIVATIONS.get(tower.activation, tower.activation),
    }


def from_hub_config(data: dict) -> CLIPConfig:
    """Make a CLIP's configuration from transformers' config.json.

    Raises:
        OtherModel: when it describes a model with both encoders that ours is not.
        ValueError, LookupError, TypeError, AttributeError: when it describes no CLIP.
    """
    kind = data.get("model_type", "clip")
    if kind in HUB_KINDS:
        raise OtherModel(f"it is a {HUB_KINDS[kind]}")
    if kind != "clip" or not data.keys() >= {"vision_config", "text_config"}:
        raise ValueError(f"it is of the kind {kind}, not a CLIP with an image and a text encoder")
    # transformers writes only what differs from its defaults (ViT-B/32), so everything has one
    # here; what old files say once more under other names counts
    image_twice, text_twice = (
        data.get("vision_config_dict") or {},
        data.get("text_config_dict") or {},
    )
    image = {"hidden_size": 768, "intermediate_size": 3072, **data["vision_config"], **image_twice}
    text = {"hidden_size": 512, "intermediate_size": 2048, **data["text_config"], **text_twice}
    for tower in (image, text):
        if tower.get("layer_norm_eps", 1e-5) != 1e-5:
            raise OtherModel(f"layer_norm_eps is {tower['layer_norm_eps']}, and CLIP's is 1e-5")
    vocab_size = text.get("vocab_size", 49408)
    return CLIPConfig(
        embed_dim=data.get("projection_dim", 512),
        image=ViTConfig(
            image.get("image_size", 224),
            image.get("patch_size", 32),
            image["hidden_size"],
            image.get("num_hidden_layers", 12),
            image.get("num_attention_heads", 12),
            activation_of(image),
            mlp_width(image["hidden_size"], image["intermediate_size"]),
        ),
        text=TransformerConfig(
            vocab_size,
            text.get("max_position_embeddings", 77),
            text["hidden_size"],
            text.get("num_hidden_layers", 12),
            text.get("num_attention_heads", 8),
            activation_of(text),
            mlp_width(text["hidden_size"], text["intermediate_size"]),
            end_token(text.get("eos_token_id", 49407), vocab_size),
        ),
    )


# What else of transformers has an image and a text encoder: its adapter runs them (see
# clipbench.encoders.foreign).
HUB_KINDS = {
    "siglip": "SigLIP",
    "siglip2": "SigLIP 2 for pictures of any shape",
    "metaclip_2": "Meta CLIP 2",
}


def kind_of(config: Path) -> str | None:
    """Read the kind of model that config.json describes.

    It is None for others than CLIPs and for other libraries' files.
    """
    try:
        data = json.loads(config.read_text(encoding="utf-8"))
        kind = "clipbench" if "clipbench" in data else data.get("model_type")
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return kind if kind in ("clip", "clipbench", *HUB_KINDS) else None


def activation_of(tower: Mapping) -> str:
    """Give our name of a tower's activation; transformers knows some twenty.

    Raises:
        OtherModel: for one that ours does not have.
    """
    ours = {theirs: name for name, theirs in HUB_ACTIVATIONS.items()}
    theirs = tower.get("hidden_act", "quick_gelu")
    if theirs not in ours:
        raise OtherModel(f"hidden_act is {theirs}, and ours are {', '.join(ours)}")
    return ours[theirs]


def mlp_width(width: int, hidden: int) -> int | None:
    """Give the width of an MLP's hidden layer; None for the usual four times the width."""
    return None if hidden == 4 * width else hidden


def end_token(eos_id: int, vocab_size: int) -> int | None:
    """Give the id whose state is a text's feature; None where that is each row's largest id.

    transformers reads it so: 2, which old files have by mistake, stands for the largest id.
    """
    return None if eos_id in (2, vocab_size - 1) else eos_id


def hub_preprocessor(preprocess: Preprocess) -> dict:
    """Make preprocessor_config.json for transformers' CLIPImageProcessor."""
    square = {"height": preprocess.size, "width": preprocess.size}
    return {
        "image_processor_type": "CLIPImageProcessor",
        "processor_class": "CLIPProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": square
        if preprocess.squash
        else {"shortest_edge": preprocess.shorter_side or preprocess.size},
        "resample": RESAMPLE[preprocess.interpolation],
        "do_center_crop": not preprocess.squash,
        "crop_size": square,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(preprocess.mean),
        "image_std": list(preprocess.std),
    }


# what its processor takes where nothing is said
SIGLIP_PICTURES = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
RESAMPLE = {"bilinear": 2, "bicubic": 3}  # Pillow's numbers


def from_hub_preprocessor(data: dict, image_size: int) -> Preprocess:
    """Read preprocessor_config.json; its sizes are numbers in old files and dicts in new ones.

    Raises:
        ValueError: when it asks for something else than resizing, cropping and normalising to this
            size.
    """
    if str(data.get("image_processor_type", "")).startswith("Siglip"):
        data = SIGLIP_PICTURES | {"size": {"height": image_size, "width": image_size}} | data
    for switch in ("do_resize", "do_rescale", "do_normalize"):
        if not data.get(switch, True):
            raise ValueError(f"{switch} is off, and only whole preprocessing is known here")
    if abs(data.get("rescale_factor", 1 / 255) - 1 / 255) > 1e-6:
        raise ValueError(f"rescale_factor is {data['rescale_factor']} instead of 1/255")
    names = {number: name for name, number in RESAMPLE.items()}
    resample = data.get("resample", 3)
    if resample not in names:
        raise ValueError(f"resample is {resample}; known are {RESAMPLE}")
    size = data.get("size", {"shortest_edge": image_size})
    squash = isinstance(size, dict) and "shortest_edge" not in size
    cropped = size if squash else data.get("crop_size", size)
    if side_of(cropped) != image_size:
        raise ValueError(
            f"pictures become {side_of(cropped)} pixels wide, and the model reads {image_size}"
        )
    if not squash and not data.get("do_center_crop", True):
        raise ValueError("do_center_crop is off, and the pictures would not become squares")
    shorter_side = None if squash or side_of(size) == image_size else side_of(size)
    mean, std = colour(data.get("image_mean", CLIP_MEAN)), colour(data.get("image_std", CLIP_STD))
    return Preprocess(image_size, mean, std, shorter_side, squash, names[resample])


def side_of(size) -> int:
    """Give the one number of a size, however it is written."""
    numbers = set(size.values()) if isinstance(size, dict) else {size}
    if len(numbers) != 1 or not all(type(number) is int and number > 0 for number in numbers):
        raise ValueError(f"{size} is not the size of a square")
    return numbers.pop()


def colour(value) -> tuple[float, float, float]:
    if not (
        isinstance(value, Sequence)
        and len(value) == 3
        and all(isinstance(each, int | float) for each in value)
    ):
        raise ValueError(f"image_mean and image_std must be three numbers each, not {value}")
    return tuple(value)


# -------------------- open_clip

# Settings of open_clip that ours has, or that change nothing about a model in use.
OPEN_CLIP_KNOWN = {
    "model_cfg": {
        "embed_dim",
        "vision_cfg",
        "text_cfg",
        "quick_gelu",
        "custom_text",
        "init_logit_scale",
        "init_logit_bias",
        "nonscalar_logit_scale",
    },
    "vision_cfg": {
        "image_size",
        "layers",
        "width",
        "patch_size",
        "head_width",
        "mlp_ratio",
        "patch_dropout",
        "output_tokens",
        "final_ln_after_pool",
    },
    "text_cfg": {
        "context_length",
        "vocab_size",
        "width",
        "heads",
        "layers",
        "mlp_ratio",
        "output_tokens",
        "hf_tokenizer_name",
        "eos_id",
        "pad_id",
        "final_ln_after_pool",
    },
}
# Others, with the only value that ours has. A tokenizer that changes a text in its own way is
# another one, too.
OPEN_CLIP_FIXED = {"pos_embed_type": "learnable", "block_type": "default", "proj_type": "linear"}
OPEN_CLIP_POOLS = {"vision_cfg": ("tok",), "text_cfg": ("argmax", "eos")}


def from_open_clip_config(data: dict) -> CLIPConfig:
    """Make a CLIP's configuration from open_clip_config.json.

    Raises:
        OtherModel: when it describes a model that ours is not.
        ValueError, LookupError, TypeError, AttributeError: when it describes none.
    """
    model = data["model_cfg"]
    image, text = model["vision_cfg"], model["text_cfg"]
    for section, settings in (("model_cfg", model), ("vision_cfg", image), ("text_cfg", text)):
        refuse_unknown_settings(section, settings)
    activation = "quick_gelu" if model.get("quick_gelu") else "gelu"
    layers, width, head_width = (
        image.get("layers", 12),
        image.get("width", 768),
        image.get("head_width", 64),
    )
    size = image.get("image_size", 224)
    image_config: ResNetConfig | ViTConfig
    if isinstance(layers, list):
        image_config = ResNetConfig(size, tuple(layers), width, 32 * width // head_width)
    else:
        image_config = ViTConfig(
            size,
            image.get("patch_size", 16),
            width,
            layers,
            width // head_width,
            activation,
            hidden_of(image, width),
        )
    text_width, vocab_size = text.get("width", 512), text.get("vocab_size", 49408)
    end = text.get("eos_id", 2) if text.get("pool_type") == "eos" else None
    text_config = TransformerConfig(
        vocab_size,
        text.get("context_length", 77),
        text_width,
        text.get("layers", 12),
        text.get("heads", 8),
        activation,
        hidden_of(text, text_width),
        end,
    )
    bias = model.get("init_logit_bias") is not None
    return CLIPConfig(model["embed_dim"], image_config, text_config, bias)


def refuse_unknown_settings(section: str, settings: Mapping) -> None:
    """Refuse settings of open_clip that are not known here.

    Raises:
        OtherModel: naming a setting that this package's ``CLIP`` does not have.
    """
    for name, value in settings.items():
        usual = value == OPEN_CLIP_FIXED.get(name) or (
            name == "pool_type" and value in OPEN_CLIP_POOLS.get(section, ())
        )
        if value and not usual and name not in OPEN_CLIP_KNOWN[section]:
            raise OtherModel(f"{section}.{name} is a setting that this CLIP does not have")


def hidden_of(tower: Mapping, width: int) -> int | None:
    """Give the width of the hidden layers, rounded as open_clip does."""
    return mlp_width(width, int(width * tower.get("mlp_ratio", 4.0)))


def mlp_ratio(tower: ViTConfig | TransformerConfig) -> dict:
    """Give the factor by which open_clip multiplies the width; nothing for the usual 4.

    open_clip rounds the product down.
    """
    return {} if tower.mlp_width is None else {"mlp_ratio": (tower.mlp_width + 0.5) / tower.width}


OPEN_CLIP_SIGMOID = {"init_logit_scale": SIGMOID_START[0], "init_logit_bias": SIGMOID_START[1]}


def open_clip_config(config: CLIPConfig, preprocess: Preprocess) -> dict:
    """Make open_clip_config.json of a model.

    Raises:
        ValueError: when open_clip has no such model.
    """
    image, text = config.image, config.text
    if not isinstance(image, ViTConfig | ResNetConfig) or not isinstance(text, TransformerConfig):
        raise ValueError(
            f"open_clip has no CLIP of {type(image).__name__} and {type(text).__name__}"
        )
    if "gelu_tanh" in (getattr(image, "activation", None), text.activation):
        raise ValueError("open_clip's CLIP has no gelu_tanh")
    if isinstance(image, ViTConfig) and image.activation != text.activation:
        raise ValueError(
            f"open_clip has one activation for both towers, not {image.activation} and "
            f"{text.activation}"
        )
    if isinstance(image, ResNetConfig):
        tower = {
            "layers": list(image.layers),
            "head_width": 32 * image.width // image.heads,
            "patch_size": None,
        }
    else:
        tower = {
            "layers": image.depth,
            "head_width": image.width // image.heads,
            "patch_size": image.patch_size,
            **mlp_ratio(image),
        }
    pooling = {} if text.end_token is None else {"pool_type": "eos", "eos_id": text.end_token}
    return {
        "model_cfg": {
            "embed_dim": config.embed_dim,
            "quick_gelu": text.activation == "quick_gelu",
            **(OPEN_CLIP_SIGMOID if config.logit_bias else {}),
            "vision_cfg": {"image_size": image.image_size, "width": image.width, **tower},
            "text_cfg": {
                "context_length": text.context_length,
                "vocab_size": text.vocab_size,
                "width": text.width,
                "heads": text.heads,
                "layers": text.depth,
                **mlp_ratio(text),
                **pooling,
            },
        },
        "preprocess_cfg": {
            "mean": list(preprocess.mean),
            "std": list(preprocess.std),
            "interpolation": preprocess.interpolation,
            "resize_mode": "squash" if preprocess.squash else "shortest",
        },
    }


def from_open_clip_preprocessing(data: dict, image_size: int) -> Preprocess:
    """Read the preprocessing of open_clip_config.json.

    Raises:
        ValueError: when it is not known here.
    """
    settings = data.get("preprocess_cfg", {})
    mode, interpolation = (
        settings.get("resize_mode", "shortest"),
        settings.get("interpolation", "bicubic"),
    )
    # of training; open_clip's own choice
    interpolation = "bicubic" if interpolation == "random" else interpolation
    if mode not in ("shortest", "squash") or interpolation not in RESAMPLE:
        raise ValueError(f"resize_mode {mode} with interpolation {interpolation} is not known here")
    mean, std = colour(settings.get("mean", CLIP_MEAN)), colour(settings.get("std", CLIP_STD))
    return Preprocess(image_size, mean, std, squash=mode == "squash", interpolation=interpolation)


# -------------------- from shapes alone


def config_of_weights(state: Mapping[str, Tensor], activation: str = "quick_gelu") -> CLIPConfig:
    """Infer a model's configuration from its weights, which have OpenAI's names.

    All but the activation and the number of heads shows in their shapes.

    OpenAI's heads are 64 wide, those of other models are not (LAION's ViT-H/14 has 80), so weights
    are taken for OpenAI's only where they are: in the form of OpenAI's own files, or of the shapes
    of one of the paper's models.

    Raises:
        KeyError: with the name of a weight that no CLIP is without.
        ValueError: when the number of heads cannot be known.
    """
    vocab_size, width = state["token_embedding.weight"].shape
    text = TransformerConfig(
        vocab_size,
        len(state["positional_embedding"]),
        width,
        count_blocks(state, "transformer.resblocks."),
        width // 64,
        activation,
    )
    image = (
        vit_of_weights(state, activation) if "visual.proj" in state else resnet_of_weights(state)
    )
    config = CLIPConfig(state["text_projection"].shape[1], image, text)
    if "input_resolution" not in state and not any(
        like(config, CLIPConfig.named(name)) for name in PAPER_MODELS
    ):
        what_now = f"put the model's {OPEN_CLIP_CONFIG} beside them"
        raise ValueError(
            f"the number of attention heads cannot be known from weights alone; {what_now}"
        )
    return config


def like(config: CLIPConfig, known: CLIPConfig) -> bool:
    """Say whether the towers have the same widths, blocks and patches.

    Pictures, texts and vocabulary may be larger.
    """
    image = replace(known.image, image_size=config.image_size)
    if isinstance(config.image, ViTConfig) and isinstance(image, ViTConfig):
        image = replace(image, activation=config.image.activation)
    text, other = config.text, known.text
    assert isinstance(text, TransformerConfig) and isinstance(other, TransformerConfig)
    return config.image == image and (text.width, text.depth) == (other.width, other.depth)


def vit_of_weights(state: Mapping[str, Tensor], activation: str) -> ViTConfig:
    width, _, patch_size, _ = state["visual.conv1.weight"].shape
    size = patch_size * side_of_grid(state["visual.positional_embedding"])
    depth = count_blocks(state, "visual.transformer.resblocks.")
    return ViTConfig(size, patch_size, width, depth, width // 64, activation)


def resnet_of_weights(state: Mapping[str, Tensor]) -> ResNetConfig:
    width = state["visual.conv3.weight"].shape[0]
    first, second, third, fourth = (
        count_blocks(state, f"visual.layer{number}.") for number in (1, 2, 3, 4)
    )
    size = 32 * side_of_grid(state["visual.attnpool.positional_embedding"])
    return ResNetConfig(size, (first, second, third, fourth), width, width // 2)


def side_of_grid(positions: Tensor) -> int:
    """Give the number of places a side, from the positions of all places and one more."""
    return round((len(positions) - 1) ** 0.5)


def count_blocks(state: Mapping[str, Tensor], prefix: str) -> int:
    return len(
        {name.removeprefix(prefix).split(".")[0] for name in state if name.startswith(prefix)}
    )
