"""The map without a kernel: known features, pointing, hostile input, and a UMAP that is given
up.
"""

import json
import shutil
import sys
import threading
import types

import numpy as np
import pytest
import torch
import traitlets
from small import noise_picture, small_encoder, write_image_folder, write_small_model
from torch.nn.functional import normalize

from clipbench import UserError, load, open_pictures
from clipbench.errors import missing_package
from clipbench.evaluate.features.feature_file import embed
from clipbench.evaluate.modality_gap import modality_gap, shifted
from clipbench_widgets import EmbeddingMap
from clipbench_widgets.core.collection import collect, of_set, scene_factors
from clipbench_widgets.core.pointer import (
    Click,
    Key,
    Outline,
    Pointer,
    Zoom,
    read_action,
    read_json,
)
from clipbench_widgets.core.runner import Runner
from clipbench_widgets.embedding_map import placed
from clipbench_widgets.embedding_map.frame import HEIGHT, WIDTH, Frame, View
from clipbench_widgets.embedding_map.umap_cache import key_of, shipped_umaps

HOSTILE = "<img src=x onerror=alert(1)>"


class KnownEncoder:
    """Pictures and texts carry their features: a picture of width n row n of a table, a text
    "row n" too.
    """

    name, scale, fingerprint, context_length = "known", 10.0, "0", 8

    def __init__(self, pictures: torch.Tensor, texts: torch.Tensor):
        self.pictures, self.texts, self.embed_dim = pictures, texts, pictures.shape[1]

    def preprocess(self, pictures):
        return torch.tensor([[float(picture.width)] for picture in pictures])

    def encode_image(self, images):
        return self.pictures[images[:, 0].long() - 1]

    def encode_text(self, texts):
        return torch.stack([self.texts[int(text.split()[-1])] for text in texts])

    def tokens(self, text):
        return text.split()


def unit(rows: int, width: int = 6, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)), dim=1)


def known_map(pictures: torch.Tensor, texts: torch.Tensor, **options) -> EmbeddingMap:
    shown = [(f"picture {row}", noise_picture(row + 1, 3)) for row in range(len(pictures))]
    return EmbeddingMap(
        KnownEncoder(pictures, texts), shown, [f"row {row}" for row in range(len(texts))], **options
    )


@pytest.fixture
def map_():
    factors = {"colour": ["red", "blue"] * 20}
    return known_map(unit(40), unit(10, seed=1), factors=factors)


def place_of(map_, row: int) -> tuple[float, float]:
    """Where a row is seen, as a pointer would tell it."""
    return map_._seen_place(map_._places_of([row]))


def acts(map_, **action) -> None:
    """What the page sends for one action."""
    acts.number = getattr(acts, "number", 0) + 1
    map_._pointer._actions.value = json.dumps([{"n": acts.number, **action}])


def hover(map_, at) -> None:
    map_._pointer._hover.value = json.dumps({"n": 1, "at": at})


# -------------------- what is shown


def test_points_are_those_of_the_principal_plane(map_):
    from sklearn.decomposition import PCA

    features = torch.cat([unit(40), unit(10, seed=1)])
    assert np.allclose(map_.points(), PCA(2).fit_transform(features.double().numpy()), atol=1e-5)
    assert map_.numbers["variance"] == pytest.approx(
        PCA(2).fit(features.numpy()).explained_variance_ratio_.sum()
    )


def test_every_point_is_drawn_once_and_circles_are_pictures(map_):
    circles, squares = map_._base.value.split('stroke-linecap="square"', 1)
    assert circles.count("h1") == 40 and squares.count("h1") == 10
    map_.shown = "texts"
    assert map_._base.value.count("h1") == 10 and len(map_.points()) == 10


def test_the_gap_and_its_shift_are_those_of_the_evaluation(map_):
    assert map_.numbers["gap"] == pytest.approx(
        modality_gap(unit(40), unit(10, seed=1))["gap"], abs=1e-6
    )
    before, frame = map_.points(), map_._frame.scale
    map_.shift = 0.5
    moved = modality_gap(*shifted(unit(40), unit(10, seed=1), 0.5))["gap"]
    assert map_.numbers["gap"] == pytest.approx(moved, abs=1e-6)
    assert not torch.equal(before, map_.points()) and map_._frame.scale == frame, (
        "points move, the axes do not"
    )
    assert "without the shift" in map_._numbers.value
    map_.shift = 0.0
    assert torch.equal(before, map_.points())


def test_trustworthiness_is_shown_beside_the_map(map_):
    from sklearn.manifold import trustworthiness

    features = torch.cat([unit(40), unit(10, seed=1)]).numpy()
    expected = trustworthiness(features, map_.points().numpy(), n_neighbors=15)
    assert map_.numbers["trustworthiness"] == pytest.approx(expected, abs=1e-5)
    assert f">{expected:.2f}<" in map_._numbers.value


def test_a_query_lights_up_neighbours_of_the_full_space(map_):
    map_.query = "row 3"
    cosines = unit(40) @ unit(10, seed=1)[3]
    assert [each["row"] for each in map_.found] == cosines.argsort(descending=True)[:12].tolist()
    assert map_.found[0]["cosine"] == pytest.approx(cosines.max().item(), abs=1e-6)
    assert "clipbench-faint" in map_._base.value and "clipbench-found" in map_._marks.value
    assert [card.row for card in map_._found.cards] == [each["row"] for each in map_.found]
    assert "all 6 dimensions" in map_._found._about.value and "picture" in map_.summary()
    map_.query = "  "
    assert map_.found == [] and "clipbench-faint" not in map_._base.value and not map_._found.cards


def test_colours_are_of_the_chosen_factor_and_a_kind_can_stand_out(map_):
    assert map_.colour_by == "colour"
    assert [key.description for key in map_._keys.children] == ["red", "blue", "texts"]
    map_._keys.children[1].click()
    assert map_.only == "blue" and map_._keys.children[1].description == "✓ blue"
    assert map_._marks.value.count("h1") == 20
    map_.colour_by = "modality"
    assert map_.only == "" and [key.description for key in map_._keys.children] == [
        "pictures",
        "texts",
    ]
    with pytest.raises(traitlets.TraitError, match="choose from"):
        map_.colour_by = "taste"


def test_rare_kinds_are_gray_together():
    kinds = [f"kind {row // 4}" if row < 36 else "rare" for row in range(40)]
    map_ = known_map(unit(40), unit(3, seed=1), factors={"kind": kinds})
    assert [key.description for key in map_._keys.children][-2:] == ["texts", "others"]
    map_._keys.children[-1].click()
    assert map_._marks.value.count("h1") == 3 * 4  # two kinds of four, and four of the rarest


def test_given_coordinates_are_shown_as_they_are():
    points = np.random.default_rng(0).normal(size=(40, 2))
    map_ = known_map(unit(40), unit(10, seed=1), points=points)
    assert map_.projection == "given" and torch.allclose(
        map_.points(), torch.from_numpy(points), atol=1e-6
    )
    map_.projection = "PCA"
    assert len(map_.points()) == 50
    for wrong, problem in (
        (points[:7], "shape"),
        (points * np.nan, "not finite"),
        ("no", "two numbers"),
    ):
        with pytest.raises(UserError, match=problem):
            known_map(unit(40), unit(10, seed=1), points=wrong)


# -------------------- pointing


def test_the_pointer_brings_up_a_note(map_):
    hover(map_, place_of(map_, 7))
    assert (
        map_.hovered == 7 and "picture 7" in map_._note.value and "data:image" in map_._note.value
    )
    hover(map_, place_of(map_, 43))
    assert "row 3" in map_._note.value and "data:image" not in map_._note.value
    hover(map_, None)
    assert map_.hovered == -1 and map_._note.value == ""


def test_a_click_selects_and_draws_lines_to_true_neighbours(map_):
    acts(map_, kind="click", at=place_of(map_, 5))
    assert map_.selected == [5] and "clipbench-spokes" in map_._marks.value
    others = (unit(40) @ unit(40)[5]).argsort(descending=True)[1:7].tolist()
    assert [map_._row_at(place) for place in map_._alike(map_._places_of([5]))] == others
    acts(map_, kind="click", at=place_of(map_, 9), add=True)
    assert map_.selected == [5, 9] and "clipbench-spokes" not in map_._marks.value
    acts(map_, kind="click", at=place_of(map_, 5), add=True)
    assert map_.selected == [9]
    acts(map_, kind="click", at=[0.001, 0.001])
    assert map_.selected == []


def test_an_outline_selects_what_lies_within(map_):
    acts(map_, kind="outline", corners=[[0, 0], [0.5, 0], [0.5, 1], [0, 1]])
    middle = map_._frame.view.to_frame([(0.5, 0.5)])[0][0]
    left = {row for row, x in zip(map_._rows, map_._frame.points[:, 0], strict=True) if x < middle}
    assert set(map_.selected) == left and 0 < len(left) < 50
    rows = map_.rows()
    assert [row["row"] for row in rows] == map_.selected
    assert {"modality", "name", "colour", "x", "y"} <= rows[0].keys()
    acts(map_, kind="outline", corners=[[0.5, 0], [1, 0], [1, 1], [0.5, 1]], add=True)
    assert len(map_.selected) == 50
    map_.selected = [3, 3, -1, 99]
    assert map_.selected == [3]


def test_the_same_action_counts_once(map_):
    map_._pointer._actions.value = json.dumps([{"n": 9.5, "kind": "key", "key": "+"}])
    seen = map_._frame.view
    again = [{"n": 9.5, "kind": "key", "key": "+"}, {"n": 9.6, "kind": "key", "key": "?"}]
    map_._pointer._actions.value = json.dumps(again)
    assert map_._frame.view == seen


def test_keys_move_select_and_zoom(map_):
    acts(map_, kind="key", key="ArrowRight")
    first = map_.hovered
    assert first >= 0
    acts(map_, kind="key", key="ArrowRight")
    assert place_of(map_, map_.hovered)[0] > place_of(map_, first)[0]
    acts(map_, kind="key", key="Enter")
    assert map_.selected == [map_.hovered]
    acts(map_, kind="key", key="+")
    assert map_._frame.view.width < WIDTH
    acts(map_, kind="key", key="0")
    assert map_._frame.view == View()
    acts(map_, kind="key", key="Escape")
    assert map_.selected == []


def test_zooming_to_the_selection_shows_it(map_):
    map_.selected = [2, 4]
    map_._closer.click()
    assert map_._frame.view.width <= WIDTH and all(place_of(map_, row) for row in (2, 4))
    map_._whole.click()
    assert map_._frame.view == View()


# -------------------- what may come from outside


NONSENSE = (
    "", "[", "{}", "[1, 2]", '["x"]', '[{"n": 1}]', "[" * 100_000,
    '[{"n": NaN, "kind": "key", "key": "+"}]', '[{"n": 1e999, "kind": "key", "key": "+"}]',
    '[{"n": 1, "kind": "click", "at": [1]}]', '[{"n": 2, "kind": "click", "at": ["a", null]}]',
    '[{"n": 3, "kind": "outline", "corners": [[0, 0], 5, {}]}]',
    '[{"n": 4, "kind": "zoom", "at": [0.5, 0.5], "factor": "9"}]',
    '[{"n": 5, "kind": "eval", "key": "1"}]', "9" * 300_000,
)  # fmt: skip


def test_nonsense_from_the_page_does_nothing(map_):
    before = map_._base.value, map_.selected, map_._frame.view
    for sent in NONSENSE:
        map_._pointer._actions.value = sent
        map_._pointer._hover.value = sent
        assert (map_._base.value, map_.selected, map_._frame.view) == before, sent[:50]


def test_actions_are_read_within_bounds():
    assert read_action({"kind": "click", "at": [-3, 1e9], "add": "yes"}) == Click((0.0, 1.0), False)
    assert read_action({"kind": "zoom", "at": [0, 0], "factor": 1e9}) == Zoom((0.0, 0.0), 2.0)
    assert read_action({"kind": "key", "key": "Enter"}) == Key("Enter")
    corners = read_action({"kind": "outline", "corners": [[0, 0]] * 9999})
    assert isinstance(corners, Outline) and len(corners.corners) == 2000
    assert read_json("true") is True and read_json("{") is None


def test_what_people_write_stays_text():
    shown = [(HOSTILE, noise_picture(row + 1, 3)) for row in range(40)]
    texts = [f"{HOSTILE} {row}" for row in range(3)]
    factors = {HOSTILE: [HOSTILE, "b"] * 20}
    map_ = EmbeddingMap(KnownEncoder(unit(40), unit(3, seed=1)), shown, texts, factors=factors)
    map_.query, map_.selected, map_.hovered, map_.only = f"{HOSTILE} 1", [0, 41], 41, HOSTILE
    pages = [
        part.value
        for part in everything(map_)
        if hasattr(part, "value") and isinstance(part.value, str)
    ]
    # a text field and a list hold it as it is
    shown = [page for page in pages if page not in (map_.query, HOSTILE)]
    assert any("&lt;img" in page for page in shown) and not any(
        "<img src=x" in page for page in shown
    )
    map_.to_static().png()


def everything(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def test_rows_that_are_not_numbers_are_left_out_and_named():
    features = unit(40).clone()
    features[3, 2], features[7, 0] = float("nan"), float("inf")
    map_ = known_map(features, unit(4, seed=1), factors={"side": ["a", "b"] * 20})
    assert "2 of 44 points are left out" in map_._notice.value and len(map_.data) == 42
    assert map_.data.names[3] == "picture 4" and map_.factors["side"][3] == "a"
    map_.query = "row 1"
    assert len(map_.found) == 12


@pytest.mark.parametrize("pictures, texts", [(1, 0), (1, 1), (2, 0), (5, 3)])
def test_few_points(pictures, texts):
    map_ = known_map(unit(pictures), unit(max(1, texts), seed=1)[:texts])
    assert len(map_.points()) == pictures + texts and torch.isfinite(map_.points()).all()
    assert map_.numbers["trustworthiness"] is None and "more than 30 points" in map_._numbers.value
    map_.shown = "texts"
    assert len(map_.points()) == texts
    if texts:
        map_.query = "row 0"
        assert len(map_.found) == texts
    else:
        assert "no points" in map_.summary()
        with pytest.raises(UserError, match="no points"):
            map_.to_static()


def test_equal_points_and_a_query_of_nothing_finite():
    map_ = known_map(unit(1).repeat(40, 1), torch.full((2, 6), float("nan")))
    assert len(map_.data) == 40 and "2 of 42" in map_._notice.value
    assert torch.isfinite(map_.points()).all() and place_of(map_, 0) == pytest.approx((0.5, 0.5))
    map_.query = "row 1"
    assert map_.found == []
    map_.selected = [0]
    acts(map_, kind="key", key="ArrowLeft")


def test_what_is_computed_cannot_be_set(map_):
    for name in ("found", "numbers", "progress", "message"):
        with pytest.raises(traitlets.TraitError):
            setattr(map_, name, getattr(map_, name))


def test_mistakes():
    with pytest.raises(UserError, match="give one per picture, 40"):
        known_map(unit(40), unit(2), factors={"x": ["a"]})
    with pytest.raises(traitlets.TraitError):
        known_map(unit(4), unit(2)).projection = "given"
    map_ = known_map(unit(4), unit(2))
    with pytest.raises(traitlets.TraitError):
        map_.shift = float("nan")
    map_.shift = 7.0
    assert map_.shift == 1.0


# -------------------- UMAP


def fake_umap(monkeypatch, result=None, error=None):
    begun, go = threading.Event(), threading.Event()

    def umap_map(features, seed, neighbours, report, cancelled):
        report(0.5)
        begun.set()
        assert go.wait(20)
        if error:
            raise error
        return torch.arange(2.0 * len(features)).view(-1, 2) if result is None else result

    monkeypatch.setattr(placed, "umap_map", umap_map)
    return begun, go


def test_umap_is_shown_when_it_is_ready(map_, monkeypatch):
    begun, go = fake_umap(monkeypatch)
    before = map_.points()
    map_.projection = "UMAP"
    assert begun.wait(20) and torch.equal(map_.points(), before), "PCA is shown meanwhile"
    map_.wait(0)
    assert (
        map_.progress == 0.5
        and "50% done" in map_._status.value
        and map_._waiting.layout.display is None
    )
    go.set()
    map_.wait()
    assert torch.equal(map_.points(), torch.arange(100.0).view(-1, 2))
    assert map_.progress == -1 and map_._status.value == "" and map_._slider.disabled
    map_.projection = "PCA"
    map_.projection = "UMAP"
    assert map_.progress == -1, "it is remembered"


def test_umap_can_be_given_up(map_, monkeypatch):
    begun, go = fake_umap(monkeypatch)
    before = map_.points()
    map_.projection = "UMAP"
    assert begun.wait(20)
    map_._cancel.click()
    assert map_.projection == "PCA" and map_._status.value == ""
    go.set()
    map_.wait()
    assert torch.equal(map_.points(), before) and not map_._projections.umaps


def test_the_shipped_umap_is_of_the_shipped_model_and_pictures():
    """If this fails, the checkpoint is new: run python -m tools.assets.build_maps."""
    data = open_pictures("scenes:heldout").subset(range(0, 5000, 5))
    collection = of_set(data, torch.zeros(1000, 1))
    umaps = shipped_umaps(key_of(load("classroom"), collection.ids, collection.texts))
    texts = len(collection.texts)
    assert {name: len(points) for name, points in umaps.items()} == {
        "pictures and texts": 1000 + texts,
        "pictures": 1000,
        "texts": texts,
    }
    assert shipped_umaps("another") == {}


def test_umap_that_fails_says_why(map_, monkeypatch):
    _, go = fake_umap(monkeypatch, error=missing_package("UMAP", "umap-learn", "maps"))
    go.set()
    map_.projection = "UMAP"
    map_.wait()
    assert map_.projection == "PCA" and "needs umap-learn: pip install" in map_._notice.value
    assert len(map_.points()) == 50


def test_only_one_computation_at_a_time():
    running, most, results = [], [], []

    def work(report, cancelled):
        running.append(1)
        most.append(len(running))
        while not cancelled() and len(results) == 0 and len(most) < 3:
            threading.Event().wait(0.005)
        running.pop()
        return len(most)

    runner = Runner()
    for _ in range(3):
        runner.start(work, results.append, results.append, lambda share: None)
        threading.Event().wait(0.03)
    runner.wait(20)
    assert max(most) == 1 and results == [3]


# -------------------- sources


def test_a_feature_file_brings_its_model_and_pictures(tmp_path):
    model = write_small_model(tmp_path / "model")
    folder = write_image_folder(tmp_path / "pictures", {"red_car": 3, "cat": 5})
    embed(load(model), open_pictures(str(folder)), tmp_path / "file.safetensors")
    map_ = EmbeddingMap(str(tmp_path / "file.safetensors"), most=4)
    assert map_.encoder.name == str(model) and map_.data.pictures == 4
    assert map_.factors["class"][:4] == ["cat", "cat", "cat", "red car"]  # rows 0, 2, 4 and 6
    assert map_.data.collection.entries([0])[0].picture.size == (40, 40)
    shutil.rmtree(folder)
    without = EmbeddingMap(model, str(tmp_path / "file.safetensors"))
    assert (
        without.data.pictures == 8 and without.factors["class"][:8] == ["cat"] * 5 + ["red car"] * 3
    )
    assert without.data.collection.entries([0])[0].picture.getextrema()[0] == (150, 150)


def test_a_query_that_cannot_be_encoded_says_so():
    from clipbench.encoders.precomputed import PrecomputedEncoder

    pictures = [noise_picture(9, 9, seed) for seed in range(5)]
    encoder = PrecomputedEncoder(pictures, unit(5), {"a cat": unit(1)[0]})
    map_ = EmbeddingMap(encoder, pictures, ["a cat"])
    map_.query = "a dog"
    assert map_.found == [] and "a dog" in map_._found._about.value
    map_.query = "a cat"
    assert len(map_.found) == 5


def test_scenes_know_what_they_were_made_of():
    collection = collect(small_encoder(), "scenes:heldout256", 12)
    assert {"group", "style", "background", "split", "class"} == collection.factors.keys()
    assert len(collection.entries([0, 5, 0])) == 3 and len(collection.texts) == len(
        set(collection.names)
    )


def test_photos_of_everything_are_trained_on():
    factors = scene_factors(open_pictures("scenes:heldout256").subset(range(400)))
    split_of_style = set(zip(factors["style"], factors["split"], strict=True))
    assert [split for style, split in split_of_style if style == "photo"] == [
        "thing trained in this style"
    ]


def test_a_folder_of_pictures_alone(tmp_path):
    for name in ("red_car", "blue_car"):
        noise_picture(20, 20).save(tmp_path / f"{name}.png")
    collection = collect(small_encoder(), tmp_path)
    assert collection.names == ["blue car", "red car"] and collection.texts == [
        "blue car",
        "red car",
    ]


def test_pictures_that_are_gone_are_gray(tmp_path):
    noise_picture(20, 20).save(tmp_path / "one.png")
    collection = collect(small_encoder(), tmp_path)
    (tmp_path / "one.png").unlink()
    assert collection.entries([0])[0].picture.getextrema()[0] == (150, 150)


# -------------------- the rest


def test_static_figure_and_summary(map_):
    assert "PCA of 40 pictures and 10 texts, read by known" in map_.summary()
    figure = map_.to_static()
    assert figure.alt.startswith("A map of 50 points: red, blue.") and len(figure.png()) > 5000


def test_half_a_character_in_a_query_can_be_drawn(map_):
    map_.query = "half \ud800 1"
    assert "nearest to “half ? 1”" in map_.summary()
    assert map_.to_static().png()


def test_jupyter_scatter_shares_its_selection(map_, monkeypatch):
    pytest.importorskip("pandas")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "jscatter", None)
        with pytest.raises(UserError, match="jupyter-scatter"):
            map_.to_scatter()

    class Scatter:
        def __init__(self, data, x, y, color_by, height=240):
            self.data, self.height, self.widget = data, height, ScatterWidget()

        def selection(self, places):
            self.widget.selection = places

    class ScatterWidget(traitlets.HasTraits):
        selection = traitlets.Any()

    monkeypatch.setitem(sys.modules, "jscatter", types.SimpleNamespace(Scatter=Scatter))
    map_.shown = "texts"
    scatter = map_.to_scatter(height=500)
    assert len(scatter.data) == 10 and scatter.height == 500
    scatter.widget.selection = np.array([0, 2])
    assert map_.selected == [40, 42]
    map_.selected = [41, 3]
    assert list(scatter.widget.selection) == [1]


def test_a_frame_keeps_shapes_and_finds_its_points():
    points = np.array([[0.0, 0], [2, 0], [2, 1]])
    frame = Frame.around(points)
    placed = frame.points
    assert np.allclose((placed[1] - placed[0])[0] / (placed[2] - placed[1])[1], -2), (
        "one scale, y upwards"
    )
    assert (placed >= 0).all() and (placed <= [WIDTH, HEIGHT]).all()
    for row in range(3):
        at = tuple(frame.view.to_place(placed[[row]])[0])
        assert frame.nearest(at) == row
        near = frame.seen_as(frame.view.zoomed(at, 0.1))
        assert near.nearest(tuple(near.view.to_place(placed[[row]])[0])) == row
    assert (
        frame.beside(0, "ArrowRight") == 1
        and frame.beside(1, "ArrowUp") == 2
        and frame.beside(0, "ArrowLeft") == 0
    )
    assert Frame.around(np.zeros((0, 2))).nearest((0.5, 0.5)) == -1


def test_a_view_never_leaves_the_frame():
    view = View()
    for at, factor in (((0, 0), 0.3), ((1, 1), 0.01), ((0.2, 0.9), 1.7), ((1, 0), 40.0)):
        view = view.zoomed(at, factor)
        assert 0 <= view.left <= view.left + view.width <= WIDTH + 1e-6
        assert 0 <= view.top <= view.top + view.height <= HEIGHT + 1e-6
    assert view == View()


def test_the_script_is_part_of_the_package():
    pointer = Pointer(lambda place: None, lambda action: None, "a <map>")
    page = pointer.children[0].value
    assert "addEventListener" in page and "a &lt;map&gt;" in page and page.count("<img") == 1
