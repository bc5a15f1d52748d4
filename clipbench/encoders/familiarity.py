"""How far pictures and texts lie within what a model was trained on.

Beside each shipped model lies a reference of its own world, in two files that
``tools/assets/build_familiarity.py`` writes:

* ``familiarity.json``: how often its captions held each word, by language.
* ``familiarity.safetensors``: a score of strangeness, with the scores of scenes that were drawn for
  this purpose. The score is linear in the mean and the spread over all places of what every layer
  gives (all layers, as in Lee et al. 2018), and was fitted to tell training scenes from synthetic
  pictures that are none (outlier exposure, Hendrycks et al. 2019). Where a picture stands among the
  scenes is a conformal p-value (Bates et al. 2023): it is at most 2 % for 2 % of new scenes.

Both hold the fingerprint of the model that they were made for. A model without them says nothing.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePath
from textwrap import shorten
from threading import get_ident

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from clipbench.errors import UserError, first_line
from clipbench.model import CLIP, Block, Bottleneck

PICTURES, WORDS = "familiarity.safetensors", "familiarity.json"
ALARM = 0.02  # a picture is strange if at most this share of scenes is as strange
OFTEN = 2 * ALARM  # of many pictures: a share that scenes alone seldom bring about
LITTLE = 0.01  # of the words that a model read: a language with less was learned little
MOST_NAMED, PICTURES_NAMED = 8, 3  # words and pictures in a line
LONGEST_NAMED = 30  # letters of each
OUTLIER = 8.0  # standard deviations at which a feature is cut off


@dataclass(frozen=True)
class Familiarity:
    """What a model's training says of pictures and texts that it is given.

    All are empty for a model without a reference.
    """

    # of each picture: the share of scenes that are as strange, or stranger
    shares: tuple[float, ...] = ()
    never_read: tuple[str, ...] = ()  # words of the texts that no caption held
    # languages of the texts' words that made up less than 1 % of the captions
    learned_little: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # of the pictures, where they have any

    @property
    def strange(self) -> tuple[int, ...]:
        """Positions of the pictures that are unlike anything that the model was trained on."""
        return tuple(row for row, share in enumerate(self.shares) if share <= ALARM)

    @property
    def line(self) -> str:
        """All of it in one line; "" where nothing is strange.

        Of many pictures some 2 % are strange by chance, and are not worth a line below 4 %.
        """
        parts = [
            self._of_pictures(),
            f"never read in training: {named(self.never_read)}" if self.never_read else "",
            f"learned little {' and '.join(self.learned_little)}" if self.learned_little else "",
        ]
        return "; ".join(part for part in parts if part)

    def _of_pictures(self) -> str:
        strange, count = len(self.strange), len(self.shares)
        if strange <= OFTEN * count:
            return ""
        which = "this picture is" if count == 1 else f"{strange} of {count} pictures are"
        examples = f": {self._strangest()}" if self.names else ""
        return f"{which} unlike anything that the model was trained on{examples}"

    def _strangest(self) -> str:
        """Name the first of the strangest pictures."""
        rows = sorted(self.strange, key=lambda row: self.shares[row])
        shown = [short(PurePath(self.names[row]).name) for row in rows[:PICTURES_NAMED]]
        return ", ".join([*shown, *(["..."] if len(rows) > PICTURES_NAMED else [])])

    def of_rows(self, rows: Sequence[int]) -> "Familiarity":
        """Give what is known of some of the pictures."""
        shares = tuple(self.shares[row] for row in rows) if self.shares else ()
        names = tuple(self.names[row] for row in rows) if self.names else ()
        return replace(self, shares=shares, names=names)


NOTHING_KNOWN = Familiarity()


def named(words: Sequence[str]) -> str:
    shown = ", ".join(map(short, words[:MOST_NAMED]))
    rest = len(words) - MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def short(name: str) -> str:
    return shorten(name, LONGEST_NAMED, placeholder="…")


# -------------------- words


def words_of(text: str) -> list[str]:
    """Split a text into its words in lower case; each Chinese character is one."""
    whole = "".join(map(spaced, unicodedata.normalize("NFC", text).lower()))
    return [word for part in whole.split() if (word := part.strip("'"))]


def spaced(character: str) -> str:
    """Keep letters and their marks; make spaces of the rest; set Chinese characters apart."""
    if "\u3400" <= character <= "\u9fff":
        return f" {character} "
    if character in "'’":
        return "'"
    letter = character.isalpha() or unicodedata.category(character).startswith("M")
    return character if letter else " "


@dataclass(frozen=True)
class WordsRead:
    """How often a model's captions held each word: language -> word -> count."""

    counts: dict[str, dict[str, int]]

    @cached_property
    def languages(self) -> dict[str, str]:
        """Map each word to its language."""
        return {word: language for language, words in self.counts.items() for word in words}

    @cached_property
    def little(self) -> frozenset[str]:
        """Languages that made up less than 1 % of the words."""
        total = sum(sum(words.values()) for words in self.counts.values())
        return frozenset(
            language
            for language, words in self.counts.items()
            if sum(words.values()) < LITTLE * total
        )

    def never_read(self, texts: Sequence[str]) -> tuple[str, ...]:
        """List the texts' words that no caption held, each once."""
        every = dict.fromkeys(word for text in texts for word in words_of(text))
        return tuple(word for word in every if word not in self.languages)

    def learned_little(self, texts: Sequence[str]) -> tuple[str, ...]:
        """List the languages of the texts that made up little of what was read."""
        languages = {self.languages.get(word) for text in texts for word in words_of(text)}
        return tuple(sorted(language for language in self.little if language in languages))


# -------------------- pictures


def layers_of(model: CLIP) -> list[torch.nn.Module]:
    """List the modules whose outputs are looked at: blocks, or a ConvNet's ReLUs."""
    modules = list(model.image_encoder.modules())
    blocks = [module for module in modules if isinstance(module, (Block, Bottleneck))]
    return [*blocks] or [module for module in modules if isinstance(module, torch.nn.ReLU)]


def spread_of(output: Tensor) -> tuple[Tensor, Tensor]:
    """Give mean and standard deviation over all places of a layer's output, (B, C) each.

    The output is (B, N, C), or (B, C, H, W). It takes a tenth of the time of ``torch.std``.
    """
    places = output.float() if output.ndim == 3 else output.float().flatten(2)
    across = 1 if output.ndim == 3 else 2
    mean = places.mean(across, keepdim=True)
    variance = (places - mean).square_().sum(across) / (places.shape[across] - 1)
    return mean.squeeze(across), variance.sqrt_()


@contextmanager
def listening(model: CLIP) -> Iterator[list[Tensor]]:
    """Note mean and spread of what each layer gives while this thread's pictures pass it.

    Yields:
        the list that they are appended to, on the CPU, in the layers' order.
    """
    found: list[Tensor] = []
    own = get_ident()

    def note(module, inputs, output: Tensor) -> None:
        if get_ident() == own:
            found.extend(part.cpu() for part in spread_of(output.detach()))

    hooks = [layer.register_forward_hook(note) for layer in layers_of(model)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@torch.inference_mode()
def statistics_of(model: CLIP, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B F"]:
    """Give mean and spread over all places of what each layer gives, in float32 on the CPU.

    Args:
        images: preprocessed, where the model is.
    """
    with listening(model) as found:
        model.image_encoder(images)
    return torch.cat(found, 1)


@dataclass(frozen=True)
class ScenesSeen:
    """A score of strangeness, and the scores of new scenes of the world that was trained on."""

    mean: Float[Tensor, " F"]
    deviation: Float[Tensor, " F"]
    weights: Float[Tensor, " F"]
    calibration: Float[Tensor, " M"]  # scores of scenes, ascending

    def scores(self, statistics: Float[Tensor, "B F"]) -> Float[Tensor, " B"]:
        """Score strangeness: the larger, the less like a scene."""
        return self.standard(statistics) @ self.weights

    def standard(self, statistics: Float[Tensor, "B F"]) -> Float[Tensor, "B F"]:
        """Standardise, with outliers cut off."""
        return ((statistics - self.mean) / self.deviation).clamp(-OUTLIER, OUTLIER)

    def shares(self, statistics: Float[Tensor, "B F"]) -> tuple[float, ...]:
        """Give the share of scenes that are as strange as each picture, or stranger."""
        scenes = len(self.calibration)
        less = torch.searchsorted(self.calibration, self.scores(statistics))
        return tuple(((1 + scenes - less) / (1 + scenes)).tolist())


# -------------------- both


@dataclass(frozen=True)
class Reference:
    """What is known of the world that a model was trained on; None where nothing is."""

    words: WordsRead | None = None
    scenes: ScenesSeen | None = field(default=None, repr=False)

    def of_texts(self, texts: Sequence[str]) -> Familiarity:
        if self.words is None:
            return Familiarity()
        return Familiarity((), self.words.never_read(texts), self.words.learned_little(texts))


def read_reference(folder: Path) -> Reference:
    """Read the files beside a model; where they are not, nothing is known.

    Raises:
        UserError: when one of them is damaged.
    """
    words, scenes = folder / WORDS, folder / PICTURES
    try:
        return Reference(
            WordsRead(json.loads(words.read_text("utf-8"))["words"]) if words.exists() else None,
            ScenesSeen(**load_file(scenes)) if scenes.exists() else None,
        )
    except (LookupError, OSError, SafetensorError, TypeError, ValueError) as error:
        raise UserError(f"{folder}: damaged {WORDS} or {PICTURES}: {first_line(error)}") from None


def encoded_and_judged(
    encoder, encode: Callable[[Tensor], Tensor], images: Tensor
) -> tuple[Float[Tensor, "B D"], tuple[float, ...]]:
    """Encode pictures, and judge them on the way, which takes about a sixth of the time more.

    Args:
        encode: the encoder's ``encode_image`` or ``image_tower``.
        images: what the encoder's ``preprocess`` gives.

    Returns:
        What ``encode`` gives, and the share of scenes that are as strange as each picture, as in
        ``Familiarity.shares``.
    """
    scenes = getattr(encoder, "reference", Reference()).scenes
    if scenes is None:
        return encode(images), ()
    with listening(encoder.model) as found:
        features = encode(images)
    return features, scenes.shares(torch.cat(found, 1))


def line_on(encoder, pictures: Sequence = (), texts: Sequence[str] = ()) -> str:
    """Say what of these is outside of what any encoder's model was trained on.

    "" where nothing is, or nothing is known.
    """
    ask = getattr(encoder, "familiarity", None)
    return ask(pictures, texts).line if ask else ""
