"""Class names and templates of well-known data sets, as data, each file with its source.

The files lie in ``clipbench/assets/prompts``. The names and templates of the shipped sets belong to
``picture_sets``; here they can be asked for in the same way.
"""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from clipbench.data.image_set import PHOTO_TEMPLATES, TEMPLATES, PictureSet
from clipbench.data.readers.class_names import plain
from clipbench.data.readers.folders import digits
from clipbench.data.world.evaluation_sets import SCENE_SETS, scene_set
from clipbench.data.world.sprites import ART_SETS
from clipbench.errors import UserError
from clipbench.files import ASSETS

FOLDER = ASSETS / "prompts"
OURS = ("scenes", "digits", "photos")


@dataclass(frozen=True)
class PromptSet:
    """By which words the classes of one data set are known."""

    name: str
    title: str
    # what the data call a class -> what prompts call it, in the order of the labels
    classes: Mapping[str, str]
    templates: Sequence[str]
    source: str
    licence: str
    data: Sequence[str] = ()  # names of folders, files and hub ids that hold this data set
    metric: str = "top1"  # what the paper reports: "top1", "mean_per_class", "map_11_point"
    # other spellings -> what the data call the class
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def class_names(self) -> list[str]:
        """C names to prompt with, in the order of the labels."""
        return list(self.classes.values())

    def numbers(self, of_data: Sequence[str]) -> dict[str, int]:
        """Map every name, made ``plain``, by which data may call the classes to its label.

        Data whose classes are called 0 to C - 1, or 1 to C, mean the labels themselves.
        """
        if (numbered := as_numbers(of_data)) is not None and len(of_data) == len(self.classes):
            return {plain(name): number for name, number in zip(of_data, numbered, strict=True)}
        told_apart = [f"{name} ({key})" for key, name in self.classes.items()]
        numbers = unique(told_apart) | unique(self.class_names) | unique(list(self.classes))
        return numbers | {plain(other): numbers[plain(name)] for other, name in self.also.items()}


def unique(names: Sequence[str]) -> dict[str, int]:
    """Map each name, made ``plain``, to its place, without names that stand twice.

    ImageNet has two classes called missile.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(plain(name), []).append(place)
    return {name: found[0] for name, found in places.items() if len(found) == 1}


def as_numbers(names: Sequence[str]) -> list[int] | None:
    """Give numbers from 0 on, when that is what the names are; else None."""
    if not all(name.isascii() and name.isdigit() for name in names):
        return None
    numbers = [int(name) for name in names]
    first = min(numbers, default=0)
    return (
        [number - first for number in numbers]
        if sorted(numbers) == list(range(first, first + len(names)))
        else None
    )


# -------------------- all sets


def prompt_set_names() -> list[str]:
    return [*OURS, *sorted(file.stem for file in FOLDER.glob("*.json"))]


@functools.cache
def prompt_set(name: str) -> PromptSet:
    """Give the class names and templates of a well-known data set.

    Raises:
        UserError: for an unknown name, with the known ones.
    """
    if name not in prompt_set_names():
        raise UserError(
            f"no prompts are known for {name!r}; choose from {', '.join(prompt_set_names())}"
        )
    if name in OURS:
        return our_set(name)
    return PromptSet(name, **json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def our_set(name: str) -> PromptSet:
    """Give the words of the emoji world, of the digits, or templates that fit any photograph."""
    source, licence = "this project", "MIT"
    if name == "photos":
        return PromptSet(name, "photographs of anything", {}, PHOTO_TEMPLATES, source, licence)
    shown = scene_set("scenes:heldout") if name == "scenes" else digits()
    classes = {label: label for label in shown.class_names}
    data = (*SCENE_SETS, *ART_SETS[1:]) if name == "scenes" else ("digits",)
    title = "the emoji world" if name == "scenes" else "scikit-learn's handwritten digits"
    return PromptSet(
        name,
        title,
        classes,
        TEMPLATES if name == "scenes" else shown.templates,
        source,
        licence,
        data,
    )


def recognised(data: str, class_names: Sequence[str]) -> PromptSet | None:
    """Recognise a known set by its name and by all of its classes; None for other data.

    The name is that of the hub id, folder or file.

    Args:
        data: such as "uoft-cs/cifar10", "somewhere/cifar10" or "somewhere/cifar10/test.parquet".
    """
    path = Path(re.sub(r":[^:/\\]*$", "", data))  # without the name of a part
    called = {plain(path.name), plain(path.stem), plain(path.parent.name)}
    for name in sorted(file.stem for file in FOLDER.glob("*.json")):
        known = prompt_set(name)
        if called & {plain(each) for each in known.data} and is_all_of(known, class_names):
            return known
    return None


def words_for(pictures: PictureSet) -> tuple[list[str], list[str]]:
    """Give (class names in the order of the labels, templates) for a picture set.

    They are those of the known set that the data are, else the data's own.
    """
    known = recognised(pictures.name, pictures.class_names)
    if known is None:
        return list(pictures.class_names), list(pictures.templates)
    numbers, names = known.numbers(pictures.class_names), known.class_names
    return [names[numbers[plain(name)]] for name in pictures.class_names], list(known.templates)


def with_known_words(pictures: PictureSet) -> PictureSet:
    """Give the same pictures under the words of ``words_for``."""
    class_names, templates = words_for(pictures)
    return replace(pictures, class_names=class_names, templates=templates)


def is_all_of(known: PromptSet, class_names: Sequence[str]) -> bool:
    """Say whether these are the classes of the set, each once, in any order and spelling."""
    numbers = known.numbers(class_names)
    found = {numbers.get(plain(name)) for name in class_names}
    return len(class_names) == len(known.classes) and found == set(range(len(known.classes)))
