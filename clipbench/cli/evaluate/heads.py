"""``clipbench eval heads``: what each head of a vision transformer adds to the image vector.

Heads are described in words. It also gives what is left without a head, and what every layer would
answer if it were the last.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clipbench.cli.evaluate.options import EvaluateOptions
from clipbench.cli.shared import Parser, positive

if TYPE_CHECKING:
    from torch import Tensor

NAME = "heads"
ABOUT = "heads of a vision transformer in words, without one after the other, layer by layer"


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    pictures: int


def add_arguments(parser: Parser) -> None:
    parser.set_defaults(data="scenes")
    parser.add_argument(
        "--pictures", type=positive(int), default=1000, metavar="N", help="(default 1000)"
    )


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Give (metrics, settings): accuracies with intervals, and the five texts of every head."""
    import torch

    from clipbench.errors import UserError
    from clipbench.inside.graded_scenes import graded_scenes
    from clipbench.inside.heads import Contributions, contributions, in_words, lens

    if options.data != "scenes":
        raise UserError("heads draws scenes of its own; leave --data out")
    scenes = graded_scenes("heldout", options.pictures).pictures
    parts, layers, error = [], [], 0.0
    for start in range(0, len(scenes), 64):
        rows = range(start, min(start + 64, len(scenes)))
        inputs = encoder.preprocess(scenes.pictures(rows))
        parts.append(contributions(encoder, inputs))
        layers.append(lens(encoder, inputs))
        error = max(error, float((parts[-1].total() - layers[-1][-1]).abs().max()))
    fields = ("heads", "mlps", "start", "constant")
    whole = Contributions(**{f: torch.cat([getattr(part, f) for part in parts]) for f in fields})
    questions = Questions(encoder, options.pictures)
    metrics: dict[str, Any] = {"largest_error_of_the_sum": error}
    for layer, features in enumerate(torch.cat(layers, 1)):
        metrics |= questions.accuracy(features, f"after_layer_{layer}/")
    metrics |= questions.accuracy(whole.total(), "all/")
    texts, vectors = texts_of_the_world(encoder)
    for layer in range(whole.heads.shape[1]):
        every = [(layer, head) for head in range(whole.heads.shape[2])]
        metrics |= questions.accuracy(whole.mean_ablated(every).total(), f"without_{layer}/")
        for _, head in every:
            name = f"head_{layer}_{head}"
            metrics |= questions.accuracy(whole.mean_ablated([(layer, head)]).total(), f"{name}/")
            found = in_words(whole.heads[:, layer, head], vectors)
            metrics[f"{name}/texts"] = " | ".join(texts[number] for number, _ in found)
            metrics[f"{name}/explained"] = sum(share for _, share in found)
    return metrics, {
        "pictures": options.pictures,
        "without": "at the mean of the pictures: direct effects only",
        "texts": len(texts),
    }


class Questions:
    """Two questions about graded scenes, asked of image vectors: which thing, and which style."""

    def __init__(self, encoder, count: int):
        from clipbench.data.world.captions import STYLE_TEMPLATES
        from clipbench.data.world.sprites import concept_ids, concepts
        from clipbench.evaluate.zero_shot import zero_shot_weights
        from clipbench.inside.graded_scenes import drawn_factors, factors_of

        names, drawn = drawn_factors("heldout", count, 64)
        truth = {each.name: each for each in factors_of(drawn, drawn.style, names)}
        self.things, self.styles = truth["concept"].labels, truth["style"].labels
        self.of_things = zero_shot_weights(encoder, names, ["a {}", "a photo of a {}"])
        nouns = [concepts()[concept_ids()[name]].noun_phrase for name in names]
        phrases = [templates[0] for templates in STYLE_TEMPLATES.values()]
        prompts = [phrase.format(noun) for phrase in phrases for noun in nouns]
        mean = encoder.encode_text(prompts).view(len(phrases), len(nouns), -1).mean(1)
        self.of_styles = (mean / mean.norm(dim=1, keepdim=True)).T

    def accuracy(self, features, prefix: str) -> dict[str, float]:
        from clipbench.evaluate.statistics.intervals import with_interval

        found: dict[str, float] = {}
        for name, labels, weights in (
            ("top1", self.things, self.of_things),
            ("style", self.styles, self.of_styles),
        ):
            kept = labels >= 0
            hits = (features[kept] @ weights).argmax(1) == labels[kept]
            found |= with_interval(f"{prefix}{name}", int(hits.sum()), int(kept.sum()))
        return found


def texts_of_the_world(encoder) -> "tuple[list[str], Tensor]":
    """Encode texts about every factor of the world: (texts, their vectors)."""
    from clipbench.data.world.captions import NUMBERS, STYLE_TEMPLATES
    from clipbench.data.world.factors import COLOURS
    from clipbench.data.world.scene_tasks import PLACES
    from clipbench.data.world.sprites import concept_ids, concepts
    from clipbench.inside.stimuli import spread_concepts

    things = [concepts()[concept_ids()[name]] for name in spread_concepts(128)]
    texts = [thing.noun_phrase for thing in things]
    texts += [f"a sign that says {thing.name}" for thing in things[::2]]
    texts += [
        f"{NUMBERS[n]} {thing.plural}" for thing in things[::4] if thing.plural for n in (2, 3)
    ]
    texts += [f"a {colour} background" for colour in COLOURS]
    texts += [templates[0].format("something") for templates in STYLE_TEMPLATES.values()]
    texts += [f"something {place}" for place in PLACES]
    return texts, encoder.encode_text(texts)
