"""What a browser sends to an app, well meant or hostile, and the pages that then show it."""

import io
import struct
import zlib
from datetime import datetime

import ipywidgets
from PIL import Image

HOSTILE = "<img src=x onerror=alert(1)>"


def png(picture: Image.Image) -> bytes:
    """Encode a picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def upload(app: ipywidgets.Widget, name: str, content: bytes) -> None:
    """Set what the browser would send, in either version of ipywidgets."""
    button = app._upload.button
    if isinstance(button.value, dict):
        button.metadata, button.data = [{"name": name}], [content]
        button._counter += 1
    else:
        file = {"name": name, "type": "", "size": len(content), "content": memoryview(content)}
        button.value = ({**file, "last_modified": datetime(2026, 1, 1)},)


def bomb() -> bytes:
    """Make a PNG of a few bytes that claims 40,000 x 40,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def every_html(widget: ipywidgets.Widget) -> list[ipywidgets.HTML]:
    """Collect all parts of an app that show HTML."""
    inside = [html for child in getattr(widget, "children", ()) for html in every_html(child)]
    return [widget, *inside] if isinstance(widget, ipywidgets.HTML) else inside
