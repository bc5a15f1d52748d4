"""Rebuild the second world's drawings: sheets by many makers, drawings.json and MAKERS.md.

Developers run this once, after build_world.py; users never do. It reads the npm packages
``@iconify/json`` (the drawings), ``@resvg/resvg-js`` (renders them; needs node) and
``spdx-license-list`` (licence texts) from one folder:

    npm install @iconify/json@2.2.535 @resvg/resvg-js@2.6.2 spdx-license-list@6.12.0
    python -m tools.assets.build_drawings node_modules

Trained on are nine emoji sets by five makers and, from all permissive icon sets, the icons that have
a concept's name. Held out are Twemoji, OpenMoji and the icons of `icon_sets.HELD_OUT_SETS`. A
drawing that is a near twin of a held-out one of its concept is left out, unless the concept had no
other drawing to learn from: then Noto's stays.
"""

import json
import math
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from tools.assets import icon_sets, near_twins
from tools.assets.icon_sets import Icon
from tools.assets.render_icons import render_icons
from tools.assets.sheets import COLUMNS, SPRITE, save_masks, save_sheet

ASSETS = Path(__file__).parents[2] / "clipbench" / "assets"
WORLD = ASSETS / "world"
NOTO = "noto"
NOTO_LICENCE = "OFL-1.1"  # of the font, which the sheet was made from
SHARED_HELD_OUT = ("twemoji", "openmoji")  # with sheets of their own, as Noto
QUALITY = 60  # of WebP, for colours and for opacity
CELLS = 1440  # of a sheet: what is decoded at once
BLACK = 12  # of 255: the brightest that still counts as black
FULL = 0.97  # share of a sprite that is opaque, from which an icon is a mere square


@dataclass(frozen=True)
class Candidate:
    """A rendered drawing, before its sheet is made."""

    concept: int
    set: str
    sheet: str  # file name without .webp
    is_mask: bool
    sprite: Image.Image
    likeness: float | None = None  # of a held-out drawing: to the trained one most like it

    @property
    def held_out(self) -> bool:
        return self.set in (*SHARED_HELD_OUT, *icon_sets.HELD_OUT_SETS)


def main() -> None:
    node_modules = Path(sys.argv[1]).resolve()
    iconify = node_modules / "@iconify" / "json"
    about = icon_sets.read_about(iconify)
    about[NOTO]["license"]["spdx"] = NOTO_LICENCE
    concepts = json.loads((WORLD / "concepts.json").read_text(encoding="utf-8"))
    candidates = from_sheets(len(concepts)) + from_sets(iconify, node_modules, about, concepts)
    drawings = without_twins(without_copies(candidates), len(concepts))
    sheets = in_sheets(drawings)
    for sheet, held in sheets.items():
        if sheet not in (NOTO, *SHARED_HELD_OUT):
            write_sheet(WORLD / f"{sheet}.webp", held)
    write_table(sheets, about)
    write_makers(drawings, about)
    write_licences(node_modules, {about[drawing.set]["license"]["spdx"] for drawing in drawings})
    makers = {about[drawing.set]["author"]["name"] for drawing in drawings}
    print(f"{len(drawings)} drawings by {len(makers)} makers")


def from_sheets(count: int) -> list[Candidate]:
    """Cut drawings from the first world's three sheets, whose cells are the concepts in order."""
    found = []
    for sheet in (NOTO, *SHARED_HELD_OUT):
        with Image.open(WORLD / f"{sheet}.webp") as image:
            whole = image.convert("RGBA")
        for concept in range(count):
            x, y = concept % COLUMNS * SPRITE, concept // COLUMNS * SPRITE
            cell = whole.crop((x, y, x + SPRITE, y + SPRITE))
            found.append(Candidate(concept, sheet, sheet, False, cell))
    return found


def from_sets(iconify: Path, node_modules: Path, about: dict, concepts: list) -> list[Candidate]:
    """Render the drawings of all other sets."""
    emoji = [icon_sets.emoji_drawings(iconify, name, concepts) for name in icon_sets.EMOJI_SETS]
    chosen = [
        name
        for name in about
        if icon_sets.is_trained_icon_set(name, about[name]) or name in icon_sets.HELD_OUT_SETS
    ]
    named = [icon_sets.named_icons(iconify, name, concepts) for name in chosen]
    icons = list(chain(*emoji, *named))
    sprites = render_icons([icon.svg for icon in icons], node_modules)
    print(f"{len(icons)} drawings, {sprites.count(None)} of them empty or not readable")
    found = [candidate(*pair, about) for pair in zip(icons, sprites, strict=True) if pair[1]]
    return [drawing for drawing in found if drawing]


def candidate(icon: Icon, sprite: Image.Image, about: dict) -> Candidate | None:
    """Make a candidate with the sheet that it belongs to.

    Returns:
        None for an icon that is a mere square, or a held-out one in colours.
    """
    if icon.set in icon_sets.EMOJI_SETS:
        is_mask = not about[icon.set]["palette"]
        return Candidate(icon.concept, icon.set, icon.set, is_mask, sprite)
    pixels = np.asarray(sprite)
    if pixels[..., 3].mean() > FULL * 255:
        return None
    is_mask = bool(pixels[..., :3][pixels[..., 3] > 100].max(initial=0) <= BLACK)
    if icon.set in icon_sets.HELD_OUT_SETS:
        sheet = "held-out-icons"
        return Candidate(icon.concept, icon.set, sheet, True, sprite) if is_mask else None
    sheet = "icons-of-one-colour" if is_mask else "icons-in-colours"
    return Candidate(icon.concept, icon.set, sheet, is_mask, sprite)


def by_concept(drawings: list[Candidate]) -> dict[int, list[Candidate]]:
    found = defaultdict(list)
    for drawing in drawings:
        found[drawing.concept].append(drawing)
    return dict(sorted(found.items()))


def without_copies(drawings: list[Candidate]) -> list[Candidate]:
    """Leave out trained icons that copy another one of their concept."""
    icons = [drawing for drawing in drawings if drawing.sheet.startswith("icons-")]
    kept = {id(drawing) for drawing in drawings} - {id(drawing) for drawing in icons}
    for group in by_concept(icons).values():
        chosen = near_twins.without_copies([drawing.sprite for drawing in group])
        kept |= {id(group[number]) for number in chosen}
    print(f"{len(drawings) - len(kept)} copies within training left out")
    return [drawing for drawing in drawings if id(drawing) in kept]


def without_twins(drawings: list[Candidate], count: int) -> list[Candidate]:
    """Leave out trained drawings that are twins of a held-out one.

    The held-out ones that stay record how alike the nearest of the others is.
    """
    kept, removed, stayed = [], Counter(), 0
    groups = by_concept(drawings)
    for concept in range(count):
        trained = [drawing for drawing in groups[concept] if not drawing.held_out]
        held_out = [drawing for drawing in groups[concept] if drawing.held_out]
        likeness = near_twins.likeness(described(trained), described(held_out))
        is_twin = likeness.max(1) >= near_twins.TWINS
        if is_twin.all():  # Noto's is the first
            is_twin[0], stayed = False, stayed + 1
        removed.update(trained[number].set for number in np.flatnonzero(is_twin))
        nearest = likeness[~is_twin].max(0)
        kept += [drawing for drawing, twin in zip(trained, is_twin, strict=True) if not twin]
        kept += [
            replace(drawing, likeness=math.floor(near * 100) / 100)
            for drawing, near in zip(held_out, nearest, strict=True)
        ]
    print(f"{removed.total()} twins left out, {stayed} of Noto's kept; {dict(removed)}")
    return kept


def described(drawings: list[Candidate]) -> tuple[np.ndarray, ...]:
    return near_twins.shapes_and_luminances(
        [drawing.sprite for drawing in drawings], [drawing.is_mask for drawing in drawings]
    )


def in_sheets(drawings: list[Candidate]) -> dict[str, list[Candidate]]:
    """Map file name -> its drawings; what is too many for one sheet goes into several, numbered."""
    sheets = {}
    for name in dict.fromkeys(drawing.sheet for drawing in drawings):
        held = [drawing for drawing in drawings if drawing.sheet == name]
        parts = [held[start : start + CELLS] for start in range(0, len(held), CELLS)]
        numbered = [f"{name}-{number}" for number in range(1, len(parts) + 1)]
        sheets |= zip(numbered if len(parts) > 1 else [name], parts, strict=True)
    return sheets


def write_sheet(path: Path, drawings: list[Candidate]) -> None:
    sprites = [drawing.sprite for drawing in drawings]
    if drawings[0].is_mask:
        save_masks(sprites, path)
    else:
        save_sheet(sprites, path, QUALITY, QUALITY)


def write_table(sheets: dict[str, list[Candidate]], about: dict) -> None:
    """Write drawings.json: the sets with maker and licence, and each sheet's cells."""
    used = dict.fromkeys(drawing.set for held in sheets.values() for drawing in held)
    table = {
        "sets": {name: set_entry(about[name]) for name in used},
        "sheets": {name: sheet_entry(name, held) for name, held in sheets.items()},
    }
    (WORLD / "drawings.json").write_text(pretty(table), encoding="utf-8")


def set_entry(about: dict) -> dict:
    author, licence = about["author"], about["license"]
    return {
        "name": about["name"],
        "maker": author["name"],
        "address": author.get("url", ""),
        "licence": licence["spdx"],
    }


def sheet_entry(name: str, drawings: list[Candidate]) -> dict:
    first = drawings[0]
    own = name in (NOTO, *SHARED_HELD_OUT)  # there the cell is the concept's number
    return {
        "kind": "mask" if first.is_mask else "colour",
        "split": "held-out" if first.held_out else "trained",
        "drawings": [
            [
                drawing.set,
                drawing.concept,
                drawing.concept if own else cell,
                *([] if drawing.likeness is None else [drawing.likeness]),
            ]
            for cell, drawing in enumerate(drawings)
        ],
    }


def pretty(table: dict) -> str:
    """Format as JSON with one line for each set and one for each twenty drawings."""
    short = {"ensure_ascii": False, "separators": (",", ":")}
    sets = ",\n".join(f'"{name}":{json.dumps(row, **short)}' for name, row in table["sets"].items())
    sheets = []
    for name, sheet in table["sheets"].items():
        rows = [json.dumps(drawing, **short) for drawing in sheet["drawings"]]
        lines = [",".join(rows[start : start + 20]) for start in range(0, len(rows), 20)]
        head = json.dumps({**sheet, "drawings": []}, **short).removesuffix("]}")
        sheets.append(f'"{name}":{head}\n' + ",\n".join(lines) + "\n]}")
    return '{"sets":{\n' + sets + '\n},\n"sheets":{\n' + ",\n".join(sheets) + "\n}}\n"


def write_makers(drawings: list[Candidate], about: dict) -> None:
    """Write MAKERS.md: whom the drawings are by, and under which licence."""
    count = Counter(drawing.set for drawing in drawings)
    held_out = {drawing.set for drawing in drawings if drawing.held_out}
    rows = [
        maker_row(name, about[name], count[name], name in held_out)
        for name in about_order(count, about)
    ]
    (WORLD / "MAKERS.md").write_text(MAKERS + "\n".join(rows) + "\n", encoding="utf-8")


MAKERS = """# Makers of the drawings

Made by `tools/assets/build_drawings.py`. Every drawing was rendered at 64 pixels, cut to what is
drawn, and stored with losses (colours as WebP, shapes of one colour in eight greys); nothing else was
changed. The texts of the licences are in `licenses/`, one folder up; where a licence asks for a
copyright notice, it is "Copyright (c)" and the maker named here. The icons of game-icons are by Lorc,
Delapouite and others, named at https://game-icons.net/about.html.

| set | maker | licence | drawings | use |
|---|---|---|---|---|
"""


def about_order(count: Counter, about: dict) -> list[str]:
    return sorted(count, key=lambda name: (about[name]["author"]["name"].lower(), name))


def maker_row(name: str, about: dict, count: int, held_out: bool) -> str:
    author, licence = about["author"], about["license"]["spdx"]
    maker = f"[{author['name']}]({author['url']})" if author.get("url") else author["name"]
    use = "held out" if held_out else "trained"
    return f"| {about['name']} (`{name}`) | {maker} | {licence} | {count} | {use} |"


def write_licences(node_modules: Path, used: set[str]) -> None:
    """Write the texts of the licences, except of those that have one already."""
    for name in sorted(used - {"CC-BY-SA-4.0", NOTO_LICENCE}):
        source = node_modules / "spdx-license-list" / "licenses" / f"{name}.json"
        text = json.loads(source.read_text(encoding="utf-8"))["licenseText"]
        (ASSETS / "licenses" / f"{name}.txt").write_text(text.strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
