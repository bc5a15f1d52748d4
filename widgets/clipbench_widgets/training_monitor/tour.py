"""Three bets on a training: each reveal trains on for some steps, then pauses."""

from collections.abc import Callable

from clipbench_widgets.core.tour import Step

ON, ABOVE, BELOW = "on the line", "above it", "below it"
NEAR = 0.02  # of the loss of guessing: within it, a loss is on the line
FEW, SOME, MANY = "1 in 20 or fewer", "up to 1 in 4", "more than 1 in 4"
LITTLE, HALF, MOST = "for a quarter or fewer", "for up to half", "for more than half"
STEPS_AT_A_TIME = 40


def training_on(steps: int) -> Callable:
    """Make a reveal that trains for so many steps."""

    def state(app) -> dict:
        app.start(steps)
        return {}

    return state


def at_rest(answer: Callable) -> Callable:
    """Make an outcome that is there when the training rests."""

    def outcome(app) -> str | None:
        if not app.resting:
            return None
        return answer(app) if app.history else "no step was taken"

    return outcome


def first_loss(app) -> str:
    """Say where the first step's loss lies, beside that of guessing."""
    ratio = app.history[0]["loss"] / app.trainer.chance_loss
    return ON if abs(ratio - 1) <= NEAR else ABOVE if ratio > 1 else BELOW


def right_in_batch(app) -> str:
    share = app.latest["batch_accuracy"]
    return FEW if share <= 1 / 20 else SOME if share <= 1 / 4 else MANY


def right_in_matrix(app) -> str:
    share = app.diagonal_accuracy
    return LITTLE if share <= 1 / 4 else HALF if share <= 1 / 2 else MOST


STEPS = (
    Step(
        {},
        "The dashed line is the loss of a model that guesses. This one begins with random weights. "
        "Where does the loss of its very first step lie?",
        (ON, ABOVE, BELOW),
        training_on(1),
        at_rest(first_loss),
        "Random weights are no even guess: the cosines differ by chance, and the scale makes them "
        "sure of it. That has to be unlearned first.",
    ),
    Step(
        {},
        f"It trains on for {STEPS_AT_A_TIME} steps, or until you pause it. For how many pictures "
        "of the last batch is their own text the nearest of all then?",
        (FEW, SOME, MANY),
        training_on(STEPS_AT_A_TIME),
        at_rest(right_in_batch),
        "The loss falls long before many are right: the right text climbs before it is first.",
    ),
    Step(
        {},
        f"Again {STEPS_AT_A_TIME} steps. The matrix compares the same few pairs throughout. For "
        "how many of its pictures is the right text first then?",
        (LITTLE, HALF, MOST),
        training_on(STEPS_AT_A_TIME),
        at_rest(right_in_matrix),
        "Among fewer texts it is easier to be first: an accuracy says nothing without the number "
        "of candidates. Go on, and watch the diagonal turn dark.",
    ),
)
