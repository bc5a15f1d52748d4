"""clipbench: CLIP to run, poke and break.

The letters of every shape in this package: B pairs in a batch, N image tokens, T text tokens, W an
encoder's width, D embed_dim (the joint space), C classes, P templates, M rows of a data set, K
top-k, S pixels per side.

A name below is imported when it is first used (PEP 562), so that the command line answers without
torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from clipbench.compute.environment import prepare_for_torch

if TYPE_CHECKING:  # for editors and type checkers
    from clipbench.data.image_set import PictureSet
    from clipbench.data.open import open_pictures
    from clipbench.encoders.clip import ClipbenchEncoder, Encoder, ImageEncoder, load
    from clipbench.errors import UserError
    from clipbench.evaluate.features.compute import image_features, text_features
    from clipbench.evaluate.features.feature_file import cached_image_features
    from clipbench.evaluate.zero_shot import zero_shot_metrics, zero_shot_weights
    from clipbench.loss import clip_loss, siglip_loss, tiled_clip_loss
    from clipbench.model import CLIP, CLIPConfig
    from clipbench.preprocess import open_picture
    from clipbench.pretrained.bundle import ModelBundle
    from clipbench.tokenizer import Tokenizer
    from clipbench.training.machine import Machine
    from clipbench.training.recipe import TrainConfig
    from clipbench.training.trainer import Trainer

HOMES = {  # the same, at run time: a public name -> its module
    "CLIP": "clipbench.model",
    "CLIPConfig": "clipbench.model",
    "ClipbenchEncoder": "clipbench.encoders.clip",
    "Encoder": "clipbench.encoders.clip",
    "ImageEncoder": "clipbench.encoders.clip",
    "Machine": "clipbench.training.machine",
    "ModelBundle": "clipbench.pretrained.bundle",
    "PictureSet": "clipbench.data.image_set",
    "Tokenizer": "clipbench.tokenizer",
    "TrainConfig": "clipbench.training.recipe",
    "Trainer": "clipbench.training.trainer",
    "UserError": "clipbench.errors",
    "cached_image_features": "clipbench.evaluate.features.feature_file",
    "clip_loss": "clipbench.loss",
    "image_features": "clipbench.evaluate.features.compute",
    "load": "clipbench.encoders.clip",
    "open_picture": "clipbench.preprocess",
    "open_pictures": "clipbench.data.open",
    "siglip_loss": "clipbench.loss",
    "text_features": "clipbench.evaluate.features.compute",
    "tiled_clip_loss": "clipbench.loss",
    "zero_shot_metrics": "clipbench.evaluate.zero_shot",
    "zero_shot_weights": "clipbench.evaluate.zero_shot",
}

__all__ = [
    "CLIP",
    "CLIPConfig",
    "ClipbenchEncoder",
    "Encoder",
    "ImageEncoder",
    "Machine",
    "ModelBundle",
    "PictureSet",
    "Tokenizer",
    "TrainConfig",
    "Trainer",
    "UserError",
    "cached_image_features",
    "clip_loss",
    "image_features",
    "load",
    "open_picture",
    "open_pictures",
    "siglip_loss",
    "text_features",
    "tiled_clip_loss",
    "zero_shot_metrics",
    "zero_shot_weights",
]

prepare_for_torch()


def __getattr__(name: str):
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
