"""Facts about the one file that holds the page's scripts."""

import asyncio
import gzip
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("voila")
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

APP = Path(__file__).parents[2] / "app"
sys.path.append(str(APP))
import page_scripts  # noqa: E402

EXTENSIONS = ["@voila-dashboards/widgets-manager8"]


def test_a_chunk_keeps_its_strictness_to_itself(tmp_path):
    (tmp_path / "1.voila.js").write_text('"use strict";push(1) // a comment at the end')
    (tmp_path / "22.ab12.js").write_text("push(2)")
    script = gzip.decompress(page_scripts.pack([tmp_path])).decode()
    assert script == (
        '(() => {"use strict";push(1) // a comment at the end\n})();\n(() => {push(2)\n})();'
    )


@pytest.mark.parametrize(
    "name, size",
    [
        ("voila.js", 10),
        ("remoteEntry.be18471aaf567c023b03.js", 10),
        ("style.js", 10),
        ("3.voila.js.LICENSE.txt", 10),
        ("4.voila.js", page_scripts.LARGEST),
    ],
)
def test_only_chunks_that_a_page_asks_for_are_packed(tmp_path, name, size):
    (tmp_path / name).write_text("x" * size)
    assert gzip.decompress(page_scripts.pack([tmp_path])) == b""


def test_chunks_of_voila_and_of_the_widgets_are_found():
    folders = page_scripts.script_folders("lab", EXTENSIONS)
    script = gzip.decompress(page_scripts.pack(folders)).decode()
    assert len(re.findall(r"^\(\(\) => \{", script, flags=re.MULTILINE)) > 90
    assert "webpackChunk_voila_dashboards_widgets_manager8" in script


def asked(packed: bytes, path: str = page_scripts.NAME, **headers: str) -> HTTPResponse:
    """What a server of these files answers."""

    async def answer():
        site = Application([("/(.*)", page_scripts.static_files(packed), {"paths": [str(APP)]})])
        (listener, port), client = bind_unused_port(), AsyncHTTPClient()
        server = HTTPServer(site)
        server.add_socket(listener)
        address = f"http://127.0.0.1:{port}/{path}"
        try:
            return await client.fetch(
                address, headers=headers, decompress_response=False, raise_error=False
            )
        finally:
            server.stop()
            client.close()

    return asyncio.run(answer())


def test_a_browser_that_has_the_file_does_not_get_it_again():
    packed = gzip.compress(b"first()")
    first = asked(packed)
    assert first.code == 200 and gzip.decompress(first.body) == b"first()"
    assert first.headers["Content-Encoding"] == "gzip"
    again = asked(packed, **{"If-None-Match": first.headers["Etag"]})
    assert again.code == 304 and not again.body
    other = asked(gzip.compress(b"second()"), **{"If-None-Match": first.headers["Etag"]})
    assert other.code == 200


def test_other_files_are_voilas():
    assert asked(b"", "voila.py").body == (APP / "voila.py").read_bytes()
