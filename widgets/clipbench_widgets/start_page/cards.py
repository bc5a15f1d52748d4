"""What the start page shows: a sentence on CLIP, and a card with pictures for each app."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from clipbench_widgets.core.example_pictures import SCENES, example_pictures
from clipbench_widgets.core.pictures import data_uri, square

PICTURE_PIXELS = 144  # twice the size on the page
EVERY_SCENE = tuple(SCENES)
START = ""  # in place of an app's name: the cards


@dataclass(frozen=True)
class CardLook:
    name: str  # of the app
    title: str
    invitation: str
    scenes: tuple[str, ...]  # names of example pictures: one, four or nine

    @property
    def text(self) -> str:
        """The title is the first line, which a style makes bold."""
        return f"{self.title}\n{self.invitation}"

    @property
    def css_class(self) -> str:
        return f"clipbench-start-{self.name}"

    def picture_rule(self) -> str:
        """Write the style that shows pictures of the world on the card."""
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


CARDS = (
    CardLook(
        "PromptExplorer",
        "Prompt explorer",
        "Change a word, and see the picture's verdict change.",
        ("one cat, two dogs",),
    ),
    CardLook(
        "SimilarityMatrix",
        "Similarity matrix",
        "Every text against every picture: what CLIP is trained on.",
        EVERY_SCENE[:4],
    ),
    CardLook(
        "TypographicStudio",
        "Typographic studio",
        "Write “pizza” on an apple. Does the model believe it?",
        ("apple with a word",),
    ),
    CardLook(
        "EmbeddingMap",
        "Embedding map",
        "A thousand pictures and their texts as points, and the gap between.",
        EVERY_SCENE[:9],
    ),
    CardLook(
        "TrainingMonitor",
        "Training monitor",
        "Train a small CLIP, and watch it come into order.",
        ("blurry cat",),
    ),
    CardLook(
        "ImageSearch",
        "Image search",
        "Find pictures by words, or by another picture.",
        ("raccoon", "rocket", "pizza", "mouse"),
    ),
    CardLook(
        "FeatureMicroscope",
        "Feature microscope",
        "Which number says “sketch”? Turn it up.",
        ("lion, sketched", "blurry cat", "rocket", "green apple"),
    ),
    CardLook(
        "BeatTheMachine",
        "Beat the machine",
        "Name what you see. Are you better than the model?",
        ("lion, sketched",),
    ),
)
CLIP_IN_A_SENTENCE = (
    "CLIP learns from pictures and their captions alone to put both into one space, where what "
    "belongs together lies close: so any words can be compared with any picture."
)
TITLE = '<div class="clipbench-start-title"><strong>clipbench</strong></div>'
SENTENCE = f'<div class="clipbench-quiet">{escape(CLIP_IN_A_SENTENCE)}</div>'
TITLES = {card.name: card.title for card in CARDS}

RULES = """
.clipbench-page { max-width: 1240px; margin: 0 auto; gap: 10px; overflow: visible; }
.clipbench-page .clipbench-opened, .clipbench-opened > .widget-box { display: block; overflow: visible; margin: 0; }
.clipbench-app.clipbench-start { gap: 12px; width: 100%; margin: 0; }
.clipbench-start-title strong { font-size: 24px; }
.clipbench-app.clipbench-start .clipbench-start-head { gap: 6px 14px; }
.clipbench-app .clipbench-start-head > .clipbench-switcher { flex-basis: 340px; max-width: 440px; }
.clipbench-invitation { display: flex; flex-flow: row wrap; gap: 12px 28px; align-items: center; }
.clipbench-invitation svg { display: block; width: min(290px, 70vw); height: auto; border-radius: 8px; }
.clipbench-invitation strong { font-size: clamp(20px, 4vw, 44px); overflow-wrap: anywhere; }
.clipbench-invitation > div { flex: 1 1 280px; min-width: 0; }
.clipbench-app .clipbench-invited { align-items: flex-start; gap: 10px; padding: 12px; border-radius: 8px; background: var(--cb-card); }
.clipbench-app .clipbench-cards {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 264px), 1fr)); gap: 12px; }
.clipbench-app .clipbench-tabs { display: flex; flex-flow: row wrap; gap: 4px; }
.clipbench-app .jupyter-button.clipbench-start-card {
  display: block; text-align: left; white-space: pre-line; background-repeat: no-repeat; border-radius: 8px; }
.clipbench-app .jupyter-button.clipbench-start-card::first-line { font-weight: 700; }
.clipbench-app .clipbench-cards .clipbench-start-card {
  height: auto; min-height: 92px; padding: 8px 12px 8px 94px; font-size: 14px; line-height: 19px;
  background-size: 72px 72px; background-position: 10px 9px; align-content: start; }
.clipbench-app .clipbench-cards .clipbench-start-card::first-line { font-size: 16px; line-height: 26px; }
/* above an app: one line of tabs, then the link's buttons as icons */
.clipbench-in-app > .clipbench-start.clipbench-app { flex-flow: row wrap; padding: 8px 12px; gap: 6px; }
.clipbench-in-app .clipbench-start > :not(.clipbench-tabs, .clipbench-start-head) { flex: 1 1 100%; }
.clipbench-in-app .clipbench-start > .clipbench-start-head { order: 1; margin-left: auto; width: auto; }
.clipbench-in-app .clipbench-start > .clipbench-tabs { flex: 0 1 auto; width: auto; }
.clipbench-in-app .clipbench-start-head .jupyter-button {
  font-size: 0; line-height: 0; padding: 0 9px; display: inline-flex; align-items: center; justify-content: center; }
.clipbench-in-app .clipbench-start-head .jupyter-button i { font-size: 14px; margin: 0; }
/* where eight tabs are too many for a line, they scroll, and the one that is open stays in sight */
@media (max-width: 1230px) {
  .clipbench-app .clipbench-tabs { flex-flow: row nowrap; overflow-x: auto; padding: 3px; }
  .clipbench-tabs > .jupyter-button { flex: 0 0 auto; }
  .clipbench-app .clipbench-tabs .clipbench-chosen { position: sticky; left: 0; right: 0; z-index: 1; }
  .clipbench-in-app .clipbench-start > .clipbench-tabs.widget-box { flex: 1 1 0; min-width: 0; overflow-x: auto; }
}
.clipbench-app .clipbench-tabs .jupyter-button { height: 32px; line-height: 30px; padding: 0 6px; font-size: 12.5px; }
.clipbench-app .clipbench-tabs .clipbench-start-card::first-line { font-weight: 400; }
.clipbench-app .clipbench-tabs .clipbench-chosen::first-line { font-weight: 700; }
"""


def waiting_page(name: str) -> str:
    return (
        f'<div class="clipbench-small" role="status">{escape(TITLES[name])} is being opened…</div>'
    )
