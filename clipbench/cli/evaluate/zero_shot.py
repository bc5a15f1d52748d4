"""``clipbench eval zero-shot``: class names and templates as a classifier."""

import csv
from pathlib import Path

from clipbench.cli.shared import Parser, note, note_unreadable, read_lines
from clipbench.errors import UserError

NAME = "zero-shot"
ABOUT = "class names and templates as a classifier"


def add_words(parser: Parser) -> None:
    """The arguments that say by which words classes are known."""
    parser.add_argument("--templates", help="a text file, one template with {} a line (default: the data's)")
    parser.add_argument("--classes", metavar="FILE", help="a text file, one class a line: its name, or the data's name"
                        " for it, a tab and the name to prompt with (default: the data's)")  # fmt: skip


def add_arguments(parser: Parser) -> None:
    from clipbench.evaluate.intervals import KINDS

    add_words(parser)
    parser.add_argument("--ensemble", choices=["embedding", "probability"], default="embedding",
                        help="where templates are averaged (default embedding, as in the paper)")  # fmt: skip
    parser.add_argument("--interval", choices=KINDS, default="wilson", help="(default wilson)")
    parser.add_argument("--confusion", type=Path, metavar="FILE", help="also write the confusion matrix to this .csv")


def measure(encoder, arguments) -> tuple[dict, dict, dict]:
    """(metrics, settings, outcomes) of one evaluation."""
    from clipbench.evaluate.accuracy import commonest_confusions
    from clipbench.evaluate.zero_shot import ENSEMBLES

    stored, class_names, templates = opened(encoder, arguments)
    verdicts = judged(encoder, stored, class_names, templates, arguments)
    if arguments.confusion:
        write_confusions(arguments.confusion, verdicts, class_names)
    settings = {
        "templates": templates,
        "ensemble": ENSEMBLES[arguments.ensemble],
        "interval": f"95 % {arguments.interval}",
        **({"scale": encoder.scale} if arguments.ensemble == "probability" else {}),
        **note_unreadable(stored),
    }
    outcomes = {
        "ids": stored.ids,
        "labels": verdicts.labels.tolist(),
        "predictions": verdicts.predictions.tolist(),
        "class_names": class_names,
        "commonest_confusions": commonest_confusions(verdicts, class_names),
    }
    return verdicts.metrics(arguments.interval), settings, outcomes


def opened(encoder, arguments):
    """(stored features, class names, templates): what is classified, and by which words."""
    from clipbench.evaluate.feature_file import labelled, open_features
    from clipbench.evaluate.zero_shot import fill_templates

    stored = open_features(encoder, arguments.data, progress=not arguments.json)
    class_names = list(labelled(stored, arguments.data)[2])
    if arguments.classes:
        stored, class_names = renamed(stored, read_lines(Path(arguments.classes)), arguments)
    if len(class_names) < 2:
        raise UserError(f"{arguments.data} has one class only, {class_names[0]!r}: there is nothing to choose between")
    templates = stored.about["templates"] if arguments.templates is None else read_lines(Path(arguments.templates))
    fill_templates(class_names, templates)
    if arguments.classes or Path(arguments.data).is_dir():
        note_classes_without_pictures(stored, class_names)
    return stored, class_names, templates


def note_classes_without_pictures(stored, class_names: list[str]) -> None:
    shown = set(stored.labels.tolist())
    if missing := [name for label, name in enumerate(class_names) if label not in shown]:
        named = ", ".join(repr(name) for name in missing[:5])
        note(f"{len(missing)} of {len(class_names)} classes have no pictures and can only be wrong answers: {named}")


def renamed(stored, lines: list[str], arguments):
    """The classes of a names file, in its order, and labels that count them."""
    from clipbench.data.class_names import match_classes
    from clipbench.evaluate.feature_file import Stored

    pairs = [line.split("\t", 1) for line in lines]
    there, prompted = [pair[0] for pair in pairs], [pair[-1].strip() for pair in pairs]
    occurring = set(stored.labels.tolist())
    numbers = match_classes(stored.about["class_names"], there, occurring, arguments.data, arguments.classes)
    return Stored(stored.features, numbers[stored.labels], stored.about), prompted


def judged(encoder, stored, class_names, templates, arguments):
    """The verdicts of the chosen ensemble."""
    from clipbench.evaluate.prompts import Prompts
    from clipbench.evaluate.zero_shot import judge_by_probabilities, judge_zero_shot

    prompts = Prompts(encoder, class_names, progress=not arguments.json)
    if arguments.ensemble == "probability":
        return judge_by_probabilities(stored.features, stored.labels, prompts.of_all(templates), encoder.scale)
    return judge_zero_shot(stored.features, stored.labels, prompts.weights(templates))


def write_confusions(file: Path, verdicts, class_names) -> None:
    """Rows are the right classes, columns the answers."""
    from clipbench.evaluate.accuracy import confusion_matrix

    counts = confusion_matrix(verdicts.labels, verdicts.predictions, verdicts.classes).tolist()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "w", newline="", encoding="utf-8") as out:
            rows = csv.writer(out)
            rows.writerow(["right \\ answer", *class_names])
            rows.writerows([name, *row] for name, row in zip(class_names, counts, strict=True))
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
