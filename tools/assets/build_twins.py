"""Ship a finished run as ``twin:NAME``: half precision, with a note of how it was made.

    clipbench train --preset experiments/tiny-NAME.json --seed 0 --threads 1 --out RUN
    python -m tools.assets.build_twins NAME RUN

Run in the repository's root, where experiments/ is.
"""

import csv
import json
import sys
from pathlib import Path
from statistics import fmean

import torch

from clipbench.errors import UserError
from clipbench.objectives.stored import HEADS, read_objective
from clipbench.pretrained.folders import (
    CHECKPOINTS,
    WEIGHTS,
    find_folder,
    load_pretrained,
    read_json,
    save_pretrained,
)
from clipbench.training.presets import find_preset

LARGEST = 4_000_000  # bytes of weights
POINTS = 10  # losses to note
SMOOTHED = 50  # steps that a noted loss is the mean of


def ship(name: str, run: Path) -> Path:
    """Write the twin's folder and return it.

    Raises:
        UserError: when the run is not finished, not of that preset, or its weights are too large to
            ship.
    """
    file = f"experiments/tiny-{name}.json"
    preset, newest = find_preset(file), find_folder(run)
    recipe = json.loads(json.dumps(preset.to_dict()))  # as it is on the disk, with lists for tuples
    model, tokenizer, preprocess = load_pretrained(newest)
    state = read_json(newest / "checkpoint.json")
    objective = read_objective(newest, model)
    if model.config != preset.model or state["config"] != recipe["train"]:
        raise UserError(f"{run} was trained by another recipe than {file}")
    if state["pairs_seen"] < preset.train.pairs:
        raise UserError(
            f"{run} has seen {state['pairs_seen']} of {preset.train.pairs} pairs: let "
            "it finish first"
        )
    folder = CHECKPOINTS / "twins" / name
    about = how_it_was_made(file, recipe, state, run)
    save_pretrained(folder, model, tokenizer, preprocess, torch.float16, about, objective)
    if (size := weights_size(folder)) > LARGEST:
        raise UserError(
            f"{folder}: {size:,} bytes of weights are more than {LARGEST:,}; make the "
            "preset smaller"
        )
    return folder


def how_it_was_made(file: str, recipe: dict, state: dict, run: Path) -> dict:
    return {
        "command": f"clipbench train --preset {file} --seed {state['seed']} --threads "
        f"{state['threads']}",
        "seed": state["seed"],
        "pairs_seen": state["pairs_seen"],
        "steps": state["step"],
        "training_seconds": round(state["seconds"]),
        "losses": losses(run / "log.csv"),
        "data": state["data"],
        "config": state["config"],
        "scenes": recipe["scenes"],
        **{name: state[name] for name in ("precision", "threads", "torch")},
    }


def losses(file: Path) -> dict[str, float]:
    """Map pairs seen -> mean loss of the steps just before, evenly over the run."""
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    places = [round(len(rows) * (k + 1) / POINTS) for k in range(POINTS)]
    return {
        rows[place - 1]["pairs"]: round(
            fmean(float(row["loss"]) for row in rows[max(0, place - SMOOTHED) : place]), 4
        )
        for place in places
    }


def weights_size(folder: Path) -> int:
    """Give the bytes of the weights of the model and its objective."""
    return sum(
        (folder / name).stat().st_size for name in (WEIGHTS, HEADS) if (folder / name).exists()
    )


if __name__ == "__main__":
    try:
        print(ship(sys.argv[1], Path(sys.argv[2])))
    except UserError as error:
        sys.exit(f"build_twins: {error}")
