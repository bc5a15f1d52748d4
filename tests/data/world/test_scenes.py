"""Facts about the emoji world: scenes and pairs depend on (seed, index) alone, and what is held
out stays out.
"""

import itertools
import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import write_image_folder

from clipbench.data.open import open_pictures
from clipbench.data.readers.captioned import from_picture_set
from clipbench.data.streams import CaptionedPairs, ScenePairs, joined, shifted_and_mirrored
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.draws import Draws, permutation, shuffled_positions
from clipbench.data.world.factors import (
    ARRANGEMENTS,
    COLOURS,
    HELD_OUT_NAMES,
    LAYOUT_NAMES,
    MAX_OBJECTS,
    SIGNS,
    STYLES,
    TEXTURES,
    SceneConfig,
    draw_factors,
    is_held_out,
    training_pool,
)
from clipbench.data.world.languages import LANGUAGES, named
from clipbench.data.world.render import render
from clipbench.data.world.sprites import ART_SETS, SPRITE_SIZE, concept_ids, concepts, sprites

MANY = torch.arange(20_000)


@pytest.fixture(scope="module")
def many():
    """The factors of 20,000 training scenes."""
    return draw_factors(MANY, seed=3)


def same(one, other) -> bool:
    """Whether two sets of factors are equal, bit for bit."""
    names = [name for name in vars(one) if name != "draws"]
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


# -------------------- draws


@given(
    st.integers(0, 2**40),
    st.integers(0, 2**31),
    st.integers(1, 40),
    st.randoms(use_true_random=False),
)
def test_a_draw_depends_on_seed_index_and_name_only(start, seed, count, random):
    index = torch.arange(start, start + count)
    whole = Draws(seed, index).bits("colour")
    order = torch.tensor(random.sample(range(count), count))
    assert torch.equal(Draws(seed, index[order]).bits("colour"), whole[order])
    assert torch.equal(Draws(seed, index)[order].bits("colour"), whole[order])
    assert all(Draws(seed, index[i : i + 1]).bits("colour")[0] == whole[i] for i in range(count))


def test_other_seeds_indices_and_names_give_other_draws():
    bits = Draws(0, MANY).bits("x")
    for other in (
        Draws(1, MANY).bits("x"),
        Draws(0, MANY + 20_000).bits("x"),
        Draws(0, MANY).bits("y"),
    ):
        assert (bits == other).float().mean() < 0.001  # by chance: one in four billion
    assert len(bits.unique()) > 19_990  # 20,000 of 2**32: 0.05 pairs are expected to meet


def test_draws_are_uniform_and_unrelated():
    draws = Draws(5, torch.arange(100_000))
    x, y = draws.uniform("x"), draws.uniform("y")
    assert x.min() >= 0 and x.max() < 1
    # standard errors of 100,000 draws: mean 0.0009, variance 0.0002, correlation 0.0032; five of
    # each are allowed
    assert abs(x.mean() - 0.5) < 0.005 and abs(x.var() - 1 / 12) < 0.0015
    for pair in ((x, y), (x[:-1], x[1:])):
        assert abs(torch.corrcoef(torch.stack(pair))[0, 1]) < 0.016
    counts = draws.integer("die", 6).bincount(minlength=6)
    # chi squared, 5 degrees: p < 0.00002
    assert ((counts - 100_000 / 6).square() / (100_000 / 6)).sum() < 30
    shares = draws.category("loaded", (1, 2, 0, 5)).bincount(minlength=4) / 100_000
    torch.testing.assert_close(shares, torch.tensor([0.125, 0.25, 0, 0.625]), rtol=0, atol=0.008)


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_a_permutation_holds_everything_once_and_changes_with_the_epoch(n):
    one, other = permutation(0, 0, n), permutation(0, 1, n)
    assert sorted(one.tolist()) == sorted(other.tolist()) == list(range(n))
    assert n < 10 or not torch.equal(one, other)


@given(st.integers(1, 50), st.integers(0, 200))
def test_every_epoch_deals_every_position_once(n, epoch):
    index = torch.arange(epoch * n, (epoch + 1) * n)
    assert sorted(shuffled_positions(3, index, n).tolist()) == list(range(n))


# -------------------- scenes


@given(st.integers(0, 10**6), st.integers(0, 1000), st.integers(2, 12))
def test_scenes_of_a_batch_equal_scenes_one_at_a_time(start, seed, count):
    index = torch.arange(start, start + count)
    together = draw_factors(index, seed)
    images, captions = render(together), caption_scenes(together)
    for i in range(count):
        alone = draw_factors(index[i : i + 1], seed)
        assert same(alone, together.rows(torch.tensor([i])))
        assert caption_scenes(alone) == [captions[i]]
        difference = (render(alone)[0].int() - images[i].int()).abs()
        # vectorised sines and sums differ in the last bit, which moves a rounded pixel by one, a
        # painted one by a step
        assert (difference > 2).float().mean() < 0.002


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_a_scene_is_drawn_on_the_device_of_its_index(device):
    there = draw_factors(torch.arange(64, device=device), 1)
    here = draw_factors(torch.arange(64), 1)
    assert there.concept.device.type == device and render(there).device.type == device
    for name in (
        "concept",
        "count",
        "other",
        "layout",
        "objects",
        "style",
        "colour",
        "texture",
        "sign",
        "sign_word",
    ):
        assert torch.equal(getattr(there, name).cpu(), getattr(here, name))
    assert caption_scenes(there) == caption_scenes(here)
    difference = (render(there).cpu().int() - render(here).int()).abs()
    assert (difference > 2).float().mean() < 0.005  # other sines, as above


@pytest.mark.parametrize("size", [32, 64, 96])
def test_scenes_have_the_size_that_was_asked_for(size):
    images = render(draw_factors(torch.arange(5), 0), size=size)
    assert images.shape == (5, 3, size, size) and images.dtype == torch.uint8


@pytest.mark.parametrize("tiny", [False, True], ids=["all concepts", "tiny world"])
def test_each_run_of_the_pools_length_shows_every_concept_once(tiny):
    pool = training_pool(tiny)
    for epoch in (0, 1, 17):
        index = torch.arange(epoch * len(pool), (epoch + 1) * len(pool))
        assert torch.equal(draw_factors(index, 5, pool=pool).concept.sort().values, pool)


def test_the_tiny_world_has_256_concepts_of_the_whole_one():
    assert len(training_pool(tiny=True)) == 256 and set(training_pool(True).tolist()) <= set(
        training_pool().tolist()
    )
    assert len(training_pool()) == len(concepts()) - len(HELD_OUT_NAMES)


def test_seeds_make_different_worlds():
    assert not torch.equal(draw_factors(MANY[:50], 0).concept, draw_factors(MANY[:50], 1).concept)


def test_the_frequencies_of_a_scene_are_those_of_its_config(many):
    # what cannot be counted, read or shown falls back to a photo of one object, so only these two
    # are exact
    shares = torch.bincount(many.colour, minlength=len(COLOURS)) / len(MANY)
    torch.testing.assert_close(
        shares, torch.full((len(COLOURS),), 1 / len(COLOURS)), rtol=0, atol=0.01
    )
    shares = torch.bincount(many.texture, minlength=len(TEXTURES)) / len(MANY)
    torch.testing.assert_close(shares, torch.tensor([0.4, 0.3, 0.1, 0.1, 0.1]), rtol=0, atol=0.02)
    assert all((many.style == style).any() for style in range(len(STYLES)))
    assert all((many.arrangement == kind).any() for kind in range(len(ARRANGEMENTS)))
    assert all((many.sign == kind).any() for kind in range(len(SIGNS)))


def test_a_world_can_be_made_of_one_kind_of_scene():
    config = SceneConfig(
        arrangements=(0, 1, 0, 0), styles=(0, 0, 1, 0, 0, 0, 0), signs=(1, 0, 0, 0), hold_out=False
    )
    countable = torch.tensor([i for i in training_pool().tolist() if concepts()[i].plural])
    factors = draw_factors(MANY[:500], 0, config, countable)
    assert (factors.style == STYLES.index("sketch")).all() and (factors.count >= 2).all()


def test_objects_in_the_picture_are_those_of_the_factors(many):
    drawn = (many.objects == many.concept[:, None]).sum(1)
    assert torch.equal(drawn, many.count)
    other = ((many.objects == many.other[:, None]) & (many.other >= 0)[:, None]).sum(1)
    assert torch.equal(other, many.other_count)
    assert ((many.objects >= 0).sum(1) == many.count + many.other_count).all()
    assert (many.count + many.other_count <= MAX_OBJECTS).all() and (
        many.concept != many.other
    ).all()


def test_places_say_what_they_are_called(many):
    two = many.count + many.other_count == 2
    beside = two & (many.layout == LAYOUT_NAMES.index("horizontal"))
    stacked = two & (many.layout == LAYOUT_NAMES.index("vertical"))
    assert torch.equal(two, beside | stacked)
    assert (many.x[beside, 0] + 0.3 < many.x[beside, 1]).all()
    assert (many.y[stacked, 0] + 0.3 < many.y[stacked, 1]).all()


def test_no_object_leaves_the_picture(many):
    present = many.objects >= 0
    for centre in (many.x, many.y):
        reach = torch.maximum(centre + many.size / 2, 1 - centre + many.size / 2)[present]
        assert reach.max() < 1.09  # a sprite's corners are mostly empty


# -------------------- held out


def test_held_out_names_are_never_trained_on(many):
    unseen = torch.tensor([concept_ids()[name] for name in HELD_OUT_NAMES])
    for where in (many.concept, many.other, many.objects, many.sign_word):
        assert not torch.isin(where, unseen).any()


def test_held_out_styles_are_never_trained_on(many):
    styled = many.style > 0
    assert styled.sum() > 5000 and not is_held_out(many.concept, many.style)[styled].any()


def test_held_out_counts_are_never_trained_on(many):
    several, others = many.count > 1, many.other_count > 1
    assert several.sum() > 1500 and not is_held_out(many.concept, 100 + many.count)[several].any()
    assert others.sum() > 150 and not is_held_out(many.other, 100 + many.other_count)[others].any()


def test_a_tenth_of_all_compositions_is_held_out():
    pool = training_pool()
    for composition in (1, 6, 102, 103):
        share = is_held_out(pool, torch.tensor(composition)).float().mean()
        assert share == pytest.approx(0.1, abs=0.045)  # five standard errors of 1,200 draws


def test_holding_out_can_be_switched_off():
    factors = draw_factors(MANY, 3, SceneConfig(hold_out=False))
    styled = factors.style > 0
    assert is_held_out(factors.concept, factors.style)[styled].float().mean() == pytest.approx(
        0.1, abs=0.03
    )


# -------------------- sprites


def test_every_concept_has_a_picture_in_every_art_set():
    for art in ART_SETS:
        pictures = sprites(art)
        assert pictures.shape == (len(concepts()), 4, SPRITE_SIZE, SPRITE_SIZE)
        opaque = (pictures[:, 3] > 128).float().mean((1, 2))
        assert opaque.min() > 0.02 and opaque.max() < 1, "neither empty nor a full square"


def test_names_are_unique_whatever_their_case_and_plainly_spaced():
    names = [concept.name for concept in concepts()]
    assert len({name.lower() for name in names}) == len(names)
    assert all(name and name == " ".join(name.split()) for name in names)


def test_an_unknown_art_set_names_the_known_ones():
    with pytest.raises(ValueError, match="choose from noto, twemoji, openmoji"):
        sprites("apple")


# -------------------- pairs


@given(st.integers(0, 5000), st.integers(1, 20), st.integers(0, 100))
def test_a_stream_gives_the_same_pairs_in_any_portions(start, count, seed):
    stream = ScenePairs(seed, tiny=True, image_size=32)
    whole = stream(start, count + 3)
    first, rest = stream(start, count), stream(start + count, 3)
    assert first.captions + rest.captions == whole.captions
    difference = (torch.cat([first.images, rest.images]).int() - whole.images.int()).abs()
    assert (difference > 2).float().mean() < 0.002  # as above


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = write_image_folder(tmp_path_factory.mktemp("pairs") / "set", {"red_car": 5, "cat": 3})
    return open_pictures(str(folder))


def test_labelled_pictures_get_captions_of_their_class(labelled):
    stream = CaptionedPairs(from_picture_set(labelled), seed=0, image_size=32)
    pairs = stream(0, 80)
    assert pairs.images.shape == (80, 3, 32, 32) and pairs.images.dtype == torch.uint8
    rows = shuffled_positions(0, torch.arange(80), 8)
    for row, caption in zip(rows.tolist(), pairs.captions, strict=True):
        assert ("cat" if row < 3 else "red car") in caption and "{" not in caption
    assert len(set(pairs.captions)) == 2 * len(labelled.templates)


def test_labelled_pictures_come_once_an_epoch_and_the_same_in_any_portions(labelled):
    stream = CaptionedPairs(from_picture_set(labelled), seed=4, image_size=32)
    whole, parts = stream(3, 20), [stream(3, 9), stream(12, 11)]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    assert sum((part.captions for part in parts), []) == whole.captions


def test_a_shift_moves_by_at_most_an_eighth_and_half_are_mirrored():
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    image[:, :, :, 13] = 255  # a line to the left of the middle
    moved = shifted_and_mirrored(image.expand(2000, -1, -1, -1), Draws(0, torch.arange(2000)))
    column = moved[:, 0, 16].int().argmax(1)
    assert set(column.tolist()) == {*range(9, 18), *range(14, 23)}, (
        "13 or, mirrored, 18: each up to 4 away"
    )
    mirrored = Draws(0, torch.arange(2000)).integer("mirror", 2)
    assert 0.45 < mirrored.float().mean() < 0.55  # four standard errors of 2,000 coins
    assert column[mirrored == 0].max() == 17 and column[mirrored == 1].min() == 14


# -------------------- altered captions


def test_a_world_without_count_words_shows_the_same_and_never_says_how_many():
    groups = SceneConfig(arrangements=(0, 0.4, 0.3, 0.3), signs=(1, 0, 0, 0))
    told, untold = (
        ScenePairs(3, replace(groups, count_words=words), tiny=True)(0, 400)
        for words in (True, False)
    )
    assert torch.equal(told.images, untold.images) and torch.equal(told.labels, untold.labels)
    numbers = re.compile(r"\b(one|two|three|2|3)\b")
    assert sum(bool(numbers.search(caption)) for caption in told.captions) > 250
    assert not [caption for caption in untold.captions if numbers.search(caption)]
    plurals = re.compile(
        "|".join(
            rf"\b{concept.plural}\b" for concept in concepts() if concept.plural != concept.name
        )
    )
    assert not [caption for caption in untold.captions if plurals.search(caption)]


def test_a_world_in_two_languages_shows_the_same_and_describes_half_of_it_in_each():
    spoken = (("en",), ("en", "ru"))
    english, mixed = (
        ScenePairs(3, SceneConfig(languages=codes), tiny=True)(0, 1000) for codes in spoken
    )
    assert torch.equal(english.images, mixed.images)
    kept = sum(a == b for a, b in zip(english.captions, mixed.captions, strict=True))
    russian = sum(bool(re.search("[а-яё]", caption)) for caption in mixed.captions)
    # 500 with four standard deviations; signs are in English
    assert 440 < kept < 560 and 400 < russian < 560


@pytest.mark.parametrize("code", LANGUAGES)
def test_captions_in_another_language_name_what_the_picture_shows(code):
    factors = draw_factors(
        torch.arange(300), 5, SceneConfig(signs=(1, 0, 0, 0)), training_pool(tiny=True)
    )
    for subject, caption in zip(
        factors.concept.tolist(), caption_scenes(factors, languages=(code,)), strict=True
    ):
        assert named(concepts()[subject], code) in caption


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_template_of_a_language_holds_one_name(code):
    language = LANGUAGES[code]
    assert set(language.styles) == set(STYLES)
    for template in (
        *language.any_style,
        *language.sign,
        *itertools.chain(*language.styles.values()),
    ):
        assert template.count("{}") == 1
    assert language.joined.count("{}") == language.with_sign.count("{}") == 2


def test_two_artists_draw_the_same_scenes_in_turns():
    noto, twemoji, both = (
        ScenePairs(3, SceneConfig(art=art), tiny=True)(0, 200)
        for art in (("noto",), ("twemoji",), ("noto", "twemoji"))
    )
    first, second = ((both.images == one.images).flatten(1).all(1) for one in (noto, twemoji))
    assert (first | second).all() and noto.captions == both.captions
    # half of them; four standard deviations of 7, and signs alone are the same in both
    assert 60 < first.sum() < 140


@pytest.mark.parametrize(
    "setting", [{"languages": ("fr",)}, {"languages": ()}, {"art": ("apple",)}]
)
def test_unknown_languages_and_artists_are_refused(setting):
    with pytest.raises(ValueError, match="must be one or more of"):
        SceneConfig(**setting)


def test_several_captions_are_drawn_by_themselves_and_the_first_ones_are_as_ever():
    one, three = (ScenePairs(5, SceneConfig(captions=k), tiny=True)(40, 200) for k in (1, 3))
    assert (
        torch.equal(one.images, three.images)
        and one.captions == three.captions
        and not one.more_captions
    )
    second, third = three.more_captions
    for few, many in itertools.pairwise([one.captions, second, third]):
        # some are equal by chance
        assert 0.6 < sum(a != b for a, b in zip(few, many, strict=True)) / 200 < 1
    parts = [ScenePairs(5, SceneConfig(captions=3), tiny=True)(start, 100) for start in (40, 140)]
    assert joined(parts).more_captions == list(three.more_captions)


def test_wrong_captions_are_wrong_in_all_captions_of_a_picture():
    true, wrong = (
        ScenePairs(5, SceneConfig(captions=2, wrong_captions=w), tiny=True)(0, 300)
        for w in (0.0, 0.5)
    )
    changed = [
        [a != b for a, b in zip(*lists, strict=True)]
        for lists in (
            (true.captions, wrong.captions),
            (true.more_captions[0], wrong.more_captions[0]),
        )
    ]
    # a stranger can share a caption by chance
    assert sum(a == b for a, b in zip(*changed, strict=True)) > 280


@pytest.mark.parametrize("captions", [0, -1])
def test_a_number_of_captions_is_checked(captions):
    with pytest.raises(ValueError, match="captions must be a whole number"):
        SceneConfig(captions=captions)


def test_wrong_captions_are_those_of_other_scenes_and_as_many_as_were_asked_for():
    right, noisy = (
        ScenePairs(3, SceneConfig(wrong_captions=share), tiny=True)(0, 1000) for share in (0.0, 0.3)
    )
    assert torch.equal(right.images, noisy.images)
    changed = sum(a != b for a, b in zip(right.captions, noisy.captions, strict=True))
    # 0.3 of 1000 with three standard deviations of 14; the same words by chance are rare
    assert 250 < changed < 350
    again = ScenePairs(3, SceneConfig(wrong_captions=0.3), tiny=True)
    assert again(0, 400).captions + again(400, 600).captions == noisy.captions


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_of_wrong_captions_is_checked(share):
    with pytest.raises(ValueError, match="wrong_captions must be a share from 0 to 1"):
        SceneConfig(wrong_captions=share)
