"""``clipbench eval retrieval``: find a picture's captions, and a caption's picture, among all."""

from dataclasses import dataclass

from clipbench.cli.evaluate.options import EvaluateOptions, add_baselines, note_no_copy
from clipbench.cli.shared import Parser, note, note_on_pictures

NAME = "retrieval"
ABOUT = "recall of captions by pictures and of pictures by captions"
SCENES, OTHER_SCENES = "scenes:heldout", 5000  # how many are compared with, by raw pixels


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    prefix: str
    baselines: bool


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="put before every caption; the paper's is 'a photo of'",
    )
    add_baselines(parser)


def measure(encoder, options: Options) -> tuple[dict, dict, dict]:
    """Give (metrics, settings, outcomes); outcomes are R@1 of every query."""
    from clipbench.data.open import as_pictures, open_evaluated_captions
    from clipbench.data.readers.captioned import captions_line
    from clipbench.evaluate.features.compute import text_features
    from clipbench.evaluate.features.feature_file import cached_features
    from clipbench.evaluate.retrieval import distinct, retrieval_ranks

    data, without = open_evaluated_captions(options.data)
    note(captions_line(data))
    stored = cached_features(encoder, as_pictures(data), progress=not options.json)
    rows = [row for row, name in enumerate(data.ids) if str(name) not in stored.unreadable]
    captions = distinct(
        [[with_prefix(options.prefix, text) for text in data.captions(row)] for row in rows]
    )
    texts = text_features(encoder, captions.texts, progress=not options.json)
    ranks = retrieval_ranks(stored.features, texts, captions)
    settings = {
        "pictures": data.name,
        "captions": data.origin,
        "prefix": options.prefix,
        "equal_captions": "one text, but for capitals and spaces: one query, in the gallery "
        "once, right for every "
        "picture that has it",
        "interval": "95 % wilson",
        **({"without_caption": without} if without else {}),
        **note_on_pictures(stored),
    }
    metrics = ranks.metrics(captions)
    if options.baselines:
        readable = as_pictures(data).subset(rows)
        metrics |= baselines(encoder, readable, captions, not options.json)
    return metrics, settings, ranks.outcomes(stored.ids, captions)


def baselines(encoder, pictures, captions, progress: bool) -> dict:
    """Measure what has learned nothing; chance is measured anyway.

    That is an untrained copy of the model and, of scenes, raw pixels with other scenes' captions.
    """
    from clipbench.evaluate.baselines import PREFIX

    found = {}
    if (copied := of_untrained(encoder, pictures, captions, progress)) is not None:
        found["untrained"] = copied
    if pictures.name == SCENES:
        found["pixels_16"] = of_pixels(pictures, captions)
    return {
        f"{PREFIX}{kind}/{name}": value
        for kind, metrics in found.items()
        for name, value in metrics.items()
        if "_to_" in name
    }


def of_untrained(encoder, pictures, captions, progress: bool) -> dict | None:
    """Measure an untrained copy; None, and a note, of a model of another library."""
    from clipbench.encoders.clip import untrained
    from clipbench.evaluate.features.compute import text_features
    from clipbench.evaluate.features.feature_file import cached_image_features
    from clipbench.evaluate.retrieval import retrieval_metrics

    note_no_copy(encoder)
    if (copy := untrained(encoder)) is None:
        return None
    images = cached_image_features(copy, pictures, progress=progress)
    texts = text_features(copy, captions.texts, progress=progress)
    return retrieval_metrics(images, texts, captions)


def of_pixels(pictures, captions) -> dict:
    from clipbench.data.probe_splits import probe_captions
    from clipbench.evaluate.baselines import recall_by_pixels

    return recall_by_pixels(pictures, captions, *probe_captions(OTHER_SCENES))


def with_prefix(prefix: str, caption: str) -> str:
    return f"{prefix.strip()} {caption}" if prefix.strip() else caption
