"""Small models, pairs and pictures that several tests share."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from clipbench.data.streams import Pairs
from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.model import (
    CLIP,
    BagOfWordsConfig,
    CLIPConfig,
    ConvNetConfig,
    ResNetConfig,
    TransformerConfig,
    ViTConfig,
)
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import save_pretrained, world_tokenizer

VOCABULARY, CONTEXT = 4096, 32

VIT = ViTConfig(image_size=32, patch_size=8, width=32, depth=2, heads=2)
RESNET = ResNetConfig(image_size=64, layers=(1, 1, 1, 1), width=4, heads=4)
CONVNET = ConvNetConfig(image_size=32, width=4)
TRANSFORMER = TransformerConfig(VOCABULARY, CONTEXT, width=24, depth=2, heads=2)
BAG_OF_WORDS = BagOfWordsConfig(VOCABULARY, CONTEXT, width=24)


def small_config(image=VIT, text=TRANSFORMER) -> CLIPConfig:
    return CLIPConfig(embed_dim=16, image=image, text=text)


def small_clip(image=VIT, text=TRANSFORMER, seed: int = 0) -> CLIP:
    """Build a small model with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    return CLIP(small_config(image, text)).eval()


def small_encoder(seed: int = 0) -> ClipbenchEncoder:
    return ClipbenchEncoder(
        small_clip(seed=seed), world_tokenizer(), Preprocess(VIT.image_size), "small"
    )


def write_small_model(folder: Path, model: CLIP | None = None) -> Path:
    """Write a model folder in the way of ``save_pretrained``."""
    model = model or small_clip()
    save_pretrained(folder, model, world_tokenizer(), Preprocess(model.config.image_size))
    return folder


def evaluate_small(task: str, folder: Path, *arguments: str) -> list[str]:
    """Give the command that evaluates a small model, which is written into the folder."""
    model = write_small_model(folder / "model")
    return ["eval", task, "--model", str(model), "--device", "cpu", *arguments]


def noise_picture(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(seed: int) -> bytes:
    """Make a noisy picture of 32 x 32 pixels, as a file's bytes."""
    file = io.BytesIO()
    noise_picture(32, 32, seed).save(file, format="PNG")
    return file.getvalue()


def write_image_folder(folder: Path, classes: dict[str, int], size: int = 40) -> Path:
    """Write a folder with a sub-folder per class and the given number of noisy pictures in each."""
    for number, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True)
        for picture in range(count):
            noise_picture(size, size, seed=100 * number + picture).save(
                folder / name / f"{picture}.png"
            )
    return folder


class EightPairs:
    """A stream that gives the same eight pairs of noise and words again and again."""

    name = "eight pairs"
    words = ("cat", "dog", "sun", "car", "tree", "house", "fish", "book")

    def __init__(self, image_size: int = 32):
        generator = torch.Generator().manual_seed(0)
        shape = (8, 3, image_size, image_size)
        self.images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)

    def __call__(self, start: int, count: int) -> Pairs:
        rows = [(start + i) % 8 for i in range(count)]
        return Pairs(self.images[rows], [f"a photo of a {self.words[row]}" for row in rows])


def one_line(error: BaseException) -> str:
    """Give the message of an error, and check that it fits into one line."""
    message = str(error)
    assert message and "\n" not in message, f"not one line: {message!r}"
    return message


def token_id_rows(text: TransformerConfig, lengths: list[int]) -> torch.Tensor:
    """Make rows of token ids, one for each of the lengths: (B, T) int64.

    A row has that many random words between start and end of text, padded with 0 to the longest.
    """
    generator = torch.Generator().manual_seed(len(lengths))
    start, end = text.vocab_size - 2, text.vocab_size - 1
    ids = torch.zeros(len(lengths), max(lengths) + 2, dtype=torch.int64)
    for row, length in zip(ids, lengths, strict=True):
        words = torch.randint(0, start, (length,), generator=generator)
        row[: length + 2] = torch.cat([torch.tensor([start]), words, torch.tensor([end])])
    return ids
