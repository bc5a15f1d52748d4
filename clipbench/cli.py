"""The command line: every command is a small function that prints a table, or one JSON object with --json.

Exit codes: 0 success, 2 the user's mistake (one line on stderr), 1 a failure of the program.
"""

import argparse
import csv
import errno
import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from clipbench.errors import UserError


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str):
        raise UserError(f"{message} (see {self.prog} --help)")


def main(argv: list[str] | None = None) -> int:
    try:
        arguments = build_parser().parse_args(argv)
        result = arguments.run(arguments)
    except UserError as error:
        print(f"clipbench: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("clipbench: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise
        print("clipbench: no space left on the disk; free some and try again", file=sys.stderr)
        return 2
    if result is not None:
        text = json.dumps(result, ensure_ascii=False) if arguments.json else arguments.show(result)
        print(text)
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="clipbench", description="A workbench for CLIP: train it, test it, look inside.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_train(commands)
    add_eval(commands)
    add_classify(commands)
    add_bench(commands)
    add(commands, "doctor", doctor, show_doctor, "what this machine can do, and what is missing")
    return parser


def add(commands, name: str, run: Callable, show: Callable, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run, show=show)
    return parser


def positive(kind: Callable) -> Callable:
    """An argument type: a number of that kind above zero."""

    def parse(text: str):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be more than 0, not {text}")
        return value

    parse.__name__ = kind.__name__  # for argparse's "invalid int value"
    return parse


def show_numbers(result: dict) -> str:
    """One "name value" line for each number of a flat or two-level dict."""
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{name}:", *(f"  {line}" for line in show_numbers(value).splitlines())]
        else:
            lines.append(f"{name:<18} {value:.4f}" if isinstance(value, float) else f"{name:<18} {value}")
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------------- train


def add_train(commands) -> None:
    parser = add(commands, "train", train, show_numbers, "train a CLIP from scratch")
    parser.add_argument("--preset", default="tiny", help="tiny, classroom or a .json file (default: tiny)")
    parser.add_argument("--data", default="scenes",
                        help="scenes, or labelled pictures: a folder or a .parquet file")  # fmt: skip
    parser.add_argument("--out", type=Path, help="the run's folder (default: runs/PRESET)")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    parser.add_argument("--seed", type=int, default=0)
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=positive(float), help="train for so long")
    budget.add_argument("--pairs", type=positive(int), help="train on so many pairs")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--threads", type=positive(int), help="CPU threads (default: measured)")


def train(arguments) -> dict:
    from clipbench.presets import find_preset, with_budget

    changes = {} if arguments.batch_size is None else {"batch_size": arguments.batch_size}
    preset = with_budget(find_preset(arguments.preset), arguments.minutes, arguments.pairs, **changes)
    out = arguments.out or Path("runs") / Path(arguments.preset).stem
    trainer = make_trainer(preset, arguments, out)
    if arguments.resume:
        trainer.resume()
    elif any(out.glob("step-*")):
        raise UserError(f"{out} already holds a run; add --resume to go on with it, or give another --out")
    make_folder(out)
    trainer.stop_on_signals()
    log = TrainingLog(out / "log.csv", quiet=arguments.json)
    trainer.callbacks.append(log)
    end = trainer.run()
    if not end["finished"]:
        print(f"stopped; go on with: {resume_command(arguments, out)}", file=sys.stderr)
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


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}") from None


def make_trainer(preset, arguments, out: Path):
    import torch

    from clipbench.devices import pick_device
    from clipbench.model import CLIP
    from clipbench.preprocess import Preprocess
    from clipbench.pretrained import world_tokenizer
    from clipbench.train import Trainer, start_as_bag_of_words

    try:
        device = pick_device(arguments.device)
    except ValueError as error:
        raise UserError(str(error)) from None
    torch.manual_seed(arguments.seed)
    model = CLIP(preset.model)
    if preset.train.bag_of_words_start:
        start_as_bag_of_words(model)
    stream = open_stream(arguments.data, preset, arguments.seed, device)
    preprocess = Preprocess(preset.model.image_size)
    return Trainer(model, world_tokenizer(preset.model.context_length), preprocess, stream, preset.train, out, device,
                   threads=arguments.threads)  # fmt: skip


def open_stream(data: str, preset, seed: int, device):
    """The pairs to train on."""
    from clipbench.data.pairs import PicturePairs, ScenePairs
    from clipbench.data.picture_sets import EVALUATION_SEED, SCENE_SETS, open_pictures

    if data == "scenes":
        if seed >= EVALUATION_SEED:
            raise UserError(f"seeds from {EVALUATION_SEED} on belong to the evaluation; train with a smaller one")
        return ScenePairs(seed, preset.scenes, preset.tiny_world, preset.model.image_size, device)
    if data in SCENE_SETS:
        raise UserError(f"{data} is for evaluation only; train on scenes, a folder or a .parquet file")
    return PicturePairs(open_pictures(data, "train"), seed, preset.model.image_size, device)


def resume_command(arguments, out: Path) -> str:
    """The command that goes on where this one stopped."""
    words = ["clipbench", "train", "--out", str(out)]
    for name in ("preset", "data", "seed", "minutes", "pairs", "batch_size"):
        value = getattr(arguments, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join([*words, "--resume"])


class TrainingLog:
    """Writes every step to log.csv and shows a progress bar."""

    columns = (
        "step", "pairs", "seconds", "loss", "batch_accuracy", "scale", "learning_rate", "gradient_norm",
        "pairs_per_second",
    )  # fmt: skip

    def __init__(self, file: Path, quiet: bool = False):
        from tqdm import tqdm

        self.file, self.start, self.last = file, {}, {}
        look = "{percentage:5.1f} %|{bar:30}| {elapsed} {postfix}"
        self.bar = tqdm(total=100, unit="%", disable=quiet, bar_format=look)

    def __call__(self, event: dict) -> None:
        if event["event"] == "start":
            self.start = event
            new = not self.file.exists()
            self.handle = open(self.file, "a", buffering=1, newline="", encoding="utf-8")
            self.writer = csv.DictWriter(self.handle, self.columns, extrasaction="ignore")
            if new:
                self.writer.writeheader()
        elif event["event"] == "step":
            self.last = event
            rounded = {k: round(value, 6) if isinstance(value, float) else value for k, value in event.items()}
            self.writer.writerow(rounded)
            self.bar.n = 100 * event["progress"]
            speed = f"{event['pairs_per_second']:.0f} pairs/s"
            self.bar.set_postfix_str(f"loss {event['loss']:.3f}  {speed}", refresh=False)
            self.bar.update(0)
        elif event["event"] == "not saved":
            self.bar.write(f"clipbench: no checkpoint this time: {event['reason']}", file=sys.stderr)
        elif event["event"] == "end":
            self.bar.close()
            self.handle.close()


# -------------------------------------------------------------------------------------------------------- eval


def add_eval(commands) -> None:
    parser = add(commands, "eval", evaluate, show_record, "measure a model")
    parser.add_argument("task", choices=["zero-shot"])
    parser.add_argument("--model", default="classroom", help="tiny, classroom, a model folder or a run's folder")
    parser.add_argument("--data", default="scenes:heldout",
                        help="scenes:heldout, twemoji, openmoji, digits, a folder, a .parquet file")  # fmt: skip
    parser.add_argument("--templates", help="a text file, one template with {} a line (default: the data's)")
    parser.add_argument("--out", type=Path, help="also write the record to this file")
    parser.add_argument("--device", default="auto")


def evaluate(arguments) -> dict:
    from clipbench.data.picture_sets import open_pictures
    from clipbench.devices import use_fastest_threads
    from clipbench.evaluate.features import image_features
    from clipbench.evaluate.zero_shot import zero_shot_metrics, zero_shot_weights
    from clipbench.records import make_record, write_record

    began = time.perf_counter()
    encoder = load_on_device(arguments)
    data = open_pictures(arguments.data)
    templates = list(data.templates) if arguments.templates is None else read_lines(Path(arguments.templates))
    sample = encoder.preprocess(data.pictures(range(min(64, len(data)))))
    use_fastest_threads(lambda: encoder.encode_image(sample))
    weights = zero_shot_weights(encoder, data.class_names, templates)
    features = image_features(encoder, data, progress=not arguments.json)
    record = make_record(
        metrics=zero_shot_metrics(features, data.labels, weights),
        settings={
            "task": arguments.task,
            "model": str(arguments.model),
            "data": arguments.data,
            "templates": templates,
            "ensemble": "mean of unit vectors, normalised again",
        },
        fingerprint=encoder.fingerprint,
        seconds=time.perf_counter() - began,
    )
    if arguments.out:
        write_record(arguments.out, record)
    return record


def load_on_device(arguments):
    from clipbench.devices import pick_device
    from clipbench.encoders import load

    try:
        return load(arguments.model, pick_device(arguments.device))
    except UserError:
        raise
    except ValueError as error:
        raise UserError(str(error)) from None


def read_lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {file}: {error}") from None


def show_record(record: dict) -> str:
    model, data = record["settings"]["model"], record["settings"]["data"]
    return f"{record['settings']['task']} of {model} on {data}\n{show_numbers(record['metrics'])}"


# ---------------------------------------------------------------------------------------------------- classify


def add_classify(commands) -> None:
    parser = add(commands, "classify", classify, show_classification, "which of some texts fits a picture best")
    parser.add_argument("image", help="a picture file")
    parser.add_argument("--text", action="append",
                        help="a text to choose from; repeat it (default: every name of the emoji world)")  # fmt: skip
    parser.add_argument("--model", default="classroom")
    parser.add_argument("--top", type=positive(int), default=5, help="how many to show")
    parser.add_argument("--device", default="cpu")


def classify(arguments) -> dict:
    import torch

    from clipbench.devices import threads_for_latency
    from clipbench.evaluate.zero_shot import class_probabilities, zero_shot_weights
    from clipbench.preprocess import open_picture

    picture = open_picture(arguments.image)
    torch.set_num_threads(threads_for_latency())
    encoder = load_on_device(arguments)
    texts, templates = (arguments.text, ["{}"]) if arguments.text else world_classes()
    weights = zero_shot_weights(encoder, texts, templates)
    features = encoder.encode_image(encoder.preprocess([picture]))
    cosines, probabilities = class_probabilities(features, weights, encoder.scale)
    order = probabilities[0].argsort(descending=True)[: arguments.top].tolist()
    ranking = [
        {"text": texts[i], "probability": float(probabilities[0, i]), "cosine": float(cosines[0, i])} for i in order
    ]
    return {"image": arguments.image, "model": arguments.model, "scale": encoder.scale, "ranking": ranking}


def world_classes() -> tuple[list[str], list[str]]:
    """Every name of the emoji world, and the templates that its evaluation uses."""
    from clipbench.data.picture_sets import TEMPLATES
    from clipbench.data.sprites import concepts

    return [concept.name for concept in concepts()], list(TEMPLATES)


def show_classification(result: dict) -> str:
    lines = [f"{row['probability']:8.1%}  cosine {row['cosine']:+.3f}  {row['text']}" for row in result["ranking"]]
    return "\n".join([f"{result['image']} seen by {result['model']}", *lines])


# ------------------------------------------------------------------------------------------------------- bench


def add_bench(commands) -> None:
    from clipbench.bench import BENCHMARKS

    parser = add(commands, "bench", bench, show_numbers, "measure how fast this machine is at something")
    parser.add_argument("what", choices=list(BENCHMARKS))
    parser.add_argument("--threads", type=positive(int), help="CPU threads (default: measured, or one)")


def bench(arguments) -> dict:
    from clipbench.bench import BENCHMARKS

    return BENCHMARKS[arguments.what](threads=arguments.threads)


# ------------------------------------------------------------------------------------------------------ doctor


def doctor(arguments) -> dict:
    from clipbench.doctor import report

    return report()


def show_doctor(result: dict) -> str:
    from clipbench.doctor import format_report

    return format_report(result)


if __name__ == "__main__":
    sys.exit(main())
