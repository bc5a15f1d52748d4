"""How many artists does it take? One maker, two, three, five, and five with icons.

    python -m tools.makers --out makers --seeds 0 1 2

Every arm trains the tiny model on equal pairs of single things, once by their captions and once by
their labels, and is judged on scenes by its own kind of makers and by those that no arm has seen.
With ``--looks`` an arm trains until each of its drawings has been seen so often, instead.
A model is trained once: its numbers stand in ``OUT/ARM-OBJECTIVE-SEED.json``, and a run that was
stopped goes on with the next one.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from clipbench.bench.objectives import whole_run
from clipbench.data.image_set import PictureSet
from clipbench.data.world.drawings import EMOJI_SETS
from clipbench.data.world.factors import training_pool
from clipbench.data.world2.album import Album, album_of, held_out_album, held_out_icons
from clipbench.data.world2.evaluation_sets import SEED, things
from clipbench.data.world2.settings import World2, one_kind
from clipbench.encoders.clip import ClipbenchEncoder, RivalEncoder
from clipbench.evaluate.features.compute import image_features
from clipbench.evaluate.zero_shot import judge_by_scores, zero_shot_metrics, zero_shot_weights
from clipbench.files import atomic_write
from clipbench.objectives import JOINT, suited
from clipbench.training.presets import PRESETS, Preset, scene_trainer, with_budget

# sets of the makers that each arm adds: Google; Microsoft; EmojiOne; Mozilla and Streamline
ARMS: dict[str, World2] = {
    "one maker": one_kind("one", sets=EMOJI_SETS[:2], icons=0.0),
    "two makers": one_kind("one", sets=EMOJI_SETS[:5], icons=0.0),
    "three makers": one_kind("one", sets=EMOJI_SETS[:7], icons=0.0),
    "five makers": one_kind("one", icons=0.0),
    "five makers and icons": one_kind("one", icons=0.3),
}
OBJECTIVES = ("contrastive", "supervised")
PAIRS, PICTURES = 80_000, 2000
TEMPLATES = ["a drawing of a {}"]


def main(argv: list[str] | None = None) -> None:
    asked = parser().parse_args(argv)
    for seed in asked.seeds:
        for objective in asked.objectives:
            for arm in asked.arms:
                file = asked.out / f"{arm.replace(' ', '-')}-{objective}-{seed}.json"
                if not file.exists():
                    found = measured(arm, objective, seed, asked)
                    atomic_write(file, (json.dumps(found, indent=1) + "\n").encode())
                print(line(json.loads(file.read_text())), flush=True)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--out", type=Path, required=True)
    found.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    found.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    found.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=list(OBJECTIVES))
    found.add_argument("--pairs", type=int, default=PAIRS, help=f"of each arm (default {PAIRS})")
    found.add_argument("--looks", type=float, help="at each drawing, instead of equal pairs")
    found.add_argument("--pictures", type=int, default=PICTURES, help="of each evaluation set")
    found.add_argument("--threads", type=int, default=1)
    return found


def measured(arm: str, objective: str, seed: int, asked: argparse.Namespace) -> dict:
    """Train one arm with one objective and seed, and judge it on every set."""
    drawings = drawings_in(ARMS[arm])
    pairs = round(asked.looks * drawings) if asked.looks else asked.pairs
    trainer = scene_trainer(preset_of(arm, objective, pairs), seed, threads=asked.threads)
    end = whole_run(trainer)
    trainer.objective.eval()
    return {
        "arm": arm,
        "objective": objective,
        "seed": seed,
        "pairs": end["pairs"],
        "drawings": drawings,
        "looks": round(end["pairs"] / drawings, 2),
        "seconds": round(end["seconds"], 1),
        "accuracy": {
            data.name: accuracy(trainer, data) for data in evaluation_sets(asked.pictures)
        },
    }


def preset_of(arm: str, objective: str, pairs: int) -> Preset:
    """Give the tiny recipe for the arm's world; a class needs one caption, a CLIP takes eight."""
    captions = 8 if objective in JOINT else 1
    tiny = PRESETS["tiny"]
    world = replace(ARMS[arm], captions=captions)
    model = suited(tiny.model, objective)
    return with_budget(replace(tiny, model=model, scenes2=world), None, pairs, objective=objective)


def drawings_in(world: World2) -> int:
    """Count the drawings that an arm can show of the tiny world's 256 concepts."""
    album, pool = album_of(world), training_pool(True)
    emoji = int((album.by_set[pool] >= 0).sum())
    return emoji + int(album.icon_count[pool].sum()) if world.icons else emoji


def evaluation_sets(pictures: int) -> Iterator[PictureSet]:
    """Draw single things of the tiny world's concepts, by one maker or group of makers each."""
    pool = training_pool(True)
    by_icons = {each.concept for each in held_out_icons()}
    shown = torch.tensor([number for number in pool.tolist() if number in by_icons])
    albums: dict[str, tuple[torch.Tensor, Album | None]] = {
        "Noto": (pool, album_of(replace(ARMS["one maker"], sets=EMOJI_SETS[:1]))),
        "five makers": (pool, album_of(ARMS["five makers"])),
        "Twemoji": (pool, held_out_album("twemoji")),
        "OpenMoji": (pool, held_out_album("openmoji")),
        f"icons, {len(shown)} classes": (shown, held_out_album("icons")),
    }
    for place, (name, (some, album)) in enumerate(albums.items()):
        labelled = things(torch.arange(pictures), SEED + 100 + 2 * place, some, album)
        yield labelled.pictures(name)


def accuracy(trainer, data: PictureSet) -> float:
    """Measure zero-shot accuracy, or that of the labels' head."""
    if trainer.objective.name in JOINT:
        encoder = ClipbenchEncoder(trainer.model, trainer.tokenizer, trainer.preprocess)
        weights = zero_shot_weights(encoder, data.class_names, TEMPLATES)
        return zero_shot_metrics(image_features(encoder, data), data.labels, weights)["top1"]
    rival = RivalEncoder(trainer.objective, trainer.tokenizer, trainer.preprocess)
    features = image_features(rival, data, projected=False)
    scores = judge_by_scores(rival, features, data.labels, data.class_names, TEMPLATES)
    return scores.metrics()["top1"]


def line(found: dict) -> str:
    numbers = "  ".join(f"{name} {share:.1%}" for name, share in found["accuracy"].items())
    return (
        f"{found['arm']}, {found['objective']}, seed {found['seed']}, {found['pairs']:,} pairs "
        f"({found['looks']} looks): {numbers}"
    )


if __name__ == "__main__":
    main()
