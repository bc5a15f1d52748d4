"""The emoji world as a suite of tasks, one for each thing that scenes are made of.

It is like the paper's suite of 27 data sets. Each task draws scenes from evaluation seeds of its
own and asks a question with K answers. Answers are phrases that become prompts; where a question is
about what a scene shows ("two cats or three?"), every scene has phrases of its own. All answers are
equally often right, so the chance level is 1 / K. Subjects are concepts of the tiny world, so that
every model of this package can be asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from clipbench.data.image_set import PictureSet
from clipbench.data.world.captions import NUMBERS
from clipbench.data.world.evaluation_sets import EVALUATION_SEED, rendered
from clipbench.data.world.factors import (
    COLOURS,
    LAYOUTS,
    SIGNS,
    STYLES,
    Factors,
    SceneConfig,
    draw_factors,
    readable,
    training_pool,
)
from clipbench.data.world.sprites import Concept, concept_ids, concepts
from clipbench.errors import UserError, did_you_mean

# even numbers from here on draw test scenes, odd ones training scenes of probes
TASK_SEED = EVALUATION_SEED + 1000
TEMPLATES = ("{}", "a photo of {}", "a picture of {}", "an image of {}")
SIGN_TEMPLATES = ("a sign that says {}", "the word {}", "a sign with the word {}")
AS_IT_IS = ("{}",)

SINGLE, SAME, PAIR, ONE_AND_TWO = ((1.0, 0, 0, 0), (0, 1.0, 0, 0), (0, 0, 1.0, 0), (0, 0, 0, 1.0))
PHOTO = (1.0, 0, 0, 0, 0, 0, 0)
NO_SIGN = (1.0, 0, 0, 0)
ALONE = SIGNS.index("alone")

SUBJECTS = 64  # concepts, spread over the 256 of the tiny world
FEW = (  # for questions about two things, so that a probe sees every pair often
    "cat",
    "horse",
    "duck",
    "fish",
    "bus",
    "airplane",
    "house",
    "sunflower",
    "banana",
    "guitar",
    "hamburger",
    "crown",
)
SMALLEST_GROUP = 4  # concepts that a group needs to be asked for
SENSES = {  # a word -> the concepts that it may mean
    "mouse": ("mouse", "computer mouse"),
    "tie": ("knot", "necktie"),
    "light": ("feather", "flashlight"),
}
PLACES = (
    "in the middle",
    "on the left",
    "on the right",
    "at the top",
    "at the bottom",
    "in the top left corner",
    "in the top right corner",
    "in the bottom left corner",
    "in the bottom right corner",
)


@runtime_checkable
class Scenes(Protocol):
    """What is in M scenes of a world, as far as every question needs it."""

    concept: Tensor  # (M,) the subjects

    def __len__(self) -> int: ...

    def rows(self, chosen: Tensor) -> "Scenes": ...


SomeScenes = TypeVar("SomeScenes", bound=Scenes)  # of one world


@dataclass(frozen=True)
class Question(Generic[SomeScenes]):
    """Scenes with the right one of K answers for each."""

    factors: SomeScenes
    labels: Int[Tensor, " M"]
    phrases: Sequence[tuple[str, ...]]  # M x K


@dataclass(frozen=True)
class SceneTask:
    """A question about scenes."""

    name: str
    about: str
    answers: int  # K
    # (scene numbers, seed) -> as many questions, or fewer that fit
    ask: Callable[[Tensor, int], Question]
    templates: Sequence[str] = TEMPLATES
    rarest: float = 0.5  # the least share of drawn scenes, times K, that has any one answer

    @property
    def chance(self) -> float:
        return 1 / self.answers

    @property
    def seed(self) -> int:
        return TASK_SEED + 2 * list(TASKS).index(self.name)

    def draw(self, count: int, training: bool = False) -> Question:
        """Draw ``count`` scenes, rounded down so that every answer is right equally often."""
        each = count // self.answers
        if not each:
            raise UserError(
                f"{self.name} has {self.answers} answers: {count} pictures are too few for it"
            )
        question = self.ask(torch.arange(int(2 * count / self.rarest) + 200), self.seed + training)
        rows = balanced(question.labels, each, self.answers)
        phrases = [question.phrases[row] for row in rows.tolist()]
        return Question(question.factors.rows(rows), question.labels[rows], phrases)

    def pictures(self, question: Question, training: bool = False) -> PictureSet:
        """Give the scenes as a set of labelled pictures.

        The class names are numbers, as answers differ between scenes.
        """
        name = f"scenes:task-{self.name}{'-train' if training else ''}"
        return rendered(
            name, question.factors, question.labels, [str(k) for k in range(self.answers)]
        )


def balanced(labels: Int[Tensor, " M"], each: int, answers: int) -> Int[Tensor, " R"]:
    """Give the first ``each`` rows of every answer, in ascending order.

    Raises:
        ValueError: when an answer has fewer.
    """
    rows = [(labels == answer).nonzero()[:each, 0] for answer in range(answers)]
    if any(len(some) < each for some in rows):
        raise ValueError(f"too few scenes of an answer: {[len(some) for some in rows]}, not {each}")
    return torch.cat(rows).sort().values


# -------------------- concepts


def subjects() -> Tensor:
    """Choose (SUBJECTS,) ids of concepts, spread over the tiny world."""
    pool = training_pool(tiny=True)
    return pool[torch.arange(SUBJECTS) * len(pool) // SUBJECTS]


def few() -> Tensor:
    return torch.tensor(sorted(concept_ids()[name] for name in FEW))


def groups() -> dict[str, list[int]]:
    """Map each hypernym to the ids of its concepts in the tiny world, where there are enough."""
    found: dict[str, list[int]] = {}
    for number in training_pool(tiny=True).tolist():
        found.setdefault(concepts()[number].hypernym, []).append(number)
    return {name: ids for name, ids in sorted(found.items()) if len(ids) >= SMALLEST_GROUP}


def short_words() -> Tensor:
    """Choose (32,) ids of concepts with names of at most 8 letters."""
    pool = [
        i
        for i in training_pool(tiny=True).tolist()
        if readable()[i] and len(concepts()[i].name) <= 8
    ]
    return torch.tensor([pool[k * len(pool) // 32] for k in range(32)])


def concepts_of(ids: Tensor) -> list[Concept]:
    return [concepts()[number] for number in ids.tolist()]


def about_subject(factors: Scenes, forms: Sequence[str]) -> list[tuple[str, ...]]:
    """Fill each form with the scene's subject ("a cat")."""
    return [
        tuple(form.format(concept.noun_phrase) for form in forms)
        for concept in concepts_of(factors.concept)
    ]


def single(index: Tensor, seed: int, pool: Tensor, styles: Sequence[float] = PHOTO) -> Factors:
    """Draw scenes of one object without a sign."""
    return draw_factors(index, seed, SceneConfig(SINGLE, tuple(styles), NO_SIGN), pool)


# -------------------- one thing a scene


def ask_concept(index: Tensor, seed: int) -> Question:
    pool = subjects()
    factors = single(index, seed, pool)
    phrases = tuple(concept.noun_phrase for concept in concepts_of(pool))
    return Question(factors, torch.searchsorted(pool, factors.concept), [phrases] * len(index))


def ask_group(index: Tensor, seed: int) -> Question:
    """Ask for the subject's group.

    Groups are dealt, not concepts: the largest has fifty of them, the smallest four.
    """
    names = list(groups())
    factors = single(index, seed, torch.tensor(sorted(sum(groups().values(), []))))
    group = {number: label for label, name in enumerate(names) for number in groups()[name]}
    labels = torch.tensor([group[number] for number in factors.concept.tolist()])
    return Question(factors, labels, [tuple(names)] * len(index))


def ask_count(index: Tensor, seed: int) -> Question:
    drawn = single(index, seed, subjects())
    factors = drawn.with_groups(drawn.concept, 1 + drawn.draws.integer("how many", 3))
    phrases = [
        (concept.noun_phrase, *(f"{NUMBERS[n]} {concept.plural}" for n in (2, 3)))
        for concept in concepts_of(factors.concept)
    ]
    return Question(factors, factors.count - 1, phrases)


def ask_position(index: Tensor, seed: int) -> Question:
    """Ask where the object is.

    Asked of objects that fill at most 0.62 of the side, as captions say it; of larger ones the
    place is not stated.
    """
    factors = keep(single(index, seed, subjects()), lambda f: f.size[:, 0] <= 0.62)
    x, y = factors.x[:, 0], factors.y[:, 0]
    # 0 middle, 1 left or top, 2 right ...
    across, down = (1 * (value < 0.4) + 2 * (value > 0.6) for value in (x, y))
    table = torch.tensor([[0, 3, 4], [1, 5, 7], [2, 6, 8]])  # [across][down] -> a place of PLACES
    return Question(
        factors, table[across, down], about_subject(factors, [f"{{}} {place}" for place in PLACES])
    )


def ask_distance(index: Tensor, seed: int) -> Question:
    """Ask how close the object is.

    Close up, it fills more than 0.85 of the side; else less than 0.6 of it. Both are in the middle.
    """
    drawn = single(index, seed, subjects())
    far = drawn.draws.integer("far", 2)
    size = torch.where(
        far == 1,
        drawn.draws.uniform("far size", 0.42, 0.58),
        drawn.draws.uniform("near", 0.86, 0.96),
    )
    x, y = (
        0.5 + drawn.draws.uniform(f"central {axis}", -0.04, 0.04)[:, None].expand(-1, 3)
        for axis in "xy"
    )
    factors = replace(drawn, size=size[:, None].expand(-1, 3), x=x, y=y)
    return Question(factors, far, about_subject(factors, ("{}, close up", "{} in the middle")))


def ask_colour(index: Tensor, seed: int) -> Question:
    factors = single(index, seed, subjects())
    forms = [f"{{}} on {'an' if name == 'orange' else 'a'} {name} background" for name in COLOURS]
    return Question(factors, factors.colour, about_subject(factors, forms))


def ask_style(index: Tensor, seed: int) -> Question:
    factors = single(index, seed, subjects(), [1.0] * len(STYLES))
    forms = (
        "a photo of {}",
        "a black and white photo of {}",
        "a sketch of {}",
        "a blurry photo of {}",
        "a pixelated photo of {}",
        "an inverted photo of {}",
        "a painting of {}",
    )
    return Question(factors, factors.style, about_subject(factors, forms))


def ask_polysemy(index: Tensor, seed: int) -> Question:
    """Ask which meaning of a word is shown: "a mouse, a mammal" or "a mouse, computer hardware"."""
    senses = {
        concept_ids()[name]: (word, label)
        for word, names in SENSES.items()
        for label, name in enumerate(names)
    }
    factors = single(index, seed, torch.tensor(sorted(senses)))
    words = [senses[number] for number in factors.concept.tolist()]
    phrases = [
        tuple(f"{word}, {concepts()[concept_ids()[name]].hypernym}" for name in SENSES[word])
        for word, _ in words
    ]
    return Question(factors, torch.tensor([label for _, label in words]), phrases)


def keep(factors: Factors, which: Callable[[Factors], Tensor]) -> Factors:
    return factors.rows(which(factors))


# -------------------- two things a scene


def pairs(
    index: Tensor, seed: int, arrangement: Sequence[float] = PAIR
) -> tuple[Factors, Tensor, Tensor]:
    """Draw (scenes, A, B): scenes of two things, and the concepts of these.

    Of the two concepts in each scene A is the one with the smaller number.
    """
    factors = draw_factors(index, seed, SceneConfig(tuple(arrangement), PHOTO, NO_SIGN), few())
    factors = keep(factors, lambda f: f.other >= 0)
    return (
        factors,
        torch.minimum(factors.concept, factors.other),
        torch.maximum(factors.concept, factors.other),
    )


def two_named(first: Tensor, second: Tensor, forms: Sequence[str]) -> list[tuple[str, ...]]:
    """Fill each form with both noun phrases; {0} is the first, {1} the second."""
    both = zip(concepts_of(first), concepts_of(second), strict=True)
    return [tuple(form.format(a.noun_phrase, b.noun_phrase) for form in forms) for a, b in both]


def ask_relation(index: Tensor, seed: int) -> Question:
    factors, a, b = pairs(index, seed)
    vertical, second = factors.layout == list(LAYOUTS).index("vertical"), factors.objects[:, 0] != a
    forms = ("{0} to the left of {1}", "{0} to the right of {1}", "{0} above {1}", "{0} below {1}")
    return Question(factors, 2 * vertical + second, two_named(a, b, forms))


def ask_word_order(index: Tensor, seed: int) -> Question:
    """Ask for one of two orders of the same words.

    A text encoder that only counts words is at chance.
    """
    factors, a, b = pairs(index, seed)
    labels = 1 * (factors.objects[:, 0] != a)
    vertical = (factors.layout == list(LAYOUTS).index("vertical")).tolist()
    beside, stacked = (
        two_named(a, b, (f"{{0}} {words} {{1}}", f"{{1}} {words} {{0}}"))
        for words in ("to the left of", "above")
    )
    phrases = [stacked[row] if up else beside[row] for row, up in enumerate(vertical)]
    return Question(factors, labels, phrases)


def ask_number_of_each(index: Tensor, seed: int) -> Question:
    """Ask whether there are one A and two Bs, or two As and one B.

    The numbers belong to the right things or they do not.
    """
    factors, a, b = pairs(index, seed, ONE_AND_TWO)
    twice = torch.where(factors.concept == a, factors.count, factors.other_count) == 2
    phrases = [
        (f"{one.noun_phrase} and two {other.plural}", f"two {one.plural} and {other.noun_phrase}")
        for one, other in zip(concepts_of(a), concepts_of(b), strict=True)
    ]
    return Question(factors, 1 * twice, phrases)


def ask_negation(index: Tensor, seed: int) -> Question:
    """Ask whether there are A and B, or A and no B.

    Captions of this world never say "no": the question is what a model makes of it.
    """
    pool = few()
    factors = draw_factors(index, seed, SceneConfig((0.5, 0, 0.5, 0), PHOTO, NO_SIGN), pool)
    shift = 1 + factors.draws.integer("absent", len(pool) - 1)
    absent = pool[(torch.searchsorted(pool, factors.concept) + shift) % len(pool)]
    alone = factors.other < 0
    both = zip(
        concepts_of(factors.concept),
        concepts_of(torch.where(alone, absent, factors.other)),
        strict=True,
    )
    phrases = [
        (f"{a.noun_phrase} and {b.noun_phrase}", f"{a.noun_phrase} and no {b.name}")
        for a, b in both
    ]
    return Question(factors, 1 * alone, phrases)


# -------------------- words


def ask_sign_word(index: Tensor, seed: int) -> Question:
    """Ask which of 32 words is written on a sign that stands alone."""
    pool = short_words()
    factors = draw_factors(index, seed, SceneConfig(SINGLE, PHOTO, (0, 0, 0, 1.0)), pool)
    phrases = tuple(concept.name for concept in concepts_of(pool))
    return Question(factors, torch.searchsorted(pool, factors.sign_word), [phrases] * len(index))


def ask_word_or_thing(index: Tensor, seed: int) -> Question:
    """Ask whether it is a thing, or a sign with its name."""
    factors = draw_factors(index, seed, SceneConfig(SINGLE, PHOTO, (0.5, 0, 0, 0.5)), short_words())
    phrases = [
        (concept.noun_phrase, f"a sign that says {concept.name}")
        for concept in concepts_of(factors.concept)
    ]
    return Question(factors, 1 * (factors.sign == ALONE), phrases)


TASKS = {
    task.name: task
    for task in (
        SceneTask("concept", "which of 64 things", SUBJECTS, ask_concept),
        SceneTask("group", "what kind of thing", len(groups()), ask_group, rarest=0.2),
        SceneTask("count", "one, two or three of it", 3, ask_count),
        SceneTask("position", "where in the picture", len(PLACES), ask_position, rarest=0.15),
        SceneTask("distance", "close up or far away", 2, ask_distance),
        SceneTask("relation", "left of, right of, above or below", 4, ask_relation),
        SceneTask("word_order", "A left of B, or B left of A", 2, ask_word_order),
        SceneTask(
            "number_of_each", "one A and two Bs, or the reverse", 2, ask_number_of_each, rarest=0.3
        ),
        SceneTask("colour", "the background's colour", len(COLOURS), ask_colour),
        SceneTask("style", "photo, sketch, painting, ...", len(STYLES), ask_style, AS_IT_IS),
        SceneTask("sign_word", "which of 32 words is written", 32, ask_sign_word, SIGN_TEMPLATES),
        SceneTask(
            "word_or_thing", "the thing, or its name on a sign", 2, ask_word_or_thing, AS_IT_IS
        ),
        SceneTask("negation", "A and B, or A and no B", 2, ask_negation),
        SceneTask("polysemy", "which meaning of a word", 2, ask_polysemy),
    )
}


def scene_task(name: str) -> SceneTask:
    """Give the scene task of this name.

    Raises:
        UserError: for an unknown name, with the known ones.
    """
    return named_task(name, TASKS)


def named_task(name: str, known: Mapping[str, SceneTask]) -> SceneTask:
    """Give the task of this name among the known ones.

    Raises:
        UserError: for an unknown name, with the known ones.
    """
    if name not in known:
        raise UserError(
            f"no scene task {name!r}{did_you_mean(name, known)}; choose from {', '.join(known)}"
        )
    return known[name]
