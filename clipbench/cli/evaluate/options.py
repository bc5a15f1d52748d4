"""What every task of ``clipbench eval`` takes."""

from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.shared import ModelOptions, Parser, note


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


def note_no_copy(encoder) -> None:
    """Say that a model of another library has no untrained copy here."""
    from clipbench.encoders.clip import ClipbenchImageEncoder

    if not isinstance(encoder, ClipbenchImageEncoder):
        note(f"{encoder.name} is another library's: no untrained copy of it among the baselines")


def add_interval(parser: Parser) -> None:
    """Add the choice of the interval over the pictures."""
    from clipbench.evaluate.statistics.intervals import KINDS

    parser.add_argument("--interval", choices=KINDS, default="wilson", help="(default wilson)")
