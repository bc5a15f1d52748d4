"""clipbench: CLIP to run, poke and break.

The letters of every shape in this package: B pairs in a batch, N image tokens, T text tokens, W an encoder's width,
D embed_dim (the joint space), C classes, P templates, M rows of a data set, K top-k, S pixels a side.
"""

import os

# A thread that waits for another one must sleep, not spin: beside a second busy program, spinning threads made a
# training step many times slower (EXPERIMENTS.md). It has to be said before torch starts its threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Large tensors in large memory pages: a training step touches so much fresh memory that the system's page faults
# took a tenth of it.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

from clipbench.data.picture_sets import PictureSet, open_pictures
from clipbench.encoders import ClipbenchEncoder, Encoder, load
from clipbench.errors import UserError
from clipbench.evaluate.features import image_features, text_features
from clipbench.evaluate.zero_shot import zero_shot_metrics, zero_shot_weights
from clipbench.loss import clip_loss, siglip_loss, tiled_clip_loss
from clipbench.model import CLIP, CLIPConfig
from clipbench.preprocess import open_picture
from clipbench.tokenizer import Tokenizer
from clipbench.train import TrainConfig, Trainer

__all__ = [
    "CLIP", "CLIPConfig", "ClipbenchEncoder", "Encoder", "PictureSet", "Tokenizer", "TrainConfig", "Trainer",
    "UserError", "clip_loss", "image_features", "load", "open_picture", "open_pictures", "siglip_loss", "text_features",
    "tiled_clip_loss", "zero_shot_metrics", "zero_shot_weights",
]  # fmt: skip
