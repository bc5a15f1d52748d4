"""The start page plays, a tour is taken, two models stand side by side, and the way back works."""

import re

import pytest
from lab_page import SECONDS_TO_RUN
from playwright_or_skip import sync_api

from clipbench_widgets.core.shipped_models import in_words

pytestmark = pytest.mark.browser
SECOND = f"+ {in_words('twin:reader')}"


@pytest.fixture(scope="module")
def address(start_page):
    return start_page("tiny")


def app_named(page, title: str):
    return page.locator(".clipbench-opened .clipbench-app", has_text=title).first


def is_whole(page) -> None:
    """Nothing sticks out of the page, also on a phone."""
    for width in (420, 1280):
        page.set_viewport_size({"width": width, "height": 720})
        page.wait_for_timeout(300)
        wide = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide[0] <= wide[1], f"something sticks out at {width} pixels"


def test_from_the_start_page_to_a_tour_and_two_models_and_back(address, browser_page, tmp_path):
    page, expect = browser_page, sync_api.expect
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(address, timeout=1000 * SECONDS_TO_RUN)
    apple = page.get_by_label("Write on the apple")
    apple.wait_for(timeout=1000 * SECONDS_TO_RUN)
    opinions = page.locator(".clipbench-opinion strong")
    expect(opinions.first).to_contain_text("pizza")
    apple.fill("gorilla")
    expect(opinions.first).to_contain_text("gorilla")
    expect(opinions.nth(1)).to_contain_text("green apple")
    page.get_by_role("button", name="For a class").click()
    expect(page.locator(".clipbench-invitation")).to_contain_text(address)
    page.screenshot(path=tmp_path / "class.png")
    page.get_by_role("button", name="Close").click()
    is_whole(page)
    page.screenshot(path=tmp_path / "start.png")

    page.get_by_role("button", name=re.compile("^Prompt explorer")).click()
    app = app_named(page, "Prompt explorer")
    app.get_by_role("button", name="Tour").click(timeout=1000 * SECONDS_TO_RUN)
    tour = app.locator(".clipbench-tour")
    for bet in ("cat", "the order stays", "qwertz blorp"):
        tour.get_by_role("button", name=bet, exact=True).click()
        expect(tour).to_contain_text(re.compile("✓|✗"))
        tour.get_by_role("button", name=re.compile("Next bet|See your score")).click()
    expect(tour).to_contain_text(re.compile("You were right [1-3] of 3 times"))
    page.screenshot(path=tmp_path / "tour.png")
    tour.get_by_role("button", name="Leave the tour").click()
    expect(tour).to_be_hidden()

    app.get_by_role("button", name="cat or dog?").click()
    app.get_by_label("Second model").select_option(label=SECOND)
    expect(app.locator(".clipbench-second-percent")).to_have_count(2)
    app.screenshot(path=tmp_path / "two.png")
    is_whole(page)
    page.wait_for_function("decodeURIComponent(location.hash).includes('twin:reader')")
    with page.expect_download() as saved:
        app.get_by_role("button", name="Table").click()
    assert saved.value.suggested_filename == "prompt-explorer.csv"

    page.get_by_role("button", name="Similarity matrix").click()
    matrix = app_named(page, "Similarity matrix")
    matrix.get_by_label("Second model").select_option(label=SECOND)
    matrix.get_by_role("button", name="alike together").click()
    expect(matrix.locator(".clipbench-cells")).to_have_count(2)
    first, second = matrix.locator(".clipbench-cells").all()
    assert first.bounding_box()["y"] == pytest.approx(second.bounding_box()["y"], abs=2)
    matrix.screenshot(path=tmp_path / "matrix.png")
    is_whole(page)
    page.go_back()
    expect(app.locator(".clipbench-second-percent").first).to_be_visible()
    page.go_back()
    expect(apple).to_be_visible()
    assert not errors
