"""Labelled images in folders, and scikit-learn's digits."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from clipbench.data.image_set import PHOTO_TEMPLATES, PictureSet
from clipbench.data.readers.picture_files import pictures_in, visible_folders
from clipbench.errors import UserError
from clipbench.preprocess import open_picture


def digits(split: str = "all") -> PictureSet:
    """scikit-learn's 1,797 handwritten digits, 8x8 pixels enlarged to 64: the real outside set.

    The last fifth is "test", as the set is ordered by writer; the rest is "train".
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


def picture_folder(folder: Path) -> PictureSet:
    """One sub-folder a class: its name, with underscores as spaces, is the class name."""
    class_folders = visible_folders(folder)
    files = [(path, label) for label, sub in enumerate(class_folders) for path in pictures_in(sub)]
    if not files:
        raise UserError(
            f"{folder}: no pictures found; make one sub-folder a class and put the "
            "pictures into them"
        )
    return PictureSet(
        str(folder),
        torch.tensor([label for _, label in files]),
        [sub.name.replace("_", " ") for sub in class_folders],
        PHOTO_TEMPLATES,
        lambda rows: [open_picture(files[row][0]) for row in rows],
        [str(path) for path, _ in files],
    )


def class_names_of(file: Path, paths: list[str | None], labels: list[int]) -> list[str]:
    """The folder part of the first path of each label, so that "cat/17.jpg" names its label "cat".

    Raises:
        UserError: when a label has no such path.
    """
    first = dict(zip(reversed(labels), reversed(paths), strict=True))
    names = [
        str(first.get(label) or "").rpartition("/")[0].rpartition("/")[2]
        for label in range(max(labels) + 1)
    ]
    if not all(names):
        raise UserError(
            f"{file}: label {names.index('')} has no class name; write the paths as class/file.jpg"
        )
    return [name.replace("_", " ") for name in names]
