"""Labelled images in folders, and scikit-learn's digits."""

import functools
import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from clipbench.data.image_set import PHOTO_TEMPLATES, PictureSet
from clipbench.data.readers.picture_files import (
    files_below,
    is_picture,
    pictures_below,
    pictures_in,
    slashed,
    tell_of_other_kinds,
    visible,
    visible_folders,
)
from clipbench.errors import UserError, notice
from clipbench.files import ASSETS
from clipbench.preprocess import open_picture


def digits(split: str = "all") -> PictureSet:
    """Open scikit-learn's 1,797 handwritten digits, 8x8 pixels enlarged to 64.

    They are the real outside set. The last fifth is "test", as the set is ordered by writer; the
    rest is "train".
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    cut = len(data.target) * 4 // 5
    chosen = {"all": slice(None), "train": slice(cut), "test": slice(cut, None)}[split]
    images = (data.images[chosen] / 16 * 255).astype(np.uint8)
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

    def pictures(rows: Sequence[int]) -> list[Image.Image]:
        return [
            Image.fromarray(images[row]).resize((64, 64), Image.Resampling.BICUBIC).convert("RGB")
            for row in rows
        ]

    templates = (
        "number {}",
        "a photo of the number {}.",
        "a picture of number {}.",
        "the number {}",
    )
    ids = [f"digits/{split}/{i}" for i in range(len(images))]
    return PictureSet(
        "digits", torch.from_numpy(data.target[chosen]).long(), words, templates, pictures, ids
    )


# folders of img2dataset, which are no classes
NUMBERED_FOLDER = re.compile(r"\d{5}")


def picture_folder(folder: Path) -> PictureSet:
    """Open a folder with one sub-folder per class, or of pictures without classes.

    The name of a sub-folder, with underscores as spaces, is the class name. Pictures may lie deeper
    within a class folder. A notice counts those that are left out.

    Raises:
        UserError: for a folder without pictures.
    """
    inner, outside = folder_of_classes(folder), pictures_in(folder)
    class_folders = visible_folders(inner)
    inside = [list(files_below(sub)) for sub in class_folders]
    files = [
        (path, label) for label, some in enumerate(inside) for path in some if is_picture(path)
    ]
    tell_of_other_kinds(folder, itertools.chain(visible(folder), *inside))
    if not files and not outside:
        raise UserError(
            f"{folder}: no pictures found; put pictures into it, or make one sub-folder per class "
            "and put the pictures into them"
        )
    if not files:
        return files_without_classes(folder, outside)
    if outside:
        notice(
            f"{folder}: {len(outside)} of {len(outside) + len(files)} pictures lie beside the "
            f"class folders and are left out, such as {outside[0].name}"
        )
    if all(NUMBERED_FOLDER.fullmatch(sub.name) for sub in class_folders):
        return files_without_classes(folder, [path for path, _ in files])
    return PictureSet(
        str(folder),
        torch.tensor([label for _, label in files]),
        readable_names([sub.name for sub in class_folders]),
        PHOTO_TEMPLATES,
        lambda rows: [open_picture(files[row][0]) for row in rows],
        [str(path) for path, _ in files],
    )


def files_without_classes(folder: Path, files: Sequence[Path]) -> PictureSet:
    return PictureSet(
        str(folder),
        torch.zeros(len(files), dtype=torch.int64),
        [],
        (),
        lambda rows: [open_picture(files[row]) for row in rows],
        [str(path) for path in files],
    )


def folder_of_classes(folder: Path) -> Path:
    """Find the folder that holds the class folders: the folder itself or the only one within it.

    The one within is taken where it holds several folders of pictures: archives are often wrapped
    in a folder of their own.
    """
    inside = visible_folders(folder)
    if len(inside) != 1 or pictures_in(folder) or pictures_in(inside[0]):
        return folder
    if sum(bool(pictures_below(sub)) for sub in visible_folders(inside[0])) < 2:
        return folder
    notice(f"the classes are the folders of {inside[0]}")
    return inside[0]


def readable_names(folders: Sequence[str]) -> list[str]:
    """Give class names for folder names.

    Underscores become spaces, and ImageNet's numbers the names by which the classes are known.
    """
    known = synset_names()
    names = [known.get(name, name).replace("_", " ") for name in folders]
    # two of ImageNet's classes have the name of another
    return (
        [
            name if names.count(name) == 1 else f"{name} ({folder})"
            for name, folder in zip(names, folders, strict=True)
        ]
        if set(folders) & set(known)
        else names
    )


@functools.cache
def synset_names() -> dict[str, str]:
    """Map WordNet's number of each ImageNet class to its name."""
    file = ASSETS / "prompts" / "imagenet.json"
    return json.loads(file.read_text(encoding="utf-8"))["classes"]


def classes_of_paths(
    file: str, paths: Sequence[str | None], labels: Sequence[int]
) -> tuple[list[int], list[str]]:
    """Name the classes by their pictures' folders: (labels from 0 on, class names).

    The name of a label is the folder part of its first path, so that "cat/17.jpg" names its label
    "cat". Numbers that no picture has are left out.

    Raises:
        UserError: when a label has no such path.
    """
    first = dict(zip(reversed(labels), reversed(paths), strict=True))
    names = {
        label: slashed(str(path or "")).rpartition("/")[0].rpartition("/")[2]
        for label, path in sorted(first.items())
    }
    if nameless := [label for label, name in names.items() if not name]:
        raise UserError(
            f"{file}: label {nameless[0]} has no class name; write the paths as class/file.jpg"
        )
    places = {label: place for place, label in enumerate(names)}
    return [places[label] for label in labels], readable_names(list(names.values()))
