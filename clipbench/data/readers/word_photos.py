"""One's own photographs of things that have another thing's name written on them.

The files of a folder are named as in RTA-100 (Azuma and Matsui 2023): ``label=dog_text=cat.png`` is
a dog that says cat, ``label=dog.png`` a dog that says nothing. A number may follow
(``label=dog_text=cat_2.jpg``), and underscores within a name stand for spaces.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from clipbench.data.image_set import PHOTO_TEMPLATES, PictureSet
from clipbench.data.readers.picture_files import is_picture
from clipbench.errors import UserError
from clipbench.preprocess import open_picture

FILE_NAME = re.compile(
    r"(?:.*_)?label=(?P<label>.+?)(?:_text=(?P<text>.+?))?(?:_\d+)?", re.IGNORECASE
)


@dataclass
class WordPhotos:
    """Photographs with the class that is written on each."""

    # all photographs; classes are the labels and the words together, in alphabetic order
    data: PictureSet
    written: torch.Tensor  # (M,) int64: the class whose name is written, -1 for none


def is_word_folder(folder: Path) -> bool:
    """Say whether a folder holds files named in this way."""
    return folder.is_dir() and any(parsed(path) for path in folder.iterdir())


def open_word_photos(folder: Path) -> WordPhotos:
    """Open a folder of photos whose file names say what is shown and what is written on it.

    Raises:
        UserError: for a folder without such files, or where nothing is written on any picture.
    """
    found = {path: said for path in sorted(folder.iterdir()) if (said := parsed(path))}
    if not any(text for _, text in found.values()):
        raise UserError(
            f"{folder}: no file is named label=..._text=..., so no word is written on any picture"
        )
    files = list(found)
    names = sorted({name for pair in found.values() for name in pair if name})
    labels = torch.tensor([names.index(label) for label, _ in found.values()])
    written = torch.tensor([names.index(text) if text else -1 for _, text in found.values()])
    data = PictureSet(
        str(folder),
        labels,
        names,
        PHOTO_TEMPLATES,
        lambda rows: [open_picture(files[row]) for row in rows],
        [str(file) for file in files],
    )
    return WordPhotos(data, written)


def parsed(path: Path) -> tuple[str, str | None] | None:
    """Read (label, written word) from a file's name; None for any other file."""
    match = FILE_NAME.fullmatch(path.stem) if is_picture(path) else None
    if match is None:
        return None
    label, text = (
        part and " ".join(part.replace("_", " ").split()) for part in match.group("label", "text")
    )
    return (label, text) if label else None
