"""All drawings that a world shows, as tensors, and which of them a scene shows of a concept."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from clipbench.data.world.drawings import (
    EMOJI_SETS,
    Drawing,
    all_drawings,
    held_out_drawings,
    sheet_cells,
)
from clipbench.data.world.draws import Draws
from clipbench.data.world.factors import COLOURS
from clipbench.data.world.sprites import SPRITE_SIZE, concepts

HELD_OUT_ARTISTS = ("twemoji", "openmoji")


@functools.cache
def named_by_colour() -> torch.Tensor:
    """Say which concepts have a colour in their name: (C,) bool."""
    colours = re.compile(rf"\b({'|'.join(COLOURS)})\b")
    return torch.tensor([bool(colours.search(concept.name)) for concept in concepts()])


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
        """Draw one of the drawings of each ``concept`` (B,): (B,) int64.

        It is an icon in ``icons`` of the cases, else by any of the sets; where there is only one of
        the two, that one.
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


def album_of(world, device: str = "cpu") -> Album:
    """Give the drawings that a ``settings.World2`` shows."""
    return trained_album(world.sets, world.icons > 0, device)


@functools.lru_cache(maxsize=4)
def trained_album(sets: Sequence[str], icons: bool, device: str = "cpu") -> Album:
    """Give the drawings of these emoji sets and, with ``icons``, icons with a concept's name.

    A concept that none of them shows has its first trained drawing by anyone.
    """
    trained = drawings_of("trained")
    emoji = [drawing for drawing in trained if drawing.set in sets]
    others = [drawing for drawing in trained if icons and drawing.set not in EMOJI_SETS]
    shown = {drawing.concept for drawing in [*emoji, *others]}
    stand_ins = {drawing.concept: drawing for drawing in reversed(trained)}
    missing = [drawing for concept, drawing in stand_ins.items() if concept not in shown]
    return bound([*emoji, *missing], sets, others, device)


@functools.lru_cache(maxsize=8)
def held_out_album(name: str) -> Album:
    """Give the drawings of an emoji set that training never shows.

    "icons" gives those of all such icon sets.
    """
    if name == "icons":
        return bound([], ("",), held_out_icons(), "cpu")
    return bound(held_out_drawings(name), (name,), [], "cpu")


def held_out_icons() -> list[Drawing]:
    return [each for each in drawings_of("held-out") if each.set not in HELD_OUT_ARTISTS]


def drawings_of(split: str) -> list[Drawing]:
    """List the drawings of a split that are true to their concept's name.

    One of a single colour is tinted at random, so it shows nothing that is named by its colour, but
    for red, blue and brown squares, of which there are no other drawings.
    """
    drawings = [drawing for drawing in all_drawings() if drawing.split == split]
    coloured = {drawing.concept for drawing in drawings if drawing.kind != "mask"}
    named = named_by_colour().tolist()
    return [
        each
        for each in drawings
        if each.kind != "mask" or not (named[each.concept] and each.concept in coloured)
    ]


def bound(
    emoji: Sequence[Drawing], sets: Sequence[str], icons: Sequence[Drawing], device: str
) -> Album:
    """Make an album of emoji and, behind them, the icons, which are sorted by concept."""
    icons = sorted(icons, key=lambda drawing: drawing.concept)
    everything = [*emoji, *icons]
    one_colour = np.array([drawing.kind == "mask" for drawing in everything])
    row = np.where(one_colour, one_colour.cumsum() - 1, (~one_colour).cumsum() - 1)
    by_set = torch.full((len(concepts()), len(sets)), -1)
    for number, drawing in enumerate(emoji):
        column = sets.index(drawing.set) if drawing.set in sets else 0
        by_set[drawing.concept, column] = number
    icon_concepts = torch.tensor([drawing.concept for drawing in icons], dtype=torch.int64)
    count = torch.bincount(icon_concepts, minlength=len(concepts()))
    parts = {
        "colour": levels([each for each in everything if each.kind != "mask"], (4,)),
        "masks": levels([each for each in everything if each.kind == "mask"], ()),
        "one_colour": torch.from_numpy(one_colour),
        "row": torch.from_numpy(row),
        "by_set": by_set,
        "icons": torch.arange(len(emoji), len(everything)),
        "first_icon": count.cumsum(0) - count,
        "icon_count": count,
    }
    return Album(**{name: on_device(part, device) for name, part in parts.items()})


def on_device(part, device: str):
    return tuple(each.to(device) for each in part) if isinstance(part, tuple) else part.to(device)


def levels(drawings: Sequence[Drawing], channels: tuple) -> tuple[torch.Tensor, torch.Tensor]:
    """Read the drawings' pixels, in full size and in half the size for small things."""
    side = SPRITE_SIZE
    full = torch.empty(len(drawings), *channels, side, side, dtype=torch.uint8)
    half = torch.empty(len(drawings), *channels, side // 2, side // 2, dtype=torch.uint8)
    sheets: dict[str, list[int]] = {}
    for row, drawing in enumerate(drawings):
        sheets.setdefault(drawing.sheet, []).append(row)
    for sheet, whole in sheets.items():
        for start in range(0, len(whole), 512):
            rows = whole[start : start + 512]
            pixels = sheet_cells(sheet)[[drawings[row].cell for row in rows]]
            full[rows] = torch.from_numpy(premultiplied(pixels) if channels else pixels)
            half[rows] = F.avg_pool2d(full[rows].float(), 2).round().to(torch.uint8)
    return full, half


def premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Convert straight alpha (N, 64, 64, 4) to premultiplied (N, 4, 64, 64), uint8."""
    alpha = pixels[..., 3:]
    colour = (pixels[..., :3].astype(np.uint16) * alpha // 255).astype(np.uint8)
    return np.concatenate([colour, alpha], 3).transpose(0, 3, 1, 2)
