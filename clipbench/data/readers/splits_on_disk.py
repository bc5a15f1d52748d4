"""Splits for training, validation and testing, of hub data sets, parquet files and folders.

The folders are folders of class folders or of parquet files.
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
    multi_label_set,
    read_arrow,
    read_parquet,
)
from clipbench.data.world.evaluation_sets import SCENE_SETS
from clipbench.errors import UserError, notice


def asked_split(name: str) -> tuple[str, str]:
    """Give (name of the data, the split that "name:split" asks for or "")."""
    if Path(name).exists() or ":" not in name or name in SCENE_SETS:
        return name, ""
    base, _, wanted = name.rpartition(":")
    return base, wanted


def chosen(base: str, parts: Mapping[str, Callable], wanted: str, order: Iterable[str]):
    """Open the wanted part, by any of its names; where none is asked for, the first in the order.

    Raises:
        UserError: for a split that there is not.
    """
    part = wanted if wanted in parts else split_of(wanted)
    if not wanted:
        part = next((split for split in order if split in parts), next(iter(parts)))
    if part not in parts:
        raise UserError(f"{base} has no part {wanted!r}; it has {', '.join(parts)}")
    return parts[part]()


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
    return multi_label_set(part.name, part.read(), part.folder)


def tables_of(name: str) -> dict[str, TablePart]:
    """Give the parts of a hub data set or of parquet files as tables.

    ``name`` is a hub data set, a parquet file or a folder of parquet files (train.parquet,
    data/train-00000-of-00001.parquet).

    Raises:
        UserError: for a hub data set that cannot be loaded.
    """
    if Path(name).is_file():
        tables = {ALL: Path(name)} if Path(name).suffix.lower() == ".parquet" else {}
        return {
            part: TablePart(name, partial(read_parquet, [file]), file.parent, (file,))
            for part, file in tables.items()
        }
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
    """Find what ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote.

    Empty for other folders.
    """
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
    """Find splits as folders of class folders: train/cat/1.png.

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
