"""What no model is needed for: chance, texts alone and raw pixels on the second world's sets.

    python -m tools.world2_baselines

Texts alone: of the sets the most frequent class; of the tasks a linear score of an answer's words
and pairs of words, trained on the questions of a probe. Raw pixels, SIDE a side: of the sets the
class of the most similar training picture, by the correlation of brightness; of the tasks the
paper's probe. What they are trained on is by trained makers and in trained fonts.
"""

import itertools

import torch
import torch.nn.functional as F

from clipbench.data.image_set import PictureSet
from clipbench.data.world.scene_tasks import Question
from clipbench.data.world2.evaluation_sets import SETS, scene2_set
from clipbench.data.world2.tasks import TASKS2, SceneTask2
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.scene_tasks import probe_numbers

SIDE = 16
SET_TRAINING, TASK_TEST, TASK_TRAINING = 20_000, 1000, 2000


def main() -> None:
    print(f"{'':<20}{'pictures':>9}{'chance':>8}{'texts':>8}{'pixels':>8}  per cent")
    for name in SETS:
        show(name, *baselines_of_set(name))
    for task in TASKS2.values():
        show(task.name, *baselines_of_task(task))


def show(name: str, pictures: int, *shares: float) -> None:
    print(
        f"{name:<20}{pictures:>9}" + "".join(f"{100 * share:8.1f}" for share in shares), flush=True
    )


def baselines_of_set(name: str) -> tuple[int, float, float, float]:
    """Measure (pictures, chance, most frequent class, nearest neighbour by pixels)."""
    test, train = scene2_set(name), scene2_set(name, training=SET_TRAINING)
    most = int(test.labels.bincount(minlength=len(test.class_names)).max()) / len(test)
    asked, known = (unit_brightness(data) for data in (test, train))
    nearest = torch.cat([(part @ known.T).argmax(1) for part in asked.split(500)])
    return (
        len(test),
        test.chance,
        most,
        float((train.labels[nearest] == test.labels).float().mean()),
    )


def unit_brightness(data: PictureSet) -> torch.Tensor:
    """Give brightness with mean 0 and length 1: (M, SIDE * SIDE)."""
    light = data.tensor(SIDE).float().mean(1).flatten(1)
    return F.normalize(light - light.mean(1, keepdim=True), dim=1)


def baselines_of_task(task: SceneTask2) -> tuple[int, float, float, float]:
    """Measure (pictures, chance, texts alone, probe of pixels)."""
    test, train = task.draw(TASK_TEST), task.draw(TASK_TRAINING, training=True)
    rows = [
        Rows(task.pictures(each, training).tensor(SIDE).flatten(1).float() / 255, each.labels)
        for each, training in ((train, True), (test, False))
    ]
    probe = probe_numbers(*rows, task.answers, "wilson")["probe"]
    return len(test.labels), task.chance, accuracy_of_texts(train, test), probe


def accuracy_of_texts(train: Question, test: Question, steps: int = 200) -> float:
    """Measure the accuracy of choosing answers without a picture.

    Answers are chosen by their words and pairs of words.
    """
    known = {part for row in train.phrases for phrase in row for part in parts(phrase)}
    place = {part: number for number, part in enumerate(sorted(known))}
    weights = torch.zeros(len(place), requires_grad=True)
    optimiser = torch.optim.Adam([weights], 0.05, weight_decay=1e-3)
    counted, asked = (counts(question, place) for question in (train, test))
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(counted @ weights, train.labels).backward()
        optimiser.step()
    return float(((asked @ weights).argmax(1) == test.labels).float().mean())


def parts(phrase: str) -> list[str]:
    words = phrase.split()
    return [*words, *(" ".join(pair) for pair in itertools.pairwise(words))]


def counts(question: Question, place: dict[str, int]) -> torch.Tensor:
    """Count how often each word and pair of words is in each answer: (M, K, W)."""
    result = torch.zeros(len(question.labels), len(question.phrases[0]), len(place))
    for row, phrases in enumerate(question.phrases):
        for answer, phrase in enumerate(phrases):
            for part in parts(phrase):
                if part in place:
                    result[row, answer, place[part]] += 1
    return result


if __name__ == "__main__":
    main()
