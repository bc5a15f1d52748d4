"""Questions about scenes of the second world, on concept pairs that training never shows together.

Each is asked in a wording of training and in one that training never has. Every scene has its
partner in the questions, of which another answer is right, so that the texts alone say nothing.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from clipbench.data.image_set import PictureSet
from clipbench.data.world.evaluation_sets import EVALUATION_SEED
from clipbench.data.world.factors import training_pool
from clipbench.data.world.scene_tasks import (
    AS_IT_IS,
    TEMPLATES,
    Question,
    SceneTask,
    about_subject,
    concepts_of,
)
from clipbench.data.world2.captions import NUMBERS
from clipbench.data.world2.evaluation_sets import Labelled
from clipbench.data.world2.scenes import (
    LAYOUT_NAMES,
    Scenes,
    draw_scenes,
    is_held_out_pair,
    several_of,
)
from clipbench.data.world2.settings import CONTRASTS, KINDS, World2, one_kind

SEED = EVALUATION_SEED + 6000  # even numbers from here on draw test scenes, odd ones a probe's
PHOTO = (1.0, 0, 0, 0, 0, 0, 0)
MOST_COUNTED = 5


class SceneTask2(SceneTask):
    """A question about scenes of the second world."""

    @property
    def seed(self) -> int:
        return SEED + 2 * list(TASKS2).index(self.name)

    def pictures(self, question: Question, training: bool = False) -> PictureSet:
        name = f"scenes2:task-{self.name}{'-train' if training else ''}"
        answers = [str(number) for number in range(self.answers)]
        return Labelled(question.factors, question.labels, answers).pictures(name)


def countable_pool() -> Tensor:
    """List the ids of the tiny world's concepts that captions count."""
    pool = training_pool(tiny=True)
    return pool[several_of()[pool]]


def partners(
    index: Tensor, seed: int, contrast: str, replaced: float = 0.0
) -> tuple[Scenes, Tensor]:
    """Draw partners of concept pairs that training never shows together.

    Returns:
        (photos that differ in ``contrast`` only, the second thing of each, absent or not).
    """
    weights = tuple(float(name == contrast) for name in CONTRASTS)
    world = World2(styles=PHOTO, partners=1.0, contrasts=weights, hold_out=False, replaced=replaced)
    scenes = draw_scenes(index, seed, world, countable_pool())
    other = torch.where(scenes.absent >= 0, scenes.absent, scenes.other)
    kept = (other >= 0) & is_held_out_pair(scenes.concept, other.clamp(min=0))
    return scenes.rows(kept), other[kept]


def two_named(scenes: Scenes, other: Tensor, forms: Sequence[str]) -> list[tuple[str, ...]]:
    """Fill each form with both things, with an article as {0} and {1} and bare as {2} and {3}."""
    both = zip(concepts_of(scenes.concept), concepts_of(other), strict=True)
    return [
        tuple(form.format(a.noun_phrase, b.noun_phrase, a.name, b.name) for form in forms)
        for a, b in both
    ]


def ask_order(beside: str, stacked: str) -> Callable[[Tensor, int], Question]:
    """Ask which of two things is left, or above; {0} is, than {1}."""

    def ask(index: Tensor, seed: int) -> Question:
        scenes, other = partners(index, seed, "order")
        labels = 1 * (scenes.objects[:, 0] != scenes.concept)
        vertical = (scenes.layout == LAYOUT_NAMES.index("vertical")).tolist()
        across, down = (
            two_named(
                scenes, other, (form, form.replace("0", "x").replace("1", "0").replace("x", "1"))
            )
            for form in (beside, stacked)
        )
        phrases = [down[row] if up else across[row] for row, up in enumerate(vertical)]
        return Question(scenes, labels, phrases)

    return ask


def ask_number(form: str) -> Callable[[Tensor, int], Question]:
    """Ask which of two things is there how often.

    One cat and two dogs, or two cats and one dog.
    """

    def ask(index: Tensor, seed: int) -> Question:
        scenes, other = partners(index, seed, "numbers swapped")
        fewer = torch.minimum(scenes.count, scenes.other_count).tolist()
        more = torch.maximum(scenes.count, scenes.other_count).tolist()
        both = zip(concepts_of(scenes.concept), concepts_of(other), strict=True)
        phrases = [
            tuple(
                form.format(quantity(a, m), quantity(b, n)) for m, n in ((low, high), (high, low))
            )
            for (a, b), low, high in zip(both, fewer, more, strict=True)
        ]
        return Question(scenes, 1 * (scenes.count > scenes.other_count), phrases)

    return ask


def quantity(concept, count: int) -> str:
    return concept.noun_phrase if count == 1 else f"{NUMBERS[count]} {concept.plural}"


def ask_denial(present: str, denied: str, replaced: bool) -> Callable[[Tensor, int], Question]:
    """Ask whether the second thing is there, or said not to be.

    Args:
        replaced: then a third thing stands in its place, so that counting things does not help.
    """

    def ask(index: Tensor, seed: int) -> Question:
        scenes, other = partners(index, seed, "presence", float(replaced))
        if replaced:
            both = (scenes.other[1::2] >= 0).repeat_interleave(2)
            scenes, other = scenes.rows(both), other[both]
        return Question(scenes, 1 * scenes.second, two_named(scenes, other, (present, denied)))

    return ask


def ask_count(index: Tensor, seed: int) -> Question:
    """Ask how many there are of a thing, from one to five."""
    kinds = (0.2, 0.8, 0.0, 0.0, 0.0)
    world = World2(
        kinds=kinds, counts=(1, 1, 1, 1), styles=PHOTO, partners=0.0, hold_out=False, denials=0.0
    )
    scenes = draw_scenes(index, seed, world, countable_pool())
    phrases = [
        tuple(quantity(concept, count) for count in range(1, MOST_COUNTED + 1))
        for concept in concepts_of(scenes.concept)
    ]
    return Question(scenes, scenes.count - 1, phrases)


def ask_distance(index: Tensor, seed: int) -> Question:
    """Ask how far away a thing stands on the ground: no caption of training says it."""
    scenes = draw_scenes(index, seed, one_kind("ground", styles=PHOTO), countable_pool())
    scenes = scenes.rows(scenes.kind == KINDS.index("ground"))
    forms = ("{} very close", "{} near", "{} far away", "{} very far away")
    return Question(scenes, scenes.distance, about_subject(scenes, forms))


DENIAL = "{0} and {1}", "{0} and no {3}"

# -------------------- wordings that training never has

NEW_ORDER = "{0} on the left and {1} on the right", "{0} at the top and {1} at the bottom"
NEW_NUMBER = "{} together with {}"
NEW_DENIAL = "both {0} and {1}", "{0}, not {1}"

RARE = 0.1  # of all pairs of concepts are held out
TASKS2 = {
    task.name: task
    for task in (
        SceneTask2(
            "order", "A left of B, or B left of A", 2,
            ask_order("{0} to the left of {1}", "{0} above {1}"), TEMPLATES, RARE,
        ),
        SceneTask2(
            "order_reworded", "the same in a wording never trained", 2, ask_order(*NEW_ORDER),
            TEMPLATES, RARE,
        ),
        SceneTask2(
            "number", "one A and two Bs, or the reverse", 2, ask_number("{} and {}"),
            TEMPLATES, RARE,
        ),
        SceneTask2(
            "number_reworded", "the same in a wording never trained", 2, ask_number(NEW_NUMBER),
            TEMPLATES, RARE,
        ),
        SceneTask2(
            "denial", "A and B, or A and no B, but a third thing", 2,
            ask_denial(*DENIAL, replaced=True), TEMPLATES, RARE,
        ),
        SceneTask2(
            "denial_reworded", "the same in a wording never trained", 2,
            ask_denial(*NEW_DENIAL, replaced=True), TEMPLATES, RARE,
        ),
        SceneTask2(
            "denial_alone", "A and B, or A alone and no B", 2,
            ask_denial(*DENIAL, replaced=False), TEMPLATES, RARE,
        ),
        SceneTask2("count", "one to five of it", MOST_COUNTED, ask_count),
        SceneTask2("distance", "how far away on the ground", 4, ask_distance, AS_IT_IS),
    )
}  # fmt: skip
