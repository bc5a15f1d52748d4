"""A view is shared by its link and survives a reload, in Voila; JupyterLab's address stays its own."""

import re

import pytest
from lab_page import SECONDS_TO_RUN, SECONDS_TO_START, run_all_cells, write_notebook
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser

PROMPTS = "a lion\na raccoon & #1, 50 % «猫»\n<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def address(start_page):
    return start_page("tiny")


def explorer_on(page):
    """The explorer, once the page has opened it."""
    app = page.locator(".clipbench-opened .clipbench-app", has_text="Prompt explorer")
    app.locator("textarea").wait_for(timeout=1000 * SECONDS_TO_RUN)
    return app


def sees_the_same(page) -> None:
    app = explorer_on(page)
    expect = sync_api.expect
    expect(app.get_by_label("Prompts, one per line")).to_have_value(PROMPTS)
    expect(app.get_by_role("button", name="show tokens")).to_have_text("✓ show tokens")
    expect(app.locator(".clipbench-shown img")).to_have_attribute("alt", "lion")
    assert page.locator("img[src=x]").count() == 0


def test_a_view_is_shared_by_its_link_and_survives_a_reload(address, browser_page, tmp_path):
    page, context = browser_page, browser_page.context
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"{address}?theme=dark", timeout=1000 * SECONDS_TO_RUN)
    card = page.get_by_role("button", name=re.compile("^Prompt explorer"))
    card.click(timeout=1000 * SECONDS_TO_RUN)
    app = explorer_on(page)
    app.get_by_label("Prompts, one per line").fill(PROMPTS)
    app.get_by_role("button", name="show tokens").click()
    app.locator(".clipbench-thumbnail").nth(2).click()
    page.wait_for_function("decodeURIComponent(location.hash).includes('\"selected\":2')")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied.").wait_for()
    page.screenshot(path=tmp_path / "copied.png")
    page.wait_for_function("async () => await navigator.clipboard.readText() === location.href")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{address}?theme=dark#")

    page.reload(timeout=1000 * SECONDS_TO_RUN)
    sees_the_same(page)
    other = context.browser.new_context().new_page()
    other.goto(link, timeout=1000 * SECONDS_TO_RUN)
    sees_the_same(other)
    # what is done here is in this address, and not in the other page's
    explorer_on(other).get_by_label("Prompts, one per line").fill("a rocket")
    other.wait_for_function("decodeURIComponent(location.hash).includes('a rocket')")
    assert page.url == link

    other.evaluate('location.hash = \'#{"app":"PromptExplorer","selected":99}\'')
    other.get_by_text("state: selected cannot be 99").wait_for()
    sync_api.expect(explorer_on(other).locator("textarea")).to_have_value("a rocket")
    other.evaluate("hash => { location.hash = hash }", link[link.index("#") :])  # pasted
    sees_the_same(other)
    other.screenshot(path=tmp_path / "other.png")
    assert not dialogs


def test_the_address_of_jupyterlab_is_left_alone(lab, browser_page, tmp_path):
    cell = "from clipbench_widgets import StartPage\npage = StartPage('tiny')\npage"
    browser_page.goto(
        lab(write_notebook(tmp_path / "start.ipynb", cell)), timeout=1000 * SECONDS_TO_START
    )
    run_all_cells(browser_page, until=".clipbench-start-card")
    before = browser_page.url
    browser_page.get_by_role("button", name=re.compile("^Prompt explorer")).click()
    explorer_on(browser_page).get_by_label("Prompts, one per line").fill("a rocket")
    shown = browser_page.locator(".clipbench-line .clipbench-prompt")
    shown.get_by_text("a rocket", exact=True).wait_for()
    assert browser_page.url == before and "#" not in before
    sync_api.expect(browser_page.locator(".clipbench-copy-link")).to_be_hidden()
