"""Which layout of captions a file or a folder has: the one place that decides.

In this order: shards; a file that lists pictures with captions; parquet files; folders of splits
that hold any of these; a text beside each picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from clipbench.data.image_set import PictureSet
from clipbench.data.readers.caption_files import LIST_SUFFIXES, Listing, read_listing
from clipbench.data.readers.captioned import CaptionedSet
from clipbench.data.readers.captions_beside import captions_beside
from clipbench.data.readers.columns import Columns, NoCaptions
from clipbench.data.readers.picture_files import pictures_in, visible, visible_folders
from clipbench.data.readers.shards import shard_files, shard_set
from clipbench.data.readers.split_names import ALL, SPLITS, in_order, split_of
from clipbench.data.readers.splits_on_disk import TablePart, tables_of
from clipbench.data.readers.tables import read_parquet, table_set
from clipbench.errors import UserError, notice

Openers = dict[str, Callable[[], CaptionedSet]]  # a split, or "all" -> what opens it
# of several lists in a folder the first of these counts; others are read where they are alone
KNOWN_LISTS = (
    "metadata.csv", "metadata.jsonl", "dataset_*.json", "captions.csv", "captions.tsv",
    "captions.txt", "captions.jsonl", "captions.json", "results.csv", "flickr8k.token.txt",
    "results_*.token",
)  # fmt: skip
ANNOTATIONS = ("annotations", "flickr8k_text")  # sub-folders in which lists lie
LARGEST_UNNAMED = 20_000_000  # bytes of a JSON file whose name does not mention captions
TELLING = ("caption", "metadata", "dataset_")  # within the name of a list of captions


@dataclass(frozen=True)
class Asked:
    """How a user wants captions read."""

    columns: Columns
    templates: Sequence[str] | None = None  # for labelled data


def caption_splits(where: str, asked: Asked) -> Openers:
    """Find what opens the captions of each split; empty where there are none.

    Raises:
        UserError: for captions that cannot be read.
    """
    path = Path(where)
    if shards := shard_files(where):
        return {ALL: partial(shard_set, where, shards, asked.templates)}
    if path.is_file():
        return of_file(path, asked)
    if not path.is_dir():
        return of_tables(where, asked)
    return of_lists(path, asked) or of_tables(where, asked) or of_folders(path, asked)


def of_file(file: Path, asked: Asked) -> Openers:
    if file.suffix.lower() in LIST_SUFFIXES:
        return openers([read_listing(file, asked.columns)])
    return of_tables(str(file), asked)


def labelled_list(file: Path) -> dict[str, Callable[[], PictureSet]]:
    """Find what opens the splits of a list of pictures with labels.

    Raises:
        UserError: for a list that cannot be read, or has no labels.
    """
    listing = read_listing(file, Columns(labels=True))
    return in_order({split: partial(listing.labelled, split) for split in listing.splits})


def openers(listings: Sequence[Listing]) -> Openers:
    found = {split: partial(one.open, split) for one in listings for split in one.splits}
    return in_order(found)


def set_of_table(name: str, table, folder: Path, asked: Asked) -> CaptionedSet:
    return table_set(
        name, table, folder, asked.columns.image, asked.columns.caption, asked.templates
    )


def set_of_part(part: TablePart, asked: Asked) -> CaptionedSet:
    return set_of_table(part.name, part.read(), part.folder, asked)


def of_tables(where: str, asked: Asked) -> Openers:
    """Find parquet files of a folder, or a hub data set.

    Without names of splits they are one table.
    """
    tables = tables_of(where)
    found: Openers = {split: partial(set_of_part, table, asked) for split, table in tables.items()}
    if len(tables) > 1 and not set(tables) & {*SPLITS, ALL}:
        files = sorted(file for table in tables.values() for file in table.files)
        if files:
            found[ALL] = lambda: set_of_table(where, read_parquet(files), files[0].parent, asked)
    return found


def of_folders(folder: Path, asked: Asked) -> Openers:
    """Find folders of splits with captions in them, else texts beside the pictures.

    Templates that a user gives are for the names of folders, so texts are not looked for.
    """
    splits = {split_of(path.name): path for path in visible_folders(folder)}
    inside = {
        split: of_lists(path, asked) or of_tables(str(path), asked) or of_texts(path, asked)
        for split, path in splits.items()
        if split in SPLITS
    }
    found = {split: next(iter(inside[split].values())) for split in inside if inside[split]}
    return in_order(found) or of_texts(folder, asked)


def of_texts(folder: Path, asked: Asked) -> Openers:
    if asked.templates or (found := captions_beside(folder)) is None:
        return {}
    return {ALL: lambda: found}


# -------------------- lists in a folder


def of_lists(folder: Path, asked: Asked) -> Openers:
    """Find the list of captions in a folder, or the lists of its splits.

    Raises:
        UserError: for a list by a known name that cannot be read, and for several that are not of
            different splits.
    """
    files = [path for place in places_of_lists(folder) for path in lists_in(place)]
    for pattern in KNOWN_LISTS:
        for file in files:
            if fnmatch(file.name.lower(), pattern) and (found := listing_or_none(file, asked)):
                return openers([found])
    listings = [found for file in files if (found := listing_or_none(file, asked))]
    named = [split for one in listings for split in one.splits]
    if len(named) > len(set(named)):
        names = ", ".join(one.file.name for one in listings)
        raise UserError(f"{folder} holds several lists of captions ({names}); give one of them")
    return openers(listings)


def places_of_lists(folder: Path) -> list[Path]:
    inside = visible_folders(folder)
    return [folder, *(path for path in inside if path.name.lower() in ANNOTATIONS)]


def lists_in(folder: Path) -> list[Path]:
    """Find the files that may list captions.

    Left out are texts beside a picture and huge JSON files of other annotations.
    """
    beside = {name for path in pictures_in(folder) for name in (path.stem, path.name)}
    return [
        path
        for path in visible(folder)
        if path.suffix.lower() in LIST_SUFFIXES
        and path.stem not in beside
        and (
            mentions_captions(path)
            or path.suffix != ".json"
            or path.stat().st_size < LARGEST_UNNAMED
        )
    ]


def mentions_captions(file: Path) -> bool:
    """Say whether a file's name says that it lists captions."""
    return any(word in file.name.lower() for word in TELLING)


def listing_or_none(file: Path, asked: Asked) -> Listing | None:
    """Read a list of captions; None for another file.

    A notice reports another file that cannot be read.

    Raises:
        UserError: for a file whose name says that it lists captions, unless the user gave templates
            to use instead.
    """
    try:
        return read_listing(file, asked.columns)
    except NoCaptions as error:
        if file.stem.lower() in ("metadata", "captions") and not asked.templates:
            raise UserError(f"{error}; or give templates, filled with the folders' names") from None
    except UserError as error:
        if mentions_captions(file) and not asked.templates:
            raise
        notice(f"left out: {error}")
    return None
