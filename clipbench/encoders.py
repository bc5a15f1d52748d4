"""The one contract between models and everything that uses them: evaluators, widgets, notebooks.

An ``Encoder`` takes pictures and texts and gives unit vectors. ``load`` finds or builds one for every model name of the
command line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from clipbench.adapters import TransformersEncoder, is_siglip_folder, load_transformers
from clipbench.model import CLIP
from clipbench.precision import choose_precision, fingerprint_of, in_precision
from clipbench.preprocess import Preprocess
from clipbench.pretrained import find_folder, load_pretrained
from clipbench.tokenizer import Tokenizer


@runtime_checkable
class Encoder(Protocol):
    """Pictures and texts to unit vectors of one space. All outputs are float32 on the CPU or the model's device."""

    name: str  # what the user called the model
    embed_dim: int  # D
    scale: float  # what cosine similarities are multiplied by before a softmax
    fingerprint: str  # hash of weights, tokenizer and preprocessing: the same fingerprint gives the same features

    def preprocess(self, pictures: Sequence[Image.Image]) -> Float[Tensor, "B 3 H W"]:
        """Pictures to the model's input."""

    def encode_image(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B D"]:
        """Unit vectors of the joint space."""

    def image_tower(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B W"]:
        """Features before the projection, what a linear probe reads."""

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "B D"]:
        """Unit vectors of the joint space."""

    def tokens(self, text: str) -> list[str]:
        """The words and pieces that the model reads."""


class ClipbenchEncoder:
    """An encoder made of this package's own CLIP."""

    def __init__(self, model: CLIP, tokenizer: Tokenizer, preprocess: Preprocess, name: str = "clip",
                 device: torch.device | str = "cpu", precision: str = "fp32"):  # fmt: skip
        self.precision = choose_precision(precision, device)
        self.model = in_precision(model.to(device).eval(), self.precision)
        self.tokenizer, self.name, self.device = tokenizer, name, torch.device(device)
        self._preprocess = preprocess
        self._fingerprint: str | None = None

    @property
    def embed_dim(self) -> int:
        return self.model.config.embed_dim

    @property
    def scale(self) -> float:
        return float(self.model.scale.detach())

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights, and so of the pictures."""
        return self.model.image_projection.weight.dtype

    @property
    def image_size(self) -> int:
        return self.model.config.image_size

    @property
    def context_length(self) -> int:
        return self.tokenizer.context_length

    @property
    def fingerprint(self) -> str:
        """Computed when first asked for; a model that goes on training must not be asked."""
        if self._fingerprint is None:
            lower = () if self.precision == "fp32" else (self.precision,)
            settings = (self.model.config, self._preprocess)
            self._fingerprint = fingerprint_of(self.model, settings, self.tokenizer.merges, *lower)
        return self._fingerprint

    def preprocess(self, pictures: Sequence[Image.Image]) -> Tensor:
        return self._preprocess(list(pictures)).to(self.device)

    def square(self, picture: Image.Image) -> Tensor:
        """What the model sees of a picture: (3, S, S) uint8."""
        return self._preprocess.square(picture)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels from 0 to 255 (B, 3, S, S) to the model's input; gradients pass."""
        return self._preprocess.normalise(pixels)

    @torch.inference_mode()
    def encode_image(self, images: Tensor) -> Tensor:
        return self.model.encode_image(images.to(self.dtype))

    @torch.inference_mode()
    def image_tower(self, images: Tensor) -> Tensor:
        return self.model.image_encoder(images.to(self.dtype)).float()

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str]) -> Tensor:
        return self.model.encode_text(self.tokenizer(list(texts)).to(self.device))

    def tokens(self, text: str) -> list[str]:
        return self.tokenizer.tokens(text)


def load(
    name: str | Path = "classroom", device: torch.device | str = "cpu", precision: str = "fp32"
) -> ClipbenchEncoder | TransformersEncoder:
    """The encoder that a model name stands for: ``tiny``, ``classroom``, a model folder, a hub id or a training run.

    CLIPs are read into this package's own model, SigLIPs are left to transformers.

    Args:
        precision: of the weights: "fp32", which evaluations use; "bf16" or "fp16"; or "auto", what the device
            multiplies fast, for embedding many pictures.

    Raises:
        UserError: when there is no such model, or its files are damaged.
    """
    folder = find_folder(name)
    if is_siglip_folder(folder):
        return load_transformers(folder, str(name), device, precision)
    model, tokenizer, preprocess = load_pretrained(folder)
    return ClipbenchEncoder(model, tokenizer, preprocess, str(name), device, precision)
