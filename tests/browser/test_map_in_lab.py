"""The embedding map in JupyterLab: real clicks, drags, hovering and typing, and what the page
shows after them.
"""

import re

import pytest
from lab_page import (
    SECONDS_TO_RUN,
    look_narrow_and_dark,
    open_and_run,
    wait_until,
    write_notebook,
)
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser

CELLS = (
    "from clipbench_widgets import EmbeddingMap\n"
    "app = EmbeddingMap('tiny', 'scenes:heldout256', most=400)\napp",
    "import ipywidgets\n"
    "state = ipywidgets.HTML()\n"
    "def tell(_):\n"
    "    state.value = f'<p id=state>{app.hovered} of {len(app.selected)}: {app.selected}</p>'\n"
    "app.observe(tell, ['hovered', 'selected'])\ntell(0)\nstate",
)


@pytest.fixture
def notebook(tmp_path):
    """A map, and below it its traits in words."""
    return write_notebook(tmp_path / "map.ipynb", *CELLS)


class Map:
    """The map as a person meets it."""

    def __init__(self, page):
        self.page, self.app = page, page.locator(".clipbench-app").first
        self.stage, self.state = self.app.locator(".clipbench-map-stage"), page.locator("#state")

    def point(self, number: int) -> tuple[float, float]:
        """Where a point is on the screen, from the picture that is drawn."""
        drawn = self.stage.locator("defs path").nth(0).get_attribute("d")
        x, y = map(int, re.findall(r"M(\d+) (\d+)", drawn)[number])
        left, top, width, height = map(
            float, self.stage.locator("svg").first.get_attribute("viewBox").split()
        )
        box = self.stage.bounding_box()
        return box["x"] + (x - left) / width * box["width"], box["y"] + (y - top) / height * box[
            "height"
        ]

    def drag(self, *places: tuple[float, float]) -> None:
        """Along fractions of the map, with the button held."""
        box = self.stage.bounding_box()
        corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*corner, steps=6)
        self.page.mouse.up()

    def wait_for_selected(self, least: int, most: int) -> None:
        wait_until(
            self.page,
            lambda: least <= int(re.search(r"of (\d+)", self.state.inner_text()).group(1)) <= most,
            f"{least} to {most} points are selected",
        )


def test_a_student_explores_the_map(lab, browser_page, notebook, tmp_path):
    page = browser_page
    page.set_viewport_size({"width": 1400, "height": 1300})
    dialogs = open_and_run(page, lab(notebook), until="#state")
    map_ = Map(page)
    app, stage, expect = map_.app, map_.stage, sync_api.expect
    expect(stage).to_have_attribute("role", "application")
    app.screenshot(path=tmp_path / "map.png")

    page.mouse.move(*map_.point(3))
    note = stage.locator(".clipbench-map-note")
    expect(note.locator("img")).to_have_count(1)
    expect(note).to_contain_text("picture, row")
    app.screenshot(path=tmp_path / "hover.png")

    page.mouse.click(*map_.point(3))
    expect(map_.state).to_contain_text("of 1:")
    expect(stage.locator(".clipbench-spokes")).to_have_count(1)
    page.mouse.move(5, 5)
    expect(note).to_have_count(0)
    app.screenshot(path=tmp_path / "click.png")

    map_.drag((0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98))
    app.get_by_text("first 12 here").wait_for()
    map_.wait_for_selected(21, 611)
    page.keyboard.down("Shift")
    map_.drag((0.5, 0.02), (0.98, 0.02), (0.98, 0.98), (0.5, 0.98))
    page.keyboard.up("Shift")
    expect(map_.state).to_contain_text("of 612:")
    app.screenshot(path=tmp_path / "lasso.png")
    app.get_by_role("button", name="box").click()
    expect(stage).to_have_class(re.compile("clipbench-drags-box"))
    map_.drag((0.3, 0.3), (0.6, 0.6))
    map_.wait_for_selected(1, 611)
    app.get_by_role("button", name="zoom to selection").click()
    expect(stage.locator("svg").first).not_to_have_attribute("viewBox", re.compile("^0.0 0.0 4000"))
    app.get_by_role("button", name="whole map").click()

    stage.focus()
    page.keyboard.press("Escape")
    expect(map_.state).to_contain_text("of 0:")
    page.keyboard.press("ArrowRight")
    expect(note).to_have_count(1)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(map_.state).to_contain_text("of 1:")
    page.keyboard.press("Escape")

    box = app.locator(".clipbench-map-query input")
    box.click()
    page.keyboard.type("a cat", delay=30)
    cards = app.locator(".clipbench-strip").first.locator(".clipbench-thumbnail")
    expect(cards).to_have_count(12)
    expect(cards.first).to_have_text(re.compile(r"0\.[67]"))  # the cat itself
    expect(note).to_have_count(0)
    expect(stage.locator(".clipbench-found")).to_have_count(1)
    app.screenshot(path=tmp_path / "query.png")
    cards.first.click()
    expect(map_.state).to_contain_text("of 1:")
    box.fill("<img src=x onerror=alert(1)>")
    expect(stage.get_by_text("<img src=x")).to_have_count(1)
    assert app.locator("img[src=x]").count() == 0 and not dialogs

    numbers = app.locator(".clipbench-map-numbers")
    before = numbers.inner_text()
    app.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    numbers.get_by_text("without the shift").wait_for()
    expect(numbers).not_to_have_text(before)
    app.get_by_role("button", name="λ = 0").click()
    numbers.get_by_text("without the shift").wait_for(state="detached")

    box.fill("")
    app.get_by_label("Colour by").select_option("style")
    app.locator(".clipbench-key", has_text="sketch").click()
    expect(stage.locator(".clipbench-faint")).to_have_count(1)
    app.screenshot(path=tmp_path / "style.png")
    app.locator(".clipbench-key", has_text="sketch").click()

    app.get_by_role("button", name="UMAP").click()
    app.get_by_role("button", name="Cancel").click()
    expect(app.locator(".clipbench-map-bar")).to_have_count(0)
    app.get_by_label("Colour by").select_option("group")

    look_narrow_and_dark(page, app, tmp_path, height=2200)
    app.get_by_role("button", name="UMAP").click()
    app.locator(".clipbench-map-bar").wait_for()
    app.locator(".clipbench-map-bar").wait_for(state="detached", timeout=1000 * SECONDS_TO_RUN)
    app.screenshot(path=tmp_path / "umap.png")
