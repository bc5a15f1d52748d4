"""The explorer without a kernel: values are set, buttons clicked, and the page's HTML is read."""

import io
import math
import re
import struct

import ipywidgets
import pytest
import torch
import traitlets
from PIL import Image
from small import noise_picture, small_clip, small_encoder
from uploads import HOSTILE, bomb, every_html, png, upload

from clipbench import PictureSet, UserError, open_pictures, zero_shot_weights
from clipbench_widgets import PromptExplorer
from clipbench_widgets.core.format import number, percent
from clipbench_widgets.core.scoring import (
    Background,
    read_prompts,
    remarks_on,
    remarks_on_choice,
    score,
)
from clipbench_widgets.core.template_chips import TemplateChips
from clipbench_widgets.core.theme import DARK, LIGHT
from clipbench_widgets.core.uploads import MAX_BYTES, UploadedFile, take_files, uploaded_picture
from clipbench_widgets.prompt_explorer.table import Axis


class FakeEncoder:
    """Known vectors: pictures look along the first axis, each text lies at an angle that it
    names itself.
    """

    name, embed_dim, scale, fingerprint, context_length = "fake", 3, 20.0, "0", 8

    def __init__(self):
        self.encoded: list[str] = []

    def preprocess(self, pictures):
        return torch.zeros(len(pictures), 3, 2, 2)

    def encode_image(self, images):
        return torch.tensor([[1.0, 0.0, 0.0]]).repeat(len(images), 1)

    def encode_text(self, texts):
        self.encoded += texts
        angles = torch.tensor([self.angle(text) for text in texts])
        return torch.stack([angles.cos(), angles.sin(), torch.zeros(len(texts))], 1)

    def angle(self, text):
        found = re.search(r"\d+", text)
        return math.radians(float(found.group()) if found else 90.0)

    def tokens(self, text):
        return text.split()


@pytest.fixture
def fake():
    return FakeEncoder()


@pytest.fixture
def explorer(fake):
    pictures = {"first": noise_picture(20, 20), "second": noise_picture(30, 10, seed=1)}
    return PromptExplorer(
        fake, pictures, ["angle 0", "angle 60", "angle 90"], ["a {}", "the {}", "one {}"]
    )


@pytest.fixture(scope="module")
def encoder():
    return small_encoder()


def shown_order(explorer: PromptExplorer) -> list[str]:
    return re.findall(r'role="rowheader"[^>]*>([^<]*)<', explorer._result.value)


def chip(explorer: PromptExplorer, label: str) -> ipywidgets.ToggleButton:
    return next(chip for chip in explorer._chips.children if chip.label == label)


# --- numbers -----------------------------------------------------------------------------------


def test_scores_are_cosine_logit_and_softmax(explorer):
    explorer.scale_factor = 0.1
    cosines = torch.tensor([1.0, 0.5, 0.0])
    expected = (20.0 * 0.1 * cosines).softmax(0)
    rows = explorer.scores
    assert [row["prompt"] for row in rows] == ["angle 0", "angle 60", "angle 90"]
    assert [row["cosine"] for row in rows] == pytest.approx(cosines.tolist(), abs=1e-6)
    assert [row["logit"] for row in rows] == pytest.approx((2.0 * cosines).tolist(), abs=1e-5)
    assert [row["probability"] for row in rows] == pytest.approx(expected.tolist(), abs=1e-6)


def test_scores_of_a_real_model_are_its_own(encoder):
    picture = noise_picture(32, 32)
    explorer = PromptExplorer(encoder, [picture], ["a cat", "a dog"], scale_factor=0.5)
    image = encoder.encode_image(encoder.preprocess([picture]))
    expected = (encoder.scale * 0.5 * image @ encoder.encode_text(["a cat", "a dog"]).T).softmax(
        -1
    )[0]
    assert [row["probability"] for row in explorer.scores] == pytest.approx(
        expected.tolist(), abs=1e-5
    )


def test_an_ensemble_is_the_mean_direction_of_its_texts(fake):
    explorer = PromptExplorer(fake, [noise_picture(4, 4)], ["0", "90"], ["{}", "40 {}"])
    explorer.active_templates = ["{}", "40 {}"]
    # "0" and "40 0" lie at 0 and 40 degrees, so their mean lies at 20; "90" and "40 90" at 65
    cosines = [row["cosine"] for row in explorer.scores]
    assert cosines == pytest.approx(
        [math.cos(math.radians(20)), math.cos(math.radians(65))], abs=1e-6
    )
    assert explorer.scores[0]["texts"] == ["0", "40 0"]


def test_an_ensemble_of_a_real_model_is_zero_shot_weights(encoder):
    picture, templates = noise_picture(32, 32), ["a photo of a {}.", "my {}", "{}"]
    explorer = PromptExplorer(
        encoder, [picture], ["cat", "dog"], templates, active_templates=templates
    )
    weights = zero_shot_weights(encoder, ["cat", "dog"], templates)
    expected = (encoder.encode_image(encoder.preprocess([picture])) @ weights)[0]
    assert [row["cosine"] for row in explorer.scores] == pytest.approx(expected.tolist(), abs=1e-5)


def test_the_background_is_mean_and_spread_over_random_texts():
    texts = torch.tensor([[0.6, 0.8], [0.0, 1.0]])
    background = Background.of(torch.tensor([1.0, 0.0]), texts)
    assert (background.mean, background.deviation) == pytest.approx((0.3, 0.6 / math.sqrt(2)))


def test_features_that_are_not_finite_are_reported_in_one_line():
    with pytest.raises(UserError, match="not finite"):
        score(["a"], torch.full((2,), math.nan), torch.ones(2, 1), 1.0)


# --- what is encoded ---------------------------------------------------------------------------


def test_a_keystroke_encodes_only_the_line_that_changed(explorer, fake):
    fake.encoded.clear()
    explorer._text.value += "1"
    assert fake.encoded == ["angle 901"]
    explorer._slider.value = 2.0
    explorer.selected = 1
    explorer._ranked_toggle.value = False
    assert fake.encoded == ["angle 901"]


def test_refresh_encodes_everything_again(explorer, fake):
    fake.encoded.clear()
    explorer.refresh()
    assert {"angle 0", "angle 60", "angle 90"} <= set(fake.encoded)


# --- controls ----------------------------------------------------------------------------------


def test_typing_changes_the_prompts_and_leaves_the_box_alone(explorer):
    explorer._text.value = "  angle   10 \n\nangle 20\n\n"
    assert explorer.prompts == ["angle 10", "angle 20"]
    assert explorer._text.value == "  angle   10 \n\nangle 20\n\n"
    assert shown_order(explorer) == ["angle 10", "angle 20"]


def test_prompts_set_by_code_are_written_into_the_box(explorer):
    explorer.prompts = ["angle 5", "two\nlines"]
    assert explorer._text.value.splitlines() == ["angle 5", "two", "lines"]
    assert explorer.prompts == ["angle 5", "two", "lines"]


def test_a_click_on_a_thumbnail_selects_its_picture(explorer):
    thumbnails = explorer._gallery._row.children
    thumbnails[1].click()
    assert explorer.selected == 1 and explorer.picture.size == (30, 10)
    assert [thumbnail.description for thumbnail in thumbnails] == ["first", "✓ second"]
    assert 'alt="second"' in explorer._shown.value
    explorer.selected = 99  # the nearest there is
    assert explorer.selected == 1


def test_template_buttons_make_single_templates_and_ensembles(explorer):
    assert explorer.active_templates == []  # prompts were given, so they are read as they are
    assert chip(explorer, "no template").value
    chip(explorer, "the {}").value = True
    assert explorer.active_templates == ["the {}"] and not chip(explorer, "no template").value
    chip(explorer, "a {}").value = True
    assert explorer.active_templates == ["a {}", "the {}"]  # in the order offered
    chip(explorer, "all 3 (ensemble)").value = True
    assert explorer.active_templates == explorer.templates
    assert all(button.value for button in explorer._chips.children[1:])
    chip(explorer, "no template").value = True
    assert explorer.active_templates == []
    chip(explorer, "no template").value = False  # there is nothing else to fall back on
    assert chip(explorer, "no template").value


def test_a_template_that_is_used_is_also_offered(explorer):
    explorer.active_templates = ["my {}"]
    assert explorer.templates[-1] == "my {}" and chip(explorer, "my {}").value
    assert explorer.scores[0]["texts"] == ["my angle 0"]


def test_a_template_without_braces_is_refused(explorer):
    with pytest.raises(UserError, match="{}"):
        explorer.active_templates = ["a photo"]
    with pytest.raises(UserError, match="{}"):
        PromptExplorer(FakeEncoder(), templates=["a photo"])


def test_the_former_name_of_the_scale_factor_still_works():
    """It multiplied the scale then, and does so still; CLIP's temperature is 1 / scale."""
    explorer = PromptExplorer(small_encoder(), [noise_picture(8, 8)], ["a", "b"], temperature=0.5)
    assert explorer.scale_factor == explorer.temperature == explorer._slider.value == 0.5
    explorer.temperature = 2.0
    assert explorer.scale_factor == explorer._slider.value == 2.0
    explorer._slider.value = 4.0
    assert explorer.temperature == 4.0 and explorer.scale == 4 * explorer.encoder.scale
    assert f"τ = 1 / scale of {1 / explorer.scale:.2g}" in explorer._scale_note.value


def test_scale_and_slider_move_together_and_one_click_brings_the_own_scale_back(explorer):
    explorer._slider.value = 0.5
    assert explorer.scale_factor == 0.5 and explorer.scale == 10.0
    assert "20 × 0.5 = 10" in explorer._scale_note.value
    explorer._own_scale.click()
    assert explorer._slider.value == 1.0 and explorer.scale == 20.0
    explorer.scale_factor = math.inf  # clamped to the slider's end
    assert explorer.scale_factor == explorer._slider.value == pytest.approx(10.0)
    with pytest.raises(traitlets.TraitError):
        explorer.scale_factor = math.nan


def test_rows_stand_by_probability_or_as_written(explorer):
    explorer.prompts = ["angle 90", "angle 0", "angle 60"]
    assert shown_order(explorer) == ["angle 0", "angle 60", "angle 90"]
    explorer._ranked_toggle.value = False
    assert shown_order(explorer) == explorer.prompts
    assert "✓" not in explorer._ranked_toggle.description


def test_tokens_are_shown_with_what_was_cut(explorer):
    assert explorer._tokens.value == ""
    explorer.prompts = ["one two three four five six seven eight nine"]
    assert "1 prompt is longer than the 8 tokens" in explorer._remark.value
    explorer._tokens_toggle.value = True
    assert "<code>six</code>" in explorer._tokens.value
    assert '<code class="clipbench-unread">seven</code>' in explorer._tokens.value
    assert "3 tokens are not read" in explorer._tokens.value


def test_data_and_text_of_the_state(explorer):
    assert explorer.summary().startswith("first, read by fake at scale 20: angle 0 >99.9 %")
    assert "PromptExplorer" in repr(explorer) and "base64" not in repr(explorer)
    assert set(explorer.scores[0]) == {"prompt", "cosine", "logit", "probability", "texts"}
    seen = []
    explorer.observe(lambda change: seen.append(len(change.new)), "scores")
    explorer.prompts = ["angle 0", "angle 30"]
    assert seen == [2]


def test_templates_beyond_the_eighth_have_no_button_of_their_own():
    labels = [
        chip.label for chip in TemplateChips([f"{number} {{}}" for number in range(12)]).children
    ]
    assert (
        labels[0] == "no template"
        and labels[-1] == "all 12 (ensemble)"
        and len(labels) == 1 + 8 + 1
    )


def test_the_scale_reaches_from_a_hundredth_to_ten_times_the_models_own(explorer):
    explorer.scale_factor = 1e-9
    assert explorer.scale_factor == 0.01 == pytest.approx(10**explorer._slider.min)
    explorer.scale_factor = 1e9
    assert explorer.scale_factor == 10.0 == pytest.approx(10**explorer._slider.max)


# --- what people write -------------------------------------------------------------------------


def test_a_prompt_is_read_to_its_thousandth_character():
    assert read_prompts("a" * 1001) == ["a" * 1000] and read_prompts("b" * 999) == ["b" * 999]


def test_hostile_text_is_shown_and_never_becomes_html(fake):
    explorer = PromptExplorer(
        fake, {HOSTILE: noise_picture(4, 4)}, [HOSTILE, '"><script>'], ["<b>{}</b>"]
    )
    explorer.show_tokens = True
    upload(explorer, f"{HOSTILE}.png", b"no picture")
    pages = [part.value for part in every_html(explorer) if "<style>" not in part.value]
    assert not [
        page for page in pages if "<img src=x" in page or "<script" in page or "<b>{}" in page
    ]
    assert "&lt;img src=x onerror=alert(1)&gt;" in explorer._result.value
    assert "&lt;img" in explorer._notice.value


ODD_TEXTS = (
    "", "\n \n\t", "cat", "cat\ncat\n CAT", "猫\n狗", "🦝\n👩‍👩‍👧", "\u200b\n\u202egnp.exe", "\ud800",
    "a" * 5000, "word " * 900, "$x^2_{$", "\x00\x07", "مرحبا", "{}\n{0}",
    "\n".join(f"number {i}" for i in range(100)),
)  # fmt: skip


def test_any_text_gives_a_readable_page(encoder):
    explorer = PromptExplorer(encoder, [noise_picture(8, 8)], ["cat"])
    explorer.show_tokens = True
    for text in ODD_TEXTS:
        explorer._text.value = text
        assert len(explorer.scores) == len(read_prompts(text)) == len(shown_order(explorer)), text[
            :20
        ]
        assert explorer.scores or "There is no prompt yet" in explorer._result.value
        if explorer.scores:
            total = sum(row["probability"] for row in explorer.scores)
            assert total == pytest.approx(1.0, abs=1e-4), text[:20]  # float32 over 100 rows
            explorer.to_static().savefig(io.BytesIO(), format="png")


def test_repeated_and_surplus_lines_are_remarked_on(explorer):
    explorer._text.value = "angle 0\nangle 60\nangle 90\nangle 0"
    assert "1 repeated line counts only once." in explorer._remark.value
    assert remarks_on("\n".join(str(i) for i in range(300))) == [
        "Only the first 200 prompts are read."
    ]
    assert remarks_on("a\nb") == []


def test_one_prompt_is_no_choice(explorer):
    explorer._text.value = "angle 60"
    assert "There is nothing to choose between" in explorer._remark.value
    assert "nothing to choose between" in explorer._verdict.value
    assert "100" not in explorer._verdict.value
    explorer.none_of_these = True
    assert "nothing to choose between" not in explorer._remark.value + explorer._verdict.value


def test_prompts_that_a_model_reads_alike_are_remarked_on():
    rows = [{"prompt": "a cat", "cosine": 0.3}, {"prompt": "A cat", "cosine": 0.3}]
    rows += [{"prompt": "a dog", "cosine": 0.3}]
    assert remarks_on_choice(rows) == [
        "1 prompt differs from another in capitals only, which this model does not read."
    ]
    assert remarks_on_choice(rows[1:]) == []


def test_no_pictures_and_no_prompts_are_no_error(fake):
    explorer = PromptExplorer(fake, [], [])
    assert explorer.selected == -1 and explorer.picture is None and explorer.scores == []
    assert "no picture yet" in explorer._result.value and "no scores" in explorer.summary()
    with pytest.raises(UserError, match="nothing to show"):
        explorer.to_static()
    upload(explorer, "own.png", png(noise_picture(9, 9)))
    assert explorer.selected == 0 and "no prompt yet" in explorer._result.value


# --- pictures ----------------------------------------------------------------------------------


def test_an_uploaded_picture_is_added_and_selected(explorer):
    upload(explorer, "holiday.png", png(noise_picture(50, 40)))
    assert explorer.selected == 2 and explorer.picture.size == (50, 40)
    assert explorer._gallery.entry.name == "holiday.png" and explorer.message == ""
    assert take_files(explorer._upload.button) == []  # its bytes are not kept
    upload(explorer, "holiday.png", png(noise_picture(50, 40)))  # the same file again
    assert explorer.selected == 3


def test_only_the_newest_uploads_are_kept(explorer):
    for side in range(10, 18):
        upload(explorer, f"{side}.png", png(noise_picture(side, side)))
    names = [entry.name for entry in explorer._gallery.entries]
    assert len(names) == 2 + 6 and names[:3] == ["first", "second", "12.png"]
    assert explorer.selected == len(names) - 1 and explorer.picture.width == 17


def test_a_file_that_cannot_be_used_gives_one_line_and_changes_nothing(explorer):
    before = explorer.scores
    for name, content, problem in (
        ("notes.txt", b"hello", "notes.txt is not a picture"),
        ("empty.png", b"", "empty.png is not a picture"),
        ("cut.png", png(noise_picture(60, 60))[:900], "cut.png cannot be read"),
        ("bomb.png", bomb(), "pixels"),
        ("large.png", b"\0" * (MAX_BYTES + 1), "more than 8 MB, and the browser"),
        (
            "phone.heic",
            b"\0\0\0\x18ftypheic" + b"\0" * MAX_BYTES,
            "save it as a JPEG (on an iPhone",
        ),
        ("thread.png", png(Image.new("L", (3000, 2))), "too narrow"),
    ):
        upload(explorer, name, content)
        assert problem in explorer.message and "\n" not in explorer.message, name
        assert explorer.message.replace(">", "&gt;") in explorer._notice.value
        assert explorer.selected == 0 and explorer.scores == before, name
    upload(explorer, "good.png", png(noise_picture(9, 9)))
    assert explorer.message == "" and explorer._notice.value == ""


def test_a_decoder_that_fails_in_its_own_way_is_still_one_line(monkeypatch):
    def broken(_):
        raise struct.error("unpack requires more")

    monkeypatch.setattr("clipbench_widgets.core.uploads.open_picture", broken)
    with pytest.raises(UserError, match="x.tif cannot be read"):
        uploaded_picture(UploadedFile("x.tif", b"II*"))


def test_pictures_come_as_lists_pairs_files_and_sets(fake, tmp_path):
    noise_picture(12, 12).save(tmp_path / "my cat.png")
    given = [noise_picture(5, 5), ("named", noise_picture(6, 6)), tmp_path / "my cat.png"]
    names = [entry.name for entry in PromptExplorer(fake, given)._gallery.entries]
    assert names == ["picture 1", "named", "my cat"]
    for wrong in ("cat.png", [3], noise_picture(5, 5)):
        with pytest.raises(UserError, match="picture"):
            PromptExplorer(fake, wrong)


def test_a_picture_set_brings_its_class_names_and_templates(fake):
    labels = torch.tensor([1, 0, 1])
    data = PictureSet(
        "two",
        labels,
        ["cat", "dog"],
        ("a {}.", "my {}."),
        lambda rows: [noise_picture(8, 8, seed) for seed in rows],
        ["a", "b", "c"],
    )
    explorer = PromptExplorer(fake, data)
    assert [entry.name for entry in explorer._gallery.entries] == ["dog", "cat", "dog"]
    assert explorer.prompts == ["dog", "cat"] and explorer.templates == ["a {}.", "my {}."]
    assert explorer.active_templates == ["a {}."]
    assert len(PromptExplorer(fake, open_pictures("scenes:heldout"))._gallery.entries) == 12


def test_without_pictures_there_is_a_gallery_of_the_emoji_world(encoder):
    explorer = PromptExplorer(encoder)
    assert len(explorer._gallery.entries) == 12 and explorer.selected == 5
    assert explorer.active_templates == ["a photo of a {}."]
    colours = {entry.picture.getpixel((2, 80)) for entry in explorer._gallery.entries}
    assert len(colours) > 8  # they do not all look alike
    rules = [thumbnail.rule for thumbnail in explorer._gallery._row.children]
    assert len({re.search(r"clipbench-picture-\w+", rule).group() for rule in rules}) == 12


# --- models ------------------------------------------------------------------------------------


def test_what_is_no_model_is_refused_in_one_line():
    for wrong in ("no such folder", small_clip(), 3):
        with pytest.raises(UserError, match="model"):
            PromptExplorer(wrong)


def test_a_model_that_breaks_leaves_a_readable_line(explorer, fake, monkeypatch):
    monkeypatch.setattr(fake, "encode_text", lambda texts: torch.full((len(texts), 3), math.nan))
    explorer.prompts = ["angle 7"]
    assert "not finite" in explorer._result.value and explorer.scores == []

    def fails(texts):
        raise RuntimeError("out of <memory>")

    monkeypatch.setattr(fake, "encode_text", fails)
    with pytest.raises(RuntimeError):
        explorer.prompts = ["angle 8"]
    assert "RuntimeError: out of &lt;memory&gt;" in explorer._result.value
    monkeypatch.undo()
    explorer.prompts = ["angle 9"]
    assert shown_order(explorer) == ["angle 9"]


# --- looks -------------------------------------------------------------------------------------


def test_numbers_are_written_plainly():
    assert [number(value, 2) for value in (0.0, -0.001, -0.5, 12.345)] == [
        "0.00",
        "0.00",
        "−0.50",
        "12.35",
    ]
    assert [percent(p) for p in (0.0, 1e-5, 0.001, 0.5, 0.9999, 1.0)] == [
        "0.0 %",
        "<0.1 %",
        "0.1 %",
        "50.0 %",
        ">99.9 %",
        "100.0 %",
    ]


def test_the_cosine_axis_holds_everything_and_moves_in_steps():
    axis = Axis.around([0.31, -0.05], Background(0.1, 0.1))
    assert (axis.low, axis.high) == pytest.approx((-0.2, 0.4))
    assert (
        axis.place(-0.2) == 0 and axis.place(0.4) == pytest.approx(100) and axis.place(9.0) == 100
    )


def luminance(colour: str) -> float:
    """Relative luminance, as the Web Content Accessibility Guidelines define it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_told_apart(colours):
    text = (
        "text page, text card, text on, quiet page, quiet card, warning page, warning warning-card"
    )
    shapes = (
        "bar track, bar band, bar-rest track, second track, frame page, frame "
        "card, accent page, accent on"
    )
    for pairs, least in (text, 7), (shapes, 3):
        pairs = [pair.split() for pair in pairs.split(", ")]
        assert not [pair for pair in pairs if contrast(*(colours[name] for name in pair)) < least]
