"""A data set classified anew after one template was edited.

It works from cached vectors, on one and on two threads.
"""

import statistics
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from clipbench.bench.contest import ratio, take_turns
from clipbench.compute.limits import allowed_cores
from clipbench.evaluate.features.prompts import Ensemble
from clipbench.evaluate.zero_shot import judge_zero_shot


def rescoring(
    threads: int | None = None,
    pictures: int = 50_000,
    classes: int = 1000,
    templates: int = 80,
    width: int = 512,
    rounds: int = 5,
) -> dict:
    """Time the way from an edited template's vectors to top-1 and top-5 with intervals.

    In float32, products included.

    Pictures and prompts are random unit vectors: the work does not depend on what they are.
    ``ours`` keeps the sum of each class's prompts and exchanges one; ``from_all_prompts`` averages
    all of them again and sorts all scores, as notebooks do. Encoding the edited template's texts is
    the model's time and is left out of both.

    Args:
        threads: of torch; by default one, and two where there are two cores.
    """
    generator = torch.Generator().manual_seed(0)
    images, old, new = (
        F.normalize(torch.randn(*shape, width, generator=generator), dim=-1)
        for shape in ((pictures,), (templates, classes), (classes,))
    )
    labels = torch.randint(0, classes, (pictures,), generator=generator)
    edit = Edit(images, labels, old, new)
    counts = [threads] if threads else [1, 2] if allowed_cores() > 1 else [1]
    return {
        "pictures": pictures,
        "classes": classes,
        "templates": templates,
        "width": width,
        "rounds": rounds,
        "precision": "fp32",
        **{f"threads_{count}": timed(edit, count, rounds) for count in counts},
    }


class Edit:
    """The first template is edited there and back again."""

    def __init__(self, images: Tensor, labels: Tensor, prompts: Tensor, edited: Tensor):
        self.images, self.labels, self.prompts, self.edited = images, labels, prompts, edited
        self.ensemble = Ensemble(prompts)
        self.shown, self.hidden = prompts[0].clone(), edited

    def ours(self) -> dict:
        self.ensemble.exchange(self.shown, self.hidden)
        self.shown, self.hidden = self.hidden, self.shown
        return judge_zero_shot(self.images, self.labels, self.ensemble.weights()).metrics()

    def from_all_prompts(self) -> dict:
        self.prompts[0] = self.shown
        weights = F.normalize(F.normalize(self.prompts, dim=-1).mean(0), dim=-1)
        best = (self.images @ weights.T).topk(min(5, weights.shape[0]), dim=1).indices
        hits = best == self.labels[:, None]
        return {"top1": float(hits[:, 0].float().mean()), "top5": float(hits.any(1).float().mean())}


def timed(edit: Edit, threads: int, rounds: int) -> dict:
    """Measure the median seconds of each way; their numbers must be the same."""
    torch.set_num_threads(threads)
    ways: dict[str, Callable] = {"ours": edit.ours, "from_all_prompts": edit.from_all_prompts}
    seconds = take_turns(ways, rounds)
    ours, theirs = edit.ours(), edit.from_all_prompts()
    return {
        "seconds": statistics.median(seconds["ours"]),
        "slowest": max(seconds["ours"]),
        "seconds_from_all_prompts": statistics.median(seconds["from_all_prompts"]),
        "times_faster": ratio(seconds["from_all_prompts"], seconds["ours"]),
        "top1_differs_by": abs(ours["top1"] - theirs["top1"]),
    }
