"""Every probability of the second world, in one frozen dataclass."""

from dataclasses import dataclass, replace

from clipbench.data.world.drawings import EMOJI_SETS
from clipbench.data.world.factors import STYLES
from clipbench.data.world.languages import LANGUAGES

# one thing; one thing in some number; two things; a printed word; one thing on a ground plane
KINDS = ("one", "several", "pair", "sign", "ground")
SIGNS = ("none", "own name", "other name", "alone", "digit")
# what scenes 2k and 2k+1 differ in, when they are partners and share all else
CONTRASTS = ("order", "number", "numbers swapped", "letter", "presence", "word or thing")
MOST = 5  # objects in a scene


@dataclass(frozen=True)
class World2:
    """How often what happens. Tuples are weights, in the order that their comments name."""

    # -------------------- who draws
    sets: tuple[str, ...] = EMOJI_SETS  # emoji sets, each of a scene's things by one of them
    # share of things that are drawn as an icon by any maker, where their concept has one
    icons: float = 0.30
    jitter: float = 0.30  # share of coloured drawings whose hue and saturation are changed

    # -------------------- what is seen
    kinds: tuple[float, ...] = (0.44, 0.12, 0.16, 0.22, 0.06)  # KINDS
    styles: tuple[float, ...] = (0.40, 0.12, 0.14, 0.085, 0.085, 0.085, 0.085)  # STYLES
    counts: tuple[float, ...] = (0.35, 0.30, 0.20, 0.15)  # two, three, four, five of one thing
    numbered_pairs: float = 0.35  # pairs in which a thing stands more than once
    hold_out: bool = True  # leave the held-out compositions to the evaluation

    # -------------------- signs
    signs: tuple[float, ...] = (0.12, 0.42, 0.32, 0.14)  # SIGNS but none, of scenes with a sign
    capitals: float = 0.30
    listed_words: float = 0.60  # words of the list; the others are names of concepts
    boards: float = 0.65  # of words that stand alone; the others are written on the background

    # -------------------- partners
    partners: float = 0.35  # share of the pairs of scenes (2k, 2k + 1)
    # where partners differ in presence: a third thing in the place of the one that is not there, so
    # that the number of things does not give it away
    replaced: float = 0.5
    contrasts: tuple[float, ...] = (0.22, 0.22, 0.12, 0.18, 0.19, 0.07)  # CONTRASTS

    # -------------------- captions
    bare_names: float = 0.05  # of scenes of one thing: the class name and nothing else
    noise: float = 0.06  # file names, advertisements
    partial: float = 0.03  # what is beside the point: the background
    aliases: float = 0.20  # another word for a thing, or the kind of thing it is
    places: float = 0.06  # where in the picture one thing stands
    relations: float = 0.75  # of two things: which is left, right, above or below
    denials: float = 0.05  # of scenes of one thing: what is not there
    count_words: bool = True  # without it three cats are "a cat"
    wrong_captions: float = 0.0  # captions that belong to another scene
    other_languages: float = 0.28  # captions that are not English, all languages alike
    languages: tuple[str, ...] = tuple(LANGUAGES)  # besides English
    captions: int = 1  # of each picture, each drawn by itself

    def __post_init__(self):
        for name, count in WEIGHTS.items():
            check_weights(name, getattr(self, name), count)
        for name in SHARES:
            check_share(name, getattr(self, name))
        if not (isinstance(self.captions, int) and self.captions >= 1):
            raise ValueError(f"captions must be a whole number from 1 up, not {self.captions!r}")
        for name, known in (("sets", EMOJI_SETS), ("languages", tuple(LANGUAGES))):
            given = getattr(self, name)
            if not isinstance(given, tuple) or not given or not set(given) <= set(known):
                raise ValueError(f"{name} must be one or more of {', '.join(known)}, not {given!r}")


WEIGHTS = {
    "kinds": len(KINDS),
    "styles": len(STYLES),
    "counts": MOST - 1,
    "signs": len(SIGNS) - 1,
    "contrasts": len(CONTRASTS),
}
SHARES = (
    "icons", "jitter", "numbered_pairs", "capitals", "listed_words", "boards", "partners",
    "replaced",
    "bare_names", "noise", "partial", "aliases", "places", "relations", "denials",
    "wrong_captions", "other_languages",
)  # fmt: skip


def check_weights(name: str, weights, count: int) -> None:
    numbers = isinstance(weights, tuple) and all(
        isinstance(weight, (int, float)) and weight >= 0 for weight in weights
    )
    if not numbers or len(weights) != count or sum(weights) <= 0:
        raise ValueError(f"{name} needs {count} numbers from 0 up, not all 0; not {weights!r}")


def check_share(name: str, value) -> None:
    if not (isinstance(value, (int, float)) and 0 <= value <= 1):
        raise ValueError(f"{name} must be a share from 0 to 1, not {value!r}")


def one_kind(kind: str, world: World2 = World2(), **changes) -> World2:
    """Restrict the world to scenes of one kind without partners, for evaluation and lessons."""
    weights = tuple(float(name == kind) for name in KINDS)
    return replace(world, kinds=weights, partners=0.0, **changes)
