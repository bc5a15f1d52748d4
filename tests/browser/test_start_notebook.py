"""What a student sees: JupyterLab opens lesson 00 in a real browser, runs it, and the explorer answers.

Chromium is looked for in CHROMIUM, then on the path. The notebook is copied, so that nothing in the repository
changes. Screenshots are left in pytest's temporary folder.
"""

import os
import re
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

from clipbench.pretrained import CHECKPOINTS

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[browser]'")
pytest.importorskip("jupyterlab", reason="needs JupyterLab")

pytestmark = pytest.mark.browser

LESSON = Path(__file__).parents[2] / "notebooks" / "00_start_here.ipynb"
SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")
SECONDS_TO_START, SECONDS_TO_RUN, SECONDS_TO_ANSWER = 120, 400, 60  # for a busy machine
FLAGS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    "notebook-extension/tracker": '{"windowingMode": "none"}',  # the page holds all cells, also those out of sight
}


def chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab that shows a copy of the lesson; it ends with the test."""
    if not LESSON.exists():
        pytest.skip(f"{LESSON.name} is not built: make notebooks")
    if not (CHECKPOINTS / SCALE / "config.json").exists():
        pytest.skip(f"no shipped {SCALE} model in this working tree")
    work, settings = tmp_path / "work", tmp_path / "settings"
    work.mkdir()
    shutil.copy(LESSON, work)
    for name, text in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    port, token = free_port(), secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={work}", *(["--allow-root"] if is_root() else []),
    ]  # fmt: skip
    folders = {
        "JUPYTERLAB_SETTINGS_DIR": settings, "JUPYTERLAB_WORKSPACES_DIR": tmp_path / "workspaces",
        "JUPYTER_CONFIG_DIR": tmp_path / "config", "JUPYTER_RUNTIME_DIR": tmp_path / "runtime",
    }  # fmt: skip
    environment = os.environ | {name: str(folder) for name, folder in folders.items()}
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_until_it_answers(server, f"http://127.0.0.1:{port}/api?token={token}", tmp_path / "lab.log")
            yield f"http://127.0.0.1:{port}/doc/tree/{LESSON.name}?token={token}"
        finally:
            stop(server)


def wait_until_it_answers(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        assert server.poll() is None, f"JupyterLab ended:\n{log.read_text()[-2000:]}"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not answer in {SECONDS_TO_START} s:\n{log.read_text()[-2000:]}")


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
    program = chromium()
    if program is None:
        pytest.skip("needs Chromium: install it, or set CHROMIUM to its path")
    flags = [*FLAGS, *(["--no-sandbox"] if is_root() else [])]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(1000 * SECONDS_TO_ANSWER)
        yield page
        page.screenshot(path=tmp_path / "last.png")
        browser.close()


def choose(page, *labels: str) -> None:
    """Click through the main menu."""
    page.locator(".lm-MenuBar-itemLabel").get_by_text(labels[0], exact=True).click()
    for label in labels[1:]:
        page.locator(".lm-Menu-itemLabel").get_by_text(label, exact=True).click()


def run_all_cells(page) -> None:
    """Run the notebook until its explorer is there; the error of a cell that fails ends the test."""
    # earlier, JupyterLab would ask which kernel to use
    page.get_by_text(re.compile(r"Python 3.* \| Idle$")).wait_for(timeout=1000 * SECONDS_TO_START)
    choose(page, "Run", "Run All Cells")
    table, error = page.locator(".clipbench-table"), page.locator("[data-mime-type='application/vnd.jupyter.error']")
    table.or_(error).first.wait_for(timeout=1000 * SECONDS_TO_RUN)
    assert error.count() == 0, error.first.inner_text()


def probabilities(page) -> dict[str, str]:
    """What the table shows: prompt -> per cent."""
    lines = page.locator(".clipbench-line:not(.clipbench-heads)")
    prompts, shown = (lines.locator(f".clipbench-{cell}").all_inner_texts() for cell in ("prompt", "percent"))
    return dict(zip(prompts, shown, strict=True))


def wait_for_prompt(page, prompt: str) -> None:
    page.locator(".clipbench-line .clipbench-prompt").get_by_text(prompt, exact=True).wait_for()


def test_a_student_runs_the_lesson_and_types_a_prompt(lab, browser_page, tmp_path):
    page, dialogs = browser_page, []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(lab, timeout=1000 * SECONDS_TO_START)
    run_all_cells(page)
    app = page.locator(".clipbench-app").first
    app.screenshot(path=tmp_path / "explorer.png")
    before = probabilities(page)
    assert before and all(re.fullmatch(r"[<>]?[\d.]+ %", shown) for shown in before.values())

    box = app.locator("textarea")
    box.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\na picture of a cat")
    wait_for_prompt(page, "a picture of a cat")
    after = probabilities(page)
    assert set(after) == {*before, "a picture of a cat"}
    assert any(after[prompt] != before[prompt] for prompt in before)

    page.keyboard.type("\n<img src=x onerror=alert(1)>")
    wait_for_prompt(page, "<img src=x onerror=alert(1)>")
    assert app.locator("img[src=x]").count() == 0 and not dialogs

    # the keyboard alone chooses another picture
    thumbnail = app.locator(".clipbench-thumbnail").nth(1)
    thumbnail.focus()
    page.keyboard.press("Enter")
    app.locator(".clipbench-thumbnail").get_by_text("✓").wait_for()
    sync_api.expect(thumbnail).to_contain_text("✓")
    chosen = thumbnail.inner_text().removeprefix("✓ ")
    sync_api.expect(app.locator(".clipbench-shown img")).to_have_attribute("alt", chosen)

    with page.expect_file_chooser() as chooser:
        app.locator(".clipbench-upload").click()
    (tmp_path / "notes.png").write_text("no picture")
    chooser.value.set_files(tmp_path / "notes.png")
    app.locator(".clipbench-message").get_by_text("notes.png is not a picture").wait_for()

    page.set_viewport_size({"width": 500, "height": 2400})
    width = app.evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert width[0] <= width[1], "something sticks out of a narrow column"
    app.screenshot(path=tmp_path / "narrow.png")
    page.set_viewport_size({"width": 1400, "height": 1400})
    choose(page, "Settings", "Theme", "JupyterLab Dark")
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    app.screenshot(path=tmp_path / "dark.png")
