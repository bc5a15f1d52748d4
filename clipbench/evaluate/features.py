"""Features of many pictures or texts, in batches."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm

from clipbench.data.picture_sets import PictureSet
from clipbench.encoders import Encoder
from clipbench.errors import UserError


def image_features(
    encoder: Encoder, data: PictureSet, batch_size: int = 128, projected: bool = True, progress: bool = False
) -> Float[Tensor, "M D"]:
    """Unit vectors of all pictures, or with ``projected=False`` the features before the projection (M, W)."""
    return torch.cat(list(encoded_batches(encoder, data, batch_size, projected, progress)))


def encoded_batches(
    encoder: Encoder, data: PictureSet, batch_size: int, projected: bool, progress: bool, rows: range | None = None
) -> Iterator[Float[Tensor, "B D"]]:
    """Features of some rows (of all), batch by batch, on the CPU.

    Raises:
        UserError: for a set without pictures.
    """
    if not len(data):
        raise UserError(f"{data.name} holds no pictures")
    rows = range(len(data)) if rows is None else rows
    encode = encoder.encode_image if projected else encoder.image_tower
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    for batch in shown(batches, progress, f"pictures of {data.name}"):
        yield encode(encoder.preprocess(data.pictures(batch))).cpu()


def text_features(
    encoder: Encoder, texts: Sequence[str], batch_size: int = 512, progress: bool = False
) -> Float[Tensor, "B D"]:
    """Unit vectors of all texts. Each distinct text is encoded once; short ones together, so that little is padded."""
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    batches = [distinct[start : start + batch_size] for start in range(0, len(distinct), batch_size)]
    encoded = [encoder.encode_text(batch).cpu() for batch in shown(batches, progress, "texts")]
    rows = {text: row for row, text in enumerate(distinct)}
    return torch.cat(encoded)[[rows[text] for text in texts]]


def shown(batches: Sequence, progress: bool, what: str) -> Iterable:
    # disable=None: in notebooks and terminals, but not into a file
    return tqdm(batches, desc=what, unit="batch", leave=False, disable=None) if progress else batches
