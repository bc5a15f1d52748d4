"""The matrix in JupyterLab: real clicks and keys, and what the page shows after them."""

import pytest
from lab_page import (
    look_narrow_and_dark,
    open_and_run,
    wait_until,
    write_notebook,
)
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser


@pytest.fixture
def notebook(tmp_path):
    """A notebook whose only cell shows a matrix."""
    return write_notebook(
        tmp_path / "matrix.ipynb",
        "from clipbench_widgets import SimilarityMatrix\nSimilarityMatrix('tiny')",
    )


def stand_in_line(cell, row, column) -> bool:
    """Whether a cell stands beside its row's button and below its column's."""
    box, beside, above = cell.bounding_box(), row.bounding_box(), column.bounding_box()
    return abs(beside["y"] - box["y"]) < 3 and abs(above["x"] - box["x"]) < 3


def are_percentages(cells: list[str]) -> bool:
    """Whether the first column adds up to 100 %, rounded as it is."""
    first = (cells[i * 12].replace("·", "0").replace("−", "-") for i in range(12))
    return abs(sum(map(float, first)) - 100) <= 6


def test_a_student_clicks_through_the_matrix(lab, browser_page, notebook, tmp_path):
    page = browser_page
    dialogs = open_and_run(page, lab(notebook), until=".clipbench-cells")
    app, cells = page.locator(".clipbench-app").first, page.locator(".clipbench-cells span")
    sync_api.expect(cells).to_have_count(144)
    app.screenshot(path=tmp_path / "matrix.png")

    # rows and columns of buttons stand where their cells are
    row, column = (
        app.locator(".clipbench-row-name").nth(4),
        app.locator(".clipbench-column-picture").nth(7),
    )
    cell = cells.nth(4 * 12 + 7)
    wait_until(page, lambda: stand_in_line(cell, row, column), "the cell in line with its buttons")

    row.click()
    column.focus()
    page.keyboard.press("Enter")
    sync_api.expect(app.locator(".clipbench-cells span.clipbench-here")).to_have_count(1)
    sync_api.expect(cell).to_have_class("clipbench-here")
    sync_api.expect(app.locator(".clipbench-detail")).to_contain_text("a photo of a computer mouse")

    assert not are_percentages(cells.all_inner_texts())
    app.get_by_role("button", name="column softmax").click()
    app.get_by_text("which text fits this picture?").wait_for()
    wait_until(page, lambda: are_percentages(cells.all_inner_texts()), "a column adds up to 100 %")

    box = app.locator("textarea")
    box.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\n<img src=x onerror=alert(1)>")
    sync_api.expect(cells).to_have_count(156)
    app.get_by_text("make pairs").wait_for()  # 13 texts for 12 pictures are none
    assert app.locator("img[src=x]").count() == 0 and not dialogs

    look_narrow_and_dark(page, app, tmp_path, height=2000)
