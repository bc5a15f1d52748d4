"""Finds the command, runs it, prints its result, and turns a user's mistake into one line."""

import errno
import functools
import json
import os
import sys
import warnings
from collections.abc import Callable

from clipbench.cli import (
    bench,
    classify,
    compare,
    doctor,
    embed,
    evaluate,
    figures,
    search,
    sweep,
    train,
)
from clipbench.cli.shared import Parser
from clipbench.errors import Notice, UserError
from clipbench.files import as_utf8

COMMANDS = (train, sweep, evaluate, compare, classify, embed, search, figures, bench, doctor)


def main(argv: list[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    usual = warnings.formatwarning
    warnings.formatwarning = functools.partial(formatted, usual)
    try:
        return run(argv)
    finally:
        warnings.formatwarning = usual


def formatted(usual: Callable[..., str], message, category, *place, **line) -> str:
    """Format a warning for people; a notice comes without the place in the code."""
    if issubclass(category, Notice):
        return f"clipbench: {' '.join(str(message).split())}\n"
    return usual(message, category, *place, **line)


def run(argv: list[str] | None) -> int:
    argv = (sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        parsed = build_parser().parse_args(argv)
        result = parsed.run(parsed.options.read(parsed))
        if result is not None:
            shown = parsed.json and json.dumps(result, ensure_ascii=False)
            print(as_utf8(shown or parsed.show(result)), flush=True)
            return parsed.exit_code(result)
    except UserError as error:
        print(f"clipbench: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("clipbench: stopped", file=sys.stderr)
        return 130
    # "| head" has read enough; nothing may be flushed into the closed pipe on the way out
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise
        print("clipbench: no space left on the disk; free some and try again", file=sys.stderr)
        return 2
    return 0


def build_parser() -> Parser:
    parser = Parser(
        prog="clipbench", description="A workbench for CLIP: train it, test it, look inside."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
