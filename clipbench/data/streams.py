"""Endless streams of (image, caption) pairs to train on.

A stream is a function of the position: ``stream(start, count)`` always gives the same pairs, so a
training run can stop anywhere and go on, on any machine, by remembering one number.
"""

import contextlib
import copy
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from clipbench.compute.limits import allowed_cores
from clipbench.data.image_set import PHOTO_TEMPLATES
from clipbench.data.readers.caption_text import as_captions
from clipbench.data.readers.captioned import CaptionedSet, filled
from clipbench.data.readers.columns import (
    CAPTION_COLUMNS,
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    find_column,
    has_column,
)
from clipbench.data.readers.decoded import DecodedPictures
from clipbench.data.readers.hub import load
from clipbench.data.readers.tables import stored_picture
from clipbench.data.readers.unreadable import Unreadable
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.draws import Draws, shuffled_positions
from clipbench.data.world.factors import Factors, SceneConfig, draw_factors, training_pool
from clipbench.data.world.render import render
from clipbench.data.world.sprites import concepts
from clipbench.data.world2 import captions as captions2
from clipbench.data.world2 import render as render2
from clipbench.data.world2.album import album_of
from clipbench.data.world2.scenes import Scenes, draw_scenes
from clipbench.data.world2.settings import World2
from clipbench.errors import UserError
from clipbench.preprocess import to_uint8

# positions from here on lend their captions to others: see DrawnPairs.with_wrong_ones
NEVER_REACHED = 10**12


@dataclass
class Pairs:
    images: torch.Tensor  # (B, 3, S, S) uint8
    captions: list[str]  # B
    labels: torch.Tensor | None = None  # (B,) int64, where the data have classes
    more_captions: Sequence[list[str]] = ()  # second, third, ... captions of all pictures, B each


def joined(parts: Sequence[Pairs]) -> Pairs:
    """Join several batches into one."""
    labels = [part.labels for part in parts if part.labels is not None]
    images, captions = torch.cat([part.images for part in parts]), [part.captions for part in parts]
    more: list[list[str]] = [
        sum(lists, []) for lists in zip(*(part.more_captions for part in parts), strict=True)
    ]
    return Pairs(images, sum(captions, []), torch.cat(labels) if labels else None, more)


@runtime_checkable
class PairStream(Protocol):
    """What the trainer draws its batches from."""

    name: str

    def __call__(self, start: int, count: int) -> Pairs: ...


class DrawnPairs:
    """Captioned scenes of a world, drawn on ``device`` as they are needed.

    A world says what is in its scenes (``factors``), how they look (``draw``) and what a caption
    says of them (``describe``).
    """

    world: str  # its name as training data
    usual: Any  # settings where none are given

    def __init__(
        self,
        seed: int,
        config: Any = None,
        tiny: bool = False,
        image_size: int = 64,
        device: torch.device | str = "cpu",
    ):
        self.seed, self.image_size, self.device = seed, image_size, device
        self.config = self.usual if config is None else config
        self.pool = training_pool(tiny)
        self.name = f"{self.world}:tiny" if tiny else self.world

    def on(self, device: torch.device | str) -> "DrawnPairs":
        """Give the same scenes, drawn on another device."""
        other = copy.copy(self)
        other.device = device
        return other

    def __call__(self, start: int, count: int) -> Pairs:
        index = torch.arange(start, start + count, device=self.device)
        factors = self.factors(index)
        labels = torch.searchsorted(self.pool.to(factors.concept.device), factors.concept)
        captions, *more = (
            self.with_wrong_ones(index, factors, number) for number in range(self.config.captions)
        )
        return Pairs(self.draw(factors), captions, labels, more)

    def factors(self, index: Tensor):
        raise NotImplementedError

    def describe(self, factors, number: int = 0) -> list[str]:
        """Write a caption for each scene.

        Another ``number`` gives another choice of what is said, and how.
        """
        raise NotImplementedError

    def draw(self, factors) -> Tensor:
        """Draw the pictures: (B, 3, S, S) uint8."""
        raise NotImplementedError

    def with_wrong_ones(self, index: Tensor, factors, number: int = 0) -> list[str]:
        """Write captions, some of them replaced by those of scenes that never come up.

        Which ones is drawn by the position.
        """
        captions = self.describe(factors, number)
        wrong = (factors.draws.uniform("wrong caption") < self.config.wrong_captions).nonzero()[
            :, 0
        ]
        if not len(wrong):
            return captions
        strangers = self.factors(index[wrong] + NEVER_REACHED)
        replaced = dict(zip(wrong.tolist(), self.describe(strangers, number), strict=True))
        return [replaced.get(row, caption) for row, caption in enumerate(captions)]

    @property
    def class_names(self) -> list[str]:
        """What the labels count: the subject of each scene, even where a sign stands for it."""
        return [concepts()[i].name for i in self.pool.tolist()]


class ScenePairs(DrawnPairs):
    """Captioned scenes of the emoji world."""

    world = "scenes"
    usual = SceneConfig()

    def factors(self, index: Tensor) -> Factors:
        return draw_factors(index, self.seed, self.config, self.pool)

    def describe(self, factors: Factors, number: int = 0) -> list[str]:
        return caption_scenes(factors, self.config.count_words, self.config.languages, number)

    def draw(self, factors: Factors) -> Tensor:
        """Draw the pictures: (B, 3, S, S) uint8, each scene by one of the artists."""
        images = torch.empty(
            len(factors), 3, self.image_size, self.image_size, dtype=torch.uint8, device=self.device
        )
        artist = factors.draws.integer("artist", len(self.config.art))
        for number, art in enumerate(self.config.art):
            if len(rows := (artist == number).nonzero()[:, 0]):
                images[rows] = render(factors.rows(rows), art, self.image_size)
        return images


class Scene2Pairs(DrawnPairs):
    """Captioned scenes of the second world, by many artists.

    Partners stand side by side in a batch that begins at an even position.
    """

    world = "scenes2"
    usual = World2()

    @property
    def album(self):
        return album_of(self.config, str(self.device))

    def factors(self, index: Tensor) -> Scenes:
        return draw_scenes(index, self.seed, self.config, self.pool)

    def describe(self, factors: Scenes, number: int = 0) -> list[str]:
        drawings = factors.drawings(self.album, self.config)[0]
        one_colour = self.album.one_colour[drawings]
        return captions2.caption_scenes(factors, self.config, one_colour, number)

    def draw(self, factors: Scenes) -> Tensor:
        return render2.render(factors, self.config, self.album, self.image_size)


class CaptionedPairs:
    """Pictures with their captions, in an order that is shuffled anew every epoch.

    Each time a picture comes up it is shifted by up to an eighth of its side, and half of the time
    mirrored where its captions allow it; order, shift, mirror and which of its captions depend on
    (seed, position) only. A sample that cannot be read is replaced by the next one that can.

    Args:
        folder: for ``unreadable.txt`` and, when the decoded pictures do not fit into ``memory``, a
            temporary file.
        memory: bytes for decoded pictures; None takes a quarter of the machine's.
    """

    def __init__(
        self,
        data: CaptionedSet,
        seed: int,
        image_size: int = 64,
        device: torch.device | str = "cpu",
        folder: Path | None = None,
        memory: int | None = None,
    ):
        self.name, self.seed, self.pictures = data.name, seed, len(data)
        self.data, self.image_size, self.device = data, image_size, device
        self.decoded = DecodedPictures(len(data), image_size, memory, folder)
        self.unreadable = Unreadable(data.name, folder / "unreadable.txt" if folder else None)
        self.bad_rows: set[int] = set()
        self.decoders = ThreadPoolExecutor(min(4, allowed_cores()), thread_name_prefix="decode")

    def __call__(self, start: int, count: int) -> Pairs:
        index = torch.arange(start, start + count)
        wanted = shuffled_positions(self.seed, index, len(self.data)).tolist()
        fresh = self.decode(wanted)
        rows = [self.readable(row, fresh) for row in wanted]
        draws = Draws(self.seed, index)
        images = self.decoded.get(rows, fresh).to(self.device)
        captions = pick_caption([self.data.captions(row) for row in rows], draws)
        labels = torch.tensor([self.data.label(row) for row in rows]) if self.data.label else None
        return Pairs(shifted_and_mirrored(images, draws, self.data.mirror), captions, labels)

    @property
    def class_names(self) -> Sequence[str] | None:
        """What the labels count, where there are any."""
        return self.data.class_names

    def decode(self, rows: list[int]) -> dict[int, torch.Tensor]:
        """Decode the pictures that are not kept yet.

        Rows that cannot be read are noted and absent from the result.
        """
        missing = [row for row in self.decoded.missing(rows) if row not in self.bad_rows]
        found = {}
        for row, picture in zip(missing, self.decoders.map(self.read, missing), strict=True):
            if isinstance(picture, UserError):
                self.bad_rows.add(row)
                self.unreadable.note(self.data.ids[row], str(picture), len(self.data))
            else:
                found[row] = picture
                self.decoded.put(row, picture)
        return found

    def read(self, row: int) -> torch.Tensor | UserError:
        """Read (3, S, S) uint8, or why the picture or its captions cannot be read."""
        try:
            self.data.captions(row)
            return to_uint8(self.data.picture(row), self.image_size)
        except UserError as error:
            return error

    def readable(self, row: int, fresh: dict[int, torch.Tensor]) -> int:
        """Give the row itself, or the next one that can be read; that one is decoded too."""
        for candidate in itertools.chain(range(row, len(self.data)), range(row)):
            if (
                candidate not in fresh
                and candidate not in self.bad_rows
                and self.decoded.missing([candidate])
            ):
                fresh |= self.decode([candidate])
            if candidate not in self.bad_rows:
                return candidate
        raise UserError(
            f"{self.name}: none of its {len(self.data)} samples can be read; {self.first_reason()}"
        )

    def first_reason(self) -> str:
        return next(iter(self.unreadable.reasons.values()))


def pick_caption(captions: Sequence[Sequence[str]], draws: Draws) -> list[str]:
    """Pick one of each sample's captions: B lists of captions to B captions."""
    bits = draws.bits("caption").tolist()
    return [several[bit * len(several) >> 32] for several, bit in zip(captions, bits, strict=True)]


def shifted_and_mirrored(images: torch.Tensor, draws: Draws, mirror: bool = True) -> torch.Tensor:
    """Shift each image by up to an eighth of its side, and mirror it with probability one half.

    Edges are repeated. Without ``mirror`` no image is mirrored.
    """
    size, device = images.shape[-1], images.device
    reach = size // 8
    place = torch.arange(size)
    x = place + (draws.integer("shift x", 2 * reach + 1) - reach)[:, None]
    y = place + (draws.integer("shift y", 2 * reach + 1) - reach)[:, None]
    if mirror:
        x = torch.where(draws.integer("mirror", 2)[:, None] == 1, size - 1 - x, x)
    x = x.clamp(0, size - 1).to(device)
    y = y.clamp(0, size - 1).to(device)
    batch = torch.arange(len(images), device=device)[:, None, None]
    return images[batch, :, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2).contiguous()


class StreamedPairs:
    """A hub data set that is read while it is downloaded, shuffled within a buffer.

    Still a function of (seed, position), but positions can only be reached by reading: a call that
    does not follow the last one starts the data set anew and reads up to its position. So a resumed
    run first reads past what it has seen. Rows that cannot be read are left out and do not count as
    positions.
    """

    def __init__(
        self,
        name: str,
        seed: int,
        image_size: int = 64,
        device: torch.device | str = "cpu",
        image_column: str | None = None,
        caption_column: str | None = None,
        templates: Sequence[str] | None = None,
        buffer: int = 1000,
        folder: Path | None = None,
        **options,
    ):
        self.name, self.seed, self.image_size, self.device = name, seed, image_size, device
        self.rows = load(name, **{"split": "train", "streaming": True, **options}).decode(False)
        self.buffer = buffer
        self.unreadable = Unreadable(name, folder / "unreadable.txt" if folder else None)
        head = list(itertools.islice(self.rows, 2))
        if not head:
            raise UserError(f"{name}: no rows")
        first = head[0]
        self.image = find_column(name, list(first), "image", image_column, IMAGE_COLUMNS)
        self.class_names: list[str] = []
        label = next((column for column in LABEL_COLUMNS if column in first), None)
        if caption_column is None and label and not has_column(list(first), CAPTION_COLUMNS):
            self.class_names = getattr((self.rows.features or {}).get(label), "names", None) or []
            if not self.class_names:
                raise UserError(
                    f"{name}: {label} has no class names; give a data set with captions"
                )
        self.caption = (
            label
            if self.class_names
            else find_column(name, list(first), "caption", caption_column, CAPTION_COLUMNS)
        )
        self.templates = templates or PHOTO_TEMPLATES
        self.samples: Iterator[tuple[Tensor, list[str]]] = iter(())
        self.position: int | None = None
        self.captions_line = self.line_of(head)

    def line_of(self, head: Sequence[dict]) -> str:
        """Say where the captions come from, with those of the first rows.

        How many there are is not known before the end.
        """
        kind = (
            "captions: templates filled with the names of"
            if self.class_names
            else "captions: column"
        )
        shown = []
        for row in head:
            with contextlib.suppress(UserError):
                shown.append(repr(shorten(self.captions_of(row, self.name)[0], 60)))
        examples = f"; for example {' and '.join(shown)}" if shown else ""
        return f"{kind} {self.caption!r} of {self.name}, read while downloading{examples}"

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
        """Yield (picture, its captions) of every readable row, epoch after epoch.

        A picture is (3, S, S) uint8.
        """
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
                    picture = to_uint8(
                        stored_picture(row[self.image], Path(), name), self.image_size
                    )
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


class Prefetched:
    """The same pairs as ``stream``, read ahead.

    Each call also starts to read, in a thread, what is likely to be asked for next. That is as far
    ahead as this call is of the last one: the following pairs or, where several processes share
    every batch, this process's part of the next batch. A wrong guess costs time only.
    """

    def __init__(self, stream: PairStream):
        self.stream = stream
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self.next: tuple[int, int] | None = None
        self.last: int | None = None
        self.future: Future[Pairs] = Future()  # of nothing yet

    def __call__(self, start: int, count: int) -> Pairs:
        if self.next != (start, count):
            self.begin(start, count)  # after what the thread is reading now
        pairs = self.future.result()
        ahead = start - self.last if self.last is not None and start > self.last else count
        self.last = start
        self.begin(start + ahead, count)
        return pairs

    def begin(self, start: int, count: int) -> None:
        self.next, self.future = (start, count), self.thread.submit(self.stream, start, count)

    def __getattr__(self, name: str):
        """Give the stream's name, seed and so on."""
        return getattr(self.stream, name)
