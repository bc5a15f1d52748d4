"""Examples worth seeing in a studio that has the example pictures."""

from clipbench_widgets.core.example_pictures import SCENES
from clipbench_widgets.core.examples import Example

READER, TWIN, MANY = "twin:reader", "twin:no-signs", "twin:many-signs"
TEMPLATE = "a photo of a {}."


def written(word: str, texts: list[str], model: str, **others) -> dict:
    """Return the state in which a word is written on the green apple."""
    plain = {"control_word": "", "masked": False, "told": False, "active_templates": [TEMPLATE]}
    look = {"height": 0.28, "position": [0.5, 0.5], "angle": 0.0, "opacity": 1.0}
    apple = {"selected": list(SCENES).index("green apple")}
    return apple | plain | look | {"word": word, "texts": texts, "model": model} | others


TEXTS = ["green apple", "pizza", "dog", "rocket"]
EXAMPLES = (
    Example(
        "“pizza”, to one that reads",
        "It grew up with printed words. Does it believe the picture, or the word?",
        written("pizza", TEXTS, READER),
    ),
    Example(
        "“pizza”, to one that cannot",
        "The same apple and the same word, but it never saw a printed word. What changes?",
        written("pizza", TEXTS, TWIN),
    ),
    Example(
        "the iPod",
        "OpenAI's CLIP took such an apple for an iPod. Compare with the control word: is it the "
        "word that counts here, or the paper?",
        written("iPod", ["green apple", "iPod"], MANY),
    ),
    Example(
        "a defence",
        "The same “pizza”, but the texts say that a word is written there. Does that help?",
        written("pizza", TEXTS, READER, told=True),
    ),
)
