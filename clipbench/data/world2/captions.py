"""Describe scenes of the second world: sentences of the web more often than names of classes.

Every caption is true of its picture. What is said, and how, is drawn from the same hash as the
picture. Partners are described by the same words but for what they differ in, so that a caption
cannot be told from its partner's without looking.
"""

from dataclasses import dataclass

from clipbench.data.world.captions import (
    BACKGROUNDS,
    COLOUR_NAMES,
    HORIZONTAL,
    HORIZONTAL_BACK,
    JOINED,
    NOISE,
    STYLE_TEMPLATES,
    VERTICAL,
    VERTICAL_BACK,
    Chooser,
    with_place,
)
from clipbench.data.world.factors import COLOUR_STYLES, STYLES
from clipbench.data.world.languages import caption_in
from clipbench.data.world.sprites import Concept, concepts
from clipbench.data.world2.lettering import decoded
from clipbench.data.world2.scenes import LAYOUT_NAMES, Scenes
from clipbench.data.world2.settings import CONTRASTS, KINDS, SIGNS, World2

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# {} is a noun phrase, "a cat" or "two dogs"; all are true of any picture
SENTENCES = (
    "a picture of {}", "an image of {}", "a picture of {}.", "this is {}", "here is {}",
    "there is {} here", "i see {}", "look, {}!", "an image showing {}", "we can see {}",
    "a nice picture of {}", "my picture of {}", "the picture shows {}", "{} as seen today",
    "look at this: {}", "can you see {}?", "i made {} for you", "guess what it is: {}",
    "{} for your website", "wallpaper: {}", "{}, free to use", "have you ever seen {}?",
    "what a day: {}", "new in our shop: {}", "{} by an artist", "i like this picture of {}",
    "all you need is {}", "good morning with {}", "a card with {}", "this picture has {} in it",
    "you can find {} in this picture", "it shows {}", "{}", "{}.",
)  # fmt: skip
DRAWN = (
    "a drawing of {}", "an icon of {}", "a symbol of {}", "clip art of {}", "an emoji of {}",
    "a cartoon of {}", "an illustration of {}",
)  # fmt: skip
ICONS = ("an icon of {}", "a symbol of {}", "a simple icon of {}", "a pictogram of {}")
OUTSIDE = ("{} on the ground", "{} outside", "a landscape with {}", "{} in the open")

WORD_FORMS = (
    "a sign that says {}", "a sign with the word {}", "the word {}", 'a sign that reads "{}"',
    '"{}"', "the text {} on a sign", "a board with {} written on it", "it says {}",
    "a picture of the word {}", 'here you can read "{}"', "the word {} in print",
    "a photo of a sign that says {}", "the letters of {}", "{} is written here", "{}",
)  # fmt: skip
DIGIT_FORMS = (
    "the number {}", "the digit {}", "a photo of the number {}", "a sign with the number {}",
    "{}", "a picture of the digit {}", "the number {} in print", "it is number {}",
)  # fmt: skip
LABELLED = (
    "{} with a sign that says {}",
    "{} with the word {} on it",
    "{} labelled {}",
    '{} and a sign: "{}"',
    "{} next to the word {}",
    "{} that says {}",
)

EXACTLY = ("{}", "{}", "exactly {}", "just {}")  # also of one
COUNTED = ("{}", "{}", "exactly {}", "a group of {}", "{} in one picture")
TOGETHER = (*JOINED, "both {} and {}", "{} as well as {}")
# {0} is there, {1} is not ("a cat", "a dog"); {2} is the bare name of what is not
DENIALS = ("{0} and no {2}", "{0} without {1}", "{0} but no {2}")
DENYING = ("you see {0} but no {2}", "there is {0} here but no {2}")  # whole sentences
# where nothing else is there
ONLY = (*DENIALS, "just {0}, no {2}", "only {0} and no {2}")
ONLY_SENTENCES = (
    *DENYING,
    "there is no {2} here, only {0}",
    "no {2}, only {0}",
    "not {1} but {0}",
)
PRESENCE = CONTRASTS.index("presence")
ORDER = CONTRASTS.index("order")


@dataclass(slots=True)
class Told:
    """One scene's factors as plain values, and the words that follow from them.

    It serves other languages as a ``world.captions.Scene``.
    """

    contrast: int
    count: int
    other_count: int
    kind: str
    sign: str
    style: str
    layout: str
    colour: str | None  # of the background, where the style shows it
    word: str  # on the sign
    subject: Concept
    other: Concept | None
    absent: Concept | None
    first_is_subject: bool
    x: float
    y: float
    size: float
    icon: bool  # drawn in one colour

    @property
    def a_colour(self) -> str:
        return f"{'an' if self.colour == 'orange' else 'a'} {self.colour}"


def told(scenes: Scenes, icon) -> list[Told]:
    columns = (
        scenes.contrast, scenes.count, scenes.other_count, scenes.kind, scenes.sign, scenes.style,
        scenes.layout, scenes.colour, scenes.concept, scenes.other, scenes.absent,
        scenes.objects[:, 0], scenes.x[:, 0], scenes.y[:, 0], scenes.size[:, 0], icon,
    )  # fmt: skip
    rows = zip(*(column.tolist() for column in columns), decoded(scenes.letters), strict=True)
    known = concepts()
    return [
        Told(
            contrast, count, other_count, KINDS[kind], SIGNS[sign], STYLES[style],
            LAYOUT_NAMES[layout],
            COLOUR_NAMES[colour] if STYLES[style] in COLOUR_STYLES else None,
            word, known[subject],
            known[other] if other >= 0 else None, known[absent] if absent >= 0 else None,
            first == subject, x, y, size, is_icon,
        )
        for contrast, count, other_count, kind, sign, style, layout, colour, subject, other, absent,
        first, x, y, size, is_icon, word in rows
    ]  # fmt: skip


def caption_scenes(scenes: Scenes, world: World2, icon, number: int = 0) -> list[str]:
    """Write one caption per scene: B strings.

    Args:
        icon: (B,) bool, whether the subject is drawn in one colour.
        number: which of a scene's captions; each is drawn by itself, so two of them can be equal.
    """
    which = f" {number}" if number else ""
    bits = [scenes.draws.bits(f"caption {k}{which}").tolist() for k in range(3)]
    spoken = scenes.draws.uniform(f"language{which}").tolist()
    return [
        caption(scene, world, Chooser(a << 64 | b << 32 | c), language(spoken, world))
        for scene, a, b, c, spoken in zip(told(scenes, icon), *bits, spoken, strict=True)
    ]


def language(spoken: float, world: World2) -> str:
    """Choose the caption's language by a random number in [0, 1)."""
    if spoken >= world.other_languages:
        return "en"
    return world.languages[int(spoken / world.other_languages * len(world.languages))]


def happens(choose: Chooser, share: float) -> bool:
    """Say whether something of this share is so; in steps of 1/256."""
    return choose.below(256) < 256 * share


def caption(scene: Told, world: World2, choose: Chooser, spoken: str) -> str:
    if scene.sign == "digit":
        return digit(scene, choose, spoken)
    if scene.contrast >= 0:
        return caption_of_partner(scene, world, choose)
    if spoken != "en":
        return caption_in(spoken, scene, choose)
    if scene.sign == "alone":
        return choose.of(WORD_FORMS).format(scene.word)
    if scene.sign != "none":
        return caption_with_sign(scene, world, choose)
    if scene.other is not None:
        return framed(caption_of_two(scene, world, choose), scene, choose)
    if scene.count > 1:
        return framed(counted(scene.subject, scene.count, world, choose), scene, choose)
    return caption_of_one(scene, world, choose)


def digit(scene: Told, choose: Chooser, spoken: str) -> str:
    """Write the caption of a printed digit, in other languages by its figure alone."""
    name = NUMBERS[int(scene.word)] if choose.below(2) else scene.word
    return choose.of(DIGIT_FORMS).format(name) if spoken == "en" else scene.word


def caption_of_partner(scene: Told, world: World2, choose: Chooser) -> str:
    """Name what the two partners differ in, in a frame that fits both."""
    if scene.sign == "alone":
        return choose.of(WORD_FORMS).format(scene.word)
    if scene.contrast == ORDER:
        phrase = related(scene, choose)
    elif scene.absent:
        return denied(scene, choose)
    elif scene.contrast == PRESENCE:
        phrase = choose.of(TOGETHER).format(*both(scene))
    elif scene.other is not None:
        quantities = (quantity(*each, world) for each in things(scene))
        phrase = choose.of(JOINED).format(*quantities)
    elif scene.kind == "several":
        phrase = choose.of(EXACTLY).format(number_of(scene.subject, scene.count, world, choose))
    else:
        phrase = scene.subject.noun_phrase
    return framed(phrase, scene, choose)


def caption_with_sign(scene: Told, world: World2, choose: Chooser) -> str:
    """Caption a picture that shows one thing and says another by the thing, the word or both."""
    kind = choose.below(10)
    if kind < 4:
        return choose.of(LABELLED).format(scene.subject.noun_phrase, scene.word)
    if kind < 7:
        return choose.of(WORD_FORMS).format(scene.word)
    return framed(scene.subject.noun_phrase, scene, choose)


def caption_of_one(scene: Told, world: World2, choose: Chooser) -> str:
    kind = choose.below(1000) / 1000
    if kind < world.bare_names:
        return scene.subject.name
    if kind < world.bare_names + world.noise:
        number = choose.below(10000)
        return choose.of(NOISE).format(scene.subject.name, number, number % 1000)
    if kind < world.bare_names + world.noise + world.partial and scene.colour:
        return choose.of(("{} background", "a picture with {} background")).format(scene.a_colour)
    if scene.absent:
        return denied(scene, choose)
    phrase = noun_phrase(scene.subject, world, choose)
    if scene.kind == "ground":
        outside = choose.below(3) == 0
        return framed(choose.of(OUTSIDE).format(phrase) if outside else phrase, scene, choose)
    if happens(choose, world.places):
        phrase = with_place(phrase, scene.size, scene.x, scene.y)
    return framed(phrase, scene, choose)


def noun_phrase(concept: Concept, world: World2, choose: Chooser) -> str:
    """Name the concept: mostly by its name, sometimes by a keyword or the kind of thing it is."""
    if not happens(choose, world.aliases):
        return concept.noun_phrase
    if choose.below(5) < 2 or not concept.keywords:
        return concept.hypernym
    return choose.of(concept.keywords)


# -------------------- numbers


def number_of(concept: Concept, count: int, world: World2, choose: Chooser) -> str:
    """Write things with their number: "three cats" or "3 cats".

    It is "a cat" where the world does not count.
    """
    if not world.count_words:
        return concept.noun_phrase
    figure = choose.below(8) == 0
    if count == 1:
        return f"{1 if figure else 'one'} {concept.name}"
    return f"{count if figure else NUMBERS[count]} {concept.plural}"


def counted(concept: Concept, count: int, world: World2, choose: Chooser) -> str:
    """Write several things, mostly with the number, sometimes without."""
    if world.count_words and choose.below(8) == 0:
        assert concept.plural is not None  # else there are never several
        return concept.plural
    return choose.of(COUNTED).format(number_of(concept, count, world, choose))


def quantity(concept: Concept, count: int, world: World2) -> str:
    """Write a thing with its number: "a cat" or "two cats"."""
    if count == 1 or not world.count_words:
        return concept.noun_phrase
    return f"{NUMBERS[count]} {concept.plural}"


# -------------------- two things


def things(scene: Told) -> tuple[tuple[Concept, int], tuple[Concept, int]]:
    assert scene.other is not None  # whoever tells of two things has two
    return (scene.subject, scene.count), (scene.other, scene.other_count)


def both(scene: Told) -> tuple[str, str]:
    (subject, _), (other, _) = things(scene)
    return subject.noun_phrase, other.noun_phrase


def caption_of_two(scene: Told, world: World2, choose: Chooser) -> str:
    single = scene.count == scene.other_count == 1
    if single and happens(choose, world.relations):
        return related(scene, choose)
    pair = [quantity(*each, world) for each in things(scene)]
    if choose.below(10) == 0:
        return choose.of(pair)
    if choose.below(2):
        pair.reverse()
    return choose.of(TOGETHER).format(*pair)


def related(scene: Told, choose: Chooser) -> str:
    """Say which of two things is left, right, above or below, told from either side."""
    pair = both(scene)
    if not scene.first_is_subject:
        pair = pair[::-1]
    backwards = choose.below(2)
    if scene.layout == "vertical":
        forms = VERTICAL_BACK if backwards else VERTICAL
    else:
        forms = HORIZONTAL_BACK if backwards else HORIZONTAL
    return choose.of(forms).format(*(pair[::-1] if backwards else pair))


def denied(scene: Told, choose: Chooser) -> str:
    """Name the thing that is there, and one that is not."""
    absent = scene.absent
    assert absent is not None  # whoever denies a thing has one
    names = (scene.subject.noun_phrase, absent.noun_phrase, absent.name)
    phrases, sentences = (DENIALS, DENYING) if scene.other else (ONLY, ONLY_SENTENCES)
    if choose.below(3) == 0:
        return choose.of(sentences).format(*names)
    return framed(choose.of(phrases).format(*names), scene, choose)


# -------------------- frames


def framed(phrase: str, scene: Told, choose: Chooser) -> str:
    """Put the phrase into a sentence: one of its style, its background, of drawings, or any."""
    kind = choose.below(100)
    if kind < 10 and scene.colour and scene.sign == "none" and scene.kind != "ground":
        kind = choose.below(4)
        words = (phrase, scene.colour if kind == 2 else scene.a_colour)
        return BACKGROUNDS[kind].format(*(reversed(words) if kind == 3 else words))
    if kind < 50 or (scene.style != "photo" and kind < 65):
        return choose.of(STYLE_TEMPLATES[scene.style]).format(phrase)
    if kind < 74:
        return choose.of(ICONS if scene.icon else DRAWN).format(phrase)
    return choose.of(SENTENCES).format(phrase)
