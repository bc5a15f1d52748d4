"""Hub data sets by the `datasets` library (an optional extra): downloaded as a table, or streamed.

Pictures are decoded here and never by `datasets`, so the same limits hold as for every other picture.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from clipbench.data.captioned import CaptionedSet, as_captions, filled
from clipbench.data.draws import Draws
from clipbench.data.pairs import Pairs, pick_caption, shifted_and_mirrored
from clipbench.data.picture_sets import PHOTO_TEMPLATES
from clipbench.data.tables import CAPTION_COLUMNS, IMAGE_COLUMNS, LABEL_COLUMNS, find_column, stored_picture, table_set
from clipbench.data.unreadable import Unreadable
from clipbench.errors import UserError, first_line, missing_package
from clipbench.preprocess import to_uint8


def load(name: str, /, **options):
    """``datasets.load_dataset`` with errors of one line; `options` are its own, such as split and data_files.

    Raises:
        UserError: when the library is absent, or it cannot load the data set.
    """
    try:
        import datasets
    except ImportError:
        raise missing_package("a data set of the hub", "datasets", "hub") from None
    try:
        return datasets.load_dataset(name, **options)
    except Exception as error:  # `datasets`, `fsspec` and `huggingface_hub` raise many kinds
        raise UserError(f"cannot load the data set {name!r}: {first_line(error)}") from None


def hub_set(
    name: str,
    image_column: str | None = None,
    caption_column: str | None = None,
    templates: Sequence[str] | None = None,
    **options,
) -> CaptionedSet:
    """A hub data set, downloaded: any row can be read, from files mapped into memory."""
    table = load(name, **{"split": "train", **options}).data.table
    return table_set(name, table, Path(), image_column, caption_column, templates)


HUB_DATA = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w.-]+))?")  # owner/name, owner/name@configuration
FILES = (".parquet", ".safetensors", ".csv", ".tsv", ".tar", ".txt", ".json", ".zip")


def is_hub_data(name: str) -> bool:
    """Whether a name can be a hub data-set id, perhaps with a configuration."""
    return HUB_DATA.fullmatch(name) is not None and not name.endswith(FILES)


def hub_parts(name: str) -> dict:
    """Arrow tables of all parts of a hub data set, by their names; ``name`` may also be a folder in the hub's layout.

    Raises:
        UserError: see ``load``.
    """
    found = HUB_DATA.fullmatch(name)
    repo, configuration = found.groups() if found else (name, None)
    try:
        return {part: rows.data.table for part, rows in load(repo, name=configuration).items()}
    except UserError as error:
        raise UserError(f"there is no folder {name!r}; as a hub data set: {error}") from None


class StreamedPairs:
    """A hub data set that is read while it is downloaded, shuffled within a buffer.

    Still a function of (seed, position), but positions can only be reached by reading: a call that does not follow the
    last one starts the data set anew and reads up to its position. So a resumed run first reads past what it has seen.
    Rows that cannot be read are left out and do not count as positions.
    """

    def __init__(self, name: str, seed: int, image_size: int = 64, device: torch.device | str = "cpu",
                 image_column: str | None = None, caption_column: str | None = None,
                 templates: Sequence[str] | None = None, buffer: int = 1000, folder: Path | None = None,
                 **options):  # fmt: skip
        self.name, self.seed, self.image_size, self.device = name, seed, image_size, device
        self.rows = load(name, **{"split": "train", "streaming": True, **options}).decode(False)
        self.buffer = buffer
        self.unreadable = Unreadable(name, folder / "unreadable.txt" if folder else None)
        first = next(iter(self.rows), None)
        if first is None:
            raise UserError(f"{name}: no rows")
        self.image = find_column(name, list(first), "image", image_column, IMAGE_COLUMNS)
        self.class_names = []
        label = next((column for column in LABEL_COLUMNS if column in first), None)
        if caption_column is None and label and not set(CAPTION_COLUMNS) & set(first):
            self.class_names = getattr((self.rows.features or {}).get(label), "names", None) or []
            if not self.class_names:
                raise UserError(f"{name}: {label} has no class names; give a data set with captions")
        self.caption = label if self.class_names else find_column(
            name, list(first), "caption", caption_column, CAPTION_COLUMNS
        )  # fmt: skip
        self.templates = templates or PHOTO_TEMPLATES
        self.samples, self.position = iter(()), None

    def __call__(self, start: int, count: int) -> Pairs:
        if self.position != start:
            self.samples = itertools.islice(self.read_for_ever(), start, None)
        self.position = None  # until this call has succeeded
        batch = list(itertools.islice(self.samples, count))
        self.position = start + count
        draws = Draws(self.seed, torch.arange(start, start + count))
        images = torch.stack([image for image, _ in batch]).to(self.device)
        captions = pick_caption([captions for _, captions in batch], draws)
        return Pairs(shifted_and_mirrored(images, draws, mirror=bool(self.class_names)), captions)

    def read_for_ever(self) -> Iterator[tuple[torch.Tensor, list[str]]]:
        """(uint8 picture (3, S, S), its captions) of every readable row, epoch after epoch."""
        shuffled = self.rows.shuffle(seed=self.seed, buffer_size=self.buffer)
        number, found = 0, True
        for epoch in itertools.count():
            if not found:
                raise UserError(f"{self.name}: no row can be read")
            shuffled.set_epoch(epoch)
            found = False
            for row in shuffled:
                number += 1
                name = f"{self.name}, row {number} of the stream"
                try:
                    picture = to_uint8(stored_picture(row[self.image], Path(), name), self.image_size)
                    yield picture, self.captions_of(row, name)
                    found = True
                except UserError as error:
                    self.unreadable.note(name, str(error), number)

    def captions_of(self, row: dict, name: str) -> list[str]:
        value = row[self.caption]
        if not self.class_names:
            return as_captions(value, name)
        if not isinstance(value, int) or not 0 <= value < len(self.class_names):
            raise UserError(f"{name}: label {value} has no class name")
        return filled(self.templates, self.class_names[value].replace("_", " "))
