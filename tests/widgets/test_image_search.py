"""Searching without a kernel: exact neighbours, two models, uploads, and what cannot be
searched.
"""

import io
import threading

import pytest
import torch
from small import noise_picture, small_encoder, write_image_folder, write_small_model
from torch.nn.functional import normalize
from uploads import upload

from clipbench import UserError, load, open_pictures
from clipbench.evaluate.features.feature_file import embed
from clipbench_widgets import ImageSearch
from clipbench_widgets.core.collection import collect
from clipbench_widgets.core.runner import GivenUp
from clipbench_widgets.image_search import app as image_search

HOSTILE = "<img src=x onerror=alert(1)>"


class KnownEncoder:
    """A picture of width n has row n of a table; the text "row n" has it too."""

    embed_dim, scale, context_length = 6, 10.0, 8

    def __init__(self, table: torch.Tensor, name: str = "known"):
        self.table, self.name, self.fingerprint = table, name, name

    def preprocess(self, pictures):
        return torch.tensor([[float(picture.width)] for picture in pictures])

    def encode_image(self, images):
        return self.table[images[:, 0].long()]

    def encode_text(self, texts):
        return torch.stack([self.table[int(text.split()[-1])] for text in texts])

    def tokens(self, text):
        return text.split()


class OnlyPictures:
    """A rival such as SimCLR, which has no text encoder."""

    name, fingerprint = "rival", "1"

    def __init__(self, table: torch.Tensor):
        self.table = table

    def preprocess(self, pictures):
        return torch.tensor([[float(picture.width)] for picture in pictures])

    def encode_image(self, images):
        return self.table[images[:, 0].long()]


def unit(rows: int, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed)), dim=1)


TABLE = unit(40)


def pictures(count: int = 30, name: str = "picture {}") -> list:
    return [(name.format(row), noise_picture(row + 1, 3)) for row in range(count)]


@pytest.fixture
def search():
    return ImageSearch(KnownEncoder(TABLE), pictures())


def png(width: int, height: int = 3) -> bytes:
    buffer = io.BytesIO()
    noise_picture(width, height).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_text_finds_its_exact_neighbours(search):
    search.query = "row 35"
    cosines = TABLE[1:31] @ TABLE[35]
    assert [each["row"] for each in search.found] == cosines.argsort(descending=True)[:18].tolist()
    assert search.found[0]["cosine"] == pytest.approx(cosines.max().item(), abs=1e-6)
    shown = search._strips[0].buttons
    best = search.found[0]
    assert len(shown) == 18 and shown[0].description == f"{best['cosine']:.2f} {best['name']}"
    assert "“row 35” among 30 pictures; known: picture" in search.summary()


def test_a_click_looks_for_others_like_it(search):
    search.query = "row 35"
    button = search._strips[0].buttons[2]
    row = button.row
    button.click()
    assert search.like == row
    cosines = TABLE[1:31] @ TABLE[row + 1]
    assert [each["row"] for each in search.found] == cosines.argsort(descending=True)[
        1:19
    ].tolist(), "but not itself"
    assert f"picture {row}" in search._asked.value and search._asked_row.layout.display is None
    search._back.click()
    assert (
        search.like == -1
        and "“row 35”" in search.summary()
        and search._asked_row.layout.display == "none"
    )
    search.like = 99
    assert search.like == -1


def test_before_anything_is_asked_some_pictures_are_shown(search):
    assert search.found == [] and len(search._strips[0].buttons) == 18
    assert (
        "Click one" in search._strips[0]._about.value
        and "nothing is looked for" in search.summary()
    )
    search._strips[0].buttons[3].click()
    assert search.like == search._strips[0].cards[0].row or search.like >= 0
    assert len(search.found) == 18


def test_an_upload_is_searched_for(search):
    upload(search, "mine.png", png(36))
    cosines = TABLE[1:31] @ TABLE[36]
    assert search.found[0]["row"] == int(cosines.argmax()) and "mine.png" in search._asked.value
    search.query = "row 33"
    assert "mine.png" not in search._asked.value and search.found[0]["row"] == int(
        (TABLE[1:31] @ TABLE[33]).argmax()
    )


def test_bad_uploads_leave_the_results_as_they_were(search):
    search.query = "row 35"
    before = search.found
    for content, problem in (
        (b"no picture", "is not a picture"),
        (b"0" * (9 << 20), "more than 8 MB"),
    ):
        upload(search, "notes.png", content)
        assert problem in search._notice.value and search.found == before
    upload(search, "mine.png", png(36))
    assert search.message == "" and search._notice.value == ""


def test_a_sheet_shows_all_that_one_model_finds_and_two_rows_of_each_of_two(search, monkeypatch):
    shown = []
    monkeypatch.setattr(
        image_search, "contact_sheet", lambda pictures, captions, *_: shown.append(len(captions))
    )
    both = ImageSearch(
        KnownEncoder(TABLE), pictures(), rival=KnownEncoder(unit(40, seed=1), "another")
    )
    for app in (search, both):
        app.top, app.query = 20, "row 35"
        app.to_static()
    assert shown == [20, 2 * 12]


def test_two_models_stand_beside_each_other():
    other = unit(40, seed=1)
    search = ImageSearch(KnownEncoder(TABLE), pictures(), rival=KnownEncoder(other, "another"))
    search.query = "row 35"
    assert search.found_by_rival[0]["row"] == int((other[1:31] @ other[35]).argmax())
    assert "<strong>known" in search._heads[0].value and "<strong>another" in search._heads[1].value
    assert "; another: picture" in search.summary()
    assert search.to_static().alt.startswith("“row 35”")


class SlowEncoder(KnownEncoder):
    """Waits before each batch until it may go on."""

    def __init__(self, table: torch.Tensor, name: str = "slow"):
        super().__init__(table, name)
        self.begun, self.go_on, self.batches = threading.Semaphore(0), threading.Semaphore(0), 0

    def encode_image(self, images):
        self.begun.release()
        assert self.go_on.acquire(timeout=20)
        self.batches += 1
        return super().encode_image(images)


def many(count: int = 200) -> list:
    """More than a batch; as many widths as the table has rows."""
    return [(f"picture {row}", noise_picture(row % 39 + 1, 3)) for row in range(count)]


@pytest.fixture
def slow():
    return SlowEncoder(unit(40, seed=1))


def test_a_second_model_looks_at_the_pictures_in_the_background(slow):
    search = ImageSearch(KnownEncoder(TABLE), many(), rivals=[slow, "no such model"])
    search.query = "row 35"
    search._beside.value = 0
    assert slow.begun.acquire(timeout=20) and search.progress == 0.0 and len(search.indexes) == 1
    assert "slow is looking at 200 pictures" in search._heads[1].value
    assert search._results[1].layout.display is None and search._waiting.layout.display is None
    search.query = "row 36"  # meanwhile the first model answers
    assert search.found[0]["row"] == int(
        (TABLE[[row % 39 + 1 for row in range(200)]] @ TABLE[36]).argmax()
    )
    slow.go_on.release()
    assert slow.begun.acquire(timeout=20)  # the second batch of 64
    search.wait(0)
    assert search.progress == search._bar.value == pytest.approx(64 / 200)
    slow.go_on.release(100)
    search.wait()
    assert search.progress == -1.0 and search._waiting.layout.display == "none"
    assert search.found_by_rival[0]["cosine"] == pytest.approx(
        float((slow.table[1:40] @ slow.table[36]).max())
    )
    batches = slow.batches
    search.beside = -1
    assert search.found_by_rival == [] and search._results[1].layout.display == "none"
    search.beside = 0  # remembered
    assert slow.batches == batches and len(search.found_by_rival) == 18 and search.progress == -1.0
    search.beside = 1
    search.wait()
    assert (
        "no such model" in search.message
        and search.beside == -1
        and search._waiting.layout.display == "none"
    )


def test_a_second_model_that_is_cancelled_stops_after_its_batch(slow):
    search = ImageSearch(KnownEncoder(TABLE), many(), rivals=[slow])
    search.query = "row 35"
    search.beside = 0
    assert slow.begun.acquire(timeout=20)
    search._cancel.click()
    assert search.beside == search._beside.value == -1 and search.progress == -1.0
    slow.go_on.release(100)
    search.wait()
    assert (
        slow.batches == 1
        and search.message == ""
        and search.found_by_rival == []
        and len(search.found) == 18
    )
    assert search._results[1].layout.display == "none"
    search.beside = 0  # from the beginning
    search.wait()
    assert len(search.found_by_rival) == 18


def test_another_choice_takes_the_place_of_the_one_that_is_not_ready(slow):
    search = ImageSearch(
        KnownEncoder(TABLE), many(), rivals=[slow, KnownEncoder(unit(40, seed=2), "quick")]
    )
    search.like = 3
    search.beside = 0
    assert slow.begun.acquire(timeout=20)
    search.beside = 1
    slow.go_on.release(100)
    search.wait()
    assert (
        "quick" in search._heads[1].value and len(search.found_by_rival) == 18 and slow.batches == 1
    )


def test_a_second_model_that_breaks_says_so(slow):
    slow.encode_image = lambda images: 1 / 0
    search = ImageSearch(KnownEncoder(TABLE), many(), rivals=[slow])
    search.beside = 0
    search.wait()
    assert search.message == "ZeroDivisionError: division by zero" and search.beside == -1
    search.query = "row 3"
    assert len(search.found) == 18


def test_pictures_of_a_set_are_watched_and_given_up_too():
    told = []
    data = open_pictures("scenes:heldout256")

    def watch(share: float) -> None:
        told.append(share)
        if share > 0.5:
            raise GivenUp

    with pytest.raises(GivenUp):
        collect(small_encoder(seed=5), data, 250, watch)
    assert told[-1] == 128 / 250 and set(told[:-1]) == {0.0}
    assert len(collect(small_encoder(seed=5), data, 250, told.append)) == 250


def test_a_model_without_texts_is_searched_by_pictures():
    other = unit(40, seed=1)
    search = ImageSearch(KnownEncoder(TABLE), pictures(), rival=OnlyPictures(other))
    search.query = "row 35"
    assert len(search.found) == 18 and search.found_by_rival == []
    assert "rival reads no texts" in search._heads[1].value
    search.like = 4
    cosines = other[1:31] @ other[5]
    assert [each["row"] for each in search.found_by_rival] == cosines.argsort(descending=True)[
        1:19
    ].tolist()


def test_results_of_the_same_class_are_counted(tmp_path):
    folder = write_image_folder(tmp_path / "pictures", {"cat": 4, "dog": 3})
    search = ImageSearch(small_encoder(), str(folder), top=6)
    search.like = 0
    assert "3 of 6 are of its class" in search._heads[0].value
    assert "cat" in search._heads[0].value and "3 others in all" in search._heads[0].value


def test_a_flat_folder_of_pictures_is_searched(tmp_path):
    for number, name in enumerate(("red_car", "cat", "dog")):
        noise_picture(20, 20, seed=number).save(tmp_path / f"{name}.png")
    search = ImageSearch(small_encoder(), str(tmp_path), top=3)
    search.query = "a cat"
    assert {entry["name"] for entry in search.found} == {"red car", "cat", "dog"}


def test_a_feature_file_and_a_folder_give_the_same(tmp_path):
    model = write_small_model(tmp_path / "model")
    folder = write_image_folder(tmp_path / "pictures", {"cat": 4, "dog": 3})
    embed(load(model), open_pictures(str(folder)), tmp_path / "file.safetensors")
    by_file, by_folder = (
        ImageSearch(str(tmp_path / "file.safetensors")),
        ImageSearch(model, str(folder)),
    )
    by_file.query = by_folder.query = "a cat"
    assert [each["row"] for each in by_file.found] == [each["row"] for each in by_folder.found]
    assert len(by_file.found) == 7 and by_file.found[0]["id"].endswith(".png")


def test_what_people_write_stays_text():
    search = ImageSearch(
        KnownEncoder(TABLE, HOSTILE), pictures(20, HOSTILE + " {}"), rival=KnownEncoder(TABLE, "b")
    )
    search.query = f"{HOSTILE} 5"
    search.like = 3
    upload(search, HOSTILE + ".png", b"no picture")
    parts = [
        search._title,
        search._asked,
        search._notice,
        *search._heads,
        *(strip._about for strip in search._strips),
    ]
    page = "".join(part.value for part in parts) + "".join(
        strip._styles.value for strip in search._strips
    )
    assert "<img src=x" not in page and "&lt;img" in page


def test_features_that_are_not_numbers():
    table = TABLE.clone()
    table[4], table[35] = float("nan"), float("inf")
    search = ImageSearch(KnownEncoder(table), pictures(), top=60)
    assert "1 of 30 pictures cannot be found" in search._notice.value
    search.query = "row 36"
    assert len(search.found) == 29 and 3 not in [each["row"] for each in search.found]
    search.query = "row 35"
    assert search.found == [] and "not finite numbers" in search._heads[0].value
    search.like = 3
    assert search.found == [] and "not finite numbers" in search._heads[0].value
    with pytest.raises(UserError, match="diverged"):
        ImageSearch(KnownEncoder(torch.full((40, 6), float("nan"))), pictures())


@pytest.mark.parametrize("count", [1, 2])
def test_few_pictures_and_equal_ones(count):
    search = ImageSearch(KnownEncoder(unit(1).repeat(40, 1)), pictures(count))
    search.query = "row 9"
    assert [each["row"] for each in search.found] == list(range(count))
    search.like = 0
    assert len(search.found) == count - 1


def test_mistakes(search):
    with pytest.raises(UserError, match="nothing is looked for"):
        search.to_static()
    search.query = "  \n "
    assert search.found == []
    search.top = 10_000
    assert search.top == 60
    with pytest.raises(UserError, match="encodes no pictures"):
        ImageSearch(KnownEncoder(TABLE), pictures(), rival=3)
    with pytest.raises(UserError, match="no pictures"):
        ImageSearch(KnownEncoder(TABLE), [])


def test_an_app_prints_no_bar_of_its_own(capsys):
    ImageSearch(small_encoder(), "scenes:heldout256", most=13)
    shown = capsys.readouterr()
    assert shown.out == shown.err == ""


def test_a_rival_without_a_joint_space_is_searched_by_its_image_encoder():
    from clipbench.encoders.clip import RivalEncoder
    from clipbench.objectives import SimCLR

    ours = small_encoder()
    rival = RivalEncoder(SimCLR(ours.model), ours.tokenizer, ours._preprocess, "simclr")
    entries = [(f"picture {seed}", noise_picture(32, 32, seed)) for seed in range(6)]
    search = ImageSearch(ours, entries, rival=rival)
    search.like = 2
    tower = normalize(
        rival.image_tower(rival.preprocess([picture for _, picture in entries])), dim=1
    )
    others = [row for row in (tower @ tower[2]).argsort(descending=True).tolist() if row != 2]
    assert [each["row"] for each in search.found_by_rival] == others
