"""Features of many pictures or texts, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from clipbench.data.image_set import PictureSet
from clipbench.encoders.clip import ImageEncoder, joint
from clipbench.encoders.familiarity import encoded_and_judged
from clipbench.errors import UserError
from clipbench.progress import shown


@dataclass
class Noted:
    """What comes to light of pictures while they are encoded."""

    unreadable: dict[int, str] = field(default_factory=dict)  # row -> reason
    # of each row: the share of the model's scenes as strange; empty where nothing is known
    shares: list[float] = field(default_factory=list)


def image_features(
    encoder: ImageEncoder,
    data: PictureSet,
    batch_size: int = 128,
    projected: bool = True,
    progress: bool = True,
) -> Float[Tensor, "M D"]:
    """Compute unit vectors of all pictures.

    With ``projected=False``, the features before the projection (M, W).
    """
    return torch.cat(list(encoded_batches(encoder, data, batch_size, projected, progress)))


def encoded_batches(
    encoder: ImageEncoder,
    data: PictureSet,
    batch_size: int,
    projected: bool,
    progress: bool,
    rows: range | None = None,
    noted: Noted | None = None,
) -> Iterator[Float[Tensor, "B D"]]:
    """Compute features of some rows (of all), batch by batch, on the CPU.

    Args:
        noted: what is noted on the way. Rows whose picture cannot be read have the features of a
            grey one, to be left out. None: the first such picture is an error.

    Raises:
        UserError: for a set without pictures, for a picture that cannot be read, and for projected
            features of a model without a joint space.
    """
    if not len(data):
        raise UserError(f"{data.name} holds no pictures")
    rows = range(len(data)) if rows is None else rows
    encode = joint(encoder).encode_image if projected else encoder.image_tower
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    for batch in shown(batches, f"pictures of {data.name}", progress):
        if noted is None:
            yield encode(encoder.preprocess(data.pictures(batch)))
            continue
        images = encoder.preprocess(pictures_or_grey(data, batch, noted.unreadable))
        features, shares = encoded_and_judged(encoder, encode, images)
        noted.shares += shares
        yield features


def pictures_or_grey(
    data: PictureSet, rows: Sequence[int], unreadable: dict[int, str]
) -> list[Image.Image]:
    """Read the pictures of some rows, with a grey one instead of each that cannot be read.

    The reason is noted in ``unreadable``.
    """
    try:
        return data.pictures(rows)
    except UserError:
        return [picture_or_grey(data, row, unreadable) for row in rows]


def picture_or_grey(data: PictureSet, row: int, unreadable: dict[int, str]) -> Image.Image:
    try:
        return data.pictures([row])[0]
    except UserError as error:
        unreadable[row] = str(error)
        return Image.new("RGB", (64, 64), "grey")


def text_features(
    encoder: ImageEncoder, texts: Sequence[str], batch_size: int = 512, progress: bool = True
) -> Float[Tensor, "B D"]:
    """Compute unit vectors of all texts.

    Each distinct text is encoded once; short ones together, so that little is padded.

    Raises:
        UserError: for a model without a joint space.
    """
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    batches = [
        distinct[start : start + batch_size] for start in range(0, len(distinct), batch_size)
    ]
    encode = joint(encoder).encode_text
    encoded = [encode(batch) for batch in shown(batches, "texts", progress)]
    rows = {text: row for row, text in enumerate(distinct)}
    return torch.cat(encoded)[[rows[text] for text in texts]]


def rows_not_finite(features: Float[Tensor, "M D"]) -> int:
    """Count the rows that hold a value that is not finite.

    The sum is asked first: it is many times faster.
    """
    return 0 if torch.isfinite(features.sum()) else int((~torch.isfinite(features).all(1)).sum())


def check_features(image_features: Float[Tensor, "M D"], width: int) -> None:
    """Check that features are finite and as wide as the texts.

    Raises:
        UserError: for features that are no finite numbers, or of another width than the texts.
    """
    if image_features.shape[1] != width:
        told = f"pictures have {image_features.shape[1]} features and texts {width}"
        raise UserError(f"{told}: they are not of the same model; embed the pictures again")
    if bad := rows_not_finite(image_features):
        raise UserError(
            f"{bad} of {len(image_features)} rows of features are not finite numbers; embed again"
        )
