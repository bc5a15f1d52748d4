"""What every task of ``clipbench eval`` takes."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.shared import ModelOptions, Parser, note, positive


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(ModelOptions):
    """Each task has its own kind, with these and more."""

    data: str
    out: Path | None


def add_baselines(parser: Parser) -> None:
    """Add the choice of measuring what needs no trained model, too."""
    parser.add_argument(
        "--baselines",
        action="store_true",
        help="also measure chance, texts alone, raw pixels at 16 x 16 and 8 x 8, and an untrained "
        "copy of the model",
    )


def add_training_pictures(parser: Parser, purpose: str) -> None:
    """Add the choice of the labelled pictures for a probe."""
    parser.add_argument(
        "--train", metavar="DATA", help=f"pictures to {purpose} (default: the data's own split)"
    )
    parser.add_argument(
        "--scenes",
        type=positive(int),
        default=20_000,
        metavar="N",
        help="training scenes, where the data are scenes (default 20000)",
    )


def add_shots(parser: Parser, about: str, shots: tuple[int, ...] = (), seeds: int = 3) -> None:
    """Add the choice of how many labelled pictures, and how often they are drawn."""
    parser.add_argument("--shots", type=ascending, default=shots, metavar="K,K,...", help=about)
    parser.add_argument(
        "--seeds",
        type=positive(int),
        default=seeds,
        metavar="N",
        help=f"draws of the shots (default {seeds})",
    )


def ascending(text: str) -> tuple[int, ...]:
    shots = tuple(positive(int)(part) for part in text.split(","))
    if list(shots) != sorted(set(shots)):
        raise argparse.ArgumentTypeError(f"must be ascending numbers with commas, not {text}")
    return shots


def note_no_copy(encoder) -> None:
    """Say that a model of another library has no untrained copy here."""
    from clipbench.encoders.clip import ClipbenchImageEncoder

    if not isinstance(encoder, ClipbenchImageEncoder):
        note(f"{encoder.name} is another library's: no untrained copy of it among the baselines")


def add_interval(parser: Parser) -> None:
    """Add the choice of the interval over the pictures."""
    from clipbench.evaluate.statistics.intervals import KINDS

    parser.add_argument("--interval", choices=KINDS, default="wilson", help="(default wilson)")
