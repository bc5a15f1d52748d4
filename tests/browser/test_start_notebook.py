"""What a student sees:

JupyterLab opens lesson 00 in a real browser, runs it, and the explorer answers.
"""

import re
from pathlib import Path

import pytest
from lab_page import look_narrow_and_dark, open_and_run, wait_until
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser

TEXTS_OF_LINES = """
lines => lines.map(line => ["prompt", "percent"].map(
  cell => line.querySelector(`.clipbench-${cell}`).innerText))
"""
LESSON = Path(__file__).parents[2] / "notebooks" / "00_start_here.ipynb"


def probabilities(page) -> dict[str, str]:
    """What the table shows at one moment: prompt -> per cent."""
    lines = page.locator(".clipbench-line:not(.clipbench-heads)")
    return dict(lines.evaluate_all(TEXTS_OF_LINES))


def all_are_percentages(shown: dict[str, str]) -> bool:
    return bool(shown) and all(re.fullmatch(r"[<>]?[\d.]+ %", each) for each in shown.values())


def wait_for_prompt(page, prompt: str) -> None:
    page.locator(".clipbench-line .clipbench-prompt").get_by_text(prompt, exact=True).wait_for()


def test_a_student_runs_the_lesson_and_types_a_prompt(lab, browser_page, tmp_path):
    if not LESSON.exists():
        pytest.skip(f"{LESSON.name} is not built: make notebooks")
    page = browser_page
    dialogs = open_and_run(page, lab(LESSON), until=".clipbench-table")
    app = page.locator(".clipbench-app").first
    app.screenshot(path=tmp_path / "explorer.png")
    wait_until(page, lambda: all_are_percentages(probabilities(page)), "per cent on each line")
    before = probabilities(page)

    box = app.locator("textarea")
    box.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\na picture of a cat")
    wait_for_prompt(page, "a picture of a cat")
    prompts = {*before, "a picture of a cat"}
    wait_until(page, lambda: set(probabilities(page)) == prompts, "the old prompts and the new one")
    after = probabilities(page)
    assert any(after[prompt] != before[prompt] for prompt in before)

    page.keyboard.type("\n<img src=x onerror=alert(1)>")
    wait_for_prompt(page, "<img src=x onerror=alert(1)>")
    assert app.locator("img[src=x]").count() == 0 and not dialogs

    # the keyboard alone chooses another picture
    thumbnail = app.locator(".clipbench-thumbnail").nth(1)
    thumbnail.focus()
    page.keyboard.press("Enter")
    app.locator(".clipbench-thumbnail").get_by_text("✓").wait_for()
    sync_api.expect(thumbnail).to_contain_text("✓")
    chosen = thumbnail.inner_text().removeprefix("✓ ")
    sync_api.expect(app.locator(".clipbench-shown img")).to_have_attribute("alt", chosen)

    with page.expect_file_chooser() as chooser:
        app.locator(".clipbench-upload").click()
    (tmp_path / "notes.png").write_text("no picture")
    chooser.value.set_files(tmp_path / "notes.png")
    app.locator(".clipbench-message").get_by_text("notes.png is not a picture").wait_for()

    look_narrow_and_dark(page, app, tmp_path, height=2400)
