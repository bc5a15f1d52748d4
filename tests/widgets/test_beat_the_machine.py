"""The game without a kernel: known scores, both kinds of questions, and what cannot be played."""

import pytest
import torch
import traitlets
from small import noise_picture, small_encoder

from clipbench import PictureSet, UserError
from clipbench.evaluate.statistics.intervals import wilson
from clipbench_widgets import BeatTheMachine
from clipbench_widgets.beat_the_machine import app as beat_the_machine
from clipbench_widgets.beat_the_machine.game import (
    Answer,
    LabelGame,
    Question,
    scores,
    some_classes,
)

NAMES = ["cat", "dog", "<img src=x onerror=alert(1)>"]


class KnowsTheWidth:
    """Sees a picture's class in its width, and one class in ten wrongly by name."""

    name, scale, fingerprint, context_length, embed_dim = "known", 10.0, "0", 8, 3

    def preprocess(self, pictures):
        return torch.tensor([[float(picture.width)] for picture in pictures])

    def encode_image(self, images):
        return torch.eye(3)[images[:, 0].long() - 8]

    def image_tower(self, images):
        return self.encode_image(images)

    def encode_text(self, texts):
        return torch.stack(
            [
                torch.eye(3)[next(i for i, name in enumerate(NAMES) if name in text)]
                for text in texts
            ]
        )

    def tokens(self, text):
        return text.split()


def picture_set(each: int = 12, names=NAMES) -> PictureSet:
    labels = torch.arange(len(names)).repeat_interleave(each)
    pictures = [noise_picture(8 + int(label), 8, seed) for seed, label in enumerate(labels)]
    ids = [str(row) for row in range(len(labels))]
    return PictureSet(
        "set", labels, list(names), ("a {}",), lambda rows: [pictures[row] for row in rows], ids
    )


@pytest.fixture
def game(monkeypatch):
    monkeypatch.setattr(beat_the_machine, "DOUBLE_CLICK", -1.0)
    return BeatTheMachine(KnowsTheWidth(), picture_set(), NAMES, rounds=5)


def test_questions_are_new_pictures_of_the_classes():
    game = LabelGame(KnowsTheWidth(), picture_set(), NAMES, rounds=6, seed=1)
    rows = [question.row for question in game.questions]
    assert len(set(rows)) == 12 and not set(rows) & set(game.examples)
    assert [question.shots for question in game.questions] == [0] * 6 + [1] * 6
    assert all(
        question.truth == NAMES[question.row // 12] == question.model for question in game.questions
    )
    assert [NAMES[row // 12] for row in game.examples] == NAMES
    again = LabelGame(KnowsTheWidth(), picture_set(), NAMES, rounds=6, seed=1)
    assert [question.row for question in again.questions] == rows
    assert [
        question.row
        for question in LabelGame(KnowsTheWidth(), picture_set(), NAMES, rounds=6).questions
    ] != rows


def test_scores_are_fractions_with_intervals():
    question = Question(0, 0, "cat", "dog")
    said = [Answer("", question, name) for name in ("cat", "dog", "", "cat")]
    found = scores(said)
    assert found["people, zero-shot"] == pytest.approx(
        {
            "top1": 0.5,
            "top1_low": wilson(2, 4)[0],
            "top1_high": wilson(2, 4)[1],
            "asked": 4,
            "guessed": 2 / 3,
        }
    )
    assert found["model, zero-shot"]["top1"] == 0 and "people, one-shot" not in found
    assert scores([Answer("", question, "")])["people, zero-shot"]["guessed"] is None


def test_a_game_is_played_by_clicks(game):
    assert [button.description for button in game._choices.buttons] == NAMES
    assert "Picture 1 of 5" in game._where.value and "only the names" in game._where.value
    for _ in range(5):
        right = game.game.classes.index(game.question.truth)
        game._choices.buttons[right].click()
    assert (
        game.scores["people, zero-shot"]["top1"] == 1.0
        and "one example of each" in game._where.value
    )
    assert all(card.entry is not None for card in game._choices.cards)
    for _ in range(5):
        game._unknown.click()
    assert game.question is None and game.scores["people, one-shot"]["top1"] == 0
    assert game.scores["model, one-shot"]["top1"] == 1.0, "it sees the class in the example"
    assert "5 of 5" in game._bars.value and "0 of 5" in game._bars.value
    assert [card.caption[:2] for card in game._past.cards] == ["✓✓"] * 5 + ["✗✓"] * 5
    assert "the game is over" in game.summary() and game.to_static().alt
    game._unknown.click()
    assert len(game.answers) == 10
    with pytest.raises(UserError, match="over"):
        game.answer("cat")


def test_a_class_of_players_adds_up(game):
    for player in ("Ada", "<b>"):
        game.player = player
        while game.question:
            game.answer("cat")
        asked = [question.row for question in game.game.questions]
        game._again.click()
        assert [question.row for question in game.game.questions] != asked
    assert game.scores["people, zero-shot"]["asked"] == 10
    rows = game.rows()
    assert (
        len(rows) == 20
        and {row["player"] for row in rows} == {"Ada", "<b>"}
        and rows[0]["said"] == "cat"
    )


def test_a_double_click_answers_once(monkeypatch):
    monkeypatch.setattr(beat_the_machine, "DOUBLE_CLICK", 1000.0)
    game = BeatTheMachine(KnowsTheWidth(), picture_set(), NAMES, rounds=5)
    game._asked_at = -1e9
    game._unknown.click()
    game._unknown.click()
    assert game.position == 1


def test_what_people_write_stays_text(game):
    game.player = NAMES[2]
    while game.question:
        assert (
            "<img src=x" not in game._where.value + game._title.value + game._choices._styles.value
        )
        game.answer(NAMES[2])
    assert "<img src=x" not in game._bars.value + game._past._about.value + game._past._styles.value


def test_classes_of_one_kind_are_chosen_in_the_emoji_world():
    from clipbench import open_pictures
    from clipbench.data.world.sprites import concept_ids, concepts

    for seed in range(3):
        names = some_classes(
            open_pictures("scenes:heldout"), 8, torch.Generator().manual_seed(seed)
        )
        assert len(set(names)) == 8
        assert len({concepts()[concept_ids()[name]].group for name in names}) == 1


def test_mistakes(game):
    with pytest.raises(UserError, match="none of"):
        game.answer("horse")
    with pytest.raises(UserError, match="nobody"):
        game.to_static()
    with pytest.raises(UserError, match="no class 'horse'"):
        BeatTheMachine(KnowsTheWidth(), picture_set(), ["horse"])
    with pytest.raises(UserError, match="has 2 pictures"):
        BeatTheMachine(KnowsTheWidth(), picture_set(2), NAMES)
    with pytest.raises(UserError, match="too few pictures"):
        BeatTheMachine(KnowsTheWidth(), picture_set(2))
    with pytest.raises(traitlets.TraitError):
        game.position = 7


def test_a_damaged_model_and_a_small_real_one():
    class Damaged(KnowsTheWidth):
        def encode_image(self, images):
            return super().encode_image(images) * float("nan")

    with pytest.raises(UserError, match="diverged"):
        BeatTheMachine(Damaged(), picture_set(), NAMES)
    game = BeatTheMachine(small_encoder(), picture_set(5), rounds=100)
    assert game.game.rounds == 6 and sorted(game.game.classes) == sorted(NAMES)


def test_after_each_answer_the_page_says_what_it_was(game):
    assert "clipbench-game-told" not in game._where.value
    truth = game.question.truth
    game.answer(truth)
    assert "✓ Right" in game._where.value and "The model was right, too." in game._where.value
    wrong = next(name for name in NAMES if name != game.question.truth)
    missed = game.question.truth
    game.answer(wrong)
    assert "✗ Not quite" in game._where.value and "The model was right." in game._where.value
    assert missed in game._where.value or "&lt;img" in game._where.value
    game.answer("")
    assert "It was: " in game._where.value
    assert "<img src=x" not in game._where.value


def test_the_score_comes_after_the_first_round_and_at_the_next_game_nothing_is_told(game):
    for _ in range(game.game.rounds):
        assert "by their names" not in game._where.value
        game.answer(game.question.truth)
    assert "After 5 pictures by their names: you 5, the model 5." in game._where.value
    game.answer(game.question.truth)
    assert "by their names" not in game._where.value
    game.seed = 3
    assert "clipbench-game-told" not in game._where.value
