"""Models of transformers and of open_clip behind this package's ``Encoder`` contract.

Each gives the same numbers as its library, but for the pictures: a ``transformers`` folder is read
with this package's own preprocessing, which is held to be equal pixel for pixel.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from clipbench.compute.precision import answer, choose_precision, fingerprint_of, in_precision
from clipbench.errors import UserError
from clipbench.preprocess import pixels, to_rgb

SIGLIP = ("siglip", "siglip2")


class ForeignEncoder:
    """What the adapters share: a model, its temperature, and how its pictures are prepared.

    The model is in evaluation mode.

    Answers are float32 on the CPU; with ``on_device=True`` they stay on the model's device.
    """

    def __init__(
        self,
        model: nn.Module,
        preprocess: Callable[[list[Image.Image]], Tensor],
        name: str,
        device: torch.device | str | None = None,
        precision: str | None = "fp32",
    ):
        self.model: Any = model  # its class, and so what it has, is a library's
        self.scale = float(model.get_parameter("logit_scale").detach().exp())
        bias = getattr(model, "logit_bias", None)
        # what SigLIP adds to the scaled similarities
        self.bias = 0.0 if bias is None else float(bias.detach())
        if device is not None:
            model.to(device)
        self.device = next(model.parameters()).device
        self.precision = choose_precision(precision, self.device)
        in_precision(model.eval(), self.precision)
        self.name, self._preprocess = name, preprocess

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the weights, and so of the pictures.

        The temperature is float32 always.
        """
        return next(weight.dtype for weight in self.model.parameters() if weight.ndim > 1)

    @cached_property
    def fingerprint(self) -> str:
        """The hash of the model and its settings, computed when first asked for."""
        return fingerprint_of(self.model, *self.settings())

    def settings(self) -> tuple:
        """Give what decides the features beside the weights."""
        raise NotImplementedError

    def preprocess(self, pictures: Sequence[Image.Image]) -> Tensor:
        return self._preprocess(list(pictures))


class TransformersEncoder(ForeignEncoder):
    """A ``CLIPModel``, ``SiglipModel`` or ``MetaClip2Model`` of transformers, versions 4 and 5.

    Args:
        tokenizer: transformers' own for this model.
        preprocess: pictures to normalised (B, 3, S, S), such as this package's ``Preprocess``.
        clean: what is done with a text before the tokenizer reads it; None: nothing.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer,
        preprocess: Callable[[list[Image.Image]], Tensor],
        name: str = "transformers",
        device: torch.device | str | None = None,
        precision: str | None = "fp32",
        clean: Callable[[str], str] | None = None,
    ):
        super().__init__(model, preprocess, name, device, precision)
        self.tokenizer, self.clean = tokenizer, clean or str

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
        cleaning = () if self.clean is str else (self.clean.__name__,)
        return (
            self.model.config.to_json_string(),
            vocabulary,
            self._preprocess,
            self.precision,
            *cleaning,
        )

    @torch.inference_mode()
    def encode_image(self, images: Tensor, on_device: bool = False) -> Tensor:
        pixels = images.to(self.device, self.dtype)
        return answer(unit(pooled(self.model.get_image_features(pixel_values=pixels))), on_device)

    @torch.inference_mode()
    def image_tower(self, images: Tensor, on_device: bool = False) -> Tensor:
        """Give features before the projection.

        SigLIP has none: these are its joint features, not yet unit.
        """
        pixels = images.to(self.device, self.dtype)
        return answer(self.model.vision_model(pixel_values=pixels).pooler_output, on_device)

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str], on_device: bool = False) -> Tensor:
        return answer(
            unit(pooled(self.model.get_text_features(**self.token_ids(list(texts))))), on_device
        )

    def token_ids(self, texts: list[str]) -> dict[str, Tensor]:
        """Turn texts into token ids.

        SigLIP was trained on texts padded to the full context, without a mask, and must be asked
        that way.
        """
        padding = "max_length" if self.is_siglip else True
        tokens = self.tokenizer(
            [self.clean(text) for text in texts],
            padding=padding,
            truncation=True,
            max_length=self.context_length,
            return_tensors="pt",
        )
        names = ("input_ids",) if self.is_siglip else ("input_ids", "attention_mask")
        return {name: tokens[name].to(self.device) for name in names}

    def tokens(self, text: str) -> list[str]:
        pieces = (
            piece.removesuffix("</w>").lstrip("▁")
            for piece in self.tokenizer.tokenize(self.clean(text))
        )
        return [piece for piece in pieces if piece]


class FlexibleSiglipEncoder(TransformersEncoder):
    """A ``Siglip2Model``, which reads pictures in their own shape (NaFlex).

    Each picture is cut into a limited number of patches.

    ``preprocess`` gives pictures of one batch in a common frame, with NaN where a smaller one ends.

    Args:
        settings: of transformers' image processor.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer,
        settings: dict,
        name: str = "transformers",
        device: torch.device | str | None = None,
        precision: str | None = "fp32",
        clean: Callable[[str], str] | None = None,
    ):
        super().__init__(model, tokenizer, self.framed, name, device, precision, clean)
        self.patch, self.most = settings.get("patch_size", 16), settings.get("max_num_patches", 256)
        self.mean, self.std = (
            settings.get("image_mean", [0.5] * 3),
            settings.get("image_std", [0.5] * 3),
        )
        self.resample = Image.Resampling(settings.get("resample", Image.Resampling.BILINEAR))

    @property
    def image_size(self) -> int:
        """The side of a square picture."""
        return self.patch * int(self.most**0.5)

    def settings(self) -> tuple:
        config, vocabulary, _, precision, *cleaning = super().settings()
        pictures = (self.patch, self.most, self.mean, self.std, self.resample)
        return config, vocabulary, pictures, precision, *cleaning

    def framed(self, pictures: list[Image.Image]) -> Tensor:
        """Put each picture into the upper left corner of a common frame, (B, 3, H, W).

        It is as large as its number of patches allows.
        """
        resized = [
            pixels(to_rgb(each).resize(self.shape_of(each), self.resample)) for each in pictures
        ]
        sides = [max((each.shape[side] for each in resized), default=self.patch) for side in (1, 2)]
        frame = torch.full((len(resized), 3, *sides), float("nan"))
        mean, std = (255 * torch.tensor(number)[:, None, None] for number in (self.mean, self.std))
        for place, each in zip(frame, resized, strict=True):
            place[:, : each.shape[1], : each.shape[2]] = (each - mean) / std
        return frame

    def shape_of(self, picture: Image.Image) -> tuple[int, int]:
        """Give the (width, height) that transformers gives this picture."""
        upright = to_rgb(picture)
        height, width = flexible_size(upright.height, upright.width, self.patch, self.most)
        return width, height

    def patches(self, images: Tensor) -> dict[str, Tensor]:
        """Cut pictures into the model's input: rows of patches, padded with zeros.

        Beside them the input says which patches are real, and how they were arranged.
        """
        rows, mask, shapes = [], torch.zeros(len(images), self.most, dtype=torch.int64), []
        for number, image in enumerate(images):
            inside = ~image[0].isnan()
            height, width = int(inside[:, 0].sum()), int(inside[0].sum())
            cut = (
                image[:, :height, :width]
                .unflatten(1, (-1, self.patch))
                .unflatten(3, (-1, self.patch))
            )
            flat = cut.permute(1, 3, 2, 4, 0).flatten(2).flatten(0, 1)  # (patches, P * P * 3)
            mask[number, : len(flat)] = 1
            rows.append(F.pad(flat, (0, 0, 0, self.most - len(flat))))
            shapes.append((height // self.patch, width // self.patch))
        found = {
            "pixel_values": torch.stack(rows).to(self.dtype),
            "pixel_attention_mask": mask,
            "spatial_shapes": torch.tensor(shapes),
        }
        return {name: tensor.to(self.device) for name, tensor in found.items()}

    @torch.inference_mode()
    def encode_image(self, images: Tensor, on_device: bool = False) -> Tensor:
        return answer(
            unit(pooled(self.model.get_image_features(**self.patches(images)))), on_device
        )

    @torch.inference_mode()
    def image_tower(self, images: Tensor, on_device: bool = False) -> Tensor:
        patches = self.patches(images)
        output = self.model.vision_model(
            patches["pixel_values"],
            attention_mask=patches["pixel_attention_mask"],
            spatial_shapes=patches["spatial_shapes"],
        )
        return answer(output.pooler_output, on_device)


def flexible_size(height: int, width: int, patch: int, most: int) -> tuple[int, int]:
    """Find the largest (height, width) of whole patches with about this ratio, by bisection.

    It has at most this many patches.

    As transformers' ``get_image_size_for_max_num_patches``, to the last step.
    """

    def whole(side: float) -> int:
        return max(patch, math.ceil(side / patch) * patch)

    def sides(scale: float) -> tuple[int, int]:
        return whole(height * scale), whole(width * scale)

    low, high = 1e-6, 100.0
    while high - low >= 1e-5:
        scale = (low + high) / 2
        rows, columns = (side // patch for side in sides(scale))
        low, high = (scale, high) if rows * columns <= most else (low, scale)
    return sides(low)


def pooled(output) -> Tensor:
    """Take the features out of a model's output.

    transformers 4 returns the tensor, 5 an object that holds it.
    """
    return output if isinstance(output, Tensor) else output.pooler_output


def unit(features: Tensor) -> Tensor:
    return F.normalize(features.float(), dim=-1)


class OpenClipEncoder(ForeignEncoder):
    """Any model of open_clip, with its preprocessing and tokenizer.

    They are what ``create_model_and_transforms`` and ``get_tokenizer`` give beside the model.

    Args:
        transform: one picture to (3, S, S), open_clip's ``preprocess_val``.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer,
        transform: Callable[[Image.Image], Tensor],
        name: str = "open_clip",
        device: torch.device | str | None = None,
        precision: str | None = "fp32",
    ):
        super().__init__(
            model,
            lambda pictures: torch.stack([transform(one) for one in pictures]),
            name,
            device,
            precision,
        )
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
        """Give what decides the features beside the weights.

        open_clip's transforms and tokenizers are known by what they print and by what they make of
        a text.
        """
        return (
            str(self.model),
            str(self.transform),
            self.tokenizer(["a photo, 2 emoji!"]).tolist(),
            self.precision,
        )

    @torch.inference_mode()
    def encode_image(self, images: Tensor, on_device: bool = False) -> Tensor:
        return answer(unit(self.model.encode_image(images.to(self.device, self.dtype))), on_device)

    @torch.inference_mode()
    def image_tower(self, images: Tensor, on_device: bool = False) -> Tensor:
        """Give features before the projection.

        Raises:
            UserError: for other image encoders than open_clip's own vision transformer.
        """
        with without_projection(self.model.visual):
            return answer(self.model.visual(images.to(self.device, self.dtype)), on_device)

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str], on_device: bool = False) -> Tensor:
        return answer(
            unit(self.model.encode_text(self.tokenizer(list(texts)).to(self.device))), on_device
        )

    def tokens(self, text: str) -> list[str]:
        return [self.tokenizer.decode([token]).strip() for token in self.tokenizer.encode(text)]


@contextmanager
def without_projection(visual: nn.Module) -> Iterator[None]:
    """Take the projection away inside the block.

    open_clip's vision transformer leaves out a projection that is None.
    """
    if not hasattr(visual, "proj"):
        raise UserError(
            f"open_clip's {type(visual).__name__} has no features before projection; "
            "take encode_image"
        )
    projection, visual.proj = visual.proj, None  # type: ignore[assignment]  # torch's stubs know no None
    try:
        yield
    finally:
        visual.proj = projection
