"""What to train: a model, a world and a recipe, under a name or in a JSON file.

A preset's training starts from random weights.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from clipbench.data.streams import DrawnPairs, Scene2Pairs, ScenePairs
from clipbench.data.world.evaluation_sets import EVALUATION_SEED
from clipbench.data.world.factors import SceneConfig
from clipbench.data.world2.settings import World2
from clipbench.errors import UserError, did_you_mean
from clipbench.model import (
    CLIP,
    CLIPConfig,
    TextTransformer,
    TransformerConfig,
    ViTConfig,
    blocks_in,
)
from clipbench.objectives import JOINT
from clipbench.preprocess import Preprocess
from clipbench.pretrained.bundle import ModelBundle
from clipbench.pretrained.folders import empty_model, world_tokenizer
from clipbench.training.machine import Machine
from clipbench.training.recipe import TrainConfig
from clipbench.training.trainer import Trainer


@dataclass(frozen=True)
class Preset:
    """A training run without the name of its data and without its seed."""

    model: CLIPConfig
    train: TrainConfig
    tiny_world: bool = False  # 256 concepts instead of all
    scenes: SceneConfig = field(default_factory=SceneConfig)
    scenes2: World2 | None = None  # a preset with it is for the second world

    @property
    def data(self) -> str:
        """The name of the data that it trains on, unless told otherwise."""
        return "scenes" if self.scenes2 is None else "scenes2"

    def to_dict(self) -> dict:
        second = {} if self.scenes2 is None else {"scenes2": asdict(self.scenes2)}
        return second | {
            "model": self.model.to_dict(),
            "train": asdict(self.train),
            "tiny_world": self.tiny_world,
            "scenes": asdict(self.scenes),
        }

    @classmethod
    def from_dict(cls, data: dict) -> "Preset":
        """Make a preset from the entries of ``Preset.to_dict``.

        Raises:
            ValueError or TypeError: for entries that do not exist or do not fit.
        """
        second = data.get("scenes2")
        return cls(
            model=CLIPConfig.from_dict(data["model"]),
            train=TrainConfig(**tuples(data.get("train", {}))),
            tiny_world=bool(data.get("tiny_world", False)),
            scenes=SceneConfig(**tuples(data.get("scenes", {}))),
            scenes2=None if second is None else World2(**tuples(second)),
        )


def tuples(data: dict) -> dict:
    """Turn lists into tuples, which JSON does not have."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }


PRESETS = {
    # eight captions for each picture: drawing and encoding a picture is most of a step
    "tiny": Preset(
        CLIPConfig.tiny(),
        TrainConfig(batch_size=128, minutes=3.0, linear_fall=0.6),
        tiny_world=True,
        scenes=SceneConfig(captions=8),
    ),
    # its recipe until November 2026, of the shipped model, its ablations and their records
    "tiny-one-caption": Preset(
        CLIPConfig.tiny(), TrainConfig(batch_size=128, minutes=3.0), tiny_world=True
    ),
    "classroom": Preset(
        CLIPConfig.classroom(),
        TrainConfig(
            batch_size=256, minutes=85.0, matrix_learning_rate=0.01, warmup=0.02, patch_dropout=0.5
        ),
    ),
    # the tiny model's world and text encoder with a ViT: no BatchNorm, so micro-batches and several
    # processes are exact
    "tiny-vit": Preset(
        replace(
            CLIPConfig.tiny(),
            image=ViTConfig(64, patch_size=8, width=192, depth=4, heads=3, activation="gelu"),
        ),
        TrainConfig(batch_size=128, minutes=3.0),
        tiny_world=True,
    ),
    # for the second world; 7.7 M parameters
    "classroom2": Preset(
        CLIPConfig(
            embed_dim=256,
            image=ViTConfig(64, patch_size=8, width=224, depth=9, heads=7, activation="gelu"),
            text=TransformerConfig(
                4096, context_length=32, width=192, depth=3, heads=3, activation="gelu"
            ),
        ),
        TrainConfig(
            batch_size=512, pairs=4_300_000, matrix_learning_rate=0.01, warmup=0.02, averaging=0.999
        ),
        scenes2=World2(),
    ),
    "tiny2": Preset(
        CLIPConfig.tiny(),
        TrainConfig(batch_size=128, minutes=3.0),
        tiny_world=True,
        scenes2=World2(),
    ),
}


def find_preset(name: str) -> Preset:
    """Find a preset by name, or read it from a JSON file written like ``Preset.to_dict``.

    Raises:
        UserError: for an unknown name, or a file that does not describe a preset.
    """
    if name in PRESETS:
        return PRESETS[name]
    path = Path(name)
    if path.suffix != ".json" or not path.exists():
        meant = did_you_mean(name, PRESETS)
        raise UserError(
            f"unknown preset {name!r}{meant}; choose from {', '.join(PRESETS)} or give a .json file"
        )
    try:
        preset = Preset.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} does not describe a preset: {error}") from None
    empty_model(preset.model, path)
    words = len(world_tokenizer())
    if preset.model.text.vocab_size < words:
        raise UserError(
            f"{path}: vocab_size must be at least {words}, the size of the world's vocabulary"
        )
    return preset


def with_budget(preset: Preset, minutes: float | None, pairs: int | None, **changes) -> Preset:
    """Give the preset with another budget and other settings.

    The budget is either minutes or pairs; the other one is dropped.
    """
    if minutes is not None or pairs is not None:
        changes |= {"minutes": minutes, "pairs": pairs}
    return replace(preset, train=replace(preset.train, **changes))


def untrained(preset: Preset) -> ModelBundle:
    """Give the preset's model with random weights, with its tokenizer and preprocessing.

    Call ``torch.manual_seed`` first to choose which weights are drawn.
    """
    model = CLIP(preset.model)
    # a language model starts worse so
    if preset.train.bag_of_words_start and preset.train.objective in JOINT:
        start_as_bag_of_words(model)
    tokenizer = world_tokenizer(preset.model.context_length)
    return ModelBundle(model, tokenizer, Preprocess(preset.model.image_size))


@torch.no_grad()
def start_as_bag_of_words(model: CLIP) -> None:
    """Let the text transformer begin as a mean of word vectors.

    Attention starts near uniform, and its values are passed on unchanged.

    From the paper's initial weights the words reach the end-of-text token through random matrices,
    and a small model spends its first minutes learning to let them pass (EXPERIMENTS.md). Only
    initial weights change.
    """
    if not isinstance(model.text_encoder, TextTransformer):
        return
    for block in blocks_in(model.text_encoder):
        W = block.attention.out_proj.in_features
        block.attention.in_proj.weight[: 2 * W] *= 0.1
        for matrix in (block.attention.in_proj.weight[2 * W :], block.attention.out_proj.weight):
            matrix.copy_(0.7 * torch.eye(W) + 0.03 * torch.randn(W, W))


def scenes_of(
    preset: Preset, seed: int, device: torch.device | str = "cpu", data: str | None = None
) -> DrawnPairs:
    """Give an endless stream of captioned scenes.

    Args:
        data: "scenes" or "scenes2"; None takes the preset's own world.

    Raises:
        UserError: for a seed that belongs to the evaluation.
    """
    if seed >= EVALUATION_SEED:
        raise UserError(
            f"seeds from {EVALUATION_SEED} on belong to the evaluation; train with a smaller one"
        )
    place = (preset.tiny_world, preset.model.image_size, device)
    if (data or preset.data) == "scenes2":
        return Scene2Pairs(seed, preset.scenes2 or World2(), *place)
    return ScenePairs(seed, preset.scenes, *place)


def scene_trainer(preset: Preset, seed: int = 0, **machine) -> Trainer:
    """Make a training run from random weights on the preset's own world; it leaves no files.

    Args:
        machine: fields of ``Machine``, such as ``device`` and ``threads``.

    Raises:
        UserError: see ``scenes_of`` and ``Trainer``.
    """
    torch.manual_seed(seed)
    bundle, stream = untrained(preset), scenes_of(preset, seed)
    return Trainer(bundle, stream, preset.train, machine=Machine(**machine))
