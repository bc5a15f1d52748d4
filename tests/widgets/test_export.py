"""What is taken along from an app: a picture, a table, and a line to cite the view with."""

import base64
import csv
import io
import json

import pytest
from PIL import Image
from small import noise_picture, small_encoder

from clipbench import UserError
from clipbench_widgets import BeatTheMachine, PromptExplorer, SimilarityMatrix
from clipbench_widgets.core.controls import every_widget
from clipbench_widgets.core.export import as_csv, citation

HOSTILE = "<img src=x onerror=alert(1)>"
PICTURES = [("=one", noise_picture(16, 16, seed=1)), ("two", noise_picture(16, 16, seed=2))]


def press(app, name: str) -> str:
    """Click a button of the header; what is shown then."""
    next(one for one in every_widget(app) if getattr(one, "description", "") == name).click()
    return app._exports.shown.value


def file_in(page: str) -> bytes:
    return base64.b64decode(page.split("base64,")[1].split('"')[0])


@pytest.fixture
def explorer():
    return PromptExplorer(small_encoder(), PICTURES, ["cat", "=1+1", "dog"])


def test_the_picture_is_the_figure_of_the_state(explorer):
    page = press(explorer, "Picture")
    assert 'download="prompt-explorer.png"' in page
    assert Image.open(io.BytesIO(file_in(page))).width > 500


def test_the_table_holds_the_numbers_and_no_formula(explorer):
    read = list(csv.DictReader(io.StringIO(file_in(press(explorer, "Table")).decode("utf-8-sig"))))
    assert [row["prompt"] for row in read] == ["cat", "'=1+1", "dog"]
    assert {row["picture"] for row in read} == {"'=one"}
    shares = [row["probability"] for row in explorer.scores]
    assert [float(row["probability"]) for row in read] == shares


def test_a_matrix_is_a_row_for_each_cell():
    matrix = SimilarityMatrix(small_encoder(), PICTURES, ["a", "b", "c"])
    read = list(csv.DictReader(io.StringIO(file_in(press(matrix, "Table")).decode("utf-8-sig"))))
    assert len(read) == 6 and float(read[3]["cosine"]) == matrix.cosines[1][1]


def test_what_is_not_there_is_told(explorer):
    explorer.prompts = []
    assert "nothing to show" in press(explorer, "Picture")
    assert "no numbers" in press(explorer, "Table")
    game = BeatTheMachine(small_encoder(), "scenes:heldout256", rounds=2)
    assert "nobody has answered" in press(game, "Picture")
    with pytest.raises(UserError):
        as_csv([])


def test_a_citation_has_all_that_it_takes_to_see_the_view_again(explorer):
    explorer.prompts = [HOSTILE]
    page = press(explorer, "Cite")
    assert "<img" not in page
    line = citation(explorer.NAME, explorer.encoder, explorer.state())
    assert explorer.encoder.fingerprint[:12] in line and "Prompt explorer" in line
    state = line.partition("view ")[2].rpartition(", ")[0]
    other = PromptExplorer(small_encoder(), PICTURES, state=json.loads(state))
    assert other.prompts == [HOSTILE]


def test_what_is_asked_for_twice_is_given_twice(explorer):
    press(explorer, "Table")
    seen = []
    explorer._exports.shown.observe(lambda change: seen.append(change.new), "value")
    assert press(explorer, "Table") == seen[-1] and len(seen) == 2
