"""Checkpoints of random weights with the real vocabulary, in the published layouts."""

import json
from pathlib import Path

import torch
from open_clip_reference import real_tokenizer

from clipbench.model import CLIP, CLIPConfig, ResNetConfig, TransformerConfig, ViTConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import save_open_clip, save_pretrained
from clipbench.pretrained.random_weights import ABOUT

HUB_ID = "openai/clip-vit-base-patch32"
# ViT-B/32 as the hub has it, in everything but its widths: sizes, blocks, heads, vocabulary.
NARROW = CLIPConfig(
    512,
    ViTConfig(224, 32, width=96, depth=12, heads=12),
    TransformerConfig(49408, 77, width=64, depth=12, heads=8),
)


def write_checkpoint(folder: Path, config: CLIPConfig) -> Path:
    """Write a model folder: transformers' layout, or open_clip's for ResNets."""
    torch.manual_seed(0)
    save = save_open_clip if isinstance(config.image, ResNetConfig) else save_pretrained
    save(folder, CLIP(config).eval(), real_tokenizer(), Preprocess(config.image_size))
    (folder / "about.json").write_text(json.dumps(ABOUT))
    return folder


def write_hub_cache(home: Path, config: CLIPConfig = NARROW) -> Path:
    """Write an HF_HOME in whose cache HUB_ID is such a model, as if it had been downloaded."""
    owner, name = HUB_ID.split("/")
    snapshots = home / "hub" / f"models--{owner}--{name}" / "snapshots"
    snapshots.mkdir(parents=True)
    write_checkpoint(snapshots / "random", config)
    return home
