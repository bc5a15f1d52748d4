"""Facts about training data of one's own: one data set in any clothing gives the same pairs,
and bad data one line.
"""

import csv
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet
from small import one_line
from trainers import small_bundle

from clipbench import Machine, TrainConfig, Trainer, UserError
from clipbench.data.open import open_captioned, open_pictures
from clipbench.data.readers.captioned import from_picture_set
from clipbench.data.readers.decoded import DecodedPictures, mapped_file
from clipbench.data.readers.hub import load
from clipbench.data.readers.tables import table_set
from clipbench.data.readers.unreadable import Unreadable
from clipbench.data.streams import CaptionedPairs, Prefetched, StreamedPairs

CLASSES = ["cat", "red_car", "sun"]
CAPTIONS = [["a cat", "one cat"], ["two red cars"], ["the sun, seen at noon", "a sun", "sunshine"]]
M = 12


def jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((40, 36)).save(file, "JPEG")
    return file.getvalue()


def pictures() -> list[tuple[str, bytes]]:
    """(class/file name, bytes), in the order in which a folder is read."""
    return [(f"{CLASSES[row // 4]}/{row:02}.jpg", jpeg(row)) for row in range(M)]


def write_folder(folder: Path) -> Path:
    for name, data in pictures():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_table(file: Path, columns: dict) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": data, "path": name} for name, data in pictures()]
    parquet.write_table(pa.table({"image": images, **columns}), file)
    return file


def write_shard(file: Path, rows: range, members) -> Path:
    """A tar file; `members(row)` gives {ending: bytes} of each sample beside its picture."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as tar:
        for row in rows:
            for ending, data in {"jpg": pictures()[row][1], **members(row)}.items():
                info = tarfile.TarInfo(f"{row:06}.{ending}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return file


def write_csv(
    file: Path, rows: list[tuple[str, str]], header=("filepath", "caption"), delimiter=","
) -> Path:
    with open(file, "w", newline="", encoding="utf-8") as out:
        csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return file


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> dict[str, str]:
    """One labelled data set: an image folder, a parquet file, the hub's layout, shards, written
    by webdataset too.
    """
    root = tmp_path_factory.mktemp("labelled")
    labels = {"label": [row // 4 for row in range(M)]}
    for shard in range(2):
        rows = range(6 * shard, 6 * shard + 6)
        write_shard(
            root / "shards" / f"part-{shard:03}.tar",
            rows,
            lambda row: {"cls": str(row // 4).encode()},
        )
    (root / "shards" / "classnames.txt").write_text("\n".join(CLASSES) + "\n")
    return {
        "folder": str(write_folder(root / "folder")),
        "parquet": str(write_table(root / "one.parquet", labels)),
        "hub layout": str(
            write_table(
                root / "hub" / "data" / "train-00000-of-00001.parquet", labels
            ).parent.parent
        ),
        "shards": str(root / "shards"),
        "shards by number": str(root / "shards" / "part-{000..001}.tar"),
    }


@pytest.fixture(scope="module")
def captioned(tmp_path_factory) -> dict[str, str]:
    """One data set with several captions per picture:

    CSV, a folder with a CSV file, parquet and shards.
    """
    root = tmp_path_factory.mktemp("captioned")
    several = [CAPTIONS[row // 4] for row in range(M)]
    write_folder(root / "folder")
    rows = [
        (name, text) for (name, _), texts in zip(pictures(), several, strict=True) for text in texts
    ]
    return {
        "folder": str(write_csv(root / "folder" / "captions.csv", rows).parent),
        "csv": str(write_csv(root / "list.csv", [(f"folder/{name}", text) for name, text in rows])),
        "tsv": str(
            write_csv(
                root / "list.tsv",
                [(f"folder/{n}", t) for n, t in rows],
                ("filepath", "title"),
                "\t",
            )
        ),
        "parquet": str(write_table(root / "list.parquet", {"caption": several})),
        "shard": str(
            write_shard(
                root / "list.tar",
                range(M),
                lambda row: {"json": json.dumps({"captions": several[row]}).encode()},
            )
        ),
    }


def same_pairs(one, other, start: int, count: int) -> bool:
    ours, theirs = one(start, count), other(start, count)
    return torch.equal(ours.images, theirs.images) and ours.captions == theirs.captions


# -------------------- same in all clothing


@pytest.mark.parametrize("clothing", ["parquet", "hub layout", "shards", "shards by number"])
def test_labelled_pictures_give_the_same_pairs_from_a_folder_and(labelled, clothing):
    streams = [
        CaptionedPairs(open_captioned(labelled[name]), seed=3, image_size=32)
        for name in ("folder", clothing)
    ]
    assert same_pairs(*streams, 0, 9) and same_pairs(*streams, 30, 5)


@pytest.mark.parametrize("clothing", ["csv", "tsv", "parquet", "shard"])
def test_captioned_pictures_give_the_same_pairs_from_a_folder_and(captioned, clothing):
    streams = [
        CaptionedPairs(open_captioned(captioned[name]), seed=3, image_size=32)
        for name in ("folder", clothing)
    ]
    assert same_pairs(*streams, 0, 9) and same_pairs(*streams, 30, 5)


def losses(stream) -> list[float]:
    torch.manual_seed(0)
    recipe = TrainConfig(batch_size=8, pairs=40, warmup=0.1)
    machine = Machine(precision="fp32", threads=1)
    trainer = Trainer(small_bundle(), stream, recipe, machine=machine)
    steps = []
    trainer.callbacks.append(
        lambda event: steps.append(event["loss"]) if event["event"] == "step" else None
    )
    trainer.run()
    return steps


def test_the_loss_curve_is_the_same_from_a_folder_a_table_and_shards(labelled):
    curves = [
        losses(Prefetched(CaptionedPairs(open_captioned(labelled[name]), seed=1, image_size=32)))
        for name in ("folder", "parquet", "shards")
    ]
    assert curves[0] == curves[1] == curves[2] and len(curves[0]) == 5 and len(set(curves[0])) == 5


def test_a_hub_data_set_gives_the_pairs_of_its_parquet_file(labelled):
    pytest.importorskip("datasets")
    (file,) = Path(labelled["hub layout"]).glob("data/*.parquet")
    theirs = load("parquet", data_files=str(file), split="train").data.table
    streams = [
        CaptionedPairs(data, seed=3, image_size=32)
        for data in (open_captioned(str(file)), table_set("parquet", theirs, Path()))
    ]
    assert same_pairs(*streams, 5, 20)


def test_shards_of_the_webdataset_library_are_read(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    with webdataset.TarWriter(str(tmp_path / "a.tar")) as writer:
        for row, (_, data) in enumerate(pictures()):
            writer.write({"__key__": f"{row:04}", "jpg": data, "txt": CAPTIONS[row // 4][0]})
    data = open_captioned(str(tmp_path / "a.tar"))
    assert len(data) == M and data.captions(5) == ["two red cars"]
    assert data.picture(5).tobytes() == Image.open(io.BytesIO(jpeg(5))).tobytes()


def test_an_export_is_the_same_data_three_times(labelled, tmp_path):
    from tools.export_cifar import export

    export(Path(labelled["parquet"]), tmp_path)
    names = ("folder", "train.parquet", "shards")
    streams = [CaptionedPairs(open_captioned(str(tmp_path / name)), 2, 32) for name in names]
    assert same_pairs(streams[0], streams[1], 0, 20) and same_pairs(streams[0], streams[2], 0, 20)


# -------------------- pure


def test_pairs_come_once_an_epoch_and_the_same_in_any_portions(captioned):
    data = open_captioned(captioned["folder"])
    whole = CaptionedPairs(data, seed=4, image_size=32)(3, 20)
    stream = CaptionedPairs(data, seed=4, image_size=32)
    parts = [stream(12, 11), stream(3, 9)][::-1]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    assert sum((part.captions for part in parts), []) == whole.captions


def test_every_caption_of_a_picture_comes_up(captioned):
    pairs = CaptionedPairs(open_captioned(captioned["csv"]), seed=0, image_size=32)(0, 40 * M)
    assert set(pairs.captions) == {text for texts in CAPTIONS for text in texts}
    shares = [pairs.captions.count(text) / (40 * M / 3) for text in CAPTIONS[2]]
    assert all(abs(share - 1 / 3) < 4 * (2 / 9 / 160) ** 0.5 for share in shares), (
        "four standard errors of 160 draws"
    )


def test_only_pictures_whose_captions_come_from_labels_are_mirrored(labelled, captioned):
    assert open_captioned(labelled["folder"]).mirror and not open_captioned(captioned["csv"]).mirror


def test_own_templates_make_the_captions(labelled):
    for clothing in labelled.values():
        data = open_captioned(clothing, templates=["I see the {}!", "{colour} {} {0}"])
        assert data.captions(4) == ["I see the red car!", "{colour} red car {0}"]


def test_reading_ahead_changes_no_pair(labelled):
    data = open_captioned(labelled["folder"])
    ahead, plain = Prefetched(CaptionedPairs(data, 5, 32)), CaptionedPairs(data, 5, 32)
    assert ahead.name == plain.name and ahead.seed == 5
    for start, count in [(0, 4), (4, 4), (4, 4), (20, 3), (23, 3)]:
        assert same_pairs(ahead, plain, start, count)


@pytest.mark.parametrize("memory, kept_in", [(10**9, "memory"), (0, "file")])
def test_a_picture_is_decoded_once(labelled, tmp_path, memory, kept_in):
    data = open_captioned(labelled["folder"])
    decoded, picture = [], data.picture
    data.picture = lambda row: decoded.append(row) or picture(row)
    stream = CaptionedPairs(data, seed=0, image_size=32, folder=tmp_path / "run", memory=memory)
    first, again = stream(0, 3 * M), stream(0, 3 * M)
    assert stream.decoded.kept_in == kept_in and sorted(decoded) == list(range(M))
    assert torch.equal(first.images, again.images)
    assert same_pairs(stream, CaptionedPairs(open_captioned(labelled["folder"]), 0, 32), 7, 20)


def test_without_memory_and_disk_pictures_are_decoded_each_time(labelled, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clipbench.data.readers.decoded.reserve", full)
    data = open_captioned(labelled["folder"])
    stream = CaptionedPairs(data, seed=0, image_size=32, folder=tmp_path, memory=0)
    assert stream.decoded.kept_in == "nothing" and list(tmp_path.iterdir()) == []
    assert same_pairs(stream, CaptionedPairs(data, 0, 32), 0, 30) and same_pairs(
        stream, stream, 0, 30
    )


def test_the_file_of_decoded_pictures_has_no_name(tmp_path):
    pictures = DecodedPictures(5, 32, memory=0, folder=tmp_path)
    pictures.put(3, torch.full((3, 32, 32), 7, dtype=torch.uint8))
    assert (
        list(tmp_path.iterdir()) == []
        and pictures.get([3], {}).eq(7).all()
        and pictures.missing([3, 4]) == [4]
    )


# -------------------- streaming


@pytest.fixture(autouse=True)
def no_rest_after_reading(monkeypatch):
    """datasets rests for five seconds whenever it ends a stream, for the sake of threads at the
    end of a process.
    """
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.01)


def streamed(file: str, **options) -> StreamedPairs:
    return StreamedPairs("parquet", 2, 32, data_files=file, **options)


def test_a_streamed_data_set_is_a_function_of_the_position(captioned):
    stream = streamed(captioned["parquet"], buffer=5)
    assert stream.captions_line == (
        "captions: column 'caption' of parquet, read while downloading; "
        "for example 'a cat' and 'a cat'"
    )
    whole = stream(0, 30)
    assert sorted(set(whole.captions)) == sorted({text for texts in CAPTIONS for text in texts})
    # the first starts anew and reads up to 8, the second goes on
    parts = [stream(8, 15), stream(23, 7)]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images[8:])
    assert sum((part.captions for part in parts), []) == whole.captions[8:]


def test_a_streamed_row_that_cannot_be_read_is_left_out(tmp_path):
    images = [
        {"bytes": data if row != 4 else b"torn", "path": name}
        for row, (name, data) in enumerate(pictures())
    ]
    parquet.write_table(
        pa.table({"image": images, "text": [f"row {row}" for row in range(M)]}),
        tmp_path / "a.parquet",
    )
    stream = streamed(str(tmp_path / "a.parquet"), buffer=1)
    assert sorted(stream(0, M - 1).captions) == sorted(f"row {row}" for row in range(M) if row != 4)
    assert len(stream.unreadable.reasons) == 1 and "is not a picture" in str(
        stream.unreadable.reasons
    )


# -------------------- bad samples


def spoil(data, rows: set[int]):
    picture = data.picture

    def spoiled(row: int):
        if row in rows:
            raise UserError(f"{data.ids[row]} cannot be read as a picture: it is torn")
        return picture(row)

    data.picture = spoiled
    return data


def test_an_unreadable_picture_is_replaced_by_the_next_and_named_once(labelled, tmp_path):
    good = CaptionedPairs(from_picture_set(open_pictures(labelled["folder"]), ["{}"]), 0, 32)
    data = spoil(open_captioned(labelled["folder"], templates=["{}"]), {3, 4, 11})
    CaptionedPairs(data, 0, 32, folder=tmp_path / "run")(0, M)
    stream = CaptionedPairs(data, 0, 32, folder=tmp_path / "run")  # as a resumed run has
    spoiled, whole = stream(0, M), good(0, M)
    assert len(spoiled.captions) == M
    kept = [row for row in range(M) if torch.equal(spoiled.images[row], whole.images[row])]
    assert len(kept) == M - 3, "the other pictures come where they always came"
    assert set(stream.unreadable.reasons) == {data.ids[row] for row in (3, 4, 11)}
    assert (tmp_path / "run" / "unreadable.txt").read_text().count("\n") == 3
    assert same_pairs(stream, CaptionedPairs(data, 0, 32), 0, M), "a function of the position still"


def test_too_many_unreadable_pictures_end_the_run_with_the_list(labelled, tmp_path):
    data = spoil(open_captioned(labelled["folder"]), set(range(11)))
    stream = CaptionedPairs(data, 0, 32, folder=tmp_path)
    with pytest.raises(
        UserError, match="11 of 12 samples cannot be read .*it is torn.*unreadable.txt"
    ) as error:
        stream(0, M)
    one_line(error.value)
    assert (tmp_path / "unreadable.txt").read_text().count("\n") == 11


def test_a_hundredth_of_a_large_source_may_be_unreadable(tmp_path):
    unreadable = Unreadable("large", tmp_path / "new" / "folder" / "unreadable.txt")
    for number in range(20):
        unreadable.note(f"{number}.jpg", "torn", 2000)
    with pytest.raises(UserError, match="large: 21 of 2000 samples cannot be read"):
        unreadable.note("20.jpg", "torn", 2000)
    assert (tmp_path / "new" / "folder" / "unreadable.txt").read_text().count("\n") == 21


def test_the_file_of_decoded_pictures_makes_its_folder(tmp_path):
    assert mapped_file((2, 3), tmp_path / "new" / "folder").shape == (2, 3)


def test_a_small_set_without_any_readable_picture_is_refused(tmp_path):
    write_csv(tmp_path / "a.csv", [("gone.jpg", "a thing"), ("lost.jpg", "another")])
    with pytest.raises(
        UserError, match="none of its 2 samples can be read; .*no such file"
    ) as error:
        CaptionedPairs(open_captioned(str(tmp_path / "a.csv")), 0, 32)(0, 4)
    one_line(error.value)


def test_unreadable_samples_are_events_of_the_training(labelled):
    stream = CaptionedPairs(spoil(open_captioned(labelled["folder"]), {2}), 0, 32)
    events = []
    recipe = TrainConfig(batch_size=6, pairs=24)
    machine = Machine(precision="fp32", threads=1)
    trainer = Trainer(small_bundle(), stream, recipe, machine=machine, callbacks=[events.append])
    trainer.run()
    (event,) = [event for event in events if event["event"] == "unreadable"]
    assert event["sample"].endswith("02.jpg") and "torn" in event["reason"] and event["so_far"] == 1


# -------------------- bad input


def bad_table(tmp_path, columns: dict) -> str:
    parquet.write_table(pa.table(columns), tmp_path / "bad.parquet")
    return str(tmp_path / "bad.parquet")


@pytest.mark.parametrize(
    "columns, message",
    [
        (
            {"image": [b"x"], "words": ["a"]},
            "no caption column among image, words; call one of them caption",
        ),
        ({"words": ["a"], "caption": ["a"]}, "no image column among words, caption"),
        ({"image": [b"x"], "caption": [3]}, "captions must be text or lists of text, not int64"),
        ({"image": [3.5], "caption": ["a"]}, "pictures must be bytes.* not double"),
        ({"image": [b"x"], "label": [0.5]}, "every label must be a whole number"),
        ({"image": pa.array([], pa.binary()), "caption": pa.array([], pa.string())}, "no rows"),
        ({"image": [b"x"], "label": [0]}, "label 0 has no class name"),
    ],
)
def test_a_table_that_does_not_fit_brings_one_line(tmp_path, columns, message):
    with pytest.raises(UserError, match=message) as error:
        open_captioned(bad_table(tmp_path, columns))
    one_line(error.value)


def test_a_named_column_must_exist(tmp_path):
    file = bad_table(tmp_path, {"image": [b"x"], "caption": ["a"]})
    with pytest.raises(UserError, match="no column 'alt'; it has image, caption"):
        open_captioned(file, caption_column="alt")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "names no columns"),
        (b"filepath,words\na.jpg,b\n", "no caption column among filepath, words"),
        (b"filepath,caption\n", "no rows"),
        (b"filepath,caption\n\xff\xfe,x\n", "byte 0xff is not UTF-8.*; save it as UTF-8"),
    ],
)
def test_a_csv_file_that_does_not_fit_brings_one_line(tmp_path, content, message):
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        open_captioned(str(tmp_path / "bad.csv"))
    one_line(error.value)


def torn(file: Path, size: int) -> None:
    with open(file, "r+b") as handle:
        handle.truncate(size)


@pytest.mark.parametrize("size", [0, 700, 1500, 5000])
def test_a_torn_shard_brings_one_line(tmp_path, size):
    file = write_shard(tmp_path / "a.tar", range(M), lambda row: {"txt": b"words"})
    torn(file, size)
    with pytest.raises(UserError, match=r"a\.tar") as error:
        open_captioned(str(file))
    one_line(error.value)


@pytest.mark.parametrize("ending", ["pyd", "pickle", "labels.pkl", "PTH"])
def test_a_shard_with_a_pickle_is_refused(tmp_path, ending):
    file = write_shard(
        tmp_path / "a.tar", range(2), lambda row: {"txt": b"words", ending: b"\x80\x04N."}
    )
    with pytest.raises(UserError, match="a pickle, which could run code") as error:
        open_captioned(str(file))
    one_line(error.value)


def test_shards_that_cannot_be_used_bring_one_line(tmp_path):
    import gzip

    plain = write_shard(tmp_path / "a.tar", range(2), lambda row: {"cls": b"0"})
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "c.tar").write_bytes(b"not a tar file at all" * 100)
    for name, message in [
        ("a.tar", "write classnames.txt beside them"),
        ("b.tar.gz", "not a readable, uncompressed"),
        ("c.tar", "not a readable"),
        ("d.tar", "no such file"),
        ("d-{0..1}.tar", "no such file"),
    ]:
        with pytest.raises(UserError, match=message) as error:
            open_captioned(str(tmp_path / name))
        one_line(error.value)


def test_names_in_a_shard_reach_no_file_outside(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, kind, data in [
            ("../secret.jpg", tarfile.REGTYPE, jpeg(0)),
            ("../secret.txt", tarfile.SYMTYPE, b""),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), str(tmp_path / "secret.txt")
            tar.addfile(info, io.BytesIO(data))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match="has no txt"):
        open_captioned(str(tmp_path / "a.tar")).captions(0)
    assert sorted(tmp_path.iterdir()) == before


def test_a_hub_data_set_that_cannot_be_had_brings_one_line(tmp_path):
    pytest.importorskip("datasets")
    with pytest.raises(UserError, match="cannot load the data set") as error:
        load(str(tmp_path / "nothing"))
    one_line(error.value)


def test_without_the_datasets_library_the_way_to_get_it_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(UserError, match=r"needs datasets: pip install .clipbench\[hub\]"):
        open_captioned("owner/name")
