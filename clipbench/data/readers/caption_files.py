"""One file that lists pictures with their captions.

CSV and its kin, JSON lines, and the JSON of COCO, of Karpathy and of lists of records.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from textwrap import shorten
from typing import TextIO

import torch

from clipbench.data.image_set import PHOTO_TEMPLATES, PictureSet
from clipbench.data.readers.caption_text import NUMBERS, as_captions, is_missing
from clipbench.data.readers.captioned import CaptionedSet
from clipbench.data.readers.columns import Columns, NoCaptions, Places
from clipbench.data.readers.folders import readable_names
from clipbench.data.readers.picture_files import located
from clipbench.data.readers.split_names import split_in, split_of
from clipbench.data.readers.text_files import file_encoding
from clipbench.errors import UserError
from clipbench.preprocess import PICTURE_SUFFIXES, open_picture

SEPARATORS = "\t,;|"
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".token")
LIST_SUFFIXES = (*TABLE_SUFFIXES, ".jsonl", ".ndjson", ".json")
PICTURE_NAME = re.compile(
    rf".*(?:{'|'.join(map(re.escape, PICTURE_SUFFIXES))})", re.IGNORECASE | re.DOTALL
)
# dog.jpg#0<tab>A dog runs: the first line of a table without a header
PICTURE_FIRST = re.compile(
    rf'\s*"?[^"{SEPARATORS}]*(?:{"|".join(map(re.escape, PICTURE_SUFFIXES))})(?:#\d+)?"?\s*'
    rf"(?P<separator>[{SEPARATORS}])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Listing:
    """What a file lists: for each split (or "all") the pictures' names with their caption cells."""

    file: Path
    origin: str  # in words
    splits: Mapping[str, Mapping[str, list]]

    def open(self, split: str) -> CaptionedSet:
        """Open the pictures of a split with their captions.

        Raises:
            UserError: when the pictures are addresses of the web.
        """
        found = self.splits[split]
        paths = located(list(found), self.file)
        ids, cells = [str(path) for path in paths], list(found.values())
        return CaptionedSet(
            str(self.file) if split == "all" else f"{self.file}:{split}",
            ids,
            lambda row: open_picture(paths[row]),
            lambda row: as_captions(cells[row], ids[row]),
            origin=self.origin,
        )

    def labelled(self, split: str) -> PictureSet:
        """Open the pictures of a split, with the first cell of each as its class.

        Raises:
            UserError: for a picture without a label, and when the pictures are addresses.
        """
        found = self.splits[split]
        paths = located(list(found), self.file)
        words = [str(cells[0]).strip() for cells in found.values()]
        if missing := [name for name, word in zip(found, words, strict=True) if is_missing(word)]:
            raise UserError(f"{self.file}: {missing[0]} has no label")
        classes = sorted(set(words))
        return PictureSet(
            str(self.file) if split == "all" else f"{self.file}:{split}",
            torch.tensor([classes.index(word) for word in words]),
            readable_names(classes),
            PHOTO_TEMPLATES,
            lambda rows: [open_picture(paths[row]) for row in rows],
            [str(path) for path in paths],
        )


def read_listing(file: Path, columns: Columns) -> Listing:
    """Read a file that lists pictures with their captions.

    Raises:
        UserError: for a file that cannot be read, or lists no captions of pictures.
    """
    suffix = file.suffix.lower()
    try:
        encoding = file_encoding(file)
        if suffix == ".json":
            return json_listing(file, json.loads(file.read_text(encoding)), columns)
        with open(file, newline="", encoding=encoding) as lines:
            if suffix in (".jsonl", ".ndjson"):
                return records_listing(file, json_lines(file, lines), columns, "column")
            return table_listing(file, lines, columns)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file} is not a readable text file (byte {error.object[error.start]:#x} is not "
            "UTF-8); save it as UTF-8"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{file} cannot be read: {error}") from None


def collected(
    file: Path, origin: str, entries: Iterable[tuple[str, object, str | None]]
) -> Listing:
    """Collect a listing from entries of (picture, cell, split or None).

    Rows of the same picture are its several captions.

    Raises:
        UserError: when there are none.
    """
    splits: dict[str, dict[str, list]] = {}
    for name, cell, split in entries:
        of_split = splits.setdefault(split_of(split) if split else "all", {})
        of_split.setdefault(without_number(name), []).append(cell)
    if not splits:
        raise UserError(f"{file}: no rows")
    return Listing(file, origin, splits)


def without_number(name: str) -> str:
    """Give "dog.jpg" for "dog.jpg#3", as Flickr8k counts a picture's captions."""
    return re.sub(r"#\d+$", "", name.strip())


# -------------------- tables


def table_listing(file: Path, lines: TextIO, columns: Columns) -> Listing:
    """Read a table in any separator, with or without a header.

    Captions may hold the separator.

    Raises:
        UserError: when a column is absent, and for a row that can be read in two ways.
    """
    first = lines.readline()
    skipped = 0
    if first.lower().startswith("sep="):  # a line that Excel writes
        first, skipped = lines.readline(), 1
    separator, header = separator_of(first, columns)
    lines.seek(0)
    rows = islice(rows_of(file, lines, separator), skipped, None)
    if header:
        names = [name.strip() for name in next(rows, (1, []))[1]]
        if len(names) < 2:
            raise NoCaptions(
                f"{file} is no table of pictures and captions: its first line, "
                f"{shorten(first, 40)!r}, names no columns; write a comma or a tab between them"
            )
        places = columns.places(str(file), names)
        origin = f"column {names[places.caption]!r} of {file}"
    else:
        width = (
            3 if len(fields := first.split(separator)) > 2 and fields[1].strip().isdigit() else 2
        )
        names, places = [""] * width, Places(0, width - 1, None)
        origin = f"the last column of {file}"
    entries = (
        table_entry(file, number, row, len(names), places, separator) for number, row in rows
    )
    listing = collected(file, origin, entries)
    if not header and only_numbers(listing):
        raise NoCaptions(f"{file}: no caption column; its last column holds numbers")
    return listing


def only_numbers(listing: Listing) -> bool:
    cells = chain.from_iterable(chain.from_iterable(s.values() for s in listing.splits.values()))
    return all(NUMBERS.fullmatch(str(cell)) for cell in islice(cells, 20))


def separator_of(first: str, columns: Columns) -> tuple[str, bool]:
    """Find (separator, whether the first line names columns)."""
    for separator in SEPARATORS:
        names = next(csv.reader([first], delimiter=separator, skipinitialspace=True), [])
        if columns.fit(names):
            return separator, True
    if not columns.named and (picture := PICTURE_FIRST.match(first)):
        return picture["separator"], False
    return max(SEPARATORS, key=lambda separator: (first.count(separator), separator == ",")), True


def rows_of(file: Path, lines: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Give (line number, fields) of each row that is not empty.

    Where quotes do not fit, those of tabs and bars are text.

    Raises:
        UserError: for a quote in a comma-separated file that does not end.
    """
    rows = quoted_rows(file, lines, separator)
    if separator in ",;":
        return rows
    try:
        return iter(list(rows))
    except UserError:
        lines.seek(0)
        split = (
            (number, line.rstrip("\r\n").split(separator)) for number, line in enumerate(lines, 1)
        )
        return (row for row in split if any(map(str.strip, row[1])))


def quoted_rows(file: Path, lines: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    spaced = any(re.search(rf'[{separator}] +"', line) for line in islice(lines, 50))
    lines.seek(0)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=spaced, strict=True)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        raise UserError(
            f"{file}, line {reader.line_num}: a quote is not closed or not doubled ({error}); "
            'write "" for a quote within a caption'
        ) from None


def table_entry(
    file: Path, number: int, row: list[str], width: int, places: Places, separator: str
) -> tuple[str, str, str | None]:
    """Read (picture, caption, split) of one row.

    Captions in the last column may hold the separator.

    Raises:
        UserError: for a row with too many fields whose captions stand in another column.
    """
    if len(row) > width and places.caption != width - 1:
        raise UserError(
            f"{file}, line {number}: {len(row)} fields under {width} columns; put quotes around a "
            f"caption that holds {separator!r}"
        )
    row = [*row, *[""] * (width - len(row))]
    row = [*row[: width - 1], separator.join(row[width - 1 :])]
    return (
        row[places.image],
        row[places.caption],
        None if places.split is None else row[places.split],
    )


# -------------------- JSON


def json_listing(file: Path, content: object, columns: Columns) -> Listing:
    """Read COCO's or Karpathy's form, a list of records, or picture names with their captions.

    Raises:
        UserError: for other JSON.
    """
    if isinstance(content, dict) and isinstance(images := content.get("images"), list) and images:
        if "annotations" in content:
            return coco_listing(file, images, content["annotations"])
        if isinstance(images[0], dict) and "sentences" in images[0]:
            return karpathy_listing(file, images)
    if isinstance(content, dict) and len(content) == 1:  # {"annotations": [...]}
        (inside,) = content.values()
        content = inside if isinstance(inside, list) else content
    if isinstance(content, list):
        return records_listing(file, content, columns, "entry")
    if isinstance(content, dict) and any(PICTURE_NAME.fullmatch(name) for name in content):
        pairs = ((name, cell, None) for name, cell in content.items())
        return collected(file, f"picture names with captions in {file}", pairs)
    raise NoCaptions(
        f"{file} holds no captions; COCO's form, Karpathy's, a list of records, or picture names "
        "with captions are read"
    )


def coco_listing(file: Path, images: list, annotations: list) -> Listing:
    """Read COCO's form: images with an id, and annotations with an image_id and a caption.

    The form is of Lin et al. (2014).
    """
    try:
        names = {image["id"]: image["file_name"] for image in images}
        entries = [
            (names[note["image_id"]], note["caption"], split_in(file.stem)) for note in annotations
        ]
    except (KeyError, TypeError) as error:
        raise NoCaptions(f"{file} has COCO's form but no captions: {error} is missing") from None
    return collected(file, f"COCO's captions in {file}", entries)


def karpathy_listing(file: Path, images: list) -> Listing:
    """Read Karpathy's form: images with a filename, a split and sentences.

    The form is of Karpathy and Fei-Fei (2015).
    """
    try:
        entries = [
            ("/".join(filter(None, (image.get("filepath"), image["filename"]))), sentence["raw"],
             image.get("split"))
            for image in images for sentence in image["sentences"]
        ]  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise NoCaptions(f"{file} has Karpathy's form, but {error} is missing") from None
    return collected(file, f"Karpathy's captions in {file}", entries)


def json_lines(file: Path, lines: Iterable[str]) -> Iterator[object]:
    """Read a JSON value a line; empty lines are skipped.

    Raises:
        UserError: for a line that is no JSON, with its number.
    """
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                yield json.loads(line)
        except ValueError as error:
            reason = getattr(error, "msg", error)
            raise UserError(f"{file}, line {number}: no whole JSON value ({reason})") from None


def records_listing(file: Path, records: Iterable[object], columns: Columns, what: str) -> Listing:
    """Read JSON objects, one for each picture or for each caption.

    Raises:
        UserError: when there are none, or the first has no picture or no caption.
    """
    records = iter(records)
    first = next(records, None)
    if not isinstance(first, dict):
        raise NoCaptions(f"{file}: no rows with names, such as file_name and text")
    image, caption = columns.names(str(file), list(first))
    entries = (
        (str(record.get(image) or ""), record.get(caption), record.get("split"))
        for record in chain([first], records)
        if isinstance(record, dict)
    )
    return collected(file, f"{what} {caption!r} of {file}", entries)
