"""Pictures with names, and how they get into a web page."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from clipbench import PictureSet, UserError, open_picture

SHOWN_ROWS = 12  # of a picture set: as many as a gallery shows without scrolling


@dataclass(frozen=True, eq=False)  # a key by identity, for what is remembered about it
class NamedPicture:
    name: str
    picture: Image.Image


def named_pictures(source) -> list[NamedPicture]:
    """Make one list of whatever a user may hold pictures in.

    Args:
        source: a PictureSet (some rows, evenly spread), a mapping of names to pictures, or a
            sequence of pictures, files or (name, picture) pairs.

    Raises:
        UserError: for anything else, and for files that cannot be read.
    """
    if isinstance(source, PictureSet):
        return rows_of(source)
    if isinstance(source, Mapping):
        source = list(source.items())
    if isinstance(source, (str, bytes, Image.Image)) or not isinstance(source, Sequence):
        raise UserError(
            "pictures: give a list of pictures, of (name, picture) pairs, or a PictureSet"
        )
    return [named_picture(item, number) for number, item in enumerate(source, 1)]


def named_picture(item, number: int) -> NamedPicture:
    """Read one entry of a user's list; what has no name gets a number."""
    name = None
    if isinstance(item, NamedPicture):
        return item
    if isinstance(item, (tuple, list)) and len(item) == 2:
        name, item = item
    if isinstance(item, (str, Path)):
        name, item = name or Path(item).stem, open_picture(item)
    if not isinstance(item, Image.Image):
        raise UserError(
            f"picture {number} is a {type(item).__name__}; clipbench.open_picture reads files"
        )
    file = getattr(item, "filename", "")
    return NamedPicture(str(name or (Path(file).stem if file else f"picture {number}")), item)


def rows_of(data: PictureSet) -> list[NamedPicture]:
    count = min(SHOWN_ROWS, len(data))
    rows = [number * len(data) // count for number in range(count)]
    names = data.subset(rows).names
    return [
        NamedPicture(name, picture)
        for name, picture in zip(names, data.pictures(rows), strict=True)
    ]


def square(picture: Image.Image, side: int) -> Image.Image:
    """Crop a picture to its middle square, for a thumbnail."""
    return ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.BICUBIC)


def within(picture: Image.Image, side: int) -> Image.Image:
    """Shrink the whole picture if a side is longer than ``side``."""
    small = picture.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.BICUBIC)
    return small


def data_uri(picture: Image.Image) -> str:
    """Encode a picture as a data URI: an address that holds all of its bytes."""
    buffer = io.BytesIO()
    # ten times as fast as WebP
    picture.convert("RGB").save(buffer, "JPEG", quality=90, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
