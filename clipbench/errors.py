"""The one kind of error that a user can mend, and how other errors are put into one line."""

import warnings
from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """A mistake in what was asked for.

    Its message is one line that says what to do; the command line exits with 2.
    """


class Notice(UserWarning):
    """What was ignored, guessed or left out, in one line; the run goes on."""


def notice(line: str) -> None:
    """Say what was ignored, guessed or left out.

    It is a warning in Python, and a line on stderr in the command line.
    """
    warnings.warn(line, Notice, stacklevel=3)


def missing_package(purpose: str, package: str, extra: str) -> UserError:
    """Make the error for a package of one of clipbench's extras that is not installed."""
    return UserError(f"{purpose} needs {package}: pip install 'clipbench[{extra}]'")


def in_words(error: Exception) -> str:
    """Word an error for an app.

    A user's mistake comes in its own words, anything else with its kind.
    """
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"


def first_line(error: Exception) -> str:
    """Give another library's error in one line; its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give " (did you mean 'train'?)" for "trian"; empty where nothing known is like the word."""
    close = get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""
