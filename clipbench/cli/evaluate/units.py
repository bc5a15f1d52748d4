"""``clipbench eval units``: units that answer to a concept as a picture and as a written word."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clipbench.cli.evaluate.options import EvaluateOptions
from clipbench.cli.shared import Parser, positive

if TYPE_CHECKING:
    from torch import Tensor

NAME = "units"
ABOUT = "units that answer to a picture of a concept and to its written name, against luck"


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    layers: list[str] | None
    pool: str
    concepts: int
    each: int
    expected: float
    permutations: int
    draw: int


def add_arguments(parser: Parser) -> None:
    parser.set_defaults(data="scenes")
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER",
        help="such as image_encoder.blocks.5.mlp.1 (default: behind every nonlinearity)",
    )
    parser.add_argument(
        "--pool", default="max", help="max, mean or class token, over places (default max)"
    )
    parser.add_argument(
        "--concepts", type=positive(int), default=100, metavar="N", help="(default 100)"
    )
    parser.add_argument(
        "--each",
        type=positive(int),
        default=20,
        metavar="N",
        help="pictures, and words, of every concept (default 20)",
    )
    parser.add_argument(
        "--expected",
        type=positive(float),
        default=40.0,
        metavar="N",
        help="count pairs above the score that so many reach by luck (default 40)",
    )
    parser.add_argument(
        "--permutations", type=positive(int), default=1000, metavar="N", help="(default 1000)"
    )
    parser.add_argument(
        "--draw",
        type=int,
        default=0,
        metavar="N",
        help="another number shows other pictures and words (default 0)",
    )


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Search for pairs on one draw of pictures and words, and test them again on another.

    It gives (metrics, settings).
    """
    from clipbench.errors import UserError
    from clipbench.inside import unit_layers, unit_pairs
    from clipbench.inside.responses import own_model
    from clipbench.inside.stimuli import spread_concepts

    if options.data != "scenes":
        raise UserError("units draws pictures and words of its own; leave --data out")
    names = spread_concepts(options.concepts)
    layers = options.layers or unit_layers(own_model(encoder))
    search, fresh = (
        areas_of(encoder, names, layers, options, 2 * options.draw + half) for half in (0, 1)
    )
    metrics: dict[str, Any] = {}
    for layer in layers:
        check_size(search[layer][0], options.expected, layer)
        found, again = (
            unit_pairs(*areas[layer], options.expected, options.permutations)
            for areas in (search, fresh)
        )
        told = numbers(found, again, search[layer], fresh[layer], names)
        metrics |= {f"{layer}/{key}": value for key, value in told.items()}
    metrics |= corrected(metrics, layers)
    return metrics | {"concepts": len(names), "chance_auc": 0.5}, {
        "layers": layers,
        "pool": options.pool,
        "each": options.each,
        "expected": options.expected,
        "permutations": options.permutations,
        "draw": options.draw,
        "score": "the smaller of two AUCs: pictures of the concept, and signs with its "
        "name, against the other ones",
        "test": "pairs of a unit and a concept above the score that `expected` pairs reach by "
        "luck, against deals of the words to wrong concepts; Holm over the layers",
        "fresh": "the same test on pictures and words that were not searched",
    }


def areas_of(
    encoder, names, layers, options: Options, draw: int
) -> "dict[str, tuple[Tensor, Tensor]]":
    """Compute AUCs: layer -> (AUCs of pictures, AUCs of words), each (concepts, units)."""
    from clipbench.inside import auc_by_class, concept_pictures, unit_responses, word_pictures

    sets = [kind(names, options.each, draw) for kind in (concept_pictures, word_pictures)]
    heard = [unit_responses(encoder, each, layers, options.pool) for each in sets]

    def areas(layer: str, kind: int) -> "Tensor":
        return auc_by_class(heard[kind][layer], sets[kind].labels, len(names))

    return {layer: (areas(layer, 0), areas(layer, 1)) for layer in layers}


def check_size(areas, expected: float, layer: str) -> None:
    from clipbench.errors import UserError

    if expected >= areas.numel():
        raise UserError(
            f"{layer} has {areas.numel()} pairs of a unit and a concept, too few to expect "
            f"{expected:g} by luck; take more concepts, or expect fewer"
        )


def numbers(found, again, search, fresh, names) -> dict:
    """Give one layer's metrics."""
    import torch

    scores = torch.minimum(*fresh)[found.concept, found.unit]
    metrics = {
        "units": search[0].shape[1],
        **counts(found, ""),
        **counts(again, "fresh_"),
        "found_again": float((scores >= found.threshold).float().mean()) if len(found) else 0.0,
    }
    if len(found):
        best = found.concept[0], found.unit[0]
        metrics |= {
            "best_unit": int(best[1]),
            "best_concept": names[best[0]],
            "best_score": float(found.score[0]),
            "best_fresh_picture_auc": float(fresh[0][best]),
            "best_fresh_word_auc": float(fresh[1][best]),
        }
    return metrics


def counts(pairs, prefix: str) -> dict:
    """Tell how many pairs were found, how many luck finds, and how sure that is."""
    luck = pairs.luck.float()
    values = {
        "pairs": len(pairs),
        "luck_pairs": float(luck.mean()),
        "luck_most": int(luck.max()),
        "threshold": pairs.threshold,
        "p_value": pairs.p_value,
    }
    return {prefix + name: value for name, value in values.items()}


def corrected(metrics: dict, layers) -> dict:
    """Correct each layer's p-values for the number of layers.

    It also counts the layers that are beyond luck in both draws.
    """
    from clipbench.evaluate.statistics.several import holm

    found: dict[str, float] = {}
    for prefix in ("", "fresh_"):
        p_values = holm([metrics[f"{layer}/{prefix}p_value"] for layer in layers])
        found |= {f"{layer}/{prefix}p_holm": p for layer, p in zip(layers, p_values, strict=True)}
    both = [max(found[f"{layer}/p_holm"], found[f"{layer}/fresh_p_holm"]) for layer in layers]
    return found | {"layers_beyond_luck": sum(p < 0.05 for p in both)}
