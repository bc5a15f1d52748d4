"""Three bets for a search among scenes of the emoji world."""

from clipbench_widgets.core.tour import CATS, Step, kind_of_cat

UMBRELLA, OTHER = "an umbrella", "something else"
LOW, HALF, HIGH = "below a third of it", "around half of it", "above two thirds of it"


def first_name(app) -> str:
    return app.found[0]["name"]


def how_high(app) -> str:
    """Compare the best cosine with that of “a sad cat”."""
    known = app._own.of_text("a sad cat", 1)[0]["cosine"]
    share = app.found[0]["cosine"] / known
    return LOW if share < 1 / 3 else HALF if share < 2 / 3 else HIGH


STEPS = (
    Step(
        {"query": ""},
        "We look for “a sad cat”, which is nothing's name in this world. What comes first?",
        CATS,
        {"query": "a sad cat"},
        lambda app: kind_of_cat(first_name(app)),
        "Some captions called things that cry sad, and others spoke of cats. The space holds both "
        "at once: that is what makes such a search so handy.",
    ),
    Step(
        {"query": "a sad cat"},
        "Now we look for “a red umbrella”. What comes first?",
        (UMBRELLA, OTHER),
        {"query": "a red umbrella"},
        lambda app: UMBRELLA if "umbrella" in first_name(app) else OTHER,
        "Colour and thing each pull on their own; a small CLIP hardly binds them.",
    ),
    Step(
        {"query": "a sad cat"},
        "See the best cosine of “a sad cat”. We look for “asdfgh”, which means nothing. How high "
        "is its best one?",
        (LOW, HALF, HIGH),
        {"query": "asdfgh"},
        how_high,
        "There is always a nearest picture. A cosine alone does not say that something was found.",
    ),
)
