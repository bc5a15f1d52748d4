"""``clipbench search``: the pictures that fit a text or another picture best."""

from dataclasses import dataclass

from clipbench.cli.shared import (
    ModelOptions,
    add,
    load_joint,
    note_on_pictures,
    positive,
    remark_lines,
)


@dataclass(frozen=True, kw_only=True)
class SearchOptions(ModelOptions):
    data: str
    text: str | None
    image: str | None
    top: int


def add_to(commands) -> None:
    parser = add(
        commands,
        "search",
        search,
        show_results,
        "the pictures that fit a text or another picture best",
        SearchOptions,
    )
    parser.add_argument(
        "--model",
        default="classroom",
        help="tiny, classroom, twin:NAME, a folder, a run or a hub id",
    )
    parser.add_argument(
        "--data", required=True, help="a feature file of clipbench embed, a picture set or a folder"
    )
    query = parser.add_mutually_exclusive_group(required=True)
    query.add_argument("--text", help="what to look for, in words")
    query.add_argument("--image", help="a picture file to find the like of")
    parser.add_argument("--top", type=positive(int), default=10, help="how many to show")
    parser.add_argument("--device", default="auto")


def search(options: SearchOptions) -> dict:
    import torch

    from clipbench.compute.devices import threads_for_latency
    from clipbench.encoders.familiarity import line_on
    from clipbench.evaluate.features.feature_file import open_features
    from clipbench.evaluate.search import top_k
    from clipbench.preprocess import open_picture

    picture = open_picture(options.image) if options.image else None
    torch.set_num_threads(threads_for_latency())
    encoder = load_joint(options)
    if picture is not None:
        query = encoder.encode_image(encoder.preprocess([picture]))
    else:
        query = encoder.encode_text([options.text or ""])
    stored = open_features(encoder, options.data, progress=not options.json)
    note_on_pictures(stored)
    found = top_k(query, stored.features, min(options.top, len(stored)))
    labels, names = stored.labels, stored.about.get("class_names")
    results = [
        {"id": stored.ids[row], "row": row, "cosine": score}
        | ({"class": names[labels[row]]} if labels is not None and names else {})
        for row, score in zip(found.rows[0].tolist(), found.scores[0].tolist(), strict=True)
    ]
    return {
        "query": options.text or options.image,
        "model": encoder.name,
        "data": options.data,
        "pictures": len(stored),
        "results": results,
        "unfamiliar": line_on(
            encoder, [] if picture is None else [picture], [options.text] if options.text else []
        ),
    }


def show_results(result: dict) -> str:
    lines = [
        f"{number:3}  cosine {row['cosine']:+.3f}  {row['id']}"
        + (f"  ({row['class']})" if "class" in row else "")
        for number, row in enumerate(result["results"], 1)
    ]
    head = (
        f"{result['query']!r} among {result['pictures']:,} pictures of "
        f"{result['data']}, seen by {result['model']}"
    )
    return "\n".join([head, *lines, *remark_lines(result["unfamiliar"])])
