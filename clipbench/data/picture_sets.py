"""Named sets of labelled pictures, for evaluation and (where they are real photographs) for training.

``open_pictures(name)`` knows the shipped sets, image folders, parquet files and hub data sets; every evaluator takes
what it returns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from clipbench.data.captions import NUMBERS
from clipbench.data.scenes import (
    EVALUATION,
    HELD_OUT_NAMES,
    STYLES,
    Factors,
    draw_factors,
    is_held_out,
    render,
    training_pool,
)
from clipbench.data.sprites import ART_SETS, concept_ids, concepts
from clipbench.errors import UserError, did_you_mean
from clipbench.preprocess import open_picture, to_uint8

# The templates that the evaluation of the emoji world is stated for; articles are CLIP's plain "a".
TEMPLATES = (
    "a {}", "a photo of a {}.", "a picture of a {}.", "an image of a {}.", "a good photo of a {}.", "this is a {}.",
    "a {}, in black and white", "a drawing of a {}.", "a painting of a {}.", "a blurry photo of a {}.",
)  # fmt: skip
PHOTO_TEMPLATES = ("a photo of a {}.", "a picture of a {}.", "an image of a {}.", "a blurry photo of a {}.", "a {}.")

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}  # of picture files

EVALUATION_SEED = 990_001  # the frozen world: never a training seed
HELDOUT_SIZE = 5_000
COMPOSITION_SIZE = 2_000
SCENE_SETS = {
    "scenes:heldout": "5,000 new scenes of single objects, all styles, all trained concepts",
    "scenes:heldout256": "the same with the 256 concepts of the tiny world",
    "scenes:heldout-style": "concepts in styles in which they were never trained",
    "scenes:heldout-count": "two or three of what was never trained in that number",
    "scenes:heldout-name": "concepts never trained, whose names are made of trained words",
}


@dataclass
class PictureSet:
    """M labelled pictures with what zero-shot classification needs to know about them."""

    name: str
    labels: torch.Tensor  # (M,) int64
    class_names: list[str]  # C
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
        """All pictures, resized and cropped: (M, 3, size, size) uint8."""
        chunks = [self.pictures(range(start, min(start + 256, len(self)))) for start in range(0, len(self), 256)]
        return torch.stack([to_uint8(picture, size) for chunk in chunks for picture in chunk])

    def subset(self, rows: Sequence[int]) -> "PictureSet":
        """The same set with only these rows."""
        rows = list(rows)
        return PictureSet(
            self.name, self.labels[rows], self.class_names, self.templates,
            lambda chosen: self.pictures([rows[i] for i in chosen]), [self.ids[row] for row in rows],
        )  # fmt: skip


def open_pictures(name: str, split: str = "all") -> PictureSet:
    """A picture set by its name on the command line.

    Args:
        name: ``scenes:heldout`` and its kin, ``twemoji``, ``openmoji``, ``digits``, a folder with one sub-folder a
            class, a parquet file with the columns image and label, or a hub data-set id (or a folder in the hub's
            layout), of which the test part is taken; ``owner/name:validation`` takes another.
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
    from clipbench.data.parts import open_part  # it builds on this module

    if (part := open_part(name)) is not None:
        return part
    if Path(name).is_dir():
        return picture_folder(Path(name))
    if name.endswith(".safetensors"):
        raise UserError(f"{name} holds features; give pictures here (eval zero-shot and search take feature files)")
    known = [*SCENE_SETS, *ART_SETS[1:], "digits"]
    others = "a folder with one sub-folder a class, a .parquet file, or a hub id owner/name"
    raise UserError(f"unknown data {name!r}{did_you_mean(name, known)}; give {', '.join(known)}, {others}")


# ------------------------------------------------------------------------------------------------- shipped sets


def heldout_factors(tiny: bool = False) -> Factors:
    """The factors of the frozen evaluation scenes."""
    return draw_factors(torch.arange(HELDOUT_SIZE), EVALUATION_SEED, EVALUATION, training_pool(tiny))


def scene_set(name: str) -> PictureSet:
    if name == "scenes:heldout-style":
        return heldout_styles()
    if name == "scenes:heldout-count":
        return heldout_counts()
    if name == "scenes:heldout-name":
        return heldout_names()
    tiny = name == "scenes:heldout256"
    return of_concepts(name, heldout_factors(tiny), training_pool(tiny))


def art_set(art: str) -> PictureSet:
    """``scenes:heldout`` drawn with another art set: the same concepts, places and styles, another artist."""
    return of_concepts(art, heldout_factors(), training_pool(), art)


def of_concepts(name: str, factors: Factors, classes: torch.Tensor, art: str = "noto") -> PictureSet:
    """Scenes labelled with their subject among ``classes`` (ids in ascending order)."""
    labels = torch.searchsorted(classes, factors.concept)
    return rendered(name, factors, labels, [concepts()[i].name for i in classes.tolist()], art)


def rendered(name: str, factors: Factors, labels, class_names, art: str = "noto") -> PictureSet:
    def pictures(rows: Sequence[int]) -> list[Image.Image]:
        images = render(factors.rows(torch.tensor(list(rows))), art)
        return [Image.fromarray(image) for image in images.permute(0, 2, 3, 1).numpy()]

    return PictureSet(name, labels, class_names, TEMPLATES, pictures, [f"{name}/{i}" for i in range(len(labels))])


def heldout_styles() -> PictureSet:
    """Every (concept, style) pair that training leaves out, classified by concept."""
    pool = training_pool()
    pairs = [
        (concept, style) for style in range(1, len(STYLES)) for concept in pool[is_held_out(pool, torch.tensor(style))]
    ]
    factors = draw_factors(torch.arange(COMPOSITION_SIZE), EVALUATION_SEED + 1, EVALUATION, pool)
    order = torch.arange(COMPOSITION_SIZE) % len(pairs)
    concept = torch.tensor([int(concept) for concept, _ in pairs])[order]
    factors.concept, factors.style = concept, torch.tensor([style for _, style in pairs])[order]
    factors.objects = torch.stack([concept, *[torch.full_like(concept, -1)] * 2], 1)
    return of_concepts("scenes:heldout-style", factors, pool)


def heldout_counts() -> PictureSet:
    """Groups in a number that training left out for their concept; classes: each such concept in each number."""
    pool = training_pool()
    every = [
        (int(c), n) for c in pool for n in (2, 3) if concepts()[c].plural and is_held_out(c, torch.tensor(100 + n))
    ]
    every = every[:: max(1, len(every) // 40)][:40]  # 40 pairs keep the class list readable
    ids = sorted({concept for concept, _ in every})
    classes = [(concept, number) for concept in ids for number in (1, 2, 3)]
    names = [f"{NUMBERS[n]} {concepts()[c].name if n == 1 else concepts()[c].plural}" for c, n in classes]
    index = torch.arange(COMPOSITION_SIZE)
    factors = draw_factors(index, EVALUATION_SEED + 2, EVALUATION, pool)
    factors = factors.with_groups(*(torch.tensor(column)[index % len(every)] for column in zip(*every, strict=True)))
    labels = torch.tensor([classes.index(pair) for pair in every])[index % len(every)]
    data = rendered("scenes:heldout-count", factors, labels, names)
    data.templates = ("{}", "a photo of {}", "a picture of {}.", "an image of {}")
    return data


def heldout_names() -> PictureSet:
    """Concepts that training never shows, among all names of the world."""
    unseen = torch.tensor(sorted(concept_ids()[name] for name in HELD_OUT_NAMES))
    factors = draw_factors(torch.arange(COMPOSITION_SIZE), EVALUATION_SEED + 3, EVALUATION, unseen)
    return of_concepts("scenes:heldout-name", factors, torch.arange(len(concepts())))


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
        return [Image.fromarray(images[row]).resize((64, 64), Image.Resampling.BICUBIC).convert("RGB") for row in rows]

    templates = ("number {}", "a photo of the number {}.", "a picture of number {}.", "the number {}")
    ids = [f"digits/{split}/{i}" for i in range(len(images))]
    return PictureSet("digits", torch.from_numpy(data.target[chosen]).long(), words, templates, pictures, ids)


# -------------------------------------------------------------------------------------------------- user's data


def picture_folder(folder: Path) -> PictureSet:
    """One sub-folder a class: its name, with underscores as spaces, is the class name."""
    class_folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    files = [
        (path, label)
        for label, sub in enumerate(class_folders)
        for path in sorted(sub.iterdir())
        if path.suffix.lower() in ENDINGS
    ]
    if not files:
        raise UserError(f"{folder}: no pictures found; make one sub-folder a class and put the pictures into them")
    return PictureSet(
        str(folder), torch.tensor([label for _, label in files]), [sub.name.replace("_", " ") for sub in class_folders],
        PHOTO_TEMPLATES, lambda rows: [open_picture(files[row][0]) for row in rows], [str(path) for path, _ in files],
    )  # fmt: skip


def class_names_of(file: Path, paths: list[str | None], labels: list[int]) -> list[str]:
    """The folder part of the first path of each label, so that "cat/17.jpg" names its label "cat".

    Raises:
        UserError: when a label has no such path.
    """
    first = dict(zip(reversed(labels), reversed(paths), strict=True))
    names = [str(first.get(label) or "").rpartition("/")[0].rpartition("/")[2] for label in range(max(labels) + 1)]
    if not all(names):
        raise UserError(f"{file}: label {names.index('')} has no class name; write the paths as class/file.jpg")
    return [name.replace("_", " ") for name in names]
