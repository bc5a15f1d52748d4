"""Events that pile up while a kernel works: only the last is computed.

A kernel is played by an event loop.
"""

import asyncio
import time

import pytest
from small import noise_picture, small_encoder

from clipbench_widgets import ImageSearch, PromptExplorer, SimilarityMatrix, TypographicStudio
from clipbench_widgets.core import latest_only
from clipbench_widgets.core.controls import InFlight
from clipbench_widgets.core.latest_only import LatestOnly, page_event


class Work:
    """Takes its time over the last thing that was set."""

    def __init__(self, seconds: float = 0.02):
        self.state, self.seen, self.seconds = None, [], seconds

    def __call__(self) -> None:
        self.seen.append(self.state)
        time.sleep(self.seconds)


@pytest.fixture
def send(monkeypatch):
    """``send(number, action)``: an action as a kernel does it for a page's message of that
    number.
    """
    handled = None
    monkeypatch.setattr(latest_only, "page_event", lambda: handled)

    def send(number: int, action) -> None:
        nonlocal handled
        handled = str(number)
        action()
        handled = None

    return send


async def flood(send, count: int, action) -> None:
    """All events are waiting already; the loop hands them on one by one."""
    for number in range(count):
        send(number, lambda number=number: action(number))
        await asyncio.sleep(0)
    await asyncio.sleep(0.2)


def test_of_a_flood_the_first_and_the_last_are_computed(send):
    work = Work()
    latest = LatestOnly(work)

    def set_to(number: int) -> None:
        work.state = number
        latest()

    asyncio.run(flood(send, 100, set_to))
    assert work.seen == [0, 99]


def test_events_with_pauses_are_computed_at_once(send):
    work = Work(0)
    latest = LatestOnly(work)

    async def slowly():
        for number in range(5):
            work.state = number
            send(number, latest)
            assert work.seen[-1] == number
            await asyncio.sleep(0.05)

    asyncio.run(slowly())
    assert work.seen == [0, 1, 2, 3, 4]


def test_a_page_that_never_rests_still_sees_something(send, monkeypatch):
    monkeypatch.setattr(latest_only, "LONGEST_REST", 0.03)
    work = Work(0)
    latest = LatestOnly(work)

    async def without_end():
        began, number = time.monotonic(), 0
        while time.monotonic() - began < 0.3:
            number += 1
            send(number, latest)
            await asyncio.sleep(0.001)

    asyncio.run(without_end())
    assert 2 < len(work.seen) < 100


def test_code_is_never_made_to_wait():
    work = Work(0)
    latest = LatestOnly(work)

    async def cell():
        for number in range(5):
            work.state = number
            latest()
            assert work.seen[-1] == number

    asyncio.run(cell())
    assert page_event() is None  # there is no kernel here


def test_two_changes_of_one_event_are_both_computed(send):
    work = Work(0)
    latest = LatestOnly(work)

    async def one_event():
        send(0, lambda: (latest(), latest()))
        assert len(work.seen) == 2

    asyncio.run(one_event())


def test_who_asks_gets_the_newest_state(send):
    work = Work(0)
    latest = LatestOnly(work)

    async def asked():
        send(0, latest)
        work.state = "newest"
        send(1, latest)
        assert work.seen == [None]
        latest.settle()
        assert work.seen == [None, "newest"]
        await asyncio.sleep(0.05)

    asyncio.run(asked())
    assert len(work.seen) == 2  # nothing was left to do


def test_the_next_event_is_answered_when_the_work_has_failed(send):
    calls = []

    def fails():
        calls.append(1)
        raise ValueError("once")

    latest = LatestOnly(fails)

    async def twice():
        with pytest.raises(ValueError):
            send(0, latest)
        await asyncio.sleep(0.05)
        with pytest.raises(ValueError):
            send(1, latest)

    asyncio.run(twice())
    assert len(calls) == 2


@pytest.mark.parametrize(
    "make, field",
    [
        (
            lambda encoder: TypographicStudio(encoder, [noise_picture(8, 8)], ["a cat", "a dog"]),
            "_word",
        ),
        (
            lambda encoder: PromptExplorer(encoder, [noise_picture(8, 8)], ["a cat", "a dog"]),
            "_text",
        ),
        (
            lambda encoder: SimilarityMatrix(
                encoder, [noise_picture(8, 8)] * 2, ["a cat", "a dog"]
            ),
            "_text",
        ),
        (
            lambda encoder: ImageSearch(
                encoder, [noise_picture(8, 8, seed=seed) for seed in range(3)]
            ),
            "_query",
        ),
    ],
    ids=["studio", "explorer", "matrix", "search"],
)
def test_apps_compute_the_last_of_a_hundred_events(make, field, send):
    encoder = small_encoder()
    app = make(encoder)
    counter = InFlight(encoder)
    asyncio.run(
        flood(send, 100, lambda number: setattr(getattr(app, field), "value", f"word {number}"))
    )
    calls, shown = counter.calls, app.summary()
    app.refresh() if hasattr(app, "refresh") else None
    assert "word 99" in f"{shown} {getattr(app, 'texts', '')}" and shown == app.summary()
    assert calls <= 12 and counter.most == 1
