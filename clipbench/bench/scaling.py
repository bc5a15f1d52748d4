"""Figure 9 in small: the error of models by model size and by batch size.

All are trained on the same pairs.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace

from clipbench.bench.contest import report
from clipbench.bench.objectives import accuracy, whole_run
from clipbench.compute.flops import image_flops, training_flops
from clipbench.data.open import open_pictures
from clipbench.evaluate.records.record import versions
from clipbench.objectives import Contrastive, suited
from clipbench.training.presets import find_preset, scene_trainer, with_budget

LAST = 20  # steps whose losses are averaged; no pair comes twice, so these are losses on new pairs


def scaling(
    threads: int | None = None,
    widths: Sequence[int] = (4, 8, 16, 32),
    batches: Sequence[int] = (128,),
    rates: Sequence[float] = (1.0,),
    pairs: int = 15_360,
    seeds: Sequence[int] = (0, 1, 2),
    pictures: int = 2000,
    objectives: Sequence[str] = (Contrastive.name,),
) -> dict:
    """Compare tiny models by width, batch size, learning rate and objective at equal pairs.

    Args:
        widths: channels of the ConvNet's first stage; 32 is the tiny preset.
        rates: factors on all learning rates of the preset.
    """
    data = open_pictures("scenes:heldout256").subset(range(pictures))
    choices = [
        (objective, width, batch, rate, seed)
        for objective in objectives
        for width in widths
        for batch in batches
        for rate in rates
        for seed in seeds
    ]
    runs = [run(*choice, pairs, data, threads) for choice in choices]
    made = {"command": shlex.join(["clipbench", *sys.argv[1:]]), "versions": versions()}
    return {
        "pairs": pairs,
        "data": data.name,
        "pictures": pictures,
        "chance": data.chance,
        "runs": runs,
        **made,
    }


def run(
    objective: str,
    width: int,
    batch: int,
    rate: float,
    seed: int,
    pairs: int,
    data,
    threads: int | None,
) -> dict:
    """Train once; accuracies are fractions with 95 % intervals over the pictures."""
    preset = narrowed(width, batch, rate, pairs, objective)
    trainer = scene_trainer(preset, seed, threads=threads or 1)
    losses = []
    trainer.callbacks.append(
        lambda event: losses.append(event["loss"]) if event["event"] == "step" else None
    )
    end = whole_run(trainer)
    found = accuracy(trainer, data)
    tokens = trainer.tokenizer(trainer.draw().captions).shape[1]
    settings = {"objective": objective, "width": width, "batch": batch, "rate": rate, "seed": seed}
    report(f"{settings}: {found['top1']:.1%} in {end['seconds']:.0f} s")
    return settings | {
        "parameters": sum(weight.numel() for weight in trainer.model.parameters()),
        "image_gflops": image_flops(trainer.model.config) / 1e9,
        "training_gflops": end["pairs"] * training_flops(trainer.model.config, tokens) / 1e9,
        **{key: found[key] for key in ("top1", "top1_low", "top1_high")},
        "loss": sum(losses[-LAST:]) / len(losses[-LAST:]),
        "seconds": round(end["seconds"], 1),
    }


def narrowed(width: int, batch: int, rate: float, pairs: int, objective: str = Contrastive.name):
    """Change the tiny preset's width, batch, learning rates and objective."""
    preset = find_preset("tiny-one-caption")
    model = replace(preset.model, image=replace(preset.model.image, width=width))
    names = ("matrix_learning_rate", "learning_rate", "embedding_learning_rate")
    faster = {name: rate * getattr(preset.train, name) for name in names}
    changes = {"batch_size": batch, "objective": objective, **faster}
    return with_budget(replace(preset, model=suited(model, objective)), None, pairs, **changes)
