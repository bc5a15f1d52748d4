"""What a name on the command line means: pictures, captioned pictures, or evaluation captions."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from clipbench.data.image_set import PHOTO_TEMPLATES, PictureSet
from clipbench.data.readers.captioned import CaptionedSet, from_picture_set, plain_caption
from clipbench.data.readers.columns import Columns, NoCaptions
from clipbench.data.readers.folders import digits, picture_folder
from clipbench.data.readers.layouts import Asked, caption_splits, labelled_list
from clipbench.data.readers.shards import shard_files
from clipbench.data.readers.split_names import ALL
from clipbench.data.readers.splits_on_disk import (
    asked_split,
    chosen,
    folders_of,
    labelled,
    several,
    tables_of,
)
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.evaluation_sets import SCENE_SETS, art_set, heldout_factors, scene_set
from clipbench.data.world.sprites import ART_SETS
from clipbench.data.world2.evaluation_sets import SETS as SCENE2_SETS
from clipbench.data.world2.evaluation_sets import scene2_set
from clipbench.errors import UserError, did_you_mean

# which split is taken where none is asked for; data without splits have the one split "all"
TRAINED = ("train", ALL, "validation", "test")
EVALUATED = ("test", "validation", ALL, "train")


def open_captioned(
    where: str,
    image_column: str | None = None,
    caption_column: str | None = None,
    templates: Sequence[str] | None = None,
    order: Sequence[str] = TRAINED,
) -> CaptionedSet:
    """Open pictures with captions, in any layout of ``clipbench.data.readers.layouts``.

    Where there are no captions, open labelled pictures with captions made from templates.

    Args:
        where: a folder; a list of pictures with captions (.csv, .tsv, .txt, .json, .jsonl), a
            .parquet or .tar file; several shards as "name-{000..009}.tar"; ``digits``; or a hub
            data-set id "owner/name". "name:split" asks for a split.
        image_column, caption_column: of a table; None takes the usual names.
        templates: for labelled data, each with {}.
        order: which split to take where none is asked for.

    Raises:
        UserError: for a name that is none of these, or data that cannot be used.
    """
    base, wanted = asked_split(where)
    asked = Asked(Columns(image_column, caption_column), templates)
    if base in SCENE_SETS or base in ART_SETS[1:] or base == "digits":
        return from_picture_set(open_pictures(base, "train"), templates)
    try:
        splits = caption_splits(base, asked)
    except NoCaptions:
        if asked.columns.named or not Path(base).is_file():
            raise
        splits = {}  # perhaps a list of labels
    if splits:
        return chosen(base, splits, wanted, order)
    if pictures := picture_splits(base):
        return from_picture_set(chosen(base, pictures, wanted, order), templates)
    raise unknown(where)


def open_evaluated_captions(name: str) -> tuple[CaptionedSet, dict[str, str]]:
    """Open (pictures with captions, those left out with the reason).

    Args:
        name: ``scenes:heldout``, described as in training; or what ``open_captioned`` knows, of
            which the test split is taken. Labelled pictures are captioned by templates. Captions
            that differ in capitals or spaces only are one text, written as the first of them.

    Raises:
        UserError: for other names, and when no row has a caption.
    """
    if name == "scenes:heldout":
        return scenes_with_captions(name), {}
    data = open_captioned(name, order=EVALUATED)
    left_out: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for row in range(len(data)):
        try:
            for text in data.captions(row):
                spelled.setdefault(plain_caption(text), text)
        except UserError as error:
            left_out[str(data.ids[row])] = str(error)
    rows = [row for row in range(len(data)) if str(data.ids[row]) not in left_out]
    if not rows:
        raise UserError(
            f"{data.name}: no picture has a caption ({next(iter(left_out.values()), 'no rows')})"
        )
    kept = CaptionedSet(
        data.name,
        [data.ids[row] for row in rows],
        lambda row: data.picture(rows[row]),
        lambda row: [spelled[plain_caption(text)] for text in data.captions(rows[row])],
        origin=data.origin,
    )
    return kept, left_out


def scenes_with_captions(name: str) -> CaptionedSet:
    """Open the frozen evaluation scenes with the captions that the world's grammar gives them."""
    pictures, captions = open_pictures(name), caption_scenes(heldout_factors())
    return CaptionedSet(
        name,
        pictures.ids,
        lambda row: pictures.pictures([row])[0],
        lambda row: [captions[row]],
        origin="the grammar of the emoji world",
    )


def as_pictures(data: CaptionedSet) -> PictureSet:
    """Give the pictures alone, without classes."""
    labels = torch.zeros(len(data), dtype=torch.int64)
    return PictureSet(
        data.name, labels, [], (), lambda rows: [data.picture(row) for row in rows], data.ids
    )


def with_labels(opened: Callable[[], CaptionedSet]) -> PictureSet:
    """Give the pictures of what ``opened`` opens, with their classes where they have any."""
    data = opened()
    pictures = as_pictures(data)
    if data.label is None or data.class_names is None:
        return pictures
    return replace(
        pictures,
        labels=torch.tensor([data.label(row) for row in range(len(data))]),
        class_names=list(data.class_names),
        templates=PHOTO_TEMPLATES,
    )


def open_labelled(name: str, split: str = "all") -> PictureSet:
    """Open pictures as ``open_pictures`` does, for what needs classes.

    Raises:
        UserError: for pictures without classes, too.
    """
    return with_classes(open_pictures(name, split))


def with_classes(data: PictureSet) -> PictureSet:
    """Check that the pictures have classes, and give them back.

    Raises:
        UserError: for pictures without classes.
    """
    if not data.class_names:
        raise UserError(
            f"{data.name} holds pictures without classes; make one sub-folder per class and put "
            "the pictures into them, or call a table's column label"
        )
    return data


def open_pictures(name: str, split: str = "all") -> PictureSet:
    """Open a picture set by its name on the command line, with classes where the data have them.

    Args:
        name: ``scenes:heldout``, ``scenes2:heldout`` and their kin, ``twemoji``, ``openmoji``,
            ``digits``, a folder of pictures or with one sub-folder per class, a parquet file with a
            column of pictures, a hub data-set id (or a folder in the hub's layout), of which the
            test split is taken; ``owner/name:validation`` takes another; or any file that
            ``open_captioned`` knows.
        split: of ``digits`` only: "all", "train" or "test".

    Raises:
        UserError: for a name that is none of these, or data that cannot be used.
    """
    if name in SCENE_SETS:
        return scene_set(name)
    if name in SCENE2_SETS:
        return scene2_set(name)
    if name in ART_SETS[1:]:
        return art_set(name)
    if name == "digits":
        return digits(split)
    base, wanted = asked_split(name)
    if splits := picture_splits(base):
        return chosen(base, splits, wanted, EVALUATED)
    raise unknown(name)


def picture_splits(name: str) -> dict[str, Callable[[], PictureSet]]:
    """Find what opens the pictures of each split, or of the only one, "all".

    Empty for a name that means no data of a user's.

    Raises:
        UserError: for data that cannot be read.
    """
    path = Path(name)
    if tables := tables_of(name):
        return {split: partial(labelled, table) for split, table in tables.items()}
    if path.is_file() or shard_files(name):
        return listed_pictures(path)
    if path.is_dir():
        return folders_of(path) or {ALL: partial(picture_folder, path)}
    return {}


def listed_pictures(path: Path) -> dict[str, Callable[[], PictureSet]]:
    """Find what opens the pictures of shards or of a list with captions or labels.

    Raises:
        UserError: for a list with neither.
    """
    try:
        found = caption_splits(str(path), Asked(Columns()))
    except NoCaptions as error:
        with contextlib.suppress(NoCaptions):
            return labelled_list(path)
        raise error
    return {split: partial(with_labels, opened) for split, opened in found.items()}


def unknown(name: str) -> UserError:
    if name.endswith(".safetensors"):
        return UserError(
            f"{name} holds features; give pictures here (eval zero-shot and search take "
            "feature files)"
        )
    known = [*SCENE_SETS, *SCENE2_SETS, *ART_SETS[1:], "digits"]
    others = "a folder of pictures, a .parquet or .tar file, or a hub id owner/name"
    return UserError(
        f"unknown data {name!r}{did_you_mean(name, known)}; give {', '.join(known)}, {others}"
    )


def open_multi_label(name: str) -> tuple[PictureSet, torch.Tensor]:
    """Open pictures with several labels each: (pictures, targets (M, C) bool).

    The data are a parquet file, a folder in the hub's layout or a hub data set.

    Raises:
        UserError: for other data.
    """
    base, wanted = asked_split(name)
    if not (tables := tables_of(base)):
        raise UserError(
            f"{name} has no lists of labels; give a .parquet file, a folder in the "
            "hub's layout, a hub id"
        )
    splits = {split: partial(several, table) for split, table in tables.items()}
    return chosen(base, splits, wanted, EVALUATED)
