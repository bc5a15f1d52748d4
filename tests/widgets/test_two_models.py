"""Two models side by side: the same pictures and texts in one order, each with its own numbers."""

import re

import pytest
import torch
from small import noise_picture, small_encoder

from clipbench import UserError
from clipbench_widgets import EmbeddingMap, PromptExplorer, SimilarityMatrix
from clipbench_widgets.core.beside import ALONE
from clipbench_widgets.core.controls import every_widget

PICTURES = [(f"picture {seed}", noise_picture(16, 16, seed=seed)) for seed in range(4)]
TEXTS = ["a cat", "a dog", "a lion", "<b>x</b>"]


def choose(app, name: str) -> None:
    """Choose the second model as a person does, by the box that is named so."""
    (box,) = [one for one in every_widget(app) if one_is(one, "Second model")]
    box.value = name


def one_is(widget, name: str) -> bool:
    return getattr(widget, "description", "") == name


def test_the_explorer_shows_the_shares_that_the_second_model_alone_would():
    app = PromptExplorer(small_encoder(), PICTURES, TEXTS)
    assert app.scores_beside == [] and "clipbench-second-percent" not in app._result.value
    own = app.scores
    choose(app, "twin:reader")
    alone = PromptExplorer("twin:reader", PICTURES, TEXTS)
    shares = [row["probability"] for row in app.scores_beside]
    assert shares == pytest.approx([row["probability"] for row in alone.scores])
    assert app.scores == own
    assert app._result.value.count("clipbench-second-percent") == len(TEXTS)
    assert app._result.value.count("clipbench-best") == 1 and "<b>x" not in app._result.value
    app.prompts = ["a cat", "a rocket"]
    assert [row["prompt"] for row in app.scores_beside] == app.prompts
    choose(app, ALONE)
    assert app.scores_beside == [] and "clipbench-second-percent" not in app._result.value


def test_none_of_these_is_each_models_own():
    app = PromptExplorer("tiny", PICTURES, TEXTS)
    app.none_of_these = True
    choose(app, "twin:reader")
    alone = PromptExplorer("twin:reader", PICTURES, TEXTS)
    alone.none_of_these = True
    assert app.scores_beside[-1]["cosine"] == pytest.approx(alone.scores[-1]["cosine"])


def test_the_table_of_two_models_names_them():
    app = PromptExplorer("tiny", PICTURES, TEXTS)
    choose(app, "twin:reader")
    rows = app._table()
    assert [row["model"] for row in rows] == 4 * ["tiny"] + 4 * ["twin:reader"]
    assert all(row["picture"] == "picture 0" for row in rows)


def shown(page: str) -> list[str]:
    """The cells' notes: text × picture, in the order shown."""
    return re.findall(r'title="([^"]* × [^"]*): ', page)


def test_the_second_matrix_stands_in_the_order_of_the_first():
    app = SimilarityMatrix(small_encoder(), PICTURES, TEXTS)
    assert app._second_cells.layout.display == "none"
    choose(app, "tiny")
    alone = SimilarityMatrix("tiny", PICTURES, TEXTS)
    assert torch.allclose(torch.tensor(app.cosines_beside), torch.tensor(alone.cosines))
    app.order = "alike together"
    first, second = shown(app._cells.value), shown(app._second_cells.value)
    assert first == second and len(first) == 16
    assert "clipbench-two" in app._dom_classes
    app.mode = "row softmax"
    assert shown(app._second_cells.value) == first and "%" in app._second_cells.value
    choose(app, ALONE)
    assert app._second_cells.layout.display == "none" and "clipbench-two" not in app._dom_classes


def test_a_new_text_does_not_have_the_second_model_look_at_the_pictures_again(monkeypatch):
    app = SimilarityMatrix(small_encoder(), PICTURES, TEXTS)
    choose(app, "tiny")
    before = app.cosines_beside
    monkeypatch.setattr(app._second(), "encode_image", None)
    app.texts = [*TEXTS[:3], "a rocket"]
    assert app.cosines_beside[:3] == [pytest.approx(row) for row in before[:3]]
    assert app.cosines_beside[3] != pytest.approx(before[3])


def test_two_maps_go_in_step():
    app = EmbeddingMap(small_encoder(), PICTURES, TEXTS)
    choose(app, "tiny")
    other = app._other
    assert other.encoder.name == "tiny" and len(app._stages.children) == 2
    app.selected, app.query, app.shown = [2, 5], "a dog", "pictures"
    assert (other.selected, other.query, other.shown) == ([2, 5], "a dog", "pictures")
    other.selected = [1]
    assert app.selected == [1]
    assert not torch.equal(app.points(), other.points())
    choose(app, ALONE)
    app.query = "a lion"
    assert other.query == "a dog" and len(app._stages.children) == 1


def test_a_second_model_is_a_shipped_one():
    app = PromptExplorer(small_encoder(), PICTURES, TEXTS)
    app.beside = "../../x"
    assert app.beside == ALONE
    with pytest.raises(UserError, match="beside cannot be"):
        app.restore({"app": "PromptExplorer", "beside": "no/model"})
