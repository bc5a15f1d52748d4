"""The fonts of printed signs: eight to train on and four held out, one of each kind."""

import functools
from dataclasses import dataclass

from PIL import ImageFont

from clipbench.files import ASSETS

FOLDER = ASSETS / "fonts" / "signs"


@dataclass(frozen=True)
class Font:
    """One font: Latin letters, digits, the accents of Spanish and German, and punctuation."""

    name: str
    file: str  # in assets/fonts/signs
    kind: str
    held_out: bool = False


FONTS = (
    Font("Open Sans Bold", "open-sans.ttf", "sans serif"),
    Font("EB Garamond Bold", "eb-garamond.ttf", "serif"),
    Font("Roboto Slab Bold", "roboto-slab.ttf", "slab serif"),
    Font("Oswald SemiBold", "oswald.ttf", "condensed"),
    Font("Courier Prime Bold", "courier-prime.ttf", "typewriter"),
    Font("Patrick Hand", "patrick-hand.ttf", "handwriting"),
    Font("Nunito ExtraBold", "nunito.ttf", "rounded"),
    Font("Fredoka SemiBold", "fredoka.ttf", "display"),
    Font("Fira Sans Bold", "fira-sans.ttf", "sans serif", held_out=True),
    Font("Libre Baskerville Bold", "libre-baskerville.ttf", "serif", held_out=True),
    Font("Space Mono Bold", "space-mono.ttf", "typewriter", held_out=True),
    Font("Kalam Bold", "kalam.ttf", "handwriting", held_out=True),
)


def trained_fonts() -> tuple[Font, ...]:
    return tuple(font for font in FONTS if not font.held_out)


def held_out_fonts() -> tuple[Font, ...]:
    return tuple(font for font in FONTS if font.held_out)


@functools.lru_cache(maxsize=64)
def read_font(font: Font, size: int) -> ImageFont.FreeTypeFont:
    """Read the font at a size in pixels, with Pillow's own layout, which is the same everywhere."""
    path = str(FOLDER / font.file)
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
