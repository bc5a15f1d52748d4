"""Facts about picture sets: the shipped ones, image folders, parquet files, and what cannot be
opened.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet
from small import noise_picture, one_line, png, write_image_folder, write_small_model

from clipbench import PictureSet, UserError, open_pictures
from clipbench.cli import main
from clipbench.data.image_set import PHOTO_TEMPLATES, TEMPLATES
from clipbench.data.open import open_captioned, open_labelled
from clipbench.data.world.evaluation_sets import SCENE_SETS, heldout_factors
from clipbench.data.world.factors import HELD_OUT_NAMES, STYLES, is_held_out, training_pool
from clipbench.data.world.sprites import concepts
from clipbench.errors import Notice

ROWS = [0, 1, 2, 3, 50]


def pixels(pictures) -> np.ndarray:
    return np.stack([np.asarray(picture, dtype=np.int32) for picture in pictures])


# -------------------- shipped sets


@pytest.mark.parametrize("name", [*SCENE_SETS, "twemoji", "openmoji", "digits"])
def test_every_shipped_set_has_labels_names_templates_and_pictures(name):
    data = open_pictures(name)
    assert len(data) == len(data.ids) == len(set(data.ids)) and data.name == name
    assert (
        data.labels.dtype == torch.int64
        and data.labels.min() >= 0
        and data.labels.max() < len(data.class_names)
    )
    assert len(set(data.class_names)) == len(data.class_names) and data.chance == 1 / len(
        data.class_names
    )
    assert all(template.count("{}") == 1 for template in data.templates)
    pictures = data.pictures(ROWS)
    assert all(picture.mode == "RGB" and picture.size == (64, 64) for picture in pictures)
    again = open_pictures(name).pictures(ROWS[::-1])[::-1]
    assert np.abs(pixels(pictures) - pixels(again)).mean() < 0.01, "the same in any order"


def test_scenes_are_labelled_with_their_subject():
    data, factors = open_pictures("scenes:heldout"), heldout_factors()
    names = [data.class_names[label] for label in data.labels.tolist()]
    assert names == [concepts()[concept].name for concept in factors.concept.tolist()]
    assert (factors.count == 1).all() and (factors.sign == 0).all() and len(factors) == 5000


@pytest.mark.parametrize("art", ["twemoji", "openmoji"])
def test_another_art_set_changes_the_artist_and_nothing_else(art):
    noto, other = open_pictures("scenes:heldout"), open_pictures(art)
    assert torch.equal(noto.labels, other.labels) and noto.class_names == other.class_names
    assert tuple(noto.templates) == tuple(other.templates) == TEMPLATES
    photos = (heldout_factors().style[:200] == 0).nonzero()[:, 0].tolist()
    ours, theirs = pixels(noto.pictures(photos)), pixels(other.pictures(photos))
    differing = np.abs(ours - theirs).max(-1) > 8
    assert 0.02 < differing.mean() < 0.9 and (differing.mean((1, 2)) > 0).mean() > 0.95
    assert differing[:, 0].mean() < 0.3, "backgrounds stay: the top row rarely shows an object"


def test_held_out_styles_are_those_that_training_leaves_out():
    data = open_pictures("scenes:heldout-style")
    shown = [concepts()[concept].name for concept in training_pool().tolist()]
    assert data.class_names == shown
    pairs = sum(
        int(is_held_out(training_pool(), torch.tensor(style)).sum())
        for style in range(1, len(STYLES))
    )
    assert 600 < pairs < 840  # a tenth of 1,217 concepts in six styles
    assert len(data.labels.unique()) > 400


def test_held_out_counts_name_numbers():
    data = open_pictures("scenes:heldout-count")
    assert {name.split()[0] for name in data.class_names} == {"one", "two", "three"}
    said = {data.class_names[label].split()[0] for label in data.labels.tolist()}
    assert said == {"two", "three"} and len(data.labels.unique()) == 40


def test_held_out_names_are_classified_among_all_names():
    data = open_pictures("scenes:heldout-name")
    assert {data.class_names[label] for label in data.labels.unique().tolist()} == set(
        HELD_OUT_NAMES
    )
    assert len(data.class_names) == len(concepts())


def test_digits_are_scikit_learns_in_two_parts():
    everything, train, test = (open_pictures("digits", split) for split in ("all", "train", "test"))
    assert (len(everything), len(train), len(test)) == (1797, 1437, 360)
    assert torch.equal(torch.cat([train.labels, test.labels]), everything.labels)
    assert everything.class_names[7] == "seven" and everything.chance == 0.1
    assert not set(train.ids) & set(test.ids)
    last = pixels(everything.pictures([1796]))
    assert np.array_equal(last, pixels(test.pictures([359]))) and last.max() > 200


# -------------------- subsets


def test_a_subset_keeps_rows_together():
    data = open_pictures("digits").subset([5, 3, 1000])
    whole = open_pictures("digits")
    assert len(data) == 3 and torch.equal(data.labels, whole.labels[[5, 3, 1000]])
    assert np.array_equal(pixels(data.pictures([2, 0])), pixels(whole.pictures([1000, 5])))
    assert data.tensor(32).shape == (3, 3, 32, 32)


def test_all_pictures_of_a_large_set_are_read_once_and_in_order():
    shades = torch.arange(600) % 251
    data = PictureSet(
        "shades",
        shades,
        [str(shade) for shade in range(251)],
        ["{}"],
        lambda rows: [Image.new("RGB", (2, 2), (int(shades[row]),) * 3) for row in rows],
        [str(row) for row in range(600)],
    )
    assert torch.equal(data.tensor(2)[:, 0, 0, 0], shades.to(torch.uint8))


# -------------------- image folders


def test_a_folder_has_a_class_for_every_sub_folder(tmp_path):
    write_image_folder(tmp_path / "set", {"red_car": 2, "cat": 3})
    (tmp_path / "set" / "cat" / "notes.txt").write_text("not a picture")
    (tmp_path / "set" / ".hidden").mkdir()
    (tmp_path / "set" / "loose.png").write_bytes(b"")
    with pytest.warns(Notice, match="1 of 6 pictures lie beside the class folders .*loose.png"):
        data = open_pictures(str(tmp_path / "set"))
    assert data.class_names == ["cat", "red car"] and data.labels.tolist() == [0, 0, 0, 1, 1]
    assert data.templates == PHOTO_TEMPLATES and data.ids[0].endswith("cat/0.png")
    assert np.array_equal(
        pixels(data.pictures([0]))[0], np.asarray(noise_picture(40, 40, seed=100))
    )


def test_a_damaged_picture_in_a_folder_is_named(tmp_path):
    write_image_folder(tmp_path / "set", {"cat": 2})
    (tmp_path / "set" / "cat" / "1.png").write_text("not a picture")
    with pytest.raises(UserError, match="1.png is not a picture") as error:
        open_pictures(str(tmp_path / "set")).pictures([0, 1])
    one_line(error.value)


@pytest.mark.parametrize("inside", [[], ["cat/"], ["cat/notes.txt"], ["._0.png"]], ids=str)
def test_a_folder_without_pictures_is_refused(tmp_path, inside):
    for name in inside:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text("")
    with pytest.raises(UserError, match="make one sub-folder per class") as error:
        open_pictures(str(tmp_path))
    one_line(error.value)


def write_pictures(folder, *names: str):
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise_picture(16, 16, seed=number).save(folder / name)
    return folder


def test_a_flat_folder_holds_pictures_without_classes(tmp_path):
    data = open_pictures(str(write_pictures(tmp_path, "red_car.png", "cat.JPG")))
    assert (data.class_names, data.labels.tolist()) == ([], [0, 0])
    assert data.names == ["cat", "red car"] and len(data.pictures([1, 0])) == 2
    with pytest.raises(UserError, match="holds pictures without classes; make one sub-folder per"):
        open_labelled(str(tmp_path))
    with pytest.raises(UserError, match="neither captions nor classes.*put a text beside each"):
        open_captioned(str(tmp_path))


def test_a_flat_folder_is_embedded_and_searched(tmp_path, capsys):
    folder = write_pictures(tmp_path / "own", "red_car.png", "cat.png")
    model, out = write_small_model(tmp_path / "model"), tmp_path / "features.safetensors"
    command = ["--model", str(model), "--json", "--data"]
    assert main(["embed", *command, str(folder), "--out", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 2
    for data in (folder, out):
        assert main(["search", "--text", "a cat", *command, str(data)]) == 0
        results = json.loads(capsys.readouterr().out)["results"]
        assert {row["id"] for row in results} == {str(path) for path in folder.iterdir()}
        assert main(["eval", "zero-shot", *command, str(data)]) == 2
        assert "has no labels" in one_line(capsys.readouterr().err.strip())


def test_pictures_deeper_within_a_class_folder_belong_to_it(tmp_path):
    names = ("cat/0.png", "cat/2019/1.png", "cat/2019/may/2.png", "dog/3.png")
    data = open_pictures(str(write_pictures(tmp_path, *names)))
    assert data.class_names == ["cat", "dog"] and data.labels.tolist() == [0, 0, 0, 1]


def test_classes_within_a_folder_of_their_own_are_found_and_told(tmp_path):
    folder = write_pictures(tmp_path, "data set/cat/0.png", "data set/dog/1.png")
    with pytest.warns(Notice, match="the classes are the folders of .*data set"):
        assert open_pictures(str(folder)).class_names == ["cat", "dog"]


def test_companions_of_macos_are_no_pictures(tmp_path):
    folder = write_pictures(tmp_path, "cat/0.png", "dog/1.png")
    for name in ("cat/._0.png", "__MACOSX/cat/._0.png", "._cat/0.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"Mac OS X")
    data = open_pictures(str(folder))
    assert data.class_names == ["cat", "dog"] and len(data) == 2


def test_pictures_of_kinds_that_cannot_be_read_are_counted(tmp_path):
    folder = write_pictures(tmp_path, "cat/0.png", "dog/1.png")
    for name in ("cat/1.HEIC", "cat/2.heic", "dog/logo.svg"):
        (folder / name).write_bytes(b"")
    told = r"3 pictures left out, of a kind that cannot be read \(\.heic, \.svg\); convert to JPEG"
    with pytest.warns(Notice, match=told):
        assert len(open_pictures(str(folder))) == 2


def test_numbers_of_wordnet_are_read_as_imagenets_names(tmp_path):
    folders = ("n01440764", "n03773504", "n04008634", "own_class")
    folder = write_pictures(tmp_path, *(f"{name}/0.png" for name in folders))
    assert open_pictures(str(folder)).class_names == [
        "tench",
        "missile (n03773504)",
        "missile (n04008634)",
        "own class",
    ]
    assert open_captioned(str(folder)).captions(0)[0] == "a photo of a tench."


def test_all_of_imagenet_is_recognised_by_its_numbers(tmp_path):
    from clipbench.data.readers.folders import readable_names, synset_names
    from clipbench.data.readers.prompt_sets import recognised

    names = readable_names(list(synset_names()))
    assert len(set(names)) == 1000
    assert recognised(str(tmp_path / "imagenet"), names).name == "imagenet"


def test_numbered_folders_of_a_download_are_no_classes(tmp_path):
    folder = write_pictures(tmp_path, "00000/000000000.png", "00001/000010000.png")
    assert open_pictures(str(folder)).class_names == [] and len(open_pictures(str(folder))) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_folder_whose_name_is_no_utf_8_works(tmp_path, capsys):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/K\xf6ln"))
    write_pictures(folder, "cat/0.png", "dog/1.png")
    model, out = write_small_model(tmp_path / "model"), tmp_path / "f.safetensors"
    command = ["--model", str(model), "--json", "--data"]
    assert main(["embed", *command, str(folder), "--out", str(out)]) == 0
    capsys.readouterr()
    for data in (folder, out):
        assert main(["search", "--text", "a cat", *command, str(data)]) == 0
        found = json.loads(capsys.readouterr().out)["results"]
        assert all(Path(row["id"]).is_file() for row in found)
    record = tmp_path / "record.json"
    assert main(["eval", "zero-shot", *command, str(folder), "--out", str(record)]) == 0
    assert json.loads(record.read_text(encoding="utf-8"))["outcomes"]["ids"][0].endswith("0.png")
    budget = ["--pairs", "4", "--batch-size", "2", "--out", str(tmp_path / "run")]
    assert main(["train", "--data", str(folder), *budget, "--json"]) == 0


# -------------------- parquet files


def write_parquet(path, labels, paths, images=None, **columns) -> str:
    images = images or [png(row) for row in range(len(labels))]
    rows = [{"bytes": data, "path": name} for data, name in zip(images, paths, strict=True)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(rows, kind), "label": pa.array(labels), **columns})
    parquet.write_table(table, path, row_group_size=2)  # several chunks
    return str(path)


def test_a_parquet_file_takes_class_names_from_its_paths(tmp_path):
    paths = ["dog/a.png", "red_car/b.png", "dog/c.png", "x/cat/d.png"]
    name = write_parquet(tmp_path / "x.parquet", [1, 0, 1, 2], paths)
    data = open_pictures(name)
    assert data.class_names == ["red car", "dog", "cat"] and data.labels.tolist() == [1, 0, 1, 2]
    assert np.array_equal(
        pixels(data.pictures([3, 1])), pixels([noise_picture(32, 32, 3), noise_picture(32, 32, 1)])
    )


@pytest.mark.parametrize("numbers", [[3, 7, 3], [7, 3, 7]])
def test_labels_with_gaps_take_the_names_of_their_paths(tmp_path, numbers):
    names = {3: "cat", 7: "dog"}
    paths = [f"{names[number]}\\{row}.png" for row, number in enumerate(numbers)]
    data = open_pictures(write_parquet(tmp_path / "x.parquet", numbers, paths))
    assert data.class_names == ["cat", "dog"]
    assert data.names == [names[number] for number in numbers]


def test_a_column_of_categories_holds_labels(tmp_path):
    kinds = pa.array(["red car", "cat", "cat"]).dictionary_encode()
    name = write_parquet(tmp_path / "x.parquet", kinds, [None, None, None])
    assert open_pictures(name).class_names == ["cat", "red car"]
    assert open_pictures(name).labels.tolist() == [1, 0, 0]
    assert open_captioned(name).captions(0)[0] == "a photo of a red car."


def test_a_table_without_labels_holds_pictures_without_classes(tmp_path):
    parquet.write_table(pa.table({"image": [png(0), png(1)]}), tmp_path / "x.parquet")
    data = open_pictures(str(tmp_path / "x.parquet"))
    assert data.class_names == [] and data.names == ["x.parquet, row 0", "x.parquet, row 1"]


def write_bad(path, kind: str) -> str:
    if kind == "no rows":
        return write_parquet(path, pa.array([], pa.int64()), [], [])
    if kind == "no label":
        parquet.write_table(pa.table({"image": [b"1"]}), path)
    if kind == "plain images":
        parquet.write_table(pa.table({"image": [b"1"], "label": [0]}), path)
    if kind == "no bytes":
        parquet.write_table(pa.table({"image": [{"path": "cat/a.png"}], "label": [0]}), path)
    if kind == "no folders":
        return write_parquet(path, [0, 1], ["a.png", "b.png"])
    if kind == "no paths":
        return write_parquet(path, [0, 1], [None, None])
    if kind == "missing label":
        return write_parquet(path, [0, None], ["cat/a.png", "dog/b.png"])
    if kind == "negative label":
        return write_parquet(path, [0, -1], ["cat/a.png", "dog/b.png"])
    if kind == "text":
        path.write_text("image,label\n")
    if kind == "empty":
        path.write_bytes(b"")
    return str(path)


@pytest.mark.parametrize(
    "kind",
    [
        "no rows",
        "no label",
        "plain images",
        "no bytes",
        "no folders",
        "no paths",
        "missing label",
        "negative label",
        "text",
        "empty",
    ],
)
def test_a_parquet_file_that_is_no_picture_set_is_refused_in_one_line(tmp_path, kind):
    name = write_bad(tmp_path / "bad.parquet", kind)
    with pytest.raises(UserError) as error:
        open_labelled(name)
    assert "bad.parquet" in one_line(error.value)


def test_a_damaged_picture_in_a_parquet_file_is_refused_in_one_line(tmp_path):
    name = write_parquet(
        tmp_path / "x.parquet", [0, 0], ["cat/a.png", "cat/b.png"], [png(0), b"torn"]
    )
    data = open_pictures(name)
    with pytest.raises(UserError) as error:
        data.pictures([0, 1])
    assert "x.parquet, row 1, is not a picture" in one_line(error.value)
    missing = write_parquet(
        tmp_path / "y.parquet", [0, 0], ["cat/a.png", "cat/b.png"], [png(0), None]
    )
    with pytest.raises(UserError) as error:
        open_pictures(missing).pictures([1])
    one_line(error.value)


# -------------------- unknown names


@pytest.mark.parametrize("name", ["imagenet", "scenes", "scenes:train", "noto", "absent.parquet"])
def test_an_unknown_set_lists_the_known_ones(name):
    with pytest.raises(
        UserError, match="unknown data .* give scenes:heldout, .*twemoji, openmoji, digits"
    ) as error:
        open_pictures(name)
    one_line(error.value)
    assert json.dumps(str(error.value))
