"""Tours: a bet before each reveal, outcomes read from the app, a score at the end."""

import threading
from dataclasses import replace

import pytest
import torch
from example_apps import EXAMPLE_APPS
from small import EightPairs, noise_picture, small_encoder
from small_features import AUTOENCODER, FEW_SCENES
from trainers import small_bundle

from clipbench import Machine, TrainConfig, Trainer, UserError
from clipbench_widgets import (
    EmbeddingMap,
    FeatureMicroscope,
    PromptExplorer,
    TrainingMonitor,
    TypographicStudio,
)
from clipbench_widgets.core.controls import every_widget
from clipbench_widgets.core.tour import Step, Tour
from clipbench_widgets.feature_microscope import app as microscope_app
from clipbench_widgets.feature_microscope import tour as microscope_tour
from clipbench_widgets.feature_microscope.dictionary import Progress
from clipbench_widgets.start_page.app import tiny_training
from clipbench_widgets.training_monitor import tour as monitor_tour

SECONDS = 120

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


def take_tour(app, settle=lambda: None) -> list[str]:
    """Bet three times on the first answer, wait until it ``settle``s, and return what came out."""
    tour, found = app._tour, []
    assert tour.layout.display == "none" and len(tour.steps) == 3
    button(app, "Tour").click()
    for place, step in enumerate(tour.steps):
        assert f"Bet {place + 1} of 3" in tour._text.value and tour.layout.display is None
        assert [choice.description for choice in tour._choices.children] == list(step.bets)
        tour._choices.children[0].click()
        settle()
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
    button(app, "Leave the tour").click()
    assert tour.layout.display == "none"
    return found


# The map encodes its pictures first, which takes seconds.
SLOWLY = [
    pytest.param(each, marks=pytest.mark.slow) if each is EmbeddingMap else each
    for each in EXAMPLE_APPS
]


@pytest.mark.parametrize("make", SLOWLY, ids=lambda make: make.__name__)
def test_three_bets_with_the_shipped_model(make):
    found = take_tour(make())
    assert found == OUTCOMES.get(make.__name__, found)


@pytest.mark.slow
def test_three_bets_on_the_features_of_the_shipped_model():
    app = FeatureMicroscope()
    app.wait()
    assert take_tour(app) == [
        microscope_tour.MOST,
        microscope_tour.NOTHING,
        microscope_tour.ALONE,
    ]
    assert app.dictionary.followed[app.feature].value == "sketch" and app.amount == 3


def test_three_bets_on_features():
    app = FeatureMicroscope(small_encoder(), autoencoder=AUTOENCODER, **FEW_SCENES)
    app.wait()
    ours = app.dictionary
    styled = ours.alive[3]
    ours.followed = [replace(each, factor="count", auc=0.5) for each in ours.followed]
    ours.followed[styled] = replace(ours.followed[styled], factor="style", auc=0.9)
    take_tour(app)
    assert app.feature == styled and app.amount == microscope_tour.UP


def test_the_tour_of_features_waits_for_them(monkeypatch):
    def half(*_, **__):
        yield Progress(0.5, "half")

    monkeypatch.setattr(microscope_app, "learned", half)
    app = FeatureMicroscope(small_encoder())
    app.wait()
    button(app, "Tour").click()
    assert "there are no features yet" in app._tour._text.value
    assert app._tour._choices.layout.display == "none"
    app.stop()


def test_a_model_without_a_style_ends_the_tour_of_features_in_a_line():
    app = FeatureMicroscope(small_encoder(), autoencoder=AUTOENCODER, **FEW_SCENES)
    app.wait()
    ours = app.dictionary
    ours.followed = [replace(each, factor="count") for each in ours.followed]
    with pytest.raises(UserError, match="about a style; choose another model"):
        microscope_tour.turned_by(0.0)(app)


def small_training(pairs: int = 800) -> TrainingMonitor:
    torch.manual_seed(0)
    recipe = TrainConfig(batch_size=8, pairs=pairs, learning_rate=5e-3)
    return TrainingMonitor(
        Trainer(small_bundle(), EightPairs(), recipe, machine=Machine(threads=1))
    )


def until_it_rests(monitor: TrainingMonitor) -> None:
    rests = threading.Event()
    monitor.observe(lambda _: rests.set() if monitor.resting else None, "state")
    assert monitor.resting or rests.wait(SECONDS), monitor.state


def test_three_bets_on_a_training():
    monitor = small_training()
    found = take_tour(monitor, lambda: until_it_rests(monitor))
    assert monitor.trainer.step == 1 + 2 * monitor_tour.STEPS_AT_A_TIME
    assert found[2] == monitor_tour.MOST  # eight pairs, learned by heart
    monitor.start()
    monitor.wait(SECONDS)
    assert monitor.state == "finished" and monitor.trainer.step == 100


def test_bets_on_a_training_that_ends_sooner_or_cannot_be():
    monitor = small_training(pairs=80)
    take_tour(monitor, lambda: until_it_rests(monitor))
    assert monitor.state == "finished" and monitor.trainer.step == 10


def test_the_answer_of_a_training_is_waited_for():
    monitor, reached, go = small_training(), threading.Event(), threading.Event()

    def hold(event):
        if event["event"] == "step":
            reached.set()
            assert go.wait(SECONDS)

    monitor.trainer.callbacks.insert(0, hold)
    tour = monitor._tour
    tour.start()
    tour.bet(monitor_tour.ABOVE)
    assert reached.wait(SECONDS)
    assert "on its way" in tour._text.value and tour._next.layout.display == "none"
    tour._next.click()
    assert tour.place == 0
    go.set()
    until_it_rests(monitor)
    assert "✓" in tour._text.value or "✗" in tour._text.value
    monitor.stop()
    monitor.wait(SECONDS)


@pytest.mark.slow
def test_three_bets_on_the_training_of_the_start_page():
    monitor = TrainingMonitor(tiny_training())
    # how far two of the bets get is a matter of minutes: its budget is of time
    assert take_tour(monitor, lambda: until_it_rests(monitor))[0] == monitor_tour.ABOVE
    monitor.stop()
    monitor.wait(SECONDS)


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
