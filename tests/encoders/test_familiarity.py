"""Facts about what a model says of pictures and texts that its training never held."""

import json

import pytest
from small import one_line, small_encoder

import clipbench
from clipbench import UserError
from clipbench.data.streams import ScenePairs
from clipbench.data.world.words import never_printed_words, printed_words
from clipbench.encoders.familiarity import (
    PICTURES,
    WORDS,
    Familiarity,
    line_on,
    read_reference,
    words_of,
)
from clipbench.pretrained.folders import find_folder, twins

NONSENSE = ("qwertz", "blorp", "zzyxq", "flumph", "krzt")


@pytest.fixture(scope="module")
def classroom():
    return clipbench.load("classroom")


@pytest.mark.parametrize(
    "text, words",
    [
        ("A photo of a Dog.", ["a", "photo", "of", "a", "dog"]),
        ("don’t walk; a cat's 'toy'", ["don't", "walk", "a", "cat's", "toy"]),
        ("IMG_0017.jpg 3x4", ["img", "jpg", "x"]),
        ("Straße, niño, ёж", ["straße", "niño", "ёж"]),
        ("nin\u0303o", ["niño"]),
        ("一张猫的照片", list("一张猫的照片")),
        ("कुत्ता", ["कुत्ता"]),
        ("<b>cat</b>\u202e🐶", ["b", "cat", "b"]),
        ("", []),
    ],
)
def test_words_are_runs_of_letters(text, words):
    assert words_of(text) == words


def test_words_that_no_caption_held_are_named(classroom):
    known = classroom.familiarity(texts=["a photo of a dog", "qwertz and a blorp, qwertz"])
    assert known.never_read == ("qwertz", "blorp") and known.learned_little == ()
    assert known.line == "never read in training: qwertz, blorp"


def test_every_word_of_the_world_was_read(classroom):
    captions = ScenePairs(seed=0)(0, 300).captions
    assert classroom.familiarity(texts=captions).never_read == ()


def test_a_language_that_it_hardly_read_is_named(classroom):
    assert classroom.familiarity(texts=["perro"]).line == "learned little Spanish"
    assert classroom.familiarity(texts=["собака", "Hund"]).learned_little == ("German", "Russian")
    assert classroom.familiarity(texts=["a dog"]).line == ""


def test_who_learned_five_languages_names_none():
    known = clipbench.load("twin:languages").familiarity(
        texts=["una foto de perro", "ein Foto von Hund", "на фото собака", "一张狗的照片"]
    )
    assert known.line == ""


def test_dictionary_words_outside_of_the_captions_are_found(classroom):
    """Of the printed words only those that captions hold too were read."""
    read = classroom.reference.words.languages
    outside = [word for word in (*printed_words(), *never_printed_words()) if word not in read]
    asked = [*outside[:: len(outside) // 1000][:1000], *NONSENSE]
    assert len(asked) == 1005
    assert classroom.familiarity(texts=asked).never_read == tuple(asked)


def test_the_counts_are_those_of_the_captions_that_it_was_trained_on():
    """The first captions of the training, drawn again: none of their words is counted less often."""
    from tools.assets.build_familiarity import captions, streams_of

    folder = find_folder("tiny")
    read = read_reference(folder).words
    (stream, pairs), *more = streams_of(json.loads((folder / "about.json").read_text()))
    assert pairs == 154_880 and not more
    counts: dict[str, int] = {}
    for word in (word for text in captions(stream, 0, 2000) for word in words_of(text)):
        counts[word] = counts.get(word, 0) + 1
    for word, count in counts.items():
        assert read.counts[read.languages[word]][word] >= count
    assert stream(0, 50).captions == captions(stream, 0, 50)


def test_a_model_of_ones_own_says_nothing():
    known = small_encoder().familiarity([], ["qwertz"])
    assert known == Familiarity() and known.line == ""
    assert line_on(object(), [], ["qwertz"]) == ""


def test_a_line_stays_short():
    line = Familiarity(never_read=tuple("x" * 100 + str(n) for n in range(20))).line
    assert line.endswith(" and 12 more") and len(line) < 320


def test_pictures_are_counted():
    assert Familiarity((0.5,)).line == ""
    line = "unlike anything that the model was trained on"
    assert Familiarity((0.01,)).line == f"this picture is {line}"
    assert Familiarity((0.01, 0.5, 0.0)).line == f"2 of 3 pictures are {line}"


@pytest.mark.parametrize("name", [WORDS, PICTURES])
def test_a_damaged_reference_is_told_in_a_line(tmp_path, name):
    (tmp_path / name).write_text("{")
    with pytest.raises(UserError, match="damaged") as error:
        read_reference(tmp_path)
    one_line(error.value)


@pytest.mark.parametrize("name", ["classroom", "tiny", *(f"twin:{twin}" for twin in twins())])
def test_references_are_small(name):
    for file in (WORDS, PICTURES):
        if (path := find_folder(name) / file).exists():
            assert path.stat().st_size < 200_000


def test_of_many_pictures_a_few_are_strange_by_chance():
    names = tuple(f"folder/{n}.jpg" for n in range(100))
    few = Familiarity((0.01,) * 4 + (0.5,) * 96, names=names)
    assert len(few.strange) == 4 and few.line == ""
    more = Familiarity((0.02, 0.5, 0.004, 0.01, 0.003, 0.02, *(0.5,) * 94), names=names)
    told = "5 of 100 pictures are unlike anything that the model was trained on"
    assert more.line == f"{told}: 4.jpg, 2.jpg, 3.jpg, ..."
    assert more.of_rows([1, 4]).line.startswith("1 of 2") and more.of_rows([1, 4]).names == (
        names[1],
        names[4],
    )


def test_a_long_name_of_a_picture_is_cut():
    line = Familiarity((0.01, 0.5), names=("x" * 300 + ".jpg", "b.jpg")).line
    assert len(line) < 120
