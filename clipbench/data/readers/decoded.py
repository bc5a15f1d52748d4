"""Decoded pictures by row, so that each is decoded once and not every epoch."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from clipbench.compute.limits import memory_limit

UNKNOWN_MACHINE = 4_000_000_000  # bytes of memory to count on where the system does not say


class DecodedPictures:
    """Up to ``count`` uint8 pictures of shape (3, size, size).

    They are kept in memory where they fit, else in a mapped file.

    Args:
        memory: bytes that they may take in memory; None takes a quarter of what this process may
            use.
        folder: where the temporary file goes (it has no name and disappears with the process); None
            keeps none. Where its disk has no space for all of them, nothing is kept and every
            picture is decoded each time.
    """

    def __init__(
        self, count: int, size: int, memory: int | None = None, folder: Path | None = None
    ):
        shape = (count, 3, size, size)
        memory = (memory_limit() or UNKNOWN_MACHINE) // 4 if memory is None else memory
        self.kept_in = "memory" if 3 * count * size * size <= memory else "file"
        if self.kept_in == "file":
            self.pixels = mapped_file(shape, folder) if folder is not None else None
            self.kept_in = "nothing" if self.pixels is None else "file"
        else:
            self.pixels = np.empty(shape, np.uint8)  # takes memory only as it is filled
        self.known = np.zeros(count, bool)

    def missing(self, rows: Sequence[int]) -> list[int]:
        return [row for row in dict.fromkeys(rows) if not self.known[row]]

    def put(self, row: int, picture: torch.Tensor) -> None:
        if self.pixels is not None:
            self.pixels[row] = picture.numpy()
            self.known[row] = True

    def get(self, rows: Sequence[int], fresh: dict[int, torch.Tensor]) -> torch.Tensor:
        """Give the rows' pictures: (B, 3, size, size) uint8.

        ``fresh`` holds the pictures that were decoded just now.
        """
        if self.pixels is None:
            return torch.stack([fresh[row] for row in rows])
        return torch.from_numpy(self.pixels[np.asarray(rows)])


def mapped_file(shape: tuple[int, ...], folder: Path) -> np.ndarray | None:
    """Map a file into memory; None when the disk has no space for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:  # the mapping keeps it open
            reserve(file, int(np.prod(shape)))
            return np.memmap(file, np.uint8, "r+", shape=shape)
    except OSError:
        return None


def reserve(file, size: int) -> None:
    """Reserve the space on the disk now.

    Writing to a mapping without space behind it would kill the process.

    Raises:
        OSError: when there is not enough.
    """
    chunk = bytes(1 << 20)
    for _ in range(size // len(chunk)):
        file.write(chunk)
    file.write(chunk[: size % len(chunk)])
    file.flush()
