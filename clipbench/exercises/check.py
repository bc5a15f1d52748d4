"""Checks of answers: each compares an answer with the right one and with the usual mistakes.

So it can say what went wrong. An exercise is a table: the right function, a few small inputs, and
for each usual mistake a function that makes it beside the sentence that helps. A wrong answer that
gives the same numbers as a mistake gets the mistake's sentence.
"""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import torch

NOT_YET = (
    "Not answered yet. Put your answer where the three dots are, run that "
    "cell, then this one again."
)
MARKS = {True: "✓", False: "✗", None: "○"}


@dataclass(frozen=True)
class Verdict:
    """What a check says: ``right`` is True, False, or None where nothing was answered yet."""

    right: bool | None
    message: str

    def __repr__(self) -> str:
        return textwrap.fill(f"{MARKS[self.right]} {self.message}", 95, subsequent_indent="  ")


@dataclass(frozen=True)
class FunctionCheck:
    """Checks a function on a few ``cases`` (tuples of arguments).

    ``mistakes`` maps a sentence for the student to a function that makes this mistake. ``view``
    turns what a function returns into what is compared: for answers that are right in several
    forms, such as a shuffled list.
    """

    right: Callable
    cases: tuple
    mistakes: dict
    praise: str
    view: Callable = lambda returned: returned

    def __call__(self, answer) -> Verdict:
        if answer is ...:
            return Verdict(None, NOT_YET)
        if not callable(answer):
            return Verdict(
                False, "The check wants the function itself: its name, without brackets behind it."
            )
        expected = self.results(self.right)
        try:
            returned = [answer(*fresh(case)) for case in self.cases]
        except Exception as error:  # whatever a student's code can do
            return Verdict(
                False,
                f"Your code stopped: {type(error).__name__}: {error}. {self.described(self.cases[0])}",
            )
        if all(one is ... or one is None for one in returned):
            return Verdict(
                None, NOT_YET + " (If you wrote code already: its last line needs a return.)"
            )
        try:
            found = [self.view(one) for one in returned]
        except Exception:  # it is not of the kind that the question asks for
            return Verdict(
                False,
                f"Your function returned {brief(returned[0])}, which is not what was asked for.",
            )
        if alike(found, expected):
            return Verdict(True, f"Right. {self.praise}")
        return Verdict(False, self.known_mistake(found) or self.difference(found, expected))

    def results(self, function: Callable) -> list:
        return [self.view(function(*fresh(case))) for case in self.cases]

    def known_mistake(self, found: list) -> str | None:
        for sentence, mistake in self.mistakes.items():
            if alike(found, self.results(mistake)):
                return sentence
        return None

    def difference(self, found: list, expected: list) -> str:
        """Tell the first case that went wrong, with both answers."""
        rows = zip(self.cases, found, expected, strict=True)
        case, ours, right = next(row for row in rows if not same(*row[1:]))
        if shape(ours) != shape(right):
            return f"The shape should be {shape(right)}, and yours is {shape(ours)}. {self.described(case)}"
        return f"{self.described(case)} The answer is {brief(right)}, and yours is {brief(ours)}."

    def described(self, case: tuple) -> str:
        # the rest has defaults
        values = zip(inspect.signature(self.right).parameters, case, strict=False)
        return (
            "The check tried "
            + ", ".join(f"{name} = {brief(value)}" for name, value in values)
            + "."
        )


@dataclass(frozen=True)
class ValueCheck:
    """A check of one value.

    Numbers may be off by ``tolerance`` (a fraction), as somebody who types rounds.

    ``mistakes`` maps a sentence for the student to the value that this mistake leads to.
    """

    right: object
    mistakes: dict
    praise: str
    otherwise: str
    tolerance: float = 0.01

    def __call__(self, answer) -> Verdict:
        if answer is ... or answer is None:
            return Verdict(None, NOT_YET)
        if same(answer, self.right, self.tolerance):
            return Verdict(True, f"Right. {self.praise}")
        for sentence, value in self.mistakes.items():
            if same(answer, value, self.tolerance):
                return Verdict(False, sentence)
        return Verdict(False, self.otherwise)


@dataclass(frozen=True)
class ChoiceCheck:
    """A check of a dict of statements and choices.

    ``why`` explains each to somebody who chose wrongly.
    """

    right: dict
    why: dict
    praise: str

    def __call__(self, answer) -> Verdict:
        if (
            answer is ...
            or not isinstance(answer, dict)
            or any(answer.get(key, ...) is ... for key in self.right)
        ):
            return Verdict(None, "Not answered yet. Put an answer where each of the three dots is.")
        for statement, choice in self.right.items():
            if answer[statement] != choice:
                return Verdict(False, f"Think again about “{statement}”: {self.why[statement]}")
        return Verdict(True, f"Right. {self.praise}")


# --- comparing ---------------------------------------------------------------------------------


def alike(found: list, expected: list) -> bool:
    return all(same(ours, right) for ours, right in zip(found, expected, strict=True))


def same(ours, right, tolerance: float = 1e-4) -> bool:
    """Say whether two answers are equal: numbers up to rounding, everything else exactly.

    Numbers may be of any kind, and a tuple is as good as a list.
    """
    a, b = as_numbers(ours), as_numbers(right)
    if a is None or b is None:
        ours, right = as_lists(ours), as_lists(right)
        return type(ours) is type(right) and ours == right
    return a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=1e-6, equal_nan=True)


def as_lists(value):
    """Turn tuples into lists, also those inside of others."""
    return [as_lists(one) for one in value] if isinstance(value, (list, tuple)) else value


def as_numbers(value) -> torch.Tensor | None:
    """Make a tensor of what is a tensor, an array, a number, or nested lists of numbers.

    None of what is not.
    """
    if (
        isinstance(value, (list, tuple))
        and value
        and all(isinstance(one, torch.Tensor) for one in value)
    ):
        value = [one.tolist() for one in value]
    try:
        return torch.as_tensor(value).detach().to(torch.float64)
    except (TypeError, ValueError, RuntimeError):
        return None


def shape(value) -> tuple | None:
    numbers = as_numbers(value)
    return None if numbers is None else tuple(numbers.shape)


def fresh(case: tuple) -> tuple:
    """Copy the arguments, so that a function that writes into them spoils nothing."""
    return tuple(value.clone() if isinstance(value, torch.Tensor) else value for value in case)


def brief(value, longest: int = 200) -> str:
    """Write a value in a sentence: tensors as rounded lists."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        value = (
            value.double().mul(1000).round().div(1000).tolist()
            if value.is_floating_point()
            else value.tolist()
        )
    elif isinstance(value, float):
        value = round(value, 4)
    text = str(value)
    return text if len(text) <= longest else text[: longest - 4] + " ..."


def numbers(*sizes: int, seed: int = 0) -> torch.Tensor:
    """Draw small random numbers with one decimal, for cases that a reader can follow."""
    return (
        torch.randn(*sizes, generator=torch.Generator().manual_seed(seed)).mul(10).round().div(10)
    )


def unit(*sizes: int, seed: int = 0) -> torch.Tensor:
    """Draw random unit vectors."""
    return unit_rows(numbers(*sizes, seed=seed))


def unit_rows(features: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Scale vectors along ``dim`` to the length 1."""
    return torch.nn.functional.normalize(features, dim=dim)
