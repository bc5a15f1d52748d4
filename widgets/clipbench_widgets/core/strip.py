"""Rows of small pictures or texts that can be clicked.

Their buttons stay the same while their contents change.

A button of ipywidgets is three objects in the browser; making a dozen new ones at each keystroke
would be felt. What is seen of them, pictures and captions, is one style sheet, so that it changes
in one message: a picture is never seen above the caption of the one before. The buttons' own texts
are for screen readers.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import ipywidgets

from clipbench_widgets.core.html import small_line
from clipbench_widgets.core.pictures import NamedPicture, data_uri, square
from clipbench_widgets.core.style_files import sheet

THUMBNAIL_PIXELS = 144
RULES = sheet("core/strip.css")


@dataclass(frozen=True)
class Card:
    """What one button shows."""

    row: int
    caption: str
    note: str  # for the pointer and screen readers
    entry: NamedPicture | None = None  # without one, the caption fills the button


class Strip(ipywidgets.VBox):
    """A line of words, and cards below it.

    Args:
        on_click: called with the card's row.
        pixels: of a thumbnail's side, twice that on the page.
    """

    def __init__(self, on_click: Callable[[int], None], pixels: int = THUMBNAIL_PIXELS):
        self.cards: list[Card] = []
        self._on_click, self._pixels = on_click, pixels
        self._addresses: WeakKeyDictionary[NamedPicture, str] = WeakKeyDictionary()
        self._buttons: list[CardButton] = []
        self._about = ipywidgets.HTML()
        self._styles = ipywidgets.HTML().add_class("clipbench-style")
        self._row = ipywidgets.Box().add_class("clipbench-thumbnails")
        super().__init__([self._about, self._styles, self._row])
        self.add_class("clipbench-strip")

    @property
    def buttons(self) -> tuple[ipywidgets.Button, ...]:
        """Those that are shown, one a card."""
        return self._row.children

    def show(self, about: str, cards: Sequence[Card]) -> None:
        self._about.value = small_line(about)
        self._about.layout.display = None if about else "none"
        self.layout.display = None if about or cards else "none"
        if list(cards) == self.cards:
            return
        self.cards = list(cards)
        while len(self._buttons) < len(cards):
            self._buttons.append(CardButton(self._on_click))
        buttons = self._buttons[: len(cards)]
        shown = zip(buttons, cards, strict=True)
        rules = [button.rule(card, self._address(card.entry)) for button, card in shown]
        self._styles.value = f"<style>{RULES}{''.join(rules)}</style>"
        for button, card in zip(buttons, cards, strict=True):
            button.show(card)
        if len(buttons) != len(self._row.children):
            self._row.children = buttons

    def _address(self, entry: NamedPicture | None) -> str:
        if entry is None:
            return ""
        if entry not in self._addresses:
            self._addresses[entry] = data_uri(square(entry.picture, self._pixels))
        return self._addresses[entry]


class CardButton(ipywidgets.Button):
    def __init__(self, on_click: Callable[[int], None]):
        super().__init__()
        self.row = -1
        # unique among all kernels of a page
        self._css_class = f"clipbench-card-{uuid.uuid4().hex[:12]}"
        self.add_class("clipbench-thumbnail").add_class(self._css_class)
        self.on_click(lambda _: on_click(self.row))

    def rule(self, card: Card, address: str) -> str:
        """Write the style that gives the button its caption and, at an address, its picture."""
        chosen, text = f".clipbench-app .{self._css_class}", in_style(card.caption)
        picture = f"{chosen} {{ background-image: url({address}) }}\n" if address else ""
        # twice: browsers that do not know the second, which is not read aloud, use the first
        return f'{picture}{chosen}::after {{ content: {text}; content: {text} / "" }}\n'

    def show(self, card: Card) -> None:
        self.row, self.description, self.tooltip = card.row, card.caption, card.note
        (self.add_class if card.entry is None else self.remove_class)("clipbench-text-card")


def in_style(text: str) -> str:
    """Write a text as a string of a style sheet.

    Each letter is a number, so nothing can end the string or the sheet.
    """
    whole = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return '"' + "".join(f"\\{ord(letter):x} " for letter in whole) + '"'
