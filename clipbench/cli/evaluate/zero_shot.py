"""``clipbench eval zero-shot``: class names and templates as a classifier."""

from pathlib import Path

from clipbench.cli.shared import Parser, read_lines

NAME = "zero-shot"
ABOUT = "class names and templates as a classifier"


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--templates", help="a text file, one template with {} a line (default: the data's)")


def measure(encoder, arguments) -> tuple[dict, dict]:
    """(metrics, settings) of one evaluation."""
    from clipbench.data.picture_sets import open_pictures
    from clipbench.devices import use_fastest_threads
    from clipbench.evaluate.features import image_features
    from clipbench.evaluate.zero_shot import zero_shot_metrics, zero_shot_weights

    data = open_pictures(arguments.data)
    templates = list(data.templates) if arguments.templates is None else read_lines(Path(arguments.templates))
    sample = encoder.preprocess(data.pictures(range(min(64, len(data)))))
    use_fastest_threads(lambda: encoder.encode_image(sample))
    weights = zero_shot_weights(encoder, data.class_names, templates)
    features = image_features(encoder, data, progress=not arguments.json)
    metrics = zero_shot_metrics(features, data.labels, weights)
    return metrics, {"templates": templates, "ensemble": "mean of unit vectors, normalised again"}
