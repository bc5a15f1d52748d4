"""The apps on the class page for everybody: axe-core, screen readers, small and dark screens."""

import pytest
from axe import grave_findings
from conftest import chromium_page
from lab_page import SECONDS_TO_RUN
from playwright_or_skip import sync_api
from test_apps_in_voila import CARDS, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LAPTOP, PHONE = {"width": 1280, "height": 720}, {"width": 420, "height": 800}
# what is to be seen at once, beside the app's title: controls first, then what they change
AT_ONCE = {
    "Prompt explorer": ("textarea", ".clipbench-shown img", ".clipbench-first"),
    "Similarity matrix": ("textarea", ".clipbench-slider", ".clipbench-cells", ".clipbench-detail"),
    "Typographic studio": (".clipbench-word input", ".clipbench-headline", ".clipbench-middle img"),
    "Embedding map": (".clipbench-map-query input", ".clipbench-keys", ".clipbench-map-stage"),
    "Training monitor": (".clipbench-tiles", ".clipbench-monitor-curves", "img"),
    "Image search": (".clipbench-search-query input", ".clipbench-search-results .clipbench-strip"),
    "Feature microscope": (
        ".clipbench-micro-query input",
        ".clipbench-micro-top button",  # once features are learned
        ".clipbench-micro-verdict",
    ),
    "Beat the machine": (".clipbench-game-answers button", ".clipbench-game-picture img"),
}
# on a phone: the last of the controls, and what must be in sight beside it
BESIDE = {
    "Prompt explorer": (".clipbench-chip", ".clipbench-shown"),
    "Similarity matrix": ("textarea", ".clipbench-accuracy"),
    "Typographic studio": ("textarea", ".clipbench-headline"),
    "Embedding map": (".clipbench-key", ".clipbench-map-stage"),
    "Training monitor": (".clipbench-row button", ".clipbench-monitor-curves svg"),
    "Image search": (".clipbench-thumbnail", ".clipbench-search-query"),
    "Feature microscope": ("textarea", ".clipbench-micro-verdict"),
    "Beat the machine": (".clipbench-game-answers button", ".clipbench-game-picture img"),
}
# what sticks out of the screen, save within what scrolls sideways by itself
TOO_WIDE = """
page => [...page.querySelectorAll('*')].filter(part => {
  const box = part.getBoundingClientRect();
  if (!box.width || (box.right <= innerWidth + 1 && box.left >= -1)) return false;
  for (let above = part.parentElement; above && above !== page.parentElement; above = above.parentElement) {
    if (getComputedStyle(above).overflowX !== 'visible') return false;
  }
  return getComputedStyle(part).clipPath === 'none';
}).map(part => part.outerHTML.slice(0, 120))
"""


@pytest.fixture(scope="module")
def visit(start_page, tmp_path_factory):
    with chromium_page() as page:
        page.set_viewport_size(LAPTOP)
        yield Visit(page, start_page("tiny"), tmp_path_factory.mktemp("screenshots"))


def is_in_sight(page, part) -> bool:
    """Whether the whole of it is on the screen."""
    part.wait_for(timeout=1000 * SECONDS_TO_RUN)
    box = part.bounding_box()
    return box["y"] >= -2 and box["y"] + box["height"] <= page.viewport_size["height"] + 1


def test_the_start_has_nothing_grave(visit):
    assert grave_findings(visit.page) == []


@pytest.mark.parametrize("title", CARDS)
def test_axe_finds_nothing_grave_in_an_app(visit, title):
    visit.page.set_viewport_size(LAPTOP)
    visit.open(title)
    assert grave_findings(visit.page) == []


@pytest.mark.parametrize("title", CARDS)
def test_what_counts_is_on_one_screen(visit, title):
    visit.page.set_viewport_size(LAPTOP)
    app = visit.open(title)
    for selector in AT_ONCE[title]:
        assert is_in_sight(visit.page, app.locator(f"{selector} >> visible=true").first), selector
    visit.keep(f"{title} on a laptop")


@pytest.mark.parametrize("title", CARDS)
def test_an_app_fits_a_phone_and_its_result_stays_in_sight(visit, title):
    app = visit.open(title)
    visit.page.set_viewport_size(PHONE)
    visit.page.wait_for_timeout(300)
    assert visit.page.locator(".clipbench-page").evaluate(TOO_WIDE) == []
    control, result = (app.locator(f"{each} >> visible=true") for each in BESIDE[title])
    control.last.scroll_into_view_if_needed()
    visit.page.wait_for_timeout(300)
    assert is_in_sight(visit.page, control.last) and is_in_sight(visit.page, result.first)
    visit.keep(f"{title} on a phone")
    visit.page.set_viewport_size(LAPTOP)


def test_the_line_of_examples_and_the_bets_of_a_tour_are_whole_on_a_phone(visit):
    app = visit.open("Similarity matrix")
    app.get_by_role("button", name="Tour").click()
    visit.page.set_viewport_size(PHONE)
    bets = app.locator(".clipbench-bet")
    sync_api.expect(bets).to_have_count(3)
    for bet in bets.all():
        box = bet.bounding_box()
        assert box["x"] + box["width"] <= PHONE["width"]
    label = app.locator(".clipbench-examples").get_by_text("Try:")
    first = app.locator(".clipbench-example").first
    assert label.evaluate("span => span.getBoundingClientRect().right") < first.bounding_box()["x"]
    chosen = visit.page.locator(".clipbench-tabs .clipbench-chosen").bounding_box()
    tabs = visit.page.locator(".clipbench-tabs").bounding_box()
    assert chosen["x"] + chosen["width"] <= tabs["x"] + tabs["width"] + 1
    app.get_by_role("button", name="Leave the tour").click()
    visit.page.set_viewport_size(LAPTOP)


def test_a_slider_speaks_its_name_and_the_value_that_is_shown(visit):
    app = visit.open("Prompt explorer")
    handle = app.get_by_role("slider", name="Scale ×")
    handle.focus()
    visit.page.keyboard.press("ArrowLeft")
    readout = app.locator(".clipbench-slider .widget-readout")
    sync_api.expect(readout).not_to_have_text("1.00")
    sync_api.expect(handle).to_have_attribute("aria-valuetext", readout.inner_text())


def test_colour_fields_have_names(visit):
    app = visit.open("Typographic studio")
    for name in ("Letters", "Paper"):
        assert app.locator(f"input[type=color][aria-label={name}]").count() == 1


def test_colours_follow_the_system_until_somebody_chooses(visit):
    page, body = visit.page, visit.page.locator("body")
    for scheme, light in (("dark", "false"), ("light", "true")):
        page.emulate_media(color_scheme=scheme)
        sync_api.expect(body).to_have_attribute("data-jp-theme-light", light)
    page.get_by_role("button", name="Dark colours").click()
    sync_api.expect(body).to_have_attribute("data-jp-theme-light", "false")
    assert grave_findings(page) == []
    visit.keep("dark")
    page.get_by_role("button", name="Light colours").click()
    page.emulate_media(color_scheme="dark")
    sync_api.expect(body).to_have_attribute("data-jp-theme-light", "true")


def test_a_link_skips_to_the_app(visit):
    visit.open("Prompt explorer")
    visit.page.evaluate("document.activeElement.blur()")
    link = visit.page.get_by_role("link", name="Skip to the app")
    link.focus()
    assert link.bounding_box()["y"] >= 0
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("Boolean(document.activeElement.closest('.clipbench-opened'))")
