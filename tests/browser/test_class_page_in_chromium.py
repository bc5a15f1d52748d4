"""What a class meets beside the apps: a full class, a page without a kernel, a slow network."""

import json
import os
import signal

import pytest
from conftest import chromium_page
from lab_page import SECONDS_TO_ANSWER, SECONDS_TO_RUN
from playwright_or_skip import sync_api

from clipbench.bench.voila import CARD, KERNEL, kernel_process
from clipbench.cli import main

pytestmark = pytest.mark.browser
LONGEST = 1000 * SECONDS_TO_RUN


@pytest.fixture(scope="module")
def address(start_page):
    """Of a page for one visitor at a time."""
    return start_page("tiny", "--Visitors.places=1", "--VoilaKernelManager.fill_delay=0")


@pytest.fixture
def page(tmp_path):
    with chromium_page() as page:
        yield page
        page.goto("about:blank")  # ends the kernel


def test_the_scripts_of_a_page_are_one_file(page, address):
    scripts, errors = [], []
    page.on("request", lambda request: scripts.append(request.url.partition("?")[0]))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address, timeout=LONGEST)
    page.locator(CARD).first.wait_for(timeout=LONGEST)
    scripts = [url.removeprefix(address) for url in scripts if url.endswith(".js")]
    assert "voila/static/packed.js" in scripts and len(scripts) <= 6 and not errors


def test_one_visitor_too_many_is_told_and_comes_in_when_a_page_is_closed(page, address, tmp_path):
    page.goto(address, timeout=LONGEST)
    page.locator(CARD).first.wait_for(timeout=LONGEST)
    late = page.context.browser.new_page()
    assert late.goto(address, timeout=LONGEST).status == 503
    sync_api.expect(late.get_by_role("heading")).to_have_text("The class is full")
    late.screenshot(path=tmp_path / "full.png")
    page.goto("about:blank")
    late.locator(CARD).first.wait_for(timeout=LONGEST)  # it has tried again by itself
    late.goto("about:blank")


def test_a_page_whose_kernel_has_died_says_reload(page, address, tmp_path):
    page.goto(address, timeout=LONGEST)
    page.locator(CARD).first.wait_for(timeout=LONGEST)
    process = kernel_process(page.evaluate(KERNEL))
    if process is None:
        pytest.skip("needs Linux, to find the kernel's process")
    os.kill(process, signal.SIGKILL)
    told = page.get_by_role("alert")
    sync_api.expect(told).to_have_text(
        "This page has lost its connection: reload it.", timeout=1000 * SECONDS_TO_ANSWER
    )
    page.screenshot(path=tmp_path / "lost.png")
    page.wait_for_function("document.getElementById('rendered_cells').inert")
    told.get_by_role("link").click()
    page.locator(CARD).first.wait_for(timeout=LONGEST)
    sync_api.expect(told).to_be_hidden()


def test_a_kernel_that_has_rested_outlives_a_slow_network(capsys):
    command = ["bench", "voila-race", "--model", "tiny", "--visits", "2", "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["visits"] == 2 and told["dead"] == 0 and told["delay"] > told["idle_timeout"]
