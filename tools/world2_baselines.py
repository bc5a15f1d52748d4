"""What no model is needed for: chance, texts alone and raw pixels on the second world's sets.

    python -m tools.world2_baselines

The baselines are those of ``clipbench eval --baselines``. Texts alone: of the sets the most
frequent class; of the tasks a linear score of an answer's words and pairs of words, trained on the
questions of a probe. Raw pixels, 16 a side: of the sets the class of the most similar training
picture, by the correlation of brightness; of the tasks the paper's probe. What they are trained on
is by trained makers and in trained fonts.
"""

from clipbench.data.world2.evaluation_sets import SETS, scene2_set
from clipbench.data.world2.tasks import TASKS2
from clipbench.evaluate.baselines import PREFIX, baselines_of_set
from clipbench.evaluate.scene_tasks import task_baselines

SET_TRAINING, TASK_TEST, TASK_TRAINING = 20_000, 1000, 2000


def main() -> None:
    print(f"{'':<20}{'pictures':>9}{'chance':>8}{'texts':>8}{'pixels':>8}  per cent")
    for name in SETS:
        test, train = scene2_set(name), scene2_set(name, training=SET_TRAINING)
        show(name, len(test), test.chance, baselines_of_set(test, train))
    for task in TASKS2.values():
        question = task.draw(TASK_TEST)
        metrics = task_baselines(None, task, question, TASK_TRAINING, "wilson")
        show(task.name, len(question.labels), task.chance, metrics)


def show(name: str, pictures: int, chance: float, metrics: dict[str, float]) -> None:
    shares = chance, metrics[f"{PREFIX}texts"], metrics[f"{PREFIX}pixels_16"]
    print(
        f"{name:<20}{pictures:>9}" + "".join(f"{100 * share:8.1f}" for share in shares), flush=True
    )


if __name__ == "__main__":
    main()
