"""Every app says what of its pictures and texts the model was never trained on."""

from html import unescape

import pytest
import torch
from example_apps import EXAMPLE_APPS
from small import noise_picture, small_encoder

from clipbench.encoders.familiarity import Reference, ScenesSeen, WordsRead
from clipbench_widgets import (
    EmbeddingMap,
    ImageSearch,
    PromptExplorer,
    SimilarityMatrix,
    TypographicStudio,
)
from clipbench_widgets.core.scoring import Background, with_none

UNLIKE = "unlike anything that the model was trained on"


class OtherScenes(ScenesSeen):
    """Scenes that are like no picture."""

    def shares(self, statistics):
        return (0.001,) * len(statistics)


NOTHING_LIKE_IT = OtherScenes(*[torch.zeros(1)] * 4)


def encoder(scenes=None):
    made = small_encoder()
    made.reference = Reference(WordsRead({"English": {"cat": 9, "a": 9, "dog": 1}}), scenes)
    return made


def pictures(count: int = 2):
    return [(f"picture {n}", noise_picture(32, 32, seed=n)) for n in range(count)]


def explore(model, texts):
    return PromptExplorer(model, pictures(), texts)


def compare(model, texts):
    return SimilarityMatrix(model, pictures(1), texts)


def print_word(model, texts):
    return TypographicStudio(model, pictures(1), texts)


def look_for(model, texts):
    app = ImageSearch(model, pictures())
    app.query = " ".join(texts)
    return app


def map_of(model, texts):
    app = EmbeddingMap(model, pictures(3), ["a cat"])
    app.query = " ".join(texts)
    return app


APPS = [explore, compare, print_word, look_for, map_of]


@pytest.mark.parametrize("make", APPS)
def test_words_that_were_never_read_are_named(make):
    app = make(encoder(), ["a cat", "a qwertz"])
    assert app.unfamiliar == "never read in training: qwertz"
    assert "Never read in training: qwertz." in app._notice.value


@pytest.mark.parametrize("make", APPS)
def test_nothing_is_said_of_what_was_read_or_of_an_unknown_training(make):
    for app in (make(encoder(), ["a cat", "a dog"]), make(small_encoder(), ["a qwertz", "a cat"])):
        assert app.unfamiliar == "" and app._notice.layout.display == "none"


@pytest.mark.parametrize("make", EXAMPLE_APPS)
def test_no_app_greets_with_an_alarm(make):
    app = make()
    assert (app.message, app.unfamiliar) == ("", "") and app._notice.layout.display == "none"


@pytest.mark.parametrize("make", [explore, compare, print_word])
def test_a_strange_picture_is_told(make):
    assert (
        make(encoder(NOTHING_LIKE_IT), ["a cat", "a dog"]).unfamiliar == f"this picture is {UNLIKE}"
    )


def test_several_pictures_are_counted():
    app = SimilarityMatrix(encoder(NOTHING_LIKE_IT), pictures(2), ["a cat"])
    assert app.unfamiliar == f"2 of 2 pictures are {UNLIKE}"


def test_the_remark_follows_what_is_written():
    app = explore(encoder(), ["a cat", "a blorp"])
    app.prompts = ["a cat", "a dog"]
    assert app.unfamiliar == "" and app._notice.layout.display == "none"


def test_no_markup_gets_into_the_remark():
    app = explore(encoder(), ["a cat", "<script>alert('x')</script>&#60;b"])
    inside = app._notice.value.partition(">")[2].rpartition("<")[0]
    assert "<" not in inside and "script, alert, x, b" in unescape(inside)


def test_none_of_these_takes_nearly_all_of_a_strange_picture():
    app = explore(encoder(NOTHING_LIKE_IT), ["a cat", "a dog"])
    app.none_of_these = True
    *others, none = (row["probability"] for row in app.scores)
    assert sum(others) <= 0.001 and none == pytest.approx(1 - sum(others))


def test_what_is_familiar_keeps_its_shares():
    rows = [{"prompt": "a", "cosine": 0.4, "logit": 4.0}]
    background = Background(0.1, 0.05)
    plain, strange = (with_none(rows, background, 10.0, familiar) for familiar in (1.0, 0.01))
    assert strange[0]["probability"] == pytest.approx(0.01 * plain[0]["probability"])
    assert sum(row["probability"] for row in strange) == pytest.approx(1)


@pytest.mark.parametrize("make", [look_for, map_of])
def test_the_pictures_that_an_app_shows_are_judged_too(make):
    app = make(encoder(NOTHING_LIKE_IT), ["a cat"])
    count = len(pictures(3 if make is map_of else 2))
    assert app.unfamiliar.startswith(f"{count} of {count} pictures are {UNLIKE}: picture 0, ")
