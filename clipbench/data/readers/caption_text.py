"""Captions as they stand in a cell: a text, a list, a list written as text, or nothing."""

import ast
import io
import json
import re
import token
import tokenize
from collections.abc import Mapping, Sequence

from clipbench.errors import UserError

# What pandas, R and databases write where there is no value, and an empty list.
MISSING = {"", "nan", "-nan", "null", "none", "na", "n/a", "#n/a", "<na>", "[]", "()", "{}"}
# The names under which captions are found, in this order: of columns and of JSON entries.
CAPTION_NAMES = (
    "caption", "captions", "text", "texts", "txt", "title", "sentences", "sentence", "alt_text",
    "comment", "raw",
)  # fmt: skip
# a text of which this is all is a number, a rating, a label or a box, and no caption
NUMBERS = re.compile(r"[\s\d.,+-]*")
# ['a', 'b'], array(['a', 'b'], dtype=object)
WRITTEN_LIST = re.compile(
    r"(?:(?:np\.)?array\()?(\[.*\]|\(.*\))(?:,\s*dtype=[\w'<>]+)?\)?", re.DOTALL
)


def as_captions(value: object, where: str) -> list[str]:
    """Give the captions in a cell, or in several cells of one picture.

    Missing ones are left out.

    Raises:
        UserError: when there is none, or something in it is no text.
    """
    texts = texts_in(value, where)
    if not texts:
        raise UserError(f"{where}: has no caption")
    return texts


def captions_in_text(text: str, where: str) -> list[str]:
    """Read the captions of a text file that belongs to one picture: one per line.

    Raises:
        UserError: when there is none.
    """
    return as_captions(text.splitlines(), where)


def texts_in(value: object, where: str) -> list[str]:
    if is_missing(value):
        return []
    if isinstance(value, str):
        if "\0" in value:
            raise UserError(f"{where}: a caption holds null bytes; save the file as UTF-8")
        written = written_list(value)
        return [value.strip()] if written is None else texts_in(written, where)
    if isinstance(value, Mapping):  # {"raw": "a dog", "tokens": ["a", "dog"]}
        value = next((value[name] for name in ("raw", *CAPTION_NAMES) if name in value), None)
        return texts_in(value, where)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [text for one in value for text in texts_in(one, where)]
    raise UserError(
        f"{where}: a caption must be text or a list of texts, not {type(value).__name__}"
    )


def is_missing(value: object) -> bool:
    """Say whether a value is missing: null, not a number, or a word that programs write for it."""
    if isinstance(value, str):
        return value.strip().casefold() in MISSING
    return value is None or value != value


def written_list(text: str) -> list | None:
    """Read the entries of a list that was written as text, by JSON, Python or NumPy.

    None for other text.
    """
    if not (match := WRITTEN_LIST.fullmatch(text.strip())):
        return None
    try:
        entries = json.loads(match[1])
    except (ValueError, RecursionError):
        entries = python_strings(match[1])
    if not entries or not all(is_missing(entry) or isinstance(entry, str) for entry in entries):
        return None
    return entries


def python_strings(text: str) -> list[str] | None:
    """Read the strings of a list as Python writes it, or as NumPy does, without commas.

    None where anything but strings and nulls stands in it.
    """
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        strings = [ast.literal_eval(one.string) for one in tokens if one.type == token.STRING]
    except (tokenize.TokenError, SyntaxError, ValueError):
        return None
    names = [one.string for one in tokens if one.type in (token.NAME, token.NUMBER)]
    signs = {one.string for one in tokens if one.type == token.OP}
    fits = all(is_missing(name) for name in names) and signs <= set("[](),")
    return strings if strings and fits else None
