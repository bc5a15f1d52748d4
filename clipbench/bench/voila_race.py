"""Whether a visitor of ``make app`` can lose their kernel before their page has opened a socket."""

import asyncio

from clipbench.bench.voila import CARD, KERNEL, OPENED, SECONDS, browser_of, needed, served

LOST = ".clipbench-is-lost"
REST = 3  # seconds after which the culler ends a kernel; it looks each second


def dead_pages(
    threads: int | None = None, model: str = "tiny", visits: int = 50, delay: float = 5.0
) -> dict:
    """Pages that a slow network leaves without a kernel, among visits to kernels that have rested.

    The culler lets a kernel rest for three seconds instead of five minutes. Each page waits
    ``delay`` seconds for its program, so that its socket comes later than that.

    Args:
        model: what `clipbench.load` takes.
        delay: seconds from a kernel's hand-out to the page's socket, at least.

    Raises:
        UserError: without Voila, Playwright or Chromium, and outside of a clone.
    """
    chromium = needed()
    soon = [f"--MappingKernelManager.cull_idle_timeout={REST}", "--VoilaKernelManager.fill_delay=0"]
    with served(model, threads, [*soon, "--MappingKernelManager.cull_interval=1"]) as (address, _):
        found = asyncio.run(all_visits(chromium, address, visits, delay))
    return {
        "model": model,
        "visits": visits,
        "delay": delay,
        "dead": found.count(False),
        "idle_timeout": REST,
    }


async def all_visits(chromium: str, address: str, visits: int, delay: float) -> list[bool]:
    async with browser_of(chromium) as browser:
        return [await is_alive(browser, address, delay) for _ in range(visits)]


async def is_alive(browser, address: str, delay: float) -> bool:
    """Say whether a page whose program comes ``delay`` seconds late opens an app at a click."""
    from playwright.async_api import Error

    async def late(route):
        await asyncio.sleep(delay)
        await route.continue_()

    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(1000 * SECONDS)
    await page.route("**/voila.js", late)
    try:
        await page.goto(address)
        await page.locator(f"{CARD}, {LOST}").first.wait_for()
        await page.locator(CARD).first.click(timeout=10_000)
        await page.locator(OPENED).first.wait_for()
        return await page.locator(LOST).count() == 0 and bool(await page.evaluate(KERNEL))
    except Error:
        return False
    finally:
        await page.goto("about:blank")  # ends the kernel, as closing a page does
        await context.close()
