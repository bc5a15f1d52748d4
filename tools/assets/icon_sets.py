"""Read the icon sets of the npm package ``@iconify/json`` and choose the drawings of a concept."""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PERMISSIVE = {
    "MIT", "Apache-2.0", "CC-BY-4.0", "CC0-1.0", "ISC", "BSD-3-Clause", "Unlicense",
}  # fmt: skip
# by five makers; the sixth set, noto, is the first world's sheet
EMOJI_SETS = (
    "noto-v1", "fluent-emoji-flat", "fluent-emoji", "fluent-emoji-high-contrast", "emojione",
    "emojione-monotone", "fxemoji", "streamline-emojis",
)  # fmt: skip
# never trained on; lucide-lab and feather are lucide's sister and its ancestor
HELD_OUT_SETS = ("ph", "lucide", "lucide-lab", "feather", "game-icons")
LEFT_OUT_CATEGORIES = {"Logos", "Programming", "Emoji"}
LEFT_OUT_SETS = {
    "circle-flags", "flag", "flagpack", "cif",  # flags of countries
    "fa-brands", "fa6-brands",  # brands
    "fluent-emoji",  # emoji without a category
    "ginetex", "geo", "svg-spinners", "bitcoin-icons", "qlementine-icons",  # no things
}  # fmt: skip
# Names that mean another thing in sets of icons than among emoji, found by looking at the drawings:
# the computer's mouse and memory, windows and threads, logos, charts
# ("pie"), antennas ("station"), a gavel ("judge"), signs of gender ("man") ...
AMBIGUOUS = {
    "accordion", "aries", "artist", "black flag", "bowling", "bubbles", "bullet train", "cancer",
    "canned food", "canoe", "chains", "chicken", "convenience store", "cook", "cricket", "customs",
    "doughnut", "fairy", "fly", "gemini", "green circle", "hamster", "heart hands", "hook",
    "hundred points", "judge", "kiss", "label", "lacrosse", "ledger", "leo", "libra", "log", "man",
    "mechanic", "memo", "mermaid", "mirror", "mouse", "octopus", "peacock", "pick", "pie",
    "placard", "police car light", "post office", "radioactive", "ram", "rock", "rosette", "seal",
    "seat", "squid", "station", "swan", "taurus", "thread", "troll", "turkey", "virgo", "waffle",
    "window", "woman", "writing hand", "yarn",
}  # fmt: skip
STYLE_WORDS = (
    "outline|outlined|outlines|line|linear|fill|filled|solid|bold|regular|thin|light|duotone|"
    "twotone|two-tone|sharp|round|rounded|broken|bulk|color|colour|flat|stroke|glyph|mono|alt|"
    r"variant|simple|icon|emoji|symbol|o|s|sm|lg|small|large|big|medium|\d+(px|pt|x)?|0?\d"
)
FILLED = re.compile(r"fill|solid|bold|bulk|sharp")


@dataclass(frozen=True)
class Icon:
    """One drawing: which concept it shows, its set, its name there, and its SVG text."""

    concept: int
    set: str
    name: str
    svg: str


def slug(name: str) -> str:
    """Spell a name as icon sets do: "Mrs. Claus" -> "mrs-claus"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")


def read_set(folder: Path, prefix: str) -> dict:
    return json.loads((folder / "json" / f"{prefix}.json").read_text(encoding="utf-8"))


def read_about(folder: Path) -> dict[str, dict]:
    """Read prefix -> name, author, licence and category of each set."""
    return json.loads((folder / "collections.json").read_text(encoding="utf-8"))


def is_trained_icon_set(prefix: str, about: dict) -> bool:
    """Say whether a set's icons may be trained on: permissive, of things, and not held out."""
    return (
        about["license"].get("spdx") in PERMISSIVE
        and about.get("category") not in LEFT_OUT_CATEGORIES
        and prefix not in LEFT_OUT_SETS
        and prefix not in HELD_OUT_SETS
    )


def svg_of(data: dict, name: str) -> str | None:
    """Give the whole SVG of an icon, or of an alias that is not turned or mirrored.

    Returns:
        None for hidden ones.
    """
    icon = data["icons"].get(name) or resolved(data, name)
    if icon is None or icon.get("hidden"):
        return None
    width, height = (icon.get(side, data.get(side, 16)) for side in ("width", "height"))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    body = icon["body"].replace("currentColor", "#000")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{box}" width="{width}" height="{height}">{body}</svg>'
    )


def resolved(data: dict, name: str) -> dict | None:
    alias = data.get("aliases", {}).get(name)
    if alias is None or {"hFlip", "vFlip", "rotate", "hidden"} & set(alias):
        return None
    return data["icons"].get(alias["parent"])


def names_of(data: dict) -> list[str]:
    return [*data["icons"], *data.get("aliases", {})]


def without_style(name: str, data: dict) -> str:
    """Remove style and size from an icon's name: "cat-fill-24" -> "cat".

    It removes the set's own prefixes and suffixes, and the common words of style and size.
    """
    for mark in data.get("suffixes") or {}:
        name = name.removesuffix(f"-{mark}") if mark else name
    for mark in data.get("prefixes") or {}:
        name = name.removeprefix(f"{mark}-") if mark else name
    shorter = re.sub(rf"-({STYLE_WORDS})$", "", name)
    return name if shorter == name else without_style(shorter, {})


def emoji_drawings(folder: Path, prefix: str, concepts: Sequence[dict]) -> list[Icon]:
    """Find one drawing of each concept that an emoji set has.

    A concept is found by its code points or by its Unicode name.
    """
    data, unicode_names = read_set(folder, prefix), code_names(read_noto(folder))
    own_codes = code_names(data)
    own_names = {unhyphened(name): name for name in reversed(names_of(data))}
    found = []
    for number, concept in enumerate(concepts):
        code = plain_code("-".join(f"{ord(char):x}" for char in concept["emoji"]))
        spelled = (unicode_names.get(code, ""), slug(concept["name"]))
        names = [own_codes.get(code), *(own_names.get(unhyphened(name)) for name in spelled)]
        name = next(filter(None, names), None)
        if name and (svg := svg_of(data, name)):
            found.append(Icon(number, prefix, name, svg))
    return found


@cache
def read_noto(folder: Path) -> dict:
    return read_set(folder, "noto")


def code_names(data: dict) -> dict[str, str]:
    """Map code points without variation selectors -> name."""
    pairs = reversed(data.get("chars", {}).items())
    return {plain_code(code): name for code, name in pairs}


def plain_code(code: str) -> str:
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def unhyphened(name: str) -> str:
    return name.replace("-", "")


def named_icons(folder: Path, prefix: str, concepts: Sequence[dict], styles: int = 2) -> list[Icon]:
    """Find the icons that have a concept's name, by default at most two styles of each.

    The two are the plain one, and one that is filled.
    """
    data = read_set(folder, prefix)
    wanted = {
        slug(concept["name"]): number
        for number, concept in enumerate(concepts)
        if concept["name"].lower() not in AMBIGUOUS
    }
    variants: dict[int, list[str]] = {}
    for name in names_of(data):
        number = wanted.get(name, wanted.get(without_style(name, data)))
        if number is not None:
            variants.setdefault(number, []).append(name)
    found = {}
    for number, names in sorted(variants.items()):
        for name in chosen_styles(names)[:styles]:
            if svg := svg_of(data, name):
                found.setdefault(svg, Icon(number, prefix, name, svg))
    return list(found.values())


def chosen_styles(names: list[str]) -> list[str]:
    """Order names: the shortest first, then filled ones, then the others."""
    first, *others = sorted(names, key=lambda name: (len(name), name))
    return [first, *sorted(others, key=lambda name: not FILLED.search(name))]
