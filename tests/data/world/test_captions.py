"""Every caption is true of its scene: an own reader of the captions' English, checked against the
factors.

The reader knows the names in concepts.json and the phrases below, and nothing of the code that
writes captions. It understands a whole caption or rejects it, so a new phrase has to be entered
here with what it claims.
"""

import functools
import json
import re
from collections import Counter

import pytest
import torch

from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import (
    COLOURS,
    SIGNS,
    STYLES,
    Factors,
    SceneConfig,
    draw_factors,
    training_pool,
)
from clipbench.data.world.sprites import WORLD

SCENES = 6_000
COLOUR = "|".join(COLOURS)
NUMBERS = {"one": 1, "two": 2, "three": 3, "2": 2, "3": 3}

# (pattern, claims): <rest> is read on, other groups are what is claimed.
FRAMES = [
    (re.compile(pattern), claims)
    for pattern, claims in [
        (r"a (?:(?:good|bright) )?photo (?:of|showing) (?P<rest>.+)", {"style": "photo"}),
        (r"a (?:grayscale|black and white) photo of (?P<rest>.+)", {"style": "grayscale"}),
        (r"(?P<rest>.+), in black and white", {"style": "grayscale"}),
        (r"a (?:(?:pencil )?sketch|line drawing) of (?P<rest>.+)", {"style": "sketch"}),
        (r"(?P<rest>.+), sketched", {"style": "sketch"}),
        (r"a blurry (?:photo|picture) of (?P<rest>.+)", {"style": "blurry"}),
        (r"(?P<rest>.+), out of focus", {"style": "blurry"}),
        (r"a pixelated (?:photo|image) of (?P<rest>.+)", {"style": "pixelated"}),
        (r"(?P<rest>.+) in low resolution", {"style": "pixelated"}),
        (r"(?:an inverted photo|a negative) of (?P<rest>.+)", {"style": "inverted"}),
        (r"(?P<rest>.+) with inverted colors", {"style": "inverted"}),
        (r"an? (?:oil )?painting of (?P<rest>.+)", {"style": "painting"}),
        (r"(?P<rest>.+), painted", {"style": "painting"}),
        (
            r"(?:a picture of|an image of|an image showing|this is|here is|i see|we can "
            r"see) (?P<rest>.+)",
            {},
        ),
        (r"there is (?P<rest>.+) here", {}),
        (r"look, (?P<rest>.+)!", {}),
        (r"(?P<rest>.+)\.", {}),
        (r"(?P<rest>.+)_\d{4}\.jpg", {}),
        (r"img (?P<rest>.+) \d+", {}),
        (r"#(?P<rest>.+) \d+", {}),
        (r"(?P<rest>.+) \d+x\d+", {}),
        (r"my (?P<rest>.+) :\) \d+", {}),
        (r"(?P<rest>.+) - free download \d+", {}),
        (r"best (?P<rest>.+) ever \d+", {}),
        (rf"(?P<rest>.+) on an? (?P<colour>{COLOUR}) background", {}),
        (rf"(?P<rest>.+) in front of an? (?P<colour>{COLOUR}) wall", {}),
        (rf"(?P<rest>.+), on (?P<colour>{COLOUR})", {}),
        (rf"an? (?P<colour>{COLOUR}) background with (?P<rest>.+)", {}),
        (rf"(?:a picture with )?an? (?P<colour>{COLOUR}) background", {}),
        (r"(?P<rest>.+) in the (?P<vertical>top|bottom) (?P<horizontal>left|right) corner", {}),
        (r"(?P<rest>.+) on the (?P<horizontal>left|right)", {}),
        (r"(?P<rest>.+) at the (?P<vertical>top|bottom)", {}),
        (r"(?P<rest>.+) in the middle", {"horizontal": "middle", "vertical": "middle"}),
        (r"(?P<rest>.+), close up", {"large": True}),
        (r'a sign that (?:says|reads) "?(?P<word>[^"]+)"?', {}),
        (r'(?:a sign with|a label with)? ?the word "?(?P<word>[^"]+)"?', {}),
        (r"the text (?P<word>.+) on a sign", {}),
        (r"a board with (?P<word>.+) written on it", {}),
        (r'"(?P<word>.+)"', {}),
        (r"(?P<rest>.+) with a sign that says (?P<word>.+)", {}),
        (r"(?P<rest>.+) with the word (?P<word>.+) on it", {}),
        (r"(?P<rest>.+) labelled (?P<word>.+)", {}),
        (r'(?P<rest>.+) and a sign: "(?P<word>.+)"', {}),
    ]
]
RELATIONS = [
    (re.compile(rf"(?= (?P<words>{words}) )"), relation)
    for words, relation in [
        ("to the left of|on the left of|left of", "left"),
        ("to the right of|on the right of|right of", "right"),
        ("above|over|on top of", "above"),
        ("below|under|beneath", "below"),
        ("and|next to|with|beside", "by"),
    ]
]


@functools.cache
def entries() -> list[dict]:
    return json.loads((WORLD / "concepts.json").read_text(encoding="utf-8"))


@functools.cache
def meanings() -> dict[str, list[tuple[int, int]]]:
    """Noun phrase -> the (concept, how many) that it may mean; 0 stands for several without a
    number.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for concept, entry in enumerate(entries()):
        one = [
            entry["name"],
            f"{entry['article']} {entry['name']}",
            f"one {entry['name']}",
            entry["hypernym"],
        ]
        for phrase in [*one, *entry["keywords"], *entry["names"].values()]:
            found.setdefault(phrase, []).append((concept, 1))
        if entry["plural"]:
            found.setdefault(entry["plural"], []).append((concept, 0))
            for word, number in NUMBERS.items():
                if number > 1:
                    found.setdefault(f"{word} {entry['plural']}", []).append((concept, number))
    return found


class Scene:
    """One scene as plain values: what the claims of a caption are held against."""

    def __init__(self, factors: Factors, row: int):
        self.style, self.sign = STYLES[factors.style[row]], SIGNS[factors.sign[row]]
        self.colour = list(COLOURS)[factors.colour[row]]
        word = int(factors.sign_word[row])
        self.word = entries()[word]["name"] if word >= 0 else None
        columns = (factors.objects[row], factors.x[row], factors.y[row], factors.size[row])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        self.objects = [each for each in rows if each[0] >= 0]  # (concept, x, y, size)
        self.counts = Counter(concept for concept, *_ in self.objects)

    def shows(self, phrase: str) -> int | None:
        """Which concept of the picture a noun phrase names, in the right number; None when
        there is none.
        """
        for concept, number in meanings().get(phrase, ()):
            seen = self.counts[concept]
            if seen == number or (number == 0 and seen > 1):
                return concept
        return None

    def places(self, concept: int, axis: int) -> list[float]:
        return [each[1 + axis] for each in self.objects if each[0] == concept]

    # -------------------- is a claim true?

    def agrees(self, caption: str) -> bool:
        """Whether there is a reading of the whole caption that is true of this scene."""
        if self.shows(caption) is not None or self.is_related(caption):
            return True
        if self.sign == "alone" and caption == self.word:
            return True  # nothing but the word
        return any(
            self.holds(claims | {k: v for k, v in match.groupdict().items() if v and k != "rest"})
            and ("rest" not in match.groupdict() or self.agrees(match["rest"]))
            for pattern, claims in FRAMES
            if (match := pattern.fullmatch(caption))
        )

    def holds(self, claims: dict) -> bool:
        return all(getattr(self, f"{name}_is")(value) for name, value in claims.items())

    def style_is(self, style: str) -> bool:
        return self.style == style

    def colour_is(self, colour: str) -> bool:
        return self.colour == colour and self.style in ("photo", "blurry", "pixelated", "painting")

    def horizontal_is(self, side: str) -> bool:
        return len(self.objects) == 1 and side_of(self.objects[0][1], "left", "right") == side

    def vertical_is(self, side: str) -> bool:
        return len(self.objects) == 1 and side_of(self.objects[0][2], "top", "bottom") == side

    def large_is(self, _) -> bool:
        return len(self.objects) == 1 and self.objects[0][3] > 0.8

    def word_is(self, word: str) -> bool:
        # can be read
        return self.word == word and self.style in ("photo", "grayscale", "sketch", "inverted")

    def is_related(self, caption: str) -> bool:
        return any(
            self.relation_is(relation, caption[: match.start()], caption[match.end("words") + 1 :])
            for pattern, relation in RELATIONS
            # "bow and arrow and a cat" can be split in two places
            for match in pattern.finditer(caption)
        )

    def relation_is(self, relation: str, a: str, b: str) -> bool:
        first, second = self.shows(a), self.shows(b)
        if first is None or second is None or first == second:
            return False
        if relation == "by":
            return True
        if relation in ("right", "below"):
            first, second = second, first
        axis = 0 if relation in ("left", "right") else 1
        return max(self.places(first, axis)) < min(self.places(second, axis))


def side_of(place: float, low: str, high: str) -> str:
    """Places within a tenth of the middle are in the middle."""
    return low if place < 0.4 else high if place > 0.6 else "middle"


def scenes_and_captions(seed: int, tiny: bool = False, config: SceneConfig | None = None):
    factors = draw_factors(torch.arange(SCENES), seed, config or SceneConfig(), training_pool(tiny))
    return [Scene(factors, row) for row in range(SCENES)], caption_scenes(factors)


@pytest.mark.parametrize(
    "seed, tiny", [(11, False), (12, True)], ids=["all concepts", "tiny world"]
)
def test_every_caption_is_true_of_its_scene(seed, tiny):
    scenes, captions = scenes_and_captions(seed, tiny)
    untrue = [
        (caption, vars(scene))
        for scene, caption in zip(scenes, captions, strict=True)
        if not scene.agrees(caption)
    ]
    assert not untrue, f"{len(untrue)} of {SCENES}, for example {untrue[:5]}"


@pytest.mark.parametrize("number", [1, 3])
def test_every_further_caption_is_true_of_its_scene(number):
    factors = draw_factors(torch.arange(SCENES), 12, pool=training_pool(True))
    captions = caption_scenes(factors, number=number)
    assert not [text for row, text in enumerate(captions) if not Scene(factors, row).agrees(text)]


def test_captions_of_a_world_of_groups_and_pairs_are_true():
    config = SceneConfig(arrangements=(0.0, 0.3, 0.4, 0.3), signs=(1.0, 0.0, 0.0, 0.0))
    scenes, captions = scenes_and_captions(13, config=config)
    assert not [
        caption
        for scene, caption in zip(scenes, captions, strict=True)
        if not scene.agrees(caption)
    ]


# -------------------- would the reader notice a lie?


@pytest.fixture(scope="module")
def pairs():
    return list(zip(*scenes_and_captions(11), strict=True))


def share_of_lies_noticed(pairs, words: str, lie) -> float:
    """Of the captions that hold these words, how many are rejected after ``lie`` has changed
    their scene.
    """
    told = [(scene, caption) for scene, caption in pairs if re.search(words, caption)]
    assert len(told) > 20
    return sum(not changed(scene, lie).agrees(caption) for scene, caption in told) / len(told)


def changed(scene: Scene, lie) -> Scene:
    copy = Scene.__new__(Scene)
    vars(copy).update(vars(scene) | lie(scene))
    copy.counts = Counter(concept for concept, *_ in copy.objects)
    return copy


def moved(scene: Scene, place) -> dict:
    return {"objects": [(concept, *place(x, y), size) for concept, x, y, size in scene.objects]}


def test_a_caption_of_another_scene_is_rejected(pairs):
    scenes, captions = zip(*pairs, strict=True)
    rejected = [
        not scene.agrees(caption) for scene, caption in zip(scenes[1:], captions, strict=False)
    ]
    assert sum(rejected) / len(rejected) > 0.97  # a few say only "a symbol" or "a red background"


def test_another_style_is_noticed(pairs):
    styles = (
        "^a (good |bright )?photo (of|showing)|grayscale|sketch|blurry|pixelated|painted|inverted"
    )
    assert share_of_lies_noticed(pairs, styles, lambda scene: {"style": "cubist"}) > 0.99


def test_another_colour_is_noticed(pairs):
    assert (
        share_of_lies_noticed(
            pairs, f"({COLOUR}) (background|wall)", lambda scene: {"colour": "beige"}
        )
        > 0.99
    )


def test_another_number_is_noticed(pairs):
    lie = lambda scene: {"objects": scene.objects[:-1]}  # noqa: E731
    # "number two", and what is left of a pair
    assert share_of_lies_noticed(pairs, r"\b(two|three)\b", lie) > 0.9


def test_changed_places_are_noticed(pairs):
    assert (
        share_of_lies_noticed(
            pairs, " (left|right) of ", lambda scene: moved(scene, lambda x, y: (1 - x, y))
        )
        == 1
    )
    assert (
        share_of_lies_noticed(
            pairs,
            " (above|over|below|under|beneath|on top of) ",
            # "hand over mouth"
            lambda scene: moved(scene, lambda x, y: (x, 1 - y)),
        )
        > 0.8
    )
    assert (
        share_of_lies_noticed(
            pairs,
            " corner| at the top| at the bottom",
            lambda scene: moved(scene, lambda x, y: (1 - x, 1 - y)),
        )
        > 0.9
    )


def test_another_word_on_a_sign_is_noticed(pairs):
    words = "sign that|the word|written on it|labelled"
    assert share_of_lies_noticed(pairs, words, lambda scene: {"word": "abracadabra"}) == 1


# -------------------- what is said


def test_the_same_scene_always_has_the_same_caption():
    factors = draw_factors(torch.arange(300), 4)
    assert caption_scenes(factors) == caption_scenes(draw_factors(torch.arange(300), 4))


def test_captions_vary_and_are_short(pairs):
    captions = [caption for _, caption in pairs]
    assert len(set(captions)) > 0.75 * len(captions)
    assert max(map(len, captions)) < 120 and all(caption == caption.strip() for caption in captions)


def test_every_kind_of_statement_occurs(pairs):
    text = "\n".join(caption for _, caption in pairs)
    for words in [
        "corner",
        "in the middle",
        "close up",
        "left of",
        "right of",
        "above",
        "under",
        "background",
        "sign",
        "two ",
        "three ",
        "out of focus",
        "pencil sketch",
        ".jpg",
        "oil painting",
    ]:
        assert words in text
    for language in ("es", "de", "zh", "ru"):
        assert {entry["names"].get(language) for entry in entries()} & set(text.split("\n"))
