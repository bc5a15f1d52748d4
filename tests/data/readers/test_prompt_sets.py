"""Facts about the words of well-known data sets: how many, in what order, how they are found,
where they are from.
"""

import json
from pathlib import Path

import pytest
import torch
from small import one_line, write_image_folder, write_small_model

from clipbench import UserError, open_pictures
from clipbench.cli import main
from clipbench.data.image_set import TEMPLATES
from clipbench.data.readers.class_names import match_classes, plain
from clipbench.data.readers.prompt_sets import (
    FOLDER,
    prompt_set,
    prompt_set_names,
    recognised,
    words_for,
)

COUNTS = {  # classes and templates, as the paper's tables and OpenAI's list have them
    "cifar10": (10, 18),
    "cifar100": (100, 18),
    "mnist": (10, 1),
    "stl10": (10, 2),
    "rendered-sst2": (2, 1),
    "food101": (101, 1),
    "pets": (37, 1),
    "flowers102": (102, 1),
    "dtd": (47, 8),
    "eurosat": (10, 3),
    "gtsrb": (43, 3),
    "voc2007": (20, 1),
    "imagenet": (1000, 80),
    "imagenet-r": (200, 80),
    "imagenet-a": (200, 80),
}


def test_every_set_of_the_paper_is_there():
    assert set(COUNTS) <= set(prompt_set_names()) and {"scenes", "digits", "photos"} <= set(
        prompt_set_names()
    )
    assert {file.stem for file in FOLDER.glob("*.json")} == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_it_has_the_right_numbers_and_says_where_from(name):
    known = prompt_set(name)
    assert (len(known.classes), len(known.templates)) == COUNTS[name]
    assert len(set(known.templates)) == len(known.templates)
    assert all(template.count("{}") == 1 for template in known.templates)
    assert all(
        text and text == text.strip() for text in (*known.class_names, *known.classes, known.title)
    )
    assert known.licence == "MIT" and "OpenAI" in known.source
    assert known.metric in ("top1", "mean_per_class", "map_11_point")
    assert len({plain(key) for key in known.classes}) == len(known.classes)
    if not name.startswith("imagenet"):  # where two names stand twice
        assert len(set(known.class_names)) == len(known.class_names)


def test_the_alphabetical_ones_are_in_the_order_of_their_labels():
    for name in (
        "cifar10",
        "cifar100",
        "stl10",
        "food101",
        "pets",
        "dtd",
        "eurosat",
        "gtsrb",
        "mnist",
        "voc2007",
    ):
        keys = list(prompt_set(name).classes)
        assert keys == sorted(keys), name
    flowers = prompt_set("flowers102").class_names  # numbered by the data set's authors
    assert (flowers[0], flowers[76], flowers[101]) == (
        "pink primrose",
        "passion flower",
        "blackberry lily",
    )


def test_imagenet_has_openais_names_for_its_wordnet_ids():
    classes = prompt_set("imagenet").classes
    assert list(classes) == sorted(classes) and len(set(classes.values())) == 998
    for key, name in {
        "n01440764": "tench",
        "n02012849": "crane bird",
        "n03126707": "construction crane",
        "n03804744": "metal nail",
        "n03773504": "missile",
        "n04008634": "missile",
        "n02123045": "tabby cat",
        "n07742313": "Granny Smith apple",
        "n15075141": "toilet paper",
    }.items():
        assert classes[key] == name
    for name in ("imagenet-r", "imagenet-a"):
        some = prompt_set(name).classes
        assert list(some) == sorted(some) and some.items() <= classes.items()
    # its first and last
    assert {"n01443537", "n12267677"} <= prompt_set("imagenet-r").classes.keys()
    assert {"n01498041", "n12267677"} <= prompt_set("imagenet-a").classes.keys()


def test_imagenets_words_are_those_of_open_clip():
    from clipbench.pretrained.open_clip_library import import_open_clip

    try:
        metadata = import_open_clip().zero_shot_metadata
    except UserError as error:
        pytest.skip(str(error))
    known = prompt_set("imagenet")
    assert known.class_names == list(metadata.IMAGENET_CLASSNAMES)
    assert list(known.templates) == [
        template("{}") for template in metadata.OPENAI_IMAGENET_TEMPLATES
    ]


def test_ours_are_those_of_the_picture_sets():
    assert tuple(prompt_set("scenes").templates) == TEMPLATES
    assert prompt_set("scenes").class_names == open_pictures("scenes:heldout").class_names
    assert prompt_set("digits").class_names[7] == "seven"


# -------------------- found by themselves

CIFAR = list(prompt_set("cifar10").classes)


@pytest.mark.parametrize(
    "data, class_names, found",
    [
        ("uoft-cs/cifar10", CIFAR, "cifar10"),
        ("somewhere/CIFAR-10", CIFAR[::-1], "cifar10"),
        ("somewhere/cifar10/test.parquet", CIFAR, "cifar10"),
        ("somewhere/cifar10.parquet", CIFAR, "cifar10"),
        ("somewhere/cifar10:test", CIFAR, "cifar10"),
        ("somewhere/mine", CIFAR, None),
        ("somewhere/cifar10", CIFAR[1:], None),
        ("somewhere/cifar10", ["plane", *CIFAR[1:]], None),
        ("mnist", [str(i) for i in range(10)], "mnist"),
        ("ylecun/mnist", "zero one two three four five six seven eight nine".split(), "mnist"),
        ("GTSRB", [f"{i:05d}" for i in range(43)], "gtsrb"),
        ("tanganke/gtsrb", prompt_set("gtsrb").class_names, "gtsrb"),
        ("flowers102", sorted(str(i) for i in range(1, 103)), "flowers102"),
        ("eurosat", ["Annual Crop", *list(prompt_set("eurosat").classes)[1:]], "eurosat"),
        (
            "imagenetv2-matched-frequency-format-val",
            sorted(str(i) for i in range(1000)),
            "imagenet",
        ),
        ("imagenet-sketch", list(prompt_set("imagenet").classes), "imagenet"),
        ("imagenet-r", list(prompt_set("imagenet-r").classes), "imagenet-r"),
        ("imagenet-r", list(prompt_set("imagenet-a").classes), None),
        (
            "cifar100",
            ["cra" if name == "crab" else name for name in prompt_set("cifar100").classes],
            "cifar100",
        ),
    ],
)
def test_data_are_recognised_by_name_and_classes(data, class_names, found):
    known = recognised(data, class_names)
    assert (known.name if known else None) == found


def test_numbered_folders_are_labels_in_any_order():
    folders = sorted(str(i) for i in range(1, 103))  # "1", "10", "100", "101", "102", "11", ...
    numbers = match_classes(
        folders, prompt_set("flowers102").numbers(folders), set(range(102)), "d", "flowers102"
    )
    assert [int(folder) - 1 for folder in folders] == numbers.tolist()


def test_classes_are_matched_whatever_their_spelling():
    assert plain("Red_Car") == plain("red car") == plain("red-car") and plain("++") == "++"
    found = match_classes(["SUN", "a_cat"], {"acat": 0, "sun": 1}, {0, 1}, "data", "list")
    assert torch.equal(found, torch.tensor([1, 0]))
    with pytest.raises(UserError, match="data shows 1 classes that list does not list: 'dog'"):
        match_classes(["dog", "fish"], {}, {0}, "data", "list")


def test_an_unknown_set_is_told_with_the_known_ones():
    with pytest.raises(UserError, match="choose from scenes, digits, photos, cifar10") as error:
        prompt_set("birds")
    one_line(error.value)


# -------------------- by the command line


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    write_small_model(folder / "model")
    write_image_folder(folder / "eurosat", dict.fromkeys(prompt_set("eurosat").classes, 2))
    write_image_folder(folder / "pets", dict.fromkeys(prompt_set("pets").classes, 1))
    write_image_folder(folder / "mine", {"AnnualCrop": 2, "River": 1})
    return folder


def settings_of(capsys, world, data, *more) -> dict:
    command = [
        "eval",
        "zero-shot",
        "--model",
        world / "model",
        "--data",
        data,
        "--device",
        "cpu",
        *more,
        "--json",
    ]
    assert main([str(word) for word in command]) == 0
    return json.loads(capsys.readouterr().out)["settings"]


def test_a_known_set_brings_its_words_and_says_so(world, capsys, tmp_path):
    settings = settings_of(capsys, world, world / "eurosat", "--out", tmp_path / "r.json")
    assert settings["words"] == {"classes": "eurosat", "templates": "eurosat"}
    assert settings["templates"][0] == "a centered satellite photo of {}."
    outcomes = json.loads((tmp_path / "r.json").read_text())["outcomes"]
    assert outcomes["class_names"][0] == "annual crop land"
    folders = [Path(name).parent.name for name in outcomes["ids"]]
    assert [list(prompt_set("eurosat").classes)[label] for label in outcomes["labels"]] == folders
    assert words_for(open_pictures(str(world / "eurosat")))[0] == prompt_set("eurosat").class_names


def test_what_the_paper_reports_is_told_where_it_is_another_number(world, capsys):
    command = [
        "eval",
        "zero-shot",
        "--model",
        world / "model",
        "--data",
        world / "pets",
        "--device",
        "cpu",
    ]
    assert main([str(word) for word in command]) == 0
    assert capsys.readouterr().err == "clipbench: the paper reports mean_per_class for pets\n"


def test_the_datas_own_words_can_be_asked_for(world, capsys):
    settings = settings_of(capsys, world, world / "eurosat", "--classes", "own")
    assert settings["words"] == {"classes": "own", "templates": "own"}
    assert settings["templates"][0] == "a photo of a {}."


def test_a_set_can_be_named_for_other_data(world, capsys):
    settings = settings_of(
        capsys, world, world / "mine", "--classes", "eurosat", "--templates", "photos"
    )
    assert settings["words"] == {"classes": "eurosat", "templates": "photos"}
    settings = settings_of(capsys, world, world / "mine", "--templates", "mnist")
    assert settings["words"] == {"classes": "own", "templates": "mnist"}
    assert settings["templates"] == ['a photo of the number: "{}".']


def test_words_that_are_nowhere_bring_one_line(world, capsys):
    command = [
        "eval",
        "zero-shot",
        "--model",
        world / "model",
        "--data",
        world / "mine",
        "--device",
        "cpu",
    ]
    for more, told in (
        (("--classes", "cifar10"), "cifar10 does not list: 'AnnualCrop', 'River'"),
        (("--templates", "birds"), "is no file and no known set; known are scenes, digits"),
        (("--classes", "photos"), "photos lists no classes"),
    ):
        assert main([str(word) for word in (*command, *more)]) == 2
        err = capsys.readouterr().err
        assert told in err and err.count("\n") == 1
