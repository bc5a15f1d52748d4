"""Data sets that come in parts for training, validation and testing: hub data sets, and folders in the hub's layout."""

from collections.abc import Callable
from pathlib import Path

from clipbench.data.hub import hub_parts, is_hub_data
from clipbench.data.picture_sets import PictureSet, picture_folder
from clipbench.data.tables import labelled_set, read_parquet
from clipbench.errors import UserError

# a part -> how files, folders and the hub call it; the first that there is is evaluated
PARTS = {"test": ("test",), "validation": ("validation", "valid", "val", "dev"), "train": ("train",)}


def open_part(name: str) -> PictureSet | None:
    """The test part of a data set, else its validation part, else the training part; "name:part" asks for one.

    None for what is no data set in parts, nor a parquet file.

    Raises:
        UserError: for a part that there is not, and for data that cannot be read.
    """
    if Path(name).is_file() and name.endswith(".parquet"):
        return labelled_set(name, read_parquet([Path(name)]), Path(name).parent)
    base, wanted = (name, "") if Path(name).exists() or ":" not in name else name.rsplit(":", 1)
    if not (parts := find_parts(base)):
        return None
    part = wanted or next(iter(parts))
    if part not in parts:
        raise UserError(f"{base} has no part {part!r}; it has {', '.join(parts)}")
    return parts[part]()


def find_parts(name: str) -> dict[str, Callable[[], PictureSet]]:
    """What opens each part, in the order of PARTS; empty for data that are not in parts.

    Raises:
        UserError: for a hub data set that cannot be loaded.
    """
    folder = Path(name)
    if folder.is_dir():
        return parts_of_folder(folder)
    if not is_hub_data(name):
        return {}
    tables = in_order({part_of(part): table for part, table in hub_parts(name).items()})
    return {part: lambda part=part: labelled_set(f"{name}:{part}", tables[part], Path()) for part in tables}


def parts_of_folder(folder: Path) -> dict[str, Callable[[], PictureSet]]:
    """Parts as parquet files (train.parquet, data/train-00000-of-00001.parquet), or as folders of class folders."""
    files: dict[str, list[Path]] = {}
    for file in sorted([*folder.glob("*.parquet"), *folder.glob("data/*.parquet")]):
        files.setdefault(part_of(file.stem), []).append(file)
    if files:
        return {
            part: lambda part=part: labelled_set(f"{folder}:{part}", read_parquet(files[part]), files[part][0].parent)
            for part in in_order(files)
        }
    inside = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    if inside and all(part_of(path.name) in PARTS and holds_folders(path) for path in inside):
        found = in_order({part_of(path.name): path for path in inside})
        return {part: lambda path=path: picture_folder(path) for part, path in found.items()}
    return {}


def part_of(name: str) -> str:
    """What a file's or folder's name says: "train-00000-of-00002" is "train", "val" is "validation"."""
    start = name.split("-")[0].lower()
    return next((part for part, names in PARTS.items() if start in names), start)


def holds_folders(path: Path) -> bool:
    return any(inside.is_dir() for inside in path.iterdir())


def in_order(parts: dict) -> dict:
    """Those of PARTS first."""
    first = [part for part in PARTS if part in parts]
    return {part: parts[part] for part in [*first, *(part for part in parts if part not in PARTS)]}
