"""What the start page shows: a card with a small drawing for each app."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from PIL import Image

from clipbench_widgets.core.example_pictures import SCENES, example_pictures
from clipbench_widgets.core.pictures import data_uri, square

BLUE, ORANGE, GREY = "#2a86c4", "#d9731a", "#8a95a5"  # seen on light and on dark cards
PICTURE_PIXELS = 144  # twice the size on the page
EVERY_SCENE = tuple(SCENES)
START = ""  # in place of an app's name: the cards


@dataclass(frozen=True)
class CardLook:
    name: str  # of the app
    title: str
    invitation: str
    drawing: str  # within 56 x 56
    scenes: tuple[str, ...] = ()  # names of example pictures; without any, the drawing is shown

    @property
    def text(self) -> str:
        """The title is the first line, which a style makes bold."""
        return f"{self.title}\n{self.invitation}"

    @property
    def css_class(self) -> str:
        return f"clipbench-start-{self.name}"

    @property
    def rule(self) -> str:
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 56 56">{self.drawing}</svg>'
        return (
            f".clipbench-app .{self.css_class} "
            f'{{ background-image: url("data:image/svg+xml,{quote(svg)}") }}\n'
        )

    def picture_rule(self) -> str:
        """Write the style that shows pictures of the world on the card, in place of the drawing."""
        if not self.scenes:
            return ""
        address = data_uri(montage(self.scenes, PICTURE_PIXELS))
        return (
            f".clipbench-app .clipbench-cards .{self.css_class} "
            f"{{ background-image: url({address}) }}\n"
        )


def montage(names: Sequence[str], side: int) -> Image.Image:
    """Put example pictures beside and below each other, as many in a row as there are rows."""
    known = {entry.name: entry.picture for entry in example_pictures()}
    across = math.isqrt(len(names))
    cell = side // across
    whole = Image.new("RGB", (across * cell, across * cell))
    for place, name in enumerate(names[: across * across]):
        whole.paste(square(known[name], cell), (place % across * cell, place // across * cell))
    return whole


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    colour: str,
    round: float = 2,
    opacity: float = 1,
) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{round}" fill="{colour}" '
        f'opacity="{opacity}"/>'
    )


def dot(x: float, y: float, colour: str, radius: float = 3) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>'


def line(points: str, colour: str, dashes: str = "none") -> str:
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="3.5" '
        'stroke-linecap="round" '
        f'stroke-linejoin="round" stroke-dasharray="{dashes}"/>'
    )


FRAME = (
    f'<rect x="5" y="7" width="46" height="42" rx="5" fill="none" stroke="{GREY}" '
    'stroke-width="3"/>'
)
HILLS = f'<path d="M8 46 L20 26 L29 38 L36 31 L48 46 Z" fill="{GREY}"/>'
CELLS = "".join(
    box(5 + 12 * column, 5 + 12 * row, 10, 10, BLUE, opacity=1 if row == column else 0.25)
    for row in range(4)
    for column in range(4)
)
DOTS = "".join(
    dot(x, y, BLUE) for x, y in ((12, 20), (18, 12), (22, 22), (14, 30), (27, 15), (20, 36))
)
TEXTS = "".join(dot(x, y, ORANGE) for x, y in ((38, 34), (44, 42), (36, 45), (47, 32), (41, 24)))
SHEET = "".join(
    box(5 + 14 * column, 5 + 14 * row, 11, 11, GREY) for row in range(3) for column in range(3)
)
GLASS = (
    f'<circle cx="34" cy="34" r="12" fill="#ffffff" fill-opacity="0.8" stroke="{BLUE}" '
    'stroke-width="4"/>' + line("43,43 51,51", BLUE)
)

CARDS = (
    CardLook(
        "PromptExplorer",
        "Prompt explorer",
        "Change a word, and see the picture's verdict change.",
        box(5, 8, 44, 9, BLUE)
        + box(5, 23, 27, 9, BLUE, opacity=0.6)
        + box(5, 38, 13, 9, BLUE, opacity=0.35),
        ("one cat, two dogs",),
    ),
    CardLook(
        "SimilarityMatrix",
        "Similarity matrix",
        "Every text against every picture: what CLIP is trained on.",
        CELLS,
        EVERY_SCENE[:4],
    ),
    CardLook(
        "TypographicStudio",
        "Typographic studio",
        "Write “pizza” on an apple. Does the model believe it?",
        FRAME + HILLS + box(14, 31, 30, 14, "#ffffff") + line("19,38 39,38", ORANGE),
        ("apple with a word",),
    ),
    CardLook(
        "EmbeddingMap",
        "Embedding map",
        "A thousand pictures and their texts as points, and the gap between.",
        DOTS + TEXTS,
        EVERY_SCENE[:9],
    ),
    CardLook(
        "TrainingMonitor",
        "Training monitor",
        "Train a small CLIP, and watch it come into order.",
        line("5,12 51,12", GREY, "1 7") + line("5,12 14,15 20,28 29,36 38,40 51,42", BLUE),
        ("blurry cat",),
    ),
    CardLook(
        "ImageSearch",
        "Image search",
        "Find pictures by words, or by another picture.",
        SHEET + GLASS,
        ("raccoon", "rocket", "pizza", "mouse"),
    ),
    CardLook(
        "BeatTheMachine",
        "Beat the machine",
        "Name what you see. Are you better than the model?",
        box(7, 22, 17, 28, BLUE) + box(32, 10, 17, 40, ORANGE),
        ("lion, sketched",),
    ),
)
CLIP_IN_A_SENTENCE = (
    "CLIP learns from pictures and their captions alone to put both into one space, where what "
    "belongs together lies close: so any words can be compared with any picture."
)
TITLES = {card.name: card.title for card in CARDS}

RULES = """
.clipbench-page { max-width: 1240px; margin: 0 auto; gap: 10px; overflow: visible; }
.clipbench-page .clipbench-opened, .clipbench-opened > .widget-box { display: block; overflow: visible; margin: 0; }
.clipbench-app.clipbench-start { gap: 12px; width: 100%; margin: 0; }
.clipbench-start-title { display: flex; flex-flow: row wrap; gap: 4px 14px; align-items: baseline; }
.clipbench-start-title strong { font-size: 17px; }
.clipbench-start-title.clipbench-large strong { font-size: 24px; }
.clipbench-invitation { display: flex; flex-flow: row wrap; gap: 12px 28px; align-items: center; }
.clipbench-invitation svg { display: block; width: min(290px, 70vw); height: auto; border-radius: 8px; }
.clipbench-invitation strong { font-size: clamp(20px, 4vw, 44px); overflow-wrap: anywhere; }
.clipbench-invitation > div { flex: 1 1 280px; min-width: 0; }
.clipbench-app .clipbench-invited { align-items: flex-start; gap: 10px; padding: 12px; border-radius: 8px; background: var(--cb-card); }
.clipbench-app .clipbench-cards {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 264px), 1fr)); gap: 12px; }
.clipbench-app .clipbench-tabs { display: flex; flex-flow: row wrap; gap: 6px; }
.clipbench-app .jupyter-button.clipbench-start-card {
  display: block; text-align: left; white-space: pre-line; background-repeat: no-repeat; border-radius: 8px; }
.clipbench-app .jupyter-button.clipbench-start-card::first-line { font-weight: 700; }
.clipbench-app .clipbench-cards .clipbench-start-card {
  height: auto; min-height: 92px; padding: 8px 12px 8px 94px; font-size: 14px; line-height: 19px;
  background-size: 72px 72px; background-position: 10px 9px; align-content: start; }
.clipbench-app .clipbench-cards .clipbench-start-card::first-line { font-size: 16px; line-height: 26px; }
.clipbench-app .clipbench-tabs .clipbench-start-card {
  height: 34px; line-height: 32px; padding: 0 10px 0 34px; font-size: 14px;
  background-size: 20px 20px; background-position: 8px 6px; }
.clipbench-app .clipbench-tabs .clipbench-start-card::first-line { font-weight: 400; }
.clipbench-app .clipbench-tabs .clipbench-chosen::first-line { font-weight: 700; }
""" + "".join(card.rule for card in CARDS)


def title(large: bool) -> str:
    what = CLIP_IN_A_SENTENCE if large else ""
    return (
        f'<div class="clipbench-start-title{" clipbench-large" if large else ""}"><strong>clipbench</strong>'
        f'<span class="clipbench-quiet">{escape(what)}</span></div>'
    )


def waiting_page(name: str) -> str:
    return (
        f'<div class="clipbench-small" role="status">{escape(TITLES[name])} is being opened…</div>'
    )
