"""How quickly the apps answer, over the real channel to a real kernel.

There is no browser, but everything behind it.

An event is sent as a page sends it. Its answer has arrived with the last state that the kernel
sends back before it is idle again. So the times hold the way to the kernel and back on this
machine, and leave out what a browser draws.
"""

import ast
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from clipbench.errors import UserError

APPS = (
    "PromptExplorer",
    "SimilarityMatrix",
    "TypographicStudio",
    "EmbeddingMap",
    "ImageSearch",
    "FeatureMicroscope",
    "BeatTheMachine",
    "TrainingMonitor",
)
# with features that are learned; a game that is long enough; a training of a few seconds, whose
# buttons begin and end longer work
MADE_BY = {
    "FeatureMicroscope": "clipbench_widgets.FeatureMicroscope({model!r}, scenes=500, judged=300)\n"
    "app.wait()",
    "BeatTheMachine": "clipbench_widgets.BeatTheMachine({model!r}, rounds=50)",
    "TrainingMonitor": "clipbench_widgets.TrainingMonitor("
    "clipbench_widgets.start_page.app.tiny_training())\n"
    "app.start(); time.sleep(5); app.pause()",
}
FLOOD, FLOOD_SECONDS = 100, 1.0
WORDS = (
    "dog",
    "lion",
    "rocket",
    "raccoon",
    "mouse",
    "house",
    "banana",
    "guitar",
    "tree",
    "umbrella",
    "clock",
    "fish",
)
COLOURS = ("#a01010", "#1040a0", "#106030", "#14141a")
SECONDS_TO_ANSWER = 120
# seconds between an answer and the next event, and as long as it took: closer ones are a flood to
# an app
PAUSE = 0.02
SETUP = """
import json, time, clipbench_widgets
from clipbench_widgets.core.controls import InFlight, controls_of, held_by
clipbench_widgets.beat_the_machine.app.DOUBLE_CLICK = 0  # nobody clicks as quickly as a benchmark
"""
BUSY = "while True: sum(range(100_000))"


def widget_latency(
    threads: int | None = None,
    model: str = "classroom",
    random: str | None = None,
    events: int = 24,
    busy: bool = False,
    app: str | None = None,
) -> dict:
    """Time every control of every app, from an event in the page to the kernel's last answer.

    Uploads and what runs in the background are left out. ``flood`` sends 100 events of one control
    in a second: the state must end as that of the last, with at most one computation at a time.

    Args:
        random: a model of the paper, such as ViT-B/32, with random weights, instead of ``model``.
        events: of each control.
        busy: beside a process that uses a whole core.
        app: only this one.

    Raises:
        UserError: for an app that does not exist.
    """
    if app is not None and app not in APPS:
        raise UserError(f"no app {app!r}; give one of {', '.join(APPS)}")
    with contextlib.ExitStack() as stack:
        if random is not None:
            model = str(stack.enter_context(random_model(random)))
        if busy:
            stack.enter_context(neighbour())
        measured = {
            name: measure_app(name, model, threads, events) for name in ([app] if app else APPS)
        }
    return {
        "model": f"{random}, random weights" if random else model,
        "busy_neighbour": busy,
        "events_of_each_control": events,
        "apps": {name: numbers for name, numbers in measured.items() if numbers is not None},
    }


@contextlib.contextmanager
def random_model(name: str) -> Iterator[Path]:
    from clipbench.model import CLIP, CLIPConfig
    from clipbench.preprocess import Preprocess
    from clipbench.pretrained.folders import save_pretrained, world_tokenizer
    from clipbench.pretrained.random_weights import ABOUT

    config = CLIPConfig.named(name)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model"
        tokenizer, preprocess = (
            world_tokenizer(config.context_length),
            Preprocess(config.image_size),
        )
        save_pretrained(target, CLIP(config), tokenizer, preprocess, about=ABOUT)
        yield target


@contextlib.contextmanager
def neighbour() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure_app(name: str, model: str, threads: int | None, events: int) -> dict | None:
    """Measure one app in a kernel of its own; None when this version has no such app."""
    with kernel(threads) as page:
        page.run(SETUP)
        if not page.evaluate(f"hasattr(clipbench_widgets, {name!r})"):
            return None
        empty = page.memory()
        began = time.perf_counter()
        page.run(
            "app = "
            + MADE_BY.get(name, f"clipbench_widgets.{name}({{model!r}})").format(model=model)
        )
        ready = time.perf_counter() - began
        controls = page.evaluate("controls_of(app)")
        latencies = {}
        for label, first in grouped(controls).items():
            alike = still_there(first, page.evaluate("controls_of(app)"))
            latencies[label] = measure_control(page, alike, events) if alike else []
        every = [value for values in latencies.values() for value in values]
        return {
            "seconds_to_make": ready,
            "all": quantiles(every),
            "controls": {label: quantiles(values) for label, values in latencies.items() if values},
            "unanswered": [label for label, values in latencies.items() if not values],
            "flood": flood(page, controls),
            "memory_mb": {
                "before_the_app": empty,
                "after_all_events": page.memory(),
                "peak": page.memory("VmHWM"),
            },
        }


def grouped(controls: list[dict]) -> dict[str, list[dict]]:
    """Group controls by their name: thumbnails are clicked in turn."""
    groups: dict[str, list[dict]] = {}
    for control in controls:
        groups.setdefault(" ".join(control["control"].split()), []).append(control)
    return groups


def still_there(alike: list[dict], now: list[dict]) -> list[dict]:
    """Find controls again: some come and go, and some change their name with the app's state."""
    known = {control["model_id"] for control in alike}
    name = next(iter(grouped(alike)))
    return [each for each in now if each["model_id"] in known] or grouped(now).get(name, [])


def measure_control(page: "Page", alike: list[dict], events: int) -> list[float]:
    """Measure the milliseconds of each event that changed something, and put the control back."""
    stream = events_for(alike)
    page.answer(*next(stream))  # the first time warms up
    found = [page.answer(*next(stream)) for _ in range(events)]
    before = {name: alike[0][name] for name in ("value", "index") if name in alike[0]}
    if before and len(alike) == 1:
        page.answer(alike[0]["model_id"], {"method": "update", "state": before, "buffer_paths": []})
    return [milliseconds for milliseconds in found if milliseconds is not None]


def events_for(alike: list[dict]) -> Iterator[tuple[str, dict]]:
    """Yield (comm, data) of one event after another, each different from the last."""
    number = 0
    while True:
        control = alike[number % len(alike)]
        yield (
            control["model_id"],
            data_of(control, number // len(alike) if len(alike) > 1 else number),
        )
        number += 1


def data_of(control: dict, number: int) -> dict:
    """Make the message that a page sends for the n-th operation of a control."""
    kind = control["kind"]
    if ("Button" in kind and "Toggle" not in kind) or kind == "Thumbnail":
        return {"method": "custom", "content": {"event": "click"}, "buffer_paths": []}
    return {"method": "update", "state": state_of(control, number), "buffer_paths": []}


def state_of(control: dict, number: int) -> dict:
    kind, value = control["kind"], control.get("value")
    word = WORDS[number % len(WORDS)] + "s" * (number // len(WORDS))
    if kind == "PositionPad":
        return {"value": f"to 0.{300 + 7 * number % 400:03d} 0.{700 - 5 * number % 400:03d}"}
    if kind in ("hover", "click"):
        place = [0.2 + 0.13 * number % 0.6, 0.2 + 0.07 * number % 0.6]
        hover = {"n": number + 1, "at": place}
        return {
            "value": json.dumps(
                hover if kind == "hover" else [hover | {"kind": "click", "add": False}]
            )
        }
    if kind in ("Text", "Combobox"):
        return {"value": word}
    if kind == "Textarea":
        return {"value": f"{value}\na {word} of number {number}"}
    if kind == "ColorPicker":
        return {"value": COLOURS[number % len(COLOURS)]}
    if "choices" in control:
        return {"index": (number + 1) % control["choices"]}
    if isinstance(value, bool):
        return {"value": value if number % 2 else not value}
    share = (0.11 + 0.37 * number) % 1
    low, high = control["min"], control["max"]
    if kind == "FloatLogSlider":
        return {"value": 10 ** (low + share * (high - low))}
    between = low + share * (high - low)
    return {"value": round(between) if isinstance(value, int) else between}


def flood(page: "Page", controls: list[dict]) -> dict:
    """Send a hundred events in a second, and check how the app copes.

    It measures how long until all is done, and whether the last event's state is shown.
    """
    quick = next(
        (
            c
            for c in controls
            if c["kind"] in ("PositionPad", "Text", "FloatLogSlider", "IntSlider")
        ),
        None,
    )
    if quick is None:
        return {}
    page.run(
        "in_flight = InFlight(app.encoder)"
        if page.evaluate("hasattr(app, 'encoder')")
        else "in_flight = None"
    )
    began, sent = time.perf_counter(), ""
    for number in range(FLOOD):
        time.sleep(max(0.0, began + number * FLOOD_SECONDS / FLOOD - time.perf_counter()))
        sent = page.send(quick["model_id"], data_of(quick, number))
    page.wait_until_idle(sent)
    settled = time.perf_counter() - began - FLOOD_SECONDS
    shown = page.evaluate("app.summary()")
    if page.evaluate("hasattr(app, 'refresh')"):
        page.run("app.refresh()")
    return {
        "control": quick["control"],
        "events": FLOOD,
        "seconds_until_settled_after_the_last": max(0.0, settled),
        "ends_in_the_last_state": shown == page.evaluate("app.summary()")
        and page.holds(quick, FLOOD - 1),
        "most_computations_at_once": page.evaluate("in_flight.most if in_flight else None"),
    }


def quantiles(milliseconds: list[float]) -> dict:
    ordered = sorted(milliseconds)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    return (
        {"p50_ms": at(0.5), "p95_ms": at(0.95), "events": len(ordered)}
        if ordered
        else {"events": 0}
    )


# -------------------- the channel


@contextlib.contextmanager
def kernel(threads: int | None) -> Iterator["Page"]:
    """Start a kernel as JupyterLab does."""
    from jupyter_client.manager import start_new_kernel

    environment = dict(os.environ) | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    manager, client = start_new_kernel(
        kernel_name="python3", env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield Page(heard(client))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def heard(client):
    """Wait until the client hears what the kernel says, and return the client.

    The first messages of a new kernel may get lost.
    """
    for _ in range(20):
        try:
            client.execute_interactive("", silent=True, timeout=3, output_hook=lambda _: None)
            return client
        except TimeoutError:
            continue
    raise RuntimeError("the kernel does not answer")


class Page:
    """What a page does with a kernel."""

    def __init__(self, client):
        self.client = client
        self._took = 0.0  # seconds of the last answer

    def run(self, code: str) -> None:
        """Run code in the kernel.

        Raises:
            RuntimeError: when the code fails.
        """
        self._checked(
            self.client.execute_interactive(
                code, timeout=SECONDS_TO_ANSWER, output_hook=lambda _: None
            )
        )

    def evaluate(self, expression: str):
        """Evaluate an expression in the kernel, and return its value through JSON."""
        whole = {"reply": f"json.dumps({expression})"}
        reply = self.client.execute_interactive(
            "",
            user_expressions=whole,
            timeout=SECONDS_TO_ANSWER,
            silent=True,
            output_hook=lambda _: None,
        )
        found = self._checked(reply)["user_expressions"]["reply"]
        if found["status"] != "ok":
            raise RuntimeError(found["evalue"])
        return json.loads(ast.literal_eval(found["data"]["text/plain"]))

    def memory(self, name: str = "VmRSS") -> float | None:
        """Read the kernel's resident memory, MB of 10^6 bytes.

        It is None where the system does not say.
        """
        found = self.evaluate(
            f"__import__('clipbench.bench.memory', fromlist=['resident']).resident({name!r})"
        )
        return None if found is None else found / 1e6

    def holds(self, control: dict, number: int) -> bool:
        """Say whether a control in the kernel has the state of its n-th event."""
        held = self.evaluate(f"held_by(app, {control['model_id']!r})")
        return held.items() >= state_of(control, number).items()

    def send(self, comm: str, data: dict) -> str:
        """Send one event; the id of its message."""
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def answer(self, comm: str, data: dict) -> float | None:
        """Measure the milliseconds until the last state that answers.

        It is None when there is no answer.
        """
        time.sleep(PAUSE + self._took)
        began = time.perf_counter()
        last = self.wait_until_idle(self.send(comm, data))
        self._took = time.perf_counter() - began
        return None if last is None else 1000 * (last - began)

    def wait_until_idle(self, message: str) -> float | None:
        """Wait until the kernel is idle.

        It gives the time when the last state came that answers this message.
        """
        last = None
        while True:
            came = self.client.get_iopub_msg(timeout=SECONDS_TO_ANSWER)
            if came["parent_header"].get("msg_id") != message:
                continue
            if came["msg_type"] == "comm_msg" and came["content"]["data"].get("method") == "update":
                last = time.perf_counter()
            if came["msg_type"] == "status" and came["content"]["execution_state"] == "idle":
                return last

    @staticmethod
    def _checked(reply: dict) -> dict:
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{reply['content'].get('ename')}: {reply['content'].get('evalue')}")
        return reply["content"]
