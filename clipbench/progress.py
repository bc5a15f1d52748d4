"""A progress bar for whatever takes over two seconds, where a person watches."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

Part = TypeVar("Part")

SECONDS = 2.0  # what is done sooner needs no bar


def shown(
    parts: Sequence[Part], what: str, progress: bool = True, unit: str = "batch"
) -> Iterable[Part]:
    """Iterate over the parts, with a progress bar in a terminal or a notebook.

    There is none in a file or a test.

    Args:
        what: is written before the bar.
        progress: False never shows one. The environment variable TQDM_DISABLE=1 says so for a whole
            process.
    """
    if not (progress and is_watched()):
        return parts
    from tqdm.auto import tqdm

    return tqdm(parts, desc=what, unit=unit, leave=False, delay=SECONDS)


def is_watched() -> bool:
    """Say whether a terminal or a notebook shows what is written, and nobody asked for silence."""
    silent = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")  # tqdm's widget does not read it
    return not silent and (sys.stderr.isatty() or in_notebook())


def in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None
