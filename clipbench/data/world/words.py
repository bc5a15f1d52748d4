"""The words of printed signs: 4,500 to train on and 500 that no training picture shows.

Signs also show concepts' names; no never-printed word is a word of one.
"""

import functools
import json

from clipbench.data.world.sprites import WORLD


@functools.cache
def word_lists() -> dict[str, tuple[str, ...]]:
    lists = json.loads((WORLD / "words.json").read_text(encoding="utf-8"))
    return {name: tuple(words) for name, words in lists.items()}


def printed_words() -> tuple[str, ...]:
    """Give common English words of three to ten lower-case letters, sorted."""
    return word_lists()["printed"]


def never_printed_words() -> tuple[str, ...]:
    """Give the held-out words, sorted."""
    return word_lists()["never_printed"]
