"""Three bets for an explorer that has the example pictures."""

from clipbench_widgets.core.scoring import most_probable
from clipbench_widgets.core.tour import Step, one_of
from clipbench_widgets.prompt_explorer.examples import TEMPLATE, shown

STAYS, TURNS = "the order stays", "the order changes"
MIXED = "one cat, two dogs"


def best(app) -> str:
    return most_probable(app.scores)["prompt"]


def order_of(app) -> str:
    """Say whether probabilities are in the order of the cosines."""
    by_cosine = sorted(app.scores, key=lambda row: row["cosine"])
    by_share = sorted(app.scores, key=lambda row: row["probability"])
    return STAYS if by_cosine == by_share else TURNS


STEPS = (
    Step(
        shown(MIXED, ["cat"], [TEMPLATE]),
        "A single line has 100 % of any picture. Now “dog” is added. There is one cat, and there "
        "are two dogs: which line wins?",
        ("cat", "dog"),
        shown(MIXED, ["cat", "dog"], [TEMPLATE]),
        lambda app: one_of(best(app), ("cat", "dog")),
        "The lines share 100 % among themselves: a share says which line fits best, not how well.",
    ),
    Step(
        shown(MIXED, ["cat", "dog", "lion", "pizza"], [TEMPLATE]),
        "Next, the scale becomes ten times smaller. What happens to the order of the lines?",
        (STAYS, TURNS),
        shown(MIXED, ["cat", "dog", "lion", "pizza"], [TEMPLATE]) | {"scale_factor": 0.1},
        order_of,
        "The softmax multiplies every cosine by the scale: a small one levels the shares.",
    ),
    Step(
        shown("cat", ["dog", "lion"], [TEMPLATE]),
        "This is a cat, and no line says so. Now “qwertz blorp” is added, which means nothing. "
        "Which line wins?",
        ("dog", "lion", "qwertz blorp"),
        shown("cat", ["dog", "lion", "qwertz blorp"], [TEMPLATE]),
        lambda app: one_of(best(app), ("dog", "lion", "qwertz blorp")),
        "Every text gets a place in the space, one without meaning, too; it can lie nearer to a "
        "picture than a wrong word. So a winner proves little, and “none of these” helps.",
    ),
)
