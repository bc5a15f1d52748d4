"""Examples worth seeing in a microscope that has the example pictures."""

from clipbench_widgets.core.example_pictures import SCENES
from clipbench_widgets.core.examples import Example
from clipbench_widgets.feature_microscope.choice import ACTIVE, BEST, NOTHING

PLACES = list(SCENES)
TEXTS = (
    "a photo of a cat", "a blurry photo of a cat", "a sketch of a cat", "a photo of a lion",
    "a sketch of a lion", "a photo of a green apple", "a photo of a pizza", "the word pizza",
    "a photo of a rocket", "one cat and two dogs",
)  # fmt: skip

EXAMPLES = (
    Example(
        "what a cat is made of",
        "Sixteen features at most describe this cat. Which of them would you have expected?",
        {"selected": PLACES.index("cat"), "show": ACTIVE, "query": "", "page": 0, "amount": 0.0},
    ),
    Example(
        "find a style",
        "The features whose directions are nearest to a text. Is what they follow what it says?",
        {"show": BEST, "query": "a sketch of something", "page": 0},
    ),
    Example(
        "features without a name",
        "These answer to nothing that is known of the scenes. What would you have called them?",
        {"show": NOTHING, "query": "", "page": 0},
    ),
)
