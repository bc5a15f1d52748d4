"""``clipbench eval hard-negatives``: right captions against wrong ones that differ little."""

from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.evaluate.options import EvaluateOptions, add_interval
from clipbench.cli.metrics_page import cell
from clipbench.cli.shared import Parser, note, note_on_pictures, positive, read_lines

NAME = "hard-negatives"
ABOUT = (
    "right captions against wrong ones that differ little: a table as of SugarCrepe, ARO, "
    "Winoground, NegBench or CountBench, or scenes:order, scenes:number, scenes:presence"
)


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    interval: str
    pictures: Path | None
    scenes: int
    texts: Path | None
    write: Path | None


def add_arguments(parser: Parser) -> None:
    parser.set_defaults(data="scenes:order")
    add_interval(parser)
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="of a table (default: beside it)"
    )
    parser.add_argument(
        "--scenes",
        type=positive(int),
        default=1000,
        metavar="N",
        help="that the emoji world draws (default 1000)",
    )
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="captions, one per line, from which the text-only baseline learns which words are "
        "likely (default: the emoji world's)",
    )
    parser.add_argument(
        "--write", type=Path, metavar="FOLDER", help="also write the set as PNG files and a table"
    )


def measure(encoder, options: Options) -> tuple[dict, dict, dict]:
    """Give (metrics, settings, outcomes); outcomes are whether each question was answered."""
    from clipbench.data.readers.hard_negatives import open_hard_negatives, write_hard_negatives
    from clipbench.evaluate.features.compute import text_features
    from clipbench.evaluate.features.feature_file import cached_features
    from clipbench.evaluate.hard_negatives import (
        BigramModel,
        hard_negative_metrics,
        world_captions,
    )

    data = open_hard_negatives(options.data, options.pictures, options.scenes)
    if data.left_out:
        note(f"left out: {len(data.left_out)} rows; {next(iter(data.left_out.values()))}")
    if options.write:
        write_hard_negatives(options.write, data)
    stored = cached_features(encoder, data.pictures, progress=not options.json)
    cases = readable_cases(data, stored.unreadable)
    texts = sorted({text for case in cases for text in case.captions})
    words = text_features(encoder, texts, progress=not options.json)
    read = read_lines(options.texts) if options.texts else world_captions()
    language = BigramModel.fitted(read)
    unread, distinct = language.unread(cases)
    if unread:
        note(
            f"text-only baseline: {unread} of the captions' {distinct} words are not in "
            f"{options.texts or 'the captions of the emoji world'}, and count as equally rare"
        )
    metrics, answered = hard_negative_metrics(
        stored.features, words, cases, texts, language, options.interval
    )
    outcomes = {
        "ids": [f"{case.captions[0]} | {data.pictures.name} {case.picture}" for case in cases],
        "labels": [1] * len(cases),
        "predictions": [int(each) for each in answered],
    }
    return (
        metrics,
        {
            "pictures": data.pictures.name,
            "text_only_texts": str(options.texts or f"{len(read)} captions of the emoji world"),
            "text_only_unread_words": unread,
            "ties": "no answer",
            "interval": f"95 % {options.interval}",
            **({"rows_left_out": data.left_out} if data.left_out else {}),
            **note_on_pictures(stored),
        },
        outcomes,
    )


def readable_cases(data, unreadable) -> list:
    """Keep the cases whose pictures could be read, with the rows that their features have."""
    from dataclasses import replace

    kept = [row for row, name in enumerate(data.pictures.ids) if str(name) not in unreadable]
    place = {row: number for number, row in enumerate(kept)}
    return [
        replace(case, picture=place[case.picture]) for case in data.cases if case.picture in place
    ]


def show(record: dict) -> str:
    """Format the table, in per cent."""
    metrics, settings = record["metrics"], record["settings"]
    lines = [
        f"hard negatives of {settings['model']} on {settings['data']}: "
        f"{metrics['questions']} questions, per cent (95 % interval)",
        f"{'right':<16}{cell(metrics, 'accuracy')}",
        f"{'text only':<16}{cell(metrics, 'text_only')}",
        f"{'difference':<16}{cell(metrics, 'above_text_only')}, p = {metrics['p']:.2g}",
        f"{'chance':<16}{100 * metrics['chance']:5.1f}",
    ]
    if metrics["ties"]:
        lines.append(f"{'ties':<16}{100 * metrics['ties']:5.1f}  no answer: equal cosines")
    for name in (
        name.removeprefix("category/") for name in metrics if name.startswith("category/")
    ):
        if not name.endswith(("_low", "_high")):
            blind = 100 * metrics[f"text_only/{name}"]
            lines.append(f"  {name:<14}{cell(metrics, f'category/{name}')}  text only {blind:.1f}")
    for name in ("text_score", "image_score", "group_score"):
        if name in metrics:
            label = name.replace("_", " ")
            lines.append(f"{label:<16}{cell(metrics, name)}  of {metrics['groups']} groups")
    return "\n".join(lines)
