"""``clipbench eval multi-label``: which classes a picture shows, where it may show several."""

from dataclasses import dataclass

from clipbench.cli.evaluate.options import EvaluateOptions
from clipbench.cli.evaluate.words import OWN, find_templates
from clipbench.cli.shared import Parser, note_on_pictures

NAME = "multi-label"
ABOUT = (
    "mean average precision of class names and templates, where a picture may show several classes"
)


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    templates: str | None


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--templates",
        metavar="NAME|FILE",
        help="of a known set (voc2007, photos, ...), or a text file"
        " with one template with {} a line (default: the known set that the data are, else"
        " photos)",
    )


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Rank the pictures for every class by the cosine with its ensemble of prompts.

    It gives (metrics, settings).
    """
    from clipbench.data.open import open_multi_label
    from clipbench.data.readers.prompt_sets import recognised, words_for
    from clipbench.evaluate.features.compute import check_features
    from clipbench.evaluate.features.feature_file import cached_features
    from clipbench.evaluate.features.prompts import Prompts
    from clipbench.evaluate.statistics.accuracy import multi_label_metrics
    from clipbench.evaluate.zero_shot import ENSEMBLES

    pictures, targets = open_multi_label(options.data)
    class_names, templates = words_for(pictures)
    stored = cached_features(encoder, pictures, progress=not options.json)
    if options.templates not in (None, OWN):
        templates = find_templates(options.templates, stored)
    weights = Prompts(encoder, class_names, progress=not options.json).weights(templates)
    check_features(stored.features, len(weights))
    kept = [row for row, name in enumerate(pictures.ids) if str(name) not in stored.unreadable]
    known = recognised(pictures.name, pictures.class_names)
    return multi_label_metrics(stored.features @ weights, targets[kept]), {
        "pictures": pictures.name,
        "classes": known.name if known else OWN,
        "class_names": class_names,
        "templates": templates,
        "ensemble": ENSEMBLES["embedding"],
        "average_precision": "map: area under the steps; map_11_point: VOC 2007's; of "
        "the classes that occur",
        **note_on_pictures(stored),
    }
