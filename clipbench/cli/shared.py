"""What the commands share.

That is the parser, argument types, opening a model and showing numbers.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.cli.examples import example_of
from clipbench.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from clipbench.encoders.clip import Encoder

# of clipbench.objectives
OBJECTIVES = ("contrastive", "sigmoid", "caption-lm", "bow", "simclr", "supervised")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user asked of a command; each has its own kind, with these and more."""

    json: bool

    @classmethod
    def read(cls, parsed: argparse.Namespace):
        return cls(**{option.name: getattr(parsed, option.name) for option in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Options):
    """Of a command that opens a model."""

    model: str
    device: str


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and what was probably meant."""

    def error(self, message: str):
        raise UserError(f"{message} (see {self.prog} --help)")

    def parse_known_args(self, args=None, namespace=None):
        """Parse as argparse does, but let the (sub)command itself report unknown options."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self.meant(unknown[0])}")
        return found, unknown

    def meant(self, option: str) -> str:
        return did_you_mean(option.partition("=")[0], self._option_string_actions)

    def _check_value(self, action: argparse.Action, value) -> None:
        if action.choices is not None and value not in action.choices:
            known = list(map(str, action.choices))
            message = (
                f"invalid choice: {value!r}{did_you_mean(str(value), known)}; "
                f"choose from {', '.join(known)}"
            )
            raise argparse.ArgumentError(action, message)


def add(
    commands,
    name: str,
    run: Callable[..., dict | None],
    show: Callable[[dict], str],
    about: str,
    options: type[Options] = Options,
    exit_code: Callable[[dict], int] = lambda result: 0,
) -> Parser:
    """Add a command.

    ``run`` takes the command's ``options`` and gives its result, ``show`` makes that readable,
    ``exit_code`` says how the program ends. The help ends with an example.
    """
    parser: Parser = commands.add_parser(
        name,
        help=about.replace("%", "%%"),
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.epilog = f"example:\n  {example_of(parser.prog)}"
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run, show=show, options=options, exit_code=exit_code)
    return parser


def positive(kind: Callable) -> Callable:
    """Make an argument type: a number of that kind above zero."""

    def parse(text: str):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be more than 0, not {text}")
        return value

    parse.__name__ = kind.__name__  # for argparse's "invalid int value"
    return parse


def show_numbers(result: dict) -> str:
    """Format one "name value" line for each number of a flat or two-level dict."""
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{name}:", *(f"  {line}" for line in show_numbers(value).splitlines())]
        else:
            lines.append(f"{name:<18} {show_float(value) if isinstance(value, float) else value}")
    return "\n".join(lines)


def show_float(value: float) -> str:
    return f"{value:.4f}" if value == 0 or abs(value) >= 1e-3 else f"{value:.1e}"


def load_on_device(options: ModelOptions, precision: str = "fp32"):
    """Load the encoder that the options name, in the precision of records."""
    from clipbench.encoders.clip import load

    return load(options.model, options.device, precision)


def load_joint(options: ModelOptions) -> "Encoder":
    """Load the encoder that the options name, of pictures and texts.

    Raises:
        UserError: for a model without a joint space.
    """
    from clipbench.encoders.clip import joint

    return joint(load_on_device(options))


def read_lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {file}: {error}") from None


def note(line: str) -> None:
    """Tell the user something beside the result, on stderr."""
    print(f"clipbench: {' '.join(line.split())}", file=sys.stderr)


def remark_lines(remark: str) -> list[str]:
    """Set a remark on a result off from it; no line for none."""
    return [f"note: {remark}"] if remark else []


def progress_lines(options: Options) -> Callable[[str], None]:
    """Choose how to print the progress of a long computation.

    It prints a line at a time on stderr, unless JSON was asked for.
    """
    return lambda line: None if options.json else print(line, file=sys.stderr, flush=True)


def note_on_pictures(stored) -> dict:
    """Tell of pictures that were left out, and of those that are foreign to the model.

    It gives the settings that say so in a record (empty where there are none).
    """
    from clipbench.evaluate.features.feature_file import unreadable_line

    settings = {}
    if stored.unreadable:
        note(f"left out: {unreadable_line(stored)}")
        settings["left_out"] = stored.unreadable
    if line := stored.familiarity.line:
        note(line)
        settings["unfamiliar"] = line
    return settings
