"""Endless streams of (image, caption) pairs to train on.

A stream is a function of the position: ``stream(start, count)`` always gives the same pairs, so a training run can stop
anywhere and go on, on any machine, by remembering one number.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from clipbench.data.captions import caption_scenes
from clipbench.data.draws import Draws, shuffled_positions
from clipbench.data.picture_sets import PictureSet
from clipbench.data.scenes import SceneConfig, draw_factors, render, training_pool


@dataclass
class Pairs:
    images: torch.Tensor  # (B, 3, S, S) uint8
    captions: list[str]  # B


@runtime_checkable
class PairStream(Protocol):
    """What the trainer draws its batches from."""

    name: str

    def __call__(self, start: int, count: int) -> Pairs: ...


class ScenePairs:
    """Captioned scenes of the emoji world, drawn on ``device`` as they are needed."""

    def __init__(self, seed: int, config: SceneConfig = SceneConfig(), tiny: bool = False, image_size: int = 64,
                 device: torch.device | str = "cpu"):  # fmt: skip
        self.name = "scenes:tiny" if tiny else "scenes"
        self.seed, self.config, self.image_size, self.device = seed, config, image_size, device
        self.pool = training_pool(tiny)

    def __call__(self, start: int, count: int) -> Pairs:
        index = torch.arange(start, start + count, device=self.device)
        factors = draw_factors(index, self.seed, self.config, self.pool)
        return Pairs(render(factors, size=self.image_size), caption_scenes(factors))


class PicturePairs:
    """Labelled pictures with captions made from templates: "a photo of a {}." and the class name.

    Pictures are held as uint8 tensors. Each time a picture comes up it is shifted by up to an eighth and half of the
    time mirrored; order, shift, mirror and template depend on (seed, position) only.
    """

    def __init__(self, pictures: PictureSet, seed: int, image_size: int = 64, device: torch.device | str = "cpu"):
        self.name, self.seed, self.device = pictures.name, seed, device
        self.class_names, self.templates, self.labels = (
            pictures.class_names,
            pictures.templates,
            pictures.labels,
        )
        self.images = pictures.tensor(image_size).to(device)

    def __call__(self, start: int, count: int) -> Pairs:
        index = torch.arange(start, start + count)
        rows = shuffled_positions(self.seed, index, len(self.labels))
        draws = Draws(self.seed, index)
        images = shifted_and_mirrored(self.images[rows.to(self.device)], draws)
        template = draws.integer("template", len(self.templates)).tolist()
        names = [self.class_names[label] for label in self.labels[rows].tolist()]
        return Pairs(images, [self.templates[t].format(name) for t, name in zip(template, names, strict=True)])


def shifted_and_mirrored(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Each image moved by up to an eighth of its side, edges repeated, and mirrored with probability one half."""
    size, device = images.shape[-1], images.device
    reach = size // 8
    place = torch.arange(size)
    x = place + (draws.integer("shift x", 2 * reach + 1) - reach)[:, None]
    y = place + (draws.integer("shift y", 2 * reach + 1) - reach)[:, None]
    x = torch.where(draws.integer("mirror", 2)[:, None] == 1, size - 1 - x, x).clamp(0, size - 1).to(device)
    y = y.clamp(0, size - 1).to(device)
    batch = torch.arange(len(images), device=device)[:, None, None]
    return images[batch, :, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2).contiguous()
