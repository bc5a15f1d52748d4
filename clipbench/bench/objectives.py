"""Figure 2 in small: how many pairs each objective needs to the same zero-shot accuracy."""

import time
from dataclasses import replace

from clipbench.bench.contest import report
from clipbench.data.image_set import PictureSet
from clipbench.data.open import open_pictures
from clipbench.encoders.clip import ClipbenchEncoder, RivalEncoder
from clipbench.evaluate.features.compute import image_features
from clipbench.evaluate.zero_shot import judge_by_scores, zero_shot_metrics, zero_shot_weights
from clipbench.objectives import JOINT, suited
from clipbench.training.presets import find_preset, scene_trainer, with_budget

FIGURE_2 = ("contrastive", "bow", "caption-lm")
TEMPLATES = ["{}"]  # one, and short: a language model reads every caption for every picture


def efficiency(
    threads: int | None = None,
    preset: str = "tiny-one-caption",
    objectives: tuple[str, ...] = FIGURE_2,
    pairs: int = 76_800,
    points: int = 5,
    pictures: int = 1000,
    seed: int = 0,
) -> dict:
    """Measure accuracy against pairs seen for CLIP's question and the two before it (figure 2).

    Each objective trains once on the same pairs, with the same image encoder and recipe, and is
    measured on the way: the last time at the end of its learning rate's schedule, before that in
    the middle of it.
    """
    data = open_pictures("scenes:heldout256").subset(range(pictures))
    due = [round(pairs / 2**k) for k in reversed(range(points))]
    curves = {name: curve(name, preset, pairs, due, data, seed, threads) for name in objectives}
    settings = {
        "preset": preset,
        "seed": seed,
        "data": data.name,
        "pictures": pictures,
        "templates": TEMPLATES,
    }
    return {**settings, "chance": data.chance, "pairs": due, **curves}


def curve(
    name: str,
    preset: str,
    pairs: int,
    due: list[int],
    data: PictureSet,
    seed: int,
    threads: int | None,
) -> dict:
    """Train one objective and measure its accuracy on the way.

    It gives the accuracies as fractions, with 95 % intervals over the pictures, and the seconds of
    training.
    """
    trainer = trainer_of(name, preset, pairs, seed, threads)
    found: list[dict] = []
    waiting: list[float] = list(due)
    measuring = [0.0]

    def measure(event: dict) -> None:
        if event["event"] == "step" and event["pairs"] >= waiting[0]:
            waiting.pop(0)
            waiting.append(float("inf"))
            began = time.monotonic()
            found.append(accuracy(trainer, data))
            measuring[0] += time.monotonic() - began
            report(f"{name}: {found[-1]['top1']:.1%} after {event['pairs']:,} pairs")

    trainer.callbacks.append(measure)
    end = whole_run(trainer)
    return {
        **{key: [each[key] for each in found] for key in ("top1", "top1_low", "top1_high")},
        "seconds_of_training": round(end["seconds"], 1),
        "seconds_of_measuring": round(measuring[0], 1),
    }


def whole_run(trainer) -> dict:
    """Train to the end and return the last event.

    Raises:
        KeyboardInterrupt: when Ctrl-C or a termination request stopped it, which a Trainer takes as
            the wish to end after the step: what it has is no result, and no next run begins.
    """
    end = trainer.run()
    if not end["finished"]:
        raise KeyboardInterrupt
    return end


def trainer_of(name: str, preset: str, pairs: int, seed: int, threads: int | None):
    chosen = find_preset(preset)
    chosen = replace(chosen, model=suited(chosen.model, name))
    return scene_trainer(
        with_budget(chosen, None, pairs, objective=name), seed, threads=threads or 1
    )


def accuracy(trainer, data: PictureSet) -> dict:
    """Measure the accuracy of the model as it is just now; training goes on afterwards."""
    trainer.objective.eval()
    if trainer.objective.name in JOINT:
        encoder = ClipbenchEncoder(trainer.model, trainer.tokenizer, trainer.preprocess)
        weights = zero_shot_weights(encoder, data.class_names, TEMPLATES)
        metrics = zero_shot_metrics(image_features(encoder, data), data.labels, weights)
    else:
        rival = RivalEncoder(trainer.objective, trainer.tokenizer, trainer.preprocess)
        features = image_features(rival, data, projected=False)
        metrics = judge_by_scores(
            rival, features, data.labels, data.class_names, TEMPLATES
        ).metrics()
    trainer.set_training()
    return metrics
