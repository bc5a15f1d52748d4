"""Which icons are chosen for a concept, and what counts as a twin of a held-out drawing."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tools.assets.icon_sets import (
    HELD_OUT_SETS,
    is_trained_icon_set,
    named_icons,
    slug,
    svg_of,
    without_style,
)
from tools.assets.near_twins import TWINS, likeness, shapes_and_luminances, without_copies
from tools.assets.render_icons import pngs
from tools.assets.sheets import save_masks, squared

ICONS = {
    "width": 24,
    "icons": {
        "cat": {"body": "<path d='M1'/>"},
        "cat-fill": {"body": "<path d='M2'/>"},
        "cat-bold": {"body": "<path d='M3'/>"},
        "catalog": {"body": "<path d='M4'/>"},
        "mouse": {"body": "<path d='M5'/>"},
        "dog": {"body": "<path d='M6'/>", "hidden": True},
    },
    "aliases": {"kitty": {"parent": "cat"}, "tac": {"parent": "cat", "hFlip": True}},
}
CONCEPTS = [{"name": name} for name in ("cat", "mouse", "dog")]


@pytest.fixture
def iconify(tmp_path):
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "some.json").write_text(json.dumps(ICONS))
    return tmp_path


def test_a_concept_gets_its_plain_icon_and_a_filled_one(iconify):
    chosen = named_icons(iconify, "some", CONCEPTS)
    assert [(icon.concept, icon.name) for icon in chosen] == [(0, "cat"), (0, "cat-bold")]


def test_turned_aliases_and_hidden_icons_are_left_out():
    assert svg_of(ICONS, "kitty") == svg_of(ICONS, "cat") != svg_of(ICONS, "cat-fill")
    assert svg_of(ICONS, "tac") is None and svg_of(ICONS, "dog") is None


@pytest.mark.parametrize(
    "name, bare",
    [("cat-fill-24", "cat"), ("ice-cream", "ice-cream"), ("t-cat-line", "cat"), ("line", "line")],
)
def test_style_words_and_the_sets_own_marks_are_taken_off(name, bare):
    assert without_style(name, {"prefixes": {"t": "Thin", "": "Plain"}}) == bare


def test_names_are_spelled_as_in_icon_sets():
    assert slug("Mrs. Claus") == "mrs-claus" and slug("woman's hat") == "womans-hat"
    assert slug("piñata") == "pinata"


@pytest.mark.parametrize(
    "licence, category, trained",
    [("MIT", "UI 24px", True), ("CC-BY-SA-4.0", "UI 24px", False), ("MIT", "Logos", False)],
)
def test_only_permissive_sets_of_things_are_trained_on(licence, category, trained):
    about = {"license": {"spdx": licence}, "category": category}
    assert is_trained_icon_set("some", about) == trained
    assert not any(is_trained_icon_set(name, about) for name in HELD_OUT_SETS)


# --- likeness ----------------------------------------------------------------------------------


def drawn(kind: str, box: tuple, **colours) -> Image.Image:
    picture = Image.new("RGBA", (64, 64))
    getattr(ImageDraw.Draw(picture), kind)(box, **colours)
    return picture


CIRCLE = drawn("ellipse", (8, 8, 55, 55), fill="black")
MOVED = drawn("ellipse", (10, 10, 57, 57), fill="black")  # by a pixel at the size of comparison
RING = drawn("ellipse", (8, 8, 55, 55), outline="black", width=4)
SQUARE = drawn("rectangle", (8, 8, 55, 55), fill="black")
RED, BLUE = (drawn("ellipse", (8, 8, 55, 55), fill=colour) for colour in ("red", "blue"))


def like(first: Image.Image, second: Image.Image, is_mask: bool = True) -> float:
    one, other = (shapes_and_luminances([picture], [is_mask]) for picture in (first, second))
    return float(likeness(one, other)[0, 0])


def test_a_copy_is_a_twin_even_if_it_moved():
    assert like(CIRCLE, CIRCLE) == pytest.approx(1, abs=1e-3)
    assert like(CIRCLE, MOVED) == pytest.approx(1, abs=1e-3)


def test_an_outline_and_another_shape_are_no_twins():
    assert like(CIRCLE, RING) < TWINS and like(CIRCLE, SQUARE) < TWINS


def test_flat_shapes_of_two_colours_are_twins_but_not_one_with_a_pattern():
    assert like(RED, BLUE, is_mask=False) == pytest.approx(1, abs=1e-3)
    spotted = RED.copy()
    ImageDraw.Draw(spotted).ellipse((20, 20, 44, 44), fill="white")
    assert like(RED, spotted, is_mask=False) < TWINS


def test_copies_within_a_set_are_found_and_the_first_is_kept():
    assert without_copies([CIRCLE, RING, CIRCLE, SQUARE, RING]) == [0, 1, 3]


# --- files -------------------------------------------------------------------------------------


def test_the_renderers_file_is_read_with_its_empty_pictures():
    assert pngs(b"\3\0\0\0abc\0\0\0\0\1\0\0\0d") == [b"abc", b"", b"d"]
    assert pngs(b"") == []


def test_a_sprite_fills_its_square_and_masks_have_eight_greys(tmp_path):
    sprite = squared(CIRCLE.crop((0, 0, 60, 64)))
    assert sprite.getbbox() == (1, 1, 63, 63)
    assert squared(Image.new("RGBA", (9, 9))) is None
    save_masks([sprite, sprite], tmp_path / "masks.webp")
    with Image.open(tmp_path / "masks.webp") as image:
        pixels = np.asarray(image)
    assert 2 < len(np.unique(pixels)) <= 8 and (pixels[:64, :64] == pixels[:64, 64:128]).all()
