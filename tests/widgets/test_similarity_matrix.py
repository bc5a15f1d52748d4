"""The matrix without a kernel: known cosines, clicks, hostile texts, and a training that it
follows.
"""

import io
import re

import pytest
import torch
import traitlets
from small import noise_picture, small_encoder
from uploads import upload

from clipbench import UserError
from clipbench_widgets import SimilarityMatrix
from clipbench_widgets.similarity_matrix.app import MAX_SIDE, alike_together, diagonal_accuracy
from clipbench_widgets.similarity_matrix.page import cells, colours, short

COSINES = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.3, 0.8], [0.1, 0.7, 0.2]])  # texts x pictures


class KnownEncoder:
    """Picture n is the n-th axis; a text names its row of COSINES."""

    name, embed_dim, scale, fingerprint, context_length = "known", 4, 10.0, "0", 8

    def preprocess(self, pictures):
        return torch.tensor([[float(picture.width)] for picture in pictures])

    def encode_image(self, images):
        return torch.eye(4)[images[:, 0].long() - 20]  # widths of 20, 21 and 22 pixels

    def encode_text(self, texts):
        rows = torch.stack([COSINES[int(re.search(r"\d", text).group())] for text in texts])
        return torch.cat([rows, (1 - rows.square().sum(1, keepdim=True)).clamp(min=0).sqrt()], 1)

    def tokens(self, text):
        return text.split()


@pytest.fixture
def matrix():
    return SimilarityMatrix(
        KnownEncoder(), [noise_picture(20 + n, 20) for n in range(3)], ["row 0", "row 1", "row 2"]
    )


def buttons(matrix, trait):
    return [button for button in matrix._grid.children if getattr(button, "trait", None) == trait]


def shown_cells(matrix) -> list[str]:
    return re.findall(r"<span[^>]*>([^<]*)</span>", matrix._cells.value)


def test_cosines_are_those_of_the_encoder(matrix):
    assert torch.allclose(torch.tensor(matrix.cosines), COSINES)
    assert shown_cells(matrix)[:3] == ["0.90", "0.10", "0.00"]


@pytest.mark.parametrize("mode, axis", [("row softmax", 1), ("column softmax", 0)])
def test_probabilities_sum_to_one_along_the_axis_that_is_named(matrix, mode, axis):
    matrix.mode = mode
    assert torch.allclose(matrix.values().sum(axis), torch.ones(3))
    assert torch.allclose(matrix.values(), (10.0 * COSINES).softmax(axis))
    matrix.scale_factor = 3.0
    assert torch.allclose(matrix.values(), (30.0 * COSINES).softmax(axis))


def test_diagonal_accuracy_both_ways(matrix):
    # the best text of picture 0 is its own; of 1 it is text 2, of 2 it is text 1; likewise along
    # the rows
    assert matrix.accuracy == pytest.approx({"image_to_text": 1 / 3, "text_to_image": 1 / 3})
    lopsided = torch.tensor([[0.9, 0.8], [0.5, 0.7]])
    assert diagonal_accuracy(lopsided) == {"image_to_text": 0.5, "text_to_image": 1.0}


def test_without_pairs_there_is_no_diagonal(matrix):
    matrix.texts = ["row 0", "row 1"]
    assert matrix.accuracy == {"image_to_text": None, "text_to_image": None}
    assert "clipbench-pair" not in matrix._cells.value and len(shown_cells(matrix)) == 6
    assert "accuracy" not in matrix.summary()
    assert matrix.to_static()


def test_clicks_choose_the_pair_that_is_shown_large(matrix):
    buttons(matrix, "chosen_text")[1].click()
    buttons(matrix, "chosen_picture")[2].click()
    assert (matrix.chosen_text, matrix.chosen_picture) == (1, 2)
    assert "0.800" in matrix._detail.value and "row 1" in matrix._detail.value
    assert matrix._cells.value.count("clipbench-here") == 1
    matrix.chosen_text = 99
    assert matrix.chosen_text == 2


def test_sorting_keeps_pairs_together_and_numbers_with_their_names(matrix):
    matrix.order = "alike together"
    rows, columns = matrix._arrangement()
    assert rows == columns and sorted(rows) == [0, 1, 2]
    names = [button.description for button in buttons(matrix, "chosen_text")]
    assert names == [matrix.texts[row] for row in rows]
    assert shown_cells(matrix)[:3] == [
        short(COSINES[rows[0], column].item(), False) for column in columns
    ]
    assert torch.allclose(torch.tensor(matrix.cosines), COSINES), "traits stay in the order given"


def test_buttons_are_kept_while_texts_are_typed(matrix):
    kept = {button.model_id for button in matrix._grid.children}
    matrix._text.value = "row 0\nrow 2"
    assert {button.model_id for button in matrix._grid.children} < kept
    matrix._text.value = "row 2\nrow 1\nrow 0"
    assert {button.model_id for button in matrix._grid.children} == kept
    assert [button.description for button in buttons(matrix, "chosen_text")] == [
        "row 2",
        "row 1",
        "row 0",
    ]
    buttons(matrix, "chosen_text")[2].click()
    assert matrix.chosen_text == 2


def test_like_rows_become_neighbours():
    two_kinds = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.1, 0.9]])
    order = alike_together(two_kinds)
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({0, 2}), frozenset({1, 3})}


def test_what_people_write_stays_text():
    hostile = "<img src=x onerror=alert(1)> 0"
    matrix = SimilarityMatrix(KnownEncoder(), [(hostile, noise_picture(20, 20))], [hostile])
    page = matrix._cells.value + matrix._detail.value + matrix._title.value + matrix._styles.value
    assert "<img src=x" not in page and "&lt;img" in page


def test_bad_uploads_leave_the_matrix_as_it_was(matrix):
    before = matrix._cells.value
    upload(matrix, "notes.png", b"no picture")
    assert "notes.png is not a picture" in matrix.message and matrix._cells.value == before
    buffer = io.BytesIO()
    noise_picture(21, 21).save(buffer, "PNG")
    upload(matrix, "mine.png", buffer.getvalue())
    assert matrix.message == "" and len(matrix.entries) == 4 and matrix.chosen_picture == 3


def test_limits_and_mistakes():
    with pytest.raises(UserError, match="at most 40"):
        SimilarityMatrix(KnownEncoder(), [noise_picture(20, 20)] * (MAX_SIDE + 1))
    matrix = SimilarityMatrix(KnownEncoder(), [noise_picture(20, 20)], [])
    with pytest.raises(UserError, match="nothing to show"):
        matrix.to_static()
    with pytest.raises(traitlets.TraitError):
        matrix.scale_factor = float("nan")
    with pytest.raises(traitlets.TraitError):
        matrix.mode = "sideways"


def test_letters_stand_out_from_their_cell():
    def luminance(rgb):
        linear = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
            for c in (v / 255 for v in rgb)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for step in range(101):
        style = colours(step / 100)
        back = [int(v) for v in re.search(r"rgb\((\d+),(\d+),(\d+)\)", style).groups()]
        front = [int(style[-6:][i : i + 2], 16) for i in (0, 2, 4)]
        light, dark = sorted((luminance(back), luminance(front)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, step


def test_cells_without_room_have_no_numbers():
    many = ["x"] * 20
    assert ">0.50<" not in cells(
        torch.full((20, 20), 0.5), many, many, probabilities=False, pairs=True, here=(0, 0)
    )


def test_it_follows_a_training_and_leaves_batch_statistics_alone():
    encoder = small_encoder()
    matrix = SimilarityMatrix(
        encoder, [noise_picture(20, 20, seed=n) for n in range(3)], ["cat", "dog", "lion"]
    )
    before = matrix.cosines
    with torch.no_grad():
        for weight in encoder.model.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    encoder.model.train()
    follow = matrix.follow(seconds=0.0)
    follow({"event": "start"})
    assert matrix.cosines == before
    follow({"event": "step", "step": 1})
    assert matrix.cosines != before and encoder.model.training
