"""Beat the machine in JupyterLab: a whole game by real clicks and keys."""

import re

import pytest
from lab_page import look_narrow_and_dark, open_and_run, write_notebook
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser

CELL = (
    "from clipbench_widgets import BeatTheMachine\nBeatTheMachine('tiny', "
    "'scenes:heldout256', rounds=3)"
)


@pytest.fixture
def notebook(tmp_path):
    return write_notebook(tmp_path / "game.ipynb", CELL)


def test_a_student_plays_against_the_model(lab, browser_page, notebook, tmp_path):
    page, expect = browser_page, sync_api.expect
    open_and_run(page, lab(notebook), until=".clipbench-game-picture img")
    app = page.locator(".clipbench-app").first
    choices = app.locator(".clipbench-game-answers .clipbench-thumbnail")
    expect(choices).to_have_count(8)
    app.locator(".clipbench-game-name input").fill("Ada")
    app.get_by_text("Picture 1 of 3.").wait_for()
    app.screenshot(path=tmp_path / "names.png")
    for number in (1, 2, 3):
        app.get_by_text(f"Picture {number} of 3.").wait_for()
        page.wait_for_timeout(400)  # a double click's time
        choices.nth(number).click()
    app.get_by_text("one example of each").wait_for()
    page.wait_for_timeout(400)  # a double click's time
    page.mouse.move(5, 5)
    app.screenshot(path=tmp_path / "examples.png")
    choices.nth(2).focus()
    page.keyboard.press("Enter")
    app.get_by_text("Picture 2 of 3.").wait_for()
    for number in (2, 3):
        app.get_by_text(f"Picture {number} of 3.").wait_for()
        page.wait_for_timeout(400)
        app.get_by_role("button", name="I do not know").click()
    scores = app.locator(".clipbench-game-scores")
    scores.get_by_text("model, one-shot").wait_for()
    expect(scores.get_by_text(re.compile(r"^\d of 3"))).to_have_count(4)
    expect(app.locator(".clipbench-strip .clipbench-thumbnail:visible")).to_have_count(6)
    app.screenshot(path=tmp_path / "scores.png")
    app.get_by_role("button", name="play again").click()
    app.get_by_text("Picture 1 of 3.").wait_for()
    look_narrow_and_dark(page, app, tmp_path, height=1400)
