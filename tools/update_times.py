"""Processor time of an update of each app, to compare two versions of the code on a busy machine.

    python tools/update_times.py            the version that PYTHONPATH finds first
    python tools/update_times.py --events 40

Each event sets a trait to something new, as a control does; its time is that of all that follows
in the process until the state is settled: encoding, scores, and the HTML that a page would get.
The way to a page and back is not in it; ``clipbench bench widgets`` has that, by the clock.
"""

import argparse
import json
import statistics
import time

import torch

import clipbench_widgets as apps

WORDS = ("dog", "lion", "rocket", "raccoon", "mouse", "house", "banana", "guitar", "tree", "clock")


def text(number: int) -> str:
    return f"a {WORDS[number % len(WORDS)]} and {number} more"


def setting(trait: str, value_of):
    """Make an event that sets a trait."""
    return lambda app, number: setattr(app, trait, value_of(number))


def answer(app, number: int) -> None:
    """Answer the game's question, whatever it is."""
    app.answer("")


def opened() -> dict:
    """Return each app with its events by name, opened only when its turn comes."""
    return {
        "PromptExplorer": (
            lambda: apps.PromptExplorer("classroom"),
            {
                "a text": setting("prompts", lambda n: ["cat", "dog", "lion", text(n)]),
                "another picture": setting("selected", lambda n: n % 12),
            },
        ),
        "SimilarityMatrix": (
            lambda: apps.SimilarityMatrix("classroom"),
            {
                "a text": setting("texts", lambda n: ["a cat", "a dog", text(n)]),
                "another cell": setting("chosen_picture", lambda n: n % 12),
                "cosines, softmax": setting(
                    "mode", lambda n: ("row softmax", "column softmax", "cosine")[n % 3]
                ),
            },
        ),
        "TypographicStudio": (
            lambda: apps.TypographicStudio("classroom"),
            {
                "a word": setting("word", lambda n: f"{WORDS[n % len(WORDS)]}{n}"),
                "another picture": setting("selected", lambda n: n % 12),
            },
        ),
        "EmbeddingMap": (
            lambda: apps.EmbeddingMap("classroom"),
            {
                "a query": setting("query", text),
                "the pointer": setting("hovered", lambda n: 7 * n % 900),
                "a selection": setting("selected", lambda n: [7 * n % 900]),
                "the shift": setting("shift", lambda n: round(0.01 * (n % 50 + 1), 2)),
            },
        ),
        "ImageSearch": (
            lambda: apps.ImageSearch("classroom"),
            {"a query": setting("query", text), "like": setting("like", lambda n: 7 * n % 900)},
        ),
        "BeatTheMachine": (
            lambda: apps.BeatTheMachine("classroom", count=24, rounds=50),
            {"an answer": answer},
        ),
    }


def milliseconds(app, event, events: int) -> list[float]:
    """Measure the processor time of each event; the first one warms up."""
    found = []
    for number in range(events + 1):
        began = time.process_time()
        event(app, number)
        app.summary()
        found.append(1000 * (time.process_time() - began))
    return found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=30, help="of each kind")
    events = parser.parse_args().events
    torch.set_num_threads(1)
    for name, (make, kinds) in opened().items():
        app = make()
        for kind, event in kinds.items():
            found = milliseconds(app, event, events)
            row = {"p50_ms": statistics.median(found), "p95_ms": sorted(found)[-1 - events // 20]}
            print(json.dumps({"app": name, "event": kind} | row), flush=True)


if __name__ == "__main__":
    main()
