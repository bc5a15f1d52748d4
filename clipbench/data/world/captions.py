"""A small grammar that describes scenes as the web would: fully, in part, or by another word.

Every caption is true of its picture. ``caption_scenes`` turns factors into strings; what is said,
and how, is drawn from the same counter-based hash as the picture, so a scene always has the same
caption.
"""

from collections.abc import Sequence

from clipbench.data.world.factors import (
    COLOUR_STYLES,
    COLOURS,
    LAYOUT_NAMES,
    SIGNS,
    STYLES,
    Factors,
)
from clipbench.data.world.languages import caption_in
from clipbench.data.world.sprites import Concept, concepts

COLOUR_NAMES = tuple(COLOURS)
NUMBERS = {1: "one", 2: "two", 3: "three"}
SIDES = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
}

# {} is filled with a noun phrase ("a cat", "two dogs"). Any picture of the style may carry any of
# its templates.
STYLE_TEMPLATES = {
    "photo": (
        "a photo of {}",
        "a photo of {}.",
        "a good photo of {}",
        "a photo showing {}",
        "a bright photo of {}",
    ),
    "grayscale": (
        "a grayscale photo of {}",
        "a black and white photo of {}",
        "{}, in black and white",
    ),
    "sketch": ("a sketch of {}", "a pencil sketch of {}", "a line drawing of {}", "{}, sketched"),
    "blurry": ("a blurry photo of {}", "a blurry picture of {}", "{}, out of focus"),
    "pixelated": ("a pixelated photo of {}", "a pixelated image of {}", "{} in low resolution"),
    "inverted": ("an inverted photo of {}", "a negative of {}", "{} with inverted colors"),
    "painting": ("a painting of {}", "an oil painting of {}", "{}, painted"),
}
ANY_TEMPLATES = (
    "a picture of {}", "an image of {}", "a picture of {}.", "this is {}", "here is {}",
    "there is {} here", "i see {}", "{}", "{}.", "look, {}!", "an image showing {}",
    "we can see {}",
)  # fmt: skip
NOISE = (
    "{}_{:04d}.jpg",
    "img {} {}",
    "#{} {}",
    "{} {}x{}",
    "my {} :) {}",
    "{} - free download {}",
    "best {} ever {}",
)
BACKGROUNDS = (
    "{} on {} background",
    "{} in front of {} wall",
    "{}, on {}",
    "{} background with {}",
)
ALONE_SIGNS = (
    "a sign that says {}", "a sign with the word {}", "the word {}", 'a sign that reads "{}"', "{}",
    '"{}"', "the text {} on a sign", "a board with {} written on it",
)  # fmt: skip
OBJECT_SIGNS = (
    "{} with a sign that says {}",
    "{} with the word {} on it",
    "{} labelled {}",
    '{} and a sign: "{}"',
)
SIGN_ONLY = ("the word {}", "a sign that says {}", 'a label with the word "{}"')

HORIZONTAL = ("{} to the left of {}", "{} on the left of {}", "{} left of {}")
HORIZONTAL_BACK = ("{} to the right of {}", "{} on the right of {}", "{} right of {}")
VERTICAL = ("{} above {}", "{} over {}", "{} on top of {}")
VERTICAL_BACK = ("{} below {}", "{} under {}", "{} beneath {}")
JOINED = ("{} and {}", "{} next to {}", "{} with {}", "{} beside {}")


class Chooser:
    """Small independent choices from one scene's random bits, which are a counter-based hash."""

    def __init__(self, bits: int):
        self.bits = bits

    def below(self, n: int) -> int:
        """Draw an integer in [0, n), using up that much of the bits."""
        self.bits, value = divmod(self.bits, n)
        return value

    def of(self, options):
        return options[self.below(len(options))]

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent


def caption_scenes(
    factors: Factors, count_words: bool = True, languages: Sequence[str] = ("en",), number: int = 0
) -> list[str]:
    """Write one caption per scene: B strings.

    Args:
        count_words: without it three cats are "a cat".
        languages: "en" and keys of ``languages.LANGUAGES``; each scene is described in one of them,
            all alike.
        number: which of a scene's captions; each is drawn by itself, so two of them can be equal.
    """
    which = f" {number}" if number else ""
    first = factors.draws.bits(f"caption{which}").tolist()
    second = factors.draws.bits(f"caption, more{which}").tolist()
    columns = (
        factors.concept,
        factors.count,
        factors.other,
        factors.other_count,
        factors.sign,
        factors.sign_word,
        factors.style,
        factors.colour,
        factors.layout,
        factors.objects,
        factors.x,
        factors.y,
        factors.size,
    )
    scenes = [
        Scene(count_words, *row)
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]
    spoken = factors.draws.integer(f"language{which}", len(languages)).tolist()
    choosers = [Chooser(a << 32 | b) for a, b in zip(first, second, strict=True)]
    return [
        caption(scene, choose, languages[place])
        for scene, choose, place in zip(scenes, choosers, spoken, strict=True)
    ]


class Scene:
    """One scene's factors as plain numbers, and what words follow from them."""

    def __init__(
        self,
        count_words,
        concept,
        count,
        other,
        other_count,
        sign,
        sign_word,
        style,
        colour,
        layout,
        objects,
        x,
        y,
        size,
    ):
        self.counted, self.quantity = (counted, quantity) if count_words else (uncounted, uncounted)
        self.subject: Concept = concepts()[concept]
        self.count, self.other_count = count, other_count
        self.other: Concept | None = concepts()[other] if other >= 0 else None
        self.sign = SIGNS[sign]
        self.word = concepts()[sign_word].name if sign_word >= 0 else None
        self.style = STYLES[style]
        self.colour = COLOUR_NAMES[colour] if self.style in COLOUR_STYLES else None
        self.layout = LAYOUT_NAMES[layout]
        self.first_is_subject = objects[0] == concept
        self.x, self.y, self.size = x[0], y[0], size[0]

    @property
    def a_colour(self) -> str:
        return f"{'an' if self.colour == 'orange' else 'a'} {self.colour}"


def caption(scene: Scene, choose: Chooser, language: str = "en") -> str:
    if language != "en":
        return caption_in(language, scene, choose)
    if scene.sign == "alone":
        return choose.of(ALONE_SIGNS).format(scene.word)
    if scene.sign == "other name":
        return caption_with_sign(scene, choose)
    if scene.other is not None:
        return framed(caption_of_two(scene, scene.other, choose), scene, choose, 45)
    if scene.count > 1:
        return framed(scene.counted(scene.subject, scene.count, choose), scene, choose, 55)
    return caption_of_one(scene, choose)


def caption_with_sign(scene: Scene, choose: Chooser) -> str:
    """Write a caption for a picture that shows one thing and says another.

    Captions name the thing, the word or both.
    """
    kind = choose.below(10)
    if kind < 4:
        return choose.of(OBJECT_SIGNS).format(scene.subject.noun_phrase, scene.word)
    if kind < 7:
        return choose.of(SIGN_ONLY).format(scene.word)
    return framed(scene.subject.noun_phrase, scene, choose, 50)


def caption_of_one(scene: Scene, choose: Chooser) -> str:
    kind = choose.below(100)
    if kind < 20:
        return scene.subject.name
    if kind < 25:
        number = choose.below(10000)
        return choose.of(NOISE).format(scene.subject.name, number, number % 1000)
    if kind < 28:
        return scene.subject.names.get(choose.of(("es", "de", "zh", "ru")), scene.subject.name)
    if kind < 30 and scene.colour:
        return choose.of(("{} background", "a picture with {} background")).format(scene.a_colour)
    phrase = noun_phrase(scene.subject, choose)
    if kind < 42 and scene.sign == "none":
        phrase = placed(phrase, scene)
    return framed(phrase, scene, choose, 70)


def noun_phrase(concept: Concept, choose: Chooser) -> str:
    """Choose mostly the name; sometimes a keyword or the kind of thing it is."""
    kind = choose.below(100)
    if kind < 8:
        return concept.hypernym
    if kind < 20 and concept.keywords:
        return choose.of(concept.keywords)
    return concept.noun_phrase


def placed(phrase: str, scene: Scene) -> str:
    """Add where the object is, or how large, if there is something to say."""
    if scene.size > 0.85:
        return f"{phrase}, close up"
    return with_place(phrase, scene.size, scene.x, scene.y)


def with_place(phrase: str, size: float, x: float, y: float) -> str:
    """Add where an object stands that is small enough for that; all numbers are fractions."""
    if size > 0.62:
        return phrase
    vertical = "top" if y < 0.4 else "bottom" if y > 0.6 else ""
    horizontal = "left" if x < 0.4 else "right" if x > 0.6 else ""
    if vertical and horizontal:
        return f"{phrase} in the {vertical} {horizontal} corner"
    if vertical or horizontal:
        return f"{phrase} {SIDES[vertical or horizontal]}"
    return f"{phrase} in the middle"


def counted(concept: Concept, count: int, choose: Chooser) -> str:
    """Write the plural, mostly with the number, sometimes without."""
    assert concept.plural is not None  # else there are never several
    if choose.chance(15):
        return concept.plural
    return f"{NUMBERS[count] if choose.chance(90) else count} {concept.plural}"


def quantity(concept: Concept, count: int, choose: Chooser) -> str:
    """Write "a cat", "one cat" or "two cats"."""
    if count > 1:
        return f"{NUMBERS[count]} {concept.plural}"
    return f"one {concept.name}" if choose.chance(20) else concept.noun_phrase


def uncounted(concept: Concept, count: int, choose: Chooser) -> str:
    """Write "a cat", however many there are."""
    return concept.noun_phrase


def caption_of_two(scene: Scene, second: Concept, choose: Chooser) -> str:
    subject = scene.quantity(scene.subject, scene.count, choose)
    other = scene.quantity(second, scene.other_count, choose)
    if choose.chance(10):
        return choose.of((subject, other))
    pair = (subject, other) if scene.first_is_subject else (other, subject)
    if scene.layout in ("horizontal", "vertical") and choose.chance(60):
        backwards = choose.below(2)
        forms = ((HORIZONTAL, HORIZONTAL_BACK), (VERTICAL, VERTICAL_BACK))[
            scene.layout == "vertical"
        ][backwards]
        return choose.of(forms).format(*(reversed(pair) if backwards else pair))
    return choose.of(JOINED).format(*(reversed(pair) if choose.below(2) else pair))


def framed(phrase: str, scene: Scene, choose: Chooser, percent: int) -> str:
    """Put the phrase into a template of its style, or add the background's colour.

    Else leave it as it is.
    """
    if not choose.chance(percent):
        return phrase
    if scene.colour and scene.sign == "none" and choose.chance(22):
        kind = choose.below(4)
        words = (phrase, scene.colour if kind == 2 else scene.a_colour)
        return BACKGROUNDS[kind].format(*(reversed(words) if kind == 3 else words))
    if choose.chance(55 if scene.style == "photo" else 75):
        return choose.of(STYLE_TEMPLATES[scene.style]).format(phrase)
    return choose.of(ANY_TEMPLATES).format(phrase)
