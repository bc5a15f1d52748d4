"""Picture files in folders, without what a system puts beside them.

macOS writes a companion ``._x.jpg`` for ``x.jpg`` on foreign disks, and a folder ``__MACOSX`` into
archives; neither holds pictures.
"""

from collections.abc import Iterator
from pathlib import Path

from clipbench.preprocess import PICTURE_SUFFIXES


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is the system's and not the user's."""
    return name.startswith(".") or name == "__MACOSX"


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, in the order of the names."""
    return sorted(path for path in folder.iterdir() if not is_hidden(path.name))


def visible_folders(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.is_dir()]


def is_picture(path: Path) -> bool:
    """Whether a file's name says that it is a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not is_hidden(path.name)


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder itself."""
    return [path for path in visible(folder) if is_picture(path) and path.is_file()]


def files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder and of its sub-folders, its own first."""
    inside = visible(folder)
    yield from (path for path in inside if path.is_file())
    for path in inside:
        if path.is_dir():
            yield from files_below(path)


def pictures_below(folder: Path) -> list[Path]:
    """The picture files of a folder and of its sub-folders, its own first."""
    return [path for path in files_below(folder) if is_picture(path)]
