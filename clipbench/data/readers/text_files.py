"""Text files of other people: UTF-8 with or without a byte-order mark, UTF-16 and UTF-32."""

import codecs
from pathlib import Path

from clipbench.errors import UserError

HEAD = 4096  # bytes at which an encoding is recognised
MAX_BYTES = 1_000_000  # of a file that is read whole; a longer one holds no captions


def encoding_of(head: bytes) -> str:
    """Tell the encoding from the first bytes of a text; every other byte of UTF-16 is mostly 0."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head[1::2].count(0) > len(head) / 4:
        return "utf-16-le"
    if head[::2].count(0) > len(head) / 4:
        return "utf-16-be"
    return "utf-8-sig"


def file_encoding(file: Path) -> str:
    with open(file, "rb") as opened:
        return encoding_of(opened.read(HEAD))


def decoded(data: bytes, name: str) -> str:
    """Decode the bytes of a text file.

    Raises:
        UserError: for a text that is too long, or neither UTF-8 nor UTF-16.
    """
    if len(data) > MAX_BYTES:
        raise UserError(f"{name}: {len(data):,} bytes are too many for captions")
    try:
        return data.decode(encoding_of(data[:HEAD]))
    except UnicodeDecodeError:
        raise UserError(f"{name} is not UTF-8; save it in that encoding") from None
