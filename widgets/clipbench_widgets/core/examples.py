"""Examples worth seeing, as buttons: each puts an app into a state and says what to look for.

A sentence asks and never tells an outcome: that is for the model on the page to show. That the
shipped models show it is held by tests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import ipywidgets

from clipbench_widgets.core import html
from clipbench_widgets.core.pictures import NamedPicture


@dataclass(frozen=True)
class Example:
    """One button.

    Args:
        label: what it says.
        question: what to look for.
        state: for the app's `restore`; it may name a shipped model.
        picture: makes a picture that the gallery does not have; None where there is none.
    """

    label: str
    question: str
    state: dict = field(default_factory=dict)
    picture: Callable[[], NamedPicture | None] | None = None


class ExampleRow(ipywidgets.VBox):
    """A row of examples; below it the question of the one that was chosen last.

    Args:
        show: called with an example when its button is clicked.
    """

    def __init__(self, examples: Sequence[Example], show: Callable[[Example], None]):
        self._show = show
        self._question = ipywidgets.HTML()
        self.buttons = [self._button(example) for example in examples]
        label = ipywidgets.HTML('<span class="clipbench-small">Try:</span>')
        super().__init__([html.row_of(label, *self.buttons), self._question])
        self.add_class("clipbench-examples")
        self.layout.display = None if examples else "none"
        self.ask("")

    def ask(self, question: str) -> None:
        """Show a question; "" for none."""
        self._question.value = html.small_line(question) if question else ""
        self._question.layout.display = None if question else "none"

    def _button(self, example: Example) -> ipywidgets.Button:
        made = ipywidgets.Button(description=example.label, tooltip=example.question)
        made.on_click(lambda _: self._show(example))
        return made.add_class("clipbench-chip").add_class("clipbench-example")
