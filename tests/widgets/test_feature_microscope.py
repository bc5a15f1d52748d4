"""Facts about the microscope without a kernel: what it says of features is true, what it turns is
what the autoencoder's formula says, and controls are moved as far.
"""

import pytest
import torch
from small import noise_picture, small_encoder, write_small_model
from small_features import AUTOENCODER, FEW_SCENES
from uploads import HOSTILE

from clipbench import UserError, load
from clipbench.inside.grades import Followed
from clipbench.inside.sparse_autoencoder import (
    JOINT,
    About,
    SparseAutoencoder,
    save_autoencoder,
)
from clipbench_widgets import FeatureMicroscope
from clipbench_widgets.feature_microscope import app as microscope_app
from clipbench_widgets.feature_microscope import page as microscope_page
from clipbench_widgets.feature_microscope.app import CARDS
from clipbench_widgets.feature_microscope.choice import ACTIVE, NOTHING, SHOW
from clipbench_widgets.feature_microscope.dictionary import Progress, learned
from clipbench_widgets.feature_microscope.page import Verdict
from clipbench_widgets.feature_microscope.turning import CONTROLS, random_features, turned

ENCODER = small_encoder()
PICTURES = [("noise", noise_picture(40, 40)), ("other noise", noise_picture(40, 40, 1))]
TEXTS = ["a cat", "a dog", "a sign"]


def made(**options) -> FeatureMicroscope:
    app = FeatureMicroscope(
        ENCODER, PICTURES, TEXTS, autoencoder=AUTOENCODER, **FEW_SCENES, **options
    )
    app.wait()
    return app


@pytest.fixture
def app():
    return made()


@pytest.fixture(scope="module")
def dictionary():
    *_, last = learned(ENCODER, AUTOENCODER, **FEW_SCENES)
    return last


def active_feature(app) -> int:
    """One that answers to the chosen picture."""
    return max(app._activity(), key=app._activity().__getitem__)


def test_learning_tells_how_far_it_is_and_ends_with_features():
    steps = list(learned(small_encoder(), **FEW_SCENES, recipe=microscope_app.RECIPE))
    *told, last = steps
    shares = [step.share for step in told]
    assert all(isinstance(step, Progress) for step in told) and shares == sorted(shares)
    assert told[0].doing == "looking at scene 50 of 150" and 0.9 < shares[-1] < 1
    assert len(last) == 512 and last.answers.shape == (60, 512)
    assert int((last.answers > 0).sum(1).max()) <= last.autoencoder.active == 16


def test_until_features_are_there_the_picture_is_judged_as_it_is(monkeypatch):
    def half(*_, **__):
        yield Progress(0.5, "half")

    monkeypatch.setattr(microscope_app, "learned", half)
    app = FeatureMicroscope(ENCODER, PICTURES, TEXTS)
    app.wait()
    assert app.progress == 0.5 and "half" in app._doing.value and app.dictionary is None
    assert app.verdict.headline().startswith("The verdict is") and app._amount.disabled
    assert "are being learned" in app.summary() and app._grid.cards == []
    with pytest.raises(UserError, match="nothing to show yet"):
        app.to_static()
    app.stop()
    assert app.progress == -1 and app._waiting.layout.display == "none"


def test_learning_that_fails_is_said_in_a_line(monkeypatch):
    def fails(*_, **__):
        raise UserError("no features <i>")
        yield

    monkeypatch.setattr(microscope_app, "learned", fails)
    app = FeatureMicroscope(ENCODER, PICTURES, TEXTS)
    app.wait()
    assert app.message == "No features could be learned: no features <i>"
    assert "<i>" not in app._notice.value and app.progress == -1


def test_a_turned_feature_is_the_written_out_sum(dictionary):
    ours, x = dictionary.autoencoder, ENCODER.encode_image(ENCODER.preprocess([PICTURES[0][1]]))[0]
    z, feature = ours.encode(x), int(ours.encode(x).argmax())
    up = turned(dictionary, x, [feature], 2.0)
    wanted = x + 2.0 * dictionary.usual[feature] * ours.scale * ours.decoder[feature]
    torch.testing.assert_close(up.after, wanted / wanted.norm())
    off = turned(dictionary, x, [feature], -99.0)
    wanted = x - z[feature] * ours.scale * ours.decoder[feature]
    torch.testing.assert_close(off.after, wanted / wanted.norm())
    assert up.moved and off.moved and torch.equal(up.before, x)


def test_a_silent_feature_cannot_be_turned_down(dictionary):
    x = ENCODER.encode_image(ENCODER.preprocess([PICTURES[0][1]]))[0]
    activity = dictionary.autoencoder.encode(x)
    silent = next(f for f in dictionary.alive if activity[f] == 0)
    down = turned(dictionary, x, [silent], -3.0)
    assert not down.moved
    torch.testing.assert_close(down.after, x, atol=1e-6, rtol=0)


def test_controls_are_other_features_moved_as_far(dictionary):
    chosen = dictionary.alive[:3]
    drawn = random_features(dictionary, chosen, seed=0)
    assert drawn.shape == (CONTROLS, 3) and len({tuple(row) for row in drawn.tolist()}) > 1
    assert not set(drawn.flatten().tolist()) & set(chosen)
    assert set(drawn.flatten().tolist()) <= set(dictionary.alive)
    assert all(len(set(row)) == 3 for row in drawn.tolist())
    ours, x = dictionary.autoencoder, torch.nn.functional.normalize(torch.ones(16), dim=0)
    feature = chosen[0]
    found = turned(dictionary, x, [feature], 1.5, seed=4)
    step = 1.5 * dictionary.usual[feature] * ours.scale
    other = int(random_features(dictionary, [feature], 4)[0, 0])
    wanted = x + step * ours.decoder[other]
    torch.testing.assert_close(found.controls[0], wanted / wanted.norm())


def test_what_is_said_of_a_feature_is_counted_on_the_judged_scenes(dictionary):
    feature = dictionary.alive[0]
    top = dictionary.top(feature, 5)
    strengths = dictionary.answers[:, feature]
    assert [float(strengths[row]) for row in top] == sorted(strengths.tolist(), reverse=True)[:5][
        : len(top)
    ]
    assert dictionary.share_active[feature] == pytest.approx(float((strengths > 0).float().mean()))
    what = dictionary.followed[feature]
    factor = next(each for each in dictionary.scenes.factors if each.name == what.factor)
    asked = [row for row in range(60) if int(factor.labels[row]) >= 0]
    there = [row for row in asked if factor.values[int(factor.labels[row])] == what.value]
    active = [row for row in asked if float(strengths[row]) > 0]
    assert what.ever == pytest.approx(len(there) / len(asked)) and what.answered == len(active)
    assert what.when_active == pytest.approx(len(set(there) & set(active)) / max(1, len(active)))


def followed(value: str, auc: float, when_active: float = 0.2, answered: int = 20) -> Followed:
    return Followed("style", value, auc, answered, when_active, 0.1)


def test_a_feature_that_follows_nothing_says_so(app):
    ours, feature = app.dictionary, app.dictionary.alive[1]
    ours.followed[feature] = followed("sketch", 0.61)
    app.feature = feature
    app._draw()
    assert "nothing that is known</strong>" in app._head.value
    assert "sketch fits best, with an AUC of 0.61" in app._head.value
    assert microscope_page.caption(ours, feature, True).startswith("✓ nothing known\n≈ ")
    ours.followed[feature] = followed("sketch", 0.93)
    app._draw()
    assert "style: sketch" in app._head.value and "AUC 0.93" in app._head.value
    ours.followed[feature] = followed("sketch", 0.61, when_active=0.7)
    app._draw()
    assert "partly style: sketch" in app._head.value
    assert "a part of style = sketch" in app._head.value and "70.0 % have it" in app._head.value
    assert microscope_page.caption(ours, feature, False).startswith("partly style: sketch\n≈ ")


def test_a_text_finds_the_features_whose_directions_are_nearest(app):
    app.query = "a sketch of something"
    text = ENCODER.encode_text(["a sketch of something"])[0]
    near = app.dictionary.near(text)
    alive = app.dictionary.alive
    best = sorted(alive, key=lambda feature: -float(near[feature]))
    assert [card.row for card in app._grid.cards] == best[:CARDS]
    assert "nearest to “a sketch of something” first" in app._counts.value
    centred = text - app.dictionary.text_features.mean(0)
    cosine = torch.cosine_similarity(app.dictionary.autoencoder.decoder, centred[None])
    torch.testing.assert_close(near, cosine)


def test_the_grid_shows_what_is_asked_for(app):
    ours = app.dictionary
    app.show = ACTIVE
    z = ours.autoencoder.encode(app._features.of_picture(app._gallery.chosen))
    assert [card.row for card in app._grid.cards] == z.argsort(descending=True)[
        : int((z > 0).sum())
    ].tolist()
    app.show = NOTHING
    assert all(not ours.followed[card.row].known for card in app._grid.cards)
    for choice in SHOW[2:-1]:
        app.show = choice
        assert all(ours.followed[card.row].known for card in app._grid.cards)
    app.show = "<b>"
    assert app.show == SHOW[-2]


def test_pages_reach_every_feature_once(app):
    app.show = SHOW[0]
    seen = [card.row for card in app._grid.cards]
    while not app._later.disabled:
        app._later.click()
        seen += [card.row for card in app._grid.cards]
    assert sorted(seen) == app.dictionary.alive and len(seen) > CARDS
    app.page = 900
    assert app._grid.cards and app._later.disabled
    app._earlier.click()
    assert app.page == (len(seen) - 1) // CARDS - 1
    app.query = "a cat"
    assert app.page == 0


def test_a_click_chooses_a_feature_and_the_slider_turns_it(app):
    app.show = ACTIVE
    app._grid.buttons[1].click()
    assert app.feature == app._grid.cards[1].row
    assert app._grid.cards[1].caption.startswith("✓ ")
    before = {row["text"]: row["before"] for row in app.scores}
    app._amount.value = 4.0
    assert app.amount == 4.0 and all(row["before"] == before[row["text"]] for row in app.scores)
    assert any(row["after"] != row["before"] for row in app.scores)
    assert sum(row["after"] for row in app.scores) == pytest.approx(1, abs=1e-5)
    assert "turned by 4" in app.summary()
    app._reset.click()
    assert app.amount == 0 and all(row["after"] == row["before"] for row in app.scores)


def test_features_that_follow_the_same_are_turned_together(app):
    ours = app.dictionary
    same = ours.alive[2:5]
    for feature in range(len(ours)):
        ours.followed[feature] = followed("photo", 0.5)
    for feature in same:
        ours.followed[feature] = followed("sketch", 0.9)
    app.feature = same[1]
    assert app._together.description == "with 2 others about the same"
    app._together.value = True
    assert sorted(app._turned()) == same and app._turned()[0] == same[1]
    app.feature = ours.alive[0]  # follows nothing, as many others do
    assert app._turned() == [ours.alive[0]] and app._together.disabled


def test_a_scene_of_a_feature_can_be_judged(app):
    app.feature = app._grid.cards[0].row
    said = app._top.cards[0].caption
    app._top.buttons[0].click()
    assert app._gallery.chosen.name == said and "selected" not in app.state()


def test_another_model_learns_features_of_its_own(app, monkeypatch):
    other, asked = small_encoder(seed=1), []
    other.name = "other"

    def noted(encoder, autoencoder, **_):
        asked.append((encoder, autoencoder))
        yield Progress(0.2, "begun")

    monkeypatch.setattr(microscope_app, "learned", noted)
    app.use(other)
    app.wait()
    assert app.model == "other" and app.feature == -1 and app.dictionary is None
    assert "are being learned" in app.summary() and app.scores
    app.use(ENCODER)
    app.wait()
    assert asked == [(other, None), (ENCODER, AUTOENCODER)]


def test_the_examples_are_states_of_the_app():
    app = FeatureMicroscope(ENCODER, texts=TEXTS, autoencoder=AUTOENCODER, **FEW_SCENES)
    app.wait()
    for button in app._example_row.buttons:
        button.click()
        assert app.message == "" and app._example_row._question.value
    assert app.show == NOTHING and made()._example_row.buttons == []


def test_the_table_holds_the_feature_and_the_shares(app):
    app.amount = 2.0
    rows = app._table()
    assert [row["text"] for row in rows] == TEXTS
    assert rows[0] == {"feature": app.feature, "amount": 2.0, **app.scores[0]}


ROW = {"text": "a cat", "before": 0.8, "after": 0.2, "control": 0.8}
OTHER = {"text": "a dog", "before": 0.2, "after": 0.8, "control": 0.2}


@pytest.mark.parametrize(
    "verdict, headline, explanation",
    [
        (Verdict(ROW, ROW, 0, 20, 0.0, False), "The verdict is: a cat", "Turn the feature"),
        (Verdict(ROW, ROW, 0, 20, -1.0, False), "The verdict stays: a cat", "silent on this"),
        (Verdict(ROW, OTHER, 0, 20, 2.0, True), "flips: a cat → a dog", "None of 20 random"),
        (Verdict(ROW, OTHER, 7, 20, 2.0, True), "flips: a cat → a dog", "7 of 20 random"),
        (Verdict(ROW, ROW, 0, 20, 2.0, True), "stays: a cat", "Nor does any of 20"),
        (Verdict(ROW, ROW, 3, 20, 2.0, True), "stays: a cat", "3 of 20 random"),
        (Verdict(ROW, OTHER, 5, 20, 2.0, True, 4), "flips", "5 of 20 draws of 4 random features"),
        (Verdict(ROW, ROW, 0, 20, -1.0, False, 4), "stays", "These features are silent"),
    ],
)
def test_the_verdict_says_what_the_controls_did(verdict, headline, explanation):
    assert headline in verdict.headline() and explanation in verdict.explanation()


def test_an_autoencoder_is_read_from_its_folder_and_must_be_of_this_model(tmp_path):
    model = load(write_small_model(tmp_path / "model"))
    about = About(model.name, model.fingerprint, JOINT)
    save_autoencoder(tmp_path / "ours", AUTOENCODER, about)
    app = FeatureMicroscope(model, PICTURES, TEXTS, autoencoder=tmp_path / "ours", **FEW_SCENES)
    app.wait()
    assert len(app.dictionary) == 48
    app.feature = 48
    assert app.feature == -1
    for wrong in (About("other", "1", JOINT), About(model.name, model.fingerprint, "blocks.1")):
        save_autoencoder(tmp_path / f"{wrong.layer}{wrong.model[-5:]}", AUTOENCODER, wrong)
        with pytest.raises(UserError, match="one of the joint space of"):
            FeatureMicroscope(model, autoencoder=tmp_path / f"{wrong.layer}{wrong.model[-5:]}")
    with pytest.raises(UserError, match="16 numbers and the autoencoder 24"):
        FeatureMicroscope(model, autoencoder=SparseAutoencoder(24, 48, 4))


def test_a_figure_shows_the_scenes_of_the_feature(app, monkeypatch):
    shown = []
    monkeypatch.setattr(microscope_app, "contact_sheet", lambda *given: shown.append(given))
    app.to_static()
    ((pictures, said, title),) = shown
    assert len(pictures) == len(said) == len(app._top.cards) and title == app.summary()


def test_a_hostile_query_is_text(app):
    app.query = HOSTILE
    assert "<img" not in app._counts.value and len(app._grid.cards) == CARDS
