"""Scores of hard negatives by hand, and what captions alone give away."""

import json
import math

import pytest
import torch
import torch.nn.functional as F
from small import noise_picture

from clipbench import UserError
from clipbench.cli import main
from clipbench.data.readers.hard_negatives import Case
from clipbench.evaluate.hard_negatives import (
    BIGRAMS,
    BigramModel,
    group_metrics,
    hard_negative_metrics,
    in_words,
    margins,
    world_captions,
)

TEXTS = ["a", "b", "c"]
LANGUAGE = BigramModel.fitted(["a", "a", "b", "c c"])


def features(*rows) -> torch.Tensor:
    return F.normalize(torch.tensor(rows, dtype=torch.float32), dim=1)


PICTURES = features((1, 0, 0), (0, 1, 0), (1, 1, 0))
WORDS = features((1, 0, 0), (0, 1, 0), (0, 0, 1))


def test_a_margin_is_the_right_cosine_less_the_best_wrong_one():
    cases = [Case(0, ("a", "b", "c")), Case(1, ("a", "b")), Case(2, ("a", "b", "c"))]
    expected = torch.tensor([1.0, -1.0, 0.0])
    torch.testing.assert_close(margins(PICTURES, WORDS, cases, TEXTS), expected)


def test_a_tie_is_no_answer_and_is_counted():
    cases = [Case(0, ("a", "b")), Case(1, ("a", "b")), Case(2, ("a", "b")), Case(2, ("b", "a"))]
    metrics, answered = hard_negative_metrics(PICTURES, WORDS, cases, TEXTS, LANGUAGE)
    assert answered == [True, False, False, False]
    assert (metrics["accuracy"], metrics["ties"], metrics["chance"]) == (0.25, 0.5, 0.5)
    assert metrics["accuracy_low"] < 0.25 < metrics["accuracy_high"]
    assert metrics["text_only"] == 0.75, "a is likelier than b"
    assert metrics["above_text_only"] == -0.5 and 0 < metrics["p"] <= 1
    assert not any(name.startswith("category") or name.endswith("score") for name in metrics)


def test_categories_are_told_apart_and_averaged():
    cases = [Case(0, ("a", "b"), "x"), Case(1, ("a", "b"), "x"), Case(1, ("b", "a"), "y")]
    metrics, _ = hard_negative_metrics(PICTURES, WORDS, cases, TEXTS, LANGUAGE)
    assert (metrics["category/x"], metrics["category/y"]) == (0.5, 1.0)
    assert metrics["mean_per_category"] == 0.75 and metrics["accuracy"] == pytest.approx(2 / 3)
    assert (metrics["text_only/x"], metrics["text_only/y"]) == (1.0, 0.0)


def winoground(cosines) -> dict:
    """Scores of one group with the cosines [[c0 i0, c0 i1], [c1 i0, c1 i1]]."""
    cases = [Case(0, ("a", "b"), group="g"), Case(1, ("b", "a"), group="g")]
    table = torch.tensor(cosines)  # captions as unit vectors, pictures as columns
    words, pictures = torch.eye(2), table.T
    right = margins(pictures, words, cases, ["a", "b"]) > 0
    return group_metrics(pictures, words, cases, ["a", "b"], right)


@pytest.mark.parametrize(
    "cosines, text, image",
    [
        ([[0.9, 0.1], [0.1, 0.9]], 1, 1),
        ([[0.9, 0.8], [0.5, 0.85]], 1, 1),
        # the first picture is liked by both captions
        ([[0.9, 0.4], [0.6, 0.5]], 1, 0),
        # the first caption is liked by both pictures
        ([[0.9, 0.6], [0.4, 0.5]], 0, 1),
        ([[0.1, 0.9], [0.9, 0.1]], 0, 0),
        ([[0.5, 0.5], [0.5, 0.5]], 0, 0),
    ],
)
def test_groups_are_scored_as_winoground_does(cosines, text, image):
    (c0_i0, c0_i1), (c1_i0, c1_i1) = cosines
    assert text == (c0_i0 > c1_i0 and c1_i1 > c0_i1)  # the paper's formulas
    assert image == (c0_i0 > c0_i1 and c1_i1 > c1_i0)
    metrics = winoground(cosines)
    scores = tuple(metrics[f"{name}_score"] for name in ("text", "image", "group"))
    assert scores == (text, image, text and image)
    assert metrics["groups"] == 1 and metrics["chance_group"] == pytest.approx(1 / 6)


def test_without_questions_one_line_says_so():
    with pytest.raises(UserError, match="there are no questions"):
        hard_negative_metrics(PICTURES, WORDS, [], TEXTS, LANGUAGE)


# -------------------- without the picture


def test_a_bigram_models_probabilities_are_counts():
    language = BigramModel.fitted(["a dog.", "a dog", "a cat"])

    # words: a 3, dog 2, cat 1, "." 1, ends 3: 10 of 5 kinds
    def mixed(chained: float, count: int) -> float:
        return math.log(BIGRAMS * chained + (1 - BIGRAMS) * (count + 1) / 16)

    dog = (mixed(1.0, 3) + mixed(2 / 3, 2) + mixed(1 / 2, 3)) / 3
    assert language.mean_log_probability("A dog") == pytest.approx(dog)
    unread = (mixed(1.0, 3) + mixed(0.0, 0) + math.log(4 / 16)) / 3
    assert language.mean_log_probability("a zebra") == pytest.approx(unread)
    assert language.unread([Case(0, ("a zebra", "a dog"))]) == (1, 3)
    assert in_words("It's a dog, isn't it?") == ["it's", "a", "dog", ",", "isn't", "it", "?"]


def test_a_set_that_good_english_solves_is_told_by_the_baseline():
    language = BigramModel.fitted(world_captions(2000))
    fluent = [Case(0, ("a photo of a cat", "cat a of photo a")), Case(0, ("two dogs", "dogs two"))]
    assert language.answers(fluent).all()
    swapped = [Case(0, ("a cat above a dog", "a dog above a cat"))]
    reverse = [Case(0, swapped[0].captions[::-1])]
    assert int(language.answers(swapped + reverse).sum()) <= 1, "at most one of the two"


def test_a_baseline_needs_captions():
    with pytest.raises(UserError, match="no captions to learn from"):
        BigramModel.fitted(["", " "])


# -------------------- the command


def test_a_text_encoder_that_counts_words_has_ties_for_answers(capsys):
    command = ["eval", "hard-negatives", "--model", "tiny", "--scenes", "40", "--json"]
    assert main(command) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert metrics["accuracy"] == 0 and metrics["ties"] == 1 and metrics["questions"] == 40


@pytest.mark.filterwarnings("ignore:.*unpaired")
def test_the_command_reads_the_set_that_it_wrote(tmp_path, capsys):
    scenes = ["--data", "scenes:presence", "--scenes", "40", "--write", str(tmp_path / "set")]
    command = ["eval", "hard-negatives", "--model", "tiny", "--json"]
    assert main([*command, *scenes]) == 0
    first = json.loads(capsys.readouterr().out)["metrics"]
    assert first["accuracy"] > 0.6 and "text_score" not in first
    assert main([*command, "--data", str(tmp_path / "set" / "hard-negatives.csv")]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == pytest.approx(first, abs=1e-6)


def test_the_command_tells_what_it_leaves_out_and_words_never_read(tmp_path, capsys):
    for name in ("hidden0.png", "hidden1.png"):
        noise_picture(30, 30).save(tmp_path / name)
    table = tmp_path / "a.csv"
    lines = ["image,caption,wrong_caption,category", "hidden0.png,a zyx,a cat,x"]
    table.write_text(
        "\n".join(
            [
                *lines,
                "hidden1.png,a cat,,x",
                "absent.png,a dog,a cat,y",
                "hidden1.png,a dog,a cat,y",
            ]
        )
    )
    (tmp_path / "texts.txt").write_text("a cat\na cat\na dog\n")
    asked = ["--data", str(table), "--texts", str(tmp_path / "texts.txt")]
    assert main(["eval", "hard-negatives", "--model", "tiny", *asked]) == 0
    captured = capsys.readouterr()
    assert "left out: 1 rows" in captured.err and "has no wrong caption" in captured.err
    assert "1 of 3 pictures cannot be read" in captured.err
    assert "1 of the captions' 4 words are not in" in captured.err
    assert "2 questions" in captured.out and "  y" in captured.out
