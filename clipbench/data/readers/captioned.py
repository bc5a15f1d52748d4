"""Pictures with one or more captions each, whatever they are stored in.

This is the one shape that training reads from.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import shorten

from PIL import Image

from clipbench.data.image_set import PictureSet
from clipbench.errors import UserError


@dataclass
class CaptionedSet:
    """M pictures with captions.

    Any row can be read at any time, so that a stopped training run goes on at once. ``picture`` and
    ``captions`` take a row; they raise a UserError for one that cannot be read.
    """

    name: str
    ids: Sequence[str]  # M: paths, or what identifies a picture otherwise
    picture: Callable[[int], Image.Image]
    captions: Callable[[int], Sequence[str]]
    mirror: bool = False  # whether the captions still hold for the mirrored picture
    label: Callable[[int], int] | None = None  # where the pictures have classes
    class_names: Sequence[str] | None = None
    origin: str = ""  # where the captions come from, in words

    def __len__(self) -> int:
        return len(self.ids)


def from_labels(
    name: str,
    ids: Sequence[str],
    picture: Callable[[int], Image.Image],
    label: Callable[[int], int],
    class_names: Sequence[str],
    templates: Sequence[str],
) -> CaptionedSet:
    """Make captions of class names and templates, such as "a photo of a {}.".

    Every template is one caption.
    """
    written = [filled(templates, class_name) for class_name in class_names]

    def captions(row: int) -> Sequence[str]:
        number = label(row)
        if not 0 <= number < len(written):
            raise UserError(f"{ids[row]}: label {number} has no class name")
        return written[number]

    origin = f"templates such as {templates[0]!r}, filled with the class names"
    return CaptionedSet(name, ids, picture, captions, True, label, class_names, origin)


def filled(templates: Sequence[str], class_name: str) -> list[str]:
    """Replace {} in each template by the class name; other braces are text."""
    return [template.replace("{}", class_name) for template in templates]


def from_picture_set(pictures: PictureSet, templates: Sequence[str] | None = None) -> CaptionedSet:
    """Make captions for labelled pictures from templates; None takes the pictures' own.

    Raises:
        UserError: for pictures without classes.
    """
    if not pictures.class_names:
        raise UserError(
            f"{pictures.name} holds neither captions nor classes to make them from; put a text "
            "beside each picture, a metadata.jsonl into the folder, or make one sub-folder per "
            "class"
        )
    labels = pictures.labels.tolist()
    return from_labels(
        pictures.name,
        pictures.ids,
        lambda row: pictures.pictures([row])[0],
        labels.__getitem__,
        pictures.class_names,
        templates or pictures.templates,
    )


LOOKED_AT = 2000  # pictures whose captions are counted before a run; of shards, each costs a read


def captions_line(data: CaptionedSet) -> str:
    """Summarise the captions in one line.

    Where they come from, how many there are, two examples, and how many are equal but for case and
    spaces.
    """
    looked_at = range(0, len(data), -(-len(data) // LOOKED_AT)) if len(data) else range(0)
    found = [captions_or_none(data, row) for row in looked_at]
    texts = [text for several in found for text in several]
    distinct = {plain_caption(text): text for text in reversed(texts)}
    shown = [shorten(text, 60, placeholder=" …") for text in list(distinct.values())[:-3:-1]]
    without = sum(not several for several in found)
    among = "" if len(looked_at) == len(data) else f" (of {len(looked_at):,} looked at)"
    parts = [
        f"captions: {data.origin}",
        f"{len(data):,} pictures, {len(texts):,} captions{among}",
        f"for example {' and '.join(map(repr, shown))}" if shown else "",
        equal_captions(texts),
        f"{without:,} pictures have none" if without else "",
    ]
    return "; ".join(part for part in parts if part)


def plain_caption(text: str) -> str:
    """Normalise a caption, so that those that differ in capitals and spaces only are equal."""
    return " ".join(text.casefold().split())


def equal_captions(texts: Sequence[str]) -> str:
    """Say how many captions repeat another, with a hint where that leaves little to learn."""
    often = Counter(map(plain_caption, texts))
    if len(often) == len(texts):
        return ""
    most = max(often.values())
    if len(often) == 1:
        return "all are equal, so there is nothing to learn from them"
    hint = f" ({most / len(texts):.0%} are the same one, from which little is learned)"
    return f"{len(texts) - len(often):,} repeat another{hint if 2 * most > len(texts) else ''}"


def captions_or_none(data: CaptionedSet, row: int) -> Sequence[str]:
    try:
        return data.captions(row)
    except UserError:
        return []
