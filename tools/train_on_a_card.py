"""Train the classroom model on a card within a time limit.

It leaves weights that are small enough to ship:

    python tools/train_on_a_card.py --out card --minutes 9

All of it, from the first import to the last file, keeps within the minutes: the training gets what
measuring and writing leave. In the folder are the model (weights in float16) and ``measured.json``,
with what was measured.
"""

import time

BEGAN = time.monotonic()  # imports count, too

import argparse  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from dataclasses import asdict  # noqa: E402
from pathlib import Path  # noqa: E402

import torch  # noqa: E402

import clipbench  # noqa: E402
from clipbench.compute.devices import pick_device  # noqa: E402
from clipbench.pretrained.folders import save_pretrained  # noqa: E402
from clipbench.training.presets import Preset, find_preset, scene_trainer, with_budget  # noqa: E402

LARGEST = 16_000_000  # bytes of weights
RESERVE = 45.0  # seconds for measuring and writing
DATA = ("scenes:heldout", "twemoji", "openmoji")


def main(argv: list[str] | None = None, began: float = BEGAN) -> dict:
    arguments = parser().parse_args(argv)
    device = pick_device(arguments.device)
    preset = find_preset(arguments.preset)
    check_size(preset)
    seconds = 60 * arguments.minutes - arguments.reserve - (time.monotonic() - began)
    if seconds <= 0:
        raise clipbench.UserError(
            f"{arguments.minutes:g} minutes leave no time to train in; give more"
        )
    changes = {"batch_size": arguments.batch_size} if arguments.batch_size else {}
    trainer = scene_trainer(
        with_budget(preset, seconds / 60, None, **changes), arguments.seed, device=device
    )
    steps: list[dict] = []
    trainer.callbacks.append(
        lambda event: steps.append(event) if event["event"] == "step" else None
    )
    end = trainer.run()
    trainer.model.eval()
    save_pretrained(
        arguments.out, trainer.model, trainer.tokenizer, trainer.preprocess, torch.float16
    )
    measured = {
        **about(device, trainer, arguments),
        **speed(end, steps, device),
        "accuracy": accuracies(arguments.out, arguments.pictures),
        "bytes": sum(file.stat().st_size for file in arguments.out.glob("*.safetensors")),
        "seconds_of_all": round(time.monotonic() - began, 1),
    }
    (arguments.out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n")
    return measured


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=9.0, help="for everything (default 9)")
    parser.add_argument(
        "--preset", default="classroom", help="a name or a .json file (default classroom)"
    )
    parser.add_argument("--batch-size", type=int, help="(default: the preset's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--pictures", type=int, default=2000, help="of each evaluation (default 2000)"
    )
    parser.add_argument(
        "--reserve",
        type=float,
        default=RESERVE,
        metavar="SECONDS",
        help=f"for measuring and writing (default {RESERVE:g})",
    )
    return parser


def check_size(preset: Preset) -> None:
    """Check that a model is small enough to ship, before any time is spent on it.

    Raises:
        UserError: for a model whose weights would be too large to ship.
    """
    with torch.device("meta"):
        size = 2 * sum(weight.numel() for weight in clipbench.CLIP(preset.model).parameters())
    if size > LARGEST:
        limit = f"at most {LARGEST / 1e6:g} can be shipped"
        raise clipbench.UserError(f"{size / 1e6:.1f} MB of weights in float16; {limit}")


def about(device: torch.device, trainer: clipbench.Trainer, arguments: argparse.Namespace) -> dict:
    return {
        "card": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "torch": torch.__version__,
        "precision": trainer.precision,
        "preset": arguments.preset,
        "seed": arguments.seed,
        "minutes": arguments.minutes,
        "recipe": asdict(trainer.config),
    }


def speed(end: dict, steps: list[dict], device: torch.device) -> dict:
    """Summarise the pairs, rate and memory of the training, and its loss at twenty places."""
    every = max(1, len(steps) // 20)
    return {
        "pairs": end["pairs"],
        "seconds_of_training": round(end["seconds"], 1),
        "pairs_per_second": round(end["pairs"] / max(end["seconds"], 1e-9), 1),
        "loss": [[step["pairs"], round(step["loss"], 4)] for step in steps[::every]],
        "peak_memory": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }


def accuracies(folder: Path, pictures: int) -> dict[str, dict]:
    """Measure zero-shot metrics of the written model, as it will be loaded."""
    encoder = clipbench.load(folder, precision="fp32")
    found = {}
    for name in DATA:
        data = clipbench.open_pictures(name)
        data = data.subset(range(min(pictures, len(data))))
        weights = clipbench.zero_shot_weights(encoder, data.class_names, data.templates)
        features = clipbench.image_features(encoder, data)
        found[name] = clipbench.zero_shot_metrics(features, data.labels, weights)
    return found


if __name__ == "__main__":
    try:
        print(json.dumps(main()))
    except clipbench.UserError as error:
        sys.exit(f"train_on_a_card: {error}")
