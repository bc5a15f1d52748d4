"""The speed of drawing scenes, of a training step, and of classifying from a cold start."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from clipbench.data.world.sprites import sprite_image
from clipbench.errors import UserError


def repeated(work, seconds: float) -> list[float]:
    """Time as many calls of ``work`` as fit into ``seconds``, after one to warm up."""
    work()
    durations: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(durations) < 3:
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return durations


def rendering(threads: int | None = None, batch_size: int = 256) -> dict:
    """Scenes and captions of both worlds per second, on one thread unless told otherwise."""
    from clipbench.data.streams import Scene2Pairs, ScenePairs

    torch.set_num_threads(threads or 1)
    numbers: dict[str, float] = {"threads": threads or 1}
    for stream in (ScenePairs(seed=0), Scene2Pairs(seed=0)):
        durations = repeated(lambda stream=stream: stream(0, batch_size), seconds=6)
        numbers[f"{stream.name}_per_second"] = batch_size / statistics.median(durations)
        numbers[f"{stream.name}_best"] = batch_size / min(durations)
    return numbers


def training(threads: int | None = None, preset: str = "tiny") -> dict:
    """Measure a preset's pairs per second, and the slowest part of its training step.

    Of that part it reports the name, the seconds and the precision.

    Raises:
        UserError: for a preset that is not trained contrastively.
    """
    from clipbench.bench.step_parts import step_parts
    from clipbench.training.presets import find_preset, scene_trainer

    trainer = scene_trainer(find_preset(preset), threads=threads)
    if trainer.config.objective != "contrastive":
        raise UserError(
            f"{preset} trains with {trainer.config.objective}; the parts of a step are "
            "those of CLIP's"
        )
    whole = step_seconds(trainer, threads, seconds=12)
    step = statistics.median(whole)
    return {
        "preset": preset,
        "threads": torch.get_num_threads(),
        "precision": trainer.precision,
        "pairs_per_second": trainer.config.batch_size / step,
        "steps": len(whole),
        **step_parts(trainer),
    }


def step_seconds(trainer, threads: int | None, seconds: float) -> list[float]:
    """Time a trainer's steps with this many threads, or with the number that is fastest."""
    trainer.set_training()
    torch.set_num_threads(threads or trainer.use_fastest_threads())
    return repeated(trainer.train_step, seconds)


def startup(threads: int | None = None, runs: int = 5) -> dict:
    """Time the way from the shell to a classified picture, in new processes.

    The first has cold caches only by chance.
    """
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        sprite_image(0).save(picture)
        for _ in range(runs):
            command = [
                "-m",
                "clipbench",
                "classify",
                str(picture),
                "--text",
                "a cat",
                "--text",
                "a face",
            ]
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
    return {"first": seconds[0], "median_of_later": statistics.median(seconds[1:]), "runs": runs}
