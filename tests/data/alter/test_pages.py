"""Facts about the generated pages: the same for everybody, different from each other, and found
by their kind.
"""

import numpy as np
import pytest

from clipbench import UserError
from clipbench.data.alter.documents import KINDS, MOST, document_pages, draw_page, scanned


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_a_function_of_its_kind_and_number(kind):
    first, again, other = draw_page(kind, 3), draw_page(kind, 3), draw_page(kind, 4)
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert first.mode == "RGB" and first.size == (256, 256)
    assert np.asarray(first).mean() > 150, "a page is mostly paper"


def test_a_technical_drawing_has_a_frame_and_a_title_block_in_its_corner():
    for number in range(20):
        pixels = np.asarray(draw_page("technical drawing", number)).mean(2)
        frame = (
            pixels[20:236, 8].max(),
            pixels[8, 20:236].max(),
            pixels[202, 130:240].max(),
            pixels[210:240, 128].max(),
        )
        assert max(frame) < 60, number


def test_a_set_of_pages_is_labelled_by_kind():
    pages = document_pages(each=2, size=48)
    assert pages.class_names == list(KINDS) and pages.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [page.size for page in pages.pictures([0, 7])] == [(48, 48)] * 2
    assert pages.pictures([3])[0].tobytes() == draw_page("table", 1, 48).tobytes()
    assert len(set(pages.ids)) == 8


def test_a_second_scan_is_another_picture_of_the_same_sheet():
    page = draw_page("chart", 0)
    scan = scanned(page, 0)
    assert scan.tobytes() == scanned(page, 0).tobytes() != page.tobytes()
    assert scan.size == page.size


@pytest.mark.parametrize(
    "ask",
    [
        lambda: draw_page("poem", 0),
        lambda: draw_page("chart", -1),
        lambda: draw_page("chart", 0, 5000),
        lambda: document_pages(0),
        lambda: document_pages(MOST + 1),
    ],
)
def test_what_cannot_be_drawn_gets_one_line(ask):
    with pytest.raises(UserError) as error:
        ask()
    assert "\n" not in str(error.value)
