"""The one table of how files, folders and hubs call the splits of a data set."""

import re

# a split -> its names; the first that there is is evaluated
SPLITS = {
    "test": ("test", "testing"),
    "validation": ("validation", "valid", "val", "dev"),
    "train": ("train", "training", "restval"),  # Karpathy's restval is trained on
}
ALL = "all"  # the one split of data without any


def split_of(name: str) -> str:
    """Tell the split that a file's or folder's name begins with.

    "train-00000-of-00002" is "train", "val" is "validation", "00017" a piece of all.
    """
    start = name.split("-")[0].strip().lower()
    if start.isdigit():
        return ALL
    return next((split for split, names in SPLITS.items() if start in names), start)


def split_in(name: str) -> str:
    """Find the split that stands anywhere in a name, such as "captions_val2017".

    It is "all" for a name without one.
    """
    words = [split_of(word) for word in re.findall("[A-Za-z]+", name)]
    return next((word for word in words if word in SPLITS), ALL)


def in_order(splits: dict) -> dict:
    """Put those of SPLITS first."""
    first = [split for split in SPLITS if split in splits]
    rest = [split for split in splits if split not in SPLITS]
    return {split: splits[split] for split in [*first, *rest]}
