"""The start page in Voila, as a class sees it: all eight apps by real clicks and typing, and
nothing else to be had.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import chromium_page
from lab_page import SECONDS_TO_ANSWER, SECONDS_TO_RUN, SECONDS_TO_START, wait_until
from playwright_or_skip import sync_api

from clipbench_widgets.core.shipped_models import in_words

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
CARDS = (
    "Prompt explorer",
    "Similarity matrix",
    "Typographic studio",
    "Embedding map",
    "Training monitor",
    "Image search",
    "Feature microscope",
    "Beat the machine",
)
KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
ASK_TO_RUN_CODE = """
(kernel) => new Promise((resolve) => {
  const protocol = 'v1.kernel.websocket.jupyter.org', seen = [];
  const socket = new WebSocket(`ws://${location.host}/api/kernels/${kernel}/channels`, protocol);
  const message = (id, type, content) => {
    const header = {msg_id: id, msg_type: type, username: '', session: 'visitor', version: '5.3'};
    const parts = ['shell', ...[header, {}, {}, content].map((part) => JSON.stringify(part))];
    const ends = parts.map((_, n) => parts.slice(0, n + 1).join('').length);
    const start = 8 * (parts.length + 2), places = [parts.length + 1, start, ...ends.map((end) => start + end)];
    return new Blob([BigUint64Array.from(places.map(BigInt)), parts.join('')]);
  };
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    socket.send(message('code', 'execute_request', {code: '6 * 7', silent: false, user_expressions: {}}));
    socket.send(message('info', 'kernel_info_request', {}));
  };
  socket.onmessage = ({data}) => {
    const places = new BigUint64Array(data.slice(0, 8 * (Number(new BigUint64Array(data.slice(0, 8))[0]) + 1)));
    const part = (n) => JSON.parse(new TextDecoder().decode(data.slice(Number(places[n + 1]), Number(places[n + 2]))));
    const [header, parent] = [part(1), part(2)];
    seen.push([parent.msg_id, header.msg_type]);
    if (header.msg_type !== 'kernel_info_reply' || parent.msg_id !== 'info') return;
    setTimeout(() => { socket.close(); resolve(seen); }, 500);
  };
})
"""
OPEN_A_SOCKET = """
([kernel, protocols, bytes]) => new Promise((resolve) => {
  const socket = new WebSocket(`ws://${location.host}/api/kernels/${kernel}/channels`, protocols);
  socket.onerror = () => resolve('refused');
  socket.onopen = () => { socket.send(Uint8Array.from(bytes)); setTimeout(() => resolve(socket.readyState), 1000); };
})
"""


class Visit:
    """A visitor's page, what it asked of which hosts, and the dialogs that came up."""

    def __init__(self, page, address: str, folder: Path):
        self.page, self.folder, self.hosts, self.dialogs = page, folder, set(), []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(address, timeout=1000 * SECONDS_TO_RUN)
        page.locator(".clipbench-start-card").first.wait_for(timeout=1000 * SECONDS_TO_RUN)

    @property
    def kernel(self) -> str:
        """The id of the page's kernel."""
        return self.page.evaluate(KERNEL)

    def open(self, title: str):
        """The app behind a card or tab."""
        self.page.locator(".clipbench-start-card", has_text=title).click()
        app = self.page.locator(
            ".clipbench-opened .clipbench-app", has=self.page.locator(f"strong:text-is('{title}')")
        )
        app.locator("visible=true").first.wait_for(timeout=1000 * SECONDS_TO_RUN)
        return app

    def keep(self, name: str) -> None:
        """A screenshot; nothing sticks out of the page."""
        width = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert width[0] <= width[1], f"{name}: something sticks out"
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def start_page_address(start_page):
    return start_page("tiny")


@pytest.fixture(scope="module")
def visit(start_page_address, tmp_path_factory):
    with chromium_page() as page:
        yield Visit(page, start_page_address, tmp_path_factory.mktemp("screenshots"))


def test_a_visitor_sees_eight_cards_and_no_code(visit):
    cards = visit.page.locator(".clipbench-cards .clipbench-start-card")
    sync_api.expect(cards).to_have_text([re.compile(rf"^\s*{title}") for title in CARDS])
    assert "import" not in visit.page.locator("body").inner_text()
    visit.keep("start")
    visit.page.set_viewport_size({"width": 430, "height": 1400})
    visit.keep("start-narrow")
    visit.page.set_viewport_size({"width": 1400, "height": 1000})


def test_a_visitor_cannot_run_code(visit):
    seen = visit.page.evaluate(ASK_TO_RUN_CODE, visit.kernel)
    assert ["info", "kernel_info_reply"] in seen and not [
        kind for asked, kind in seen if asked == "code"
    ]


def test_no_socket_of_a_visitor_hangs_the_server(visit):
    """A socket of another protocol, or a message of 2**63 parts, would have Voila list them
    until memory ends.
    """
    assert visit.page.evaluate(OPEN_A_SOCKET, [visit.kernel, [], []]) == "refused"
    protocol = ["v1.kernel.websocket.jupyter.org"]
    # open, and ignored
    assert visit.page.evaluate(OPEN_A_SOCKET, [visit.kernel, protocol, [0] * 7 + [127]]) == 1
    assert visit.page.request.get(f"{visit.page.url}voila/static/voila.js").ok


def test_a_page_that_is_closed_ends_its_kernel(visit, start_page_address):
    page = visit.page.context.browser.new_page()
    page.goto(start_page_address, timeout=1000 * SECONDS_TO_RUN)
    page.locator(".clipbench-start-card").first.wait_for(timeout=1000 * SECONDS_TO_RUN)
    kernel = f"{start_page_address}api/kernels/{page.evaluate(KERNEL)}"
    assert page.request.get(kernel).status == 200
    page.goto("about:blank")
    for _ in range(SECONDS_TO_ANSWER):
        if visit.page.request.get(kernel).status == 404:
            return
        visit.page.wait_for_timeout(1000)
    pytest.fail("the kernel of a closed page is still there")


def test_a_page_that_vanishes_during_a_training_leaves_the_server_well(visit, start_page_address):
    context = visit.page.context.browser.new_context()
    page = context.new_page()
    page.goto(start_page_address, timeout=1000 * SECONDS_TO_RUN)
    page.locator(".clipbench-start-card", has_text="Training monitor").click(
        timeout=1000 * SECONDS_TO_RUN
    )
    page.get_by_role("button", name="Start").click(timeout=1000 * SECONDS_TO_RUN)
    expect = sync_api.expect(page.locator(".clipbench-tiles b").first)
    expect.to_have_text(re.compile(r"^\d\.\d"), timeout=1000 * SECONDS_TO_RUN)
    context.close()  # without a word, as a laptop that is shut
    for _ in range(6):
        visit.page.wait_for_timeout(1000)
        assert visit.page.request.get(f"{visit.page.url}voila/static/voila.js", timeout=20_000).ok


@pytest.mark.parametrize("path", ["app.ipynb", "voila.py", "../README.md", "%2e%2e/README.md"])
def test_a_visitor_gets_no_files(visit, path):
    answer = visit.page.request.get(f"{visit.page.url}voila/files/{path}")
    assert answer.status in (403, 404)


def test_a_prompt_is_typed_in_the_explorer(visit):
    app = visit.open("Prompt explorer")
    box = app.locator("textarea")
    box.click()
    visit.page.keyboard.press("Control+End")
    visit.page.keyboard.type(f"\na picture of a cat\n{HOSTILE}")
    for prompt in ("a picture of a cat", HOSTILE):
        app.locator(".clipbench-line .clipbench-prompt").get_by_text(prompt, exact=True).wait_for()
    app.locator(".clipbench-thumbnail").nth(2).click()
    sync_api.expect(app.locator(".clipbench-shown img")).to_have_attribute("alt", "lion")
    visit.keep("explorer")


def test_a_cell_of_the_matrix_is_looked_at(visit):
    app = visit.open("Similarity matrix")
    legend = app.locator(".clipbench-matrix-legend")
    before = legend.inner_text()
    app.get_by_role("button", name="column softmax").click()
    sync_api.expect(legend).not_to_have_text(before)
    detail = app.locator(".clipbench-detail")
    app.locator(".clipbench-row-name").nth(3).click()
    app.locator(".clipbench-column-picture").nth(4).click()
    sync_api.expect(detail).to_contain_text("a mouse, on yellow")
    sync_api.expect(detail).to_contain_text("computer mouse")
    visit.keep("matrix")


def test_a_word_is_written_in_the_studio(visit):
    app = visit.open("Typographic studio")
    word = app.locator(".clipbench-word input")
    word.fill("rocket")
    written = app.locator(".clipbench-canvas img").nth(1)
    sync_api.expect(written).to_have_attribute("alt", re.compile("the word rocket$"))
    app.locator(".clipbench-heads").get_by_text("with “rocket”").wait_for()
    app.get_by_label("Model").select_option(label=in_words("twin:many-signs"))
    sync_api.expect(app.get_by_text("many-signs saw a word")).to_be_visible()
    visit.keep("studio")


def test_a_text_lights_up_its_neighbours_on_the_map(visit):
    app = visit.open("Embedding map")
    app.locator("input[placeholder^='Write a text']").fill("a yellow flower")
    app.get_by_text(re.compile("^The nearest .* by cosine")).wait_for()
    sync_api.expect(
        app.locator(".clipbench-strip .clipbench-thumbnail:visible").first
    ).to_have_text(re.compile(r"\d"))
    visit.keep("map")


def test_a_training_is_started_and_stopped(visit):
    app = visit.open("Training monitor")
    loss = app.locator(".clipbench-tiles b").first
    sync_api.expect(loss).to_have_text("–")
    app.get_by_role("button", name="Start").click()
    sync_api.expect(loss).to_have_text(re.compile(r"^\d\.\d"), timeout=1000 * SECONDS_TO_RUN)
    app.get_by_role("button", name="Stop").click()
    sync_api.expect(app.get_by_role("status")).to_have_text("stopped")
    visit.keep("monitor")


def test_pictures_are_found_by_words_and_by_a_picture(visit):
    app = visit.open("Image search")
    app.locator(".clipbench-search-query input").fill("a deer")
    first = app.locator(".clipbench-search-results .clipbench-thumbnail").first
    sync_api.expect(first).to_have_text(re.compile(r"^0\.\d\d deer$"))
    first.click()
    sync_api.expect(app.locator(".clipbench-search-asked")).to_contain_text("like deer (row")
    row = app.locator(".clipbench-thumbnails").first
    hidden = "row => row.scrollWidth - row.clientWidth"
    wait_until(visit.page, lambda: row.evaluate(hidden) <= 0, "all results are in sight")
    visit.keep("search")


def test_a_picture_is_named_in_the_game(visit):
    app = visit.open("Beat the machine")
    app.get_by_text("Picture 1 of 10.").wait_for()
    visit.page.wait_for_timeout(400)  # a double click's time
    app.locator(".clipbench-game-answers .clipbench-thumbnail").nth(1).click()
    app.get_by_text("Picture 2 of 10.").wait_for()
    visit.keep("game")


def test_apps_that_were_opened_are_as_they_were_left(visit):
    app = visit.open("Prompt explorer")
    app.locator("textarea").wait_for()
    typed = app.locator("textarea").input_value()
    word = visit.open("Typographic studio").locator(".clipbench-word input")
    app.locator("textarea").wait_for(state="hidden")
    word.fill(HOSTILE[:20])
    visit.open("Prompt explorer")
    sync_api.expect(app.locator("textarea")).to_have_value(typed)
    visit.page.set_viewport_size({"width": 430, "height": 1600})
    visit.keep("narrow")
    visit.page.set_viewport_size({"width": 1400, "height": 1000})


def test_the_network_was_not_asked_and_no_script_of_a_visitor_ran(visit):
    assert visit.hosts - {None} == {"127.0.0.1"}  # None: what the page itself holds
    assert not visit.dialogs and visit.page.locator("img[src=x]").count() == 0


def test_one_line_when_the_model_is_missing(start_page, visit):
    page = visit.page.context.browser.new_page()
    page.set_default_timeout(1000 * SECONDS_TO_ANSWER)
    page.goto(start_page("no/model"), timeout=1000 * SECONDS_TO_START)
    page.get_by_text("The apps need a model.").wait_for(timeout=1000 * SECONDS_TO_RUN)
    sync_api.expect(page.locator(".clipbench-start-card").first).to_be_disabled()
    sync_api.expect(page.locator(".clipbench-message")).to_have_count(1)
    sync_api.expect(page.locator("body")).not_to_contain_text("Traceback")
    page.screenshot(path=visit.folder / "no-model.png")
    page.close()
