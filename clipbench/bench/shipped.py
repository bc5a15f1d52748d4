"""What a shipped model costs a classroom: its size, and its load time, memory and speed.

All but the size are measured on one core.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import torch

from clipbench.bench.contest import take_turns
from clipbench.data.open import open_pictures
from clipbench.encoders.clip import joint, load
from clipbench.pretrained.folders import find_folder

BATCH = 64
TEXTS = ("a cat", "a photo of a red heart", "two dogs on a blue background", "ein Hund")

# in a process of its own, so that nothing else has been loaded; the peak is of everything,
# libraries included
PROBE = """
import json, sys, time
import torch
import clipbench
from clipbench.bench.memory import resident
torch.set_num_threads(int(sys.argv[2]))
before = resident()
began = time.perf_counter()
encoder = clipbench.load(sys.argv[1], "cpu")
seconds = time.perf_counter() - began
encoder.encode_text(["a cat"])
encoder.encode_image(torch.zeros(1, 3, encoder.image_size, encoder.image_size))
peak = resident("VmHWM")
print(json.dumps([seconds, before, peak]))
"""


def shipped(threads: int | None = None, model: str = "classroom", rounds: int = 5) -> dict:
    """Measure a model's size and, with one thread, its load time, memory and speed.

    Load time is without importing libraries; memory is the process's peak for one picture and one
    text, and what of it came after the libraries. Times are the best of the rounds, so that other
    programs disturb them least.
    """
    torch.set_num_threads(threads or 1)
    loads = [measured_load(model, threads or 1) for _ in range(rounds)]
    found, folder = load(model, "cpu"), find_folder(model)
    encoder = joint(found)
    pictures = open_pictures("scenes:heldout").subset(range(BATCH)).pictures(range(BATCH))
    images, one = encoder.preprocess(pictures), encoder.preprocess(pictures[:1])
    texts = list(TEXTS) * (BATCH // len(TEXTS))
    seconds = take_turns(
        {
            "preprocess": lambda: encoder.preprocess(pictures),
            "pictures": lambda: encoder.encode_image(images),
            "texts": lambda: encoder.encode_text(texts),
            "one_picture": lambda: encoder.encode_image(one),
            "one_text": lambda: encoder.encode_text(texts[:1]),
        },
        rounds * 4,
    )
    best = {name: min(times) for name, times in seconds.items()}
    return {
        "model": model,
        "threads": threads or 1,
        "parameters": sum(weight.numel() for weight in found.model.parameters()),
        "folder_mb": sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6,
        "load_seconds": min(load for load, _, _ in loads),
        **memory(loads),
        "preprocessed_pictures_per_second": BATCH / best["preprocess"],
        "pictures_per_second": BATCH / best["pictures"],
        "texts_per_second": BATCH / best["texts"],
        "one_picture_ms": 1000 * best["one_picture"],
        "one_text_ms": 1000 * best["one_text"],
        "batch": BATCH,
        "rounds": rounds,
    }


def measured_load(model: str, threads: int) -> tuple[float, int | None, int | None]:
    """Measure the load time and the memory of a model in a new process.

    It gives (seconds to load, resident bytes before, peak bytes after one picture and one text).
    """
    command = [sys.executable, "-c", PROBE, model, str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def memory(loads: list[tuple]) -> dict[str, float]:
    """Give the medians of memory over several loads; empty where the system does not say."""
    known = [(before, peak) for _, before, peak in loads if peak is not None]
    if not known:
        return {}
    return {
        "peak_memory_mb": statistics.median(peak for _, peak in known) / 1e6,
        "memory_beside_libraries_mb": statistics.median(peak - before for before, peak in known)
        / 1e6,
    }
