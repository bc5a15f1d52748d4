"""Finds out what a name on the command line means: pictures, pictures with captions, or captions
to evaluate on.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from clipbench.data.image_set import PHOTO_TEMPLATES, PictureSet
from clipbench.data.readers.captioned import CaptionedSet, from_picture_set, plain_caption
from clipbench.data.readers.columns import Columns
from clipbench.data.readers.folders import digits, picture_folder
from clipbench.data.readers.layouts import Asked, caption_splits
from clipbench.data.readers.shards import shard_files
from clipbench.data.readers.split_names import ALL
from clipbench.data.readers.splits_on_disk import asked_split, chosen, find_parts, open_part
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.evaluation_sets import SCENE_SETS, art_set, heldout_factors, scene_set
from clipbench.data.world.sprites import ART_SETS
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
    """Pictures with captions, in any layout of ``clipbench.data.readers.layouts``; failing that,
    labelled pictures with captions made of templates.

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
    if splits := caption_splits(base, asked):
        return chosen(base, splits, wanted, order)
    if parts := find_parts(base):
        return from_picture_set(chosen(base, parts, wanted, order), templates)
    return from_picture_set(open_pictures(base), templates)


def open_evaluated_captions(name: str) -> tuple[CaptionedSet, dict[str, str]]:
    """(pictures with captions, those left out with the reason).

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
    """The frozen evaluation scenes with the captions that the world's grammar gives them."""
    pictures, captions = open_pictures(name), caption_scenes(heldout_factors())
    return CaptionedSet(
        name,
        pictures.ids,
        lambda row: pictures.pictures([row])[0],
        lambda row: [captions[row]],
        origin="the grammar of the emoji world",
    )


def as_pictures(data: CaptionedSet) -> PictureSet:
    """The pictures alone, without classes."""
    labels = torch.zeros(len(data), dtype=torch.int64)
    return PictureSet(
        data.name, labels, [], (), lambda rows: [data.picture(row) for row in rows], data.ids
    )


def with_labels(data: CaptionedSet) -> PictureSet:
    """The pictures, with their classes where they have any."""
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
    """As ``open_pictures``, for what needs classes.

    Raises:
        UserError: for pictures without classes, too.
    """
    data = open_pictures(name, split)
    if not data.class_names:
        raise UserError(
            f"{name} holds pictures without classes; make one sub-folder a class and put the "
            "pictures into them, or call a table's column label"
        )
    return data


def open_pictures(name: str, split: str = "all") -> PictureSet:
    """A picture set by its name on the command line, with classes where the data have them.

    Args:
        name: ``scenes:heldout`` and its kin, ``twemoji``, ``openmoji``, ``digits``, a folder of
            pictures or with one sub-folder a class, a parquet file with a column of pictures, a
            hub data-set id (or a folder in the hub's layout), of which the test part is taken;
            ``owner/name:validation`` takes another; or any file that ``open_captioned`` knows.
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
    if (part := open_part(name)) is not None:
        return part
    base, wanted = asked_split(name)
    listed = Path(base).is_file() or shard_files(base)
    if listed and (splits := caption_splits(base, Asked(Columns()))):
        return with_labels(chosen(base, splits, wanted, EVALUATED))
    if Path(name).is_dir():
        return picture_folder(Path(name))
    if name.endswith(".safetensors"):
        raise UserError(
            f"{name} holds features; give pictures here (eval zero-shot and search take "
            "feature files)"
        )
    known = [*SCENE_SETS, *ART_SETS[1:], "digits"]
    others = "a folder of pictures, a .parquet or .tar file, or a hub id owner/name"
    raise UserError(
        f"unknown data {name!r}{did_you_mean(name, known)}; give {', '.join(known)}, {others}"
    )
