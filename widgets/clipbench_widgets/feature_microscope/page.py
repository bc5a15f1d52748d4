"""What a FeatureMicroscope shows: a feature in words, and a table of the texts.

Everything a person wrote passes through `html.escape`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from clipbench.inside.grades import FOLLOWS, Followed
from clipbench_widgets.core.format import percent, shortened
from clipbench_widgets.core.html import bold, small_line
from clipbench_widgets.core.pictures import data_uri, square
from clipbench_widgets.core.style_files import sheet
from clipbench_widgets.feature_microscope.dictionary import Dictionary

MONTAGE_PIXELS, TILES = 192, 2  # of a card's side; tiles in a row of it
SHOWN_PIXELS = 240
LONGEST_TEXT = 60
BARS = "before", "after", "control"
SAID = {"concept": "thing", "sign word": "word"}  # of factors, where their name is a term

RULES = sheet("feature_microscope/page.css")


# -------------------- a feature


def montage(pictures: Sequence[Image.Image]) -> Image.Image:
    """Put up to four pictures into one square; places that are left stay grey."""
    side = MONTAGE_PIXELS // TILES
    whole = Image.new("RGB", (MONTAGE_PIXELS, MONTAGE_PIXELS), (150, 155, 162))
    for number, picture in enumerate(pictures[: TILES * TILES]):
        whole.paste(square(picture, side), (number % TILES * side, number // TILES * side))
    return whole


def about(what: Followed) -> str:
    """Name what a feature is about, "" for nothing that is known."""
    named = f"{SAID.get(what.factor, what.factor)}: {what.value}"
    return named if what.follows else f"partly {named}" if what.known else ""


def caption(dictionary: Dictionary, feature: int, chosen: bool) -> str:
    """Write the two lines below a card: what the feature is about, and the nearest text."""
    name = about(dictionary.followed[feature]) or "nothing known"
    return f"{'✓ ' if chosen else ''}{name}\n≈ {dictionary.words(feature)[0]}"


def note(dictionary: Dictionary, feature: int) -> str:
    """Say the same in full, for the pointer and screen readers."""
    words = "; ".join(dictionary.words(feature))
    return f"Feature {feature}: {follows(dictionary, feature)} Nearest texts: {words}."


def follows(dictionary: Dictionary, feature: int) -> str:
    """Say in a sentence what a feature follows, a part of what, or that it follows nothing."""
    share = dictionary.share_active[feature]
    if share == 0:
        return "it answers to none of the scenes."
    what = dictionary.followed[feature]
    named = f"{SAID.get(what.factor, what.factor)} = {what.value}"
    rare = f"of the scenes it answers to, {percent(what.when_active)} have it, of all {percent(what.ever)}"
    if what.follows:
        return f"it follows {named} (AUC {what.auc:.2f} on new scenes; 0.5 is guessing): {rare}."
    if what.known:
        return f"it answers to a part of {named} (AUC {what.auc:.2f} on new scenes): {rare}."
    return (
        f"it follows nothing that is known of the scenes; {named} fits best, with an AUC of "
        f"{what.auc:.2f} on new scenes (0.5 is guessing, {FOLLOWS} is asked for)."
    )


def feature_page(dictionary: Dictionary, feature: int) -> str:
    """Write the chosen feature's head: what it follows, how often, and the nearest texts."""
    what = dictionary.followed[feature]
    plain = "" if what.known else " clipbench-micro-nothing"
    sentence = follows(dictionary, feature)
    often = f"It answers to {percent(dictionary.share_active[feature])} of the scenes."
    words = "; ".join(dictionary.words(feature))
    return (
        f'<div class="clipbench-micro-feature{plain}" role="status">'
        f"<strong>{escape(about(what) or 'nothing that is known')}</strong> "
        f'<span class="clipbench-quiet">feature {feature}</span></div>'
        f"<p>{escape(sentence[0].upper() + sentence[1:])} {escape(often)}</p>"
        f"<p>Nearest texts, and there are always some: {escape(words)}.</p>"
    )


def counts_line(dictionary: Dictionary, found: int, first: int, shown: int, query: str) -> str:
    """Say how many features there are, and which of them are shown."""
    alive = [dictionary.followed[feature] for feature in dictionary.alive]
    followers, parts = (
        sum(getattr(what, kind) for what in alive) for kind in ("follows", "answers_to_part")
    )
    dead = len(dictionary) - len(dictionary.alive)
    order = f", nearest to “{shortened(query, 40)}” first" if query else ""
    range_ = f"{first + 1} to {first + shown} of {found}{order}" if shown else "none"
    return small_line(
        f"Shown: {range_}. Of all {len(dictionary)} features {followers} follow something, {parts} "
        f"answer to a part of something, {len(alive) - followers - parts} to nothing that is known, "
        f"{dead} to no scene."
    )


# -------------------- the verdict


@dataclass(frozen=True)
class Verdict:
    """The most probable text before and after, and how many of the controls change it."""

    before: dict  # a row of scores
    after: dict
    flipped: int
    controls: int
    amount: float
    moved: bool
    turned: int = 1  # how many features

    @property
    def flips(self) -> bool:
        return self.after["text"] != self.before["text"]

    def headline(self) -> str:
        before, after = (shortened(row["text"], 40) for row in (self.before, self.after))
        if self.flips:
            return f"The verdict flips: {before} → {after}"
        return f"The verdict {'stays' if self.amount else 'is'}: {before}"

    def explanation(self) -> str:
        """Say what the controls say about the headline."""
        if not self.amount:
            return "Turn the feature down or up, and see what the model says then."
        if not self.moved:
            which = "The feature is" if self.turned == 1 else "These features are"
            return f"{which} silent on this picture, so there is nothing to turn down."
        return self._controls_say()

    def _controls_say(self) -> str:
        what = "random features" if self.turned == 1 else f"draws of {self.turned} random features"
        if self.flips:
            which = "None" if not self.flipped else str(self.flipped)
            return f"{which} of {self.controls} {what}, moved as far, flip it, too."
        if self.flipped:
            return f"{self.flipped} of {self.controls} {what}, moved as far, flip it."
        return f"Nor does any of {self.controls} {what}, moved as far, flip it."


def picture_page(picture: Image.Image, name: str) -> str:
    return (
        f'<img draggable="false" alt="" src="{data_uri(square(picture, SHOWN_PIXELS))}">'
        f'<div class="clipbench-small" dir="auto">{escape(shortened(name, LONGEST_TEXT))}</div>'
    )


def verdict_page(verdict: Verdict) -> str:
    """Write the sentence that matters, read out by screen readers when it changes."""
    flipped = " clipbench-micro-flipped" if verdict.flips else ""
    return (
        f'<div class="clipbench-micro-verdict{flipped}" role="status">'
        f'<strong dir="auto">{escape(verdict.headline())}</strong>'
        f"{escape(verdict.explanation())}</div>"
    )


def table_page(rows: Sequence[dict], verdict: Verdict) -> str:
    """Write a table with a row a text: probability as it is, turned, and with a random feature."""
    keys = "".join(
        f'<span role="columnheader"><i class="clipbench-micro-key clipbench-micro-{bar}"><u></u></i>'
        f"{name}</span>"
        for bar, name in zip(BARS, ("as it is", "turned", "random"), strict=True)
    )
    empty = '<span role="columnheader"></span>'
    heads = f'<span role="columnheader">text</span>{empty}{keys}'
    body = "".join(table_row(row, verdict) for row in rows)
    return (
        '<div class="clipbench-micro-table" role="table" aria-label="Probabilities of the texts">'
        f'<div class="clipbench-micro-row clipbench-micro-heads" role="row">{heads}</div>'
        f"{body}</div>"
    )


def table_row(row: dict, verdict: Verdict) -> str:
    bars = "".join(
        f'<i class="clipbench-micro-{name}"><u style="width:{100 * row[name]:.2f}%"></u></i>'
        for name in BARS
    )
    best = {"before": verdict.before, "after": verdict.after}
    shares = "".join(
        f'<span role="cell">{bold(percent(row[name]), row is best.get(name))}</span>'
        for name in BARS
    )
    return (
        '<div class="clipbench-micro-row" role="row">'
        f'<span role="rowheader" dir="auto" title="{escape(row["text"])}">'
        f"{bold(shortened(row['text'], LONGEST_TEXT), row is verdict.after)}</span>"
        f'<span class="clipbench-micro-bars" role="cell" aria-hidden="true">{bars}</span>'
        f"{shares}</div>"
    )
