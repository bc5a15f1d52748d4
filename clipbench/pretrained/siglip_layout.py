"""SigLIP in open_clip's layout, read as the model that transformers has for it.

open_clip runs SigLIP's image encoder through timm, so its weights have timm's names, and its
settings hold little more than the encoder's name there. transformers computes the same model under
other names. Members of the family differ in which GELU they have: of the image encoder timm's table
of models says that (version 1.0.31), of the text encoder open_clip's settings.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

NAME = re.compile(r"vit_(base|large|so400m|giantopt)_patch(\d+)_siglip_(\d+)")
HEADS = {"base": 12, "large": 16, "so400m": 16, "giantopt": 16}
# whose activation in timm is GELU's approximation by a tanh
TANH = re.compile(r"vit_(base_patch32|large_patch16_siglip_512|so400m_patch16|giantopt)")

RENAMED = (  # a pattern in open_clip's name, and what stands there in transformers'
    (r"^visual\.trunk\.patch_embed\.proj\.", "vision_model.embeddings.patch_embedding."),
    (r"^visual\.trunk\.pos_embed$", "vision_model.embeddings.position_embedding.weight"),
    (r"^visual\.trunk\.norm\.", "vision_model.post_layernorm."),
    (r"^visual\.trunk\.attn_pool\.latent$", "vision_model.head.probe"),
    (r"^visual\.trunk\.attn_pool\.proj\.", "vision_model.head.attention.out_proj."),
    (r"^visual\.trunk\.attn_pool\.norm\.", "vision_model.head.layernorm."),
    (r"^visual\.trunk\.attn_pool\.", "vision_model.head."),
    (r"^visual\.trunk\.blocks\.(\d+)\.norm", r"vision_model.encoder.layers.\1.layer_norm"),
    (
        r"^visual\.trunk\.blocks\.(\d+)\.attn\.proj\.",
        r"vision_model.encoder.layers.\1.self_attn.out_proj.",
    ),
    (r"^visual\.trunk\.blocks\.(\d+)\.attn\.", r"vision_model.encoder.layers.\1.self_attn."),
    (r"^visual\.trunk\.blocks\.", "vision_model.encoder.layers."),
    (r"^text\.token_embedding\.", "text_model.embeddings.token_embedding."),
    (r"^text\.positional_embedding$", "text_model.embeddings.position_embedding.weight"),
    (r"^text\.ln_final\.", "text_model.final_layer_norm."),
    (r"^text\.text_projection\.", "text_model.head."),
    (r"^text\.transformer\.resblocks\.(\d+)\.ln_", r"text_model.encoder.layers.\1.layer_norm"),
    (r"^text\.transformer\.resblocks\.(\d+)\.attn\.", r"text_model.encoder.layers.\1.self_attn."),
    (
        r"^text\.transformer\.resblocks\.(\d+)\.mlp\.c_fc\.",
        r"text_model.encoder.layers.\1.mlp.fc1.",
    ),
    (
        r"^text\.transformer\.resblocks\.(\d+)\.mlp\.c_proj\.",
        r"text_model.encoder.layers.\1.mlp.fc2.",
    ),
)
# queries, keys and values in one tensor
FUSED = re.compile(r"(.*\.self_attn)\.(?:qkv\.|in_proj_)(weight|bias)$")
# whose queries are apart from keys and values; transformers has the three in one
POOL = "visual.trunk.attn_pool."


def is_siglip(model: Mapping) -> bool:
    """Say whether the ``model_cfg`` of open_clip_config.json is a SigLIP's of known shape."""
    vision, text = model.get("vision_cfg", {}), model.get("text_cfg", {})
    return bool(
        NAME.fullmatch(vision.get("timm_model_name") or "")
        and vision.get("timm_pool") == "map"
        and vision.get("timm_proj") in ("none", "", None)
        and text.get("pool_type") == "last"
        and text.get("no_causal_mask")
        and text.get("proj_bias")
        and not text.get("hf_model_name")
    )


def siglip_config(model: Mapping, state: Mapping[str, Tensor]) -> dict:
    """Make transformers' settings of the model, from open_clip's and its weights' shapes.

    Raises:
        KeyError: with the name of a weight that is missing.
        ValueError: for a model that ``is_siglip`` is not true of.
    """
    vision, text = model["vision_cfg"], model["text_cfg"]
    name = vision["timm_model_name"]
    if (parts := NAME.fullmatch(name)) is None:
        raise ValueError(f"{name} is no SigLIP of timm")
    size, patch, pixels = parts.groups()
    approximate = (text.get("act_kwargs") or {}).get("approximate")
    norm = (text.get("norm_kwargs") or {}).get("eps", 1e-5)
    blocks = "visual.trunk.blocks."
    return {
        "model_type": "siglip",
        "vision_config": {
            "image_size": vision.get("image_size", int(pixels)),
            "patch_size": int(patch),
            "hidden_size": state["visual.trunk.norm.weight"].shape[0],
            "num_attention_heads": HEADS[size],
            "num_hidden_layers": len(
                {key.removeprefix(blocks).split(".")[0] for key in state if blocks in key}
            ),
            "intermediate_size": state[f"{blocks}0.mlp.fc1.weight"].shape[0],
            "layer_norm_eps": 1e-6,
            "hidden_act": "gelu_pytorch_tanh" if TANH.match(name) else "gelu",
        },
        "text_config": {
            "vocab_size": text["vocab_size"],
            "max_position_embeddings": text["context_length"],
            "hidden_size": text["width"],
            "num_attention_heads": text["heads"],
            "num_hidden_layers": text["layers"],
            "intermediate_size": int(text["width"] * text.get("mlp_ratio", 4.0)),
            "layer_norm_eps": norm,
            "projection_size": model["embed_dim"],
            "hidden_act": "gelu_pytorch_tanh" if approximate == "tanh" else "gelu",
        },
    }


def to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the weights under the names and in the shapes of transformers' SiglipModel.

    Raises:
        KeyError: with the name of a weight that is missing.
    """
    theirs = {}
    for kind in ("weight", "bias"):
        pooling = [state[f"{POOL}{part}.{kind}"] for part in ("q", "kv")]
        theirs[f"vision_model.head.attention.in_proj_{kind}"] = torch.cat(pooling)
    for name, tensor in state.items():
        if name.startswith((f"{POOL}q.", f"{POOL}kv.")):
            continue
        renamed = in_transformers(name)
        if fused := FUSED.fullmatch(renamed):
            pieces = zip("qkv", tensor.chunk(3), strict=True)
            theirs |= {
                f"{fused[1]}.{part}_proj.{fused[2]}": piece.contiguous() for part, piece in pieces
            }
        elif name in ("logit_scale", "logit_bias"):
            theirs[name] = tensor.reshape(1)
        else:
            theirs[renamed] = tensor[0] if name == "visual.trunk.pos_embed" else tensor
    return theirs


def in_transformers(name: str) -> str:
    for pattern, replacement in RENAMED:
        name, found = re.subn(pattern, replacement, name)
        if found:
            return name
    return name
