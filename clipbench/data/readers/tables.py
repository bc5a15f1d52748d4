"""Tables with a column of pictures and one of captions (or labels).

They are parquet files and hub data sets.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from clipbench.data.image_set import PHOTO_TEMPLATES, PictureSet
from clipbench.data.readers.caption_text import as_captions
from clipbench.data.readers.captioned import CaptionedSet, from_labels
from clipbench.data.readers.columns import (
    CAPTION_COLUMNS,
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    column_key,
    find_column,
    has_column,
)
from clipbench.data.readers.folders import classes_of_paths
from clipbench.errors import UserError, first_line
from clipbench.preprocess import open_picture

# -------------------- parquet


def read_parquet(files: Sequence[Path]):
    """Read the Arrow table of parquet files with the same columns, one after the other.

    Raises:
        UserError: for a file that cannot be read or does not fit the others.
    """
    import pyarrow
    from pyarrow import parquet

    tables = []
    for file in files:
        try:
            tables.append(parquet.read_table(file))
            table = pyarrow.concat_tables(tables)
        except (pyarrow.ArrowException, OSError) as error:
            raise UserError(f"{file} is not a readable parquet file: {first_line(error)}") from None
    return table


def read_arrow(files: Sequence[Path]):
    """Read the Arrow table of a data set that the `datasets` library has saved to the disk.

    Raises:
        UserError: for a file that cannot be read.
    """
    import pyarrow

    tables = []
    for file in files:
        try:
            with pyarrow.memory_map(str(file)) as mapped:
                tables.append(pyarrow.ipc.open_stream(mapped).read_all())
            table = pyarrow.concat_tables(tables)
        except (pyarrow.ArrowException, OSError) as error:
            raise UserError(f"{file} is not a readable Arrow file: {first_line(error)}") from None
    return table


def without_categories(table):
    """Turn columns of categories, as pandas writes them, into columns of their values."""
    from pyarrow import types

    for place, field in enumerate(table.schema):
        if types.is_dictionary(field.type):
            values = table.column(place).cast(field.type.value_type)
            table = table.set_column(place, field.name, values)
    return table


def lists_addresses(file: Path) -> bool:
    """Say whether a parquet file lists addresses of pictures and holds none.

    Such a file is what img2dataset writes beside what it downloads.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        names = {column_key(name) for name in parquet.read_schema(file).names}
    except (pyarrow.ArrowException, OSError):
        return False  # which is reported where it is read
    return "url" in names and not names & set(IMAGE_COLUMNS)


def labelled_set(name: str, table, folder: Path) -> PictureSet:
    """Open an Arrow table with a column of pictures and perhaps one of labels.

    Pictures are bytes, a struct of bytes and path, or paths relative to ``folder``. Labels are
    names, or numbers whose names are in the table's metadata (as the `datasets` library writes
    them) or the folders of the pictures' paths.

    Raises:
        UserError: when there is no column of pictures, a column is of another type, a label has no
            name, or there are no rows.
    """
    table = without_categories(table)
    data, paths = unlabelled_set(name, table, folder)
    if not has_column(table.column_names, LABEL_COLUMNS):
        return data
    column = find_column(name, table.column_names, "label", None, LABEL_COLUMNS)
    labels, class_names = labels_and_names(name, table, column, paths)
    return replace(
        data, labels=torch.tensor(labels), class_names=class_names, templates=PHOTO_TEMPLATES
    )


def multi_label_set(name: str, table, folder: Path) -> tuple[PictureSet, torch.Tensor]:
    """Open a table with several labels per picture: (pictures, targets (M, C) bool).

    The labels of the Arrow table are lists of names, or of numbers with names.

    Raises:
        UserError: as ``labelled_set``, and where labels are no lists.
    """
    data, _ = unlabelled_set(name, table, folder)
    column = find_column(name, table.column_names, "label", None, LABEL_COLUMNS)
    rows = table.column(column).to_pylist()
    if not all(isinstance(row, list) for row in rows):
        raise UserError(
            f"{name}: {column} holds no lists; pictures with one label each are for zero-shot"
        )
    class_names = names_in_metadata(table, column)
    if not class_names and all(isinstance(label, str) for row in rows for label in row):
        class_names = sorted({label for row in rows for label in row})
    places = {label: place for place, label in enumerate(class_names)} | dict(
        enumerate(range(len(class_names)))
    )
    if strange := {str(label) for row in rows for label in row if label not in places}:
        raise UserError(
            f"{name}: label {min(strange)} has no class name; there are {len(class_names)}"
        )
    targets = torch.zeros(len(rows), len(class_names), dtype=torch.bool)
    for row, labels in enumerate(rows):
        targets[row, [places[label] for label in labels]] = True
    class_names = [label.replace("_", " ") for label in class_names]
    return replace(data, class_names=class_names, templates=PHOTO_TEMPLATES), targets


def unlabelled_set(name: str, table, folder: Path) -> tuple[PictureSet, list[str | None]]:
    """Open (pictures without classes, their paths where the table has them)."""
    if table.num_rows == 0:
        raise UserError(f"{name}: no rows")
    images = table.column(find_column(name, table.column_names, "image", None, IMAGE_COLUMNS))
    check_pictures(name, images.type)
    paths = picture_paths(images)
    ids = row_ids(name, paths)

    def pictures(rows: Sequence[int]) -> list[Image.Image]:
        return [
            stored_picture(images[int(row)].as_py(), folder, f"{name}, row {row},") for row in rows
        ]

    none = torch.zeros(len(ids), dtype=torch.int64)
    return PictureSet(name, none, [], (), pictures, ids), paths


def labels_and_names(
    name: str, table, column: str, paths: Sequence[str | None]
) -> tuple[list[int], list[str]]:
    """Read (numbers, class names) of a column of labels."""
    values = table.column(column)
    if is_text(values.type) and not values.null_count:
        places = {word: place for place, word in enumerate(sorted(set(values.to_pylist())))}
        return [places[word] for word in values.to_pylist()], [
            word.replace("_", " ") for word in places
        ]
    numbers = whole_numbers(name, values)
    class_names = names_in_metadata(table, column)
    if not class_names:
        return classes_of_paths(name, paths, numbers)
    if max(numbers) >= len(class_names):
        raise UserError(
            f"{name}: label {max(numbers)} has no class name; there are {len(class_names)}"
        )
    return numbers, class_names


def table_set(
    name: str,
    table,
    folder: Path,
    image_column: str | None = None,
    caption_column: str | None = None,
    templates: Sequence[str] | None = None,
) -> CaptionedSet:
    """Open an Arrow table with a column of pictures and one of captions, or else of labels.

    Pictures are bytes, a struct of bytes and path, or paths relative to ``folder``; captions are
    text or lists of text.

    Raises:
        UserError: when a column is absent or of another type, or there are no rows.
    """
    if table.num_rows == 0:
        raise UserError(f"{name}: no rows")
    table, columns = without_categories(table), table.column_names
    images = table.column(find_column(name, columns, "image", image_column, IMAGE_COLUMNS))
    check_pictures(name, images.type)
    paths = picture_paths(images)
    ids = row_ids(name, paths)

    def picture(row: int) -> Image.Image:
        return stored_picture(images[row].as_py(), folder, ids[row])

    if (
        caption_column is None
        and has_column(columns, LABEL_COLUMNS)
        and not has_column(columns, CAPTION_COLUMNS)
    ):
        label = find_column(name, columns, "label", None, LABEL_COLUMNS)
        numbers, names = labels_and_names(name, table, label, paths)
        return from_labels(
            name, ids, picture, numbers.__getitem__, names, templates or PHOTO_TEMPLATES
        )
    caption = find_column(name, columns, "caption", caption_column, CAPTION_COLUMNS)
    texts = table.column(caption)
    check_captions(name, texts.type)
    return CaptionedSet(
        name,
        ids,
        picture,
        lambda row: as_captions(texts[row].as_py(), ids[row]),
        origin=f"column {caption!r} of {name}",
    )


def stored_picture(value: object, folder: Path, name: str) -> Image.Image:
    """Open a picture from a table's cell: its bytes, its path, or a dict of both.

    Raises:
        UserError: when there is none or it cannot be read.
    """
    data, path = (
        (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, value)
    )
    if isinstance(data, bytes):
        return open_picture(data, name)
    if isinstance(path, str) and path:
        return open_picture(folder / path)
    raise UserError(f"{name}: has no picture")


def picture_paths(images) -> list[str | None]:
    """Give the pictures' paths where a table has them, otherwise None for every row."""
    from pyarrow import types

    if is_text(images.type):
        return images.to_pylist()
    if types.is_struct(images.type) and "path" in {field.name for field in images.type}:
        return [path for chunk in images.chunks for path in chunk.field("path").to_pylist()]
    return [None] * len(images)


def row_ids(name: str, paths: Sequence[str | None]) -> list[str]:
    """Identify each picture: by its path where it stands once, else by its row."""
    often = Counter(paths)
    return [
        path if path and often[path] == 1 else f"{name}, row {row}"
        for row, path in enumerate(paths)
    ]


def check_pictures(name: str, kind) -> None:
    from pyarrow import types

    holds_bytes = types.is_struct(kind) and "bytes" in {field.name for field in kind}
    if not (holds_bytes or types.is_binary(kind) or types.is_large_binary(kind) or is_text(kind)):
        raise UserError(
            f"{name}: pictures must be bytes, a struct of bytes and path, or paths, not {kind}"
        )


def check_captions(name: str, kind) -> None:
    from pyarrow import types

    is_list = types.is_list(kind) or types.is_large_list(kind)
    kind = kind.value_type if is_list else kind
    if not is_text(kind) and not types.is_struct(kind):  # {"raw": "a dog", "tokens": [...]}
        raise UserError(f"{name}: captions must be text or lists of text, not {kind}")


def is_text(kind) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind)


def whole_numbers(name: str, labels) -> list[int]:
    from pyarrow import compute, types

    if not types.is_integer(labels.type) or labels.null_count or compute.min(labels).as_py() < 0:
        raise UserError(f"{name}: every label must be a whole number from 0 on")
    return labels.to_pylist()


def names_in_metadata(table, column: str) -> list[str]:
    """Read the class names that the `datasets` library writes into a table's schema.

    None are there if another program wrote it.
    """
    try:
        feature = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"][column]
        while "names" not in feature:  # labels in lists
            feature = feature[0] if isinstance(feature, list) else feature["feature"]
        return [name.replace("_", " ") for name in feature["names"]]
    except (KeyError, IndexError, TypeError, ValueError):
        return []
