"""Facts about labelled data in parts: the hub's layout, read by ourselves and by the hub's
library.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from small import noise_picture, one_line, png, write_image_folder, write_small_model

from clipbench import UserError, open_pictures
from clipbench.cli import main
from clipbench.data.open import open_multi_label, picture_splits
from clipbench.data.probe_splits import open_split
from clipbench.data.readers.hub import hub_parts, is_hub_data
from clipbench.data.readers.split_names import split_of
from clipbench.data.readers.tables import labelled_set
from clipbench.errors import Notice

# real pictures, beside a checkout
CIFAR10 = Path(__file__).parents[3] / "shared" / "data" / "cifar10"
NAMES = ["red_car", "cat", "sun"]


def table_of(
    labels: list, named: bool = True, column: str = "label", path=lambda row: None
) -> pa.Table:
    """As the `datasets` library writes it: pictures as bytes, class names in the metadata."""
    rows = [{"bytes": png(row), "path": path(row)} for row in range(len(labels))]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(rows, kind), column: labels})
    features = {"image": {"_type": "Image"}, column: {"_type": "ClassLabel", "names": NAMES}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return table.replace_schema_metadata(metadata) if named else table


def write_layout(folder: Path, **parts: list[int]) -> Path:
    """A folder as the hub shows it: data/PART-00000-of-0000N.parquet, each part in two files."""
    (folder / "data").mkdir(parents=True)
    for part, labels in parts.items():
        table, half = table_of(labels), len(labels) // 2
        for number, rows in enumerate((table.slice(0, half), table.slice(half))):
            parquet.write_table(rows, folder / "data" / f"{part}-{number:05}-of-00002.parquet")
    return folder


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    return write_layout(
        tmp_path_factory.mktemp("hub") / "owner" / "name", train=[0, 1, 2] * 4, test=[2, 1, 0, 0]
    )


def pixels(data, rows) -> np.ndarray:
    return np.stack([np.asarray(picture) for picture in data.pictures(rows)])


# -------------------- the layout


def test_the_test_part_is_evaluated_and_another_can_be_asked_for(layout):
    test, train = open_pictures(str(layout)), open_pictures(f"{layout}:train")
    assert test.labels.tolist() == [2, 1, 0, 0] and len(train) == 12
    assert (
        test.class_names == train.class_names == ["red car", "cat", "sun"]
        and test.name == f"{layout}:test"
    )
    assert np.array_equal(
        pixels(test, [3, 0]), np.stack([np.asarray(noise_picture(32, 32, seed)) for seed in (3, 0)])
    )
    assert len(set(test.ids)) == 4
    with pytest.raises(UserError, match="has no part 'validation'; it has test, train") as error:
        open_pictures(f"{layout}:validation")
    one_line(error.value)


def test_the_hubs_library_gives_the_same_pictures_and_labels(layout, tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    ours = open_pictures(str(layout))
    theirs = labelled_set("owner/name:test", hub_parts(str(layout))["test"], Path())
    assert theirs.labels.tolist() == ours.labels.tolist() and theirs.class_names == ours.class_names
    assert np.array_equal(pixels(theirs, range(4)), pixels(ours, range(4)))


def test_a_hub_id_is_opened_by_the_hubs_library(layout, monkeypatch):
    asked = []

    def load_dataset(path, **options):
        asked.append((path, options))
        files = {part: sorted(map(str, layout.glob(f"data/{part}*"))) for part in ("train", "test")}
        return {part: datasets.Dataset.from_parquet(names) for part, names in files.items()}

    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    data = open_pictures("someone/something@plain")
    assert asked == [("someone/something", {"name": "plain"})]
    assert data.name == "someone/something@plain:test" and data.labels.tolist() == [2, 1, 0, 0]
    split = open_split("someone/something")
    assert (len(split.train), len(split.test), split.validation) == (
        12,
        4,
        None,
    ) and "tested on test" in split.how


def test_a_hub_data_set_that_cannot_be_had_brings_one_line(monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets, "load_dataset", lambda path, **options: 1 / 0)
    with pytest.raises(
        UserError, match="no folder 'someone/nothing'; as a hub data set: cannot"
    ) as error:
        open_pictures("someone/nothing")
    one_line(error.value)


@pytest.mark.parametrize(
    "name, is_one",
    [
        ("uoft-cs/cifar10", True),
        ("a/b@c", True),
        ("cifar10", False),
        ("a/b/c", False),
        ("some/file.parquet", False),
        ("some/features.safetensors", False),
        ("../a", False),
        ("a/", False),
    ],
)
def test_what_can_be_a_hub_id(name, is_one):
    assert is_hub_data(name) == is_one


def test_names_of_parts():
    names = ("train-00000-of-00002", "val", "test", "Validation-1", "matched_frequency-00000-of-1")
    assert [split_of(name) for name in names] == [
        "train",
        "validation",
        "test",
        "validation",
        "matched_frequency",
    ]


def test_validation_is_tested_on_where_there_is_no_test(tmp_path):
    folder = write_layout(tmp_path / "set", train=[0, 1, 2, 0], validation=[1, 1, 2, 0])
    assert open_pictures(str(folder)).name.endswith(":validation")
    split = open_split(str(folder))
    assert split.test.labels.tolist() == [1, 1, 2, 0] and split.validation is None


def test_folders_of_parts_are_no_classes(tmp_path):
    write_image_folder(tmp_path / "set" / "train", {"cat": 2, "dog": 2})
    write_image_folder(tmp_path / "set" / "test", {"cat": 1, "dog": 1})
    assert open_pictures(str(tmp_path / "set")).labels.tolist() == [0, 1]
    assert set(picture_splits(str(tmp_path / "set"))) == {"test", "train"}
    write_image_folder(tmp_path / "words", {"train": 2, "bus": 1})
    assert open_pictures(str(tmp_path / "words")).class_names == ["bus", "train"], (
        "a class may be called train"
    )


# -------------------- tables


def test_labels_may_be_names_or_numbers_with_names_in_the_metadata_or_the_paths():
    words = labelled_set("t", table_of(["red_car", "cat", "red_car"], named=False), Path())
    assert words.class_names == ["cat", "red car"] and words.labels.tolist() == [1, 0, 1]
    assert labelled_set("t", table_of([1, 0], column="fine_label"), Path()).class_names == [
        "red car",
        "cat",
        "sun",
    ]
    by_path = labelled_set(
        "t", table_of([1, 0], named=False, path=lambda row: f"{'ab'[row]}/{row}.png"), Path()
    )
    assert by_path.class_names == ["b", "a"] and by_path.ids == ["a/0.png", "b/1.png"]
    twice = labelled_set(
        "t", table_of([1, 0, 2], path=lambda row: ["x.png", "x.png", "y.png"][row]), Path()
    )
    assert twice.ids == ["t, row 0", "t, row 1", "y.png"], "an id names one picture"


@pytest.mark.parametrize(
    "table, told",
    [
        (table_of([0, 3]), "label 3 has no class name; there are 3"),
        (table_of([0, -1]), "every label must be a whole number from 0 on"),
        (table_of([0.5, 1.0]), "every label must be a whole number from 0 on"),
        (table_of([0, 1], named=False), "has no class name"),
        (table_of([]), "no rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_table_with_bad_labels_is_refused_in_one_line(table, told):
    with pytest.raises(UserError) as error:
        labelled_set("t", table, Path())
    assert told in one_line(error.value)


# -------------------- by the command line


def test_a_folder_in_the_hubs_layout_is_evaluated(layout, tmp_path, capsys):
    model = write_small_model(tmp_path / "model")
    for task, more in (("zero-shot", ()), ("linear-probe", ())):
        command = [
            "eval",
            task,
            "--model",
            model,
            "--data",
            layout,
            "--device",
            "cpu",
            *more,
            "--json",
        ]
        assert main([str(word) for word in command]) == 0
        record = json.loads(capsys.readouterr().out)
        assert record["metrics"]["pictures"] == 4 and record["metrics"]["classes"] == 3
    assert main(["eval", "zero-shot", "--model", str(model), "--data", f"{layout}:valid"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def lists(path: Path, rows: list, named: bool) -> Path:
    """A parquet file with a list of labels for each picture."""
    table = (
        table_of([0] * len(rows), named=False)
        .drop_columns(["label"])
        .append_column("labels", pa.array(rows))
    )
    features = {"labels": {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "List"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    path.parent.mkdir(exist_ok=True)
    parquet.write_table(table.replace_schema_metadata(metadata) if named else table, path)
    return path


def test_pictures_may_have_several_labels(tmp_path):
    numbers = lists(tmp_path / "n" / "test.parquet", [[0, 2], [1], []], named=True)
    words = lists(tmp_path / "w.parquet", [["sun", "a_cat"], ["sun"], []], named=False)
    data, targets = open_multi_label(str(numbers))
    assert data.class_names == ["red car", "cat", "sun"] and targets.int().tolist() == [
        [1, 0, 1],
        [0, 1, 0],
        [0, 0, 0],
    ]
    assert np.array_equal(pixels(data, [1])[0], np.asarray(noise_picture(32, 32, 1)))
    data, targets = open_multi_label(str(words))
    assert data.class_names == ["a cat", "sun"] and targets.int().tolist() == [
        [1, 1],
        [0, 1],
        [0, 0],
    ]
    assert open_multi_label(str(tmp_path / "n"))[0].name.endswith(":test")


def test_several_labels_are_measured_by_mean_average_precision(layout, tmp_path, capsys):
    from sklearn.metrics import average_precision_score

    from clipbench import image_features, load, zero_shot_weights

    model, rows = write_small_model(tmp_path / "model"), [[0, 2], [1], [2], [0, 1], [], [1]]
    file = lists(tmp_path / "some.parquet", rows, named=True)
    command = ["eval", "multi-label", "--model", str(model), "--data", str(file), "--device", "cpu"]
    assert main([*command, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    data, targets = open_multi_label(str(file))
    encoder = load(model)
    weights = zero_shot_weights(encoder, data.class_names, record["settings"]["templates"])
    scores = image_features(encoder, data) @ weights
    expected = average_precision_score(targets.numpy(), scores.numpy(), average="macro")
    assert record["metrics"]["map"] == pytest.approx(expected) and record["metrics"]["classes"] == 3
    for data, told in (
        (lists(tmp_path / "bad.parquet", [[3]], True), "label 3 has no class name; there are 3"),
        (lists(tmp_path / "none.parquet", [[0], [1]], False), "label 0 has no class name"),
        (layout, "label holds no lists"),
        ("digits", "digits has no lists of labels"),
        (lists(tmp_path / "empty.parquet", [[], []], True), "no picture shows any"),
    ):
        assert main([*command[:4], "--data", str(data)]) == 2
        err = capsys.readouterr().err
        assert told in err and err.count("\n") == 1


def test_cifar10_is_recognised_and_has_its_parts():
    if not CIFAR10.exists():
        pytest.skip("needs ../shared/data/cifar10")
    from clipbench.data.readers.prompt_sets import recognised

    split = open_split(str(CIFAR10))
    assert (len(split.train), len(split.test)) == (20_000, 10_000)
    data = open_pictures(str(CIFAR10))
    assert len(data) == 10_000 and recognised(data.name, data.class_names).name == "cifar10"


# -------------------- folders of splits


def test_the_test_pictures_of_a_contest_lie_beside_the_split_folders(tmp_path):
    for split in ("train", "val"):
        write_image_folder(tmp_path / split, {"cat": 2, "dog": 2})
    write_image_folder(tmp_path, {"test": 3})
    with pytest.warns(Notice, match="test has no class folders, so its pictures are left out"):
        split = open_split(str(tmp_path))
    assert split.train.class_names == split.test.class_names == ["cat", "dog"]
    assert len(split.train) == 4 and "tested on validation" in split.how


def test_dev_is_the_validation_split(tmp_path):
    for split in ("train", "test", "dev"):
        write_image_folder(tmp_path / split, {"cat": 1, "dog": 1})
    split = open_split(str(tmp_path))
    assert split.validation.name == str(tmp_path / "dev") and "tested on test" in split.how


def test_a_folder_of_documents_beside_splits_is_no_class(tmp_path):
    write_image_folder(tmp_path / "train", {"cat": 2, "dog": 2})
    write_image_folder(tmp_path / "test", {"cat": 1, "dog": 1})
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "read me.txt").write_text("hello")
    assert open_pictures(str(tmp_path)).class_names == ["cat", "dog"]
