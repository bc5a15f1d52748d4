"""CLIP from scratch, as fast as it goes: seconds until the tiny preset knows the tiny world.

The rules. Target: ``TARGET`` zero-shot top-1 over the 256 concepts of ``scenes:heldout256`` (all
5,000 scenes, the data's ten templates, embedding ensemble). A run's budget in pairs is fixed before
it starts, and its model is judged once, when the budget is used. The clock runs while the trainer
does, drawing of scenes included; importing, choosing the number of threads and judging are outside.
A record stands on at least five seeds, and only when the lower end of their mean accuracy's 95 %
Student interval reaches the target. The current record is in EXPERIMENTS.md.
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict

import torch

from clipbench.bench.contest import report
from clipbench.bench.objectives import whole_run
from clipbench.bench.speedrun_rules import PAIRS, SEEDS_OF_A_RECORD, TARGET, Contestant, Run, top1
from clipbench.data.image_set import PictureSet
from clipbench.data.open import open_pictures
from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.errors import UserError
from clipbench.evaluate.statistics.intervals import with_student


def speedrun(
    threads: int | None = None,
    seeds: int = SEEDS_OF_A_RECORD,
    pairs: int = PAIRS,
    preset: str = "tiny",
    against: str | None = None,
    rival_pairs: Sequence[int] = (),
    tune_pairs: int | None = None,
    pictures: int = 5000,
) -> dict:
    """Time the tiny preset's training to 90 % of 256 concepts, over several seeds.

    open_clip's recipe takes turns with it.

    Args:
        pairs: the budget of each run.
        rival_pairs: budgets for open_clip's recipes, tried in this order until one reaches the
            target; ``pairs`` and up to eight times that unless told otherwise.
        tune_pairs: budget of each point of the rivals' grid; half of ``pairs`` unless told
            otherwise.
        pictures: fewer than 5,000 are for trying it out; nothing that they give is a record.
    """
    data = open_pictures("scenes:heldout256").subset(range(pictures))
    contestants = {"ours": lambda seed: train_ours(preset, pairs, seed, threads, data)}
    grids: dict[str, dict] = {}
    if against == "open_clip":
        from clipbench.bench.speedrun_rival import rivals

        budgets = tuple(rival_pairs) or tuple(pairs * 2**k for k in range(4))
        others, grids = rivals(preset, budgets, tune_pairs or pairs // 2, threads, data)
        contestants |= others
    runs = in_turns(contestants, seeds)
    found = {name: summary(each, pictures) for name, each in runs.items()}
    for name in found.keys() - {"ours"}:
        found[name]["times_slower_than_ours"] = times_slower(runs[name], runs["ours"])
    for name, grid in grids.items():
        found[name] |= grid
    return {
        "target": TARGET,
        "data": data.name,
        "pictures": pictures,
        "preset": preset,
        "seeds": seeds,
        "threads": torch.get_num_threads(),
        **found,
    }


def in_turns(contestants: dict[str, Contestant], seeds: int) -> dict[str, list[Run]]:
    """Run every contestant with each seed, in turns.

    Who starts changes with the seed, so a busy machine is busy for all.
    """
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for seed in range(seeds):
        for name in contestants if seed % 2 == 0 else reversed(contestants):
            runs[name].append(run := contestants[name](seed))
            report(
                f"{name}, seed {seed}: {run.top1:.1%} after {run.pairs:,} pairs in "
                f"{run.seconds:.1f} s"
            )
    return runs


def train_ours(preset: str, pairs: int, seed: int, threads: int | None, data: PictureSet) -> Run:
    from clipbench.training.presets import find_preset, scene_trainer, with_budget

    trainer = scene_trainer(with_budget(find_preset(preset), None, pairs), seed, threads=threads)
    if trainer.config.objective != "contrastive":
        raise UserError(
            f"{preset} trains with {trainer.config.objective}; the speedrun is for "
            "contrastive models"
        )
    end = whole_run(trainer)
    encoder = ClipbenchEncoder(trainer.model, trainer.tokenizer, trainer.preprocess)
    return Run(seed, end["pairs"], end["seconds"], top1(encoder, data))


def summary(runs: Sequence[Run], pictures: int) -> dict:
    """Summarise the runs: means over the seeds with 95 % Student intervals, and every run.

    It also says whether the runs meet the conditions of a record.
    """
    seconds, accuracies = [run.seconds for run in runs], [run.top1 for run in runs]
    pairs = statistics.fmean(run.pairs for run in runs)
    told = with_student("seconds", seconds) | {"pairs": pairs} | with_student("top1", accuracies)
    return told | {
        "reached": sum(run.top1 >= TARGET for run in runs),
        "stands": len(runs) >= SEEDS_OF_A_RECORD
        and pictures == 5000
        and told["top1_low"] >= TARGET,
        "runs": [asdict(run) for run in runs],
    }


def times_slower(theirs: Sequence[Run], ours: Sequence[Run]) -> float | None:
    """Give the median over the seeds of the ratio of seconds.

    It is None where a run of either contestant missed the target.
    """
    if any(run.top1 < TARGET for run in (*theirs, *ours)):
        return None
    return statistics.median(
        slow.seconds / fast.seconds for slow, fast in zip(theirs, ours, strict=True)
    )
