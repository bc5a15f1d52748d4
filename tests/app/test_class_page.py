"""Facts about the visitors' kernels on the class page, with kernels that are only names."""

import asyncio
import sys
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from clipbench.compute import limits

pytest.importorskip("voila")
traitlets = pytest.importorskip("traitlets")
from jupyter_server.services.kernels import kernelmanager  # noqa: E402  once it is known to be there
from tornado.web import HTTPError  # noqa: E402

APP = Path(__file__).parents[2] / "app"
PAGE, IDLE, PATIENCE, POOL = "app.ipynb", 300, 180, 2  # the settings of `page` below
sys.path.append(str(APP))
import kernels  # noqa: E402
from kernels import address_for_others, class_kernels  # noqa: E402


class Clock:
    def __init__(self):
        self.time = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Names(kernelmanager.AsyncMappingKernelManager):
    """A kernel manager whose kernels are names, without processes."""

    _number = count()

    async def start_kernel(self, **_) -> str:
        name = f"kernel {next(self._number)}"
        spec = SimpleNamespace(metadata={})
        self._kernels[name] = SimpleNamespace(
            last_activity=kernelmanager.utcnow(),
            execution_state="idle",
            kernel_name="python3",
            kernel_spec=spec,
        )
        self._kernel_connections[name] = 0
        return name

    async def shutdown_kernel(self, kernel_id: str, **_) -> None:
        self.remove_kernel(kernel_id)

    _async_shutdown_kernel = shutdown_kernel


class Renderer:
    """A rendered page: one piece, ready at once."""

    notebook_path, template_name, theme = PAGE, "clipbench", "light"
    notebook = SimpleNamespace(
        metadata=SimpleNamespace(kernelspec=SimpleNamespace(name="python3", language="python"))
    )
    rendered_cache = ("<html>",)

    async def initialize(self) -> None: ...

    async def generate_content_hybrid(self, *_) -> tuple:
        return self.rendered_cache, iter(())


class Page(traitlets.config.Configurable):
    """What a kernel manager asks of Voila."""

    root_dir, notebook_path = str(APP), str(APP / PAGE)
    base_url, server_url, port = "/", "/", 8866
    connection_url = "http://localhost:8866/"
    voila_configuration = SimpleNamespace(default_pool_size=POOL)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(kernelmanager, "utcnow", clock)
    monkeypatch.setattr(kernels.Visitors, "now", lambda self: clock())
    return clock


@pytest.fixture
def visit(clock, monkeypatch):
    """Runs what a test does with a kernel manager whose pool is full, on one event loop."""

    def run(story, places: int | None = 4):
        async def told():
            made = class_kernels(Names, True, POOL)
            made._notebook_renderer_factory = lambda *_: Renderer()
            manager = made(
                parent=Page(), places=places, cull_idle_timeout=IDLE, seconds_to_connect=PATIENCE
            )
            manager.fill_delay, manager.cull_busy = 0, True
            await settled(manager)
            await story(manager)
            await settled(manager)

        asyncio.run(told())

    return run


async def settled(manager) -> None:
    """Everything that the pool has begun is done."""
    await asyncio.gather(*manager._pools.get(PAGE, []))
    await asyncio.sleep(0)


async def come(manager) -> str:
    """The kernel that a visitor gets, as Voila's handler asks for it."""
    if manager.get_pool_size(PAGE):
        return (await manager.get_rendered_notebook(PAGE))[-1]
    return await manager.start_kernel(kernel_name="python3")


def test_a_kernel_that_has_rested_in_the_pool_is_not_culled_before_its_first_socket(visit, clock):
    async def story(manager):
        clock.pass_by(10 * IDLE)
        kernel = await come(manager)
        assert manager.get_kernel(kernel).last_activity == clock()
        clock.pass_by(PATIENCE - 1)
        await manager.cull_kernels()
        assert kernel in manager

    visit(story)


def test_the_wait_for_a_socket_does_not_depend_on_how_long_a_kernel_may_rest(visit, clock):
    async def story(manager):
        kernel = await come(manager)
        manager.cull_idle_timeout = 1
        clock.pass_by(PATIENCE - 1)
        await manager.cull_kernels()
        assert kernel in manager

    visit(story)


def test_a_kernel_whose_page_never_connects_is_culled(visit, clock):
    async def story(manager):
        kernel = await come(manager)
        clock.pass_by(max(IDLE, PATIENCE) + 1)
        await manager.cull_kernels()
        assert kernel not in manager and not manager.handed_out and not manager.awaited

    visit(story)


def test_a_kernel_whose_page_has_gone_rests_no_longer_than_others(visit, clock):
    async def story(manager):
        kernel = await come(manager)
        manager.notify_connect(kernel)
        clock.pass_by(10 * IDLE)
        await manager.cull_kernels()
        assert kernel in manager, "a page that is open keeps its kernel"
        manager.notify_disconnect(kernel)
        await manager.cull_kernels()
        assert kernel not in manager

    visit(story)


def test_the_class_is_full_when_memory_is(visit):
    async def story(manager):
        visitors = [await come(manager) for _ in range(4)]
        await settled(manager)
        assert len(set(visitors)) == 4 == len(list(manager.list_kernel_ids()))
        with pytest.raises(HTTPError) as refused:
            await come(manager)
        assert refused.value.status_code == 503 and len(list(manager.list_kernel_ids())) == 4

    visit(story)


def test_kernels_that_wait_leave_room_for_visitors_and_come_back_when_one_goes(visit):
    async def story(manager):
        visitors = []
        for waiting in (2, 2, 1, 0):  # beside 1, 2, 3 and 4 visitors, of 4 places
            visitors.append(await come(manager))
            await settled(manager)
            assert manager.get_pool_size(PAGE) == waiting
        await manager.shutdown_kernel(visitors[0])
        await settled(manager)
        assert manager.get_pool_size(PAGE) == 1
        assert await come(manager) not in visitors

    visit(story)


def test_a_kernel_that_dies_by_itself_leaves_its_place_and_the_pool(visit, caplog):
    async def story(manager):
        waiting = manager._pools[PAGE][0].result()["kernel_id"]
        visitor = await come(manager)
        assert visitor == waiting
        await settled(manager)
        next_one = manager._pools[PAGE][0].result()["kernel_id"]
        for dead in (visitor, next_one):
            manager._handle_kernel_died(dead)
        await settled(manager)
        assert not manager.handed_out and await come(manager) not in (visitor, next_one)

    visit(story)


def test_without_a_known_memory_there_is_no_limit(visit):
    async def story(manager):
        assert len({await come(manager) for _ in range(12)}) == 12

    visit(story, places=None)


def test_when_the_page_ends_nobody_waits_any_more(visit):
    async def story(manager):
        await come(manager)
        await manager.shutdown_all()
        await asyncio.sleep(0)
        assert not list(manager.list_kernel_ids())

    visit(story)


def test_the_last_line_is_the_address(visit, capsys):
    async def story(manager):
        await asyncio.sleep(0.01)

    visit(story)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("The apps are at http://localhost:8866/ ") and "4 visitors" in line


def test_others_are_told_no_address_that_means_all_addresses():
    assert "0.0.0.0" not in address_for_others("http://0.0.0.0:8866/")
    assert address_for_others("http://localhost:8866/") == "http://localhost:8866/"


@pytest.mark.parametrize(
    "gigabytes, places", [(0.1, 1), (8, int(0.75 * 8e9 / limits.KERNEL_MEMORY))]
)
def test_a_memory_has_places_in_proportion_and_at_least_one(gigabytes, places):
    assert limits.places_for_visitors(int(1e9 * gigabytes)) == places
    assert limits.places_for_visitors(None) is None


def test_the_settings_are_voilas_own(monkeypatch):
    """`make app` reads app/voila.py, which puts the class above in the place of Voila's."""
    import voila.app

    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("JUPYTER_PATH", "")
    monkeypatch.setattr(voila.app, "voila_kernel_manager_factory", None)
    found = traitlets.config.PyFileConfigLoader("voila.py", str(APP)).load_config()
    assert voila.app.voila_kernel_manager_factory is class_kernels
    settings, managers = found.VoilaConfiguration, found.MappingKernelManager
    assert settings.strip_sources and not settings.show_tracebacks and settings.file_allowlist == []
    assert settings.preheat_kernel and settings.default_pool_size >= 1
    assert managers.cull_idle_timeout > 0 and not managers.cull_connected
