"""Printed words: which there are, and their letters, drawn glyph by glyph for a whole batch."""

import functools

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from clipbench.data.world.factors import readable
from clipbench.data.world.fonts import Font, read_font
from clipbench.data.world.sprites import concepts
from clipbench.data.world.words import never_printed_words, printed_words

LONGEST = 12  # letters of a word that still can be read at 64 pixels
HEIGHT = 32  # of a line of print, in pixels of the table of glyphs
MARGIN = 6  # around a glyph, for what leans out of its advance
CELL = 48  # width of a glyph's cell: the widest advance and both margins
FIRST, GLYPHS = 32, 95  # ASCII's printable characters


@functools.cache
def words() -> list[str]:
    """List everything that is ever printed as a word: names of concepts, by id, then the list's."""
    names = (concept.name for concept in concepts())
    return [*names, *printed_words(), *never_printed_words()]


@functools.cache
def trained_words() -> torch.Tensor:
    """Find the list's words that may be printed in training.

    (W',) int64: their positions in ``words``.
    """
    return len(concepts()) + torch.arange(len(printed_words()))


@functools.cache
def unseen_words() -> torch.Tensor:
    """Find the words that training never prints.

    (W'',) int64: their positions in ``words``.
    """
    return torch.arange(len(concepts()) + len(trained_words()), len(words()))


@functools.cache
def word_letters() -> torch.Tensor:
    """Encode all words in ASCII codes, 0 behind their ends: (W, LONGEST) int64."""
    return encoded([word if fits(word) else "" for word in words()])


def fits(word: str) -> bool:
    return len(word) <= LONGEST and word.isascii()


def encoded(texts: list[str]) -> torch.Tensor:
    """Encode texts as ASCII codes, 0 behind their ends: (B, LONGEST) int64."""
    rows = [list(text.encode().ljust(LONGEST, b"\0")) for text in texts]
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, LONGEST)


def decoded(letters: torch.Tensor) -> list[str]:
    """Decode (B, LONGEST) ASCII codes to texts."""
    return [bytes(row).rstrip(b"\0").decode() for row in letters.cpu().tolist()]


def printable_names() -> torch.Tensor:
    """Say for each concept whether its name fits on a sign: (C,) bool."""
    return readable()


def keys(letters: torch.Tensor) -> torch.Tensor:
    """Give (B,) int64 numbers that are equal for equal words of small letters."""
    values = torch.where(letters > 0, letters - 96, 0) & 31
    return (values << (5 * torch.arange(LONGEST, device=letters.device))).sum(1)


def with_another_letter(
    letters: torch.Tensor, place: torch.Tensor, step: torch.Tensor
) -> torch.Tensor:
    """Change one letter of each word, never into a word that training does not print.

    Args:
        letters: (B, LONGEST) of words of small letters.
        place: (B,) which letter.
        step: (B,) in [1, 25], how far along the alphabet.
    """
    forbidden = keys(word_letters()[unseen_words()].to(letters.device))
    changed = letters
    for extra in range(3):
        turned = (letters - 97 + ((step - 1 + extra) % 25 + 1)[:, None]) % 26 + 97
        at_place = torch.arange(LONGEST, device=letters.device) == place[:, None]
        candidate = torch.where(at_place & (letters > 0), turned, letters)
        again = torch.isin(keys(candidate), forbidden)[:, None]
        fresh = (changed == letters).all(1, keepdim=True)
        changed = torch.where(fresh & ~again, candidate, changed)
    return changed


def upper(letters: torch.Tensor) -> torch.Tensor:
    """Replace small letters by capitals."""
    return torch.where((letters >= 97) & (letters <= 122), letters - 32, letters)


# -------------------- glyphs


@functools.lru_cache(maxsize=4)
def glyph_table(fonts: tuple[Font, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw every glyph of the fonts.

    Returns:
        (columns of every glyph's cell (F, GLYPHS, CELL, HEIGHT) uint8, advances (F, GLYPHS)).
    """
    cells = np.zeros((len(fonts), GLYPHS, CELL, HEIGHT), np.uint8)
    advances = torch.zeros(len(fonts), GLYPHS, dtype=torch.int64)
    for number, each in enumerate(fonts):
        font, top = fitted_font(each)
        for code in range(GLYPHS):
            letter = chr(FIRST + code)
            cell = Image.new("L", (CELL, HEIGHT), 0)
            ImageDraw.Draw(cell).text((MARGIN, -top), letter, fill=255, font=font)
            cells[number, code] = np.asarray(cell).T
            advances[number, code] = max(1, round(font.getlength(letter)))
    return torch.from_numpy(cells), advances


def fitted_font(font: Font) -> tuple[ImageFont.FreeTypeFont, float]:
    """Give (the font in the size in which ascenders and descenders fill HEIGHT, its top)."""
    for size in range(HEIGHT + 12, 8, -1):
        sized = read_font(font, size)
        _left, top, _right, bottom = sized.getbbox("ldgpKTW")
        widest = max(sized.getlength(letter) for letter in "Wm@")
        if bottom - top <= HEIGHT and widest <= CELL - 2 * MARGIN:
            return sized, top
    raise ValueError(f"{font.name} has letters that are too wide")


def set_in_type(
    letters: torch.Tensor, font: torch.Tensor, fonts: tuple
) -> tuple[torch.Tensor, torch.Tensor]:
    """Set each word in its font on a strip that begins at the left.

    Returns:
        ((B, HEIGHT, W) uint8, the words' widths in pixels (B,)).
    """
    cells, advances = (part.to(letters.device) for part in glyph_table(fonts))
    glyph = (letters - FIRST).clamp(min=0)
    advance = torch.where(letters > 0, advances[font[:, None], glyph], 0)
    end = advance.cumsum(1)
    start, width = end - advance, end[:, -1]
    # a multiple of four, so that a strip can be halved twice
    columns = -(-int(width.max()) // 4) * 4
    column = torch.arange(columns, device=letters.device).expand(len(letters), -1)
    letter = (column[:, None] >= end[:, :, None]).sum(1).clamp(max=LONGEST - 1)  # (B, W)
    strip = torch.zeros(*column.shape, HEIGHT, dtype=torch.uint8, device=letters.device)
    for shift in (-1, 0, 1):  # what leans over from the letters beside
        which = (letter + shift).clamp(0, LONGEST - 1)
        offset = column - start.gather(1, which) + MARGIN
        seen = (offset >= 0) & (offset < CELL) & (letters.gather(1, which) > 0)
        part = cells[font[:, None], glyph.gather(1, which), offset.clamp(0, CELL - 1)]
        strip = torch.maximum(strip, part * seen[:, :, None])
    inside = column < width[:, None]
    return (strip * inside[:, :, None]).transpose(1, 2), width
