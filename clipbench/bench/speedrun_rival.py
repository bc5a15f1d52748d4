"""The speedrun's rivals: open_clip's recipe, with its own model and with the preset's.

The recipe is the loss, AdamW and the schedule.

Data, target, batch and machine are the same; so is the number format (bf16 where the processor is
good at it). Learning rate and warm-up are tuned on ``RATES`` x ``WARMUPS`` with a seed that does
not count; its defaults (5e-4, a warm-up of 10,000 steps) run too, without tuning.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import torch
from torch import nn

from clipbench.bench.contest import report
from clipbench.bench.rival_open_clip import OpenClipTraining, open_clip_model
from clipbench.bench.speedrun_rules import TARGET, Contestant, Run, top1
from clipbench.compute.devices import pick_precision
from clipbench.compute.precision import channels_last
from clipbench.data.image_set import PictureSet
from clipbench.data.streams import ScenePairs
from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.model import CLIP, CLIPConfig, ResNetConfig, TransformerConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import empty_model, world_tokenizer
from clipbench.pretrained.weight_names import OPENAI_RESNET
from clipbench.pretrained.weights import assign
from clipbench.training.presets import Preset, find_preset

RATES = (5e-4, 1e-3, 2e-3, 4e-3)
WARMUPS = (0.02, 0.1)  # fractions of the budget
DEFAULT_RATE, DEFAULT_WARMUP_STEPS = 5e-4, 10_000
TUNING_SEED = 1000

# what open_clip has nearest to the tiny model, which is a ConvNet with a bag of words
OWN_MODEL = CLIPConfig(
    128,
    ResNetConfig(64, layers=(1, 1, 1, 1), width=16, heads=8),
    TransformerConfig(4096, 32, 128, depth=1, heads=4, activation="gelu"),
)


@dataclass(frozen=True)
class Recipe:
    """One way to train: a model, a rate and a warm-up, as a fraction of the budget or in steps."""

    model: Callable[[], nn.Module]
    config: CLIPConfig
    preset: Preset
    rate: float = DEFAULT_RATE
    warmup: float | int = DEFAULT_WARMUP_STEPS


def rivals(
    preset: str, budgets: Sequence[int], tune_pairs: int, threads: int | None, data: PictureSet
) -> tuple[dict[str, Contestant], dict[str, dict]]:
    """Make the rivals: (name -> contestant, name -> how it was tuned)."""
    ours = find_preset(preset)
    own = Recipe(lambda: open_clip_model(OWN_MODEL), OWN_MODEL, ours)
    recipes = {
        "open_clip": own,
        "open_clip_recipe_on_our_model": Recipe(lambda: CLIP(ours.model), ours.model, ours),
    }
    tuned = {
        name: tune(name, recipe, tune_pairs, threads, data) for name, recipe in recipes.items()
    }
    best = {name: recipe for name, (recipe, _) in tuned.items()} | {"open_clip_defaults": own}
    contestants = {name: ladder(recipe, budgets, threads, data) for name, recipe in best.items()}
    return contestants, {name: grid for name, (_, grid) in tuned.items()}


def tune(
    name: str, recipe: Recipe, pairs: int, threads: int | None, data: PictureSet
) -> tuple[Recipe, dict]:
    """Tune the learning rate and the warm-up on the grid.

    It gives (the recipe with the best pair, the whole grid).
    """
    grid = []
    for rate, warmup in product(RATES, WARMUPS):
        run = train(replace(recipe, rate=rate, warmup=warmup), pairs, TUNING_SEED, threads, data)
        grid.append({"rate": rate, "warmup": warmup, "top1": run.top1})
        report(
            f"tuning {name}: {run.top1:.1%} with rate {rate:g}, warm-up {warmup:g} "
            f"after {pairs:,} pairs"
        )
    best = max(grid, key=lambda point: point["top1"])
    chosen = replace(recipe, rate=best["rate"], warmup=best["warmup"])
    told = {"rate": best["rate"], "warmup": best["warmup"], "tuning_pairs": pairs, "grid": grid}
    return chosen, told


def ladder(
    recipe: Recipe, budgets: Sequence[int], threads: int | None, data: PictureSet
) -> Contestant:
    """Train with each budget from scratch until one reaches the target.

    Only that run counts, or the last one.
    """

    def climb(seed: int) -> Run:
        for pairs in budgets:
            run = train(recipe, pairs, seed, threads, data)
            report(f"a budget of {pairs:,} pairs: {run.top1:.1%} in {run.seconds:.1f} s")
            if run.top1 >= TARGET:
                break
        return run

    return climb


def train(recipe: Recipe, pairs: int, seed: int, threads: int | None, data: PictureSet) -> Run:
    """Train once from random weights; the clock runs over drawing and training."""
    torch.set_num_threads(threads or torch.get_num_threads())
    torch.manual_seed(seed)
    size, batch = recipe.config.image_size, recipe.preset.train.batch_size
    stream = ScenePairs(seed, recipe.preset.scenes, recipe.preset.tiny_world, size)
    tokenizer, preprocess = world_tokenizer(recipe.config.context_length), Preprocess(size)
    training = OpenClipTraining(channels_last(recipe.model()), better_precision())
    steps = math.ceil(pairs / batch)
    warmup = recipe.warmup if isinstance(recipe.warmup, int) else round(recipe.warmup * steps)
    began = time.monotonic()
    for step in range(steps):
        drawn = stream(step * batch, batch)
        images = preprocess.normalise(drawn.images).contiguous(memory_format=torch.channels_last)
        training.set_learning_rate(recipe.rate * rate_factor(step, steps, warmup))
        training.step(images, tokenizer(drawn.captions, pad_to=recipe.config.context_length))
    seconds = time.monotonic() - began
    encoder = ClipbenchEncoder(as_ours(training.model, recipe.config), tokenizer, preprocess)
    return Run(seed, steps * batch, seconds, top1(encoder, data))


def better_precision() -> str:
    """Choose bf16 where that is fast, else fp32.

    open_clip's own default, float16, is slow on processors.
    """
    return "bf16" if pick_precision("cpu") == "bf16" else "fp32"


def rate_factor(step: int, steps: int, warmup: int) -> float:
    """Compute the factor on the learning rate, as open_clip's cosine_lr does.

    It is a linear warm-up by steps, then a half cosine over the rest of the run.
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def as_ours(model: nn.Module, config: CLIPConfig) -> CLIP:
    """Convert the trained model to this package's classes, to be judged like any other."""
    if isinstance(model, CLIP):
        return model.eval()
    ours = empty_model(config, "open_clip's model")
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    state.pop("attn_mask", None)
    assign(ours, state, OPENAI_RESNET, Path("open_clip's model"))
    return ours.eval()
