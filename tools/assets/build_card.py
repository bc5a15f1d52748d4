"""Write the shipped models' cards from their records.

A card is README.md in the model's folder: the classroom model's long, with the hub's front matter,
those of ``tiny`` and its twins short:

    python -m tools.assets.build_card

Every number comes from about.json, the weights or clipbench/assets/records; a record that is not
there leaves its line out.
"""

import json
from collections import Counter
from pathlib import Path

from clipbench.data.world.factors import training_pool
from clipbench.data.world.sprites import concepts
from clipbench.encoders.familiarity import WORDS
from clipbench.files import ASSETS
from clipbench.pretrained.folders import CHECKPOINTS, WEIGHTS, find_folder, load_pretrained

FOLDER = CHECKPOINTS / "classroom"
RECORDS = ASSETS / "records"

FRONT_MATTER = """---
license: mit
library_name: transformers
pipeline_tag: zero-shot-image-classification
language: [en, es, de, zh, ru]
tags: [clip, education, emoji, clipbench]
---
"""

ZERO_SHOT = {  # record -> what its data ask
    "scenes-heldout": "new scenes of trained concepts, all styles",
    "scenes-heldout256": "the same with the 256 concepts of the tiny world",
    "scenes-heldout-style": "trained concepts in styles never trained for them",
    "scenes-heldout-count": "two or three of what was never trained in that number",
    "scenes-heldout-name": "concepts never trained, named by trained words",
    "twemoji": "the same scenes with another artist's pictures",
    "openmoji": "and with a third one's",
    "digits": "handwritten digits, by digit words",
}
TASKS = {  # scene task -> what it asks
    "count": "one, two or three of it",
    "number_of_each": "one A and two Bs, or the reverse",
    "word_order": "A left of B, or B left of A",
    "relation": "left of, right of, above or below",
    "negation": "A and B, or A and no B",
    "sign_word": "which of 32 words is on a sign",
    "polysemy": "which meaning of a word is shown",
}
COSTS = {  # number of the cost record -> (what it is, how to write it)
    "load_seconds": ("loading, libraries aside", "{:.2f} s"),
    "peak_memory_mb": (
        "memory of a process that classifies one picture, libraries included",
        "{:.0f} MB",
    ),
    "memory_beside_libraries_mb": ("of that beside the libraries", "{:.0f} MB"),
    "pictures_per_second": ("pictures encoded, batch of 64", "{:.0f} a second"),
    "texts_per_second": ("texts encoded, batch of 64", "{:.0f} a second"),
    "one_picture_ms": ("one picture", "{:.1f} ms"),
    "one_text_ms": ("one text", "{:.1f} ms"),
}


def card() -> str:
    """Compose the whole file."""
    about = json.loads((FOLDER / "about.json").read_text(encoding="utf-8"))
    parts = [what_it_is(), how_it_was_trained(about), evaluation(), limits(), biases(), LICENCES]
    return FRONT_MATTER + "\n" + "\n".join(part.strip("\n") + "\n" for part in parts)


def record(name: str) -> dict | None:
    """Read the metrics of a record of this model; None where there is no such record."""
    file = RECORDS / f"classroom-{name}.json"
    return json.loads(file.read_text(encoding="utf-8")).get("metrics") if file.exists() else None


def what_it_is() -> str:
    model, _, _ = load_pretrained(FOLDER)
    parameters = sum(weight.numel() for weight in model.parameters())
    size = (FOLDER / WEIGHTS).stat().st_size / 1e6
    image, text = model.config.image, model.config.text
    return f"""
# clipbench classroom

A small CLIP for teaching: it was trained from scratch on scenes of emoji with captions, and knows {len(training_pool()):,}
concepts. It is made to be taken apart in lessons, not to be used on photographs.

- Image encoder: ViT, {image.image_size} pixels, patch {image.patch_size}, width {image.width}, {image.depth} layers.
- Text encoder: causal transformer, width {text.width}, {text.depth} layers, {text.context_length} tokens of a vocabulary \
of {text.vocab_size:,}.
- {parameters:,} parameters, {size:.1f} MB in float16; vectors of {model.config.embed_dim} numbers.

```python
from transformers import CLIPModel, CLIPProcessor  # or: clipbench.load("classroom")

model, processor = CLIPModel.from_pretrained(FOLDER), CLIPProcessor.from_pretrained(FOLDER)
```
{costs()}"""


def costs() -> str:
    """Give the table of costs that ``clipbench bench shipped --json`` measured.

    The record was kept once it had been run on a quiet machine.
    """
    file = RECORDS / "classroom-cost.json"
    if not file.exists():
        return ""
    numbers = json.loads(file.read_text(encoding="utf-8"))
    rows = [
        f"| {what} | {form.format(numbers[key])} |"
        for key, (what, form) in COSTS.items()
        if key in numbers
    ]
    return (
        "\nOn one core (`clipbench bench shipped`):\n\n| what | |\n|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def how_it_was_trained(about: dict) -> str:
    stages = "\n".join(
        f"{number}. `{stage['command']}`: {stage['pairs']:,} pairs in "
        f"{stage['seconds'] / 60:.0f} minutes"
        for number, stage in enumerate(about["stages"], 1)
    )
    return f"""
## Training

{about["pairs_seen"]:,} pairs of pictures and captions, drawn as they were needed; no scene came twice. In \
{len(about["stages"])} stages, each on {about["threads"]} thread, in {about["precision"]}, \
torch {about["torch"]}:

{stages}

Pictures are emoji of Noto Color Emoji on coloured backgrounds, one to three of them, in seven styles, some with a
printed sign. Captions come from a small grammar over Unicode's names and keywords, mostly English; 3 % of the captions of
single objects are names in Spanish, German, Chinese or Russian.
"""


def evaluation() -> str:
    rows = [row for name, what in ZERO_SHOT.items() if (row := zero_shot_row(name, what))]
    return f"""
## Evaluation

Zero-shot top-1, one seed of training; brackets give the 95 % Wilson interval over the pictures. Commands are in the
records (`clipbench/assets/records`).

| data | what it asks | top-1 | chance |
|---|---|---|---|
{chr(10).join(rows)}
{tasks()}{attack()}{out_of_its_depth(record("familiarity"))}"""


def zero_shot_row(name: str, what: str) -> str | None:
    metrics = record(name)
    return (
        metrics
        and f"| `{name.replace('-', ':', 1)}` | {what} | {percent(metrics, 'top1')} | "
        f"{share(metrics['chance'])} |"
    )


def tasks() -> str:
    """Give the table of what the model understands of scenes.

    Next to it stands what a linear probe of its features knows.
    """
    metrics = record("scene-tasks")
    if not metrics:
        return ""
    rows = [
        f"| {what} | {percent(metrics, f'{name}/zero_shot')} | "
        f"{percent(metrics, f'{name}/probe')} | "
        f"{share(metrics[f'{name}/chance'])} |"
        for name, what in TASKS.items()
        if f"{name}/zero_shot" in metrics
    ]
    return (
        "\n| question about a scene | zero-shot | linear probe | chance |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def attack() -> str:
    metrics = record("typographic")
    if not metrics:
        return ""
    return (
        f"\nTypographic attack, {metrics['pictures']:,} pictures of "
        f"{metrics['classes']} classes with a word on a sticker: "
        f"the model\nnames the word in {percent(metrics, 'success')} of them, and in "
        f"{percent(metrics, 'control_target')} when the sticker\nis the control.\n"
    )


def out_of_its_depth(metrics: dict | None) -> str:
    """Give the table of how often a picture is said to be unlike the training's."""
    if not metrics:
        return ""
    beside = all("by_pixels" in found for found in metrics.values())
    rows = [
        f"| {kind} | {found['pictures']:,} | {percent(found, 'found')} |"
        + (f" {share(found['by_pixels'])} |" if beside else "")
        for kind, found in metrics.items()
    ]
    more = "; beside it a\ndetector by five statistics of pixels, fitted to the same pictures"
    return (
        "\nHow often `encoder.familiarity` says that a picture is unlike anything in the training"
        + f"{more if beside else ''}:\n\n| pictures | number | said to be unlike |"
        + f"{' by pixels |' if beside else ''}\n|---|---|---|{'---|' if beside else ''}\n"
        + "\n".join(rows)
        + "\n"
    )


def limits() -> str:
    scenes, others = record("scenes-heldout"), record("openmoji")
    told = ""
    if scenes and others:
        told = (
            f" ({share(scenes['top1'])} on its own artist's scenes, "
            f"{share(others['top1'])} on OpenMoji's)"
        )
    return f"""
## Limits

- It knows one artist's drawings and fails on most others'{told}.
  Photographs are further away still.
- The order of words means nothing to it, and printed words hardly sway it: it reads lone signs badly (see above).
- One seed was trained. Intervals are over pictures and say nothing about another training.
- Use it in lessons and tests. Do not decide anything about people with it.
"""


def biases() -> str:
    groups = Counter(concept.group for concept in concepts())
    most = ", ".join(f"{name} {count}" for name, count in groups.most_common())
    return f"""
## Biases of emoji

The world is what Unicode's members voted into emoji: {len(concepts()):,} concepts, by Unicode's groups
{most}.
Food, clothes and gestures are those that somebody proposed to Unicode. People appear in the default yellow without skin
tones, variants that differ in gender only were left out, and no flag of a country is in it. Names are CLDR's: they say what an emoji is called,
not what people mean by it.
"""


LICENCES = """
## Licences

Weights: MIT. Trained on pictures of Noto Color Emoji (SIL Open Font License 1.1) and on names and keywords of Unicode's
CLDR (Unicode License). Twemoji (CC BY 4.0) and OpenMoji (CC BY-SA 4.0) were used to evaluate it, not to train it.
"""


def percent(metrics: dict, name: str) -> str:
    low, high = (f"{100 * metrics[f'{name}{end}']:.1f}" for end in ("_low", "_high"))
    return f"{share(metrics[name])} ({low} to {high})"


def share(fraction: float) -> str:
    return f"{100 * fraction:.1f} %" if fraction >= 0.01 else f"{100 * fraction:.2f} %"


# -------------------- tiny and its twins

WHAT = {  # what differs from tiny's training
    "tiny": "The smallest shipped model: three minutes of training on two cores.",
    "twin:bow": "Trained to predict a caption's words (bag of words); it has no joint space.",
    "twin:caption-lm": "Trained to write the caption, word by word; it has no joint space.",
    "twin:languages": "Its captions speak English, Spanish, German, Chinese and Russian alike.",
    "twin:many-signs": "Most of its scenes bear a printed word.",
    "twin:no-counts": 'Its captions never say how many: three cats are "a cat".',
    "twin:no-signs": "None of its scenes bears a printed word.",
    "twin:reader": "A million pairs; most scenes bear a printed word that says something of its own.",
    "twin:simclr": "Trained on two views of each picture (SimCLR).",
    "twin:supervised": "Trained as a classifier of the 256 things.",
    "twin:wrong-captions": "Half of its captions belong to another scene.",
}
WITHOUT_WORDS = "It never saw a caption, so of words it says nothing: `encoder.familiarity` judges pictures only."
PROVED_BY = "`python -m tools.measure_familiarity`"


def short_card(name: str) -> str:
    """Compose the card of ``tiny`` or a twin: what it is, what it knows, and the licences."""
    about = json.loads((find_folder(name) / "about.json").read_text(encoding="utf-8"))
    words = "" if (find_folder(name) / WORDS).exists() else f"\n{WITHOUT_WORDS}\n"
    file = RECORDS / f"{name.replace(':', '-')}-familiarity.json"
    metrics = json.loads(file.read_text(encoding="utf-8"))["metrics"] if file.exists() else None
    return f"""# clipbench {name}

{WHAT[name]} A model for lessons, of scenes of emoji with 256 concepts, 64 pixels a side; not for photographs.

Training: `{about["command"]}`, {about["pairs_seen"]:,} pairs.
{words}{out_of_its_depth(metrics)}
Measured by {PROVED_BY}; brackets are 95 % Wilson intervals over pictures.
{LICENCES}"""


def cards() -> dict[Path, str]:
    """Compose every card: its file and what stands in it."""
    short = {find_folder(name) / "README.md": short_card(name) for name in WHAT}
    return {FOLDER / "README.md": card(), **short}


if __name__ == "__main__":
    for path, text in cards().items():
        path.write_text(text, encoding="utf-8")
        print(path)
