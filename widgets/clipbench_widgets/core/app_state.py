"""The state of an app as one small JSON, for a notebook or the end of an address.

What comes back may come from anyone: it is read as data, each value passes the check of its own
trait, and a value that the trait would change is refused.
"""

import json
from typing import Any
from urllib.parse import quote, unquote

import traitlets

from clipbench import UserError
from clipbench.errors import first_line
from clipbench_widgets.core.format import shortened

LONGEST = 8000  # characters of an address that browsers and mail programs pass on
LONGEST_READ = 100_000
DIGITS = 6
LONGEST_SHOWN = 80  # of a value in a message
PLAIN = ",:[]()!*'"  # in an address as they are


def read_state(state: dict | str) -> dict:
    """Read a state: a dict, its JSON, or an address that ends in it.

    Raises:
        UserError: for anything that is not a state of this app.
    """
    read = state if isinstance(state, dict) else _parsed(str(state))
    if not isinstance(read, dict) or not isinstance(read.get("app"), str):
        raise UserError("this is no state of an app; copy the whole link, or what .state() gave")
    return read


def _parsed(text: str) -> Any:
    text = text[: LONGEST_READ + 1].strip()
    if len(text) > LONGEST_READ:
        raise UserError(f"a state has at most {LONGEST_READ:,} characters")
    if not text.startswith("{"):
        text = unquote(text.rpartition("#")[2], errors="replace")
    try:
        return json.loads(text, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return None


def fragment(state: dict) -> str:
    """Return a state as the end of an address, "" where it is too long for one."""
    text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    end = "#" + quote(text, safe=PLAIN, errors="replace")
    return end if len(end) <= LONGEST else ""


def value_of(holder: traitlets.HasTraits, name: str) -> Any:
    """Return a trait's value as JSON would give it back."""
    return tidy(getattr(holder, name))


def tidy(value: Any) -> Any:
    """Return lists for tuples, and numbers without the digits that a slider makes up."""
    if isinstance(value, (list, tuple)):
        return [tidy(part) for part in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def set_strictly(holder: traitlets.HasTraits, name: str, value: Any) -> None:
    """Set a trait, but only to what it takes unchanged.

    Raises:
        UserError: in one line, for anything else.
    """
    kept = value_of(holder, name)
    if isinstance(value, bool) != isinstance(kept, bool):  # to Python, True is also a number
        raise UserError(f"state: {name} cannot be {in_short(value)}; it could be {in_short(kept)}")
    try:
        setattr(holder, name, value)
    except (traitlets.TraitError, ValueError, TypeError) as error:
        raise UserError(f"state: {name}: {shortened(first_line(error), 200)}") from None
    taken = value_of(holder, name)
    if taken != tidy(value):
        raise UserError(f"state: {name} cannot be {in_short(value)}; it could be {in_short(taken)}")


def in_short(value: Any) -> str:
    return shortened(repr(value), LONGEST_SHOWN)
