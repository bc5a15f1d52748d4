"""A tour of an app: a bet, then the reveal, three times.

An app gives the steps as data. What comes out is read from the app itself after the reveal, so a
tour tells the truth of whatever model is on the page.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets

from clipbench import UserError
from clipbench_widgets.core import html
from clipbench_widgets.core.inputs import button
from clipbench_widgets.core.style_files import sheet

RULES = sheet("core/tour.css")
ELSE = "something else"
CRYING, ANY_CAT, NO_CAT = CATS = "a crying cat", "some other cat", "no cat at all"


State = dict | Callable[[Any], dict]  # for `restore`, or what finds it in the app


@dataclass(frozen=True)
class Step:
    """One bet.

    Args:
        before: a state for the app's `restore`, in which the answer is not in sight.
        question: what is asked.
        bets: the answers to choose from.
        reveal: the state that shows the answer.
        outcome: reads the answer from the app; what is none of the bets is shown as it is. None
            while it is not there yet: such an app calls `Tour.reveal` when it may be.
        lesson: what it means, whatever the outcome.
    """

    before: State
    question: str
    bets: tuple[str, ...]
    reveal: State
    outcome: Callable[[Any], str | None]
    lesson: str


class Tour(ipywidgets.VBox):
    """Asks the steps one after the other, and counts the bets that were right.

    Args:
        app: an app with `restore`.
        steps: without any, there is nothing to show.
    """

    def __init__(self, app, steps: Sequence[Step]):
        self.steps, self._app = list(steps), app
        self.place, self.right = -1, 0  # the step that is asked, -1 while there is no tour
        self._asking = False  # whether a bet is waited for
        self._taken = ""  # the bet whose answer is waited for
        self._one_at_a_time = threading.Lock()  # an answer may come from another thread
        super().__init__()
        self.add_class("clipbench-tour")
        self.leave()

    def start(self) -> None:
        """Ask the first step."""
        if not self.children:  # a page opens sooner without what few need
            self._build()
        self.right = 0
        self._ask(0)

    def _build(self) -> None:
        self._text = ipywidgets.HTML()
        self._choices = ipywidgets.Box().add_class("clipbench-row")
        self._next = button("Next bet", "Go on", self._go_on)
        leave = button("Leave the tour", "The app stays as it is", self.leave)
        self.children = [self._text, html.row_of(self._choices, self._next, leave)]

    def leave(self) -> None:
        self.place, self._asking, self._taken = -1, False, ""
        self.layout.display = "none"

    def bet(self, bet: str) -> None:
        """Take a bet, and reveal the answer; the second click of a double click bets nothing."""
        if not self._asking or not self._put(self.steps[self.place].reveal):
            return
        self._asking, self._taken = False, bet
        self._choices.layout.display = "none"
        self._text.value = waited_for(bet)
        self.reveal()

    def reveal(self) -> None:
        """Show the answer to the bet that was taken, if it is there."""
        with self._one_at_a_time:
            if not self._taken:
                return
            step, bet = self.steps[self.place], self._taken
            outcome = step.outcome(self._app)
            if outcome is None:
                return
            self._taken = ""
        self.right += bet == outcome
        self._text.value = revealed(step, bet, outcome)
        self._next.layout.display = None
        last = self.place + 1 == len(self.steps)
        self._next.description = "See your score" if last else "Next bet"

    def _go_on(self) -> None:
        if self._asking or self._taken or self.place < 0:  # a click that came late
            return
        if self.place + 1 < len(self.steps):
            self._ask(self.place + 1)
        else:
            self._text.value = score_page(self.right, len(self.steps))
            self._next.layout.display = "none"

    def _ask(self, place: int) -> None:
        step = self.steps[place]
        self.place, self._asking, self._taken, self.layout.display = place, True, "", None
        self._choices.layout.display, self._next.layout.display = None, "none"
        self._text.value = asked(step, place, len(self.steps))
        self._choices.children = [self._choice(bet) for bet in step.bets]
        if not self._put(step.before):
            self._asking, self._choices.layout.display = False, "none"

    def _choice(self, bet: str) -> ipywidgets.Button:
        return button(bet, "Bet on this", lambda: self.bet(bet)).add_class("clipbench-bet")

    def _put(self, state: State) -> bool:
        """Put the app into a state, and say whether it could be done."""
        try:
            values = state(self._app) if callable(state) else state
            self._app.restore({"app": type(self._app).__name__, **values})
        except UserError as error:
            self._text.value = html.message_line(f"The tour cannot go on here: {error}")
            return False
        return True


def asked(step: Step, place: int, steps: int) -> str:
    return html.status(f"<strong>Bet {place + 1} of {steps}.</strong> {escape(step.question)}")


def waited_for(bet: str) -> str:
    return html.status(f"You bet on <strong>{escape(bet)}</strong>. The answer is on its way …")


def revealed(step: Step, bet: str, outcome: str) -> str:
    won = "✓ You were right" if bet == outcome else f"✗ You bet on “{bet}”"
    return html.status(f"<strong>{escape(won)}: {escape(outcome)}.</strong> {escape(step.lesson)}")


def score_page(right: int, steps: int) -> str:
    return html.status(
        f"<strong>You were right {right} of {steps} times.</strong> "
        "Everything is yours to change now."
    )


def kind_of_cat(name: str) -> str:
    """Say which of `CATS` a picture is, for bets on what is nearest to “a sad cat”."""
    return CRYING if name == "crying cat" else ANY_CAT if "cat" in name.split() else NO_CAT


def one_of(answer: str, bets: Sequence[str]) -> str:
    """Return the answer if it is one of the bets, else that it is something else."""
    return answer if answer in bets else ELSE
