"""Facts about the second world: scenes depend on (seed, index) alone, partners differ in one factor,
captions are true, and what is held out stays out.
"""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clipbench.data.streams import Scene2Pairs, joined
from clipbench.data.world.factors import HELD_OUT_NAMES, STYLES, is_held_out
from clipbench.data.world.fonts import trained_fonts
from clipbench.data.world.sprites import concept_ids, concepts
from clipbench.data.world2.album import album_of, drawings_of, named_by_colour
from clipbench.data.world2.captions import caption_scenes
from clipbench.data.world2.lettering import (
    decoded,
    encoded,
    keys,
    set_in_type,
    unseen_words,
    with_another_letter,
    word_letters,
    words,
)
from clipbench.data.world2.render import hue_and_saturation, render
from clipbench.data.world2.scenes import (
    LAYOUT_NAMES,
    draw_scenes,
    is_held_out_pair,
)
from clipbench.data.world2.settings import CONTRASTS, KINDS, SIGNS, World2, one_kind

MANY = torch.arange(20_000)
ALL_PARTNERS = World2(partners=1.0)


@pytest.fixture(scope="module")
def many():
    return draw_scenes(MANY, 3)


@pytest.fixture(scope="module")
def partners():
    """(first ones, second ones): 10,000 pairs of partners."""
    scenes = draw_scenes(MANY, 3, ALL_PARTNERS)
    return scenes.rows(MANY[::2]), scenes.rows(MANY[1::2])


def captions_of(scenes, world=World2()):
    drawings = scenes.drawings(album_of(world), world)[0]
    return caption_scenes(scenes, world, album_of(world).one_colour[drawings])


def same(one, other, leaving_out=()) -> bool:
    names = [name for name in vars(one) if name not in ("draws", *leaving_out)]
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def of_contrast(partners, name):
    """The pairs that differ in ``name``."""
    rows = (partners[0].contrast == CONTRASTS.index(name)).nonzero()[:, 0]
    return [side.rows(rows) for side in partners]


# -------------------- a pure function


@given(st.integers(0, 10**6), st.integers(0, 1000), st.integers(2, 10))
def test_scenes_of_a_batch_equal_scenes_one_at_a_time(start, seed, count):
    world, index = World2(), torch.arange(start, start + count)
    together = draw_scenes(index, seed)
    images, captions = render(together, world, album_of(world)), captions_of(together)
    for i in range(count):
        alone = draw_scenes(index[i : i + 1], seed)
        assert same(alone, together.rows(torch.tensor([i])))
        assert captions_of(alone) == [captions[i]]
        difference = (render(alone, world, album_of(world))[0].int() - images[i].int()).abs()
        # vectorised sines differ in the last bit, which moves a painted pixel by a step
        assert (difference > 2).float().mean() < 0.002


def test_a_stream_is_a_function_of_the_position():
    stream = Scene2Pairs(5, tiny=True)
    whole = stream(40, 64)
    parts = joined([stream(40, 16), stream(56, 48)])
    assert whole.captions == parts.captions and torch.equal(whole.labels, parts.labels)
    assert (whole.images.int() - parts.images.int()).abs().float().mean() < 0.1
    assert whole.images.shape == (64, 3, 64, 64) and whole.images.dtype == torch.uint8
    assert whole.captions != Scene2Pairs(6, tiny=True)(40, 64).captions


@pytest.mark.parametrize("size", [32, 64, 96])
def test_scenes_have_the_size_that_was_asked_for(size):
    images = Scene2Pairs(0, image_size=size)(0, 40).images
    assert images.shape == (40, 3, size, size) and images.float().std() > 20


def test_a_larger_picture_shows_the_same_scene():
    small, large = (Scene2Pairs(0, image_size=size)(0, 100).images.float() for size in (32, 128))
    smaller = torch.nn.functional.avg_pool2d(large, 4)
    photos = draw_scenes(torch.arange(100), 0).style == STYLES.index("photo")
    assert (smaller - small)[photos].abs().mean() < 12  # of 255


# -------------------- partners


def test_partners_share_every_factor_but_one(partners):
    first, second = partners
    assert same(
        first,
        second,
        leaving_out=(
            "second", "count", "other", "other_count", "absent", "objects", "layout", "sign",
            "letters", "x", "y", "size",
        ),
    )  # fmt: skip
    order = of_contrast(partners, "order")
    assert same(*order, leaving_out=("second", "objects"))
    assert torch.equal(order[0].objects[:, :2], order[1].objects[:, :2].flip(1))
    number = of_contrast(partners, "number")
    assert torch.equal(number[0].count + 1, number[1].count)
    assert same(*number, leaving_out=("second", "objects", "count"))
    swapped = of_contrast(partners, "numbers swapped")
    assert torch.equal(swapped[0].count, swapped[1].other_count)
    letter = of_contrast(partners, "letter")
    assert same(*letter, leaving_out=("second", "letters"))
    assert ((letter[0].letters != letter[1].letters).sum(1) == 1).all()
    presence = of_contrast(partners, "presence")
    assert torch.equal(presence[0].other, presence[1].absent)
    replaced = presence[1].other >= 0
    assert 0.3 < replaced.float().mean() < 0.5  # half, but for thirds that may not stand there
    assert torch.equal((presence[1].objects >= 0).sum(1), 1 + replaced.long())
    kept = presence[0].objects == presence[0].concept[:, None]
    assert torch.equal(kept, presence[1].objects == presence[1].concept[:, None])
    assert same(*presence, leaving_out=("second", "objects", "other", "other_count", "absent"))
    thing = of_contrast(partners, "word or thing")
    assert (thing[0].count == 1).all() and (thing[1].sign == SIGNS.index("alone")).all()
    assert all(len(of_contrast(partners, name)[0]) > 100 for name in CONTRASTS)


def test_each_caption_of_partners_is_true_of_one_of_them_only(partners):
    """Text alone gives nothing away: both wordings occur, each as the truth of a picture."""
    said = [captions_of(side, ALL_PARTNERS) for side in partners]
    equal = torch.tensor([a == b for a, b in zip(*said, strict=True)])
    assert equal.float().mean() < 0.005  # a letter that may not be changed
    order = of_contrast(partners, "order")
    for one, other in zip(*(captions_of(side, ALL_PARTNERS) for side in order), strict=True):
        assert sorted(one.split()) == sorted(other.split()) or one != other


def test_partners_can_be_switched_off():
    scenes = draw_scenes(MANY[:2000], 0, World2(partners=0.0))
    assert (scenes.contrast < 0).all() and not scenes.second.any()


def test_the_share_of_partners_is_that_of_the_settings(many):
    assert (many.contrast >= 0).float().mean() == pytest.approx(0.35, abs=0.02)


# -------------------- what is seen


def test_the_frequencies_of_a_scene_are_those_of_its_settings():
    scenes = draw_scenes(MANY, 3, World2(partners=0.0, hold_out=False))
    shares = torch.bincount(scenes.kind, minlength=len(KINDS)) / len(MANY)
    assert shares[KINDS.index("sign")].item() == pytest.approx(0.22, abs=0.012)
    assert shares[KINDS.index("ground")].item() == pytest.approx(0.06, abs=0.008)
    clear = scenes.style[scenes.sign == 0]
    shares = torch.bincount(clear, minlength=len(STYLES)) / len(clear)
    expected = torch.tensor(World2().styles)
    torch.testing.assert_close(shares, expected, rtol=0, atol=0.015)
    assert scenes.capitals.float().mean() == pytest.approx(0.3, abs=0.02)


def test_objects_in_the_picture_are_those_of_the_factors(many):
    drawn = (many.objects == many.concept[:, None]).sum(1)
    assert torch.equal(drawn, many.count)
    other = ((many.objects == many.other[:, None]) & (many.other >= 0)[:, None]).sum(1)
    assert torch.equal(other, many.other_count)
    assert not (many.objects == many.absent[:, None])[many.absent >= 0].any()
    assert {1, 2, 3, 4, 5} <= set(many.count.tolist())


def test_no_two_objects_stand_in_one_place(many):
    here = many.objects >= 0
    for a in range(5):
        for b in range(a):
            two = here[:, a] & here[:, b]
            apart = (many.x[:, a] - many.x[:, b]).abs() + (many.y[:, a] - many.y[:, b]).abs()
            assert apart[two].min() > 0.2


def test_what_stands_farther_away_touches_the_ground_higher_and_may_be_larger():
    world = one_kind("ground")
    scenes = draw_scenes(MANY[:4000], 0, world)
    size, foot = scenes.size[:, 0], scenes.y[:, 0] + 0.46 * scenes.size[:, 0]
    depth = (foot - scenes.horizon) / (0.97 - scenes.horizon)
    for near in range(3):
        close, far = scenes.distance == near, scenes.distance == near + 1
        assert depth[close].min() >= depth[far].max() - 0.01
        assert size[close].min() < size[far].max()  # size alone does not tell


def test_captions_are_silent_about_distance():
    captions = captions_of(draw_scenes(MANY[:4000], 0, one_kind("ground")))
    assert not any(word in said.split() for said in captions for word in ("near", "far", "close"))


def test_relations_say_where_things_are(partners):
    for scenes in of_contrast(partners, "order"):
        for row, said in enumerate(captions_of(scenes, ALL_PARTNERS)[:300]):
            left = concepts()[int(scenes.objects[row, 0])].noun_phrase
            right = concepts()[int(scenes.objects[row, 1])].noun_phrase
            if "left of" in said or "above" in said:
                assert said.index(left) < said.rindex(right)


def test_numbers_in_captions_are_those_of_the_picture():
    world = one_kind("several", other_languages=0.0)
    scenes = draw_scenes(MANY[:2000], 0, world)
    scenes = scenes.rows(scenes.count > 1)
    numbers = {2: "two", 3: "three", 4: "four", 5: "five"}
    counted = 0
    for count, said in zip(scenes.count.tolist(), captions_of(scenes, world), strict=True):
        spoken = {word for word in numbers.values() if f" {word} " in f" {said} "}
        assert spoken <= {numbers[count]}
        counted += bool(spoken)
    assert counted > len(scenes) * 0.6


@pytest.mark.parametrize(
    "off, gone",
    [
        ({"count_words": False}, (" two ", " three ", " four ", " five ")),
        ({"denials": 0.0, "partners": 0.0}, (" no ", " without ")),
        ({"relations": 0.0, "partners": 0.0}, (" left of ", " right of ", " above ", " below ")),
        ({"kinds": (0.6, 0.2, 0.2, 0.0, 0.0), "partners": 0.0}, (" word ", " sign ")),
    ],
    ids=["counts", "denials", "relations", "signs"],
)
def test_what_is_switched_off_is_never_said(off, gone):
    world = World2(other_languages=0.0, **off)
    scenes = draw_scenes(MANY[:4000], 0, world)
    own = {f" {word} " for concept in concepts() for word in concept.name.split()}
    captions = [f" {said} " for said in captions_of(scenes, world)]
    usual = [f" {said} " for said in captions_of(draw_scenes(MANY[:4000], 0))]
    for word in set(gone) - own:
        count = sum(word in said for said in captions)
        assert count <= sum(word in said for said in usual) * 0.02, word


def test_bare_names_are_as_frequent_as_the_settings_say():
    names = {concept.name for concept in concepts()}
    for share in (0.05, 0.8):
        world = one_kind("one", bare_names=share, other_languages=0.0, aliases=0.0)
        said = captions_of(draw_scenes(MANY[:4000], 0, world), world)
        found = sum(each in names for each in said) / len(said)
        assert found == pytest.approx(share, abs=0.025)


def test_one_caption_in_four_is_in_another_language():
    world = one_kind("one", bare_names=0.0)
    scenes = draw_scenes(MANY[:4000], 0, world)
    said = captions_of(scenes, world)
    chinese = sum(any("\u4e00" <= letter <= "\u9fff" for letter in each) for each in said)
    assert chinese / len(said) == pytest.approx(0.07, abs=0.015)


def test_a_caption_reads_what_the_sign_says():
    world = one_kind("sign", signs=(0, 0, 1, 0), other_languages=0.0)
    scenes = draw_scenes(MANY[:500], 0, world)
    for text, said in zip(decoded(scenes.letters), captions_of(scenes, world), strict=True):
        assert text in said


# -------------------- held out


def test_held_out_names_styles_numbers_and_pairs_are_never_trained_on(many):
    unseen = torch.tensor([concept_ids()[name] for name in HELD_OUT_NAMES])
    for where in (many.concept, many.other, many.objects, many.absent):
        assert not torch.isin(where, unseen).any()
    styled = many.style > 0
    assert not is_held_out(many.concept, many.style)[styled].any()
    for thing, count in ((many.concept, many.count), (many.other, many.other_count)):
        assert not is_held_out(thing, 100 + count)[count > 1].any()
    for other in (many.other, many.absent):
        here = other >= 0
        assert here.sum() > 500
        assert is_held_out_pair(many.concept, other)[here].float().mean() < 1e-3
    pairs = many.other >= 0
    assert not is_held_out_pair(many.concept, many.other)[pairs].any()


def test_a_pair_is_held_out_whichever_comes_first():
    a, b = MANY[:1000] % 1200, (MANY[:1000] * 7 + 3) % 1200
    assert torch.equal(is_held_out_pair(a, b), is_held_out_pair(b, a))
    assert is_held_out_pair(a, b).float().mean() == pytest.approx(0.1, abs=0.04)


# -------------------- letters


def test_another_letter_changes_one_letter_and_never_makes_a_word_that_is_kept_back(monkeypatch):
    from clipbench.data.world2 import lettering

    letters = encoded(["cat"] * 75)
    place, step = torch.arange(75) % 3, 1 + torch.arange(75) % 25
    changed = with_another_letter(letters, place, step)
    assert ((changed != letters).sum(1) == 1).all()
    assert all(text.isalpha() and len(text) == 3 for text in decoded(changed))
    kept_back = encoded(["bat", "car", "cut"])
    monkeypatch.setattr(lettering, "word_letters", lambda: kept_back)
    monkeypatch.setattr(lettering, "unseen_words", lambda: torch.arange(3))
    again = decoded(with_another_letter(letters, place, step))
    assert not set(again) & {"bat", "car", "cut"}


def test_words_keep_their_letters():
    texts = ["a", "hot dog", "abcdefghijkl"]
    assert decoded(encoded(texts)) == texts
    assert len(keys(encoded(["cat", "act", "cats"])).unique()) == 3
    assert len(word_letters()) == len(words())


def test_no_word_that_is_kept_back_is_printed(many):
    kept_back = {words()[row] for row in unseen_words().tolist()}
    assert not kept_back & set(decoded(many.letters))


def test_a_longer_word_is_wider_and_every_letter_leaves_ink():
    texts = ["i", "in", "inn", "wwwwwwwwwwww"]
    strips, width = set_in_type(encoded(texts), torch.zeros(4, dtype=torch.int64), trained_fonts())
    assert (width.diff() > 0).all() and 0 <= strips.shape[2] - width.max() < 4
    assert (strips.float().sum((1, 2)).diff() > 0).all()
    assert strips[0, :, int(width[0]) :].sum() == 0 and strips.shape[2] % 4 == 0


# -------------------- colours


def test_jitter_spares_what_is_named_by_its_colour():
    for name in ("red apple", "green heart", "black cat"):
        assert named_by_colour()[concept_ids()[name]]
    assert not named_by_colour()[concept_ids()["crown"]]


def test_what_is_named_by_its_colour_is_drawn_in_it():
    squares = {concept_ids()[f"{colour} square"] for colour in ("red", "blue", "brown")}
    for drawing in drawings_of("trained"):
        if drawing.kind == "mask" and drawing.concept not in squares:
            assert not named_by_colour()[drawing.concept], drawing


def test_no_turn_and_full_saturation_leave_colours_as_they_are():
    one = hue_and_saturation(torch.zeros(1), torch.ones(1))[0]
    torch.testing.assert_close(one, torch.eye(3), rtol=0, atol=2e-3)
    gray = hue_and_saturation(torch.tensor([0.5]), torch.zeros(1))[0] @ torch.tensor(
        [0.2, 0.6, 0.1]
    )
    assert gray.std() < 1e-6


# -------------------- settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": (1, 2)},
        {"styles": (0,) * 7},
        {"jitter": 1.5},
        {"sets": ("twemoji",)},
        {"languages": ("fr",)},
        {"captions": 0},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        World2(**wrong)


def test_a_world_of_one_kind_has_no_other():
    for kind in ("one", "sign", "ground"):
        scenes = draw_scenes(MANY[:300], 0, one_kind(kind))
        assert (scenes.kind == KINDS.index(kind)).all()
    assert replace(World2(), partners=0.0, kinds=(0, 0, 0, 1.0, 0)) == one_kind("sign")
    assert "scattered" in LAYOUT_NAMES
