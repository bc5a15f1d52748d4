"""The base of all apps: a title, a message line, a style sheet, and nothing computed too early."""

import functools
from collections.abc import Callable

import ipywidgets
import traitlets

from clipbench_widgets.core import html
from clipbench_widgets.core.theme import style_sheet


def when_ready(method: Callable) -> Callable:
    """Make a method of an `App` do nothing until the app is built."""

    @functools.wraps(method)
    def gated(self, *arguments):
        return method(self, *arguments) if self._ready else None

    return gated


class App(ipywidgets.VBox):
    """What every app is: controls and a page in one box, with traits that say its state.

    A subclass names itself and its style sheets, and writes three methods that are called in this
    order: `_build_controls` makes the widgets, `_arranged` lays them out, `_connect` links them
    with the traits. Its own ``__init__`` then sets the traits to what was asked for and calls
    `_begin`.
    """

    NAME = ""  # in the title
    RULES: tuple[str, ...] = ()  # style sheets of its own, after those that all apps share
    CSS_CLASS = "clipbench-app"

    message = traitlets.Unicode(read_only=True)  # what is wrong, in a sentence
    _ready = False  # until then, changes of traits compute nothing; see `when_ready`

    def __init__(self):
        self._title, self._notice = ipywidgets.HTML(), ipywidgets.HTML()
        self._show_notice()
        self._build_controls()
        super().__init__([style_sheet(html.RULES, *self.RULES), *self._arranged()])
        self.add_class(self.CSS_CLASS)
        self._connect()

    def summary(self) -> str:
        """Return the state in words."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary()}>"

    # -------------------- for subclasses

    def _build_controls(self) -> None:
        raise NotImplementedError

    def _arranged(self) -> list[ipywidgets.Widget]:
        raise NotImplementedError

    def _connect(self) -> None:
        """Link controls and traits; nothing, where controls only call methods."""

    def _begin(self, draw: Callable[[], None]) -> None:
        """Open the gate of `when_ready`, and draw for the first time."""
        self._ready = True
        draw()

    def _entitle(self, about: str) -> None:
        """Show the app's name, and beside it the model or the data."""
        self._title.value = html.title(self.NAME, about)

    def _say(self, text: str) -> None:
        """Show what is wrong; "" for nothing."""
        self.set_trait("message", text)

    def _to_notice(self) -> str:
        """Return what the message line shows."""
        return self.message

    @traitlets.observe("message")
    def _show_notice(self, _=None) -> None:
        text = self._to_notice()
        self._notice.value = html.message_line(text)
        self._notice.layout.display = None if text else "none"
