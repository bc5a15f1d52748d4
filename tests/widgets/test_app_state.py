"""The state of an app comes back from JSON and from an address; what cannot be is refused in one
line, and changes nothing.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import noise_picture, small_encoder
from small_features import AUTOENCODER, FEW_SCENES
from uploads import HOSTILE, png, upload

from clipbench import UserError
from clipbench_widgets import (
    BeatTheMachine,
    EmbeddingMap,
    FeatureMicroscope,
    ImageSearch,
    PromptExplorer,
    SimilarityMatrix,
    StartPage,
    TypographicStudio,
)
from clipbench_widgets.core.app_state import LONGEST, fragment, read_state
from clipbench_widgets.start_page.cards import START

ENCODER = small_encoder()
PICTURES = [(f"picture {side}", noise_picture(side, side)) for side in range(8, 12)]
OTHER = 'naïve «猫» 100 % & "#" {} 🍎'


def game(model=ENCODER, pictures=None, **options) -> BeatTheMachine:
    return BeatTheMachine(model, "scenes:heldout256", rounds=2, **options)


def microscope(model=ENCODER, pictures=None, **options) -> FeatureMicroscope:
    app = FeatureMicroscope(model, pictures, autoencoder=AUTOENCODER, **FEW_SCENES, **options)
    app.wait()
    return app


CHANGES = {
    PromptExplorer: {
        "beside": "twin:reader",
        "language": "es",
        "prompts": ["un gato", OTHER],
        "active_templates": ["{}, una foto"],
        "scale_factor": 0.25,
        "selected": 2,
        "ranked": False,
        "none_of_these": True,
        "show_tokens": True,
        "show_history": True,
    },
    SimilarityMatrix: {
        "beside": "tiny",
        "texts": ["a", OTHER, "c"],
        "mode": "row softmax",
        "order": "alike together",
        "scale_factor": 3.0,
        "chosen_text": 2,
        "chosen_picture": 1,
    },
    TypographicStudio: {
        "texts": ["a cat", OTHER],
        "active_templates": ["a photo of a {}."],
        "selected": 3,
        "word": "iPod “x”",
        "control_word": "blorp",
        "masked": True,
        "told": True,
        "height": 0.4,
        "position": [0.25, 0.75],
        "angle": -30.0,
        "opacity": 0.5,
        "text_color": "#a01010",
        "paper_color": None,
    },
    EmbeddingMap: {
        "beside": "tiny",
        "shown": "pictures",
        "shift": 0.5,
        "drag": "box",
        "colour_by": "modality",
        "only": "pictures",
        "query": OTHER,
        "selected": [3, 0],
    },
    ImageSearch: {"query": "", "like": 2, "top": 3},
    microscope: {
        "texts": ["a cat", OTHER],
        "selected": 2,
        "show": "about a style",
        "query": OTHER,
        "page": 1,
        "feature": 7,
        "together": True,
        "amount": -2.5,
    },
    game: {"seed": 7},
}
BOTH = pytest.mark.parametrize(
    "make, changes", CHANGES.items(), ids=lambda value: getattr(value, "__name__", "")
)


@BOTH
def test_a_state_comes_back_from_json_and_from_an_address(make, changes):
    app = make(ENCODER, PICTURES)
    before = app.state()
    app.restore({"app": before["app"], **changes})
    state = app.state()
    assert state == before | changes and state != before
    assert make(ENCODER, PICTURES, state=json.dumps(state)).state() == state
    other = make(ENCODER, PICTURES)
    other.restore(f"http://127.0.0.1:8866/?theme=dark{fragment(state)}")
    assert other.state() == state and other.message == "" and other.summary() == app.summary()
    other.restore(before)
    assert other.state() == before


@BOTH
def test_what_cannot_be_is_refused_in_a_line_and_changes_nothing(make, changes):
    app = make(ENCODER, PICTURES)
    app.restore({"app": app.state()["app"], **changes})
    before, shown = app.state(), app.summary()
    *_, last = changes
    for wrong in (99.5, -7, "nonsense\n", [["x"]], {"__class__": "os"}, None, [None], "x" * 5000):
        if (last, wrong) == ("paper_color", None):
            continue
        with pytest.raises(UserError) as refused:
            app.restore(before | {last: wrong})
        assert "\n" not in str(refused.value) and len(str(refused.value)) < 300
        assert app.state() == before and app.summary() == shown
    with pytest.raises(UserError, match="'encoder' is unknown"):
        app.restore(before | {"encoder": "os.system"})
    with pytest.raises(UserError, match="not of"):
        app.restore(before | {"app": "Another"})


@pytest.mark.parametrize(
    "name, value, says",
    [
        ("scale_factor", 99, "scale_factor cannot be 99; it could be 10.0"),
        ("scale_factor", True, "cannot be True"),
        ("selected", 4, "selected cannot be 4; it could be 3"),
        ("selected", True, "cannot be True"),
        ("ranked", 1, "ranked cannot be 1"),
        ("language", "xx", "choose from"),
        ("prompts", ["a", "a"], "cannot be"),
        ("prompts", "a", "cannot be 'a'"),
        ("active_templates", ["no place"], "no place"),
    ],
)
def test_the_line_says_which_value_and_what_it_could_be(name, value, says):
    explorer = PromptExplorer(ENCODER, PICTURES, ["a", "b"])
    with pytest.raises(UserError, match="^state: ") as refused:
        explorer.restore({"app": "PromptExplorer", "show_tokens": True, name: value})
    assert says in str(refused.value) and not explorer.show_tokens


def test_yes_is_no_position():
    """A cell of the matrix that is named so once ended in a traceback, and in all later views."""
    before = MATRIX.state()
    for name in ("chosen_text", "chosen_picture"):
        with pytest.raises(UserError, match=f"{name} cannot be True; it could be 0"):
            MATRIX.restore({"app": "SimilarityMatrix", name: True})
    assert MATRIX.state() == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(SimilarityMatrix.STATE), JSON, max_size=3))
def test_anything_is_restored_as_it_is_or_refused(values):
    before = MATRIX.state()
    try:
        MATRIX.restore({"app": "SimilarityMatrix"} | values)
    except UserError as error:
        assert MATRIX.state() == before and "\n" not in str(error)
    else:
        assert MATRIX.state().items() >= values.items()


MATRIX = SimilarityMatrix(ENCODER, PICTURES[:2], ["a", "b"])


@pytest.mark.parametrize(
    "text",
    ["", "#", "#PromptExplorer", "[]", "{", "{}", '{"app": 1}', "[" * 9000, "%7B%22app%22", "__import__('os')",
     '{"app": NaN}', "{" + "x" * 200_000],
)  # fmt: skip
def test_what_is_no_state_is_refused(text):
    with pytest.raises(UserError) as refused:
        read_state(text)
    assert "\n" not in str(refused.value)


def test_an_infinite_number_is_none():
    with pytest.raises(UserError, match="scale_factor"):
        PromptExplorer(ENCODER, PICTURES).restore(
            '{"app":"PromptExplorer","scale_factor":Infinity}'
        )


def test_a_state_that_is_too_long_has_no_address():
    app = PromptExplorer(ENCODER, PICTURES, [f"猫猫猫猫猫 number {n}" for n in range(200)])
    assert fragment(app.state()) == ""
    app.prompts = app.prompts[:3]
    assert 0 < len(fragment(app.state())) <= LONGEST and fragment(app.state())[0] == "#"


@pytest.mark.parametrize(
    "make, name",
    [
        (PromptExplorer, "selected"),
        (TypographicStudio, "selected"),
        (SimilarityMatrix, "chosen_picture"),
    ],
)
def test_a_picture_of_ones_own_is_no_part_of_the_state(make, name):
    app = make(ENCODER, PICTURES)
    upload(app, "mine.png", png(noise_picture(20, 20)))
    assert getattr(app, name) == len(PICTURES) and name not in app.state()
    assert make(ENCODER, PICTURES, state=app.state()).state()[name] == 0
    setattr(app, name, 1)
    assert app.state()[name] == 1


def test_a_view_of_another_model_says_so():
    explorer = PromptExplorer(ENCODER, PICTURES)
    state = explorer.state()
    assert state["model"] == ENCODER.name
    explorer.restore(state | {"model": HOSTILE})
    assert "was made with the model" in explorer.message and ENCODER.name in explorer.message
    assert "<img" not in explorer._notice.value
    explorer.restore(state)


# --- the start page and its address ---------------------------------------------------------------


@pytest.fixture
def page():
    return StartPage(ENCODER, "scenes:heldout256")


def arrive(page: StartPage, end: str) -> None:
    """What ``address.js`` does when a page is opened with this end of an address."""
    page._address._heard.value = f"{len(page._address._heard.value)}{end}"


def end_of(page: StartPage) -> str:
    told = page._address._told.value
    return told.partition('data-end="')[2].partition('"')[0]


def test_the_address_follows_the_app_that_is_shown(page):
    assert end_of(page) == "" and page.state()["app"] == "StartPage"
    page.show("PromptExplorer")
    explorer = page.apps["PromptExplorer"]
    assert read_state(end_of(page)) == explorer.state() == page.state()
    explorer._text.value = f"a dog\n{HOSTILE}"
    explorer._slider.value = 2.0
    assert read_state(end_of(page))["prompts"] == ["a dog", HOSTILE]
    assert (
        read_state(end_of(page))["scale_factor"] == 2.0 and "<img" not in page._address._told.value
    )
    page.show(START)
    assert end_of(page) == ""
    explorer.prompts = ["x" * 900 + str(n) for n in range(20)]
    page.show("PromptExplorer")
    assert end_of(page) == "" and page._address._copy.disabled


def test_a_page_that_is_opened_with_a_state_shows_it(page):
    page.show("SimilarityMatrix")
    page.apps["SimilarityMatrix"].restore(
        {"app": "SimilarityMatrix", "mode": "row softmax", "chosen_text": 4}
    )
    end, state = end_of(page), page.state()
    other = StartPage(ENCODER, "scenes:heldout256")
    arrive(other, end)
    assert other.shown == "SimilarityMatrix" and other.state() == state and other.message == ""
    assert end_of(other) == end
    assert StartPage(ENCODER, "scenes:heldout256", state=state).state() == state
    arrive(other, fragment({"app": "StartPage"}))
    assert other.shown == START


def test_the_training_can_be_linked_to(page):
    page.show("TrainingMonitor")
    assert page.state() == {"app": "TrainingMonitor"}
    other = StartPage(ENCODER)
    other.restore(page.state())
    assert other.shown == "TrainingMonitor"


@pytest.mark.parametrize(
    "end, says",
    [
        ("#what", "no state of an app"),
        ("#%7B%22app%22:%22os%22%7D", "no app 'os'"),
        ('#{"app":"PromptExplorer","selected":1e9}', "selected"),
        ('#{"app":"StartPage","shown":"os"}', "unknown"),
        (f'#{{"app":"PromptExplorer","prompts":"{HOSTILE}"}}', "prompts"),
    ],
)
def test_an_address_that_cannot_be_is_told_in_a_line(page, end, says):
    arrive(page, end)
    assert says in page.message and "\n" not in page.message and "<img" not in page._notice.value
    arrive(page, fragment({"app": "PromptExplorer", "ranked": False}))
    assert page.message == "" and not page.apps["PromptExplorer"].ranked
