"""Training, validation and test pictures of a data set, for probes.

Own splits are used where a set has them; a set without one is split by class, and the split says
so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from clipbench.data.image_set import PictureSet
from clipbench.data.open import open_labelled, picture_splits, with_classes
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.draws import Draws
from clipbench.data.world.evaluation_sets import of_concepts
from clipbench.data.world.factors import EVALUATION, Factors, draw_factors, training_pool
from clipbench.data.world.sprites import ART_SETS
from clipbench.data.world2.evaluation_sets import SETS as SCENE2_SETS
from clipbench.data.world2.evaluation_sets import scene2_set
from clipbench.errors import UserError

# training scenes of probes: neither the evaluation's seed nor a training run's
PROBE_SEED = 770_001
PROBE_SCENES = 20_000
TEST_SHARE = 0.2


@dataclass
class Split:
    train: PictureSet
    test: PictureSet
    validation: PictureSet | None  # None: the evaluator takes a part of ``train``
    how: str  # in words


def open_split(data: str, train: str | None = None, scenes: int = PROBE_SCENES) -> Split:
    """Open a data set as parts for training, testing and perhaps validation.

    Args:
        data: a name for ``open_labelled``, or a folder that holds ``train``, ``test`` and perhaps
            ``val`` by any name of ``SPLITS`` (folders with one sub-folder per class, or parquet
            files), or a hub data set with such splits.
        train: another data set to train on; then all of ``data`` is the test set.
        scenes: how many scenes to draw for training where ``data`` is made of scenes.

    Raises:
        UserError: see ``open_labelled``, and for two sets whose class names differ.
    """
    if train is not None:
        return checked(
            Split(
                open_labelled(train),
                open_labelled(data),
                None,
                f"trained on {train}, tested on {data}",
            )
        )
    if data == "digits":
        how = "the first four fifths; one writer is in both parts"
        return Split(open_labelled(data, "train"), open_labelled(data, "test"), None, how)
    if data in ("scenes:heldout", "scenes:heldout256", *ART_SETS[1:]):
        how = f"{scenes} scenes in the trained art of seed {PROBE_SEED}, tested on all of {data}"
        return Split(
            probe_scenes(scenes, tiny=data.endswith("256")), open_labelled(data), None, how
        )
    if data in SCENE2_SETS:
        how = f"{scenes} scenes by trained makers in trained fonts, tested on all of {data}"
        return Split(scene2_set(data, training=scenes), scene2_set(data), None, how)
    if "train" in (found := picture_splits(data)) and len(found) > 1:
        return of_parts(found)
    return stratified(open_labelled(data))


def of_parts(found: dict[str, Callable[[], PictureSet]]) -> Split:
    """Open the parts of a hub data set, or of a folder in its layout, as a split.

    Without a test part, validation is for testing.
    """
    test = next(part for part in found if part != "train")  # in the order of SPLITS
    validation = found["validation"]() if test == "test" and "validation" in found else None
    return checked(
        Split(
            found["train"](), found[test](), validation, f"the data's own parts, tested on {test}"
        )
    )


def probe_scenes(count: int, tiny: bool = False) -> PictureSet:
    """Draw scenes like the evaluation's, from a seed of their own."""
    name = f"scenes:probe{'256' if tiny else ''}"
    return of_concepts(name, probe_factors(count, tiny), training_pool(tiny))


def probe_factors(count: int, tiny: bool = False) -> Factors:
    return draw_factors(torch.arange(count), PROBE_SEED, EVALUATION, training_pool(tiny))


def probe_captions(count: int) -> tuple[PictureSet, list[str]]:
    """Draw ``probe_scenes`` with the captions that the world's grammar gives them."""
    return probe_scenes(count), caption_scenes(probe_factors(count))


def checked(split: Split) -> Split:
    """Check that all parts have the same classes, and give the split back.

    Raises:
        UserError: when the parts do not have the same class names in the same order, or none.
    """
    with_classes(split.test)
    for part in (split.train, split.validation):
        if part is not None and part.class_names != split.test.class_names:
            odd = sorted(set(part.class_names) ^ set(split.test.class_names)) or ["their order"]
            raise UserError(
                f"{part.name} and {split.test.name} differ in their classes: {', '.join(odd[:5])}"
            )
    return split


def stratified(data: PictureSet, share: float = TEST_SHARE) -> Split:
    """Hold out a fifth of each class for testing, by seed 0.

    At least one picture is held out of every class that has two.

    Raises:
        UserError: when there is one class only, or no class has two pictures.
    """
    if len(data.class_names) < 2:
        raise UserError(
            f"{data.name} has one class only, {data.class_names[0]!r}: there is nothing "
            "to choose between"
        )
    order = Draws(0, torch.arange(len(data))).bits("test split").argsort()
    test = []
    for label in data.labels.unique():
        rows = order[data.labels[order] == label].tolist()
        test += rows[: max(1, round(share * len(rows)))] if len(rows) > 1 else []
    if not test:
        raise UserError(
            f"{data.name}: every class has one picture; give pictures to train on besides"
        )
    train = sorted(set(range(len(data))) - set(test))
    how = f"{len(test)} of {len(data)} pictures for testing, a fifth of each class, by seed 0"
    return Split(data.subset(train), data.subset(sorted(test)), None, how)


def drawn(data: PictureSet, most: int, seed: int = 0) -> PictureSet:
    """Give ``most`` of the pictures, drawn by the seed, in their order."""
    order = Draws(seed, torch.arange(len(data))).bits("rows").argsort()
    return data.subset(sorted(order[:most].tolist()))
