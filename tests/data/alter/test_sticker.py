"""Facts about printed words: where they lie, what they cover, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont, features
from small import noise_picture, one_line

from clipbench import UserError
from clipbench.data.alter.sticker import (
    FONT,
    MARGIN,
    Sticker,
    covered_box,
    covered_share,
    font_family,
    layout_of,
    paper_shape,
    print_on,
    read_font,
)

GRAY = Image.new("RGB", (64, 64), (128, 128, 128))


def changed(sticker: Sticker, picture: Image.Image = GRAY) -> np.ndarray:
    """(H, W) bool: pixels that the sticker changed."""
    before = np.asarray(picture.convert("RGB"), dtype=int)
    return (np.asarray(print_on(picture, sticker), dtype=int) != before).any(-1)


@given(
    st.sampled_from(["dog", "i", "an unusually long name of a thing", "Äpfel", "кошка"]),
    st.floats(0.05, 1),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.floats(-180, 180),
    st.tuples(st.integers(20, 90), st.integers(20, 90)),
)
def test_a_sticker_lies_whole_on_any_picture_and_changes_nothing_beside_it(
    word, height, position, angle, size
):
    sticker = Sticker(word, height, position, angle=angle)
    picture = Image.new("RGB", size, (128, 128, 128))
    left, top, right, bottom = covered_box(sticker, size)
    assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
    outside = changed(sticker, picture)
    outside[top:bottom, left:right] = False
    assert not outside.any()


def test_the_centre_is_where_it_is_asked_for():
    left, top, right, bottom = covered_box(Sticker("dog", 0.2, (0.4, 0.7)), (1000, 1000))
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((400, 700), abs=1)
    assert bottom - top == 200


def test_a_height_is_of_the_shorter_side():
    boxes = [covered_box(Sticker("dog", 0.3), size) for size in ((300, 900), (900, 300))]
    assert [bottom - top for _, top, _, bottom in boxes] == [90, 90]


def test_a_word_over_the_edge_is_moved_inside():
    assert covered_box(Sticker("dog", position=(0, 0)), (64, 64))[:2] == (0, 0)
    assert covered_box(Sticker("dog", position=(1, 1)), (64, 64))[2:] == (64, 64)


def test_long_words_are_printed_smaller_and_whole():
    left, top, right, bottom = covered_box(Sticker("hippopotamus and rhinoceros", 0.5), (400, 400))
    assert 380 <= right - left <= 400 and bottom - top < 60


def test_a_quarter_turn_stands_the_sticker_on_its_end():
    flat, upright = (
        covered_box(Sticker("dog", 0.2, (0.5, 0.5), angle=angle), (200, 200)) for angle in (0, 90)
    )
    assert (flat[2] - flat[0], flat[3] - flat[1]) == (
        upright[3] - upright[1],
        upright[2] - upright[0],
    )


def test_the_share_is_that_of_the_changed_pixels():
    sticker = Sticker("dog", 0.3, text_color="black", paper_color="white")
    assert covered_share(sticker, (64, 64)) == pytest.approx(changed(sticker).mean(), abs=0.01)
    letters = Sticker("dog", 0.3, text_color="black", paper_color=None)
    assert 0 < covered_share(letters, (64, 64)) < covered_share(sticker, (64, 64))


def test_a_sticker_looks_the_same_on_a_large_picture():
    sticker = Sticker("dog", 0.4, (0.5, 0.5), angle=20)
    small = np.asarray(print_on(GRAY, sticker), dtype=float)
    large = print_on(GRAY.resize((1024, 1024)), sticker).resize((64, 64), Image.Resampling.BOX)
    # of 255; edges fall on other pixels
    assert np.abs(small - np.asarray(large, dtype=float)).mean() < 8


def test_colours_are_those_asked_for():
    pixels = np.asarray(
        print_on(GRAY, Sticker("HHH", 0.6, (0.5, 0.5), text_color="#ff0000", paper_color="blue"))
    )
    assert (pixels == (255, 0, 0)).all(-1).any() and (pixels == (0, 0, 255)).all(-1).any()


def test_half_an_opacity_is_the_mean_of_the_picture_and_the_whole_sticker():
    whole, half = (print_on(GRAY, Sticker("dog", opacity=opacity)) for opacity in (1.0, 0.5))
    mean = (np.asarray(whole, dtype=float) + 128) / 2
    assert np.abs(np.asarray(half) - mean).max() <= 2  # roundings
    assert not changed(Sticker("dog", opacity=0.0)).any()


def test_the_picture_given_is_left_alone_and_any_mode_will_do():
    for mode in ("RGB", "RGBA", "L", "P", "I;16", "CMYK"):
        picture = (
            noise_picture(50, 40).convert("L").convert("I").convert(mode)
            if mode == "I;16"
            else (noise_picture(50, 40).convert(mode))
        )
        before = picture.tobytes()
        printed = print_on(picture, Sticker("dog"))
        assert printed.mode == "RGB" and printed.size == (50, 40) and picture.tobytes() == before


def test_the_same_sticker_gives_the_same_pixels():
    one, two = (print_on(noise_picture(70, 50), Sticker("dog", angle=7)) for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_even_one_pixel_can_be_printed_on():
    assert print_on(Image.new("RGB", (1, 1)), Sticker("dog", 0.01)).size == (1, 1)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"word": "  "}, "word is empty"),
        ({"word": "\x00"}, "cannot be printed"),
        ({"word": "a" * 81}, "has 81 letters"),
        ({"height": 0.0}, "height must be a number from 0.01 to 1"),
        ({"height": float("nan")}, "height must be"),
        ({"position": (0.5, 1.5)}, "y must be a number from 0 to 1"),
        ({"opacity": -0.1}, "opacity must be"),
        ({"angle": 1000.0}, "angle must be"),
        ({"text_color": "bleu"}, "unknown colour 'bleu'"),
        ({"paper_color": (0, 0, 256)}, "from 0 to 255"),
        ({"font": __file__}, "is not a TrueType or OpenType font"),
        ({"font": "no such file"}, "is not a TrueType or OpenType font"),
    ],
)
def test_what_cannot_be_printed_is_refused_in_one_line(wrong, message):
    with pytest.raises(UserError) as error:
        Sticker(**({"word": "dog"} | wrong))
    assert message in one_line(error.value)


def test_letters_that_the_font_does_not_have_are_named():
    with pytest.raises(UserError) as error:
        print_on(GRAY, Sticker("my 猫"))
    assert "has no 猫; choose a font that has, such as Noto Sans CJK" in one_line(error.value)


@pytest.mark.parametrize(
    "letter, family",
    [
        ("ß", "DejaVu Sans"),
        ("ひ", "Noto Sans CJK"),
        ("한", "Noto Sans CJK"),
        ("ق", "Noto Sans Arabic"),
        ("ก", "Noto Sans Thai"),
        ("🦝", "Noto Emoji"),
    ],
)
def test_a_font_is_named_for_every_script(letter, family):
    assert font_family(letter) == family


def test_arabic_letters_are_joined_and_run_to_the_left():
    if not features.check("raqm"):
        with pytest.raises(UserError, match="that needs a Pillow with libraqm"):
            print_on(GRAY, Sticker("قطة"))
        return
    font = ImageFont.truetype(str(FONT), 100, layout_engine=ImageFont.Layout.RAQM)
    assert layout_of("قطة") == ImageFont.Layout.RAQM and layout_of("cat") == ImageFont.Layout.BASIC
    width, _ = paper_shape(Sticker("قطة"), 100)
    alone = sum(read_font(FONT, 100).getlength(letter) for letter in "قطة")
    drawn = (width - 2 * MARGIN * 100) / paper_shape(Sticker("قطة"), 100)[1].size
    assert drawn == pytest.approx(font.getlength("قطة") / 100, rel=0.02)
    assert drawn != pytest.approx(alone / 100, rel=0.02), "joined letters have other widths"
