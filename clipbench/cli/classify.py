"""``clipbench classify``: which of some texts fits a picture best."""

from dataclasses import dataclass

from clipbench.cli.shared import ModelOptions, add, load_joint, note, positive, remark_lines
from clipbench.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ClassifyOptions(ModelOptions):
    image: str
    text: list[str] | None
    top: int


def add_to(commands) -> None:
    parser = add(
        commands,
        "classify",
        classify,
        show_classification,
        "which of some texts fits a picture best",
        ClassifyOptions,
    )
    parser.add_argument("image", help="a picture file")
    parser.add_argument(
        "--text",
        action="append",
        help="a text to choose from; repeat it (default: every name of the emoji world)",
    )
    parser.add_argument("--model", default="classroom")
    parser.add_argument("--top", type=positive(int), default=5, help="how many to show")
    parser.add_argument("--device", default="auto")


def classify(options: ClassifyOptions) -> dict:
    import torch

    from clipbench.compute.devices import threads_for_latency
    from clipbench.encoders.familiarity import line_on
    from clipbench.evaluate.zero_shot import class_probabilities, zero_shot_weights
    from clipbench.preprocess import open_picture

    picture = open_picture(options.image)
    torch.set_num_threads(threads_for_latency())
    encoder = load_joint(options)
    texts, templates = (options.text, ["{}"]) if options.text else world_classes()
    weights = zero_shot_weights(encoder, texts, templates)
    if options.text:
        texts, weights = told_apart(texts, weights)
    features = encoder.encode_image(encoder.preprocess([picture]))
    cosines, probabilities = class_probabilities(features, weights, encoder.scale)
    order = probabilities[0].argsort(descending=True)[: options.top].tolist()
    ranking = [
        {
            "text": texts[i],
            "probability": float(probabilities[0, i]),
            "cosine": float(cosines[0, i]),
        }
        for i in order
    ]
    return {
        "image": options.image,
        "model": options.model,
        "scale": encoder.scale,
        "ranking": ranking,
        "unfamiliar": line_on(encoder, [picture], options.text or ()),
    }


def told_apart(texts: list[str], weights) -> tuple:
    """Keep the texts that the model can tell apart, with their columns of (D, C) weights.

    Raises:
        UserError: when fewer than two are left.
    """
    from clipbench.evaluate.zero_shot import same_classes

    first = same_classes(weights)
    for number, same in enumerate(first):
        if same != number:
            note(f"{texts[number]!r} is the same as {texts[same]!r} to the model; it counts once")
    kept = sorted(set(first))
    if len(kept) < 2:
        raise UserError("nothing to choose between; give --text at least twice, with other words")
    return [texts[number] for number in kept], weights[:, kept]


def world_classes() -> tuple[list[str], list[str]]:
    """Give every name of the emoji world, and the templates that its evaluation uses."""
    from clipbench.data.image_set import TEMPLATES
    from clipbench.data.world.sprites import concepts

    return [concept.name for concept in concepts()], list(TEMPLATES)


def show_classification(result: dict) -> str:
    lines = [
        f"{row['probability']:8.1%}  cosine {row['cosine']:+.3f}  {row['text']}"
        for row in result["ranking"]
    ]
    head = f"{result['image']} seen by {result['model']}"
    return "\n".join([head, *lines, *remark_lines(result["unfamiliar"])])
