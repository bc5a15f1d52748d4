"""Tours: a bet before each reveal, outcomes read from the app, a score at the end."""

import pytest
from small import noise_picture, small_encoder

from clipbench_widgets import (
    BeatTheMachine,
    EmbeddingMap,
    ImageSearch,
    PromptExplorer,
    SimilarityMatrix,
    TypographicStudio,
)
from clipbench_widgets.core.controls import every_widget
from clipbench_widgets.core.tour import Step, Tour

APPS = (
    PromptExplorer,
    SimilarityMatrix,
    TypographicStudio,
    EmbeddingMap,
    ImageSearch,
    BeatTheMachine,
)
# what comes out with the shipped models
OUTCOMES = {
    "PromptExplorer": ["dog", "the order stays", "qwertz blorp"],
    "TypographicStudio": ["pizza", "green apple", "both change it"],
    "ImageSearch": ["a crying cat", "something else", "above two thirds of it"],
    "EmbeddingMap": ["apart from the pictures", "a crying cat", "less than half of it"],
}


def button(app, name: str):
    return next(
        widget for widget in every_widget(app) if getattr(widget, "description", "") == name
    )


@pytest.mark.parametrize("make", APPS, ids=lambda make: make.__name__)
def test_three_bets_with_the_shipped_model(make):
    app = make()
    tour = app._tour
    assert tour.layout.display == "none" and len(tour.steps) == 3
    button(app, "Tour").click()
    found = []
    for place, step in enumerate(tour.steps):
        assert f"Bet {place + 1} of 3" in tour._text.value and tour.layout.display is None
        assert [choice.description for choice in tour._choices.children] == list(step.bets)
        tour._choices.children[0].click()
        outcome = step.outcome(app)
        found.append(outcome)
        assert outcome in step.bets, f"a bet that nobody can win: {outcome}"
        assert outcome in tour._text.value and ("✓" in tour._text.value) == (
            outcome == step.bets[0]
        )
        assert app.message == ""
        tour._next.click()
    right = sum(outcome == step.bets[0] for outcome, step in zip(found, tour.steps, strict=True))
    assert tour.right == right and f"right {right} of 3" in tour._text.value
    assert found == OUTCOMES.get(make.__name__, found)
    button(app, "Leave the tour").click()
    assert tour.layout.display == "none"


@pytest.mark.parametrize("make", [PromptExplorer, TypographicStudio], ids=lambda m: m.__name__)
def test_no_answer_is_in_sight_before_the_bet(make):
    app = make()
    for step in app.TOUR:
        app.restore({"app": make.__name__, **step.before})
        before = app.state()
        app.restore({"app": make.__name__, **step.reveal})
        assert app.state() != before


def test_without_the_example_pictures_there_is_no_tour():
    app = PromptExplorer(small_encoder(), [noise_picture(8, 8)])
    assert not app._tour.steps and button(app, "Tour").layout.display == "none"


def test_a_click_that_comes_late_counts_for_nothing():
    app = PromptExplorer(small_encoder(), [noise_picture(8, 8)])
    tour = Tour(app, [Step({}, "which?", ("a", "b"), {}, lambda app: "a", "so it is")] * 2)
    tour.start()
    tour.bet("a")
    tour.bet("a")
    assert tour.right == 1
    tour._next.click()
    tour._next.click()
    assert tour.place == 1 and "Bet 2 of 2" in tour._text.value
    tour.leave()
    tour.bet("a")
    tour._next.click()
    assert tour.right == 1 and tour.layout.display == "none"


class Refusing:
    def restore(self, state):
        from clipbench import UserError

        raise UserError("<b>no</b>")


def test_what_a_tour_says_is_text_and_a_state_that_cannot_be_is_told():
    step = Step({}, "<i>?</i>", ("<b>", "c"), {}, lambda app: "<b>", "<u>")
    tour = Tour(Refusing(), [step])
    tour.start()
    assert "cannot go on" in tour._text.value and "<b>no" not in tour._text.value
    app = PromptExplorer(small_encoder(), [noise_picture(8, 8)])
    tour = Tour(app, [step])
    tour.start()
    assert "<i>" not in tour._text.value
    tour.bet("<b>")
    assert "<b>" not in tour._text.value and "<u>" not in tour._text.value and tour.right == 1
