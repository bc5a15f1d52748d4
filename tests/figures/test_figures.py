"""Facts about the lessons' plots: what their titles say, that they can be shown, and what they
refuse.
"""

import base64
import io
import math

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from PIL import Image
from small import noise_picture

from clipbench.evaluate.statistics.intervals import with_interval
from clipbench.figures import (
    LiveTrainingCurve,
    accuracy_bars,
    accuracy_dots,
    arrows_on_circle,
    attention_over_picture,
    compare_losses,
    contact_sheet,
    counted_axes,
    histograms,
    labelled_map,
    line_chart,
    occlusion_beside_picture,
    picture_map,
    points_in_plane,
    power_law_chart,
    probability_bars,
    similarity_heatmap,
    slope_chart,
    steering_filmstrip,
    to_pictures,
    training_curve,
    two_encoders,
    unit_favourites,
    value_grid,
)
from clipbench.figures.curves import smooth
from clipbench.figures.maps import label_places, main_kinds


def pictures(count: int) -> list[Image.Image]:
    return [noise_picture(64, 64, seed) for seed in range(count)]


def steps(losses, batch_size: int = 8) -> list[dict]:
    """What a trainer reports of a run with these losses."""
    start = {"event": "start", "step": 0, "pairs": 0, "seconds": 0.0}
    numbers = [
        (batch_size * n, 0.5 * n, loss, 1 - loss / 3) for n, loss in enumerate(losses, start=1)
    ]
    names = ("pairs", "seconds", "loss", "batch_accuracy")
    return [start] + [{"event": "step", **dict(zip(names, row, strict=True))} for row in numbers]


FEATURES = torch.nn.functional.normalize(torch.arange(8.0).view(4, 2).cos(), dim=1)
TEXTS = ["one cat", "two dogs on a long and winding road", "a", "the word “crane”"]
ACCURACY = {"top1": 0.5, "top1_low": 0.4, "top1_high": 0.6}
MAPS = torch.arange(48.0).view(3, 4, 4)
FRAMES = (pictures(3), [0, 10, 20], [0.1, 0.5, 0.9])
MAP = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
FIGURES = {
    "attention": lambda: attention_over_picture(
        pictures(1)[0], MAPS.repeat(3, 1, 1), [f"head {n}" for n in range(9)]
    ),
    "occlusion": lambda: occlusion_beside_picture(
        pictures(1)[0], MAPS[:2] - 20, TEXTS[:2], (0.1, 0.9)
    ),
    "unit": lambda: unit_favourites(
        "unit 7", pictures(8), pictures(6), ["crane, 1.0"] * 8, ["crane, 1.0"] * 6
    ),
    "steering": lambda: steering_filmstrip("a cat", {"plain": FRAMES, "16 views": FRAMES}),
    "sheet": lambda: contact_sheet(
        pictures(7), ["a caption of several words"] * 7, "Seven", columns=3
    ),
    "heat-map": lambda: similarity_heatmap(FEATURES @ FEATURES.T, pictures(4), TEXTS),
    "slopes": lambda: slope_chart(
        {"signs": [(90, 60), (88, 58)], "none": [(80, 80)]}, ("before", "after"), "One falls", "%"
    ),
    "machine": lambda: two_encoders(pictures(4), TEXTS, FEATURES @ FEATURES.T),
    "axes": lambda: counted_axes(
        {"a": (1, 2, 0), "b": (0, 1, 2)}, ("cats", "dogs", "bears"), "Two scenes"
    ),
    "circle": lambda: arrows_on_circle(
        {"before": ([0.1, 2.0], [1.0, 3.0]), "after": ([0.5, 2.5], [0.5, 2.5])}, "They meet"
    ),
    "probabilities": lambda: probability_bars(
        pictures(1)[0], TEXTS, torch.tensor([0.1, 0.2, 0.6, 0.1])
    ),
    "accuracies": lambda: accuracy_bars({"photo": ACCURACY, "sketch": ACCURACY}, chance=0.01),
    "map": lambda: labelled_map(
        MAP, ["cats", "dogs", None, "cats"] * 10, "Two kinds", [False, True] * 20
    ),
    "map of pictures": lambda: picture_map(MAP, pictures(len(MAP)), "Forty places"),
    "plane": lambda: points_in_plane(FEATURES, -FEATURES, pictures(4), TEXTS, "Four pairs"),
    "curve": lambda: training_curve(steps([2.0, 1.5, 1.0]), 8),
    "lines": lambda: line_chart(
        [1, 10, 100],
        {"a": ([3, 2, 1], [2, 1, 0], [4, 3, 2]), "b": [1, 2, 3]},
        "Up and down",
        "scale",
        "loss",
        logarithmic=True,
        marks={"here": 7},
    ),
    "histograms": lambda: histograms(
        {"own": [0.4, 0.5], "others": [0.0, 0.1, 0.2]}, "Own are higher", "cosine"
    ),
    "grid": lambda: value_grid(
        torch.eye(3), TEXTS[:3], ["a", "black and white", "c"], "Three by three", best_of="row"
    ),
    "losses": lambda: compare_losses({"true": steps([2.0, 1.0]), "shuffled": steps([2.0, 2.1])}, 8),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_itself_whole_with_a_sentence_for_those_who_do_not_see_it(name):
    figure = FIGURES[name]()
    data, metadata = figure._repr_mimebundle_()
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
        assert 300 <= picture.width <= 1000, "a notebook page is about 900 pixels wide"
        assert np.asarray(picture.convert("L")).std() > 5
    assert data["text/plain"] == metadata["image/png"]["alt"] == figure.alt != ""
    # all that is drawn lies inside the page, up to a tenth of an inch
    drawn = figure.get_tightbbox()
    assert drawn.x0 >= -0.1 and drawn.y0 >= -0.1
    assert drawn.x1 <= figure.get_figwidth() + 0.1 and drawn.y1 <= figure.get_figheight() + 0.1


DOLLARS = ["from $5 to $10", r"$\frac$ is no formula", "$"]
WITH_DOLLARS = {
    "sheet": lambda: contact_sheet(pictures(3), DOLLARS, DOLLARS[0]),
    "heat-map": lambda: similarity_heatmap(torch.eye(3), pictures(3), DOLLARS),
    "probabilities": lambda: probability_bars(
        pictures(1)[0], DOLLARS, torch.tensor([0.6, 0.3, 0.1])
    ),
    "accuracies": lambda: accuracy_bars(dict.fromkeys(DOLLARS, ACCURACY), chance=0.01),
    "map": lambda: labelled_map(MAP, [DOLLARS[1]] * 40, DOLLARS[0]),
    "occlusion": lambda: occlusion_beside_picture(pictures(1)[0], MAPS, DOLLARS, (0, 1)),
    "lines": lambda: line_chart(
        [1, 2], {key: [1, 2] for key in DOLLARS}, DOLLARS[1], DOLLARS[0], "loss"
    ),
}


@pytest.mark.parametrize("name", WITH_DOLLARS)
def test_a_dollar_begins_no_formula(name):
    figure = WITH_DOLLARS[name]()
    assert figure.png()
    assert not [
        text for text in figure.findobj(Text) if "$" in text.get_text() and text.get_parse_math()
    ]


def test_the_powers_of_a_logarithmic_axis_are_formulas():
    figure = line_chart(
        range(1, 200, 7), {"a": range(1, 200, 7)}, "Up", "pairs", "loss", logarithmic=True
    )
    assert figure.png()
    powers = [label for label in figure.axes[0].get_xticklabels() if label.get_text()]
    assert len(powers) >= 3 and all(label.get_parse_math() for label in powers)


def test_the_same_numbers_give_the_same_bytes():
    assert FIGURES["curve"]().png() == FIGURES["curve"]().png()


def test_the_heat_maps_title_counts_pictures_that_find_their_caption():
    similarity = torch.tensor(
        [[0.9, 0.1, 0.8], [0.0, 0.5, 0.2], [0.1, 0.2, 0.3]]
    ).T  # pictures first
    title = similarity_heatmap(similarity, pictures(3), list("abc")).alt
    assert (
        "0.57 with the own caption, 0.23 with others; 2 of 3 pictures find their caption" in title
    )


def test_the_probability_chart_names_the_most_probable_text():
    figure = probability_bars(pictures(1)[0], ["cat", "dog"], torch.tensor([0.25, 0.75]))
    assert figure.get_suptitle() == "“dog” gets 75%"


def test_the_accuracy_chart_names_the_extremes_and_chance():
    rows = {
        name: {"top1": p, "top1_low": p, "top1_high": p}
        for name, p in (("photo", 0.9), ("sketch", 0.4))
    }
    assert "From 40% (sketch) to 90% (photo); chance is 1.0%" in accuracy_bars(rows, 0.01).alt


def test_titles_of_what_is_inside_are_computed():
    even, one = torch.ones(4, 4), torch.zeros(4, 4)
    one[0, 0] = 1
    attention = attention_over_picture(pictures(1)[0], torch.stack([even, one]), ["even", "one"])
    assert "gets from 25% (even) to 100% (one)" in attention.alt
    occlusion = occlusion_beside_picture(
        pictures(1)[0], torch.stack([0.1 * even, -one]), ["a cat", "a dog"], (0.25, 0.75)
    )
    (ax,) = [ax for ax in occlusion.axes if ax.get_title() == "“a cat”"]
    assert list(ax.get_images()[1].get_extent()) == [0.25, 0.75, 0.25, 0.75]
    assert ax.get_xlim() == ax.get_ylim() == (0, 1)
    assert "0.10 (“a cat”), 0.00 (“a dog”)" in occlusion.alt
    assert "grows from 0.10 to 0.90 (plain)" in steering_filmstrip("a cat", {"plain": FRAMES}).alt


def test_an_accuracy_of_nothing_or_everything_can_be_drawn():
    nothing, everything = with_interval("top1", 0, 80), with_interval("top1", 80, 80)
    assert accuracy_bars({"nothing": nothing, "everything": everything}, 0.01).png()


def test_the_training_curve_has_the_line_of_a_model_that_knows_nothing():
    loss_axes = training_curve(steps([2.0, 1.0]), batch_size=8).axes[0]
    (line,) = [line for line in loss_axes.lines if "ln 8" in str(line.get_label())]
    assert list(line.get_ydata()) == pytest.approx([math.log(8)] * 2)


def test_a_running_mean_keeps_the_length_and_the_mean_of_a_constant():
    assert smooth(np.full(40, 3.0), window=15) == pytest.approx(np.full(40, 3.0))
    assert smooth(np.arange(5.0), window=3) == pytest.approx([0.5, 1, 2, 3, 3.5])


def test_the_live_curve_keeps_all_events_and_draws_a_few(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda figure, display_id: shown.append(figure))
    live = LiveTrainingCurve(batch_size=8, every=3600)
    for event in [*steps([2.0, 1.5, 1.0]), {"event": "end"}]:
        live(event)
    assert len(live.events) == 5
    assert len(shown) == 2, "the first step and the end"


def test_a_run_without_a_step_draws_nothing(monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: pytest.fail("drew"))
    LiveTrainingCurve(batch_size=8)({"event": "end"})


def test_pixels_become_pictures():
    images = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    assert (np.asarray(to_pictures(images)[1]) == images[1].permute(1, 2, 0).numpy()).all()


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="equally long"):
        contact_sheet(pictures(2), ["only one"])
    with pytest.raises(ValueError, match="2 pictures and 3 texts"):
        similarity_heatmap(torch.zeros(2, 2), pictures(2), list("abc"))
    with pytest.raises(ValueError, match="7 lines are too many"):
        line_chart([1, 2], {str(n): [n, n] for n in range(7)}, "Seven", "x", "y")


def test_a_histogram_shows_shares_so_that_groups_of_any_size_can_be_compared():
    axes = histograms({"few": [0.0, 1.0], "many": [0.0, 1.0] * 500}, "The same", "x", bins=2).axes[
        0
    ]
    heights = [sorted(set(patch.get_path().vertices[:, 1].round(6))) for patch in axes.patches]
    assert heights[0] == heights[1] == [0.0, 50.0]


def test_names_on_a_map_stand_among_their_own_kind():
    clusters = np.repeat([[0.0, 0], [9, 0], [0, 9]], 20, axis=0) + np.random.default_rng(0).normal(
        size=(60, 2)
    )
    places = label_places(clusters, np.repeat([0, 1, 2], 20), ["a", "b", "c"])
    for name, middle in zip("abc", ([0, 0], [9, 0], [0, 9]), strict=True):
        assert np.linalg.norm(np.array(places[name]) - middle) < 3
    assert label_places(np.zeros((0, 2)), np.zeros(0, int), ["a"]) == {}
    assert list(label_places(np.zeros((3, 2)), np.array([0, 0, 1]), ["a", "b"])) == ["a"], (
        "one place, one name"
    )


def test_the_most_frequent_kinds_get_colours():
    assert main_kinds(["x"] + ["y"] * 3 + ["z"], most=2) == ["y", "x"]
    assert "of 40 points: cats, dogs" in FIGURES["map"]().alt


def test_a_table_prints_the_largest_of_each_column_in_bold():
    figure = value_grid(
        torch.tensor([[1.0, 9.0], [2.0, 3.0]]), ["a", "b"], ["c", "d"], "Four", best_of="column"
    )
    assert {text.get_text() for text in figure.axes[0].texts if text.get_weight() == "bold"} == {
        "2",
        "9",
    }
    with pytest.raises(ValueError, match="2 rows and 1 columns"):
        value_grid(torch.zeros(2, 2), ["a", "b"], ["c"], "Two")


def test_a_power_law_is_straight_and_its_axis_has_plain_numbers():
    x = [1.0, 10.0, 100.0]
    y = [50 * value**-0.1 for value in x]
    ax = power_law_chart({"runs": (x, y)}, "t", "x", "y", names={"runs": ["a", "b", "c"]}).axes[0]
    (line,) = ax.lines
    points = ax.transData.transform(line.get_xydata())
    assert np.diff(points[:, 1])[0] == pytest.approx(np.diff(points[:, 1])[1])
    assert {"40", "50"} <= {tick.get_text() for tick in ax.get_yticklabels()}
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]


def test_dots_name_the_questions_that_are_only_guessed():
    questions = {"colour": with_interval("top1", 95, 100), "order": with_interval("top1", 52, 100)}
    figure = accuracy_dots(questions, [0.1, 0.5])
    assert "1 of 2 above chance; not order" in figure.alt
    assert figure.png().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="equally long"):
        accuracy_dots(questions, [0.1])
