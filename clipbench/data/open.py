"""Finds out what a name on the command line means as training data."""

from collections.abc import Sequence
from pathlib import Path

import torch

from clipbench.data.image_set import PictureSet
from clipbench.data.readers.captioned import CaptionedSet, from_picture_set
from clipbench.data.readers.folders import digits, picture_folder
from clipbench.data.readers.hub import hub_set, is_hub_data
from clipbench.data.readers.shards import shard_files, shard_set
from clipbench.data.readers.splits_on_disk import open_captioned_part
from clipbench.data.readers.tables import csv_set, parquet_set
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.evaluation_sets import SCENE_SETS, art_set, heldout_factors, scene_set
from clipbench.data.world.sprites import ART_SETS
from clipbench.errors import UserError, did_you_mean

# Flickr8k has the last one
CAPTION_FILES = ("captions.csv", "metadata.csv", "captions.tsv", "captions.txt")


def open_captioned(
    where: str,
    image_column: str | None = None,
    caption_column: str | None = None,
    templates: Sequence[str] | None = None,
) -> CaptionedSet:
    """Pictures with captions.

    Args:
        where: a folder with one sub-folder a class, or with a captions file, with parquet files
            (also in the hub's layout) or with tar shards; a .csv, .tsv, .parquet or .tar file;
            several shards as "name-{000..009}.tar"; ``digits``; or a hub data-set id "owner/name".
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
    if is_hub_data(where) and not path.exists():
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


def open_evaluated_captions(name: str) -> tuple[CaptionedSet, dict[str, str]]:
    """(pictures with captions, those left out with the reason).

    Args:
        name: ``scenes:heldout``, described as in training; a table in parts, of which the test part
            is taken; or what ``open_captioned`` knows. Labelled pictures are captioned by
            templates.

    Raises:
        UserError: for other names, and when no row has a caption.
    """
    data = (
        scenes_with_captions(name)
        if name == "scenes:heldout"
        else open_captioned_part(name) or open_captioned(name)
    )
    left_out: dict[str, str] = {}
    rows = [row for row in range(len(data)) if has_caption(data, row, left_out)]
    if not rows:
        raise UserError(
            f"{data.name}: no picture has a caption ({next(iter(left_out.values()), 'no rows')})"
        )
    kept = CaptionedSet(
        data.name,
        [data.ids[row] for row in rows],
        lambda row: data.picture(rows[row]),
        lambda row: data.captions(rows[row]),
    )
    return kept, left_out


def has_caption(data: CaptionedSet, row: int, left_out: dict[str, str]) -> bool:
    try:
        data.captions(row)
    except UserError as error:
        left_out[str(data.ids[row])] = str(error)
        return False
    return True


def scenes_with_captions(name: str) -> CaptionedSet:
    """The frozen evaluation scenes with the captions that the world's grammar gives them."""
    pictures, captions = open_pictures(name), caption_scenes(heldout_factors())
    return CaptionedSet(
        name, pictures.ids, lambda row: pictures.pictures([row])[0], lambda row: [captions[row]]
    )


def as_pictures(data: CaptionedSet) -> PictureSet:
    """The pictures alone, without classes."""
    labels = torch.zeros(len(data), dtype=torch.int64)
    return PictureSet(
        data.name, labels, [], (), lambda rows: [data.picture(row) for row in rows], data.ids
    )


def open_pictures(name: str, split: str = "all") -> PictureSet:
    """A picture set by its name on the command line.

    Args:
        name: ``scenes:heldout`` and its kin, ``twemoji``, ``openmoji``, ``digits``, a folder with
            one sub-folder a class, a parquet file with the columns image and label, or a hub
            data-set id (or a folder in the hub's layout), of which the test part is taken;
            ``owner/name:validation`` takes another.
        split: of ``digits`` only: "all", "train" or "test".

    Raises:
        UserError: for a name that is none of these, or data that cannot be used.
    """
    if name in SCENE_SETS:
        return scene_set(name)
    if name in ART_SETS[1:]:
        return art_set(name)
    if name == "digits":
        return digits(split)
    from clipbench.data.readers.splits_on_disk import open_part  # it builds on this module

    if (part := open_part(name)) is not None:
        return part
    if Path(name).is_dir():
        return picture_folder(Path(name))
    if name.endswith(".safetensors"):
        raise UserError(
            f"{name} holds features; give pictures here (eval zero-shot and search take "
            "feature files)"
        )
    known = [*SCENE_SETS, *ART_SETS[1:], "digits"]
    others = "a folder with one sub-folder a class, a .parquet file, or a hub id owner/name"
    raise UserError(
        f"unknown data {name!r}{did_you_mean(name, known)}; give {', '.join(known)}, {others}"
    )
