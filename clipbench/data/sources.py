"""Finds out what a name on the command line means as training data."""

import re
from collections.abc import Sequence
from pathlib import Path

from clipbench.data.captioned import CaptionedSet, from_picture_set
from clipbench.data.hub import hub_set
from clipbench.data.picture_sets import open_pictures
from clipbench.data.shards import shard_files, shard_set
from clipbench.data.tables import csv_set, parquet_set

CAPTION_FILES = ("captions.csv", "metadata.csv", "captions.tsv", "captions.txt")  # Flickr8k has the last one


def open_captioned(
    where: str,
    image_column: str | None = None,
    caption_column: str | None = None,
    templates: Sequence[str] | None = None,
) -> CaptionedSet:
    """Pictures with captions.

    Args:
        where: a folder with one sub-folder a class, or with a captions file, with parquet files (also in the hub's
            layout) or with tar shards; a .csv, .tsv, .parquet or .tar file; several shards as "name-{000..009}.tar";
            ``digits``; or a hub data-set id "owner/name".
        image_column, caption_column: of a table; None takes the usual names.
        templates: for labelled data, each with {}.

    Raises:
        UserError: for a name that is none of these, or data that cannot be used.
    """
    path = Path(where)
    if shards := shard_files(where):
        return shard_set(where, shards, templates)
    table = captions_file(path)
    if table is not None:
        return csv_set(table, image_column, caption_column)
    if files := parquet_files(path):
        return parquet_set(files, image_column, caption_column, templates)
    if is_hub_id(where) and not path.exists():
        return hub_set(where, image_column, caption_column, templates)
    return from_picture_set(open_pictures(where, "train"), templates)


def captions_file(path: Path) -> Path | None:
    """A CSV file: the path itself, or the captions file in a folder of pictures."""
    if path.suffix in (".csv", ".tsv"):
        return path
    return next((path / name for name in CAPTION_FILES if (path / name).is_file()), None)


def parquet_files(path: Path) -> list[Path]:
    """The file itself, or the training split of a folder: files called train* if there are any."""
    if path.suffix == ".parquet":
        return [path]
    found = sorted([*path.glob("*.parquet"), *path.glob("data/*.parquet")])
    return [file for file in found if file.name.startswith("train")] or found


def is_hub_id(where: str) -> bool:
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", where) is not None
