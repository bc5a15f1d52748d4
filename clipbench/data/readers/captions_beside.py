"""Captions in a text or JSON file beside each picture, as in img2dataset's ``files`` layout.

There, ``00000/000000017.jpg`` lies with ``000000017.txt`` and ``000000017.json``.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from clipbench.data.readers.caption_text import (
    CAPTION_NAMES,
    NUMBERS,
    as_captions,
    captions_in_text,
)
from clipbench.data.readers.captioned import CaptionedSet
from clipbench.data.readers.picture_files import (
    files_below,
    is_picture,
    tell_of_other_kinds,
    visible_folders,
)
from clipbench.data.readers.text_files import decoded
from clipbench.errors import UserError, notice
from clipbench.preprocess import open_picture

TEXT_SUFFIXES = (".txt", ".caption", ".text", ".json")  # the first that there is counts
# beside a folder of pictures
TEXT_FOLDERS = ("text", "texts", "txt", "caption", "captions", "text_c10")
SAMPLED = 20  # JSON files that are asked for captions


def captions_beside(folder: Path) -> CaptionedSet | None:
    """Open the pictures of a folder and its sub-folders that have a text beside them.

    The text may also lie in a folder of texts beside the pictures' folder. None where no picture
    has a text. Each line of a text is a caption. A notice says how many pictures are left out.

    Raises:
        UserError: where most pictures have none.
    """
    files = list(files_below(folder))
    pictures = [path for path in files if is_picture(path)]
    known = {path.with_name(path.stem + path.suffix.lower()): path for path in files}
    homes = [path for path in visible_folders(folder) if path.name.lower() in TEXT_FOLDERS]
    found = {path: text for path in pictures if (text := text_of(path, folder, homes, known))}
    if not found:
        return None
    if not any(map(holds_captions, list(found.values())[:SAMPLED])):
        notice(f"{folder}: the texts beside the pictures hold no captions and are left out")
        return None
    tell_of_other_kinds(folder, files)
    tell_of_pictures_without(folder, pictures, found)
    paths = list(found)
    kind = "JSON" if all(text.suffix.lower() == ".json" for text in found.values()) else "text"
    return CaptionedSet(
        str(folder),
        [str(path) for path in paths],
        lambda row: open_picture(paths[row]),
        lambda row: captions_in(found[paths[row]]),
        origin=f"{kind} files beside the pictures of {folder}",
    )


def tell_of_pictures_without(
    folder: Path, pictures: Sequence[Path], found: Mapping[Path, Path]
) -> None:
    """Give a notice where pictures have no text.

    Raises:
        UserError: where most have none.
    """
    without = [path for path in pictures if path not in found]
    if len(found) < len(without):
        raise UserError(
            f"{folder}: {len(found)} of {len(pictures)} pictures have a text beside them; write "
            f"one for each (such as {without[0].name}), or give templates, filled with the "
            "folders' names"
        )
    if without:
        notice(
            f"{folder}: {len(without)} of {len(pictures)} pictures have no text beside them and "
            f"are left out, such as {without[0].name}"
        )


def holds_captions(file: Path) -> bool:
    """Say whether it is no file of another program, such as one that draws boxes."""
    try:
        return not all(map(NUMBERS.fullmatch, captions_in(file)))
    except UserError:
        return file.suffix.lower() != ".json"


def text_of(
    picture: Path, folder: Path, homes: Sequence[Path], known: Mapping[Path, Path]
) -> Path | None:
    """Find the text of a picture; None without one.

    It is dog.txt or dog.jpg.txt beside dog.jpg; else texts/pets/dog.txt for images/pets/dog.jpg,
    where ``homes`` holds ``texts``. Capitals in an ending (``dog.TXT``) make no difference:
    ``known`` maps each path with a small ending to the file.
    """
    within = picture.parent.relative_to(folder).parts[1:] if homes else ()
    candidates = (
        place / (stem + suffix)
        for place in (picture.parent, *(home.joinpath(*within) for home in homes))
        for suffix in TEXT_SUFFIXES
        for stem in (picture.stem, picture.name)
    )
    return next((known[path] for path in candidates if path in known), None)


def captions_in(file: Path) -> list[str]:
    """Read the captions in a text or JSON file.

    Raises:
        UserError: for a file that cannot be read or holds no caption.
    """
    try:
        text = decoded(file.read_bytes(), str(file))
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    if file.suffix.lower() == ".json":
        return captions_in_json(text, str(file))
    return captions_in_text(text, str(file))


def captions_in_json(text: str | bytes, where: str) -> list[str]:
    """Read the captions of one picture's JSON object.

    Raises:
        UserError: for no JSON, and for an object without captions.
    """
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: caption cannot be read: {error}") from None
    names = [name for name in CAPTION_NAMES if isinstance(entries, dict) and name in entries]
    if not names:
        raise UserError(f"{where}: has none of {', '.join(CAPTION_NAMES)}")
    return as_captions(entries[names[0]], where)
