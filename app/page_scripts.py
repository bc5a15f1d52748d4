"""The page's scripts in one file, so that a class asks for one file and not for ninety each."""

import gzip
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from voila.paths import collect_static_paths
from voila.static_file_handler import MultiStaticFileHandler
from voila.utils import get_voila_labextensions_path

NAME = "packed.js"
CHUNK = re.compile(r"\d+\.(\w+\.)*js")  # webpack's name for a part that is loaded when it is needed
LARGEST = 400_000  # bytes; no page of ours needs the chunks above: Mermaid, and JupyterLab's style


def script_folders(template: str, extensions: Iterable[str]) -> list[Path]:
    """Find where the scripts of Voila and of these JupyterLab extensions lie."""
    own = map(Path, collect_static_paths(["voila", "nbconvert"], template))
    places = map(Path, get_voila_labextensions_path())
    found = [place / name / "static" for place in places for name in extensions]
    return [folder for folder in [*own, *found] if folder.is_dir()]


def pack(folders: Iterable[Path]) -> bytes:
    """Pack all chunks of these folders into one script, compressed with gzip.

    A chunk only puts its modules on webpack's list, from which voila.js takes them: it asks for no
    file of a module that is there. One that is not there, it still asks for.
    """
    chunks = [file for folder in folders for file in sorted(folder.glob("*.js")) if is_packed(file)]
    return gzip.compress("\n".join(map(enclosed, chunks)).encode(), mtime=0)


def is_packed(file: Path) -> bool:
    return CHUNK.fullmatch(file.name) is not None and file.stat().st_size < LARGEST


def enclosed(chunk: Path) -> str:
    """Wrap the chunk in a function of its own: its "use strict" holds for no other."""
    return f"(() => {{{chunk.read_text(encoding='utf-8')}\n}})();"


def static_files(packed: bytes) -> type:
    """Make Voila's handler of static files, which has ``packed.js``, too."""
    etag = f'"{hashlib.sha256(packed).hexdigest()}"'

    class StaticFiles(MultiStaticFileHandler):
        async def get(self, path: str, include_body: bool = True) -> None:
            if path != NAME:
                return await super().get(path, include_body)
            self.set_header("Content-Type", "text/javascript; charset=utf-8")
            self.set_header("Content-Encoding", "gzip")
            self.set_header("Cache-Control", "no-cache")  # keep it, and ask whether it is the same
            self.set_header("ETag", etag)
            if self.check_etag_header():
                return self.set_status(304)
            self.finish(packed if include_body else None)

        def compute_etag(self) -> str | None:
            return self._headers.get("ETag") or super().compute_etag()

    return StaticFiles
