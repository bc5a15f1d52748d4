"""``clipbench eval zero-shot``: class names and templates as a classifier."""

import csv
from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.evaluate.options import add_baselines, add_interval, note_no_copy
from clipbench.cli.evaluate.words import WordsOptions, add_words, choose_words
from clipbench.cli.shared import Parser, note, note_on_pictures, positive
from clipbench.errors import UserError

NAME = "zero-shot"
ABOUT = "class names and templates as a classifier"


@dataclass(frozen=True, kw_only=True)
class Options(WordsOptions):
    ensemble: str
    interval: str
    baselines: bool
    scenes: int
    confusion: Path | None


def add_arguments(parser: Parser) -> None:
    add_words(parser)
    parser.add_argument(
        "--ensemble",
        choices=["embedding", "probability"],
        default="embedding",
        help="where templates are averaged (default embedding, as in the paper)",
    )
    add_interval(parser)
    add_baselines(parser)
    parser.add_argument(
        "--scenes",
        type=positive(int),
        default=20_000,
        metavar="N",
        help="labelled scenes for the baselines, where the data are scenes (default 20000)",
    )
    parser.add_argument(
        "--confusion",
        type=Path,
        metavar="FILE",
        help="also write the confusion matrix to this .csv",
    )


def measure(encoder, options: Options) -> tuple[dict, dict, dict]:
    """Give (metrics, settings, outcomes) of one evaluation."""
    from clipbench.encoders.clip import has_joint_space
    from clipbench.evaluate.zero_shot import ENSEMBLES

    words = choose_words(encoder, options)
    verdicts = judged(encoder, words, options)
    if options.confusion:
        write_confusions(options.confusion, verdicts, words.class_names)
    settings = {
        **words.settings,
        "ensemble": ENSEMBLES[options.ensemble] if has_joint_space(encoder) else encoder.ensemble,
        "interval": f"95 % {options.interval}",
        **({"scale": encoder.scale} if options.ensemble == "probability" else {}),
        **note_on_pictures(words.stored),
    }
    outcomes = verdicts.outcomes(words.stored.ids, words.class_names)
    metrics = verdicts.metrics(options.interval)
    if options.baselines:
        more, how = baselines(encoder, words, options)
        metrics, settings = metrics | more, settings | how
    return metrics, settings, outcomes


def baselines(encoder, words, options: Options) -> tuple[dict, dict]:
    """Give (metrics, settings) of what needs no trained model."""
    from clipbench.data.probe_splits import open_split
    from clipbench.evaluate.baselines import baselines_of_set

    note_no_copy(encoder)
    split = open_split(options.data, None, options.scenes)
    if list(split.test.class_names) != list(words.class_names) or len(split.test) != len(
        words.labels
    ):
        note("baselines: on the data's own classes and its own split for testing")
    metrics = baselines_of_set(split.test, split.train, encoder, options.interval)
    return metrics, {"baselines": f"the most similar labelled picture: {split.how}"}


def judged(encoder, words, options: Options):
    """Judge the pictures with the chosen ensemble, or with a rival objective in its own way."""
    from clipbench.encoders.clip import has_joint_space
    from clipbench.evaluate.features.prompts import Prompts
    from clipbench.evaluate.zero_shot import (
        judge_by_probabilities,
        judge_by_scores,
        judge_zero_shot,
    )

    features, labels = words.stored.features, words.labels
    if not has_joint_space(encoder):
        return judge_by_scores(encoder, features, labels, words.class_names, words.templates)
    prompts = Prompts(encoder, words.class_names, progress=not options.json)
    if options.ensemble == "probability":
        return judge_by_probabilities(
            features, labels, prompts.of_all(words.templates), encoder.scale
        )
    return judge_zero_shot(features, labels, prompts.weights(words.templates))


def write_confusions(file: Path, verdicts, class_names) -> None:
    """Write the confusion matrix: rows are the right classes, columns the answers."""
    from clipbench.evaluate.statistics.accuracy import confusion_matrix

    counts = confusion_matrix(verdicts.labels, verdicts.predictions, verdicts.classes).tolist()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "w", newline="", encoding="utf-8", errors="backslashreplace") as out:
            rows = csv.writer(out)
            rows.writerow(["right \\ answer", *class_names])
            rows.writerows([name, *row] for name, row in zip(class_names, counts, strict=True))
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
