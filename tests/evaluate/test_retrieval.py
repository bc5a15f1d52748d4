"""Facts about retrieval: by brute force, several and equal captions, ties, and captions in
files.
"""

import csv
import json

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from small import noise_picture, write_image_folder, write_small_model

from clipbench import UserError
from clipbench.cli import main
from clipbench.data.open import open_evaluated_captions
from clipbench.evaluate.retrieval import (
    distinct,
    ranks_of,
    recall_metrics,
    retrieval_metrics,
    retrieval_ranks,
)


def by_hand(image_features, captions: list[list[str]], features_of: dict) -> tuple[dict, dict]:
    """Recall by sorting names, wrong ones first among equals: (image -> text, text -> image)."""
    texts = sorted({text for some in captions for text in some})
    to_text, to_image = {}, {}
    for image, some in enumerate(captions):
        scores = {text: float(image_features[image] @ features_of[text]) for text in texts}
        order = sorted(
            texts, key=lambda text, scores=scores, some=some: (-scores[text], text in some)
        )
        to_text[image] = min(order.index(text) for text in some)
    for text in texts:
        images = [image for image, some in enumerate(captions) if text in some]
        scores = [float(features @ features_of[text]) for features in image_features]
        order = sorted(
            range(len(captions)),
            key=lambda i, scores=scores, images=images: (-scores[i], i in images),
        )
        to_image[text] = min(order.index(image) for image in images)
    return to_text, to_image


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 999))
def test_ranks_are_those_of_sorting(pictures, words, seed):
    """Several captions per picture, few different ones, whole numbers as scores: ties everywhere."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(1, 4, (pictures,), generator=generator).tolist()
    captions = [
        [f"text {int(torch.randint(0, words, (1,), generator=generator))}" for _ in range(n)]
        for n in counts
    ]
    image_features = torch.randint(-2, 3, (pictures, 3), generator=generator).float()
    found = distinct(captions)
    text_features = torch.randint(-2, 3, (len(found.texts), 3), generator=generator).float()
    ranks = retrieval_ranks(image_features, text_features, found)
    to_text, to_image = by_hand(
        image_features, captions, dict(zip(found.texts, text_features, strict=True))
    )
    assert ranks.image_to_text.tolist() == list(to_text.values())
    assert ranks.text_to_image.tolist() == [to_image[text] for text in found.texts]
    assert found.given == sum(counts)
    blocks = [
        ranks_of(image_features, text_features, found.images, found.of_texts, scores)
        for scores in (1, 7, 1000)
    ]
    assert all(torch.equal(each, ranks.image_to_text) for each in blocks)


def test_recall_counts_the_first_k():
    features = torch.eye(12)
    captions = distinct([[f"text {row}"] for row in range(12)])
    # every right one scores 0, as 10 wrong ones
    metrics = retrieval_metrics(features, features.roll(-3, 0), captions)
    assert metrics["image_to_text_r1"] == metrics["text_to_image_r10"] == 0
    assert metrics["image_to_text_median_rank"] == 12
    perfect = retrieval_metrics(features, features, captions)
    assert (
        perfect["image_to_text_r1"] == perfect["text_to_image_r1"] == 1
        and perfect["text_to_image_median_rank"] == 1
    )
    assert perfect["chance_r1"] == 1 / 12 and perfect["image_to_text_r1_low"] < 1
    assert (perfect["pictures"], perfect["texts"], perfect["captions"]) == (12, 12, 12)


def test_the_median_rank_has_half_of_the_ranks_below_it():
    metrics = recall_metrics("text_to_image", torch.tensor([0, 2, 4, 30, 90]))
    assert metrics["text_to_image_median_rank"] == 5 and metrics["text_to_image_r5"] == 3 / 5
    assert recall_metrics("text_to_image", torch.tensor([0, 3]))["text_to_image_median_rank"] == 2.5


def test_an_equal_caption_of_another_picture_is_right():
    captions = distinct([["a cat"], ["a cat"], ["a dog"]])
    images = F.normalize(torch.tensor([[1.0, 0], [0.9, 0.1], [0, 1]]), dim=1)
    metrics = retrieval_metrics(images, torch.eye(2), captions)
    assert metrics["image_to_text_r1"] == metrics["text_to_image_r1"] == 1
    assert (metrics["texts"], metrics["captions"], metrics["chance_r1"]) == (2, 3, 0.5)


def test_a_model_that_says_the_same_of_everything_finds_nothing():
    same = torch.ones(20, 4)
    metrics = retrieval_metrics(same, same, distinct([[f"text {row}"] for row in range(20)]))
    assert metrics["image_to_text_r10"] == 0 and metrics["text_to_image_median_rank"] == 20


@pytest.mark.parametrize(
    "images, texts, told",
    [
        (torch.ones(2, 3), torch.ones(2, 4), "they are not of the same model"),
        (
            torch.full((2, 3), float("nan")),
            torch.ones(2, 3),
            "2 of 2 rows of features are not finite",
        ),
        (
            torch.ones(2, 3),
            torch.full((2, 3), float("inf")),
            "2 of 2 rows of features are not finite",
        ),
    ],
)
def test_features_that_do_not_fit_are_refused(images, texts, told):
    with pytest.raises(UserError, match=told):
        retrieval_metrics(images, texts, distinct([["a"], ["b"]]))


@pytest.mark.parametrize(
    "captions, told", [([], "no pictures"), ([["a"], []], "picture 2 has no caption")]
)
def test_captions_must_be_there(captions, told):
    with pytest.raises(UserError, match=told):
        distinct(captions)


# -------------------- by the command line


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retrieval")
    write_small_model(folder / "model")
    rows = [
        (f"{number}.png", f"{word} number {number}")
        for number in range(6)
        for word in ("picture", "noise")
    ]
    for number in range(6):
        noise_picture(40, 40, number).save(folder / f"{number}.png")
    (folder / "torn.png").write_bytes(b"not a picture")
    for name, more in (
        ("whole", []),
        ("torn", [("torn.png", "a torn one"), ("gone.png", "one more"), ("1.png", "x")]),
        ("empty", [("torn.png", "")]),
    ):
        with open(folder / f"{name}.csv", "w", newline="") as file:
            csv.writer(file).writerows([("image", "caption"), *rows, *more])
    write_image_folder(folder / "pictures", {"cat": 2, "dog": 2})
    return folder


def evaluated(capsys, world, data, *more) -> tuple[dict, str]:
    command = (
        "eval",
        "retrieval",
        "--model",
        world / "model",
        "--data",
        world / data,
        "--device",
        "cpu",
        *more,
    )
    code = main([*map(str, command), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out), captured.err


def test_captions_in_a_file_are_searched_both_ways(world, tmp_path, capsys):
    record, err = evaluated(capsys, world, "whole.csv", "--out", tmp_path / "r.json")
    metrics = record["metrics"]
    assert (metrics["pictures"], metrics["texts"], metrics["captions"]) == (6, 12, 12)
    assert err.startswith("clipbench: captions: column 'caption' of ") and err.count("\n") == 1
    assert (
        0
        <= metrics["image_to_text_r1"]
        <= metrics["image_to_text_r5"]
        <= metrics["image_to_text_r10"]
        <= 1
    )
    assert "one text" in record["settings"]["equal_captions"] and record["settings"]["prefix"] == ""
    outcomes = json.loads((tmp_path / "r.json").read_text())["outcomes"]
    assert (
        sum(outcomes["predictions"][:6]) / 6 == metrics["image_to_text_r1"]
        and len(outcomes["ids"]) == 18
    )


def test_a_prefix_is_a_stated_switch(world, capsys):
    record, _ = evaluated(capsys, world, "whole.csv", "--prefix", "a photo of")
    assert record["settings"]["prefix"] == "a photo of"


def test_unreadable_pictures_and_missing_captions_are_left_out_and_told(world, capsys):
    record, err = evaluated(capsys, world, "torn.csv")
    assert record["metrics"]["pictures"] == 6 and record["metrics"]["captions"] == 13
    assert (
        len(record["settings"]["left_out"]) == 2
        and "2 of 8 pictures cannot be read" in err
        and err.count("\n") == 2
    )
    record, _ = evaluated(capsys, world, "empty.csv")
    assert record["metrics"]["pictures"] == 6 and "torn.png" in str(
        record["settings"]["without_caption"]
    )


def test_labelled_pictures_are_described_by_templates(world, capsys):
    record, _ = evaluated(capsys, world, "pictures")
    assert (
        record["metrics"]["texts"],
        record["metrics"]["captions"],
        record["metrics"]["pictures"],
    ) == (10, 20, 4)


def test_the_frozen_scenes_have_their_grammars_captions():
    data, without = open_evaluated_captions("scenes:heldout")
    assert len(data) == 5000 and not without
    assert all(len(data.captions(row)) == 1 and data.captions(row)[0] for row in (0, 17, 4999))
    assert data.picture(3).size == (64, 64)


@pytest.mark.parametrize(
    "data, told", [("absent.csv", "absent.csv"), ("model", "no pictures found")]
)
def test_data_without_captions_bring_one_line(world, capsys, data, told):
    command = ("eval", "retrieval", "--model", world / "model", "--data", world / data)
    assert main([str(word) for word in command]) == 2
    err = capsys.readouterr().err
    assert told in err and err.count("\n") == 1
