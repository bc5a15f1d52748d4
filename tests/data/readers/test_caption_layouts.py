"""Facts about captions in the layouts that people have: each is recognised, its captions are the
right ones, and a line says where they come from.
"""

import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet
from small import one_line

from clipbench import UserError
from clipbench.cli import main
from clipbench.data.open import open_captioned, open_evaluated_captions, open_pictures
from clipbench.data.readers.captioned import CaptionedSet, captions_line
from clipbench.errors import Notice

EXPECTED = {
    "0.jpg": ["A dog, a cat and a bird on a fence"],
    "1.jpg": ["One red car", "a car"],
    "2.jpg": ["die Straße in Köln"],
}
SHADES = {"0.jpg": 10, "1.jpg": 110, "2.jpg": 210}
ROWS = [(name, text) for name, texts in EXPECTED.items() for text in texts]


def jpeg(name: str) -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), SHADES[name]).save(file, "JPEG")
    return file.getvalue()


def write(folder: Path, files: dict[str, str | bytes | list]) -> Path:
    """Write files of text, of bytes, or of JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(content) if isinstance(content, list | dict) else content
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def pictures(folder: str = "") -> dict[str, bytes]:
    return {f"{folder}{name}": jpeg(name) for name in SHADES}


def captions(data: CaptionedSet) -> dict[str, list[str]]:
    """File name -> captions, once each picture is known to be its own."""
    found = {}
    for row, name in enumerate(data.ids):
        name = Path(str(name)).name
        assert abs(data.picture(row).convert("L").getpixel((4, 4)) - SHADES[name]) < 3
        found[name] = list(data.captions(row))
    return found


def table(separator: str = ",", rows=ROWS, header: str | None = "image,caption") -> str:
    quoted = [
        (name, f'"{text}"' if separator in text and separator != "\t" else text)
        for name, text in rows
    ]
    lines = [header.replace(",", separator)] if header else []
    return "".join(f"{line}\n" for line in [*lines, *map(separator.join, quoted)])


def coco() -> dict:
    names = list(EXPECTED)
    return {
        "info": {},
        "images": [{"id": 70 + number, "file_name": name} for number, name in enumerate(names)],
        "annotations": [
            {"id": number, "image_id": 70 + names.index(name), "caption": text}
            for number, (name, text) in enumerate(ROWS)
        ],
    }


def karpathy(split: str = "train") -> dict:
    images = [
        {
            "filepath": "pictures",
            "filename": name,
            "split": split,
            "sentences": [{"raw": text, "tokens": text.split()} for text in texts],
        }
        for name, texts in EXPECTED.items()
    ]
    return {"dataset": "own", "images": images}


UNQUOTED = "".join(f"{name},{text}\n" for name, text in ROWS)
RECORDS = [{"file_name": name, "text": text} for name, text in ROWS]
JSON_LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)
FLICKR30K = "image_name| comment_number| comment\n" + "".join(
    f"{name}| {number}| {text}\n" for number, (name, text) in enumerate(ROWS)
)
FLICKR_TOKENS = "".join(f"{name}#{number}\t{text}\n" for number, (name, text) in enumerate(ROWS))
TEXTS = {f"{name[0]}.txt": "\n".join(texts) for name, texts in EXPECTED.items()}
IN_A_CELL = "image,caption\n" + "".join(
    f'{name},"{str(texts).replace(chr(34), chr(34) * 2)}"\n' for name, texts in EXPECTED.items()
)

# name -> (files, what is opened within the folder, what the line says of the captions' origin)
LAYOUTS = {
    "a text beside each picture": (pictures() | TEXTS, "", "text files beside the pictures"),
    "texts in sub-folders": (
        pictures("00000/") | {f"00000/{name}": text for name, text in TEXTS.items()},
        "",
        "text files beside the pictures",
    ),
    "texts named dog.jpg.txt": (
        pictures() | {f"{n[0]}.jpg.txt": t for n, t in TEXTS.items()},
        "",
        "text files",
    ),
    "UTF-16 texts beside each picture": (
        pictures() | {name: text.encode("utf-16") for name, text in TEXTS.items()},
        "",
        "text files",
    ),
    "texts in a folder beside that of the pictures": (
        pictures("images/pets/") | {f"text_c10/pets/{name}": text for name, text in TEXTS.items()},
        "",
        "text files beside the pictures",
    ),
    "JSON beside each picture": (
        pictures() | {f"{n[0]}.json": {"captions": t, "url": "x"} for n, t in EXPECTED.items()},
        "",
        "JSON files beside the pictures",
    ),
    "img2dataset's files": (
        pictures("00000/")
        | {f"00000/{name}": text for name, text in TEXTS.items()}
        | {f"00000/{name[0]}.json": {"caption": "not this", "width": 8} for name in EXPECTED}
        | {"00000_stats.json": {"count": 3, "successes": 3}},
        "",
        "text files beside the pictures",
    ),
    "metadata.jsonl": (pictures() | {"metadata.jsonl": JSON_LINES}, "", "column 'text'"),
    "train/metadata.jsonl": (
        pictures("train/") | {"train/metadata.jsonl": JSON_LINES},
        "",
        "column 'text'",
    ),
    "metadata.csv": (
        pictures() | {"metadata.csv": table(header="file_name,text")},
        "",
        "column 'text'",
    ),
    "captions.txt beside Images/": (
        pictures("Images/") | {"captions.txt": table()},
        "captions.txt",
        "column 'caption'",
    ),
    "a folder with captions.txt beside Images/": (
        pictures("Images/") | {"captions.txt": table()},
        "",
        "column 'caption'",
    ),
    "commas without quotes": (
        pictures() | {"captions.txt": f"image,caption\n{UNQUOTED}"},
        "",
        "column 'caption'",
    ),
    "no header": (pictures() | {"captions.txt": UNQUOTED}, "", "the last column"),
    "no header, quoted": (pictures() | {"captions.csv": table(header=None)}, "", "the last column"),
    "semicolons": (pictures() | {"a.csv": table(";")}, "a.csv", "column 'caption'"),
    "bars": (pictures() | {"a.csv": table("|")}, "a.csv", "column 'caption'"),
    "tabs in .csv": (pictures() | {"a.csv": table("\t")}, "a.csv", "column 'caption'"),
    "a first line of Excel": (
        pictures() | {"a.csv": "sep=;\n" + table(";")},
        "a.csv",
        "column 'caption'",
    ),
    "capitals and .CSV": (
        pictures() | {"A.CSV": table(header="Image,Caption")},
        "A.CSV",
        "column 'Caption'",
    ),
    "a space after the comma": (
        pictures() | {"a.csv": table(header="image, caption").replace(".jpg,", ".jpg, ")},
        "a.csv",
        "column 'caption'",
    ),
    "a byte-order mark": (
        pictures() | {"a.csv": table().encode("utf-8-sig")},
        "a.csv",
        "column 'caption'",
    ),
    "UTF-16": (pictures() | {"a.csv": table().encode("utf-16")}, "a.csv", "column 'caption'"),
    "UTF-16 without its mark": (
        pictures() | {"a.csv": table().encode("utf-16-le")},
        "a.csv",
        "column 'caption'",
    ),
    "lines of Windows": (
        pictures() | {"a.csv": table().replace("\n", "\r\n")},
        "a.csv",
        "column 'caption'",
    ),
    "paths of Windows": (
        pictures("sub/")
        | {"a.csv": table(rows=[(f"D:\\data\\sub\\{name}", text) for name, text in ROWS])},
        "a.csv",
        "column 'caption'",
    ),
    "lists in cells, as Python writes them": (
        pictures() | {"a.csv": IN_A_CELL},
        "a.csv",
        "column 'caption'",
    ),
    "lists in cells, as JSON": (
        pictures()
        | {
            "a.tsv": "image\tcaption\n"
            + "".join(f"{n}\t{json.dumps(t)}\n" for n, t in EXPECTED.items())
        },
        "a.tsv",
        "column 'caption'",
    ),
    "Flickr8k.token.txt": (
        pictures("Flicker8k_Dataset/") | {"Flickr8k_text/Flickr8k.token.txt": FLICKR_TOKENS},
        "",
        "the last column",
    ),
    "results_20130124.token": (
        pictures("flickr30k-images/") | {"results_20130124.token": FLICKR_TOKENS},
        "",
        "the last column",
    ),
    "Flickr30k's results.csv": (
        pictures("flickr30k_images/") | {"results.csv": FLICKR30K},
        "",
        "column 'comment'",
    ),
    "COCO": (
        pictures("train2017/")
        | {
            "annotations/captions_train2017.json": coco(),
            "annotations/instances_train2017.json": {
                "images": [{"id": 1, "file_name": "0.jpg"}],
                "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}],
            },
        },
        "",
        "COCO's captions",
    ),
    "Karpathy": (
        pictures("pictures/") | {"dataset_own.json": karpathy()},
        "dataset_own.json",
        "Karpathy's captions",
    ),
    "Karpathy's restval": (
        pictures("pictures/") | {"dataset_own.json": karpathy("restval")},
        "",
        "Karpathy's captions",
    ),
    "a list of records": (pictures() | {"captions.json": RECORDS}, "", "entry 'text'"),
    "a list of records by a name": (
        pictures() | {"captions.json": {"annotations": RECORDS}},
        "",
        "entry 'text'",
    ),
    "names with captions": (
        pictures() | {"captions.json": EXPECTED},
        "",
        "picture names with captions",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_captions_are_read_from(tmp_path, layout):
    files, where, origin = LAYOUTS[layout]
    data = open_captioned(str(write(tmp_path / "own", files) / where))
    assert captions(data) == EXPECTED
    assert captions_line(data).startswith(f"captions: {origin}")
    assert "3 pictures, 4 captions; for example " in captions_line(data)


def test_a_column_of_categories_and_one_of_lists_are_read_from_parquet(tmp_path):
    write(tmp_path, pictures())
    texts = ["a dog", "a cat", "a dog"]
    columns = {"image": list(SHADES), "text": pa.array(texts).dictionary_encode()}
    parquet.write_table(pa.table(columns), tmp_path / "metadata.parquet")
    assert captions(open_captioned(str(tmp_path))) == {
        name: [text] for name, text in zip(SHADES, texts, strict=True)
    }
    lists = [["a dog", None, "nan"], ["a cat", "one cat"], ["['x', 'y']"]]
    parquet.write_table(pa.table({"path": list(SHADES), "captions": lists}), tmp_path / "b.parquet")
    assert list(captions(open_captioned(str(tmp_path / "b.parquet"))).values()) == [
        ["a dog"],
        ["a cat", "one cat"],
        ["x", "y"],
    ]


def test_a_folder_that_the_datasets_library_saved_is_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    write(tmp_path, pictures())
    rows = {"image": [str(tmp_path / name) for name in EXPECTED], "caption": [*EXPECTED.values()]}
    saved = datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())
    saved.save_to_disk(str(tmp_path / "saved"))
    both = datasets.DatasetDict({"train": saved, "validation": saved.select([1])})
    both.save_to_disk(str(tmp_path / "both"))
    assert captions(open_captioned(str(tmp_path / "saved"))) == EXPECTED
    assert captions(open_captioned(str(tmp_path / "both"))) == EXPECTED
    assert captions(open_captioned(f"{tmp_path / 'both'}:val")) == {"1.jpg": EXPECTED["1.jpg"]}


# -------------------- shards


def shard(file: Path, members: dict[str, bytes]) -> str:
    with tarfile.open(file, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return str(file)


def test_a_text_in_a_shard_is_read_as_one_beside_a_picture(tmp_path):
    members = pictures("a/") | {f"a/{n}": t.encode("utf-16") for n, t in TEXTS.items()}
    data = open_captioned(shard(tmp_path / "a.tar", members))
    assert [data.captions(row) for row in range(3)] == list(EXPECTED.values())
    assert captions_line(data).startswith(f"captions: .txt members of {tmp_path / 'a.tar'}")


def test_names_with_dots_in_a_shard_make_samples_of_their_own(tmp_path):
    members = {"dog.v1.jpg": jpeg("0.jpg"), "dog.v1.txt": b"first"}
    members |= {"dog.v2.jpg": jpeg("1.jpg"), "dog.v2.txt": b"second"}
    data = open_captioned(shard(tmp_path / "a.tar", members))
    assert [data.captions(row) for row in range(len(data))] == [["first"], ["second"]]
    # the mask of a sample is no picture with a caption
    members = {"7.jpg": jpeg("0.jpg"), "7.mask.png": jpeg("1.jpg"), "7.txt": b"one"}
    data = open_captioned(shard(tmp_path / "b.tar", members))
    assert [data.captions(row) for row in range(len(data))] == [["one"]]


def test_companions_of_macos_are_no_samples(tmp_path):
    members = (
        {"__MACOSX/._0.jpg": b"Mac", "._0.jpg": b"Mac"}
        | pictures()
        | {name: text.encode() for name, text in TEXTS.items()}
    )
    assert len(open_captioned(shard(tmp_path / "a.tar", members))) == 3
    write(tmp_path / "folder", pictures() | TEXTS | {"._0.jpg": b"Mac", "._0.txt": b"Mac"})
    write(tmp_path / "folder" / "__MACOSX", pictures() | TEXTS)
    assert captions(open_captioned(str(tmp_path / "folder"))) == EXPECTED


# -------------------- splits


def split_folder(tmp_path: Path) -> str:
    content = "image,caption,split\n0.jpg,a dog,train\n1.jpg,a car,test\n2.jpg,a street,dev\n"
    return str(write(tmp_path / "own", pictures() | {"captions.csv": content}))


def test_a_column_of_splits_parts_the_pictures(tmp_path):
    where = split_folder(tmp_path)
    assert captions(open_captioned(where)) == {"0.jpg": ["a dog"]}
    assert captions(open_evaluated_captions(where)[0]) == {"1.jpg": ["a car"]}
    assert captions(open_captioned(f"{where}:validation")) == {"2.jpg": ["a street"]}
    with pytest.raises(UserError, match="has no part 'other'; it has test, validation, train"):
        open_captioned(f"{where}:other")


def test_the_annotations_of_coco_are_split_by_their_names(tmp_path):
    one = {**coco(), "annotations": coco()["annotations"][:1]}
    files = pictures("val2014/") | pictures("train2014/")
    files |= {"annotations/captions_train2014.json": coco()}
    where = str(write(tmp_path, files | {"annotations/captions_val2014.json": one}))
    assert len(open_captioned(where)) == 3
    evaluated, _ = open_evaluated_captions(where)
    assert captions(evaluated) == {"0.jpg": EXPECTED["0.jpg"]}
    assert "val2014" in str(evaluated.ids[0])


# -------------------- cells


@pytest.mark.parametrize("cell", ["nan", "NULL", "", "None", "N/A", "[]", "  "])
def test_a_missing_caption_is_no_word(tmp_path, cell):
    text = f"image\tcaption\n0.jpg\t{cell}\n1.jpg\ta car\n"
    where = str(write(tmp_path, pictures() | {"captions.tsv": text}))
    with pytest.raises(UserError, match=r"0\.jpg: has no caption"):
        open_captioned(where).captions(0)
    evaluated, without = open_evaluated_captions(where)
    assert captions(evaluated) == {"1.jpg": ["a car"]} and len(without) == 1
    assert "1 pictures have none" in captions_line(open_captioned(where))


@pytest.mark.parametrize(
    "cell, expected",
    [
        ("['a dog' 'it\\'s']", ["a dog", "it's"]),  # as NumPy writes it
        ("array(['a dog', 'b'], dtype=object)", ["a dog", "b"]),
        ("('a dog', \"it's\")", ["a dog", "it's"]),
        ('["a dog", null, "b"]', ["a dog", "b"]),
        ("['a dog', nan]", ["a dog"]),
        ("[a dog]", ["[a dog]"]),
        ("(2019) a dog", ["(2019) a dog"]),
        ("[1, 2]", ["[1, 2]"]),
        ('"Stop!" he said', ['"Stop!" he said']),
    ],
)
def test_a_list_written_in_a_cell_is_its_captions(tmp_path, cell, expected):
    where = write(tmp_path, pictures() | {"a.tsv": f"image\tcaption\n0.jpg\t{cell}\n"})
    assert open_captioned(str(where / "a.tsv")).captions(0) == expected


# -------------------- what cannot be read brings one line


@pytest.mark.parametrize(
    "content, message",
    [
        (
            "image,caption,id\n0.jpg,a dog, a cat,7\n",
            "line 2: 4 fields under 3 columns; put quotes",
        ),
        ('image,caption\n0.jpg,"a dog\n1.jpg,a car\n', "a quote is not closed"),
        ("image,caption\n0.jpg,K\xf6ln\n".encode("latin-1"), "0xf6 is not UTF-8.*save it as UTF-8"),
        ("image,caption\nhttps://a.b/0.jpg,a dog\n", "lists addresses, not files .*download"),
        ("a dog\n", "its first line, 'a dog', names no columns"),
        ("0.jpg: a dog\n1.jpg: a car\n", "names no columns; write a comma or a tab between them"),
    ],
)
def test_a_table_that_can_be_read_in_two_ways_brings_one_line(tmp_path, content, message):
    write(tmp_path, pictures() | {"a.csv": content})
    with pytest.raises(UserError, match=message) as error:
        open_captioned(str(tmp_path / "a.csv"))
    one_line(error.value)


def test_nothing_is_invented_where_metadata_lies(tmp_path):
    write(tmp_path, pictures("cat/") | {"metadata.csv": "file_name,beschreibung\ncat/0.jpg,Hund\n"})
    with pytest.raises(UserError, match="no caption column among file_name, beschreibung") as error:
        open_captioned(str(tmp_path))
    assert "or give templates" in one_line(error.value)
    assert open_captioned(str(tmp_path), templates=["a {}"]).captions(0) == ["a cat"]
    assert open_captioned(str(tmp_path), caption_column="beschreibung").captions(0) == ["Hund"]


def test_other_files_beside_folders_of_classes_leave_the_templates(tmp_path):
    files = pictures("cat/") | pictures("dog/") | {"README.txt": "pictures", "cat/notes.txt": "x"}
    files |= {"labels.csv": "filename,label\ncat/0.jpg,3\n", "boxes.json": {"version": 1}}
    data = open_captioned(str(write(tmp_path, files)))
    assert data.captions(0)[0] == "a photo of a cat." and data.mirror
    assert captions_line(data).startswith("captions: templates such as 'a photo of a {}.', filled")


def test_a_table_that_cannot_be_read_is_left_out_with_a_line(tmp_path):
    write(tmp_path, pictures("cat/") | {"orders.csv": "K\xf6ln,1\n".encode("latin-1")})
    with pytest.warns(Notice, match=r"left out: .*orders\.csv .*save it as UTF-8"):
        assert open_captioned(str(tmp_path)).captions(0)[0] == "a photo of a cat."


def test_pictures_without_a_text_are_counted(tmp_path):
    write(tmp_path, pictures() | {"0.txt": "a dog", "1.txt": "a car"})
    with pytest.warns(Notice, match=r"1 of 3 pictures have no text beside them .* 2\.jpg"):
        assert captions(open_captioned(str(tmp_path))) == {"0.jpg": ["a dog"], "1.jpg": ["a car"]}


def test_few_texts_beside_many_pictures_bring_one_line(tmp_path):
    write(tmp_path, pictures("cat/") | {"cat/0.txt": "a dog"})
    with pytest.raises(UserError, match="1 of 3 pictures have a text beside them; write") as error:
        open_captioned(str(tmp_path))
    one_line(error.value)
    assert open_captioned(str(tmp_path), templates=["a {}"]).captions(0) == ["a cat"]


def test_boxes_beside_the_pictures_are_no_captions(tmp_path):
    write(tmp_path, pictures("cat/") | {f"cat/{n[0]}.txt": "0 0.5 0.5 0.2 0.3\n" for n in EXPECTED})
    with pytest.warns(Notice, match="the texts beside the pictures hold no captions"):
        assert open_captioned(str(tmp_path)).captions(0)[0] == "a photo of a cat."


def test_a_list_of_labels_is_captioned_by_templates(tmp_path):
    text = (
        "id,Image;label\n".replace(",", ";")
        + "7;0.jpg;red_car\n8;1.jpg;n01440764\n9;2.jpg;red_car\n"
    )
    where = str(write(tmp_path, pictures("train/") | {"train.csv": text}) / "train.csv")
    data = open_pictures(where)
    assert (data.class_names, data.labels.tolist()) == (["tench", "red car"], [1, 0, 1])
    assert open_captioned(where, templates=["a {}"]).captions(1) == ["a tench"]
    write(tmp_path, {"bad.csv": "image,label\n0.jpg,cat\n1.jpg,\n"})
    with pytest.raises(UserError, match=r"1\.jpg has no label"):
        open_pictures(str(tmp_path / "bad.csv"))
    write(tmp_path, {"none.csv": "image,kind\n0.jpg,cat\n"})
    for opened in (open_pictures, open_captioned):
        with pytest.raises(UserError, match="no caption column among image, kind"):
            opened(str(tmp_path / "none.csv"))


def test_evaluated_captions_that_differ_in_capitals_and_spaces_are_one_text(tmp_path):
    texts = {"0.txt": "A dog ", "1.txt": "a  DOG\nA car", "2.txt": "a car"}
    data, _ = open_evaluated_captions(str(write(tmp_path, pictures() | texts)))
    assert [data.captions(row) for row in range(3)] == [["A dog"], ["A dog", "A car"], ["A car"]]


# -------------------- the line before a run


def of_texts(texts: list[str]) -> CaptionedSet:
    ids = [str(row) for row in range(len(texts))]
    grey = Image.new("L", (8, 8))
    return CaptionedSet("own", ids, lambda row: grey, lambda row: [texts[row]], origin="own")


def test_captions_that_differ_in_case_and_spaces_only_are_equal():
    line = captions_line(of_texts(["A dog", "a  dog ", "a car", "A CAR", "a bird"]))
    assert line == (
        "captions: own; 5 pictures, 5 captions; for example 'A dog' and 'a car'; 2 repeat another"
    )


def test_equal_captions_bring_a_hint():
    assert "all are equal, so there is nothing to learn" in captions_line(of_texts(["a"] * 9))
    most = captions_line(of_texts(["a photo"] * 8 + ["a dog", "a cat"]))
    assert "7 repeat another (80% are the same one, from which little is learned)" in most


def test_training_and_retrieval_say_where_the_captions_come_from(tmp_path, capsys):
    where = str(write(tmp_path / "own", pictures() | TEXTS))
    budget = ["--pairs", "4", "--batch-size", "2", "--out", str(tmp_path / "run"), "--json"]
    assert main(["train", "--data", where, *budget]) == 0
    told = capsys.readouterr().err
    assert f"clipbench: captions: text files beside the pictures of {where}; 3 pictures" in told
    assert main(["eval", "retrieval", "--model", "tiny", "--data", where, "--json"]) == 0
    answer = capsys.readouterr()
    assert "captions: text files beside the pictures" in answer.err
    record = json.loads(answer.out)
    assert record["settings"]["captions"] == f"text files beside the pictures of {where}"


def test_a_table_in_utf_32_is_read(tmp_path):
    table = "image,caption\n" + "".join(f'{name},"{text}"\n' for name, text in ROWS)
    write(tmp_path, pictures() | {"captions.csv": table.encode("utf-32")})
    assert captions(open_captioned(str(tmp_path))) == EXPECTED


def test_pictures_listed_without_their_endings_are_found(tmp_path):
    table = "image\tcaption\n" + "".join(f"{name[0]}\t{text}\n" for name, text in ROWS)
    write(tmp_path, pictures("images/") | {"captions.tsv": table})
    assert captions(open_captioned(str(tmp_path))) == EXPECTED


def test_capitals_in_the_ending_of_a_text_make_no_difference(tmp_path):
    texts = {f"{name[0]}.TXT": "\n".join(lines) for name, lines in EXPECTED.items()}
    write(tmp_path, pictures() | texts)
    assert captions(open_captioned(str(tmp_path))) == EXPECTED


def test_null_bytes_are_no_letters(tmp_path):
    write(tmp_path, pictures() | {"captions.csv": b"image,caption\n0.jpg,a d\x00og\n"})
    with pytest.raises(UserError, match="holds null bytes; save the file as UTF-8"):
        open_captioned(str(tmp_path)).captions(0)


def test_a_torn_json_line_is_told_with_its_number(tmp_path):
    lines = '{"file_name": "0.jpg", "text": "a dog"}\n\n{"file_name": "1.jpg", "te'
    write(tmp_path, pictures() | {"metadata.jsonl": lines})
    with pytest.raises(UserError, match=r"metadata\.jsonl, line 3: no whole JSON value") as error:
        open_captioned(str(tmp_path))
    one_line(error.value)


def test_a_folder_that_holds_itself_is_walked_once(tmp_path):
    write(tmp_path, pictures("cat/") | pictures("dog/"))
    (tmp_path / "cat" / "again").symlink_to(tmp_path, target_is_directory=True)
    names = open_pictures(str(tmp_path)).ids
    assert len(names) == len(set(names)) and "again/cat/again" not in str(names)
