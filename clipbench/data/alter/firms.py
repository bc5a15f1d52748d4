"""Generated technical drawings of many firms, for "find more of the same firm".

Each firm has its own sheet: frame, title block, mark and weight of line. The parts that are drawn
are the same three kinds for all, so what a drawing shows does not say whose it is. Every sheet has
been through a scanner. A drawing is a pure function of its firm and number.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL import Image, ImageChops

from clipbench.data.alter.documents import (
    INK,
    PALETTE,
    PAPER,
    SIZE,
    Box,
    Sheet,
    bracket,
    plate,
    scanned,
    shaft,
)
from clipbench.data.image_set import PictureSet
from clipbench.errors import UserError

MOST_FIRMS, MOST_DRAWINGS = 1_000, 1_000
EDGE = 8  # pixels between the frame and the edge of the sheet
MARKS: dict[str, Callable] = {
    "square": lambda ink, box, colour: ink.rectangle(box, colour),
    "disc": lambda ink, box, colour: ink.ellipse(box, colour),
    "ring": lambda ink, box, colour: ink.ellipse(box, outline=colour, width=5),
    "wedge": lambda ink, box, colour: ink.polygon((box[0], box[3], *box[2:], *box[:2]), colour),
}


@dataclass(frozen=True)
class Firm:
    """How a firm draws: everything on its sheets that is not the part.

    Lengths are pixels of a sheet of ``documents.SIZE``.
    """

    frames: int  # lines around the sheet, 0 to 2
    line: int  # width of a line
    top: bool  # the title block is above the part
    left: float  # where the title block begins
    width: float
    height: float
    rows: int  # of the title block
    mark: str
    colour: tuple[int, int, int]  # of the mark

    @property
    def block(self) -> Box:
        """The title block: left, top, right, bottom."""
        top = EDGE if self.top else SIZE - EDGE - self.height
        return self.left, top, self.left + self.width, top + self.height


def firm(number: int) -> Firm:
    """Give the firm of this number, always the same."""
    rng = random.Random(f"firm {number}")
    width = rng.choice((90, 130, 170, SIZE - 2 * EDGE))
    return Firm(
        frames=rng.randint(0, 2),
        line=rng.randint(1, 3),
        top=rng.random() < 0.4,
        left=rng.choice((EDGE, SIZE - EDGE - width)),
        width=width,
        height=rng.randint(30, 52),
        rows=rng.randint(1, 4),
        mark=rng.choice(list(MARKS)),
        colour=rng.choice((*PALETTE, INK)),
    )


def draw_of_firm(number: int, drawing: int) -> Image.Image:
    """Draw one sheet of a firm, an RGB square of ``documents.SIZE`` pixels per side."""
    name = f"firm {number}, drawing {drawing}"
    style, page = firm(number), Sheet(random.Random(name))
    page.rng.choice((plate, shaft, bracket))(page)
    moved = page.rng.randint(-16, 16), page.rng.randint(8, 32) if style.top else -16
    page.picture.paste(ImageChops.offset(page.picture, *moved))
    frame(page, style)
    title_block(page, style)
    return scanned(page.picture, name)


def frame(page: Sheet, style: Firm) -> None:
    for k in range(style.frames):
        inset = EDGE + 5 * k
        box = (inset, inset, SIZE - inset, SIZE - inset)
        page.ink.rectangle(box, outline=INK, width=style.line)


def title_block(page: Sheet, style: Firm) -> None:
    left, top, right, bottom = style.block
    page.ink.rectangle(style.block, PAPER, INK, style.line)
    side, height = bottom - top, (bottom - top) / style.rows
    MARKS[style.mark](page.ink, (left + 7, top + 7, left + side - 7, bottom - 7), style.colour)
    page.line((left + side, top), (left + side, bottom), width=style.line)
    for row in range(style.rows):
        y = top + row * height
        if row:
            page.line((left + side, y), (right, y), width=style.line)
        words = page.fit(page.words(3), right - left - side - 8, 7)
        page.write((left + side + 4, y + height / 2), words, 7, "lm")


def firm_drawings(firms: int = 20, each: int = 8, first: int = 0) -> PictureSet:
    """Draw sheets of several firms, labelled with the firm.

    Args:
        firms: how many, from number ``first`` on.
        each: drawings of a firm.

    Raises:
        UserError: for none, or more than a computer in a class should draw.
    """
    if not (1 <= firms <= MOST_FIRMS and 1 <= each <= MOST_DRAWINGS and first >= 0):
        raise UserError(
            f"{each} drawings of {firms} firms from firm {first} on: give 1 to {MOST_DRAWINGS} "
            f"drawings of 1 to {MOST_FIRMS} firms, the first of which is 0 or more"
        )
    rows = [(number, k) for number in range(first, first + firms) for k in range(each)]

    def draw(chosen: Sequence[int]) -> list[Image.Image]:
        return [draw_of_firm(*rows[row]) for row in chosen]

    names = [f"firm {number}" for number in range(first, first + firms)]
    labels = torch.arange(firms).repeat_interleave(each)
    ids = [f"firm {number}, drawing {k}" for number, k in rows]
    return PictureSet("firms", labels, names, ("{}", "a drawing of {}"), draw, ids)
