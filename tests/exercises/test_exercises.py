"""The checks of the exercises tell right answers from wrong ones, and say what helps."""

import importlib
import pkgutil

import numpy
import pytest
import torch

import clipbench.exercises
from clipbench.exercises import check, similarity_matrix, start_here
from clipbench.exercises.check import ChoiceCheck, FunctionCheck, ValueCheck, same
from tools.build_exercises import cut

LESSONS = [
    name
    for _, name, _ in pkgutil.iter_modules(clipbench.exercises.__path__)
    if name not in ("build", "check")
]
MODULES = [importlib.import_module(f"clipbench.exercises.{name}") for name in LESSONS]
CHECKS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if name.startswith("check_")
}


def of_kind(kind):
    return {name: value for name, value in CHECKS.items() if isinstance(value, kind)}


FUNCTIONS, VALUES, CHOICES = of_kind(FunctionCheck), of_kind(ValueCheck), of_kind(ChoiceCheck)
MISTAKES = [
    (name, sentence) for name, one in {**FUNCTIONS, **VALUES}.items() for sentence in one.mistakes
]


def test_every_lesson_has_three_to_five_exercises():
    counts = {name: sum(key.startswith(f"{name}.") for key in CHECKS) for name in LESSONS}
    assert LESSONS and all(3 <= count <= 5 for count in counts.values()), counts


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_tells_right_from_wrong_and_says_what_helps(name):
    one = CHECKS[name]
    verdict = one(one.right)
    assert verdict.right is True and repr(verdict).startswith("✓ Right.")
    if name in CHOICES:
        judges_choices(one)
    else:
        knows_usual_mistakes(one)
    if name in FUNCTIONS:
        refuses_other_kinds(one)


def knows_usual_mistakes(one: FunctionCheck | ValueCheck) -> None:
    """Each has its own sentence; three dots are no answer and no mistake."""
    assert one(...).right is None
    for sentence, mistake in one.mistakes.items():
        verdict = one(mistake)
        assert (verdict.right, verdict.message) == (False, sentence)


def judges_choices(one: ChoiceCheck) -> None:
    """Every wrong choice is explained; three dots are none."""
    assert one.right.keys() == one.why.keys()
    assert one(dict.fromkeys(one.right, ...)).right is None
    for statement in one.right:
        verdict = one({**one.right, statement: "something else"})
        assert verdict.right is False and one.why[statement] in verdict.message


def refuses_other_kinds(one: FunctionCheck) -> None:
    """An answer of another kind gets a sentence and no traceback."""
    assert one(lambda *arguments: ...).right is None
    for answer in (lambda *arguments: "words", lambda *arguments: [[1], [2, 3]], 3.0, "a name"):
        verdict = one(answer)
        assert verdict.right is False and len(verdict.message) > 20, answer


def test_code_that_stops_is_told_with_its_error_and_what_was_tried():
    def broken(pictures, sentences):
        return pictures @ sentences

    message = start_here.check_cosines(broken).message
    assert "Your code stopped: RuntimeError" in message and "pictures = [[" in message


def test_a_wrong_shape_and_an_unknown_mistake_are_shown_on_the_case_that_was_tried():
    shape = start_here.check_probabilities(lambda cosines, scale: torch.ones(2)).message
    assert "The shape should be (1, 3), and yours is (2,)" in shape
    unknown = start_here.check_probabilities(
        lambda cosines, scale: torch.full_like(cosines, 1 / 3)
    ).message
    assert "The answer is" in unknown and "yours is" in unknown and "scale = 10.0" in unknown


def test_an_answer_that_writes_into_its_arguments_spoils_nothing():
    def rude(pictures, sentences):
        pictures /= pictures.norm(dim=1, keepdim=True)
        sentences /= sentences.norm(dim=1, keepdim=True)
        return pictures @ sentences.T

    assert start_here.check_cosines(rude).right and start_here.check_cosines(rude).right


def test_numpy_and_lists_are_as_good_as_tensors():
    def with_numpy(cosines, scale):
        powers = numpy.exp(scale * cosines.numpy())
        return powers / powers.sum(axis=1, keepdims=True)

    assert start_here.check_probabilities(with_numpy).right
    assert start_here.check_probabilities(
        lambda cosines, scale: with_numpy(cosines, scale).tolist()
    ).right


def test_rounding_by_hand_is_allowed_and_a_whole_number_is_not_rounded():
    floor = similarity_matrix.check_floor  # ln 3 = 1.0986
    assert floor(1.1).right and not floor(1.12).right
    whole = ValueCheck(right=41664, mistakes={}, praise="", otherwise="", tolerance=0.0)
    assert whole(41664).right and not whole(41665).right


def test_verdicts_fit_in_the_width_of_a_notebook():
    for name, sentence in MISTAKES:
        assert all(len(line) <= 95 for line in repr(check.Verdict(False, sentence)).splitlines()), (
            name
        )


@pytest.mark.parametrize(
    "a, b, equal",
    [
        (1, 1.0, True),
        (0.5, torch.tensor(0.5), True),
        ([1, 2], (1, 2), True),
        (float("inf"), 1.0, False),
        (float("nan"), 1.0, False),
        ("cat", "cat", True),
        (["cat"], ["dog"], False),
        (["cat", ["dog"]], ("cat", ("dog",)), True),
        ([["a"]], ["a"], False),
        (True, 1.0, True),
        (torch.ones(2), torch.ones(1, 2), False),
    ],
)
def test_what_counts_as_equal(a, b, equal):
    assert same(a, b) == equal


@pytest.mark.parametrize(
    "source, students",
    [
        (
            "def f(x):\n    # solution\n    y = x\n    return y",
            "def f(x):\n    ...  # your code here",
        ),
        ("a = 1\n# solution\nb = a", "a = 1\n...  # your code here"),
        ("prediction = 3  # solution", "prediction = ...  # your answer"),
        (
            'answers = {\n    "is it": YES,  # solution\n}',
            'answers = {\n    "is it": ...,  # your answer\n}',
        ),
        ("a = 1  # the solution is near", "a = 1  # the solution is near"),
    ],
)
def test_answers_are_cut(source, students):
    assert cut(source) == students
