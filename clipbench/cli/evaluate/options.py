"""What every task of ``clipbench eval`` takes."""

from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.shared import ModelOptions


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(ModelOptions):
    """Each task has its own kind, with these and more."""

    data: str
    out: Path | None
