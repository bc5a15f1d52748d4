"""The studio without a kernel: a model that reads, one that only minds stickers, and everything
a class may type.
"""

import contextlib
import io
import math
import re
import threading
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import traitlets
from PIL import Image
from small import small_encoder
from uploads import HOSTILE, bomb, every_html, png, upload

from clipbench import PictureSet, UserError
from clipbench.data.alter.sticker import FONT, Sticker
from clipbench.evaluate.typographic import CONTROL_WORDS, Classifier, Plan, typographic_attack
from clipbench_widgets import TypographicStudio
from clipbench_widgets.core.position_pad import PositionPad
from clipbench_widgets.core.runner import Runner
from clipbench_widgets.typographic_studio import app as typographic_studio
from clipbench_widgets.typographic_studio import fonts, size_sweep
from clipbench_widgets.typographic_studio.size_sweep import Question, sweep, without_the_word
from clipbench_widgets.typographic_studio.sticker_style import StickerLook
from clipbench_widgets.typographic_studio.verdict import control_for, judge, row_of

THINGS = ("apple", "pizza", "dog")
# a picture of a thing is a plain grey
SHADES = {thing: 60 * (number + 1) for number, thing in enumerate(THINGS)}


class Reader:
    """Knows each thing by its grey, unless it knows the word printed on it (``words``: picture
    -> word).
    """

    name, embed_dim, scale, fingerprint, context_length = "reader", 4, 5.0, "0", 16

    def __init__(self):
        self.words: dict[bytes, str] = {}
        self.encoded_pictures, self.encoded_texts = 0, []

    def preprocess(self, pictures):
        return torch.tensor([[self.index(self.seen(picture))] for picture in pictures])

    def seen(self, picture: Image.Image) -> str:
        word = self.words.get(picture.tobytes())
        return word if word in THINGS else THINGS[picture.getpixel((0, 0))[0] // 60 - 1]

    def encode_image(self, images):
        self.encoded_pictures += len(images)
        return F.one_hot(images[:, 0], 4).float()

    image_tower = encode_image

    def encode_text(self, texts):
        self.encoded_texts += texts
        return F.one_hot(torch.tensor([self.index(text) for text in texts]), 4).float()

    def index(self, text: str) -> int:
        return next((number for number, thing in enumerate(THINGS) if thing in text), 3)

    def tokens(self, text):
        return text.split()


class MindsStickers(Reader):
    """Says pizza wherever anything is printed."""

    name = "minds stickers"

    def seen(self, picture):
        return "pizza" if picture.tobytes() in self.words else super().seen(picture)


def grey(thing: str, side: int = 40) -> Image.Image:
    return Image.new("RGB", (side, side), (SHADES[thing],) * 3)


def pictures_of(labels: torch.Tensor) -> list[Image.Image]:
    return [grey(THINGS[label]) for label in labels.tolist()]


def grey_set(count: int = 12) -> PictureSet:
    labels = torch.arange(count) % 3
    ids = [str(row) for row in range(count)]
    return PictureSet(
        "greys", labels, list(THINGS), ("a {}.",), lambda rows: pictures_of(labels[list(rows)]), ids
    )


@pytest.fixture
def printing(monkeypatch):
    """Every picture that is printed on is shown to the readers in this list."""
    readers = []

    def remember(module, name: str) -> None:
        original = getattr(module, name)

        def print_on(picture, sticker):
            result = original(picture, sticker)
            for reader in readers:
                reader.words[result.tobytes()] = sticker.word
            return result

        monkeypatch.setattr(module, name, print_on)

    remember(typographic_studio, "print_on")
    remember(__import__("clipbench.evaluate.typographic", fromlist=["x"]), "print_on")
    return readers


def studio_of(reader: Reader, printing: list, **settings) -> TypographicStudio:
    printing.append(reader)
    return TypographicStudio(
        reader, {thing: grey(thing) for thing in THINGS}, THINGS, data=grey_set(), **settings
    )


@pytest.fixture
def studio(printing):
    return studio_of(Reader(), printing)


# --- the verdict ----------------------------------------------------------------------------------


def test_a_model_that_reads_flips_and_the_control_word_shows_that_it_was_the_word(studio):
    verdict = studio.verdict
    assert (verdict.before["text"], verdict.after["text"], verdict.control["text"]) == (
        "apple",
        "pizza",
        "apple",
    )
    assert "The verdict flips: apple → pizza" in studio._headline.value
    assert (
        "The model reads" in studio._headline.value
        and "clipbench-flipped" in studio._headline.value
    )
    rows = {row["text"]: row for row in studio.scores}
    sure, unsure = math.exp(5) / (math.exp(5) + 2), 1 / (math.exp(5) + 2)
    assert [rows["apple"][when] for when in ("before", "after", "control")] == pytest.approx(
        [sure, unsure, sure]
    )
    assert (rows["pizza"]["cosine_before"], rows["pizza"]["cosine_after"]) == (0.0, 1.0)


def test_a_model_that_only_minds_the_sticker_is_not_said_to_read(printing):
    studio = studio_of(MindsStickers(), printing)
    assert studio.verdict.says_the_word and studio.verdict.control["text"] == "pizza"
    assert "not what it says" in studio._headline.value


def test_typing_changes_the_verdict_letter_by_letter(studio):
    verdicts = []
    for typed in ("d", "do", "dog"):
        studio._word.value = typed
        verdicts.append(studio.verdict.after["text"])
    assert verdicts == ["apple", "apple", "dog"] and studio.word == "dog"
    studio._word.value = ""
    assert studio.verdict.headline() == "Write a word on the picture." and not studio.verdict.flips
    assert studio.pictures["after"].tobytes() == studio.pictures["before"].tobytes()


ROWS = [
    {"text": t, "before": b, "after": a, "control": c}
    for t, b, a, c in (("cat", 0.7, 0.1, 0.2), ("dog", 0.2, 0.2, 0.7), ("a red car", 0.1, 0.7, 0.1))
]


def test_the_sentence_tells_reading_from_hiding():
    assert "believes the word" in judge(ROWS, "car", "often").explanation()
    assert "dog instead" in judge(ROWS, "car", "often").explanation()
    assert "hides the picture" in judge(ROWS, "boat", "often").explanation()
    calm = [row | {"control": row["before"]} for row in ROWS]
    assert "The model reads" in judge(calm, "car", "often").explanation()
    assert "Not to the written word" in judge(calm, "dog", "often").explanation()
    still = [row | {"after": row["before"]} for row in ROWS]
    assert judge(still, "dog", "often").headline() == "The verdict stays: cat"
    assert "Only the control word" in judge(still, "dog", "often").explanation()
    assert (
        "Neither"
        in judge([row | {"control": row["before"]} for row in still], "dog", "often").explanation()
    )


def test_the_text_of_a_word_is_itself_or_the_only_one_that_holds_it():
    rows = [
        {"text": text}
        for text in ("mouse", "computer mouse", "a green apple", "a red car", "a red bus")
    ]
    assert row_of("Mouse", rows)["text"] == "mouse"
    assert row_of("apple", rows)["text"] == "a green apple"
    assert row_of("red", rows) is None and row_of("app", rows) is None and row_of("", rows) is None


def test_the_control_word_is_as_long_and_names_nothing():
    for word in ("pizza", "dog", "computer mouse", "x"):
        control = control_for(word, ["dog"])
        assert control in CONTROL_WORDS
        nearest = min(abs(len(other) - len(word)) for other in CONTROL_WORDS)
        assert abs(len(control) - len(word)) == nearest
    first = control_for("pizza", [])
    assert control_for("pizza", [first.upper()]) != first


def test_an_own_control_word_is_printed_instead(studio):
    assert studio._control.placeholder == control_for("pizza", THINGS)
    studio._control.value = "dog"
    assert studio.verdict.control["text"] == "dog"
    studio._control.value = ""
    assert studio.verdict.control["text"] == "apple"


# --- defences -------------------------------------------------------------------------------------


def test_a_cover_takes_the_word_away(studio):
    studio._mask.value = True
    assert studio.masked and not studio.verdict.flips
    colours = studio.pictures["after"].getcolors()
    assert len(colours) <= 2  # the sticker's place has the picture's mean colour


def test_wordings_are_read_as_chosen(studio):
    reader = studio.encoder
    studio.active_templates = ["a {} with a sign"]
    assert "a dog with a sign" in reader.encoded_texts
    studio._tell.value = True
    assert studio.told and "a dog with a sign that says pizza" in reader.encoded_texts
    studio.word = "{} {0}"  # braces in a word are letters
    assert reader.encoded_texts[-1] == "a dog with a sign that says  {0}"
    with pytest.raises(UserError, match="{}"):
        studio.active_templates = ["no braces"]


# --- what is computed -----------------------------------------------------------------------------


def test_only_what_changed_is_encoded(studio):
    reader = studio.encoder
    pictures = reader.encoded_pictures
    studio.texts = [*THINGS, "cat"]
    assert reader.encoded_pictures == pictures and reader.encoded_texts[-1] == "cat"
    studio._control.value = "almost"
    assert reader.encoded_pictures == pictures + 1
    studio.look.height = 0.3
    assert reader.encoded_pictures == pictures + 3  # the picture as it is stays
    texts = len(reader.encoded_texts)
    studio.selected = 2
    assert reader.encoded_pictures == pictures + 6 and len(reader.encoded_texts) == texts


def test_scores_of_a_real_model_are_its_own():
    encoder = small_encoder()
    studio = TypographicStudio(encoder, [grey("apple")], ["a cat", "a dog"], word="dog")
    for when, picture in studio.pictures.items():
        image = encoder.encode_image(encoder.preprocess([picture]))
        expected = (encoder.scale * image @ encoder.encode_text(["a cat", "a dog"]).T).softmax(-1)[
            0
        ]
        assert [row[when] for row in studio.scores] == pytest.approx(expected.tolist(), abs=1e-5)


def test_pages_are_drawn_anew_only_where_something_changed(studio):
    sent = []
    for html in studio._images:
        html.observe(lambda change: sent.append(change.owner), "value")
    studio.texts = [*THINGS, "cat"]
    assert sent == []
    studio.look.angle = 20
    assert sent == studio._images[1:]


# --- the sticker's look ---------------------------------------------------------------------------


def test_sliders_and_traits_move_together_without_rounding_the_traits(studio):
    look = studio.look
    sliders = {slider.description: slider for slider, _ in look._sliders}
    look.position = (0.123, 0.456)
    assert look.position == (0.123, 0.456) and sliders["Across %"].value == 12
    sliders["Down %"].value = 80
    assert look.position == (0.123, 0.8) and studio._pad.position == (0.123, 0.8)
    sliders["Size %"].value = 50
    sliders["Angle °"].value = -30
    sliders["Opacity %"].value = 40
    assert (look.height, look.angle, look.opacity) == (0.5, -30.0, 0.4)
    look.height = 9.0  # the nearest there is
    assert look.height == 0.6 and sliders["Size %"].value == 60


@pytest.mark.parametrize("trait", ["height", "angle", "opacity", "position"])
def test_what_is_not_a_number_is_refused(studio, trait):
    before = studio.scores
    with pytest.raises(traitlets.TraitError):
        setattr(studio.look, trait, (math.nan, 0.5) if trait == "position" else math.nan)
    assert studio.scores == before


def test_colours_and_paper(studio):
    look = studio.look
    look._text.value = "crimson"
    assert (220, 20, 60) in {colour for _, colour in studio.pictures["after"].getcolors(10**6)}
    look._with_paper.value = False
    assert look.paper_color is None and "✓" not in look._with_paper.description
    look._with_paper.value = True
    assert look.paper_color == look._paper.value
    with pytest.raises(traitlets.TraitError):
        look.text_color = "url(javascript:alert(1))"
    assert look.text_color == "crimson"


def test_a_font_is_chosen_by_name_and_the_default_is_the_one_that_stickers_have(studio):
    look, plain = studio.look, studio.pictures["after"].tobytes()
    assert (look.font, fonts.font_file(look.font)) == (
        fonts.DEFAULT,
        FONT,
    ) and look._font.index == 0
    assert look.sticker("dog") == Sticker(
        "dog", look.height, look.position, look.text_color, look.paper_color
    )
    assert f"on it in {look.font}" not in studio.summary()
    printed = {plain}
    for name in fonts.OF_MATPLOTLIB:
        look._font.value = name
        printed.add(studio.pictures["after"].tobytes())
        assert look.font == name and f"“pizza” on it in {name}, read by" in studio.summary()
    assert len(printed) == len(fonts.OF_MATPLOTLIB) + 1, "no two fonts print alike"
    assert set(look._font.options) >= {fonts.DEFAULT, *fonts.OF_MATPLOTLIB}
    assert studio.to_static()
    look.font = fonts.DEFAULT
    assert look._font.value == fonts.DEFAULT and studio.pictures["after"].tobytes() == plain


def test_a_systems_fonts_of_other_scripts_are_offered():
    files = ["/x/Arial.ttf", "/x/NotoSansCJK-Regular.ttc", "/y/Other.ttf", "/y/msyh.ttc"]
    assert fonts.installed(files) == {
        "Chinese, Japanese, Korean": Path("/x/NotoSansCJK-Regular.ttc"),
        "Arabic": Path("/x/Arial.ttf"),
    }


def test_a_font_that_is_not_offered_is_refused_in_one_line(studio):
    before = studio.scores
    for name in ("Comic Sans", "", str(FONT), "../../etc/passwd", HOSTILE, "Serif", "x" * 10**5):
        with pytest.raises(
            traitlets.TraitError, match="choose one of condensed bold, sans,"
        ) as error:
            studio.look.font = name
        assert "\n" not in str(error.value) and len(str(error.value)) < 200
        assert studio.look.font == fonts.DEFAULT and studio.scores == before


def test_an_installation_without_matplotlibs_fonts_offers_the_shipped_one(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts.matplotlib, "get_data_path", lambda: str(tmp_path))
    monkeypatch.setattr(fonts, "findSystemFonts", list)
    fonts.font_files.cache_clear()
    try:
        assert fonts.font_files() == {fonts.DEFAULT: FONT}
        assert StickerLook()._font.options == (fonts.DEFAULT,)
    finally:
        fonts.font_files.cache_clear()


def test_letters_that_only_one_font_lacks(studio):
    studio.look.font = "typewriter"
    studio._word.value = "dög"
    assert "cmtt10.ttf has no ö" in studio.message and not studio.verdict.flips
    studio.look.font = "serif"
    assert (
        studio.message == ""
        and studio.pictures["after"].tobytes() != studio.pictures["before"].tobytes()
    )


def test_the_curve_is_measured_in_the_font_and_says_so(studio, monkeypatch):
    seen = set()
    original = size_sweep.printed

    def printed(data, words, sticker):
        seen.add(sticker.font)
        return original(data, words, sticker)

    monkeypatch.setattr(size_sweep, "printed", printed)
    studio.look.font = "mono"
    studio.curve.measure()
    studio.curve.wait()
    assert seen == {fonts.font_file("mono")} and "; letters mono;" in studio.curve._chart.value
    assert (
        fonts.name_of(Sticker("dog").font) == fonts.DEFAULT
        and fonts.name_of("/a/Other.ttf") == "Other"
    )


def test_places_come_from_the_pad_as_text_and_nothing_else_does():
    pad = PositionPad("where")
    pad._heard.value = "to 0.250 1.000"
    assert pad.position == (0.25, 1.0)
    pad._heard.value = "by -1 0 123"
    assert pad.position == pytest.approx((0.23, 1.0))
    pad._heard.value = "by 0 1 124"  # already at the edge
    assert pad.position == pytest.approx((0.23, 1.0))
    for rubbish in (
        "to nan nan",
        "to 1.999",
        "by 9 9 1",
        "to 0.5 0.5",
        "<script>",
        "x" * 10**6,
        "",
        "by 1 0 1e9",
    ):
        pad._heard.value = rubbish
        assert pad.position == pytest.approx((0.23, 1.0))
    pad._heard.value = "to 1.999 0.000"
    assert pad.position == (1.0, 0.0)


def test_the_pad_moves_the_sticker(studio):
    before = studio.pictures["after"]
    studio._pad._heard.value = "to 0.300 0.200"
    assert studio.look.position == (0.3, 0.2)
    assert studio.pictures["after"].tobytes() != before.tobytes()


# --- what people write ----------------------------------------------------------------------------


def test_hostile_text_is_shown_and_never_becomes_html(printing):
    reader = Reader()
    printing.append(reader)
    studio = TypographicStudio(
        reader, {HOSTILE: grey("apple")}, [HOSTILE, '"><script>', "dog"], word="<b>onerror=</b>"
    )
    studio._control.value = HOSTILE
    upload(studio, f"{HOSTILE}.png", b"no picture")
    pages = [part.value for part in every_html(studio) if "<style>" not in part.value]
    assert not [
        page for page in pages if "<img src=x" in page or "<script" in page or "<b>onerror" in page
    ]
    assert "&lt;img src=x onerror=alert(1)&gt;" in studio._duel.value
    assert "&lt;img" in studio._notice.value


ODD_WORDS = (
    " ", "\n\t", "a" * 5000, "\ud800", "\x00\x07", "$x^2$", "\u202egnp", "{}", "%s", "é", "a b",
    "-1", "?" * 40,
)  # fmt: skip


def test_any_word_leaves_the_studio_alive(studio):
    for word in ODD_WORDS:
        studio._word.value = word
        assert len(studio.word) <= typographic_studio.LONGEST_WORD and len(studio.scores) == 3, (
            word[:20]
        )
        assert studio.summary() and studio.to_static()
        studio._word.value = "dog"
        assert studio.verdict.after["text"] == "dog" and studio.message == "", word[:20]


def test_letters_that_the_font_lacks_are_named_and_nothing_is_printed(studio):
    studio._word.value = "猫"
    assert "猫" in studio.message and "猫" in studio._notice.value
    assert not studio.verdict.flips
    studio.curve.measure()
    assert "猫" in studio.curve.message and not studio.curve.running
    studio._word.value = "dog"
    assert studio.message == "" and studio.verdict.flips


def test_a_word_that_is_no_text_can_be_added(studio):
    studio.word = "cat"
    assert studio._add.layout.display == "" and "“cat”" in studio._add.description
    studio._add.click()
    assert studio.texts[-1] == "cat" and studio._text.value.endswith("cat")
    assert studio._add.layout.display == "none"


def test_files_that_cannot_be_used_give_one_line(studio):
    before = studio.scores
    for content, problem in (
        (b"hello", "is not a picture"),
        (bomb(), "pixels"),
        (b"\0" * (9 << 20), "more than 8 MB, and the browser"),
        (png(grey("dog"))[:60], "cannot be read"),
    ):
        upload(studio, "x.png", content)
        assert problem in studio.message and "\n" not in studio.message and studio.scores == before
    upload(studio, "own.png", png(grey("dog", 50)))
    assert studio.message == "" and studio.verdict.before["text"] == "dog" and studio.selected == 3


WRONG_STATES = (
    {"value": "not a number"}, {"value": None}, {"value": [1, 2]}, {"value": {}},
    {"value": math.nan}, {"value": math.inf}, {"value": 1e308}, {"no such trait": 1},
)  # fmt: skip


def test_wrong_messages_from_the_page_change_nothing_that_is_computed(studio):
    controls = [slider for slider, _ in studio.look._sliders] + [
        studio.look._text,
        studio.look._paper,
        studio.look._with_paper,
        studio.look._font,
        studio._word,
        studio._control,
        studio._text,
        studio._pad._heard,
        studio._mask,
        studio._tell,
        *studio._chips.children,
    ]
    for state in WRONG_STATES:
        for control in controls:
            # the kernel writes what is refused into its log
            with contextlib.suppress(traitlets.TraitError, TypeError, ValueError, OverflowError):
                control.set_state(dict(state))
        assert all(
            math.isfinite(row[when])
            for row in studio.scores
            for when in ("before", "after", "control")
        )
        studio._word.value, studio._mask.value, studio._tell.value, studio.texts = (
            "dog",
            False,
            False,
            list(THINGS),
        )
        studio.look.opacity = 1.0
        assert studio.verdict.after["text"] == "dog", state


# --- pictures, models, states without anything ----------------------------------------------------


def test_without_pictures_or_texts_there_is_a_line_instead(printing):
    studio = TypographicStudio(Reader(), [], [])
    assert (
        studio.verdict is None
        and studio.pictures == {}
        and "Upload a picture" in studio._headline.value
    )
    with pytest.raises(UserError, match="nothing to show"):
        studio.to_static()
    upload(studio, "own.png", png(grey("dog")))
    assert "Write a text" in studio._headline.value
    studio._text.value = "dog\ncat"
    assert studio.verdict.before["text"] == "dog"


def test_models_are_switched_and_one_that_cannot_be_read_is_left_alone(printing):
    reading, blind = Reader(), Reader()
    blind.name = "blind"
    printing.append(reading)
    studio = TypographicStudio(
        [reading, blind, "no such folder"], {"an apple": grey("apple")}, THINGS
    )
    assert studio.verdict.flips and studio._switcher.value == studio.model == "reader"
    studio._switcher.value = "blind"
    assert studio.encoder is blind and not studio.verdict.flips and studio.model == "blind"
    studio._switcher.value = "no such folder"
    assert "no such folder" in studio.message and studio.reader == 1
    assert studio._switcher.value == studio.model == "blind"
    with pytest.raises(UserError, match="model"):
        TypographicStudio(3)


def test_a_model_that_breaks_leaves_a_readable_line(studio, monkeypatch):
    monkeypatch.setattr(
        studio.encoder, "encode_image", lambda images: torch.full((len(images), 4), math.nan)
    )
    studio.look.angle = 3
    assert "not finite" in studio.message and studio.scores == []

    def fails(images):
        raise RuntimeError("out of <memory>")

    monkeypatch.setattr(studio.encoder, "encode_image", fails)
    with pytest.raises(RuntimeError):
        studio.look.angle = 4
    assert "RuntimeError: out of &lt;memory&gt;" in studio._notice.value
    monkeypatch.undo()


def test_data_words_and_figure_of_the_state(studio):
    assert set(studio.scores[0]) >= {
        "text",
        "before",
        "after",
        "control",
        "cosine_before",
        "cosine_after",
    }
    assert studio.summary().startswith(
        "apple with “pizza” on it, read by reader. before: apple 98.7 %"
    )
    assert "TypographicStudio" in repr(studio) and "base64" not in repr(studio)
    studio.to_static().savefig(io.BytesIO(), format="png", dpi=30)


def test_the_default_is_the_green_apple():
    studio = TypographicStudio(small_encoder())
    assert studio._gallery.entry.name == "green apple" and studio.word == "pizza"
    assert re.search(r"<img[^>]+alt=\"green apple with the word pizza", studio._images[1].value)


# --- many pictures --------------------------------------------------------------------------------


def test_the_curve_of_a_model_that_reads(studio):
    studio.curve.measure()
    studio.curve.wait()
    points = studio.curve.points
    assert [point["height"] for point in points] == [0.1, 0.15, 0.2, 0.25, 0.3, 0.4]
    assert all(point["success"] == 1 and point["control_target"] == 0 for point in points)
    assert all(point["clean_top1"] == 1 and point["attacked_top1"] == 0 for point in points)
    assert (
        not studio.curve.running and studio.curve.message == "" and studio.curve._bar.value == 1.0
    )
    page = studio.curve._chart.value
    assert (
        page.count("<polyline") == 3 and "the verdict is “pizza” on 100 % of the pictures" in page
    )


def test_the_numbers_are_those_of_the_evaluation(printing):
    encoder = small_encoder()
    data = without_the_word(grey_set(), "pizza", 64)
    assert len(data) == 8 and data.class_names == ["apple", "dog", "pizza"]
    sticker, templates = Sticker("pizza", 0.3), ["a {}.", "the {}"]
    steps = list(sweep(Question(encoder, data, sticker, "often", templates), [0.3, 0.15]))
    points = [step.point for step in steps if step.point]
    assert steps[-1].done == 1.0 and [step.done for step in steps] == sorted(
        step.done for step in steps
    )

    from clipbench import zero_shot_weights

    weights = zero_shot_weights(encoder, data.class_names, templates)
    plan = Plan(torch.full((8,), 2), ["pizza"] * 8, ["often"] * 8)
    zero_shot = Classifier("", lambda features: features @ weights)
    expected = typographic_attack(encoder, data, [zero_shot], sticker, plan, [0.15])
    assert (
        points[1].items()
        >= {k: v for k, v in expected.items() if k in points[1] and "_at_" not in k}.items()
    )
    assert points[0]["success"] == expected["success_at_0.15"]
    assert points[0]["control_top1"] == expected["control_top1_at_0.15"]


def test_a_set_of_nothing_but_the_word_is_refused():
    only = grey_set().subset([1, 4, 7])
    with pytest.raises(UserError, match="all pictures of greys show a Pizza"):
        without_the_word(only, "Pizza", 10)


def test_a_measurement_can_be_cancelled_and_only_one_runs(studio, monkeypatch):
    entered, proceed = threading.Event(), threading.Event()
    original = studio.encoder.preprocess
    in_flight, most = [], []

    def slow(pictures):
        in_flight.append(1)
        most.append(len(in_flight))
        if threading.current_thread() is not threading.main_thread():
            entered.set()
            proceed.wait(20)
        result = original(pictures)
        in_flight.pop()
        return result

    monkeypatch.setattr(studio.encoder, "preprocess", slow)
    studio.curve._measure.click()
    assert entered.wait(20) and studio.curve.running and studio.curve._measure.disabled
    thread = studio._runner._thread
    studio.curve.measure()  # nothing: one is running
    assert studio._runner._thread is thread
    studio.curve._cancel.click()
    proceed.set()
    studio.look.angle = 12  # waits for its turn
    studio.curve.wait(20)
    assert not studio.curve.running and "Cancelled" in studio.curve.message and max(most) == 1
    studio.curve.measure()
    studio.curve.wait(20)
    assert len(studio.curve.points) == 6 and studio.curve.message == ""


def test_a_measurement_that_fails_says_so(studio, monkeypatch):
    def fails(*_):
        raise RuntimeError("no <room>")

    monkeypatch.setattr(size_sweep, "attack_metrics", fails)
    studio.curve.measure()
    studio.curve.wait(20)
    assert (
        studio.curve.message == "RuntimeError: no <room>"
        and "&lt;room&gt;" in studio.curve._notice.value
    )
    assert not studio.curve.running


def test_without_a_word_there_is_nothing_to_measure(studio):
    studio.word = ""
    studio.curve.measure()
    assert "write a word" in studio.curve.message and not studio.curve.running


def test_background_work_runs_one_step_at_a_turn_and_ends_once():
    runner, steps, ends = Runner(), [], []
    with runner.turn:
        runner.start_steps(iter_generator(3), ends.append, ends.append, steps.append)
        runner.wait(0.1)
        assert steps == []  # it waits for its turn
    runner.wait(20)
    assert steps == [0, 1, 2] and ends == [None] and not runner.running


def iter_generator(count: int):
    yield from range(count)
