"""A named set of labelled images, which every evaluator takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from clipbench.preprocess import PICTURE_SUFFIXES, to_uint8

# The templates that the evaluation of the emoji world is stated for; articles are CLIP's plain "a".
TEMPLATES = (
    "a {}", "a photo of a {}.", "a picture of a {}.", "an image of a {}.", "a good photo of a {}.",
    "this is a {}.", "a {}, in black and white", "a drawing of a {}.", "a painting of a {}.",
    "a blurry photo of a {}.",
)  # fmt: skip


PHOTO_TEMPLATES = (
    "a photo of a {}.",
    "a picture of a {}.",
    "an image of a {}.",
    "a blurry photo of a {}.",
    "a {}.",
)


@dataclass
class PictureSet:
    """M labelled pictures with what zero-shot classification needs to know about them.

    Of pictures without classes every label is 0 and there are no class names.
    """

    name: str
    labels: torch.Tensor  # (M,) int64
    class_names: list[str]  # C; none of pictures without classes
    templates: Sequence[str]  # P, each with {}
    pictures: Callable[[Sequence[int]], list[Image.Image]]  # rows -> pictures
    ids: Sequence[str]  # M: paths, or what identifies a picture otherwise

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def chance(self) -> float:
        """Top-1 accuracy of guessing, as a fraction."""
        return 1 / len(self.class_names)

    def tensor(self, size: int) -> torch.Tensor:
        """Give all pictures, resized and cropped: (M, 3, size, size) uint8."""
        chunks = [
            self.pictures(range(start, min(start + 256, len(self))))
            for start in range(0, len(self), 256)
        ]
        return torch.stack([to_uint8(picture, size) for chunk in chunks for picture in chunk])

    @property
    def names(self) -> list[str]:
        """M: the class of each picture; where there are no classes, the name of its file."""
        if self.class_names:
            return [self.class_names[label] for label in self.labels.tolist()]
        return [file_title(Path(str(name))) for name in self.ids]

    def subset(self, rows: Sequence[int]) -> "PictureSet":
        """Give the same set with only these rows."""
        rows = list(rows)
        return PictureSet(
            self.name,
            self.labels[rows],
            self.class_names,
            self.templates,
            lambda chosen: self.pictures([rows[i] for i in chosen]),
            [self.ids[row] for row in rows],
        )


def file_title(file: Path) -> str:
    """Give "red car" for "red_car.png", and the last part of what is no picture's file."""
    return (file.stem if file.suffix.lower() in PICTURE_SUFFIXES else file.name).replace("_", " ")
