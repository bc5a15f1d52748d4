"""Hard negatives of the emoji world: wrong captions that differ in a single thing.

* ``order``: "a cat to the left of a dog", or "a dog to the left of a cat" (as ARO and Winoground);
* ``number``: one, two or three of it (as CountBench);
* ``presence``: "a cat and a dog", or "a cat and a bus" (as SugarCrepe's replaced objects).

Every answer is equally often right, so captions alone do not tell which one it is.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from clipbench.data.world.scene_tasks import (
    TASK_SEED,
    Question,
    concepts_of,
    few,
    pairs,
    scene_task,
)
from clipbench.errors import UserError, did_you_mean

PRESENCE_SEED = TASK_SEED + 900
TEMPLATE = "a photo of {}"


def ask_presence(count: int) -> Question:
    """Ask for A and B; the wrong caption names one thing that is not there.

    It stands in the place of A or B, either equally often.
    """
    factors, a, b = pairs(torch.arange(count), PRESENCE_SEED)
    pool = few()
    which = factors.draws.integer("other thing", len(pool) - 2).tolist()
    swapped = factors.draws.integer("which is replaced", 2).tolist()
    named = zip(concepts_of(a), concepts_of(b), absent(pool, a, b, which), swapped, strict=True)
    phrases = []
    for one, other, wrong, first in named:
        both = (wrong.noun_phrase, other.noun_phrase), (one.noun_phrase, wrong.noun_phrase)
        phrases.append(
            (f"{one.noun_phrase} and {other.noun_phrase}", " and ".join(both[0 if first else 1]))
        )
    return Question(factors, torch.zeros(len(phrases), dtype=torch.int64), phrases)


def absent(pool: Tensor, a: Tensor, b: Tensor, which: list[int]) -> list:
    """Choose for each scene a concept of the pool that is neither A nor B."""
    ids = [
        [number for number in pool.tolist() if number not in shown][place]
        for *shown, place in zip(a.tolist(), b.tolist(), which, strict=True)
    ]
    return concepts_of(torch.tensor(ids))


ASK: dict[str, Callable[[int], Question]] = {
    "order": lambda count: scene_task("word_order").draw(count),
    "number": lambda count: scene_task("count").draw(count),
    "presence": ask_presence,
}


def hard_negative_question(kind: str, count: int) -> Question:
    """Draw about ``count`` scenes with their phrases, the right one of which is labelled.

    Raises:
        UserError: for an unknown kind, and for too few scenes.
    """
    if kind not in ASK:
        raise UserError(
            f"no hard negatives scenes:{kind}{did_you_mean(kind, ASK)}; there are "
            f"{', '.join(f'scenes:{known}' for known in ASK)}"
        )
    return ASK[kind](count)
