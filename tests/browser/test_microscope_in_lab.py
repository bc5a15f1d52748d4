"""The feature microscope in JupyterLab: features are learned, found, chosen and turned by real
clicks and keys, and what the page shows after them.
"""

import re

import pytest
from lab_page import (
    SECONDS_TO_RUN,
    look_narrow_and_dark,
    open_and_run,
    write_notebook,
)
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser

CELL = """
from clipbench_widgets import FeatureMicroscope

FeatureMicroscope("classroom", scenes=800, judged=400)
"""


@pytest.fixture
def notebook(tmp_path):
    return write_notebook(tmp_path / "microscope.ipynb", CELL)


def test_a_student_turns_a_feature(lab, browser_page, notebook, tmp_path):
    page, expect = browser_page, sync_api.expect
    page.set_viewport_size({"width": 1280, "height": 720})
    dialogs = open_and_run(page, lab(notebook), until=".clipbench-micro-columns")
    app = page.locator(".clipbench-app").first
    app.get_by_text(re.compile(r"looking at scene [\d,]+ of 1,200")).wait_for()
    app.screenshot(path=tmp_path / "learning.png")
    cards = app.locator(".clipbench-micro-grid .clipbench-thumbnail:visible")
    expect(cards).to_have_count(20, timeout=1000 * SECONDS_TO_RUN)
    expect(app.locator(".clipbench-progress")).to_be_hidden()
    head = app.locator(".clipbench-micro-feature")
    expect(head).to_contain_text("feature")
    app.screenshot(path=tmp_path / "start.png")

    app.get_by_label("Which features").select_option("about a style")
    expect(cards.first).to_have_text(re.compile("style: "))
    cards.first.focus()
    page.keyboard.press("Enter")
    expect(head).to_contain_text("style: ")
    expect(cards.first).to_have_text(re.compile("✓ .*style: "))
    verdict = app.locator(".clipbench-micro-verdict")
    expect(verdict).to_contain_text("The verdict is")
    app.locator(".clipbench-micro-amount [role=slider]").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    expect(app.locator(".clipbench-micro-turn .widget-readout")).to_have_text("+3.00")
    expect(verdict).to_contain_text("random features, moved as far")
    app.screenshot(path=tmp_path / "turned.png")
    app.get_by_role("button", name="as it is").click()
    expect(verdict).to_contain_text("The verdict is")

    box = app.locator(".clipbench-micro-query input")
    box.fill("<img src=x onerror=alert(1)>")
    app.get_by_text("nearest to “<img").wait_for()
    assert app.locator("img[src=x]").count() == 0 and not dialogs
    box.fill("a sketch")
    app.get_by_text("nearest to “a sketch” first").wait_for()
    app.get_by_label("Which features").select_option("clearest first")
    app.get_by_role("button", name="later ›").click()
    app.get_by_text("Shown: 21 to 40").wait_for()
    look_narrow_and_dark(page, app, tmp_path, height=2600)
    page.set_viewport_size({"width": 420, "height": 2600})
    page.wait_for_timeout(500)
    app.screenshot(path=tmp_path / "phone.png")
