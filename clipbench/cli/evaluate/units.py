"""``clipbench eval units``: units that answer to a concept as a picture and as a written word."""

from clipbench.cli.shared import Parser, positive

NAME = "units"
ABOUT = "units that answer to a picture of a concept and to its written name, beyond luck"


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
        "--permutations", type=positive(int), default=1000, metavar="N", help="(default 1000)"
    )


def measure(encoder, arguments) -> tuple[dict, dict]:
    """(metrics, settings): units are searched on one draw of pictures and words, and measured
    on another.
    """
    from clipbench.errors import UserError
    from clipbench.inside import auc_by_class, multimodal_units, unit_layers
    from clipbench.inside.responses import own_model
    from clipbench.inside.stimuli import spread_concepts

    if arguments.data != "scenes":
        raise UserError("units draws pictures and words of its own; leave --data out")
    names = spread_concepts(arguments.concepts)
    layers = arguments.layers or unit_layers(own_model(encoder))
    responses, labels = zip(
        *(both_draws(encoder, names, layers, arguments, draw) for draw in (0, 1)), strict=True
    )
    metrics, largest = {}, []
    for layer in layers:
        search, fresh = (
            [
                auc_by_class(kind[layer], labels[draw][i], len(names))
                for i, kind in enumerate(responses[draw])
            ]
            for draw in (0, 1)
        )
        units = multimodal_units(*search, arguments.permutations)
        metrics |= {f"{layer}/{key}": value for key, value in numbers(units, *fresh, names).items()}
        largest.append(len(units.found))
    metrics |= {"units_beyond_luck": sum(largest), "concepts": len(names), "chance_auc": 0.5}
    return metrics, {
        "layers": layers,
        "pool": arguments.pool,
        "each": arguments.each,
        "permutations": arguments.permutations,
        "score": "the smaller of two AUCs: pictures of the concept, and signs with its "
        "name, against the other ones",
        "baseline": "95 % of the largest score in a layer when words are dealt to "
        "concepts at random",
        "fresh": "AUCs on pictures and words that were not searched",
    }


def both_draws(encoder, names, layers, arguments, draw: int):
    """((responses to pictures, to words), (their labels))."""
    from clipbench.inside import concept_pictures, unit_responses, word_pictures

    sets = [kind(names, arguments.each, draw) for kind in (concept_pictures, word_pictures)]
    return [unit_responses(encoder, each, layers, arguments.pool) for each in sets], [
        each.labels for each in sets
    ]


def numbers(units, fresh_pictures, fresh_words, names) -> dict:
    """One layer's metrics; the best unit's even if luck reaches it."""
    best = int(units.score.argmax())
    concept, found = units.concept, units.found
    metrics = {
        "units": len(units.score),
        "beyond_luck": len(found),
        "threshold": units.threshold,
        "p_value": units.p_value,
        "best_unit": best,
        "best_concept": names[concept[best]],
        "best_score": float(units.score[best]),
        "best_fresh_picture_auc": float(fresh_pictures[concept[best], best]),
        "best_fresh_word_auc": float(fresh_words[concept[best], best]),
    }
    if len(found):
        metrics["fresh_picture_auc"] = float(fresh_pictures[concept[found], found].mean())
        metrics["fresh_word_auc"] = float(fresh_words[concept[found], found].mean())
    return metrics
