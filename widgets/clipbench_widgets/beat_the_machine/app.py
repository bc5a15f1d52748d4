"""BeatTheMachine: people label pictures zero-shot and one-shot, and so does the model.

After figure 16 of CLIP's paper.
"""

import time
from collections.abc import Sequence
from typing import Any

import ipywidgets
import traitlets

from clipbench import PictureSet, UserError
from clipbench.data.open import open_labelled
from clipbench.figures import LessonFigure, accuracy_bars
from clipbench_widgets.beat_the_machine import page as game_page
from clipbench_widgets.beat_the_machine import tour
from clipbench_widgets.beat_the_machine.game import DONT_KNOW, SHOTS, Answer, LabelGame, scores
from clipbench_widgets.core import html
from clipbench_widgets.core.app import App, when_ready
from clipbench_widgets.core.format import percent, shortened
from clipbench_widgets.core.inputs import button, encoder_of
from clipbench_widgets.core.pictures import NamedPicture
from clipbench_widgets.core.strip import Card, Strip

MOST_ANSWERS = 5000  # of a class; the oldest are forgotten
MOST_SHOWN = 60  # pictures in the list at the end
DOUBLE_CLICK = 0.3  # seconds
LARGEST_SEED = 2**31 - 1


class BeatTheMachine(App):
    """A few classes, pictures to label zero-shot and one-shot, then the scores of all who played.

    The pictures come first without and then with an example of each class.

    Args:
        model: a name or folder for `clipbench.load`, or an Encoder; "classroom" by default.
        data: a PictureSet or a name for `clipbench.open_pictures`; "scenes:heldout" by default.
        classes: class names to choose among; by default ``count`` of one kind, others in every
            game.
        count: how many classes.
        rounds: pictures zero-shot, and as many one-shot.
        seed: of the first game.
        state: what to begin with instead, as `restore` takes it.

    Raises:
        UserError: for a model, pictures or classes that cannot be used.
    """

    NAME = "Beat the machine"
    RULES = (game_page.RULES,)
    TOUR = tour.STEPS
    STATE = ("seed",)

    player = traitlets.Unicode("")
    seed = traitlets.Int(0)  # of the game: the same one has the same pictures
    # of the question; as many as there are questions: the end
    position = traitlets.Int(0, read_only=True)
    answers: traitlets.List = traitlets.List(read_only=True)  # Answer, of all games and players
    # people and model, zero-shot and one-shot, with intervals
    scores = traitlets.Dict(read_only=True)

    def __init__(
        self,
        model=None,
        data=None,
        classes: Sequence[str] | None = None,
        *,
        count: int = 8,
        rounds: int = 10,
        seed: int = 0,
        state: dict | str | None = None,
    ):
        self.encoder = encoder_of("classroom" if model is None else model)
        data = "scenes:heldout" if data is None else data
        self._data = data if isinstance(data, PictureSet) else open_labelled(str(data))
        self._settings: dict[str, Any] = {"classes": classes, "count": count, "rounds": rounds}
        super().__init__()
        self.seed = seed
        self._begin(self._new_game, state)

    def _use(self, model) -> None:
        self.encoder = encoder_of(model)
        self._new_game()

    # -------------------- for code

    @property
    def question(self):
        """What is asked now, None at the end."""
        questions = self.game.questions
        return questions[self.position] if self.position < len(questions) else None

    def answer(self, name: str) -> None:
        """Say that the picture is a ``name``, or with "" that you do not know.

        Raises:
            UserError: for a name that is no class, or when nothing is asked.
        """
        if self.question is None:
            raise UserError("the game is over; start another one")
        if name not in (*self.game.classes, DONT_KNOW):
            raise UserError(f"{name!r} is none of {', '.join(self.game.classes)}")
        said = Answer(self.player.strip()[:40], self.question, name)
        self.set_trait("answers", [*self.answers, said][-MOST_ANSWERS:])
        self.set_trait("scores", scores(self.answers))
        self.set_trait("position", self.position + 1)
        self._draw()

    def rows(self) -> list[dict]:
        """List all answers, a dict each: ready for a pandas.DataFrame."""
        return [
            {
                "player": answer.player,
                "shots": answer.question.shots,
                "row": answer.question.row,
                "truth": answer.question.truth,
                "said": answer.said,
                "model": answer.question.model,
            }
            for answer in self.answers
        ]

    def _table(self) -> list[dict]:
        return self.rows()

    def summary(self) -> str:
        """Describe the state in words."""
        at = (
            f"picture {self.position + 1} of {len(self.game.questions)}"
            if self.question
            else "the game is over"
        )
        told = [
            f"{name} {percent(score['top1'])} of {score['asked']}"
            for name, score in self.scores.items()
        ]
        return "; ".join(
            [f"{at}, {len(self.game.classes)} classes, against {self.encoder.name}", *told]
        )

    def to_static(self) -> LessonFigure:
        """Draw the scores with their intervals as a figure, for a page without widgets.

        Raises:
            UserError: before the first answer.
        """
        if not self.scores:
            raise UserError("nobody has answered yet")
        return accuracy_bars(self.scores, chance=1 / len(self.game.classes))

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._where, self._picture, self._bars = (ipywidgets.HTML() for _ in range(3))
        self._name = ipywidgets.Text(
            description="Your name", placeholder="if several play"
        ).add_class("clipbench-game-name")
        self._choices = Strip(lambda place: self._click(self.game.classes[place]))
        self._unknown = button(
            "I do not know",
            "Counts as wrong, but not among your guesses",
            lambda: self._click(DONT_KNOW),
        )
        self._again = button("play again", "Other pictures, for the next player", self._next_game)
        self._past = Strip(lambda row: None)

    def _arranged(self) -> list[ipywidgets.Widget]:
        row, column = html.row_of, html.column_of
        shown = (
            ipywidgets.Box([self._picture])
            .add_class("clipbench-game-picture")
            .add_class("clipbench-stays")
        )
        answers = column("clipbench-game-answers", self._choices, row(self._unknown))
        self._asking = ipywidgets.Box([shown, answers]).add_class("clipbench-game-columns")
        app = column(
            "clipbench-game-app",
            row(self._name, self._again),
            self._notice,
            self._where,
            self._asking,
            self._bars,
            self._past,
        )
        return [app]

    def _connect(self) -> None:
        traitlets.link((self, "player"), (self._name, "value"))

    # -------------------- play, then draw

    @traitlets.validate("seed")
    def _possible_seed(self, proposal):
        return max(0, min(proposal.value, LARGEST_SEED))

    @traitlets.observe("seed")
    @when_ready
    def _new_game(self, _=None) -> None:
        game = LabelGame(self.encoder, self._data, seed=self.seed, **self._settings)
        pictures = self._data.pictures(game.examples)
        self.game = game
        self._examples = [NamedPicture(*pair) for pair in zip(game.classes, pictures, strict=True)]
        self._asked_at = 0.0
        self.set_trait("position", 0)
        self._draw()

    def _click(self, name: str) -> None:
        """Take an answer from the page.

        The second click of a double click does not answer the next picture.
        """
        if self.question is not None and time.monotonic() - self._asked_at > DOUBLE_CLICK:
            self._asked_at = time.monotonic()
            self.answer(name)

    def _next_game(self) -> None:
        self._say("")
        try:
            self.seed = self.seed % LARGEST_SEED + 1
        except UserError as error:
            self._say(str(error))

    def _draw(self) -> None:
        question = self.question
        self._entitle(self._data.name)
        self._asking.layout.display = None if question else "none"
        self._again.layout.display = "none" if question else None
        self._bars.value = (
            "" if question else game_page.score_page(self.scores, 1 / len(self.game.classes))
        )
        self._where.value = self._where_page()
        if question:
            self._picture.value = game_page.picture_page(self._entry(question.row))
            self._choices.show("", self._cards(question.shots))
        self._past.show(*(("", []) if question else self._answered()))

    def _where_page(self) -> str:
        if self.question is None:
            return "<div role=status><strong>The scores of all who have played.</strong></div>"
        place = self.position % self.game.rounds
        where = game_page.where_page(self.question.shots, place, self.game.rounds)
        return self._told() + where

    def _told(self) -> str:
        """Say how the last answer was, and at the end of a round the score."""
        if not self.position or not self.answers:
            return ""
        last = self.answers[-1]
        told = game_page.feedback(last.said, last.question.truth, last.question.model)
        if self.position != self.game.rounds:
            return told
        own = self.answers[-self.position :]
        people = sum(answer.said == answer.question.truth for answer in own)
        model = sum(answer.question.model == answer.question.truth for answer in own)
        return told + game_page.round_page(people, model, len(own))

    def _entry(self, row: int) -> NamedPicture:
        return NamedPicture("", self._data.pictures([row])[0])

    def _cards(self, shots: int) -> list[Card]:
        """Make a card for each class, with its example once there is one."""
        names = self.game.classes
        if shots == SHOTS[0]:
            return [Card(place, name, f"it is: {name}") for place, name in enumerate(names)]
        return [
            Card(place, entry.name, f"it is: {entry.name}", entry)
            for place, entry in enumerate(self._examples)
        ]

    def _answered(self) -> tuple[str, list[Card]]:
        """List the last game's pictures, with what they are."""
        last = self.answers[-len(self.game.questions) :][:MOST_SHOWN]
        pictures = self._data.pictures([answer.question.row for answer in last])
        cards = [
            Card(
                answer.question.row,
                verdict(answer),
                f"{answer.question.truth}; you: {answer.said or 'no answer'}; "
                f"model: {answer.question.model}",
                NamedPicture(answer.question.truth, picture),
            )
            for answer, picture in zip(last, pictures, strict=True)
        ]
        return (
            "Your pictures, what they are, and whether you (first) and the model were right:",
            cards,
        )


def verdict(answer: Answer) -> str:
    you, model = (
        "✓" if said == answer.question.truth else "✗"
        for said in (answer.said, answer.question.model)
    )
    return f"{you}{model} {shortened(answer.question.truth, 22)}"
