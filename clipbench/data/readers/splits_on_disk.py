"""Data sets that come in parts for training, validation and testing: hub data sets, and folders
in the hub's layout.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from clipbench.data.image_set import PictureSet
from clipbench.data.readers.folders import picture_folder
from clipbench.data.readers.hub import hub_parts, is_hub_data
from clipbench.data.readers.picture_files import pictures_in, visible_folders
from clipbench.data.readers.split_names import ALL, SPLITS, in_order, split_of
from clipbench.data.readers.tables import (
    labelled_set,
    lists_addresses,
    read_arrow,
    read_parquet,
    several_labels_set,
)
from clipbench.data.world.evaluation_sets import SCENE_SETS
from clipbench.errors import UserError, notice


def open_part(name: str) -> PictureSet | None:
    """The test part of a data set, else its validation part, else the training part; "name:part"
    asks for one.

    None for what is no data set in parts, nor a parquet file.

    Raises:
        UserError: for a part that there is not, and for data that cannot be read.
    """
    if Path(name).is_file() and name.endswith(".parquet"):
        return labelled_set(name, read_parquet([Path(name)]), Path(name).parent)
    return chosen_part(name, find_parts)


def open_several_labels(name: str) -> tuple[PictureSet, torch.Tensor]:
    """(pictures, targets (M, C) bool) of a parquet file, a folder in the hub's layout or a hub data
    set.

    Raises:
        UserError: for other data.
    """
    if Path(name).is_file() and name.endswith(".parquet"):
        return several_labels_set(name, read_parquet([Path(name)]), Path(name).parent)
    found = chosen_part(
        name,
        lambda base: {part: partial(several, table) for part, table in tables_of(base).items()},
    )
    if found is None:
        raise UserError(
            f"{name} has no lists of labels; give a .parquet file, a folder in the "
            "hub's layout, a hub id"
        )
    return found


def chosen_part(name: str, find: Callable[[str], dict[str, Callable]]):
    """What opens as the wanted part of "name:part", or the first in the order of SPLITS; None
    without parts.

    Raises:
        UserError: for a part that there is not.
    """
    base, wanted = asked_split(name)
    parts = find(base)
    return chosen(base, parts, wanted, SPLITS) if parts else None


def asked_split(name: str) -> tuple[str, str]:
    """(name of the data, the split that "name:split" asks for or "")."""
    if Path(name).exists() or ":" not in name or name in SCENE_SETS:
        return name, ""
    base, _, wanted = name.rpartition(":")
    return base, wanted


def chosen(base: str, parts: Mapping[str, Callable], wanted: str, order: Iterable[str]):
    """What opens as the wanted part, by any of its names, else the first in the order.

    Raises:
        UserError: for a part that there is not.
    """
    part = wanted if wanted in parts else split_of(wanted)
    if not wanted:
        part = next((split for split in order if split in parts), next(iter(parts)))
    if part not in parts:
        raise UserError(f"{base} has no part {wanted!r}; it has {', '.join(parts)}")
    return parts[part]()


def find_parts(name: str) -> dict[str, Callable[[], PictureSet]]:
    """What opens each part, in the order of SPLITS; empty for data that are not in parts.

    Raises:
        UserError: for a hub data set that cannot be loaded.
    """
    if tables := tables_of(name):
        return {part: partial(labelled, table) for part, table in tables.items()}
    return folders_of(Path(name)) if Path(name).is_dir() else {}


@dataclass(frozen=True)
class TablePart:
    """One part that is an Arrow table, read when it is asked for."""

    name: str
    read: Callable[[], object]
    folder: Path  # what paths in it are relative to
    files: tuple[Path, ...] = ()  # where it lies on the disk


def labelled(part: TablePart) -> PictureSet:
    return labelled_set(part.name, part.read(), part.folder)


def several(part: TablePart) -> tuple[PictureSet, torch.Tensor]:
    return several_labels_set(part.name, part.read(), part.folder)


def tables_of(name: str) -> dict[str, TablePart]:
    """Parts as tables: of a hub data set, or parquet files (train.parquet,
    data/train-00000-of-00001.parquet).

    Raises:
        UserError: for a hub data set that cannot be loaded.
    """
    if not Path(name).is_dir():
        tables = (
            {split_of(part): table for part, table in hub_parts(name).items()}
            if is_hub_data(name)
            else {}
        )
        return {
            part: TablePart(f"{name}:{part}", partial(tables.get, part), Path())
            for part in in_order(tables)
        }
    if saved := saved_tables(Path(name)):
        return saved
    files: dict[str, list[Path]] = {}
    for file in sorted([*Path(name).glob("*.parquet"), *Path(name).glob("data/*.parquet")]):
        if not lists_addresses(file):
            files.setdefault(split_of(file.stem), []).append(file)
    return {
        part: TablePart(
            name if part == ALL else f"{name}:{part}",
            partial(read_parquet, some),
            some[0].parent,
            tuple(some),
        )
        for part, some in in_order(files).items()
    }


def saved_tables(folder: Path) -> dict[str, TablePart]:
    """What ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote; empty for others."""
    if (folder / "dataset_dict.json").is_file():
        parts = {path.name: path for path in visible_folders(folder) if arrow_files(path)}
    else:
        parts = {ALL: folder} if arrow_files(folder) else {}
    return {
        split_of(part): TablePart(
            str(folder) if part == ALL else f"{folder}:{split_of(part)}",
            partial(read_arrow, arrow_files(path)),
            path,
        )
        for part, path in in_order(parts).items()
    }


def arrow_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.arrow")) if (folder / "state.json").is_file() else []


def folders_of(folder: Path) -> dict[str, Callable[[], PictureSet]]:
    """Splits as folders of class folders: train/cat/1.png.

    Beside them may lie folders without pictures of their own, and splits without classes, such as
    the test pictures of a contest.
    """
    inside = visible_folders(folder)
    splits = {split_of(path.name): path for path in inside if split_of(path.name) in SPLITS}
    classed = {split: path for split, path in splits.items() if visible_folders(path)}
    others = [path for path in inside if path not in splits.values()]
    if not classed or any(pictures_in(path) for path in others):
        return {}
    for split in splits.keys() - classed.keys():
        notice(f"{splits[split]} has no class folders, so its pictures are left out")
    return {split: partial(picture_folder, path) for split, path in in_order(classed).items()}
