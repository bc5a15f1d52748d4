"""Render SVG texts to sprites with the npm package ``@resvg/resvg-js``."""

import io
import json
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from tools.assets.sheets import squared

SCRIPT = Path(__file__).with_name("render_icons.mjs")


def render_icons(svgs: Sequence[str], node_modules: Path) -> list[Image.Image | None]:
    """Render each SVG text to a sprite; None for one that is empty or cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        jobs, out = Path(folder, "jobs.json"), Path(folder, "out.bin")
        jobs.write_text(json.dumps(list(svgs)), encoding="utf-8")
        done: list[bytes] = []
        while len(done) < len(svgs):
            out.write_bytes(b"")
            command = ["node", str(SCRIPT), str(node_modules), str(jobs), str(out), str(len(done))]
            aborted = subprocess.run(command, stderr=subprocess.DEVNULL).returncode
            rendered = pngs(out.read_bytes())
            done += rendered
            if aborted:  # on the next one
                done.append(b"")
            elif not rendered:
                raise RuntimeError(f"{' '.join(command)} rendered nothing")
    return [sprite_of(png) if png else None for png in done[: len(svgs)]]


def pngs(content: bytes) -> list[bytes]:
    """Split what the script wrote into the PNG files in it."""
    found, place = [], 0
    while place < len(content):
        (length,) = struct.unpack_from("<I", content, place)
        found.append(content[place + 4 : place + 4 + length])
        place += 4 + length
    return found


def sprite_of(png: bytes) -> Image.Image | None:
    return squared(Image.open(io.BytesIO(png)).convert("RGBA"))
