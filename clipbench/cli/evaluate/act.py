"""``clipbench eval act``: change features inside a model, and measure what that does.

Turn off the features that respond to signs and attack again; or turn up the features of a style in
the joint space.
"""

from dataclasses import dataclass

from clipbench.cli.evaluate.sparse_autoencoder import (
    AutoencoderOptions,
    add_autoencoder_arguments,
    pictures_of,
)
from clipbench.cli.shared import Parser, positive

NAME = "act"
ABOUT = (
    "turn features off or up: does the typographic attack fail without the features of signs? "
    "With the layer joint: does a photo become a sketch?"
)
STRENGTHS = (1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class Options(AutoencoderOptions):
    layer: str | None
    changed: list[int] | None
    pictures: int
    longest: int


def add_arguments(parser: Parser) -> None:
    parser.set_defaults(data="scenes:heldout256", model="twin:reader")
    add_autoencoder_arguments(parser)
    parser.add_argument(
        "--layer",
        help="joint, or such as image_encoder.layers.14 (default: at two thirds of the depth)",
    )
    parser.add_argument(
        "--changed",
        type=positive(int),
        nargs="+",
        metavar="N",
        help="how many features are turned off (default 32 64 128), or up (default 1 8)",
    )
    parser.add_argument(
        "--pictures", type=positive(int), default=1000, metavar="N", help="(default 1000)"
    )
    parser.add_argument("--longest", type=positive(int), default=8, metavar="LETTERS")


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Give (metrics, settings) of the change, over the autoencoders' seeds."""
    from clipbench.errors import UserError
    from clipbench.inside.sparse_autoencoder import (
        JOINT,
        Recipe,
        answers,
        some_tokens,
        train_autoencoder,
    )

    if len(options.features) > 1 or len(options.active) > 1:
        raise UserError("act takes one size of autoencoder: one number for --features and --active")
    layer = options.layer or deep_layer(encoder)
    outputs, _ = pictures_of(encoder, layer, "train", options.scenes)
    searched, factors = pictures_of(encoder, layer, "search", max(2, options.scenes // 2))
    judge = Photos(encoder, options) if layer == JOINT else Attack(encoder, options, layer)
    metrics, runs = judge.unchanged(), []
    for seed in range(options.seeds):
        recipe = Recipe(options.features[0], options.active[0], options.steps, seed=seed)
        ours = train_autoencoder(some_tokens(outputs, seed=seed), recipe).autoencoder
        runs.append(judge.changed(ours, answers(ours.encode, searched), factors, seed))
    settings = ("features", "active", "steps", "seeds", "scenes", "pictures", "longest")
    return metrics | over_seeds(runs), {
        **{name: getattr(options, name) for name in settings},
        "layer": layer,
        "changed": list(judge.counts),
        "others": "as many other features, as active where the changed ones are",
        **judge.about,
    }


def deep_layer(encoder) -> str:
    """Name the layer at two thirds of the image encoder's depth."""
    from clipbench.inside import unit_layers
    from clipbench.inside.responses import own_model

    layers = unit_layers(own_model(encoder))
    return layers[2 * len(layers) // 3]


# -------------------- signs turned off


class Attack:
    """The typographic attack, judged again after each change to the model.

    Its pictures come without a word, with another thing's name, and with a control word.
    """

    about = {"sticker": "across the middle, a quarter of the picture's height"}

    def __init__(self, encoder, options, layer: str):
        from clipbench.data.alter.sticker import Sticker
        from clipbench.data.open import open_pictures
        from clipbench.data.probe_splits import drawn
        from clipbench.evaluate.typographic import plan_attack, printed
        from clipbench.evaluate.zero_shot import zero_shot_weights

        data = drawn(open_pictures(options.data), options.pictures, 0)
        plan = plan_attack(data.labels, data.class_names, 0, options.longest)
        sticker = Sticker("word", 0.25, (0.5, 0.5))
        sets = {
            "clean": data,
            "attacked": printed(data, plan.words, sticker),
            "control_word": printed(data, plan.controls, sticker),
        }
        self.encoder, self.layer, self.counts = encoder, layer, options.changed or [32, 64, 128]
        self.labels, self.targets = data.labels, plan.targets
        self.inputs = {
            name: encoder.preprocess(each.pictures(range(len(each)))) for name, each in sets.items()
        }
        self.weights = zero_shot_weights(encoder, data.class_names, list(data.templates))

    def unchanged(self) -> dict[str, float]:
        return {f"unchanged/{name}": value for name, value in self.metrics().items()}

    def changed(self, ours, responses, factors, seed: int) -> dict[str, float]:
        """Repeat the attack without the features of signs, and without as many others."""
        from clipbench.inside.acting import acting, as_active, share_where, turned_off

        signs = next(each for each in factors if each.name == "sign").labels == 1
        share, activity = share_where(responses, signs), responses[signs].mean(0)
        found: dict[str, float] = {}
        for count in self.counts:
            check_count(count, activity)
            chosen = share.topk(count).indices
            found[f"signs_{count}/least_share_on_signs"] = float(share[chosen[-1]])
            for name, features in (
                ("signs", chosen),
                ("others", as_active(chosen, activity, seed)),
            ):
                with acting(self.encoder, self.layer, ours, turned_off(features)):
                    numbers = self.metrics()
                found |= {f"{name}_{count}/{key}": value for key, value in numbers.items()}
        return found

    def metrics(self) -> dict[str, float]:
        """Compute shares of the pictures, as the model is now."""
        import torch

        from clipbench.evaluate.statistics.intervals import with_interval
        from clipbench.evaluate.typographic import judgement

        found: dict[str, float] = {}
        for name, inputs in self.inputs.items():
            features = torch.cat([self.encoder.encode_image(part) for part in inputs.split(128)])
            verdict = judgement(features @ self.weights, self.labels, self.targets)
            found |= with_interval(f"{name}_top1", int(verdict.right.sum()), len(inputs))
            found |= with_interval(f"{name}_target", int(verdict.target.sum()), len(inputs))
        return found


def check_count(count: int, activity) -> None:
    from clipbench.errors import UserError

    if 2 * count > int((activity > 0).sum()):
        raise UserError(
            f"{int((activity > 0).sum())} features are active: too few to change {count} of them "
            "and as many others; change fewer, or train more features"
        )


# -------------------- a style turned up


class Photos:
    """Photos of one thing each, and texts that name their style and their thing."""

    about = {"strengths": "of the mean activity on scenes of the style"}

    def __init__(self, encoder, options):
        import torch

        from clipbench.data.world.factors import STYLES
        from clipbench.data.world.scene_tasks import TASKS, subjects
        from clipbench.data.world.sprites import concepts

        question = TASKS["style"].draw(len(STYLES) * options.pictures)
        rows = (question.labels == STYLES.index("photo")).nonzero()[:, 0]
        pictures = TASKS["style"].pictures(question).subset(rows.tolist())
        batches = [range(k, min(k + 128, len(rows))) for k in range(0, len(rows), 128)]
        inputs = (encoder.preprocess(pictures.pictures(batch)) for batch in batches)
        self.photos = torch.cat([encoder.encode_image(each) for each in inputs])
        self.styles, self.counts = STYLES, options.changed or [1, 8]
        self.things, self.pool = question.factors.concept[rows], subjects()
        phrases = [phrase for row in rows.tolist() for phrase in question.phrases[row]]
        self.of_styles = encoder.encode_text(phrases).view(len(rows), len(STYLES), -1)
        names = [f"a photo of {concepts()[k].noun_phrase}" for k in self.pool.tolist()]
        self.of_things = encoder.encode_text(names)

    def unchanged(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for style in self.styles[1:]:
            found |= {f"unchanged/called_{style}{end}": value for end, value in
                      self.metrics(self.photos, style, "called").items()}  # fmt: skip
        return found | {"unchanged/right_thing": self.right(self.photos)}

    def changed(self, ours, responses, factors, seed: int) -> dict[str, float]:
        """Turn up the features of a style in photos, or as many others by as much."""
        import torch.nn.functional as F

        from clipbench.inside.acting import as_active, turned_up

        labels = next(each for each in factors if each.name == "style").labels
        found: dict[str, float] = {}
        for style in self.styles[1:]:
            mine = labels == self.styles.index(style)
            on, off = responses[mine].mean(0), responses[~mine].mean(0)
            for count in self.counts:
                check_count(count, on)
                chosen = (on - off).topk(count).indices
                others = as_active(chosen, on, seed)
                for name, features in ((style, chosen), (f"others_{style}", others)):
                    for strength in STRENGTHS:
                        change = turned_up(features, strength * on[chosen])
                        after = F.normalize(ours.edit(self.photos, change), dim=1)
                        key = f"{name}_{count}_times_{strength}"
                        found |= {f"{key}/called{end}": value for end, value in
                                  self.metrics(after, style, "called").items()}  # fmt: skip
                        found[f"{key}/right_thing"] = self.right(after)
        return found

    def metrics(self, features, style: str, name: str) -> dict[str, float]:
        """Compute the share of the pictures whose nearest text says the style.

        It has its interval, and is also given by endings.
        """
        import torch

        from clipbench.evaluate.statistics.intervals import with_interval

        said = torch.einsum("md,msd->ms", features, self.of_styles).argmax(1)
        hits = int((said == self.styles.index(style)).sum())
        found = with_interval(name, hits, len(features))
        return {key.removeprefix(name): value for key, value in found.items()}

    def right(self, features) -> float:
        """Compute the share of the pictures whose thing is named."""
        named = self.pool[(features @ self.of_things.T).argmax(1)]
        return float((named == self.things).float().mean())


def over_seeds(runs: list[dict]) -> dict:
    """Give the mean, least and most over the autoencoders' seeds; of intervals the widest."""
    metrics = {}
    for name in runs[0]:
        values = [float(run[name]) for run in runs]
        if name.endswith(("_low", "_high")):
            metrics[name] = min(values) if name.endswith("_low") else max(values)
            continue
        metrics[name] = sum(values) / len(values)
        metrics |= {f"{name}_least": min(values), f"{name}_most": max(values)}
    return metrics
