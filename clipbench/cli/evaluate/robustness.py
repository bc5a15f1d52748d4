"""``clipbench eval robustness``: accuracy before and after distribution shifts.

It is given alone, and against what standard models keep.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.evaluate.options import (
    EvaluateOptions,
    add_baselines,
    add_interval,
    add_shots,
    add_training_pictures,
    note_no_copy,
)
from clipbench.cli.evaluate.words import note_empty_folders
from clipbench.cli.metrics_page import VIEWS, baseline_lines, cell
from clipbench.cli.shared import Parser, note, positive, read_lines

NAME = "robustness"
ABOUT = (
    "accuracy when the data change: other artists, corruptions; effective "
    "robustness, mixed weights, probes"
)


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    interval: str
    shifts: list[str] | None
    pictures: int
    templates: Path | None
    seed: int
    against: list[Path]
    wise_ft: str | None
    shares: tuple[float, ...] | None
    shots: tuple[int, ...]
    train: str | None
    scenes: int
    seeds: int
    baselines: bool


def add_arguments(parser: Parser) -> None:
    add_interval(parser)
    add_baselines(parser)
    parser.add_argument(
        "--shifts",
        nargs="+",
        metavar="DATA",
        help="data sets with the same classes, or corruptions "
        "such as noise:3 with a strength from 1 to 5 (default: for scenes twemoji, "
        "openmoji and every "
        "corruption at 3; else every corruption at 3)",
    )
    parser.add_argument(
        "--pictures",
        type=positive(int),
        default=2000,
        metavar="N",
        help="of each set, drawn by the seed (default 2000)",
    )
    parser.add_argument(
        "--templates",
        type=Path,
        help="a text file, one template with {} a line (default: the data's)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the pictures, the noise and the shots (default 0)"
    )
    parser.add_argument(
        "--against",
        nargs="+",
        type=Path,
        default=[],
        metavar="RECORD",
        help="records of this command for two or more standard models: adds effective robustness",
    )
    add_mixture_arguments(parser)
    add_adaptation_arguments(parser)


def add_mixture_arguments(parser: Parser) -> None:
    """Add the options of mixtures with a fine-tuned copy's weights."""
    parser.add_argument(
        "--wise-ft",
        metavar="MODEL",
        help="the fine-tuned copy of --model: adds mixtures of their weights",
    )
    parser.add_argument(
        "--shares",
        type=shares,
        metavar="A,A,...",
        help="of the copy's weights (default 0,0.1,...,1)",
    )


def add_adaptation_arguments(parser: Parser) -> None:
    """Add the options of the adaptation sweep: probes of ever more pictures."""
    about = "adds probes of this many pictures per class (the adaptation sweep)"
    add_shots(parser, about, seeds=1)
    add_training_pictures(parser, "draw the shots from")


def shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers with commas, not {text}") from None


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Give (metrics, settings) of the shifts and of what else was asked for."""
    from clipbench.evaluate.features.feature_file import cached_image_features
    from clipbench.evaluate.records.record import read_record
    from clipbench.evaluate.robustness import effective_robustness, shift_metrics
    from clipbench.evaluate.wise_ft import SHARES

    data, pool, shifts = open_all(options)
    templates = list(data.templates) if options.templates is None else read_lines(options.templates)
    standard = [read_record(file)["metrics"] for file in options.against]

    def cached(model, pictures, projected):
        return cached_image_features(model, pictures, projected, progress=not options.json)

    metrics = shift_metrics(encoder, data, shifts, templates, cached, options.interval)
    if standard:
        metrics |= effective_robustness(metrics, standard)
    mixed = options.shares or SHARES
    if options.wise_ft:
        metrics |= mixtures(encoder, options.wise_ft, data, shifts, templates, mixed)
    if options.shots:
        metrics |= sweep(encoder, options, data, pool, shifts)
    if options.baselines:
        metrics |= baselines(encoder, options, data, pool, shifts)
    return metrics, {
        "templates": templates,
        "shifts": list(shifts),
        "seed": options.seed,
        "against": [str(file) for file in options.against],
        "wise_ft": options.wise_ft,
        "shares": list(mixed) if options.wise_ft else None,
        "shots": list(options.shots),
        "interval": f"95 % {options.interval}",
    }


def open_all(options: Options) -> tuple:
    """Open (pictures before, training pictures for probes or None, shift -> pictures after)."""
    from clipbench.data.open import open_labelled
    from clipbench.data.probe_splits import drawn, open_split
    from clipbench.data.readers.prompt_sets import with_known_words

    if options.shots:
        split = open_split(options.data, options.train, options.scenes)
        data, pool = split.test, split.train
    else:
        data, pool = open_labelled(options.data), None
    note_empty_folders(options.data, data.labels, data.class_names)
    data = with_known_words(drawn(data, options.pictures, options.seed))
    return (
        data,
        pool,
        {name: open_shift(name, data, options) for name in options.shifts or usual_shifts(options)},
    )


def usual_shifts(options: Options) -> list[str]:
    from clipbench.data.alter.corruptions import CORRUPTIONS
    from clipbench.data.world.sprites import ART_SETS

    other_artists = ART_SETS[1:] if options.data.startswith("scenes:heldout") else ()
    return [*other_artists, *(f"{name}:3" for name in CORRUPTIONS)]


def open_shift(name: str, data, options: Options):
    """Open a corruption of the data, or another data set."""
    from clipbench.data.alter.corruptions import CORRUPTIONS, corrupted
    from clipbench.data.open import open_labelled
    from clipbench.data.probe_splits import drawn
    from clipbench.data.readers.prompt_sets import with_known_words
    from clipbench.evaluate.robustness import only_of, shared_classes

    kind, _, strength = name.partition(":")
    if kind in CORRUPTIONS:
        return corrupted(data, kind, int(strength) if strength.isdecimal() else 0, options.seed)
    shifted = with_known_words(open_labelled(name))
    return drawn(only_of(shifted, shared_classes(data, shifted)), options.pictures, options.seed)


def mixtures(encoder, other: str, data, shifts, templates, mixed) -> dict:
    """Measure ``wise_ft/SHARE/...``: accuracy of each mixture before and after the shifts.

    Their features are not kept.
    """
    from clipbench.encoders.clip import load
    from clipbench.evaluate.robustness import shift_metrics
    from clipbench.evaluate.wise_ft import interpolated

    tuned = load(other, encoder.device, encoder.precision)
    metrics: dict[str, float] = {}
    for share in mixed:
        numbers = shift_metrics(interpolated(encoder, tuned, share), data, shifts, templates)
        wanted = ["top1", "mean_shifted", *(f"{name}/top1" for name in shifts)]
        metrics |= {f"wise_ft/{share:g}/{name}": numbers[name] for name in wanted}
    return metrics


def sweep(encoder, options: Options, data, pool, shifts) -> dict:
    """Measure ``shots/K/...``: probes of K pictures per class, on the data and on every shift."""
    from clipbench.cli.evaluate.linear_probe import solver_device
    from clipbench.data.readers.prompt_sets import with_known_words
    from clipbench.evaluate.features.feature_file import cached_image_features
    from clipbench.evaluate.probes.few_shot import usable_shots
    from clipbench.evaluate.probes.linear_probe import Rows
    from clipbench.evaluate.robustness import adaptation_sweep, labels_among

    def rows(pictures) -> Rows:
        features = cached_image_features(
            encoder, pictures, projected=False, progress=not options.json
        )
        return Rows(features.to(solver_device(encoder)), labels_among(pictures, data.class_names))

    pool = rows(with_known_words(pool))
    tests = {"top1": rows(data)} | {
        f"{name}/top1": rows(shifted) for name, shifted in shifts.items()
    }
    seeds = range(options.seed, options.seed + options.seeds)
    usable = usable_shots(pool.labels, options.shots)
    return adaptation_sweep(pool, tests, usable, seeds, len(data.class_names))


def baselines(encoder, options: Options, data, pool, shifts) -> dict:
    """Measure ``SET/baseline/...``: the most similar picture before the shift, without a model."""
    from clipbench.data.readers.prompt_sets import with_known_words
    from clipbench.evaluate.baselines import baselines_of_set
    from clipbench.evaluate.robustness import only_of

    note_no_copy(encoder)
    pool = pool if pool is not None else labelled_apart(options)
    known = None if pool is None else with_known_words(pool)
    metrics = baselines_of_set(data, known, encoder, options.interval)
    for name, shifted in shifts.items():
        same = None if known is None else only_of(known, shifted.class_names)
        found = baselines_of_set(shifted, same, encoder, options.interval)
        metrics |= {f"{name}/{key}": value for key, value in found.items()}
    return metrics


def labelled_apart(options: Options):
    """Open labelled pictures beside those that are tested; None, and a note, without any."""
    from clipbench.data.open import open_labelled
    from clipbench.data.probe_splits import open_split

    split = open_split(options.data, options.train, options.scenes)
    if len(split.test) == len(open_labelled(options.data)):
        return split.train
    note(f"{options.data} has no pictures for training: raw pixels have nothing to compare with")
    return None


# -------------------- the table


def show(record: dict) -> str:
    metrics, settings = record["metrics"], record["settings"]
    shifts = settings["shifts"]
    lines = [
        f"robustness of {settings['model']} on {settings['data']}, top-1 in per cent "
        "(95 % interval): "
        f"{cell(metrics, 'top1').strip()}",
        f"{'shift':<16}{'same classes before':<24}{'after':<24}{'drop':>7}{'effective':>11}",
    ]
    for name in shifts:
        effective = metrics.get(f"{name}/effective_robustness")
        told = "" if effective is None else f"{100 * effective:+11.1f}"
        before, after = (cell(metrics, f"{name}/{part}") for part in ("in_distribution", "top1"))
        lines.append(f"{name:<16}{before:<24}{after:<24}{100 * metrics[f'{name}/drop']:7.1f}{told}")
    lines.append(f"mean after the shifts {100 * metrics['mean_shifted']:.1f}")
    rows = {"before": "", **{name: f"{name}/" for name in shifts}}
    lines += curves(metrics, settings) + baseline_lines("nearest picture", rows, metrics, VIEWS)
    return "\n".join(lines)


def curves(metrics: dict, settings: dict) -> list[str]:
    """Format the mixtures and the probes, one line each."""
    lines = []
    for kind, steps in (("wise_ft", settings["shares"] or ()), ("shots", settings["shots"])):
        for step in steps:
            before = metrics.get(f"{kind}/{step:g}/top1")
            after = [
                metrics.get(f"{kind}/{step:g}/{name}/top1", 0.0) for name in settings["shifts"]
            ]
            if before is not None:
                told = (
                    f"before {100 * before:5.1f}, mean after {100 * sum(after) / len(after):5.1f}"
                )
                lines.append(f"{kind.replace('_', '-')} {step:g}: {told}")
    return lines
