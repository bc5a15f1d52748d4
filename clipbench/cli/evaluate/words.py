"""By which words classes are known: the data's own, a known set's, or the user's."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.cli.evaluate.options import EvaluateOptions
from clipbench.cli.shared import Parser, note, read_lines
from clipbench.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from clipbench.evaluate.features.feature_file import Stored

OWN = "own"  # as an argument: what the data themselves say


@dataclass(frozen=True, kw_only=True)
class WordsOptions(EvaluateOptions):
    templates: str | None
    classes: str | None
    language: str | None


def add_words(parser: Parser) -> None:
    parser.add_argument(
        "--templates",
        metavar="NAME|FILE",
        help="of a known set (cifar10, imagenet, photos, ...), or a"
        " text file with one template with {} a line, or own (default: the known set "
        "that the data are,"
        " else the data's own)",
    )
    parser.add_argument(
        "--classes",
        metavar="NAME|FILE",
        help="of a known set, or a text file with a class a line: its"
        " name, or the data's name for it, a tab and the name to prompt with; or own "
        "(default as for"
        " templates)",
    )
    parser.add_argument(
        "--language",
        metavar="CODE",
        help="ask about the emoji world in Spanish (es), German (de), Chinese (zh) or Russian (ru)",
    )


@dataclass(frozen=True)
class Words:
    """What is classified, and by which words."""

    stored: "Stored"  # features, with labels that count class_names
    class_names: list[str]
    templates: list[str]
    of: dict[str, str]  # where classes and templates are from

    @property
    def labels(self) -> "Tensor":
        """(M,), counting ``class_names``."""
        assert self.stored.labels is not None  # as choose_words demands
        return self.stored.labels

    @property
    def settings(self) -> dict:
        about = self.stored.about
        pictures = {"pictures": about["data"], "pictures_fingerprint": about["data_fingerprint"]}
        return {**pictures, "words": self.of, "templates": self.templates}


def choose_words(encoder, options: WordsOptions) -> Words:
    """Give features of the data, and the words that --classes and --templates ask for.

    Raises:
        UserError: for data without classes, or with one, for classes that are not listed, and for
            bad templates.
    """
    from clipbench.data.readers.prompt_sets import prompt_set, recognised
    from clipbench.encoders.clip import has_joint_space
    from clipbench.evaluate.features.feature_file import labelled, open_features
    from clipbench.evaluate.features.prompts import fill_templates

    stored = open_features(
        encoder, options.data, has_joint_space(encoder), progress=not options.json
    )
    own_names = list(labelled(stored, options.data)[2])
    if options.language:
        return words_in(options.language, stored, own_names, options)
    known = recognised(stored.about["data"], own_names)
    automatic = known.name if known else OWN
    classes = options.classes or automatic
    templates = options.templates or (classes if is_known(classes) else OWN)
    stored, class_names = with_classes(stored, own_names, classes, options.data)
    if len(class_names) < 2:
        raise UserError(
            f"{options.data} has one class only, {class_names[0]!r}: there is nothing "
            "to choose between"
        )
    found = find_templates(templates, stored)
    fill_templates(class_names, found)  # tells what is wrong with them
    if options.classes or Path(options.data).is_dir():
        note_classes_without_pictures(stored.labels, class_names)
    if is_known(classes) and (metric := prompt_set(classes).metric) != "top1":
        note(f"the paper reports {metric} for {classes}")
    return Words(stored, class_names, found, {"classes": classes, "templates": templates})


def words_in(language: str, stored, own_names: list[str], options: WordsOptions) -> Words:
    """Give the emoji world's classes and templates in another language.

    Raises:
        UserError: for an unknown language, together with --classes, and for classes that are not
            the emoji world's.
    """
    from clipbench.data.world.languages import LANGUAGES, named
    from clipbench.data.world.sprites import concept_ids, concepts

    if language not in LANGUAGES:
        raise UserError(f"unknown --language {language!r}; give {', '.join(LANGUAGES)}")
    if options.classes:
        raise UserError("--language translates the data's own classes; leave --classes out")
    if strange := [name for name in own_names if name not in concept_ids()]:
        raise UserError(
            f"--language knows the names of the emoji world only; {options.data} has {strange[0]!r}"
        )
    names = [named(concepts()[concept_ids()[name]], language) for name in own_names]
    templates = (
        find_templates(options.templates, stored)
        if options.templates
        else LANGUAGES[language].templates
    )
    return Words(
        stored,
        names,
        templates,
        {"classes": f"own, in {LANGUAGES[language].name}", "templates": language},
    )


def is_known(name: str) -> bool:
    from clipbench.data.readers.prompt_sets import prompt_set_names

    return name in prompt_set_names()


def with_classes(stored, own_names: list[str], wanted: str, data: str):
    """Relabel stored features by the wanted classes.

    It gives (stored features with labels that count the classes, the classes).
    """
    from clipbench.data.readers.class_names import match_classes, numbered
    from clipbench.data.readers.prompt_sets import prompt_set

    if wanted == OWN:
        return stored, own_names
    if is_known(wanted):
        known = prompt_set(wanted)
        numbers, class_names = known.numbers(own_names), known.class_names
    else:
        pairs = [line.split("\t", 1) for line in read_words(wanted)]
        numbers, class_names = (
            numbered([pair[0] for pair in pairs], wanted),
            [pair[-1].strip() for pair in pairs],
        )
    if not class_names:
        raise UserError(f"{wanted} lists no classes; give a file with one per line, or a known set")
    labels = match_classes(own_names, numbers, set(stored.labels.tolist()), data, wanted)
    return replace(stored, labels=labels[stored.labels]), class_names


def find_templates(wanted: str, stored) -> list[str]:
    from clipbench.data.readers.prompt_sets import prompt_set

    if wanted == OWN:
        return list(stored.about["templates"])
    return list(prompt_set(wanted).templates) if is_known(wanted) else read_words(wanted)


def read_words(file: str) -> list[str]:
    """Read the lines of a file.

    A name that is neither a file nor a known set is reported with the known ones.
    """
    from clipbench.data.readers.prompt_sets import prompt_set_names

    if not Path(file).exists():
        raise UserError(
            f"{file!r} is no file and no known set; known are "
            f"{', '.join(prompt_set_names())}, or own"
        )
    return read_lines(Path(file))


def note_classes_without_pictures(labels, class_names: list[str]) -> None:
    shown = set(labels.tolist())
    if missing := [name for label, name in enumerate(class_names) if label not in shown]:
        named = ", ".join(repr(name) for name in missing[:5])
        note(
            f"{len(missing)} of {len(class_names)} classes have no pictures and can "
            f"only be wrong answers: {named}"
        )


def note_empty_folders(data: str, labels, class_names: list[str]) -> None:
    """Tell of classes without pictures, where the classes are a folder's sub-folders.

    See ``note_classes_without_pictures``.
    """
    if Path(data).is_dir():
        note_classes_without_pictures(labels, class_names)
