"""A word printed on a picture, as on a piece of paper: what a typographic attack is made of.

The same pure functions serve the widget and the evaluation. Sizes are fractions, so a sticker looks
the same on a picture of 64 pixels and on one of 4,000.
"""

import math
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont, features

from clipbench.errors import UserError
from clipbench.files import ASSETS
from clipbench.preprocess import to_rgb

FONT = ASSETS / "fonts" / "DejaVuSansCondensed-Bold.ttf"
LONGEST_WORD = 80  # letters
# height of the letters, from the top of an H to the foot of a g, in heights of the paper
LETTERS = 0.76
MARGIN = 0.2  # paper left and right of the word, in heights of the paper
WIDEST = 0.98  # of the picture's width; longer words are printed smaller
# small stickers are drawn this much larger first, so that letters keep soft edges at any angle
FINE = 4

CJK = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"}
# scripts whose letters change with their neighbours, or run from right to left
JOINED = {
    "ARABIC", "HEBREW", "SYRIAC", "THAANA", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI",
    "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "THAI", "LAO", "TIBETAN",
    "MYANMAR", "KHMER",
}  # fmt: skip

Color = str | tuple[int, int, int]  # "red", "#ff8800" or (255, 136, 0)


@dataclass(frozen=True)
class Sticker:
    """A printed word.

    Raises:
        UserError: for an empty or endless word, a number out of its range, a colour or a font that
            does not exist.
    """

    word: str
    height: float = 0.25  # of the paper, as a fraction of the picture's shorter side
    # (x, y) of the centre, as fractions of the picture, from the top left
    position: tuple[float, float] = (0.5, 0.8)
    text_color: Color = (20, 20, 25)
    paper_color: Color | None = (252, 252, 250)  # None: letters only
    angle: float = 0.0  # degrees, counter-clockwise
    opacity: float = 1.0
    font: str | Path = FONT  # a TrueType or OpenType file

    def __post_init__(self):
        object.__setattr__(self, "word", " ".join(str(self.word).split()))
        if not self.word or not self.word.isprintable():
            raise UserError("the sticker's word is empty or cannot be printed; write some letters")
        if len(self.word) > LONGEST_WORD:
            raise UserError(
                f"the sticker's word has {len(self.word)} letters; write at most {LONGEST_WORD}"
            )
        for name, value in (
            ("x", self.position[0]),
            ("y", self.position[1]),
            ("opacity", self.opacity),
        ):
            check_range(name, value, 0, 1)
        check_range("height", self.height, 0.01, 1)
        check_range("angle", self.angle, -360, 360)
        for color in (self.text_color, self.paper_color or "white"):
            rgb(color)
        read_font(self.font, 20)


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Check that a value is a number from low to high.

    Raises:
        UserError: when it is not.
    """
    if not isinstance(value, (int, float)) or not low <= value <= high:
        raise UserError(
            f"the sticker's {name} must be a number from {low} to {high}, not {value!r}"
        )


def print_on(picture: Image.Image, sticker: Sticker) -> Image.Image:
    """Print the word on a copy of the picture.

    The result is upright RGB of the same size; the given picture stays as it is. A word that is too
    long for the picture is printed smaller, and one that would hang over an edge is moved inside.

    Raises:
        UserError: for letters that the font does not have.
    """
    picture = to_rgb(picture).copy()
    stamp, corner = place(sticker, picture.size)
    picture.paste(stamp.convert("RGB"), corner, stamp.getchannel("A"))
    return picture


def covered_box(sticker: Sticker, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Give the smallest upright box around the sticker.

    It is (left, top, right, bottom) in pixels of a picture of ``size``.
    """
    stamp, (left, top) = place(sticker, size)
    box = stamp.getchannel("A").getbbox() or (0, 0, 0, 0)
    return left + box[0], top + box[1], left + box[2], top + box[3]


def covered_share(sticker: Sticker, size: tuple[int, int] = (224, 224)) -> float:
    """Give the fraction of a picture's pixels that the sticker changes, as far as it is opaque."""
    stamp, _ = place(sticker, size)
    histogram = stamp.getchannel("A").histogram()
    return sum(value * count for value, count in enumerate(histogram)) / 255 / (size[0] * size[1])


def place(sticker: Sticker, size: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]]:
    """Give (stamp, corner): the sticker as it lies on a picture of ``size``.

    The stamp is RGBA; the corner is the pixel of its top left corner.
    """
    stamp = draw_stamp(sticker, size)
    left, top = (
        round(min(max(fraction * side - extent / 2, 0), max(0, side - extent)))
        for fraction, side, extent in zip(sticker.position, size, stamp.size, strict=True)
    )
    return stamp, (left, top)


def draw_stamp(sticker: Sticker, size: tuple[int, int]) -> Image.Image:
    """Draw the turned sticker by itself, RGBA, small enough for a picture of ``size``."""
    height = sticker.height * min(size)
    height *= min(1.0, room(sticker, height, size))
    fine = FINE if height < 100 else 1
    paper = draw_paper(sticker, max(1.0, height) * fine)
    turned = paper.rotate(sticker.angle, Image.Resampling.BICUBIC, expand=True)
    width, height = (max(1, round(side / fine)) for side in turned.size)
    return turned.resize((min(width, size[0]), min(height, size[1])), Image.Resampling.BOX)


def room(sticker: Sticker, height: float, size: tuple[int, int]) -> float:
    """Say how much larger a sticker of ``height`` pixels could be and still lie on the picture."""
    check_letters(sticker)
    width = height * paper_shape(sticker, 100)[0] / 100
    cos, sin = (abs(function(math.radians(sticker.angle))) for function in (math.cos, math.sin))
    return min(
        WIDEST * size[0] / (width * cos + height * sin),
        WIDEST * size[1] / (width * sin + height * cos),
    )


def paper_shape(sticker: Sticker, height: float) -> tuple[float, ImageFont.FreeTypeFont]:
    """Give (width of the paper, the font), both in pixels, for a paper of ``height`` pixels."""
    layout = layout_of(sticker.word)
    probe = read_font(sticker.font, 100, layout)
    _, top, _, bottom = probe.getbbox("Hg")
    size = max(1, round(LETTERS * height * 100 / (bottom - top)))
    font = read_font(sticker.font, size, layout)
    return font.getlength(sticker.word) + 2 * MARGIN * height, font


def draw_paper(sticker: Sticker, height: float) -> Image.Image:
    """Draw the sticker before it is turned: RGBA, ``height`` pixels high."""
    width, font = paper_shape(sticker, height)
    shape = max(1, round(width)), max(1, round(height))
    letters = Image.new("L", shape, 0)
    _, top, _, bottom = font.getbbox("Hg")
    corner = (MARGIN * height, (height - (bottom - top)) / 2 - top)
    ImageDraw.Draw(letters).text(corner, sticker.word, fill=255, font=font)
    ink, ground = rgb(sticker.text_color), rgb(sticker.paper_color or sticker.text_color)
    paper = Image.composite(Image.new("RGB", shape, ink), Image.new("RGB", shape, ground), letters)
    opaque = letters if sticker.paper_color is None else Image.new("L", shape, 255)
    paper.putalpha(opaque.point(lambda value: round(value * sticker.opacity)))
    return paper


def rgb(color: Color) -> tuple[int, int, int]:
    """Give a colour as (red, green, blue), each from 0 to 255.

    Raises:
        UserError: for what is no colour.
    """
    if isinstance(color, str):
        try:
            return ImageColor.getrgb(color)[:3]
        except ValueError:
            raise UserError(
                f"unknown colour {color!r}; write a name such as red, or #ff8800"
            ) from None
    whole = isinstance(color, tuple) and all(
        isinstance(part, int) and 0 <= part <= 255 for part in color
    )
    if not whole or len(color) != 3:
        raise UserError(
            f"a colour is a name, #rrggbb, or three whole numbers from 0 to 255, not {color!r}"
        )
    return color


@lru_cache(maxsize=64)
def read_font(
    file: str | Path, size: int, layout: ImageFont.Layout = ImageFont.Layout.BASIC
) -> ImageFont.FreeTypeFont:
    """Read a TrueType or OpenType font at a size in pixels.

    Raises:
        UserError: for a file that is no font.
    """
    try:
        return ImageFont.truetype(str(file), size, layout_engine=layout)
    except OSError:
        raise UserError(f"{file} is not a TrueType or OpenType font") from None


def check_letters(sticker: Sticker) -> None:
    """Check that the font has every letter of the word.

    Raises:
        UserError: when it shows its sign for unknown letters instead of one of them.
    """
    unknown = glyph(sticker.font, "\U0010fffe")
    missing = sorted(
        {
            letter
            for letter in sticker.word
            if letter != " " and glyph(sticker.font, letter) == unknown
        }
    )
    if missing:
        raise UserError(
            f"the font {Path(sticker.font).name} has no {' '.join(missing)}; choose a font that "
            f"has, such as {font_family(missing[-1])}"
        )


def script_of(letter: str) -> str:
    """Give the first word of the letter's name in Unicode, such as LATIN, CJK or ARABIC."""
    return unicodedata.name(letter, "").partition(" ")[0]


def font_family(letter: str) -> str:
    """Name a free font that has the letter."""
    if unicodedata.category(letter).startswith("S"):
        return "Noto Emoji"
    script = script_of(letter)
    if script in ("LATIN", "GREEK", "CYRILLIC"):
        return "DejaVu Sans"
    return f"Noto Sans {'CJK' if script in CJK else script.title()}"


def layout_of(word: str) -> ImageFont.Layout:
    """Choose how letters become a line.

    They stand one after the other, or are joined and in the script's direction.

    Raises:
        UserError: for a script that needs the latter where this Pillow cannot do it.
    """
    if not {script_of(letter) for letter in word} & JOINED:
        return ImageFont.Layout.BASIC
    if not features.check("raqm"):
        raise UserError(
            f"{word!r} is of a script whose letters join; that needs a Pillow with libraqm"
        )
    return ImageFont.Layout.RAQM


@lru_cache(maxsize=1024)
def glyph(file: str | Path, letter: str) -> tuple:
    """Give (size, pixels) of one letter."""
    mask = read_font(file, 32).getmask(letter)
    return mask.size, bytes(mask)
