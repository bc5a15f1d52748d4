"""A JupyterLab or a Voila of the test's own, and a page of a real browser.

Chromium is looked for in CHROMIUM, then on the path. Screenshots are left in pytest's temporary
folder.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from lab_page import SECONDS_TO_ANSWER, SECONDS_TO_START

from clipbench.compute.doctor import find_chromium

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    # the page holds all cells, also those out of sight
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def lab(tmp_path):
    """A JupyterLab that ends with the test: called with a notebook, it gives the address that
    shows a copy of it.
    """
    pytest.importorskip("jupyterlab", reason="needs JupyterLab")
    work, settings = tmp_path / "work", tmp_path / "settings"
    work.mkdir()
    for name, text in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    port, token = free_port(), secrets.token_hex(16)
    arguments = [
        "jupyterlab",
        "--no-browser",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={work}",
        *(["--allow-root"] if is_root() else []),
    ]
    folders = {
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": tmp_path / "workspaces",
    }

    def address_of(notebook: Path) -> str:
        shutil.copy(notebook, work)
        return f"http://127.0.0.1:{port}/doc/tree/{notebook.name}?token={token}"

    with server(
        arguments, f"http://127.0.0.1:{port}/api?token={token}", tmp_path, environment=folders
    ):
        yield address_of


@pytest.fixture(scope="module")
def start_page(tmp_path_factory):
    """The start page as ``make app`` serves it, with one warm kernel: called with a model and
    settings of Voila, it gives the address.
    """
    pytest.importorskip("voila", reason="needs Voila: pip install -e '.[apps]'")
    with contextlib.ExitStack() as servers:

        def address_of(model: str, *settings: str) -> str:
            port = free_port()
            arguments = [
                "voila",
                "app/app.ipynb",
                "--Voila.config_file_paths=app",
                "--VoilaConfiguration.default_pool_size=1",
                "--no-browser",
                f"--port={port}",
                *settings,
            ]
            # what is asked for is not the page: each visit of it takes a kernel
            address, folder = f"http://127.0.0.1:{port}/", tmp_path_factory.mktemp("voila")
            where = {"CLIPBENCH_SCALE": model, "HF_HUB_OFFLINE": "1"}
            servers.enter_context(
                server(arguments, f"{address}voila/static/voila.js", folder, ROOT, where)
            )
            return address

        yield address_of


@contextlib.contextmanager
def server(
    arguments: list[str], address: str, folder: Path, cwd=None, environment: dict | None = None
):
    """A Jupyter server of the test's own, from when it answers at an address; its log is
    ``server.log``.
    """
    folders = {"JUPYTER_CONFIG_DIR": folder / "config", "JUPYTER_RUNTIME_DIR": folder / "runtime"}
    variables = os.environ | {
        name: str(value) for name, value in (folders | (environment or {})).items()
    }
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=variables, cwd=cwd, stdout=log, stderr=log
        )
        try:
            wait_until_it_answers(process, address, folder / "server.log")
            yield
        finally:
            stop(process)


def wait_until_it_answers(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server ended:\n{log.read_text()[-2000:]}"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"the server did not answer in {SECONDS_TO_START} s:\n{log.read_text()[-2000:]}")


def stop(server: subprocess.Popen) -> None:
    """Ask the server to end, kernels and all; insist after a while."""
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture
def browser_page(tmp_path):
    with chromium_page() as page:
        yield page
        page.screenshot(path=tmp_path / "last.png")


@contextlib.contextmanager
def chromium_page():
    from playwright_or_skip import sync_api

    program = find_chromium()
    if program is None:
        pytest.skip("needs Chromium: install it, or set CHROMIUM to its path")
    sync_api.expect.set_options(timeout=1000 * SECONDS_TO_ANSWER)
    flags = [*FLAGS, *(["--no-sandbox"] if is_root() else [])]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(1000 * SECONDS_TO_ANSWER)
        yield page
        browser.close()
