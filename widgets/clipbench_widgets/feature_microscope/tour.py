"""Three bets for a microscope that has the example pictures."""

from collections.abc import Callable

from clipbench import UserError
from clipbench_widgets.core.tour import Step
from clipbench_widgets.feature_microscope.choice import ACTIVE, BEST
from clipbench_widgets.feature_microscope.dictionary import Dictionary, clearness
from clipbench_widgets.feature_microscope.examples import PLACES, TEXTS

MOST, HALF, NONE = "more than half of them", "half or fewer", "none of them"
SKETCHES, OTHER, NOTHING = "sketches", "something else", "nothing that is known"
ALONE, TOO, STAYS = (
    "it flips, and hardly ever with random ones",
    "it flips, and often with random ones too",
    "it stays",
)
STYLE = "about a style"
UP = 3.0  # usual strengths
RARELY = 0.05  # of the random features
PLAIN = {"texts": list(TEXTS), "query": "", "page": 0, "together": False, "amount": 0.0}
CAT = PLAIN | {"selected": PLACES.index("cat")}
LION = PLAIN | {"selected": PLACES.index("lion"), "show": STYLE}


def features_of(app) -> Dictionary:
    """Return the features, once they are there.

    Raises:
        UserError: until then.
    """
    if app.dictionary is None:
        raise UserError("there are no features yet; begin again when the cards show them")
    return app.dictionary


def with_features(state: dict) -> Callable:
    """Make a state that cannot be before there are features."""

    def made(app) -> dict:
        features_of(app)
        return state

    return made


def clearest_style(app) -> int:
    """Find the feature that is most clearly about a style.

    Raises:
        UserError: where none is.
    """
    ours = features_of(app)
    found = ours.about("style")
    if not found:
        raise UserError("no feature of this model is about a style; choose another model")
    return max(found, key=lambda feature: clearness(ours.followed[feature]))


def turned_by(amount: float) -> Callable:
    return lambda app: LION | {"feature": clearest_style(app), "amount": amount}


def how_many_known(app) -> str:
    ours, active = features_of(app), app._activity()
    known = sum(ours.followed[feature].known for feature in active)
    return NONE if not known else MOST if known > len(active) / 2 else HALF


def what_is_nearest(app) -> str:
    """Say what the feature follows whose direction is nearest to the text."""
    nearest = features_of(app).followed[app._order()[0]]
    if not nearest.known:
        return NOTHING
    return SKETCHES if nearest.value == "sketch" else OTHER


def who_flips_it(app) -> str:
    verdict = app.verdict
    if not verdict.flips:
        return STAYS
    return ALONE if verdict.flipped <= RARELY * verdict.controls else TOO


STEPS = (
    Step(
        with_features(CAT | {"show": BEST}),
        "Of all these features sixteen at most describe this cat. How many of them are about "
        "anything that is known of scenes, be it only in part?",
        (MOST, HALF, NONE),
        with_features(CAT | {"show": ACTIVE}),
        how_many_known,
        "Read what they are about: a picture is made of parts that nobody would have listed. And "
        "what is about nothing known need not be about nothing.",
    ),
    Step(
        with_features(CAT | {"show": BEST}),
        "Each feature has a direction, and so has each text. We look for the direction nearest to "
        "“a sketch of something”. What does that feature answer to, measured on scenes?",
        (SKETCHES, OTHER, NOTHING),
        with_features(CAT | {"show": BEST, "query": "a sketch of something"}),
        what_is_nearest,
        "There is always a nearest text. It is a name and no evidence: what a feature answers to "
        "has to be measured.",
    ),
    Step(
        turned_by(0.0),
        "Here is the feature that is most clearly about a style. We turn it up on the photo of a "
        "lion, and beside it random features, as far. What becomes of the verdict?",
        (ALONE, TOO, STAYS),
        turned_by(UP),
        who_flips_it,
        "Without the random ones one would have called any flip an effect of this feature.",
    ),
)
