"""Pictures to tensors, as CLIP's reference pipeline does it, with Pillow and no torchvision.

Shorter side to ``size`` (bicubic), centre crop, RGB, [0, 1], normalise. Pictures in any mode are
first made plain RGB.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from clipbench.errors import UserError

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MAX_PIXELS = 25_000_000  # a picture above this is refused before it is decoded
TOO_LARGE = f"has too many pixels; make it smaller than {MAX_PIXELS // 1_000_000} megapixels"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
# of their files; the one list for folders, shards and uploads
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Preprocess:
    """What a model wants its pictures to look like."""

    size: int
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD
    shorter_side: int | None = None  # to resize to before the crop, where it is not ``size``
    # the whole picture made square instead of its middle cut out, as for SigLIP
    squash: bool = False
    interpolation: str = "bicubic"  # or "bilinear"

    def __call__(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """(B, 3, size, size) float32, normalised."""
        if not pictures:
            return torch.empty(0, 3, self.size, self.size)
        return self.normalise(torch.stack([self.square(picture) for picture in pictures]))

    def square(self, picture: Image.Image) -> torch.Tensor:
        """(3, size, size) uint8."""
        resample = Image.Resampling[self.interpolation.upper()]
        if self.squash:
            return pixels(resized(to_rgb(picture), (self.size, self.size), resample))
        return to_uint8(picture, self.size, self.shorter_side, resample)

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (B, 3, S, S) to normalised float32 of the same shape, on the same device."""
        mean = 255 * torch.tensor(self.mean, device=images.device)[:, None, None]
        std = 255 * torch.tensor(self.std, device=images.device)[:, None, None]
        return (images.float() - mean) / std

    def to_dict(self) -> dict:
        return asdict(self)


def to_uint8(
    picture: Image.Image,
    size: int,
    shorter_side: int | None = None,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> torch.Tensor:
    """Resize the shorter side (to ``size`` where nothing else is said) and cut out the centre: (3,
    size, size) uint8.

    Rounding is that of transformers: the longer side is rounded down, and of an odd margin the
    smaller half is above and left (torchvision's crop, in OpenAI's code, rounds a margin of 1.5
    pixels to 2).

    Raises:
        UserError: for a picture so long and narrow that it would not fit into memory on the way.
    """
    picture = to_rgb(picture)
    (width, height), side = picture.size, shorter_side or size
    shape = (
        (side, int(side * height / width))
        if width <= height
        else (int(side * width / height), side)
    )
    if shape[0] * shape[1] > MAX_PIXELS:
        raise UserError(
            f"a picture of {width} x {height} pixels is too long and narrow; crop it first"
        )
    picture = resized(picture, shape, resample)
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    return pixels(picture.crop((left, top, left + size, top + size)))


def resized(
    picture: Image.Image, shape: tuple[int, int], resample: Image.Resampling
) -> Image.Image:
    return picture if picture.size == shape else picture.resize(shape, resample)


def pixels(picture: Image.Image) -> torch.Tensor:
    """(3, H, W) uint8."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def to_rgb(picture: Image.Image) -> Image.Image:
    """Upright 8-bit RGB: EXIF rotation applied, 16 bits scaled down, transparency laid on white."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, dtype=np.float32)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        picture = Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def open_picture(source: str | Path | bytes, name: str | None = None) -> Image.Image:
    """Read a picture file, or its bytes, whole and upright.

    Args:
        name: what errors call the picture.

    Raises:
        UserError: when it is missing, too large, truncated, or not a picture.
    """
    name = name or ("the uploaded picture" if isinstance(source, bytes) else str(source))
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            # Pillow's remarks on sizes and metadata; the size is checked here
            warnings.simplefilter("ignore")
            with Image.open(file, formats=FORMATS) as picture:
                refuse_large(picture, name)
                return to_rgb(picture)
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{name}: no such file") from None
    except UnidentifiedImageError:
        raise UserError(f"{name} is not a picture; give one of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise UserError(f"{name} {TOO_LARGE}") from None
    # for damaged files Pillow raises many kinds, struct.error and TypeError among them
    except Exception as error:
        raise UserError(f"{name} cannot be read as a picture: {error}") from None


def refuse_large(picture: Image.Image, name: str) -> None:
    """Raises a UserError before a picture is decoded that would need too much memory."""
    if picture.width * picture.height > MAX_PIXELS:
        raise UserError(f"{name} ({picture.width} x {picture.height}) {TOO_LARGE}")
