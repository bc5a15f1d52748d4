"""The fonts that an app prints words in, by name: the shipped one, and some that come with
matplotlib.
"""

from functools import cache
from pathlib import Path

import matplotlib

from clipbench import UserError
from clipbench.data.alter.sticker import FONT

DEFAULT = "condensed bold"  # the one that the emoji world's own signs are printed in
OF_MATPLOTLIB = {
    "sans": "DejaVuSans.ttf",
    "oblique": "DejaVuSans-Oblique.ttf",
    "serif": "DejaVuSerif.ttf",
    "serif bold": "DejaVuSerif-Bold.ttf",
    "italic": "STIXGeneralItalic.ttf",
    "mono": "DejaVuSansMono.ttf",
    "typewriter": "cmtt10.ttf",
}


@cache
def font_files() -> dict[str, Path]:
    """Name -> file of every font that is here; an installation may have left some of
    matplotlib's out.
    """
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    others = {name: folder / file for name, file in OF_MATPLOTLIB.items()}
    return {DEFAULT: FONT} | {name: file for name, file in others.items() if file.is_file()}


def font_file(name: str) -> Path:
    """
    Raises:
        UserError: for a name that is none of `font_files`; a path is none, either.
    """
    if name not in font_files():
        raise UserError(f"no font {name[:40]!r}; choose one of {', '.join(font_files())}")
    return font_files()[name]


def name_of(file: str | Path) -> str:
    """The name of a font, or of the file of one that has no name here."""
    return next(
        (name for name, known in font_files().items() if known == Path(file)), Path(file).stem
    )
