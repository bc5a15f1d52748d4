"""What signs are printed with: words and fonts, and that the held-out ones are apart."""

import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from clipbench.data.world.fonts import FOLDER, FONTS, held_out_fonts, read_font, trained_fonts
from clipbench.data.world.sprites import concepts
from clipbench.data.world.words import never_printed_words, printed_words

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ÁÉÍÓÚÜÑÄÖáéíóúüñäöß"


def test_5000_words_of_which_500_are_never_printed():
    printed, never = printed_words(), never_printed_words()
    assert (len(set(printed)), len(set(never))) == (4500, 500) == (len(printed), len(never))
    assert not set(printed) & set(never)
    assert all(re.fullmatch("[a-z]{3,10}", word) for word in printed + never)
    assert list(printed) == sorted(printed) and list(never) == sorted(never)


def test_no_never_printed_word_is_in_a_concepts_name():
    named = " ".join(f"{concept.name} {concept.plural or ''}" for concept in concepts()).lower()
    assert not set(re.findall("[a-z]+", named)) & set(never_printed_words())


def test_no_word_is_a_plain_inflection_of_another():
    words = set(printed_words() + never_printed_words())
    assert not [word for word in words if word + "s" in words or word + "ing" in words]


def test_twelve_fonts_of_which_four_are_held_out():
    assert (len(trained_fonts()), len(held_out_fonts())) == (8, 4)
    assert len({font.file for font in FONTS}) == 12
    kinds = {font.kind for font in trained_fonts()}
    assert {font.kind for font in held_out_fonts()} <= kinds, "a held-out font is new, not its kind"
    assert sum((FOLDER / font.file).stat().st_size for font in FONTS) < 1_000_000


def drawn(font, text: str) -> bytes:
    picture = Image.new("L", (64, 64))
    ImageDraw.Draw(picture).text((8, 4), text, fill=255, font=read_font(font, 40))
    return np.asarray(picture).tobytes()


@pytest.mark.parametrize("font", FONTS, ids=lambda font: font.name)
def test_a_font_has_each_letter_digit_and_accent(font):
    missing = drawn(font, "\U0010ffff")  # what a font shows for what it does not have
    shapes = {letter: drawn(font, letter) for letter in LETTERS}
    assert missing not in shapes.values() and bytes(64 * 64) not in shapes.values()
    assert len(set(shapes.values())) == len(LETTERS), "two letters look the same"


@pytest.mark.parametrize("font", FONTS, ids=lambda font: font.name)
def test_a_font_comes_with_its_licence(font):
    text = (FOLDER / font.file).with_suffix(".LICENSE.txt").read_text(encoding="utf-8")
    assert "SIL Open Font License" in text or "Apache License" in text
    assert "with reserved font name" not in text.lower(), "a part of it must not bear its name"
