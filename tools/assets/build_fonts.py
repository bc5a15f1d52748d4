"""Rebuild the fonts of printed signs: twelve free ones, cut down to the letters that signs need.

It reads the npm packages ``@fontsource/NAME`` from one folder and needs fonttools:

    npm install @fontsource/open-sans @fontsource/...  (the names in FONTS)
    python -m tools.assets.build_fonts node_modules

None of them has a reserved font name, so that a part may keep the name of the whole.
"""

import re
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FOLDER = Path(__file__).parents[2] / "clipbench" / "assets" / "fonts" / "signs"
# package -> weight; heavy ones, to be read at 64 pixels
FONTS = {
    "open-sans": 700,
    "eb-garamond": 700,
    "roboto-slab": 700,
    "oswald": 600,
    "courier-prime": 700,
    "patrick-hand": 400,
    "nunito": 800,
    "fredoka": 600,
    "fira-sans": 700,
    "libre-baskerville": 700,
    "space-mono": 700,
    "kalam": 700,
}
LETTERS = "".join(map(chr, range(ord("A"), ord("Z") + 1)))
DIGITS = "0123456789"
ACCENTED = "ÁÉÍÓÚÜÑÄÖß"  # Spanish and German
PUNCTUATION = " .,:;!?¡¿'’\"-–&/()%+$€#"
CHARACTERS = LETTERS + LETTERS.lower() + DIGITS + ACCENTED + ACCENTED.lower() + PUNCTUATION


def main() -> None:
    packages = Path(sys.argv[1]) / "@fontsource"
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, weight in FONTS.items():
        package = packages / name
        cut(package / "files" / f"{name}-latin-{weight}-normal.woff", FOLDER / f"{name}.ttf")
        licence = (package / "LICENSE").read_text(encoding="utf-8")
        if re.search("with reserved font name", licence, re.IGNORECASE):
            raise SystemExit(f"{name} has a reserved font name: a part of it needs another one")
        (FOLDER / f"{name}.LICENSE.txt").write_text(licence.strip() + "\n", encoding="utf-8")
    sizes = [file.stat().st_size for file in FOLDER.glob("*.ttf")]
    print(f"{len(sizes)} fonts, {sum(sizes):,} bytes")


def cut(source: Path, target: Path) -> None:
    """Write the part of a font that signs need, without hints and compression."""
    font = TTFont(source)
    missing = {char for char in CHARACTERS if ord(char) not in font.getBestCmap()}
    if missing:
        print(f"{target.stem} lacks {''.join(sorted(missing))}")
    options = subset.Options(hinting=False, layout_features=["kern"], drop_tables=["DSIG"])
    cutter = subset.Subsetter(options)
    cutter.populate(text=CHARACTERS)
    cutter.subset(font)
    font.flavor = None
    font.save(target)


if __name__ == "__main__":
    main()
