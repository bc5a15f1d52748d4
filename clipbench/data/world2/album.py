"""All drawings that a world shows, as tensors, and which of them a scene shows of a concept."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from clipbench.data.world.draws import Draws
from clipbench.data.world.sprites import SPRITE_SIZE, concepts, sprites

TRAINED_SETS = ("noto",)


@dataclass(frozen=True)
class Page:
    """One drawing: whose it is, and its pixels (64, 64, 4) uint8, straight RGBA."""

    concept: int
    set: str
    pixels: np.ndarray
    one_colour: bool


@dataclass(frozen=True)
class Album:
    """D drawings, premultiplied, at 64 and at 32 pixels; those of one colour as masks only."""

    colour: tuple[torch.Tensor, torch.Tensor]  # (Dc, 4, 64, 64) and (Dc, 4, 32, 32) uint8
    masks: tuple[torch.Tensor, torch.Tensor]  # (Dm, 64, 64) and (Dm, 32, 32) uint8
    one_colour: torch.Tensor  # (D,) bool
    row: torch.Tensor  # (D,) int64 in ``colour``, or in ``masks``
    by_set: torch.Tensor  # (C, S) int64: the concept's drawing in each emoji set, -1 for none
    icons: torch.Tensor  # (I,) int64: drawings that are icons, concept by concept
    first_icon: torch.Tensor  # (C,) int64 in ``icons``
    icon_count: torch.Tensor  # (C,) int64

    def choose(self, draws: Draws, name: str, concept: torch.Tensor, icons: float) -> torch.Tensor:
        """(B,) int64: a drawing of each ``concept`` (B,): an icon in ``icons`` of the cases, else
        by any of the sets; where there is only one of the two, that one.
        """
        concept = concept.clamp(min=0)
        count = self.icon_count[concept]
        chosen = (draws.uniform(f"{name} is an icon") * count).long()
        found = self.by_set[concept]
        sets = (found >= 0).cumsum(1)
        which = (draws.uniform(f"{name} by the set") * sets[:, -1]).long()
        place = (sets <= which[:, None]).sum(1).clamp(max=found.shape[1] - 1)
        by_set = found.gather(1, place[:, None])[:, 0]
        if not len(self.icons):
            return by_set
        position = (self.first_icon[concept] + chosen).clamp(max=len(self.icons) - 1)
        icon = (count > 0) & ((draws.uniform(f"{name} as an icon") < icons) | (by_set < 0))
        return torch.where(icon, self.icons[position], by_set)


@functools.lru_cache(maxsize=4)
def album(sets: Sequence[str], icons: bool, device: str = "cpu") -> Album:
    """The drawings of these emoji sets, in this order, and the icons that bear a concept's name."""
    pages = [page for art in sets for page in pages_of(art)]
    return bound(pages, sets, [], device)


def album_of(world, device: str = "cpu") -> Album:
    """The drawings that a ``settings.World2`` shows."""
    return album(world.sets, world.icons > 0, device)


def pages_of(art: str) -> list[Page]:
    pixels = sprites(art).permute(0, 2, 3, 1).numpy()
    return [Page(number, art, each, False) for number, each in enumerate(pixels)]


def bound(pages: list[Page], sets: Sequence[str], icons: list[Page], device: str) -> Album:
    """An album of the pages and, behind them, the icons, which are sorted by concept."""
    icons = sorted(icons, key=lambda page: page.concept)
    everything = [*pages, *icons]
    one_colour = np.array([page.one_colour for page in everything])
    row = np.where(one_colour, one_colour.cumsum() - 1, (~one_colour).cumsum() - 1)
    by_set = torch.full((len(concepts()), len(sets)), -1)
    for number, page in enumerate(pages):
        by_set[page.concept, sets.index(page.set)] = number
    count = torch.bincount(
        torch.tensor([page.concept for page in icons], dtype=torch.int64), minlength=len(concepts())
    )
    parts = {
        "colour": levels([premultiplied(page) for page in everything if not page.one_colour], 4),
        "masks": levels([page.pixels[..., 3] for page in everything if page.one_colour], 0),
        "one_colour": torch.from_numpy(one_colour),
        "row": torch.from_numpy(row),
        "by_set": by_set,
        "icons": torch.arange(len(pages), len(everything)),
        "first_icon": count.cumsum(0) - count,
        "icon_count": count,
    }
    return Album(**{name: on_device(part, device) for name, part in parts.items()})


def on_device(part, device: str):
    return tuple(each.to(device) for each in part) if isinstance(part, tuple) else part.to(device)


def premultiplied(page: Page) -> np.ndarray:
    """(4, 64, 64) uint8"""
    alpha = page.pixels[..., 3:].astype(np.uint16)
    colour = (page.pixels[..., :3] * alpha // 255).astype(np.uint8)
    return np.concatenate([colour, page.pixels[..., 3:]], 2).transpose(2, 0, 1)


def levels(pictures: list[np.ndarray], channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The pictures, and the same at half the size, which small objects are drawn from."""
    shape = (channels, SPRITE_SIZE, SPRITE_SIZE) if channels else (SPRITE_SIZE, SPRITE_SIZE)
    full = torch.from_numpy(np.stack(pictures) if pictures else np.empty((0, *shape), np.uint8))
    if not pictures:
        return full, full[..., ::2, ::2]
    halves = [F.avg_pool2d(part.float(), 2).round().to(torch.uint8) for part in full.split(512)]
    return full, torch.cat(halves)
