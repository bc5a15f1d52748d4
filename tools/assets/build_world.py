"""Rebuild the embedded world's assets: concepts.json and one sprite sheet for each art set.

Developers run this once; users never do. It reads

* Unicode's ``emoji-test.txt`` and CLDR annotations (Debian: ``unicode-data``,
  ``unicode-cldr-core``),
* the Noto Color Emoji font (Debian: ``fonts-noto-color-emoji``),
* the pictures of the npm packages ``@twemoji/svg`` and ``openmoji`` (unpacked folders),

and needs ``inflect`` (English plurals), Pillow with raqm, and ``rsvg-convert`` (Debian:
``librsvg2-bin``):

    python -m tools.assets.build_world --twemoji DIR --openmoji DIR/color/svg
"""

import argparse
import html
import io
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import inflect
from PIL import Image, ImageDraw, ImageFont

from tools.assets.sheets import save_sheet, squared

WORLD = Path(__file__).parents[2] / "clipbench" / "assets" / "world"
UNICODE = Path("/usr/share/unicode")
NOTO = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
LANGUAGES = ("es", "de", "zh", "ru")

# Left out: pictures that differ by a glyph, a direction or a person's gender only, and labels in
# writing.
DROPPED_SUBGROUPS = {
    "country-flag",
    "subdivision-flag",
    "arrow",
    "av-symbol",
    "alphanum",
    "hand-single-finger",
}
DROPPED = re.compile(
    r"""
    .*\bo’clock | (?!alarm).*-thirty | keycap:\ ([#*]|10) | (man|woman|men|women)[ :].* (?<!boot)(?<!sandal)
    | person:\ (red|curly|white)\ hair | person:\ bald | pregnant\ (man|person) | deaf\ (man|woman) | mx\ claus
    | kiss:.* | couple\ with\ heart:.* | family:.* | (un)?dotted.* | .*(medium|small)\ square | small\ (orange|blue)\ diamond | snowman\ without\ snow | sports\ medal
    | white\ square\ button | black\ square\ button | .*wards\ (pushing\ )?hand | raised\ back\ of\ hand
    | (left|right)-facing\ fist | palm\ (up|down)\ hand | speaker\ (low|medium)\ volume | muted\ speaker
    | .*litter.* | non-potable\ water | double\ curly\ loop | curly\ loop | wavy\ dash | part\ alternation\ mark
    | (open|closed)\ mailbox\ with\ lowered\ flag | (incoming\ envelope|envelope\ with\ arrow|inbox\ tray)
    | heavy\ equals\ sign | (white|red)\ exclamation\ mark | white\ question\ mark | hourglass\ done
    | magnifying\ glass\ tilted\ right | grinning\ face | globe\ showing\ (Americas|Asia-Australia) | trade\ mark
    | registered | copyright | pause\ button | round\ pushpin | tear-off\ calendar | softball | musical\ notes
    | sun\ behind\ large\ cloud | slightly\ smiling\ face | frowning\ face\ with\ open\ mouth | hollow\ red\ circle
    | camera\ with\ flash | cross\ mark\ button | locked\ with\ (pen|key) | umbrella | microscopic | mother\ christmas
    | grinning\ cat | heart\ exclamation | heart\ decoration | two\ hearts | new\ moon | full\ moon | train | radio\ button
    | waxing\ gibbous\ moon | waning\ gibbous\ moon | waxing\ crescent\ moon | waning\ crescent\ moon
    """,
    re.VERBOSE,
)
KEPT = {
    "man",
    "woman",
    "woman’s clothes",
    "woman’s hat",
    "woman’s sandal",
    "woman’s boot",
    "man’s shoe",
    "woman dancing",
    "man dancing",
}

RENAMED = {
    "person: blond hair": "person with blond hair",
    "person: beard": "person with a beard",
    "1st place medal": "first place medal",
    "2nd place medal": "second place medal",
    "3rd place medal": "third place medal",
    "black large square": "black square",
    "white large square": "white square",
    "large orange diamond": "orange diamond",
    "large blue diamond": "blue diamond",
    "breast-feeding": "breast-feeding woman",
    "mate": "mate drink",
    "OK hand": "okay hand",
    "ZZZ": "sleep symbol",
    "moai": "moai statue",
    "ice": "ice cube",
    "T-Rex": "tyrannosaurus",
    "flag in hole": "golf flag",
    "star-struck": "star-struck face",
    "umbrella with rain drops": "umbrella in the rain",
    "children crossing": "children crossing sign",
    "locked": "closed padlock",
    "unlocked": "open padlock",
    "dizzy": "dizzy star",
    "collision": "collision symbol",
    "multiply": "multiplication sign",
    "plus": "plus sign",
    "minus": "minus sign",
    "divide": "division sign",
    "warning": "warning sign",
    "construction": "construction barrier",
    "chart increasing": "rising chart",
    "chart decreasing": "falling chart",
    "chart increasing with yen": "rising chart with yen",
    **{
        f"keycap: {digit}": f"number {word}"
        for digit, word in enumerate("zero one two three four five six seven eight nine".split())
    },
}
PROPER = {
    "Santa Claus",
    "Mrs. Claus",
    "Statue of Liberty",
    "mount fuji",
    "Aries",
    "Taurus",
    "Gemini",
    "Cancer",
    "Leo",
    "Virgo",
    "Libra",
    "Scorpio",
    "Sagittarius",
    "Capricorn",
    "Aquarius",
    "Pisces",
    "Ophiuchus",
    "Tokyo tower",
}
# Not counted in captions and named without an article: substances, events and things that are
# already plural.
UNCOUNTABLE = {
    "bread", "flatbread", "bacon", "garlic", "butter", "salt", "popcorn", "broccoli", "cooked rice",
    "curry rice", "spaghetti", "soap", "sake", "fog", "foggy", "fire", "dna", "oden", "dango",
    "sushi", "bubble tea", "shaved ice", "soft ice cream", "ice cream", "canned food", "camping",
    "cooking", "badminton", "lacrosse", "ice hockey", "field hockey", "ping pong", "bowling",
    "tennis", "wood", "coral", "horse racing", "money with wings", "building construction",
    "performing arts", "yarn", "night with stars", "green salad", "ginger root", "potable water",
    "passport control", "baggage claim", "left luggage", "customs", "luggage", "infinity",
    "leafy green", "thread", "sunrise", "sunset", "cityscape at dusk", "sunrise over mountains",
    "sheaf of rice", "pouring liquid", "hundred points", "raising hands", "clapping hands",
    "folded hands", "palms up together", "heart hands", "people holding hands", "people hugging",
    "people wrestling", "milky way", "om", "grapes", "cherries", "blueberries", "peanuts", "beans",
    "pancakes", "french fries", "chopsticks", "eyes", "lungs", "houses", "glasses", "sunglasses",
    "goggles", "jeans", "gloves", "socks", "briefs", "shorts", "shopping bags", "ballet shoes",
    "prayer beads", "fireworks", "sparkles", "Japanese dolls", "nesting dolls", "maracas", "books",
    "scissors", "crossed swords", "chains", "bubbles", "skis", "open hands", "crossed fingers",
    "paw prints", "footprints", "busts in silhouette", "people with bunny ears", "control knobs",
    "film frames", "admission tickets", "hot springs", "linked paperclips", "antenna bars",
    "card index dividers", "sweat droplets", "bookmark tabs", "radioactive", "biohazard",
    "clinking beer mugs", "clinking glasses", "flower playing cards", "revolving hearts",
}  # fmt: skip

# Second meanings that CLDR's keywords lack, for lessons about words with two meanings.
MORE_KEYWORDS = {
    "computer mouse": ["mouse"],
    "building construction": ["crane"],
    "nail polish": ["nail"],
}

# What a caption may call a concept instead of its name (its hypernym), by Unicode subgroup.
HYPERNYMS = {
    "face-smiling": "a smiley", "face-affection": "a smiley", "face-tongue": "a smiley",
    "face-hand": "a smiley", "face-neutral-skeptical": "a smiley", "face-sleepy": "a smiley",
    "face-unwell": "a smiley", "face-hat": "a smiley", "face-glasses": "a smiley",
    "face-concerned": "a smiley", "face-negative": "a face", "face-costume": "a mask",
    "cat-face": "a cat face", "monkey-face": "a monkey", "heart": "a heart symbol",
    "emotion": "a comic symbol", "hand-fingers-open": "a hand",
    "hand-fingers-partial": "a hand sign", "hand-fingers-closed": "a fist", "hands": "hands",
    "hand-prop": "a hand", "body-parts": "a body part", "person": "a human",
    "person-gesture": "a person making a gesture", "person-role": "a person at work",
    "person-fantasy": "a fantasy figure", "person-activity": "a person doing something",
    "person-sport": "an athlete", "person-resting": "a person resting", "family": "people",
    "person-symbol": "a figure", "animal-mammal": "a mammal", "animal-bird": "a bird",
    "animal-amphibian": "an amphibian", "animal-reptile": "a reptile",
    "animal-marine": "a sea animal", "animal-bug": "an insect", "plant-flower": "a flower",
    "plant-other": "a plant", "food-fruit": "a fruit", "food-vegetable": "a vegetable",
    "food-prepared": "a dish", "food-asian": "asian food", "food-marine": "seafood",
    "food-sweet": "a dessert", "drink": "a drink", "dishware": "tableware", "place-map": "a map",
    "place-geographic": "a landscape", "place-building": "a building",
    "place-religious": "a house of worship", "place-other": "a place",
    "transport-ground": "a vehicle", "transport-water": "a boat", "transport-air": "an aircraft",
    "hotel": "hotel equipment", "time": "a timepiece", "sky & weather": "sky and weather",
    "event": "a festive object", "award-medal": "an award", "sport": "sports equipment",
    "game": "a toy or game", "arts & crafts": "arts and crafts", "clothing": "clothing",
    "sound": "a sound symbol", "music": "music equipment",
    "musical-instrument": "a musical instrument", "phone": "a phone",
    "computer": "computer hardware", "light & video": "light and video equipment",
    "book-paper": "paper goods", "money": "money", "mail": "mail", "writing": "a writing tool",
    "office": "office supplies", "lock": "a lock or key", "tool": "a tool",
    "science": "lab equipment", "medical": "medical supplies", "household": "a household object",
    "other-object": "an object", "transport-sign": "a public sign", "warning": "a warning sign",
    "religion": "a religious symbol", "zodiac": "a zodiac sign", "gender": "a gender symbol",
    "math": "a math symbol", "punctuation": "a punctuation mark", "currency": "a currency symbol",
    "other-symbol": "a symbol", "keycap": "a number", "geometric": "a geometric shape",
    "flag": "a flag",
}  # fmt: skip


def emoji_rows():
    """Yield (code points, name, group, subgroup) of every fully qualified emoji.

    Emoji with a skin tone are left out.
    """
    group = subgroup = None
    for line in (UNICODE / "emoji/emoji-test.txt").read_text().splitlines():
        if line.startswith("# group:"):
            group = line.removeprefix("# group:").strip()
        elif line.startswith("# subgroup:"):
            subgroup = line.removeprefix("# subgroup:").strip()
        elif "; fully-qualified" in line:
            codes = line.split(";")[0].split()
            name = re.search(r"# \S+ E[\d.]+ (.*)", line)[1]
            if not any("1F3FB" <= code <= "1F3FF" for code in codes):
                yield codes, name, group, subgroup


def is_kept(name, subgroup):
    return name in KEPT or (subgroup not in DROPPED_SUBGROUPS and not DROPPED.fullmatch(name))


def annotations(language):
    """Read CLDR's short names and keywords: {emoji without U+FE0F: (name, [keyword, ...])}."""
    names, keywords = {}, {}
    for folder in ("annotations", "annotationsDerived"):
        tree = ElementTree.parse(UNICODE / f"cldr/common/{folder}/{language}.xml")
        for node in tree.iter("annotation"):
            key = html.unescape(node.get("cp")).replace("\ufe0f", "")
            if node.get("type") == "tts":
                names[key] = node.text
            else:
                keywords[key] = [word.strip() for word in node.text.split("|")]
    return {key: (names[key], keywords.get(key, [])) for key in names}


def concept(codes, name, group, subgroup, cldr, english):
    emoji = "".join(chr(int(code, 16)) for code in codes)
    key = emoji.replace("\ufe0f", "")
    shown = RENAMED.get(name, name).replace("’", "'").replace("“", '"').replace("”", '"')
    bare = shown in PROPER or shown in UNCOUNTABLE
    described = len(shown.split()) > 2 or subgroup in (
        "person-gesture",
        "person-activity",
        "person-sport",
        "person-resting",
        "keycap",
    )
    keywords = [
        word
        for word in cldr["en"].get(key, ("", []))[1]
        if word.lower() != shown.lower() and ":" not in word
    ]
    keywords += [word for word in MORE_KEYWORDS.get(shown, []) if word not in keywords]
    return {
        "emoji": emoji,
        "name": shown,
        "group": group,
        "subgroup": subgroup,
        "hypernym": HYPERNYMS[subgroup],
        "article": "" if bare else english.a(shown).split()[0],
        "plural": None if bare or described else english.plural_noun(shown),
        "keywords": keywords,
        "names": {
            language: cldr[language][key][0] for language in LANGUAGES if key in cldr[language]
        },
    }


def choose_tiny(concepts):
    """Choose the 256 concepts of the tiny world.

    They have short one-word names, except three that famous examples need.
    """
    wanted = ("black cat", "green apple", "computer mouse")
    groups = {
        "Animals & Nature": 85,
        "Food & Drink": 65,
        "Travel & Places": 45,
        "Activities": 18,
        "Objects": 40,
    }
    chosen = set(wanted)
    for group, quota in groups.items():
        short = [
            entry["name"]
            for entry in concepts
            if entry["group"] == group
            and entry["plural"]
            and entry["name"].isascii()
            and len(entry["name"]) <= 10
            and entry["name"].isalpha()
        ]
        quota = min(quota, len(short))
        chosen |= {short[i * len(short) // quota] for i in range(quota)}
    print(len(chosen), "tiny concepts before filling up")
    for entry in concepts:
        if (
            len(chosen) < 256
            and entry["group"] in groups
            and entry["plural"]
            and entry["name"].isalpha()
        ):
            chosen.add(entry["name"])
    for entry in concepts:
        entry["tiny"] = entry["name"] in chosen
    assert sum(entry["tiny"] for entry in concepts) == 256


def noto_sprite(emoji, font):
    canvas = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    if round(font.getlength(emoji)) > 150:
        return None  # the font has no single glyph for this sequence
    ImageDraw.Draw(canvas).text((10, 10), emoji, font=font, embedded_color=True)
    return squared(canvas)


def svg_sprite(path):
    png = subprocess.run(
        ["rsvg-convert", "-w", "192", "-h", "192", str(path)], capture_output=True, check=True
    )
    return squared(Image.open(io.BytesIO(png.stdout)).convert("RGBA"))


def svg_file(folder, codes, upper):
    """Find the file of an emoji in a set of art.

    Art sets name files by code points, some with and some without the variation selector.
    """
    spelled = codes if upper else [code.lstrip("0") for code in codes]
    for chosen in (spelled, [code for code in spelled if code != "FE0F"]):
        stem = "-".join(chosen)
        path = folder / f"{stem.upper() if upper else stem.lower()}.svg"
        if path.exists():
            return path
    return None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--twemoji", type=Path, required=True, help="folder with Twemoji's svg files"
    )
    parser.add_argument(
        "--openmoji", type=Path, required=True, help="folder with OpenMoji's colour svg files"
    )
    arguments = parser.parse_args()
    cldr = {language: annotations(language) for language in ("en", *LANGUAGES)}
    english = inflect.engine()
    font = ImageFont.truetype(str(NOTO), 109, layout_engine=ImageFont.Layout.RAQM)
    concepts, sheets = [], {"noto": [], "twemoji": [], "openmoji": []}
    for codes, name, group, subgroup in emoji_rows():
        if not is_kept(name, subgroup):
            continue
        entry = concept(codes, name, group, subgroup, cldr, english)
        files = svg_file(arguments.twemoji, codes, False), svg_file(arguments.openmoji, codes, True)
        sprite = noto_sprite(entry["emoji"], font)
        if sprite is None or None in files:
            print("not in all three art sets:", name)
            continue
        concepts.append(entry)
        sheets["noto"].append(sprite)
        sheets["twemoji"].append(svg_sprite(files[0]))
        sheets["openmoji"].append(svg_sprite(files[1]))
    names = [entry["name"].lower() for entry in concepts]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    choose_tiny(concepts)
    WORLD.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in concepts)
    (WORLD / "concepts.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    for art, sprites in sheets.items():
        save_sheet(sprites, WORLD / f"{art}.webp", quality=88 if art == "noto" else 80)
    print(len(concepts), "concepts")


if __name__ == "__main__":
    main()
