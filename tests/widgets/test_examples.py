"""Each example of an app shows with the shipped models what its question is about.

The apps are driven as a page does it: by buttons with the names that are seen.
"""

import pytest

from clipbench_widgets import (
    EmbeddingMap,
    ImageSearch,
    PromptExplorer,
    SimilarityMatrix,
    TypographicStudio,
)
from clipbench_widgets.core.controls import every_widget
from clipbench_widgets.core.wording import worded
from clipbench_widgets.prompt_explorer import examples as explorer_examples


def press(app, name: str) -> None:
    """Click the one button of this name."""
    (button,) = [
        widget for widget in every_widget(app) if getattr(widget, "description", None) == name
    ]
    button.click()
    assert app.message == ""


def question(app) -> str:
    return app._example_row._question.value


@pytest.fixture(scope="module")
def explorer():
    return PromptExplorer()


@pytest.fixture(scope="module")
def studio():
    return TypographicStudio()


def shares(explorer) -> dict[str, float]:
    return {row["prompt"]: row["probability"] for row in explorer.scores}


def cosines(explorer) -> dict[str, float]:
    return {row["prompt"]: row["cosine"] for row in explorer.scores}


def test_the_explorer_opens_undecided():
    best = max(row["probability"] for row in PromptExplorer().scores)
    assert 0.5 < best < 0.9


def test_one_cat_and_two_dogs_share_the_verdict(explorer):
    press(explorer, "cat or dog?")
    assert "one cat" in question(explorer) and explorer.picture is not None
    assert 0.1 < shares(explorer)["cat"] < shares(explorer)["dog"] < 0.9
    explorer.prompts = [*explorer.prompts, "cat and dog"]
    assert shares(explorer)["cat and dog"] > 0.5


def test_the_model_does_not_count(explorer):
    press(explorer, "one cat and two dogs")
    found = shares(explorer)
    right = found["one cat and two dogs"], found["two dogs and one cat"]
    assert max(right) > 2 * min(right)  # they mean the same
    assert found["one dog and two cats"] > min(right)  # wrong, and before a right one


def test_the_word_mouse_alone_does_not_mean_the_device(explorer):
    press(explorer, "mouse or computer mouse")
    found = cosines(explorer)
    assert abs(found["mouse"] - found["dog"]) < 0.1 < found["computer mouse"] - found["mouse"]


def test_an_unknown_word_wins(explorer):
    press(explorer, "an unknown word")
    assert shares(explorer)["qwertz blorp"] > 0.9


def test_a_photograph_is_taken_for_something_else_and_is_added_once(explorer):
    press(explorer, "a photograph")
    assert shares(explorer)["woman"] + shares(explorer)["person"] < 0.01
    count = len(explorer._gallery.entries)
    press(explorer, "an unknown word")
    press(explorer, "a photograph")
    assert len(explorer._gallery.entries) == count
    assert explorer._gallery.chosen.name == explorer_examples.PHOTOGRAPH


def test_a_photograph_that_is_not_there_is_told(explorer, monkeypatch, tmp_path):
    monkeypatch.setattr(explorer_examples.matplotlib, "get_data_path", lambda: str(tmp_path))
    (button,) = [one for one in explorer._example_row.buttons if one.description == "a photograph"]
    button.click()
    assert "no such picture" in explorer.message


def test_a_question_goes_when_another_state_comes(explorer):
    press(explorer, "an unknown word")
    state = explorer.state()
    assert "qwertz" in question(explorer)
    explorer.restore(state)
    assert question(explorer) == ""


def test_a_reader_believes_the_word_and_its_twin_does_not(studio):
    press(studio, "“pizza”, to one that reads")
    assert studio.model == "twin:reader" and studio.verdict.says_the_word
    assert not studio.verdict.control_flips
    press(studio, "“pizza”, to one that cannot")
    assert studio.model == "twin:no-signs" and not studio.verdict.flips


def test_the_ipod_is_a_matter_of_the_paper_here(studio):
    press(studio, "the iPod")
    assert studio.verdict.says_the_word
    assert studio.verdict.control["text"] == studio.verdict.after["text"]
    assert "what counts is the sticker" in studio._headline.value


def test_telling_what_is_written_is_a_defence(studio):
    press(studio, "“pizza”, to one that reads")
    believed = studio.verdict.after["after"]
    press(studio, "a defence")
    pizza = next(row for row in studio.scores if row["text"] == "pizza")
    assert studio.told and pizza["after"] < believed


@pytest.mark.slow
def test_a_sad_cat_is_found_and_a_red_umbrella_is_not():
    search = ImageSearch()
    press(search, "a sad cat")
    best = search.found[0]["cosine"]
    assert [each["name"] for each in search.found[:3]] == 3 * ["crying cat"]
    press(search, "a red umbrella")
    assert search.found[0]["name"] != "umbrella"
    press(search, "letters without meaning")
    assert search.found[0]["cosine"] > 0.7 * best


def test_a_sad_cat_lights_up_on_the_map():
    on_map = EmbeddingMap()
    press(on_map, "a sad cat")
    assert on_map.found[0]["name"] == "crying cat"
    press(on_map, "the gap")
    assert on_map.colour_by == "modality" and on_map.numbers["gap"] > 0.1


def test_the_matrix_tells_one_mouse_from_the_other():
    matrix = SimilarityMatrix()
    press(matrix, "mouse or computer mouse")
    best = matrix.values().argmax(1)
    names = [matrix.entries[int(column)].name for column in best[:2]]
    assert names == ["mouse", "computer mouse"]
    press(matrix, "what CLIP is trained on")
    assert matrix.accuracy["image_to_text"] > 0.9


def test_with_pictures_of_ones_own_there_are_no_examples():
    picture = PromptExplorer().picture
    app = PromptExplorer("tiny", [picture])
    assert not app._example_row.buttons and app._example_row.layout.display == "none"


@pytest.mark.parametrize(
    "text, template, read",
    [
        ("a cat", "a photo of a {}.", "a photo of a cat."),
        ("An owl", "a photo of the {}", "a photo of the owl"),
        ("the cat", "{} on a wall", "the cat on a wall"),
        ("a", "a photo of a {}.", "a photo of a a."),
        ("anchor", "a photo of an {}.", "a photo of an anchor."),
        ("a cat", "a schema {}", "a schema a cat"),
    ],
)
def test_no_article_is_said_twice(text, template, read):
    assert worded([text], [template]) == [[read]]
