"""Facts about the scene tasks: answers that are true of their scenes, fair chances, own seeds,
and what is measured.
"""

import json

import pytest
import torch
from frozen_world import digest
from small import BAG_OF_WORDS, VIT, evaluate_small, one_line, small_clip, small_encoder

from clipbench import UserError, text_features
from clipbench.cli.main import main
from clipbench.data.probe_splits import PROBE_SEED
from clipbench.data.world.evaluation_sets import EVALUATION_SEED
from clipbench.data.world.factors import COLOURS, SIGNS, STYLES, training_pool
from clipbench.data.world.scene_tasks import (
    FEW,
    SENSES,
    TASKS,
    SceneTask,
    groups,
    scene_task,
    short_words,
    subjects,
)
from clipbench.data.world.sprites import concept_ids, concepts
from clipbench.encoders.clip import ClipbenchEncoder, RivalEncoder
from clipbench.evaluate.scene_tasks import answer_scores, scene_task_metrics
from clipbench.inside.stimuli import SEED as STIMULI_SEED
from clipbench.objectives import make_objective
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer

ENCODER = small_encoder()
QUESTIONS = {name: task.draw(8 * task.answers) for name, task in TASKS.items()}


def rows_of(name: str):
    """(row, right answer's phrase, all phrases) of each scene of a task."""
    question = QUESTIONS[name]
    for row, (label, phrases) in enumerate(
        zip(question.labels.tolist(), question.phrases, strict=True)
    ):
        yield row, phrases[label], phrases


# -------------------- every task


def test_there_are_a_dozen_tasks_and_more():
    wanted = {
        "concept",
        "group",
        "count",
        "position",
        "distance",
        "relation",
        "colour",
        "style",
        "sign_word",
        "negation",
        "word_order",
        "polysemy",
    }
    assert wanted <= set(TASKS) and len(TASKS) >= 14


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_answers_are_equally_often_right_and_different(task: SceneTask):
    question = QUESTIONS[task.name]
    assert question.labels.bincount(minlength=task.answers).tolist() == [8] * task.answers
    assert len(question.phrases) == len(question.factors) == 8 * task.answers
    assert all(len(set(phrases)) == task.answers for phrases in question.phrases)
    assert task.chance == 1 / task.answers and all(
        template.count("{}") == 1 for template in task.templates
    )


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_more_scenes_begin_with_the_same_ones_and_training_has_others(task: SceneTask):
    few, more = task.draw(2 * task.answers), task.draw(4 * task.answers)
    drawn = set(more.factors.draws.state.tolist())
    assert set(few.factors.draws.state.tolist()) <= drawn
    assert not drawn & set(task.draw(2 * task.answers, training=True).factors.draws.state.tolist())


def test_seeds_are_the_evaluations_own():
    seeds = [task.seed + training for task in TASKS.values() for training in (0, 1)]
    assert len(set(seeds)) == 2 * len(TASKS)
    assert min(seeds) > STIMULI_SEED + 500 > EVALUATION_SEED, (
        "training refuses seeds from EVALUATION_SEED on"
    )
    assert PROBE_SEED not in seeds


def test_every_subject_is_of_the_tiny_world():
    tiny = set(training_pool(tiny=True).tolist())
    for question in QUESTIONS.values():
        assert set(question.factors.objects.unique().tolist()) <= tiny | {-1}
    named = {*FEW, *(name for names in SENSES.values() for name in names)}
    assert {concept_ids()[name] for name in named} <= tiny
    assert len(set(subjects().tolist())) == 64 and len(set(short_words().tolist())) == 32


def test_the_questions_are_frozen():
    """Numbers measured on them today and next year are about the same scenes."""
    said = {
        name: digest(question.labels.tolist(), question.phrases)
        for name, question in QUESTIONS.items()
    }
    assert digest(said) == "93a62782f776441c", said


# -------------------- answers that are true


def test_one_thing_is_called_by_its_name_kind_and_number():
    for name in ("concept", "group", "count", "colour", "style", "distance", "position"):
        assert (QUESTIONS[name].factors.sign == 0).all()
    for row, right, _ in rows_of("concept"):
        assert right == concepts()[QUESTIONS["concept"].factors.concept[row]].noun_phrase
    for row, right, _ in rows_of("group"):
        assert right == concepts()[QUESTIONS["group"].factors.concept[row]].hypernym
    for row, right, _ in rows_of("count"):
        factors = QUESTIONS["count"].factors
        shown, concept = int((factors.objects[row] >= 0).sum()), concepts()[factors.concept[row]]
        assert (
            right
            == {1: concept.noun_phrase, 2: f"two {concept.plural}", 3: f"three {concept.plural}"}[
                shown
            ]
        )
    assert all(len(ids) >= 4 for ids in groups().values())


def test_places_and_distances_are_those_said():
    for row, right, _ in rows_of("position"):
        factors = QUESTIONS["position"].factors
        x, y = float(factors.x[row, 0]), float(factors.y[row, 0])
        assert ("left" in right) == (x < 0.4) and ("right" in right) == (x > 0.6)
        assert ("top" in right) == (y < 0.4) and ("bottom" in right) == (y > 0.6)
        assert ("middle" in right) == (0.4 <= x <= 0.6 and 0.4 <= y <= 0.6)
    for row, right, _ in rows_of("distance"):
        assert ("close up" in right) == (QUESTIONS["distance"].factors.size[row, 0] > 0.85)


def test_backgrounds_and_styles_are_those_said():
    for row, right, _ in rows_of("colour"):
        assert f" {list(COLOURS)[QUESTIONS['colour'].factors.colour[row]]} background" in right
    words = {"photo": "a photo", "grayscale": "black and white"}
    for row, right, _ in rows_of("style"):
        style = STYLES[QUESTIONS["style"].factors.style[row]]
        assert words.get(style, style) in right


@pytest.mark.parametrize("name", ["relation", "word_order"])
def test_relations_hold_in_the_picture(name):
    factors = QUESTIONS[name].factors
    for row, right, _ in rows_of(name):
        place = {concepts()[factors.objects[row, k]].noun_phrase: k for k in (0, 1)}
        for words, axis, sign in (
            (" to the left of ", factors.x, 1),
            (" to the right of ", factors.x, -1),
            (" above ", factors.y, 1),
            (" below ", factors.y, -1),
        ):
            if words in right:
                first, second = (axis[row, place[phrase]] for phrase in right.split(words))
                assert sign * (second - first) > 0.2


def test_the_two_orders_have_the_same_words():
    for _, _, phrases in rows_of("word_order"):
        assert sorted(phrases[0].split()) == sorted(phrases[1].split())


def test_numbers_belong_to_their_things():
    factors = QUESTIONS["number_of_each"].factors
    for row, right, _ in rows_of("number_of_each"):
        shown = factors.objects[row].tolist()
        twice = concepts()[max(shown, key=shown.count)]
        assert len(set(shown)) == 2 and f"two {twice.plural}" in right


def test_what_is_not_there_is_denied():
    factors = QUESTIONS["negation"].factors
    for row, right, _ in rows_of("negation"):
        shown = {concepts()[number].name for number in factors.objects[row].tolist() if number >= 0}
        assert (" and no " in right) == (len(shown) == 1)
        if " and no " in right:
            assert right.split(" and no ")[1] not in shown


def test_words_and_senses_are_those_shown():
    for row, right, _ in rows_of("sign_word"):
        factors = QUESTIONS["sign_word"].factors
        assert right == concepts()[factors.sign_word[row]].name and (factors.objects[row] < 0).all()
    for row, right, _ in rows_of("word_or_thing"):
        assert ("sign" in right) == (SIGNS[QUESTIONS["word_or_thing"].factors.sign[row]] == "alone")
    for row, right, _ in rows_of("polysemy"):
        assert (
            right.split(", ")[1] == concepts()[QUESTIONS["polysemy"].factors.concept[row]].hypernym
        )


# -------------------- the numbers


def test_scores_are_similarities_with_each_scenes_own_answers():
    task, question = TASKS["count"], QUESTIONS["count"]
    features = text_features(ENCODER, [f"scene {row}" for row in range(len(question.labels))])
    scores = answer_scores(ENCODER, task, question, features)
    for row in (0, 7):
        for answer, phrase in enumerate(question.phrases[row]):
            prompts = ENCODER.encode_text([template.format(phrase) for template in task.templates])
            mean = prompts.mean(0) / prompts.mean(0).norm()
            assert float(scores[row, answer]) == pytest.approx(
                float(mean @ features[row]), abs=1e-5
            )


def test_a_text_encoder_that_counts_words_is_at_chance_in_word_order():
    model = small_clip(VIT, BAG_OF_WORDS)
    encoder = ClipbenchEncoder(model, world_tokenizer(), Preprocess(VIT.image_size), "bag")
    question = QUESTIONS["word_order"]
    scores = answer_scores(
        encoder, TASKS["word_order"], question, torch.randn(len(question.labels), 16)
    )
    torch.testing.assert_close(scores[:, 0], scores[:, 1], rtol=0, atol=1e-5)


def test_a_probe_finds_what_the_pixels_show():
    """Even the features of a random encoder hold the background's colour."""
    metrics = scene_task_metrics(ENCODER, TASKS["colour"], pictures=120, train=240)
    assert metrics["probe"] > 3 * metrics["chance"] and metrics["probe_converged"] is True
    assert metrics["probe_low"] < metrics["probe"] < metrics["probe_high"]
    assert (metrics["chance"], metrics["pictures"], metrics["answers"]) == (1 / 12, 120, 12)
    without = scene_task_metrics(ENCODER, TASKS["colour"], pictures=120, train=0)
    assert "probe" not in without and without["zero_shot"] == metrics["zero_shot"]


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: scene_task("counts"),
            "no scene task 'counts' (did you mean 'count'?); choose from concept, group",
        ),
        (lambda: TASKS["concept"].draw(63), "concept has 64 answers: 63 pictures are too few"),
    ],
)
def test_mistakes_are_told_in_one_line(call, message):
    with pytest.raises(UserError) as error:
        call()
    assert message in one_line(error.value)


def test_the_command_gives_every_task_and_a_table(capsys, tmp_path):
    asked = ["--tasks", "count", "negation", "--pictures", "24"]
    command = evaluate_small("scene-tasks", tmp_path, *asked)
    assert main([*command, "--train", "24", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    for name, answers in (("count", 3), ("negation", 2)):
        assert record["metrics"][f"{name}/answers"] == answers
        assert {
            f"{name}/{kind}{end}"
            for kind in ("zero_shot", "probe")
            for end in ("", "_low", "_high")
        } <= set(record["metrics"])
    assert record["metrics"]["mean_chance"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert record["settings"]["seeds"]["count"] == [TASKS["count"].seed, TASKS["count"].seed + 1]
    assert main([*command, "--train", "0"]) == 0
    table = capsys.readouterr().out
    assert "negation" in table and "one, two or three of it" in table
    assert main([*command, "--data", "digits"]) == 2
    assert main([*command, "--train", "0", "--shots", "1,2"]) == 2


def test_a_curve_of_few_shots_ends_in_the_whole_probe(capsys, tmp_path):
    asked = ["--tasks", "count", "--pictures", "24", "--train", "24"]
    command = evaluate_small("scene-tasks", tmp_path, *asked)
    assert main([*command, "--shots", "1,2,16", "--seeds", "2", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    metrics = record["metrics"]
    assert (
        metrics["count/probe_full"] == metrics["count/probe"]
        and record["settings"]["shot_seeds"] == 2
    )
    assert {
        "count/probe_1_low",
        "count/probe_2_high",
        "count/probe_examples_to_match_zero_shot",
    } <= set(metrics)
    assert "count/probe_16" not in metrics  # an answer has eight training scenes


def test_a_model_of_another_objective_has_probes_only():
    rival = RivalEncoder(
        make_objective("bow", small_clip()), world_tokenizer(), Preprocess(VIT.image_size)
    )
    numbers = scene_task_metrics(rival, TASKS["count"], 24, 24, shots=(1, 2), seeds=(0,))
    assert numbers["probe_2"] <= 1 and not [
        name for name in numbers if "zero_shot" in name or "match" in name
    ]
    with pytest.raises(UserError, match="no joint space"):
        scene_task_metrics(rival, TASKS["count"], 24, train=0)
