"""Facts about the second world's evaluation sets and tasks: what is held out never comes up in
training, answers are true, and texts alone say nothing.
"""

import re

import pytest
import torch
from small import small_encoder

from clipbench.data.open import open_pictures
from clipbench.data.probe_splits import open_split
from clipbench.data.streams import Scene2Pairs
from clipbench.data.world.drawings import EMOJI_SETS
from clipbench.data.world.evaluation_sets import EVALUATION_SEED
from clipbench.data.world.factors import training_pool
from clipbench.data.world.fonts import held_out_fonts, trained_fonts
from clipbench.data.world.sprites import concepts
from clipbench.data.world2.album import album_of, held_out_album, held_out_icons
from clipbench.data.world2.evaluation_sets import SEED, SETS, icon_concepts, labelled_scenes
from clipbench.data.world2.lettering import decoded, trained_words, unseen_words, words
from clipbench.data.world2.scenes import is_held_out_pair
from clipbench.data.world2.settings import SIGNS, World2
from clipbench.data.world2.tasks import NEW_DENIAL, NEW_NUMBER, NEW_ORDER, TASKS2
from clipbench.evaluate.scene_tasks import scene_task_metrics

QUESTIONS = {name: task.draw(100 * task.answers) for name, task in TASKS2.items()}
PAIRED = [name for name in TASKS2 if name not in ("count", "distance")]


# -------------------- sets


@pytest.mark.parametrize("name", SETS)
def test_every_set_has_labels_names_templates_and_pictures(name):
    data = open_pictures(name)
    assert len(data) == len(data.ids) == len(set(data.ids)) and data.name == name
    assert data.labels.min() >= 0 and data.labels.max() < len(data.class_names)
    assert len(set(data.class_names)) == len(data.class_names)
    assert all(template.count("{}") == 1 for template in data.templates)
    pictures = data.pictures([0, 1, 50])
    assert all(picture.mode == "RGB" and picture.size == (64, 64) for picture in pictures)
    assert pictures[1].tobytes() == data.pictures([1])[0].tobytes()


def test_things_are_alone_and_without_a_sign():
    for name in ("scenes2:heldout", "scenes2:heldout256", "scenes2:icons"):
        scenes = labelled_scenes(name).scenes
        assert (scenes.count == 1).all() and (scenes.sign == 0).all() and (scenes.other < 0).all()
        assert (scenes.absent < 0).all()


def test_another_artist_draws_the_same_concepts():
    pool = training_pool()
    for name in ("twemoji", "openmoji"):
        labelled = labelled_scenes(f"scenes2:{name}")
        drawings = labelled.scenes.drawings(labelled.album, labelled.world)[0]
        assert labelled.class_names == [concepts()[number].name for number in pool.tolist()]
        assert (labelled.album.by_set[labelled.scenes.concept, 0] == drawings).all()
        assert not held_out_album(name).icon_count.any()


def test_icons_of_held_out_sets_are_of_256_concepts():
    kept_back = {drawing.set for drawing in held_out_icons()}
    assert kept_back and not kept_back & set(EMOJI_SETS)
    assert len(icon_concepts()) == 256 == len(set(icon_concepts().tolist()))
    labelled = labelled_scenes("scenes2:icons")
    drawings = labelled.scenes.drawings(labelled.album, labelled.world)[0]
    icons = sorted(held_out_icons(), key=lambda drawing: drawing.concept)
    shown = [icons[number].concept for number in drawings.tolist()]
    assert shown == labelled.scenes.concept.tolist()


def test_words_stand_alone_and_are_the_labels():
    for name in ("scenes2:fonts", "scenes2:words", "scenes2:digits"):
        labelled = labelled_scenes(name)
        texts = decoded(labelled.scenes.letters)
        assert texts == [labelled.class_names[label] for label in labelled.labels.tolist()]
        kind = "digit" if name == "scenes2:digits" else "alone"
        assert (labelled.scenes.sign == SIGNS.index(kind)).all()
        assert (labelled.scenes.objects < 0).all()


def test_fonts_and_words_are_held_out():
    assert not set(trained_fonts()) & set(held_out_fonts())
    assert labelled_scenes("scenes2:fonts").fonts == held_out_fonts()
    assert labelled_scenes("scenes2:digits").fonts == held_out_fonts()
    assert labelled_scenes("scenes2:words").fonts == trained_fonts()
    trained = {words()[row] for row in trained_words().tolist()}
    unseen = {words()[row] for row in unseen_words().tolist()}
    assert set(labelled_scenes("scenes2:words").class_names) <= unseen
    assert set(labelled_scenes("scenes2:fonts").class_names) <= trained and not trained & unseen


def test_probes_train_on_other_scenes_by_trained_makers():
    for name in ("scenes2:icons", "scenes2:fonts"):
        split = open_split(name, scenes=300)
        assert len(split.train) == 300 and split.train.class_names == split.test.class_names
        training = labelled_scenes(name, training=300)
        assert training.album is None and training.fonts in (None, trained_fonts())
        test = labelled_scenes(name).scenes.draws.state.tolist()
        assert not set(training.scenes.draws.state.tolist()) & set(test)


def test_seeds_are_the_evaluations_own():
    seeds = [SEED + number for number in range(2 * len(SETS))]
    seeds += [task.seed + training for task in TASKS2.values() for training in (0, 1)]
    assert len(set(seeds)) == 2 * (len(SETS) + len(TASKS2)) and min(seeds) > EVALUATION_SEED


# -------------------- albums


def test_a_world_of_one_set_shows_every_concept_and_no_held_out_drawing():
    album = album_of(World2(sets=("noto",), icons=0.0))
    pool = training_pool()
    assert (album.by_set[pool] >= 0).any(1).all() and not len(album.icons)
    full = album_of(World2())
    assert len(full.row) > 10 * len(pool)
    assert ((full.by_set[pool] >= 0).any(1) | (full.icon_count[pool] > 0)).all()


def test_a_scene_shows_a_drawing_of_its_concept():
    world = World2()
    stream = Scene2Pairs(0, world)
    scenes = stream.factors(torch.arange(5000))
    album = stream.album
    drawing = scenes.drawings(album, world)[0]
    emoji = (album.by_set[scenes.concept] == drawing[:, None]).any(1)
    number = drawing - int(album.icons[0])
    first = album.first_icon[scenes.concept]
    icon = (number >= first) & (number < first + album.icon_count[scenes.concept])
    assert (emoji | icon).all() and icon.float().mean() > 0.1


# -------------------- tasks


@pytest.mark.parametrize("name", TASKS2)
def test_answers_are_equally_often_right_and_different(name):
    question, answers = QUESTIONS[name], TASKS2[name].answers
    assert question.labels.bincount(minlength=answers).tolist() == [100] * answers
    assert all(len(set(phrases)) == answers for phrases in question.phrases)


@pytest.mark.parametrize("name", PAIRED)
def test_texts_alone_say_nothing(name):
    """The same answers are offered twice, and each is right once."""
    question = QUESTIONS[name]
    right: dict[tuple, set[int]] = {}
    for label, phrases in zip(question.labels.tolist(), question.phrases, strict=True):
        right.setdefault(phrases, set()).add(label)
    assert sum(len(labels) == 2 for labels in right.values()) > 0.95 * len(right)


@pytest.mark.parametrize("name", PAIRED)
def test_pairs_are_held_out(name):
    scenes = QUESTIONS[name].factors
    other = torch.where(scenes.absent >= 0, scenes.absent, scenes.other)
    assert is_held_out_pair(scenes.concept, other).all()


def test_the_number_of_things_says_nothing_about_a_denial():
    for name in ("denial", "denial_reworded"):
        scenes = QUESTIONS[name].factors
        assert ((scenes.objects >= 0).sum(1) == 2).all()
        assert not (scenes.objects == scenes.absent[:, None])[scenes.absent >= 0].any()
    alone = QUESTIONS["denial_alone"]
    assert torch.equal((alone.factors.objects >= 0).sum(1), 2 - alone.labels)


def test_answers_are_true():
    for question in (QUESTIONS["order"], QUESTIONS["order_reworded"]):
        for row, label in enumerate(question.labels.tolist()):
            first = concepts()[int(question.factors.objects[row, 0])].noun_phrase
            assert question.phrases[row][label].startswith(first)
    question = QUESTIONS["denial"]
    for row, label in enumerate(question.labels.tolist()):
        denied = " and no " in question.phrases[row][label]
        assert denied == bool(question.factors.absent[row] >= 0)
    question = QUESTIONS["number"]
    for row, label in enumerate(question.labels.tolist()):
        said = question.phrases[row][label]
        subject = concepts()[int(question.factors.concept[row])]
        many = int(question.factors.count[row]) > 1
        assert (f" {subject.plural} " in f" {said} ") == many


def test_reworded_questions_are_worded_as_no_caption_of_training_is():
    stream = Scene2Pairs(0)
    captions = stream.describe(stream.factors(torch.arange(20_000)))
    for form in (*NEW_ORDER, NEW_NUMBER, NEW_DENIAL[1]):
        pattern = re.compile(re.sub(r"\\?\{\d?\\?\}", r".+", re.escape(form).replace("\\ ", " ")))
        assert not any(pattern.fullmatch(said) for said in captions), form
    said = " ".join(captions)
    assert "together with" not in said and ", not a " not in said


def test_tasks_are_measured_like_those_of_the_first_world():
    numbers = scene_task_metrics(small_encoder(), TASKS2["order"], 40, 80, progress=False)
    assert numbers["answers"] == 2 and numbers["pictures"] == 40 and 0 <= numbers["zero_shot"] <= 1
