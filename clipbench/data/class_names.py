"""Which class of one list of names is which of another: folder names are written in many ways."""

import re
from collections.abc import Sequence

import torch

from clipbench.errors import UserError


def plain(name: str) -> str:
    """A name without case, spaces and punctuation: "Red_Car" and "red car" are the same class."""
    return re.sub(r"[\W_]+", "", name).casefold() or name


def match_classes(
    of_data: Sequence[str], listed: Sequence[str], occurring: set[int], data: str, names_file: str
) -> torch.Tensor:
    """For each class of the data its number in the list: (C,) int64, -1 for one without pictures that is not listed.

    Raises:
        UserError: when a class that occurs is not listed, or one is listed twice.
    """
    numbers = {plain(name): number for number, name in enumerate(listed)}
    if len(numbers) < len(listed):
        twice = next(name for number, name in enumerate(listed) if numbers[plain(name)] != number)
        raise UserError(f"{names_file} lists {twice!r} twice; give every class one line")
    missing = [name for label, name in enumerate(of_data) if label in occurring and plain(name) not in numbers]
    if missing:
        named = ", ".join(repr(name) for name in missing[:5])
        raise UserError(f"{data} shows {len(missing)} classes that {names_file} does not list: {named}; add them")
    return torch.tensor([numbers.get(plain(name), -1) for name in of_data])
