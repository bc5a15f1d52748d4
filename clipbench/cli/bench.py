"""``clipbench bench``: how fast this machine is at something."""

from argparse import SUPPRESS, Namespace  # SUPPRESS as a default: the function's own
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipbench.cli.shared import OBJECTIVES, Options, Parser, add, positive, show_numbers


def add_to(commands) -> None:
    from clipbench.bench import BENCHMARKS

    about = "measure how fast this machine is at something"
    parser = commands.add_parser("bench", help=about, description=about)
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, benchmark in BENCHMARKS.items():
        one = add(kinds, name, bench, show_numbers, benchmark.about, BenchOptions)
        one.add_argument(
            "--threads", type=positive(int), help="CPU threads (default: measured, or one)"
        )
        OPTIONS.get(name, lambda parser: None)(one)


def probe_options(parser: Parser) -> None:
    parser.add_argument(
        "--against", choices=["sklearn"], help="time it too, to the same gap, C by C"
    )
    parser.add_argument(
        "--rows", type=positive(int), default=10_000, help="training rows (default 10000)"
    )
    parser.add_argument(
        "--width", type=positive(int), default=512, help="numbers in a row (default 512)"
    )
    parser.add_argument("--classes", type=positive(int), default=100, help="(default 100)")
    parser.add_argument(
        "--features",
        type=Path,
        metavar="FILE",
        help="features and labels instead of synthetic ones",
    )
    parser.add_argument(
        "--limit",
        type=positive(float),
        default=600.0,
        metavar="SECONDS",
        help="give up the other's fit of one C after so long (default 600)",
    )


def probe_parity_options(parser: Parser) -> None:
    parser.add_argument(
        "--rows", type=positive(int), default=1500, help="pictures of each set (default 1500)"
    )
    parser.add_argument(
        "--cifar10", type=Path, metavar="FOLDER", help="with a test.parquet of CIFAR-10: adds it"
    )
    parser.add_argument("--model", default="classroom", help="whose features (default classroom)")
    parser.add_argument(
        "--limit",
        type=positive(float),
        default=120.0,
        metavar="SECONDS",
        help="stop scikit-learn's fit after so long (default 120)",
    )


def train_options(parser: Parser) -> None:
    parser.add_argument(
        "--against",
        choices=["open_clip"],
        help="take turns with its training step, on the same batch",
    )
    parser.add_argument(
        "--preset", default=None, help="the model (default: tiny, and classroom against open_clip)"
    )
    parser.add_argument(
        "--batch", type=positive(int), default=128, help="pairs, against open_clip (default 128)"
    )
    parser.add_argument(
        "--rounds", type=positive(int), default=10, help="turns of each (default 10)"
    )


def loss_options(parser: Parser) -> None:
    parser.add_argument(
        "--against", choices=["naive", "open_clip"], default="naive", help="(default naive)"
    )
    parser.add_argument("--batch", type=positive(int), default=8192, help="pairs (default 8192)")
    parser.add_argument("--rounds", type=positive(int), default=3, help="turns of each (default 3)")


def big_batch_options(parser: Parser) -> None:
    parser.add_argument("--preset", default="tiny-vit", help="the model (default tiny-vit)")
    parser.add_argument("--batch", type=positive(int), default=32_768, help="pairs (default 32768)")
    parser.add_argument(
        "--micro-batch", type=positive(int), default=256, help="pairs at a time (default 256)"
    )


def embed_options(parser: Parser) -> None:
    parser.add_argument("--against", choices=["transformers"], default="transformers")
    parser.add_argument(
        "--model", default="ViT-B/32", help="a model of the paper (default ViT-B/32)"
    )
    parser.add_argument("--batch", type=positive(int), default=16, help="pictures (default 16)")
    parser.add_argument("--rounds", type=positive(int), default=5, help="turns of each (default 5)")


def rescore_options(parser: Parser) -> None:
    parser.add_argument("--pictures", type=positive(int), default=50_000, help="(default 50000)")
    parser.add_argument("--classes", type=positive(int), default=1000, help="(default 1000)")
    parser.add_argument("--templates", type=positive(int), default=80, help="(default 80)")
    parser.add_argument(
        "--width", type=positive(int), default=512, help="numbers in a vector (default 512)"
    )
    parser.add_argument("--rounds", type=positive(int), default=5, help="turns of each (default 5)")


def widgets_options(parser: Parser) -> None:
    parser.add_argument(
        "--model", default="classroom", help="a name or a folder (default classroom)"
    )
    parser.add_argument(
        "--random", metavar="NAME", help="a model of the paper with random weights: ViT-B/32, ..."
    )
    parser.add_argument("--app", help="only this app (default: all)")
    parser.add_argument(
        "--events", type=positive(int), default=24, help="of each control (default 24)"
    )
    parser.add_argument(
        "--busy", action="store_true", help="beside a process that uses a whole core"
    )


def voila_options(parser: Parser) -> None:
    parser.add_argument(
        "--model", default="classroom", help="a name or a folder (default classroom)"
    )
    parser.add_argument(
        "--visitors", type=positive(int), default=30, help="one after the other (default 30)"
    )
    parser.add_argument("--together", type=positive(int), default=5, help="at once (default 5)")
    parser.add_argument(
        "--pause",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="between two in turn (default 0)",
    )


def voila_race_options(parser: Parser) -> None:
    parser.add_argument("--model", default="tiny", help="a name or a folder (default tiny)")
    parser.add_argument("--visits", type=positive(int), default=50, help="(default 50)")
    parser.add_argument(
        "--delay",
        type=positive(float),
        default=5.0,
        metavar="SECONDS",
        help="that each page waits for its program (default 5)",
    )


def objectives_options(parser: Parser) -> None:
    parser.add_argument(
        "--objectives",
        nargs="+",
        choices=OBJECTIVES,
        default=SUPPRESS,
        metavar="NAME",
        help=f"any of {', '.join(OBJECTIVES)} but simclr (default: figure 2's)",
    )
    parser.add_argument(
        "--preset", default="tiny-one-caption", help="the model and recipe (default %(default)s)"
    )
    parser.add_argument(
        "--pairs", type=positive(int), default=76_800, help="of each run (default 76800)"
    )
    parser.add_argument(
        "--points",
        type=positive(int),
        default=5,
        help="measurements, at halves of halves (default 5)",
    )
    parser.add_argument(
        "--pictures", type=positive(int), default=1000, help="to measure with (default 1000)"
    )
    parser.add_argument("--seed", type=int, default=0)


def speedrun_options(parser: Parser) -> None:
    parser.add_argument(
        "--seeds",
        type=positive(int),
        default=SUPPRESS,
        help="runs of each (default: as many as a record needs)",
    )
    parser.add_argument(
        "--pairs", type=positive(int), default=SUPPRESS, help="of each run (default: the record's)"
    )
    parser.add_argument("--preset", default="tiny", help="the model and recipe (default tiny)")
    parser.add_argument(
        "--against", choices=["open_clip"], help="take turns with its recipe, tuned and by default"
    )
    parser.add_argument(
        "--rival-pairs",
        nargs="+",
        type=positive(int),
        default=(),
        metavar="N",
        help="budgets of its runs, the next on a miss (default 1, 2, 4, 8 times --pairs)",
    )
    parser.add_argument(
        "--tune-pairs",
        type=positive(int),
        metavar="N",
        help="of each point of its grid (default: half of --pairs)",
    )
    parser.add_argument(
        "--pictures", type=positive(int), default=5000, help="to judge by (default 5000)"
    )


def shipped_options(parser: Parser) -> None:
    parser.add_argument(
        "--model", default="classroom", help="a name or a folder (default classroom)"
    )
    parser.add_argument("--rounds", type=positive(int), default=5, help="(default 5)")


def search_options(parser: Parser) -> None:
    parser.add_argument(
        "--against", choices=["faiss"], help="take turns with its exact index, and compare ids"
    )
    parser.add_argument("--rows", type=positive(int), default=1_000_000, help="(default 1000000)")
    parser.add_argument(
        "--width", type=positive(int), default=512, help="numbers in a row (default 512)"
    )
    parser.add_argument("--top", type=positive(int), default=10, help="(default 10)")
    parser.add_argument("--rounds", type=positive(int), default=3, help="turns of each (default 3)")


def scaling_options(parser: Parser) -> None:
    several: dict[str, Any] = {"nargs": "+", "metavar": "N"}
    parser.add_argument(
        "--widths",
        type=positive(int),
        default=(4, 8, 16, 32),
        **several,
        help="channels of the first convolution (default 4 8 16 32)",
    )
    parser.add_argument(
        "--batches", type=positive(int), default=(128,), **several, help="(default 128)"
    )
    parser.add_argument(
        "--rates",
        type=positive(float),
        default=(1.0,),
        **several,
        help="factors on the preset's learning rates (default 1)",
    )
    parser.add_argument(
        "--pairs", type=positive(int), default=15_360, help="of each run (default 15360)"
    )
    parser.add_argument(
        "--objectives",
        nargs="+",
        choices=("contrastive", "sigmoid"),
        default=("contrastive",),
        metavar="NAME",
        help="contrastive, sigmoid (default contrastive)",
    )
    parser.add_argument("--seeds", type=int, default=(0, 1, 2), **several, help="(default 0 1 2)")
    parser.add_argument(
        "--pictures", type=positive(int), default=2000, help="to measure with (default 2000)"
    )


# what a benchmark takes beside --threads, as keyword arguments of its function
OPTIONS = {
    "probe": probe_options, "probe-parity": probe_parity_options, "train": train_options,
    "loss": loss_options, "big-batch": big_batch_options, "embed": embed_options,
    "rescore": rescore_options, "search": search_options, "widgets": widgets_options,
    "voila": voila_options, "voila-race": voila_race_options, "objectives": objectives_options,
    "speedrun": speedrun_options, "scaling": scaling_options, "shipped": shipped_options,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BenchOptions(Options):
    what: str
    keywords: dict  # of the benchmark's function

    @classmethod
    def read(cls, parsed: Namespace):
        common = {"command", "what", "run", "show", "options", "exit_code", "json"}
        keywords = {name: value for name, value in vars(parsed).items() if name not in common}
        return cls(json=parsed.json, what=parsed.what, keywords=keywords)


def bench(options: BenchOptions) -> dict:
    from clipbench.bench import BENCHMARKS

    return BENCHMARKS[options.what].load()(**options.keywords)
