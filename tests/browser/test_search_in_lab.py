"""Image search in JupyterLab: real typing, clicks and an upload, and what the page shows after
them.
"""

import io
import re

import pytest
from lab_page import look_narrow_and_dark, open_and_run, write_notebook
from PIL import Image
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser

# The last rival takes its time, so that there is something to cancel on a fast machine too.
CELL = """
import time
from clipbench import load
from clipbench_widgets import ImageSearch

slow = load("twin:no-signs")
swift, slow.name = slow.encode_image, "slow"
slow.encode_image = lambda images: (time.sleep(2), swift(images))[1]
pictures = "scenes:heldout256"
ImageSearch("tiny", pictures, rival="classroom", rivals=["twin:simclr", slow], most=250, top=12)
"""


@pytest.fixture
def notebook(tmp_path):
    return write_notebook(tmp_path / "search.ipynb", CELL)


def red_picture() -> dict:
    buffer = io.BytesIO()
    Image.new("RGB", (80, 60), (200, 30, 30)).save(buffer, "PNG")
    return {"name": "red <b>.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def test_a_student_looks_for_pictures(lab, browser_page, notebook, tmp_path):
    page, expect = browser_page, sync_api.expect
    dialogs = open_and_run(page, lab(notebook), until=".clipbench-search-columns")
    app = page.locator(".clipbench-app").first
    results = app.locator(".clipbench-search-results")
    expect(results.nth(1).locator(".clipbench-thumbnail")).to_have_count(12)
    app.get_by_text("Click one to look").first.wait_for()
    app.screenshot(path=tmp_path / "start.png")

    box = app.locator(".clipbench-search-query input")
    box.click()
    page.keyboard.type("a deer", delay=30)
    first = results.nth(0).locator(".clipbench-thumbnail").first
    expect(first).to_have_text(re.compile(r"^0\.[5-9]\d deer$"))
    app.screenshot(path=tmp_path / "text.png")

    first.click()
    expect(app.locator(".clipbench-search-asked")).to_contain_text("like deer (row")
    results.nth(1).get_by_text("of its class").wait_for()
    app.screenshot(path=tmp_path / "like.png")
    app.get_by_role("button", name="back to the text").click()
    expect(first).to_have_text(re.compile(r" deer$"))

    def upload(file: dict) -> None:
        with page.expect_file_chooser() as chooser:
            app.locator(".clipbench-upload").click()
        chooser.value.set_files(file)

    upload(red_picture())
    expect(app.locator(".clipbench-search-asked")).to_contain_text("red <b>.png")
    upload({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    app.locator(".clipbench-message").get_by_text("a.png is not a picture").wait_for()

    box.fill("<img src=x onerror=alert(1)>")
    expect(app.locator(".clipbench-search-asked")).to_have_count(0)
    assert app.locator("img[src=x]").count() == 0 and not dialogs

    # a second model is given up while it looks at the pictures; another one is waited for
    box.fill("a deer")
    expect(first).to_have_text(re.compile(r" deer$"))
    first.click()
    beside, head = app.get_by_label("Beside it"), results.nth(1).locator(".clipbench-search-head")
    beside.select_option("slow")
    expect(head).to_have_text(re.compile(r"slow is looking at \d+ pictures"))
    cancel = results.nth(1).get_by_role("button", name="Cancel")
    app.screenshot(path=tmp_path / "waiting.png")
    cancel.click()
    expect(results.nth(1)).to_be_hidden()
    expect(beside.locator("option:checked")).to_have_text("one model only")
    beside.select_option("twin:simclr")
    expect(head).to_contain_text("of its class")
    expect(results.nth(1).locator(".clipbench-thumbnail:visible")).to_have_count(12)
    expect(cancel).to_be_hidden()

    box.fill("a yellow sun")
    look_narrow_and_dark(page, app, tmp_path, height=2200)
