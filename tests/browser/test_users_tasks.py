"""Five things that people come for, done from the start page by what it shows and says alone.

Everything is found as a person or a screen reader finds it: by its name. On the way somebody errs,
and gets a line that says what to do.
"""

import re

import pytest
from conftest import chromium_page
from lab_page import SECONDS_TO_RUN

from clipbench_widgets.core.shipped_models import in_words

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install -e '.[browser]'"
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LAPTOP, PHONE = {"width": 1280, "height": 720}, {"width": 420, "height": 800}
expect = sync_api.expect
FLIPS, STAYS = re.compile("^The verdict flips"), re.compile("^The verdict stays")


@pytest.fixture(scope="module")
def address(start_page):
    return start_page("classroom")


@pytest.fixture(scope="module")
def browser():
    with chromium_page() as page:
        yield page.context.browser


@pytest.fixture
def visitor(browser, address, tmp_path):
    """Call it with a screen for a newcomer's page at the start page; each must end well."""
    pages = []

    def come(screen=LAPTOP, where="", **settings):
        context = browser.new_context(viewport=screen, **settings)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(address + where, timeout=1000 * SECONDS_TO_RUN)
        page.get_by_role("button", name=re.compile("^Prompt explorer")).wait_for(
            timeout=1000 * SECONDS_TO_RUN
        )
        pages.append(page)
        return page

    yield come
    for number, page in enumerate(pages):
        page.screenshot(path=tmp_path / f"end{number}.png")
        assert not page.errors and "Traceback" not in page.locator("body").inner_text()
        page.context.close()


def open_app(page, title: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{title}")).click()
    page.get_by_role("button", name="Cite").wait_for(timeout=1000 * SECONDS_TO_RUN)


def choose_model(page, name: str, label: str = "Model") -> None:
    page.get_by_role("combobox", name=label, exact=True).select_option(label=name)


def scores(page) -> list[list[str]]:
    """The rows of the explorer's table as they are read aloud: a prompt and its numbers."""
    table = page.get_by_role("table", name="Scores of the prompts")
    heads = table.get_by_role("rowheader")
    rows = table.get_by_role("row").filter(has=page.get_by_role("rowheader"))
    numbers = [row.get_by_role("cell").all_inner_texts() for row in rows.all()]
    return [[head, *row] for head, row in zip(heads.all_inner_texts(), numbers, strict=True)]


def is_in_sight(page, part) -> bool:
    box = part.bounding_box()
    return box["y"] >= -1 and box["y"] + box["height"] <= page.viewport_size["height"] + 1


def test_find_out_whether_the_model_reads(visitor):
    page = visitor()
    expect(page.get_by_role("textbox", name="Write on the apple")).to_be_visible()
    open_app(page, "Typographic studio")
    word = page.get_by_role("textbox", name="Write on the picture")
    word.fill("rocket")
    expect(page.get_by_text(FLIPS)).to_contain_text("rocket")
    word.fill("")
    expect(
        page.get_by_text("Does the model believe what it sees, or what it reads?")
    ).to_be_visible()
    expect(page.get_by_text(FLIPS)).to_have_count(0)
    word.fill("banana")  # no text to choose
    expect(page.get_by_role("button", name="Add “banana” to the texts")).to_be_visible()
    word.fill("rocket")
    expect(page.get_by_text("believes the word")).to_be_visible()
    choose_model(page, in_words("twin:no-signs"))  # it never saw a printed word
    expect(page.get_by_text("believes the word")).to_have_count(0)


def test_make_it_fail(visitor):
    page = visitor()
    open_app(page, "Prompt explorer")
    box = page.get_by_role("textbox", name="Prompts, one per line")
    page.get_by_role("button", name="cat", exact=True).click()
    box.fill("")
    expect(page.get_by_text("There is no prompt yet.")).to_be_visible()
    box.fill("dog\nlion\nqwertz blorp")
    expect(page.get_by_text("Never read in training: qwertz, blorp.")).to_be_visible()
    assert scores(page)[0][0] == "qwertz blorp"  # a cat is called by a word without meaning


def test_compare_two_models(visitor):
    page = visitor()
    open_app(page, "Prompt explorer")
    page.get_by_role("button", name="one cat and two dogs", exact=True).click()
    choose_model(page, f"+ {in_words('twin:no-counts')}", "Second model")
    both = re.compile(r"\d %\s+<?\d[\d.]* %")
    expect(page.get_by_role("row", name=both)).to_have_count(4)
    shares = [re.findall(r"([\d.]+) %", row[-1]) for row in scores(page)]
    for model in zip(*shares, strict=True):
        assert sum(map(float, model)) == pytest.approx(100, abs=0.5)
    assert {own for own, _ in shares} != {other for _, other in shares}
    choose_model(page, "one model", "Second model")
    expect(page.get_by_role("row", name=both)).to_have_count(0)


def test_share_a_finding_by_its_link(visitor):
    page = visitor(permissions=["clipboard-read", "clipboard-write"])
    open_app(page, "Typographic studio")
    choose_model(page, in_words("twin:many-signs"))
    page.get_by_role("textbox", name="Write on the picture").fill("rocket")
    finding = page.get_by_role("status").get_by_text(re.compile("^The verdict"))
    expect(finding).to_contain_text("rocket")
    found = finding.inner_text()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied.").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")

    other = visitor(where=link[link.index("#") :])
    expect(other.get_by_role("status").get_by_text(found, exact=True)).to_be_visible()
    expect(other.get_by_role("textbox", name="Write on the picture")).to_have_value("rocket")
    other.evaluate("location.hash = '#half-a-li'")  # as it comes out of a mail
    expect(other.get_by_role("alert")).to_contain_text("state")
    expect(other.get_by_role("status").get_by_text(found, exact=True)).to_be_visible()


def test_find_out_on_a_phone_whether_the_model_reads(visitor):
    page = visitor(PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("button", name=re.compile("^Typographic studio")).tap()
    word = page.get_by_role("textbox", name="Write on the picture")
    word.tap()
    word.fill("rocket")
    finding = page.get_by_role("status").get_by_text(FLIPS)
    expect(finding).to_contain_text("rocket")
    for name in ("cover the sticker", "Measure"):
        button = page.get_by_role("button", name=name)
        button.scroll_into_view_if_needed()
        assert is_in_sight(page, finding), name
    page.get_by_role("button", name="cover the sticker").tap()
    expect(page.get_by_text(STAYS)).to_be_visible()
    texts = page.get_by_role("textbox", name="Texts, one per line")
    texts.fill("")
    line = page.get_by_text("Write a text into the box")
    expect(line).to_be_visible()
    assert is_in_sight(page, line)
