"""Which class of one list of names is which of another: folder names are written in many ways."""

import re
from collections.abc import Mapping, Sequence

import torch

from clipbench.errors import UserError


def plain(name: str) -> str:
    """Drop case, spaces and punctuation: "Red_Car" and "red car" are the same class."""
    return re.sub(r"[\W_]+", "", name).casefold() or name


def match_classes(
    of_data: Sequence[str],
    numbers: Mapping[str, int],
    occurring: set[int],
    data: str,
    listed_in: str,
) -> torch.Tensor:
    """Match each class of the data to its number in a list: (C,) int64.

    -1 stands for a class without pictures that is not listed.

    Args:
        numbers: ``plain`` name -> number.
        occurring: labels that have pictures.

    Raises:
        UserError: when a class that occurs is not listed.
    """
    missing = [
        name
        for label, name in enumerate(of_data)
        if label in occurring and plain(name) not in numbers
    ]
    if missing:
        named = ", ".join(repr(name) for name in missing[:5])
        raise UserError(
            f"{data} shows {len(missing)} classes that {listed_in} does not list: {named}; add them"
        )
    return torch.tensor([numbers.get(plain(name), -1) for name in of_data])


def numbered(names: Sequence[str], listed_in: str) -> dict[str, int]:
    """Map each name, made ``plain``, to its place.

    Raises:
        UserError: when one is listed twice.
    """
    numbers = {plain(name): number for number, name in enumerate(names)}
    if len(numbers) < len(names):
        twice = next(name for number, name in enumerate(names) if numbers[plain(name)] != number)
        raise UserError(f"{listed_in} lists {twice!r} twice; give every class one line")
    return numbers
