"""``clipbench eval zero-shot``: class names and templates as a classifier."""

from pathlib import Path

from clipbench.cli.shared import Parser, read_lines

NAME = "zero-shot"
ABOUT = "class names and templates as a classifier"


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--templates", help="a text file, one template with {} a line (default: the data's)")


def measure(encoder, arguments) -> tuple[dict, dict]:
    """(metrics, settings) of one evaluation."""
    from clipbench.evaluate.feature_file import labelled, open_features
    from clipbench.evaluate.zero_shot import zero_shot_metrics, zero_shot_weights

    stored = open_features(encoder, arguments.data, progress=not arguments.json)
    features, labels, class_names = labelled(stored, arguments.data)
    templates = stored.about["templates"] if arguments.templates is None else read_lines(Path(arguments.templates))
    weights = zero_shot_weights(encoder, class_names, templates)
    metrics = zero_shot_metrics(features, labels, weights)
    return metrics, {"templates": templates, "ensemble": "mean of unit vectors, normalised again"}
