"""A way to compute only the newest state.

What a page asks for while other requests wait is done once, for all of them.
"""

import asyncio
import time
from collections.abc import Callable

from IPython import get_ipython

REST = 0.004  # seconds without an event: none is waiting any more
LONGEST_REST = 0.1  # a page that never rests still sees something
# of the work's own time, where that is long: on a busy machine events come out of the queue slowly,
# too
SHARE = 0.2


class LatestOnly:
    """Calls ``work`` at once, but once for all events of a page that came during the last call.

    While a kernel works, the page's next events queue up. Each would be answered by a state that
    the one behind it makes old. So after a call these events are only noted, until a few
    milliseconds bring no more; then there is one call for all of them. Code is never made to wait:
    what it sets is computed when the assignment is done.
    """

    def __init__(self, work: Callable[[], None]):
        self._work = work
        self._event: str | None = None  # that was last answered
        self._resting, self._asked, self._news = False, False, False
        self._pause, self._until = REST, 0.0

    def __call__(self, _=None) -> None:
        event = page_event()
        if self._resting and event not in (None, self._event):
            self._asked = self._news = True
        else:
            self._event = event
            self.now()

    def now(self) -> None:
        """Call ``work``, for whatever has been asked for."""
        self._asked, began = False, time.monotonic()
        try:
            self._work()
        finally:
            self._rest(time.monotonic() - began)

    def settle(self) -> None:
        """Do what waits, if anything does."""
        if self._asked:
            self.now()

    def _rest(self, took: float) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a script, or a thread: no event can wait here
        self._resting, self._news = True, False
        self._pause, self._until = (
            max(REST, SHARE * took),
            time.monotonic() + max(LONGEST_REST, took),
        )
        loop.call_later(self._pause, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._news and time.monotonic() < self._until:
            self._news = False
            loop.call_later(self._pause, self._look, loop)
        else:
            self._resting = False
            self.settle()


def page_event() -> str | None:
    """Give the id of the message from a page's widget that the kernel is handling.

    None while it runs a cell.
    """
    parent_of = getattr(getattr(get_ipython(), "kernel", None), "get_parent", None)
    header = parent_of("shell").get("header", {}) if parent_of else {}
    return header.get("msg_id") if header.get("msg_type") == "comm_msg" else None
