"""Facts about typographic attacks: what is printed on whom, a model that reads, one that
cannot, and the numbers.
"""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from small import noise_picture, one_line, small_encoder, write_image_folder, write_small_model
from terminal import watched

from clipbench import UserError, open_pictures
from clipbench.cli.main import main
from clipbench.data.alter.sticker import Sticker, covered_box, print_on
from clipbench.data.image_set import PictureSet
from clipbench.data.readers.word_photos import is_word_folder, open_word_photos
from clipbench.evaluate.statistics.intervals import clopper_pearson
from clipbench.evaluate.typographic import (
    CONTROL_WORDS,
    Classifier,
    Judgement,
    attack_metrics,
    clean,
    judgement,
    masked,
    named_word_metrics,
    photo_metrics,
    plan_attack,
    printed,
    typographic_attack,
)

NAMES = ["cat", "dog", "sun", "rhinoceros"]
STICKER = Sticker("word", 0.3, (0.5, 0.8))


def gray_pictures(count: int) -> PictureSet:
    """Gray pictures whose first pixel tells their class, where no sticker comes."""

    def pictures(rows):
        found = [Image.new("RGB", (64, 64), (128, 128, 128)) for _ in rows]
        for row, picture in zip(rows, found, strict=True):
            picture.putpixel((0, 0), (row % len(NAMES), 0, 0))
        return found

    return PictureSet(
        "gray",
        torch.arange(count) % 4,
        NAMES,
        ["a {}"],
        pictures,
        [str(row) for row in range(count)],
    )


class Looker:
    """An encoder that tells classes by the first pixel, and reads printed class names if it
    ``can_read``.
    """

    name, embed_dim, scale, fingerprint = "looker", len(NAMES), 1.0, "none"

    def __init__(self, can_read: bool):
        self.words = {}
        for number, name in enumerate(NAMES if can_read else ()):
            page = print_on(
                Image.new("RGB", (64, 64), (128, 128, 128)), Sticker(name, 0.3, (0.5, 0.8))
            )
            self.words[self.below_the_first_row(page)] = number

    @staticmethod
    def below_the_first_row(picture: Image.Image) -> bytes:
        return picture.crop((0, 1, 64, 64)).tobytes()

    def preprocess(self, pictures):
        seen = [
            self.words.get(self.below_the_first_row(each), each.getpixel((0, 0))[0])
            for each in pictures
        ]
        return torch.tensor(seen)

    def encode_image(self, seen):
        return torch.eye(len(NAMES))[seen]

    image_tower = encode_text = tokens = encode_image


def attack(encoder, count: int = 40, **options) -> dict:
    data = gray_pictures(count)
    plan = plan_attack(data.labels, NAMES)
    return typographic_attack(
        encoder, data, [Classifier("", lambda f: f)], STICKER, plan, **options
    )


# -------------------- the plan


def test_targets_are_other_classes_and_all_of_them_come_up():
    labels = torch.arange(3000) % 4
    plan = plan_attack(labels, NAMES)
    assert (plan.targets != labels).all()
    for label in range(4):
        counts = plan.targets[labels == label].bincount(minlength=4)
        # 250 expected, 15 the deviation
        assert counts[label] == 0 and (counts[counts > 0] > 180).sum() == 3
    assert plan.words == [NAMES[target] for target in plan.targets.tolist()]


def test_a_plan_depends_on_the_seed_and_nothing_else():
    labels = torch.arange(50) % 4
    assert torch.equal(plan_attack(labels, NAMES, 1).targets, plan_attack(labels, NAMES, 1).targets)
    assert not torch.equal(
        plan_attack(labels, NAMES, 1).targets, plan_attack(labels, NAMES, 2).targets
    )
    assert torch.equal(
        plan_attack(labels[:20], NAMES, 1).targets, plan_attack(labels, NAMES, 1).targets[:20]
    )


def test_long_names_can_be_left_out():
    plan = plan_attack(torch.arange(400) % 4, NAMES, longest=8)
    assert set(plan.words) == {"cat", "dog", "sun"}


def test_control_words_name_no_class_and_are_as_long():
    plan = plan_attack(torch.arange(200) % 4, [*NAMES, "Any"], longest=8)
    assert "any" not in plan.controls and set(plan.controls) <= set(CONTROL_WORDS)
    assert {len(word) for word in plan.controls} == {3}
    assert len(CONTROL_WORDS) == len(set(CONTROL_WORDS)) and {2, 4, 8, 12} <= {
        len(word) for word in CONTROL_WORDS
    }


def test_no_control_word_is_a_thing_of_the_world():
    assert not set(CONTROL_WORDS) & set(open_pictures("scenes:heldout-name").class_names)


def test_without_two_short_names_there_is_no_attack():
    with pytest.raises(UserError) as error:
        plan_attack(torch.arange(4), NAMES, longest=2)
    assert "0 class names have at most 2 letters" in one_line(error.value)


# -------------------- the pictures


def test_the_central_square_is_attacked():
    wide = PictureSet(
        "wide",
        torch.tensor([0]),
        NAMES,
        ["a {}"],
        lambda rows: [noise_picture(90, 60) for _ in rows],
        ["0"],
    )
    (picture,), (attacked,) = (
        clean(wide).pictures([0]),
        printed(wide, ["dog"], STICKER).pictures([0]),
    )
    assert picture.size == attacked.size == (60, 60)
    assert picture.tobytes() == noise_picture(90, 60).crop((15, 0, 75, 60)).tobytes()
    assert attacked.tobytes() == print_on(picture, Sticker("dog", 0.3, (0.5, 0.8))).tobytes()


def test_a_mask_hides_the_sticker_and_no_more():
    data = gray_pictures(1)
    (before,), (after,) = data.pictures([0]), masked(data, ["rhinoceros"], STICKER).pictures([0])
    left, top, right, bottom = covered_box(Sticker("rhinoceros", 0.3, (0.5, 0.8)), (64, 64))
    difference = np.asarray(before, dtype=int) - np.asarray(after)
    assert len(np.unique(np.asarray(after)[top:bottom, left:right].reshape(-1, 3), axis=0)) == 1
    difference[top:bottom, left:right] = 0
    assert not difference.any()


# -------------------- the verdict


def test_a_model_that_reads_falls_for_every_attack_and_for_no_control():
    metrics = attack(Looker(can_read=True), heights=())
    assert metrics["clean_top1"] == metrics["control_top1"] == metrics["masked_top1"] == 1
    assert metrics["success"] == metrics["flipped"] == 1 and metrics["attacked_top1"] == 0
    assert metrics["control_target"] == metrics["clean_target"] == metrics["control_cost"] == 0
    assert (metrics["two_way_clean"], metrics["two_way_attacked"], metrics["two_way_control"]) == (
        1,
        0,
        1,
    )
    assert (metrics["chance"], metrics["pictures"], metrics["classes"]) == (0.25, 40, 4)


def test_a_model_that_cannot_read_does_not_care():
    metrics = attack(Looker(can_read=False), heights=(0.3,))
    assert metrics["attacked_top1"] == metrics["attacked_top1_at_0.3"] == 1
    assert (
        metrics["success"] == metrics["success_at_0.3"] == 0 and metrics["success_at_0.3_high"] > 0
    )


def test_a_sweep_covers_more_and_more():
    metrics = attack(Looker(can_read=True), heights=(0.1, 0.3))
    assert metrics["success_at_0.3"] == 1 and metrics["success_at_0.1"] == 0, (
        "it reads one size only"
    )
    assert 0 < metrics["covered_at_0.1"] < metrics["covered_at_0.3"] < 0.5


def test_scores_become_verdicts():
    scores = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [0.0, 2.0, 1.0]])
    verdict = judgement(scores, torch.tensor([0, 0, 0]), torch.tensor([2, 2, 2]))
    assert verdict.right.tolist() == [True, False, False]
    assert verdict.target.tolist() == [False, True, False]
    assert verdict.prefers_true.tolist() == [True, False, False]


def test_the_numbers_are_those_defined():
    yes, no = True, False
    before = Judgement(
        torch.tensor([yes, yes, no, yes]), torch.tensor([no, no, yes, no]), torch.tensor([yes] * 4)
    )
    after = Judgement(
        torch.tensor([no, yes, no, no]), torch.tensor([yes, no, yes, no]), torch.tensor([no] * 4)
    )
    control = Judgement(
        torch.tensor([yes, no, no, no]), torch.tensor([no, no, no, yes]), torch.tensor([yes] * 4)
    )
    metrics = attack_metrics(before, after, control)
    wanted = {
        "clean_top1": 3 / 4,
        "attacked_top1": 1 / 4,
        "control_top1": 1 / 4,
        "success": 1 / 2,
        "flipped": 1 / 3,
        "clean_target": 1 / 4,
        "control_target": 1 / 4,
        "control_cost": 1 / 2,
        "two_way_attacked": 0,
    }
    assert {name: metrics[name] for name in wanted} == pytest.approx(wanted)
    assert all(f"{name}_low" in metrics and f"{name}_high" in metrics for name in wanted)
    exact = attack_metrics(before, after, control, "probe_", "clopper-pearson")
    assert (exact["probe_success_low"], exact["probe_success_high"]) == pytest.approx(
        clopper_pearson(2, 4)
    )


def test_a_named_word_is_a_two_way_question(monkeypatch):
    encoder, data = small_encoder(), gray_pictures(6)
    plan = plan_attack(data.labels, NAMES)
    terminal = watched(monkeypatch, seconds=0.0)
    metrics = named_word_metrics(encoder, data, plan.words, plan.targets, progress=False)
    assert terminal.getvalue() == "", "no bar was wanted"
    by_hand = []
    pictures = encoder.encode_image(encoder.preprocess(data.pictures(range(6))))
    for picture, label, word in zip(pictures, data.labels.tolist(), plan.words, strict=True):
        texts = [f"a {name} with a sign that says {word}" for name in (NAMES[label], word)]
        true, other = (encoder.encode_text(texts) @ picture).tolist()
        by_hand.append(true > other)
    assert metrics["two_way_named_word"] == pytest.approx(sum(by_hand) / 6)


# -------------------- own photos


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    names = (
        "label=dog_text=cat.png",
        "label=hot_dog_text=cat_2.png",
        "label=cat.png",
        "mine_label=sun_text=dog.png",
        "._label=dog_text=cat.png",  # macOS's companion, no picture
    )
    for number, name in enumerate(names):
        noise_picture(40, 30, seed=number).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_file_names_say_what_is_there_and_what_is_written(photos):
    found = open_word_photos(photos)
    names = found.data.class_names
    assert names == ["cat", "dog", "hot dog", "sun"] and is_word_folder(photos)
    assert len(found.data) == 4
    said = {
        (names[label], names[word] if word >= 0 else None)
        for label, word in zip(found.data.labels.tolist(), found.written.tolist(), strict=True)
    }
    assert said == {("dog", "cat"), ("hot dog", "cat"), ("cat", None), ("sun", "dog")}
    assert found.data.pictures([0])[0].size == (40, 30)


def test_photographs_without_words_are_no_attack(tmp_path):
    noise_picture(9, 9).save(tmp_path / "label=dog.png")
    with pytest.raises(UserError) as error:
        open_word_photos(tmp_path)
    assert "no file is named label=..._text=..." in one_line(error.value)


def test_clean_and_attacked_photographs_are_counted_apart():
    right = torch.tensor([True, False, True, False])
    verdict = Judgement(right, ~right, right)
    metrics = photo_metrics(verdict, torch.tensor([True, True, True, False]))
    assert metrics["attacked_top1"] == pytest.approx(2 / 3) and metrics["clean_top1"] == 0
    assert metrics["success"] == pytest.approx(1 / 3)
    assert "clean_top1" not in photo_metrics(verdict, torch.tensor([True] * 4))


# -------------------- command line


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("model") / "model")


def run(capsys, *arguments) -> tuple[int, dict | str]:
    code = main(["eval", "typographic", "--json", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if code == 0 else captured.err


def test_a_folder_is_attacked_zero_shot_and_by_its_probe(capsys, model, tmp_path):
    folder = write_image_folder(tmp_path / "pictures", {"cat": 6, "red_car": 6, "sun": 6})
    command = ("--model", model, "--data", folder, "--heights", "0.2", "--probe", "--seed", 3)
    code, record = run(capsys, *command)
    assert code == 0
    metrics, settings = record["metrics"], record["settings"]
    for prefix in ("", "probe_", "wording_"):
        assert {
            prefix + name for name in ("success", "success_at_0.2", "masked_top1", "control_cost")
        } <= set(metrics)
    assert (
        metrics["pictures"] == 3
        and metrics["chance"] == pytest.approx(1 / 3)
        and metrics["two_way_chance"] == 0.5
    )
    assert settings["sticker"]["height"] == 0.25 and settings["seed"] == 3
    assert run(capsys, *command)[1]["metrics"] == metrics


def test_photographs_with_words_need_no_sticker(capsys, model, photos):
    code, record = run(capsys, "--model", model, "--data", photos)
    assert code == 0 and {
        "attacked_top1",
        "success",
        "clean_top1",
        "wording_success",
        "two_way_named_word",
    } <= set(record["metrics"])
    assert record["metrics"]["pictures_with_a_word"] == 3 and record["metrics"]["classes"] == 4


def test_the_table_is_printed(capsys, model, tmp_path):
    folder = write_image_folder(tmp_path / "pictures", {"cat": 3, "sun": 3})
    assert (
        main(
            [
                "eval",
                "typographic",
                "--model",
                str(model),
                "--data",
                str(folder),
                "--heights",
                "0.2",
            ]
        )
        == 0
    )
    printed_table = capsys.readouterr().out
    assert (
        "zero-shot" in printed_table
        and "height  covered" in printed_table
        and "chance 50" in printed_table
    )


@pytest.mark.parametrize(
    "wrong, message",
    [
        (("--height", "2"), "height must be a number from 0.01 to 1"),
        (("--heights", "0.1,x"), "must be numbers with commas"),
        (("--position", "0.5"), "--position needs two numbers"),
        (("--text-color", "bleu"), "unknown colour 'bleu'"),
        (("--longest", "1"), "0 class names have at most 1 letters"),
        (("--font", "no.ttf"), "no.ttf is not a TrueType or OpenType font"),
    ],
)
def test_mistakes_end_in_one_line(capsys, model, tmp_path, wrong, message):
    folder = write_image_folder(tmp_path / "pictures", {"cat": 2, "sun": 2})
    code, error = run(capsys, "--model", model, "--data", folder, *wrong)
    assert code == 2 and message in error and error.count("\n") == 1


def test_photographs_train_no_probe(capsys, model, photos):
    code, error = run(capsys, "--model", model, "--data", photos, "--probe")
    assert code == 2 and "leave --probe out" in error
