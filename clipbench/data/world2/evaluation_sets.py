"""The frozen evaluation sets of the second world: labelled pictures.

They also say how a probe's training pictures are drawn for each.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image

from clipbench.data.image_set import TEMPLATES, PictureSet
from clipbench.data.world.draws import Draws
from clipbench.data.world.evaluation_sets import EVALUATION_SEED
from clipbench.data.world.factors import training_pool
from clipbench.data.world.fonts import Font, held_out_fonts, trained_fonts
from clipbench.data.world.sprites import concepts
from clipbench.data.world2.album import Album, album_of, held_out_album, held_out_icons
from clipbench.data.world2.lettering import encoded, trained_words, unseen_words, words
from clipbench.data.world2.render import render
from clipbench.data.world2.scenes import Scenes, draw_scenes
from clipbench.data.world2.settings import World2, one_kind

SEED = EVALUATION_SEED + 5000  # even numbers from here on draw test scenes, odd ones a probe's
THINGS = one_kind("one", denials=0.0)
LONE_WORDS = one_kind("sign", signs=(0.0, 0.0, 1.0, 0.0))
WORD_TEMPLATES = ("the word {}", "a sign that says {}", "a sign with the word {}", "it says {}")
DIGIT_TEMPLATES = (
    "the number {}",
    "the digit {}",
    "a photo of the number {}",
    "a sign with the number {}",
)
ICON_CLASSES, WORD_CLASSES = 256, 100


@dataclass(frozen=True)
class Labelled:
    """Scenes with their labels among C classes, and who draws and prints them."""

    scenes: Scenes
    labels: torch.Tensor  # (M,) int64
    class_names: list[str]
    templates: Sequence[str] = TEMPLATES
    world: World2 = THINGS
    album: Album | None = None  # None: that of the world
    fonts: tuple[Font, ...] | None = None  # None: those of training

    def pictures(self, name: str) -> PictureSet:
        def some(rows: Sequence[int]) -> list[Image.Image]:
            return drawn(self, self.scenes.rows(torch.tensor(list(rows))))

        ids = [f"{name}/{row}" for row in range(len(self.labels))]
        return PictureSet(name, self.labels, self.class_names, self.templates, some, ids)


def drawn(labelled: Labelled, scenes: Scenes) -> list[Image.Image]:
    album = labelled.album or album_of(labelled.world)
    images = render(scenes, labelled.world, album, fonts=labelled.fonts)
    return [Image.fromarray(image) for image in images.permute(0, 2, 3, 1).numpy()]


@dataclass(frozen=True)
class Evaluation:
    """One set: how its scenes are drawn, for the test or for the training of a probe."""

    about: str
    size: int
    draw: Callable[[torch.Tensor, int, bool], Labelled]  # (index, seed, whether for training)


# -------------------- things


def things(index: torch.Tensor, seed: int, pool: torch.Tensor, album: Album | None) -> Labelled:
    """Draw single things of ``pool`` without a sign, in all styles."""
    scenes = draw_scenes(index, seed, THINGS, pool)
    names = [concepts()[number].name for number in pool.tolist()]
    return Labelled(scenes, torch.searchsorted(pool, scenes.concept), names, album=album)


def of_trained_makers(tiny: bool):
    return lambda index, seed, training: things(index, seed, training_pool(tiny), None)


def of_artist(name: str):
    """Make a set of an artist whose drawings training never shows.

    Training shows the same concepts by the trained makers.
    """
    return lambda index, seed, training: things(
        index, seed, training_pool(), None if training else held_out_album(name)
    )


@functools.cache
def icon_concepts() -> torch.Tensor:
    """List the concepts that most held-out icons show, those that are trained only: (256,) ids."""
    trained = set(training_pool().tolist())
    shown = torch.tensor([each.concept for each in held_out_icons() if each.concept in trained])
    count = torch.bincount(shown, minlength=len(concepts()))
    return torch.argsort(count, descending=True, stable=True)[:ICON_CLASSES].sort().values


def of_icons(index: torch.Tensor, seed: int, training: bool) -> Labelled:
    album = None if training else held_out_album("icons")
    return things(index, seed, icon_concepts(), album)


# -------------------- print


def printed(
    index: torch.Tensor,
    seed: int,
    texts: list[str],
    fonts: tuple[Font, ...],
    templates: Sequence[str],
    world: World2 = LONE_WORDS,
) -> Labelled:
    """Print words alone, taken in turn, each in one of the fonts."""
    scenes = draw_scenes(index, seed, world)
    labels = index % len(texts)
    font = Draws(seed, index).integer("evaluation font", len(fonts))
    scenes = replace(scenes, letters=encoded(texts)[labels], font=font)
    return Labelled(scenes, labels, texts, templates, world, fonts=fonts)


def spread(choices: torch.Tensor) -> list[str]:
    """Pick WORD_CLASSES of the words, evenly over their list."""
    some = choices[torch.arange(WORD_CLASSES) * len(choices) // WORD_CLASSES]
    return [words()[row] for row in some.tolist()]


def in_other_fonts(index: torch.Tensor, seed: int, training: bool) -> Labelled:
    fonts = trained_fonts() if training else held_out_fonts()
    return printed(index, seed, spread(trained_words()), fonts, WORD_TEMPLATES)


def other_words(index: torch.Tensor, seed: int, training: bool) -> Labelled:
    return printed(index, seed, spread(unseen_words()), trained_fonts(), WORD_TEMPLATES)


def digits(index: torch.Tensor, seed: int, training: bool) -> Labelled:
    fonts = trained_fonts() if training else held_out_fonts()
    world = one_kind("sign", signs=(0.0, 0.0, 0.0, 1.0))
    return printed(index, seed, list("0123456789"), fonts, DIGIT_TEMPLATES, world)


SETS = {
    "scenes2:heldout": Evaluation(
        "new scenes of single things by the trained makers, all styles, all trained concepts",
        5000,
        of_trained_makers(tiny=False),
    ),
    "scenes2:heldout256": Evaluation(
        "the same with the 256 concepts of the tiny world", 5000, of_trained_makers(tiny=True)
    ),
    "scenes2:twemoji": Evaluation(
        "drawn by Twemoji, which training never shows", 5000, of_artist("twemoji")
    ),
    "scenes2:openmoji": Evaluation(
        "drawn by OpenMoji, which training never shows", 5000, of_artist("openmoji")
    ),
    "scenes2:icons": Evaluation(
        "256 concepts by icon sets that training never shows", 2000, of_icons
    ),
    "scenes2:fonts": Evaluation(
        "100 trained words, alone, in fonts that training never shows", 2000, in_other_fonts
    ),
    "scenes2:words": Evaluation("100 words that training never prints, alone", 2000, other_words),
    "scenes2:digits": Evaluation("printed digits in fonts that training never shows", 2000, digits),
}


def labelled_scenes(name: str, training: int = 0) -> Labelled:
    """Draw the scenes of a set of ``SETS``; with ``training``, so many others for a probe."""
    found = SETS[name]
    seed = SEED + 2 * list(SETS).index(name) + bool(training)
    return found.draw(torch.arange(training or found.size), seed, bool(training))


def scene2_set(name: str, training: int = 0) -> PictureSet:
    """Give a frozen set by its name.

    With ``training``, so many pictures to train a probe on: by the trained makers and in the
    trained fonts.
    """
    return labelled_scenes(name, training).pictures(f"{name}-train" if training else name)
