"""The visitors' kernels: no more than memory bears, and none ended before its visitor has come."""

import asyncio
import contextlib
import socket
from datetime import datetime, timedelta, timezone

from tornado.web import HTTPError
from traitlets import Float, Integer, default
from traitlets.config import LoggingConfigurable
from voila.voila_kernel_manager import voila_kernel_manager_factory

from clipbench.compute.limits import memory_limit, places_for_visitors


class Visitors(LoggingConfigurable):
    """Comes before Voila's kernel manager, which keeps a pool of kernels that wait for visitors.

    Voila's gives a kernel away with the `last_activity` of the time when it began to wait. The
    culler could end it before the visitor's page had opened its socket. And Voila's starts kernels
    until memory ends.
    """

    places = Integer(
        allow_none=True, help="most kernels at a time, waiting ones included; None: no limit"
    ).tag(config=True)
    seconds_to_connect = Float(
        180.0, help="that a kernel outlives its hand-out when no page opens a socket to it"
    ).tag(config=True)

    @default("places")
    def _places(self) -> int | None:
        return places_for_visitors(memory_limit())

    def __init__(self, **settings):
        self.handed_out: dict[str, datetime] = {}  # the visitors' kernels, and since when
        self.awaited: set[str] = set()  # those that no page has opened a socket to
        self._coming = 0  # visitors whose kernel has no name yet
        self._page = None  # the notebook whose kernels wait
        super().__init__(**settings)
        asyncio.get_event_loop().create_task(self._tell_the_address())

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def free_places(self) -> int | None:
        """Count the kernels that visitors leave room for; None for no limit."""
        visitors = len(self.handed_out) + self._coming
        return None if self.places is None else max(0, self.places - visitors)

    # -------------------- a visitor comes

    async def get_rendered_notebook(self, notebook_name, *arguments, **settings):
        """Give (task, cells, kernel's id) of the kernel that has waited longest."""
        with self._one_more():
            found = await super().get_rendered_notebook(notebook_name, *arguments, **settings)
            self._hand_out(found[-1])
        return found

    async def start_kernel(self, *arguments, **settings) -> str:
        """Start a kernel for a visitor whom none waits for, and return its id.

        Raises:
            HTTPError: 503 where the class is full.
        """
        if self.free_places() == 0:
            raise HTTPError(503, f"the class is full: {self.places} visitors")
        with self._one_more():
            kernel = await super().start_kernel(*arguments, **settings)
            self._hand_out(kernel)
        return kernel

    @contextlib.contextmanager
    def _one_more(self):
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def _hand_out(self, kernel: str) -> None:
        self.handed_out[kernel] = self.get_kernel(kernel).last_activity = self.now()
        self.awaited.add(kernel)

    def notify_connect(self, kernel_id: str) -> None:
        """Note that a page has opened a socket."""
        self.awaited.discard(kernel_id)
        super().notify_connect(kernel_id)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that has rested too long, unless its visitor is still on the way."""
        if not self._is_on_the_way(kernel_id):
            await super().cull_kernel_if_idle(kernel_id)

    def _is_on_the_way(self, kernel: str) -> bool:
        patience = timedelta(seconds=self.seconds_to_connect)
        return kernel in self.awaited and self.now() - self.handed_out[kernel] < patience

    # -------------------- a visitor goes

    async def shutdown_kernel(self, kernel_id: str, *arguments, **settings) -> None:
        """End a kernel. Its place is free at once, for whoever reloads a page of a full class."""
        self._forget(kernel_id)
        await super().shutdown_kernel(kernel_id, *arguments, **settings)

    def remove_kernel(self, kernel_id: str):
        """Drop a kernel that has ended, also by itself, and let another wait in its place."""
        self._forget(kernel_id)
        if self._page is not None:
            pool = self._pools[self._page]
            pool[:] = [task for task in pool if not is_of(task, kernel_id)]
            self.fill_if_needed(notebook_name=self._page)
        return super().remove_kernel(kernel_id)

    def _forget(self, kernel: str) -> None:
        self.handed_out.pop(kernel, None)
        self.awaited.discard(kernel)

    def _handle_kernel_died(self, kernel_id: str) -> None:
        self.log.error("a kernel has ended by itself: is memory short?")
        super()._handle_kernel_died(kernel_id)

    async def shutdown_all(self, *arguments, **settings) -> None:
        """End all kernels; none will wait any more."""
        self._page = None
        await super().shutdown_all(*arguments, **settings)

    # -------------------- kernels that wait

    def fill_if_needed(self, delay=None, notebook_name=None, *arguments, **settings) -> None:
        """Start kernels until the pool is full, or until no place is free."""
        self._page = notebook_name
        most, free = self.parent.voila_configuration.default_pool_size, self.free_places()
        size = most if free is None else min(most, free)
        self.kernel_pools_config = {"default": {"pool_size": size}}
        super().fill_if_needed(delay, notebook_name, *arguments, **settings)

    async def _tell_the_address(self) -> None:
        """Print the one line that a lecturer needs, once the first kernels have run the page."""
        with contextlib.suppress(Exception):  # whoever opens the page is told
            waiting = await asyncio.gather(*self._pools[self._page])
            await asyncio.gather(*(kernel["task"] for kernel in waiting))
        address = address_for_others(self.parent.connection_url)
        room = "" if self.places is None else f"; room for {self.places} visitors"
        print(f"The apps are at {address}  (Ctrl+C ends them{room})", flush=True)


def is_of(task: asyncio.Task, kernel: str) -> bool:
    """Say whether a task of the pool has made this kernel."""
    made = task.done() and not task.cancelled() and task.exception() is None
    return made and task.result()["kernel_id"] == kernel


def address_for_others(address: str) -> str:
    """Replace 0.0.0.0 in an address by this machine's own address in the network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # names a route; a datagram socket sends nothing yet
            own = probe.getsockname()[0]
        except OSError:
            own = socket.gethostname()
    return address.replace("//0.0.0.0:", f"//{own}:")


def class_kernels(*arguments, **settings) -> type:
    """Give Voila's class of kernel managers, with `Visitors` before it.

    It takes what Voila's factory takes.
    """
    voilas = voila_kernel_manager_factory(*arguments, **settings)
    return type("ClassKernels", (Visitors, voilas), {})
