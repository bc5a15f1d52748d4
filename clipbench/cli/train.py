"""``clipbench train``: train a CLIP from scratch, or go on from one that is trained."""

import shlex
import sys
from argparse import ArgumentParser
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipbench.cli.shared import OBJECTIVES, Options, add, note, positive, read_lines, show_numbers
from clipbench.errors import UserError

# Options that a resumed run needs again.
REPEATED = (
    "preset", "objective", "data", "image_column", "caption_column", "templates", "seed", "minutes",
    "pairs", "batch_size", "micro_batch", "teacher", "start", "rates", "lock_image", "lock_text",
    "averaging", "precision", "recompute", "compile", "streaming",
)  # fmt: skip

NAMES = {"start": "from"}  # which is a word of Python


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Options):
    preset: str
    objective: str | None
    teacher: str | None
    start: str | None  # --from
    rates: float | None
    lock_image: bool
    lock_text: bool
    averaging: float | None
    data: str | None  # None: the preset's own world
    image_column: str | None
    caption_column: str | None
    templates: Path | None
    streaming: bool
    out: Path | None
    resume: bool
    seed: int
    minutes: float | None
    pairs: int | None
    batch_size: int | None
    micro_batch: int | None
    device: str
    precision: str | None
    recompute: bool
    compile: bool
    tensorboard: bool
    threads: int | None


def add_to(commands) -> None:
    parser = add(
        commands,
        "train",
        train,
        show_numbers,
        "train a CLIP from scratch or from a model",
        TrainOptions,
    )
    add_model_arguments(parser)
    add_data_arguments(parser)
    add_run_arguments(parser)
    add_machine_arguments(parser)


def add_model_arguments(parser: ArgumentParser) -> None:
    """Add the options that say what is trained, and from where."""
    parser.add_argument(
        "--preset",
        default="tiny",
        help="tiny, classroom, tiny2, classroom2 or a .json file (default: tiny)",
    )
    parser.add_argument(
        "--objective",
        choices=OBJECTIVES,
        help="what to ask of a batch (default: contrastive, as CLIP does)",
    )
    parser.add_argument(
        "--teacher",
        metavar="MODEL",
        help="learn from this model, too: its image vectors and what it makes of each batch",
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="MODEL",
        help="start from this model's weights instead of random ones",
    )
    parser.add_argument(
        "--rates",
        type=positive(float),
        metavar="FACTOR",
        help="multiply the preset's learning rates (default: 1, and 0.1 with --from)",
    )
    parser.add_argument(
        "--lock-image", action="store_true", help="leave the image encoder as it is (LiT)"
    )
    parser.add_argument("--lock-text", action="store_true", help="leave the text encoder as it is")
    parser.add_argument(
        "--averaging",
        type=float,
        metavar="DECAY",
        help="save the weights' moving average, with this decay (such as 0.999)",
    )


def add_data_arguments(parser: ArgumentParser) -> None:
    """Add the options that say what it is trained on."""
    parser.add_argument(
        "--data",
        help="scenes, scenes2 (by many artists; default: the preset's own), or pictures with "
        "captions or labels: a folder (texts beside the pictures, metadata.jsonl, COCO's, "
        "Flickr's), a .csv, .json, .parquet or .tar file, name-{000..009}.tar, or a hub id "
        "owner/name",
    )
    parser.add_argument(
        "--image-column", help="the pictures' column in a table (default: image, path, ...)"
    )
    parser.add_argument(
        "--caption-column", help="the captions' column in a table (default: caption, text, ...)"
    )
    parser.add_argument(
        "--templates", type=Path, help="for labelled pictures: a file with one template per line"
    )
    parser.add_argument(
        "--streaming", action="store_true", help="read a hub data set while it is downloaded"
    )


def add_run_arguments(parser: ArgumentParser) -> None:
    """Add the options that say how long it is trained, and where its run lies."""
    parser.add_argument("--out", type=Path, help="the run's folder (default: runs/PRESET)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the newest checkpoint in --out"
    )
    parser.add_argument("--seed", type=int, default=0)
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=positive(float), help="train for so long")
    budget.add_argument("--pairs", type=positive(int), help="train on this many pairs")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument(
        "--tensorboard", action="store_true", help="also write the numbers for TensorBoard"
    )


def add_machine_arguments(parser: ArgumentParser) -> None:
    """Add the options that say how the machine computes it."""
    parser.add_argument(
        "--micro-batch",
        type=positive(int),
        help="encode this many pairs at a time: same gradients, less memory, a third slower",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument(
        "--precision",
        choices=["fp32", "bf16", "fp16"],
        help="(default: what the device is good at)",
    )
    parser.add_argument(
        "--recompute",
        "--activation-checkpointing",
        action="store_true",
        help="keep fewer activations (activation checkpointing): less memory, a third slower",
    )
    parser.add_argument(
        "--compile", action="store_true", help="use torch.compile; the first step takes minutes"
    )
    parser.add_argument("--threads", type=positive(int), help="CPU threads (default: measured)")


def train(options: TrainOptions) -> dict | None:
    from clipbench.compute import distributed
    from clipbench.training.log import TrainingLog
    from clipbench.training.presets import find_preset

    preset = changed(find_preset(options.preset), options)
    out = options.out or Path("runs") / Path(options.preset).stem
    if not options.resume and any(out.glob("step-*")):
        raise UserError(
            f"{out} already holds a run; add --resume to go on with it, or give another --out"
        )
    trainer = make_trainer(preset, options, out)
    if options.resume:
        trainer.resume()
    make_folder(out)
    log = TrainingLog(out, options.tensorboard)
    bar = ProgressBar()
    trainer.callbacks += [log] if options.json else [log, bar]
    try:
        end = trainer.run()
    finally:
        bar.close()
    if not distributed.leave():
        return None
    if not end["finished"]:
        print(f"stopped; go on with: {resume_command(options, out)}", file=sys.stderr)
    return {
        "out": str(out),
        "finished": end["finished"],
        "steps": end["step"],
        "pairs": end["pairs"],
        "seconds": round(end["seconds"], 1),
        "pairs_per_second": round(end["pairs"] / max(end["seconds"], 1e-9), 1),
        "loss": log.last.get("loss"),
        "threads": log.start.get("threads"),
        "precision": log.start.get("precision"),
    }


def changed(preset, options: TrainOptions):
    """Change the preset where the command line says otherwise."""
    from clipbench.objectives import suited
    from clipbench.training.presets import with_budget

    if options.teacher and options.objective:
        raise UserError("a model that learns from a teacher is distilled; leave --objective out")
    objective = "distilled" if options.teacher else options.objective or preset.train.objective
    preset = replace(preset, model=suited(preset.model, objective))
    given = {"batch_size": options.batch_size, "averaging": options.averaging}
    given |= {"lock_image": options.lock_image or None, "lock_text": options.lock_text or None}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    changes["objective"], changes["teacher"] = objective, options.teacher or preset.train.teacher
    factor = options.rates or (0.1 if options.start else 1.0)
    rates = ("matrix_learning_rate", "learning_rate", "embedding_learning_rate")
    changes |= {name: factor * getattr(preset.train, name) for name in rates}
    return with_budget(preset, options.minutes, options.pairs, **changes)


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}") from None


def make_trainer(preset, options: TrainOptions, out: Path | None):
    import torch

    from clipbench.compute import distributed
    from clipbench.compute.devices import pick_device
    from clipbench.training.machine import Machine
    from clipbench.training.trainer import Trainer

    device = pick_device(options.device)
    if distributed.was_launched():
        device = distributed.join(device)
    torch.manual_seed(options.seed)
    bundle = starting_model(preset, options.start)
    note_new_bias(bundle.model, preset.train.objective, options.start)
    stream = open_stream(options, replace(preset, model=bundle.model.config), device, out)
    machine = Machine(
        device,
        options.precision,
        options.threads,
        options.micro_batch,
        options.recompute,
        options.compile,
    )
    return Trainer(bundle, stream, preset.train, out, machine=machine)


def starting_model(preset, name: str | None):
    """Load the named model, or make the preset's with random weights, and what belongs to it."""
    from clipbench.pretrained.folders import find_folder, load_pretrained
    from clipbench.training.presets import untrained

    return untrained(preset) if name is None else load_pretrained(find_folder(name))


def note_new_bias(model, objective: str, name: str | None) -> None:
    """Say that a trained softmax model gives up its temperature for the sigmoid loss."""
    if name is not None and objective == "sigmoid" and model.logit_bias is None:
        note(
            f"{name} has no bias: the sigmoid loss starts from SigLIP's scale of 10 and bias of "
            f"-10, instead of its scale of {float(model.scale.detach()):.3g}"
        )


def open_stream(options: TrainOptions, preset, device, out: Path | None):
    """Open the pairs to train on."""
    from clipbench.compute import distributed
    from clipbench.data.open import open_captioned
    from clipbench.data.readers.captioned import captions_line
    from clipbench.data.streams import CaptionedPairs, Prefetched
    from clipbench.data.world.evaluation_sets import SCENE_SETS
    from clipbench.data.world2.evaluation_sets import SETS as SCENE2_SETS
    from clipbench.training.presets import scenes_of

    seed, size = options.seed, preset.model.image_size
    data = options.data or preset.data
    if data in ("scenes", "scenes2"):
        return scenes_of(preset, seed, device, data)
    if data in (*SCENE_SETS, *SCENE2_SETS):
        raise UserError(
            f"{data} is for evaluation only; train on scenes, scenes2, a folder or a .parquet file"
        )
    columns: dict[str, Any] = {
        "image_column": options.image_column,
        "caption_column": options.caption_column,
        "templates": own_templates(options.templates),
    }
    if options.streaming:
        from clipbench.data.streams import StreamedPairs

        streamed = StreamedPairs(data, seed, size, device, folder=out, **columns)
        if distributed.is_writer():
            note(streamed.captions_line)
        return Prefetched(streamed)
    captioned = open_captioned(data, **columns)
    if distributed.is_writer():
        note(captions_line(captioned))
    return Prefetched(CaptionedPairs(captioned, seed, size, device, folder=out))


def own_templates(file: Path | None) -> list[str] | None:
    if file is None:
        return None
    templates = read_lines(file)
    wrong = [template for template in templates if template.count("{}") != 1]
    if wrong or not templates:
        raise UserError(f"{file}: every line must hold {{}} once, where the class name goes")
    return templates


def resume_command(options: TrainOptions, out: Path) -> str:
    """Give the command that resumes where this one stopped."""
    from clipbench.training.sweep import in_words

    words = ["clipbench", "train", "--out", str(out)]
    for name in REPEATED:
        words += in_words(NAMES.get(name, name), getattr(options, name))
    return shlex.join([*words, "--resume"])


class ProgressBar:
    """Shows how far a run is, and says what a person should know."""

    def __init__(self):
        self.bar: Any = None  # tqdm's, once the run begins

    def __call__(self, event: dict) -> None:
        from tqdm import tqdm

        if event["event"] == "start":
            look = "{percentage:5.1f} %|{bar:30}| {elapsed} {postfix}"
            # an early error stays one line
            self.bar = tqdm(total=100, unit="%", bar_format=look, delay=1)
        for line in news(event):
            self.bar.write(f"clipbench: {line}", file=sys.stderr)
        if event["event"] == "step":
            self.bar.n = 100 * event["progress"]
            speed = f"{event['pairs_per_second']:.0f} pairs/s"
            self.bar.set_postfix_str(f"loss {event['loss']:.3f}  {speed}", refresh=False)
            self.bar.update(0)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def news(event: dict) -> list[str]:
    """Give the lines to show a person for an event; none for most."""
    match event["event"]:
        case "start":
            return event["differences"]
        case "not saved":
            return [f"no checkpoint this time: {event['reason']}"]
        case "unreadable":
            return [f"left out: {event['reason']}"]
        case "hint":
            return [event["text"]]
        case "restored":
            where = event["folder"] or "the last good weights"
            return [
                f"bad numbers {event['step']} steps into the run; back to {where}, at "
                "half the learning rate"
            ]
    return []
