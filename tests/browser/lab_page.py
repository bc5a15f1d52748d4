"""What tests do in JupyterLab's page.

What the page shows follows an action after a while: a test waits for the state that it asserts,
by `expect` or by `wait_until`, and never reads at once.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS_TO_START, SECONDS_TO_RUN, SECONDS_TO_ANSWER = 120, 240, 60  # for a busy machine


def wait_until(page, holds: Callable[[], bool], what: str) -> None:
    """Ask again and again whether something holds, for what `expect` has no word for."""
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {SECONDS_TO_ANSWER} s: {what}")
        page.wait_for_timeout(50)


def write_notebook(file: Path, *cells: str) -> Path:
    """A notebook of these code cells, not run yet."""
    import nbformat

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), file)
    return file


def choose(page, *labels: str) -> None:
    """Click through the main menu."""
    page.locator(".lm-MenuBar-itemLabel").get_by_text(labels[0], exact=True).click()
    for label in labels[1:]:
        page.locator(".lm-Menu-itemLabel").get_by_text(label, exact=True).click()


def run_all_cells(page, until: str) -> None:
    """Run the notebook until there is a ``until`` (a CSS selector); the error of a cell that
    fails ends the test.
    """
    # earlier, JupyterLab would ask which kernel to use
    page.get_by_text(re.compile(r"Python 3.* \| Idle$")).wait_for(timeout=1000 * SECONDS_TO_START)
    choose(page, "Run", "Run All Cells")
    shown, error = (
        page.locator(until),
        page.locator("[data-mime-type='application/vnd.jupyter.error']"),
    )
    shown.or_(error).first.wait_for(timeout=1000 * SECONDS_TO_RUN)
    assert error.count() == 0, error.first.inner_text()


def open_and_run(page, address: str, until: str) -> list[str]:
    """Open a notebook and run it until there is a ``until`` (a CSS selector).

    Returns what dialogs say, a list that grows: text that a page takes for code would open one.
    """
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(address, timeout=1000 * SECONDS_TO_START)
    run_all_cells(page, until)
    return dialogs


def look_narrow_and_dark(page, app, folder: Path, height: int) -> None:
    """Screenshots in a narrow column and in the dark theme; nothing may stick out of the column."""
    wide = page.viewport_size
    page.set_viewport_size({"width": 500, "height": height})
    page.wait_for_timeout(500)
    width = app.evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert width[0] <= width[1], "something sticks out of a narrow column"
    app.screenshot(path=folder / "narrow.png")
    page.set_viewport_size(wide)
    choose(page, "Settings", "Theme", "JupyterLab Dark")
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    app.screenshot(path=folder / "dark.png")
