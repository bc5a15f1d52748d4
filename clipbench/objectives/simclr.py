"""SimCLR's objective: find which two pictures are views of one.

SimCLR (Chen et al. 2020): contrastive learning without captions.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from clipbench.model import CLIP
from clipbench.objectives.objective import Objective, ln, lock

# width of the small network at most: Chen et al. take the encoder's, 1,024 in the tiny model
HIDDEN = 512
TEMPERATURE = 0.5  # what Chen et al. found best on CIFAR-10 (appendix B.9)


class Views(NamedTuple):
    """Unit vectors of two views of each picture, and 1 / temperature."""

    first: Float[Tensor, "B D"]
    second: Float[Tensor, "B D"]
    scale: Float[Tensor, ""]


class SimCLR(Objective):
    """Every picture is augmented twice at random, and each view finds the other in the whole batch.

    The image encoder is followed by a small network (a projection head) that only the loss sees.
    """

    name = "simclr"

    def __init__(self, clip: CLIP):
        super().__init__(clip)
        lock(clip.image_projection, clip.text_encoder, clip.text_projection, clip.logit_scale)
        W = clip.image_encoder.feature_width
        H = min(W, HIDDEN)
        self.projection = nn.Sequential(
            nn.Linear(W, H), nn.ReLU(), nn.Linear(H, clip.config.embed_dim)
        )

    def forward(self, images: Tensor, targets: Tensor) -> Views:
        views = torch.cat([random_view(images), random_view(images)])
        views = views.contiguous(memory_format=torch.channels_last)
        rows = F.normalize(self.projection(self.clip.image_encoder(views)).float(), dim=-1)
        first, second = rows.chunk(2)
        return Views(first, second, torch.tensor(1 / TEMPERATURE, device=rows.device))

    def compare(self, first: Tensor, second: Tensor, scale: Tensor) -> Float[Tensor, ""]:
        return nt_xent_loss(first, second, scale)

    def accuracy(self, first: Tensor, second: Tensor, scale: Tensor) -> float:
        """Compute the fraction of views whose partner is the most similar of all other views.

        Those are the views of both kinds.
        """
        logits, partner = view_logits(first, second, scale)
        return float((logits.argmax(1) == partner).float().mean())

    def chance_loss(self, batch_size: int) -> float:
        return ln(2 * batch_size - 1)

    def flops(self, targets: Tensor, kept: float = 1.0) -> float:
        return 2 * super().flops(targets, kept)


def nt_xent_loss(
    first: Float[Tensor, "B D"], second: Float[Tensor, "B D"], scale: Float[Tensor, ""] | float
) -> Float[Tensor, ""]:
    """Compute the cross-entropy of finding a view's partner among the 2B - 1 other views (NT-Xent).

    ``scale`` is 1 / temperature.

    Features are unit vectors; row i of both is the same picture.
    """
    return F.cross_entropy(*view_logits(first, second, scale))


def view_logits(first: Tensor, second: Tensor, scale: Tensor | float) -> tuple[Tensor, Tensor]:
    """Compute (logits (2B, 2B) without the view itself, each view's partner (2B,))."""
    views = torch.cat([first, second])
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    logits = (scale * views @ views.T).masked_fill(itself, float("-inf"))
    return logits, torch.arange(len(views), device=views.device).roll(len(first))


def random_view(images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B 3 S S"]:
    """Augment each picture at random: crop, mirror, and change light and colour.

    The crop has 0.2 to 1 of the area; half of the pictures are mirrored.

    As in SimCLR without changes of hue and without blur; contrast and saturation by 0.4 at most, a
    fifth in grey. Normalised pictures stay normalised: what changes is what is added to and
    multiplied with them.
    """
    B, device = len(images), images.device

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(B, device=device)

    side = draw(0.2, 1.0).sqrt()
    x, y = (1 - side) * draw(-1, 1), (1 - side) * draw(-1, 1)
    zero, mirror = torch.zeros(B, device=device), torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    theta = torch.stack([side * mirror, zero, x, zero, side, y], 1).view(B, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    views = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    gray = views.mean(1, keepdim=True)
    colour = torch.where(draw(0, 1) < 0.2, 0.0, draw(0.6, 1.4))[:, None, None, None]
    contrast, light = draw(0.6, 1.4)[:, None, None, None], draw(-0.5, 0.5)[:, None, None, None]
    return contrast * (gray + colour * (views - gray)) + light
