"""What test pictures among the training pictures do to accuracy, where it is known which they are.

Radford et al. 2021, section 5, find duplicates and compare the accuracy on all test pictures with
that on those without a duplicate, "All less Clean". Here copies of test pictures are planted among
the training pictures, so that the detector's recall and the harm are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from clipbench.data.alter.corruptions import corrupted
from clipbench.data.image_set import PictureSet
from clipbench.data.world.draws import Draws
from clipbench.evaluate.baselines import brightness, raw_pixels

COPIES = ("exact", "blur", "contrast", "jpeg")  # how the copies are altered, in turn
FALSE_ALARMS = 0.001  # of the test pictures without a copy, by which the threshold is set


def copies(data: PictureSet) -> PictureSet:
    """Copy every picture, exactly or a little altered, in turn."""
    parts = [data, *(corrupted(data, kind, strength=1) for kind in COPIES[1:])]

    def pictures(rows: Sequence[int]) -> list:
        return [parts[row % len(parts)].pictures([row])[0] for row in rows]

    ids = [f"copy of {name}" for name in data.ids]
    return PictureSet(
        f"copies of {data.name}", data.labels, data.class_names, data.templates, pictures, ids
    )


def planted(count: int, share: float, seed: int) -> Int[Tensor, " K"]:
    """Draw the test rows whose copies are planted; with one seed, fewer are part of more."""
    order = Draws(seed, torch.arange(count)).bits("planted copies").argsort()
    return order[: max(1, round(share * count))].sort().values


def all_less_clean(right: Bool[Tensor, " M"], rows: Int[Tensor, " K"]) -> float:
    """Subtract the accuracy on pictures without a copy from that on all."""
    clean = torch.ones_like(right)
    clean[rows] = False
    return float(right.double().mean() - right[clean].double().mean())


@dataclass(frozen=True)
class Likeness:
    """How alike test pictures are to N others and to the copies, by brightness at 16 x 16."""

    others: Float[Tensor, "M N"]
    copies: Float[Tensor, "M M"]  # column: whose copy

    def answers(
        self, labels: Int[Tensor, " N"], own: Int[Tensor, " M"], rows: Int[Tensor, " K"]
    ) -> Int[Tensor, " M"]:
        """Give the class of the most similar picture among the others and the planted copies."""
        alike = torch.cat([self.others, self.copies[:, rows]], 1)
        return torch.cat([labels, own[rows]])[alike.argmax(1)]

    def threshold(self) -> float:
        """Give the likeness beyond which a picture counts as a copy.

        ``FALSE_ALARMS`` of the test pictures are that much like a training picture by chance.
        """
        return float(self.others.amax(1).double().quantile(1 - FALSE_ALARMS))

    def found(self) -> Bool[Tensor, " M"]:
        """Say which test picture's copy the detector would find, were it planted."""
        return self.copies.diagonal() > self.threshold()


def likeness(test: PictureSet, others: PictureSet, copied: PictureSet) -> Likeness:
    pixels = raw_pixels(test)
    known, asked = brightness(raw_pixels(others), pixels)
    twin, _ = brightness(raw_pixels(copied), pixels)
    return Likeness(asked @ known.T, asked @ twin.T)
