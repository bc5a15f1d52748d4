"""What the figures need that is measured now.

That is which data, where they come from, and how long a card computes.

Counted is what the scale's model encodes. Drawing the scenes and fitting the probes is the CPU's
work, and is not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from clipbench.compute.flops import image_flops, text_flops
from clipbench.data.alter.sticker import Sticker
from clipbench.data.open import open_labelled
from clipbench.data.probe_splits import drawn
from clipbench.data.readers.prompt_sets import words_for
from clipbench.data.world.scene_tasks import TASKS, scene_task
from clipbench.evaluate.typographic import HEIGHTS
from clipbench.model import CLIPConfig
from clipbench.paper_figures import fig04, fig16, shifts, suite, typographic
from clipbench.paper_figures.sources import Sources

# float32, NVIDIA's data sheet: records are measured in float32, for which a T4 has no tensor cores
T4_TFLOPS = 8.1
SHARE = 0.3  # of the peak that is assumed
BASIS = (
    f"an ESTIMATE: multiplications of a ViT-B/32 by its shape, at {SHARE:.0%} of a T4's "
    f"{T4_TFLOPS} TFLOP/s in float32;"
    " the CPU's work, drawing the scenes and fitting the probes, comes on top and is not in it"
)
WORLD = "drawn by clipbench, nothing to fetch"
MODEL = "the model is fetched from the hub once (ViT-B/32: 605 MB)"
DIGITS = "scikit-learn's handwritten digits, which come with it"


@dataclass(frozen=True)
class Need:
    """What one record needs."""

    data: str
    source: str
    pictures: int  # to encode
    texts: int

    @property
    def t4_minutes(self) -> float:
        config = CLIPConfig.named("ViT-B/32")
        return (self.pictures * image_flops(config) + self.texts * text_flops(config)) / (
            SHARE * T4_TFLOPS * 1e12 * 60
        )


def prompts(sources: Sources) -> Need:
    sets = fig04.DATA[sources.scale]
    pictures = texts = 0
    for name in sets:
        data = drawn(open_labelled(name), sources.pictures)
        classes, templates = words_for(data)
        pictures, texts = (
            pictures + len(data),
            texts + len(classes) * len({"{}", fig04.ONE, *templates}),
        )
    return Need(", ".join(sets), f"{WORLD}; digits: {DIGITS}", pictures, texts)


def scene_tasks(sources: Sources) -> Need:
    pictures = texts = 0
    for name in sources.tasks or TASKS:
        task = scene_task(name)
        test, train = suite.scenes_of(sources, task)
        question = task.draw(test)
        # projected and not; probes
        pictures += 2 * len(question.labels) + len(task.draw(train, training=True).labels)
        texts += len({phrase for row in question.phrases for phrase in row}) * len(task.templates)
    return Need(f"{len(sources.tasks or TASKS)} tasks of scenes", WORLD, pictures, texts)


def adaptation(sources: Sources) -> Need:
    data = open_labelled(shifts.DATA)
    tested = (1 + len(shifts.SHIFTS)) * sources.pictures
    texts = len(data.class_names) * len(data.templates)
    return Need(
        f"{shifts.DATA}, {', '.join(shifts.SHIFTS)}",
        f"{WORLD}, with pictures of three artists",
        2 * tested + shifts.training_scenes(sources),
        texts,
    )


def one_example(sources: Sources) -> Need:
    data, pool = fig16.pictures_and_pool(sources)
    return Need(
        "scenes:heldout256", WORLD, len(data) + len(pool), fig16.CLASSES * len(data.templates)
    )


def overlap(sources: Sources) -> Need:
    data, pool = fig16.pictures_and_pool(sources)
    # pictures projected and not, their copies, and the probe's
    pictures = 3 * len(data) + len(pool)
    return Need("scenes:heldout256", WORLD, pictures, fig16.CLASSES * len(data.templates))


def attack(sources: Sources) -> Need:
    data = open_labelled(typographic.DATA)
    # clean, masked; attack and control at every height
    each = 2 + 2 * len({*HEIGHTS, Sticker("word").height})
    return Need(
        f"{typographic.DATA} with printed stickers",
        WORLD,
        each * sources.pictures,
        len(data.templates) * len(data.class_names),
    )


NEEDS: dict[str, Callable[[Sources], Need]] = {  # a record -> what it needs
    "prompts": prompts,
    "scene-tasks": scene_tasks,
    "adaptation": adaptation,
    "one-example": one_example,
    "overlap": overlap,
    "typographic": attack,
}
RECORD_OF = {  # a figure -> the record of the scale's own model that it reads
    "fig04": "prompts",
    **dict.fromkeys(("fig05", "fig06", "fig07", "fig08", "fig10"), "scene-tasks"),
    **dict.fromkeys(("fig13", "fig14"), "adaptation"),
    "fig16": "one-example",
    "fig17": "overlap",
    "typographic": "typographic",
}


def plan(names: Sequence[str], sources: Sources) -> dict:
    """List what the named figures need, without measuring anything.

    Returns:
        ``figures``: name -> the record it reads, or "shipped records" where it has no numbers of
        this scale's model; ``records``: name -> data, source, pictures, texts, and estimated
        minutes on a T4 (0 for one that is there); ``model``, where that comes from; ``t4_minutes``,
        their sum; ``basis``, what the estimate rests on.
    """
    wanted = dict.fromkeys(RECORD_OF[name] for name in names if name in RECORD_OF)
    records: dict[str, dict[str, Any]] = {}
    for name in wanted:
        need, there = NEEDS[name](sources), sources.has(sources.own(name))
        records[name] = {
            "data": need.data,
            "source": need.source,
            "there": there,
            "pictures": 0 if there else need.pictures,
            "texts": 0 if there else need.texts,
            "t4_minutes": 0.0 if there else round(need.t4_minutes, 1),
        }
    return {
        "figures": {
            name: RECORD_OF.get(name, "shipped records, of models that are trained here")
            for name in names
        },
        "records": records,
        "model": MODEL if sources.scale == "full" else "the model is shipped",
        "t4_minutes": round(sum(each["t4_minutes"] for each in records.values()), 1),
        "basis": BASIS,
    }


def shown(plan: dict) -> str:
    """Format the plan as lines for people."""
    lines = [f"{name:<12} {record}" for name, record in plan["figures"].items()] + [""]
    for name, each in plan["records"].items():
        cost = (
            "a record is there"
            if each["there"]
            else (
                f"{each['pictures']:,} pictures and {each['texts']:,} texts, "
                f"{each['t4_minutes']:g} minutes of a T4"
            )
        )
        lines.append(f"{name:<12} {each['data']} ({each['source']}): {cost}")
    return "\n".join(
        [*lines, plan["model"], f"in all {plan['t4_minutes']:g} minutes; {plan['basis']}"]
    )
