"""Prompts in other languages: the names of the emoji world, and templates that fit them."""

from collections.abc import Sequence
from functools import cache

from clipbench.data.world.languages import LANGUAGES, named
from clipbench.data.world.sprites import Concept, concepts

ENGLISH = "en"
CHOICES = (("English", ENGLISH), *((language.name, code) for code, language in LANGUAGES.items()))
MOST_TEMPLATES = 4


def translated(prompts: Sequence[str], language: str) -> list[str]:
    """Translate names of the emoji world, from whatever language, into this one.

    Other texts stay as they are.
    """
    known = every_name()
    return [named(known[prompt], language) if prompt in known else prompt for prompt in prompts]


def templates_in(language: str) -> list[str]:
    """List the templates of another language, the one of photos first.

    None in English, where an app has its own.
    """
    return [] if language == ENGLISH else LANGUAGES[language].templates[:MOST_TEMPLATES]


@cache
def every_name() -> dict[str, Concept]:
    """Map each name, in any language, to its concept.

    An English name comes before those of other languages that look alike.
    """
    others = {name: one for one in reversed(concepts()) for name in one.names.values()}
    return others | {one.name: one for one in concepts()}
