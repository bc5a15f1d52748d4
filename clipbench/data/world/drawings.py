"""The drawings of the second world: many makers' pictures of the same concepts.

``assets/world/drawings.json`` says what each cell of each sheet shows; ``tools/assets`` made both.
Trained on are nine emoji sets by five makers and icons that have a concept's name. Held out are
Twemoji, OpenMoji and whole icon sets, of which no near twin is among the trained drawings.
"""

import functools
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image

from clipbench.data.world.sprites import SPRITE_SIZE, WORLD
from clipbench.errors import UserError

TABLE = WORLD / "drawings.json"
# by five makers: Google, Microsoft, Emoji One, Mozilla, Streamline
EMOJI_SETS = (
    "noto",
    "noto-v1",
    "fluent-emoji-flat",
    "fluent-emoji",
    "fluent-emoji-high-contrast",
    "emojione",
    "emojione-monotone",
    "fxemoji",
    "streamline-emojis",
)


@dataclass(frozen=True)
class DrawingSet:
    """A set as its maker published it."""

    name: str
    maker: str
    address: str  # where it was published
    licence: str  # by its SPDX name


@dataclass(frozen=True)
class Drawing:
    """One maker's picture of one concept."""

    concept: int
    set: str  # key of `drawing_sets`
    kind: str  # "colour", or "mask": black, and to be painted in any colour
    split: str  # "trained" or "held-out"
    sheet: str  # file name without .webp
    cell: int  # place in the sheet, row by row
    # of a held-out drawing: to the trained drawing of its concept most like it, up to 1
    likeness: float | None = None

    @property
    def maker(self) -> str:
        return drawing_sets()[self.set].maker

    @property
    def licence(self) -> str:
        return drawing_sets()[self.set].licence


@functools.cache
def drawing_table() -> dict:
    return json.loads(TABLE.read_text(encoding="utf-8"))


@functools.cache
def drawing_sets() -> MappingProxyType[str, DrawingSet]:
    """Map the key of a set to its name, maker and licence."""
    return MappingProxyType(
        {key: DrawingSet(**entry) for key, entry in drawing_table()["sets"].items()}
    )


@functools.cache
def all_drawings() -> tuple[Drawing, ...]:
    """List every drawing, trained and held out, sheet by sheet."""
    return tuple(
        Drawing(concept, name, sheet["kind"], sheet["split"], file, cell, *likeness)
        for file, sheet in drawing_table()["sheets"].items()
        for name, concept, cell, *likeness in sheet["drawings"]
    )


@functools.cache
def trained_by_concept() -> dict[int, tuple[Drawing, ...]]:
    found: dict[int, list[Drawing]] = {}
    for drawing in all_drawings():
        if drawing.split == "trained":
            found.setdefault(drawing.concept, []).append(drawing)
    return {concept: tuple(drawings) for concept, drawings in found.items()}


@functools.cache
def sets_of(split: str) -> tuple[str, ...]:
    """List the keys of the sets that are "trained" or "held-out"."""
    return tuple(dict.fromkeys(item.set for item in all_drawings() if item.split == split))


def trained_drawings(concept: int, sets: Collection[str] | None = None) -> tuple[Drawing, ...]:
    """List the trained drawings of a concept, of all sets or of the given ones, in a fixed order.

    Raises:
        UserError: for a set that does not exist or is held out.
    """
    drawings = trained_by_concept().get(concept, ())
    if sets is None:
        return drawings
    for name in sets:
        check_set(name, "trained")
    return tuple(drawing for drawing in drawings if drawing.set in sets)


def held_out_drawings(name: str) -> tuple[Drawing, ...]:
    """List the drawings of one held-out set.

    Raises:
        UserError: for a set that does not exist or is trained on.
    """
    check_set(name, "held-out")
    return tuple(drawing for drawing in all_drawings() if drawing.set == name)


def check_set(name: str, split: str) -> None:
    if name not in sets_of(split):
        raise UserError(f"no {split} set {name!r}; choose from {', '.join(sets_of(split))}")


@functools.cache
def sheet_cells(sheet: str) -> np.ndarray:
    """Decode the cells of one sheet, once.

    They are (N, 64, 64, 4) uint8 straight RGBA, or (N, 64, 64) uint8 opacity for a sheet of masks.
    """
    kind = drawing_table()["sheets"][sheet]["kind"]
    with Image.open(WORLD / f"{sheet}.webp") as image:
        pixels = np.asarray(image.convert("L" if kind == "mask" else "RGBA"))
    rows, columns = (side // SPRITE_SIZE for side in pixels.shape[:2])
    cells = pixels.reshape(rows, SPRITE_SIZE, columns, SPRITE_SIZE, -1).swapaxes(1, 2)
    return cells.reshape(rows * columns, SPRITE_SIZE, SPRITE_SIZE, *pixels.shape[2:])


def drawing_pixels(drawing: Drawing) -> np.ndarray:
    """Give the drawing as (64, 64, 4) uint8 straight RGBA; a mask is black."""
    cell = sheet_cells(drawing.sheet)[drawing.cell]
    if drawing.kind == "colour":
        return cell
    pixels = np.zeros((SPRITE_SIZE, SPRITE_SIZE, 4), np.uint8)
    pixels[..., 3] = cell
    return pixels


def drawing_picture(drawing: Drawing) -> Image.Image:
    """Give the drawing as a picture of 64 x 64 pixels with transparency."""
    return Image.fromarray(drawing_pixels(drawing), "RGBA")


def drawing_sprites(drawings: Iterable[Drawing]) -> torch.Tensor:
    """Give the drawings as (N, 4, 64, 64) uint8 straight RGBA, as `sprites` has them."""
    pixels = [drawing_pixels(drawing) for drawing in drawings]
    empty = np.zeros((0, SPRITE_SIZE, SPRITE_SIZE, 4), np.uint8)
    stacked = np.stack(pixels) if pixels else empty
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous()
