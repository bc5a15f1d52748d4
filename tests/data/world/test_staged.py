"""Scenes arranged by hand show what they were asked for."""

import numpy as np
import pytest

from clipbench import UserError
from clipbench.data.world.staged import Staged, stage


def pixels(scene: Staged, size: int = 64) -> np.ndarray:
    return np.asarray(stage([scene], size)[0]).astype(int)


def test_pictures_have_the_size_asked_for_and_are_the_same_each_time():
    (picture,) = stage([Staged(("cat",))], 96)
    assert picture.size == (96, 96) and picture.mode == "RGB"
    assert (pixels(Staged(("cat",))) == pixels(Staged(("cat",)))).all()


def test_the_first_object_stands_left():
    cat_left, dog_left = pixels(Staged(("cat", "dog"))), pixels(Staged(("dog", "cat")))
    cats = pixels(Staged(("cat", "cat")))
    assert (cat_left[:, :30] == cats[:, :30]).all() and (dog_left[:, 34:] == cats[:, 34:]).all()
    assert (cat_left[:, 34:] != cats[:, 34:]).any()


def test_a_sign_changes_only_the_rows_where_it_hangs():
    changed = (pixels(Staged(("cat",))) != pixels(Staged(("cat",), sign="pizza"))).any(axis=(1, 2))
    assert changed.any() and not changed[26:38].any(), "the middle of the picture stays free"


def test_a_sign_may_hang_alone_and_a_style_redraws():
    assert (pixels(Staged((), sign="pizza")) != pixels(Staged((), sign="rocket"))).any()
    gray = pixels(Staged(("cat",), "red", style="grayscale"))
    assert (gray == gray[..., :1]).all()


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"objects": ("unicat",)}, "is no concept"),
        ({"objects": ("cat",), "colour": "ultraviolet"}, "is no colour"),
        ({"objects": ("cat",), "style": "opera"}, "is no style"),
        ({"objects": ()}, "one to three objects"),
        ({"objects": ("cat",) * 4}, "one to three objects"),
        ({"objects": ("cat", "dog"), "layout": "row"}, "3 places, for 2"),
        ({"objects": ("cat",), "sign": "face with open eyes and hand over mouth"}, "too long"),
        ({"objects": ("cat",), "sign": "qwerty"}, "is no word of a sign"),
    ],
)
def test_a_scene_that_cannot_be_is_refused_in_one_line(settings, told):
    with pytest.raises(UserError, match=told) as error:
        Staged(**settings)
    assert "\n" not in str(error.value)
