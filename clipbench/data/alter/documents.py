"""Generated document pages for image search: text, tables, charts and technical drawings.

The technical drawings have a title block. The pages stand for what an office scans, and are drawn
with nothing but lines and the shipped font. A page is a pure function of its kind and number. They
are no part of the emoji world, and no shipped model was trained on them.
"""

import random
from collections.abc import Callable, Sequence

import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from clipbench.data.alter.sticker import FONT, read_font
from clipbench.data.image_set import PictureSet
from clipbench.errors import UserError

SIZE = 256  # pixels per side; all measures below are for it
SIZES = (32, 1024)  # the smallest and the largest that may be asked for
MOST = 2_500  # pages of a kind
INK, GRAY, PALE, PAPER = (25, 25, 30), (140, 140, 145), (222, 224, 228), (250, 250, 247)
PALETTE = ((31, 119, 180), (214, 95, 14), (44, 140, 80), (150, 80, 160), (120, 120, 125))
TEMPLATES = ("{}", "a {}", "a page with a {}")
WORDS = (
    "annual report of the north office about water and steel in small towns with new "
    "bridges over rivers the second "
    "survey shows more trains than last year while prices of paper copper and bread "
    "stay almost equal a third model "
    "part number seven was tested under load at low speed for ten hours before summer "
    "and again in winter results "
    "are listed below mean values differ little between both machines see page four "
    "for details and further notes"
).split()

Box = tuple[float, float, float, float]  # left, top, right, bottom


def draw_page(kind: str, number: int, size: int = SIZE) -> Image.Image:
    """Draw page ``number`` of a kind, an RGB square of ``size`` pixels per side.

    Raises:
        UserError: for a kind that does not exist, a negative number, or a size out of bounds.
    """
    if kind not in KINDS:
        raise UserError(f"no kind of page {kind!r}; choose from {', '.join(KINDS)}")
    if number < 0 or not SIZES[0] <= size <= SIZES[1]:
        raise UserError(
            f"page {number} of {size} pixels: numbers start at 0, sizes go from "
            f"{SIZES[0]} to {SIZES[1]}"
        )
    page = Sheet(random.Random(f"{kind} {number}"))
    KINDS[kind](page)
    return (
        page.picture
        if size == SIZE
        else page.picture.resize((size, size), Image.Resampling.LANCZOS)
    )


def document_pages(each: int = 50, size: int = SIZE) -> PictureSet:
    """Draw this many pages of each kind, labelled with it.

    Raises:
        UserError: for no page, or more than a computer in a class should draw.
    """
    if not 1 <= each <= MOST:
        raise UserError(f"{each} pages of each kind: give 1 to {MOST}")
    rows = [(kind, number) for kind in KINDS for number in range(each)]
    labels = torch.arange(len(KINDS)).repeat_interleave(each)

    def draw(chosen: Sequence[int]) -> list[Image.Image]:
        return [draw_page(*rows[row], size) for row in chosen]

    return PictureSet(
        "pages", labels, list(KINDS), TEMPLATES, draw, [f"{kind} {number}" for kind, number in rows]
    )


def scanned(picture: Image.Image, number: int | str) -> Image.Image:
    """Give the same sheet as another scanner would.

    It is a little turned, moved, lighter or darker, and less sharp.
    """
    rng = random.Random(f"scan {number}")
    turned = picture.rotate(
        rng.uniform(-3, 3),
        Image.Resampling.BICUBIC,
        fillcolor=PAPER,
        translate=(rng.randint(-4, 4), rng.randint(-4, 4)),
    )
    lit = ImageEnhance.Brightness(turned).enhance(rng.uniform(0.82, 1.05))
    return lit.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.8) * picture.width / SIZE))


class Sheet:
    """A page while it is drawn: its ink, its chance, and the words for it."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.picture = Image.new("RGB", (SIZE, SIZE), PAPER)
        self.ink = ImageDraw.Draw(self.picture)

    def words(self, count: int) -> str:
        return " ".join(self.rng.choice(WORDS) for _ in range(count))

    def write(
        self, place: tuple[float, float], text: str, size: int = 8, anchor: str = "la", fill=INK
    ) -> None:
        self.ink.text(place, text, fill, read_font(FONT, size), anchor)

    def line(self, *points: tuple[float, float], fill=INK, width: int = 1) -> None:
        self.ink.line(points, fill, width)

    def fit(self, text: str, width: float, size: int = 8) -> str:
        """Give as many words of the text as fit into the width."""
        font, words = read_font(FONT, size), text.split()
        while words and font.getlength(" ".join(words)) > width:
            words.pop()
        return " ".join(words)


# -------------------- the kinds


def text_page(page: Sheet) -> None:
    """Draw one or two columns of paragraphs, with a heading or without."""
    rng, top, margin = page.rng, 22, page.rng.randint(18, 30)
    if rng.random() < 0.7:
        page.write((margin, top), page.fit(page.words(4).capitalize(), SIZE - 2 * margin, 14), 14)
        top += 28
    columns = rng.choice((1, 1, 2))
    width = (SIZE - 2 * margin - 12 * (columns - 1)) / columns
    for column in range(columns):
        paragraphs(page, (margin + column * (width + 12), top, width), rng.randint(205, 232))
    if rng.random() < 0.5:
        page.write((SIZE / 2, 240), str(rng.randint(1, 300)), 7, "ma")


def paragraphs(page: Sheet, column: tuple[float, float, float], bottom: float) -> None:
    left, y, width = column
    size, height = page.rng.choice(((7, 10), (8, 11), (9, 13)))
    while y < bottom:
        for line in range(page.rng.randint(3, 7)):
            indent = 8 if line == 0 else 0
            page.write(
                (left + indent, y),
                page.fit(page.words(14), width - indent, size),
                size,
                fill=(60, 60, 64),
            )
            y += height
            if y >= bottom:
                return
        page.write((left, y), page.fit(page.words(3), 0.6 * width, size), size, fill=(60, 60, 64))
        y += 1.6 * height


def table_page(page: Sheet) -> None:
    """Draw numbers in rows and columns, with all lines or only those between rows."""
    rng = page.rng
    rows, columns, grid = rng.randint(6, 15), rng.randint(3, 6), rng.random() < 0.6
    left, right, top, height = 16, SIZE - 16, 20, rng.randint(13, 15)
    if rng.random() < 0.6:
        page.write((left, top), page.fit(page.words(4).capitalize(), right - left, 11), 11)
        top += 22
    edges = [left + 44 + i * (right - left - 44) / columns for i in range(columns + 1)]
    page.ink.rectangle((left, top, right, top + height), rng.choice((PALE, (198, 212, 230), PAPER)))
    for row in range(rows + 1):
        y = top + row * height
        page.line((left, y), (right, y), fill=INK if grid or row < 2 else GRAY)
        page.write((left + 3, y + 3), page.fit(page.words(1)[:9], 40, 7), 7)
        for edge in edges[1:]:
            cell = (
                f"{rng.randint(2001, 2026)}"
                if row == 0
                else f"{rng.uniform(0, 10 ** rng.randint(1, 4)):,.1f}"
            )
            page.write((edge - 3, y + 3), cell[:7], 7, "ra")
    bottom = top + (rows + 1) * height
    page.line((left, bottom), (right, bottom))
    for x in (left, *edges) if grid else ():
        page.line((x, top), (x, bottom))


def chart_page(page: Sheet) -> None:
    """Draw bars, lines or a pie, with a title and axes."""
    rng = page.rng
    page.write((SIZE / 2, 16), page.fit(page.words(4).capitalize(), 200, 11), 11, "ma")
    colours = (
        rng.sample(PALETTE, 4)
        if rng.random() < 0.8
        else [(90, 90, 95), (150, 150, 155), (60, 60, 64), GRAY]
    )
    kind = rng.choice((bar_chart, line_chart, cake_chart))
    kind(page, (44, 44, 232, 210), colours)


def axes(page: Sheet, box: Box) -> None:
    left, top, right, bottom = box
    for i in range(5):
        y = bottom - i * (bottom - top) / 4.4
        page.line((left, y), (right, y), fill=PALE)
        page.write((left - 4, y), str(i * 25), 7, "rm")
    page.line((left, top), (left, bottom), (right, bottom))
    page.write(((left + right) / 2, bottom + 22), page.fit(page.words(2), 150, 8), 8, "ma")


def bar_chart(page: Sheet, box: Box, colours: list) -> None:
    axes(page, box)
    left, top, right, bottom = box
    groups, series = page.rng.randint(3, 8), page.rng.randint(1, 3)
    step = (right - left) / groups
    for group in range(groups):
        for one in range(series):
            x = left + step * (group + 0.15 + 0.7 * one / series)
            tall = page.rng.uniform(0.1, 0.95) * (bottom - top)
            page.ink.rectangle(
                (x, bottom - tall, x + 0.65 * step / series, bottom - 1), colours[one]
            )
        page.write((left + step * (group + 0.5), bottom + 5), chr(65 + group), 8, "ma")


def line_chart(page: Sheet, box: Box, colours: list) -> None:
    axes(page, box)
    left, top, right, bottom = box
    for colour in colours[: page.rng.randint(1, 4)]:
        height, points = page.rng.uniform(0.1, 0.9), []
        for i in range(12):
            height = min(0.97, max(0.03, height + page.rng.uniform(-0.15, 0.15)))
            points.append((left + i * (right - left) / 11, bottom - height * (bottom - top)))
        page.line(*points, fill=colour, width=2)


def cake_chart(page: Sheet, box: Box, colours: list) -> None:
    shares = [page.rng.uniform(0.2, 1) for _ in range(page.rng.randint(3, 6))]
    start = page.rng.uniform(0, 360)
    for i, share in enumerate(shares):
        end = start + 360 * share / sum(shares)
        page.ink.pieslice((52, 48, 204, 200), start, end, colours[i % 4] if i < 4 else PALE, PAPER)
        page.ink.rectangle((216, 60 + 14 * i, 224, 68 + 14 * i), colours[i % 4] if i < 4 else PALE)
        page.write((228, 60 + 14 * i), chr(65 + i), 8)
        start = end


def drawing_page(page: Sheet) -> None:
    """Draw a part with its measures inside a frame, and the title block in the corner."""
    page.ink.rectangle((8, 8, SIZE - 8, SIZE - 8), outline=INK, width=2)
    page.rng.choice((plate, shaft, bracket))(page)
    title_block(page, (128, 202, SIZE - 8, SIZE - 8))


def title_block(page: Sheet, box: Box) -> None:
    left, top, right, bottom = box
    page.ink.rectangle(box, PAPER, INK, 2)
    middle, third = (left + right) / 2 + 10, (bottom - top) / 3
    for row in (1, 2):
        page.line((left, top + row * third), (right, top + row * third))
    page.line((middle, top + third), (middle, bottom))
    page.write((left + 4, top + 4), page.fit(page.words(2).capitalize(), right - left - 8, 8), 8)
    page.write((left + 4, top + third + 4), f"No. {page.rng.randint(1000, 9999)}", 7)
    page.write((middle + 4, top + third + 4), f"1:{page.rng.choice((1, 2, 5, 10))}", 7)
    page.write(
        (left + 4, top + 2 * third + 4),
        f"{page.rng.randint(1, 28)}.{page.rng.randint(1, 12)}.2024",
        7,
    )
    page.write((middle + 4, top + 2 * third + 4), f"A{page.rng.randint(1, 4)}", 7)


def measure(page: Sheet, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a thin line with two arrow heads and the measure beside it, level or upright."""
    page.line(start, end, fill=GRAY)
    level = start[1] == end[1]
    for (x, y), inwards in ((start, 4), (end, -4)):
        for aside in (-2, 2):
            page.line(
                (x, y), (x + inwards, y + aside) if level else (x + aside, y + inwards), fill=GRAY
            )
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    place, anchor = (
        ((middle[0], middle[1] - 2), "mb") if level else ((middle[0] + 3, middle[1]), "lm")
    )
    page.write(place, str(page.rng.randint(10, 400)), 7, anchor)


def axis_cross(page: Sheet, x: float, y: float, reach: float) -> None:
    for k in range(-4, 4):
        a, b = reach * k / 4, reach * (k + 0.6) / 4
        page.line((x + a, y), (x + b, y), fill=GRAY)
        page.line((x, y + a), (x, y + b), fill=GRAY)


def circle(page: Sheet, x: float, y: float, radius: float) -> None:
    page.ink.ellipse((x - radius, y - radius, x + radius, y + radius), outline=INK)
    axis_cross(page, x, y, radius + 5)


def plate(page: Sheet) -> None:
    rng, left, top = page.rng, page.rng.randint(36, 56), page.rng.randint(40, 56)
    right, bottom = left + rng.randint(110, 150), top + rng.randint(70, 110)
    page.ink.rounded_rectangle(
        (left, top, right, bottom), rng.choice((0, 8, 14)), outline=INK, width=2
    )
    for x in (left + 18, right - 18):
        for y in (top + 18, bottom - 18):
            circle(page, x, y, rng.choice((5, 7)))
    circle(page, (left + right) / 2, (top + bottom) / 2, rng.randint(10, 22))
    measure(page, (left, top - 12), (right, top - 12))
    measure(page, (right + 12, top), (right + 12, bottom))


def shaft(page: Sheet) -> None:
    x, y = page.rng.randint(26, 36), page.rng.randint(80, 110)
    first = x
    for _ in range(page.rng.randint(3, 5)):
        length, radius = page.rng.randint(26, 44), page.rng.randint(12, 42)
        page.ink.rectangle((x, y - radius, x + length, y + radius), outline=INK, width=2)
        measure(page, (x, y + 58), (x + length, y + 58))
        x += length
    for k in range(int(first) - 8, int(x) + 8, 10):
        page.line((k, y), (k + 6, y), fill=GRAY)
    measure(page, (first, y + 74), (x, y + 74))


def bracket(page: Sheet) -> None:
    rng, left, bottom = page.rng, page.rng.randint(36, 60), page.rng.randint(160, 180)
    wide, tall, thick = rng.randint(100, 140), rng.randint(90, 120), rng.randint(18, 34)
    corners = [
        (left, bottom),
        (left, bottom - tall),
        (left + thick, bottom - tall),
        (left + thick, bottom - thick),
        (left + wide, bottom - thick),
        (left + wide, bottom),
        (left, bottom),
    ]
    page.line(*corners, width=2)
    circle(page, left + thick / 2, bottom - 0.75 * tall, 5)
    for k in range(rng.randint(1, 2)):
        circle(page, left + wide - 16 - 26 * k, bottom - thick / 2, 5)
    measure(page, (left, bottom + 14), (left + wide, bottom + 14))
    measure(page, (left + wide + 14, bottom - thick), (left + wide + 14, bottom))


KINDS: dict[str, Callable[[Sheet], None]] = {
    "page of text": text_page,
    "table": table_page,
    "chart": chart_page,
    "technical drawing": drawing_page,
}
