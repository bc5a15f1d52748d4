"""Sets of hard negatives: pictures, each with its right caption and slightly different wrong ones.

Read are a table (.csv, .tsv, .json, .jsonl, .parquet) with columns such as ``image``, ``caption``
and ``wrong_caption``, and the forms of

* SugarCrepe (Hsieh et al. 2023): ``filename``, ``caption``, ``negative_caption``;
* ARO (Yuksekgonul et al. 2023): ``image_path``, ``true_caption``, ``false_caption``, and the box
  ``bbox_x``, ``bbox_y``, ``bbox_w``, ``bbox_h`` that is cut out;
* Winoground (Thrush et al. 2022): ``image_0``, ``image_1``, ``caption_0``, ``caption_1``;
* NegBench (Alhamoud et al. 2025): ``image_path``, ``caption_0`` ... and ``correct_answer``;
* CountBench (Paiss et al. 2023): ``image``, ``text`` and ``number``; its wrong captions say each
  other number from two to ten.

``scenes:order``, ``scenes:number`` and ``scenes:presence`` are the emoji world's own.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from PIL import Image

from clipbench.data.image_set import PictureSet
from clipbench.data.readers.caption_files import SEPARATORS
from clipbench.data.readers.caption_text import texts_in
from clipbench.data.readers.columns import IMAGE_COLUMNS, column_key, find_column
from clipbench.data.readers.picture_files import located
from clipbench.data.readers.tables import read_parquet, stored_picture, without_categories
from clipbench.data.readers.text_files import file_encoding
from clipbench.data.world.evaluation_sets import rendered
from clipbench.data.world.hard_negative_scenes import TEMPLATE, hard_negative_question
from clipbench.errors import UserError, first_line
from clipbench.files import atomic_folder
from clipbench.preprocess import open_picture

WORLD = "scenes:"
TABLE = "hard-negatives.csv"
RIGHT_COLUMNS = (
    "caption", "true_caption", "right_caption", "correct_caption", "positive_caption", "right",
    "positive", "text", "sentence",
)  # fmt: skip
WRONG_COLUMN = re.compile(
    r"(?:wrong|false|negative|hard_negative|incorrect|foil|distractor)"
    r"(?:_?(?:caption|text|sentence)s?|s)?(?:_?\d+)?"
)
CATEGORY_COLUMNS = (
    "category", "type", "relation_name", "tag", "correct_answer_template", "subset",
)  # fmt: skip
BOX = ("bbox_x", "bbox_y", "bbox_w", "bbox_h")
NUMBER_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Case:
    """One question about a picture: which of these captions belongs to it.

    Attributes:
        picture: its row.
        captions: the right one first.
        category: what the wrong ones change; empty where the set does not say.
        group: cases of one group (Winoground's two pictures) have each other's captions.
    """

    picture: int
    captions: tuple[str, ...]
    category: str = ""
    group: str = ""


@dataclass(frozen=True)
class HardNegatives:
    """Pictures and the questions about them.

    Attributes:
        left_out: rows of the table that ask nothing, with the reason.
    """

    pictures: PictureSet
    cases: list[Case]
    left_out: dict[str, str] = field(default_factory=dict)


def open_hard_negatives(
    where: str, pictures: Path | None = None, count: int = 1000
) -> HardNegatives:
    """Open a set of hard negatives, from the emoji world or from a table.

    Args:
        where: ``scenes:order`` and its kin, or a table's file.
        pictures: the folder of a table's pictures; None looks beside the table.
        count: how many scenes the world draws.

    Raises:
        UserError: for a file that cannot be read or asks nothing.
    """
    if where.startswith(WORLD):
        return world_set(where.removeprefix(WORLD), count)
    file = Path(where)
    if not file.is_file():
        raise UserError(
            f"{where}: no such file; give a table of pictures with right and wrong captions, "
            "or scenes:order, scenes:number, scenes:presence"
        )
    return set_of_rows(file, rows_of(file), pictures)


# -------------------- the world's


def world_set(kind: str, count: int) -> HardNegatives:
    """Draw one of the emoji world's sets.

    Scenes that have each other's captions make a group of two.
    """
    question = hard_negative_question(kind, count)
    name = f"{WORLD}{kind}"
    rows = len(question.phrases)
    pictures = rendered(name, question.factors, torch.zeros(rows, dtype=torch.int64), [])
    cases = [
        Case(row, right_first([TEMPLATE.format(text) for text in phrases], label), kind)
        for row, (phrases, label) in enumerate(
            zip(question.phrases, question.labels.tolist(), strict=True)
        )
    ]
    return HardNegatives(replace(pictures, name=name), paired(cases) if kind == "order" else cases)


def right_first(captions: Sequence[str], right: int) -> tuple[str, ...]:
    return (captions[right], *(text for place, text in enumerate(captions) if place != right))


def paired(cases: Sequence[Case]) -> list[Case]:
    """Put each case in a group with one of the reverse captions, as far as there are such."""
    waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
    found = list(cases)
    for place, case in enumerate(cases):
        if partners := waiting[case.captions[::-1]]:
            partner, group = partners.pop(0), f"pair {place}"
            found[partner], found[place] = (
                replace(found[k], group=group) for k in (partner, place)
            )
        else:
            waiting[case.captions].append(place)
    return found


# -------------------- tables


def rows_of(file: Path) -> list[dict]:
    """Read the rows of a table, with their columns' names in one spelling.

    Raises:
        UserError: for a file that is no table.
    """
    suffix = file.suffix.lower()
    try:
        if suffix == ".parquet":
            rows = without_categories(read_parquet([file])).to_pylist()
        elif suffix in (".jsonl", ".ndjson", ".json"):
            rows = json_rows(file.read_text(file_encoding(file)), suffix == ".json")
        else:
            rows = table_rows(file)
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{file} is no readable table: {first_line(error)}") from None
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{file} holds no rows with named columns")
    return [{column_key(name): value for name, value in row.items() if name} for row in rows]


def json_rows(text: str, whole: bool) -> list:
    """Read lines, a list, an object of objects (SugarCrepe), or a list within an object."""
    if not whole:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    content = json.loads(text)
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        content = lists[0] if len(lists) == 1 else list(content.values())
    return content if isinstance(content, list) else []


def table_rows(file: Path) -> list[dict]:
    with open(file, newline="", encoding=file_encoding(file)) as lines:
        header = lines.readline()
        lines.seek(0)
        separator = max(SEPARATORS, key=lambda each: (header.count(each), each == ","))
        return list(csv.DictReader(lines, delimiter=separator, strict=True))


@dataclass(frozen=True)
class Question:
    """What a row asks, before its picture has been found."""

    picture: object  # a name, bytes, or a dict of both
    captions: tuple[str, ...]
    box: tuple[int, ...] = ()
    category: str = ""
    group: str = ""

    def key(self, number: int) -> object:
        """Give a key that questions about the same part of the same picture share.

        Pictures in bytes are never taken for the same.
        """
        return (self.picture if isinstance(self.picture, str) else number, self.box)


def set_of_rows(file: Path, rows: Sequence[dict], folder: Path | None) -> HardNegatives:
    """Make a set of a table's rows; rows that ask nothing are left out and noted.

    Raises:
        UserError: when no row asks anything.
    """
    questions, left_out = [], {}
    for number, row in enumerate(rows):
        where = f"{file}, row {number + 1}"
        try:
            questions += questions_of(where, row, number)
        except UserError as error:
            left_out[where] = str(error)
    if not questions:
        raise UserError(next(iter(left_out.values())))
    shown: dict[object, Question] = {}  # each picture once
    for number, each in enumerate(questions):
        shown.setdefault(each.key(number), each)
    places = {key: row for row, key in enumerate(shown)}
    cases = [
        Case(places[each.key(number)], each.captions, each.category, each.group)
        for number, each in enumerate(questions)
    ]
    return HardNegatives(pictures_of(file, list(shown.values()), folder), cases, left_out)


def pictures_of(file: Path, shown: Sequence[Question], folder: Path | None) -> PictureSet:
    """Give the pictures of a table, each once, cut to its box."""
    names = [str(each.picture) for each in shown if isinstance(each.picture, str)]
    found = [folder / name for name in names] if folder else located(names, file) if names else []
    paths = dict(zip(names, found, strict=True))
    ids = [
        f"{paths.get(str(each.picture), f'{file}, picture {number}')}"
        + (f" {each.box}" if each.box else "")
        for number, each in enumerate(shown)
    ]

    def picture(row: int) -> Image.Image:
        value = shown[row].picture
        image = (
            open_picture(paths[value])
            if isinstance(value, str)
            else stored_picture(value, folder or file.parent, ids[row])
        )
        return cut(image, shown[row].box)

    return PictureSet(
        str(file),
        torch.zeros(len(shown), dtype=torch.int64),
        [],
        (),
        lambda rows: [picture(row) for row in rows],
        ids,
    )


def cut(image: Image.Image, box: Sequence[int]) -> Image.Image:
    """Crop a picture to the box (x, y, width, height), within its bounds.

    Without a box the picture stays whole.
    """
    if not box:
        return image
    x, y, width, height = box
    right, bottom = min(x + width, image.width), min(y + height, image.height)
    if not (0 <= x < right and 0 <= y < bottom):
        raise UserError(f"the box {tuple(box)} lies outside a picture of {image.size}")
    return image.crop((x, y, right, bottom))


# -------------------- the forms of rows


def questions_of(where: str, row: Mapping, number: int) -> list[Question]:
    """Read the questions that one row asks.

    Raises:
        UserError: for a row that asks nothing.
    """
    category = next((str(row[name]) for name in CATEGORY_COLUMNS if row.get(name)), "")
    if row.keys() >= {"image_0", "image_1", "caption_0", "caption_1"}:
        return winoground(row, category, str(row.get("id", number)))
    image = row[find_column(where, list(row), "image", None, IMAGE_COLUMNS)]
    if not image:
        raise UserError(f"{where}: has no picture")
    if "correct_answer" in row:
        captions = multiple_choice(where, row)
    else:
        right, wrong = right_and_wrong(where, row)
        captions = (right, *wrong)
    return [Question(image, captions, box_of(where, row), category, str(row.get("group") or ""))]


def winoground(row: Mapping, category: str, name: str) -> list[Question]:
    first, second = str(row["caption_0"]).strip(), str(row["caption_1"]).strip()
    captions = ((first, second), (second, first))
    return [
        Question(row[f"image_{k}"], captions[k], category=category, group=f"group {name}")
        for k in range(2)
    ]


def multiple_choice(where: str, row: Mapping) -> tuple[str, ...]:
    """Read NegBench's form: numbered captions and the number of the right one."""
    names = sorted(name for name in row if re.fullmatch(r"caption_\d+", name) and row[name])
    captions = [str(row[name]).strip() for name in names]
    try:
        right = names.index(f"caption_{int(float(row['correct_answer']))}")
    except (TypeError, ValueError):
        raise UserError(
            f"{where}: correct_answer is {row['correct_answer']!r}, the number of none of its "
            "captions"
        ) from None
    return right_first(captions, right)


def right_and_wrong(where: str, row: Mapping) -> tuple[str, list[str]]:
    """Read the right caption and the wrong ones of a row.

    Raises:
        UserError: when either is missing, or both are the same.
    """
    right = texts_in(row[find_column(where, list(row), "caption", None, RIGHT_COLUMNS)], where)
    wrong = [
        text for name in row if WRONG_COLUMN.fullmatch(name) for text in texts_in(row[name], where)
    ]
    if not wrong and right and row.get("number") is not None:
        wrong = other_numbers(where, right[0], row["number"])
    if not right or not wrong:
        missing = "no right caption" if not right else "no wrong caption"
        raise UserError(f"{where}: has {missing}; call its column caption or wrong_caption")
    if right[0] in wrong:
        raise UserError(f"{where}: {right[0]!r} stands as the right and as a wrong caption")
    return right[0], wrong


def other_numbers(where: str, caption: str, number: object) -> list[str]:
    """Write CountBench's wrong captions: each other number instead of the right one."""
    words = dict(enumerate(NUMBER_WORDS, 2))
    word = words.get(int(number)) if str(number).isdigit() else str(number).strip().lower()  # type: ignore[call-overload]
    said = re.compile(rf"\b{word}\b", re.IGNORECASE)
    if word not in NUMBER_WORDS or not said.search(caption):
        raise UserError(f"{where}: {caption!r} does not say the number {number}, in words")
    return [said.sub(other, caption, count=1) for other in NUMBER_WORDS if other != word]


def box_of(where: str, row: Mapping) -> tuple[int, ...]:
    if not all(row.get(name) not in (None, "") for name in BOX):
        return ()
    try:
        return tuple(int(float(row[name])) for name in BOX)
    except (TypeError, ValueError):
        raise UserError(f"{where}: its box is not four numbers") from None


# -------------------- written


def write_hard_negatives(folder: str | Path, data: HardNegatives) -> None:
    """Write the pictures as PNG and the table ``hard-negatives.csv``, which reads back the same.

    Raises:
        UserError: when the place cannot be written to, or a picture cannot be read.
    """
    most = max(len(case.captions) for case in data.cases) - 1
    wrong = [f"wrong_caption_{number + 1}" for number in range(most)]
    with atomic_folder(Path(folder)) as part:
        for row in range(len(data.pictures)):
            data.pictures.pictures([row])[0].save(part / f"{row:05d}.png")
        with open(part / TABLE, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["image", "caption", *wrong, "category", "group"])
            for case in data.cases:
                filled = [*case.captions, *[""] * (most + 1 - len(case.captions))]
                table.writerow([f"{case.picture:05d}.png", *filled, case.category, case.group])
