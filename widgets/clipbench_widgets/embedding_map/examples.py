"""Examples worth seeing on a map of scenes of the emoji world."""

from clipbench_widgets.core.examples import Example

EXAMPLES = (
    Example(
        "a sad cat",
        "Its neighbours light up: what are they, and are they neighbours on the map, too?",
        {"projection": "PCA", "shown": "pictures and texts", "shift": 0.0, "query": "a sad cat"},
    ),
    Example(
        "the gap",
        "Pictures and their texts share one space. Do they lie in one place?",
        {
            "projection": "PCA",
            "shown": "pictures and texts",
            "shift": 0.0,
            "colour_by": "modality",
            "only": "",
            "query": "",
        },
    ),
)
