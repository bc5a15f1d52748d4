"""Many pictures with their features: what maps and searches show.

The user may hold them in any form that `collect` takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from clipbench import Encoder, PictureSet, UserError, open_pictures
from clipbench.data.world.evaluation_sets import heldout_factors
from clipbench.data.world.factors import COLOURS, STYLES, is_held_out
from clipbench.data.world.sprites import concept_ids, concepts
from clipbench.encoders.familiarity import NOTHING_KNOWN, Familiarity, encoded_and_judged
from clipbench.evaluate.features.feature_file import (
    Stored,
    all_readable,
    cached_features,
    open_features,
    read_about,
)
from clipbench_widgets.core.pictures import NamedPicture, named_pictures

MANY = 2000  # pictures; what an app shows by default is encoded without a bar
MAX_KEPT = 512  # pictures that stay in memory once they were shown
# called before each batch with the fraction of the pictures done; raises to end it
Watch = Callable[[float], None]
# of one frozen set of scenes
SCENES_WITH_FACTORS = ("scenes:heldout", "scenes:heldout256", "twemoji", "openmoji")


@dataclass
class Collection:
    """M pictures, opened when they are looked at."""

    name: str
    features: Tensor  # (M, D) unit norm
    names: list[str]  # M, a class or a file name
    ids: list[str]  # M
    # None when only the features are at hand
    open: Callable[[Sequence[int]], list[Image.Image]] | None
    factors: dict[str, list[str]] = field(default_factory=dict)  # what is known of each picture
    # a description of each class, or of each picture
    texts: list[str] = field(default_factory=list)
    # how far the pictures lie within what the model was trained on
    familiarity: Familiarity = NOTHING_KNOWN
    _shown: dict[int, NamedPicture] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def entries(self, rows: Sequence[int]) -> list[NamedPicture]:
        """Open the pictures of some rows; grey where a picture cannot be opened (any more)."""
        new = [row for row in dict.fromkeys(rows) if row not in self._shown]
        if len(self._shown) + len(new) > MAX_KEPT:
            self._shown, new = {}, list(dict.fromkeys(rows))
        for row, picture in zip(new, self._opened(new), strict=True):
            self._shown[row] = NamedPicture(self.names[row], picture)
        return [self._shown[row] for row in rows]

    def _opened(self, rows: list[int]) -> list[Image.Image]:
        if not rows or self.open is None:
            return [missing_picture() for _ in rows]
        try:
            return self.open(rows)
        except (UserError, OSError):
            return [missing_picture() for _ in rows]

    def only(self, rows: Tensor) -> "Collection":
        """Return the same collection with only these rows, in this order."""
        places, opened = rows.tolist(), self.open
        return Collection(
            self.name,
            self.features[rows],
            [self.names[i] for i in places],
            [self.ids[i] for i in places],
            opened and (lambda chosen: opened([places[i] for i in chosen])),
            {name: [values[i] for i in places] for name, values in self.factors.items()},
            self.texts,
            self.familiarity.of_rows(places),
        )


def missing_picture() -> Image.Image:
    return Image.new("RGB", (64, 64), (150, 155, 162))


def collect(
    encoder: Encoder, data, most: int | None = None, watch: Watch | None = None
) -> Collection:
    """Make a collection of pictures with the features that an encoder gives them.

    The features are computed once and kept in the cache. Where very many are encoded and nobody
    watches, a bar shows how far it is.

    Args:
        data: a name for `open_pictures`, a folder (of folders, or of pictures), a feature file, a
            PictureSet, or whatever `named_pictures` takes.
        most: of more pictures than this, rows spread evenly are taken.

    Raises:
        UserError: for data that cannot be used, and for a feature file of another encoder.
    """
    if isinstance(data, (str, Path)):
        if str(data).endswith(".safetensors"):
            stored = open_features(encoder, str(data), progress=False)
            return from_features(stored, most)
        data = open_pictures(str(data))
    if not isinstance(data, PictureSet):
        return from_list(encoder, named_pictures(data), watch)
    data = data.subset(spread(len(data), most))
    if watch is None:
        stored = all_readable(cached_features(encoder, data, progress=len(data) > MANY))
    else:
        stored = all_readable(cached_features(encoder, watched(data, watch), progress=False))
    return of_set(data, stored.features, stored.familiarity)


def watched(data: PictureSet, watch: Watch) -> PictureSet:
    """Return the same pictures; ``watch`` is called whenever some are opened."""

    def pictures(rows: Sequence[int]) -> list[Image.Image]:
        watch(rows[0] / len(data) if len(rows) else 0.0)
        return data.pictures(rows)

    return replace(data, pictures=pictures)


def model_and_data(model, data) -> tuple:
    """Return an app's model and data as given; a feature file as the model is both.

    Raises:
        UserError: when a feature file does not say which model made it.
    """
    if isinstance(model, (str, Path)) and str(model).endswith(".safetensors"):
        return model_of(model), model if data is None else data
    return "classroom" if model is None else model, data


def model_of(features: str | Path) -> str:
    """Read the name of the model that made a feature file.

    Raises:
        UserError: when it does not say.
    """
    name = read_about(Path(features)).get("model")
    if not isinstance(name, str):
        raise UserError(f"{features} does not say which model made it; give model= and data=")
    return name


def spread(count: int, most: int | None) -> list[int]:
    """Choose ``most`` of ``count`` rows, evenly spread; all if there are no more."""
    return (
        list(range(count))
        if most is None or count <= most
        else [i * count // most for i in range(most)]
    )


# -------------------- sources


def of_set(
    data: PictureSet, features: Tensor, familiarity: Familiarity = NOTHING_KNOWN
) -> Collection:
    names = data.names
    template = data.templates[0] if data.templates else "{}"
    texts = [template.replace("{}", name) for name in dict.fromkeys(names)]
    return Collection(
        data.name,
        features,
        names,
        list(data.ids),
        data.pictures,
        factors_of(data, names),
        texts,
        familiarity,
    )


def from_features(stored: Stored, most: int | None) -> Collection:
    """Make a collection of the rows of a feature file.

    It has their pictures too, if the data it was made from is still there.
    """
    rows = torch.tensor(spread(len(stored), most))
    familiarity, pictures = stored.familiarity.of_rows(rows.tolist()), source_of(stored)
    if pictures is not None:
        return of_set(pictures.subset(rows.tolist()), stored.features[rows].float(), familiarity)
    ids = [stored.ids[row] for row in rows.tolist()]
    names, class_names = [Path(name).stem for name in ids], stored.about.get("class_names")
    if stored.labels is not None and class_names:
        names = [str(class_names[label]) for label in stored.labels[rows].tolist()]
    factors = {"class": names} if stored.labels is not None else {}
    texts = list(dict.fromkeys(names)) if factors else []
    return Collection(
        str(stored.about["data"]),
        stored.features[rows].float(),
        names,
        ids,
        None,
        factors,
        texts,
        familiarity,
    )


def source_of(stored: Stored) -> PictureSet | None:
    """Open the pictures that features were made from, if they are still there; else None."""
    try:
        pictures = open_pictures(str(stored.about["data"]))
    except (UserError, OSError):
        return None
    return pictures if [str(name) for name in pictures.ids] == stored.ids else None


def from_list(
    encoder: Encoder, entries: list[NamedPicture], watch: Watch | None = None
) -> Collection:
    if not entries:
        raise UserError("there are no pictures; give at least one")
    features: list[Tensor] = []
    shares: list[float] = []
    for start in range(0, len(entries), 64):
        if watch is not None:
            watch(start / len(entries))
        images = encoder.preprocess([entry.picture for entry in entries[start : start + 64]])
        encoded, judged = encoded_and_judged(encoder, encoder.encode_image, images)
        features.append(encoded)
        shares += judged
    names = [entry.name for entry in entries]
    return Collection(
        "pictures",
        torch.cat(features),
        names,
        names,
        lambda rows: [entries[row].picture for row in rows],
        texts=list(dict.fromkeys(names)),
        familiarity=Familiarity(tuple(shares), names=tuple(names)),
    )


# -------------------- factors


def factors_of(data: PictureSet, names: Sequence[str]) -> dict[str, list[str]]:
    """Collect what is known of each picture.

    That is its class, and for scenes of the emoji world what they were made of.
    """
    ids = concept_ids()
    factors = {}
    if all(name in ids for name in names):
        factors["group"] = [concepts()[ids[name]].group for name in names]
    if data.name in SCENES_WITH_FACTORS:
        factors |= scene_factors(data)
    return factors | {"class": list(names)}


def scene_factors(data: PictureSet) -> dict[str, list[str]]:
    rows = torch.tensor([int(name.rpartition("/")[2]) for name in data.ids])
    scenes = heldout_factors(tiny=data.name.endswith("256")).rows(rows)
    colours = list(COLOURS)
    together = is_held_out(scenes.concept, scenes.style) & (scenes.style > 0)
    return {
        "style": [STYLES[style] for style in scenes.style.tolist()],
        "background": [colours[colour] for colour in scenes.colour.tolist()],
        "split": [
            "thing never trained in this style" if new else "thing trained in this style"
            for new in together
        ],
    }
