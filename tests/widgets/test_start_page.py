"""Facts about the start page: cards open apps when they are clicked, all share a model, and a
line says if it lacks.
"""

import json
import re
from pathlib import Path

import pytest
from small import small_encoder

import clipbench_widgets
from clipbench import UserError
from clipbench_widgets import StartPage
from clipbench_widgets.start_page import app as start_page
from clipbench_widgets.start_page.app import OWN_MODELS
from clipbench_widgets.start_page.cards import CARDS, START
from clipbench_widgets.start_page.class_mode import invitation

APP = Path(__file__).parents[2] / "app"


@pytest.fixture
def page():
    page = StartPage(small_encoder(), "scenes:heldout256")
    yield page
    if "FeatureMicroscope" in page.apps:
        page.apps["FeatureMicroscope"].stop()


def click(page: StartPage, name: str) -> None:
    page._cards[name].click()


def test_there_is_a_card_for_every_app():
    apps = set(clipbench_widgets.__all__) - {"StartPage"}
    assert {card.name for card in CARDS} == apps and len(CARDS) == 8


def test_nothing_is_built_until_a_card_is_clicked(page):
    assert page.shown == START and page.apps == {} and page._body.children == ()
    click(page, "SimilarityMatrix")
    assert page.shown == "SimilarityMatrix" and list(page.apps) == ["SimilarityMatrix"]
    assert page._body.children[0].children == (page.apps["SimilarityMatrix"],)


def test_an_app_keeps_its_state_while_another_one_is_shown(page):
    click(page, "PromptExplorer")
    page.apps["PromptExplorer"].prompts = ["a dog"]
    click(page, "SimilarityMatrix")
    assert [box.layout.display for box in page._body.children] == ["none", None]
    click(page, "PromptExplorer")
    assert [box.layout.display for box in page._body.children] == [None, "none"]
    assert page.apps["PromptExplorer"].prompts == ["a dog"]
    assert "PromptExplorer shown, opened so far: PromptExplorer, SimilarityMatrix" in page.summary()


def test_the_open_app_is_marked_and_the_cards_become_tabs(page):
    assert "clipbench-cards" in page._row._dom_classes
    click(page, "BeatTheMachine")
    assert (
        "clipbench-tabs" in page._row._dom_classes
        and "clipbench-cards" not in page._row._dom_classes
    )
    marked = [name for name, card in page._cards.items() if "clipbench-chosen" in card._dom_classes]
    assert marked == ["BeatTheMachine"]
    assert page._cards["BeatTheMachine"].description == "Beat the machine"
    page.show(START)
    assert page._cards["BeatTheMachine"].description.startswith("Beat the machine\n")


def test_all_apps_open_and_share_one_model(page):
    for card in CARDS:
        click(page, card.name)
        assert page.message == "" and page.shown == card.name
    models = {id(app.encoder) for name, app in page.apps.items() if name not in OWN_MODELS}
    assert models == {id(page.encoder)} and len(page.apps) == 8


def test_one_line_when_the_model_is_missing(tmp_path):
    page = StartPage(str(tmp_path / "<b>none</b>"))
    assert page.message.startswith("The apps need a model.") and page.encoder is None
    assert all(card.disabled for card in page._cards.values())
    page.show("PromptExplorer")
    assert page.shown == START and page.apps == {} and "&lt;b&gt;" in page._notice.value


@pytest.mark.parametrize("error", [UserError("no pictures <i>"), ZeroDivisionError("by zero")])
def test_an_app_that_cannot_be_built_says_so_in_a_line_and_the_others_work(
    page, monkeypatch, error
):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(start_page, "ImageSearch", refuse)
    click(page, "ImageSearch")
    assert str(error) in page.message and "<i>" not in page._notice.value
    click(page, "PromptExplorer")
    assert page.message == "" and list(page.apps) == ["PromptExplorer"]
    monkeypatch.undo()
    click(page, "ImageSearch")
    assert page.message == "" and "ImageSearch" in page.apps


@pytest.mark.parametrize("name", ["Nobody", "__class__", "<img onerror>"])
def test_a_name_that_is_no_app_shows_the_cards(page, name):
    page.show(name)
    assert page.shown == START and page.apps == {}


def test_the_notebook_of_the_page_is_one_cell_without_output():
    notebook = json.loads((APP / "app.ipynb").read_text(encoding="utf-8"))
    (cell,) = notebook["cells"]
    assert cell["outputs"] == [] and "StartPage(" in "".join(cell["source"])
    assert "widgets" not in notebook["metadata"]


@pytest.mark.parametrize(
    "message, whole",
    [
        (bytes([1]) + bytes(15), True),
        (bytes([1]) + bytes(14), False),
        (bytes([0, 0, 0, 2, 0, 0, 0, 12]) * 9, False),
        (b"\xff" * 800, False),
        (b"", False),
        ("{}", False),
    ],
)
def test_a_message_has_room_for_the_parts_it_says_it_has(message, whole, monkeypatch):
    pytest.importorskip("jupyter_server")
    monkeypatch.syspath_prepend(str(APP))
    from kernel_socket import holds_its_parts

    assert holds_its_parts(message) == whole


def test_the_page_fetches_nothing_from_the_network():
    files = list((APP / "voila" / "templates" / "clipbench").iterdir())
    templates = {file.name: file.read_text(encoding="utf-8") for file in files}
    assert "super.super()" in templates["index.html.j2"]
    assert not any("://" in template for template in templates.values())


def selectors(app) -> set[tuple[str, str]]:
    """(selector, declarations) of all of an app's rules."""
    sheet = next(part.value for part in app.children if part.value.startswith("<style>"))
    sheet = re.sub(r"/\*.*?\*/", "", sheet.removeprefix("<style>"), flags=re.DOTALL)
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", sheet)
    return {
        (one.strip(), " ".join(body.split())) for many, body in rules for one in many.split(",")
    }


def test_no_rule_of_one_app_changes_how_another_one_looks(page):
    """They are on one page: whatever a rule of one app alone applies to must have a class of
    its own.
    """
    for card in CARDS:
        page.show(card.name)
    rules = {name: selectors(app) for name, app in page.apps.items()}
    for name, own in rules.items():
        others = set().union(*(found for other, found in rules.items() if other != name))
        shared = {
            found for selector, _ in others for found in re.findall(r"\.clipbench-[\w-]+", selector)
        }
        loose = [
            one
            for one, body in own - others
            if not set(re.findall(r"\.clipbench-[\w-]+", one)) - shared
        ]
        assert not [
            one for one in loose if not one.endswith((":focus-visible", ".clipbench-app"))
        ], name


# --- the apple, the model for all, the way back -----------------------------------------------------


def test_the_apple_is_believed_by_the_model_that_reads_and_by_no_other(page):
    reads, cannot = page._apple.opinions
    assert reads.text == "pizza" and not cannot.flips
    page._apple._box.value = "gorilla"
    reads, cannot = page._apple.opinions
    assert reads.text == "gorilla" and reads.control == "green apple" and not cannot.flips
    page._apple._box.value = ""
    assert not any(each.flips for each in page._apple.opinions)
    assert "never saw a printed word" in page._apple._says.value


def test_a_word_on_the_apple_is_shown_as_text(page):
    page._apple._box.value = "<b>x</b>"
    assert "<b>x" not in page._apple._says.value + page._apple._picture.value
    page._apple._box.value = "\u4e2d" * 3
    assert "font" in page._apple._says.value and "Traceback" not in page._apple._says.value


def test_a_model_chosen_in_one_app_answers_in_the_others(page):
    click(page, "PromptExplorer")
    click(page, "SimilarityMatrix")
    explorer, matrix = page.apps.values()
    matrix._switcher.value = "twin:no-signs"
    assert page.model == page.encoder.name == "twin:no-signs" and explorer.model == "small"
    click(page, "PromptExplorer")
    assert explorer.model == "twin:no-signs" and explorer.encoder is page.encoder
    page._home.click()
    page._switcher.value = "small"
    click(page, "SimilarityMatrix")
    assert matrix.model == "small" == page.model


def test_a_link_brings_its_model_along(page):
    page.restore({"app": "PromptExplorer", "model": "twin:reader", "prompts": ["a dog"]})
    assert page.model == "twin:reader" == page.apps["PromptExplorer"].model
    assert page.message == page.apps["PromptExplorer"].message == ""


def test_the_way_back_leads_to_the_cards(page):
    assert page._home.layout.display == "none"
    click(page, "BeatTheMachine")
    assert page._home.layout.display is None and page._apple.layout.display == "none"
    page._home.click()
    assert page.shown == START and page._apple.layout.display is None
    page._on_arrival('{"app":"BeatTheMachine"}')
    assert page.shown == "BeatTheMachine"
    page._on_arrival("")  # the browser's back button
    assert page.shown == START and page.message == ""


def test_a_card_shows_pictures_of_the_world(page):
    assert page._pictures.value.count("url(data:image/jpeg") == len(CARDS)


# --- a class comes to the page --------------------------------------------------------------------


def test_the_address_for_a_class_is_large_and_has_a_qr_code(page):
    page._address._heard.value = "1@http://192.168.1.7:8866/"
    shown = page._invitation.value
    assert "http://192.168.1.7:8866/" in shown and "Everybody" in shown
    assert page._invited.layout.display is None
    page._address._heard.value = "2@http://192.168.1.7:8866/"  # the button again
    assert page._invitation.value == "" and page._invited.layout.display == "none"


def test_the_qr_code_holds_the_address():
    segno = pytest.importorskip("segno", reason="needs segno: pip install -e '.[apps]'")
    address = "http://192.168.1.7:8866/"
    drawn = segno.make(address, error="m").svg_inline(omitsize=True, border=3, light="white")
    assert drawn in invitation(address) and "viewBox" in drawn


def test_an_address_of_this_computer_alone_says_so():
    assert "Only this computer" in invitation("http://127.0.0.1:8866/")


@pytest.mark.parametrize(
    "sent", ["javascript:alert(1)", "http://", "x" * 50, "http://a/" + "b" * 400, "http://[", ""]
)
def test_what_is_no_address_is_refused(page, sent):
    page._address._heard.value = f"1@{sent}"
    assert "no address" in page.message and page._invitation.value == ""


def test_an_address_is_shown_as_text():
    assert "<img" not in invitation("http://a/<img/src=x>")
