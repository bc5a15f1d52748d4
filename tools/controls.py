"""Measure claims with the controls that could explain them away, for docs/findings.md.

    python -m tools.controls [NAME ...]

It writes records into clipbench/assets/records. ``new-name``: things are named by names that
no caption gave them; the controls are an untrained text encoder, and one word of each name alone.
``maps``: the quarter of a picture that a map calls most important is covered, and the cosine with
the own name falls; the controls are maps that need no model (lesson 12). ``untrained``: the scene
tasks by probes of an untrained network, as the other models of figure 10 are probed.
"""

import sys
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from clipbench.data.open import open_labelled
from clipbench.data.probe_splits import drawn
from clipbench.data.world.factors import HELD_OUT_NAMES
from clipbench.data.world.scene_tasks import TASKS
from clipbench.encoders.clip import ClipbenchEncoder, load, untrained
from clipbench.evaluate.baselines import PREFIX
from clipbench.evaluate.features.feature_file import cached_image_features
from clipbench.evaluate.records.record import make_record, shipped_records, write_record
from clipbench.evaluate.scene_tasks import scene_task_metrics
from clipbench.evaluate.statistics.intervals import with_interval, with_student
from clipbench.evaluate.zero_shot import judge_zero_shot, zero_shot_weights
from clipbench.inside import attention_maps, on_grid, rollout

PICTURES = 200  # of the contest of maps
COVERED = 1 / 4  # of the patches
SUITE = 400, 800  # test and training scenes of a task, as of the other models' records
Maps = Float[Tensor, "B H W"]


# -------------------- names that no caption gave


def new_name(encoder: ClipbenchEncoder) -> dict[str, float]:
    """Measure top-1 by the whole names, by one word of each new name, and by untrained texts."""
    data = open_labelled("scenes:heldout-name")
    features = cached_image_features(encoder, data)
    copy = untrained(encoder)
    assert copy is not None  # a model of this package has one
    wordings = {
        "top1": (encoder, data.class_names),
        f"{PREFIX}first_word": (encoder, shortened(data.class_names, 0)),
        f"{PREFIX}last_word": (encoder, shortened(data.class_names, -1)),
        f"{PREFIX}untrained_text": (copy, data.class_names),
    }
    found = {"chance": data.chance, "pictures": len(data), "classes": len(data.class_names)}
    for name, (texts, names) in wordings.items():
        weights = zero_shot_weights(texts, names, data.templates, progress=False)
        right = judge_zero_shot(features, data.labels, weights).correct
        found |= with_interval(name, int(right.sum()), len(data))
    return found


def shortened(names: Sequence[str], place: int) -> list[str]:
    """Leave one word of each name that no caption gave, and the other names as they are."""
    return [name.split()[place] if name in HELD_OUT_NAMES else name for name in names]


# -------------------- maps of what matters


def maps(encoder: ClipbenchEncoder) -> dict[str, float]:
    """Measure how far the cosine falls under each map's quarter; Student's over the pictures."""
    data = drawn(open_labelled("scenes:heldout"), PICTURES)
    inputs = encoder.preprocess(data.pictures(range(len(data))))
    names = [data.class_names[label] for label in data.labels.tolist()]
    own = encoder.encode_text([f"a photo of a {name}" for name in names])
    before = (encoder.encode_image(inputs) * own).sum(1)
    found = {"pictures": len(data), "cosine": float(before.mean())}
    for name, marked in contest(encoder, inputs).items():
        after = (encoder.encode_image(covered(inputs, marked)) * own).sum(1)
        found |= with_student(name, (before - after).tolist())
    return found


def contest(encoder: ClipbenchEncoder, inputs: Float[Tensor, "B 3 S S"]) -> dict[str, Maps]:
    """Make the maps, a number for each patch: the model's, and those without a model."""
    attention = attention_maps(encoder.model.image_encoder, inputs)
    flow = on_grid(rollout(attention)[:, 0])
    side = flow.shape[-1]
    return {
        "fall/rollout": flow,
        "fall/last_layer": on_grid(attention[-1, :, :, 0].mean(1)),
        f"{PREFIX}middle": middle(side).expand_as(flow),
        f"{PREFIX}unlike_border": unlike_border(inputs, side),
        f"{PREFIX}random": torch.rand(flow.shape, generator=torch.Generator().manual_seed(0)),
    }


def middle(side: int) -> Float[Tensor, "H W"]:
    """Give each patch's closeness to the middle of the picture."""
    steps = torch.arange(side) - (side - 1) / 2
    return -(steps[:, None] ** 2 + steps[None, :] ** 2)


def unlike_border(inputs: Float[Tensor, "B 3 S S"], side: int) -> Maps:
    """Measure how far each patch's colours are from the mean colour of the picture's border."""
    edges = [inputs[:, :, 0], inputs[:, :, -1], inputs[:, :, :, 0], inputs[:, :, :, -1]]
    border = torch.cat(edges, 2).mean(2)[:, :, None, None]
    return F.adaptive_avg_pool2d((inputs - border).abs().mean(1, keepdim=True), side)[:, 0]


def covered(inputs: Float[Tensor, "B 3 S S"], marked: Maps) -> Float[Tensor, "B 3 S S"]:
    """Turn the patches with the largest values into the mean colour."""
    count, side = round(marked[0].numel() * COVERED), marked.shape[-1]
    keep = torch.ones(len(marked), side * side)
    keep.scatter_(1, marked.flatten(1).topk(count).indices, 0)
    return inputs * F.interpolate(keep.view(-1, 1, side, side), size=inputs.shape[-2:])


# -------------------- an untrained network among the models of figure 10


def untrained_suite(encoder: ClipbenchEncoder) -> dict[str, float | str]:
    """Probe an untrained network as the other models of figure 10 are probed."""
    copy = untrained(encoder)
    assert copy is not None
    return {
        f"{task.name}/{key}": value
        for task in TASKS.values()
        for key, value in scene_task_metrics(copy, task, *SUITE, progress=False).items()
    }


MEASURED: dict[str, tuple[str, str, Callable[[ClipbenchEncoder], dict]]] = {
    # name -> (record, model, measure)
    "new-name": ("classroom-new-name", "classroom", new_name),
    "maps": ("classroom-maps", "classroom", maps),
    "untrained": ("suite-untrained", "tiny", untrained_suite),
}


def main(names: Sequence[str]) -> None:
    for name in names or MEASURED:
        record, model, measure = MEASURED[name]
        began, encoder = time.perf_counter(), load(model, "cpu", "fp32")
        metrics = measure(encoder)
        made = make_record(
            metrics,
            {"task": name, "model": model},
            encoder.fingerprint,
            time.perf_counter() - began,
        )
        made["command"] = f"python -m tools.controls {name}"
        write_record(shipped_records() / f"{record}.json", made)
        print(f"{record}: {metrics}")


if __name__ == "__main__":
    main(sys.argv[1:])
