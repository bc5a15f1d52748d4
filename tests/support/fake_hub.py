"""A local model hub that speaks enough of the hub's protocol for huggingface_hub.

It lets huggingface_hub list and fetch a model's files on this machine.
"""

import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit


class FakeHub:
    """Serves folders as models of a hub.

    Attributes:
        models: (hub id, revision) -> the folder with its files.
        discussions: hub id -> what is discussed there, as the hub describes it.
        breaks_off: names of files of which only the first half is sent.
        asked: every path that was asked for, in order.
    """

    def __init__(self):
        self.models: dict[tuple[str, str], Path] = {}
        self.discussions: dict[str, list[dict]] = {}
        self.breaks_off: set[str] = set()
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                hub.answer(self, with_body=True)

            def do_HEAD(self):
                hub.answer(self, with_body=False)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, with_body: bool) -> None:
        path = unquote(urlsplit(request.path).path)
        self.asked.append(path)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/discussions", path):
            discussions = self.discussions.get(found[1], [])
            send(request, {"discussions": discussions, "count": len(discussions), "start": 0})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self.send_model(request, found[1], found[2] or "main")
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/(.+)", path):
            self.send_tree(request, self.folder_of(found[1], found[2]))
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/(\w+)/(.+)", path):
            self.send_file(
                request, self.folder_of(found[1], found[2]) / found[3], found[2], with_body
            )
        else:
            not_found(request, "EntryNotFound")

    def send_model(self, request, repo_id: str, revision: str) -> None:
        folder = self.folder_of(repo_id, revision)
        if folder is None:
            known = any(name == repo_id for name, _ in self.models)
            return not_found(request, "RevisionNotFound" if known else "RepoNotFound")
        files = [
            {"rfilename": file.name, "size": file.stat().st_size, "lfs": stored_apart(file)}
            for file in sorted(folder.iterdir())
        ]
        send(
            request, {"id": repo_id, "sha": commit_of(folder), "private": False, "siblings": files}
        )

    def send_tree(self, request, folder: Path | None) -> None:
        if folder is None:
            return not_found(request, "RepoNotFound")
        send(
            request,
            [
                {
                    "type": "file",
                    "path": file.name,
                    "size": file.stat().st_size,
                    "oid": hash_of(file),
                }
                for file in sorted(folder.iterdir())
            ],
        )

    def folder_of(self, repo_id: str, revision: str) -> Path | None:
        """Find the folder of a branch or a commit."""
        for (name, branch), folder in self.models.items():
            if name == repo_id and revision in (branch, commit_of(folder)):
                return folder
        return None

    def send_file(self, request, file: Path, commit: str, with_body: bool) -> None:
        data = file.read_bytes()
        start = int((re.match(r"bytes=(\d+)-", request.headers.get("Range", "")) or [0, 0])[1])
        request.send_response(206 if start else 200)
        for name, value in (
            ("ETag", f'"{hash_of(file)}"'),
            ("X-Repo-Commit", commit),
            ("Content-Length", str(len(data) - start)),
        ):
            request.send_header(name, value)
        request.end_headers()
        if with_body:
            end = max(start, len(data) // 2) if file.name in self.breaks_off else len(data)
            request.wfile.write(data[start:end])
            request.close_connection = True


def send(request: BaseHTTPRequestHandler, data) -> None:
    body = json.dumps(data).encode()
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def not_found(request: BaseHTTPRequestHandler, code: str) -> None:
    request.send_response(404)
    request.send_header("X-Error-Code", code)
    request.send_header("Content-Length", "0")
    request.end_headers()


def hash_of(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()


def stored_apart(file: Path) -> dict | None:
    """Give what the hub reports about a large file that is stored separately."""
    if file.suffix != ".safetensors":
        return None
    data = file.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}


def commit_of(folder: Path) -> str:
    return hashlib.sha1(str(folder).encode()).hexdigest()
