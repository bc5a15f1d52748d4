"""Examples worth seeing in an explorer that has the example pictures."""

from pathlib import Path

import matplotlib

from clipbench import UserError, open_picture
from clipbench_widgets.core.example_pictures import SCENES
from clipbench_widgets.core.examples import Example
from clipbench_widgets.core.pictures import NamedPicture

PHOTOGRAPH = "photograph of Grace Hopper"
TEMPLATE = "a photo of a {}."
AS_USUAL = {"language": "en", "scale_factor": 1.0, "ranked": True, "none_of_these": False}


def shown(name: str, prompts: list[str], templates: list[str]) -> dict:
    """Return the state in which a picture is asked about."""
    selected = list(SCENES).index(name)
    return AS_USUAL | {
        "selected": selected,
        "prompts": prompts,
        "active_templates": templates,
    }


def photograph() -> NamedPicture | None:
    """Open the photograph that comes with matplotlib; it is in the public domain."""
    file = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    try:
        return NamedPicture(PHOTOGRAPH, open_picture(file))
    except (UserError, OSError):
        return None


EXAMPLES = (
    Example(
        "cat or dog?",
        "There is one cat, and there are two dogs. Which does the model name? "
        "Then write “cat and dog” below them.",
        shown("one cat, two dogs", ["cat", "dog"], [TEMPLATE]),
    ),
    Example(
        "one cat and two dogs",
        "The first two lines say the same, and the others are wrong. Does the model count?",
        shown(
            "one cat, two dogs",
            [
                "one cat and two dogs",
                "two dogs and one cat",
                "two cats and one dog",
                "one dog and two cats",
            ],
            [],
        ),
    ),
    Example(
        "mouse or computer mouse",
        "How much better than “dog” does “mouse” fit this picture, by its cosine? "
        "And “computer mouse”?",
        shown("computer mouse", ["mouse", "computer mouse", "dog"], [TEMPLATE]),
    ),
    Example(
        "an unknown word",
        "It is a cat, and no line says so. “qwertz blorp” means nothing: what does it get?",
        shown("cat", ["dog", "lion", "qwertz blorp"], [TEMPLATE]),
    ),
    Example(
        "a photograph",
        "This model learned from drawings only. What does it make of a photograph of a woman?",
        AS_USUAL
        | {"prompts": ["woman", "person", "building", "dog"], "active_templates": [TEMPLATE]},
        photograph,
    ),
)
