"""``clipbench eval linear-probe``: logistic regression on frozen features.

It follows the paper's protocol.
"""

from dataclasses import dataclass

from clipbench.cli.evaluate.options import (
    EvaluateOptions,
    add_baselines,
    add_training_pictures,
    note_no_copy,
)
from clipbench.cli.evaluate.words import note_empty_folders
from clipbench.cli.shared import Parser, note_on_pictures, progress_lines

NAME = "linear-probe"
ABOUT = "logistic regression on the features before the projection"
PIXELS = 16  # side of the pictures whose raw pixels are probed
FEATURES = {
    "tower": "before the projection",
    "projected": "projected unit vectors",
    "pixels": f"raw pixels, {PIXELS} x {PIXELS} RGB in [0, 1]",
}


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    train: str | None
    scenes: int
    features: str
    baselines: bool


def add_arguments(parser: Parser) -> None:
    add_training_pictures(parser, "train on")
    parser.add_argument(
        "--features",
        choices=list(FEATURES),
        default="tower",
        help="what is probed (default tower, the paper's: before the projection)",
    )
    add_baselines(parser)


def measure(encoder, options: Options) -> tuple[dict, dict, dict]:
    """Give (metrics, settings, outcomes) of one probe."""
    from clipbench.data.probe_splits import open_split
    from clipbench.evaluate.probes.linear_probe import GRID, judged_probe

    split = open_split(options.data, options.train, options.scenes)
    left_out: dict[str, str] = {}
    train, test, validation = (
        rows_of(encoder, part, options.features, not options.json, left_out)
        for part in (split.train, split.test, split.validation)
    )
    class_names = split.test.class_names
    note_empty_folders(options.data, train.labels, class_names)
    metrics, verdicts = judged_probe(
        train, test, validation, len(class_names), progress_lines(options)
    )
    if options.baselines:
        note_no_copy(encoder)
        metrics |= baselines(encoder, split)
    ids = [str(name) for name in split.test.ids if str(name) not in left_out]
    settings = {
        "split": split.how,
        "validation": "its own"
        if split.validation
        else "a stratified fifth of the training rows, seed 0",
        "features": FEATURES[options.features],
        "scaling": "none",
        "penalty": "|W|^2 / 2 + C * sum of losses, intercept free (scikit-learn's)",
        "C_grid": [GRID[0], GRID[-1], len(GRID)],
        **({"left_out": left_out} if left_out else {}),
    }
    return metrics, settings, verdicts.outcomes(ids, class_names)


def baselines(encoder, split) -> dict:
    """Measure the same probe of raw pixels and of an untrained copy of the model."""
    from clipbench.evaluate.baselines import PREFIX, rows_by_view
    from clipbench.evaluate.probes.linear_probe import linear_probe

    metrics: dict[str, float] = {f"{PREFIX}chance": split.test.chance}
    for name, train, test in rows_by_view(encoder, split.train, split.test):
        found = linear_probe(train, test, classes=len(split.test.class_names))
        metrics |= {f"{PREFIX}{name}{end}": found[f"top1{end}"] for end in ("", "_low", "_high")}
    return metrics


def rows_of(encoder, pictures, kind: str, progress: bool, left_out: dict[str, str]):
    """Compute the features of some pictures with their labels; None for None.

    Unreadable pictures are reported and noted.
    """
    from clipbench.evaluate.baselines import raw_pixels
    from clipbench.evaluate.features.feature_file import cached_features
    from clipbench.evaluate.probes.linear_probe import Rows

    if pictures is None:
        return None
    if kind == "pixels":
        features, labels = raw_pixels(pictures, PIXELS), pictures.labels
    else:
        projected = kind == "projected"
        stored = cached_features(encoder, pictures, projected=projected, progress=progress)
        left_out |= note_on_pictures(stored).get("left_out", {})
        features, labels = stored.features, stored.labels
    return Rows(features.to(solver_device(encoder)), labels)


def solver_device(encoder) -> str:
    """Choose where the fits run: they need float64, which Apple's GPUs do not have."""
    device = str(getattr(encoder, "device", "cpu"))
    return device if device.startswith("cuda") else "cpu"
