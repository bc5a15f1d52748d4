"""The studio in JupyterLab: a word is typed, dragged and turned with real mouse and keys."""

import re

import pytest
from lab_page import look_narrow_and_dark, open_and_run, write_notebook
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser


# A model that takes its time over many pictures, so that there is something to cancel on a fast
# machine too.
CELL = """
import time
from clipbench import load
from clipbench_widgets import TypographicStudio

encoder = load("tiny")
swift = encoder.encode_image
encoder.encode_image = lambda images: (time.sleep(0.1 if len(images) > 4 else 0), swift(images))[1]
TypographicStudio(encoder)
"""


@pytest.fixture
def notebook(tmp_path):
    """A notebook whose only cell shows a studio."""
    return write_notebook(tmp_path / "studio.ipynb", CELL)


def numbers(app) -> dict[str, int]:
    """What the sliders say."""
    labels = app.locator(".clipbench-sliders .widget-slider > .widget-label").all_inner_texts()
    values = app.locator(".clipbench-sliders .widget-slider > .widget-readout").all_inner_texts()
    return {label: int(value) for label, value in zip(labels, values, strict=True)}


def wait_for_number(app, label: str, value: int) -> None:
    slider = app.locator(".clipbench-sliders .widget-slider", has_text=label)
    sync_api.expect(slider.locator(".widget-readout")).to_have_text(str(value))


def test_a_student_writes_on_a_picture(lab, browser_page, notebook, tmp_path):
    page = browser_page
    page.set_viewport_size({"width": 1400, "height": 2000})
    dialogs = open_and_run(page, lab(notebook), until=".clipbench-headline")
    app = page.locator(".clipbench-app").first
    pictures = app.locator(".clipbench-canvas img")
    sync_api.expect(pictures).to_have_count(3)
    app.screenshot(path=tmp_path / "studio.png")

    # a word is typed: the picture shows it, the table names it
    word = app.locator(".clipbench-word input")
    word.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("rocket")
    sync_api.expect(pictures.nth(1)).to_have_attribute("alt", "green apple with the word rocket")
    app.locator(".clipbench-heads").get_by_text("with “rocket”").wait_for()
    headline = app.locator(".clipbench-headline strong")
    sync_api.expect(headline).to_have_text(re.compile(r"^The verdict (stays|flips)"))

    # the sticker follows the mouse, and then the arrow keys
    pad = app.locator(".clipbench-pad-surface")
    box, before = pad.bounding_box(), pictures.nth(1).get_attribute("src")
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.76 * box["height"])
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(
            box["x"] + (0.5 - 0.02 * step) * box["width"],
            box["y"] + (0.76 - 0.06 * step) * box["height"],
        )
    page.mouse.up()
    wait_for_number(app, "Across", 34)
    wait_for_number(app, "Down", 28)
    sync_api.expect(pictures.nth(1)).not_to_have_attribute("src", before)
    page.mouse.move(box["x"] + 5, box["y"] + 5)  # without a button it stays
    pad.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
        page.wait_for_timeout(300)  # a page may skip presses that follow too quickly
    wait_for_number(app, "Across", 38)
    wait_for_number(app, "Down", 30)
    pad.click(position={"x": 0.25 * box["width"], "y": 0.75 * box["height"]})
    wait_for_number(app, "Across", 25)
    wait_for_number(app, "Down", 75)

    # turned by the keyboard at a slider
    handle = app.locator(".clipbench-sliders .widget-slider", has_text="Angle").locator(
        ".noUi-handle"
    )
    handle.focus()
    page.keyboard.press("ArrowRight")
    wait_for_number(app, "Angle", 1)

    # another font
    before = pictures.nth(1).get_attribute("src")
    app.get_by_label("Font").select_option("serif")
    sync_api.expect(pictures.nth(1)).not_to_have_attribute("src", before)

    # hostile words stay words, and can be added to the texts
    word.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("<img src=x onerror=x>")
    app.get_by_role("button", name="Add “<img").click()
    app.locator(".clipbench-duel-text").get_by_text("<img src=x onerror=x>").wait_for()
    assert app.locator("img[src=x]").count() == 0 and not dialogs

    app.get_by_role("button", name="cover the sticker").click()
    app.get_by_role("button", name="✓ cover the sticker").wait_for()
    sync_api.expect(pictures.nth(1)).to_have_attribute("alt", re.compile("covered$"))
    app.get_by_role("button", name="✓ cover the sticker").click()

    thumbnail = app.locator(".clipbench-thumbnail").nth(2)
    thumbnail.focus()
    page.keyboard.press("Enter")
    sync_api.expect(pictures.first).to_have_attribute("alt", "lion")

    word.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("dog")
    app.get_by_role("button", name="Measure").click()
    cancel = app.get_by_role("button", name="Cancel")
    cancel.wait_for()
    first_size = app.locator(".clipbench-chart polyline").first
    # a level line has no height, so to Playwright it is hidden
    first_size.wait_for(state="attached")
    cancel.click()
    app.get_by_text("Cancelled").wait_for()
    sync_api.expect(cancel).to_be_hidden()

    look_narrow_and_dark(page, app, tmp_path, height=3400)
