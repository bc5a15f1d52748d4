"""``clipbench eval typographic``: another thing's name printed on every picture.

It measures what the model then sees.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.evaluate.options import EvaluateOptions, add_interval, add_training_pictures
from clipbench.cli.evaluate.words import note_empty_folders
from clipbench.cli.metrics_page import cell
from clipbench.cli.shared import Parser, note_on_pictures, positive, progress_lines, read_lines
from clipbench.errors import UserError

NAME = "typographic"
ABOUT = (
    "typographic attacks: another thing's name printed on every picture, by "
    "sticker size, with a control word"
)


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    templates: Path | None
    pictures: int
    seed: int
    longest: int
    interval: str
    probe: bool
    train: str | None
    scenes: int
    height: float
    heights: tuple[float, ...] | None
    position: tuple[float, ...]
    angle: float
    opacity: float
    text_color: str
    paper_color: str
    font: Path | None


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--templates",
        type=Path,
        help="a text file, one template with {} a line (default: the data's)",
    )
    parser.add_argument(
        "--pictures",
        type=positive(int),
        default=2000,
        metavar="N",
        help="how many pictures to attack, drawn by the seed (default 2000)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the targets and the choice of pictures (default 0)"
    )
    parser.add_argument(
        "--longest",
        type=positive(int),
        default=80,
        metavar="LETTERS",
        help="print only names of at most this many letters, such as 8",
    )
    add_interval(parser)
    parser.add_argument(
        "--probe", action="store_true", help="also attack a linear probe of clean features"
    )
    add_training_pictures(parser, "train the probe on")
    add_sticker_arguments(parser)


def add_sticker_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--height",
        type=float,
        default=0.25,
        help="of the sticker, as a fraction of the picture's side (default 0.25)",
    )
    parser.add_argument(
        "--heights",
        type=numbers,
        metavar="H,H,...",
        help="of the sweep (default 0.1,0.15,0.2,0.25,0.3,0.4; none for no sweep)",
    )
    parser.add_argument(
        "--position",
        type=numbers,
        default=(0.5, 0.8),
        metavar="X,Y",
        help="centre of the sticker, as fractions (default 0.5,0.8)",
    )
    parser.add_argument(
        "--angle", type=float, default=0.0, help="degrees, counter-clockwise (default 0)"
    )
    parser.add_argument("--opacity", type=float, default=1.0)
    parser.add_argument(
        "--text-color", default="#141419", help="a name or #rrggbb (default #141419)"
    )
    parser.add_argument(
        "--paper-color", default="#fcfcfa", help="a name, #rrggbb, or none (default #fcfcfa)"
    )
    parser.add_argument(
        "--font", type=Path, help="a TrueType or OpenType file (default: DejaVu Sans, bold)"
    )


def numbers(text: str) -> tuple[float, ...]:
    try:
        return () if text == "none" else tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers with commas, not {text}") from None


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Give (metrics, settings) of one attack."""
    from clipbench.data.readers.word_photos import is_word_folder

    if is_word_folder(Path(options.data)):
        return measure_photos(encoder, options)
    return measure_stickers(encoder, options)


def measure_stickers(encoder, options: Options) -> tuple[dict, dict]:
    """Measure the attack on pictures of a set, with printed stickers."""
    from clipbench.data.probe_splits import drawn
    from clipbench.evaluate.typographic import (
        HEIGHTS,
        named_word_metrics,
        plan_attack,
        printed,
        typographic_attack,
    )

    sticker = sticker_of(options)
    data, probe, split = pictures_and_probe(encoder, options)
    note_empty_folders(options.data, data.labels, data.class_names)
    data, left_out = readable_part(encoder, drawn(data, options.pictures, options.seed), options)
    templates = templates_of(data, options)
    plan = plan_attack(data.labels, data.class_names, options.seed, options.longest)
    heights = HEIGHTS if options.heights is None else options.heights
    classifiers = [*zero_shot_classifiers(encoder, data, templates), *probe]
    progress = not options.json
    metrics = typographic_attack(
        encoder, data, classifiers, sticker, plan, heights, progress, options.interval
    )
    attacked = printed(data, plan.words, sticker)
    metrics |= named_word_metrics(
        encoder, attacked, plan.words, plan.targets, progress, options.interval
    )
    return metrics, {
        "templates": templates,
        "seed": options.seed,
        "longest": options.longest,
        "heights": list(heights),
        "sticker": described(sticker),
        "split": split,
        **wordings(options),
        **left_out,
    }


def measure_photos(encoder, options: Options) -> tuple[dict, dict]:
    """Measure the attack on one's own photographs, which have their words on them already."""
    from clipbench.data.readers.word_photos import open_word_photos
    from clipbench.evaluate.typographic import Jury, named_word_metrics, photo_metrics

    if options.probe:
        raise UserError(
            f"{options.data} holds photographs with words, which train no probe; leave --probe out"
        )
    photos = open_word_photos(Path(options.data))
    data, written = photos.data, photos.written >= 0
    templates = templates_of(data, options)
    targets = photos.written.clamp(min=0)
    classifiers = zero_shot_classifiers(encoder, data, templates)
    judged = Jury(encoder, data.labels, targets, classifiers, not options.json).judge(data)
    metrics: dict = {}
    for name, verdict in judged.items():
        metrics |= photo_metrics(verdict, written, name, options.interval)
    rows = written.nonzero()[:, 0].tolist()
    some = data.subset(rows)
    words = [data.class_names[number] for number in targets[rows].tolist()]
    metrics |= named_word_metrics(encoder, some, words, targets[rows], interval=options.interval)
    classes = len(data.class_names)
    metrics |= {"chance": 1 / classes, "two_way_chance": 0.5, "classes": classes}
    metrics |= {"pictures": len(data), "pictures_with_a_word": len(rows)}
    return metrics, {"templates": templates, **wordings(options)}


def sticker_of(options: Options):
    from clipbench.data.alter.sticker import FONT, Sticker

    if len(options.position) != 2:
        raise UserError("--position needs two numbers, such as 0.5,0.8")
    paper = None if options.paper_color == "none" else options.paper_color
    return Sticker(
        "word",
        options.height,
        options.position,
        options.text_color,
        paper,
        options.angle,
        options.opacity,
        options.font or FONT,
    )


def described(sticker) -> dict:
    """Describe what is printed and how, without the word."""
    return {
        "height": sticker.height,
        "position": list(sticker.position),
        "text_color": sticker.text_color,
        "paper_color": sticker.paper_color,
        "angle": sticker.angle,
        "opacity": sticker.opacity,
        "font": Path(sticker.font).name,
    }


def wordings(options: Options) -> dict:
    from clipbench.evaluate.typographic import NAMED_WORDING, WORDING

    return {
        "wording": list(WORDING),
        "named_wording": NAMED_WORDING,
        "interval": f"95 % {options.interval}",
    }


def templates_of(data, options: Options) -> list[str]:
    return list(data.templates) if options.templates is None else read_lines(options.templates)


def zero_shot_classifiers(encoder, data, templates: list[str]) -> list:
    """Make the zero-shot classifier, and the one whose prompts mention a sign.

    The second is the defence by wording.
    """
    from clipbench.evaluate.typographic import WORDING, Classifier
    from clipbench.evaluate.zero_shot import zero_shot_weights

    def classifier(name: str, texts) -> Classifier:
        weights = zero_shot_weights(encoder, data.class_names, texts)
        return Classifier(name, lambda features: features @ weights)

    return [classifier("", templates), classifier("wording_", WORDING)]


def pictures_and_probe(encoder, options: Options) -> tuple:
    """Open (pictures to attack, a list that may hold the probe, how the data were split)."""
    from clipbench.data.open import open_labelled
    from clipbench.data.readers.prompt_sets import with_known_words

    if not options.probe:
        return with_known_words(open_labelled(options.data)), [], None
    from clipbench.cli.evaluate.linear_probe import rows_of
    from clipbench.data.probe_splits import open_split
    from clipbench.evaluate.probes.linear_probe import choose_probe
    from clipbench.evaluate.typographic import Classifier

    split = open_split(options.data, options.train, options.scenes)
    train, validation = (
        rows_of(encoder, part, "tower", not options.json, {})
        for part in (split.train, split.validation)
    )
    probe = choose_probe(train, validation, len(split.test.class_names), progress_lines(options))
    return (
        with_known_words(split.test),
        [Classifier("probe_", probe.fit.logits, projected=False)],
        split.how,
    )


def readable_part(encoder, data, options: Options) -> tuple:
    """Keep the pictures that can be read.

    It gives (those pictures, the setting that mentions the others).
    """
    from clipbench.evaluate.features.feature_file import cached_features

    stored = cached_features(encoder, data, progress=not options.json)
    if not stored.unreadable:
        return data, {}
    known = set(stored.ids)
    return data.subset(
        [row for row, name in enumerate(data.ids) if str(name) in known]
    ), note_on_pictures(stored)


# -------------------- the table

COLUMNS = ("attacked_top1", "control_top1", "success", "control_target", "two_way_attacked")


def show(record: dict) -> str:
    """Format the numbers as percentages: one table of the sizes for each classifier.

    The defences follow.
    """
    metrics, settings = record["metrics"], record["settings"]
    lines = [
        f"typographic attack on {settings['model']} with {settings['data']}: "
        f"{metrics['pictures']} pictures, "
        f"{metrics['classes']} classes; per cent, chance {100 * metrics['chance']:.2g}, two-way 50"
    ]
    for prefix, title in (
        ("", "zero-shot"),
        ("probe_", "linear probe"),
        ("wording_", "prompts that mention a sign"),
    ):
        lines += classifier_lines(metrics, settings, prefix, title)
    return "\n".join([*lines, *other_lines(metrics)])


def classifier_lines(metrics: dict, settings: dict, prefix: str, title: str) -> list[str]:
    known = [
        name
        for name in (
            "clean_top1",
            *COLUMNS,
            "flipped",
            "control_cost",
            "two_way_clean",
            "masked_top1",
        )
        if prefix + name in metrics
    ]
    if not known:
        return []
    lines = ["", title, *(f"  {name:<18} {cell(metrics, prefix + name)}" for name in known)]
    heights = settings.get("heights", ())
    if heights:
        lines.append("  height  covered" + "".join(f"{name:>18}" for name in COLUMNS))
    for height in heights:
        numbers = [metrics[f"{prefix}{name}_at_{height:g}"] for name in COLUMNS]
        cover = metrics[f"covered_at_{height:g}"]
        lines.append(
            f"  {height:6g} {100 * cover:8.1f}"
            + "".join(f"{100 * number:18.1f}" for number in numbers)
        )
    return lines


def other_lines(metrics: dict) -> list[str]:
    name = "two_way_named_word"
    return (
        ["", f"prompts that name the word, two-way: {cell(metrics, name)}"]
        if name in metrics
        else []
    )
