"""What a live training of the tiny preset reaches on this machine, from a few steps of it."""

import statistics

import torch

from clipbench.bench.speed import step_seconds
from clipbench.bench.speedrun_rules import PAIRS


def live_training(seconds: float = 2.0) -> dict:
    """Measure pairs per second, and how long the speedrun's budget of pairs takes at that rate.

    Args:
        seconds: to measure for, after the number of threads was chosen.
    """
    from clipbench.training.presets import find_preset, scene_trainer

    trainer = scene_trainer(find_preset("tiny"))
    rate = trainer.config.batch_size / statistics.median(step_seconds(trainer, None, seconds))
    return {
        "preset": "tiny",
        "device": str(trainer.device),
        "threads": torch.get_num_threads(),
        "precision": trainer.precision,
        "pairs_per_second": round(rate, 1),
        "pairs": PAIRS,
        "seconds": round(PAIRS / rate, 1),
    }
