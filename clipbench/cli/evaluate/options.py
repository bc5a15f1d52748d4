"""What every task of ``clipbench eval`` takes."""

from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.shared import ModelOptions, Parser


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(ModelOptions):
    """Each task has its own kind, with these and more."""

    data: str
    out: Path | None


def add_interval(parser: Parser) -> None:
    """Add the choice of the interval over the pictures."""
    from clipbench.evaluate.statistics.intervals import KINDS

    parser.add_argument("--interval", choices=KINDS, default="wilson", help="(default wilson)")
