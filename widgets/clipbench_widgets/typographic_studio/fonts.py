"""The fonts that an app prints words in, by name.

These are the shipped one, and some that come with matplotlib.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.font_manager import findSystemFonts

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
# fonts of other scripts as Linux, Windows and macOS call their files
OF_SYSTEMS = {
    "Chinese, Japanese, Korean": (
        "notosanscjk-regular.ttc", "notosanscjksc-regular.otf", "notosanssc-regular.otf",
        "notosanssc[wght].ttf", "wqy-microhei.ttc", "wqy-zenhei.ttc", "msyh.ttc", "simhei.ttf",
        "pingfang.ttc", "hiragino sans gb.ttc", "arial unicode.ttf",
    ),
    "Arabic": (
        "notosansarabic-regular.ttf", "notonaskharabic-regular.ttf", "kacstone.ttf", "arial.ttf",
        "geezapro.ttc", "arial unicode.ttf",
    ),
    "Hindi": (
        "notosansdevanagari-regular.ttf", "lohit-devanagari.ttf", "nirmala.ttf", "nirmala.ttc",
        "kohinoor.ttc",
    ),
}  # fmt: skip


@cache
def font_files() -> dict[str, Path]:
    """Map the name of every font that is here to its file.

    An installation may have left some of matplotlib's out, and a system may have fonts of other
    scripts.
    """
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    others = {name: folder / file for name, file in OF_MATPLOTLIB.items()}
    shipped = {DEFAULT: FONT} | {name: file for name, file in others.items() if file.is_file()}
    return shipped | installed(findSystemFonts())


def installed(files: Sequence[str]) -> dict[str, Path]:
    """Map the names of the fonts of other scripts that a system has to their files."""
    by_file = {Path(file).name.casefold(): Path(file) for file in sorted(files)}
    found = {
        name: next((by_file[file] for file in known if file in by_file), None)
        for name, known in OF_SYSTEMS.items()
    }
    return {name: file for name, file in found.items() if file is not None}


def font_file(name: str) -> Path:
    """Look up the file of a font by its name.

    Raises:
        UserError: for a name that is not in `font_files`; so for any path.
    """
    if name not in font_files():
        raise UserError(f"no font {name[:40]!r}; choose one of {', '.join(font_files())}")
    return font_files()[name]


def name_of(file: str | Path) -> str:
    """Give the name of a font, or of the file of one that has no name here."""
    return next(
        (name for name, known in font_files().items() if known == Path(file)), Path(file).stem
    )
