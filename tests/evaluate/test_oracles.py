"""Facts about known answers: what is compared, what is fetched, what a wrong checkpoint shows."""

import json

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from small import noise_picture, one_line, png

from clipbench import UserError, load, open_pictures
from clipbench.data.image_set import PictureSet
from clipbench.data.probe_splits import drawn
from clipbench.evaluate import oracles


@pytest.fixture(scope="module")
def encoder():
    return load("tiny")


def test_the_known_answers_are_probabilities():
    assert sum(oracles.DIAGRAM.values()) == pytest.approx(1, abs=1e-6)  # three texts, no other
    assert 0.8 < sum(oracles.SNAKE.values()) < 1  # five of a hundred


def test_answers_are_the_softmax_of_scaled_cosines(encoder):
    picture, texts = noise_picture(64, 64, 0), ["a cat", "a dog"]
    found = oracles.answers(encoder, picture, texts)
    image, text = encoder.encode_image(encoder.preprocess([picture])), encoder.encode_text(texts)
    logits = [encoder.scale * float(image[0] @ row) for row in text]
    by_hand = torch.tensor(logits).softmax(0)
    assert found == pytest.approx(by_hand.tolist(), abs=1e-5)


def test_another_model_is_far_from_the_known_answers(encoder):
    texts = list(oracles.DIAGRAM)
    found = dict(zip(texts, oracles.answers(encoder, noise_picture(64, 64, 0), texts), strict=True))
    assert oracles.largest_difference(oracles.DIAGRAM, oracles.DIAGRAM) == 0
    assert oracles.largest_difference(found, oracles.DIAGRAM) > oracles.AGREES


def test_the_diagram_is_fetched_or_the_error_says_what_to_do(tmp_path, monkeypatch):
    file = tmp_path / "CLIP.png"
    file.write_bytes(png(3))
    monkeypatch.setattr(oracles, "DIAGRAM_ADDRESS", file.as_uri())
    assert oracles.diagram().size == oracles.diagram(str(file)).size
    monkeypatch.setattr(oracles, "DIAGRAM_ADDRESS", (tmp_path / "absent.png").as_uri())
    with pytest.raises(UserError, match="save it by hand") as error:
        oracles.diagram()
    one_line(error.value)


def cifar100(rows: int) -> PictureSet:
    """A set of that many rows whose pictures are asked for by row."""
    names = ["snake", "sweet pepper", "turtle"]
    labels = torch.zeros(rows, dtype=torch.int64)
    return PictureSet(
        "cifar100",
        labels,
        names,
        ("{}",),
        lambda rows: [noise_picture(32, 32, row) for row in rows],
        [str(row) for row in range(rows)],
    )


def test_the_snake_is_asked_by_the_names_of_the_released_code(encoder):
    found = oracles.snake_answers(encoder, cifar100(4000))
    assert list(found) == ["snake", "sweet_pepper", "turtle"]
    texts = [f"a photo of a {name}" for name in found]
    picture = noise_picture(32, 32, oracles.SNAKE_ROW)
    assert list(found.values()) == pytest.approx(oracles.answers(encoder, picture, texts))
    with pytest.raises(UserError, match="is not CIFAR-100's test set"):
        oracles.snake_answers(encoder, cifar100(100))


def write_set(folder, names: list[str]):
    """A folder in the hub's layout, with two pictures of each class."""
    labels = list(range(len(names))) * 2
    rows = [{"bytes": png(row), "path": None} for row in range(len(labels))]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(rows, kind), "label": labels})
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": names}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    (folder / "data").mkdir(parents=True)
    file = folder / "data" / "test-00000-of-00001.parquet"
    parquet.write_table(table.replace_schema_metadata(metadata), file)
    return folder


@pytest.mark.parametrize(
    "name, names, template",
    [
        ("mnist", [str(k) for k in range(10)], 'a photo of the number: "{}".'),
        ("rendered-sst2", ["negative", "positive"], "a {} review of a movie."),
    ],
)
def test_a_set_in_the_hubs_layout_is_asked_in_its_own_words(
    name, names, template, encoder, tmp_path, monkeypatch
):
    asked = []
    weights = oracles.zero_shot_weights

    def noted(encoder, class_names, templates, progress):
        asked.append((list(class_names), list(templates)))
        return weights(encoder, class_names, templates, progress)

    monkeypatch.setattr(oracles, "zero_shot_weights", noted)
    folder = write_set(tmp_path / "someone" / name, names)
    found = oracles.accuracy_on(encoder, drawn(open_pictures(str(folder)), 3))
    assert asked == [(names, [template])]
    assert found["pictures"] == 3 and 0 <= found["top1"] <= 1
