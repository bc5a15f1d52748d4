"""Picture files in folders, without what a system puts beside them.

macOS writes a companion ``._x.jpg`` for ``x.jpg`` on foreign disks, and a folder ``__MACOSX`` into
archives; neither holds pictures.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from clipbench.data.readers.split_names import split_in
from clipbench.errors import UserError, notice
from clipbench.preprocess import OTHER_SUFFIXES, PICTURE_SUFFIXES


def is_hidden(name: str) -> bool:
    """Say whether a file or folder of this name is the system's and not the user's."""
    return name.startswith(".") or name == "__MACOSX"


def visible(folder: Path) -> list[Path]:
    """List what lies in a folder and is not hidden, in the order of the names."""
    return sorted(path for path in folder.iterdir() if not is_hidden(path.name))


def visible_folders(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.is_dir()]


def is_picture(path: Path) -> bool:
    """Say whether a file's name says that it is a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not is_hidden(path.name)


def pictures_in(folder: Path) -> list[Path]:
    """List the picture files of a folder itself."""
    return [path for path in visible(folder) if is_picture(path) and path.is_file()]


def files_below(folder: Path, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[Path]:
    """List all files of a folder and of its sub-folders, its own first.

    Args:
        above: the folders that it lies in, by device and number; a link to one of them is not
            followed again.
    """
    facts = os.stat(folder)
    if (identity := (facts.st_dev, facts.st_ino)) in above:
        return
    with os.scandir(folder) as entries:
        inside = sorted((e for e in entries if not is_hidden(e.name)), key=lambda e: e.name)
    yield from (folder / entry.name for entry in inside if entry.is_file())
    for entry in inside:
        if entry.is_dir():
            yield from files_below(folder / entry.name, above | {identity})


def pictures_below(folder: Path) -> list[Path]:
    """List the picture files of a folder and of its sub-folders, its own first."""
    return [path for path in files_below(folder) if is_picture(path)]


def tell_of_other_kinds(folder: Path, files: Iterable[Path]) -> None:
    """Give a notice where pictures lie that Pillow does not read, such as those of phones."""
    others = [
        path for path in files if path.suffix.lower() in OTHER_SUFFIXES and not is_picture(path)
    ]
    if others:
        kinds = ", ".join(sorted({path.suffix.lower() for path in others}))
        what = "1 picture" if len(others) == 1 else f"{len(others)} pictures"
        notice(
            f"{folder}: {what} left out, of a kind that cannot be read ({kinds}); convert to JPEG "
            "or PNG"
        )


# -------------------- where the pictures of a list lie

SAMPLED = 40  # names of a list that are looked for
MOST_FOLDERS = 500  # in which they are looked for


def located(names: Sequence[str], listing: Path) -> list[Path]:
    """Find the files that a list means, by their path or by their file name alone.

    They lie beside the list, or in the folder about it in which most of them are found; of equally
    good folders, in that of the list's split.

    Raises:
        UserError: for addresses of the web.
    """
    if address := next((name for name in names if "://" in name), None):
        raise UserError(
            f"{listing} lists addresses, not files ({address}); download the pictures first, for "
            "example with img2dataset"
        )
    sample = names[:: -(-len(names) // SAMPLED)]
    home = listing.parent
    if all((home / name).is_file() for name in sample):
        return [home / name for name in names]
    split = split_in(listing.stem)
    found = [
        (
            sum((folder / written(name)).is_file() for name in sample),
            split_in(folder.name) == split,
            -number,
            folder,
            written,
        )
        for number, folder in enumerate(islice(folders_about(home), MOST_FOLDERS))
        for written in (str, slashed, file_name)
    ]
    hits, _, _, folder, written = max(found, key=lambda entry: entry[:3])
    if hits:
        return [folder / written(name) for name in names]
    return located_by_stem(names, home) or [home / name for name in names]


def located_by_stem(names: Sequence[str], home: Path) -> list[Path]:
    """Find the files that a list names without their endings; empty where there are none."""
    sample = {file_name(name) for name in names[:: -(-len(names) // SAMPLED)]}
    for folder in islice(folders_about(home), MOST_FOLDERS):
        by_stem = {path.stem: path for path in pictures_in(folder)}
        if sample & by_stem.keys():
            return [by_stem.get(file_name(name), home / name) for name in names]
    return []


def slashed(name: str) -> str:
    """Write a path of Windows as one of any system."""
    return name.replace("\\", "/")


def file_name(name: str) -> str:
    return slashed(name).rpartition("/")[2]


def folders_about(folder: Path) -> Iterator[Path]:
    """Yield the folder, its sub-folders and theirs, then the folder above and its sub-folders."""
    yield folder
    inside = visible_folders(folder)
    yield from inside
    for path in inside:
        yield from visible_folders(path)
    yield folder.parent
    with contextlib.suppress(OSError):
        yield from (path for path in visible_folders(folder.parent) if path != folder)
