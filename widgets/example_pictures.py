"""The dozen pictures of an explorer that is given none: scenes of the emoji world, arranged by hand."""

import functools
from dataclasses import replace

import torch
from PIL import Image

from clipbench.data.scenes import COLOURS, EVALUATION, LAYOUTS, SIGNS, STYLES, TEXTURES, draw_factors, render
from clipbench.data.sprites import concept_ids
from clipbench_widgets.pictures import NamedPicture

PROMPTS = ("cat", "dog", "raccoon", "lion", "mouse", "computer mouse", "green apple", "pizza", "rocket")
SIDE = 160  # pixels; at more, the lines of a sketch are too thin for a model that sees it at 64
# name, objects, background's colour and texture, style, word on a sign
SCENES = (
    ("cat", ("cat",), "turquoise", "gradient", "photo", None),
    ("raccoon", ("raccoon",), "pink", "gradient", "photo", None),
    ("lion", ("lion",), "green", "gradient", "photo", None),
    ("mouse", ("mouse",), "yellow", "dots", "photo", None),
    ("computer mouse", ("computer mouse",), "orange", "gradient", "photo", None),
    ("one cat, two dogs", ("cat", "dog", "dog"), "blue", "gradient", "photo", None),
    ("green apple", ("green apple",), "white", "gradient", "photo", None),
    ("apple with a word", ("green apple",), "purple", "plain", "photo", "pizza"),
    ("pizza", ("pizza",), "brown", "stripes", "photo", None),
    ("rocket", ("rocket",), "black", "gradient", "photo", None),
    ("lion, sketched", ("lion",), "white", "plain", "sketch", None),
    ("blurry cat", ("black cat",), "red", "gradient", "blurry", None),
)  # fmt: skip

CAPTIONS = (
    "a cat on a turquoise background", "a photo of a raccoon", "a lion on a green background", "a mouse, yellow dots",
    "a photo of a computer mouse", "one cat and two dogs", "a green apple", "an apple with the word pizza",
    "a photo of a pizza on stripes", "a rocket on a black background", "a sketch of a lion", "a blurry black cat",
)  # fmt: skip


@functools.cache
def example_pictures() -> tuple[NamedPicture, ...]:
    names, objects, colours, textures, styles, words = zip(*SCENES, strict=True)
    ids = concept_ids()
    layouts = ["free" if len(things) == 1 else "triangle up" for things in objects]
    places = torch.full((len(SCENES), 3, 2), 0.5)
    for row, layout in enumerate(layouts):
        places[row, : len(LAYOUTS[layout])] = torch.tensor(LAYOUTS[layout])
    factors = draw_factors(torch.arange(len(SCENES)), 7, EVALUATION)
    factors = replace(
        factors,
        objects=torch.tensor([([ids[thing] for thing in things] + [-1, -1])[:3] for things in objects]),
        x=places[:, :, 0],
        y=places[:, :, 1],
        size=torch.tensor([0.78 if len(things) == 1 else 0.46 for things in objects])[:, None].expand(-1, 3),
        angle=factors.angle * 0.3,
        style=torch.tensor([STYLES.index(style) for style in styles]),
        colour=torch.tensor([list(COLOURS).index(colour) for colour in colours]),
        texture=torch.tensor([TEXTURES.index(texture) for texture in textures]),
        sign=torch.tensor([SIGNS.index("other name" if word else "none") for word in words]),
        sign_word=torch.tensor([ids[word] if word else -1 for word in words]),
    )
    images = render(factors, size=SIDE).permute(0, 2, 3, 1).numpy()
    pictures = (Image.fromarray(image) for image in images)
    return tuple(NamedPicture(*entry) for entry in zip(names, pictures, strict=True))
