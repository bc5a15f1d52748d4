"""The scene tasks as this package's counterpart of the paper's 27 data sets.

Their results come from records of models, and from raw pixels.
"""

from clipbench.data.world.scene_tasks import TASKS, SceneTask, scene_task
from clipbench.evaluate.baselines import raw_pixels
from clipbench.evaluate.probes.few_shot import SHOTS
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.scene_tasks import probe_numbers, scene_task_metrics
from clipbench.paper_figures.sources import Sources

COMMAND = "clipbench eval scene-tasks --model {model} --shots 1,2,4,8,16 --out {folder}/{name}.json"
SCENES = 2000  # that COMMAND trains the full probe on
RIVALS = (  # of models that are compared with each other, and with raw pixels
    "clipbench eval scene-tasks --model {model} --pictures 400 --train 800"
    " --out {folder}/{name}.json"
)
PIXELS = 16  # side of the pictures whose raw pixels are probed
SEEDS = (0, 1, 2)


def model_suite(sources: Sources) -> dict[str, dict]:
    """Read this scale's model's numbers of each task: zero-shot, few-shot and full probes.

    Raises:
        NoRecord: where nothing may be measured.
    """
    return by_task(sources.metrics("scene-tasks", COMMAND, lambda: measure(sources)))


def suite_with_shots(sources: Sources) -> dict[str, dict]:
    """Read ``model_suite`` from a record that has few-shot probes too.

    Raises:
        NoRecord: where it has none, or nothing may be measured.
    """
    suite = model_suite(sources)
    if not all(shots_of(numbers) for numbers in suite.values()):
        raise sources.missing(sources.own("scene-tasks"), COMMAND)
    return suite


def scenes_of_full_probe(sources: Sources) -> int:
    """Count the scenes that the full probes of this scale's model were trained on."""
    settings = sources.record(sources.own("scene-tasks"), COMMAND)["settings"]
    return settings.get("train", 2 * settings.get("pictures", SCENES // 2))


def shots_of(numbers: dict) -> list[int]:
    """List the numbers of shots that a task's record has."""
    return sorted(
        int(key.removeprefix("probe_")) for key in numbers if key.removeprefix("probe_").isdecimal()
    )


def measure(sources: Sources) -> dict:
    found = {}
    for name in sources.tasks or TASKS:
        task = scene_task(name)
        found[name] = scene_task_metrics(
            sources.encoder, task, *scenes_of(sources, task), shots=SHOTS, seeds=SEEDS
        )
    return {
        f"{name}/{key}": value for name, numbers in found.items() for key, value in numbers.items()
    }


def scenes_of(sources: Sources, task: SceneTask) -> tuple[int, int]:
    """Count (test scenes, training scenes of the probe) of a task that is measured now."""
    return max(sources.pictures, task.answers), max(2 * sources.pictures, 4 * task.answers)


def other_suite(sources: Sources, name: str, model: str) -> dict[str, dict]:
    """Read the probes of another model from its record.

    Raises:
        NoRecord: where there is none.
    """
    return by_task(sources.record(name, RIVALS.replace("{model}", model))["metrics"])


def pixel_suite(sources: Sources) -> dict[str, dict]:
    """Read the probe of raw pixels of each task, whatever the model.

    Raises:
        NoRecord: where nothing may be measured.
    """
    name = "pixels-scene-tasks"
    if not sources.has(name) and sources.write_to:
        from clipbench.evaluate.records.record import make_record, write_record

        settings = {
            "features": f"raw pixels, {PIXELS} x {PIXELS} RGB in [0, 1]",
            "pictures": sources.pictures,
        }
        write_record(
            sources.write_to / f"{name}.json", make_record(pixel_probes(sources), settings, "", 0.0)
        )
    return by_task(sources.record(name, sources.again("fig05"))["metrics"])


def pixel_probes(sources: Sources) -> dict:
    found: dict[str, float] = {}
    for name in sources.tasks or TASKS:
        task, rows = scene_task(name), []
        for training in (True, False):
            count = max((1 + training) * sources.pictures, 4 * task.answers)
            question = task.draw(count, training=training)
            pictures = task.pictures(question, training=training)
            rows.append(Rows(raw_pixels(pictures, PIXELS), question.labels))
        numbers = probe_numbers(rows[0], rows[1], task.answers, "wilson")
        found |= {f"{name}/{key}": value for key, value in numbers.items()} | {
            f"{name}/chance": task.chance
        }
    return found


def by_task(metrics: dict) -> dict[str, dict]:
    """Regroup ``TASK/key`` -> value as task -> key -> value; means of all tasks are left out."""
    tasks: dict[str, dict] = {}
    for name, value in metrics.items():
        task, slash, key = name.partition("/")
        if slash:
            tasks.setdefault(task, {})[key] = value
    return tasks


def shown(task: str) -> str:
    """Give a task's name for readers."""
    return task.replace("_", " ")
