"""Three bets before a game: none of them gives a picture away."""

from clipbench_widgets.core.tour import Step

EIGHT, FIVE, FEWER = "more than 8 of 10", "5 to 8 of 10", "fewer than 5 of 10"
NAMES, EXAMPLES, SAME = "the names", "the examples", "both the same"
ONE, THREE, HALF = "about 1 of 10", "about 3 of 10", "about 5 of 10"


def share_right(app, shots: int) -> float:
    asked = [question for question in app.game.questions if question.shots == shots]
    return sum(question.model == question.truth for question in asked) / len(asked)


def zero_shot(app) -> str:
    share = share_right(app, 0)
    return EIGHT if share > 0.8 else FIVE if share >= 0.5 else FEWER


def better(app) -> str:
    names, examples = share_right(app, 0), share_right(app, 1)
    return SAME if names == examples else NAMES if names > examples else EXAMPLES


def guessing(app) -> str:
    chance = 10 / len(app.game.classes)
    return ONE if chance < 2 else THREE if chance < 4 else HALF


STEPS = (
    Step(
        {},
        "Who guesses among these classes without looking: how many pictures does that name right?",
        (ONE, THREE, HALF),
        {},
        guessing,
        "Every score is to be read beside this one: the dashed line at the end.",
    ),
    Step(
        {},
        "The model has the names only, as you have. How many pictures does it name right?",
        (EIGHT, FIVE, FEWER),
        {},
        zero_shot,
        "It has met these things in its training world, in other scenes; you know them from life.",
    ),
    Step(
        {},
        "What helps the model more: the names of the classes, or one example of each?",
        (NAMES, EXAMPLES, SAME),
        {},
        better,
        "In CLIP's paper people gained a lot from one example, and the model lost. Now play: how "
        "is it with you?",
    ),
)
