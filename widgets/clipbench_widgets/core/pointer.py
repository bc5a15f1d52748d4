"""What a mouse, a finger or the arrow keys do on a picture, which core widgets do not report.

A few lines of JavaScript (``pointer.js``, no other package) write each event as JSON into a hidden
text field, and the field brings it to the kernel. Where a page allows no scripts, everything but
pointing still works. Whatever arrives is checked here: it comes from outside.
"""

import json
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

import ipywidgets

from clipbench_widgets.core.page_scripts import running

LONGEST_MESSAGE = 200_000  # characters
MOST_CORNERS = 2000  # of one outline
KEYS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Enter", "Escape", "+", "-", "0")

Place = tuple[float, float]  # fractions of the picture's width and height, from its left and top


@dataclass(frozen=True)
class Click:
    at: Place
    add: bool  # whether Shift, Ctrl or Cmd was held


@dataclass(frozen=True)
class Outline:
    """What was drawn with the button held: a lasso, or the corners of a box."""

    corners: list[Place]
    add: bool


@dataclass(frozen=True)
class Key:
    name: str


@dataclass(frozen=True)
class Zoom:
    at: Place
    factor: float  # of the width that is seen, below 1 to see less of it larger


class Pointer(ipywidgets.Box):
    """The invisible top of a picture. Its parent box gets the events.

    Args:
        on_hover: called with a place, or None when the pointer has left.
        on_action: called with each Click, Outline, Key or Zoom, once.
        label: what a screen reader says of the picture.
    """

    def __init__(self, on_hover: Callable[[Place | None], None], on_action: Callable, label: str):
        self._on_hover, self._on_action = on_hover, on_action
        self._seen: deque[float] = deque(maxlen=64)
        self._hover = ipywidgets.Text().add_class("clipbench-hover-channel")
        self._actions = ipywidgets.Text().add_class("clipbench-action-channel")
        line = '<path vector-effect="non-scaling-stroke" d=""/>'
        drawing = (
            f'<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">{line}</svg>'
        )
        start = running("pointer.js", label=label)
        super().__init__([ipywidgets.HTML(drawing + start), self._hover, self._actions])
        self.add_class("clipbench-pointer")
        self._hover.observe(self._hovered, "value")
        self._actions.observe(self._acted, "value")

    def _hovered(self, change) -> None:
        message = read_json(change.new)
        self._on_hover(read_place(message.get("at")) if isinstance(message, dict) else None)

    def _acted(self, change) -> None:
        """Handle the actions that are new.

        The page sends its last few actions each time, because a busy connection skips messages.
        """
        message = read_json(change.new)
        for entry in message[-16:] if isinstance(message, list) else ():
            number = entry.get("n") if isinstance(entry, dict) else None
            if not is_number(number) or number in self._seen:
                continue
            self._seen.append(number)
            action = read_action(entry)
            if action is not None:
                self._on_action(action)


def read_json(text: str):
    """Read a JSON text; None for what is no JSON."""
    try:
        return json.loads(text) if len(text) <= LONGEST_MESSAGE else None
    except (ValueError, RecursionError):
        return None


def is_number(value) -> TypeGuard[float]:
    whole_or_not = isinstance(value, (int, float)) and not isinstance(value, bool)
    return whole_or_not and abs(value) < 1e18 and math.isfinite(value)


def read_place(value) -> Place | None:
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_number, value)):
        return None
    return min(1.0, max(0.0, float(value[0]))), min(1.0, max(0.0, float(value[1])))


def read_action(entry: dict) -> Click | Outline | Key | Zoom | None:
    kind, at, add = entry.get("kind"), read_place(entry.get("at")), entry.get("add") is True
    if kind == "click" and at:
        return Click(at, add)
    if kind == "key" and entry.get("key") in KEYS:
        return Key(entry["key"])
    if kind == "zoom" and at and is_number(entry.get("factor")):
        return Zoom(at, min(2.0, max(0.5, float(entry["factor"]))))
    corners = entry.get("corners")
    if kind == "outline" and isinstance(corners, list):
        places = [place for place in map(read_place, corners[:MOST_CORNERS]) if place]
        return Outline(places, add) if len(places) >= 3 else None
    return None
