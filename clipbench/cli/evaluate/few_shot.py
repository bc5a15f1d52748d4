"""``clipbench eval few-shot``: learning curves from a few pictures per class, against zero-shot."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipbench.cli.evaluate.options import (
    EvaluateOptions,
    add_baselines,
    add_shots,
    add_training_pictures,
    note_no_copy,
)
from clipbench.cli.evaluate.words import note_empty_folders
from clipbench.cli.shared import Parser, note_on_pictures

if TYPE_CHECKING:
    from clipbench.evaluate.probes.linear_probe import Rows

NAME = "few-shot"
ABOUT = (
    "probes of 1 to 16 pictures per class against zero-shot, and how many pictures zero-shot is "
    "worth"
)
METHODS = ("probe", "probe-projected", "tip-adapter", "tip-adapter-f", "coop")


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    train: str | None
    scenes: int
    shots: tuple[int, ...]
    seeds: int
    methods: list[str]
    no_full: bool
    baselines: bool


def add_arguments(parser: Parser) -> None:
    add_training_pictures(parser, "draw the shots from")
    add_shots(parser, "pictures per class (default 1,2,4,8,16)", (1, 2, 4, 8, 16))
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=["probe", "probe-projected"],
        metavar="METHOD",
        help=f"any of {', '.join(METHODS)}",
    )
    parser.add_argument(
        "--no-full", action="store_true", help="leave out the probe on all training pictures"
    )
    add_baselines(parser)


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Give (metrics, settings) of the curves, the zero-shot line, and where each curve meets it."""
    from clipbench.data.probe_splits import open_split
    from clipbench.data.readers.prompt_sets import words_for
    from clipbench.evaluate.probes.few_shot import curve_metrics, few_shot_curve, usable_shots
    from clipbench.evaluate.zero_shot import zero_shot_metrics, zero_shot_weights

    split = open_split(options.data, options.train, options.scenes)
    class_names, templates = words_for(split.test)
    weights = zero_shot_weights(encoder, class_names, templates)
    note_empty_folders(options.data, split.train.labels, class_names)
    before, projected = (both_rows(encoder, split, kind, options) for kind in (False, True))
    zero_shot = zero_shot_metrics(projected[1].features, projected[1].labels, weights)
    shots = usable_shots(before[0].labels, options.shots)
    metrics = {f"zero_shot{key[4:]}": zero_shot[key] for key in ("top1", "top1_low", "top1_high")}
    for name in options.methods:
        score = scorer(name, before, projected, weights, encoder, class_names)
        curve = few_shot_curve(before[0].labels, score, shots, range(options.seeds))
        full = (
            None
            if options.no_full or "probe" not in name
            else full_accuracy(name, before, projected, weights)
        )
        metrics |= curve_metrics(
            name.replace("-", "_"), curve, full, zero_shot["top1"], before[0].labels
        )
    if options.baselines:
        note_no_copy(encoder)
        metrics |= baselines(encoder, split, shots, options.seeds)
    metrics |= {
        "chance": zero_shot["chance"],
        "pictures": zero_shot["pictures"],
        "classes": zero_shot["classes"],
    }
    return metrics, {
        "split": split.how,
        "shots": shots,
        "shots_left_out": [k for k in options.shots if k not in shots],
        "seeds": options.seeds,
        "methods": options.methods,
        "validation": "min(shots, 4) further pictures of each class",
        "interval": "95 % Student over the seeds; zero-shot: 95 % Wilson over the pictures",
        "templates": templates,
    }


def baselines(encoder, split, shots, seeds: int) -> dict:
    """Measure probes of as many pictures a class by raw pixels and an untrained copy."""
    from clipbench.evaluate.baselines import PREFIX, rows_by_view
    from clipbench.evaluate.probes.few_shot import few_shot_curve, probe_scorer

    metrics: dict[str, float] = {}
    for name, train, test in rows_by_view(encoder, split.train, split.test):
        score = probe_scorer(train, test, len(split.test.class_names))
        for point in few_shot_curve(train.labels, score, shots, range(seeds)):
            metrics[f"{PREFIX}{name}_{point.shots}_shots"] = point.mean
    return metrics


def both_rows(encoder, split, projected: bool, options: Options) -> "tuple[Rows, Rows]":
    """Compute features of one kind: (pool, test)."""
    from clipbench.evaluate.features.feature_file import cached_features, labelled
    from clipbench.evaluate.probes.linear_probe import Rows

    def rows(part) -> Rows:
        stored = cached_features(encoder, part, projected=projected, progress=not options.json)
        if projected:  # the same pictures both times: reported once
            note_on_pictures(stored)
        features, labels, _ = labelled(stored, part.name)
        return Rows(features, labels)

    return rows(split.train), rows(split.test)


def scorer(
    name: str,
    before: "tuple[Rows, Rows]",
    projected: "tuple[Rows, Rows]",
    weights,
    encoder,
    class_names,
):
    """Choose the ``score`` function of a method by its name."""
    from clipbench.evaluate.probes.few_shot import probe_scorer
    from clipbench.evaluate.probes.prompt_learning import prompt_scorer
    from clipbench.evaluate.probes.tip_adapter import tip_adapter_scorer

    if name == "coop":
        return prompt_scorer(*projected, encoder, class_names)
    if name.startswith("tip-adapter"):
        return tip_adapter_scorer(*projected, weights, encoder.scale, tuned=name.endswith("-f"))
    return probe_scorer(*(projected if name.endswith("projected") else before), len(class_names))


def full_accuracy(name: str, before, projected, weights) -> float:
    """Measure the accuracy of a probe on every training picture."""
    from clipbench.evaluate.probes.linear_probe import linear_probe

    train, test = projected if name.endswith("projected") else before
    return linear_probe(train, test, classes=weights.shape[1])["top1"]
