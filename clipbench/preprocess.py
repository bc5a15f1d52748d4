"""Pictures to tensors, as CLIP's reference pipeline does it, with Pillow and no torchvision.

Shorter side to ``size`` (bicubic), centre crop, RGB, [0, 1], normalise. Pictures in any mode are
first made plain RGB.
"""

import functools
import io
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError, features

from clipbench.errors import UserError, notice

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MAX_PIXELS = 25_000_000  # a picture above this is refused before it is decoded
TOO_LARGE = f"has too many pixels; make it smaller than {MAX_PIXELS // 1_000_000} megapixels"
# those after TIFF where this Pillow was built with them
FORMATS = (
    "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF",
    *(["AVIF"] if "avif" in features.modules and features.check("avif") else []),
    *(["JPEG2000"] if features.check("jpg_2000") else []),
)  # fmt: skip
# of their files; the one list for folders, shards and uploads
PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff",
    *([".avif"] if "AVIF" in FORMATS else []),
    *([".jp2"] if "JPEG2000" in FORMATS else []),
)  # fmt: skip
# of pictures that Pillow does not read
OTHER_SUFFIXES = (
    ".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".psd", ".dng", ".cr2", ".nef", ".arw",
)  # fmt: skip
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
ORIENTATION = 0x0112  # EXIF's tag; its values, but for 1, which is upright:
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf")  # blocks without pixels
RANGES = (255.0, 65535.0, 2.0**31)  # the brightest values that wide numbers are taken to have


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

    def __call__(self, pictures: Sequence[Image.Image | np.ndarray]) -> torch.Tensor:
        """Preprocess pictures: (B, 3, size, size) float32, normalised.

        Args:
            pictures: PIL pictures, or uint8 arrays of shape (H, W) or (H, W, 3 or 4).

        Raises:
            TypeError: for anything else, with what to give.
        """
        pictures = as_pictures(pictures)
        if not pictures:
            return torch.empty(0, 3, self.size, self.size)
        return self.normalise(torch.stack([self.square(picture) for picture in pictures]))

    def square(self, picture: Image.Image) -> torch.Tensor:
        """Preprocess one picture, not yet normalised: (3, size, size) uint8."""
        resample = Image.Resampling[self.interpolation.upper()]
        if self.squash:
            return pixels(resized(to_rgb(picture), (self.size, self.size), resample))
        return to_uint8(picture, self.size, self.shorter_side, resample)

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Normalise uint8 (B, 3, S, S) to float32 of the same shape, on the same device."""
        mean = 255 * torch.tensor(self.mean, device=images.device)[:, None, None]
        std = 255 * torch.tensor(self.std, device=images.device)[:, None, None]
        return (images.float() - mean) / std

    def to_dict(self) -> dict:
        return asdict(self)


def as_pictures(pictures) -> list[Image.Image]:
    """Check a list of pictures, and convert the arrays in it to pictures.

    Raises:
        TypeError: see ``Preprocess``.
    """
    if isinstance(pictures, Image.Image | np.ndarray | torch.Tensor | str | bytes | Path):
        kind = type(pictures).__name__
        raise TypeError(f"give a list of pictures, not a single {kind}: [picture]")
    return [as_picture(item, number) for number, item in enumerate(pictures, 1)]


def as_picture(item, number: int) -> Image.Image:
    if isinstance(item, Image.Image):
        if not all(item.size):
            raise UserError(f"picture {number} has no pixels: {item.width} x {item.height}")
        return item
    if (
        isinstance(item, np.ndarray)
        and item.size
        and item.dtype == np.uint8
        and (item.ndim == 2 or (item.ndim == 3 and item.shape[2] in (3, 4)))
    ):
        return Image.fromarray(item)
    shape = f" of {item.dtype} {tuple(item.shape)}" if hasattr(item, "dtype") else ""
    raise TypeError(
        f"picture {number} is a {type(item).__name__}{shape}; give PIL pictures "
        "(clipbench.open_picture reads files) or uint8 arrays of shape (H, W, 3)"
    )


def to_uint8(
    picture: Image.Image,
    size: int,
    shorter_side: int | None = None,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> torch.Tensor:
    """Resize the shorter side and cut out the centre: (3, size, size) uint8.

    The shorter side becomes ``size`` where nothing else is said.

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
    """Convert a picture to pixels: (3, H, W) uint8."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def to_rgb(picture: Image.Image) -> Image.Image:
    """Convert a picture to upright 8-bit RGB.

    EXIF rotation is applied, wide numbers are scaled down, and transparency is laid on white.

    16-bit numbers reach from black at 0 to white at 65,535. Where the type does not say (32-bit
    integers and floats), white is the smallest of 1 (floats only), 255, 65,535 and 2^31 that no
    value exceeds; a notice says which.
    """
    picture = upright(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = eight_bits(picture)
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    plain = picture.convert("RGB")
    plain.info = {}  # the orientation in it is used up
    return plain


def upright(picture: Image.Image) -> Image.Image:
    """Turn the picture as its EXIF orientation says.

    A malformed block is ignored, as browsers do.
    """
    try:
        turn = TURNS.get(picture.getexif().get(ORIENTATION) or 1)
    except Exception:  # SyntaxError, struct.error and others, by the damage
        return picture
    return picture if turn is None else picture.transpose(turn)


def eight_bits(picture: Image.Image) -> Image.Image:
    """Convert grey of 16 bits, of 32-bit integers or of floats to grey of 8 bits.

    What is no finite number becomes black.

    Raises:
        UserError: for a picture without a finite number.
    """
    values = np.asarray(picture, dtype=np.float32)
    if not np.isfinite(values).any():
        raise UserError("a picture of floats holds no finite number")
    values = np.nan_to_num(values, posinf=0, neginf=0)
    if picture.mode.startswith("I;16") or picture.format == "PNG":
        top = 65535.0
    else:
        ranges = (1.0, *RANGES) if picture.mode == "F" else RANGES
        brightest = float(values.max(initial=0))
        top = next((top for top in ranges if brightest <= top), brightest)
        tell_range(picture.mode, top)
    return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))


@functools.cache  # one line for each range, not for each picture
def tell_range(mode: str, top: float) -> None:
    kind = "floats" if mode == "F" else "32-bit integers"
    notice(f"pictures of {kind} are read as black at 0 and white at {top:,.0f}")


def open_picture(source: str | Path | bytes, name: str | None = None) -> Image.Image:
    """Read a picture file, or its bytes, whole and upright.

    Args:
        name: what errors call the picture.

    Raises:
        UserError: when it is missing, too large, truncated, or not a picture.
    """
    name = name or ("the uploaded picture" if isinstance(source, bytes) else str(source))
    try:
        with warnings.catch_warnings():
            # Pillow's remarks on sizes and metadata; the size is checked here
            warnings.filterwarnings("ignore", module=r"PIL\.")
            return decoded(source, name)
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{name}: no such file") from None
    except UnidentifiedImageError:
        if is_heic(beginning(source)):
            raise UserError(
                f"{name} is a HEIC picture, which cannot be read; convert it to JPEG first"
            ) from None
        raise UserError(f"{name} is not a picture; give one of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise UserError(f"{name} {TOO_LARGE}") from None
    # for damaged files Pillow raises many kinds, struct.error and TypeError among them
    except Exception as error:
        raise UserError(f"{name} cannot be read as a picture: {error}") from None


def decoded(source: str | Path | bytes, name: str) -> Image.Image:
    """Decode a picture.

    Of a PNG whose texts or colour profile Pillow refuses, only the pixels are decoded.
    """
    try:
        return first_frame(io.BytesIO(source) if isinstance(source, bytes) else source, name)
    except UserError:
        raise
    except ValueError:
        if not beginning(source).startswith(PNG_SIGNATURE):
            raise
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    return first_frame(io.BytesIO(without_texts(data)), name)


def first_frame(file, name: str) -> Image.Image:
    with Image.open(file, formats=FORMATS) as picture:
        refuse_large(picture, name)
        return to_rgb(picture)


def beginning(source: str | Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:12]
    with open(source, "rb") as file:
        return file.read(12)


def is_heic(head: bytes) -> bool:
    """Say whether a file begins as the pictures of many phones do."""
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS


def without_texts(png: bytes) -> bytes:
    """Rebuild a PNG file without the blocks that hold texts, a colour profile or EXIF."""
    kept, place = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while place < len(png):
        end = place + 12 + int.from_bytes(png[place : place + 4], "big")
        if png[place + 4 : place + 8] not in PNG_TEXTS:
            kept.append(png[place:end])
        place = end
    return b"".join(kept)


def refuse_large(picture: Image.Image, name: str) -> None:
    """Refuse a picture before it is decoded when it would need too much memory.

    Raises:
        UserError: for such a picture.
    """
    if picture.width * picture.height > MAX_PIXELS:
        raise UserError(f"{name} ({picture.width} x {picture.height}) {TOO_LARGE}")
