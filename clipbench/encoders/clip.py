"""The two contracts between models and everything that uses them: evaluators, widgets, notebooks.

An ``ImageEncoder`` takes pictures and gives features, for probes. An ``Encoder`` is one that also
takes texts, and gives unit vectors of a space in which both are compared. ``load`` finds or builds
one of them for every model name of the command line.
"""

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeGuard, runtime_checkable

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from clipbench.compute.devices import pick_device
from clipbench.compute.limits import advice_on_memory, memory_limit
from clipbench.compute.precision import answer, choose_precision, fingerprint_of, in_precision
from clipbench.encoders.familiarity import Familiarity, Reference, read_reference, statistics_of
from clipbench.encoders.foreign import OpenClipEncoder, TransformersEncoder
from clipbench.encoders.foreign_models import open_foreign
from clipbench.errors import UserError
from clipbench.model import CLIP
from clipbench.objectives import Objective
from clipbench.objectives.stored import read_objective
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import ForeignModel, find_folder, load_pretrained
from clipbench.pretrained.random_weights import marked
from clipbench.tokenizer import Tokenizer

AT_ONCE = 64  # pictures of which statistics are computed


@runtime_checkable
class ImageEncoder(Protocol):
    """Pictures to features: what any model can do, whatever it was trained for.

    All outputs are float32 on the CPU, wherever the model runs, and inputs may lie anywhere: who
    uses an encoder never names a device.
    """

    name: str  # what the user called the model

    @property
    def fingerprint(self) -> str:
        """The hash of weights, tokenizer and preprocessing.

        The same fingerprint gives the same features.
        """

    def preprocess(self, pictures: Sequence[Image.Image]) -> Float[Tensor, "B 3 H W"]:
        """Turn pictures into the model's input."""

    def image_tower(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B W"]:
        """Give features before the projection, which a linear probe reads."""


@runtime_checkable
class Encoder(ImageEncoder, Protocol):
    """Pictures and texts to unit vectors of one space."""

    @property
    def embed_dim(self) -> int:
        """The dimension D of the joint space."""

    @property
    def scale(self) -> float:
        """The factor that cosine similarities are multiplied by before a softmax."""

    def encode_image(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B D"]:
        """Give the pictures' unit vectors in the joint space."""

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "B D"]:
        """Give the texts' unit vectors in the joint space."""

    def tokens(self, text: str) -> list[str]:
        """Give the words and pieces that the model reads."""


class ClipbenchImageEncoder:
    """What the encoders of this package's own CLIP share: the way from pictures to features.

    Args:
        device: where the model is to run; None leaves it where it is.
        precision: of the weights; see ``load``.
    """

    def __init__(
        self,
        model: CLIP,
        tokenizer: Tokenizer,
        preprocess: Preprocess,
        name: str = "clip",
        device: torch.device | str | None = None,
        precision: str | None = "fp32",
    ):
        if device is not None:
            model.to(pick_device(device))
        self.device = next(model.parameters()).device
        self.precision = choose_precision(precision, self.device)
        self.model = in_precision(model.eval(), self.precision)
        self.tokenizer, self.name = tokenizer, name
        self._preprocess = preprocess
        self.reference = Reference()  # of the world that it was trained on

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the weights, and so of the pictures."""
        return self.model.image_projection.weight.dtype

    @property
    def image_size(self) -> int:
        return self.model.config.image_size

    @property
    def context_length(self) -> int:
        return self.tokenizer.context_length

    def preprocess(self, pictures: Sequence[Image.Image]) -> Tensor:
        return self._preprocess(list(pictures))

    def square(self, picture: Image.Image) -> Tensor:
        """Give what the model sees of a picture: (3, S, S) uint8."""
        return self._preprocess.square(picture)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Normalise pixels from 0 to 255 (B, 3, S, S) to the model's input; gradients pass."""
        return self._preprocess.normalise(pixels)

    @torch.inference_mode()
    def image_tower(self, images: Tensor, on_device: bool = False) -> Tensor:
        return answer(self.model.image_encoder(images.to(self.device, self.dtype)), on_device)

    def familiarity(
        self, pictures: Sequence[Image.Image] = (), texts: Sequence[str] = ()
    ) -> Familiarity:
        """Say how far pictures and texts lie within what the model was trained on.

        Shipped models know; of others nothing is known, and the answer is empty.
        """
        known = self.reference.of_texts(texts)
        if self.reference.scenes is None or not len(pictures):
            return known
        shares = [
            self.reference.scenes.shares(self._statistics(pictures[start : start + AT_ONCE]))
            for start in range(0, len(pictures), AT_ONCE)
        ]
        return replace(known, shares=sum(shares, ()))

    def _statistics(self, pictures: Sequence[Image.Image]) -> Float[Tensor, "B F"]:
        images = self.preprocess(pictures).to(self.device, self.dtype)
        return statistics_of(self.model, images)


class ClipbenchEncoder(ClipbenchImageEncoder):
    """An encoder made of this package's own CLIP.

    Code that goes on computing where the model is (training, steering) asks for it: with
    ``on_device=True`` an answer stays on the model's device, with ``gradients=True`` gradients pass
    from ``encode_image``'s answer to the pictures and the weights. Weights in fp32 are asked for by
    ``precision="fp32"``.
    """

    @property
    def embed_dim(self) -> int:
        return self.model.config.embed_dim

    @property
    def scale(self) -> float:
        return float(self.model.scale.detach())

    @property
    def bias(self) -> float:
        """The bias on the scaled similarities of a model with the sigmoid loss; 0 for others."""
        bias = self.model.logit_bias
        return 0.0 if bias is None else float(bias.detach())

    @cached_property
    def fingerprint(self) -> str:
        """The hash, computed when first asked for.

        A model that goes on training must not be asked.
        """
        lower = () if self.precision == "fp32" else (self.precision,)
        config, preprocess, merges = self.settings
        return fingerprint_of(self.model, (config, preprocess), merges, *lower)

    @property
    def settings(self) -> tuple:
        """What features depend on beside the weights: (shape, preprocessing, vocabulary)."""
        return self.model.config, self._preprocess, self.tokenizer.merges

    def with_model(self, model: CLIP, name: str) -> "ClipbenchEncoder":
        """Put another model of the same shape behind the same preprocessing and vocabulary."""
        return ClipbenchEncoder(
            model.to(self.device), self.tokenizer, self._preprocess, name, None, self.precision
        )

    def encode_image(
        self, images: Tensor, on_device: bool = False, gradients: bool = False
    ) -> Tensor:
        with nullcontext() if gradients else torch.inference_mode():
            return answer(self.model.encode_image(images.to(self.device, self.dtype)), on_device)

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str], on_device: bool = False) -> Tensor:
        return answer(
            self.model.encode_text(self.tokenizer(list(texts)).to(self.device)), on_device
        )

    def tokens(self, text: str) -> list[str]:
        return self.tokenizer.tokens(text)


class RivalEncoder(ClipbenchImageEncoder):
    """A model that was trained with another objective than CLIP's.

    It has no joint space of pictures and texts.

    It gives features before the projection, for probes, and scores classes in the way of its
    objective.
    """

    def __init__(
        self,
        objective: Objective,
        tokenizer: Tokenizer,
        preprocess: Preprocess,
        name: str = "rival",
        device: torch.device | str | None = None,
        precision: str | None = None,
    ):
        if precision not in (None, "fp32"):
            raise UserError(
                f"{name} was trained with {objective.name}: such models run in fp32 only"
            )
        super().__init__(objective.clip, tokenizer, preprocess, name, device)
        self.objective = (objective if device is None else objective.to(self.device)).eval()
        self.ensemble = f"as {objective.name} has it"  # how class_scores averages templates

    @cached_property
    def fingerprint(self) -> str:
        """The hash, computed when first asked for."""
        settings = (self.model.config, self._preprocess, self.objective.about())
        return fingerprint_of(self.objective, settings, self.tokenizer.merges)

    @torch.inference_mode()
    def class_scores(
        self, features: Float[Tensor, "B W"], class_names: Sequence[str], templates: Sequence[str]
    ) -> Float[Tensor, "B C"]:
        """Score how well each class fits a picture, from its features before the projection.

        See the objectives.

        Raises:
            UserError: when the objective cannot answer that.
        """
        scores = self.objective.class_scores(
            features.to(self.device), class_names, templates, self.tokenizer
        )
        return scores.to(features.device)


class PicturesOnly:
    """The image encoder of any model, before its projection.

    It gives unit vectors of pictures, and takes no texts.
    """

    def __init__(self, encoder: ImageEncoder):
        self.encoder, self.name, self.preprocess = encoder, encoder.name, encoder.preprocess

    @property
    def fingerprint(self) -> str:
        return f"{self.encoder.fingerprint}-tower"

    def encode_image(self, images: Tensor) -> Tensor:
        return torch.nn.functional.normalize(self.image_tower(images), dim=-1)

    def image_tower(self, images: Tensor) -> Tensor:
        return self.encoder.image_tower(images)


def untrained(encoder: ImageEncoder, seed: int = 0) -> ClipbenchEncoder | None:
    """Make an encoder of the same shape with random weights: what architecture alone can do.

    None of a model of another library, whose shape this package does not know.
    """
    if not isinstance(encoder, ClipbenchImageEncoder):
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIP(encoder.model.config)
    place = encoder.device, encoder.precision
    name = f"{encoder.name}, untrained"
    return ClipbenchEncoder(model, encoder.tokenizer, encoder._preprocess, name, *place)


def has_joint_space(encoder: ImageEncoder) -> TypeGuard[Encoder]:
    """Say whether pictures are compared by their vectors.

    Models of other objectives score classes themselves.
    """
    return hasattr(encoder, "encode_image")


def joint(encoder: ImageEncoder) -> Encoder:
    """Give the encoder itself, if it has a joint space.

    Raises:
        UserError: when it has no joint space of pictures and texts.
    """
    if not has_joint_space(encoder):
        raise UserError(
            f"{encoder.name} was trained with another objective than CLIP's and has no joint "
            "space; zero-shot evaluation and linear probes know it"
        )
    return encoder


def load(
    name: str | Path = "classroom",
    device: torch.device | str = "auto",
    precision: str | None = None,
) -> ClipbenchEncoder | RivalEncoder | TransformersEncoder | OpenClipEncoder:
    """Load the encoder that a model name stands for.

    A name is ``tiny``, ``classroom``, a model folder, a hub id or a training run.

    CLIPs are read into this package's own model; what it cannot be (SigLIP, other towers) is left
    to transformers or open_clip, and a warning says so. A run with another objective comes as a
    ``RivalEncoder``. A model whose folder says that its weights are random has that in its name.

    Args:
        device: "auto" takes CUDA, then Apple's MPS, then the CPU. A model of another objective
            stays on the CPU then: it is small, and its objective is worked with by hand.
        precision: of the weights: "fp32", which records use; "bf16" or "fp16"; or "auto", what the
            device multiplies fast. None is fp32 on a CPU, and "auto" on an NVIDIA card: fp16 on a
            T4, bf16 on newer ones.

    Raises:
        UserError: when there is no such model or device, or its files are damaged.
    """
    if (advice := advice_on_memory(memory_limit())) is not None:
        warnings.warn(advice, stacklevel=2)
    folder = find_folder(name)
    try:
        model, tokenizer, preprocess = load_pretrained(folder)
    except ForeignModel as found:
        return open_foreign(found, marked(str(name), folder), pick_device(device), precision)
    shown = marked(str(name), folder)
    encoder: ClipbenchEncoder | RivalEncoder
    if (objective := read_objective(folder, model)) is not None:
        where = "cpu" if device == "auto" else device
        encoder = RivalEncoder(objective, tokenizer, preprocess, shown, where, precision)
    else:
        encoder = ClipbenchEncoder(model, tokenizer, preprocess, shown, device, precision)
    encoder.reference = read_reference(folder)
    return encoder
