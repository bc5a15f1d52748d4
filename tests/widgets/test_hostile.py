"""What anybody may send to any app: it stays alive, says what is wrong, and shows text as text.

Messages are put in as the kernel would: through `set_state` and the handlers of custom messages.
What a core widget refuses by itself (a TraitError, which a kernel logs) is refused well.
"""

import contextlib
import math
import sys
from html import escape
from html.parser import HTMLParser

import ipywidgets
import pytest
import traitlets
from small import EightPairs, noise_picture, small_encoder
from small_features import AUTOENCODER, FEW_SCENES
from trainers import small_bundle
from uploads import bomb, png, upload

from clipbench import Machine, TrainConfig, Trainer, UserError
from clipbench_widgets import (
    BeatTheMachine,
    EmbeddingMap,
    FeatureMicroscope,
    ImageSearch,
    PromptExplorer,
    SimilarityMatrix,
    TrainingMonitor,
    TypographicStudio,
)
from clipbench_widgets.core.controls import app_widgets, controls_of, every_widget

MARK = "mark5e1f"
TAG = f"<img src=x onerror={MARK}()>"
PATH = f"/{MARK}/../{MARK}.png"
ACTING = ("src", "href", "style")  # attributes that do something, as on... do
REFUSED = (
    traitlets.TraitError,
    TypeError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    AttributeError,
)
STATES = [
    {"value": TAG}, {"value": TAG * 3000}, {"value": PATH}, {"value": f"__import__('{MARK}')"},
    {"value": "{0.__class__}"}, {"value": None}, {"value": []}, {"value": {}},
    {"value": [math.nan]}, {"value": math.nan}, {"value": math.inf}, {"value": -1e308},
    {"value": 10**30}, {"value": True}, {"value": "\ud800"}, {"value": "\0\u202e"},
    {"value": "9" * 5000}, {"value": '[{"n": NaN, "kind": "click", "at": [1e999, -1]}]'},
    {"value": "[" * 5000}, {"value": "to 9.999 9.999"}, {"index": -1}, {"index": 10**9},
    {"index": "0"}, {"index": math.nan}, {"unheard_of": 1}, {},
]  # fmt: skip


def pictures(*names: str) -> list:
    return [
        (name, noise_picture(40, 40, number))
        for number, name in enumerate(names or ("cat", "dog", "sun"))
    ]


def monitor(*_) -> TrainingMonitor:
    config = TrainConfig(batch_size=8, pairs=16)
    return TrainingMonitor(
        Trainer(small_bundle(), EightPairs(), config, machine=Machine(threads=1))
    )


def game(encoder, *_) -> BeatTheMachine:
    return BeatTheMachine(encoder, "scenes:heldout256", count=3, rounds=2)


def microscope(encoder, own) -> FeatureMicroscope:
    app = FeatureMicroscope(encoder, own, ["cat", "dog"], autoencoder=AUTOENCODER, **FEW_SCENES)
    app.wait()
    return app


MAKERS = {
    "PromptExplorer": lambda encoder, own: PromptExplorer(encoder, own),
    "SimilarityMatrix": lambda encoder, own: SimilarityMatrix(encoder, own),
    "TypographicStudio": lambda encoder, own: TypographicStudio(encoder, own, texts=["cat", "dog"]),
    "EmbeddingMap": lambda encoder, own: EmbeddingMap(encoder, own),
    "FeatureMicroscope": microscope,
    "TrainingMonitor": monitor,
    "ImageSearch": lambda encoder, own: ImageSearch(encoder, own),
    "BeatTheMachine": game,
}
WITH_OWN_PICTURES = sorted(set(MAKERS) - {"TrainingMonitor", "BeatTheMachine"})
WITH_UPLOADS = [
    "FeatureMicroscope",
    "ImageSearch",
    "PromptExplorer",
    "SimilarityMatrix",
    "TypographicStudio",
]


@pytest.fixture(params=sorted(MAKERS))
def app(request):
    return MAKERS[request.param](small_encoder(), pictures())


class Elements(HTMLParser):
    """Elements of a page that a sent text has become, or has become a part of; text and labels
    are no elements.
    """

    def __init__(self, page: str):
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        acting = [
            value or "" for name, value in attributes if name.startswith("on") or name in ACTING
        ]
        if any(MARK in value or value == "x" for value in acting):
            self.found.append(self.get_starttag_text()[:200])

    def handle_data(self, data: str) -> None:
        if self.cdata_elem and MARK in data:  # within <script> or <style>
            self.found.append(f"{self.cdata_elem}: {data[:200]}")


def assert_alive(app) -> None:
    """It tells its state, and whatever was sent is on its pages as text only."""
    assert app.summary()
    for widget in every_widget(app):
        if isinstance(widget, ipywidgets.HTML):
            assert not Elements(widget.value).found


def test_the_check_of_pages_works():
    assert Elements(TAG).found and Elements(f"<style>a</style><script>{MARK}()</script>").found
    assert (
        Elements(f'<b title="" onclick="{MARK}()">').found
        and Elements(f"<style>{MARK}</style>").found
    )
    assert not Elements(f'<b title="{escape(TAG)}">{escape(TAG)}</b>').found


def controls(app) -> list[ipywidgets.Widget]:
    known = {control["model_id"] for control in controls_of(app)}
    return [widget for widget in app_widgets(app) if widget.model_id in known]


def send(widget: ipywidgets.Widget, state: dict) -> None:
    try:
        widget.set_state(state)
    except REFUSED as error:
        assert not isinstance(error, UserError)
    except UnicodeEncodeError:
        pass


class Watched:
    """What the process opens, compiles or starts while this is entered."""

    installed: list["Watched"] = []

    def __init__(self):
        self.seen: list[str] = []

    def __enter__(self):
        if not Watched.installed:
            sys.addaudithook(
                lambda name, arguments: [each.hear(name, arguments) for each in Watched.installed]
            )
        Watched.installed.append(self)
        return self

    def __exit__(self, *_):
        Watched.installed.remove(self)

    def hear(self, name: str, arguments: tuple) -> None:
        if name in (
            "open",
            "compile",
            "exec",
            "import",
            "os.system",
            "subprocess.Popen",
            "os.listdir",
            "os.scandir",
        ):
            self.seen.append(f"{name} {arguments[:2]!r}")


def test_no_message_harms_an_app(app):
    with Watched() as watched:
        for widget in controls(app):
            for state in STATES:
                send(widget, state)
            for content in ({"event": "click"}, {"event": TAG}, {"event": None}, {}):
                with contextlib.suppress(REFUSED):
                    widget._handle_custom_msg(content, [])
    assert_alive(app)
    assert not [seen for seen in watched.seen if MARK in seen]


def test_a_watcher_hears_what_is_opened_and_compiled(tmp_path):
    (tmp_path / MARK).write_text("")
    with Watched() as watched:
        (tmp_path / MARK).read_text()
        eval(f"'{MARK}'")
    assert {seen.split()[0] for seen in watched.seen if MARK in seen} == {"open", "compile"}


@pytest.mark.parametrize("name", WITH_OWN_PICTURES)
def test_hostile_names_of_pictures_are_shown_as_text(name):
    app = MAKERS[name](
        small_encoder(), pictures(TAG, "</style><script>" + MARK, f'" onload="{MARK}')
    )
    assert_alive(app)


@pytest.mark.parametrize("name", WITH_UPLOADS)
def test_hostile_uploads_leave_a_message(name):
    app = MAKERS[name](small_encoder(), pictures())
    hostile = {
        "bomb.png": bomb(),
        "large.png": b"\0" * (100 << 20),
        "empty.png": b"",
        "text.png": TAG.encode(),
        "cut.png": png(noise_picture(50, 40))[:200],
        "thread.png": png(noise_picture(3000, 1)),
    }
    for file, content in hostile.items():
        upload(app, file, content)
        assert file in app.message, file
        assert_alive(app)
    with Watched() as watched:
        upload(app, PATH, png(noise_picture(50, 40)))
        upload(app, TAG, png(noise_picture(50, 40)))
        upload(app, TAG, b"no picture")
    assert_alive(app)
    assert "is not a picture" in app.message and not [seen for seen in watched.seen if MARK in seen]


@pytest.mark.parametrize("name", WITH_OWN_PICTURES)
@pytest.mark.parametrize(
    "text", [TAG, "\0\u202e\ufffd", "a" * 100_000, "{0.__class__} {} %s %(x)s \\", "🦁" * 5000]
)
def test_hostile_texts_are_read_as_texts(name, text):
    app = MAKERS[name](small_encoder(), pictures())
    for trait in ("prompts", "texts"):
        if app.has_trait(trait) and name != "EmbeddingMap":
            setattr(app, trait, [text, "cat"])
    for trait in ("query", "word", "control_word"):
        if app.has_trait(trait):
            setattr(app, trait, text)
    assert_alive(app)


HIDDEN = {"clipbench-hover-channel", "clipbench-action-channel", "clipbench-pad-channel"}


def test_every_button_says_what_it_does_and_every_other_control_what_it_is(app):
    for widget in controls(app) + [
        each for each in app_widgets(app) if isinstance(each, ipywidgets.Button)
    ]:
        if isinstance(widget, ipywidgets.Button | ipywidgets.ToggleButton):
            assert widget.tooltip, f"{widget.description!r} has no tooltip"
        elif not HIDDEN & set(widget._dom_classes):
            options = getattr(widget, "_options_labels", ())
            written = getattr(widget, "placeholder", "").strip("\u200b")  # ipywidgets' default
            assert widget.description or written or options, type(widget).__name__
