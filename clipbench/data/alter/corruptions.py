"""Pictures corrupted in six ways and five strengths, with the numbers of ImageNet-C.

ImageNet-C is of Hendrycks and Dietterich (2019). A corruption is applied to the central square of a
picture, reduced to 224 pixels where it is larger, so that noise is as coarse as the picture that a
model sees. The same seed and row give the same pixels.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from clipbench.data.image_set import PictureSet
from clipbench.errors import UserError
from clipbench.preprocess import to_rgb

SIDE = 224  # pixels at which ImageNet-C's strengths are meant
STRENGTHS = (1, 2, 3, 4, 5)


def noise(picture: Image.Image, strength: int, seed: tuple[int, int]) -> Image.Image:
    """Add Gaussian noise to every channel of every pixel."""
    deviation = (0.08, 0.12, 0.18, 0.26, 0.38)[strength - 1]
    pixels = fractions(picture)
    return as_picture(
        pixels + np.random.default_rng(seed).normal(scale=deviation, size=pixels.shape)
    )


def blur(picture: Image.Image, strength: int, seed: tuple[int, int]) -> Image.Image:
    """Blur with a Gaussian of 1 to 6 pixels in 224."""
    deviation = (1, 2, 3, 4, 6)[strength - 1] * picture.width / SIDE
    return picture.filter(ImageFilter.GaussianBlur(deviation))


def pixelate(picture: Image.Image, strength: int, seed: tuple[int, int]) -> Image.Image:
    """Make the picture smaller and large again, without smoothing."""
    side = max(1, int(picture.width * (0.6, 0.5, 0.4, 0.3, 0.25)[strength - 1]))
    return picture.resize((side, side), Image.Resampling.BOX).resize(
        picture.size, Image.Resampling.NEAREST
    )


def contrast(picture: Image.Image, strength: int, seed: tuple[int, int]) -> Image.Image:
    """Move every colour towards the picture's mean."""
    share = (0.4, 0.3, 0.2, 0.1, 0.05)[strength - 1]
    pixels = fractions(picture)
    mean = pixels.mean((0, 1), keepdims=True)
    return as_picture(mean + share * (pixels - mean))


def brightness(picture: Image.Image, strength: int, seed: tuple[int, int]) -> Image.Image:
    """Add a constant to the value of the colours in hue, saturation and value."""
    more = (0.1, 0.2, 0.3, 0.4, 0.5)[strength - 1]
    hue, saturation, value = picture.convert("HSV").split()
    brighter = value.point(lambda level: min(255, round(level + 255 * more)))
    return Image.merge("HSV", (hue, saturation, brighter)).convert("RGB")


def jpeg(picture: Image.Image, strength: int, seed: tuple[int, int]) -> Image.Image:
    """Compress until blocks can be seen."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=(25, 18, 15, 10, 7)[strength - 1])
    with Image.open(file) as worse:
        return worse.convert("RGB")


CORRUPTIONS: dict[str, Callable[[Image.Image, int, tuple[int, int]], Image.Image]] = {
    "noise": noise,
    "blur": blur,
    "pixelate": pixelate,
    "contrast": contrast,
    "brightness": brightness,
    "jpeg": jpeg,
}


def fractions(picture: Image.Image) -> np.ndarray:
    """Give the pixels (H, W, 3) from 0 to 1."""
    return np.asarray(picture, dtype=np.float64) / 255


def as_picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))


def seen(picture: Image.Image) -> Image.Image:
    """Crop to the central square, reduced to at most 224 pixels per side."""
    picture = to_rgb(picture)
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side))
    return picture if side <= SIDE else picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def corrupted(data: PictureSet, name: str, strength: int = 3, seed: int = 0) -> PictureSet:
    """Give the same pictures, each one corrupted.

    Raises:
        UserError: for a corruption or a strength that does not exist.
    """
    if name not in CORRUPTIONS or strength not in STRENGTHS:
        known = ", ".join(CORRUPTIONS)
        raise UserError(
            f"no corruption {name}:{strength}; choose from {known}, with a strength "
            "from 1 to 5 (noise:3)"
        )
    worsen = CORRUPTIONS[name]

    def pictures(rows: Sequence[int]) -> list[Image.Image]:
        found = zip(rows, data.pictures(rows), strict=True)
        return [worsen(seen(picture), strength, (seed, int(row))) for row, picture in found]

    called = f"{data.name}+{name}:{strength}"
    return replace(
        data,
        name=called,
        pictures=pictures,
        ids=[f"{each}+{name}:{strength}:{seed}" for each in data.ids],
    )
