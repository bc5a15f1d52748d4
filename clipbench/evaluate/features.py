"""Features of many pictures or texts, in batches."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm

from clipbench.data.picture_sets import PictureSet
from clipbench.encoders import Encoder


def image_features(
    encoder: Encoder, data: PictureSet, batch_size: int = 128, projected: bool = True, progress: bool = False
) -> Float[Tensor, "M D"]:
    """Unit vectors of all pictures, or with ``projected=False`` the features before the projection (M, W)."""
    encode = encoder.encode_image if projected else encoder.image_tower
    batches = [range(start, min(start + batch_size, len(data))) for start in range(0, len(data), batch_size)]
    features = [
        encode(encoder.preprocess(data.pictures(rows))).cpu()
        for rows in shown(batches, progress, f"pictures of {data.name}")
    ]
    return torch.cat(features)


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
