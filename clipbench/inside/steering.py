"""Pictures steered towards a text.

Gradient ascent changes a picture's pixels so that its cosine with the text rises, the model being
fixed.

Without augmentation the pixels find what this one network is weak for, and the result looks like
noise. When the cosine has to hold for many shifted, turned and resized views at once, such noise no
longer raises it, and shapes appear.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from clipbench.encoders.clip import ClipbenchEncoder, joint
from clipbench.errors import UserError
from clipbench.inside.responses import own_model
from clipbench.progress import shown

Score = Callable[[Tensor], Tensor]  # pixels in [0, 1] (B, 3, S, S) -> (B,)


@dataclass(frozen=True)
class Steered:
    """Frames of an ascent.

    Each has its step, its pixels in [0, 1], and its score as a whole picture.
    """

    steps: list[int]
    pixels: Float[Tensor, "frames 3 S S"]
    cosines: Float[Tensor, " frames"]

    @property
    def pictures(self) -> list[Image.Image]:
        arrays = (255 * self.pixels).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        return [Image.fromarray(array) for array in arrays]


def steer(
    encoder: ClipbenchEncoder,
    text: str,
    steps: int = 200,
    rate: float = 0.02,
    views: int = 16,
    start: Image.Image | None = None,
    frames: int = 8,
    seed: int = 0,
) -> Steered:
    """Change a picture's pixels step by step so that its cosine with ``text`` grows.

    Args:
        rate: of Adam, in parts of the range from black to white: the most that a pixel moves in one
            step, about.
        views: how many random views the cosine is averaged over at each step; 0 takes the picture
            as it is.
        start: the picture to begin with; grey with a little noise where none is given.
        frames: how many pictures to keep, the first and the last among them.

    Raises:
        UserError: for an encoder that is not this package's CLIP, or settings that make no ascent.
    """
    own_model(joint(encoder))
    if steps < 1 or frames < 2 or views < 0 or rate <= 0:
        raise UserError("steering needs at least 1 step, 2 frames, 0 views and a rate above 0")
    generator = torch.Generator().manual_seed(seed)
    pixels = first_pixels(encoder, start, generator).to(encoder.device)
    target = encoder.encode_text([text], on_device=True).clone()[0]

    def cosine(pixels: Tensor) -> Tensor:
        return (
            encoder.encode_image(encoder.normalise(255 * pixels), on_device=True, gradients=True)
            @ target
        )

    def look(pixels: Tensor) -> Tensor:
        return random_views(pixels, views, generator) if views else pixels[None]

    return ascend(cosine, pixels, steps, rate, look, frames)


def first_pixels(
    encoder: ClipbenchEncoder, start: Image.Image | None, generator: torch.Generator
) -> Tensor:
    """Make the first pixels: (3, S, S) in [0, 1]."""
    if start is not None:
        return encoder.square(start).float() / 255
    size = encoder.image_size
    return (0.5 + 0.02 * torch.randn(3, size, size, generator=generator)).clamp(0, 1)


def ascend(
    score: Score,
    pixels: Float[Tensor, "3 S S"],
    steps: int,
    rate: float,
    look: Callable[[Tensor], Tensor],
    frames: int,
) -> Steered:
    """Run Adam on pixels that stay in [0, 1].

    ``look`` turns them into the views that are scored.
    """
    kept = sorted({round(k * steps / (frames - 1)) for k in range(frames)})
    pixels = pixels.clone().requires_grad_()
    adam = torch.optim.Adam([pixels], lr=rate, maximize=True)
    pictures, cosines = [], []
    for step in shown(range(steps + 1), "steering", unit="step"):
        if step in kept:
            with torch.no_grad():
                cosines.append(score(pixels[None])[0].cpu())
            pictures.append(pixels.detach().cpu().clone())
        if step == steps:
            break
        # the model gets no gradients
        (pixels.grad,) = torch.autograd.grad(score(look(pixels)).mean(), pixels)
        adam.step()
        with torch.no_grad():
            pixels.clamp_(0, 1)
    return Steered(kept, torch.stack(pictures), torch.stack(cosines).float())


def random_views(
    pixels: Float[Tensor, "3 S S"], count: int, generator: torch.Generator
) -> Float[Tensor, "B 3 S S"]:
    """Draw random views of a picture.

    It is shifted by up to an eighth, turned by up to 15 degrees, at 0.75 to 1.15 of its size, with
    noise.
    """

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    angle, scale, x, y = (
        draw(-0.26, 0.26),
        1 / draw(0.75, 1.15),
        draw(-0.25, 0.25),
        draw(-0.25, 0.25),
    )
    cos, sin = scale * angle.cos(), scale * angle.sin()
    theta = torch.stack([cos, -sin, x, sin, cos, y], 1).view(-1, 2, 3).to(pixels.device)
    grid = F.affine_grid(theta, [count, *pixels.shape], align_corners=False)
    views = F.grid_sample(
        pixels.expand(count, -1, -1, -1), grid, padding_mode="reflection", align_corners=False
    )
    return views + 0.05 * torch.randn(views.shape, generator=generator).to(pixels.device)
