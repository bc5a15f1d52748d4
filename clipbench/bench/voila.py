"""How the apps' page serves a whole class, in a real browser.

Visitors of ``make app`` come in turn and at once.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from statistics import median

from clipbench.bench.memory import resident
from clipbench.compute.doctor import find_chromium
from clipbench.errors import UserError, first_line, missing_package

APP = Path("app/app.ipynb")
CARD, OPENED = ".clipbench-start-card", ".clipbench-opened > .widget-box .clipbench-app"
KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
SECONDS = 180  # after which a visit has failed
SECONDS_TO_WARM_UP = 30  # what the kernels need that take the place of those that were used
READY = "The apps are at"  # the server says so once its kernels have loaded the model
FLAGS = ("--disable-gpu", "--no-first-run", "--disable-background-networking")


def class_visits(
    threads: int | None = None,
    model: str = "classroom",
    visitors: int = 30,
    together: int = 5,
    pause: float = 0.0,
) -> dict:
    """Seconds to the first paint and memory of each visitor of the apps' page, in turn and at once.

    Each visitor opens the page in a browser of their own profile, then one of the seven apps. Run
    it in a clone.

    Args:
        model: what `clipbench.load` takes.
        pause: seconds between two visits in turn; without one, visitors outrun the kernels that are
            kept warm.

    Raises:
        UserError: without Voila, Playwright or Chromium, and outside of a clone.
    """
    chromium = needed()
    with served(model, threads) as (address, process):
        in_turn = asyncio.run(all_visits(chromium, address, visitors, pause)) | {"pause": pause}
        time.sleep(SECONDS_TO_WARM_UP)
        return {
            "model": model,
            "in_turn": in_turn,
            "at_once": asyncio.run(all_visits(chromium, address, together, None)),
            "server_mb": megabytes(process.pid),
        }


def needed() -> str:
    """Check that everything is installed, and return the path of Chromium."""
    for module, extra in (("voila", "apps"), ("playwright", "browser")):
        try:
            __import__(module)
        except ImportError:
            raise missing_package("this benchmark", module, extra) from None
    if not APP.exists():
        raise UserError(f"there is no {APP} here; run this in a clone of the repository")
    if (found := find_chromium()) is None:
        raise UserError("this needs Chromium: install it, or set CHROMIUM to its path")
    return found


@contextlib.contextmanager
def served(
    model: str, threads: int | None, settings: Sequence[str] = ()
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Serve the page as ``make app`` does, and yield (address, process) once its kernels are warm.

    Further settings are Voila's.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--Voila.config_file_paths=app", "--no-browser", f"--port={port}"]
    command = [sys.executable, "-m", "voila", str(APP), *options, *settings]
    environment = (
        os.environ
        | {"CLIPBENCH_SCALE": model}
        | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    )
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_until_warm(process, log)
            yield f"http://127.0.0.1:{port}/", process
        finally:
            process.terminate()
            process.wait()


def wait_until_warm(process: subprocess.Popen, log) -> None:
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        time.sleep(0.5)
        said = os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")
        if READY in said:
            return
        if process.poll() is not None:
            break
    raise RuntimeError(f"Voila does not answer: {said[-500:]}")


async def all_visits(chromium: str, address: str, visitors: int, pause: float | None) -> dict:
    """Let ``visitors`` visit the page, one after the other or all at once.

    There is a pause between them; without one (None) all come at once.
    """
    async with browser_of(chromium) as browser:
        if pause is None:
            found = await asyncio.gather(
                *(visit(browser, address, number) for number in range(visitors))
            )
        else:
            found = [
                await visit_and_leave(browser, address, number, pause) for number in range(visitors)
            ]
    return summary_of(found)


@contextlib.asynccontextmanager
async def browser_of(chromium: str) -> AsyncIterator:
    """Start a browser, with Playwright's interface."""
    from playwright.async_api import async_playwright

    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *root])
        yield browser
        await browser.close()


async def visit_and_leave(browser, address: str, number: int, pause: float) -> dict:
    found = await visit(browser, address, number)
    for page in found["context"].pages:
        # tells the server, as closing a page does; closing a context does not
        await page.goto("about:blank")
    await found["context"].close()
    await asyncio.sleep(pause)
    return found


async def visit(browser, address: str, number: int) -> dict:
    """Record what one visitor meets; the page is left open."""
    from playwright.async_api import Error

    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(1000 * SECONDS)
    began = time.perf_counter()
    try:
        await page.goto(address)
        cards = page.locator(CARD)
        await cards.first.wait_for()
        painted = time.perf_counter() - began
        await cards.nth(number % await cards.count()).click()
        await page.locator(OPENED).first.wait_for()
        opened = time.perf_counter() - began - painted
        memory = megabytes(kernel_process(await page.evaluate(KERNEL)))
    except Error as error:
        return {"context": context, "failed": first_line(error)}
    return {"context": context, "paint": painted, "open": opened, "memory": memory}


def summary_of(visits: list[dict]) -> dict:
    well = [each for each in visits if "failed" not in each]
    values = {
        name: [each[name] for each in well if each[name] is not None]
        for name in ("paint", "open", "memory")
    }
    return {
        "visitors": len(visits),
        "failed": [each["failed"] for each in visits if "failed" in each],
        "seconds_to_first_paint": middle_and_worst(values["paint"]),
        "seconds_to_open_an_app": middle_and_worst(values["open"]),
        "memory_mb": middle_and_worst(values["memory"]),
    }


def middle_and_worst(values: list[float]) -> dict | None:
    return {"median": median(values), "worst": max(values)} if values else None


def kernel_process(kernel: str) -> int | None:
    """Find the process id of a kernel, on Linux."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"kernel-{kernel}" in entry.read_text(errors="replace"):
                return int(entry.parent.name)
    return None


def megabytes(process: int | None) -> float | None:
    """Read a process's resident memory, MB of 10^6 bytes; None where the system does not say."""
    found = None if process is None else resident(process=process)
    return None if found is None else found / 1e6
