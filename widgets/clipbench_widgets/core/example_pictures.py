"""The dozen pictures that an explorer shows when it is given none.

They are scenes of the emoji world, arranged by hand.
"""

import functools

from clipbench.data.world.staged import Staged, stage
from clipbench_widgets.core.pictures import NamedPicture

PROMPTS = (
    "cat",
    "dog",
    "raccoon",
    "lion",
    "mouse",
    "computer mouse",
    "green apple",
    "pizza",
    "rocket",
)
SIDE = 160  # pixels; at more, the lines of a sketch are too thin for a model that sees it at 64
SCENES = {
    "cat": Staged(("cat",), "turquoise"),
    "raccoon": Staged(("raccoon",), "pink"),
    "lion": Staged(("lion",), "green"),
    "mouse": Staged(("mouse",), "yellow", "dots"),
    "computer mouse": Staged(("computer mouse",), "orange"),
    "one cat, two dogs": Staged(("cat", "dog", "dog"), "blue"),
    "green apple": Staged(("green apple",), "white"),
    "apple with a word": Staged(("green apple",), "purple", "plain", sign="pizza"),
    "pizza": Staged(("pizza",), "brown", "stripes"),
    "rocket": Staged(("rocket",), "black"),
    "lion, sketched": Staged(("lion",), "white", "plain", "sketch"),
    "blurry cat": Staged(("black cat",), "red", "gradient", "blurry"),
}

CAPTIONS = (
    "a cat on a turquoise background", "a photo of a raccoon", "a lion on a green background",
    "a mouse, on yellow", "a photo of a computer mouse", "one cat and two dogs", "a green apple",
    "an apple with the word pizza", "a photo of a pizza",
    "a rocket on a black background", "a sketch of a lion", "a blurry black cat",
)  # fmt: skip


@functools.cache
def example_pictures() -> tuple[NamedPicture, ...]:
    pictures = stage(list(SCENES.values()), SIDE)
    return tuple(NamedPicture(*entry) for entry in zip(SCENES, pictures, strict=True))
