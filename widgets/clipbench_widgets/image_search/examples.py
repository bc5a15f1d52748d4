"""Examples worth seeing in a search among scenes of the emoji world."""

from clipbench_widgets.core.examples import Example

EXAMPLES = (
    Example(
        "a sad cat",
        "Nothing in this world has that name. What comes first, and what next?",
        {"query": "a sad cat"},
    ),
    Example(
        "a red umbrella",
        "Which of these are red, which are umbrellas, and is one both?",
        {"query": "a red umbrella"},
    ),
    Example(
        "letters without meaning",
        "“asdfgh” is no word. How high does its best cosine come, beside that of “a sad cat”?",
        {"query": "asdfgh"},
    ),
)
