"""Pictures with one or more captions each, whatever they are stored in: the one shape that
training reads from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from clipbench.data.image_set import PictureSet
from clipbench.errors import UserError


@dataclass
class CaptionedSet:
    """M pictures with captions. Any row can be read at any time, so that a stopped training run
    goes on at once.

    ``picture`` and ``captions`` take a row; they raise a UserError for one that cannot be read.
    """

    name: str
    ids: Sequence[str]  # M: paths, or what identifies a picture otherwise
    picture: Callable[[int], Image.Image]
    captions: Callable[[int], Sequence[str]]
    mirror: bool = False  # whether the captions still hold for the mirrored picture
    label: Callable[[int], int] | None = None  # where the pictures have classes
    class_names: Sequence[str] | None = None

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
    """Captions from templates, such as "a photo of a {}.", and the class names; every template
    is one caption.
    """
    written = [filled(templates, class_name) for class_name in class_names]

    def captions(row: int) -> Sequence[str]:
        number = label(row)
        if not 0 <= number < len(written):
            raise UserError(f"{ids[row]}: label {number} has no class name")
        return written[number]

    return CaptionedSet(name, ids, picture, captions, True, label, class_names)


def filled(templates: Sequence[str], class_name: str) -> list[str]:
    """The name in place of {}; other braces are text."""
    return [template.replace("{}", class_name) for template in templates]


def from_picture_set(pictures: PictureSet, templates: Sequence[str] | None = None) -> CaptionedSet:
    labels = pictures.labels.tolist()
    return from_labels(
        pictures.name,
        pictures.ids,
        lambda row: pictures.pictures([row])[0],
        labels.__getitem__,
        pictures.class_names,
        templates or pictures.templates,
    )


def as_captions(value: object, where: str) -> list[str]:
    """A caption or a list of captions as a list, the empty ones left out.

    Raises:
        UserError: when there is none, or it is no text.
    """
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise UserError(
            f"{where}: a caption must be text or a list of texts, not {type(value).__name__}"
        )
    texts = [text.strip() for text in texts if text.strip()]
    if not texts:
        raise UserError(f"{where}: has no caption")
    return texts
