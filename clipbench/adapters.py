"""Models of transformers and of open_clip behind this package's ``Encoder`` contract.

Each gives the same numbers as its library, but for the pictures: a ``transformers`` folder is read with this package's
own preprocessing, which is held to be equal pixel for pixel.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from clipbench.config_files import from_hub_preprocessor
from clipbench.errors import UserError, first_line, missing_package
from clipbench.precision import answer, choose_precision, fingerprint_of, in_precision

SIGLIP = ("siglip", "siglip2")
UNREADABLE = (OSError, ImportError, RuntimeError, ValueError, LookupError, TypeError, AttributeError)


class ForeignEncoder:
    """What the adapters share: a model in evaluation mode, its temperature, and how its pictures are prepared.

    Answers are float32 on the CPU; with ``on_device=True`` they stay on the model's device.
    """

    def __init__(self, model: nn.Module, preprocess: Callable[[list[Image.Image]], Tensor], name: str,
                 device: torch.device | str | None = None, precision: str | None = "fp32"):  # fmt: skip
        self.scale = float(model.logit_scale.detach().exp())
        bias = getattr(model, "logit_bias", None)
        self.bias = 0.0 if bias is None else float(bias.detach())  # what SigLIP adds to the scaled similarities
        if device is not None:
            model.to(device)
        self.device = next(model.parameters()).device
        self.precision = choose_precision(precision, self.device)
        self.model = in_precision(model.eval(), self.precision)
        self.name, self._preprocess = name, preprocess
        self._fingerprint: str | None = None

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights, and so of the pictures; the temperature is float32 always."""
        return next(weight.dtype for weight in self.model.parameters() if weight.ndim > 1)

    @property
    def fingerprint(self) -> str:
        """Computed when first asked for."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint_of(self.model, *self.settings())
        return self._fingerprint

    def settings(self) -> tuple:
        """What decides the features beside the weights."""
        raise NotImplementedError

    def preprocess(self, pictures: Sequence[Image.Image]) -> Tensor:
        return self._preprocess(list(pictures))


class TransformersEncoder(ForeignEncoder):
    """A ``CLIPModel``, ``SiglipModel`` or ``Siglip2Model`` of transformers, versions 4 and 5.

    Args:
        tokenizer: transformers' own for this model.
        preprocess: pictures to normalised (B, 3, S, S), such as this package's ``Preprocess``.
    """

    def __init__(self, model: nn.Module, tokenizer, preprocess: Callable[[list[Image.Image]], Tensor],
                 name: str = "transformers", device: torch.device | str | None = None,
                 precision: str | None = "fp32"):  # fmt: skip
        super().__init__(model, preprocess, name, device, precision)
        self.tokenizer = tokenizer

    @property
    def is_siglip(self) -> bool:
        return self.model.config.model_type in SIGLIP

    @property
    def embed_dim(self) -> int:
        config = self.model.config
        return config.vision_config.hidden_size if self.is_siglip else config.projection_dim

    @property
    def image_size(self) -> int:
        return self.model.config.vision_config.image_size

    @property
    def context_length(self) -> int:
        return self.model.config.text_config.max_position_embeddings

    def settings(self) -> tuple:
        vocabulary = sorted(self.tokenizer.get_vocab().items())
        return self.model.config.to_json_string(), vocabulary, self._preprocess, self.precision

    @torch.inference_mode()
    def encode_image(self, images: Tensor, on_device: bool = False) -> Tensor:
        pixels = images.to(self.device, self.dtype)
        return answer(unit(pooled(self.model.get_image_features(pixel_values=pixels))), on_device)

    @torch.inference_mode()
    def image_tower(self, images: Tensor, on_device: bool = False) -> Tensor:
        """Before the projection; SigLIP has none: these are its joint features, not yet unit."""
        pixels = images.to(self.device, self.dtype)
        return answer(self.model.vision_model(pixel_values=pixels).pooler_output, on_device)

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str], on_device: bool = False) -> Tensor:
        return answer(unit(pooled(self.model.get_text_features(**self.token_ids(list(texts))))), on_device)

    def token_ids(self, texts: list[str]) -> dict[str, Tensor]:
        """SigLIP was trained on texts padded to the full context, without a mask, and must be asked that way."""
        padding = "max_length" if self.is_siglip else True
        tokens = self.tokenizer(
            texts, padding=padding, truncation=True, max_length=self.context_length, return_tensors="pt"
        )
        names = ("input_ids",) if self.is_siglip else ("input_ids", "attention_mask")
        return {name: tokens[name].to(self.device) for name in names}

    def tokens(self, text: str) -> list[str]:
        pieces = (piece.removesuffix("</w>").lstrip("▁") for piece in self.tokenizer.tokenize(text))
        return [piece for piece in pieces if piece]


def pooled(output) -> Tensor:
    """Features: transformers 4 returns the tensor, 5 an object that holds it."""
    return output if isinstance(output, Tensor) else output.pooler_output


def unit(features: Tensor) -> Tensor:
    return F.normalize(features.float(), dim=-1)


class OpenClipEncoder(ForeignEncoder):
    """Any model of open_clip with what ``create_model_and_transforms`` and ``get_tokenizer`` give beside it.

    Args:
        transform: one picture to (3, S, S), open_clip's ``preprocess_val``.
    """

    def __init__(self, model: nn.Module, tokenizer, transform: Callable[[Image.Image], Tensor],
                 name: str = "open_clip", device: torch.device | str | None = None,
                 precision: str | None = "fp32"):  # fmt: skip
        super().__init__(model, lambda pictures: torch.stack([transform(one) for one in pictures]), name, device,
                         precision)  # fmt: skip
        self.tokenizer, self.transform = tokenizer, transform

    @property
    def embed_dim(self) -> int:
        return self.encode_text(["a"]).shape[1]

    @property
    def image_size(self) -> int:
        size = self.model.visual.image_size
        return size if isinstance(size, int) else size[0]

    @property
    def context_length(self) -> int:
        return self.model.context_length

    def settings(self) -> tuple:
        """open_clip's transforms and tokenizers are known by what they print and by what they make of a text."""
        return str(self.model), str(self.transform), self.tokenizer(["a photo, 2 emoji!"]).tolist(), self.precision

    @torch.inference_mode()
    def encode_image(self, images: Tensor, on_device: bool = False) -> Tensor:
        return answer(unit(self.model.encode_image(images.to(self.device, self.dtype))), on_device)

    @torch.inference_mode()
    def image_tower(self, images: Tensor, on_device: bool = False) -> Tensor:
        """
        Raises:
            UserError: for other image encoders than open_clip's own vision transformer.
        """
        with without_projection(self.model.visual):
            return answer(self.model.visual(images.to(self.device, self.dtype)), on_device)

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str], on_device: bool = False) -> Tensor:
        return answer(unit(self.model.encode_text(self.tokenizer(list(texts)).to(self.device))), on_device)

    def tokens(self, text: str) -> list[str]:
        return [self.tokenizer.decode([token]).strip() for token in self.tokenizer.encode(text)]


@contextmanager
def without_projection(visual: nn.Module) -> Iterator[None]:
    """open_clip's vision transformer leaves out a projection that is None."""
    if not hasattr(visual, "proj"):
        raise UserError(f"open_clip's {type(visual).__name__} has no features before projection; take encode_image")
    projection, visual.proj = visual.proj, None
    try:
        yield
    finally:
        visual.proj = projection


# ------------------------------------------------------------------------------------------------------- load


def is_siglip_folder(folder: Path) -> bool:
    """Whether config.json speaks of a model that transformers runs and this package's CLIP does not."""
    try:
        data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and data.get("model_type") in SIGLIP


def load_transformers(folder: Path, name: str, device: torch.device | str = "cpu",
                      precision: str | None = "fp32") -> TransformersEncoder:  # fmt: skip
    """Read a folder of transformers, safetensors only and without a network.

    Raises:
        UserError: when a file is missing or damaged, or transformers is not installed.
    """
    try:
        from transformers import AutoModel, AutoTokenizer
    except ImportError:
        raise missing_package(name, "transformers", "hf") from None
    try:
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        settings = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
        preprocess = from_hub_preprocessor(settings, model.config.vision_config.image_size)
    except UNREADABLE as error:
        raise UserError(f"transformers cannot open {folder}: {first_line(error)}") from None
    return TransformersEncoder(model, tokenizer, preprocess, name, device, precision)
