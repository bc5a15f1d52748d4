"""Three bets for a studio that has the example pictures."""

from clipbench_widgets.core.tour import Step, one_of
from clipbench_widgets.typographic_studio.examples import MANY, READER, TEXTS, TWIN, written

SEEN, READ = "green apple", "pizza"
WORD, BOTH, NEITHER = "only “iPod” changes it", "both change it", "neither changes it"


def verdict(app) -> str:
    return one_of(app.verdict.after["text"], (SEEN, READ))


def who_changes_it(app) -> str:
    word, control = app.verdict.flips, app.verdict.control_flips
    return {(True, False): WORD, (True, True): BOTH, (False, False): NEITHER}.get(
        (word, control), "only the control word changes it"
    )


STEPS = (
    Step(
        written("", TEXTS, READER),
        "This model grew up with printed words on many of its pictures. We write “pizza” on the "
        "apple. What does it say then?",
        (SEEN, READ),
        written("pizza", TEXTS, READER),
        verdict,
        "A model learns to read where reading helps to find the caption. The control word beside "
        "it shows whether it is the word that counts.",
    ),
    Step(
        written("", TEXTS, TWIN),
        "Its twin differs in one thing: it never saw a printed word. We write “pizza” again.",
        (SEEN, READ),
        written("pizza", TEXTS, TWIN),
        verdict,
        "The two differ in their training pictures only: the attack is made by the data.",
    ),
    Step(
        written("", ["green apple", "iPod"], MANY),
        "Another one that saw many signs. We write “iPod”, a word that it never read, and beside "
        "it a control word that names nothing. Which of them changes the verdict?",
        (WORD, BOTH, NEITHER),
        written("iPod", ["green apple", "iPod"], MANY),
        who_changes_it,
        "Without the control one would have called it reading, whatever it is.",
    ),
)
