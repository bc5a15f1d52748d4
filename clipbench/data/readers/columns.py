"""Which columns of a table hold the pictures, the captions and the labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.data.readers.caption_text import CAPTION_NAMES
from clipbench.errors import UserError

# The names under which these columns are found when none is given, in this order.
IMAGE_COLUMNS = (
    "image", "img", "jpg", "png", "webp", "image_path", "img_path", "filepath", "file_path",
    "file_name", "filename", "image_name", "image_file", "path", "file",
)  # fmt: skip
CAPTION_COLUMNS = CAPTION_NAMES
LABEL_COLUMNS = ("label", "labels", "cls", "fine_label", "class", "class_name", "category")


class NoCaptions(UserError):
    """Data that hold no captions of pictures, whatever else they hold."""


@dataclass(frozen=True)
class Places:
    """Columns by their numbers."""

    image: int
    caption: int
    split: int | None


@dataclass(frozen=True)
class Columns:
    """The columns that a user named; None takes the usual names.

    With ``labels``, a column of labels stands in the place of the captions.
    """

    image: str | None = None
    caption: str | None = None
    labels: bool = False

    @property
    def named(self) -> bool:
        return self.image is not None or self.caption is not None

    def names(self, where: str, columns: Sequence[str]) -> tuple[str, str]:
        """Find (image column, caption column) as the table writes them.

        Raises:
            UserError: when one is absent.
        """
        what, usual = ("label", LABEL_COLUMNS) if self.labels else ("caption", CAPTION_COLUMNS)
        return (
            find_column(where, columns, "image", self.image, IMAGE_COLUMNS),
            find_column(where, columns, what, self.caption, usual),
        )

    def fit(self, columns: Sequence[str]) -> bool:
        """Say whether these columns have pictures and captions among them."""
        try:
            self.names("", columns)
        except UserError:
            return False
        return True

    def places(self, where: str, columns: Sequence[str]) -> Places:
        """Find the places of the columns of pictures, captions and splits.

        Raises:
            UserError: when one is absent.
        """
        image, caption = self.names(where, columns)
        keys = [column_key(name) for name in columns]
        split = keys.index("split") if "split" in keys else None
        return Places(columns.index(image), columns.index(caption), split)


def find_column(
    where: str, columns: Sequence[str], what: str, named: str | None, usual: Sequence[str]
) -> str:
    """Find the column's name as the table writes it; case, spaces and dashes do not matter.

    Raises:
        UserError: when the named column, or every usual one, is absent.
    """
    written = {column_key(name): name for name in reversed(columns)}
    if named is not None and column_key(named) not in written:
        raise UserError(f"{where}: no column {named!r}; it has {', '.join(columns)}")
    wanted = usual if named is None else [named]
    found = next((written[key] for key in map(column_key, wanted) if key in written), None)
    if found is None:
        raise NoCaptions(
            f"{where}: no {what} column among {', '.join(columns)}; call one of them {what}"
            + (", or say which it is" if what != "label" else "")
        )
    return found


def has_column(columns: Sequence[str], usual: Sequence[str]) -> bool:
    """Say whether one of the usual names is among a table's columns."""
    return bool(set(map(column_key, columns)) & set(map(column_key, usual)))


def column_key(name: str) -> str:
    return "_".join(str(name).strip().casefold().replace("-", " ").split())
