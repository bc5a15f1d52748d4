"""Occlusion maps (Zeiler & Fergus 2014): which parts of a picture a text needs.

The picture is covered bit by bit.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from clipbench.encoders.clip import ImageEncoder, joint
from clipbench.errors import UserError
from clipbench.progress import shown

Score = Callable[[Tensor], Tensor]  # pictures (B, 3, S, S) -> (B, C)


def occlusion_maps(
    encoder: ImageEncoder,
    picture: Image.Image,
    texts: Sequence[str],
    patch: int | None = None,
    stride: int | None = None,
) -> Float[Tensor, "C h w"]:
    """Measure for each text how far its cosine falls when a grey square covers each place.

    The cosine is that of the text with the picture.

    Works with any model that has a joint space. Negative values are places whose absence helps the
    text.

    Args:
        patch: side of the square in pixels of the model's input (a quarter of it where nothing is
            said).
        stride: from one place to the next (a quarter of the square).

    Where the cells lie in the picture says ``part_of_picture``.

    Raises:
        UserError: for no texts, a square that does not fit into the picture, or a model without a
            joint space.
    """
    if not texts:
        raise UserError("no texts: an occlusion map needs one at least")
    image = encoder.preprocess([picture])[0]
    patch = patch or image.shape[-1] // 4
    both = joint(encoder)
    text_features = both.encode_text(list(texts))
    return drops(
        lambda images: both.encode_image(images) @ text_features.T,
        image,
        patch,
        stride or patch // 4 or 1,
    )


@torch.no_grad()
def drops(
    score: Score,
    image: Float[Tensor, "3 S S"],
    patch: int,
    stride: int,
    fill: float = 0.0,
    batch_size: int = 128,
) -> Float[Tensor, "C h w"]:
    """Compute how far the score drops for every place of a covering square.

    The drop is score(image) - score(image with one square set to ``fill``).

    0 is the mean colour of the training pictures, since pictures are normalised.
    """
    S = image.shape[-1]
    if not 1 <= patch <= S or stride < 1:
        raise UserError(
            f"a square of {patch} pixels, moved by {stride}, does not go over a picture "
            f"of {S} pixels"
        )
    steps = range(0, S - patch + 1, stride)
    corners = [(top, left) for top in steps for left in steps]
    batches = [corners[start : start + batch_size] for start in range(0, len(corners), batch_size)]
    covers = (
        torch.stack([covered(image, *corner, patch, fill) for corner in batch])
        for batch in shown(batches, "covering")
    )
    parts = [score(images) for images in covers]
    fallen = score(image[None]) - torch.cat(parts)  # (h w, C)
    return fallen.T.unflatten(1, (len(steps), len(steps)))


def covered(image: Tensor, top: int, left: int, patch: int, fill: float) -> Tensor:
    image = image.clone()
    image[:, top : top + patch, left : left + patch] = fill
    return image


def part_of_picture(size: int, patch: int, stride: int) -> tuple[float, float]:
    """Say where the cells of a map begin and end, as fractions of the picture's side.

    Each cell lies around the middle of its square, as wide as the stride.

    Squares do not reach beyond the picture, so a map covers less than all of it: with 13 squares of
    16 in 64 pixels, 6 pixels are left on either side.
    """
    places = (size - patch) // stride + 1
    first = (patch - stride) / 2
    return first / size, (first + places * stride) / size


def spread_over_pixels(
    maps: Float[Tensor, "C h w"], size: int, patch: int, stride: int
) -> Float[Tensor, "C size size"]:
    """Compute every pixel's mean drop over all squares that covered it; 0 where none did."""
    square = torch.ones(1, 1, patch, patch, dtype=maps.dtype)
    total = F.conv_transpose2d(maps[:, None], square, stride=stride)
    count = F.conv_transpose2d(torch.ones_like(maps[:1, None]), square, stride=stride)
    mean = (total / count.clamp(min=1))[:, 0]
    rest = size - mean.shape[-1]
    return F.pad(mean, (0, rest, 0, rest))
