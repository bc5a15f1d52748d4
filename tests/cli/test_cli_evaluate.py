"""Facts about ``clipbench eval``: the words that classes go by, and one clear line for data
that cannot be judged.
"""

import csv
import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from small import write_image_folder, write_small_model

from clipbench.cli import main


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A model, pictures in three classes, and data with all kinds of faults."""
    folder = tmp_path_factory.mktemp("eval")
    write_small_model(folder / "model")
    write_image_folder(folder / "pictures", {"cat": 4, "red_car": 4, "sun": 2})
    write_image_folder(folder / "one_class", {"cat": 3})
    write_image_folder(folder / "one_each", {"cat": 1, "dog": 1, "sun": 1})
    write_image_folder(folder / "empty_class", {"cat": 5, "dog": 5, "sun": 0})
    write_image_folder(folder / "torn", {"cat": 5, "dog": 5})
    (folder / "torn" / "cat" / "1.png").write_bytes(b"not a picture")
    whole = (folder / "torn" / "dog" / "2.png").read_bytes()
    (folder / "torn" / "dog" / "2.png").write_bytes(whole[: len(whole) // 2])
    write_image_folder(folder / "all_torn", {"cat": 2, "dog": 1})
    for file in (folder / "all_torn").glob("*/*.png"):
        file.write_bytes(b"not a picture")
    (folder / "templates.txt").write_text("a {}\na photo of a {}.\na drawing of a {}.\n")
    (folder / "no_place.txt").write_text("a {}\na photo\n")
    (folder / "words.txt").write_text("sun\tthe sun\nRed Car\tred automobile\ncat\na dog\n")
    (folder / "too_few.txt").write_text("cat\nsun\n")
    (folder / "twice.txt").write_text("cat\nred car\nsun\nRed_Car\n")
    return folder


@pytest.fixture(scope="module")
def features(world):
    """A feature file, and copies with faults that clipbench itself does not write."""
    file = world / "good.safetensors"
    assert (
        main(
            [
                "embed",
                "--model",
                str(world / "model"),
                "--data",
                str(world / "pictures"),
                "--out",
                str(file),
            ]
        )
        == 0
    )
    tensors, about = load_file(file), json.loads((world / "good.safetensors.json").read_text())
    damaged = tensors["features"].clone()
    damaged[[1, 3], 0] = torch.tensor([float("nan"), float("inf")])
    faults = {
        "nan": tensors | {"features": damaged},
        "narrow": tensors | {"features": tensors["features"][:, :8].contiguous()},
        "labels": tensors | {"labels": tensors["labels"] + 2},
    }
    for name, fault in faults.items():
        save_file(fault, world / f"{name}.safetensors")
        (world / f"{name}.safetensors.json").write_text(json.dumps(about))
    return world


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def evaluated(capsys, world, task, data, *more) -> tuple[dict, str]:
    """(record, stderr) of an evaluation that succeeds."""
    command = (
        "eval",
        task,
        "--model",
        world / "model",
        "--data",
        world / data,
        "--device",
        "cpu",
        *more,
        "--json",
    )
    code, out, err = run(capsys, *command)
    assert code == 0, err
    return json.loads(out), err


# -------------------- what is said


def test_zero_shot_says_what_it_said_of_every_picture(world, tmp_path, capsys):
    command = ("--out", tmp_path / "record.json", "--confusion", tmp_path / "confusion.csv")
    record, err = evaluated(capsys, world, "zero-shot", "pictures", *command)
    assert err == "" and record["settings"]["interval"] == "95 % wilson"
    outcomes = json.loads((tmp_path / "record.json").read_text())["outcomes"]
    hits = [a == b for a, b in zip(outcomes["labels"], outcomes["predictions"], strict=True)]
    assert len(outcomes["ids"]) == 10 and record["metrics"]["top1"] == sum(hits) / 10
    rows = list(csv.reader(open(tmp_path / "confusion.csv", newline="")))
    assert rows[0][1:] == ["cat", "red car", "sun"] == [row[0] for row in rows[1:]]
    counts = [[int(count) for count in row[1:]] for row in rows[1:]]
    assert [sum(row) for row in counts] == [4, 4, 2] and sum(counts[i][i] for i in range(3)) == sum(
        hits
    )


def test_where_templates_are_averaged_is_a_stated_switch(world, capsys):
    for ensemble, words in (("embedding", "unit vectors"), ("probability", "probabilities")):
        command = ("--ensemble", ensemble, "--templates", world / "templates.txt")
        record, _ = evaluated(capsys, world, "zero-shot", "pictures", *command)
        assert words in record["settings"]["ensemble"]
        assert ("scale" in record["settings"]) == (ensemble == "probability")


def test_the_exact_interval_is_the_wider_one(world, capsys):
    wilson, exact = (
        evaluated(capsys, world, "zero-shot", "pictures", "--interval", kind)[0]["metrics"]
        for kind in ("wilson", "clopper-pearson")
    )
    assert wilson["top1"] == exact["top1"]
    assert exact["top1_high"] - exact["top1_low"] > wilson["top1_high"] - wilson["top1_low"]


def test_classes_can_be_given_other_names_and_another_order(world, tmp_path, capsys):
    command = ("--classes", world / "words.txt", "--out", tmp_path / "record.json")
    record, err = evaluated(capsys, world, "zero-shot", "pictures", *command)
    assert record["metrics"]["classes"] == 4 and record["metrics"]["chance"] == 0.25
    outcomes = json.loads((tmp_path / "record.json").read_text())["outcomes"]
    assert outcomes["class_names"] == ["the sun", "red automobile", "cat", "a dog"]
    assert outcomes["labels"] == [2] * 4 + [1] * 4 + [0] * 2
    assert (
        err == "clipbench: 1 of 4 classes have no pictures and can only be wrong answers: 'a dog'\n"
    )


def test_templates_are_chosen_on_one_half_and_scored_on_the_other(world, capsys):
    record, _ = evaluated(
        capsys, world, "select-templates", "pictures", "--templates", world / "templates.txt"
    )
    metrics, settings = record["metrics"], record["settings"]
    assert metrics["pictures"] == 5 and metrics["templates"] == 3 == len(settings["path"])
    assert metrics["templates_kept"] == len(settings["chosen"])
    best = max(step["validation_top1"] for step in settings["path"])
    assert (
        metrics["validation_top1"]
        == best
        == settings["path"][len(settings["chosen"]) - 1]["validation_top1"]
    )


# -------------------- what is at fault


# What makes each evaluation quick, for those that take pictures in classes.
QUICK = {
    "zero-shot": (),
    "select-templates": (),
    "linear-probe": (),
    "few-shot": ("--shots", "1", "--seeds", "1"),
    "retrieval": (),
    "typographic": ("--pictures", "8", "--heights", "none"),
    "robustness": ("--pictures", "12", "--shifts", "noise:3"),
}


@pytest.mark.parametrize("task", [task for task in QUICK if task != "retrieval"])
def test_a_class_without_pictures_is_told_in_one_line(world, capsys, task):
    record, err = evaluated(capsys, world, task, "empty_class", *QUICK[task])
    assert err.count("\n") == 1 and "1 of 3 classes have no pictures" in err and "'sun'" in err
    assert record["metrics"]["classes"] == 3


@pytest.mark.parametrize("task", ["zero-shot", "linear-probe", "retrieval", "select-templates"])
def test_unreadable_pictures_are_left_out_listed_and_counted(world, capsys, task):
    record, err = evaluated(capsys, world, task, "torn")
    left_out = record["settings"]["left_out"]
    origin = int(task == "retrieval")  # a line on where the captions come from
    assert (
        err.count("\n") == 1 + origin
        and "left out: 2 of " in err
        and "cannot be read" in err
        and len(left_out) == 2
    )
    if task == "zero-shot":
        assert record["metrics"]["pictures"] == 8
    assert any("1.png is not a picture" in why for why in left_out.values())
    again, _ = evaluated(capsys, world, task, "torn")
    assert again["metrics"] == record["metrics"] and again["settings"]["left_out"] == left_out


def test_embedding_leaves_unreadable_pictures_out_too(world, tmp_path, capsys):
    command = (
        "embed",
        "--model",
        world / "model",
        "--data",
        world / "torn",
        "--out",
        tmp_path / "f.safetensors",
    )
    code, out, err = run(capsys, *command, "--json")
    assert code == 0 and json.loads(out)["rows"] == 8 and len(json.loads(out)["left_out"]) == 2
    assert err.count("\n") == 1
    assert load_file(tmp_path / "f.safetensors")["labels"].tolist() == [0] * 4 + [1] * 4


def test_the_emoji_worlds_classes_can_be_asked_for_in_another_language(world, tmp_path, capsys):
    command = ("--language", "de", "--out", tmp_path / "record.json")
    record, _ = evaluated(capsys, world, "zero-shot", "one_each", *command)
    assert record["settings"]["words"] == {"classes": "own, in German", "templates": "de"}
    assert "ein Foto von {}" in record["settings"]["templates"]
    assert json.loads((tmp_path / "record.json").read_text())["outcomes"]["class_names"] == [
        "Katze",
        "Hund",
        "Sonne",
    ]


def test_one_picture_a_class_is_classified_with_a_wide_interval(world, capsys):
    metrics = evaluated(capsys, world, "zero-shot", "one_each")[0]["metrics"]
    assert metrics["pictures"] == 3 and metrics["top1_high"] - metrics["top1_low"] > 0.5


@pytest.mark.parametrize(
    "task, data, more, told",
    [
        *(
            (task, "one_class", QUICK[task], "has one class only, 'cat'")
            for task in ("zero-shot", "select-templates", "linear-probe", "few-shot")
        ),
        ("typographic", "one_class", (), "an attack needs two or more"),
        ("robustness", "one_class", QUICK["robustness"], "share 1 classes"),
        *(
            (task, "one_each", (), "every class has one picture")
            for task in ("select-templates", "linear-probe", "few-shot")
        ),
        *(
            (task, "all_torn", QUICK[task], "none of the 3 pictures of")
            for task in ("zero-shot", "retrieval", "typographic")
        ),
        ("robustness", "torn", QUICK["robustness"], "2 of 10 pictures cannot be read"),
        *(
            (
                task,
                "pictures",
                ("--templates", "{world}/no_place.txt"),
                "template 'a photo' needs {} once",
            )
            for task in ("zero-shot", "select-templates", "typographic", "robustness")
        ),
        *(
            (
                task,
                "pictures",
                ("--classes", "{world}/too_few.txt"),
                "too_few.txt does not list: 'red car'; add",
            )
            for task in ("zero-shot", "select-templates")
        ),
        (
            "zero-shot",
            "pictures",
            ("--classes", "{world}/twice.txt"),
            "twice.txt lists 'red car' twice",
        ),
        (
            "zero-shot",
            "pictures",
            ("--classes", "{world}/absent.txt"),
            "is no file and no known set",
        ),
        ("zero-shot", "pictures", ("--language", "es"), "knows the names of the emoji world only"),
        (
            "zero-shot",
            "one_each",
            ("--language", "tlh"),
            "unknown --language 'tlh'; give es, de, zh, ru",
        ),
        ("zero-shot", "one_each", ("--language", "es", "--classes", "own"), "leave --classes out"),
        ("zero-shot", "pictures", ("--ensemble", "sum"), "invalid choice: 'sum'"),
        ("zero-shot", "pictures", ("--confusion", "{world}/templates.txt/x.csv"), "cannot write"),
        *(
            (task, "nan.safetensors", (), "2 of 10 rows of features are not finite numbers")
            for task in ("zero-shot", "select-templates")
        ),
        *(
            (
                task,
                "narrow.safetensors",
                (),
                "pictures have 8 features and texts 16: they are not of the same",
            )
            for task in ("zero-shot", "select-templates")
        ),
        *(
            (task, "nan.safetensors", (), "holds features; give pictures here")
            for task in ("linear-probe", "few-shot", "retrieval", "typographic", "robustness")
        ),
        ("zero-shot", "labels.safetensors", (), "has labels beyond its 3 class names"),
        ("multi-label", "pictures", (), "has no lists of labels"),
        ("scene-tasks", "pictures", (), "as data give scenes"),
        ("units", "pictures", (), "leave --data out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_data_that_cannot_be_judged_bring_one_line(features, capsys, task, data, more, told):
    more = [word.format(world=features) for word in more]
    command = (
        "eval",
        task,
        "--model",
        features / "model",
        "--data",
        features / data,
        "--device",
        "cpu",
        *more,
    )
    code, out, err = run(capsys, *command)
    assert code == 2 and out == "" and "Traceback" not in err
    origin = int("retrieval" in command and "captions: " in err)
    assert err.count("\n") == 1 + origin and told in err


def test_rescoring_agrees_with_averaging_everything_again(capsys):
    command = (
        "bench",
        "rescore",
        "--pictures",
        "500",
        "--classes",
        "30",
        "--templates",
        "4",
        "--width",
        "16",
    )
    code, out, _ = run(capsys, *command, "--rounds", "1", "--threads", "1", "--json")
    # one picture: rounding
    assert code == 0 and json.loads(out)["threads_1"]["top1_differs_by"] < 0.003
