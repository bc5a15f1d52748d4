"""``clipbench eval sparse-autoencoder``: train autoencoders on a layer, and grade their features.

The grades come from the truth about scenes.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.evaluate.options import EvaluateOptions
from clipbench.cli.shared import Parser, note, positive

NAME = "sparse-autoencoder"
ABOUT = "features of sparse autoencoders, graded by what is true of scenes, beside simpler ways"
BASELINES = ("pca", "random", "units", "probe")


@dataclass(frozen=True, kw_only=True)
class AutoencoderOptions(EvaluateOptions):
    features: list[int]
    active: list[int]
    steps: int
    seeds: int
    scenes: int


@dataclass(frozen=True, kw_only=True)
class Options(AutoencoderOptions):
    layer: str
    of: str
    graded: int
    save: Path | None


def add_arguments(parser: Parser) -> None:
    parser.set_defaults(data="scenes")
    add_autoencoder_arguments(parser)
    parser.add_argument(
        "--layer",
        default="joint",
        help="joint, or such as image_encoder.blocks.4 (default joint)",
    )
    parser.add_argument(
        "--of",
        choices=("pictures", "captions"),
        default="pictures",
        help="captions: of the joint space, in five languages (default pictures)",
    )
    parser.add_argument(
        "--graded",
        type=positive(int),
        default=2000,
        metavar="N",
        help="scenes to choose features on, and as many to grade them on (default 2000)",
    )
    parser.add_argument("--save", type=Path, help="write the first autoencoder to this folder")


def add_autoencoder_arguments(parser: Parser) -> None:
    """Add the arguments of every task that trains autoencoders."""
    parser.add_argument(
        "--features",
        type=positive(int),
        nargs="+",
        default=[512],
        metavar="N",
        help="sizes of the dictionary (default 512)",
    )
    parser.add_argument(
        "--active",
        type=positive(int),
        nargs="+",
        default=[16],
        metavar="K",
        help="how many features describe a row (default 16)",
    )
    parser.add_argument("--steps", type=positive(int), default=800, metavar="N")
    parser.add_argument(
        "--seeds", type=positive(int), default=3, metavar="N", help="autoencoders (default 3)"
    )
    parser.add_argument(
        "--scenes",
        type=positive(int),
        default=4000,
        metavar="N",
        help="to train on (default 4000)",
    )


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Give (metrics, settings): grades of each size of autoencoder, and of its baselines."""
    from clipbench.errors import UserError

    if options.data != "scenes":
        raise UserError("sparse-autoencoder draws scenes of its own; leave --data out")
    if options.of == "captions" and options.layer != "joint":
        raise UserError("captions have rows in the joint space only; leave --layer out")
    rows = rows_of_splits(encoder, options)
    metrics = baselines(rows, options)
    for size in options.features:
        for active in options.active:
            found = [graded(encoder, rows, options, size, active, s) for s in range(options.seeds)]
            metrics |= {
                f"{size}x{active}/{name}": value for name, value in over_seeds(found).items()
            }
    names = ("layer", "of", "features", "active", "steps", "seeds", "scenes", "graded")
    return metrics, {
        **{name: getattr(options, name) for name in names},
        "auc": "of the best direction for each value of a factor, chosen on other scenes; mean of "
        "the factor's values, then of seeds",
        "auc_before_topk": "the same of what the encoder sees before the smaller ones are dropped",
        "splitting": "directions with an AUC of 0.8 or more for a value, mean of those with any",
        "mixing": "factors that a direction follows at 0.8 or more, mean of those with any",
    }


def rows_of_splits(encoder, options) -> dict:
    """Compute a layer's outputs: split -> ((M, N, W) outputs of the layer, factors)."""
    counts = {"train": options.scenes, "search": options.graded, "heldout": options.graded}
    look = captions_of if options.of == "captions" else pictures_of
    return {split: look(encoder, options.layer, split, count) for split, count in counts.items()}


def pictures_of(encoder, layer: str, split: str, count: int):
    import torch

    from clipbench.inside.graded_scenes import graded_scenes
    from clipbench.inside.sparse_autoencoder import layer_outputs

    scenes = graded_scenes(split, count)
    outputs = [tokens.half() for tokens in layer_outputs(encoder, scenes.pictures, layer)]
    return torch.cat(outputs), scenes.factors


def captions_of(encoder, layer: str, split: str, count: int):
    from clipbench.evaluate.features.compute import text_features
    from clipbench.inside.graded_scenes import graded_captions

    captions, factors = graded_captions(split, count)
    return text_features(encoder, captions)[:, None].half(), factors


# -------------------- grades


def graded(encoder, rows, options, size: int, active: int, seed: int) -> dict:
    """Give one autoencoder's grades."""
    from clipbench.inside.grades import grade, mixing
    from clipbench.inside.sparse_autoencoder import (
        Recipe,
        answers,
        explained,
        some_tokens,
        train_autoencoder,
    )

    recipe = Recipe(size, active, options.steps, seed=seed)
    trained = train_autoencoder(some_tokens(rows["train"][0], seed=seed), recipe)
    ours = trained.autoencoder
    heard = [answers(ours.encode, rows[split][0]) for split in ("search", "heldout")]
    grades = grade(heard[0], heard[1], rows["search"][1], rows["heldout"][1])
    metrics = {f"{each.factor}/auc": each.mean for each in grades}
    metrics |= {f"{each.factor}/splitting": each.splitting for each in grades}
    dense = [answers(ours.wanted, rows[split][0]) for split in ("search", "heldout")]
    before = grade(dense[0], dense[1], rows["search"][1], rows["heldout"][1])
    metrics |= {f"{each.factor}/auc_before_topk": each.mean for each in before}
    metrics |= {
        "mixing": mixing(grades),
        "explained": explained(ours, some_tokens(rows["heldout"][0], seed=seed)),
        "dead": trained.dead,
        "never_active": int((heard[1] <= 0).all(0).sum()),
        "training_seconds": trained.seconds,
    }
    if options.save and (size, active, seed) == (options.features[0], options.active[0], 0):
        save(options, encoder, trained, recipe, metrics)
    return metrics


def save(options, encoder, trained, recipe, metrics) -> None:
    from dataclasses import asdict

    from clipbench.inside.sparse_autoencoder import About, save_autoencoder

    about = About(encoder.name, encoder.fingerprint, options.layer, asdict(recipe), metrics)
    save_autoencoder(options.save, trained.autoencoder, about)
    note(f"the autoencoder is in {options.save}")


def baselines(rows, options) -> dict:
    """Compute mean areas by factor of what needs no autoencoder."""
    import torch

    from clipbench.inside.grades import (
        grade,
        principal_directions,
        probe_grades,
        random_directions,
    )
    from clipbench.inside.sparse_autoencoder import answers, some_tokens

    train = some_tokens(rows["train"][0])
    width = train.shape[1]
    directions = {
        "pca": principal_directions(train),
        "random": random_directions(max(options.features), width),
        "units": torch.eye(width),
    }
    found: dict[str, float] = {}
    for name, each in directions.items():
        both = torch.cat([each, -each])  # such a direction has no sign
        project = functools.partial(torch.matmul, other=both.T)
        heard = [answers(project, rows[split][0]) for split in ("search", "heldout")]
        grades = grade(heard[0], heard[1], rows["search"][1], rows["heldout"][1])
        found |= {f"{name}/{each.factor}/auc": each.mean for each in grades}
    seen = [answers(lambda x: x, rows[split][0]) for split in ("train", "heldout")]
    areas = probe_grades(seen[0], rows["train"][1], seen[1], rows["heldout"][1])
    return found | {f"probe/{factor}/auc": area for factor, area in areas.items()}


def over_seeds(found: list[dict]) -> dict:
    """Give means over seeds, with Student's interval where there are several."""
    from clipbench.evaluate.statistics.intervals import student

    metrics = {}
    for name in found[0]:
        values = [float(each[name]) for each in found]
        metrics[name] = sum(values) / len(values)
        if (ends := student(values)) and name.endswith(
            ("auc", "auc_before_topk", "splitting", "mixing", "explained")
        ):
            metrics |= {f"{name}_low": ends[0], f"{name}_high": ends[1]}
    return metrics


# -------------------- shown


def show(record: dict) -> str:
    """Format a table: one row for each way to find directions, one column for each factor."""
    metrics = record["metrics"]
    ways = list(dict.fromkeys(name.split("/")[0] for name in metrics))
    factors = list(
        dict.fromkeys(name.split("/")[1] for name in metrics if name.startswith("probe/"))
    )
    head = f"{'AUC':12}" + "".join(f"{factor:>10}" for factor in factors)
    lines = [
        f"{way:12}" + "".join(f"{metrics[f'{way}/{factor}/auc']:10.3f}" for factor in factors)
        for way in ways
    ]
    lines += [
        f"{f'({way})':12}"
        + "".join(f"{metrics[f'{way}/{factor}/auc_before_topk']:10.3f}" for factor in factors)
        for way in ways
        if f"{way}/explained" in metrics
    ]
    more = [
        f"{way}: explains {metrics[f'{way}/explained']:.1%}, "
        f"mixing {metrics[f'{way}/mixing']:.2f}, "
        f"{metrics[f'{way}/dead']:.0f} dead, {metrics[f'{way}/training_seconds']:.0f} s"
        for way in ways
        if f"{way}/explained" in metrics
    ]
    settings = record["settings"]
    title = f"features of {settings['model']}, {settings['layer']} ({settings['of']})"
    return "\n".join([title, head, *lines, "(in brackets: before TopK)", *more])
