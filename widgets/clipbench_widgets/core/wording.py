"""Texts in the wording of templates, as an app reads what people type."""

import re
from collections.abc import Sequence

from clipbench.evaluate.features.prompts import fill_templates

ARTICLE = re.compile(r"(?:an?|the)\s+(?=\S)", re.IGNORECASE)
ENDS_IN_ARTICLE = re.compile(r"\b(?:an?|the)\s+$", re.IGNORECASE)


def worded(texts: Sequence[str], templates: Sequence[str]) -> list[list[str]]:
    """Fill templates as `fill_templates` does, but say no article twice.

    "a cat" in "a photo of a {}." is "a photo of a cat."

    Raises:
        UserError: see ``fill_templates``.
    """
    fill_templates(texts, templates)  # every mistake is told as there
    return [[template.replace("{}", fitting(text, template)) for template in templates]
            for text in texts]  # fmt: skip


def fitting(text: str, template: str) -> str:
    """Return a text without its article, where the template has one before it."""
    before = template.partition("{}")[0]
    article = ARTICLE.match(text) if ENDS_IN_ARTICLE.search(before) else None
    return text[article.end() :] if article else text
