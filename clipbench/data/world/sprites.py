"""The concepts of the emoji world and their pictures in three art sets."""

import functools
import json
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from clipbench.files import ASSETS

WORLD = ASSETS / "world"
SPRITE_SIZE = 64  # pixels per side
SHEET_COLUMNS = 36
# models are trained on noto; the other two are the natural shift
ART_SETS = ("noto", "twemoji", "openmoji")


@dataclass(frozen=True)
class Concept:
    """One nameable thing of the world, as Unicode and CLDR describe it."""

    emoji: str
    name: str
    group: str
    subgroup: str
    hypernym: str  # what a caption may say instead of the name: "a mammal"
    article: str  # "a", "an", or "" for substances, events and plurals
    plural: str | None  # None: captions never count it
    keywords: tuple[str, ...]
    names: dict[str, str]  # language code -> name
    tiny: bool  # one of the 256 concepts of the tiny world

    @property
    def noun_phrase(self) -> str:
        return f"{self.article} {self.name}".strip()


@functools.cache
def concepts() -> tuple[Concept, ...]:
    """List all concepts, in Unicode's order; the position is the concept's id everywhere."""
    entries = json.loads((WORLD / "concepts.json").read_text(encoding="utf-8"))
    return tuple(Concept(**{**entry, "keywords": tuple(entry["keywords"])}) for entry in entries)


@functools.cache
def concept_ids() -> dict[str, int]:
    """Map each name to its id."""
    return {concept.name: index for index, concept in enumerate(concepts())}


@functools.cache
def sprites(art: str = "noto") -> torch.Tensor:
    """Read the pictures of one art set: (C, 4, 64, 64) uint8, straight (not premultiplied) RGBA.

    Raises:
        ValueError: for an art set that does not exist.
    """
    if art not in ART_SETS:
        raise ValueError(f"unknown art set {art!r}; choose from {', '.join(ART_SETS)}")
    with Image.open(WORLD / f"{art}.webp") as image:
        sheet = np.asarray(image.convert("RGBA"))
    rows = sheet.shape[0] // SPRITE_SIZE
    tiles = sheet.reshape(rows, SPRITE_SIZE, SHEET_COLUMNS, SPRITE_SIZE, 4).transpose(0, 2, 4, 1, 3)
    tiles = tiles.reshape(-1, 4, SPRITE_SIZE, SPRITE_SIZE)[: len(concepts())]
    return torch.from_numpy(np.ascontiguousarray(tiles))


def sprite_image(concept_id: int, art: str = "noto") -> Image.Image:
    """Give one sprite as a picture."""
    return Image.fromarray(sprites(art)[concept_id].permute(1, 2, 0).numpy(), "RGBA")
