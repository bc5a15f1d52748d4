"""Examples worth seeing in a matrix that has the example pictures."""

from clipbench_widgets.core.example_pictures import CAPTIONS, SCENES
from clipbench_widgets.core.examples import Example

PLACES = list(SCENES)

EXAMPLES = (
    Example(
        "what CLIP is trained on",
        "Each picture with its caption. Training raises the diagonal above all else: does it win?",
        {
            "texts": list(CAPTIONS),
            "mode": "column softmax",
            "order": "as given",
            "scale_factor": 1.0,
        },
    ),
    Example(
        "mouse or computer mouse",
        "Two things share a word. Which column does each line choose?",
        {
            "texts": ["mouse", "computer mouse", "cat", "dog"],
            "mode": "row softmax",
            "order": "as given",
            "scale_factor": 1.0,
            "chosen_text": 0,
            "chosen_picture": PLACES.index("computer mouse"),
        },
    ),
    Example(
        "ordered by likeness",
        "Rows and columns ordered by likeness alone. Which things stand side by side?",
        {"texts": list(CAPTIONS), "mode": "cosine", "order": "alike together"},
    ),
)
