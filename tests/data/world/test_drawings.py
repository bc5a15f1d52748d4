"""The second world's drawings: who made them, which are held out, and that every one is there."""

import hashlib
import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from clipbench.data.world import drawings as module
from clipbench.data.world.drawings import (
    EMOJI_SETS,
    all_drawings,
    drawing_picture,
    drawing_pixels,
    drawing_sets,
    drawing_sprites,
    held_out_drawings,
    sets_of,
    sheet_cells,
    trained_drawings,
)
from clipbench.data.world.sprites import WORLD, concept_ids, concepts, sprite_image, sprites
from clipbench.errors import UserError

PERMISSIVE = {
    "MIT",
    "Apache-2.0",
    "CC-BY-4.0",
    "CC0-1.0",
    "ISC",
    "BSD-3-Clause",
    "Unlicense",
    "OFL-1.1",
}
NEVER_TRAINED = {
    "twemoji",
    "openmoji",
    "ph",
    "lucide",
    "lucide-lab",
    "feather",
    "game-icons",
}
TWIN = 0.8  # tools.assets.near_twins.TWINS
# Trained and held-out drawings are frozen: another table is another world
TABLE = "a5b46f402ec5613135847f94c3d92cf713bb84036d16309b98db4660e8b22b24"


def of_split(split: str):
    return [drawing for drawing in all_drawings() if drawing.split == split]


def test_the_table_is_frozen():
    text = module.TABLE.read_bytes().replace(b"\r\n", b"\n")
    assert hashlib.sha256(text).hexdigest() == TABLE


def test_nine_emoji_sets_by_five_makers_and_icons_by_more_than_a_hundred():
    icons = [drawing for drawing in of_split("trained") if drawing.set not in EMOJI_SETS]
    assert len(EMOJI_SETS) == 9 and set(EMOJI_SETS) < set(sets_of("trained"))
    assert len({drawing_sets()[name].maker for name in EMOJI_SETS}) == 5
    assert len({drawing.maker for drawing in icons}) > 100
    assert len(of_split("trained")) == 17012 and len(icons) == 9021


def test_every_concept_has_a_trained_drawing():
    assert all(trained_drawings(concept) for concept in range(len(concepts())))


def test_trained_drawings_have_permissive_licences():
    assert {drawing.licence for drawing in of_split("trained")} <= PERMISSIVE


def test_no_held_out_set_and_no_relative_of_one_is_trained_on():
    assert set(sets_of("held-out")) == NEVER_TRAINED
    assert not {drawing.set for drawing in of_split("trained")} & NEVER_TRAINED
    makers = {drawing_sets()[name].maker for name in NEVER_TRAINED}
    assert not {drawing.maker for drawing in of_split("trained")} & makers


def test_held_out_drawings_have_no_twin_but_where_a_concept_has_no_other_drawing():
    twins = [drawing for drawing in of_split("held-out") if drawing.likeness >= TWIN]
    assert {drawing.set for drawing in twins} == {"twemoji"} and len(twins) == 2
    for drawing in twins:
        assert [kept.set for kept in trained_drawings(drawing.concept)] == ["noto"]


def test_no_cell_is_empty_and_none_is_used_twice():
    places = Counter((drawing.sheet, drawing.cell) for drawing in all_drawings())
    assert set(places.values()) == {1}
    for sheet in dict.fromkeys(drawing.sheet for drawing in all_drawings()):
        cells = [drawing.cell for drawing in all_drawings() if drawing.sheet == sheet]
        pixels = sheet_cells(sheet)[cells]
        opacity = pixels[..., 3] if pixels.ndim == 4 else pixels
        assert (opacity.reshape(len(cells), -1).max(1) > 128).all(), sheet


def test_a_table_of_all_makers_comes_with_the_drawings():
    text = (WORLD / "MAKERS.md").read_text(encoding="utf-8")
    used = Counter(drawing.set for drawing in all_drawings())
    rows = re.findall(r"\(`([\w-]+)`\) \| .* \| ([\w.-]+) \| (\d+) \| (trained|held out) \|", text)
    assert {name: int(count) for name, _, count, _ in rows} == used
    assert {name: licence for name, licence, *_ in rows} == {
        name: about.licence for name, about in drawing_sets().items()
    }


def test_new_sheets_hold_at_most_ten_megabytes():
    old = {"noto", "twemoji", "openmoji"}
    new = {drawing.sheet for drawing in all_drawings()} - old
    assert sum((WORLD / f"{sheet}.webp").stat().st_size for sheet in new) <= 10_000_000


def test_noto_is_the_first_worlds_sheet():
    cat = concept_ids()["cat"]
    (drawing,) = trained_drawings(cat, sets=["noto"])
    assert np.array_equal(drawing_picture(drawing), sprite_image(cat, "noto"))


def test_a_mask_is_black_and_a_picture_has_colours():
    colour = trained_drawings(concept_ids()["cat"], sets=["fluent-emoji-flat"])[0]
    mask = trained_drawings(concept_ids()["cat"], sets=["fluent-emoji-high-contrast"])[0]
    assert (colour.kind, mask.kind) == ("colour", "mask")
    assert drawing_picture(mask).mode == "RGBA" and drawing_picture(mask).size == (64, 64)
    assert drawing_pixels(mask)[..., :3].max() == 0 and drawing_pixels(mask)[..., 3].max() == 255
    assert len(np.unique(drawing_pixels(mask)[..., 3])) <= 8
    assert drawing_pixels(colour)[..., :3].max() > 100


def test_sprites_are_shaped_as_the_first_worlds():
    drawings = trained_drawings(concept_ids()["cat"])
    found = drawing_sprites(drawings)
    assert found.shape == (len(drawings), *sprites("noto").shape[1:])
    assert found.dtype == sprites("noto").dtype
    assert np.array_equal(found[0].permute(1, 2, 0).numpy(), drawing_picture(drawings[0]))
    assert drawing_sprites([]).shape == (0, 4, 64, 64)


@pytest.mark.parametrize("name", ["lucide", "twemoji", "no such set"])
def test_asking_to_train_on_another_set_is_refused_in_one_line(name):
    with pytest.raises(UserError, match=f"no trained set '{name}'; choose from noto") as refusal:
        trained_drawings(0, sets=[name])
    assert "\n" not in str(refusal.value)


def test_held_out_sets_are_asked_for_by_name():
    assert len(held_out_drawings("twemoji")) == len(concepts())
    assert {drawing.split for drawing in held_out_drawings("lucide")} == {"held-out"}
    with pytest.raises(UserError, match="no held-out set 'noto'"):
        held_out_drawings("noto")


def test_a_sheet_is_decoded_once(monkeypatch):
    drawing_picture(trained_drawings(0)[0])
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("decoded again"))
    drawing_picture(trained_drawings(0)[0])
