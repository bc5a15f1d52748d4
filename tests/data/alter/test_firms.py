"""Facts about drawings of firms: pure functions of their numbers, whose sheet says who drew."""

import numpy as np
import pytest
import torch
from small import one_line

from clipbench import UserError
from clipbench.data.alter import firms
from clipbench.data.alter.documents import SIZE
from clipbench.data.alter.firms import draw_of_firm, firm, firm_drawings


def pixels(picture) -> np.ndarray:
    return np.asarray(picture, dtype=int)


def test_a_drawing_is_a_function_of_its_firm_and_number():
    data = firm_drawings(firms=2, each=2, first=5)
    assert data.labels.tolist() == [0, 0, 1, 1] and data.class_names == ["firm 5", "firm 6"]
    (shown,) = data.pictures([3])
    assert shown.size == (SIZE, SIZE) and shown.mode == "RGB"
    assert np.array_equal(pixels(shown), pixels(draw_of_firm(6, 1)))
    assert len(set(data.ids)) == len(data)


def test_what_two_sheets_of_a_firm_share_is_the_firm_and_not_the_part(monkeypatch):
    monkeypatch.setattr(firms, "scanned", lambda picture, name: picture)
    style, (one, other) = firm(3), (pixels(draw_of_firm(3, k)) for k in (0, 1))
    left, top, _, bottom = (round(edge) for edge in style.block)
    side = bottom - top
    mark = np.s_[top : top + side, left : left + side]
    assert np.array_equal(one[mark], other[mark])  # the mark
    assert not np.array_equal(one, other)  # the part and the words


def test_firms_differ():
    assert len({firm(number) for number in range(200)}) > 190


def test_the_nearest_thumbnail_of_a_drawing_is_no_proof_of_its_firm():
    """Pixels find the firm more often than chance, and not always: there is something to learn."""
    data = firm_drawings(firms=10, each=4)
    small = [pixels(each.resize((8, 8))).ravel() for each in data.pictures(range(len(data)))]
    rows = torch.tensor(np.stack(small), dtype=torch.float32)
    distance = torch.cdist(rows, rows).fill_diagonal_(float("inf"))
    right = (data.labels[distance.argmin(1)] == data.labels).float().mean()
    assert 2 / 10 < right < 0.95


@pytest.mark.parametrize("counts", [(0, 1, 0), (1, 0, 0), (1001, 1, 0), (1, 1, -1)])
def test_impossible_numbers_are_refused_in_one_line(counts):
    with pytest.raises(UserError, match="1 to 1000") as error:
        firm_drawings(*counts)
    one_line(error.value)
