"""Sets of hard negatives in the forms in which they are published, and the world's own."""

import io
import json

import pyarrow
import pyarrow.parquet
import pytest
import torch
from PIL import Image
from small import noise_picture, one_line

from clipbench import UserError
from clipbench.data.readers.hard_negatives import (
    NUMBER_WORDS,
    TABLE,
    Case,
    open_hard_negatives,
    write_hard_negatives,
)

RIGHT, WRONG = "a dog on a chair", "a chair on a dog"


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        noise_picture(20 + number, 30, seed=number).save(tmp_path / f"{number}.png")
    return tmp_path


def written(folder, name: str, content) -> str:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.csv", f"image,caption,wrong_caption\n0.png,{RIGHT},{WRONG}\n"),
        ("a.csv", f"Image;Caption;Negative Caption\n0.png;{RIGHT};{WRONG}\n"),
        ("a.tsv", f"file_name\ttrue_caption\tfalse_caption\n0.png\t{RIGHT}\t{WRONG}\n"),
        ("a.jsonl", json.dumps({"path": "0.png", "text": RIGHT, "negatives": [WRONG]})),
        ("a.json", [{"image": "0.png", "caption": RIGHT, "hard_negative": WRONG}]),
        ("a.json", {"data": [{"image": "0.png", "caption": RIGHT, "foil": WRONG}], "name": "x"}),
    ],
    ids=str,
)
def test_a_table_of_pictures_right_and_wrong_captions_is_read(folder, name, content):
    data = open_hard_negatives(written(folder, name, content))
    assert data.cases == [Case(0, (RIGHT, WRONG))]
    assert data.pictures.pictures([0])[0].size == (20, 30)


def test_sugarcrepes_form_is_read_from_a_folder_of_pictures(folder):
    rows = {
        "0": {"filename": "1.png", "caption": RIGHT, "negative_caption": WRONG},
        "1": {"filename": "1.png", "caption": "a red dog", "negative_caption": "a blue dog"},
    }
    (folder / "tables").mkdir()
    data = open_hard_negatives(written(folder / "tables", "add_att.json", rows), folder)
    assert len(data.pictures) == 1 and [case.picture for case in data.cases] == [0, 0]
    assert data.cases[1].captions == ("a red dog", "a blue dog")


def test_aros_form_is_read_with_its_box_and_relation(folder):
    row = {"image_path": "2.png", "true_caption": RIGHT, "false_caption": WRONG}
    boxed = row | {"bbox_x": 2, "bbox_y": 3, "bbox_w": 10, "bbox_h": 90, "relation_name": "on"}
    data = open_hard_negatives(written(folder, "vg.json", [row, boxed]))
    whole, part = data.pictures.pictures([0, 1])
    assert whole.size == (22, 30) and part.size == (10, 27), "cut off at the picture's edge"
    assert part.tobytes() == whole.crop((2, 3, 12, 30)).tobytes()
    assert [case.category for case in data.cases] == ["", "on"]


def test_winogrounds_form_is_a_group_of_two_pictures_and_two_captions(folder):
    row = {"id": 7, "image_0": "0.png", "image_1": "1.png", "caption_0": RIGHT, "caption_1": WRONG}
    data = open_hard_negatives(written(folder, "w.jsonl", json.dumps(row | {"tag": "Object"})))
    assert data.cases == [
        Case(0, (RIGHT, WRONG), "Object", "group 7"),
        Case(1, (WRONG, RIGHT), "Object", "group 7"),
    ]


def test_negbenchs_form_has_the_number_of_the_right_caption(folder):
    text = (
        "image_path,correct_answer,caption_0,caption_1,caption_2,correct_answer_template\n"
        "0.png,1,no dog,a dog,a cat,positive\n"
    )
    data = open_hard_negatives(written(folder, "n.csv", text))
    assert data.cases == [Case(0, ("a dog", "no dog", "a cat"), "positive")]


def test_countbenchs_wrong_captions_say_every_other_number(folder):
    buffer = io.BytesIO()
    noise_picture(24, 24).save(buffer, "PNG")
    table = pyarrow.table(
        {
            "image": [{"bytes": buffer.getvalue(), "path": None}] * 2,
            "text": ["Three dogs and a cat", "some dogs"],
            "number": [3, 4],
        }
    )
    pyarrow.parquet.write_table(table, folder / "count.parquet")
    data = open_hard_negatives(str(folder / "count.parquet"))
    (case,) = data.cases
    assert case.captions[0] == "Three dogs and a cat" and len(case.captions) == len(NUMBER_WORDS)
    assert "five dogs and a cat" in case.captions and "three" not in case.captions[1:]
    assert data.pictures.pictures([0])[0].size == (24, 24)
    assert "does not say the number 4" in next(iter(data.left_out.values()))


def test_rows_that_ask_nothing_are_left_out_with_the_reason(folder):
    text = (
        "image,caption,wrong_caption\n"
        f"0.png,{RIGHT},\n"
        f"1.png,{RIGHT},{RIGHT}\n"
        f",{RIGHT},{WRONG}\n"
        f"2.png,{RIGHT},{WRONG}\n"
    )
    data = open_hard_negatives(written(folder, "a.csv", text))
    assert len(data.cases) == 1
    assert [reason.split(": ")[1] for reason in data.left_out.values()] == [
        "has no wrong caption; call its column caption or wrong_caption",
        f"'{RIGHT}' stands as the right and as a wrong caption",
        "has no picture",
    ]


@pytest.mark.parametrize(
    "name, content, told",
    [
        ("a.json", "{", "no readable table"),
        ("a.json", "[]", "no rows with named columns"),
        ("a.csv", "image,caption\n0.png,a dog\n", "no wrong caption"),
        ("a.csv", "caption,wrong_caption\na,b\n", "no image column among"),
        ("n.csv", "image,correct_answer,caption_0\n0.png,9,a\n", "number of none of its captions"),
        ("b.parquet", "no parquet", "not a readable parquet file"),
        ("u.csv", "image,caption,wrong_caption\nhttps://x.org/a.png,a,b\n", "lists addresses"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(folder, name, content, told):
    with pytest.raises(UserError, match=told) as error:
        open_hard_negatives(written(folder, name, content))
    one_line(error.value)


@pytest.mark.parametrize("name", ["absent.csv", "scenes:colour"])
def test_an_unknown_set_says_which_there_are(name):
    with pytest.raises(UserError, match="scenes:order, scenes:number, scenes:presence") as error:
        open_hard_negatives(name)
    one_line(error.value)


# -------------------- the world's


@pytest.mark.parametrize("kind, answers", [("order", 2), ("number", 3), ("presence", 2)])
def test_the_worlds_captions_differ_in_what_the_kind_says(kind, answers):
    data = open_hard_negatives(f"scenes:{kind}", count=60)
    assert len(data.pictures) == len(data.cases) >= 30
    for case in data.cases:
        right, *wrong = (set(text.split()) for text in case.captions)
        assert len(case.captions) == len(set(case.captions)) == answers
        if kind == "order":
            assert right == wrong[0], "the same words"
        if kind == "presence":
            assert len(right - wrong[0]) <= 3 and case.captions[1].count(" and ") == 1


def test_the_world_draws_the_same_set_again():
    first, second = (open_hard_negatives("scenes:presence", count=20) for _ in range(2))
    assert first.cases == second.cases
    pictures = [data.pictures.pictures([3])[0].tobytes() for data in (first, second)]
    assert pictures[0] == pictures[1]


def test_scenes_with_each_others_captions_make_groups():
    data = open_hard_negatives("scenes:order", count=200)
    groups = {}
    for case in data.cases:
        groups.setdefault(case.group, []).append(case)
    alone = groups.pop("", [])
    assert groups and len(alone) + 2 * len(groups) == len(data.cases)
    for one, other in groups.values():
        assert one.captions == other.captions[::-1] and one.picture != other.picture


@pytest.mark.parametrize("kind", ["order", "number"])
def test_a_set_that_was_written_reads_back_the_same(tmp_path, kind):
    data = open_hard_negatives(f"scenes:{kind}", count=24)
    write_hard_negatives(tmp_path / "set", data)
    again = open_hard_negatives(str(tmp_path / "set" / TABLE))
    assert again.cases == data.cases
    for row in (0, 11):
        one, other = (each.pictures.pictures([row])[0] for each in (data, again))
        assert isinstance(one, Image.Image) and one.tobytes() == other.tobytes()
    assert torch.equal(again.pictures.labels, data.pictures.labels)
