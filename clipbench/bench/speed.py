"""How fast scenes are drawn, a training step runs, and a picture is classified from a cold start."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from clipbench.data.sprites import sprite_image


def repeated(work, seconds: float) -> list[float]:
    """Durations of as many calls of ``work`` as fit into ``seconds``, after one to warm up."""
    work()
    durations, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(durations) < 3:
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return durations


def rendering(threads: int | None = None, batch_size: int = 256) -> dict:
    """Scenes and captions per second, on one thread unless told otherwise."""
    from clipbench.data.pairs import ScenePairs

    torch.set_num_threads(threads or 1)
    stream = ScenePairs(seed=0)
    durations = repeated(lambda: stream(0, batch_size), seconds=6)
    return {
        "threads": threads or 1,
        "scenes_per_second": batch_size / statistics.median(durations),
        "best": batch_size / min(durations),
        "batches": len(durations),
    }


def training(threads: int | None = None, preset: str = "tiny") -> dict:
    """Pairs per second of a preset, and the share of a step that drawing the scenes takes."""
    from clipbench.presets import find_preset, scene_trainer

    trainer = scene_trainer(find_preset(preset), threads=threads)
    trainer.model.train()
    torch.set_num_threads(threads or trainer.use_fastest_threads())
    whole = repeated(trainer.train_step, seconds=12)
    drawing = repeated(lambda: trainer.stream(0, trainer.config.batch_size), seconds=4)
    step = statistics.median(whole)
    return {
        "preset": preset,
        "threads": torch.get_num_threads(),
        "precision": trainer.precision,
        "pairs_per_second": trainer.config.batch_size / step,
        "drawing_share_of_step": statistics.median(drawing) / step,
        "steps": len(whole),
    }


def startup(threads: int | None = None, runs: int = 5) -> dict:
    """Seconds from the shell to a classified picture, in new processes; the first has cold caches only by chance."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        sprite_image(0).save(picture)
        for _ in range(runs):
            command = ["-m", "clipbench", "classify", str(picture), "--text", "a cat", "--text", "a face"]
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
    return {"first": seconds[0], "median_of_later": statistics.median(seconds[1:]), "runs": runs}
