"""``clipbench eval select-templates``: choose templates on one half of the pictures.

They are scored on the other half.
"""

from dataclasses import dataclass

from clipbench.cli.evaluate.words import WordsOptions, add_words, choose_words
from clipbench.cli.shared import Parser, note_on_pictures, positive

NAME = "select-templates"
ABOUT = "greedy choice of templates on one half of the pictures, scored on the other"


@dataclass(frozen=True, kw_only=True)
class Options(WordsOptions):
    most: int
    seed: int


def add_arguments(parser: Parser) -> None:
    add_words(parser)
    parser.add_argument(
        "--most", type=positive(int), default=7, help="templates to choose at most (default 7)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the division into halves (default 0)"
    )


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Give (metrics on the other half, settings with the chosen templates in their order)."""
    from clipbench.evaluate.features.prompts import Ensemble, Prompts
    from clipbench.evaluate.template_selection import best_length, forward_selection, halves

    words = choose_words(encoder, options)
    templates = words.templates
    validation, test = halves(words.stored.features, words.labels, options.seed)
    prompts = Prompts(encoder, words.class_names, progress=not options.json).of_all(templates)
    steps = forward_selection(prompts, validation, test, options.most)
    kept = best_length(steps)
    everything, first = (
        test.judged_by(Ensemble(some)).metrics() for some in (prompts, prompts[:1])
    )
    metrics = steps[kept - 1].test.metrics() | {
        "validation_top1": steps[kept - 1].validation,
        "all_templates_top1": everything["top1"],
        "first_template_top1": first["top1"],
        "templates_kept": kept,
        "templates": len(templates),
    }
    return metrics, {
        "chosen": [templates[step.template] for step in steps[:kept]],
        "path": [
            {
                "template": templates[step.template],
                "validation_top1": step.validation,
                "top1": step.test.metrics()["top1"],
            }
            for step in steps
        ],
        "candidates": templates,
        "words": words.of,
        "split": f"halves of each class, seed {options.seed}; top1 is of the half "
        "that did not choose",
        **note_on_pictures(words.stored),
    }
