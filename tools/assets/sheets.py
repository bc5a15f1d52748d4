"""Sprites and the sheets that hold them: what build_world.py and build_drawings.py share."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

SPRITE = 64  # pixels per side
COLUMNS = 36  # sprites in a row of a sheet
GREYS = 8  # levels of a drawing of one colour


def squared(picture: Image.Image) -> Image.Image | None:
    """Cut to the drawn part, centre on a square and shrink to a sprite with a one-pixel margin.

    Returns:
        None for an empty picture.
    """
    box = picture.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox()
    if box is None:
        return None
    picture = picture.crop(box)
    side = max(picture.size)
    canvas = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    inner = (
        canvas.convert("RGBa")
        .resize((SPRITE - 2, SPRITE - 2), Image.Resampling.LANCZOS)
        .convert("RGBA")
    )
    sprite = Image.new("RGBA", (SPRITE, SPRITE), (0, 0, 0, 0))
    sprite.paste(inner, (1, 1))
    return sprite


def joined(sprites: Sequence[Image.Image], mode: str) -> Image.Image:
    """Join the sprites, in rows, into one sheet."""
    rows = -(-len(sprites) // COLUMNS)
    sheet = Image.new(mode, (COLUMNS * SPRITE, rows * SPRITE))
    for index, sprite in enumerate(sprites):
        sheet.paste(sprite, (index % COLUMNS * SPRITE, index // COLUMNS * SPRITE))
    return sheet


def save_sheet(
    sprites: Sequence[Image.Image], path: Path, quality: int, alpha_quality: int = 90
) -> None:
    """Write coloured sprites as lossy WebP."""
    joined(sprites, "RGBA").save(path, quality=quality, alpha_quality=alpha_quality, method=6)
    tell(path, len(sprites))


def save_masks(sprites: Sequence[Image.Image], path: Path) -> None:
    """Write the alpha of sprites of one colour as lossless WebP of eight greys."""
    step = 255 / (GREYS - 1)
    sheet = joined([sprite.getchannel("A") for sprite in sprites], "L")
    greys = sheet.point([round(round(value / step) * step) for value in range(256)])
    greys.convert("RGB").save(path, lossless=True, quality=100, method=6)
    tell(path, len(sprites))


def tell(path: Path, count: int) -> None:
    print(f"{path.name}: {count} sprites, {path.stat().st_size / 1e6:.2f} MB")
